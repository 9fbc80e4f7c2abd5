// SPDX-License-Identifier: GPL-2.0
/*
 * socket-get: one socket with all that is in it, or the short form of all.
 *
 * One socket is copied in one hold of its lock: all of it is of one instant. The
 * short form takes no lock of a socket.
 */
#include <linux/ktime.h>
#include <linux/mm.h>

#include "compat.h"
#include "tcbscope.h"

/* Under the socket's lock, if it has one. */
static int copy(struct sk_buff *part, struct tcbscope_segments *segments,
		struct sock *sk, struct user_namespace *userns)
{
	u64 now = ktime_get_ns();
	int err = tcbscope_tcb_put(part, sk, userns);

	if (err)
		return err;
	if (sk_fullsock(sk))
		tcbscope_segments_copy(segments, sk);
	if (segments->truncated &&
	    nla_put_flag(part, TCBSCOPE_A_SOCKET_TRUNCATED))
		return -EMSGSIZE;
	return nla_put_u64_64bit(part, TCBSCOPE_A_SOCKET_NOW_NS, now,
				 TCBSCOPE_A_SOCKET_PAD) ?:
	       nla_put_u64_64bit(part, TCBSCOPE_A_SOCKET_HOLD_NS,
				 ktime_get_ns() - now, TCBSCOPE_A_SOCKET_PAD);
}

/* In one hold, again from the beginning if there was too little room. */
static int copy_full(struct sk_buff *part, struct tcbscope_segments *segments,
		     struct sock *sk, struct user_namespace *userns,
		     struct netlink_ext_ack *extack)
{
	int err;

	do {
		skb_trim(part, 0);
		err = tcbscope_segments_room(segments, sk) ?:
		      tcbscope_lock(sk, extack);
		if (err)
			return err;
		err = copy(part, segments, sk, userns);
		release_sock(sk);
	} while (!err && segments->truncated &&
		 segments->room < TCBSCOPE_SEGMENTS_MAX);
	return err;
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
	err = sk_fullsock(sk) ? copy_full(part, &segments, sk, userns, extack) :
				copy(part, &segments, sk, userns);
	if (!err)
		err = tcbscope_segments_put(parts, sk, &segments);
	kvfree(segments.segment);
	return err;
}

static int begin_one(struct tcbscope_dump *dump, struct netlink_callback *cb,
		     const struct tcbscope_identity *id)
{
	struct sock *sk = tcbscope_find(dump->walk.net, id, cb->extack);
	int err;

	if (IS_ERR(sk))
		return PTR_ERR(sk);
	err = make_parts(&dump->parts, sk, dump->userns, cb->extack);
	sock_gen_put(sk);
	return err;
}

/* What is wanted; of one socket, all of it. */
static int begin(struct tcbscope_dump *dump, struct netlink_callback *cb)
{
	struct nlattr **attrs = compat_dump_attrs(cb);
	struct tcbscope_identity id;
	int err;

	err = tcbscope_identity_parse(&id, attrs[TCBSCOPE_A_SOCKET_IDENTITY],
				      cb->extack);
	if (err)
		return err;
	dump->all = id.any;
	return dump->all ? 0 : begin_one(dump, cb, &id);
}

static int short_put(struct sk_buff *skb, struct sock *sk,
		     struct user_namespace *userns)
{
	return tcbscope_tcb_short(skb, sk);
}

/**
 * tcbscope_socket_start() - make ready for a socket-get
 * @cb: the dump
 *
 * Return: as tcbscope_dump_start().
 */
int tcbscope_socket_start(struct netlink_callback *cb)
{
	return tcbscope_dump_start(cb, false);
}

/**
 * tcbscope_socket_dump() - emit what there is room for
 * @skb: of the dump
 * @cb: the dump
 *
 * Return: as tcbscope_dump(); -EINVAL for a request that makes no sense, -ENOENT
 * if there is no such socket, -EBUSY if its process keeps it locked, -EINTR,
 * -ENOMEM.
 */
int tcbscope_socket_dump(struct sk_buff *skb, struct netlink_callback *cb)
{
	static const struct tcbscope_dump_kind kind = {
		.cmd = TCBSCOPE_CMD_SOCKET_GET,
		.begin = begin,
		.put = short_put,
	};

	return tcbscope_dump(skb, cb, &kind);
}
