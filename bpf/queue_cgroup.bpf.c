// SPDX-License-Identifier: GPL-2.0
/*
 * Queue events by programs of the root cgroup: SYNs that are queued, dropped or
 * answered by a cookie, and last ACKs that find the accept queue full. For
 * kernels whose functions are not to be had (queue_functions.bpf.c).
 */
#include "bpf/queue.h"
#include "bpf/skb.h"

#define KEEP 1 /* the packet, as if we were not there */

/*
 * What the kernel may take to decide, and less than what the reader waits for
 * events that are late: it leaves alone what is younger.
 */
#define PATIENCE_NS 5000000ull

/* What is taken, once its listener has had so many drops. */
static __always_inline void slot_tell(struct queue_slot *slot, __u32 drops)
{
	if (!slot->doubtful || drops != slot->e.drops)
		queue_emit(&slot->e);
	queue_slot_leave(slot, SLOT_FREE);
}

/*
 * Whatever waits on this CPU when the next segment comes has been decided on,
 * and may be told; what is doubtful by the same listener only.
 */
static __always_inline void slots_tell(__u64 listener, __u32 drops)
{
	struct queue_slot *slot;
	int i;

	for (i = 0; i < QUEUE_SLOTS; i++) {
		slot = queue_own_slot(i);
		if (!slot)
			return;
		slot->cookie = 0;
		if (slot->doubtful && slot->e.listener != listener)
			continue;
		if (queue_slot_take(slot))
			slot_tell(slot, drops);
	}
}

/* One that can be written. */
static __always_inline struct queue_slot *slot_begin(void)
{
	struct queue_slot *slot;
	int i;

	for (i = 0; i < QUEUE_SLOTS; i++) {
		slot = queue_own_slot(i);
		if (!slot || slot->is != SLOT_FREE)
			continue;
		slot->is = SLOT_BUSY;
		return slot;
	}
	return NULL;
}

static __always_inline bool segment_read(struct packet *p,
					 struct __sk_buff *skb)
{
	__u32 word[4], at;

	__builtin_memset(p, 0, sizeof(*p));
	at = skb_ip(p, skb, false);
	if (!at || !LOAD(skb, at, word, sizeof(word)))
		return false;
	p->len = skb->len - at;
	packet_tcp(p, word, false);
	return true;
}

/* Would the kernel make a socket of the request that this ACK belongs to? */
static __always_inline bool completes(const struct packet *p,
				      struct bpf_sock *skc, struct tcp_sock *tp)
{
	struct tcp_request_sock *treq = bpf_skc_to_tcp_request_sock(skc);
	struct sock_common *req = (struct sock_common *)treq;

	return treq && p->ack == treq->snt_isn + 1 &&
	       p->seq - treq->rcv_nxt <= req->skc_rcv_wnd &&
	       (p->len || !tp->inet_conn.icsk_accept_queue.rskq_defer_accept);
}

enum request {
	REQUEST_NONE,
	REQUEST_WAITS,
	REQUEST_COMPLETES, /* by this segment */
};

/* Is there a request of this connection? */
static __always_inline enum request request_of(struct __sk_buff *skb,
					       const struct packet *p,
					       struct tcp_sock *tp)
{
	const __be32 *l = (const __be32 *)&p->ends.laddr;
	const __be32 *r = (const __be32 *)&p->ends.raddr;
	bool v6 = p->ends.family == FAMILY_INET6;
	enum request found = REQUEST_NONE;
	struct bpf_sock_tuple t = {};
	struct bpf_sock *skc;
	int i;

