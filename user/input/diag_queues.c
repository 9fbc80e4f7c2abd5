// SPDX-License-Identifier: GPL-2.0
#include "input/diag_queues.h"

#include <stdlib.h>

int diag_queues_listener(struct nl_msg *msg, const struct inet_diag_msg *m,
			 const struct module_list *attrs)
{
	struct attrs to = { .msg = msg };
	uint64_t mark;

	diag_attrs_put_identity(&to, TCBSCOPE_A_LISTENER_IDENTITY, m);
	attrs_u32(&to, TCBSCOPE_A_LISTENER_FAMILY, m->idiag_family);
	attrs_u32(&to, TCBSCOPE_A_LISTENER_ACCEPT, m->idiag_rqueue);
	attrs_u32(&to, TCBSCOPE_A_LISTENER_LIMIT, m->idiag_wqueue);
	if (m->idiag_inode)
		attrs_u64(&to, TCBSCOPE_A_LISTENER_INODE, m->idiag_inode);
	attrs_u32(&to, TCBSCOPE_A_LISTENER_UID, m->idiag_uid);
	if (module_number(attrs, INET_DIAG_MARK, &mark))
		attrs_u32(&to, TCBSCOPE_A_LISTENER_MARK, mark);
	return attrs_done(&to);
}

/*
 * A child is as old as its last writing: TCP notes that time when it is
 * established, and nobody can write to it before it is accepted.
 */
void diag_queues_take(struct diag_waiting *w, const struct inet_diag_msg *m,
		      const struct module_list *attrs)
{
	w->msg = *m;
	w->age_us = diag_attrs_silent_us(attrs);
}

static bool is_request(const struct diag_waiting *w)
{
	return w->msg.idiag_state == TCBSCOPE_STATE_SYN_RECV;
}

/* Requests first; of them those that were sent more SYN-ACKs are older. */
static int by_age(const void *a, const void *b)
{
	const struct diag_waiting *x = a, *y = b;

	if (is_request(x) != is_request(y))
		return is_request(x) ? -1 : 1;
	if (is_request(x) && x->msg.idiag_retrans != y->msg.idiag_retrans)
		return (int)y->msg.idiag_retrans - x->msg.idiag_retrans;
	if (is_request(x))
		return x->msg.idiag_expires < y->msg.idiag_expires ? -1 : 1;
	return x->age_us > y->age_us ? -1 : x->age_us < y->age_us;
}

static void put_request(struct attrs *to, const struct inet_diag_msg *m)
{
	struct nlattr *in = attrs_nest(to, TCBSCOPE_A_LISTENER_REQUEST);

	diag_attrs_put_identity(to, TCBSCOPE_A_REQUEST_IDENTITY, m);
	attrs_u32(to, TCBSCOPE_A_REQUEST_RETRANSMITS, m->idiag_retrans);
	attrs_u64(to, TCBSCOPE_A_REQUEST_EXPIRES_US,
		  m->idiag_expires * DIAG_MS);
	attrs_unnest(to, in);
}

static void put_child(struct attrs *to, const struct diag_waiting *w)
{
	struct nlattr *in = attrs_nest(to, TCBSCOPE_A_LISTENER_CHILD);

	diag_attrs_put_identity(to, TCBSCOPE_A_CHILD_IDENTITY, &w->msg);
	attrs_u64(to, TCBSCOPE_A_CHILD_AGE_US, w->age_us);
	attrs_u32(to, TCBSCOPE_A_CHILD_RECEIVE_QUEUE,
		  diag_attrs_unread(&w->msg));
	attrs_u32(to, TCBSCOPE_A_CHILD_STATE, w->msg.idiag_state);
	attrs_unnest(to, in);
}

int diag_queues_waiting(struct nl_msg *msg, struct diag_waiting *w, size_t n,
			bool truncated)
{
	struct attrs to = { .msg = msg };
	uint32_t requests = 0;
	size_t i;

	qsort(w, n, sizeof(*w), by_age);
	while (requests < n && is_request(&w[requests]))
		requests++;
	attrs_u32(&to, TCBSCOPE_A_LISTENER_SYN, requests);
	for (i = 0; i < n; i++) {
		if (i < requests)
			put_request(&to, &w[i].msg);
		else
			put_child(&to, &w[i]);
	}
	if (truncated)
		attrs_put(&to, TCBSCOPE_A_LISTENER_TRUNCATED, NULL, 0);
	return attrs_done(&to);
}
