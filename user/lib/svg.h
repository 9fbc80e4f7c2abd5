/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Writes SVG, piece by piece. How high the picture is must stand at its head
 * and is known at its end, so the file has to be one that can be gone back in.
 */
#ifndef TCBSCOPE_LIB_SVG_H
#define TCBSCOPE_LIB_SVG_H

#include <stdio.h>

enum svg_anchor { SVG_START, SVG_MIDDLE, SVG_END };

/*
 * The head, with room for the size; @title is what a reader gets who cannot
 * see. Both return 0 or -errno: -ESPIPE if @file cannot be gone back in.
 */
int svg_begin(FILE *file, unsigned int width, const char *title);
int svg_end(FILE *file, unsigned int width, unsigned int height);

/* CSS for all that follows. */
void svg_style(FILE *file, const char *css);

/* Text that say_escape() has made; its base line is at @y. */
void svg_text(FILE *file, double x, double y, enum svg_anchor anchor,
	      const char *class, const char *text);

/* The same, turned by @degrees about its anchor. */
void svg_text_turned(FILE *file, double x, double y, double degrees,
		     enum svg_anchor anchor, const char *class,
		     const char *text);

void svg_line(FILE *file, double x0, double y0, double x1, double y1,
	      const char *class);

/* A box with round corners. */
void svg_box(FILE *file, double x, double y, double width, double height,
	     double radius, const char *class);

/* The head of an arrow that comes from @x0, @y0 and ends at @x1, @y1. */
void svg_head(FILE *file, double x0, double y0, double x1, double y1,
	      const char *class);

#endif
