/* SPDX-License-Identifier: GPL-2.0 */
/* Clients: many that connect at once, and do not wait for an answer. */
#ifndef TCBSCOPE_LAB_CLIENTS_H
#define TCBSCOPE_LAB_CLIENTS_H

struct stage;

/* @n of A's, to B's port 2001, before any SYN is sent again. */
void clients_connect(struct stage *s, int n);

#endif
