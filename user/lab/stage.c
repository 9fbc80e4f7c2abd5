// SPDX-License-Identifier: GPL-2.0
/* Sets the stage, plays, judges, and clears it. */
#include "lab/stage.h"
#include "lab/counter.h"
#include "lab/missed.h"
#include "lab/need.h"
#include "lab/witness.h"
#include "lib/clock.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#define STAGE_MARK 1 /* port of the listener that says: all was shown */

/* Drops would only be in the way where nothing is to be said of them. */
char *stage_events(const struct scenario *scenario)
{
	static char most[] = "state,window,retransmit,reset,queue,call,segment";
	static char all[] =
		"state,window,retransmit,reset,queue,call,segment,drop";
	const struct expect *e;

	for (e = scenario ? scenario->expect : NULL; e && e->ends; e++)
		if (!strcmp(e->type, "drop"))
			return all;
	return scenario ? most : all;
}

int stage_side(int side)
{
	return side == B;
}

struct end *stage_end(struct stage *s, int side)
{
	return &s->end[stage_side(side)];
}

void stage_connect_again(struct stage *s, struct stage_conn *conn)
{
	struct end *a = stage_end(s, A), *b = stage_end(s, B);

	conn->fd = end_socket(a, 0);
	end_connect(a, conn->fd, b->ip, 2001);
	conn->child = end_accept(b, conn->listener, 0);
}

struct stage_conn stage_connect(struct stage *s)
{
	struct stage_conn conn = {
		.listener = end_listen(stage_end(s, B), 2001, 5),
	};

	stage_connect_again(s, &conn);
	return conn;
}

void stage_hang_up(struct stage *s, const struct stage_conn *conn)
{
	struct end *a = stage_end(s, A), *b = stage_end(s, B);

	end_close(a, conn->fd);
	end_seen(b, "state", "ESTABLISHED>CLOSE_WAIT");
	end_close(b, conn->child);
	end_close(b, conn->listener);
	end_seen(b, "state", "LAST_ACK>CLOSE");
}

void stage_hang_up_both(struct stage *s, const int fd[2])
{
	struct end *end[2] = { stage_end(s, A), stage_end(s, B) };
	int i;

	stage_hold(s, BOTH);
	for (i = 0; i < 2; i++) {
		end_close(end[i], fd[i]);
		end_seen(end[i], "state", "ESTABLISHED>FIN_WAIT1");
	}
	stage_held(s, BOTH);
	stage_let_go(s, BOTH);
	for (i = 0; i < 2; i++)
		end_seen(end[i], "state", "CLOSING>TIME_WAIT");
}

uint64_t stage_patience_ns(const struct stage *s)
{
	return s->control ? STAGE_HASTE_NS : STAGE_PATIENCE_NS;
}

bool stage_has(const struct stage *s, int side, struct json_object *event)
{
	uint64_t ts_ns = witness_number(event, "ts_ns");

	return witness_number(event, "netns") ==
		       s->pair.side[stage_side(side)].inode &&
	       ts_ns >= s->began_ns && (!s->ended_ns || ts_ns <= s->ended_ns);
}

/* ------------------------------------------------ for scenarios */

#define STAGE_TEXT(text, fmt)                             \
	do {                                              \
		va_list args;                             \
                                                          \
		va_start(args, fmt);                      \
		vsnprintf(text, sizeof(text), fmt, args); \
		va_end(args);                             \
	} while (0)

void stage_say(struct stage *s, const char *fmt, ...)
{
	char text[512];

	if (!s->say)
		return;
	STAGE_TEXT(text, fmt);
	s->say("%s", text);
}

void stage_fail(struct stage *s, const char *fmt, ...)
{
	if (!*s->failed)
		STAGE_TEXT(s->failed, fmt);
}

bool stage_failed(const struct stage *s)
{
	return *s->failed;
}

void stage_fact(struct stage *s, int side, const char *fmt, ...)
{
	struct stage_fact *fact = &s->facts[s->n_facts];
	char *comma;

	if (stage_failed(s) || s->n_facts == STAGE_FACTS)
		return;
	fact->side = side;
	STAGE_TEXT(fact->text, fmt);
	while ((comma = strchr(fact->text, ','))) /* it separates events */
		*comma = ';';
	stage_say(s, "%c  * %s", '@' + side, fact->text);
	s->n_facts++;
}

