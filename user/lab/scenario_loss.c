// SPDX-License-Identifier: GPL-2.0
/* Loss: what is lost, how it is noticed, and what it costs. */
#include "lab/end.h"
#include "lab/scenario.h"
#include "lab/stage.h"
#include "lab/witness.h"

#include <errno.h>
#include <inttypes.h>
#include <json-c/json.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>

#define MS 1000000ull
#define MSS 1448 /* bytes of data: MTU 1500, less headers with timestamps */

#define ROOM 400000 /* bytes of a buffer, which the kernel may double */
#define FLIGHT 10   /* segments that a connection begins with */

/* A round trip of 80 ms: no answer is so late that a timer runs out before. */
#define SLOW_WIRE                        \
	{                                \
		.link.delay_ns = 40 * MS \
	}

/* Which segments of A's stream: those from number @first on, counted from 0. */
#define SEGMENTS(first, n)                            \
	{                                             \
		.from = RULE_A, .begin = (first)*MSS, \
		.end = ((first) + (n)) * MSS          \
	}

/*
 * Only what the story is about: Reno, which is the textbooks', and no probes.
 * No timeout is shorter than @ms.
 */
static void plain(struct stage *s, unsigned int ms)
{
	stage_rto_min(s, A, ms);
	stage_sysctl(s, A, "net/ipv4/tcp_congestion_control", "reno");
	stage_sysctl(s, A, "net/ipv4/tcp_early_retrans", "0");
}

/*
 * A connection of which no buffer is ever full: what is under way depends on
 * the congestion window alone, not on when the processes run.
 */
static struct stage_conn roomy(struct stage *s)
{
	struct end *a = stage_end(s, A), *b = stage_end(s, B);
	struct stage_conn c = { .listener = end_listen(b, 2001, 5) };

	end_set(b, c.listener, SOL_SOCKET, SO_RCVBUF, ROOM);
	stage_connect_again(s, &c);
	end_set(a, c.fd, SOL_SOCKET, SO_SNDBUF, ROOM);
	return c;
}

/* Connects, and loses segments @first .. of A's stream the first time. */
static struct stage_conn lose(struct stage *s, unsigned int first,
			      unsigned int n, unsigned int times)
{
	const struct rule rule = {
		.which = SEGMENTS(first, n),
		.to = n * times,
		.action = RULE_DROP,
	};
	struct stage_conn c = roomy(s);

	stage_rule(s, &rule);
	return c;
}

static int send_all(struct end *me, int arg)
{
	int fd = arg & 0xff, left = (arg >> 8) * MSS, n = 0;

	memset(me->data, 0, END_DATA);
	while (left > 0 && n >= 0) {
		n = send(fd, me->data, left < END_DATA ? left : END_DATA, 0);
		left -= n > 0 ? n : 0;
	}
	return n < 0 ? -errno : 0;
}

/* B is to be woken when @n segments have come. */
static void await(struct stage *s, const struct stage_conn *c, unsigned int n)
{
	end_set(stage_end(s, B), c->child, SOL_SOCKET, SO_RCVLOWAT, n * MSS);
}

/* They have, and are read. */
static void receive(struct stage *s, const struct stage_conn *c, unsigned int n)
{
	struct end *b = stage_end(s, B);

	end_poll(b, c->child, POLLIN, -1);
	end_drain(b, c->child, n * MSS);
}

/*
 * A sends @n full segments, and B reads them. No process is in a call of these
 * sockets while something comes: that would wait for the call, and what waits
 * the kernel merges, segments as well as ACKs. So what A sends is held until it
 * has written all, and B reads when all has come. What is to be said of it is
 * known when the connection has been closed: then the last ACK has come as well.
 */
static void transfer(struct stage *s, const struct stage_conn *c,
		     unsigned int n)
{
	static const struct rule written = {
		.which = { .from = RULE_A, .kinds = PACKET_DATA },
		.action = RULE_HOLD,
	};
	int rule;

	await(s, c, n);
	rule = n > FLIGHT ? stage_rule(s, &written) : -1;
	end_do(stage_end(s, A), send_all, c->fd | n << 8);
	wire_remove(s->wire, rule);
	receive(s, c, n);
}

