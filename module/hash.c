// SPDX-License-Identifier: GPL-2.0
/*
 * hash-get: in which bucket a socket lives, and how many live there.
 *
 * Who knows the bucket of many addresses knows the secret of the hash, and could
 * fill one chain from outside: hence the initial namespace only.
 */
#include "compat.h"
#include "tcbscope.h"

/* No chain comes near this; it bounds the walk. */
#define CHAIN_MAX 65536

/* Without the lock: what comes and goes meanwhile may be counted or not. */
static u32 chain_length(const struct hlist_nulls_head *head)
{
	const struct hlist_nulls_node *node;
	struct sock *sk;
	u32 n = 0;

	rcu_read_lock();
	sk_nulls_for_each_rcu(sk, node, head) {
		if (++n == CHAIN_MAX)
			break;
	}
	rcu_read_unlock();
	return n;
}

static int hash_put(struct sk_buff *skb, const struct sock *sk)
{
	struct inet_hashinfo *h = compat_tables(sock_net(sk));
	bool listens = sk->sk_state == TCP_LISTEN;
	u32 bucket = listens ? compat_listen_hash(h, sk) :
			       sk->sk_hash & h->ehash_mask;
	const struct hlist_nulls_head *head =
		listens ? &compat_listen_bucket(h, bucket)->nulls_head :
			  &h->ehash[bucket].chain;

	return nla_put_u32(skb, TCBSCOPE_A_HASH_TABLE,
			   listens ? TCBSCOPE_TABLE_LISTENING :
				     TCBSCOPE_TABLE_ESTABLISHED) ?:
	       nla_put_u32(skb, TCBSCOPE_A_HASH_BUCKET, bucket) ?:
	       nla_put_u32(skb, TCBSCOPE_A_HASH_BUCKETS,
			   listens ? compat_listen_buckets(h) :
				     h->ehash_mask + 1) ?:
	       nla_put_u32(skb, TCBSCOPE_A_HASH_CHAIN, chain_length(head));
}

static struct sock *find(struct genl_info *info)
{
	const struct nlattr *nest = info->attrs[TCBSCOPE_A_HASH_IDENTITY];
	struct tcbscope_identity id;
	int err;

	if (!net_eq(genl_info_net(info), &init_net)) {
		NL_SET_ERR_MSG(info->extack,
			       "of the initial network namespace only");
		return ERR_PTR(-EPERM);
	}
	err = tcbscope_identity_parse(&id, nest, info->extack);
	if (err)
		return ERR_PTR(err);
	if (id.any) {
		NL_SET_ERR_MSG(info->extack, "say which socket");
		return ERR_PTR(-EINVAL);
	}
	return tcbscope_find(&init_net, &id, info->extack);
}

/**
 * tcbscope_hash_get() - where a socket lives
 * @skb: the request
 * @info: what it has
 *
 * Return: 0 after a reply; -EPERM outside the initial namespace, -EINVAL for a
 * request that makes no sense, -ENOENT if there is no such socket, -ENOMEM.
 */
int tcbscope_hash_get(struct sk_buff *skb, struct genl_info *info)
{
	struct sock *sk = find(info);
	struct sk_buff *reply;
	void *header;
	int err = -ENOMEM;

	if (IS_ERR(sk))
		return PTR_ERR(sk);
	reply = genlmsg_new(NLMSG_DEFAULT_SIZE, GFP_KERNEL);
	if (reply) {
		header = genlmsg_put_reply(reply, info, &tcbscope_family, 0,
					   TCBSCOPE_CMD_HASH_GET);
		err = header ? hash_put(reply, sk) : -EMSGSIZE;
	}
	sock_gen_put(sk);
	if (err) {
		nlmsg_free(reply);
		return err;
	}
	genlmsg_end(reply, header);
	return genlmsg_reply(reply, info);
}
