/* SPDX-License-Identifier: GPL-2.0 */
/*
 * The initial sequence numbers of a connection. The kernel does not keep them,
 * but counts what comes and goes from them.
 */
#ifndef TCBSCOPE_ISN_H
#define TCBSCOPE_ISN_H

#include "bpf/emit.h"

/*
 * Has the socket not sent the first SYN? What is acked counts a SYN only where
 * it was the socket's own. Of a socket older than the trace one cannot tell,
 * unless by counting what it has sent; @sending: bytes that are counted and not
 * yet among what it has sent.
 */
static __always_inline bool isn_passive(struct tcp_sock *tp, __u32 sending)
{
	__u32 first = tp->snd_una - (__u32)tp->bytes_acked;
	__u32 sent = tp->bytes_sent - tp->bytes_retrans - sending;
	__u8 state = sock_of(tp)->__sk_common.skc_state;
	bool fin = state != TCB_STATE_ESTABLISHED &&
		   state != TCB_STATE_CLOSE_WAIT &&
		   tp->snd_nxt == tp->write_seq;

	return state != TCB_STATE_SYN_SENT && tp->snd_nxt - first == sent + fin;
}

/* This end's. */
static __always_inline __u32 isn_sent(struct tcp_sock *tp,
				      const struct sock_mem *mem, __u32 sending)
{
	__u32 first = tp->snd_una - (__u32)tp->bytes_acked;
	bool passive;

	if (mem && mem->flags & (MEM_ACTIVE | MEM_CHILD))
		passive = mem->flags & MEM_CHILD;
	else
		passive = isn_passive(tp, sending);
	return passive ? first - 1 : first;
}

/* The peer's, once its SYN has come. The FIN counts as a byte received. */
static __always_inline __u32 isn_received(struct tcp_sock *tp)
{
	return tp->rcv_nxt - (__u32)tp->bytes_received - 1;
}

#endif
