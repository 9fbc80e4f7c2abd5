// SPDX-License-Identifier: GPL-2.0
/* Text and JSON, written from arrays of events through the whole pipeline. */
#include "output/output.h"
#include "tests/lib/events.h"
#include "tests/lib/page.h"

#include <json-c/json.h>
#include <kselftest_harness.h>
#include <string.h>

FIXTURE(output)
{
	struct page page;
};

FIXTURE_SETUP(output)
{
	ASSERT_EQ(0, page_init(&self->page));
}

FIXTURE_TEARDOWN(output)
{
	page_free(&self->page);
}

static int header(struct pipeline *p)
{
	static const struct hook hooks[] = {
		{ "state_first", true },
		{ "owner_sends", false },
	};
	static const struct trace_info info = {
		.version = "0.1",
		.host = "a\"host",
		.kernel = "6.x",
		.start_ns = 1000000000,
		.wall_offset_ns = -5,
		.hooks = hooks,
		.n_hooks = 2,
	};

	return pipeline_header(p, &info);
}

static int text_output(struct pipeline *p, const struct schema *schema,
		       FILE *file, unsigned int width, bool colour)
{
	struct output_text_options options = {
		.file = file,
		.terminal = width,
		.colour = colour,
		.width = width,
	};

	return pipeline_add_output(p, output_text_new(schema, &options)) ?:
		       header(p);
}

/* A full simultaneous open, both ends of it, in time order. */
static void push_full_open(struct pipeline *p)
{
	static const struct {
		int end, old, new, cause;
	} steps[] = {
		{ 0, TCB_STATE_CLOSE, TCB_STATE_SYN_SENT, CAUSE_CALL_CONNECT },
		{ 1, TCB_STATE_CLOSE, TCB_STATE_SYN_SENT, CAUSE_CALL_CONNECT },
		{ 0, TCB_STATE_SYN_SENT, TCB_STATE_SYN_RECV, CAUSE_RX_SYN },
		{ 1, TCB_STATE_SYN_SENT, TCB_STATE_SYN_RECV, CAUSE_RX_SYN },
		{ 0, TCB_STATE_SYN_RECV, TCB_STATE_ESTABLISHED,
		  CAUSE_RX_SYN_ACK },
		{ 1, TCB_STATE_SYN_RECV, TCB_STATE_ESTABLISHED,
		  CAUSE_RX_SYN_ACK },
	};
	unsigned int i;

	for (i = 0; i < sizeof(steps) / sizeof(*steps); i++) {
		nsec_t ts = 1000001000 + i * 1000;
		struct event_state s = steps[i].end ?
					       events_other_end(ts, 2, 2001,
								2000,
								steps[i].old,
								steps[i].new) :
					       events_state(ts, 1, 2000, 2001,
							    steps[i].old,
							    steps[i].new);

		s.cause = steps[i].cause;
		s.cause_how = HOW_observed;
		if (steps[i].new == TCB_STATE_SYN_RECV)
			s.kind = KIND_crossed;
		pipeline_push(p, &s, sizeof(s));
	}
}

static const char *finish(struct pipeline *p, FILE *file, char **text)
{
	if (pipeline_footer(p) || fflush(file))
		return NULL;
	return *text;
}

/* The whole of what an 80-column terminal shows of a full open. */
TEST_F(output, text_on_80_columns)
{
	static const char expected[] =
		"     TIME SOCK PORTS       EVENT                     CAUSE      DETAIL\n"
		"          + #1 app[100] 10.0.0.1:2000 > 10.0.0.2:2001\n"
		" 0.000001 #1   2000>2001   CLOSE -> SYN_SENT         connect()\n"
		"          + #2 app[100] 10.0.0.2:2001 > 10.0.0.1:2000, pair #1\n"
		" 0.000002 #2   2001>2000   CLOSE -> SYN_SENT         connect()\n"
		" 0.000003 #1   2000>2001   SYN_SENT -> SYN_RECV      rx SYN     crossed\n"
		" 0.000004 #2   2001>2000   SYN_SENT -> SYN_RECV      rx SYN     crossed\n"
		" 0.000005 #1   2000>2001   SYN_RECV -> ESTABLISHED   rx SYN+ACK\n"
		"                           simultaneous open (full)\n"
		" 0.000006 #2   2001>2000   SYN_RECV -> ESTABLISHED   rx SYN+ACK\n"
		"                           simultaneous open (full)\n";

	ASSERT_EQ(0, text_output(self->page.pipeline, self->page.schema,
				 self->page.file, 80, false));
	push_full_open(self->page.pipeline);
	EXPECT_STREQ(expected, finish(self->page.pipeline, self->page.file,
				      &self->page.text));
}

