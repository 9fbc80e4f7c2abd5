/* SPDX-License-Identifier: GPL-2.0 */
/* Answers of sock_diag(7) in the attributes of the module, for diag.c. */
#ifndef TCBSCOPE_INPUT_DIAG_ATTRS_H
#define TCBSCOPE_INPUT_DIAG_ATTRS_H

#include "input/attrs.h"
#include "input/diag.h"

#include <linux/inet_diag.h>
#include <linux/sock_diag.h>

/* What a request asks for beside what is always there. */
#define DIAG_ATTRS_WANTED                                             \
	(1 << (INET_DIAG_INFO - 1) | 1 << (INET_DIAG_VEGASINFO - 1) | \
	 1 << (INET_DIAG_CONG - 1) | 1 << (INET_DIAG_SKMEMINFO - 1))

#define DIAG_MS 1000ull /* us */

/* An IPv4 address has four bytes, also of a socket for IPv6. */
void diag_attrs_identity(const struct inet_diag_msg *m,
			 struct module_identity *id);

void diag_attrs_put_identity(struct attrs *to, int type,
			     const struct inet_diag_msg *m);

/* Since it last sent data, in us; 0: it does not say. */
uint64_t diag_attrs_silent_us(const struct module_list *attrs);

/* A FIN waits with the bytes, and is none. */
uint32_t diag_attrs_unread(const struct inet_diag_msg *m);

/* Both append to @to, and return 0 or -ENOMEM if it has no room. */
int diag_attrs_socket(struct nl_msg *to, const struct inet_diag_msg *m,
		      const struct module_list *attrs);

/* Or -errno of getsockopt(). */
int diag_attrs_fd(struct nl_msg *to, int fd, const struct diag_socket *s);

#endif
