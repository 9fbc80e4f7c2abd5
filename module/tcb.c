// SPDX-License-Identifier: GPL-2.0
/*
 * A socket as attributes, but for its queues: full ones, whose lock is held and
 * whose fields are read as they are; and what has no lock, requests and
 * TIME_WAIT, read as the kernel's own diagnosis reads them.
 */
#include <linux/inet_diag.h>
#include <linux/jiffies.h>

#include "compat.h"
#include "tcbscope.h"

/* Until a time in jiffies, in us. */
static s64 until_us(unsigned long expires)
{
	long ticks = expires - jiffies;

	return div_s64((s64)ticks * USEC_PER_SEC, HZ);
}

static s64 until_hrtimer_us(const struct hrtimer *timer)
{
	return ktime_us_delta(hrtimer_get_expires(timer), ktime_get());
}

static int timer_put(struct sk_buff *skb, u32 kind, s64 us)
{
	struct nlattr *nest = nla_nest_start(skb, TCBSCOPE_A_SOCKET_TIMER);

	if (!nest || nla_put_u32(skb, TCBSCOPE_A_TIMER_KIND, kind) ||
	    nla_put_s64(skb, TCBSCOPE_A_TIMER_REMAINING_US, us,
			TCBSCOPE_A_TIMER_PAD))
		return -EMSGSIZE;
	nla_nest_end(skb, nest);
	return 0;
}

/* What the one timer of the sender is set for; it may run on for nothing. */
static int retransmit_put(struct sk_buff *skb, const struct sock *sk)
{
	u32 kind;

	if (!timer_pending(compat_retransmit(sk)))
		return 0;
	switch (inet_csk(sk)->icsk_pending) {
	case ICSK_TIME_RETRANS:
		kind = TCBSCOPE_TIMER_KIND_RETRANSMIT;
		break;
	case ICSK_TIME_PROBE0:
		kind = TCBSCOPE_TIMER_KIND_PROBE;
		break;
	case ICSK_TIME_LOSS_PROBE:
		kind = TCBSCOPE_TIMER_KIND_LOSS_PROBE;
		break;
	case ICSK_TIME_REO_TIMEOUT:
		kind = TCBSCOPE_TIMER_KIND_REORDER;
		break;
	default:
		return 0;
	}
	return timer_put(skb, kind, until_us(compat_retransmit_expires(sk)));
}

static int keepalive_put(struct sk_buff *skb, const struct sock *sk)
{
	const struct timer_list *timer = compat_keepalive(sk);
	u32 kind = TCBSCOPE_TIMER_KIND_KEEPALIVE;

	if (!timer_pending(timer))
		return 0;
	if (sk->sk_state == TCP_FIN_WAIT2 && sock_flag(sk, SOCK_DEAD))
		kind = TCBSCOPE_TIMER_KIND_FIN_WAIT2;
	return timer_put(skb, kind, until_us(timer->expires));
}

static int timers_put(struct sk_buff *skb, const struct sock *sk)
{
	const struct inet_connection_sock *icsk = inet_csk(sk);
	const struct tcp_sock *tp = tcp_sk(sk);

	if (retransmit_put(skb, sk) || keepalive_put(skb, sk))
		return -EMSGSIZE;
	if (icsk->icsk_ack.pending & ICSK_ACK_TIMER &&
	    timer_pending(&icsk->icsk_delack_timer) &&
	    timer_put(skb, TCBSCOPE_TIMER_KIND_DELAYED_ACK,
		      until_us(compat_delack_expires(sk))))
		return -EMSGSIZE;
	if (hrtimer_is_queued((struct hrtimer *)&tp->pacing_timer) &&
	    timer_put(skb, TCBSCOPE_TIMER_KIND_PACING,
		      until_hrtimer_us(&tp->pacing_timer)))
		return -EMSGSIZE;
	if (hrtimer_is_queued((struct hrtimer *)&tp->compressed_ack_timer) &&
	    timer_put(skb, TCBSCOPE_TIMER_KIND_COMPRESSED_ACK,
		      until_hrtimer_us(&tp->compressed_ack_timer)))
		return -EMSGSIZE;
	return 0;
}

