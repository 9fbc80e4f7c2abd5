/* SPDX-License-Identifier: GPL-2.0 */
/*
 * What differs between kernels and machines, one function each, so that the
 * callers never see it.
 */
#ifndef TCBSCOPE_COMPAT_H
#define TCBSCOPE_COMPAT_H

#include "bpf/event.h"
#include "bpf/kernel.h"
#include <bpf/bpf_core_read.h>
#include <bpf/bpf_helpers.h>

/*
 * System call number of the task, as saved at entry: each machine keeps it
 * in a register file of its own shape. -1 if it cannot be told, as for 32-bit
 * programs: they have numbers of their own.
 */
struct pt_regs___x86 {
	unsigned long orig_ax, ax;
	unsigned long di, si, dx, r10, r8, r9;
} __attribute__((preserve_access_index));

struct pt_regs___arm64 {
	int syscallno;
	__u64 orig_x0;
	__u64 regs[31];
	__u64 pstate;
} __attribute__((preserve_access_index));

static __always_inline long compat_regs_nr(const void *regs)
{
	const struct pt_regs___x86 *x86 = regs;
	const struct pt_regs___arm64 *arm64 = regs;

	if (bpf_core_field_exists(x86->orig_ax))
		return x86->orig_ax;
	if (bpf_core_field_exists(arm64->syscallno))
		return arm64->pstate & PSR_MODE32_BIT ? -1 : arm64->syscallno;
	return -1;
}

static __always_inline long compat_syscall_nr(struct task_struct *task)
{
	if (bpf_core_field_exists(task->thread_info.status) &&
	    task->thread_info.status & TS_COMPAT)
		return -1;
	return compat_regs_nr((void *)bpf_task_pt_regs(task));
}

/*
 * What the running task has given to its system call; all 0: not known. There
 * are six, and two 0 behind: so an index can be masked.
 */
struct syscall_args {
	__u64 value[8];
};

static __always_inline struct syscall_args compat_syscall_args(void)
{
	struct task_struct *task = (void *)bpf_get_current_task_btf();
	void *regs = (void *)bpf_task_pt_regs(task);
	struct pt_regs___x86 *x86 = regs;
	struct pt_regs___arm64 *arm64 = regs;

	if (bpf_core_field_exists(x86->orig_ax))
		return (struct syscall_args){ {
			x86->di,
			x86->si,
			x86->dx,
			x86->r10,
			x86->r8,
			x86->r9,
		} };
	if (bpf_core_field_exists(arm64->syscallno))
		return (struct syscall_args){ {
			arm64->orig_x0,
			arm64->regs[1],
			arm64->regs[2],
			arm64->regs[3],
			arm64->regs[4],
			arm64->regs[5],
		} };
	return (struct syscall_args){};
}

/* First and second of them. */
static __always_inline __u32 compat_syscall_arg1(void)
{
	return compat_syscall_args().value[0];
}

static __always_inline __u32 compat_syscall_arg2(void)
{
	return compat_syscall_args().value[1];
}

/*
 * What its system call is about to return. The tracepoint says so as well, but
 * in another place to the programs that hang on it through perf.
 */
static __always_inline __s64 compat_syscall_result(void)
{
	struct task_struct *task = (void *)bpf_get_current_task_btf();
	void *regs = (void *)bpf_task_pt_regs(task);
	struct pt_regs___x86 *x86 = regs;
	struct pt_regs___arm64 *arm64 = regs;

	if (bpf_core_field_exists(x86->orig_ax))
		return x86->ax;
	if (bpf_core_field_exists(arm64->syscallno))
		return arm64->regs[0];
	return 0;
}

/*
 * Of a tracepoint's arguments a program may read those that there are. How
 * many that is says the typedef of the tracepoint.
 *
 * tcp_retransmit_skb: the errno of a segment that could not be sent. Without
 * this argument, only those that were sent are told of.
 */
typedef void (*btf_trace_tcp_retransmit_skb___err)(void *, const struct sock *,
						   const struct sk_buff *, int);

static __always_inline int compat_retransmit_err(unsigned long long *args)
{
	return bpf_core_type_exists(btf_trace_tcp_retransmit_skb___err) ?
		       (int)args[2] :
		       0;
}