/* Explanations: below the line, within the terminal's columns. */
TEST_F(output, explained)
{
	struct output_text_options options = {
		.file = self->page.file,
		.terminal = true,
		.width = 60,
		.explain = true,
	};
	const char *text, *line, *end;

	ASSERT_EQ(0, pipeline_add_output(self->page.pipeline,
					 output_text_new(self->page.schema,
							 &options)));
	ASSERT_EQ(0, header(self->page.pipeline));
	push_full_open(self->page.pipeline);
	text = finish(self->page.pipeline, self->page.file, &self->page.text);
	EXPECT_NE(
		NULL,
		strstr(text,
		       "connect()\n"
		       "          app[100] asks for a connection: a SYN goes from\n"
		       "          10.0.0.1:2000 to 10.0.0.2:2001, and again after a\n"));
	EXPECT_NE(NULL, strstr(text, "\n          look: connect() returns 0 at "
				     "both ends;"));
	for (line = text; (end = strchr(line, '\n')); line = end + 1)
		EXPECT_GE(60, end - line);
}

/* A wide terminal has room for owner, addresses and the detail. */
TEST_F(output, text_on_a_wide_terminal)
{
	const char *text;

	ASSERT_EQ(0, text_output(self->page.pipeline, self->page.schema,
				 self->page.file, 160, false));
	push_full_open(self->page.pipeline);
	text = finish(self->page.pipeline, self->page.file, &self->page.text);
	EXPECT_NE(NULL, strstr(text, "rx SYN+ACK simultaneous open (full)\n"));
	EXPECT_NE(NULL, strstr(text, "app[100]           10.0.0.1:2000 "));
}

/* A pipe: every column, no introductions, no colour. */
TEST_F(output, text_into_a_pipe)
{
	const char *text;

	ASSERT_EQ(0, text_output(self->page.pipeline, self->page.schema,
				 self->page.file, 0, false));
	push_full_open(self->page.pipeline);
	text = finish(self->page.pipeline, self->page.file, &self->page.text);
	EXPECT_EQ(NULL, strchr(text, '\033'));
	EXPECT_EQ(NULL, strstr(text, " + #"));
	EXPECT_NE(NULL, strstr(text, "NETNS"));
	EXPECT_NE(NULL, strstr(text, "10.0.0.2:2001"));
}

/* Colour belongs to the line as a whole and is always switched off again. */
TEST_F(output, colour)
{
	const char *text, *at;
	int on = 0, off = 0;

	ASSERT_EQ(0, text_output(self->page.pipeline, self->page.schema,
				 self->page.file, 80, true));
	push_full_open(self->page.pipeline);
	text = finish(self->page.pipeline, self->page.file, &self->page.text);
	for (at = text; (at = strchr(at, '\033')); at++)
		if (!strncmp(at, "\033[0m\n", 5))
			off++;
		else
			on++;
	EXPECT_LT(0, on);
	EXPECT_EQ(on, off);
}