/* How many segments of A took bytes that were sent before, of how many. */
static void say_again(struct stage *s)
{
	static const struct rule_match data = { .from = RULE_A,
						.kinds = PACKET_DATA };
	struct wire_entry e;
	unsigned int n = 0, again = 0;
	size_t i;

	for (i = 0; wire_log(s->wire, i, &e); i++) {
		if (!rule_matches(&data, e.from, &e.packet))
			continue;
		n++;
		again += !!(e.packet.kinds & PACKET_AGAIN);
	}
	stage_fact(s, A, "sent %u segments; again %u", n - again, again);
}

/* What B's ACKs told of segments behind a hole. */
static void say_acks(struct stage *s)
{
	static const struct rule_match acks = { .from = RULE_B,
						.kinds = PACKET_ACK };
	unsigned int sacks = 0, same = 0, most = 0;
	uint32_t last = 0;
	struct wire_entry e;
	size_t i;

	for (i = 0; wire_log(s->wire, i, &e); i++) {
		if (!rule_matches(&acks, e.from, &e.packet))
			continue;
		sacks += e.packet.n_sacks;
		same = e.packet.acked == last ? same + 1 : 0;
		last = e.packet.acked;
		if (same > most)
			most = same;
	}
	stage_fact(s, B, "%s; %s", sacks ? "SACK" : "no SACK",
		   most >= 3 ? "three duplicate ACKs and more" :
			       "less than three duplicate ACKs");
}

/* ------------------------------------------------ fast retransmit */

static void fast_retransmit(struct stage *s)
{
	struct stage_conn c;

	plain(s, STAGE_NEVER_MS);
	c = lose(s, 2, 1, 1);
	transfer(s, &c, 10);
	stage_hang_up(s, &c);
	say_again(s);
	say_acks(s);
}

static const struct expect fast_retransmit_expect[] = {
	IS(A, "retransmit", "fast RACK"),
	HAS(A, "window", "Disorder, Recovery"),
	NEVER(A, "window", "Loss"),
	IS(A, "fact", "sent 10 segments; again 1"),
	IS(B, "fact", "SACK; three duplicate ACKs and more"),
	{}
};

static const struct expect dup_acks_expect[] = {
	IS(A, "retransmit", "fast DUPACK"),
	HAS(A, "window", "Disorder, Recovery"),
	NEVER(A, "window", "Loss"),
	IS(A, "fact", "sent 10 segments; again 1"),
	IS(B, "fact", "no SACK; three duplicate ACKs and more"),
	{}
};

static void dup_acks(struct stage *s)
{
	if (!s->control)
		stage_sysctl(s, BOTH, "net/ipv4/tcp_sack", "0");
	fast_retransmit(s);
}

/* ------------------------------------------------ timeouts */

/* Is each RTO of A's timeouts twice the one before? */
static void say_backoff(struct stage *s)
{
	struct sighting what = { .type = "retransmit" };
	struct json_object *event;
	uint64_t rto_us, last_us = 0;
	unsigned int n = 0, doubled = 0;
	size_t from = 0;

	while ((event = witness_next(s->tracer->witness, &what, &from))) {
		if (!stage_has(s, A, event))
			continue;
		rto_us = witness_number(event, "rto_us");
		n++;
		doubled += rto_us == 2 * last_us;
		last_us = rto_us;
	}
	stage_fact(s, A, "timeouts %u; twice as long as the last %u", n,
		   doubled);
}

static void rto_backoff(struct stage *s)
{
	struct stage_conn c;

	plain(s, 200);
	c = lose(s, 0, 1, 3);
	transfer(s, &c, 1);
	end_seen(stage_end(s, A), "window", "(slow_start|avoidance)");
	stage_hang_up(s, &c);
	say_again(s);
	say_backoff(s);
}

static const struct expect rto_backoff_expect[] = {
	IS(A, "retransmit", "RTO 1, RTO 2, RTO 3"),
	HAS(A, "window", "Loss"),
	NEVER(A, "window", "Recovery"),
	IS(A, "fact",
	   "sent 1 segments; again 3, timeouts 3; twice as long as the last 2"),
	{}
};

/* The window of A when it last came into this phase. */
static void say_window(struct stage *s, const char *phase)
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

static void timeout(struct stage *s)
{
	struct stage_conn c;

	plain(s, 1000);
	c = lose(s, 0, 10, 1);
	transfer(s, &c, 10);
	end_seen(stage_end(s, A), "window", "(slow_start|avoidance)");
	stage_hang_up(s, &c);
	say_again(s);
	say_window(s, "Loss");
}

