// SPDX-License-Identifier: GPL-2.0
/*
 * Dumps: one socket, copied as a whole when the dump begins, or all of them,
 * met one after the other as there is room.
 *
 * A dump begins when its first message is asked for, not in start: older kernels
 * have no way to say there what is wrong.
 */
#include <linux/slab.h>

#include "compat.h"
#include "tcbscope.h"

#define SEQ 1 /* of a dump that is consistent */

/**
 * tcbscope_dump_start() - make ready for a dump
 * @cb: the dump; its args[0] is the struct tcbscope_dump, until done
 * @no_established: of listeners only
 *
 * Return: 0 or -ENOMEM.
 */
int tcbscope_dump_start(struct netlink_callback *cb, bool no_established)
{
	struct tcbscope_dump *dump = kzalloc(sizeof(*dump), GFP_KERNEL);

	if (!dump)
		return -ENOMEM;
	__skb_queue_head_init(&dump->parts);
	dump->walk.net = sock_net(cb->skb->sk);
	dump->walk.no_established = no_established;
	dump->userns = sk_user_ns(NETLINK_CB(cb->skb).sk);
	cb->args[0] = (long)dump;
	cb->prev_seq = SEQ;
	cb->seq = SEQ;
	return 0;
}

static int emit(struct sk_buff *skb, struct netlink_callback *cb,
		const struct tcbscope_dump_kind *kind, struct sock *sk,
		struct user_namespace *userns)
{
	void *header = tcbscope_message(skb, cb, kind->cmd);

	if (!header)
		return -EMSGSIZE;
	if (kind->put(skb, sk, userns)) {
		genlmsg_cancel(skb, header);
		return -EMSGSIZE;
	}
	genlmsg_end(skb, header);
	return 0;
}

static int dump_all(struct sk_buff *skb, struct netlink_callback *cb,
		    const struct tcbscope_dump_kind *kind,
		    struct tcbscope_dump *dump)
{
	struct sock *sk;

	for (;;) {
		sk = dump->pending ?: tcbscope_walk_next(&dump->walk);
		/* Another number than before: the dump is inconsistent. */
		cb->seq = SEQ + dump->walk.is_incomplete;
		if (!sk)
			return 0;
		dump->pending = sk;
		if (emit(skb, cb, kind, sk, dump->userns))
			return -EMSGSIZE;
		dump->pending = NULL;
	}
}

/**
 * tcbscope_dump() - emit what there is room for
 * @skb: of the dump
 * @cb: the dump
 * @kind: what is dumped
 *
 * Return: how much was appended, 0 at the end; what begin returns; -EMSGSIZE if
 * nothing fits.
 */
int tcbscope_dump(struct sk_buff *skb, struct netlink_callback *cb,
		  const struct tcbscope_dump_kind *kind)
{
	struct tcbscope_dump *dump = (struct tcbscope_dump *)cb->args[0];
	int err;

	if (!dump->has_begun) {
		err = kind->begin(dump, cb);
		if (err)
			return err;
		dump->has_begun = true;
	}
	if (dump->all)
		err = dump_all(skb, cb, kind, dump);
	else
		err = tcbscope_parts_emit(skb, cb, kind->cmd, &dump->parts);
	return skb->len ?: err;
}

/**
 * tcbscope_dump_done() - free what a dump remembers
 * @cb: the dump, at its end or given up
 *
 * Return: 0
 */
int tcbscope_dump_done(struct netlink_callback *cb)
{
	struct tcbscope_dump *dump = (struct tcbscope_dump *)cb->args[0];

	tcbscope_walk_end(&dump->walk);
	__skb_queue_purge(&dump->parts);
	kfree(dump);
	return 0;
}