/* Each way to show the time, to the microsecond. The trace began at 1 s. */
TEST_F(output, times)
{
	static const struct {
		enum output_time time;
		const char *first, *second;
	} rows[] = {
		{ TIME_REL, "\n       0.500000 ", "\n       2.250001 " },
		{ TIME_DELTA, "\n       0.000000 ", "\n       1.750001 " },
		{ TIME_MONO, "\n       1.500000 ", "\n       3.250001 " },
		{ TIME_WALL, "\n00:00:01.499999 ", "\n00:00:03.250000 " },
	};
	const char *text, *first, *second;
	size_t i;

	ASSERT_EQ(0, setenv("TZ", "UTC", 1));
	for (i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
		struct output_text_options options = {
			.file = self->page.file,
			.time = rows[i].time,
		};
		struct event_state s = events_state(1500000000, 1, 2000, 2001,
						    TCB_STATE_CLOSE,
						    TCB_STATE_SYN_SENT);

		ASSERT_EQ(0,
			  pipeline_add_output(self->page.pipeline,
					      output_text_new(self->page.schema,
							      &options)));
		ASSERT_EQ(0, header(self->page.pipeline));
		pipeline_push(self->page.pipeline, &s, sizeof(s));
		s = events_state(3250001000, 1, 2000, 2001, TCB_STATE_SYN_SENT,
				 TCB_STATE_ESTABLISHED);
		pipeline_push(self->page.pipeline, &s, sizeof(s));
		text = finish(self->page.pipeline, self->page.file,
			      &self->page.text);
		first = strstr(text, rows[i].first);
		ASSERT_NE(NULL, first)
		{
			TH_LOG("%s", text);
		}
		second = strstr(text, rows[i].second);
		EXPECT_LT(first, second)
		{
			TH_LOG("%s", text);
		}
		page_free(&self->page);
		ASSERT_EQ(0, page_init(&self->page));
	}
}

/* What is derived has a ~; what the kernel could not tell is not invented. */
TEST_F(output, derived_and_absent)
{
	struct event_state s = events_state(1000000000, 1, 2000, 2001,
					    TCB_STATE_FIN_WAIT2,
					    TCB_STATE_TIME_WAIT);
	const char *text;

	ASSERT_EQ(0, text_output(self->page.pipeline, self->page.schema,
				 self->page.file, 132, false));
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
	text = finish(self->page.pipeline, self->page.file, &self->page.text);
	EXPECT_NE(NULL, strstr(text, "FIN_WAIT2 -> ~TIME_WAIT"));
	EXPECT_NE(NULL, strstr(text, "~rx ACK"));
	EXPECT_NE(NULL, strstr(text, "as FIN_WAIT2"));
	EXPECT_NE(NULL, strstr(text, "~app[100]"));
	EXPECT_NE(NULL, strstr(text, "+ #2 ? "));
	EXPECT_NE(NULL, strstr(text, "ECONNRESET gap: last seen in SYN_SENT"));
}

