/* SPDX-License-Identifier: GPL-2.0 */
/*
 * What a process has written down for its system call: addresses, options,
 * vectors. Lockdown may forbid to read it; and memory that has not been touched
 * yet cannot be, until the kernel has: so what is absent when a call begins may
 * be there when it ends.
 */
#ifndef TCBSCOPE_USER_H
#define TCBSCOPE_USER_H

#include "bpf/emit.h"

#define SOCKADDR_IN 16	/* bytes of it */
#define USER_VECTORS 16 /* parts of a vector that are added up */
#define MSG_FASTOPEN 0x20000000

struct user_sockaddr {
	__u16 family;
	__be16 port;
	__be32 v4; /* or the flow label */
	__be32 v6[4];
};

struct user_iovec {
	__u64 base, len;
};

struct user_msghdr {
	__u64 name;
	__u32 namelen, pad;
	__u64 iov, iovlen;
};

/* False: it cannot be read. The verifier never sees what may not be called. */
#define USER_READ(to, size, from) \
	(config.reads_user && !bpf_probe_read_user(to, size, (void *)(from)))

/* The address as one of the event's family, as all addresses in it are. */
static __always_inline void user_addr_fit(struct event_call *e)
{
	__be32 *to = (__be32 *)e->to.byte;

	if (e->to_family == e->ev.family)
		return;
	e->to_family = e->ev.family;
	if (e->ev.family == FAMILY_INET6) {
		to[3] = to[0];
		to[2] = bpf_htonl(0xffff);
		to[1] = to[0] = 0;
	} else {
		to[0] = to[2] == bpf_htonl(0xffff) ? to[3] : 0;
		to[1] = to[2] = to[3] = 0;
	}
}

/*
 * A socket without ends is going to have those that it is given. So the filter
 * has something to judge by, and the event says whose it is.
 */
__weak __noinline int user_addr_ends(struct event_call *e)
{
	if (!e || !e->to_family)
		return 0;
	user_addr_fit(e);
	if (e->op == CALL_bind) {
		if (e->ev.lport)
			return 0;
		e->ev.laddr = e->to;
		e->ev.lport = e->to_port;
		return 0;
	}
	if (e->ev.rport ||
	    (e->op != CALL_connect && !(e->flags & MSG_FASTOPEN)))
		return 0;
	e->ev.raddr = e->to;
	e->ev.rport = e->to_port;
	if (e->ev.family == FAMILY_INET6)
		e->ev.family = addrs_unmap((__be32 *)&e->ev.laddr,
					   (__be32 *)&e->ev.raddr);
	user_addr_fit(e);
	return 0;
}

/* The address at @from; none if it is of another family. */
__weak __noinline int user_addr(struct event_call *e, __u64 from, __u32 len)
{
	struct user_sockaddr sa = {};
	__be32 *to;

	if (!e || !from)
		return 0;
	to = (__be32 *)e->to.byte;
	if (len < SOCKADDR_IN || !USER_READ(&sa, 8, from))
		return 0;
	if (sa.family == FAMILY_INET) {
		to[0] = sa.v4;
		to[1] = to[2] = to[3] = 0;
	} else if (sa.family == FAMILY_INET6 && len >= sizeof(sa)) {
		if (!USER_READ(&sa, sizeof(sa), from))
			return 0;
		__builtin_memcpy(to, sa.v6, sizeof(sa.v6));
	} else {
		return 0;
	}
	e->to_port = bpf_ntohs(sa.port);
	e->to_family = sa.family;
	if (!e->inode) /* of no socket */
		e->ev.family = sa.family;
	user_addr_ends(e);
	return 0;
}

struct user_sum {
	__u64 from, bytes;
	bool failed;
};

static long user_add(__u32 i, struct user_sum *sum)
{
	struct user_iovec v = {};

	sum->failed = !USER_READ(&v, sizeof(v), sum->from + i * sizeof(v));
	sum->bytes += v.len;
	return sum->failed;
}

/* How many bytes a vector of @n parts has; CALL_LEN_UNKNOWN. */
__weak __noinline __u64 user_vector(__u64 from, __u64 n)
{
	struct user_sum sum = { .from = from };

	if (!config.reads_user || n > USER_VECTORS)
		return ~0ull;
	bpf_loop(n, user_add, &sum, 0);
	return sum.failed ? ~0ull : sum.bytes;
}

/* What sendmsg() and recvmsg() are given. */
__weak __noinline int user_msghdr(struct event_call *e, __u64 from)
{
	struct user_msghdr m = {};

	if (!e || !USER_READ(&m, sizeof(m), from))
		return 0;
	e->len = user_vector(m.iov, m.iovlen);
	if (e->op == CALL_sendmsg)
		user_addr(e, m.name, m.namelen);
	return 0;
}

/* The value of an option, if it is a number or a time. */
__weak __noinline int user_option(struct event_call *e, __u64 from, __u32 len)
{
	__u64 time[2];
	__s32 value[2];

	if (!e)
		return 0;
	switch (e->option) {
	case SOCKOPT_SO_LINGER:
		if (len == sizeof(value) &&
		    USER_READ(value, sizeof(value), from))
			e->optval = value[0] ? value[1] : -1;
		break;
	case SOCKOPT_SO_RCVTIMEO:
	case SOCKOPT_SO_SNDTIMEO:
		if (len == sizeof(time) && USER_READ(time, sizeof(time), from))
			e->optval = time[0] * 1000 + time[1] / 1000;
		break;
	default:
		if (len == sizeof(*value) &&
		    USER_READ(value, sizeof(*value), from))
			e->optval = value[0];
	}
	return 0;
}

#endif
