/* SPDX-License-Identifier: GPL-2.0 */
/* Parts of the drawing of a socket, for show_text.c. */
#ifndef TCBSCOPE_OUTPUT_SHOW_PART_H
#define TCBSCOPE_OUTPUT_SHOW_PART_H

#include "lib/canvas.h"
#include "output/show.h"

#define SHOW_TEXT 256 /* a value as text, escaped, with its NUL */
#define SHOW_LABEL 32

/* The drawing: a sheet after the other goes to the file. */
struct show_page {
	const struct show *s;
	const struct show_look *look;
	FILE *file;
	int err; /* the first one; then nothing more is drawn */
};

/* A sheet of so many rows, or NULL if something has failed. */
struct canvas *show_sheet(struct show_page *p, unsigned int rows);

/* Prints and frees it; NULL is none. */
void show_print(struct show_page *p, struct canvas *c);

/* The heading of a part, and what is said beside it, which may be NULL. */
void show_heading(struct show_page *p, const char *name, const char *words);

/* "SEND": the name of an attribute as a heading. */
void show_name(const struct module_set *set, int type, char to[SHOW_LABEL]);

/*
 * An attribute's name without its unit, which its value has: "srtt", "12.3ms".
 * @attr is NULL for one that the description does not have: its bytes.
 */
void show_label(const struct module_attr *attr, int type, char to[SHOW_LABEL]);
void show_value(const struct module_attr *attr, const struct module_list *value,
		char to[SHOW_TEXT]);

/* 87us, 1.93ms, 12.3ms, 5.1s, 3h */
void show_span(int64_t us, char to[SHOW_LABEL]);

/* The peer, or the own end, of an identity: "192.0.2.1:80"; "" if absent. */
void show_end(const struct module_list *identity, bool remote,
	      char to[SHOW_TEXT]);

/*
 * All attributes of a list that are single values, known or not, but those of
 * @skip, which ends in 0 and may be NULL.
 */
void show_grid(struct show_page *p, const struct module_set *set,
	       const struct module_list *list, const int *skip);

/* @room columns, of which value / max are full. */
void show_bar(struct canvas *c, int x, int y, int room, uint64_t value,
	      uint64_t max, canvas_colour colour);

/* What of the space between two ends is what, to scale. */
void show_send(struct show_page *p);
void show_receive(struct show_page *p);

/* A sequence number as people count: from the initial one. */
uint32_t show_send_base(const struct show *s);
uint32_t show_receive_base(const struct show *s);

/* The queues of the sender, and those of the receiver. */
void show_segments(struct show_page *p);
void show_received(struct show_page *p);

void show_timers(struct show_page *p);
void show_queues(struct show_page *p); /* of a listener */

#endif