/* Every cause has words; none is a bare enumerator. */
TEST_F(output, cause_words)
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

	ASSERT_EQ(0, text_output(self->page.pipeline, self->page.schema,
				 self->page.file, 0, false));
	for (i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
		struct event_state s = events_state(i, i + 1, 1, 2,
						    TCB_STATE_ESTABLISHED,
						    TCB_STATE_CLOSE);

		s.cause = rows[i].cause;
		s.cause_how = HOW_observed;
		pipeline_push(self->page.pipeline, &s, sizeof(s));
	}
	text = finish(self->page.pipeline, self->page.file, &self->page.text);
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
TEST_F(output, listener)
{
	struct event_state s = events_state(1000000000, 1, 2000, 0,
					    TCB_STATE_CLOSE, TCB_STATE_LISTEN);
	struct event_queue q = listener_event(1000000001, QUEUE_listen);
	const char *text;

	ASSERT_EQ(0, text_output(self->page.pipeline, self->page.schema,
				 self->page.file, 80, false));
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
	text = finish(self->page.pipeline, self->page.file, &self->page.text);
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
TEST_F(output, retransmissions)
{
	struct event_retransmit r = events_retransmit(1000000000, 1);
	struct event_window w = events_window(1000000003, 1, 1, 10);
	const char *text;

	ASSERT_EQ(0, text_output(self->page.pipeline, self->page.schema,
				 self->page.file, 80, false));
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
	text = finish(self->page.pipeline, self->page.file, &self->page.text);
	EXPECT_NE(NULL, strstr(text, " RETRANS RTO +1:2      retransmit timer "
				     "1st, rto 204ms\n"));
	EXPECT_NE(NULL, strstr(text, " 12th, rto 800.9ms 2 segments\n"));
	EXPECT_NE(NULL, strstr(text, " RETRANS SYN-ACK           rx SYN     "
				     "2nd\n"));
	EXPECT_NE(NULL, strstr(text, "loss undone, 3 retransmitted in vain"));
}

/* Resets: of a socket, and of none; the number of a reason is not shown. */
TEST_F(output, resets)
{
	struct event_reset r = events_reset(1000000000, 1);
	const char *text;

	ASSERT_EQ(0, text_output(self->page.pipeline, self->page.schema,
				 self->page.file, 0, false));
	ASSERT_EQ(0, pipeline_add_output(self->page.pipeline,
					 output_json_new(self->page.schema,
							 self->page.file)));
	pipeline_push(self->page.pipeline, &r, sizeof(r));
	r.ev.cookie = 0;
	r.cause = CAUSE_RX_SYN;
	r.kind = KIND_none;
	r.state = 0;
	r.unread = 0;
	strcpy(r.why.reason, "NO_SOCKET");
	pipeline_push(self->page.pipeline, &r, sizeof(r));
	text = finish(self->page.pipeline, self->page.file, &self->page.text);
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
TEST_F(output, drops)
{
	struct event_drop d = events_drop(1000000000, 1);
	const char *text;

	ASSERT_EQ(0, text_output(self->page.pipeline, self->page.schema,
				 self->page.file, 0, false));
	pipeline_push(self->page.pipeline, &d, sizeof(d));
	d.ev.cookie = 0;
	d.direction = DIRECTION_sent;
	d.state = 0;
	d.flags = 2;
	d.len = 0;
	pipeline_push(self->page.pipeline, &d, sizeof(d));
	text = finish(self->page.pipeline, self->page.file, &self->page.text);
	EXPECT_NE(NULL, strstr(text, " DROP received PSH+ACK     TCP_CSUM     "
				     "100 bytes in ESTABLISHED\n"));
	EXPECT_NE(NULL, strstr(text, " DROP sent SYN             TCP_CSUM\n"));
}

/* A segment: which way, its flags, its numbers, and what is known of options. */
TEST_F(output, segments)
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
	ASSERT_EQ(0, text_output(self->page.pipeline, self->page.schema,
				 self->page.file, 0, false));
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
	text = finish(self->page.pipeline, self->page.file, &self->page.text);
	EXPECT_NE(NULL, strstr(text, " > SYN seq 0               -            "
				     "win 64240 mss 1460 wscale 7\n"));
	EXPECT_NE(NULL, strstr(text, " ~< FIN+ACK seq 1:102      again        "
				     "ack 7 3 segments sack 20:30 "
				     "malformed options\n"));
}

/* What happens to a listener's queues: the depths, and why something is not. */
TEST_F(output, queues)
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

	ASSERT_EQ(0, text_output(self->page.pipeline, self->page.schema,
				 self->page.file, 0, false));
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
	text = finish(self->page.pipeline, self->page.file, &self->page.text);
	EXPECT_NE(NULL, strstr(text, " ACCEPT QUEUE out          accept()     "
				     "syn 3/128 accept 17/128 waited 1ms\n"));
	EXPECT_NE(NULL, strstr(text, " DROP SYN                  rx SYN       "
				     "~accept queue full accept 129/128\n"));
	EXPECT_NE(NULL, strstr(text, " SYN QUEUE expired         no answer    "
				     "~accept 129/128\n"));
}

