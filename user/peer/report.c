// SPDX-License-Identifier: GPL-2.0
/* One object a line in JSON, one line of words in text. */
#include "peer/report.h"
#include "lib/say.h"
#include "peer/talk.h"

#include <arpa/inet.h>
#include <inttypes.h>
#include <netinet/in.h>
#include <string.h>

static void report_string(FILE *file, const char *name, const char *s,
			  size_t len)
{
	char text[6 * TALK_LINE_SIZE + 1];

	say_json(text, sizeof(text), s, len);
	fprintf(file, ",\"%s\":\"%s\"", name, text);
}

static void report_number(FILE *file, const char *name, uint64_t n)
{
	fprintf(file, ",\"%s\":%" PRIu64, name, n);
}

/* @side is 'l' or 'r': "laddr" and "lport", or "raddr" and "rport". */
static void report_endpoint(FILE *file, char side,
			    const struct sockaddr_storage *ss)
{
	const struct sockaddr_in6 *sin6 = (const struct sockaddr_in6 *)ss;
	const struct sockaddr_in *sin = (const struct sockaddr_in *)ss;
	bool v6 = ss->ss_family == AF_INET6;
	char text[INET6_ADDRSTRLEN], name[] = "?addr", port[] = "?port";

	inet_ntop(ss->ss_family,
		  v6 ? (void *)&sin6->sin6_addr : (void *)&sin->sin_addr, text,
		  sizeof(text));
	name[0] = port[0] = side;
	report_string(file, name, text, strlen(text));
	report_number(file, port, ntohs(v6 ? sin6->sin6_port : sin->sin_port));
}

static void report_open_json(FILE *file, const struct peer_config *config,
			     const struct peer_result *res)
{
	fputs("{\"type\":\"open\"", file);
	report_endpoint(file, 'l', &config->local);
	report_endpoint(file, 'r', &config->remote);
	report_number(file, "attempts", res->attempts);
	report_number(file, "refused", res->refused);
	report_number(file, "reset", res->reset);
	report_number(file, "timedout", res->timedout);
	report_number(file, "limited", res->limited);
	report_number(file, "unreachable", res->unreachable);
	report_number(file, "inuse", res->inuse);
	report_number(file, "elapsed_ns", res->elapsed_ns);
	if (res->error) {
		const char *name = strerrorname_np(-res->error);

		report_string(file, "error", name ? name : "?",
			      name ? strlen(name) : 1);
	} else {
		if (res->crossed != PEER_CROSSED_UNKNOWN)
			fprintf(file, ",\"crossed\":%s",
				res->crossed == PEER_CROSSED_YES ? "true" :
								   "false");
		if (res->accepted)
			fputs(",\"accepted\":true", file);
		report_number(file, "segs_in", res->segs_in);
		report_number(file, "segs_out", res->segs_out);
		report_string(file, "cc", res->cc, strlen(res->cc));
	}
	fputs("}\n", file);
}

static void report_open_text(const struct report *report,
			     const struct peer_result *res)
{
	static const char *const crossed[] = {
		[PEER_CROSSED_UNKNOWN] = "",
		[PEER_CROSSED_NO] = "not crossed, ",
		[PEER_CROSSED_YES] = "crossed, ",
	};

	fprintf(report->file, "%s %s > %s: %s%u attempt%s, %u refused, %.3f ms",
		res->error ? "failed" : "open  ", report->local, report->remote,
		res->error    ? "" :
		res->accepted ? "accepted, " :
				crossed[res->crossed],
		res->attempts, res->attempts == 1 ? "" : "s", res->refused,
		res->elapsed_ns / 1e6);
	if (!res->error)
		fprintf(report->file, ", segments in %u out %u, %s",
			res->segs_in, res->segs_out, res->cc);
	putc('\n', report->file);
}

void report_open(const struct report *report, const struct peer_config *config,
		 const struct peer_result *result)
{
	if (report->json)
		report_open_json(report->file, config, result);
	else
		report_open_text(report, result);
}

static void report_word(FILE *file, const char *name, const char *word)
{
	report_string(file, name, word, strlen(word));
}

void report_punch(const struct report *report, const struct punch *punch,
		  const struct diagnosis *diagnosis)
{
	const struct meet *meet = punch->meet;
	const char *own = diagnose_mapping_name(meet->own.mapping);
	const char *theirs = diagnose_mapping_name(meet->partner.mapping);
	const char *filter = diagnose_filter_name(diagnosis->filter);
	const char *kind = punch->winner < 0 ?
				   NULL :
				   diagnose_kind_name(
					   punch->tries[punch->winner].kind);

	if (!report->json) {
		fprintf(report->file,
			"punch  %s candidate%s; NAT here: %s; "
			"there: %s, a SYN too early: %s; meetings: %u\n",
			kind ?: "no", kind ? "" : " came through", own, theirs,
			filter, punch->meetings);
		return;
	}
	fputs("{\"type\":\"punch\"", report->file);
	report_endpoint(report->file, 's', &meet->seen);
	if (kind)
		report_word(report->file, "candidate", kind);
	report_word(report->file, "diagnosis", diagnose_name(diagnosis->why));
	report_word(report->file, "mapping", own);
	report_word(report->file, "peer_mapping", theirs);
	report_word(report->file, "peer_filter", filter);
	report_number(report->file, "meetings", punch->meetings);
	fputs("}\n", report->file);
}

void report_message(const struct report *report, const char *line, size_t len)
{
	char text[4 * TALK_LINE_SIZE + 1];

	if (report->json) {
		fputs("{\"type\":\"message\"", report->file);
		report_string(report->file, "message", line, len);
		fputs("}\n", report->file);
		return;
	}
	say_escape(text, sizeof(text), line, len);
	fprintf(report->file, "peer   %s\n", text);
}

void report_closed(const struct report *report, uint64_t sent,
		   uint64_t received)
{
	if (!report->json) {
		fputs("closed\n", report->file);
		return;
	}
	fputs("{\"type\":\"closed\"", report->file);
	report_number(report->file, "sent_bytes", sent);
	report_number(report->file, "received_bytes", received);
	fputs("}\n", report->file);
}
