// SPDX-License-Identifier: GPL-2.0
/* The account: intervals add up, and the line for people says all of it. */
#include <kselftest_harness.h>

#include "cmd/tally.h"
#include "tests/lib/events.h"

#include <stdio.h>
#include <unistd.h>

/* What tally_say() writes, taken from standard error. */
static char *said(const struct account *a, const struct schema *schema)
{
	static char text[1024];
	int fds[2], err = dup(STDERR_FILENO);
	ssize_t n = -1;

	if (pipe(fds))
		return NULL;
	fflush(stderr);
	dup2(fds[1], STDERR_FILENO);
	tally_say("> ", a, schema);
	fflush(stderr);
	dup2(err, STDERR_FILENO);
	close(fds[1]);
	n = read(fds[0], text, sizeof(text) - 1);
	close(fds[0]);
	close(err);
	text[n > 0 ? n : 0] = '\0';
	return text;
}

/* Every member of the account is taken from the same one of the other. */
TEST(what_came_between)
{
	struct account before, after, between;
	const struct account_member *m;
	unsigned int i, n = 0;

	memset(&before, 0, sizeof(before));
	memset(&after, 0, sizeof(after));
	for (m = account_members; m->name; m++) {
		for (i = 0; i < account_width(m); i++) {
			__u64 *b = (void *)((char *)&before + m->offset);
			__u64 *a = (void *)((char *)&after + m->offset);

			b[i] = ++n;
			a[i] = b[i] + 1000 + n;
		}
	}
	account_between(&between, &before, &after);
	for (n = 0, m = account_members; m->name; m++) {
		for (i = 0; i < account_width(m); i++) {
			const __u64 *x = (void *)((char *)&between + m->offset);

			n++;
			EXPECT_EQ(1000 + n, x[i]) TH_LOG("%s", m->name);
		}
	}
}

/* One type: the sum alone. */
TEST(one_type)
{
	struct schema *schema = events_schema();
	struct account a = {};

	ASSERT_NE(NULL, schema);
	a.kernel.generated[EVENT_state] = 5;
	a.kernel.ring_lost[EVENT_state] = 1;
	a.shown[EVENT_state] = 3;
	a.filtered[EVENT_state] = 1;
	EXPECT_STREQ("> 5 generated - 1 lost = 3 shown + 1 filtered; 0 missed, "
		     "0 recovered, 0 gaps\n",
		     said(&a, schema));
	schema_free(schema);
}

/* Several: each with its own sum; what is broken, under way or missed. */
TEST(several_types)
{
	struct schema *schema = events_schema();
	struct account a = {};

	ASSERT_NE(NULL, schema);
	a.kernel.generated[EVENT_state] = 5;
	a.shown[EVENT_state] = 7; /* two are from the interval before */
	a.kernel.generated[EVENT_window] = 10;
	a.filtered[EVENT_window] = 4;
	a.kernel.kernel_filtered[EVENT_window] = 8;
	a.malformed = 1;
	a.missed_runs[0] = a.missed_runs[3] = 1;
	a.kernel.no_storage = 3;
	a.existing = 9;
	EXPECT_STREQ("> 15 generated - 0 lost = 7 shown + 4 filtered + 1 "
		     "malformed + 3 under way (state 5 - 0 = 7 + 0 - 2, window "
		     "10 - 0 = 0 + 4 + 6); 2 missed, 0 recovered, 0 gaps; 8 "
		     "filtered in the kernel; 9 existing looked at; 3 without "
		     "memory\n",
		     said(&a, schema));
	schema_free(schema);
}

TEST_HARNESS_MAIN
