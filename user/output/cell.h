/* SPDX-License-Identifier: GPL-2.0 */
/* Ends, owners and times, as all lines and tables for people write them. */
#ifndef TCBSCOPE_OUTPUT_CELL_H
#define TCBSCOPE_OUTPUT_CELL_H

#include "event/schema.h"

#define CELL_TEXT 128 /* any of them as text, with its NUL */

/* "192.0.2.7:443", "[2001:db8::1]:443", "[::]:*" */
void cell_end(enum family family, const addr_t *addr, port_t port,
	      char to[CELL_TEXT]);

/* "nginx[1234]"; ~ before it: derived; "": nobody is known. */
void cell_owner(const struct event *e, char to[CELL_TEXT]);

/* 87us, 4ms, 12.3s, 5m, 3h, 2d; ~ before it: derived; "" of ~0. */
void cell_span(nsec_t ns, bool derived, char to[CELL_TEXT]);

#endif
