// SPDX-License-Identifier: GPL-2.0
/* What tcbpeer does with --rendezvous, and what it says about it. */
#include "peer/meeting.h"
#include "lib/clock.h"
#include "lib/say.h"
#include "peer/join.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <poll.h>
#include <string.h>
#include <unistd.h>

/* Meets at the rendezvous, and if that comes to nothing from another port. */
struct meeting {
	const struct option_set *set;
	const struct report *report;
	struct join join;
	struct meet meet; /* the last one that has come about */
	struct punch punch;
	struct diagnosis diagnosis;
	char again[MEET_NAME + 1]; /* the name then */
};

static int meeting_secret(struct meeting *m)
{
	uint8_t text[SECRET_MAX];
	int len = secret_read(m->set->secret, text);

	if (len < 0)
		return say_fail(EXIT_FAILED,
				len == -EMSGSIZE ? "it has less than 8 bytes, "
						   "or more than 1023" :
						   NULL,
				"head -c 32 /dev/urandom | base64 makes one",
				"cannot read the secret in %s: %s",
				m->set->secret, strerror(-len));
	secret_derive(&m->join.secret, text, len, m->set->name);
	explicit_bzero(text, sizeof(text));
	return EXIT_DONE;
}

static void meeting_seen(const struct join *join)
{
	const struct sockaddr_storage *ss = &join->meet.seen;
	const struct sockaddr_in6 *sin6 = (const struct sockaddr_in6 *)ss;
	const struct sockaddr_in *sin = (const struct sockaddr_in *)ss;
	bool v6 = ss->ss_family == AF_INET6;
	char text[INET6_ADDRSTRLEN];

	inet_ntop(ss->ss_family,
		  v6 ? (void *)&sin6->sin6_addr : (void *)&sin->sin_addr, text,
		  sizeof(text));
	say_note(v6 ? "seen as [%s]:%u, mapping: %s; waiting for the peer" :
		      "seen as %s:%u, mapping: %s; waiting for the peer",
		 text, ntohs(v6 ? sin6->sin6_port : sin->sin_port),
		 diagnose_mapping_name(join->mapping));
}

static int meeting_fail_join(const struct meeting *m, int err)
{
	const char *why = NULL, *then = NULL;

	switch (err) {
	case -EINTR:
		return say_fail(EXIT_FAILED, NULL, NULL, "interrupted");
	case -EACCES:
		why = "the two have not the same secret";
		then = "give both the same file, or another --name: a stranger "
		       "may use this one";
		break;
	case -EEXIST:
		why = "two are there already under that name";
		then = "wait, or agree on another --name";
		break;
	case -ENOLINK:
		why = "the peer has gone";
		then = "begin again at both ends";
		break;
	case -EBUSY:
		why = "the rendezvous has too many peers, or too many of here";
		then = "try again in a minute";
		break;
	case -ETIMEDOUT:
		why = m->punch.meetings ?
			      "the peer has not come back for another try" :
			      "it does not answer, or nobody has come for long";
		then = "see that it runs, and begin at both ends";
		break;
	case -ECONNRESET:
		why = "the rendezvous has gone";
		then = "begin again at both ends once it is back";
		break;
	case -EPROTO:
		why = "that is no rendezvous of tcbpeer's, or another version";
		then = "see what listens there, and the --version of all three";
		break;
	case -ECONNREFUSED:
		why = "nobody listens there";
		then = "start tcbpeer rendezvous";
		break;
	}
	return say_fail(EXIT_FAILED, why, then,
			"cannot meet \"%s\" at the rendezvous %s: %s",
			m->set->name, m->set->rendezvous_text, strerror(-err));
}

static void meeting_report(const struct meeting *m)
{
	if (m->set->line || m->set->json || !m->set->quiet)
		report_punch(m->report, &m->punch, &m->diagnosis);
}

/* Returns 0 or -errno as join_meet(). */
static int meeting_join(struct meeting *m)
{
	struct join *join = &m->join;
	int err;

	join->own = m->set->config.local;
	join->own.ss_family = m->set->rendezvous.ss_family;
	if (m->punch.meetings) {
		join->again = true;
		join->end_ns = m->punch.last_ns;
		meet_name_again(&m->meet, m->again);
		join->name = m->again;
	}
	err = join_meet(join);
	if (!err)
		m->meet = join->meet;
	return err;
}

/* Returns 0 or -errno as punch_step(), or -ENOENT, -EINTR. */
static int meeting_punch(struct meeting *m)
{
	struct punch_config config = {
		.peer = m->set->config,
		.own = m->join.own,
		.told_ns = m->join.came_ns,
	};
	struct pollfd pfd = { .fd = m->join.stop, .events = POLLIN };
	int err;

	err = m->punch.meetings ? punch_renew(&m->punch, &m->meet, &config) :
				  punch_init(&m->punch, &m->meet, &config);
	if (err)
		return err;
	while ((err = punch_step(&m->punch)) > 0 && !poll(&pfd, 1, 0))
		;
	m->diagnosis = diagnose(&m->punch);
	punch_exit(&m->punch);
	return err > 0 ? -EINTR : err;
}

static int meeting_fail_punch(const struct meeting *m, int err)
{
	if (err == -EINTR)
		return say_fail(EXIT_FAILED, NULL, NULL, "interrupted");
	if (err == -ENOENT)
		return say_fail(EXIT_FAILED, "it has none that fits ours", NULL,
				"no address of the peer can be tried");
	meeting_report(m);
	return say_fail(EXIT_FAILED, diagnose_text(m->diagnosis.why),
			diagnose_help(m->diagnosis.why),
			"no way to the peer: %s", strerror(-err));
}

/* Returns EXIT_DONE with m->punch.fd connected, or the code to end with. */
static int meeting_until_open(struct meeting *m)
{
	int err;

	do {
		err = meeting_join(m);
		if (err && err != -EINTR && m->punch.meetings)
			meeting_report(m);
		if (err)
			return meeting_fail_join(m, err);
		if (!m->set->quiet)
			say_note("the peer is there and has the secret; "
				 "opening");
		err = meeting_punch(m);
		join_leave(&m->join);
		if (err == -EAGAIN && !m->set->quiet)
			say_note("no way yet (%s); meeting again, from another "
				 "port",
				 diagnose_name(m->diagnosis.why));
	} while (err == -EAGAIN);
	if (err)
		return meeting_fail_punch(m, err);
	meeting_report(m);
	return EXIT_DONE;
}

int meeting_open(const struct option_set *set, const struct report *report,
		 int stop, int *fd, struct peer_result *result)
{
	static struct meeting m;
	const struct punch_try *won;
	int code;

	m.set = set;
	m.report = report;
	m.join.rendezvous = set->rendezvous;
	m.join.len = set->config.len;
	m.join.name = set->name;
	m.join.stop = stop;
	m.join.seen = set->quiet ? NULL : meeting_seen;
	code = meeting_secret(&m);
	if (code)
		return code;
	m.join.fd = -1;
	code = meeting_until_open(&m);
	join_leave(&m.join);
	if (code)
		return code;
	won = &m.punch.tries[m.punch.winner];
	*fd = m.punch.fd;
	*result = won->result;
	if (set->line || set->json || !set->quiet)
		report_open(report, &won->config, result);
	return EXIT_DONE;
}
