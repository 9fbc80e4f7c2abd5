// SPDX-License-Identifier: GPL-2.0
/*
 * Drop events: TCP segments that the kernel throws away, and its reason. The
 * program runs for all that is thrown away, of whatever protocol.
 */
#include "bpf/packet.h"

EVENT_ANCHOR(event_drop);

/*
 * Notes what the segment's socket tells, which nobody may hold any more: its
 * memory is still one of a socket, and is only read. Returns its state.
 */
static __always_inline __u8 drop_look(struct packet *p, struct sock *sk)
{
	__u8 state = sk->__sk_common.skc_state;

	if (!p->ends.netns)
		p->ends.netns = sk->__sk_common.skc_net.net->ns.inum;
	if (state != TCB_STATE_LISTEN) /* that is of no connection */
		p->ends.cookie = sk->__sk_common.skc_cookie.counter;
	if (state != TCB_STATE_TIME_WAIT && state != TCB_STATE_NEW_SYN_RECV)
		p->uid = sk->sk_uid.val;
	return state;
}

/*
 * Is it a FIN that has been taken? A closed socket keeps it in a queue that
 * goes with the socket, a minisocket keeps nothing. The connection ends as it
 * should, and nobody has lost anything. Older kernels do not tell the state.
 */
static __always_inline bool is_taken(const struct packet *p, bool sent,
				     __u8 state, int reason)
{
	if (sent || !(p->flags & TCPHDR_FIN) || p->len ||
	    !compat_drop_is_quiet(reason))
		return false;
	return !state || state == TCB_STATE_CLOSE ||
	       state == TCB_STATE_TIME_WAIT;
}

SEC("tp_btf/kfree_skb")
int BPF_PROG(drop_skb, struct sk_buff *skb, void *location, int reason)
{
	struct sock *sk = compat_drop_sk(ctx), *sender = skb->sk;
	struct sock_mem *mem = NULL;
	struct event_drop *e;
	struct packet p;
	__u8 state = 0;
	bool sent;

	if (!packet_is_ip(skb))
		return 0;
	sent = !skb->skb_iif;
	if (!packet_read(&p, skb, packet_network(skb), sent))
		return 0;
	if (sk) {
		state = drop_look(&p, sk);
		mem = bpf_sk_storage_get(&memory, sk, 0, 0);
	} else if (sender) { /* no pointer to look memory up by */
		state = drop_look(&p, sender);
	}
	if (is_taken(&p, sent, state, reason) ||
	    !packet_wanted(&p, mem, state, EVENT_drop))
		return 0;
	e = EVENT_RESERVE(event_drop, EVENT_drop);
	if (!e)
		return 0;
	packet_fill(&e->ev, &p, mem);
	e->ev.type = EVENT_drop;
	e->ev.ts_ns = bpf_ktime_get_ns();
	e->ev.seq = mem && p.ends.cookie ? mem_seq(mem) : 0;
	e->ev.how = HOW_observed;
	e->direction = sent ? DIRECTION_sent : DIRECTION_received;
	e->state = state;
	e->flags = p.flags;
	e->tcp_seq = p.seq;
	e->len = p.len;
	e->why.reason_nr = reason;
	__builtin_memset(e->why.reason, 0, sizeof(e->why.reason));
	__builtin_memset(e->pad, 0, sizeof(e->pad));
	e->pad2 = 0;
	EVENT_SUBMIT(e);
	return 0;
}
