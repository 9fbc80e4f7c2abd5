// SPDX-License-Identifier: GPL-2.0
/* What a line of text says of each type of event but calls. */
#include "tests/lib/events.h"
#include "tests/lib/page.h"

#include <kselftest_harness.h>
#include <string.h>

FIXTURE(row)
{
	struct page page;
};

FIXTURE_SETUP(row)
{
	ASSERT_EQ(0, page_init(&self->page));
}

FIXTURE_TEARDOWN(row)
{
	page_free(&self->page);
}

/* What is derived has a ~; what the kernel could not tell is not invented. */
TEST_F(row, derived_and_absent)
{
	struct event_state s = events_state(1000000000, 1, 2000, 2001,
					    TCB_STATE_FIN_WAIT2,
					    TCB_STATE_TIME_WAIT);
	const char *text;

	ASSERT_EQ(0, page_text(&self->page, 132, false));
	s.ev.how = HOW_derived;
	s.cause = CAUSE_RX_ACK;
	s.cause_how = HOW_derived;
	s.tw_substate = TCB_STATE_FIN_WAIT2;
	s.ev.owner_how = HOW_derived;
	pipeline_push(self->page.pipeline, &s, sizeof(s));
	s = events_state(1000000001, 2, 2002, 2001, TCB_STATE_ESTABLISHED,
			 TCB_STATE_CLOSE);
	s.ev.pid = 0;
	s.err = 104;
	s.gap_from = TCB_STATE_SYN_SENT;
	pipeline_push(self->page.pipeline, &s, sizeof(s));
	text = page_finish(&self->page);
	EXPECT_NE(NULL, strstr(text, "FIN_WAIT2 -> ~TIME_WAIT"));
	EXPECT_NE(NULL, strstr(text, "~rx ACK"));
	EXPECT_NE(NULL, strstr(text, "as FIN_WAIT2"));
	EXPECT_NE(NULL, strstr(text, "~app[100]"));
	EXPECT_NE(NULL, strstr(text, "+ #2 ? "));
	EXPECT_NE(NULL, strstr(text, "ECONNRESET gap: last seen in SYN_SENT"));
}

/* Every cause has words; none is a bare enumerator. */
TEST_F(row, cause_words)
{
	static const struct {
		enum cause cause;
		const char *words;
	} rows[] = {
		{ CAUSE_CALL_CONNECT, " connect()\n" },
		{ CAUSE_CALL_IO_URING, " io_uring()\n" },
		{ CAUSE_CALL, " call\n" },
		{ CAUSE_EXIT, " exit\n" },
		{ CAUSE_RX_SYN_ACK, " rx SYN+ACK\n" },
		{ CAUSE_RX_RST, " rx RST\n" },
		{ CAUSE_TIMER_RETRANSMIT, " retransmit timer\n" },
		{ CAUSE_TIMER_FIN_WAIT2, " fin_wait2 timer\n" },
		{ CAUSE_RACK, " RACK\n" },
	};
	unsigned int i;
	const char *text;

	ASSERT_EQ(0, page_text(&self->page, 0, false));
	for (i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
		struct event_state s = events_state(i, i + 1, 1, 2,
						    TCB_STATE_ESTABLISHED,
						    TCB_STATE_CLOSE);

		s.cause = rows[i].cause;
		s.cause_how = HOW_observed;
		pipeline_push(self->page.pipeline, &s, sizeof(s));
	}
	text = page_finish(&self->page);
	for (i = 0; i < sizeof(rows) / sizeof(*rows); i++)
		EXPECT_NE(NULL, strstr(text, rows[i].words))
	TH_LOG("row %u", i);
}

/* Of the listener that events_state(ts, 1, 2000, 0, ...) is. */
static struct event_queue listener_event(nsec_t ts, enum queue_op op)
{
	struct event_queue q = {
		.ev = events_state(ts, 1, 2000, 0, 0, 0).ev,
		.listener = 1,
		.wait_ns = ~0ull,
		.accept = op == QUEUE_unlisten ? 2 : 0,
		.limit = 3,
		.asked = op == QUEUE_listen ? 5000 : ~0u,
		.op = op,
		.depth_how = HOW_observed,
	};

	q.ev.type = EVENT_queue;
	return q;
}