/* tcp_send_reset: why, in the numbers of the running kernel. */
typedef void (*btf_trace_tcp_send_reset___reason)(void *, const struct sock *,
						  const struct sk_buff *,
						  const enum sk_rst_reason);

static __always_inline __u32 compat_reset_reason(unsigned long long *args)
{
	return bpf_core_type_exists(btf_trace_tcp_send_reset___reason) ?
		       (__u32)args[2] :
		       NO_REASON;
}

/* Since the same time it tells also of resets that no socket sends. */
#define compat_tells_all_resets() \
	bpf_core_type_exists(btf_trace_tcp_send_reset___reason)

/* io_uring_complete: the result and its flags, which a struct has now. */
typedef void (*btf_trace_io_uring_complete___cqe)(void *, struct io_ring_ctx *,
						  void *,
						  struct io_uring_cqe *);

struct uring_answer {
	__s32 res;
	__u32 flags;
};

static __always_inline struct uring_answer compat_uring_answer(
	unsigned long long *args)
{
	struct uring_answer answer;

	if (bpf_core_type_exists(btf_trace_io_uring_complete___cqe)) {
		answer.res = ((struct io_uring_cqe *)args[2])->res;
		answer.flags = ((struct io_uring_cqe *)args[2])->flags;
	} else {
		answer.res = args[3];
		answer.flags = args[4];
	}
	return answer;
}

/* kfree_skb: the socket that was to get it; NULL also if there is none. */
typedef void (*btf_trace_kfree_skb___rx_sk)(void *, struct sk_buff *, void *,
					    enum skb_drop_reason,
					    struct sock *);

static __always_inline struct sock *compat_drop_sk(unsigned long long *args)
{
	return bpf_core_type_exists(btf_trace_kfree_skb___rx_sk) ?
		       (struct sock *)args[3] :
		       NULL;
}

/*
 * kfree_skb: the last ACK found the accept queue full. Linux 6.15; an older
 * kernel refuses a program that asks for it, if the asking is not left out.
 */
static __always_inline int compat_listen_overflow(void)
{
	int reason = bpf_core_enum_value(enum skb_drop_reason,
					 SKB_DROP_REASON_TCP_LISTEN_OVERFLOW);

	asm volatile("" : "+r"(reason));
	return reason;
}

/*
 * kfree_skb: no reason is said, or that a queue of a socket is emptied, which
 * has a reason of its own since Linux 6.7.
 */
static __always_inline bool compat_drop_is_quiet(__u32 reason)
{
	__u32 purge = bpf_core_enum_value(enum skb_drop_reason,
					  SKB_DROP_REASON_NOT_SPECIFIED);

	if (reason == purge)
		return true;
	if (!bpf_core_enum_value_exists(enum skb_drop_reason,
					SKB_DROP_REASON_QUEUE_PURGE))
		return false;
	purge = bpf_core_enum_value(enum skb_drop_reason,
				    SKB_DROP_REASON_QUEUE_PURGE);
	asm volatile("" : "+r"(purge)); /* as above */
	return reason == purge;
}

/* Has the timer for retransmissions run out, and nobody started it again? */
struct sock___timer {
	struct timer_list tcp_retransmit_timer;
} __attribute__((preserve_access_index));

struct inet_connection_sock___timer {
	struct timer_list icsk_retransmit_timer;
} __attribute__((preserve_access_index));

static __always_inline bool compat_timer_ran_out(struct tcp_sock *tp)
{
	struct inet_connection_sock___timer *icsk = (void *)&tp->inet_conn;
	struct sock___timer *sk = (void *)tp;

	if (bpf_core_field_exists(sk->tcp_retransmit_timer))
		return !sk->tcp_retransmit_timer.entry.pprev;
	return !icsk->icsk_retransmit_timer.entry.pprev;
}

/*
 * When the timer of icsk_pending runs out, in jiffies. Linux 6.19 dropped the
 * field that said so: since then the timer itself is always set to it.
 */
struct inet_connection_sock___timeout {
	unsigned long icsk_timeout;
} __attribute__((preserve_access_index));

static __always_inline __u64
compat_icsk_expires(struct inet_connection_sock *icsk)
{
	struct inet_connection_sock___timeout *field = (void *)icsk;
	struct inet_connection_sock___timer *timer = (void *)icsk;
	struct sock___timer *sk = (void *)icsk;

	if (bpf_core_field_exists(field->icsk_timeout))
		return field->icsk_timeout;
	if (bpf_core_field_exists(timer->icsk_retransmit_timer))
		return timer->icsk_retransmit_timer.expires;
	if (bpf_core_field_exists(sk->tcp_retransmit_timer))
		return sk->tcp_retransmit_timer.expires;
	return 0;
}