/* Is our FIN between SND.UNA and SND.NXT, or before? */
static bool fin_sent(const struct sock *sk)
{
	const struct tcp_sock *tp = tcp_sk(sk);

	return (1 << sk->sk_state) & (TCPF_FIN_WAIT1 | TCPF_FIN_WAIT2 |
				      TCPF_CLOSING | TCPF_LAST_ACK) &&
	       tp->snd_nxt == tp->write_seq;
}

/*
 * The kernel forgets the ISS. What was sent once tells it: SYN, data, FIN; what
 * was acknowledged tells it as well, but for the SYN of a passive open. False:
 * the two differ, as after TCP_REPAIR or with data in the SYN.
 */
static bool iss_get(const struct sock *sk, u32 *iss)
{
	const struct tcp_sock *tp = tcp_sk(sk);
	u32 acked = tp->snd_una - (u32)tp->bytes_acked;

	*iss = tp->snd_nxt - fin_sent(sk) -
	       (u32)(tp->bytes_sent - tp->bytes_retrans) - 1;
	return *iss == acked || *iss == acked - 1;
}

static int send_put(struct sk_buff *skb, const struct sock *sk)
{
	struct nlattr *nest = nla_nest_start(skb, TCBSCOPE_A_SOCKET_SEND);
	const struct tcp_sock *tp = tcp_sk(sk);
	u32 iss;

	if (!nest || nla_put_u32(skb, TCBSCOPE_A_SEND_UNA, tp->snd_una) ||
	    nla_put_u32(skb, TCBSCOPE_A_SEND_NXT, tp->snd_nxt) ||
	    nla_put_u32(skb, TCBSCOPE_A_SEND_WND, tp->snd_wnd) ||
	    nla_put_u32(skb, TCBSCOPE_A_SEND_UP, tp->snd_up) ||
	    nla_put_u32(skb, TCBSCOPE_A_SEND_WL1, tp->snd_wl1) ||
	    nla_put_u32(skb, TCBSCOPE_A_SEND_WRITE, tp->write_seq) ||
	    nla_put_u32(skb, TCBSCOPE_A_SEND_PUSHED, tp->pushed_seq) ||
	    nla_put_u32(skb, TCBSCOPE_A_SEND_WND_MAX, tp->max_window) ||
	    nla_put_u32(skb, TCBSCOPE_A_SEND_MSS, tp->mss_cache) ||
	    nla_put_u32(skb, TCBSCOPE_A_SEND_PMTU,
			inet_csk(sk)->icsk_pmtu_cookie))
		return -EMSGSIZE;
	if (iss_get(sk, &iss) && nla_put_u32(skb, TCBSCOPE_A_SEND_ISS, iss))
		return -EMSGSIZE;
	nla_nest_end(skb, nest);
	return 0;
}

static int receive_put(struct sk_buff *skb, const struct sock *sk)
{
	const struct tcp_sock *tp = tcp_sk(sk);
	struct nlattr *nest;

	if (sk->sk_state == TCP_SYN_SENT)
		return 0; /* there is no such space yet */
	nest = nla_nest_start(skb, TCBSCOPE_A_SOCKET_RECEIVE);
	if (!nest || nla_put_u32(skb, TCBSCOPE_A_RECEIVE_NXT, tp->rcv_nxt) ||
	    nla_put_u32(skb, TCBSCOPE_A_RECEIVE_WND, tp->rcv_wnd) ||
	    nla_put_u32(skb, TCBSCOPE_A_RECEIVE_IRS,
			tp->rcv_nxt - (u32)tp->bytes_received - 1) ||
	    nla_put_u32(skb, TCBSCOPE_A_RECEIVE_WUP, tp->rcv_wup) ||
	    nla_put_u32(skb, TCBSCOPE_A_RECEIVE_COPIED, tp->copied_seq) ||
	    nla_put_u32(skb, TCBSCOPE_A_RECEIVE_SSTHRESH, tp->rcv_ssthresh) ||
	    nla_put_u32(skb, TCBSCOPE_A_RECEIVE_CLAMP, tp->window_clamp) ||
	    nla_put_u32(skb, TCBSCOPE_A_RECEIVE_ADVMSS, tp->advmss) ||
	    nla_put_u32(skb, TCBSCOPE_A_RECEIVE_MSS,
			inet_csk(sk)->icsk_ack.rcv_mss))
		return -EMSGSIZE;
	if (tp->urg_data &&
	    nla_put_u32(skb, TCBSCOPE_A_RECEIVE_UP, tp->urg_seq))
		return -EMSGSIZE;
	nla_nest_end(skb, nest);
	return 0;
}

