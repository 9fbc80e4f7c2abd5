// SPDX-License-Identifier: GPL-2.0
/* Writes SVG, piece by piece; every text is escaped here. */
#include "lib/svg.h"

#include <errno.h>
#include <math.h>
#include <string.h>

#define SIZE_FORMAT "width=\"%5u\" height=\"%7u\" viewBox=\"0 0 %5u %7u\""

static int put_size(FILE *file, unsigned int width, unsigned int height)
{
	return fprintf(file,
		       "<svg xmlns=\"http://www.w3.org/2000/svg\" " SIZE_FORMAT,
		       width, height, width, height) < 0 ?
		       -errno :
		       0;
}

/* Well-formed XML, whatever the text: two code points are forbidden there. */
static void put_escaped(FILE *file, const char *s)
{
	for (; *s; s++) {
		if (!strncmp(s, "\xef\xbf\xbe", 3) ||
		    !strncmp(s, "\xef\xbf\xbf", 3)) {
			putc('?', file);
			s += 2;
		} else if (*s == '<') {
			fputs("&lt;", file);
		} else if (*s == '>') {
			fputs("&gt;", file);
		} else if (*s == '&') {
			fputs("&amp;", file);
		} else if (*s == '"') {
			fputs("&quot;", file);
		} else {
			putc(*s, file);
		}
	}
}

int svg_begin(FILE *file, unsigned int width, const char *title)
{
	int err;

	if (fseek(file, 0, SEEK_SET))
		return -errno;
	err = put_size(file, width, 0);
	if (err)
		return err;
	fputs(">\n<title>", file);
	put_escaped(file, title);
	fputs("</title>\n<rect fill=\"#ffffff\" width=\"100%\" "
	      "height=\"100%\"/>\n",
	      file);
	return ferror(file) ? -errno : 0;
}

void svg_style(FILE *file, const char *css)
{
	fprintf(file, "<style>\n%s</style>\n", css);
}

int svg_end(FILE *file, unsigned int width, unsigned int height)
{
	int err;

	fputs("</svg>\n", file);
	if (fseek(file, 0, SEEK_SET))
		return -errno;
	err = put_size(file, width, height);
	return err ?: fseek(file, 0, SEEK_END) || fflush(file) ? -errno : 0;
}

static const char *const anchors[] = { "start", "middle", "end" };

void svg_text(FILE *file, double x, double y, enum svg_anchor anchor,
	      const char *class, const char *text)
{
	svg_text_turned(file, x, y, 0, anchor, class, text);
}

void svg_text_turned(FILE *file, double x, double y, double degrees,
		     enum svg_anchor anchor, const char *class,
		     const char *text)
{
	if (!*text)
		return;
	fprintf(file, "<text class=\"%s\" x=\"%.1f\" y=\"%.1f\"", class, x, y);
	if (anchor != SVG_START)
		fprintf(file, " text-anchor=\"%s\"", anchors[anchor]);
	if (fabs(degrees) > 0.1)
		fprintf(file, " transform=\"rotate(%.1f %.1f %.1f)\"", degrees,
			x, y);
	putc('>', file);
	put_escaped(file, text);
	fputs("</text>\n", file);
}

void svg_line(FILE *file, double x0, double y0, double x1, double y1,
	      const char *class)
{
	fprintf(file,
		"<line class=\"%s\" x1=\"%.1f\" y1=\"%.1f\" x2=\"%.1f\" "
		"y2=\"%.1f\"/>\n",
		class, x0, y0, x1, y1);
}

void svg_box(FILE *file, double x, double y, double width, double height,
	     double radius, const char *class)
{
	fprintf(file,
		"<rect class=\"%s\" x=\"%.1f\" y=\"%.1f\" width=\"%.1f\" "
		"height=\"%.1f\" rx=\"%.1f\"/>\n",
		class, x, y, width, height, radius);
}

void svg_head(FILE *file, double x0, double y0, double x1, double y1,
	      const char *class)
{
	double length = hypot(x1 - x0, y1 - y0), dx, dy;

	if (length < 1)
		return;
	dx = (x1 - x0) / length;
	dy = (y1 - y0) / length;
	fprintf(file,
		"<polygon class=\"%s\" points=\"%.1f,%.1f %.1f,%.1f "
		"%.1f,%.1f\"/>\n",
		class, x1, y1, x1 - 11 * dx + 4.5 * dy, y1 - 11 * dy - 4.5 * dx,
		x1 - 11 * dx - 4.5 * dy, y1 - 11 * dy + 4.5 * dx);
}
