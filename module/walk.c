// SPDX-License-Identifier: GPL-2.0
/*
 * All TCP sockets of a namespace, one after the other.
 *
 * A chain of the hash table is read in one hold of its lock; of one with more
 * than TCBSCOPE_HOLD sockets so many at a time. The next hold goes on behind
 * the last socket of the batch that is still there, which its reference has
 * kept in memory. So one that lives on during the whole walk is met exactly
 * once, for what is in a chain keeps its place; one that comes or goes may be
 * met or not. Only if all that could lead on have gone is the rest of their
 * chain left out, and is_incomplete says so.
 */
#include "compat.h"
#include "tcbscope.h"

/* Is it in the chain that is being read? A guess without that chain's lock. */
static bool is_in_chain(const struct tcbscope_walk *walk, const struct sock *sk)
{
	const struct inet_hashinfo *h = compat_tables(walk->net);
	bool listens = READ_ONCE(sk->sk_state) == TCP_LISTEN;

	if (sk_unhashed(sk) || walk->established == listens)
		return false;
	return walk->bucket == (listens ? compat_listen_hash(h, sk) :
					  sk->sk_hash & h->ehash_mask);
}

static bool is_wanted(const struct tcbscope_walk *walk, const struct sock *sk)
{
	return net_eq(sock_net(sk), walk->net) &&
	       (!walk->match || walk->match(sk, walk->ctx));
}

/* Where to begin; NULL: nothing leads there. */
static struct hlist_nulls_node *first(const struct tcbscope_walk *walk,
				      struct hlist_nulls_head *chain)
{
	if (!walk->last)
		return chain->first;
	if (is_in_chain(walk, walk->last))
		return walk->last->sk_nulls_node.next;
	return NULL;
}

/*
 * One hold: the lock of the chain is. Returns what leads on where more are left
 * and none was wanted, with a reference; else NULL.
 */
static struct sock *read_some(struct tcbscope_walk *walk,
			      struct hlist_nulls_head *chain)
{
	struct hlist_nulls_node *node = first(walk, chain);
	struct sock *sk = NULL;
	unsigned int i;

	walk->is_incomplete |= !node;
	for (i = 0; i < TCBSCOPE_HOLD && node && !is_a_nulls(node); i++) {
		sk = hlist_nulls_entry(node, struct sock, sk_nulls_node);
		if (is_wanted(walk, sk) &&
		    refcount_inc_not_zero(&sk->sk_refcnt))
			walk->batch[walk->n++] = sk;
		node = node->next;
	}
	walk->seen = i;
	walk->has_more = node && !is_a_nulls(node);
	if (!walk->has_more || walk->n)
		return NULL;
	return refcount_inc_not_zero(&sk->sk_refcnt) ? sk : NULL;
}

/* The same, with the clock if that is wanted. */
static struct sock *read_timed(struct tcbscope_walk *walk,
			       struct hlist_nulls_head *chain)
{
	struct sock *last;
	u64 began;

	if (!walk->hold)
		return read_some(walk, chain);
	began = ktime_get_ns();
	last = read_some(walk, chain);
	tcbscope_hold_note(walk->hold, walk->seen, began);
	return last;
}

static struct sock *read_listening(struct tcbscope_walk *walk,
				   struct inet_hashinfo *h)
{
	struct inet_listen_hashbucket *bucket =
		compat_listen_bucket(h, walk->bucket);
	struct sock *last;

	if (hlist_nulls_empty(&bucket->nulls_head))
		return NULL;
	spin_lock(&bucket->lock);
	last = read_timed(walk, &bucket->nulls_head);
	spin_unlock(&bucket->lock);
	return last;
}

static struct sock *read_established(struct tcbscope_walk *walk,
				     struct inet_hashinfo *h)
{
	struct inet_ehash_bucket *bucket = &h->ehash[walk->bucket];
	spinlock_t *lock = inet_ehash_lockp(h, walk->bucket);
	struct sock *last;

	if (hlist_nulls_empty(&bucket->chain))
		return NULL;
	spin_lock_bh(lock);
	last = read_timed(walk, &bucket->chain);
	spin_unlock_bh(lock);
	return last;
}

/* Makes room for the next batch, and finds out what leads on to it. */
static void drop_batch(struct tcbscope_walk *walk)
{
	struct sock *sk;

	while (walk->n) {
		sk = walk->batch[--walk->n];
		if (walk->has_more && !walk->last && is_in_chain(walk, sk))
			walk->last = sk;
		else
			sock_gen_put(sk);
	}
	walk->next = 0;
}

/* Goes to the next chain unless something leads on in this one. */
static void next_chain(struct tcbscope_walk *walk)
{
	if (walk->last)
		return;
	walk->is_incomplete |= walk->has_more;
	walk->has_more = false;
	walk->bucket++;
}

/* Reads on until there is something. */
static void fill(struct tcbscope_walk *walk)
{
	struct inet_hashinfo *h = compat_tables(walk->net);
	unsigned int buckets;
	struct sock *last;

	if (walk->n) {
		drop_batch(walk);
		next_chain(walk);
	}
	for (;;) {
		buckets = walk->established ? h->ehash_mask + 1 :
					      compat_listen_buckets(h);
		if (walk->bucket == buckets) {
			if (walk->established || walk->no_established)
				return;
			walk->established = true;
			walk->bucket = 0;
			continue;
		}
		walk->has_more = false;
		last = walk->established ? read_established(walk, h) :
					   read_listening(walk, h);
		if (walk->last)
			sock_gen_put(walk->last);
		walk->last = last;
		if (walk->n)
			return;
		next_chain(walk);
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
 * Return: a socket with a reference of the walk's, until it is asked for the
 * next or ends; or NULL at the end.
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
	walk->has_more = false;
	drop_batch(walk);
	if (walk->last)
		sock_gen_put(walk->last);
	walk->last = NULL;
}
