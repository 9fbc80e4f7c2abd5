/* SPDX-License-Identifier: GPL-2.0 */
/* The congestion window of a socket, read as it is now. */
#ifndef TCBSCOPE_WINDOW_FILL_H
#define TCBSCOPE_WINDOW_FILL_H

#include "bpf/emit.h"

static __always_inline __u64 delivery_rate(struct tcp_sock *tp)
{
	__u64 bytes = (__u64)tp->rate_delivered * tp->mss_cache;
	__u32 us = tp->rate_interval_us;

	return us ? bytes * 1000000 / us : 0;
}

/* As tcp_packets_in_flight(), but never less than nothing. */
static __always_inline segs_t in_flight(struct tcp_sock *tp)
{
	segs_t out = tp->packets_out + tp->retrans_out;
	segs_t gone = tp->sacked_out + tp->lost_out;

	return out > gone ? out - gone : 0;
}

static __always_inline void window_fill(struct window *w, struct sock *sk,
					struct tcp_sock *tp, int ca_state)
{
	struct inet_connection_sock *icsk = &tp->inet_conn;
	__u32 i;

	w->cwnd = tp->snd_cwnd;
	w->ssthresh = tp->snd_ssthresh;
	w->in_flight = in_flight(tp);
	w->retrans = tp->total_retrans;
	w->srtt_us = tp->srtt_us >> 3;
	w->rttvar_us = tp->mdev_us >> 2;
	w->min_rtt_us = tp->rtt_min.s[0].v;
	w->rto_us = hz ? (__u64)icsk->icsk_rto * 1000000 / hz : 0;
	w->mss = tp->mss_cache;
	w->snd_wnd = tp->snd_wnd;
	w->rcv_wnd = tp->rcv_wnd;
	w->ca_state = ca_state;
	__builtin_memset(w->pad, 0, sizeof(w->pad));
	w->pacing_rate = sk->sk_pacing_rate;
	w->delivery_rate = delivery_rate(tp);
	w->bytes_acked = tp->bytes_acked;
	w->bytes_received = tp->bytes_received;
	for (i = 0; i < sizeof(w->ca_name); i++)
		w->ca_name[i] = icsk->icsk_ca_ops->name[i];
}

#endif