/* Of a listener that comes or goes there is one line: its state, its queues. */
TEST_F(row, listener)
{
	struct event_state s = events_state(1000000000, 1, 2000, 0,
					    TCB_STATE_CLOSE, TCB_STATE_LISTEN);
	struct event_queue q = listener_event(1000000001, QUEUE_listen);
	const char *text;

	ASSERT_EQ(0, page_text(&self->page, 80, false));
	pipeline_push(self->page.pipeline, &s, sizeof(s));
	pipeline_push(self->page.pipeline, &q, sizeof(q));
	s = events_state(1000000002, 1, 2000, 0, TCB_STATE_LISTEN,
			 TCB_STATE_CLOSE);
	q = listener_event(1000000003, QUEUE_unlisten);
	pipeline_push(self->page.pipeline, &s, sizeof(s));
	pipeline_push(self->page.pipeline, &q, sizeof(q));
	/* its queues alone, its state alone */
	q = listener_event(1000000004, QUEUE_unlisten);
	pipeline_push(self->page.pipeline, &q, sizeof(q));
	s = events_state(1000000005, 1, 2000, 0, TCB_STATE_CLOSE,
			 TCB_STATE_LISTEN);
	pipeline_push(self->page.pipeline, &s, sizeof(s));
	text = page_finish(&self->page);
	EXPECT_NE(NULL, strstr(text, " CLOSE -> LISTEN     syn 0/3 accept "
				     "0/3 asked for 5000\n"));
	EXPECT_NE(NULL, strstr(text, " LISTEN -> CLOSE                    "
				     "syn 0/3 accept 2/3\n"));
	EXPECT_EQ(NULL, strstr(text, " listens  "));
	EXPECT_NE(NULL, strstr(text, " listens no more         close()    "
				     "syn 0/3 accept 2/3\n"));
	EXPECT_STREQ(" CLOSE -> LISTEN\n",
		     text + strlen(text) - strlen(" CLOSE -> LISTEN\n"));
}

/* Retransmissions: what, why, the how manieth; no bytes of a SYN. */
TEST_F(row, retransmissions)
{
	struct event_retransmit r = events_retransmit(1000000000, 1);
	struct event_window w = events_window(1000000003, 1, 1, 10);
	const char *text;

	ASSERT_EQ(0, page_text(&self->page, 80, false));
	pipeline_push(self->page.pipeline, &r, sizeof(r));
	r.ev.ts_ns++;
	r.nth = 12;
	r.segs = 2;
	r.rto_us = 800900;
	pipeline_push(self->page.pipeline, &r, sizeof(r));
	r = events_retransmit(1000000002, 1);
	r.kind = RETRANSMIT_SYN_ACK;
	r.cause = CAUSE_RX_SYN;
	r.nth = 2;
	r.rto_us = 0;
	pipeline_push(self->page.pipeline, &r, sizeof(r));
	w.undone = 3;
	pipeline_push(self->page.pipeline, &w, sizeof(w));
	text = page_finish(&self->page);
	EXPECT_NE(NULL, strstr(text, " RETRANS RTO +1:2      retransmit timer "
				     "1st, rto 204ms\n"));
	EXPECT_NE(NULL, strstr(text, " 12th, rto 800.9ms 2 segments\n"));
	EXPECT_NE(NULL, strstr(text, " RETRANS SYN-ACK           rx SYN     "
				     "2nd\n"));
	EXPECT_NE(NULL, strstr(text, "loss undone, 3 retransmitted in vain"));
}

/* Resets: of a socket, and of none; the number of a reason is not shown. */
TEST_F(row, resets)
{
	struct event_reset r = events_reset(1000000000, 1);
	const char *text;

	ASSERT_EQ(0, page_text(&self->page, 0, false));
	ASSERT_EQ(0, page_json(&self->page));
	pipeline_push(self->page.pipeline, &r, sizeof(r));
	r.ev.cookie = 0;
	r.cause = CAUSE_RX_SYN;
	r.kind = KIND_none;
	r.state = 0;
	r.unread = 0;
	strcpy(r.why.reason, "NO_SOCKET");
	pipeline_push(self->page.pipeline, &r, sizeof(r));
	text = page_finish(&self->page);
	EXPECT_NE(NULL, strstr(text, " RST sent                  close()      "
				     "unread data 5 unread in ESTABLISHED "
				     "TCP_ABORT_ON_CLOSE\n"));
	EXPECT_NE(NULL, strstr(text, " -     app[100] "));
	EXPECT_NE(NULL, strstr(text, " RST sent                  rx SYN       "
				     "no socket NO_SOCKET\n"));
	EXPECT_NE(NULL, strstr(text, "\"reason\":\"NO_SOCKET\""));
	EXPECT_EQ(NULL, strstr(text, "reason_nr"));
}

