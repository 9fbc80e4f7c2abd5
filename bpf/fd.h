/* SPDX-License-Identifier: GPL-2.0 */
/*
 * The socket behind a file descriptor of the running task.
 *
 * No typed pointer leads there, so it is a number, and what is read of it may
 * be anything if another thread closes the descriptor meanwhile.
 */
#ifndef TCBSCOPE_FD_H
#define TCBSCOPE_FD_H

#include "bpf/emit.h"
#include "bpf/peek.h"

/* What a descriptor is. */
enum fd_kind {
	FD_NONE,  /* not open, or no socket */
	FD_OTHER, /* another socket */
	FD_TCP,
};

struct fd {
	enum fd_kind kind;
	__u64 file, sk; /* numbers; 0: none */
};

#define FD_AT PEEK_FIELD

/*
 * The file behind a descriptor of the running task; 0: it is not open. A global
 * function: verified once, by itself, and not on each way that leads to it.
 */
__weak __noinline __u64 fd_file(__u32 fd)
{
	struct task_struct *task = (void *)bpf_get_current_task_btf();
	struct fdtable *fdt = task->files->fdt;

	if (fd >= fdt->max_fds)
		return 0;
	return peek_pointer(compat_number(fdt->fd) + fd * sizeof(void *));
}

/* The socket behind a descriptor that is known to be one; 0. */
static __always_inline __u64 fd_sock(__u32 fd)
{
	__u64 at = fd_file(fd);

	if (at)
		at = peek_pointer(FD_AT(at, struct file, private_data));
	return at ? peek_pointer(FD_AT(at, struct socket, sk)) : 0;
}

static __always_inline __u32 fd_word(__u64 from)
{
	struct peeked p = {};

	return peek(&p, from) ? 0 : p.word[0];
}

static __always_inline __u16 fd_family(__u64 sk)
{
	return fd_word(FD_AT(sk, struct sock, __sk_common.skc_family));
}

static __always_inline bool fd_is_tcp(__u64 sk)
{
	__u16 protocol = fd_word(FD_AT(sk, struct sock, sk_protocol));
	__u16 type = fd_word(FD_AT(sk, struct sock, sk_type));
	__u16 family = fd_family(sk);

	return protocol == IPPROTO_TCP && type == SOCK_STREAM &&
	       (family == FAMILY_INET || family == FAMILY_INET6);
}

/* A socket knows its file: so it is told from whatever else is in one. */
static __always_inline int fd_look(struct fd *to, __u64 file)
{
	__u64 at;

	to->kind = FD_NONE;
	to->sk = 0;
	to->file = file;
	if (!file)
		return 0;
	at = peek_pointer(FD_AT(to->file, struct file, private_data));
	if (!at || peek_pointer(FD_AT(at, struct socket, file)) != to->file)
		return 0;
	to->sk = peek_pointer(FD_AT(at, struct socket, sk));
	if (to->sk)
		to->kind = fd_is_tcp(to->sk) ? FD_TCP : FD_OTHER;
	return 0;
}

__weak __noinline int fd_find(struct fd *to, __u32 fd)
{
	return to ? fd_look(to, fd_file(fd)) : 0;
}

/* As sock_addrs(), of a socket that is but a number. */
static __always_inline enum family fd_addrs(__u64 sk, addr_t *laddr,
					    addr_t *raddr)
{
	__be32 *l = (__be32 *)laddr->byte, *r = (__be32 *)raddr->byte;

	if (fd_family(sk) == FAMILY_INET) {
		l[1] = l[2] = l[3] = 0;
		r[1] = r[2] = r[3] = 0;
		l[0] = fd_word(
			FD_AT(sk, struct sock, __sk_common.skc_rcv_saddr));
		r[0] = fd_word(FD_AT(sk, struct sock, __sk_common.skc_daddr));
		return FAMILY_INET;
	}
	peek((void *)laddr,
	     FD_AT(sk, struct sock, __sk_common.skc_v6_rcv_saddr));
	peek((void *)raddr, FD_AT(sk, struct sock, __sk_common.skc_v6_daddr));
	return addrs_unmap(l, r);
}

static __always_inline __u64 fd_cgroup_id(__u64 cgroup)
{
	__u64 kn = cgroup ? peek_pointer(FD_AT(cgroup, struct cgroup, kn)) : 0;

	return kn ? peek_pointer(FD_AT(kn, struct kernfs_node, id)) : 0;
}

/* As cgroup_within(). */
__weak __noinline int fd_within(__u64 cgroup)
{
	__u32 within = 0, i, k;
	__u64 parent, id;

	for (i = 0; i < CGROUP_DEPTH && cgroup; i++) {
		id = fd_cgroup_id(cgroup);
		for (k = 0; k < FILTER_CGROUPS && k < config.filter.n_cgroups;
		     k++)
			within |= equal(id, config.filter.cgroups[k]) << k;
		parent = peek_pointer(
			FD_AT(cgroup, struct cgroup, self.parent));
		if (!parent)
			break;
		cgroup = peek_pointer(
			FD_AT(parent, struct cgroup_subsys_state, cgroup));
	}
	return within;
}

/* As ends_read(). */
__weak __noinline int fd_ends(struct ends *ends, __u64 sk)
{
	__u64 cgroup = peek_pointer(
		FD_AT(sk, struct sock, sk_cgrp_data.cgroup));
	__u64 net = peek_pointer(
		FD_AT(sk, struct sock, __sk_common.skc_net.net));

	if (!ends)
		return 0;
	ends->cookie = peek_cookie(sk);
	ends->cgroup = fd_cgroup_id(cgroup);
	ends->within = config.filter.n_cgroups ? fd_within(cgroup) : 0;
	ends->netns = fd_word(FD_AT(net, struct net, ns.inum));
	ends->lport = fd_word(FD_AT(sk, struct sock, __sk_common.skc_num));
	if (!ends->lport)
		ends->lport = bpf_ntohs((__u16)fd_word(
			FD_AT(sk, struct inet_sock, inet_sport)));
	ends->rport = bpf_ntohs(
		(__u16)fd_word(FD_AT(sk, struct sock, __sk_common.skc_dport)));
	ends->family = fd_addrs(sk, &ends->laddr, &ends->raddr);
	return 0;
}

#endif
