// SPDX-License-Identifier: GPL-2.0
/* The judge's findings for a reader: expected and seen side by side. */
#include "lab/judge.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define ITEMS_MAX 200 /* of a story that is shown; the rest is left out */
#define COLUMN 46
#define LINE 64 /* bytes of a story in a line */

struct list {
	char *text;
	const char *item[ITEMS_MAX];
	unsigned int n;
};

static void list_of(const char *story, struct list *l)
{
	char *at, *end;

	l->n = 0;
	l->text = strdup(story ?: "");
	for (at = l->text; at && *at && l->n < ITEMS_MAX; at = end) {
		end = strstr(at, ", ");
		if (end) {
			*end = '\0';
			end += 2;
		}
		if (*at)
			l->item[l->n++] = at;
	}
}

/* An item as it is without what says how often it may be. */
static bool same(const char *item, const char *seen)
{
	char bare[512];

	item += strspn(item, "()*+?");
	snprintf(bare, sizeof(bare), "%s", item);
	return judge_item(bare, seen);
}

/*
 * The length of the longest common subsequence of what is behind each pair of
 * places: the way with the fewest differences.
 */
static void align(const struct list *want, const struct list *seen,
		  unsigned short lcs[ITEMS_MAX + 1][ITEMS_MAX + 1])
{
	int i, k;

	for (i = want->n; i >= 0; i--)
		for (k = seen->n; k >= 0; k--) {
			unsigned short *is = &lcs[i][k];

			if (i == (int)want->n || k == (int)seen->n)
				*is = 0;
			else if (same(want->item[i], seen->item[k]))
				*is = lcs[i + 1][k + 1] + 1;
			else
				*is = lcs[i + 1][k] > lcs[i][k + 1] ?
					      lcs[i + 1][k] :
					      lcs[i][k + 1];
		}
}

typedef void say_fn(const char *fmt, ...) __attribute__((format(printf, 1, 2)));

static void say_row(say_fn *say, char mark, const char *want, const char *seen)
{
	say("   %c  %-*s  %s", mark, COLUMN, want, seen);
}

static void say_aligned(const char *story, const char *events, say_fn *say)
{
	static unsigned short lcs[ITEMS_MAX + 1][ITEMS_MAX + 1];
	struct list want, seen;
	unsigned int i = 0, k = 0;

	list_of(story, &want);
	list_of(events, &seen);
	align(&want, &seen, lcs);
	say_row(say, ' ', "expected", "seen");
	while (i < want.n || k < seen.n) {
		bool both = i < want.n && k < seen.n;

		if (both && same(want.item[i], seen.item[k])) {
			say_row(say, ' ', want.item[i++], seen.item[k++]);
		} else if (both && lcs[i + 1][k] == lcs[i][k + 1]) {
			say_row(say, '!', want.item[i++], seen.item[k++]);
		} else if (k == seen.n ||
			   (both && lcs[i + 1][k] > lcs[i][k + 1])) {
			say_row(say, '-', want.item[i++], "");
		} else {
			say_row(say, '+', "", seen.item[k++]);
		}
	}
	free(want.text);
	free(seen.text);
}

/* "2 sockets", "at least 1 socket" ... */
static const char *wanted(const struct expect *e)
{
	static char text[64];
	unsigned int least = e->least ?: e->most ? e->least : 1;

	if (e->how == STORY_NEVER)
		return "no event";
	if (e->most && e->most != least)
		snprintf(text, sizeof(text), "%u to %u sockets", least,
			 e->most);
	else
		snprintf(text, sizeof(text), "%s%u socket%s",
			 e->how == STORY_HAS && !e->most ? "at least " : "",
			 least, least == 1 ? "" : "s");
	return text;
}

/* "A  state  CLOSE>SYN_SENT ...", in as many lines as that takes. */
static void say_story(char end, const char *type, const char *story,
		      say_fn *say)
{
	char head[32];
	struct list l;
	unsigned int i, from;

	list_of(story, &l);
	snprintf(head, sizeof(head), "%c  %-10s", end, type);
	for (i = 0; i < l.n; i = from) {
		char line[256] = "";
		size_t n = 0;

		for (from = i; from < l.n; from++) {
			n += snprintf(line + n, sizeof(line) - n, " %s%s",
				      l.item[from], from + 1 < l.n ? "," : "");
			if (from + 1 == l.n || n >= sizeof(line) ||
			    n + strlen(l.item[from + 1]) > LINE)
				break;
		}
		from++;
		say("%-13s%s", i ? "" : head, line);
	}
	if (!l.n)
		say("%-13s", head);
	free(l.text);
}

static void say_finding(const struct finding *f, say_fn *say)
{
	const struct expect *e = f->expect;
	char end = '@' + f->side;

	if (f->met) {
		if (e->how == STORY_NEVER)
			say("%c  %-10s never%s%s", end, f->type,
			    e->story ? " " : "", e->story ?: "");
		else
			say_story(end, f->type, e->story, say);
	} else if (!e) {
		say("%c  %-10s a socket that nobody expects:", end, f->type);
		say_aligned("", f->seen, say);
	} else if (e->how == STORY_NEVER) {
		say("%c  %-10s must not be: %s, but was %u times", end, f->type,
		    e->story ?: "any", f->found);
		say_row(say, '+', "", f->seen);
	} else {
		say("%c  %-10s expected of %s, seen of %u%s", end, f->type,
		    wanted(e), f->found, f->found ? ":" : "; closest to it:");
		say_aligned(e->story, f->seen, say);
	}
}

void judge_say(const struct report *report, say_fn *say)
{
	size_t i;

	for (i = 0; i < report->n; i++)
		say_finding(&report->findings[i], say);
}