static const struct expect timeout_expect[] = {
	HAS(A, "retransmit", "RTO 1, slow_start"),
	NEVER(A, "retransmit", "fast"),
	HAS(A, "window", "Loss"),
	IS(A, "fact", "sent 10 segments; again 10, Loss: cwnd 1; ssthresh 5"),
	{}
};

/* ------------------------------------------------ the tail */

static void tail_loss_probe(struct stage *s)
{
	struct stage_conn c;

	stage_sysctl(s, A, "net/ipv4/tcp_congestion_control", "reno");
	stage_rto_min(s, A, 1000);
	c = lose(s, 9, 1, 1);
	transfer(s, &c, 10);
	stage_hang_up(s, &c);
	say_again(s);
}

static const struct expect tail_loss_probe_expect[] = {
	IS(A, "retransmit", "TLP TIMER_LOSS_PROBE"),
	HAS(A, "window", "CWR"),
	NEVER(A, "window", "Loss"),
	IS(A, "fact", "sent 10 segments; again 1"),
	{}
};

/* ------------------------------------------------ in vain */

static void spurious(struct stage *s)
{
	static const struct rule late = {
		.which = SEGMENTS(2, 1),
		.to = 2,
		.action = RULE_HOLD,
	};
	struct end *a = stage_end(s, A);
	struct stage_conn c;
	int rule;

	plain(s, STAGE_NEVER_MS);
	c = roomy(s);
	await(s, &c, 10);
	rule = stage_rule(s, &late);
	end_do(a, send_all, c.fd | 10 << 8);
	stage_rule_done(s, rule, 2); /* the first, and that sent again */
	if (rule >= 0)
		wire_release(s->wire, rule, 1);
	receive(s, &c, 10);
	end_seen(a, "window", ".* undone");
	stage_release(s, rule);
	stage_hang_up(s, &c);
	say_again(s);
}

static const struct expect spurious_expect[] = {
	IS(A, "retransmit", "fast"),
	HAS(A, "window", "Recovery, slow_start undone"),
	IS(A, "fact", "sent 10 segments; again 1"),
	{}
};

/* ------------------------------------------------ another order */

static void reordering(struct stage *s)
{
	static const struct rule late = {
		.which = SEGMENTS(2, 1),
		.nth = 1,
		.action = RULE_REORDER,
		.behind = 2,
	};
	static const struct rule lost = {
		.which = SEGMENTS(2, 1),
		.nth = 1,
		.action = RULE_DROP,
	};
	struct stage_conn c;

	plain(s, STAGE_NEVER_MS);
	c = roomy(s);
	stage_rule(s, s->control ? &lost : &late);
	transfer(s, &c, 10);
	stage_hang_up(s, &c);
	say_again(s);
	say_acks(s);
}

static const struct expect reordering_expect[] = {
	NEVER(A, "retransmit", NULL),
	NEVER(A, "window", "(Recovery|Loss)"),
	IS(A, "fact", "sent 10 segments; again 0"),
	IS(B, "fact", "SACK; less than three duplicate ACKs"),
	{}
};

static void lost_acks(struct stage *s)
{
	static const struct rule lost = {
		.which = { .from = RULE_B, .kinds = PACKET_ACK },
		.to = 3,
		.action = RULE_DROP,
	};
	static const struct rule all = {
		.which = { .from = RULE_B, .kinds = PACKET_ACK },
		.action = RULE_DROP,
	};
	struct stage_conn c;
	int rule;

	plain(s, s->control ? 200 : STAGE_NEVER_MS);
	c = roomy(s);
	rule = stage_rule(s, s->control ? &all : &lost);
	transfer(s, &c, 10);
	stage_rule_done(s, rule, 3);
	if (s->control)
		end_seen(stage_end(s, A), "retransmit", "RTO");
	stage_hang_up(s, &c);
	say_again(s);
}

static const struct expect lost_acks_expect[] = {
	NEVER(A, "retransmit", NULL),
	NEVER(A, "window", "(Disorder|Recovery|Loss)"),
	IS(A, "fact", "sent 10 segments; again 0"),
	{}
};

/* ------------------------------------------------ slow start, avoidance */

