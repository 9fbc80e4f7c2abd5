// SPDX-License-Identifier: GPL-2.0
/* The state diagram as SVG: each end's path in its own colour. */
#include "lib/svg.h"
#include "lib/width.h"
#include "output/diagram.h"

#include <string.h>

#define SCALE_X 12.4
#define SCALE_Y 27.0
#define MARGIN_X 62
#define MARGIN_Y 48
#define APART 3.0 /* of two paths along one arrow */

const char diagram_svg_style[] =
	".edge{fill:none;stroke:#d0d7de;stroke-width:1.5}"
	".hedge{fill:#d0d7de}\n"
	".walkA{fill:none;stroke:#0969da;stroke-width:3}.hwalkA{fill:#0969da}\n"
	".walkB{fill:none;stroke:#d4670c;stroke-width:3}.hwalkB{fill:#d4670c}\n"
	".unseen{fill:#f6f8fa;stroke:#d0d7de}\n"
	".faint{font-size:11px;fill:#8c959f}\n"
	".cause{font-size:11px;font-weight:bold;fill:#24292f}\n"
	".keyA{fill:#0969da;font-weight:bold;font-size:13px}"
	".keyB{fill:#d4670c;font-weight:bold;font-size:13px}\n";

static double plan_x(double x)
{
	return MARGIN_X + SCALE_X * x;
}

/*
 * A path that is moved aside by @off, to the right of where it goes. Points of
 * the plan are beside a state; here the line goes up to its box.
 */
static void draw_edge(FILE *file, const struct diagram_edge *edge, double y,
		      double off, const char *class)
{
	unsigned int n = diagram_points(edge), i;
	double x[DIAGRAM_POINTS] = {}, v[DIAGRAM_POINTS] = {};
	char head[32];

	for (i = 0; i < n; i++) {
		x[i] = plan_x(edge->at[i].x) + off;
		v[i] = y + SCALE_Y * edge->at[i].y + off;
	}
	/* from the edge of the box to the edge of the box */
	if (n == DIAGRAM_POINTS && edge->at[0].y < edge->at[1].y &&
	    edge->at[1].y == edge->at[0].y + 1)
		v[0] += 12; /* it begins within the box */
	else if (edge->at[0].y == edge->at[1].y)
		x[0] += edge->at[1].x > edge->at[0].x ? -12 : 12;
	else
		v[0] += edge->at[1].y > edge->at[0].y ? -16 : 16;
	if (n == DIAGRAM_POINTS && edge->at[n - 1].y < edge->at[n - 2].y)
		v[n - 1] += 13; /* it ends within the box */
	else if (edge->at[n - 1].y == edge->at[n - 2].y)
		x[n - 1] += edge->at[n - 1].x > edge->at[n - 2].x ? 9 : -9;
	else
		v[n - 1] += edge->at[n - 1].y > edge->at[n - 2].y ? 14 : -14;
	fprintf(file,
		"<polyline class=\"%s\" stroke-linejoin=\"round\" "
		"points=\"",
		class);
	for (i = 0; i < n - 1; i++)
		fprintf(file, "%.1f,%.1f ", x[i], v[i]);
	/* the line ends below its head */
	fprintf(file, "%.1f,%.1f\"/>\n",
		x[n - 1] + (x[n - 1] == x[n - 2] ? 0 :
			    x[n - 1] > x[n - 2]	 ? -6 :
						   6),
		v[n - 1] + (v[n - 1] == v[n - 2] ? 0 :
			    v[n - 1] > v[n - 2]	 ? -6 :
						   6));
	snprintf(head, sizeof(head), "h%s", class);
	svg_head(file, x[n - 2], v[n - 2], x[n - 1], v[n - 1], head);
}

static void draw_state(FILE *file, const struct ladder *l,
		       const struct diagram_state *s, unsigned int who,
		       double y)
{
	const char *name = schema_name(l->schema, EVENT_state, "new", s->state);
	double x = plan_x(s->x), v = y + SCALE_Y * s->y, half = 62;

	svg_box(file, x - half, v - 12, 2 * half, 24, 12,
		who ? ladder_svg_class(s->state) : "unseen");
	svg_text(file, x, v + 4, SVG_MIDDLE, who ? "pill" : "faint", name);
}

/* The second CLOSE is where a connection ends that has not been cut off. */
static unsigned int second_close(const struct diagram_walk *walk)
{
	unsigned int i, who = 0;

	for (i = 0; i < diagram_n_edges; i++)
		if (diagram_edges[i].to == TCB_STATE_CLOSE &&
		    (diagram_edges[i].from == TCB_STATE_LAST_ACK ||
		     diagram_edges[i].from == TCB_STATE_TIME_WAIT))
			who |= walk->edge[i];
	return who;
}

static void draw_paths(const struct ladder *l, double y, FILE *file)
{
	char path[2048], line[2100];
	unsigned int end;

	for (end = 0; end < 2; end++) {
		diagram_path(l, end, "→", path, sizeof(path));
		if (!*path)
			continue;
		snprintf(line, sizeof(line), "%c:  %.120s%s", 'A' + end, path,
			 strlen(path) > 120 ? "..." : "");
		svg_text(file, 24, y + 20 * end, SVG_START,
			 end ? "keyB" : "keyA", line);
	}
}

/* Is the label on a piece of its line? Then it goes above. */
static bool on_line(const struct diagram_edge *edge)
{
	unsigned int i;

	for (i = 1; i < diagram_points(edge); i++)
		if (edge->at[i].y == edge->label.y &&
		    edge->at[i - 1].y == edge->label.y)
			return true;
	return false;
}

double diagram_svg(const struct ladder *l, double y, FILE *file)
{
	double top = y + MARGIN_Y;
	struct diagram_walk walk;
	unsigned int i, who;

	if (!diagram_worth(l)) {
		draw_paths(l, y + 16, file);
		return 56;
	}
	diagram_walk(l, &walk);
	svg_text(file, 24, y + 16, SVG_START, "small",
		 "The way through the state diagram of RFC 9293 (figure 5):");
	for (i = 0; i < diagram_n_edges; i++)
		if (!walk.edge[i])
			draw_edge(file, &diagram_edges[i], top, 0, "edge");
	for (i = 0; i < diagram_n_edges; i++) {
		who = walk.edge[i];
		if (who & 1)
			draw_edge(file, &diagram_edges[i], top,
				  who == 3 ? -APART : 0, "walkA");
		if (who & 2)
			draw_edge(file, &diagram_edges[i], top,
				  who == 3 ? APART : 0, "walkB");
	}
	for (i = 0; i < diagram_n_edges; i++) {
		const struct diagram_edge *e = &diagram_edges[i];

		svg_text(file, plan_x(e->label.x),
			 top + SCALE_Y * e->label.y + (on_line(e) ? -7 : 4),
			 SVG_START, walk.edge[i] ? "cause" : "faint", e->words);
	}
	for (i = 0; i < diagram_n_states; i++) {
		const struct diagram_state *s = &diagram_states[i];

		who = i + 1 == diagram_n_states ? second_close(&walk) :
						  walk.state[s->state];
		draw_state(file, l, s, who, top);
	}
	y = top + SCALE_Y * DIAGRAM_HEIGHT + 12;
	draw_paths(l, y, file);
	return y + 48 - (top - MARGIN_Y);
}