/* The algorithm's own struct; it says how much of it there is. */
static int algorithm_put(struct sk_buff *skb, struct sock *sk)
{
	const struct tcp_congestion_ops *ops = inet_csk(sk)->icsk_ca_ops;
	union tcp_cc_info info;
	int kind = 0;
	size_t size;

	if (!ops)
		return 0;
	if (nla_put_string(skb, TCBSCOPE_A_CONGESTION_ALGORITHM, ops->name))
		return -EMSGSIZE;
	if (!ops->get_info)
		return 0;
	memset(&info, 0, sizeof(info));
	size = ops->get_info(sk, 1U << (INET_DIAG_VEGASINFO - 1), &kind, &info);
	if (!size || size > sizeof(info))
		return 0;
	return nla_put_u32(skb, TCBSCOPE_A_CONGESTION_INFO_KIND, kind) ?:
	       nla_put(skb, TCBSCOPE_A_CONGESTION_INFO, size, &info);
}

static int pacing_put(struct sk_buff *skb, const struct sock *sk)
{
	u64 rate = READ_ONCE(sk->sk_pacing_rate);

	if (READ_ONCE(sk->sk_pacing_status) == SK_PACING_NONE || rate == ~0UL)
		return 0;
	return nla_put_u64_64bit(skb, TCBSCOPE_A_CONGESTION_PACING_RATE, rate,
				 TCBSCOPE_A_CONGESTION_PAD);
}

/* What recovery remembers. */
static int recovery_put(struct sk_buff *skb, const struct tcp_sock *tp)
{
	if (nla_put_u32(skb, TCBSCOPE_A_CONGESTION_PRIOR_CWND,
			tp->prior_cwnd) ||
	    nla_put_u32(skb, TCBSCOPE_A_CONGESTION_PRIOR_SSTHRESH,
			tp->prior_ssthresh) ||
	    nla_put_u32(skb, TCBSCOPE_A_CONGESTION_REORDERING,
			tp->reordering) ||
	    nla_put_u32(skb, TCBSCOPE_A_CONGESTION_HIGH_SEQ, tp->high_seq))
		return -EMSGSIZE;
	if (!tp->undo_marker)
		return 0;
	return nla_put_u32(skb, TCBSCOPE_A_CONGESTION_UNDO_MARKER,
			   tp->undo_marker) ?:
	       nla_put_u32(skb, TCBSCOPE_A_CONGESTION_UNDO_RETRANS,
			   max(tp->undo_retrans, 0));
}

