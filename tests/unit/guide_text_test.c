// SPDX-License-Identifier: GPL-2.0
/* What a page of the guide leaves out, and what it never does. */
#include "lab/guide_text.h"

#include <kselftest_harness.h>
#include <stdlib.h>
#include <string.h>

#define EXPLAINED                                         \
	"A: CLOSE → SYN_SENT\n"                         \
	"   client[1] asks 10.8.0.1:1 for a connection\n" \
	"   look: at connect()\n"

FIXTURE(page)
{
	struct guide_said said;
	FILE *file;
	char *text;
	size_t size;
};

FIXTURE_SETUP(page)
{
	self->file = open_memstream(&self->text, &self->size);
	ASSERT_NE(NULL, self->file);
}

FIXTURE_TEARDOWN(page)
{
	guide_forget(&self->said);
	fclose(self->file);
	free(self->text);
}

/* Claim: all is there, indented, if there is room for it. */
TEST_F(page, has_all_that_fits)
{
	guide_block(&self->said, "A  socket() = 3\n",
		    "#1  open\n  ladder\n\n" EXPLAINED "\n#2  close\n",
		    self->file);
	fflush(self->file);
	EXPECT_STREQ("  A  socket() = 3\n\n  #1  open\n    ladder\n\n"
		     "  A: CLOSE → SYN_SENT\n"
		     "     client[1] asks 10.8.0.1:1 for a connection\n"
		     "     look: at connect()\n\n  #2  close\n\n",
		     self->text);
}

/* Claim: what differs in numbers only is explained once; else it is again. */
TEST_F(page, explains_once)
{
	guide_block(&self->said, "", "#1  a\n\n" EXPLAINED, self->file);
	guide_block(&self->said, "",
		    "#1  b\n\nA: CLOSE → SYN_SENT\n"
		    "   client[23] asks 10.8.0.9:45 for a connection\n"
		    "   look: at connect()\n"
		    "B: CLOSE → SYN_SENT\n   for another reason\n",
		    self->file);
	fflush(self->file);
	EXPECT_NE(NULL, strstr(self->text, "client[1]"));
	EXPECT_EQ(NULL, strstr(self->text, "client[23]"));
	EXPECT_NE(NULL, strstr(self->text, "for another reason"));
}

/* Claim: of many stories the last one is there, and what is left out told. */
TEST_F(page, keeps_the_last_story)
{
	char *stories = NULL;
	size_t size;
	FILE *many = open_memstream(&stories, &size);
	int i, n = GUIDE_LINES;

	ASSERT_NE(NULL, many);
	for (i = 1; i <= n; i++)
		fprintf(many, "#%d  story\n  of %d\n  lines\n\n", i, 3);
	fclose(many);
	guide_block(&self->said, "", stories, self->file);
	free(stories);
	fflush(self->file);
	EXPECT_NE(NULL, strstr(self->text, "#1  story"));
	EXPECT_NE(NULL, strstr(self->text,
			       "more\n\n  #110  story\n    of 3\n    lines\n"));
	EXPECT_EQ(NULL, strstr(self->text, "#109  story"));
}

/* Claim: of a story that is too long the beginning is there. */
TEST_F(page, cuts_a_long_story)
{
	char story[4 * GUIDE_LINES + 64] = "#1  long\n";
	int i;

	for (i = 0; i < GUIDE_LINES + 7; i++)
		strcat(story, " x\n");
	guide_block(&self->said, "", story, self->file);
	fflush(self->file);
	EXPECT_NE(NULL, strstr(self->text, "  ... 8 lines more\n"));
}

/* Claim: of too many steps what was found out is there. */
TEST_F(page, keeps_facts)
{
	char steps[8 * GUIDE_STEPS] = "";
	int i;

	for (i = 0; i < GUIDE_STEPS + 2; i++)
		strcat(steps, "A  x\n");
	strcat(steps, "B  * 20 in CLOSE_WAIT\n");
	guide_block(&self->said, steps, "", self->file);
	fflush(self->file);
	EXPECT_NE(NULL, strstr(self->text, "  ... 2 lines more\n"
					   "  B  * 20 in CLOSE_WAIT\n"));
}

TEST_HARNESS_MAIN
