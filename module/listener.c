// SPDX-License-Identifier: GPL-2.0
/* listener-get: how deep the queues of listeners are, and who waits in them. */
#include <net/sock_reuseport.h>

#include "compat.h"
#include "tcbscope.h"

static int reuseport_put(struct sk_buff *skb, const struct sock *sk)
{
	const struct sock_reuseport *group;
	u32 id = 0, sockets = 0;

	rcu_read_lock();
	group = rcu_dereference(sk->sk_reuseport_cb);
	if (group) {
		id = READ_ONCE(group->reuseport_id);
		sockets = READ_ONCE(group->num_socks);
	}
	rcu_read_unlock();
	if (!sockets)
		return 0;
	return nla_put_u32(skb, TCBSCOPE_A_LISTENER_REUSEPORT_ID, id) ?:
	       nla_put_u32(skb, TCBSCOPE_A_LISTENER_REUSEPORT_SOCKETS, sockets);
}

static int owner_put(struct sk_buff *skb, struct sock *sk,
		     struct user_namespace *userns)
{
	u64 inode = sock_i_ino(sk);

	if (inode && nla_put_u64_64bit(skb, TCBSCOPE_A_LISTENER_INODE, inode,
				       TCBSCOPE_A_LISTENER_PAD))
		return -EMSGSIZE;
	return nla_put_u32(skb, TCBSCOPE_A_LISTENER_UID,
			   from_kuid_munged(userns, READ_ONCE(sk->sk_uid))) ?:
	       nla_put_u32(skb, TCBSCOPE_A_LISTENER_MARK,
			   READ_ONCE(sk->sk_mark)) ?:
	       nla_put_u32(skb, TCBSCOPE_A_LISTENER_PRIORITY,
			   READ_ONCE(sk->sk_priority));
}

/* Counters, read without a lock: each is exact, all together may not be. */
static int listener_put(struct sk_buff *skb, struct sock *sk,
			struct user_namespace *userns)
{
	const struct request_sock_queue *q = &inet_csk(sk)->icsk_accept_queue;

	return tcbscope_identity_put(skb, TCBSCOPE_A_LISTENER_IDENTITY, sk) ?:
	       nla_put_u32(skb, TCBSCOPE_A_LISTENER_FAMILY, sk->sk_family) ?:
	       nla_put_u32(skb, TCBSCOPE_A_LISTENER_SYN,
			   reqsk_queue_len(q)) ?:
	       nla_put_u32(skb, TCBSCOPE_A_LISTENER_YOUNG,
			   reqsk_queue_len_young(q)) ?:
	       nla_put_u32(skb, TCBSCOPE_A_LISTENER_ACCEPT,
			   READ_ONCE(sk->sk_ack_backlog)) ?:
	       nla_put_u32(skb, TCBSCOPE_A_LISTENER_LIMIT,
			   READ_ONCE(sk->sk_max_ack_backlog)) ?:
	       nla_put_u32(skb, TCBSCOPE_A_LISTENER_FAST_OPEN,
			   READ_ONCE(q->fastopenq.qlen)) ?:
	       nla_put_u32(skb, TCBSCOPE_A_LISTENER_FAST_OPEN_LIMIT,
			   READ_ONCE(q->fastopenq.max_qlen)) ?:
	       nla_put_u32(skb, TCBSCOPE_A_LISTENER_DEFER_ACCEPT,
			   READ_ONCE(q->rskq_defer_accept)) ?:
	       reuseport_put(skb, sk) ?:
	       owner_put(skb, sk, userns);
}

/* The listener that is meant, with a reference, or an ERR_PTR(). */
static struct sock *find(struct net *net, const struct tcbscope_identity *id,
			 struct netlink_ext_ack *extack)
{
	struct sock *sk;

	if (id->has_peer) {
		NL_SET_ERR_MSG(extack, "a listener has no peer");
		return ERR_PTR(-EINVAL);
	}
	sk = tcbscope_find(net, id, extack);
	if (!IS_ERR(sk) && READ_ONCE(sk->sk_state) != TCP_LISTEN) {
		NL_SET_ERR_MSG(extack, "this socket does not listen");
		sock_gen_put(sk);
		return ERR_PTR(-EINVAL);
	}
	return sk;
}

