// SPDX-License-Identifier: GPL-2.0
/*
 * The sockets that exist when a trace begins.
 *
 * Two iterators find them: one over the file descriptors of all processes,
 * whatever their network namespace, and one over the hash tables of a
 * namespace, where there are also those that no process holds. When they run
 * the trace is attached already, and what it has noted of a socket since is
 * newer than what they read: that is left alone.
 *
 * What they write is read in pieces. If an object does not fit into the
 * buffer any more the kernel drops what was written for it and calls the
 * program again for it later: nothing gets lost, and nothing may be counted.
 */
#include "bpf/queue.h"
#include "bpf/snapshot.h"
#include "bpf/window_fill.h"

#define NSEC_PER_USEC 1000ull
#define NSEC_PER_MSEC 1000000ull
#define TIMEWAIT_LEN_NS 60000000000ull /* TCP_TIMEWAIT_LEN */

EVENT_ANCHOR(event_socket);

__u32 snapshot_what;	  /* enum snapshot_what */
__u32 snapshot_remembers; /* do the sockets get memory? */

/* An event is too large for the stack; the reader runs one program at a time. */
struct event_socket snapshot_event;
struct event_queue snapshot_child;

static __always_inline nsec_t jiffies_ns(__u64 jiffies)
{
	return hz ? jiffies * 1000000000 / hz : UNKNOWN_NS;
}

/* How long ago a 32-bit time stamp in jiffies was. */
static __always_inline nsec_t since(__u32 stamp)
{
	return jiffies_ns((__u32)bpf_jiffies64() - stamp);
}

/* How long until a time in jiffies, which may have passed. */
static __always_inline nsec_t until(__u64 expires)
{
	__s64 left = expires - bpf_jiffies64();

	return left > 0 ? jiffies_ns(left) : 0;
}

/* All that is not known of every socket is unknown. */
static __always_inline struct event_socket *event_new(struct sock_common *skc)
{
	struct event_socket *e = &snapshot_event;

	__builtin_memset(e, 0, sizeof(*e));
	e->ev.type = EVENT_socket;
	e->ev.how = HOW_existing;
	e->ev.ts_ns = bpf_ktime_get_ns();
	e->age_ns = UNKNOWN_NS;
	e->idle_ns = UNKNOWN_NS;
	e->timer_ns = UNKNOWN_NS;
	e->fd = ~0u;
	e->unread = ~0u;
	e->unacked = ~0u;
	e->syn = ~0u;
	e->accept = ~0u;
	e->limit = ~0u;
	e->drops = ~0u;
	e->state = skc->skc_state;
	return e;
}

/* A minisocket has no more than what all sockets have in common. */
static __always_inline void common_fill(struct event *e,
					struct sock_common *skc, __u32 uid)
{
	e->cookie = bpf_get_socket_cookie(skc);
	e->netns = skc->skc_net.net->ns.inum;
	e->uid = uid;
	e->lport = skc->skc_num;
	e->rport = bpf_ntohs(skc->skc_dport);
	e->family = sock_addrs(skc, &e->laddr, &e->raddr);
}

/*
 * The time in a state, where its beginning left a trace: the ACK that came
 * with the FIN, or with the ACK of ours. Later ones hide it, hence "at least".
 */
static __always_inline void snapshot_age(struct event_socket *e,
					 struct tcp_sock *tp)
{
	__u32 ms;

	switch (e->state) {
	case TCB_STATE_CLOSE_WAIT:
	case TCB_STATE_FIN_WAIT2:
		e->age_ns = since(tp->rcv_tstamp);
		break;
	case TCB_STATE_SYN_SENT:
		ms = e->ev.ts_ns / NSEC_PER_MSEC;
		e->age_ns = (ms - tp->retrans_stamp) * NSEC_PER_MSEC;
		break;
	default:
		return;
	}
	e->age_how = HOW_derived;
}

static __always_inline void idle_fill(struct event_socket *e,
				      struct tcp_sock *tp)
{
	nsec_t data = since(tp->inet_conn.icsk_ack.lrcvtime);
	nsec_t sent = since(tp->lsndtime);
	nsec_t ack = since(tp->rcv_tstamp);

	e->idle_ns = data < sent ? data : sent;
	if (ack < e->idle_ns)
		e->idle_ns = ack;
}

static __always_inline void timer_fill(struct event_socket *e, struct sock *sk,
				       struct inet_connection_sock *icsk)
{
	__u64 keepalive = compat_keepalive_expires(icsk);

	switch (icsk->icsk_pending) {
	case ICSK_TIME_RETRANS:
		e->timer = TIMER_RETRANSMIT;
		break;
	case ICSK_TIME_PROBE0:
		e->timer = TIMER_PERSIST;
		break;
	case ICSK_TIME_LOSS_PROBE:
		e->timer = TIMER_LOSS_PROBE;
		break;
	case ICSK_TIME_REO_TIMEOUT:
		e->timer = TIMER_RACK;
		break;
	}
	if (e->timer) {
		e->timer_ns = until(compat_icsk_expires(icsk));
	} else if (keepalive) {
		e->timer = e->state == TCB_STATE_FIN_WAIT2 &&
					   compat_sock_flag(sk, SOCK_DEAD) ?
				   TIMER_FIN_WAIT2 :
				   TIMER_KEEPALIVE;
		e->timer_ns = until(keepalive);
	}
}

