// SPDX-License-Identifier: GPL-2.0
/* Filters let through what they say, by fields they know from the schema. */
#include "event/filter.h"
#include "tests/lib/events.h"

#include <stdlib.h>
#include <string.h>

#include <kselftest_harness.h>

#define ROWS(rows) (sizeof(rows) / sizeof(*(rows)))

FIXTURE(filter)
{
	struct schema *schema;
	struct filter *filter;
	struct event_state s;
	struct event_window w;
	struct filter_error error;
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
	self->s.ev.uid = self->w.ev.uid = 1000;
	self->s.ev.cgroup = self->w.ev.cgroup = 77;
}

FIXTURE_TEARDOWN(filter)
{
	filter_free(self->filter);
	schema_free(self->schema);
}

/* No expression: everything passes. */
TEST_F(filter, empty)
{
	EXPECT_TRUE(filter_match(self->filter, &self->s.ev));
}

struct row {
	const char *text;
	bool state, window; /* does the fixture's event pass? */
};

/* One expression each, against a state and a window event. */
static void expect_rows(struct __test_metadata *_metadata,
			FIXTURE_DATA(filter) * self, const struct row *rows,
			size_t n)
{
	size_t i;

	for (i = 0; i < n; i++) {
		struct filter *f = filter_new(self->schema);

		EXPECT_EQ(0, filter_parse(f, rows[i].text, &self->error))
		{
			TH_LOG("%s: %s", rows[i].text, self->error.what);
		}
		EXPECT_EQ(rows[i].state, filter_match(f, &self->s.ev))
		{
			TH_LOG("state event, %s", rows[i].text);
		}
		EXPECT_EQ(rows[i].window, filter_match(f, &self->w.ev))
		{
			TH_LOG("window event, %s", rows[i].text);
		}
		filter_free(f);
	}
}

static const struct row terms[] = {
	{ "port 443", true, false },
	{ "port = 2000", true, true },
	{ "port = :2000", true, true },
	{ "port = 1,2,443", true, false },
	{ "sport = 443", false, false },
	{ "dport = :443", true, false },
	{ "dport eq 443", true, false },
	{ "dport == 443", true, false },
	{ "dport 443", true, false },
	{ "dport != 443", false, true },
	{ "dport ne :443", false, true },
	{ "port != 443", false, true },
	{ "port != 1,2", true, true },
	{ "sport >= 1024", true, true },
	{ "sport ge :2000", true, true },
	{ "sport > 2000", false, false },
	{ "sport gt 1999", true, true },
	{ "sport < 2000", false, false },
	{ "sport lt 2001", true, true },
	{ "sport <= 2000", true, true },
	{ "sport le 1999", false, false },
	{ "lport=2000", true, true },
	{ "pid = 100", true, true },
	{ "pid = 99,101", false, false },
	{ "pid != 99,101", true, true },
	{ "uid = 1000", true, true },
	{ "uid < 1000", false, false },
	{ "comm = app", true, true },
	{ "comm app", true, true },
	{ "comm = a*", true, true },
	{ "comm = b*,?pp", true, true },
	{ "comm = [!b]pp", true, true },
	{ "comm = 'app'", true, true },
	{ "comm = \"app\"", true, true },
	{ "comm = 'app,x'", false, false },
	{ "comm = ap", false, false },
	{ "comm != app", false, false },
	{ "addr 10.0.0.2", true, true },
	{ "addr 10.0.0.0/8", true, true },
	{ "addr 10.0.0.4/30", false, false },
	{ "addr 0.0.0.0/0", true, true },
	{ "addr ::/0", false, false },
	{ "src 10.0.0.3/31", false, false },
	{ "src 10.0.0.0/31", true, true },
	{ "dst = 10.0.0.2", true, true },
	{ "dst != 10.0.0.2", false, false },
	{ "laddr = 10.0.0.1,::1", true, true },
	{ "netns = 1", true, true },
	{ "cgroup 77", true, true },
	{ "cgroup = 78,77", true, true },
	{ "cgroup != 77", false, false },
	{ "cgroup 78", false, false },
	{ "state ESTABLISHED", true, true },
	{ "state established,close", true, true },
	{ "state SYN_SENT", true, false },
	{ "state syn-sent", true, false },
	{ "state CLOSE", false, false },
	{ "state closed", false, false },
	{ "state all", true, true },
	{ "state connected", true, true },
	{ "state synchronized", true, true },
	{ "state bucket", false, false },
	{ "state big", true, true },
	{ "state != established", false, false },
	{ "exclude established", false, false },
	{ "exclude syn-sent", false, true },
	{ "exclude close", true, true },
	{ "old = syn_sent", true, false },
	{ "new != syn-sent", true, false },
	{ "type = state", true, false },
	{ "type = state,window", true, true },
	{ "type != state", false, true },
	{ "cwnd = 10", false, true },
	{ "cwnd < 11", false, true },
	{ "cwnd", false, true },
	{ "not cwnd", true, false },
};

/* Claim: each kind of field compares as it is written. */
TEST_F(filter, terms)
{

	expect_rows(_metadata, self, terms, ROWS(terms));
}

