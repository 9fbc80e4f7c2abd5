/* SPDX-License-Identifier: GPL-2.0 */
/* Clients: many of A's, that connect to B's port 2001. */
#ifndef TCBSCOPE_LAB_CLIENTS_H
#define TCBSCOPE_LAB_CLIENTS_H

struct stage;

/*
 * @n, each as soon as the one before it is answered: where a queue is to fill,
 * the kernel may be late, and take a SYN that is sent before the last ACK of
 * another one also before it.
 */
void clients_connect(struct stage *s, int n);

/* @n that do not wait for an answer, before any SYN is sent again. */
void clients_begin(struct stage *s, int n);

#endif