/* One of the gate's functions, for each of @sides. */
static void stage_gate(struct stage *s, int sides, const char *what,
		       int (*fn)(struct gate *gate, int side))
{
	int side, err = 0;

	if (s->control && s->scenario->control.gate_open)
		return;
	for (side = A; side <= B && !err; side++)
		if (sides & side && !stage_failed(s))
			err = fn(&s->gate, stage_side(side));
	if (err)
		stage_fail(s, "%s: %s", what, strerror(-err));
	else
		stage_say(s, "   %s", what);
}

void stage_hold(struct stage *s, int sides)
{
	stage_gate(s, sides, "the gate is closed", gate_close_side);
}

void stage_let_go(struct stage *s, int sides)
{
	stage_gate(s, sides, "the gate opens", gate_open_side);
}

static int stage_wait_held(struct gate *gate, int side)
{
	return gate_wait_held(gate, side, AF_INET, STAGE_PATIENCE_NS);
}

static int stage_wait_held6(struct gate *gate, int side)
{
	return gate_wait_held(gate, side, AF_INET6, STAGE_PATIENCE_NS);
}

void stage_held(struct stage *s, int sides)
{
	stage_gate(s, sides, "what was sent is held",
		   s->scenario->family == AF_INET6 ? stage_wait_held6 :
						     stage_wait_held);
}

int stage_rule(struct stage *s, const struct rule *rule)
{
	int n;

	if (stage_failed(s) || (s->control && s->scenario->control.no_rules))
		return -1;
	n = wire_add(s->wire, rule);
	if (n < 0)
		stage_fail(s, "adding a rule: %s", strerror(-n));
	return n;
}

void stage_rule_done(struct stage *s, int rule, unsigned int n)
{
	int err;

	if (stage_failed(s) || rule < 0)
		return;
	err = wire_wait(s->wire, rule, n, stage_patience_ns(s));
	if (err)
		stage_fail(s, "rule %d was not carried out %u times: %s", rule,
			   n, strerror(-err));
}

void stage_release(struct stage *s, int rule)
{
	if (!stage_failed(s) && rule >= 0)
		wire_release(s->wire, rule, 0);
}

void stage_nat(struct stage *s, int sides, enum nat_mapping mapping,
	       enum nat_filter filter)
{
	const struct nat_kind kind = { .mapping = mapping, .filter = filter };
	int side, err = 0;

	for (side = A; side <= B && !err; side++)
		if (sides & side && !stage_failed(s))
			err = nat_set(&s->nat, stage_side(side), kind);
	if (err)
		stage_fail(s, "rules for the NAT: %s", strerror(-err));
}

void stage_sysctl(struct stage *s, int sides, const char *path,
		  const char *value)
{
	int side, err = 0;

	for (side = A; side <= B && !err; side++)
		if (sides & side && !stage_failed(s))
			err = netns_sysctl(s->pair.side[stage_side(side)].fd,
					   path, value);
	if (err)
		stage_fail(s, "%s = %s: %s", path, value, strerror(-err));
	else
		stage_say(s, "   %s = %s", path, value);
}

void stage_rto_min(struct stage *s, int side, unsigned int ms)
{
	const struct netns_side *sides = s->pair.side;
	int i = stage_side(side), err;

	if (stage_failed(s))
		return;
	err = s->gate.pair ? gate_rto_min(&s->gate, i, ms) :
			     netns_rto_min(&sides[i], &sides[!i], ms);
	if (err)
		stage_fail(s, "a route with a least timeout: %s",
			   strerror(-err));
	else
		stage_say(s, "   no timeout is shorter than %u ms", ms);
}

void stage_patient(struct stage *s, int sides)
{
	int side;

	stage_sysctl(s, sides, "net/ipv4/tcp_early_retrans", "0");
	for (side = A; side <= B; side++)
		if (sides & side)
			stage_rto_min(s, side, STAGE_NEVER_MS);
}

int64_t stage_counter(struct stage *s, int side, const char *name)
{
	return counter_read(s->pair.side[stage_side(side)].fd, name);
}

/* ------------------------------------------------ setting it */

