// SPDX-License-Identifier: GPL-2.0
/*
 * The truth about one socket's window: what it is after each function of the
 * kernel that may have changed it. For truth_test.c only.
 */
#include "bpf/kernel.h"
#include "tests/net/truth.h"
#include <bpf/bpf_core_read.h>
#include <bpf/bpf_helpers.h>
#include <bpf/bpf_tracing.h>

char LICENSE[] SEC("license") = "GPL";

struct {
	__uint(type, BPF_MAP_TYPE_RINGBUF);
	__uint(max_entries, 1 << 20);
} ring SEC(".maps");

const volatile __u32 netns; /* the socket: inode of its namespace ... */
const volatile __u16 port;  /* ... and its local port */

struct truth last; /* under the lock of the only socket that is looked at */
__u32 lost;

static __always_inline int look(struct sock *sk)
{
	struct inet_connection_sock *icsk;
	struct tcp_sock *tp;
	struct truth now, *record;

	if (sk->__sk_common.skc_num != port ||
	    sk->__sk_common.skc_net.net->ns.inum != netns)
		return 0;
	tp = bpf_skc_to_tcp_sock(sk);
	if (!tp)
		return 0;
	icsk = &tp->inet_conn;
	now.cwnd = tp->snd_cwnd;
	now.ssthresh = tp->snd_ssthresh;
	now.ca_state = BPF_CORE_READ_BITFIELD(icsk, icsk_ca_state);
	if (now.cwnd == last.cwnd && now.ssthresh == last.ssthresh &&
	    now.ca_state == last.ca_state)
		return 0;
	last = now;
	record = bpf_ringbuf_reserve(&ring, sizeof(*record), 0);
	if (!record) {
		lost++;
		return 0;
	}
	*record = now;
	bpf_ringbuf_submit(record, BPF_RB_NO_WAKEUP);
	return 0;
}

/* A segment in ESTABLISHED. */
SEC("fexit/tcp_rcv_established")
int BPF_PROG(after_established, struct sock *sk)
{
	return look(sk);
}

/* A segment in any other state. */
SEC("fexit/tcp_rcv_state_process")
int BPF_PROG(after_other_state, struct sock *sk)
{
	return look(sk);
}

SEC("fexit/tcp_write_timer_handler")
int BPF_PROG(after_timer, struct sock *sk)
{
	return look(sk);
}

SEC("fexit/tcp_sendmsg")
int BPF_PROG(after_send, struct sock *sk)
{
	return look(sk);
}

/* What had to wait until a process let go of the socket. */
SEC("fexit/tcp_release_cb")
int BPF_PROG(after_release, struct sock *sk)
{
	return look(sk);
}