	if (v6) {
		for (i = 0; i < 4; i++) {
			t.ipv6.saddr[i] = r[i];
			t.ipv6.daddr[i] = l[i];
		}
		t.ipv6.sport = bpf_htons(p->ends.rport);
		t.ipv6.dport = bpf_htons(p->ends.lport);
	} else {
		t.ipv4.saddr = r[0];
		t.ipv4.daddr = l[0];
		t.ipv4.sport = bpf_htons(p->ends.rport);
		t.ipv4.dport = bpf_htons(p->ends.lport);
	}
	if (v6)
		skc = bpf_skc_lookup_tcp(skb, &t, sizeof(t.ipv6),
					 BPF_F_CURRENT_NETNS, 0);
	else
		skc = bpf_skc_lookup_tcp(skb, &t, sizeof(t.ipv4),
					 BPF_F_CURRENT_NETNS, 0);
	if (!skc)
		return REQUEST_NONE;
	if (skc->state == TCB_STATE_NEW_SYN_RECV)
		found = completes(p, skc, tp) ? REQUEST_COMPLETES :
						REQUEST_WAITS;
	bpf_sk_release(skc);
	return found;
}

/*
 * An ACK that there is no room for. Of one without a request only the kernel
 * knows whether it brings a cookie: then the listener has another drop.
 */
static __always_inline bool judge_ack(struct queue_slot *slot,
				      enum request request, bool cookies,
				      struct net *net)
{
	queue_judge_ack(&slot->e, net);
	if (request != REQUEST_NONE || !cookies)
		return request == REQUEST_COMPLETES;
	slot->e.rule = QUEUE_RULE_third_ACK_overflow;
	slot->doubtful = true;
	return true;
}

/*
 * False: whatever becomes of the segment, there is nothing to be told, as of
 * another SYN of a request that waits. If no rule explains that a SYN is not
 * queued, then there is no way back to its sender, or no memory.
 */
static __always_inline bool judge(struct queue_slot *slot,
				  struct __sk_buff *skb, const struct packet *p,
				  struct tcp_sock *tp, bool cookies)
{
	struct net *net = sock_of(tp)->__sk_common.skc_net.net;
	enum request request = REQUEST_NONE;
	struct event_queue *e = &slot->e;

	if (p->flags & TCPHDR_ACK || e->syn)
		request = request_of(skb, p, tp);
	slot->doubtful = false;
	if (p->flags & TCPHDR_ACK)
		return judge_ack(slot, request, cookies, net);
	queue_judge(e, net, 0);
	if (!e->rule)
		queue_judge(e, net, 1);
	return request == REQUEST_NONE;
}

static __always_inline void segment(struct __sk_buff *skb,
				    const struct packet *p, struct tcp_sock *tp,
				    struct sock_mem *mem)
{
	bool cookies = mem && mem->queued_syn & QUEUED_COOKIES;
	struct queue_slot *slot = slot_begin();

	if (!slot) { /* the reader is busy with all: not told, but counted */
		COUNT(generated[EVENT_queue]);
		COUNT(ring_lost[EVENT_queue]);
		return;
	}
	queue_of_packet(&slot->e, p, tp, mem);
	slot->e.listener = bpf_get_socket_cookie(skb);
	queue_slot_leave(slot, judge(slot, skb, p, tp, cookies) ? SLOT_WAITS :
								  SLOT_FREE);
	if (mem && slot->e.op == QUEUE_cookie_sent)
		mem->queued_syn = QUEUED_COOKIES; /* its children copy it */
}

/* Is it one on which the kernel decides? ACKs only if there is no room. */
static __always_inline bool decides(__u8 flags, struct tcp_sock *tp)
{
	struct sock *sk = sock_of(tp);

	if (flags == TCPHDR_SYN)
		return true;
	return flags == TCPHDR_ACK &&
	       sk->sk_ack_backlog + 1 > sk->sk_max_ack_backlog;
}

/* An ACK that belongs to no request brings a cookie, or nothing comes of it. */
static __always_inline void look_for_cookie(struct __sk_buff *skb,
					    const struct packet *p,
					    struct tcp_sock *tp)
{
	struct queue_slot *slot = queue_own_slot(0);

	if (slot)
		slot->cookie = request_of(skb, p, tp) == REQUEST_NONE;
}