/* Of the two namespaces only the first one is used. */
static int stage_loopback(struct stage *s)
{
	struct netns_side *side = s->pair.side;
	int fd = fcntl(side[0].fd, F_DUPFD_CLOEXEC, 3);

	if (fd < 0)
		return -errno;
	close(side[1].fd);
	inet_pton(AF_INET, "127.0.0.1", &side[0].addr4);
	inet_pton(AF_INET6, "::1", &side[0].addr6);
	side[1] = side[0];
	side[1].fd = fd;
	return 0;
}

static int stage_wire(struct stage *s)
{
	strcpy(s->pair.side[0].ifname, "wa");
	strcpy(s->pair.side[1].ifname, "wb");
	return wire_create(&s->wire, &s->pair, &s->scenario->wire);
}

/* The hosts are the two namespaces; their addresses are the lab's. */
static int stage_hosts(struct stage *s)
{
	int host[2], i, err;

	for (i = 0; i < 2; i++)
		host[i] = s->pair.side[i].fd;
	err = nat_create(&s->nat, host, &s->scenario->wire);
	s->wire = s->nat.wire;
	inet_pton(AF_INET, NAT_HOST0, &s->pair.side[0].addr4);
	inet_pton(AF_INET, NAT_HOST1, &s->pair.side[1].addr4);
	return err;
}

static int stage_pair(struct stage *s)
{
	int err = netns_join(&s->pair);

	if (!err)
		err = gate_init(&s->gate, &s->pair);
	return err ? err : gate_open(&s->gate);
}

static int stage_place(struct stage *s)
{
	switch (s->scenario->place) {
	case PLACE_LOOPBACK:
		return stage_loopback(s);
	case PLACE_WIRE:
		return stage_wire(s);
	case PLACE_NAT:
		return stage_hosts(s);
	case PLACE_PAIR:
		break;
	}
	return stage_pair(s);
}

static void stage_control(struct stage *s)
{
	const char *sysctl = s->scenario->control.sysctl, *value;
	char path[128];

	if (!s->control)
		return;
	stage_say(s, "   but this time: %s", s->scenario->control.what);
	value = sysctl ? strchr(sysctl, '=') : NULL;
	if (!value)
		return;
	snprintf(path, sizeof(path), "%.*s", (int)(value - sysctl), sysctl);
	stage_sysctl(s, s->scenario->place == PLACE_LOOPBACK ? A : BOTH, path,
		     value + 1);
}

static int stage_ends(struct stage *s)
{
	static const char *const comm[2] = { "client", "server" };
	int family = s->scenario->family ?: AF_INET, i, err = 0;

	for (i = 2; i < STAGE_ENDS && !err; i++) {
		s->end[i].stage = s;
		err = actor_open(&s->end[i].actor);
	}
	for (i = 0; i < 2 && !err; i++) {
		const struct netns_side *side = &s->pair.side[i];

		inet_ntop(family,
			  family == AF_INET6 ? (void *)&side->addr6 :
					       (void *)&side->addr4,
			  s->end[i].ip, sizeof(s->end[i].ip));
		err = end_start(&s->end[i], s, A + i,
				s->scenario->comm[i] ?: comm[i]);
	}
	return err;
}

/* ------------------------------------------------ playing */

static int stage_mark(void *arg)
{
	const struct sockaddr_in at = { .sin_family = AF_INET,
					.sin_port = htons(STAGE_MARK) };
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0), err = 0;

	(void)arg;
	if (fd < 0)
		return -errno;
	if (bind(fd, (void *)&at, sizeof(at)) || listen(fd, 1))
		err = -errno;
	close(fd);
	return err;
}

/*
 * Until the trace has shown all that has happened: events are shown in the
 * order of time, so that is so once something later has been. Or to its end.
 */
static int stage_settle(struct stage *s)
{
	struct sighting mark = {
		.type = "state",
		.netns = s->pair.side[0].inode,
		.lport = STAGE_MARK,
		.old = "LISTEN",
	};
	int err;

	s->ended_ns = clock_now_ns();
	if (s->last) {
		err = tracer_stop(s->tracer);
		return err > 0 ? -EPIPE : err;
	}
	err = netns_call(s->pair.side[0].fd, stage_mark, NULL);
	return err ? err :
		     witness_wait(s->tracer->witness, &mark, STAGE_PATIENCE_NS);
}