static int congestion_put(struct sk_buff *skb, struct sock *sk)
{
	struct nlattr *nest = nla_nest_start(skb, TCBSCOPE_A_SOCKET_CONGESTION);
	const struct tcp_sock *tp = tcp_sk(sk);

	if (!nest || algorithm_put(skb, sk) ||
	    nla_put_u32(skb, TCBSCOPE_A_CONGESTION_STATE,
			inet_csk(sk)->icsk_ca_state) ||
	    nla_put_u32(skb, TCBSCOPE_A_CONGESTION_CWND, tcp_snd_cwnd(tp)) ||
	    nla_put_u32(skb, TCBSCOPE_A_CONGESTION_SSTHRESH,
			tp->snd_ssthresh) ||
	    nla_put_u32(skb, TCBSCOPE_A_CONGESTION_CWND_CLAMP,
			tp->snd_cwnd_clamp) ||
	    nla_put_u32(skb, TCBSCOPE_A_CONGESTION_PACKETS_OUT,
			tp->packets_out) ||
	    nla_put_u32(skb, TCBSCOPE_A_CONGESTION_SACKED_OUT,
			tp->sacked_out) ||
	    nla_put_u32(skb, TCBSCOPE_A_CONGESTION_LOST_OUT, tp->lost_out) ||
	    nla_put_u32(skb, TCBSCOPE_A_CONGESTION_RETRANS_OUT,
			tp->retrans_out) ||
	    nla_put_u32(skb, TCBSCOPE_A_CONGESTION_DELIVERED, tp->delivered) ||
	    nla_put_u32(skb, TCBSCOPE_A_CONGESTION_DELIVERED_CE,
			tp->delivered_ce) ||
	    nla_put_u32(skb, TCBSCOPE_A_CONGESTION_LOST, tp->lost) ||
	    nla_put_u32(skb, TCBSCOPE_A_CONGESTION_RETRANS,
			tp->total_retrans) ||
	    recovery_put(skb, tp) || pacing_put(skb, sk))
		return -EMSGSIZE;
	nla_nest_end(skb, nest);
	return 0;
}

/* A time that may not have been measured yet. */
static int measured_put(struct sk_buff *skb, int type, u32 us)
{
	return us ? nla_put_u32(skb, type, us) : 0;
}

static int time_put(struct sk_buff *skb, const struct sock *sk)
{
	const struct inet_connection_sock *icsk = inet_csk(sk);
	struct nlattr *nest = nla_nest_start(skb, TCBSCOPE_A_SOCKET_TIME);
	const struct tcp_sock *tp = tcp_sk(sk);
	u32 shortest = tcp_min_rtt(tp);

	if (!nest || /* kept in eighths and quarters */
	    measured_put(skb, TCBSCOPE_A_TIME_SRTT_US, tp->srtt_us >> 3) ||
	    measured_put(skb, TCBSCOPE_A_TIME_RTT_MIN_US,
			 shortest == ~0U ? 0 : shortest) ||
	    measured_put(skb, TCBSCOPE_A_TIME_RECEIVE_RTT_US,
			 tp->rcv_rtt_est.rtt_us >> 3) ||
	    nla_put_u32(skb, TCBSCOPE_A_TIME_MDEV_US, tp->mdev_us >> 2) ||
	    nla_put_u32(skb, TCBSCOPE_A_TIME_RTTVAR_US, tp->rttvar_us >> 2) ||
	    nla_put_u32(skb, TCBSCOPE_A_TIME_RTO_US,
			jiffies_to_usecs(icsk->icsk_rto)) ||
	    nla_put_u32(skb, TCBSCOPE_A_TIME_BACKOFF, icsk->icsk_backoff) ||
	    nla_put_u32(skb, TCBSCOPE_A_TIME_RETRANSMITS,
			icsk->icsk_retransmits) ||
	    nla_put_u32(skb, TCBSCOPE_A_TIME_PROBES, icsk->icsk_probes_out) ||
	    nla_put_u32(skb, TCBSCOPE_A_TIME_ATO_US,
			jiffies_to_usecs(icsk->icsk_ack.ato)))
		return -EMSGSIZE;
	nla_nest_end(skb, nest);
	return 0;
}