/* Claim: an end is an address, a port or both, of one and the same end. */
TEST_F(filter, endpoints)
{
	static const struct row rows[] = {
		{ "src 10.0.0.1:2000", true, true },
		{ "src 10.0.0.1:443", false, false },
		{ "src :2000", true, true },
		{ "src *:2000", true, true },
		{ "src 10.0.0.1:*", true, true },
		{ "src 10.0.0.0/8:2000", true, true },
		{ "dst 10.0.0.0/8:443", true, false },
		{ "dst = 1.2.3.4,10.0.0.2:443", true, false },
		{ "dst != 10.0.0.2:443", false, true },
		{ "addr 10.0.0.1:443", false, false },
		{ "addr 10.0.0.2:443", true, false },
		{ "src [::1]:2000,:2000", true, true },
		{ "src [::1]:2000", false, false },
		{ "src ::1", false, false },
		{ "src [::]/0", false, false },
		{ "src [::/0]:2000", false, false },
	};

	expect_rows(_metadata, self, rows, ROWS(rows));
}

/* Claim: "not" binds closest, then "and", also unwritten, then "or". */
TEST_F(filter, precedence)
{
#define T "pid 100"
#define F "pid 99"
	static const struct row rows[] = {
		{ T " or " T " and " F, true, true },
		{ "( " T " or " T " ) and " F, false, false },
		{ "(" T " or " T ") " F, false, false },
		{ F " and " T " or " T, true, true },
		{ F " and ( " T " or " T " )", false, false },
		{ "not " T " and " F, false, false },
		{ "not ( " T " and " F " )", true, true },
		{ "not " F " or " T, true, true },
		{ "not not " T, true, true },
		{ "!" F, true, true },
		{ "! " F " && !" F, true, true },
		{ F "||" T, true, true },
		{ T "&&" F, false, false },
		{ F " | " T " & " F, false, false },
		{ T " " F, false, false },
		{ T " not " F, true, true },
		{ "((((" T "))))", true, true },
		{ "\t" T "\n", true, true },
		{ T " AND NOT " F, true, true },
	};

	expect_rows(_metadata, self, rows, ROWS(rows));
}

/* Claim: several expressions must all hold. */
TEST_F(filter, several)
{
	ASSERT_EQ(0,
		  filter_parse(self->filter, "pid 100 or pid 1", &self->error));
	ASSERT_EQ(0, filter_parse(self->filter, "type = state", &self->error));
	EXPECT_TRUE(filter_match(self->filter, &self->s.ev));
	EXPECT_FALSE(filter_match(self->filter, &self->w.ev));
	ASSERT_EQ(0, filter_parse_option(self->filter, "sport", "1",
					 &self->error));
	EXPECT_FALSE(filter_match(self->filter, &self->s.ev));
}

/* Claim: an option's value is one word, whatever it is made of. */
TEST_F(filter, option)
{
	strcpy(self->s.ev.comm, "(sd-pam) or");
	ASSERT_EQ(0, filter_parse_option(self->filter, "comm", "(sd-pam) or",
					 &self->error));
	EXPECT_TRUE(filter_match(self->filter, &self->s.ev));
	EXPECT_FALSE(filter_match(self->filter, &self->w.ev));
}

/* IPv6 prefixes, and IPv4 ones never match IPv6. */
TEST_F(filter, ipv6)
{
	static const addr_t fd08 = { .byte = { 0xfd, 8, [15] = 1 } };
	static const struct row rows[] = {
		{ "src fd08::/64", true, false },
		{ "src [fd08::1]:2000", true, false },
		{ "src [fd08::]/64:2000", true, false },
		{ "src [fd08::]/127:2000", true, false },
		{ "src [fd08::2]", false, false },
		{ "src 253.8.0.0/16", false, false },
	};

	self->s.ev.family = FAMILY_INET6;
	self->s.ev.laddr = fd08;
	expect_rows(_metadata, self, rows, ROWS(rows));
}

/* Claim: what is absent compares with nothing, and "not" makes that true. */
TEST_F(filter, absent)
{
	static const struct row rows[] = {
		{ "ssthresh = 7,8", false, false },
		{ "ssthresh > 7", false, false },
		{ "ssthresh < 7", false, false },
		{ "ssthresh != 7", false, false },
		{ "ssthresh", false, false },
		{ "not ssthresh = 7", true, true },
		{ "pid < 5", false, false },
		{ "pid != 5", false, false },
		{ "comm = *", false, false },
		{ "comm != x", false, false },
		{ "not comm = *", true, true },
		{ "exclude listen", true, true },
	};

	self->w.w.ssthresh = 0x7fffffff;
	self->s.ev.pid = self->w.ev.pid = 0;
	self->s.ev.comm[0] = self->w.ev.comm[0] = '\0';
	expect_rows(_metadata, self, rows, ROWS(rows));
	self->w.w.ssthresh = 8;
	ASSERT_EQ(0,
		  filter_parse(self->filter, "ssthresh = 7,8", &self->error));
	EXPECT_TRUE(filter_match(self->filter, &self->w.ev));
}

