// SPDX-License-Identifier: GPL-2.0
/* Expressions that are wrong, nonsense or very long: what is said of them. */
#include "event/filter.h"
#include "tests/lib/events.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <kselftest_harness.h>

#define ROWS(rows) (sizeof(rows) / sizeof(*(rows)))

FIXTURE(filter_parse)
{
	struct schema *schema;
	struct filter *filter; /* it lets everything pass */
	struct event_state s;
	struct filter_error error;
};

FIXTURE_SETUP(filter_parse)
{
	self->schema = events_schema();
	ASSERT_NE(NULL, self->schema);
	self->filter = filter_new(self->schema);
	ASSERT_NE(NULL, self->filter);
	self->s = events_state(1, 5, 2000, 443, TCB_STATE_SYN_SENT,
			       TCB_STATE_ESTABLISHED);
}

FIXTURE_TEARDOWN(filter_parse)
{
	filter_free(self->filter);
	schema_free(self->schema);
}

struct wrong {
	const char *text;
	size_t at, len;
	const char *says; /* in what, or else in then */
};

static void expect_wrong(struct __test_metadata *_metadata, int err,
			 const struct wrong *row,
			 const struct filter_error *error)
{
	EXPECT_EQ(-EINVAL, err)
	{
		TH_LOG("%s", row->text);
	}
	EXPECT_EQ(row->at, error->at)
	{
		TH_LOG("%s: %s", row->text, error->what);
	}
	EXPECT_EQ(row->len, error->len)
	{
		TH_LOG("%s: %s", row->text, error->what);
	}
	EXPECT_TRUE(strstr(error->what, row->says) ||
		    strstr(error->then, row->says))
	{
		TH_LOG("%s: %s; %s", row->text, error->what, error->then);
	}
}

static const struct wrong wrong_expressions[] = {
	{ "", 0, 0, "missing" },
	{ "  ", 2, 0, "missing" },
	{ "nothing = 1", 0, 7, "'nothing' is no field" },
	{ "nothing", 0, 7, "tcbscope events" },
	{ "pid 1 dprot = 1", 6, 5, "dport" },
	{ "cnwd < 1", 0, 4, "cwnd?" },
	{ "PID = 1", 0, 3, "pid?" },
	{ "established", 0, 11, "state established" },
	{ "pad = 1", 0, 3, "pid" },
	{ "within = 1", 0, 6, "no field" },
	{ "'pid' = 1", 0, 5, "no field" },
	{ "= 1", 0, 1, "cannot stand here" },
	{ "pid =", 5, 0, "missing" },
	{ "state", 5, 0, "missing" },
	{ "dport", 5, 0, "missing" },
	{ "state and pid 1", 6, 3, "quotes" },
	{ "pid = )", 6, 1, "missing" },
	{ "pid = = 1", 6, 1, "missing" },
	{ "pid 1 and", 9, 0, "missing" },
	{ "pid 1 or", 8, 0, "missing" },
	{ "or pid 1", 0, 2, "cannot stand here" },
	{ "pid 1 and or pid 2", 10, 2, "cannot stand here" },
	{ "not", 3, 0, "missing" },
	{ "( pid 1", 0, 1, "not closed" },
	{ "pid 1 and ( pid 2", 10, 1, "not closed" },
	{ "pid 1 )", 6, 1, "')' cannot stand here" },
	{ "()", 1, 1, "cannot stand here" },
	{ "pid 1 2", 6, 1, "'2' is no field" },
	{ "comm 'a", 5, 1, "no end" },
	{ "comm = ''", 8, 0, "1 to 15 bytes" },
	{ "comm = a234567890123456", 7, 16, "1 to 15 bytes" },
	{ "pid x", 4, 1, "wrong value: 'x'" },
	{ "pid = 0", 6, 1, "from 1" }, /* what means "unknown" */
	{ "uid = 4294967295", 6, 10, "to 4294967294" },
	{ "pid = 1,", 8, 0, "wrong value" },
	{ "pid = 1,,2", 8, 0, "wrong value" },
	{ "pid = 1, 2", 8, 0, "wrong value" },
	{ "pid = -1", 6, 2, "wrong value" },
	{ "pid = 4294967296", 6, 10, "4294967295" },
	{ "pid < 1,2", 6, 3, "not a list" },
	{ "port = 65536", 7, 5, "65535" },
	{ "port = 0", 7, 1, "from 1" },
	{ "port = 80,http", 10, 4, "ports" },
	{ "lport = 0x50", 8, 4, "ports" },
	{ "port = ::1", 7, 3, "ports" },
	{ "src 10.0.0.1/33", 4, 11, "addresses" },
	{ "src host", 4, 4, "addresses" },
	{ "src 1.2.3.4:0", 12, 1, "ports" },
	{ "src 1.2.3.4:80,5.6.7:80", 15, 5, "addresses" },
	{ "src [::1", 4, 4, "an address, a port" },
	{ "src *:*", 4, 3, "an address, a port" },
	{ "src :", 5, 0, "ports" },
	{ "src < 1.2.3.4", 4, 1, "no order" },
	{ "comm > a", 5, 1, "no order" },
	{ "state >= listen", 6, 2, "no order" },
	{ "cgroup < 5", 7, 1, "no order" },
	{ "cgroup 0", 7, 1, "ids above 0" },
	{ "cgroup /no/such", 7, 8, "No such file" },
	{ "cgroup 1,2,3,4,5,6,7,8,9", 23, 1, "more than 8" },
	{ "netns /no/such", 6, 8, "No such file" },
	{ "netns /dev/null", 6, 9, "inode numbers" },
	{ "netns here", 6, 4, "inode numbers" },
	{ "new = SYN", 6, 3, "one of ESTABLISHED, SYN_SENT" },
	{ "state = open", 8, 4, "one of ESTABLISHED, SYN_SENT" },
	{ "type = states", 7, 6, "one of state, window" },
	{ "srtt_us > 5 ms", 12, 2, "'ms' is no field" },
	{ "srtt_us > 5h5", 10, 3, "wrong value" },
	{ "mss = 5T", 6, 2, "bytes" },
	{ "pid 1 \x01\xff", 6, 2, "no field" },
};

