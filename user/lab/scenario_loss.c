// SPDX-License-Identifier: GPL-2.0
/* Loss: what is lost, how it is noticed, and how it is repaired. */
#include "lab/bulk.h"
#include "lab/end.h"
#include "lab/scenario.h"
#include "lab/stage.h"
#include "lab/witness.h"

#include <json-c/json.h>

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

	bulk_plain(s, STAGE_NEVER_MS);
	c = bulk_lose(s, 2, 1);
	bulk_transfer(s, &c, 10);
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
	static const struct rule lost = {
		.which = BULK_SEGMENTS(0, 1),
		.to = 3,
		.action = RULE_DROP,
	};
	struct stage_conn c;
	unsigned int n;
	int rule;

	bulk_plain(s, 200);
	c = bulk_connect(s);
	bulk_await(s, &c, 1);
	rule = stage_rule(s, &lost);
	end_do(stage_end(s, A), bulk_send, c.fd | 1 << 8);
	for (n = 1; n <= 3; n++) /* long steps, if the wire was slow */
		stage_rule_done(s, rule, n);
	bulk_receive(s, &c, 1);
	/* it stays open: the timeout is short, and a FIN would have one, too */
	end_seen(stage_end(s, A), "segment", "received ACK");
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

static void timeout(struct stage *s)
{
	struct stage_conn c;

	bulk_plain(s, 1000);
	c = bulk_lose(s, 0, 10);
	bulk_transfer(s, &c, 10);
	end_seen(stage_end(s, A), "window", "(slow_start|avoidance)");
	stage_hang_up(s, &c);
	say_again(s);
	bulk_say_window(s, "Loss");
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
	c = bulk_lose(s, 9, 1);
	bulk_transfer(s, &c, 10);
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
		.which = BULK_SEGMENTS(2, 1),
		.to = 2,
		.action = RULE_HOLD,
	};
	struct end *a = stage_end(s, A);
	struct stage_conn c;
	int rule;

	bulk_plain(s, STAGE_NEVER_MS);
	c = bulk_connect(s);
	bulk_await(s, &c, 10);
	rule = stage_rule(s, &late);
	end_do(a, bulk_send, c.fd | 10 << 8);
	stage_rule_done(s, rule, 2); /* the first, and that sent again */
	if (rule >= 0)
		wire_release(s->wire, rule, 1);
	bulk_receive(s, &c, 10);
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
		.which = BULK_SEGMENTS(2, 1),
		.nth = 1,
		.action = RULE_REORDER,
		.behind = 2,
	};
	static const struct rule lost = {
		.which = BULK_SEGMENTS(2, 1),
		.nth = 1,
		.action = RULE_DROP,
	};
	struct stage_conn c;

	bulk_plain(s, STAGE_NEVER_MS);
	c = bulk_connect(s);
	stage_rule(s, s->control ? &lost : &late);
	bulk_transfer(s, &c, 10);
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

	bulk_plain(s, s->control ? 200 : STAGE_NEVER_MS);
	c = bulk_connect(s);
	rule = stage_rule(s, s->control ? &all : &lost);
	bulk_transfer(s, &c, 10);
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
		.wire = BULK_WIRE,
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
		.wire = BULK_WIRE,
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
		.wire = BULK_WIRE,
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
		.wire = BULK_WIRE,
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
		.wire = BULK_WIRE,
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
		.wire = BULK_WIRE,
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
		.wire = BULK_WIRE,
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
		.wire = BULK_WIRE,
	},
	{}
};
