/* SPDX-License-Identifier: GPL-2.0 */
/* tcbscope sockets --piles: who lets what pile up, and what to do about it. */
#ifndef TCBSCOPE_CMD_PILE_H
#define TCBSCOPE_CMD_PILE_H

#include "event/schema.h"

struct pile_options {
	const struct schema *schema;
	bool json, raw, headings;
	bool complete; /* for JSON: was there nothing that cannot be seen? */
};

/* Prints the piles among @n sockets. 0 or -errno, as of output/table.h. */
int pile_print(const struct event_socket *s, size_t n,
	       const struct pile_options *options);

#endif
