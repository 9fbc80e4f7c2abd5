// SPDX-License-Identifier: GPL-2.0
/*
 * The owner of a child, and of a socket older than the trace: the process that
 * first uses it.
 *
 * A listener may be shared by many processes, and the kernel does not say
 * which of them accepted a connection. It does say who receives or sends on
 * it, in that process's own context.
 */
#include "bpf/hold.h"
#include "bpf/queue.h"
#include "bpf/window.h"

/* What a child that is used for the first time has waited with. */
static __noinline void owner_begins(struct sock *sk, struct sock_mem *mem)
{
	struct tcp_sock *tp = bpf_skc_to_tcp_sock(sk);

	if (!tp)
		return;
	hold_release(sk, tp, mem); /* of Fast Open, it is used in SYN_RECV */
	if (!(config.events & 1u << EVENT_queue))
		return;
	if (sk->__sk_common.skc_state == TCB_STATE_SYN_RECV)
		queue_fast_opened(sk, tp, mem);
	if (mem->flags & MEM_QUEUED)
		queue_accepted(sk, tp, mem);
}

/* One that is older than the trace. */
static __always_inline struct sock_mem *owner_learns(struct sock *sk)
{
	struct tcp_sock *tp;

	if (QUEUES_ALONE)
		return NULL;
	tp = bpf_skc_to_tcp_sock(sk);
	return tp ? mem_get(sk, tp) : NULL;
}

static __always_inline struct sock_mem *owner_uses(struct sock *sk)
{
	int state = sk->__sk_common.skc_state;
	struct sock_mem *mem;

	if (!sock_is_tcp(sk))
		return NULL;
	mem = mem_find(sk);
	if (!mem &&
	    (state == TCB_STATE_ESTABLISHED || state == TCB_STATE_CLOSE_WAIT))
		mem = owner_learns(sk);
	if (!mem)
		return NULL;
	if (mem->owner_how != HOW_observed)
		mem_own(mem);
	if (mem->ticket || mem->flags & MEM_QUEUED ||
	    state == TCB_STATE_SYN_RECV)
		owner_begins(sk, mem);
	return mem;
}

SEC("tp_btf/sock_send_length")
int BPF_PROG(owner_sends, struct sock *sk)
{
	struct sock_mem *mem = owner_uses(sk);
	struct tcp_sock *tp;

	if (!mem || !(config.events & 1u << EVENT_window) ||
	    sk->__sk_common.skc_state != TCB_STATE_ESTABLISHED)
		return 0;
	tp = bpf_skc_to_tcp_sock(sk);
	if (tp)
		window_look(sk, tp, mem, -1, WINDOW_AT_send);
	return 0;
}

SEC("tp_btf/sock_recv_length")
int BPF_PROG(owner_receives, struct sock *sk)
{
	owner_uses(sk);
	return 0;
}

/* For kernels without the two above; also called in softirq, by others. */
SEC("tp_btf/tcp_rcv_space_adjust")
int BPF_PROG(owner_reads, struct sock *sk)
{
	if (sk->sk_lock.owned)
		owner_uses(sk);
	return 0;
}