static int memory_put(struct sk_buff *skb, const struct sock *sk)
{
	struct nlattr *nest = nla_nest_start(skb, TCBSCOPE_A_SOCKET_MEMORY);

	if (!nest || nla_put_u32(skb, TCBSCOPE_A_MEMORY_RECEIVE_USED,
				 sk_rmem_alloc_get(sk)) ||
	    nla_put_u32(skb, TCBSCOPE_A_MEMORY_RECEIVE_LIMIT, sk->sk_rcvbuf) ||
	    nla_put_u32(skb, TCBSCOPE_A_MEMORY_SEND_USED,
			sk_wmem_alloc_get(sk)) ||
	    nla_put_u32(skb, TCBSCOPE_A_MEMORY_SEND_QUEUED,
			sk->sk_wmem_queued) ||
	    nla_put_u32(skb, TCBSCOPE_A_MEMORY_SEND_LIMIT, sk->sk_sndbuf) ||
	    nla_put_u32(skb, TCBSCOPE_A_MEMORY_FORWARD,
			max_t(int, sk->sk_forward_alloc, 0)) ||
	    nla_put_u32(skb, TCBSCOPE_A_MEMORY_OPTION,
			atomic_read(&sk->sk_omem_alloc)) ||
	    nla_put_u32(skb, TCBSCOPE_A_MEMORY_BACKLOG,
			READ_ONCE(sk->sk_backlog.len)) ||
	    nla_put_u32(skb, TCBSCOPE_A_MEMORY_DROPS,
			atomic_read((atomic_t *)&sk->sk_drops)))
		return -EMSGSIZE;
	nla_nest_end(skb, nest);
	return 0;
}

static u32 agreed(const struct tcp_sock *tp)
{
	const struct tcp_options_received *o = &tp->rx_opt;

	return (o->tstamp_ok ? TCBSCOPE_OPTION_TIMESTAMPS : 0) |
	       (o->sack_ok ? TCBSCOPE_OPTION_SACK : 0) |
	       (o->wscale_ok ? TCBSCOPE_OPTION_WINDOW_SCALE : 0) |
	       (tcp_ecn_mode_any(tp) ? TCBSCOPE_OPTION_ECN : 0) |
	       (tp->syn_fastopen ? TCBSCOPE_OPTION_FAST_OPEN : 0) |
	       (tp->syn_data ? TCBSCOPE_OPTION_SYN_DATA : 0);
}

static int options_put(struct sk_buff *skb, const struct sock *sk)
{
	struct nlattr *nest = nla_nest_start(skb, TCBSCOPE_A_SOCKET_OPTIONS);
	const struct tcp_sock *tp = tcp_sk(sk);
	const struct tcp_options_received *o = &tp->rx_opt;

	if (!nest || nla_put_u32(skb, TCBSCOPE_A_OPTIONS_AGREED, agreed(tp)) ||
	    nla_put_u32(skb, TCBSCOPE_A_OPTIONS_MSS_CLAMP, o->mss_clamp) ||
	    nla_put_u32(skb, TCBSCOPE_A_OPTIONS_TS_OFFSET, tp->tsoffset))
		return -EMSGSIZE;
	if (o->wscale_ok &&
	    (nla_put_u32(skb, TCBSCOPE_A_OPTIONS_SEND_SCALE, o->snd_wscale) ||
	     nla_put_u32(skb, TCBSCOPE_A_OPTIONS_RECEIVE_SCALE, o->rcv_wscale)))
		return -EMSGSIZE;
	if (o->tstamp_ok &&
	    nla_put_u32(skb, TCBSCOPE_A_OPTIONS_TS_RECENT, o->ts_recent))
		return -EMSGSIZE;
	nla_nest_end(skb, nest);
	return 0;
}

/* @n blocks; one that is empty is none. */
static int sacks_put(struct sk_buff *skb, int type,
		     const struct tcp_sack_block *block, unsigned int n)
{
	struct nlattr *nest;
	unsigned int i;

	for (i = 0; i < n; i++) {
		if (block[i].start_seq == block[i].end_seq)
			continue;
		nest = nla_nest_start(skb, type);
		if (!nest || nla_put_u32(skb, TCBSCOPE_A_RANGE_START,
					 block[i].start_seq) ||
		    nla_put_u32(skb, TCBSCOPE_A_RANGE_END, block[i].end_seq))
			return -EMSGSIZE;
		nla_nest_end(skb, nest);
	}
	return 0;
}

