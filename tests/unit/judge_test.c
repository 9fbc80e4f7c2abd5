// SPDX-License-Identifier: GPL-2.0
/* How the lab compares what was seen with the story that is expected. */
#include "lab/judge.h"

#include <kselftest_harness.h>

/* Claim: an item matches an event that has more words, but no longer ones. */
TEST(items)
{
	EXPECT_TRUE(judge_item("connect", "connect EISCONN"));
	EXPECT_TRUE(judge_item("connect EISCONN", "connect EISCONN"));
	EXPECT_TRUE(judge_item("(read|recvfrom) [0-9]+", "recvfrom 25"));
	EXPECT_FALSE(judge_item("connect 1", "connect 11"));
	EXPECT_FALSE(judge_item("onnect", "connect 1"));
	EXPECT_FALSE(judge_item("connect", ""));
	EXPECT_FALSE(judge_item("(", "("));
}

/* Claim: a story is the whole of it, whatever more words its events have. */
TEST(stories)
{
	const char *seen = "CLOSE>LISTEN CALL_LISTEN, LISTEN>CLOSE CALL_CLOSE";

	EXPECT_TRUE(judge_story("CLOSE>LISTEN, LISTEN>CLOSE", seen));
	EXPECT_TRUE(judge_story("CLOSE>LISTEN CALL_LISTEN, .*>CLOSE", seen));
	EXPECT_FALSE(judge_story("CLOSE>LISTEN", seen));
	EXPECT_FALSE(judge_story("LISTEN>CLOSE", seen));
	EXPECT_FALSE(judge_story("CLOSE>LISTEN, LISTEN>CLOSE RX_RST", seen));
	EXPECT_FALSE(judge_story("CLOSE>LISTEN, LISTEN>CLOSE, X", seen));
	EXPECT_FALSE(judge_story("CLOSE>LISTEN CALL", seen));
}

/* Claim: what is in parentheses with its comma may repeat, and be the end. */
TEST(repeated)
{
	EXPECT_TRUE(judge_story("(RTO, )+fast", "RTO 1, RTO 2, fast"));
	EXPECT_FALSE(judge_story("(RTO, )+fast", "fast"));
	EXPECT_TRUE(judge_story("(RTO, )*fast", "fast"));
	EXPECT_TRUE(judge_story("fast, (RTO, )*", "fast"));
	EXPECT_TRUE(judge_story("fast, (RTO, )*", "fast, RTO 1, RTO 2"));
	EXPECT_FALSE(judge_story("fast, (RTO, )*", "fast, TLP"));
	EXPECT_TRUE(judge_story("(a, b, ){2}", "a, b, a, b"));
	EXPECT_FALSE(judge_story("(a, b, ){2}", "a, b"));
	EXPECT_TRUE(judge_story("a, (b|c)", "a, c"));
	EXPECT_TRUE(judge_story("a(, b)?", "a 1"));
	EXPECT_TRUE(judge_story("a(, b)?", "a 1, b 2"));
}

TEST_HARNESS_MAIN