static __always_inline void queues_fill(struct event_socket *e, struct sock *sk,
					struct tcp_sock *tp)
{
	if (e->state == TCB_STATE_LISTEN) {
		e->syn = tp->inet_conn.icsk_accept_queue.qlen.counter;
		e->accept = sk->sk_ack_backlog;
		e->limit = sk->sk_max_ack_backlog;
		e->drops = sk->sk_drops.counter;
		return;
	}
	e->unread = tp->rcv_nxt - tp->copied_seq;
	if (e->unread && compat_sock_flag(sk, SOCK_DONE))
		e->unread--; /* the FIN */
	e->unacked = tp->write_seq - tp->snd_una;
}

/*
 * Not inline: the verifier then follows each way through it once, and not
 * once for each of the two programs and each of the ways before.
 */
static __noinline void socket_fill(struct sock *sk, struct tcp_sock *tp,
				   struct sock_mem *mem)
{
	struct event_socket *e = event_new(&sk->__sk_common);
	struct inet_connection_sock *icsk = &tp->inet_conn;

	/* without the memory: it is a tracepoint's to fill in more of it */
	event_fill(&e->ev, sk, tp, NULL);
	if (mem) {
		e->ev.pid = mem->pid;
		e->ev.tid = mem->tid;
		e->ev.owner_how = mem->owner_how;
		__builtin_memcpy(e->ev.comm, mem->comm, sizeof(mem->comm));
		e->ev.seq = mem->seq;
		if (mem->new) /* what the last event said, if one did */
			e->state = mem->new;
	}
	if (e->state == TCB_STATE_CLOSE)
		return;
	queues_fill(e, sk, tp);
	if (e->state == TCB_STATE_LISTEN)
		return;
	snapshot_age(e, tp);
	idle_fill(e, tp);
	timer_fill(e, sk, icsk);
	window_fill(&e->w, sk, tp, BPF_CORE_READ_BITFIELD(icsk, icsk_ca_state));
}

/*
 * As if the trace had seen all of it, so that the next event goes on here. If
 * only queues are traced, transitions of what is no listener are not looked at
 * before it has memory: the state may be an old one by then, and is not noted.
 */
static __always_inline struct sock_mem *remember(struct sock *sk,
						 struct tcp_sock *tp,
						 struct task_struct *holder)
{
	struct inet_connection_sock *icsk = &tp->inet_conn;
	int state = sk->__sk_common.skc_state;
	bool followed = !QUEUES_ALONE || state == TCB_STATE_LISTEN;
	struct sock_mem before, after, *mem;

	if (!followed && sk->sk_socket) /* it is in no queue */
		return mem_find(sk);
	mem = mem_get(sk, tp);
	if (!mem)
		return NULL;
	after.word = before.word = mem->word;
	if (!after.new &&followed)
		after.new = state;
	if (holder && !after.owner_how) {
		mem->pid = holder->tgid;
		mem->tid = holder->pid;
		__builtin_memcpy(mem->comm, holder->comm, sizeof(mem->comm));
		after.owner_how = HOW_existing;
	} else if (holder && after.owner_how == HOW_existing &&
		   mem->pid != (__u32)holder->tgid) {
		after.owner_how = HOW_derived; /* which of them uses it? */
	}
	if (state == TCB_STATE_LISTEN) {
		mem->listener = bpf_get_socket_cookie(sk);
		listener_found(sk, tp, mem);
	}
	/* what a tracepoint has done to it in between is newer */
	__sync_val_compare_and_swap(&mem->word, before.word, after.word);
	if (!mem->cwnd && state != TCB_STATE_LISTEN &&
	    state != TCB_STATE_CLOSE) {
		mem->ssthresh = tp->snd_ssthresh;
		mem->ca_state = BPF_CORE_READ_BITFIELD(icsk, icsk_ca_state);
		__sync_val_compare_and_swap(&mem->cwnd, 0, tp->snd_cwnd);
	}
	return mem;
}

/*
 * One that waits to be accepted, nobody knows since when, nor in which queue:
 * accept() will tell.
 */
static __always_inline void remember_child(struct sock *sk, struct tcp_sock *tp,
					   struct sock_mem *mem)
{
	int state = sk->__sk_common.skc_state;
	struct event_queue *e = &snapshot_child;

	if ((state != TCB_STATE_ESTABLISHED && state != TCB_STATE_CLOSE_WAIT) ||
	    sk->sk_socket || compat_sock_flag(sk, SOCK_DEAD) ||
	    !event_wanted(sk, tp, mem, EVENT_queue))
		return;
	queue_fill(e, sk, tp, mem, QUEUE_completed);
	e->ev.ts_ns = 0;
	if (!queue_child_find(e->ev.cookie) && queue_child_add(e))
		__sync_fetch_and_or(&mem->word, MEM_QUEUED << MEM_FLAGS_SHIFT);
}

