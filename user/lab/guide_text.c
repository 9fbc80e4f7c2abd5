// SPDX-License-Identifier: GPL-2.0
/* A story is text from a line "#1 ..." to the next such line. */
#include "lab/guide_text.h"

#include <ctype.h>
#include <limits.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#define GUIDE_INDENT "   " /* of an explanation, below its change of state */

struct span {
	const char *text, *end;
};

/* The next line of a span, with its end, or an empty one. */
static struct span next_line(struct span *s)
{
	struct span line = { s->text, s->text };
	const char *end = memchr(s->text, '\n', s->end - s->text);

	line.end = end ? end + 1 : s->end;
	s->text = line.end;
	return line;
}

static bool is_indented(struct span rest)
{
	size_t n = strlen(GUIDE_INDENT);

	return rest.end - rest.text > (ptrdiff_t)n &&
	       !strncmp(rest.text, GUIDE_INDENT, n);
}

/* Behind two blanks: no literal block without. */
static void put_line(struct span line, FILE *out)
{
	while (line.end > line.text && isspace((unsigned char)line.end[-1]))
		line.end--;
	if (line.end > line.text)
		fprintf(out, "  %.*s", (int)(line.end - line.text), line.text);
	fputc('\n', out);
}

/* ------------------------------------------------ what was explained */

void guide_forget(struct guide_said *said)
{
	while (said->n)
		free(said->key[--said->n]);
	free(said->key);
	said->key = NULL;
}

/*
 * What an explanation says of any connection: it without who does it, and
 * without numbers. The caller frees it.
 */
static char *key_of(struct span text)
{
	const char *from = memchr(text.text, ':', text.end - text.text);
	char *key = malloc(text.end - text.text + 1), *to = key;

	for (from = from ?: text.text; key && from < text.end; from++)
		if (!isdigit((unsigned char)*from) &&
		    !isspace((unsigned char)*from))
			*to++ = *from;
	if (key)
		*to = '\0';
	return key;
}

static bool was_said(const struct guide_said *said, struct span text)
{
	char *key = key_of(text);
	bool was = false;
	size_t i;

	for (i = 0; key && i < said->n && !was; i++)
		was = !strcmp(said->key[i], key);
	free(key);
	return was;
}

static void remember(struct guide_said *said, struct span text)
{
	char **more = reallocarray(said->key, said->n + 1, sizeof(*more));

	if (!more)
		return;
	said->key = more;
	more[said->n] = key_of(text);
	said->n += !!more[said->n];
}

/* An explanation, if one begins at @line, of which @rest follows. */
static bool is_explanation(struct span line, struct span *rest)
{
	if (!isalpha((unsigned char)*line.text) || !is_indented(*rest))
		return false;
	while (is_indented(*rest))
		next_line(rest);
	return true;
}

/* ------------------------------------------------ stories */

/*
 * Writes at most @room lines of it, if there is an @out: what is explained is
 * remembered then. How many lines it has, with what is beyond @room.
 */
static unsigned int put_story(struct guide_said *said, struct span story,
			      unsigned int room, FILE *out)
{
	unsigned int lines = 0, blank = 0;

	while (story.text < story.end) {
		struct span line = next_line(&story), all = line;
		bool explains = is_explanation(line, &story);

		all.end = story.text;
		if (explains && was_said(said, all))
			continue;
		if (explains && out && lines + blank < room)
			remember(said, all);
		while (all.text < all.end) {
			line = next_line(&all);
			if (*line.text == '\n') { /* none at its end */
				blank++;
				continue;
			}
			for (; blank; blank--)
				if (lines++ < room && out)
					fputc('\n', out);
			if (lines++ < room && out)
				put_line(line, out);
		}
	}
	return lines;
}

/* The next story of @text. */
static struct span next_story(struct span *text)
{
	struct span story = *text, line = next_line(text);

	story.end = line.end;
	while (text->text < text->end && *text->text != '#')
		story.end = next_line(text).end;
	return story;
}

static void put_stories(struct guide_said *said, struct span text, FILE *out)
{
	unsigned int room = GUIDE_LINES, left_out = 0, lines, last = 0;
	struct span rest = text, story = {};

	while (rest.text < rest.end) {
		story = next_story(&rest);
		last = put_story(said, story, UINT_MAX, NULL);
	}
	if (last > GUIDE_LINES / 2)
		last = GUIDE_LINES / 2;
	for (rest = text; rest.text < rest.end;) {
		story = next_story(&rest);
		if (rest.text == rest.end)
			break;
		lines = put_story(said, story, UINT_MAX, NULL) + 1;
		if (left_out || lines + last > room) {
			left_out++;
			continue;
		}
		room -= lines;
		put_story(said, story, UINT_MAX, out);
		fputc('\n', out);
	}
	if (left_out)
		fprintf(out, "  ... %u %s more\n\n", left_out,
			left_out > 1 ? "connections" : "connection");
	lines = put_story(said, story, room, out);
	if (lines > room)
		fprintf(out, "  ... %u lines more\n", lines - room);
}

/* "A  * what was found out": no room is so small that it is left out. */
static bool is_fact(struct span line)
{
	return line.end - line.text > 5 && !strncmp(line.text + 1, "  * ", 4);
}

static void put_steps(struct span steps, FILE *out)
{
	struct span rest = steps, line;
	unsigned int lines = 0, left_out = 0;

	while (rest.text < rest.end) {
		line = next_line(&rest);
		left_out += lines++ >= GUIDE_STEPS && !is_fact(line);
	}
	for (lines = 0, rest = steps; rest.text < rest.end; lines++) {
		line = next_line(&rest);
		if (lines == GUIDE_STEPS && left_out)
			fprintf(out, "  ... %u lines more\n", left_out);
		if (lines < GUIDE_STEPS || is_fact(line))
			put_line(line, out);
	}
}

void guide_block(struct guide_said *said, const char *steps,
		 const char *stories, FILE *out)
{
	put_steps((struct span){ steps, strchr(steps, '\0') }, out);
	if (*stories) {
		fputc('\n', out);
		put_stories(said,
			    (struct span){ stories, strchr(stories, '\0') },
			    out);
	}
	fputc('\n', out);
}
