// SPDX-License-Identifier: GPL-2.0
/* The state diagram as text: what was walked is heavy, and says by whom. */
#include "lib/canvas.h"
#include "lib/width.h"
#include "output/diagram.h"

#include <errno.h>
#include <string.h>

static const char *const letters[] = { "", "A", "B", "AB" };
static const canvas_colour colours[] = { "2", "34", "33", "32" };

/* Does it end on the row of its state, below the box? Then the head is below. */
static int within_box(const struct diagram_edge *edge)
{
	unsigned int n = diagram_points(edge);

	return n == DIAGRAM_POINTS && edge->at[n - 1].y < edge->at[n - 2].y;
}

static void draw_edge(struct canvas *c, const struct diagram_edge *edge,
		      unsigned int who, int left)
{
	unsigned int n = diagram_points(edge), style, i;
	const struct diagram_point *p = edge->at;
	canvas_colour colour = colours[who];
	int dx = 0, dy = 0;

	style = who ? CANVAS_HEAVY : 0;
	for (i = 1; i < n; i++, p++) {
		unsigned int out;

		dx = (p[1].x > p->x) - (p[1].x < p->x);
		dy = (p[1].y > p->y) - (p[1].y < p->y);
		out = dx > 0 ? CANVAS_RIGHT :
		      dx < 0 ? CANVAS_LEFT :
		      dy > 0 ? CANVAS_DOWN :
			       CANVAS_UP;
		canvas_run(c, left + p->x + dx, p->y + dy, left + p[1].x,
			   p[1].y, style, colour);
		if (i == 1)
			canvas_line(c, left + p->x, p->y,
				    dx ? CANVAS_LEFT | CANVAS_RIGHT | style :
					 CANVAS_UP | CANVAS_DOWN | style,
				    colour);
		else
			canvas_line(c, left + p->x, p->y, out | style, colour);
		if (i < n - 1) /* the corner, half of it */
			canvas_line(c, left + p[1].x, p[1].y,
				    (out == CANVAS_RIGHT ? CANVAS_LEFT :
				     out == CANVAS_LEFT	 ? CANVAS_RIGHT :
				     out == CANVAS_DOWN	 ? CANVAS_UP :
							   CANVAS_DOWN) |
					    style,
				    colour);
	}
	canvas_sign(c, left + edge->at[n - 1].x,
		    edge->at[n - 1].y + within_box(edge),
		    dx > 0 ? CANVAS_ARROW_RIGHT :
		    dx < 0 ? CANVAS_ARROW_LEFT :
		    dy > 0 ? CANVAS_ARROW_DOWN :
			     CANVAS_ARROW_UP,
		    colour);
}

static void draw_words(struct canvas *c, const struct diagram_edge *edge,
		       unsigned int who, int left)
{
	char words[48];

	if (!*edge->words && !who)
		return;
	snprintf(words, sizeof(words), "%s%s%s", letters[who],
		 who && *edge->words ? ": " : "", edge->words);
	if (*edge->words)
		canvas_text(c, left + edge->label.x, edge->label.y,
			    strlen(words), words, colours[who]);
	else
		canvas_text(c, left + edge->at[0].x - 2, edge->at[0].y + 1,
			    strlen(words), words, colours[who]);
}

static void draw_state(struct canvas *c, const struct ladder *l,
		       const struct diagram_state *s, unsigned int who,
		       int left)
{
	const char *name = schema_name(l->schema, EVENT_state, "new", s->state);
	int width = 2 * DIAGRAM_HALF + 1, pad;
	char text[48];

	pad = width - 2 - (int)strlen(name);
	snprintf(text, sizeof(text), "%c%*s%s%*s%c", who ? '[' : ' ', pad / 2,
		 "", name, pad - pad / 2, "", who ? ']' : ' ');
	canvas_text(c, left + s->x - DIAGRAM_HALF, s->y, width, text,
		    who ? "1" : "2");
}

/* Of a state that is there twice the first is begun in, the other ended in. */
static bool is_second(const struct diagram_state *s)
{
	return s > diagram_states && s->state == diagram_states->state;
}

static bool ended_there(const struct diagram_walk *walk)
{
	unsigned int i;

	for (i = 0; i < diagram_n_edges; i++)
		if (walk->edge[i] && diagram_edges[i].to == TCB_STATE_CLOSE &&
		    diagram_edges[i].from != TCB_STATE_LISTEN &&
		    diagram_edges[i].from != TCB_STATE_SYN_SENT)
			return true;
	return false;
}

static int draw_plan(const struct ladder *l, const struct diagram_walk *walk,
		     const struct ladder_look *look, FILE *file)
{
	int left = (look->width - DIAGRAM_WIDTH) / 2;
	struct canvas *c;
	unsigned int i;

	if (left > 10)
		left = 10;
	c = canvas_new(look->width, DIAGRAM_HEIGHT, look->unicode);
	if (!c)
		return -ENOMEM;
	for (i = 0; i < diagram_n_edges; i++)
		if (!walk->edge[i])
			draw_edge(c, &diagram_edges[i], 0, left);
	for (i = 0; i < diagram_n_edges; i++)
		if (walk->edge[i])
			draw_edge(c, &diagram_edges[i], walk->edge[i], left);
	for (i = 0; i < diagram_n_edges; i++)
		draw_words(c, &diagram_edges[i], walk->edge[i], left);
	for (i = 0; i < diagram_n_states; i++) {
		const struct diagram_state *s = &diagram_states[i];
		unsigned int who = walk->state[s->state];

		if (is_second(s) && !ended_there(walk))
			who = 0;
		draw_state(c, l, s, who, left);
	}
	canvas_print(c, file, look->colour);
	canvas_free(c);
	return 0;
}

static int print_path(const struct ladder *l, const struct ladder_look *look,
		      unsigned int end, FILE *file)
{
	char path[2048];

	diagram_path(l, end, look->unicode ? "→" : "->", path, sizeof(path));
	if (!*path)
		return 0;
	fprintf(file, "%c: ", 'A' + end);
	width_print(file, path, look->width, 3, 3);
	return ferror(file) ? -errno : 0;
}

int diagram_text(const struct ladder *l, const struct ladder_look *look,
		 FILE *file)
{
	struct diagram_walk walk;
	int err = 0;

	diagram_walk(l, &walk);
	putc('\n', file);
	if (look->width >= DIAGRAM_WIDTH && diagram_worth(l))
		err = draw_plan(l, &walk, look, file);
	if (!err)
		err = print_path(l, look, 0, file);
	return err ?: print_path(l, look, 1, file);
}
