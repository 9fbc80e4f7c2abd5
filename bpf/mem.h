/* SPDX-License-Identifier: GPL-2.0 */
/*
 * What is remembered of a socket: which one it is, who owns it, what became of
 * it last.
 */
#ifndef TCBSCOPE_MEM_H
#define TCBSCOPE_MEM_H

#include "bpf/compat.h"
#include "bpf/config.h"
#include "bpf/kernel.h"
#include <bpf/bpf_core_read.h>
#include <bpf/bpf_endian.h>
#include <bpf/bpf_helpers.h>
#include <bpf/bpf_tracing.h>

#define TREE_DEPTH 32	/* generations of processes that are searched */
#define CGROUP_DEPTH 16 /* levels of cgroups, from the socket's upwards */

/* A state transition, complete but for the socket's endpoints. */
struct transition {
	nsec_t ts;
	__u32 seq;
	__u32 err;
	__u8 old;
	__u8 new;
	__u8 how;
	__u8 cause;
	__u8 cause_how;
	__u8 kind;
	__u8 kind_how;
	__u8 tw_substate;
	__u8 gap_from;
};

#define MEM_TREE 0x01	 /* the owner belongs to the traced command */
#define MEM_RST 0x02	 /* tcp_reset() has been called */
#define MEM_CLOSING 0x04 /* close() met FIN_WAIT2 at mem->fin_wait2_ts */
#define MEM_ACTIVE 0x08	 /* it has sent the first SYN */
#define MEM_CHILD 0x10	 /* its listener has sent the SYN-ACK */
#define MEM_ENDS 0x20	 /* mem->ends is whole, and will not change */
#define MEM_BORN 0x40	 /* the trace has seen it begin */
#define MEM_QUEUED 0x80	 /* in the accept queue since mem->queued_ns */
#define MEM_LAST \
	(MEM_TREE | MEM_ENDS | MEM_ACTIVE | MEM_CHILD) /* closed, too */
#define MEM_FLAGS_SHIFT 24 /* of sock_mem.flags in .word */

/*
 * Which socket it is, as events say it. It does not change while a connection
 * lasts, so each event takes a copy of what was read once: following pointers
 * and telling IPv4 from IPv6 would cost more than all the rest.
 */
struct ends {
	__u64 cookie;
	__u64 cgroup;
	addr_t laddr;
	addr_t raddr;
	__u32 netns;
	port_t lport;
	port_t rport;
	enum family family;
	__u8 within; /* as struct event's */
	__u8 pad[6];
};

/*
 * What we remember of a socket, in its own storage: it dies with the socket,
 * and a listener's children begin with a copy. The kernel charges it to the
 * socket's option memory, and puts 72 bytes before it: more than 184 would take
 * twice the memory.
 */
struct sock_mem {
	struct transition held; /* waits for its endpoints (bpf/hold.h) ... */
	__u64 ticket;		/* ... if not 0 */
	struct ends ends;
	__u32 seq;	/* of the next event */
	__u64 listener; /* cookie; of a listener its own */
	union {
		nsec_t queued_ns;    /* while it waits to be accepted */
		nsec_t fin_wait2_ts; /* when a closed one came to FIN_WAIT2 */
	};
	union {
		__u32 queued_syn;   /* QUEUED_x, see bpf/queue.h */
		__u32 data_segs_in; /* when it came to FIN_WAIT1 */
	};
	__u32 pid;
	__u32 tid;
	char comm[16];
	union {
		struct {
			__u8 owner_how;
			__u8 old; /* last transition, for the second copy ... */
			__u8 new; /* ... and for gaps; 0: none was seen */
			__u8 flags; /* MEM_x */
		};
		__u32 word; /* all four, for bpf/snapshot.bpf.c to swap */
	};
	__u8 fails; /* filter_fails(), while owner and ends are the same */
	__u8 ca_state;
	__u32 cwnd; /* last seen; 0: never */
	__u32 ssthresh;
	__u32 undo_marker; /* of a loss that may be undone; 0: none */
	__u32 before_loss; /* total_retrans when the marker was set */
};

