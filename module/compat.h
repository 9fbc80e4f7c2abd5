/* SPDX-License-Identifier: GPL-2.0 */
/*
 * What differs between kernels: one function or macro for each change, with the
 * release that made it. Nothing else in the module knows of versions.
 */
#ifndef TCBSCOPE_COMPAT_H
#define TCBSCOPE_COMPAT_H

#include <linux/version.h>
#include <net/genetlink.h>
#include <net/inet6_hashtables.h>
#include <net/inet_connection_sock.h>
#include <net/inet_hashtables.h>
#include <net/tcp.h>

/* 5.19: the window is read by a function. */
#if LINUX_VERSION_CODE < KERNEL_VERSION(5, 19, 0)
static inline u32 tcp_snd_cwnd(const struct tcp_sock *tp)
{
	return tp->snd_cwnd;
}
#endif

/* 5.19: listeners are hashed by address and port, not by port alone. */
#if LINUX_VERSION_CODE < KERNEL_VERSION(5, 19, 0)
static inline unsigned int compat_listen_buckets(const struct inet_hashinfo *h)
{
	return INET_LHTABLE_SIZE;
}

static inline struct inet_listen_hashbucket *
compat_listen_bucket(struct inet_hashinfo *h, unsigned int i)
{
	return &h->listening_hash[i];
}

static inline unsigned int compat_listen_hash(const struct inet_hashinfo *h,
					      const struct sock *sk)
{
	return inet_lhashfn(sock_net(sk), inet_sk(sk)->inet_num);
}
#else
static inline unsigned int compat_listen_buckets(const struct inet_hashinfo *h)
{
	return h->lhash2_mask + 1;
}

static inline struct inet_listen_hashbucket *
compat_listen_bucket(struct inet_hashinfo *h, unsigned int i)
{
	return &h->lhash2[i];
}

static inline unsigned int compat_listen_hash(const struct inet_hashinfo *h,
					      const struct sock *sk)
{
	u32 hash;

#if IS_ENABLED(CONFIG_IPV6)
	if (sk->sk_family == AF_INET6)
		hash = ipv6_portaddr_hash(sock_net(sk), &sk->sk_v6_rcv_saddr,
					  inet_sk(sk)->inet_num);
	else
#endif
		hash = ipv4_portaddr_hash(sock_net(sk), sk->sk_rcv_saddr,
					  inet_sk(sk)->inet_num);
	return hash & h->lhash2_mask;
}
#endif

/* 6.1: a namespace may have tables of its own; the pointer is older. */
static inline struct inet_hashinfo *compat_tables(const struct net *net)
{
	return net->ipv4.tcp_death_row.hashinfo;
}

/* 6.1: operations from this one on refuse unknown headers, too. */
#if LINUX_VERSION_CODE < KERNEL_VERSION(6, 1, 0)
#define COMPAT_RESV_START_OP(cmd)
#else
#define COMPAT_RESV_START_OP(cmd) .resv_start_op = (cmd),
#endif

/* 6.7: what a dump was asked for is in a struct genl_info. */
#if LINUX_VERSION_CODE < KERNEL_VERSION(6, 7, 0)
static inline struct nlattr **compat_dump_attrs(struct netlink_callback *cb)
{
	return genl_dumpit_info(cb)->attrs;
}
#else
static inline struct nlattr **compat_dump_attrs(struct netlink_callback *cb)
{
	return genl_info_dump(cb)->attrs;
}
#endif

/* 6.18: ECN is one of two kinds. */
#if LINUX_VERSION_CODE < KERNEL_VERSION(6, 18, 0)
static inline bool tcp_ecn_mode_any(const struct tcp_sock *tp)
{
	return tp->ecn_flags & TCP_ECN_OK;
}
#endif

/* 6.18: lookups find the tables themselves. */
#if LINUX_VERSION_CODE < KERNEL_VERSION(6, 18, 0)
static inline struct sock *compat_established(struct net *net, __be32 remote,
					      __be16 remote_port, __be32 local,
					      u16 local_port, int dif, int sdif)
{
	return __inet_lookup_established(net, compat_tables(net), remote,
					 remote_port, local, local_port, dif,
					 sdif);
}

#if IS_ENABLED(CONFIG_IPV6)
static inline struct sock *compat_established6(struct net *net,
					       const struct in6_addr *remote,
					       __be16 remote_port,
					       const struct in6_addr *local,
					       u16 local_port, int dif,
					       int sdif)
{
	return __inet6_lookup_established(net, compat_tables(net), remote,
					  remote_port, local, local_port, dif,
					  sdif);
}
#endif
#else
#define compat_established __inet_lookup_established
#define compat_established6 __inet6_lookup_established
#endif

/* 6.18 and later: timers know alone when they run out, and move to sock. */
#if LINUX_VERSION_CODE < KERNEL_VERSION(6, 18, 0)
static inline unsigned long compat_retransmit_expires(const struct sock *sk)
{
	return inet_csk(sk)->icsk_timeout;
}

static inline unsigned long compat_delack_expires(const struct sock *sk)
{
	return inet_csk(sk)->icsk_ack.timeout;
}

static inline const struct timer_list *compat_retransmit(const struct sock *sk)
{
	return &inet_csk(sk)->icsk_retransmit_timer;
}
#else
static inline unsigned long compat_retransmit_expires(const struct sock *sk)
{
	return tcp_timeout_expires(sk);
}

static inline unsigned long compat_delack_expires(const struct sock *sk)
{
	return icsk_delack_timeout(inet_csk(sk));
}

static inline const struct timer_list *compat_retransmit(const struct sock *sk)
{
	return &sk->tcp_retransmit_timer;
}
#endif

/*
 * The keepalive timer has moved in stable releases of any age, of which the
 * number tells nothing: Kbuild looks where it is.
 */
static inline const struct timer_list *compat_keepalive(const struct sock *sk)
{
#ifdef COMPAT_ICSK_KEEPALIVE
	return &inet_csk(sk)->icsk_keepalive_timer;
#else
	return &sk->sk_timer;
#endif
}

#endif