/* When B's first ACK of more than @offset bytes arrived, from entry @i on. */
static uint64_t acked_ns(struct stage *s, size_t i, uint32_t offset)
{
	struct wire_entry e;

	for (; wire_log(s->wire, i, &e); i++)
		if (e.from && e.packet.placed && e.packet.acked > offset)
			return e.out_ns;
	return UINT64_MAX;
}

/*
 * The flights of A: what it sends from one segment on, until the ACK of that
 * has come. How many segments each of the first @n has.
 */
static void say_flights(struct stage *s, unsigned int n)
{
	static const struct rule_match data = { .from = RULE_A,
						.kinds = PACKET_DATA };
	unsigned int size = 0;
	uint64_t until_ns = 0;
	struct wire_entry e;
	char text[128] = "";
	size_t i, len = 0;

	for (i = 0; n && wire_log(s->wire, i, &e); i++) {
		if (!rule_matches(&data, e.from, &e.packet))
			continue;
		if (size && e.in_ns > until_ns) {
			len += snprintf(text + len, sizeof(text) - len, " %u",
					size);
			size = 0;
			if (len >= sizeof(text) || !--n)
				break;
		}
		if (!size++)
			until_ns = acked_ns(s, i, e.packet.offset);
	}
	stage_fact(s, A, "flights of%s segments", text);
}

/* A's next change of the window above ssthresh, from event *@from on. */
static struct json_object *next_growth(struct stage *s, size_t *from)
{
	static const struct sighting what = { .type = "window" };
	struct json_object *event;
	uint64_t cwnd;

	while ((event = witness_next(s->tracer->witness, &what, from))) {
		const char *state = witness_string(event, "ca_state");

		cwnd = witness_number(event, "cwnd");
		if (stage_has(s, A, event) && state && !strcmp(state, "Open") &&
		    witness_has(event, "ssthresh") &&
		    cwnd > witness_number(event, "ssthresh") &&
		    cwnd > witness_number(event, "old_cwnd"))
			return event;
	}
	return NULL;
}

/*
 * How A's window grows in avoidance, the first @n times: by how much, and after
 * how many segments that were acked. An ACK is of two segments, so that may be
 * one more or less than there are in the window.
 */
static void say_growth(struct stage *s, unsigned int n)
{
	unsigned int grown = 0, windows = 0, acked, last = 0, old, cwnd;
	struct json_object *event;
	size_t from = 0;

	while (grown < n && (event = next_growth(s, &from))) {
		acked = witness_number(event, "bytes_acked") / MSS;
		cwnd = witness_number(event, "cwnd");
		old = witness_number(event, "old_cwnd");
		if (cwnd != old + 1)
			break;
		if (grown++)
			windows += acked - last + 1 >= old &&
				   acked - last <= old + 1;
		last = acked;
	}
	stage_fact(s, A, "%u times one segment more; a window of ACKs apart %u",
		   grown, windows);
}

static void slow_start(struct stage *s)
{
	struct stage_conn c;

	plain(s, STAGE_NEVER_MS);
	c = s->control ? lose(s, 12, 1, 1) : roomy(s);
	transfer(s, &c, 72);
	stage_hang_up(s, &c);
	say_flights(s, 3);
}

static const struct expect slow_start_expect[] = {
	HAS(A, "window", "slow_start"),
	NEVER(A, "window", "avoidance"),
	NEVER(A, "retransmit", NULL),
	IS(A, "fact", "flights of 10 20 40 segments"),
	{}
};

static void avoidance(struct stage *s)
{
	struct stage_conn c;

	plain(s, STAGE_NEVER_MS);
	c = s->control ? roomy(s) : lose(s, 19, 1, 1);
	transfer(s, &c, 130);
	stage_hang_up(s, &c);
	say_window(s, "Recovery");
	say_growth(s, 4);
}

static const struct expect avoidance_expect[] = {
	HAS(A, "window", "slow_start, Recovery, avoidance"),
	IS(A, "retransmit", "fast"),
	IS(A, "fact",
	   "Recovery: cwnd [0-9]+; ssthresh [0-9]+: half, "
	   "4 times one segment more; a window of ACKs apart 3"),
	{}
};

/* ------------------------------------------------ three algorithms */