static __always_inline int holder_write(struct seq_file *seq, struct sock *sk,
					struct tcp_sock *tp,
					struct task_struct *task, __u32 fd)
{
	struct net *net = sock_of(tp)->__sk_common.skc_net.net;
	struct snapshot_holder h = {
		.cookie = bpf_get_socket_cookie(sk),
		.pid = task->tgid,
		.tid = task->pid,
		.fd = fd,
		.netns = net->ns.inum,
	};

	__builtin_memcpy(h.comm, task->comm, sizeof(h.comm));
	bpf_seq_write(seq, &h, sizeof(h));
	return 0;
}

SEC("iter/task_file")
int snapshot_files(struct bpf_iter__task_file *ctx)
{
	struct task_struct *task = ctx->task;
	struct seq_file *seq = ctx->meta->seq;
	struct file *file = ctx->file;
	struct sock_mem *mem = NULL;
	struct socket *socket;
	struct tcp_sock *tp;
	struct sock *sk;

	if (!task || !file)
		return 0;
	socket = bpf_sock_from_file(file);
	sk = socket ? socket->sk : NULL;
	if (!sk || !sock_is_tcp(sk))
		return 0;
	tp = bpf_skc_to_tcp_sock(sk);
	if (!tp)
		return 0;
	if (snapshot_remembers)
		mem = remember(sk, tp, task);
	if (mem && mem->flags & MEM_BORN)
		return 0;
	if (snapshot_what == SNAPSHOT_HOLDERS)
		return holder_write(seq, sk, tp, task, ctx->fd);
	if (snapshot_what == SNAPSHOT_CLOSED &&
	    sk->__sk_common.skc_state != TCB_STATE_CLOSE)
		return 0;
	socket_fill(sk, tp, mem);
	snapshot_event.inode = file->f_inode->i_ino;
	bpf_seq_write(seq, &snapshot_event, sizeof(snapshot_event));
	return 0;
}

static __always_inline void timewait_fill(struct event_socket *e,
					  struct tcp_timewait_sock *tw)
{
	struct inet_timewait_sock *itw = &tw->tw_sk;
	struct net *net = itw->__tw_common.skc_net.net;
	nsec_t all = TIMEWAIT_LEN_NS;

	common_fill(&e->ev, &itw->__tw_common, ~0u);
	e->tw_substate = itw->tw_substate;
	e->timer = TIMER_TIME_WAIT;
	if (e->tw_substate == TCB_STATE_FIN_WAIT2) {
		e->timer = TIMER_FIN_WAIT2;
		all = jiffies_ns(net->ipv4.sysctl_tcp_fin_timeout);
	}
	e->timer_ns = until(itw->tw_timer.expires);
	if (all != UNKNOWN_NS && e->timer_ns <= all) {
		e->age_ns = all - e->timer_ns;
		e->age_how = HOW_derived;
	}
}

static __always_inline void request_fill(struct event_socket *e,
					 struct tcp_request_sock *req,
					 __u32 uid)
{
	common_fill(&e->ev, &req->req.req.__req_common, uid);
	e->timer = TIMER_SYN_ACK;
	e->timer_ns = until(req->req.req.rsk_timer.expires);
	e->age_ns = e->ev.ts_ns - req->snt_synack * NSEC_PER_USEC;
	e->age_how = HOW_derived;
}

SEC("iter/tcp")
int snapshot_tcp(struct bpf_iter__tcp *ctx)
{
	struct sock_common *skc = ctx->sk_common;
	struct tcp_timewait_sock *tw;
	struct tcp_request_sock *req;
	struct sock_mem *mem = NULL;
	struct event_socket *e;
	struct socket *socket;
	struct tcp_sock *tp;
	struct sock *sk;

	if (!skc)
		return 0;
	tp = bpf_skc_to_tcp_sock(skc);
	if (tp) {
		sk = &tp->inet_conn.icsk_inet.sk;
		if (snapshot_remembers)
			mem = remember(sk, tp, NULL);
		if (mem && mem->flags & MEM_BORN)
			return 0;
		if (mem && config.events & 1u << EVENT_queue)
			remember_child(sk, tp, mem);
		socket_fill(sk, tp, mem);
		socket = sk->sk_socket;
		if (socket && socket->file)
			snapshot_event.inode = socket->file->f_inode->i_ino;
		goto write;
	}
	e = event_new(skc);
	tw = bpf_skc_to_tcp_timewait_sock(skc);
	req = bpf_skc_to_tcp_request_sock(skc);
	if (tw)
		timewait_fill(e, tw);
	else if (req)
		request_fill(e, req, ctx->uid);
	else
		return 0;
write:
	bpf_seq_write(ctx->meta->seq, &snapshot_event, sizeof(snapshot_event));
	return 0;
}
