// SPDX-License-Identifier: GPL-2.0
/* The queues of a socket, segment by segment. */
#include <linux/mm.h>

#include "compat.h"
#include "tcbscope.h"

#define SLACK 64 /* segments that may come before the socket is locked */

static struct tcbscope_segment *add(struct tcbscope_segments *s, u8 queue,
				    const struct sk_buff *skb)
{
	struct tcbscope_segment *segment;

	if (s->n == s->room) {
		s->truncated = true;
		return NULL;
	}
	segment = &s->segment[s->n++];
	memset(segment, 0, sizeof(*segment));
	segment->queue = queue;
	segment->seq = TCP_SKB_CB(skb)->seq;
	segment->end = TCP_SKB_CB(skb)->end_seq;
	return segment;
}

static u8 marks(const struct sk_buff *skb)
{
	u8 sacked = TCP_SKB_CB(skb)->sacked;
	u8 bits = TCP_SKB_CB(skb)->tcp_flags;

	return (sacked & TCPCB_SACKED_ACKED ? TCBSCOPE_MARK_SACKED : 0) |
	       (sacked & TCPCB_LOST ? TCBSCOPE_MARK_LOST : 0) |
	       (sacked & TCPCB_SACKED_RETRANS ?
			TCBSCOPE_MARK_RETRANSMITTED : 0) |
	       (sacked & TCPCB_EVER_RETRANS ?
			TCBSCOPE_MARK_EVER_RETRANSMITTED : 0) |
	       (bits & TCPHDR_SYN ? TCBSCOPE_MARK_SYN : 0) |
	       (bits & TCPHDR_FIN ? TCBSCOPE_MARK_FIN : 0);
}

static void add_sent(struct tcbscope_segments *s, struct sock *sk)
{
	struct tcbscope_segment *segment;
	struct sk_buff *skb;

	skb_rbtree_walk(skb, &sk->tcp_rtx_queue) {
		segment = add(s, TCBSCOPE_QUEUE_RETRANSMIT, skb);
		if (!segment)
			return;
		segment->packets = tcp_skb_pcount(skb);
		segment->marks = marks(skb);
		segment->sent_ns = skb->skb_mstamp_ns;
	}
}

static void add_unsent(struct tcbscope_segments *s, struct sock *sk)
{
	struct tcbscope_segment *segment;
	struct sk_buff *skb;

	skb_queue_walk(&sk->sk_write_queue, skb) {
		segment = add(s, TCBSCOPE_QUEUE_UNSENT, skb);
		if (!segment)
			return;
		/* It is not cut before it is sent. */
		segment->packets = max(tcp_skb_pcount(skb), 1);
		segment->marks = marks(skb);
	}
}

/* Neighbours become one; some overlap. */
static void add_received(struct tcbscope_segments *s, struct sock *sk)
{
	struct tcbscope_segment *last = NULL;
	struct sk_buff *skb;

	skb_rbtree_walk(skb, &tcp_sk(sk)->out_of_order_queue) {
		if (last && !after(TCP_SKB_CB(skb)->seq, last->end)) {
			if (after(TCP_SKB_CB(skb)->end_seq, last->end))
				last->end = TCP_SKB_CB(skb)->end_seq;
			continue;
		}
		last = add(s, TCBSCOPE_QUEUE_OUT_OF_ORDER, skb);
		if (!last)
			return;
	}
}

/**
 * tcbscope_segments_room() - make room for what may be in the queues
 * @s: zeroed, or truncated by its last copy; its segment is to be given to
 *	kvfree()
 * @sk: a full socket, whose lock is not held: no memory is waited for under it,
 *	which may have to be written through that very socket first
 *
 * A guess: each segment has a packet or more, and what was received takes its
 * place in memory. It is doubled each time that it was too small.
 *
 * Return: 0, or -ENOMEM.
 */
int tcbscope_segments_room(struct tcbscope_segments *s, const struct sock *sk)
{
	unsigned int room = 2 * s->room;

	if (!room)
		room = READ_ONCE(tcp_sk(sk)->packets_out) +
		       READ_ONCE(sk->sk_write_queue.qlen) +
		       sk_rmem_alloc_get(sk) / SKB_TRUESIZE(1) + SLACK;
	s->room = min_t(unsigned int, room, TCBSCOPE_SEGMENTS_MAX);
	kvfree(s->segment);
	s->segment = kvmalloc_array(s->room, sizeof(*s->segment), GFP_KERNEL);
	return s->segment ? 0 : -ENOMEM;
}

/**
 * tcbscope_segments_copy() - copy what is in the queues of a socket
 * @s: has room; s->truncated is set if that is not enough
 * @sk: a full socket whose lock is held
 */
void tcbscope_segments_copy(struct tcbscope_segments *s, struct sock *sk)
{
	s->n = 0;
	s->truncated = false;
	/* A listener has other things where these queues are. */
	if ((1 << sk->sk_state) & (TCPF_LISTEN | TCPF_CLOSE))
		return;
	add_sent(s, sk);
	add_unsent(s, sk);
	add_received(s, sk);
}

static int segment_put(struct sk_buff *skb, const struct tcbscope_segment *s)
{
	struct nlattr *nest = nla_nest_start(skb, TCBSCOPE_A_SOCKET_SEGMENT);

	if (!nest || nla_put_u32(skb, TCBSCOPE_A_SEGMENT_QUEUE, s->queue) ||
	    nla_put_u32(skb, TCBSCOPE_A_SEGMENT_SEQ, s->seq) ||
	    nla_put_u32(skb, TCBSCOPE_A_SEGMENT_LEN, s->end - s->seq))
		return -EMSGSIZE;
	if (s->packets &&
	    nla_put_u32(skb, TCBSCOPE_A_SEGMENT_PACKETS, s->packets))
		return -EMSGSIZE;
	if (s->marks && nla_put_u32(skb, TCBSCOPE_A_SEGMENT_MARKS, s->marks))
		return -EMSGSIZE;
	if (s->sent_ns &&
	    nla_put_u64_64bit(skb, TCBSCOPE_A_SEGMENT_SENT_NS, s->sent_ns,
			      TCBSCOPE_A_SEGMENT_PAD))
		return -EMSGSIZE;
	nla_nest_end(skb, nest);
	return 0;
}

/**
 * tcbscope_segments_put() - make messages of what was copied
 * @parts: are appended to
 * @sk: whose it is, referenced; its lock is not needed
 * @s: what was copied
 *
 * Return: 0, or -ENOMEM.
 */
int tcbscope_segments_put(struct sk_buff_head *parts, struct sock *sk,
			  const struct tcbscope_segments *s)
{
	struct sk_buff *part;
	unsigned int i;
	int err;

	for (i = 0; i < s->n; i++) {
		part = tcbscope_part_for(parts, !i, sk);
		if (!part)
			return -ENOMEM;
		err = segment_put(part, &s->segment[i]);
		if (err)
			return err;
	}
	return 0;
}