/* Claim: a time and an amount may have a unit; the field's is the default. */
TEST_F(filter, units)
{
	static const struct row rows[] = {
		{ "srtt_us = 1500", false, true },
		{ "srtt_us = 1.5ms", false, true },
		{ "srtt_us > 1ms", false, true },
		{ "srtt_us > 1s", false, false },
		{ "mss = 2K", false, true },
		{ "ts_ns < 1us", true, true },
	};

	self->w.w.srtt_us = 1500;
	self->w.w.mss = 2048;
	expect_rows(_metadata, self, rows, ROWS(rows));
}

/* Of bits "=" asks for all that are named, and "!=" for one that is not set. */
TEST_F(filter, bits)
{
	static const struct {
		const char *text;
		bool syn, syn_ack;
	} rows[] = {
		{ "flags = SYN", true, true },
		{ "flags = syn+ack", false, true },
		{ "flags = 2", true, true },
		{ "flags = 0", false, false },
		{ "flags = ACK,RST", false, true },
		{ "flags != ACK", true, false },
		{ "flags = SYN and not flags = ACK", true, false },
	};
	struct event_segment syn = { .ev = self->s.ev,
				     .flags = SEGMENT_FLAG_SYN };
	struct event_segment syn_ack = syn;
	struct filter *f;
	unsigned int i;

	syn.ev.type = syn_ack.ev.type = EVENT_segment;
	syn_ack.flags |= SEGMENT_FLAG_ACK;
	for (i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
		f = filter_new(self->schema);
		ASSERT_EQ(0, filter_parse(f, rows[i].text, &self->error));
		EXPECT_EQ(rows[i].syn, filter_match(f, &syn.ev))
		{
			TH_LOG("%s", rows[i].text);
		}
		EXPECT_EQ(rows[i].syn_ack, filter_match(f, &syn_ack.ev))
		{
			TH_LOG("%s", rows[i].text);
		}
		filter_free(f);
	}
	EXPECT_EQ(-EINVAL,
		  filter_parse(self->filter, "flags = SYN+NACK", &self->error));
	EXPECT_NE(NULL, strstr(self->error.then, "joined by +: FIN, SYN"));
}

/* Claim: the kernel says which of the cgroups that are asked for it is in. */
TEST_F(filter, cgroup_within)
{
	ASSERT_EQ(0, filter_parse(self->filter, "cgroup 5 or cgroup 6,5",
				  &self->error));
	EXPECT_FALSE(filter_match(self->filter, &self->s.ev));
	self->s.ev.within = 2;
	EXPECT_TRUE(filter_match(self->filter, &self->s.ev));
	self->s.ev.within = 4;
	EXPECT_FALSE(filter_match(self->filter, &self->s.ev));
}

/* Claim: a socket may lack what others of its type have, as a listener does. */
TEST_F(filter, lacks_a_struct)
{
	const __u32 socket = 1u << EVENT_socket;
	struct event_socket s = { .ev = { .type = EVENT_socket } };

	ASSERT_EQ(0, filter_parse(self->filter, "not mss", &self->error));
	EXPECT_EQ(socket, filter_types(self->filter) & socket);
	EXPECT_TRUE(filter_match(self->filter, &s.ev));
	s.w.cwnd = 10;
	EXPECT_FALSE(filter_match(self->filter, &s.ev));
}

/* Claim: types of which nothing can pass are known, and those that are named. */
TEST_F(filter, possible_types)
{
	static const struct {
		const char *text;
		bool state, window, names_window;
	} rows[] = {
		{ "pid 1", true, true, false },
		{ "type = state", true, false, false },
		{ "not type = state", false, true, false },
		{ "type != window", true, false, false },
		{ "type = window,state", true, true, true },
		{ "cwnd < 10", false, true, false },
		{ "not cwnd < 10", true, true, false },
		{ "pid 1 and cwnd < 10", false, true, false },
		{ "pid 1 or cwnd < 10", true, true, false },
		{ "old = close or ssthresh", true, true, false },
		{ "type = window and old = close", false, false, false },
		{ "type = window and cwnd < 10", false, true, true },
		{ "not ( type = window or pid 1 )", true, false, false },
	};
	size_t i;

	for (i = 0; i < ROWS(rows); i++) {
		struct filter *f = filter_new(self->schema);
		__u32 types;

		ASSERT_EQ(0, filter_parse(f, rows[i].text, &self->error));
		types = filter_types(f);
		EXPECT_EQ(rows[i].state, !!(types & 1u << EVENT_state))
		{
			TH_LOG("%s", rows[i].text);
		}
		EXPECT_EQ(rows[i].window, !!(types & 1u << EVENT_window))
		{
			TH_LOG("%s", rows[i].text);
		}
		EXPECT_EQ(rows[i].names_window,
			  !!(filter_named_types(f) & 1u << EVENT_window))
		{
			TH_LOG("%s", rows[i].text);
		}
		filter_free(f);
	}
}

TEST_HARNESS_MAIN
