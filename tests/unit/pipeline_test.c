// SPDX-License-Identifier: GPL-2.0
/* What the pipeline shows, what it keeps back, and what it counts. */
#include "output/output.h"
#include "tests/lib/events.h"
#include "tests/lib/page.h"

#include <kselftest_harness.h>

FIXTURE(pipeline)
{
	struct page page;
};

FIXTURE_SETUP(pipeline)
{
	ASSERT_EQ(0, page_init(&self->page));
}

FIXTURE_TEARDOWN(pipeline)
{
	page_free(&self->page);
}

/* The limit of shown events is exact; the rest is accounted as filtered. */
TEST_F(pipeline, limit)
{
	struct pipeline *p = pipeline_new(self->page.schema, NULL, 3);
	const struct account *a = pipeline_account(p);
	int i;

	pipeline_free(self->page.pipeline);
	self->page.pipeline = p;
	ASSERT_EQ(0, page_text(&self->page, 0, false));
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
}

/*
 * Existing sockets that nobody asked for are known to the flow table, not
 * shown, and no events in the account.
 */
TEST_F(pipeline, existing)
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
	ASSERT_EQ(0, page_json(&self->page));
	ASSERT_EQ(0, page_header(&self->page));
	pipeline_push(self->page.pipeline, &s, sizeof(s));
	pipeline_push(self->page.pipeline, &server, sizeof(server));
	EXPECT_NE(NULL, strstr(page_finish(&self->page),
			       "\"pair\":1}\n{\"type\":\"footer\""));
	EXPECT_NE(NULL, strstr(self->page.text, "\"existing\":1,"));
	EXPECT_EQ(1, a->existing);
	EXPECT_EQ(0, a->delivered[EVENT_socket] + a->shown[EVENT_socket] +
			     a->filtered[EVENT_socket]);
	EXPECT_EQ(1, a->shown[EVENT_state]);
}

/* Nor are they if they are dropped before they are looked at. */
TEST_F(pipeline, existing_dropped)
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
TEST_F(pipeline, foreign)
{
	const struct account *a = pipeline_account(self->page.pipeline);
	struct event_state server = events_other_end(1000000001, 2, 80, 2000,
						     TCB_STATE_SYN_RECV,
						     TCB_STATE_ESTABLISHED);
	struct event_state client = events_state(1000000002, 1, 2000, 80,
						 TCB_STATE_ESTABLISHED,
						 TCB_STATE_FIN_WAIT1);

	server.ev.foreign = 1;
	ASSERT_EQ(0, page_json(&self->page));
	pipeline_push(self->page.pipeline, &server, sizeof(server));
	pipeline_push(self->page.pipeline, &client, sizeof(client));
	EXPECT_NE(NULL, strstr(page_finish(&self->page),
			       "\"pair\":2}\n{\"type\":\"footer\""));
	EXPECT_EQ(NULL, strstr(self->page.text, "\"cookie\":2,"));
	EXPECT_EQ(1, a->shown[EVENT_state]);
	EXPECT_EQ(1, a->filtered[EVENT_state]);
}

/* An output that cannot write says so, and the trace ends. */
TEST_F(pipeline, write_error)
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