_Static_assert(sizeof(struct sock_mem) <= 184, "sock_mem");

struct {
	__uint(type, BPF_MAP_TYPE_SK_STORAGE);
	__uint(map_flags, BPF_F_NO_PREALLOC | BPF_F_CLONE);
	__type(key, int);
	__type(value, struct sock_mem);
} memory SEC(".maps");

/*
 * Is it a full TCP socket? Some tracepoints tell of every socket there is, and
 * bpf_skc_to_tcp_sock() takes a raw one of IPPROTO_TCP for one, too.
 */
static __always_inline bool sock_is_tcp(struct sock *sk)
{
	unsigned short family = sk->__sk_common.skc_family;

	return sk->sk_protocol == IPPROTO_TCP && sk->sk_type == SOCK_STREAM &&
	       (family == FAMILY_INET || family == FAMILY_INET6);
}

static __always_inline struct sock_mem *mem_find(struct sock *sk)
{
	return bpf_sk_storage_get(&memory, sk, 0, 0);
}

static __always_inline struct sock_mem *mem_make(struct sock *sk)
{
	struct sock_mem *mem;

	mem = bpf_sk_storage_get(&memory, sk, 0, BPF_SK_STORAGE_GET_F_CREATE);
	if (!mem)
		COUNT(no_storage);
	return mem;
}

static __always_inline __u32 mem_seq(struct sock_mem *mem)
{
	return __sync_fetch_and_add(&mem->seq, 1);
}

/* The way from a task up to its ancestors. */
struct ascent {
	struct task_struct *task;
	int in_tree;
};

/* As bpf_loop() wants it: 1 ends the loop. */
static long ascend(__u32 generation, struct ascent *a)
{
	if (!a->task || a->task->tgid <= 1)
		return 1;
	a->in_tree = (__u32)a->task->tgid == tree;
	if (a->in_tree)
		return 1;
	a->task = a->task->real_parent;
	return 0;
}

/*
 * Is the running task the offspring of the traced command's keeper? A global
 * function is verified once, by itself, and the body of bpf_loop() until its
 * types repeat, where a plain loop is verified turn by turn. It begins at a
 * thread of the same process, whose pointer is not trusted, as sock_of()'s.
 */
__weak __noinline int task_in_tree(void)
{
	struct task_struct *task = (void *)bpf_get_current_task_btf();
	struct ascent a = { .task = task->signal->curr_target };

	bpf_loop(TREE_DEPTH, ascend, &a, 0);
	return a.in_tree;
}

/*
 * The running task owns the socket. To be called only where the caller knows
 * that it is the one that acts: `current' means nothing in softirq.
 */
static __always_inline void mem_own(struct sock_mem *mem)
{
	__u64 id = bpf_get_current_pid_tgid();

	mem->pid = id >> 32;
	mem->tid = id;
	bpf_get_current_comm(mem->comm, sizeof(mem->comm));
	mem->owner_how = HOW_observed;
	if (config.offspring && task_in_tree())
		mem->flags |= MEM_TREE;
	else
		mem->flags &= ~MEM_TREE;
}

/*
 * The same socket by a pointer that the verifier does not call trusted: where
 * a trusted one is followed it searches all of the kernel's types by name.
 */
static __always_inline struct sock *sock_of(struct tcp_sock *tp)
{
	return &tp->inet_conn.icsk_inet.sk;
}

static __always_inline port_t sock_lport(struct sock *sk, struct tcp_sock *tp)
{
	return sk->__sk_common.skc_num ?:
		       bpf_ntohs(tp->inet_conn.icsk_inet.inet_sport);
}

static __always_inline port_t sock_rport(struct sock *sk)
{
	return bpf_ntohs(sk->__sk_common.skc_dport);
}

/* IPv4 for an IPv6 socket that speaks IPv4. */
static __always_inline enum family addrs_unmap(__be32 *l, __be32 *r)
{
	if (r[0] || r[1] || r[2] != bpf_htonl(0xffff))
		return FAMILY_INET6;
	l[0] = l[2] == bpf_htonl(0xffff) ? l[3] : 0;
	r[0] = r[3];
	l[1] = l[2] = l[3] = 0;
	r[1] = r[2] = r[3] = 0;
	return FAMILY_INET;
}

