// SPDX-License-Identifier: GPL-2.0
/* Every scenario of the lab says all that a reader and the judge need of it. */
#include "lab/scenario.h"

#include <kselftest_harness.h>
#include <regex.h>
#include <string.h>

static const char *const types[] = { "state",	"call",	      "queue",
				     "reset",	"retransmit", "window",
				     "segment", "drop",	      "fact" };

static bool is_type(const char *type)
{
	unsigned int i;

	for (i = 0; i < sizeof(types) / sizeof(*types); i++)
		if (!strcmp(type, types[i]))
			return true;
	return false;
}

static bool is_regex(const char *text)
{
	regex_t regex;

	if (regcomp(&regex, text, REG_EXTENDED | REG_NOSUB))
		return false;
	regfree(&regex);
	return true;
}

/* What is wrong with an expectation; NULL: nothing. */
static const char *flaw_of_expect(const struct expect *e)
{
	if (!(e->ends & BOTH) || e->ends & ~BOTH)
		return "an end that is none";
	if (!e->type || !is_type(e->type))
		return "an event type that is none";
	if (!e->story && e->how != STORY_NEVER)
		return "no story";
	if (e->story && !is_regex(e->story))
		return "a story that is no regular expression";
	if (e->most && e->most < e->least)
		return "more than at most";
	return NULL;
}

static const char *flaw_of(const struct scenario *s)
{
	const struct expect *e = s->expect;
	const char *flaw = NULL;

	if (strspn(s->name, "abcdefghijklmnopqrstuvwxyz0123456789-") !=
	    strlen(s->name))
		return "a name with other characters";
	if (!s->title || strlen(s->title) > 72)
		return "no title, or a long one";
	if (!s->truth || !s->run || !e || !e->ends)
		return "something is missing";
	if (!s->control.what)
		return "no control";
	if (scenario_find(s->name) != s)
		return "another one has this name";
	for (; e->ends && !flaw; e++)
		flaw = flaw_of_expect(e);
	return flaw;
}

/* Claim: that is so of all of them, and each group has some. */
TEST(complete)
{
	const struct scenario_group *g;
	const struct scenario *s;

	for (g = scenario_groups; g->name; g++) {
		EXPECT_NE(NULL, g->scenarios->name);
		EXPECT_EQ(g, scenario_group_find(g->name));
		for (s = g->scenarios; s->name; s++) {
			const char *flaw = flaw_of(s);

			EXPECT_EQ(NULL, flaw)
			{
				TH_LOG("%s: %s", s->name, flaw);
			}
		}
	}
}

TEST_HARNESS_MAIN
