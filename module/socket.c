// SPDX-License-Identifier: GPL-2.0
/*
 * socket-get: one socket with all that is in it, or the short form of all.
 *
 * One socket is copied as the dump begins, in one hold of its lock: all of it is
 * of one instant. The short form takes no lock of a socket. It begins when the
 * first message is asked for, not in start: before Linux 6.3 that had no way to
 * say what is wrong.
 */
#include <linux/ktime.h>
#include <linux/mm.h>
#include <linux/slab.h>

#include "compat.h"
#include "tcbscope.h"

/* What a dump remembers, in cb->args[0]. */
struct dump {
	bool has_begun, all;
	struct sk_buff_head parts; /* of the one socket */
	struct sock *pending;	   /* of all; did not fit; with a reference */
	struct tcbscope_walk walk;
};

static void dump_free(struct dump *dump)
{
	if (dump->pending)
		sock_gen_put(dump->pending);
	tcbscope_walk_end(&dump->walk);
	__skb_queue_purge(&dump->parts);
	kfree(dump);
}

/* Under the socket's lock, if it has one. */
static int copy(struct sk_buff *part, struct tcbscope_segments *segments,
		struct sock *sk, struct user_namespace *userns)
{
	u64 now = ktime_get_ns();
	int err = tcbscope_tcb_put(part, sk, userns);

	if (!err && sk_fullsock(sk))
		err = tcbscope_segments_copy(segments, sk);
	if (err)
		return err;
	if (segments->truncated &&
	    nla_put_flag(part, TCBSCOPE_A_SOCKET_TRUNCATED))
		return -EMSGSIZE;
	return nla_put_u64_64bit(part, TCBSCOPE_A_SOCKET_NOW_NS, now,
				 TCBSCOPE_A_SOCKET_PAD) ?:
	       nla_put_u64_64bit(part, TCBSCOPE_A_SOCKET_HOLD_NS,
				 ktime_get_ns() - now, TCBSCOPE_A_SOCKET_PAD);
}

static int make_parts(struct sk_buff_head *parts, struct sock *sk,
		      struct user_namespace *userns,
		      struct netlink_ext_ack *extack)
{
	struct sk_buff *part = tcbscope_part_new(parts);
	struct tcbscope_segments segments = {};
	int err;

	if (!part)
		return -ENOMEM;
	if (sk_fullsock(sk)) {
		err = tcbscope_lock(sk, extack);
		if (err)
			return err;
		err = copy(part, &segments, sk, userns);
		release_sock(sk);
	} else {
		err = copy(part, &segments, sk, userns);
	}
	if (!err)
		err = tcbscope_segments_put(parts, sk, &segments);
	kvfree(segments.segment);
	return err;
}

static int start_one(struct dump *dump, struct netlink_callback *cb,
		     const struct tcbscope_identity *id)
{
	struct sock *sk = tcbscope_find(sock_net(cb->skb->sk), id, cb->extack);
	int err;

	if (IS_ERR(sk))
		return PTR_ERR(sk);
	err = make_parts(&dump->parts, sk, sk_user_ns(NETLINK_CB(cb->skb).sk),
			 cb->extack);
	sock_gen_put(sk);
	return err;
}

/* What is wanted; of one socket, all of it. */
static int begin(struct dump *dump, struct netlink_callback *cb)
{
	struct nlattr **attrs = compat_dump_attrs(cb);
	struct tcbscope_identity id;
	int err;

	err = tcbscope_identity_parse(&id, attrs[TCBSCOPE_A_SOCKET_IDENTITY],
				      cb->extack);
	dump->all = id.any;
	if (!err && !dump->all)
		err = start_one(dump, cb, &id);
	dump->has_begun = !err;
	return err;
}

/**
 * tcbscope_socket_start() - make ready for a socket-get
 * @cb: the dump; its args[0] is the struct dump, until done
 *
 * Return: 0 or -ENOMEM.
 */
int tcbscope_socket_start(struct netlink_callback *cb)
{
	struct dump *dump = kzalloc(sizeof(*dump), GFP_KERNEL);

	if (!dump)
		return -ENOMEM;
	__skb_queue_head_init(&dump->parts);
	dump->walk.net = sock_net(cb->skb->sk);
	cb->args[0] = (long)dump;
	return 0;
}

static int emit_short(struct sk_buff *skb, struct netlink_callback *cb,
		      struct sock *sk)
{
	void *header = tcbscope_message(skb, cb, TCBSCOPE_CMD_SOCKET_GET);

	if (!header)
		return -EMSGSIZE;
	if (tcbscope_tcb_short(skb, sk)) {
		genlmsg_cancel(skb, header);
		return -EMSGSIZE;
	}
	genlmsg_end(skb, header);
	return 0;
}

static int dump_all(struct sk_buff *skb, struct netlink_callback *cb,
		    struct dump *dump)
{
	struct sock *sk;

	for (;;) {
		sk = dump->pending ?: tcbscope_walk_next(&dump->walk);
		if (!sk)
			return 0;
		/* Another number than before: it may be inconsistent. */
		cb->seq = 1 + dump->walk.is_split;
		dump->pending = sk;
		if (emit_short(skb, cb, sk))
			return -EMSGSIZE;
		dump->pending = NULL;
		sock_gen_put(sk);
	}
}

/**
 * tcbscope_socket_dump() - emit what there is room for
 * @skb: of the dump
 * @cb: the dump
 *
 * Return: how much was appended, 0 at the end; -EINVAL for a request that makes
 * no sense, -ENOENT if there is no such socket, -EBUSY if its process keeps it
 * locked, -EINTR, -ENOMEM; -EMSGSIZE if nothing fits.
 */
int tcbscope_socket_dump(struct sk_buff *skb, struct netlink_callback *cb)
{
	struct dump *dump = (struct dump *)cb->args[0];
	int err = 0;

	if (!dump->has_begun)
		err = begin(dump, cb);
	if (err)
		return err;
	if (dump->all)
		err = dump_all(skb, cb, dump);
	else
		err = tcbscope_parts_emit(skb, cb, TCBSCOPE_CMD_SOCKET_GET,
					  &dump->parts);
	return skb->len ?: err;
}

/**
 * tcbscope_socket_done() - free what a dump remembers
 * @cb: the dump, at its end or given up
 *
 * Return: 0
 */
int tcbscope_socket_done(struct netlink_callback *cb)
{
	dump_free((struct dump *)cb->args[0]);
	return 0;
}