/* When the keepalive timer runs out, which has moved; 0: it does not run. */
struct sock___keepalive {
	struct timer_list sk_timer;
} __attribute__((preserve_access_index));

struct inet_connection_sock___keepalive {
	struct timer_list icsk_keepalive_timer;
} __attribute__((preserve_access_index));

static __always_inline __u64
compat_keepalive_expires(struct inet_connection_sock *icsk)
{
	struct inet_connection_sock___keepalive *new = (void *)icsk;
	struct sock___keepalive *old = (void *)icsk;

	if (bpf_core_field_exists(new->icsk_keepalive_timer))
		return new->icsk_keepalive_timer.entry.pprev ?
			       new->icsk_keepalive_timer.expires :
			       0;
	if (bpf_core_field_exists(old->sk_timer))
		return old->sk_timer.entry.pprev ? old->sk_timer.expires : 0;
	return 0;
}

/*
 * Has TCP Fast Open made this child, whose SYN-ACK has just been acked? Linux
 * 6.16 has a flag of it. Before, the timer of the SYN-ACK tells, which still
 * says when it would have run out: a child of an ACK has had none.
 */
struct tcp_sock___child {
	__u8 syn_fastopen_child : 1;
} __attribute__((preserve_access_index));

static __always_inline bool compat_fastopen_child(struct tcp_sock *tp)
{
	struct tcp_sock___child *child = (void *)tp;

	if (bpf_core_field_exists(child->syn_fastopen_child))
		return BPF_CORE_READ_BITFIELD(child, syn_fastopen_child);
	return (__s64)(compat_icsk_expires(&tp->inet_conn) - bpf_jiffies64()) >
	       0;
}

/* From which ports the kernel chooses a local one, as highest << 16 | lowest. */
struct local_ports___pair {
	int range[2];
} __attribute__((preserve_access_index));

static __always_inline __u32 compat_local_ports(struct net *net)
{
	struct local_ports *ports = &net->ipv4.ip_local_ports;
	struct local_ports___pair *pair = (void *)ports;

	if (bpf_core_field_exists(pair->range))
		return pair->range[1] << 16 | pair->range[0];
	return ports->range;
}

/*
 * Does the verifier know bpf_rdonly_cast()? Linux 6.2. It reads by itself what
 * lockdown forbids bpf_probe_read_kernel().
 */
enum special_kfunc_type {
	KF_bpf_rdonly_cast,
};

#define compat_has_cast() \
	bpf_core_enum_value_exists(enum special_kfunc_type, KF_bpf_rdonly_cast)

/*
 * A pointer as a number. To newer kernels a pointer to bytes is memory that may
 * be read, and no number that may be passed on; what an atomic operation has
 * written is one to all of them.
 */
static __always_inline __u64 compat_number(const void *pointer)
{
	__u64 number = (__u64)pointer;

	asm volatile("lock *(u64 *)(%0 + 0) += %1" ::"r"(&number), "r"(0ull)
		     : "memory");
	return number;
}

/* Is this bit of enum sock_flags set? The numbers are the kernel's own. */
#define compat_sock_flag(sk, flag)                      \
	(((sk)->__sk_common.skc_flags >>                \
	  bpf_core_enum_value(enum sock_flags, flag)) & \
	 1)

/*
 * A pointer to a kernel object in a map, which may be followed after it has
 * been taken out, though nothing holds the object: what is read may be
 * anything. Linux 6.4 gave the tag its name. An older kernel refuses the type
 * of such a map; libbpf then makes it without, and the pointer is a number.
 * clang 14 forgets the tag of a pointer to a struct, but not to a typedef.
 */
#define COMPAT_KPTR __attribute__((btf_type_tag("kptr_untrusted")))
typedef struct sock compat_sock;

enum btf_field_type {
	BPF_REFCOUNT, /* Linux 6.5: any that is not much younger will do */
};

static __always_inline bool compat_has_kptr(void)
{
	return bpf_core_enum_value_exists(enum btf_field_type, BPF_REFCOUNT);
}

#endif