/**
 * tcbscope_listener_get() - a listener without its entries
 * @skb: the request
 * @info: what it has
 *
 * Return: 0 after a reply; -EINVAL for a request that makes no sense or means no
 * listener, -ENOENT if there is no such socket, -ENOMEM.
 */
int tcbscope_listener_get(struct sk_buff *skb, struct genl_info *info)
{
	const struct nlattr *nest = info->attrs[TCBSCOPE_A_LISTENER_IDENTITY];
	struct user_namespace *userns = sk_user_ns(NETLINK_CB(skb).sk);
	struct tcbscope_identity id;
	struct sk_buff *reply;
	struct sock *sk;
	void *header;
	int err;

	err = tcbscope_identity_parse(&id, nest, info->extack);
	if (err)
		return err;
	if (id.any || info->attrs[TCBSCOPE_A_LISTENER_ENTRIES]) {
		NL_SET_ERR_MSG(info->extack,
			       "this needs a dump: one reply cannot hold it");
		return -EINVAL;
	}
	sk = find(genl_info_net(info), &id, info->extack);
	if (IS_ERR(sk))
		return PTR_ERR(sk);
	err = -ENOMEM;
	reply = genlmsg_new(TCBSCOPE_ROOM, GFP_KERNEL);
	if (reply) {
		header = genlmsg_put_reply(reply, info, &tcbscope_family, 0,
					   TCBSCOPE_CMD_LISTENER_GET);
		err = header ? listener_put(reply, sk, userns) : -EMSGSIZE;
	}
	sock_gen_put(sk);
	if (err) {
		nlmsg_free(reply);
		return err;
	}
	genlmsg_end(reply, header);
	return genlmsg_reply(reply, info);
}

static int make_parts(struct tcbscope_dump *dump, struct sock *sk, bool entries,
		      struct netlink_ext_ack *extack)
{
	struct sk_buff *part = tcbscope_part_new(&dump->parts);
	int err;

	if (!part)
		return -ENOMEM;
	err = listener_put(part, sk, dump->userns);
	if (!err && entries)
		err = tcbscope_waiting_put(&dump->parts, sk, part, extack);
	return err;
}

/* What is wanted; of one listener, all of it. */
static int begin(struct tcbscope_dump *dump, struct netlink_callback *cb)
{
	struct nlattr **attrs = compat_dump_attrs(cb);
	bool entries = attrs[TCBSCOPE_A_LISTENER_ENTRIES];
	struct tcbscope_identity id;
	struct sock *sk;
	int err;

	err = tcbscope_identity_parse(&id, attrs[TCBSCOPE_A_LISTENER_IDENTITY],
				      cb->extack);
	if (err)
		return err;
	dump->all = id.any;
	if (id.any && entries) {
		NL_SET_ERR_MSG(cb->extack,
			       "entries are shown of one listener: say which");
		return -EINVAL;
	}
	if (id.any)
		return 0;
	sk = find(dump->walk.net, &id, cb->extack);
	if (IS_ERR(sk))
		return PTR_ERR(sk);
	err = make_parts(dump, sk, entries, cb->extack);
	sock_gen_put(sk);
	return err;
}

/**
 * tcbscope_listener_start() - make ready for a dump of listener-get
 * @cb: the dump
 *
 * Return: as tcbscope_dump_start().
 */
int tcbscope_listener_start(struct netlink_callback *cb)
{
	return tcbscope_dump_start(cb, true);
}

/**
 * tcbscope_listener_dump() - emit what there is room for
 * @skb: of the dump
 * @cb: the dump
 *
 * Return: as tcbscope_dump(); -EINVAL for a request that makes no sense or means
 * no listener, -ENOENT if there is no such socket, -EBUSY if its process keeps it
 * locked, -EINTR, -ENOMEM.
 */
int tcbscope_listener_dump(struct sk_buff *skb, struct netlink_callback *cb)
{
	static const struct tcbscope_dump_kind kind = {
		.cmd = TCBSCOPE_CMD_LISTENER_GET,
		.begin = begin,
		.put = listener_put,
	};

	return tcbscope_dump(skb, cb, &kind);
}