/* By name, which is in @me's data. */
static int set_congestion(struct end *me, int fd)
{
	return setsockopt(fd, IPPROTO_TCP, TCP_CONGESTION, me->data,
			  strlen(me->data)) ?
		       -errno :
		       0;
}

/* The @nth connection of these. */
static void one_algorithm(struct stage *s, int listener, const char *name,
			  unsigned int nth)
{
	/* early, for Cubic may end slow start from a window of 16 on */
	const struct rule rule = {
		.which = SEGMENTS(5, 1),
		.nth = 1,
		.action = RULE_DROP,
	};
	struct end *a = stage_end(s, A), *b = stage_end(s, B);
	struct stage_conn c = { .fd = end_socket(a, 0) };
	int n;

	strcpy(a->data, s->control ? "reno" : name);
	end_do(a, set_congestion, c.fd);
	end_connect(a, c.fd, b->ip, 2001);
	c.child = end_accept(b, listener, 0);
	end_set(a, c.fd, SOL_SOCKET, SO_SNDBUF, ROOM);
	n = stage_rule(s, &rule);
	transfer(s, &c, 20);
	stage_rule_done(s, n, 1);
	end_close(a, c.fd);
	end_seen_times(b, "state", "ESTABLISHED>CLOSE_WAIT", nth);
	end_close(b, c.child);
	end_seen_times(b, "state", "LAST_ACK>CLOSE", nth);
	stage_fact(s, A, "%s", name);
	say_window(s, "Recovery");
}

static void algorithms(struct stage *s)
{
	struct end *b = stage_end(s, B);
	int listener;

	stage_rto_min(s, A, STAGE_NEVER_MS);
	stage_sysctl(s, A, "net/ipv4/tcp_early_retrans", "0");
	listener = end_listen(b, 2001, 5);
	one_algorithm(s, listener, "reno", 1);
	one_algorithm(s, listener, "cubic", 2);
	one_algorithm(s, listener, "bbr", 3);
	end_close(b, listener);
}

static const struct expect algorithms_expect[] = {
	IS(A, "fact",
	   "reno, Recovery: cwnd 15; ssthresh 7: half, "
	   "cubic, Recovery: cwnd 15; ssthresh 10, "
	   "bbr, Recovery: cwnd [0-9]+; ssthresh 0"),
	IS(A, "retransmit", "fast", .least = 3),
	{}
};

