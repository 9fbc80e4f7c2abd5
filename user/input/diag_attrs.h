/* SPDX-License-Identifier: GPL-2.0 */
/* Answers of sock_diag(7) in the attributes of the module, for diag.c. */
#ifndef TCBSCOPE_INPUT_DIAG_ATTRS_H
#define TCBSCOPE_INPUT_DIAG_ATTRS_H

#include "input/diag.h"

#include <linux/inet_diag.h>
#include <linux/sock_diag.h>

/* What a request asks for beside what is always there. */
#define DIAG_ATTRS_WANTED                                             \
	(1 << (INET_DIAG_INFO - 1) | 1 << (INET_DIAG_VEGASINFO - 1) | \
	 1 << (INET_DIAG_CONG - 1) | 1 << (INET_DIAG_SKMEMINFO - 1))

/* Room for an entry of a queue. */
#define DIAG_ATTRS_ENTRY 160

/* One that waits at a listener. */
struct diag_waiting {
	struct inet_diag_msg msg;
	uint64_t age_us; /* of a child */
};

struct nl_msg;

/* An IPv4 address has four bytes, also of a socket for IPv6. */
void diag_attrs_identity(const struct inet_diag_msg *m,
			 struct module_identity *id);

void diag_attrs_waiting(struct diag_waiting *w, const struct inet_diag_msg *m,
			const struct module_list *attrs);

/* All of them append to @to, and return 0 or -ENOMEM if it has no room. */
int diag_attrs_socket(struct nl_msg *to, const struct inet_diag_msg *m,
		      const struct module_list *attrs);
int diag_attrs_listener(struct nl_msg *to, const struct inet_diag_msg *m,
			const struct module_list *attrs);
int diag_attrs_queues(struct nl_msg *to, struct diag_waiting *w, size_t n,
		      bool truncated);

/* Or -errno of getsockopt(). */
int diag_attrs_fd(struct nl_msg *to, int fd, const struct diag_socket *s);

#endif
