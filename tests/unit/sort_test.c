// SPDX-License-Identifier: GPL-2.0
/* Events come out in the order of their time, however they went in. */
#include "event/sort.h"
#include "tests/lib/events.h"

#include <kselftest_harness.h>

FIXTURE(sort)
{
	struct sort *sort;
};

FIXTURE_SETUP(sort)
{
	self->sort = sort_new();
	ASSERT_NE(NULL, self->sort);
}

FIXTURE_TEARDOWN(sort)
{
	sort_free(self->sort);
}

static int push(struct sort *sort, nsec_t ts, __u64 cookie, __u32 seq)
{
	struct event_state s = events_state(ts, cookie, 1, 2, TCB_STATE_CLOSE,
					    TCB_STATE_SYN_SENT);

	s.ev.seq = seq;
	return sort_push(sort, &s.ev, sizeof(s));
}

/* A thousand events in a scrambled order. */
TEST_F(sort, any_order_in_time_order_out)
{
	nsec_t i, last = 0;
	struct event *e;

	for (i = 0; i < 1000; i++)
		ASSERT_EQ(0, push(self->sort, 1 + i * 577 % 1009, i, 0));
	EXPECT_EQ(1000, sort_count(self->sort));
	for (i = 0; (e = sort_pop(self->sort, ~0ull)); i++) {
		EXPECT_LE(last, e->ts_ns);
		EXPECT_EQ(0, e->late);
		last = e->ts_ns;
	}
	EXPECT_EQ(1000, i);
	EXPECT_EQ(0, sort_count(self->sort));
}

/* Nothing later than asked for comes out. */
TEST_F(sort, until)
{
	ASSERT_EQ(0, push(self->sort, 30, 1, 0));
	ASSERT_EQ(0, push(self->sort, 10, 1, 0));
	EXPECT_EQ(NULL, sort_pop(self->sort, 9));
	ASSERT_NE(NULL, sort_pop(self->sort, 10));
	EXPECT_EQ(NULL, sort_pop(self->sort, 29));
	ASSERT_NE(NULL, sort_pop(self->sort, 30));
}

/* Equal times: a socket's events by seq, whatever came between them. */
TEST_F(sort, equal_times)
{
	ASSERT_EQ(0, push(self->sort, 5, 1, 2));
	ASSERT_EQ(0, push(self->sort, 5, 1, 0));
	ASSERT_EQ(0, push(self->sort, 5, 1, 1));
	EXPECT_EQ(0, sort_pop(self->sort, 5)->seq);
	EXPECT_EQ(1, sort_pop(self->sort, 5)->seq);
	EXPECT_EQ(2, sort_pop(self->sort, 5)->seq);
	ASSERT_EQ(0, push(self->sort, 6, 1, 1));
	ASSERT_EQ(0, push(self->sort, 6, 2, 0));
	ASSERT_EQ(0, push(self->sort, 6, 3, 0));
	ASSERT_EQ(0, push(self->sort, 6, 1, 0));
	EXPECT_EQ(0, sort_pop(self->sort, 6)->seq);
	EXPECT_EQ(1, sort_pop(self->sort, 6)->seq);
	EXPECT_EQ(2, sort_pop(self->sort, 6)->cookie);
	EXPECT_EQ(3, sort_pop(self->sort, 6)->cookie);
}

/* What comes after later ones have gone is marked, not dropped. */
TEST_F(sort, late)
{
	struct event *e;

	ASSERT_EQ(0, push(self->sort, 100, 1, 0));
	ASSERT_NE(NULL, sort_pop(self->sort, 100));
	ASSERT_EQ(0, push(self->sort, 99, 2, 0));
	ASSERT_EQ(0, push(self->sort, 100, 3, 0));
	e = sort_pop(self->sort, 100);
	ASSERT_NE(NULL, e);
	EXPECT_EQ(2, e->cookie);
	EXPECT_EQ(1, e->late);
	e = sort_pop(self->sort, 100);
	ASSERT_NE(NULL, e);
	EXPECT_EQ(0, e->late);
}

/* An event is copied whole, and may be changed in place. */
TEST_F(sort, copies)
{
	struct event_window w = events_window(1, 2, 20, 14), *out;

	ASSERT_EQ(0, sort_push(self->sort, &w.ev, sizeof(w)));
	w.w.cwnd = 0;
	out = (struct event_window *)sort_pop(self->sort, 1);
	ASSERT_NE(NULL, out);
	EXPECT_EQ(14, out->w.cwnd);
	EXPECT_STREQ("reno", out->w.ca_name);
}

TEST_HARNESS_MAIN
