// SPDX-License-Identifier: GPL-2.0
/*
 * All TCP sockets of a namespace, one after the other, each with a reference.
 *
 * A chain of the hash table is read in one hold of its lock. What is in a chain
 * stays in it, so a socket that lives on during the whole walk is met exactly
 * once; one that comes or goes may be met or not. Only of a chain with more than
 * TCBSCOPE_HOLD sockets the rest is read in later holds, by position, and then
 * is_split says that some may be missing or come twice.
 */
#include "compat.h"
#include "tcbscope.h"

/* The lock of the chain is held. True: the batch is full, and more may come. */
static bool take(struct tcbscope_walk *walk, struct sock *sk,
		 unsigned int *position)
{
	if ((*position)++ < walk->seen)
		return false;
	if (*position - walk->seen > TCBSCOPE_HOLD) {
		walk->seen = *position - 1;
		walk->is_split = true;
		return true;
	}
	if (net_eq(sock_net(sk), walk->net) &&
	    (!walk->match || walk->match(sk, walk->ctx)) &&
	    refcount_inc_not_zero(&sk->sk_refcnt))
		walk->batch[walk->n++] = sk;
	return false;
}

static bool read_listening(struct tcbscope_walk *walk, struct inet_hashinfo *h)
{
	struct inet_listen_hashbucket *bucket =
		compat_listen_bucket(h, walk->bucket);
	const struct hlist_nulls_node *node;
	unsigned int position = 0;
	bool more = false;
	struct sock *sk;

	if (hlist_nulls_empty(&bucket->nulls_head))
		return false;
	spin_lock(&bucket->lock);
	sk_nulls_for_each(sk, node, &bucket->nulls_head) {
		more = take(walk, sk, &position);
		if (more)
			break;
	}
	spin_unlock(&bucket->lock);
	return more;
}

static bool read_established(struct tcbscope_walk *walk,
			     struct inet_hashinfo *h)
{
	struct inet_ehash_bucket *bucket = &h->ehash[walk->bucket];
	spinlock_t *lock = inet_ehash_lockp(h, walk->bucket);
	const struct hlist_nulls_node *node;
	unsigned int position = 0;
	bool more = false;
	struct sock *sk;

	if (hlist_nulls_empty(&bucket->chain))
		return false;
	spin_lock_bh(lock);
	sk_nulls_for_each(sk, node, &bucket->chain) {
		more = take(walk, sk, &position);
		if (more)
			break;
	}
	spin_unlock_bh(lock);
	return more;
}

/* Reads on until there is something. */
static void fill(struct tcbscope_walk *walk)
{
	struct inet_hashinfo *h = compat_tables(walk->net);
	unsigned int buckets;
	bool more;

	walk->n = 0;
	walk->next = 0;
	while (!walk->n) {
		buckets = walk->established ? h->ehash_mask + 1 :
					      compat_listen_buckets(h);
		if (walk->bucket == buckets) {
			if (walk->established || walk->no_established)
				return;
			walk->established = true;
			walk->bucket = 0;
			continue;
		}
		more = walk->established ? read_established(walk, h) :
					   read_listening(walk, h);
		if (!more) {
			walk->bucket++;
			walk->seen = 0;
		}
		/* Not at each of a million: it may be a call. */
		if (!(walk->bucket % 256))
			cond_resched();
	}
}

/**
 * tcbscope_walk_next() - the next socket
 * @walk: net and, if only some are wanted, match are set; the rest began as 0
 *
 * May sleep. match is called under the lock of a chain, and with any kind of
 * socket: full ones, requests, TIME_WAIT.
 *
 * Return: a socket whose reference is now the caller's, or NULL at the end.
 */
struct sock *tcbscope_walk_next(struct tcbscope_walk *walk)
{
	if (walk->next == walk->n)
		fill(walk);
	if (walk->next == walk->n)
		return NULL;
	return walk->batch[walk->next++];
}

/**
 * tcbscope_walk_end() - drop the references that a walk still has
 * @walk: at its end or before
 */
void tcbscope_walk_end(struct tcbscope_walk *walk)
{
	while (walk->next < walk->n)
		sock_gen_put(walk->batch[walk->next++]);
}
