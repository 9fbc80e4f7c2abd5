// SPDX-License-Identifier: GPL-2.0
/* Tests of the reader by which other tests judge metrics: what does it see? */
#include <string.h>

#include "tests/lib/openmetrics.h"

#include <kselftest_harness.h>

#define TYPE "# TYPE a_seconds gauge\n"
#define HEAD TYPE "# UNIT a_seconds seconds\n# HELP a_seconds Some \\\\ text.\n"

/* Claim: what the format allows passes, and is counted. */
TEST(good)
{
	char flaw[OPENMETRICS_FLAW] = "";

	EXPECT_EQ(0, openmetrics_read("# EOF\n", flaw));
	EXPECT_EQ(0, openmetrics_read(HEAD "# EOF\n", flaw));
	EXPECT_EQ(3,
		  openmetrics_read(HEAD "a_seconds{x=\"1\\\"\\\\\",y=\"\"} 1\n"
					"a_seconds{x=\"2\"} -1.5e-09\n"
					"# TYPE b gauge\nb 0\n# EOF\n",
				   flaw));
	EXPECT_STREQ("", flaw);
}

/* Claim: what it forbids does not. */
TEST(bad)
{
	static const char *const texts[] = {
		"",
		HEAD,
		HEAD "# EOF",
		HEAD "# EOF\n\n",
		HEAD "# EOF\n" TYPE,
		"a 1\n# EOF\n",
		HEAD "b 1\n# EOF\n",
		HEAD "a_seconds 1 \n# EOF\n",
		HEAD "a_seconds  1\n# EOF\n",
		HEAD "a_seconds nan\n# EOF\n",
		HEAD "a_seconds\n# EOF\n",
		HEAD "a_seconds{} 1\n# EOF\n",
		HEAD "a_seconds{1x=\"\"} 1\n# EOF\n",
		HEAD "a_seconds{x=1} 1\n# EOF\n",
		HEAD "a_seconds{x=\"\",} 1\n# EOF\n",
		HEAD "a_seconds{x=\"\",x=\"\"} 1\n# EOF\n",
		HEAD "a_seconds{x=\"\\x\"} 1\n# EOF\n",
		HEAD "a_seconds{x=\"} 1\n# EOF\n",
		HEAD "a_seconds 1\na_seconds 2\n# EOF\n",
		HEAD TYPE "# EOF\n",
		HEAD "# UNIT a_seconds seconds\n# EOF\n",
		HEAD "# HELP b text\n# EOF\n",
		TYPE "a_seconds 1\n# HELP a_seconds late\n# EOF\n",
		TYPE "# UNIT a_seconds bytes\n# EOF\n",
		"# TYPE a counter\n# EOF\n",
		HEAD "# what\n# EOF\n",
		HEAD "\n# EOF\n",
	};
	char flaw[OPENMETRICS_FLAW];
	unsigned int i;

	for (i = 0; i < sizeof(texts) / sizeof(*texts); i++) {
		*flaw = '\0';
		EXPECT_EQ(-1, openmetrics_read(texts[i], flaw))
		{
			TH_LOG("it passes: %s", texts[i]);
		}
		EXPECT_NE('\0', *flaw);
	}
}

TEST_HARNESS_MAIN
