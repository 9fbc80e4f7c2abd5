// SPDX-License-Identifier: GPL-2.0
/*
 * Whether the lab tells a run of which the trace has missed something from one
 * that is otherwise than expected. A trace without some types of events stands
 * for one that has missed them.
 */
#include "lab/scenario.h"
#include "lab/stage.h"
#include "tests/lib/trace.h"

#include <kselftest_harness.h>
#include <stdio.h>

FIXTURE(missed)
{
	struct netns_pair pair[2];
	struct tracer tracer;
	struct report report;
};

FIXTURE_SETUP(missed)
{
	char netns[128] = "";
	char *args[] = { "-q",	     "--netns",	      netns,
			 "--events", "state,segment", NULL };
	int i, n = 0;

	for (i = 0; i < 2; i++) {
		ASSERT_EQ(0, netns_pair_create_apart(&self->pair[i]));
		n += sprintf(netns + n, "%s%llu,%llu", i ? "," : "",
			     (unsigned long long)self->pair[i].side[0].inode,
			     (unsigned long long)self->pair[i].side[1].inode);
	}
	ASSERT_EQ(0, tracer_start(&self->tracer, trace_program("tcbscope"),
				  args, -1));
}

FIXTURE_TEARDOWN(missed)
{
	judge_free(&self->report);
	tracer_free(&self->tracer);
	netns_pair_destroy(&self->pair[0]);
	netns_pair_destroy(&self->pair[1]);
}

/* By the kernel's counters, but not where it is just another story. */
TEST_F(missed, is_told_from_another_story)
{
	const struct scenario *lost = scenario_find("lost-syn");

	/* The control: a handshake of which nothing is lost. */
	stage_play(lost, true, &self->pair[0], &self->tracer, false, NULL,
		   &self->report);
	ASSERT_TRUE(judge_differs(&self->report));
	EXPECT_EQ(0, self->report.missed)
	{
		TH_LOG("%s", self->report.lacks);
	}
	judge_free(&self->report);

	stage_play(lost, false, &self->pair[1], &self->tracer, false, NULL,
		   &self->report);
	ASSERT_TRUE(judge_differs(&self->report));
	EXPECT_EQ(1, self->report.missed);
	EXPECT_STREQ("A: RetransSegs 1, shown 0", self->report.lacks);
}

TEST_HARNESS_MAIN
