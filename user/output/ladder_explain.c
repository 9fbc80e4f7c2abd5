// SPDX-License-Identifier: GPL-2.0
/*
 * Below a ladder: what its changes of state mean. What is explained alike is
 * explained once, for whichever end it came to first.
 */
#include "event/explain.h"
#include "lib/svg.h"
#include "lib/width.h"
#include "output/ladder.h"

#include <errno.h>
#include <string.h>

#define NOTES 24	/* more than any connection has, but for broken ones */
#define SVG_COLUMNS 122 /* of the text of 12 px, on the average */
#define SVG_LINE 17

struct note {
	const void *rule;
	const struct step *step; /* the first one */
	unsigned int ends;	 /* bits: to which it happened */
};

/* The changes of both ends, each kind of them once; returns how many. */
static unsigned int find_notes(const struct ladder *l, struct note *notes)
{
	struct explanation x;
	const struct step *s;
	unsigned int n = 0, i;

	for (s = l->steps; s < l->steps + l->n_steps; s++) {
		if (s->kind != STEP_STATE)
			continue;
		explain(l->schema, s->e, &x);
		for (i = 0; i < n; i++)
			if (x.rule && notes[i].rule == x.rule)
				break;
		if (i == NOTES)
			break;
		if (i == n)
			notes[n++] = (struct note){ x.rule, s, 0 };
		notes[i].ends |= 1 << s->end;
	}
	return n;
}

static const char *const letters[] = { "", "A", "B", "A, B" };

/* "A, B: SYN_SENT -> SYN_RECV" */
static void make_head(const struct ladder *l, const struct note *note,
		      const char *arrow, char to[LADDER_WORDS])
{
	const struct event_state *e = (const void *)note->step->e;

	snprintf(to, LADDER_WORDS, "%s: %s %s %s%s", letters[note->ends],
		 schema_name(l->schema, EVENT_state, "old", e->old), arrow,
		 e->ev.how == HOW_derived ? "~" : "",
		 schema_name(l->schema, EVENT_state, "new", e->new));
}

#define SENTENCE (sizeof(((struct explanation *)0)->text) + 48)

static void make_sentence(const struct explanation *x, char to[SENTENCE])
{
	snprintf(to, SENTENCE, "%s%s%s%s", x->text, x->rfc ? " [" : "",
		 x->rfc ?: "", x->rfc ? "]" : "");
}

int ladder_explain_text(const struct ladder *l, const struct ladder_look *look,
			FILE *file)
{
	char head[LADDER_WORDS], sentence[SENTENCE];
	struct note notes[NOTES];
	unsigned int n = find_notes(l, notes), i;
	struct explanation x;

	if (n)
		putc('\n', file);
	for (i = 0; i < n; i++) {
		explain(l->schema, notes[i].step->e, &x);
		make_head(l, &notes[i], look->unicode ? "→" : "->", head);
		make_sentence(&x, sentence);
		width_print(file, head, look->width, 0, 3);
		fputs("   ", file);
		width_print(file, sentence, look->width, 3, 3);
		if (!x.look)
			continue;
		fputs("   look: ", file);
		width_print(file, x.look, look->width, 9, 9);
	}
	return ferror(file) ? -errno : 0;
}

/* A paragraph in a picture; returns the y of the next line. */
static double put_paragraph(FILE *file, double x, double y, const char *class,
			    const char *text)
{
	char line[SVG_COLUMNS * 4 + 1];
	size_t n;

	while (*text) {
		n = width_fit(text, SVG_COLUMNS);
		snprintf(line, sizeof(line), "%.*s", (int)n, text);
		svg_text(file, x, y, SVG_START, class, line);
		y += SVG_LINE;
		text += n;
		text += strspn(text, " ");
	}
	return y;
}

double ladder_explain_svg(const struct ladder *l, double y, FILE *file)
{
	char head[LADDER_WORDS], sentence[SENTENCE];
	struct note notes[NOTES];
	unsigned int n = find_notes(l, notes), i;
	struct explanation x;
	double at = y + 16;

	for (i = 0; i < n; i++) {
		explain(l->schema, notes[i].step->e, &x);
		make_head(l, &notes[i], "→", head);
		make_sentence(&x, sentence);
		svg_text(file, 24, at, SVG_START, "name", head);
		at = put_paragraph(file, 40, at + SVG_LINE, "small", sentence);
		at += 6;
	}
	return at - y + 8;
}
