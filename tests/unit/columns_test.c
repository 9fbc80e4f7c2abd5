// SPDX-License-Identifier: GPL-2.0
/* The columns of a list of sockets: which there are, and what they say. */
#include "cmd/columns.h"
#include "lib/clock.h"
#include "tests/lib/events.h"

#include <errno.h>
#include <kselftest_harness.h>
#include <stdio.h>
#include <string.h>

FIXTURE(columns)
{
	struct schema *schema;
	struct columns columns;
	struct event_socket s;
	char bad[32];
	char names[1024], text[CELL_TEXT];
};

FIXTURE_SETUP(columns)
{
	self->schema = events_schema();
	ASSERT_NE(NULL, self->schema);
	self->s.ev.type = EVENT_socket;
	self->s.ev.family = FAMILY_INET;
	self->s.age_ns = self->s.idle_ns = ~0ull;
	self->s.limit = self->s.unread = ~0u;
}

FIXTURE_TEARDOWN(columns)
{
	schema_free(self->schema);
}

static int parse(FIXTURE_DATA(columns) * self, const char *list)
{
	return columns_parse(&self->columns, self->schema, list, self->bad);
}

/* The columns as a list again. */
static const char *names(FIXTURE_DATA(columns) * self)
{
	const struct columns *c = &self->columns;
	unsigned int i;
	size_t n = 0;

	*self->names = '\0';
	for (i = 0; i < c->n && n < sizeof(self->names); i++)
		n += snprintf(self->names + n, sizeof(self->names) - n, "%s%s",
			      i ? "," : "", c->column[i].name);
	return self->names;
}

/* What the column of that name says of the socket. */
static const char *text(FIXTURE_DATA(columns) * self, const char *name)
{
	if (parse(self, name))
		return "no such column";
	return column_text(self->columns.column, &self->s, self->text);
}

/* Claim: a list stands for itself, in its order; + adds to what there is. */
TEST_F(columns, lists)
{
	columns_default(&self->columns, self->schema);
	EXPECT_STREQ("state,netns,local,remote,owner", names(self));
	EXPECT_EQ(0, parse(self, "+QUEUES,Age"));
	EXPECT_STREQ("state,netns,local,remote,owner,queues,age", names(self));
	EXPECT_EQ(0, parse(self, "cwnd,LOCAL,+fd"));
	EXPECT_STREQ("cwnd,local,fd", names(self));
}

/* Claim: a column is there once: JSON has no place for a second. */
TEST_F(columns, duplicates)
{
	EXPECT_EQ(0, parse(self, "state,fd,STATE,fd"));
	EXPECT_STREQ("state,fd", names(self));
	EXPECT_EQ(0, parse(self, "+owner,state"));
	EXPECT_STREQ("state,fd,owner", names(self));
}

/* Claim: all fields and all of ours fit, and all are right or left for good. */
TEST_F(columns, everything)
{
	columns_all(&self->columns, self->schema);
	EXPECT_EQ(self->schema->types[EVENT_socket].n, self->columns.n);
	EXPECT_EQ(0, parse(self, "+local,remote,owner,age,idle,queues"));
	EXPECT_EQ(self->schema->types[EVENT_socket].n + 6, self->columns.n);
	EXPECT_EQ(0, parse(self, "fd,local,queues"));
	EXPECT_TRUE(self->columns.column[0].right);
	EXPECT_FALSE(self->columns.column[1].right);
	EXPECT_TRUE(self->columns.column[2].right);
}

/* Claim: what is no column is named, cut to its room. */
TEST_F(columns, unknown)
{
	EXPECT_EQ(-EINVAL, parse(self, "state,cnwd,fd"));
	EXPECT_STREQ("cnwd", self->bad);
	EXPECT_EQ(-EINVAL, parse(self, "old")); /* of other events */
	EXPECT_EQ(-EINVAL, parse(self, "state,"));
	EXPECT_STREQ("", self->bad);
	EXPECT_EQ(-EINVAL, parse(self, ""));
	EXPECT_EQ(-EINVAL, parse(self, "+"));
	EXPECT_EQ(-EINVAL, parse(self, "a23456789012345678901234567890123456"));
	EXPECT_STREQ("a234567890123456789012345678901", self->bad);
}

