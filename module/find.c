// SPDX-License-Identifier: GPL-2.0
/* One socket: found by what a request says, and locked for a moment. */
#include <linux/lockdep.h>
#include <linux/slab.h>
#include <linux/wait.h>

#include "compat.h"
#include "tcbscope.h"

static bool has_cookie(const struct sock *sk, const void *ctx)
{
	return (u64)atomic64_read(&sk->sk_cookie) == *(const u64 *)ctx;
}

static bool is_identity(const struct sock *sk, const void *ctx)
{
	return tcbscope_identity_is(ctx, sk);
}

/* The first that matches; NULL: none does; or ERR_PTR(-ENOMEM). */
static struct sock *walk_find(struct net *net,
			      const struct tcbscope_identity *id)
{
	struct tcbscope_walk *walk = kzalloc(sizeof(*walk), GFP_KERNEL);
	struct sock *sk;

	if (!walk)
		return ERR_PTR(-ENOMEM);
	walk->net = net;
	walk->match = id->cookie ? has_cookie : is_identity;
	walk->ctx = id->cookie ? (const void *)&id->cookie : id;
	walk->no_established = !id->cookie;
	sk = tcbscope_walk_next(walk);
	if (sk)
		refcount_inc(&sk->sk_refcnt); /* that of the walk ends with it */
	tcbscope_walk_end(walk);
	kfree(walk);
	return sk;
}

/* The fast way: one chain, without its lock. */
static struct sock *lookup(struct net *net, const struct tcbscope_identity *id)
{
	__be16 remote_port = htons(id->remote_port);

#if IS_ENABLED(CONFIG_IPV6)
	if (id->is_ipv6)
		return compat_established6(net, &id->remote, remote_port,
					   &id->local, id->local_port,
					   id->device, 0);
#endif
	return compat_established(net, id->remote.s6_addr32[0], remote_port,
				  id->local.s6_addr32[0], id->local_port,
				  id->device, 0);
}

/**
 * tcbscope_find() - the socket that is meant
 * @net: the namespace in which it is looked for
 * @id: a cookie, or addresses
 * @extack: says why there is none
 *
 * May sleep. Addresses with a peer cost a look into one chain; all else walks
 * the tables.
 *
 * Return: a socket of any kind with a reference that the caller must give to
 * sock_gen_put(), or an ERR_PTR(): -ENOENT, -ENOMEM.
 */
struct sock *tcbscope_find(struct net *net, const struct tcbscope_identity *id,
			   struct netlink_ext_ack *extack)
{
	struct sock *sk;

	sk = id->has_peer ? lookup(net, id) : walk_find(net, id);
	if (IS_ERR(sk))
		return sk;
	if (!sk) {
		NL_SET_ERR_MSG(extack,
			       "no such socket in this network namespace");
		return ERR_PTR(-ENOENT);
	}
	return sk;
}

/* As lock_sock() does it, but without waiting. */
static bool try_lock(struct sock *sk)
{
	bool is_free;

	spin_lock_bh(&sk->sk_lock.slock);
	is_free = !sock_owned_by_user_nocheck(sk);
	if (is_free)
		sk->sk_lock.owned = 1;
	spin_unlock_bh(&sk->sk_lock.slock);
	if (is_free)
		mutex_acquire(&sk->sk_lock.dep_map, 0, 1, _THIS_IP_);
	return is_free;
}

/**
 * tcbscope_lock() - lock a socket, but do not wait for ever
 * @sk: a full socket
 * @extack: says why not
 *
 * A process can keep its socket locked for as long as it likes, in a page fault
 * that it serves itself. Who asks must not be stuck with it.
 *
 * Return: 0, then release_sock() is due; -EBUSY if a process keeps it for
 * TCBSCOPE_LOCK_MS, -EINTR if a signal came first.
 */
int tcbscope_lock(struct sock *sk, struct netlink_ext_ack *extack)
{
	long left = msecs_to_jiffies(TCBSCOPE_LOCK_MS);

	left = wait_event_interruptible_timeout(sk->sk_lock.wq, try_lock(sk),
						left);
	if (left > 0)
		return 0;
	if (left < 0)
		return -EINTR;
	NL_SET_ERR_MSG(extack, "its process keeps the socket locked");
	return -EBUSY;
}
