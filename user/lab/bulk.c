// SPDX-License-Identifier: GPL-2.0
/* Buffers are large: only the congestion window limits what is under way. */
#include "lab/bulk.h"
#include "lab/end.h"
#include "lab/witness.h"

#include <errno.h>
#include <inttypes.h>
#include <json-c/json.h>
#include <poll.h>
#include <string.h>

void bulk_plain(struct stage *s, unsigned int ms)
{
	stage_rto_min(s, A, ms);
	stage_sysctl(s, A, "net/ipv4/tcp_congestion_control", "reno");
	stage_sysctl(s, A, "net/ipv4/tcp_early_retrans", "0");
}

struct stage_conn bulk_connect(struct stage *s)
{
	struct end *a = stage_end(s, A), *b = stage_end(s, B);
	struct stage_conn c = { .listener = end_listen(b, 2001, 5) };

	end_set(b, c.listener, SOL_SOCKET, SO_RCVBUF, BULK_ROOM);
	stage_connect_again(s, &c);
	end_set(a, c.fd, SOL_SOCKET, SO_SNDBUF, BULK_ROOM);
	return c;
}

struct stage_conn bulk_lose(struct stage *s, unsigned int first, unsigned int n)
{
	const struct rule rule = {
		.which = BULK_SEGMENTS(first, n),
		.to = n,
		.action = RULE_DROP,
	};
	struct stage_conn c = bulk_connect(s);

	stage_rule(s, &rule);
	return c;
}

int bulk_send(struct end *me, int arg)
{
	int fd = arg & 0xff, left = (arg >> 8) * BULK_MSS, n = 0;

	memset(me->data, 0, END_DATA);
	while (left > 0 && n >= 0) {
		n = send(fd, me->data, left < END_DATA ? left : END_DATA, 0);
		left -= n > 0 ? n : 0;
	}
	return n < 0 ? -errno : 0;
}

void bulk_await(struct stage *s, const struct stage_conn *c, unsigned int n)
{
	end_set(stage_end(s, B), c->child, SOL_SOCKET, SO_RCVLOWAT,
		n * BULK_MSS);
}

void bulk_receive(struct stage *s, const struct stage_conn *c, unsigned int n)
{
	struct end *b = stage_end(s, B);

	end_poll(b, c->child, POLLIN, -1);
	end_drain(b, c->child, n * BULK_MSS);
}

void bulk_transfer(struct stage *s, const struct stage_conn *c, unsigned int n)
{
	static const struct rule written = {
		.which = { .from = RULE_A, .kinds = PACKET_DATA },
		.action = RULE_HOLD,
	};
	int rule;

	bulk_await(s, c, n);
	rule = n > BULK_FLIGHT ? stage_rule(s, &written) : -1;
	end_do(stage_end(s, A), bulk_send, c->fd | n << 8);
	wire_remove(s->wire, rule);
	bulk_receive(s, c, n);
}

void bulk_say_window(struct stage *s, const char *phase)
{
	struct sighting what = { .type = "window" };
	struct json_object *event, *last = NULL;
	uint64_t cwnd, ssthresh;
	const char *is, *was;
	size_t from = 0;

	while ((event = witness_next(s->tracer->witness, &what, &from))) {
		is = witness_string(event, "ca_state");
		was = witness_string(event, "old_ca_state");
		if (stage_has(s, A, event) && is && was && !strcmp(is, phase) &&
		    strcmp(was, phase))
			last = event;
	}
	if (!last) {
		stage_fact(s, A, "never in %s", phase);
		return;
	}
	cwnd = witness_number(last, "cwnd");
	ssthresh = witness_number(last, "ssthresh");
	stage_fact(s, A, "%s: cwnd %" PRIu64 "; ssthresh %" PRIu64 "%s", phase,
		   cwnd, ssthresh, ssthresh == cwnd / 2 ? ": half" : "");
}
