/* SPDX-License-Identifier: GPL-2.0 */
/*
 * The columns of a list of sockets: any field of the schema by its name, and a
 * few that put fields together for people.
 */
#ifndef TCBSCOPE_CMD_COLUMNS_H
#define TCBSCOPE_CMD_COLUMNS_H

#include "output/cell.h"

#define COLUMNS_MAX 64

struct column {
	char name[32];			  /* in small letters */
	const struct schema_field *field; /* NULL: one of ours */
	/* of ours: its text, "" if there is none */
	void (*text)(const struct event_socket *s, char to[CELL_TEXT]);
	bool right, cut; /* see output/table.h */
};

struct columns {
	struct column column[COLUMNS_MAX];
	unsigned int n;
};

/*
 * Adds the columns of a list, "STATE,OWNER", in any case; if it begins with +,
 * to those there are, else instead of them. One that is there already is not
 * added again. 0, or -EINVAL with the name that is none in @bad, or -E2BIG.
 */
int columns_parse(struct columns *c, const struct schema *schema,
		  const char *list, char bad[32]);

/* Those that fit into 80 columns, with IPv4. */
void columns_default(struct columns *c, const struct schema *schema);

/* All fields of the schema, for programs. */
void columns_all(struct columns *c, const struct schema *schema);

/* The value as people read it, "-" if there is none; steers no terminal. */
const char *column_text(const struct column *c, const struct event_socket *s,
			char to[CELL_TEXT]);

#endif