static u32 flags(const struct sock *sk)
{
	const struct tcp_sock *tp = tcp_sk(sk);

	return (tp->nonagle & TCP_NAGLE_OFF ? TCBSCOPE_FLAG_NODELAY : 0) |
	       (tp->nonagle & TCP_NAGLE_CORK ? TCBSCOPE_FLAG_CORK : 0) |
	       (sock_flag(sk, SOCK_KEEPOPEN) ? TCBSCOPE_FLAG_KEEPALIVE : 0) |
	       (sock_flag(sk, SOCK_DEAD) ? TCBSCOPE_FLAG_ORPHAN : 0) |
	       (tp->is_cwnd_limited ? TCBSCOPE_FLAG_CWND_LIMITED : 0) |
	       (tp->rate_app_limited ? TCBSCOPE_FLAG_APP_LIMITED : 0) |
	       (tp->frto ? TCBSCOPE_FLAG_F_RTO : 0) |
	       (tp->repair ? TCBSCOPE_FLAG_REPAIR : 0) |
	       (sk->sk_shutdown & RCV_SHUTDOWN ?
			TCBSCOPE_FLAG_RECEIVE_SHUTDOWN : 0) |
	       (sk->sk_shutdown & SEND_SHUTDOWN ?
			TCBSCOPE_FLAG_SEND_SHUTDOWN : 0);
}

static int owner_put(struct sk_buff *skb, struct sock *sk,
		     struct user_namespace *userns)
{
	u64 inode = sock_i_ino(sk);

	if (inode && nla_put_u64_64bit(skb, TCBSCOPE_A_SOCKET_INODE, inode,
				       TCBSCOPE_A_SOCKET_PAD))
		return -EMSGSIZE;
	return nla_put_u32(skb, TCBSCOPE_A_SOCKET_UID,
			   from_kuid_munged(userns, READ_ONCE(sk->sk_uid))) ?:
	       nla_put_u32(skb, TCBSCOPE_A_SOCKET_MARK, sk->sk_mark) ?:
	       nla_put_u32(skb, TCBSCOPE_A_SOCKET_PRIORITY, sk->sk_priority) ?:
	       nla_put_u32(skb, TCBSCOPE_A_SOCKET_FLAGS, flags(sk));
}

static int full_put(struct sk_buff *skb, struct sock *sk,
		    struct user_namespace *userns)
{
	const struct tcp_sock *tp = tcp_sk(sk);

	if (owner_put(skb, sk, userns) || memory_put(skb, sk))
		return -EMSGSIZE;
	if ((1 << sk->sk_state) & (TCPF_LISTEN | TCPF_CLOSE))
		return 0;
	if (send_put(skb, sk) || receive_put(skb, sk) ||
	    congestion_put(skb, sk) || time_put(skb, sk) ||
	    timers_put(skb, sk) || options_put(skb, sk))
		return -EMSGSIZE;
	return sacks_put(skb, TCBSCOPE_A_SOCKET_SACK_RECEIVED,
			 tp->recv_sack_cache,
			 ARRAY_SIZE(tp->recv_sack_cache)) ?:
	       sacks_put(skb, TCBSCOPE_A_SOCKET_SACK_PENDING,
			 tp->selective_acks,
			 min_t(unsigned int, tp->rx_opt.num_sacks,
			       ARRAY_SIZE(tp->selective_acks)));
}

static int spaces_put(struct sk_buff *skb, u32 una, u32 nxt, u32 rcv_nxt)
{
	struct nlattr *nest = nla_nest_start(skb, TCBSCOPE_A_SOCKET_SEND);

	if (!nest || nla_put_u32(skb, TCBSCOPE_A_SEND_UNA, una) ||
	    nla_put_u32(skb, TCBSCOPE_A_SEND_NXT, nxt))
		return -EMSGSIZE;
	nla_nest_end(skb, nest);
	nest = nla_nest_start(skb, TCBSCOPE_A_SOCKET_RECEIVE);
	if (!nest || nla_put_u32(skb, TCBSCOPE_A_RECEIVE_NXT, rcv_nxt))
		return -EMSGSIZE;
	nla_nest_end(skb, nest);
	return 0;
}