/* Names from the kernel cannot steer the terminal or break the JSON. */
TEST_F(output, hostile_names)
{
	struct event_state s = events_state(1000000000, 1, 1, 2,
					    TCB_STATE_CLOSE,
					    TCB_STATE_SYN_SENT);
	struct json_object *o, *comm;
	const char *text, *line;

	memcpy(s.ev.comm, "\033[2J\"\\\n\xff\x9b\x01\t\x7f{},", 16);
	ASSERT_EQ(0, text_output(self->page.pipeline, self->page.schema,
				 self->page.file, 80, false));
	ASSERT_EQ(0, pipeline_add_output(self->page.pipeline,
					 output_json_new(self->page.schema,
							 self->page.file)));
	pipeline_push(self->page.pipeline, &s, sizeof(s));
	text = finish(self->page.pipeline, self->page.file, &self->page.text);
	for (line = text; *line; line++)
		EXPECT_TRUE(*line == '\n' || (*line >= ' ' && *line < 0x7f))
	TH_LOG("byte %d", *line);
	line = strstr(text, "{\"type\":\"state\"");
	ASSERT_NE(NULL, line);
	*strchr(line, '\n') = '\0';
	o = json_tokener_parse(line);
	ASSERT_NE(NULL, o);
	ASSERT_TRUE(json_object_object_get_ex(o, "comm", &comm));
	EXPECT_STREQ("\x1b[2J\"\\\n\ufffd\ufffd\x01\t\x7f{},",
		     json_object_get_string(comm));
	json_object_put(o);
}

/* Nor can that of a congestion control algorithm. */
TEST_F(output, hostile_algorithm)
{
	struct event_window w = events_window(1000000000, 9, 0, 10);
	const char *text, *s;

	memcpy(w.w.ca_name, "\033[2J\"\xc2\x9b\n\xff", 10);
	ASSERT_EQ(0, text_output(self->page.pipeline, self->page.schema,
				 self->page.file, 0, false));
	ASSERT_EQ(0, pipeline_add_output(self->page.pipeline,
					 output_json_new(self->page.schema,
							 self->page.file)));
	pipeline_push(self->page.pipeline, &w, sizeof(w));
	text = finish(self->page.pipeline, self->page.file, &self->page.text);
	for (s = text; *s; s++)
		EXPECT_TRUE(*s == '\n' || (*s >= ' ' && *s < 0x7f));
	EXPECT_NE(NULL, strstr(text, "\\x1b[2J\"\\xc2\\x9b\\x0a\\xff\n"));
	EXPECT_NE(NULL, strstr(text, "\"ca_name\":\"\\u001b[2J\\\"\\u009b"
				     "\\u000a\\ufffd\""));
}

/* JSON: a header, an object an event with what is known, a footer. */
TEST_F(output, json)
{
	struct event_window w = events_window(1000000000, 9, 0, 10);
	struct json_object *o, *v;
	const char *text;
	char *line, *rest;

	ASSERT_EQ(0, pipeline_add_output(self->page.pipeline,
					 output_json_new(self->page.schema,
							 self->page.file)));
	ASSERT_EQ(0, header(self->page.pipeline));
	w.ev.pid = 0;
	pipeline_push(self->page.pipeline, &w, sizeof(w));
	text = finish(self->page.pipeline, self->page.file, &self->page.text);
	rest = (char *)text;

	line = strsep(&rest, "\n");
	o = json_tokener_parse(line);
	ASSERT_NE(NULL, o);
	ASSERT_TRUE(json_object_object_get_ex(o, "host", &v));
	EXPECT_STREQ("a\"host", json_object_get_string(v));
	ASSERT_TRUE(json_object_object_get_ex(o, "hooks", &v));
	EXPECT_EQ(2, json_object_array_length(v));
	ASSERT_TRUE(json_object_object_get_ex(o, "wall_offset_ns", &v));
	EXPECT_EQ(-5, json_object_get_int64(v));
	json_object_put(o);

	line = strsep(&rest, "\n");
	o = json_tokener_parse(line);
	ASSERT_NE(NULL, o);
	ASSERT_TRUE(json_object_object_get_ex(o, "type", &v));
	EXPECT_STREQ("window", json_object_get_string(v));
	ASSERT_TRUE(json_object_object_get_ex(o, "cwnd", &v));
	EXPECT_EQ(10, json_object_get_int(v));
	ASSERT_TRUE(json_object_object_get_ex(o, "laddr", &v));
	EXPECT_STREQ("10.0.0.1", json_object_get_string(v));
	ASSERT_TRUE(json_object_object_get_ex(o, "ca_name", &v));
	EXPECT_STREQ("reno", json_object_get_string(v));
	EXPECT_FALSE(json_object_object_get_ex(o, "pid", &v));
	EXPECT_FALSE(json_object_object_get_ex(o, "ssthresh", &v));
	EXPECT_FALSE(json_object_object_get_ex(o, "pacing_rate", &v));
	EXPECT_FALSE(json_object_object_get_ex(o, "pad", &v));
	json_object_put(o);

	line = strsep(&rest, "\n");
	o = json_tokener_parse(line);
	ASSERT_NE(NULL, o);
	ASSERT_TRUE(json_object_object_get_ex(o, "shown", &v));
	ASSERT_TRUE(json_object_object_get_ex(v, "window", &v));
	EXPECT_EQ(1, json_object_get_int(v));
	json_object_put(o);
	EXPECT_STREQ("", rest);
}

