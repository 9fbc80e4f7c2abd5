// SPDX-License-Identifier: GPL-2.0
/*
 * The floor: what tracing the changes of state costs at least, step by step.
 * None of this is part of tcbscope.
 */
#include "bpf/event.h"
#include "bpf/kernel.h"
#include <bpf/bpf_helpers.h>
#include <bpf/bpf_tracing.h>

char LICENSE[] SEC("license") = "GPL";

struct {
	__uint(type, BPF_MAP_TYPE_RINGBUF);
	__uint(max_entries, 8 << 20);
} ring SEC(".maps");

struct memory {
	int old, new;
	char more[120]; /* as much as a tracer may want to remember */
};

struct {
	__uint(type, BPF_MAP_TYPE_SK_STORAGE);
	__uint(map_flags, BPF_F_NO_PREALLOC | BPF_F_CLONE);
	__type(key, int);
	__type(value, struct memory);
} memory SEC(".maps");

static __always_inline int record(int old, int new)
{
	struct event_state *e = bpf_ringbuf_reserve(&ring, sizeof(*e), 0);

	if (!e)
		return 0;
	e->ev.ts_ns = bpf_ktime_get_ns();
	e->old = old;
	e->new = new;
	bpf_ringbuf_submit(e, BPF_RB_NO_WAKEUP);
	return 0;
}

SEC("tp_btf/inet_sock_set_state")
int empty_first(void *ctx)
{
	return 0;
}

SEC("tp_btf/inet_sock_set_state")
int empty_second(void *ctx)
{
	return 0;
}

/* What any tracer of system calls has to pay for each of them. */
SEC("tp_btf/sys_enter")
int empty_enter(void *ctx)
{
	return 0;
}

SEC("tp_btf/sys_exit")
int empty_exit(void *ctx)
{
	return 0;
}

/* With the first one and the exit of system calls: where queues are heard of. */
SEC("tp_btf/sk_data_ready")
int empty_ready(void *ctx)
{
	return 0;
}

SEC("tp_btf/sk_data_ready")
int empty_ready_again(void *ctx)
{
	return 0;
}

SEC("tp_btf/tcp_destroy_sock")
int empty_goes(void *ctx)
{
	return 0;
}

SEC("tp_btf/kfree_skb")
int empty_drop(void *ctx)
{
	return 0;
}

/* And where each SYN is. */
SEC("cgroup_skb/ingress")
int empty_segment(struct __sk_buff *skb)
{
	return 1;
}

SEC("sockops")
int empty_request(struct bpf_sock_ops *op)
{
	return 1;
}

/* A record the size of a state event, all but empty. */
SEC("tp_btf/inet_sock_set_state")
int BPF_PROG(ring_only, struct sock *sk, int old, int new)
{
	return record(old, new);
}

static __always_inline struct memory *remember(struct sock *sk)
{
	if (sk->sk_protocol != IPPROTO_TCP)
		return 0;
	return bpf_sk_storage_get(&memory, sk, 0, BPF_SK_STORAGE_GET_F_CREATE);
}

/* Record and storage: who owned the socket, what was its last state? */
SEC("tp_btf/inet_sock_set_state")
int BPF_PROG(lean_first, struct sock *sk, int old, int new)
{
	struct memory *mem = remember(sk);

	if (!mem)
		return 0;
	mem->old = old;
	mem->new = new;
	return record(old, new);
}

/* The copy that notices that the first one was skipped. */
SEC("tp_btf/inet_sock_set_state")
int BPF_PROG(lean_second, struct sock *sk, int old, int new)
{
	struct memory *mem = remember(sk);

	if (!mem || (mem->old == old && mem->new == new))
		return 0;
	return record(old, new);
}