/* Addresses as on the wire. */
static __always_inline enum family sock_addrs(struct sock_common *skc,
					      addr_t *laddr, addr_t *raddr)
{
	__be32 *l = (__be32 *)laddr->byte, *r = (__be32 *)raddr->byte;

	if (skc->skc_family == FAMILY_INET) {
		l[0] = skc->skc_rcv_saddr;
		r[0] = skc->skc_daddr;
		l[1] = l[2] = l[3] = 0;
		r[1] = r[2] = r[3] = 0;
		return FAMILY_INET;
	}
	l[0] = skc->skc_v6_rcv_saddr.in6_u.u6_addr32[0];
	l[1] = skc->skc_v6_rcv_saddr.in6_u.u6_addr32[1];
	l[2] = skc->skc_v6_rcv_saddr.in6_u.u6_addr32[2];
	l[3] = skc->skc_v6_rcv_saddr.in6_u.u6_addr32[3];
	r[0] = skc->skc_v6_daddr.in6_u.u6_addr32[0];
	r[1] = skc->skc_v6_daddr.in6_u.u6_addr32[1];
	r[2] = skc->skc_v6_daddr.in6_u.u6_addr32[2];
	r[3] = skc->skc_v6_daddr.in6_u.u6_addr32[3];
	return addrs_unmap(l, r);
}

/* 1 if they are equal, else 0; a branch would double what is verified. */
static __always_inline __u32 equal(__u64 a, __u64 b)
{
	__u64 differ = a ^ b;

	return ((differ | -differ) >> 63) ^ 1;
}

/* In which of the cgroups that the filter names a cgroup is, as bits. */
static __noinline __u32 cgroup_within(struct cgroup *cgroup)
{
	__u32 within = 0, i, k;

	for (i = 0; i < CGROUP_DEPTH && cgroup; i++) {
		struct cgroup_subsys_state *parent = cgroup->self.parent;
		__u64 id = cgroup->kn->id;

		for (k = 0; k < FILTER_CGROUPS && k < config.filter.n_cgroups;
		     k++)
			within |= equal(id, config.filter.cgroups[k]) << k;
		if (!parent)
			break;
		cgroup = parent->cgroup;
	}
	return within;
}

/* Where the socket is: namespace and cgroup. */
static __always_inline void ends_place(struct ends *ends, struct tcp_sock *tp)
{
	struct cgroup *cgroup = sock_of(tp)->sk_cgrp_data.cgroup;
	struct net *net = sock_of(tp)->__sk_common.skc_net.net;

	ends->cgroup = cgroup ? cgroup->kn->id : 0;
	ends->within = config.filter.n_cgroups ? cgroup_within(cgroup) : 0;
	ends->netns = net->ns.inum;
}

static __noinline void ends_read(struct ends *ends, struct sock *sk,
				 struct tcp_sock *tp)
{
	ends_place(ends, tp);
	ends->cookie = bpf_get_socket_cookie(sk);
	ends->lport = sock_lport(sk, tp);
	ends->rport = sock_rport(sk);
	ends->family = sock_addrs(&sk->__sk_common, &ends->laddr, &ends->raddr);
}

static __always_inline void ends_fill(struct event *e, const struct ends *ends)
{
	e->cookie = ends->cookie;
	e->cgroup = ends->cgroup;
	e->netns = ends->netns;
	e->lport = ends->lport;
	e->rport = ends->rport;
	e->laddr = ends->laddr;
	e->raddr = ends->raddr;
	e->family = ends->family;
	e->within = ends->within;
}

/* Of a socket whose connection has both ends they are read but once. */
static __always_inline void mem_ends(struct sock_mem *mem, struct sock *sk,
				     struct tcp_sock *tp)
{
	if (mem->flags & MEM_ENDS)
		return;
	ends_read(&mem->ends, sk, tp);
	if (mem->ends.lport && mem->ends.rport)
		mem->flags |= MEM_ENDS;
}

#endif
