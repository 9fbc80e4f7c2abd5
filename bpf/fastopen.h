/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Children that TCP Fast Open makes of a SYN, and how they are told from those
 * of an ACK.
 *
 * When a child is made, LISTEN -> SYN_RECV, nothing tells: it is a copy of its
 * listener. One of an ACK is ESTABLISHED at once, before anybody can use it.
 * One of a SYN gets a request of its own, has it until its SYN-ACK is acked,
 * and other traces are left then.
 */
#ifndef TCBSCOPE_FASTOPEN_H
#define TCBSCOPE_FASTOPEN_H

#include "bpf/compat.h"

#define FASTOPEN_SERVER 2 /* of net.ipv4.tcp_fastopen */

/* May a SYN make a child in this namespace? */
static __always_inline bool fastopen_possible(struct tcp_sock *tp)
{
	struct sock *sk = &tp->inet_conn.icsk_inet.sk;
	struct net *net = sk->__sk_common.skc_net.net;

	return net->ipv4.sysctl_tcp_fastopen & FASTOPEN_SERVER;
}

/*
 * Is it one? To be asked of a child that is used in SYN_RECV, or as it leaves
 * that state.
 */
static __always_inline bool fastopen_child(struct tcp_sock *tp)
{
	return tp->fastopen_rsk || tp->inet_conn.icsk_inet.sk.sk_socket ||
	       BPF_CORE_READ_BITFIELD(tp, syn_data_acked) ||
	       compat_fastopen_child(tp);
}

#endif
