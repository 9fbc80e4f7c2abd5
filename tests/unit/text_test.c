// SPDX-License-Identifier: GPL-2.0
/* Lines of text: columns, times, colours; and that no name steers a terminal. */
#include "output/output.h"
#include "tests/lib/events.h"
#include "tests/lib/page.h"

#include <json-c/json.h>
#include <kselftest_harness.h>
#include <string.h>

FIXTURE(text)
{
	struct page page;
};

FIXTURE_SETUP(text)
{
	ASSERT_EQ(0, page_init(&self->page));
}

FIXTURE_TEARDOWN(text)
{
	page_free(&self->page);
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

/* The whole of what an 80-column terminal shows of a full open. */
TEST_F(text, on_80_columns)
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

	ASSERT_EQ(0, page_text(&self->page, 80, false));
	push_full_open(self->page.pipeline);
	EXPECT_STREQ(expected, page_finish(&self->page));
}

/* Explanations: below the line, within the terminal's columns. */
TEST_F(text, explained)
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
	ASSERT_EQ(0, page_header(&self->page));
	push_full_open(self->page.pipeline);
	text = page_finish(&self->page);
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
TEST_F(text, on_a_wide_terminal)
{
	const char *text;

	ASSERT_EQ(0, page_text(&self->page, 160, false));
	push_full_open(self->page.pipeline);
	text = page_finish(&self->page);
	EXPECT_NE(NULL, strstr(text, "rx SYN+ACK simultaneous open (full)\n"));
	EXPECT_NE(NULL, strstr(text, "app[100]           10.0.0.1:2000 "));
}

/* A pipe: every column, no introductions, no colour. */
TEST_F(text, into_a_pipe)
{
	const char *text;

	ASSERT_EQ(0, page_text(&self->page, 0, false));
	push_full_open(self->page.pipeline);
	text = page_finish(&self->page);
	EXPECT_EQ(NULL, strchr(text, '\033'));
	EXPECT_EQ(NULL, strstr(text, " + #"));
	EXPECT_NE(NULL, strstr(text, "NETNS"));
	EXPECT_NE(NULL, strstr(text, "10.0.0.2:2001"));
}

/* Colour belongs to the line as a whole and is always switched off again. */
TEST_F(text, colour)
{
	const char *text, *at;
	int on = 0, off = 0;

	ASSERT_EQ(0, page_text(&self->page, 80, true));
	push_full_open(self->page.pipeline);
	text = page_finish(&self->page);
	for (at = text; (at = strchr(at, '\033')); at++)
		if (!strncmp(at, "\033[0m\n", 5))
			off++;
		else
			on++;
	EXPECT_LT(0, on);
	EXPECT_EQ(on, off);
}

/* Each way to show the time, to the microsecond. The trace began at 1 s. */
TEST_F(text, times)
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
		ASSERT_EQ(0, page_header(&self->page));
		pipeline_push(self->page.pipeline, &s, sizeof(s));
		s = events_state(3250001000, 1, 2000, 2001, TCB_STATE_SYN_SENT,
				 TCB_STATE_ESTABLISHED);
		pipeline_push(self->page.pipeline, &s, sizeof(s));
		text = page_finish(&self->page);
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

/* Names from the kernel cannot steer the terminal or break the JSON. */
TEST_F(text, hostile_names)
{
	struct event_state s = events_state(1000000000, 1, 1, 2,
					    TCB_STATE_CLOSE,
					    TCB_STATE_SYN_SENT);
	struct json_object *o, *comm;
	const char *text, *line;

	memcpy(s.ev.comm, "\033[2J\"\\\n\xff\x9b\x01\t\x7f{},", 16);
	ASSERT_EQ(0, page_text(&self->page, 80, false));
	ASSERT_EQ(0, page_json(&self->page));
	pipeline_push(self->page.pipeline, &s, sizeof(s));
	text = page_finish(&self->page);
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
TEST_F(text, hostile_algorithm)
{
	struct event_window w = events_window(1000000000, 9, 0, 10);
	const char *text, *s;

	memcpy(w.w.ca_name, "\033[2J\"\xc2\x9b\n\xff", 10);
	ASSERT_EQ(0, page_text(&self->page, 0, false));
	ASSERT_EQ(0, page_json(&self->page));
	pipeline_push(self->page.pipeline, &w, sizeof(w));
	text = page_finish(&self->page);
	for (s = text; *s; s++)
		EXPECT_TRUE(*s == '\n' || (*s >= ' ' && *s < 0x7f));
	EXPECT_NE(NULL, strstr(text, "\\x1b[2J\"\\xc2\\x9b\\x0a\\xff\n"));
	EXPECT_NE(NULL, strstr(text, "\"ca_name\":\"\\u001b[2J\\\"\\u009b"
				     "\\u000a\\ufffd\""));
}

/* A flood on a terminal is summed up, and what was summed up is filtered. */
TEST_F(text, flood)
{
	const struct account *a = pipeline_account(self->page.pipeline);
	const char *text;
	int i;

	ASSERT_EQ(0, page_text(&self->page, 80, false));
	for (i = 0; i < 5000; i++) {
		struct event_window w = events_window(1000000000 + i, 1, i,
						      i + 1);

		pipeline_push(self->page.pipeline, &w, sizeof(w));
	}
	text = page_finish(&self->page);
	EXPECT_EQ(5000, a->delivered[EVENT_window]);
	EXPECT_EQ(5000, a->shown[EVENT_window] + a->filtered[EVENT_window]);
	EXPECT_LT(900, a->shown[EVENT_window]);
	EXPECT_GE(1000, a->shown[EVENT_window]);
	EXPECT_NE(NULL, strstr(text, "more events in this second"));
}

TEST_HARNESS_MAIN