/* A segment that was thrown away: which, and why. */
TEST_F(row, drops)
{
	struct event_drop d = events_drop(1000000000, 1);
	const char *text;

	ASSERT_EQ(0, page_text(&self->page, 0, false));
	pipeline_push(self->page.pipeline, &d, sizeof(d));
	d.ev.cookie = 0;
	d.direction = DIRECTION_sent;
	d.state = 0;
	d.flags = 2;
	d.len = 0;
	pipeline_push(self->page.pipeline, &d, sizeof(d));
	text = page_finish(&self->page);
	EXPECT_NE(NULL, strstr(text, " DROP received PSH+ACK     TCP_CSUM     "
				     "100 bytes in ESTABLISHED\n"));
	EXPECT_NE(NULL, strstr(text, " DROP sent SYN             TCP_CSUM\n"));
}

/* A segment: which way, its flags, its numbers, and what is known of options. */
TEST_F(row, segments)
{
	struct event_segment s = {
		.ev = events_drop(1000000000, 1).ev,
		.segment = 1,
		.direction = DIRECTION_sent,
		.flags = 2,
		.end = 1,
		.ack = SEGMENT_UNKNOWN,
		.segs = 1,
		.window = 64240,
		.mss = 1460,
		.wscale = 7,
		.sack_permitted = 1,
		.sack1_start = SEGMENT_UNKNOWN,
	};
	const char *text;

	s.ev.type = EVENT_segment;
	ASSERT_EQ(0, page_text(&self->page, 0, false));
	pipeline_push(self->page.pipeline, &s, sizeof(s));
	s = (struct event_segment){
		.ev = s.ev,
		.segment = 2,
		.direction = DIRECTION_received,
		.flags = 1 | 16,
		.tcp_seq = 1,
		.end = 102,
		.ack = 7,
		.len = 100,
		.segs = 3,
		.window = SEGMENT_UNKNOWN,
		.wscale = 0xff,
		.sack1_start = 20,
		.sack1_end = 30,
		.sack2_start = SEGMENT_UNKNOWN,
		.retransmitted = 1,
		.malformed = 1,
	};
	s.ev.how = HOW_derived;
	pipeline_push(self->page.pipeline, &s, sizeof(s));
	text = page_finish(&self->page);
	EXPECT_NE(NULL, strstr(text, " > SYN seq 0               -            "
				     "win 64240 mss 1460 wscale 7\n"));
	EXPECT_NE(NULL, strstr(text, " ~< FIN+ACK seq 1:102      again        "
				     "ack 7 3 segments sack 20:30 "
				     "malformed options\n"));
}

/* What happens to a listener's queues: the depths, and why something is not. */
TEST_F(row, queues)
{
	struct event_queue q = {
		.ev.type = EVENT_queue,
		.ev.family = FAMILY_INET,
		.ev.cookie = 5,
		.ev.ts_ns = 1000000000,
		.ev.how = HOW_observed,
		.ev.lport = 80,
		.ev.rport = 1000,
		.listener = 4,
		.wait_ns = 1200000,
		.syn = 3,
		.accept = 17,
		.limit = 128,
		.asked = ~0u,
		.op = QUEUE_accepted,
		.depth_how = HOW_observed,
	};
	const char *text;

	ASSERT_EQ(0, page_text(&self->page, 0, false));
	pipeline_push(self->page.pipeline, &q, sizeof(q));
	q.wait_ns = ~0ull;
	q.syn = ~0u;
	q.accept = 129;
	q.op = QUEUE_SYN_dropped;
	q.rule = QUEUE_RULE_accept_queue_full;
	q.rule_how = HOW_derived;
	pipeline_push(self->page.pipeline, &q, sizeof(q));
	q.op = QUEUE_expired;
	q.rule = QUEUE_RULE_NONE;
	q.depth_how = HOW_derived;
	pipeline_push(self->page.pipeline, &q, sizeof(q));
	text = page_finish(&self->page);
	EXPECT_NE(NULL, strstr(text, " ACCEPT QUEUE out          accept()     "
				     "syn 3/128 accept 17/128 waited 1ms\n"));
	EXPECT_NE(NULL, strstr(text, " DROP SYN                  rx SYN       "
				     "~accept queue full accept 129/128\n"));
	EXPECT_NE(NULL, strstr(text, " SYN QUEUE expired         no answer    "
				     "~accept 129/128\n"));
}

TEST_HARNESS_MAIN
