// SPDX-License-Identifier: GPL-2.0
/* Filters let through what they say, by fields they know from the schema. */
#include "event/filter.h"
#include "tests/lib/events.h"

#include <kselftest_harness.h>

FIXTURE(filter)
{
	struct schema *schema;
	struct filter *filter;
	struct event_state s;
	struct event_window w;
};

FIXTURE_SETUP(filter)
{
	self->schema = events_schema();
	ASSERT_NE(NULL, self->schema);
	self->filter = filter_new(self->schema);
	ASSERT_NE(NULL, self->filter);
	self->s = events_state(1, 5, 2000, 443, TCB_STATE_SYN_SENT,
			       TCB_STATE_ESTABLISHED);
	self->w = events_window(1, 5, 20, 10);
}

FIXTURE_TEARDOWN(filter)
{
	filter_free(self->filter);
	schema_free(self->schema);
}

/* No term: everything passes. */
TEST_F(filter, empty)
{
	EXPECT_TRUE(filter_match(self->filter, &self->s.ev));
}

struct row {
	const char *fields, *values;
	bool state, window; /* does the fixture's event pass? */
};

/* One term each, against a state and a window event. */
TEST_F(filter, terms)
{
	static const struct row rows[] = {
		{ "lport,rport", "443", true, false },
		{ "lport,rport", "2000", true, true },
		{ "lport,rport", "1,2,443", true, false },
		{ "lport", "443", false, false },
		{ "rport", "443", true, false },
		{ "pid", "100", true, true },
		{ "pid", "99,101", false, false },
		{ "comm", "app", true, true },
		{ "comm", "a*", true, true },
		{ "comm", "b*,?pp", true, true },
		{ "comm", "ap", false, false },
		{ "laddr,raddr", "10.0.0.2", true, true },
		{ "laddr,raddr", "10.0.0.0/8", true, true },
		{ "laddr,raddr", "10.0.0.4/30", false, false },
		{ "laddr,raddr", "0.0.0.0/0", true, true },
		{ "laddr,raddr", "::/0", false, false },
		{ "laddr", "10.0.0.3/31", false, false },
		{ "laddr", "10.0.0.0/31", true, true },
		{ "netns", "1", true, true },
		{ "old,new,state", "ESTABLISHED", true, true },
		{ "old,new,state", "established,close", true, true },
		{ "old,new,state", "SYN_SENT", true, false },
		{ "old,new,state", "CLOSE", false, false },
		{ "type", "state", true, false },
		{ "type", "state,window", true, true },
		{ "cwnd", "10", false, true },
	};
	unsigned int i;

	for (i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
		struct filter *f = filter_new(self->schema);

		ASSERT_EQ(0, filter_add(f, rows[i].fields, rows[i].values));
		EXPECT_EQ(rows[i].state, filter_match(f, &self->s.ev))
		TH_LOG("state, %s %s", rows[i].fields, rows[i].values);
		EXPECT_EQ(rows[i].window, filter_match(f, &self->w.ev))
		TH_LOG("window, %s %s", rows[i].fields, rows[i].values);
		filter_free(f);
	}
}

/* All terms must hold. */
TEST_F(filter, several_terms)
{
	ASSERT_EQ(0, filter_add(self->filter, "pid", "100"));
	ASSERT_EQ(0, filter_add(self->filter, "type", "state"));
	EXPECT_TRUE(filter_match(self->filter, &self->s.ev));
	EXPECT_FALSE(filter_match(self->filter, &self->w.ev));
	ASSERT_EQ(0, filter_add(self->filter, "lport", "1"));
	EXPECT_FALSE(filter_match(self->filter, &self->s.ev));
}

/* IPv6 prefixes, and IPv4 ones never match IPv6. */
TEST_F(filter, ipv6)
{
	static const addr_t fd08 = { .byte = { 0xfd, 8, [15] = 1 } };

	self->s.ev.family = FAMILY_INET6;
	self->s.ev.laddr = fd08;
	ASSERT_EQ(0, filter_add(self->filter, "laddr", "fd08::/64"));
	EXPECT_TRUE(filter_match(self->filter, &self->s.ev));
	ASSERT_EQ(0, filter_add(self->filter, "laddr", "253.8.0.0/16"));
	EXPECT_FALSE(filter_match(self->filter, &self->s.ev));
}

/* An unknown owner is nobody's. */
TEST_F(filter, absent_matches_nothing)
{
	self->w.w.ssthresh = 0x7fffffff;
	ASSERT_EQ(0, filter_add(self->filter, "ssthresh", "7,8"));
	EXPECT_FALSE(filter_match(self->filter, &self->w.ev));
	self->w.w.ssthresh = 8;
	EXPECT_TRUE(filter_match(self->filter, &self->w.ev));
}

/* Wrong terms are refused and change nothing. */
TEST_F(filter, refused)
{
	static const struct {
		const char *fields, *values;
		int err;
	} rows[] = {
		{ "nothing", "1", -ENOENT },
		{ "lport,comm", "1", -ENOENT },
		{ "pad", "1", -ENOENT },
		{ "", "1", -ENOENT },
		{ "pid", "x", -EINVAL },
		{ "pid", "0", -EINVAL }, /* what means "unknown" */
		{ "lport", "65536", -EINVAL },
		{ "pid", "", -EINVAL },
		{ "pid", "1,", -EINVAL },
		{ "pid", "-1", -EINVAL },
		{ "lport", "0x50", -EINVAL },
		{ "laddr", "10.0.0.1/33", -EINVAL },
		{ "laddr", "host", -EINVAL },
		{ "new", "SYN", -EINVAL },
		{ "type", "states", -EINVAL },
	};
	unsigned int i;

	for (i = 0; i < sizeof(rows) / sizeof(*rows); i++)
		EXPECT_EQ(rows[i].err, filter_add(self->filter, rows[i].fields,
						  rows[i].values))
	TH_LOG("row %u", i);
	EXPECT_TRUE(filter_match(self->filter, &self->s.ev));
}

TEST_HARNESS_MAIN