/* Claim: what is unknown is a dash, in every column. */
TEST_F(columns, absent)
{
	EXPECT_STREQ("-", text(self, "owner"));
	EXPECT_STREQ("-", text(self, "age"));
	EXPECT_STREQ("-", text(self, "idle"));
	EXPECT_STREQ("-", text(self, "queues"));
	EXPECT_STREQ("-", text(self, "cookie"));
	EXPECT_STREQ("-", text(self, "comm"));
	EXPECT_STREQ("-", text(self, "cwnd"));
	EXPECT_STREQ("-", text(self, "timer"));
}

/* Claim: ends have brackets where colons would be read as a port. */
TEST_F(columns, ends)
{
	self->s.ev.laddr = (addr_t){ { 10, 0, 0, 1 } };
	self->s.ev.lport = 80;
	EXPECT_STREQ("10.0.0.1:80", text(self, "local"));
	EXPECT_STREQ("0.0.0.0:*", text(self, "remote"));
	self->s.ev.family = FAMILY_INET6;
	EXPECT_STREQ("[::]:*", text(self, "remote"));
	memset(&self->s.ev.laddr, 0xfe, sizeof(addr_t));
	self->s.ev.lport = 65535;
	EXPECT_STREQ("[fefe:fefe:fefe:fefe:fefe:fefe:fefe:fefe]:65535",
		     text(self, "local"));
}

/* Claim: the owner's name steers no terminal, and says if it is derived. */
TEST_F(columns, owner)
{
	self->s.ev.pid = 7;
	memcpy(self->s.ev.comm, "\033[31m\xff\n\\app", 12);
	EXPECT_STREQ("\\x1b[31m\\xff\\x0a\\\\app[7]", text(self, "owner"));
	EXPECT_STREQ("\\x1b[31m\\xff\\x0a\\\\app", text(self, "comm"));
	self->s.ev.owner_how = HOW_derived;
	memset(self->s.ev.comm, 1, sizeof(self->s.ev.comm)); /* no NUL */
	self->s.ev.pid = ~0u;
	EXPECT_EQ(1 + 16 * 4 + 12, strlen(text(self, "owner")));
	EXPECT_EQ('~', *self->text);
}

/* Claim: bytes of a connection; the queues of a listener and its limit. */
TEST_F(columns, queues)
{
	self->s.unread = 5;
	self->s.unacked = 70000;
	EXPECT_STREQ("5/70000", text(self, "queues"));
	self->s.syn = 1;
	self->s.accept = 129;
	self->s.limit = 128;
	EXPECT_STREQ("1+129/128", text(self, "queues"));
}

/* Claim: a span has two or three digits that count, and one unit. */
TEST_F(columns, spans)
{
	static const struct {
		nsec_t ns;
		const char *text;
	} spans[] = {
		{ 0, "0ms" },
		{ 999, "0us" },
		{ 999999, "999us" },
		{ 1000000, "1ms" },
		{ 999999999, "999ms" },
		{ NSEC_PER_SEC, "1.0s" },
		{ 120 * NSEC_PER_SEC - 1, "119.9s" },
		{ 120 * NSEC_PER_SEC, "2m" },
		{ 7200 * NSEC_PER_SEC - 1, "119m" },
		{ 7200 * NSEC_PER_SEC, "2h" },
		{ 172800 * NSEC_PER_SEC - 1, "47h" },
		{ 172800 * NSEC_PER_SEC, "2d" },
		{ ~0ull - 1, "213503d" },
		{ ~0ull, "" },
	};
	char derived[CELL_TEXT];
	unsigned int i;

	for (i = 0; i < sizeof(spans) / sizeof(*spans); i++) {
		cell_span(spans[i].ns, false, self->text);
		EXPECT_STREQ(spans[i].text, self->text);
		cell_span(spans[i].ns, true, derived);
		EXPECT_STREQ(self->text, derived + (*derived == '~'));
		EXPECT_EQ(!*self->text, *derived != '~');
	}
}

TEST_HARNESS_MAIN
