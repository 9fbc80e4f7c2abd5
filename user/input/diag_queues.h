/* SPDX-License-Identifier: GPL-2.0 */
/* A listener and who waits at it, put together of what sock_diag(7) tells. */
#ifndef TCBSCOPE_INPUT_DIAG_QUEUES_H
#define TCBSCOPE_INPUT_DIAG_QUEUES_H

#include "input/diag_attrs.h"

/* Room for an entry in a list of attributes. */
#define DIAG_QUEUES_ENTRY 160

/* One that waits. */
struct diag_waiting {
	struct inet_diag_msg msg;
	uint64_t age_us; /* of a child */
};

void diag_queues_take(struct diag_waiting *w, const struct inet_diag_msg *m,
		      const struct module_list *attrs);

/*
 * Append a listener, and who waits at it, which is put in order, to @to. 0 or
 * -ENOMEM if it has no room.
 */
int diag_queues_listener(struct nl_msg *to, const struct inet_diag_msg *m,
			 const struct module_list *attrs);
int diag_queues_waiting(struct nl_msg *to, struct diag_waiting *w, size_t n,
			bool truncated);

#endif