/* What comes to a listener, also if it is for a request of its, and only that. */
SEC("cgroup_skb/ingress")
int queue_segment(struct __sk_buff *skb)
{
	struct bpf_sock *skc = skb->sk, *sk;
	struct sock_mem *mem;
	struct tcp_sock *tp;
	struct packet p;
	__u8 flags;

	if (!skc || skc->state != TCB_STATE_LISTEN)
		return KEEP;
	tp = bpf_skc_to_tcp_sock(skc);
	sk = bpf_sk_fullsock(skc);
	if (!tp || !sk)
		return KEEP;
	slots_tell(bpf_get_socket_cookie(skb), sock_of(tp)->sk_drops.counter);
	if (!segment_read(&p, skb))
		return KEEP;
	flags = p.flags & (TCPHDR_SYN | TCPHDR_ACK | TCPHDR_RST);
	if (flags == TCPHDR_SYN && p.flags & TCPHDR_FIN)
		return KEEP;
	mem = bpf_sk_storage_get(&memory, sk, 0, 0);
	if (mem && mem->queued_syn & QUEUED_COOKIES && flags == TCPHDR_ACK)
		look_for_cookie(skb, &p, tp);
	if (!decides(flags, tp))
		return KEEP;
	packet_of(&p, sock_of(tp));
	if (packet_wanted(&p, mem, TCB_STATE_LISTEN, EVENT_queue))
		segment(skb, &p, tp, mem);
	return KEEP;
}

/*
 * A request that comes into the SYN queue is asked for its timeout. The socket
 * to be will have the cookie that it is given here.
 */
SEC("sockops")
int queue_request(struct bpf_sock_ops *op)
{
	struct queue_slot *slot;
	port_t rport;
	int i;

	if (op->op != BPF_SOCK_OPS_TIMEOUT_INIT || op->is_fullsock)
		return KEEP;
	rport = bpf_ntohl(op->remote_port);
	for (i = 0; i < QUEUE_SLOTS; i++) {
		slot = queue_own_slot(i);
		if (!slot || !queue_slot_is_of(slot, rport) ||
		    !queue_slot_take(slot))
			continue;
		slot->e.op = QUEUE_SYN_queued;
		slot->e.rule = QUEUE_RULE_NONE;
		slot->e.rule_how = 0;
		slot->e.ev.how = HOW_observed;
		slot->e.ev.ts_ns = bpf_ktime_get_ns();
		slot->e.ev.cookie = bpf_get_socket_cookie(op);
		slot->e.syn++;
		slot->e.young++;
		slot->e.depth_how = HOW_derived; /* as it will be */
		queue_emit(&slot->e);
		queue_slot_leave(slot, SLOT_FREE);
	}
	return KEEP;
}

/*
 * How many drops it has had; if it is gone, as many as @before. It may go while
 * it is looked at, which is found out afterwards.
 */
static __always_inline __u32 drops_of(__u64 listener, __u32 before)
{
	struct listener_place *place = listener_place(listener);
	__u32 drops;

	if (!place)
		return before;
	drops = listener_drops(place);
	return listener_place(listener) ? drops : before;
}

/* As bpf_loop() wants it: 1 ends the loop. */
static long collect(__u32 i, nsec_t *now)
{
	struct queue_slot *slot = queue_slot(i);

	if (!slot)
		return 1;
	if (slot->is != SLOT_WAITS || *now < slot->e.ev.ts_ns + PATIENCE_NS ||
	    !queue_slot_take(slot))
		return 0;
	slot_tell(slot, slot->doubtful ?
				drops_of(slot->e.listener, slot->e.drops) :
				0);
	return 0;
}

/* The reader's look into the slots of all CPUs, run by hand. */
SEC("syscall")
int queue_collect(void *ctx)
{
	nsec_t now = bpf_ktime_get_ns();

	bpf_loop(1u << 20, collect, &now, 0);
	return 0;
}
