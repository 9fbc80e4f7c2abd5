// SPDX-License-Identifier: GPL-2.0
/* Columns of texts, paragraphs, and sheets of cells. */
#include "lib/canvas.h"
#include "lib/width.h"

#include <kselftest_harness.h>
#include <stdlib.h>
#include <string.h>

/* Wide, combining, broken: as many columns as a terminal takes for them. */
TEST(columns)
{
	size_t bytes;

	EXPECT_EQ(0, width_text(""));
	EXPECT_EQ(3, width_text("abc"));
	EXPECT_EQ(4, width_text("漢字"));
	EXPECT_EQ(1, width_text("e\xcc\x81"));
	EXPECT_EQ(3, width_text("→┃✕"));
	EXPECT_EQ(2, width_text("\xff\xfe"));
	EXPECT_EQ(2, width_next("漢", &bytes));
	EXPECT_EQ(3, bytes);
	EXPECT_EQ(0, width_next("", &bytes));
	EXPECT_EQ(0, bytes);
}

/* By the locale's name, the first of the three that is set; TERM can say no. */
TEST(unicode_or_not)
{
	setenv("LC_ALL", "", 1);
	setenv("LC_CTYPE", "en_US.UTF-8", 1);
	setenv("LANG", "C", 1);
	setenv("TERM", "xterm", 1);
	EXPECT_TRUE(width_unicode());
	setenv("LC_ALL", "C", 1);
	EXPECT_FALSE(width_unicode());
	setenv("LC_ALL", "C.utf8", 1);
	EXPECT_TRUE(width_unicode());
	setenv("TERM", "dumb", 1);
	EXPECT_FALSE(width_unicode());
}

static char *paragraph(const char *text, unsigned int columns, unsigned int at,
		       unsigned int indent)
{
	char *to;
	size_t size;
	FILE *file = open_memstream(&to, &size);

	width_print(file, text, columns, at, indent);
	fclose(file);
	return to;
}

/* Broken between words, else between characters; never lost, never too wide. */
TEST(paragraphs)
{
	static const struct {
		const char *text;
		unsigned int columns, at, indent;
		const char *expected;
	} rows[] = {
		{ "one two three", 8, 0, 2, "one two\n  three\n" },
		{ "one two three", 0, 0, 2, "one two three\n" },
		{ "one two", 8, 4, 0, "one\ntwo\n" },
		{ "abcdefgh", 4, 0, 1, "abcd\n efg\n h\n" },
		{ "漢字漢字", 5, 0, 0, "漢字\n漢字\n" },
		{ "漢", 1, 0, 0, "漢\n" }, /* what cannot be helped */
		{ "a b", 2, 0, 9, "a\nb\n" },
		{ "", 8, 0, 0, "\n" },
	};
	unsigned int i;
	char *text;

	for (i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
		text = paragraph(rows[i].text, rows[i].columns, rows[i].at,
				 rows[i].indent);
		EXPECT_STREQ(rows[i].expected, text);
		free(text);
	}
}

FIXTURE(canvas)
{
	struct canvas *canvas;
	char *text;
};

FIXTURE_SETUP(canvas)
{
	self->canvas = canvas_new(8, 3, true);
	ASSERT_NE(NULL, self->canvas);
	self->text = NULL;
}

FIXTURE_TEARDOWN(canvas)
{
	canvas_free(self->canvas);
	free(self->text);
}

static char *print(const struct canvas *c, bool colour)
{
	char *to;
	size_t size;
	FILE *file = open_memstream(&to, &size);

	canvas_print(c, file, colour);
	fclose(file);
	return to;
}

/* Lines that meet are joined; signs and texts are on top. */
TEST_F(canvas, lines_join)
{
	struct canvas *c = self->canvas;

	canvas_run(c, 0, 1, 8, 1, 0, NULL);
	canvas_run(c, 3, 0, 3, 3, 0, NULL);
	canvas_sign(c, 7, 1, CANVAS_ARROW_RIGHT, NULL);
	self->text = print(c, false);
	EXPECT_STREQ("   │\n───┼───▶\n   │\n", self->text);
}

/* Two diagonals in one cell are a cross. */
TEST_F(canvas, diagonals_cross)
{
	struct canvas *c = self->canvas;

	canvas_sign(c, 0, 0, CANVAS_FALLING, NULL);
	canvas_sign(c, 1, 1, CANVAS_FALLING, NULL);
	canvas_sign(c, 1, 1, CANVAS_RISING, NULL);
	self->text = print(c, false);
	EXPECT_STREQ("╲\n ╳\n\n", self->text);
}

/* Beyond the edges nothing is drawn, and nothing else is touched. */
TEST_F(canvas, edges)
{
	struct canvas *c = self->canvas;

	canvas_text(c, 6, 0, 8, "abcdef", NULL);
	canvas_text(c, -2, 1, 8, "abcdef", NULL);
	canvas_text(c, 7, 2, 8, "漢", NULL);
	canvas_run(c, -5, -1, 20, -1, 0, NULL);
	canvas_sign(c, 100, 100, CANVAS_LOST, NULL);
	self->text = print(c, false);
	EXPECT_STREQ("      ab\ncdef\n\n", self->text);
}

/* A text that is cut says so; half of a wide character is none. */
TEST_F(canvas, texts_are_cut)
{
	struct canvas *c = self->canvas;

	canvas_text(c, 0, 0, 5, "abcdef", NULL);
	canvas_text(c, 0, 1, 4, "漢字漢字", NULL);
	canvas_text(c, 0, 2, 8, "漢字", NULL);
	canvas_text(c, 1, 2, 1, "x", NULL);
	self->text = print(c, false);
	EXPECT_STREQ("abcd…\n漢…\n x字\n", self->text);
}

/* Colour is switched off again in every row, and blanks have none. */
TEST_F(canvas, coloured)
{
	canvas_text(self->canvas, 2, 1, 3, "abc", "31");
	self->text = print(self->canvas, true);
	EXPECT_STREQ("\n  \033[0;31mabc\033[0m\n\n", self->text);
}

/* Without Unicode all is ASCII. */
TEST(ascii)
{
	struct canvas *c = canvas_new(6, 2, false);
	char *text;

	canvas_run(c, 0, 0, 6, 0, 0, NULL);
	canvas_line(c, 2, 0, CANVAS_DOWN, NULL);
	canvas_line(c, 2, 1, CANVAS_UP | CANVAS_DOWN | CANVAS_HEAVY, NULL);
	canvas_text(c, 3, 1, 3, "abcdef", NULL);
	text = print(c, false);
	EXPECT_STREQ("--+---\n  #a..\n", text);
	free(text);
	canvas_free(c);
}

TEST_HARNESS_MAIN