static void stage_judge(struct stage *s, struct report *r)
{
	const struct witness *w = s->tracer->witness;
	int64_t counted[2][MISSED_COUNTERS];
	int err;

	missed_count(s, counted);
	err = stage_settle(s);
	if (!err)
		err = judge(s, r);
	if (err) {
		stage_fail(s, "reading the trace: %s", strerror(-err));
	} else if (s->last && witness_counter(w, "ring_lost")) {
		/* what was not seen at other sockets is no matter of ours */
		stage_fail(s, "the trace has lost %lld events",
			   (long long)witness_counter(w, "ring_lost"));
	}
	if (stage_failed(s))
		r->outcome = OUTCOME_FAILED;
	if (r->outcome != OUTCOME_PROVED)
		r->missed = missed(s, counted, r->lacks, sizeof(r->lacks));
	snprintf(r->why, sizeof(r->why), "%s", s->failed);
}

/* Why it cannot be played, if -errno says that of the machine. */
static void stage_cannot(struct report *r, const char *what, int err)
{
	r->outcome = err == -EPERM || err == -EACCES || err == -EOPNOTSUPP ?
			     OUTCOME_CANNOT :
			     OUTCOME_FAILED;
	snprintf(r->why, sizeof(r->why), "%s: %s", what, strerror(-err));
}

static void stage_lacks(struct report *r, const char *unmet)
{
	r->outcome = OUTCOME_CANNOT;
	snprintf(r->why, sizeof(r->why), "%s", unmet);
}

static void stage_perform(struct stage *s, struct report *r)
{
	const char *unmet, *what = "making network namespaces";
	int err;

	if (s->scenario->place == PLACE_WIRE &&
	    !need_met("tun", NULL, &unmet)) {
		stage_lacks(r, unmet);
		return;
	}
	err = stage_place(s);
	if (!err) {
		what = "starting processes";
		err = stage_ends(s);
	}
	if (err) {
		stage_cannot(r, what, err);
		return;
	}
	if (!need_met(s->scenario->needs, s->tracer->witness, &unmet)) {
		stage_lacks(r, unmet);
		return;
	}
	witness_forget(s->tracer->witness);
	s->began_ns = clock_now_ns();
	r->played = true;
	stage_control(s);
	s->scenario->run(s);
	stage_judge(s, r);
}

static void stage_clear(struct stage *s)
{
	int i;

	for (i = STAGE_ENDS - 1; i >= 0; i--)
		end_stop(&s->end[i]);
	gate_exit(&s->gate);
	if (s->nat.middle > 0)
		nat_destroy(&s->nat); /* with its wire */
	else
		wire_destroy(s->wire);
	netns_pair_destroy(&s->pair);
}

/* Descriptors of our own: the caller closes the others. */
static int stage_enter(struct stage *s, const struct netns_pair *spaces)
{
	int i;

	s->pair = *spaces;
	for (i = 0; i < 2; i++) {
		s->pair.side[i].fd = fcntl(spaces->side[i].fd, F_DUPFD_CLOEXEC,
					   3);
		if (s->pair.side[i].fd < 0)
			return -errno;
	}
	return 0;
}

void stage_play(const struct scenario *scenario, bool control,
		const struct netns_pair *spaces, struct tracer *tracer,
		bool last, stage_say_fn *say, struct report *report)
{
	/* shared with the ends' processes */
	struct stage *s = mmap(NULL, sizeof(*s), PROT_READ | PROT_WRITE,
			       MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	uint64_t began_ns = clock_now_ns();
	int err;

	memset(report, 0, sizeof(*report));
	if (s == MAP_FAILED) {
		stage_cannot(report, "setting the stage", -errno);
		return;
	}
	s->scenario = scenario;
	s->control = control;
	s->tracer = tracer;
	s->last = last;
	s->say = say;
	err = stage_enter(s, spaces);
	if (err)
		stage_cannot(report, "setting the stage", err);
	else
		stage_perform(s, report);
	stage_clear(s);
	munmap(s, sizeof(*s));
	report->duration_ns = clock_now_ns() - began_ns;
}