static int timewait_put(struct sk_buff *skb, struct sock *sk)
{
	const struct tcp_timewait_sock *tw = tcp_twsk(sk);
	const struct timer_list *timer = &inet_twsk(sk)->tw_timer;

	if (timer_pending(timer) &&
	    timer_put(skb, TCBSCOPE_TIMER_KIND_TIME_WAIT,
		      until_us(READ_ONCE(timer->expires))))
		return -EMSGSIZE;
	return spaces_put(skb, tw->tw_snd_nxt, tw->tw_snd_nxt, tw->tw_rcv_nxt);
}

static int request_put(struct sk_buff *skb, struct sock *sk)
{
	const struct tcp_request_sock *req = tcp_rsk(inet_reqsk(sk));
	const struct timer_list *timer = &inet_reqsk(sk)->rsk_timer;

	if (timer_pending(timer) &&
	    timer_put(skb, TCBSCOPE_TIMER_KIND_SYN_ACK,
		      until_us(READ_ONCE(timer->expires))))
		return -EMSGSIZE;
	return spaces_put(skb, req->snt_isn, req->snt_isn + 1, req->rcv_nxt);
}

/**
 * tcbscope_unread() - bytes that wait to be read
 * @sk: a full socket that does not listen; its lock is not needed
 *
 * Return: what the application could read; a FIN is no byte of that.
 */
u32 tcbscope_unread(const struct sock *sk)
{
	const struct tcp_sock *tp = tcp_sk(sk);
	s32 bytes = READ_ONCE(tp->rcv_nxt) - READ_ONCE(tp->copied_seq) -
		    sock_flag(sk, SOCK_DONE);

	return max(bytes, 0);
}

/* Bytes, or of a listener connections. */
static void depths_put(struct sk_buff *skb, const struct sock *sk)
{
	const struct tcp_sock *tp = tcp_sk(sk);
	u32 receive, send;

	if (!sk_fullsock(sk))
		return;
	if (sk->sk_state == TCP_LISTEN) {
		receive = READ_ONCE(sk->sk_ack_backlog);
		send = READ_ONCE(sk->sk_max_ack_backlog);
	} else {
		receive = tcbscope_unread(sk);
		send = READ_ONCE(tp->write_seq) - tp->snd_una;
	}
	tcbscope_put_u32(skb, TCBSCOPE_A_SOCKET_RECEIVE_QUEUE, receive);
	tcbscope_put_u32(skb, TCBSCOPE_A_SOCKET_SEND_QUEUE, send);
}

/**
 * tcbscope_tcb_short() - which socket, its state, how much waits in it
 * @skb: is appended to
 * @sk: any kind, referenced; its lock is not needed
 *
 * Return: 0, or -EMSGSIZE if there is no room.
 */
int tcbscope_tcb_short(struct sk_buff *skb, struct sock *sk)
{
	u32 state = READ_ONCE(sk->sk_state);

	if (skb_tailroom(skb) < TCBSCOPE_SHORT ||
	    tcbscope_identity_put(skb, TCBSCOPE_A_SOCKET_IDENTITY, sk))
		return -EMSGSIZE;
	if (state == TCP_TIME_WAIT) /* that, or FIN_WAIT2 */
		state = READ_ONCE(inet_twsk(sk)->tw_substate);
	tcbscope_put_u32(skb, TCBSCOPE_A_SOCKET_FAMILY, sk->sk_family);
	tcbscope_put_u32(skb, TCBSCOPE_A_SOCKET_STATE, state);
	depths_put(skb, sk);
	return 0;
}

/**
 * tcbscope_tcb_put() - all of a socket but its queues
 * @skb: is appended to; TCBSCOPE_ROOM is enough
 * @sk: a full socket with its lock, or another kind with a reference
 * @userns: of who asks
 *
 * Return: 0, or -EMSGSIZE if there is no room.
 */
int tcbscope_tcb_put(struct sk_buff *skb, struct sock *sk,
		     struct user_namespace *userns)
{
	int err = tcbscope_tcb_short(skb, sk);

	if (err)
		return err;
	switch (sk->sk_state) {
	case TCP_TIME_WAIT:
		return timewait_put(skb, sk);
	case TCP_NEW_SYN_RECV:
		return request_put(skb, sk);
	default:
		return full_put(skb, sk, userns);
	}
}
