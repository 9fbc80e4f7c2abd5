// SPDX-License-Identifier: GPL-2.0
/* Congestion: how the window grows, and what a loss makes of it. */
#include "lab/bulk.h"
#include "lab/end.h"
#include "lab/scenario.h"
#include "lab/stage.h"
#include "lab/witness.h"

#include <errno.h>
#include <json-c/json.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <string.h>

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
		acked = witness_number(event, "bytes_acked") / BULK_MSS;
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

	bulk_plain(s, STAGE_NEVER_MS);
	c = s->control ? bulk_lose(s, 12, 1) : bulk_connect(s);
	bulk_transfer(s, &c, 72);
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

	bulk_plain(s, STAGE_NEVER_MS);
	c = s->control ? bulk_connect(s) : bulk_lose(s, 19, 1);
	bulk_transfer(s, &c, 130);
	stage_hang_up(s, &c);
	bulk_say_window(s, "Recovery");
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
		.which = BULK_SEGMENTS(5, 1),
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
	end_set(a, c.fd, SOL_SOCKET, SO_SNDBUF, BULK_ROOM);
	n = stage_rule(s, &rule);
	bulk_transfer(s, &c, 20);
	stage_rule_done(s, n, 1);
	end_close(a, c.fd);
	end_seen_times(b, "state", "ESTABLISHED>CLOSE_WAIT", nth);
	end_close(b, c.child);
	end_seen_times(b, "state", "LAST_ACK>CLOSE", nth);
	stage_fact(s, A, "%s", name);
	bulk_say_window(s, "Recovery");
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

const struct scenario scenarios_cwnd[] = {
	{
		.name = "slow-start",
		.title = "slow start: the window doubles each round trip",
		.textbook = "Slow start begins with one segment and doubles.",
		.truth = "It doubles, but it begins with ten: 10, 20, 40.",
		.notice = "Each segment that is acked makes the window one "
			  "larger: two can go in its place.",
		.run = slow_start,
		.expect = slow_start_expect,
		.control = { .what = "one segment is lost" },
		.place = PLACE_WIRE,
		.wire = BULK_WIRE,
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
		.wire = BULK_WIRE,
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
		.wire = BULK_WIRE,
	},
	{}
};