/* Bits are a number in JSON, with the names beside it. */
TEST_F(output, json_bits)
{
	struct event_segment s = { .ev = events_drop(1000000000, 1).ev,
				   .direction = DIRECTION_sent,
				   .flags = SEGMENT_FLAG_SYN |
					    SEGMENT_FLAG_ACK };
	const char *text;

	s.ev.type = EVENT_segment;
	ASSERT_EQ(0, pipeline_add_output(self->page.pipeline,
					 output_json_new(self->page.schema,
							 self->page.file)));
	ASSERT_EQ(0, header(self->page.pipeline));
	pipeline_push(self->page.pipeline, &s, sizeof(s));
	s.flags = 0;
	pipeline_push(self->page.pipeline, &s, sizeof(s));
	text = finish(self->page.pipeline, self->page.file, &self->page.text);
	EXPECT_NE(NULL, strstr(text, ",\"flags\":18,\"flags_names\":"
				     "[\"SYN\",\"ACK\"],"));
	EXPECT_NE(NULL, strstr(text, ",\"flags\":0,\"flags_names\":[],"));
}

/* A flood on a terminal is summed up, and what was summed up is filtered. */
TEST_F(output, flood)
{
	const struct account *a = pipeline_account(self->page.pipeline);
	const char *text;
	int i;

	ASSERT_EQ(0, text_output(self->page.pipeline, self->page.schema,
				 self->page.file, 80, false));
	for (i = 0; i < 5000; i++) {
		struct event_window w = events_window(1000000000 + i, 1, i,
						      i + 1);

		pipeline_push(self->page.pipeline, &w, sizeof(w));
	}
	text = finish(self->page.pipeline, self->page.file, &self->page.text);
	EXPECT_EQ(5000, a->delivered[EVENT_window]);
	EXPECT_EQ(5000, a->shown[EVENT_window] + a->filtered[EVENT_window]);
	EXPECT_LT(900, a->shown[EVENT_window]);
	EXPECT_GE(1000, a->shown[EVENT_window]);
	EXPECT_NE(NULL, strstr(text, "more events in this second"));
}

/* The limit of shown events is exact; the rest is accounted as filtered. */
TEST_F(output, limit)
{
	struct pipeline *p = pipeline_new(self->page.schema, NULL, 3);
	const struct account *a = pipeline_account(p);
	int i;

	ASSERT_EQ(0,
		  text_output(p, self->page.schema, self->page.file, 0, false));
	for (i = 0; i < 10; i++) {
		struct event_window w = events_window(i, 1, i, i + 1);

		pipeline_push(p, &w, sizeof(w));
	}
	pipeline_push(p, "short", 5);
	EXPECT_FALSE(pipeline_done(p));
	EXPECT_EQ(0, pipeline_footer(p));
	EXPECT_TRUE(pipeline_done(p));
	EXPECT_EQ(10, a->delivered[EVENT_window]);
	EXPECT_EQ(3, a->shown[EVENT_window]);
	EXPECT_EQ(7, a->filtered[EVENT_window]);
	EXPECT_EQ(1, a->malformed);
	pipeline_free(p);
}

/*
 * Existing sockets that nobody asked for are known to the flow table, not
 * shown, and no events in the account.
 */