/* Claim: what is wrong is said with its place, and changes nothing. */
TEST_F(filter_parse, wrong)
{
	size_t i;

	for (i = 0; i < ROWS(wrong_expressions); i++)
		expect_wrong(_metadata,
			     filter_parse(self->filter,
					  wrong_expressions[i].text,
					  &self->error),
			     &wrong_expressions[i], &self->error);
	EXPECT_TRUE(filter_match(self->filter, &self->s.ev));
	/* nor have the cgroups of those that failed been kept */
	EXPECT_EQ(0, filter_parse(self->filter, "cgroup 1,2,3,4,5,6,7,8",
				  &self->error));
}

/* Claim: an option's error counts from the beginning of its value. */
TEST_F(filter_parse, wrong_option)
{
	static const struct wrong rows[] = {
		{ "80,x", 3, 1, "ports" }, { "80 ", 0, 3, "ports" },
		{ "", 0, 0, "ports" },	   { "( 80 )", 0, 6, "ports" },
		{ "80,", 3, 0, "ports" },
	};
	size_t i;

	for (i = 0; i < ROWS(rows); i++)
		expect_wrong(_metadata,
			     filter_parse_option(self->filter, "port",
						 rows[i].text, &self->error),
			     &rows[i], &self->error);
}

/* @n times @unit, then @end; the caller frees it. */
static char *repeat(const char *unit, size_t n, const char *end)
{
	size_t len = strlen(unit);
	char *text = malloc(n * len + strlen(end) + 1), *at = text;

	while (text && n--)
		at = mempcpy(at, unit, len);
	if (text)
		strcpy(at, end);
	return text;
}

/* Claim: nesting is bounded; length is not. */
TEST_F(filter_parse, large)
{
	static const struct {
		const char *unit;
		size_t n;
		const char *end;
		int err;
	} rows[] = {
		{ "(", 100000, "pid 100", -EINVAL },
		{ "( not ", 100000, "pid 100", -EINVAL },
		{ "not ", 100000, "pid 100", 0 },
		{ "!", 100000, "pid 100", 0 },
		{ "pid 100 ", 100000, "", 0 },
		{ "pid 1 or ", 100000, "pid 100", 0 },
		{ "pid 1 or ", 100000, "", -EINVAL },
		{ "(pid 100)", 100000, "", 0 },
		{ ")", 100000, "", -EINVAL },
		{ "a", 100000, "", -EINVAL },
		{ "\xff", 100000, "", -EINVAL },
	};
	size_t i;

	for (i = 0; i < ROWS(rows); i++) {
		char *text = repeat(rows[i].unit, rows[i].n, rows[i].end);

		ASSERT_NE(NULL, text);
		EXPECT_EQ(rows[i].err,
			  filter_parse(self->filter, text, &self->error))
		{
			TH_LOG("%s", rows[i].unit);
		}
		free(text);
	}
	EXPECT_TRUE(filter_match(self->filter, &self->s.ev));
	filter_types(self->filter);
}

/* Claim: no bytes break the parser, and it never points outside the text. */
TEST_F(filter_parse, garbage)
{
	static const char *const pieces[] = {
		"(",   ")",   "pid", "=",      "!=",	"<",	  ",",	 "1",
		"not", "and", "or",  " ",      "state", "'",	  "\"",	 "[",
		"]:",  "src", "/",   "\x80",   "comm",	"*",	  "::1", "0",
		"|",   "&",   "!",   "cgroup", "\t",	"listen", ":",
	};
	char text[256];
	int i, k, n;

	srand(1);
	for (i = 0; i < 20000; i++) {
		struct filter *f = filter_new(self->schema);
		size_t len = 0;

		n = rand() % 12;
		for (k = 0; k < n; k++)
			len += snprintf(text + len, sizeof(text) - len, "%s%s",
					pieces[rand() % ROWS(pieces)],
					rand() % 2 ? " " : "");
		text[len] = '\0';
		switch (filter_parse(f, text, &self->error)) {
		case 0:
			filter_match(f, &self->s.ev);
			filter_types(f);
			break;
		case -EINVAL:
			ASSERT_LE(self->error.at + self->error.len, len)
			{
				TH_LOG("%s", text);
			}
			ASSERT_NE('\0', self->error.what[0]);
			break;
		default:
			ASSERT_TRUE(false);
		}
		filter_free(f);
	}
}

TEST_HARNESS_MAIN