const struct scenario scenarios_loss[] = {
	{
		.name = "fast-retransmit",
		.title = "one segment of ten is lost, and sent again at once",
		.textbook = "Go-back-N: after a loss all from there on is sent "
			    "again.",
		.truth = "Only what is missing. Each ACK of B says in its SACK "
			 "option what has come behind the hole; three segments "
			 "are enough for A to send the lost one again, long "
			 "before a timeout. Congestion state Recovery, and half "
			 "the window.",
		.notice = "B acks the same byte again and again: the ACK number "
			  "is where the hole is, the SACK blocks are beyond.",
		.run = fast_retransmit,
		.expect = fast_retransmit_expect,
		.control = { .what = "SACK is off",
			     .sysctl = "net/ipv4/tcp_sack=0" },
		.place = PLACE_WIRE,
		.wire = SLOW_WIRE,
	},
	{
		.name = "duplicate-acks",
		.title = "the same without SACK: three duplicate ACKs",
		.textbook = "Three duplicate ACKs trigger fast retransmit.",
		.truth = "So it is where SACK is off, which is hardly ever: "
			 "three ACKs of the same byte mean that it is lost. "
			 "How much has come behind it, A does not know.",
		.notice = "The cause is dupack here, not RACK.",
		.run = dup_acks,
		.expect = dup_acks_expect,
		.control = { .what = "SACK is on" },
		.place = PLACE_WIRE,
		.wire = SLOW_WIRE,
	},
	{
		.name = "rto-backoff",
		.title = "nobody answers: each timeout is twice the last",
		.truth = "The only segment is lost three times. Nothing comes "
			 "that could tell of a loss, so the retransmission "
			 "timer has to run out: after the RTO, twice that, four "
			 "times that.",
		.notice = "rto: at least 200 ms more than a round trip, however "
			  "short that is.",
		.run = rto_backoff,
		.expect = rto_backoff_expect,
		.control = { .what = "nothing is lost", .no_rules = true },
		.place = PLACE_WIRE,
		.wire = SLOW_WIRE,
	},
	{
		.name = "timeout",
		.title = "a whole flight is lost: the window falls to one",
		.textbook = "After a timeout ssthresh is half the window, and "
			    "slow start begins anew.",
		.truth = "So it is with Reno: ssthresh 5, cwnd 1. All ten "
			 "segments count as lost, and as ACKs come they are "
			 "sent again in slow start.",
		.run = timeout,
		.expect = timeout_expect,
		.control = { .what = "nothing is lost", .no_rules = true },
		.place = PLACE_WIRE,
		.wire = SLOW_WIRE,
	},
	{
		.name = "tail-loss-probe",
		.title = "the last segment is lost, and nothing behind it tells",
		.textbook = "Then there is only the timeout.",
		.truth = "Linux does not wait for it: after two round trips "
			 "without an ACK it sends the last segment once more, "
			 "a tail loss probe (TLP). Its ACK repairs the loss, or "
			 "its SACK starts a fast retransmit. No Loss, no slow "
			 "start.",
		.run = tail_loss_probe,
		.expect = tail_loss_probe_expect,
		.control = { .what = "tail loss probes are off",
			     .sysctl = "net/ipv4/tcp_early_retrans=0" },
		.place = PLACE_WIRE,
		.wire = SLOW_WIRE,
	},
	{
		.name = "spurious-retransmit",
		.title = "a segment was late, not lost: the loss is undone",
		.textbook = "A loss halves the window.",
		.truth = "The segment that counted as lost arrives before its "
			 "retransmission. The timestamp in the ACK tells that "
			 "it was the first one: Linux takes the loss back, and "
			 "gives cwnd and ssthresh their old values.",
		.run = spurious,
		.expect = spurious_expect,
		.control = { .what = "nothing is late", .no_rules = true },
		.place = PLACE_WIRE,
		.wire = SLOW_WIRE,
	},
	{
		.name = "reordering",
		.title = "two segments overtake a third: nothing is lost",
		.textbook = "ACKs of the same byte mean a loss.",
		.truth = "Two of them do not: the SACKs tell of a hole, A waits, "
			 "and the next ACK closes it. No segment is sent "
			 "twice.",
		.run = reordering,
		.expect = reordering_expect,
		.control = { .what = "the segment is lost" },
		.place = PLACE_WIRE,
		.wire = SLOW_WIRE,
	},
	{
		.name = "lost-acks",
		.title = "ACKs are lost, and nobody notices",
		.textbook = "Each segment is acked.",
		.truth = "An ACK acks all that came before: three that are lost "
			 "do no harm if a later one arrives.",
		.run = lost_acks,
		.expect = lost_acks_expect,
		.control = { .what = "all are lost" },
		.place = PLACE_WIRE,
		.wire = SLOW_WIRE,
	},
	{
		.name = "slow-start",
		.title = "slow start: the window doubles each round trip",
		.textbook = "Slow start begins with one segment and doubles.",
		.truth = "It doubles, but it begins with ten: 10, 20, 40.",
		.notice = "Each ACK of two segments lets four go.",
		.run = slow_start,
		.expect = slow_start_expect,
		.control = { .what = "one segment is lost" },
		.place = PLACE_WIRE,
		.wire = SLOW_WIRE,
	},
	{
		.name = "congestion-avoidance",
		.title = "after a loss: half the window, then one more each "
			 "round trip",
		.textbook = "Above ssthresh the window grows by one segment per "
			    "round trip.",
		.truth = "So it does with Reno, counted in ACKs: one more when "
			 "as many segments as the window has were acked.",
		.run = avoidance,
		.expect = avoidance_expect,
		.control = { .what = "nothing is lost" },
		.place = PLACE_WIRE,
		.wire = SLOW_WIRE,
	},
	{
		.name = "reno-cubic-bbr",
		.title = "the same loss, and three algorithms",
		.textbook = "A loss halves the window.",
		.truth = "With Reno. Cubic, which is the default, goes down to "
			 "seven tenths, and BBR does not take a loss for "
			 "congestion: it has no ssthresh at all.",
		.run = algorithms,
		.expect = algorithms_expect,
		.control = { .what = "all three are Reno" },
		.needs = "reno cubic bbr",
		.place = PLACE_WIRE,
		.wire = SLOW_WIRE,
	},
	{},
};