TEST_F(output, existing)
{
	const struct account *a = pipeline_account(self->page.pipeline);
	struct event_state server = events_other_end(2000000000, 2, 80, 2000,
						     TCB_STATE_ESTABLISHED,
						     TCB_STATE_CLOSE_WAIT);
	struct event_state client = events_state(0, 1, 2000, 80, 0, 0);
	struct event_socket s = { .ev = client.ev };

	s.ev.type = EVENT_socket;
	s.state = TCB_STATE_ESTABLISHED;
	pipeline_hide_existing(self->page.pipeline);
	ASSERT_EQ(0, pipeline_add_output(self->page.pipeline,
					 output_json_new(self->page.schema,
							 self->page.file)));
	ASSERT_EQ(0, header(self->page.pipeline));
	pipeline_push(self->page.pipeline, &s, sizeof(s));
	pipeline_push(self->page.pipeline, &server, sizeof(server));
	EXPECT_NE(NULL, strstr(finish(self->page.pipeline, self->page.file,
				      &self->page.text),
			       "\"pair\":1}\n{\"type\":\"footer\""));
	EXPECT_NE(NULL, strstr(self->page.text, "\"existing\":1,"));
	EXPECT_EQ(1, a->existing);
	EXPECT_EQ(0, a->delivered[EVENT_socket] + a->shown[EVENT_socket] +
			     a->filtered[EVENT_socket]);
	EXPECT_EQ(1, a->shown[EVENT_state]);
}

/* Nor are they if they are dropped before they are looked at. */
TEST_F(output, existing_dropped)
{
	const struct account *a = pipeline_account(self->page.pipeline);
	struct event_state client = events_state(0, 1, 2000, 80, 0, 0);
	struct event_socket s = { .ev = client.ev };

	s.ev.type = EVENT_socket;
	s.state = TCB_STATE_ESTABLISHED;
	pipeline_hide_existing(self->page.pipeline);
	pipeline_push(self->page.pipeline, &s, sizeof(s));
	pipeline_drop(self->page.pipeline);
	EXPECT_EQ(1, a->existing);
	EXPECT_EQ(0, a->filtered[EVENT_socket]);
}

/* What is not of the traced command is not shown, but known as an other end. */
TEST_F(output, foreign)
{
	const struct account *a = pipeline_account(self->page.pipeline);
	struct event_state server = events_other_end(1000000001, 2, 80, 2000,
						     TCB_STATE_SYN_RECV,
						     TCB_STATE_ESTABLISHED);
	struct event_state client = events_state(1000000002, 1, 2000, 80,
						 TCB_STATE_ESTABLISHED,
						 TCB_STATE_FIN_WAIT1);

	server.ev.foreign = 1;
	ASSERT_EQ(0, pipeline_add_output(self->page.pipeline,
					 output_json_new(self->page.schema,
							 self->page.file)));
	pipeline_push(self->page.pipeline, &server, sizeof(server));
	pipeline_push(self->page.pipeline, &client, sizeof(client));
	EXPECT_NE(NULL, strstr(finish(self->page.pipeline, self->page.file,
				      &self->page.text),
			       "\"pair\":2}\n{\"type\":\"footer\""));
	EXPECT_EQ(NULL, strstr(self->page.text, "\"cookie\":2,"));
	EXPECT_EQ(1, a->shown[EVENT_state]);
	EXPECT_EQ(1, a->filtered[EVENT_state]);
}

/* An output that cannot write says so, and the trace ends. */
TEST_F(output, write_error)
{
	FILE *full = fopen("/dev/full", "w");
	struct event_window w = events_window(1, 1, 1, 2);

	ASSERT_NE(NULL, full);
	setvbuf(full, NULL, _IONBF, 0);
	ASSERT_EQ(0, pipeline_add_output(self->page.pipeline,
					 output_json_new(self->page.schema,
							 full)));
	pipeline_push(self->page.pipeline, &w, sizeof(w));
	EXPECT_EQ(-ENOSPC, pipeline_footer(self->page.pipeline));
	fclose(full);
}

TEST_HARNESS_MAIN
