/* SPDX-License-Identifier: GPL-2.0 */
/* Many clients of one listener, and what a trace says of its queues. */
#ifndef TCBSCOPE_TESTS_LIB_QUEUE_H
#define TCBSCOPE_TESTS_LIB_QUEUE_H

#include "conn.h"

struct json_object;

/* What returns int returns 0 or -errno where nothing else is said. */

/* Joins a trace with hooks of these tiers, as "1,2,3". -EOPNOTSUPP: shared.h. */
int queue_watch(struct conn *c, const char *tiers);

/* The listener of side 1. */
int queue_listen(struct conn *c, int backlog);

/*
 * One more client connects, from a port of the kernel's choice; a deaf one does
 * not hear the answer.
 */
int queue_join(const struct conn *c, int *client, bool deaf);

/* How many are in the accept queue, by the kernel. */
int queue_accept_depth(int listener);

/* Until there are @n or more. */
int queue_wait_accept(const struct conn *c, int n);

/* Until the network has brought a deaf client an answer. */
int queue_wait_answer(int client);

/* Until a socket is in this state. */
int queue_wait_state(int fd, int state);

/* Until a counter of side 1's namespace is @n or more. */
int queue_wait_counter(const struct conn *c, const char *name, int64_t n);

/* Until the trace has shown @n of these, by any rule if that is NULL. */
int queue_wait_shown(const struct conn *c, const char *op, const char *rule,
		     int n);

/* The n-th event of this kind, counted from 0; NULL: there are fewer. */
struct json_object *queue_nth(const struct conn *c, const char *op, int n);

/* How many there are, as above. */
int queue_count(const struct conn *c, const char *op, const char *rule);

/* A field's text, or "absent". */
const char *queue_text(struct json_object *e, const char *field);

#endif
