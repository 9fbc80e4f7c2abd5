/* SPDX-License-Identifier: GPL-2.0 */
/* The IP and TCP headers of a packet, for what belongs to no socket. */
#ifndef TCBSCOPE_PACKET_H
#define TCBSCOPE_PACKET_H

#include "bpf/emit.h"
#include "bpf/peek.h"

#define IPV4_HEADER 20 /* bytes without options */
#define HEADER_MIN 20  /* bytes of a TCP header without options */

struct packet {
	struct ends ends; /* cookie, cgroup and within: 0 */
	__u32 seq;
	__u32 ack; /* if there is one */
	__u32 uid;
	__u32 len; /* bytes of data */
	__u8 flags;
	__u8 pad[7];
};

/* The network namespace that it is in; 0: it is on no device any more. */
static __always_inline __u32 packet_netns(struct sk_buff *skb)
{
	struct net_device *dev = skb->dev;

	return dev ? dev->nd_net.net->ns.inum : 0;
}

static __always_inline bool packet_is_ip(struct sk_buff *skb)
{
	__be16 protocol = skb->protocol;

	return protocol == bpf_htons(ETH_P_IP) ||
	       protocol == bpf_htons(ETH_P_IPV6);
}

/* Where the IP header is, once that is known. */
static __always_inline __u64 packet_network(struct sk_buff *skb)
{
	return compat_number(skb->head) + skb->network_header;
}

/* Behind its linear part; what follows is no packet, but can be read. */
static __always_inline __u64 packet_end(struct sk_buff *skb)
{
	return compat_number(skb->data) + skb->len - skb->data_len;
}

/*
 * What the first 20 bytes of an IPv4 header, or the 40 of an IPv6 header, say.
 * Whose end is told of: it was @sent from there, or received. Returns the
 * length of the header; 0: it is not of TCP, or not of the first fragment.
 */
static __always_inline __u32 packet_ip(struct packet *p, const __u32 *word,
				       bool sent)
{
	__be32 *src = (__be32 *)(sent ? &p->ends.laddr : &p->ends.raddr);
	__be32 *dst = (__be32 *)(sent ? &p->ends.raddr : &p->ends.laddr);
	const __u8 *byte = (const __u8 *)word;
	__u32 header;
	int i;

	if (byte[0] >> 4 == 4) {
		if (byte[9] != IPPROTO_TCP || bpf_ntohl(word[1]) & 0x1fff)
			return 0;
		p->ends.family = FAMILY_INET;
		src[0] = word[3];
		dst[0] = word[4];
		header = (byte[0] & 0xf) * 4;
		p->len = bpf_ntohl(word[0]) - header;
		return header;
	}
	/* no other headers before that of TCP */
	if (byte[0] >> 4 != 6 || byte[6] != IPPROTO_TCP)
		return 0;
	p->ends.family = FAMILY_INET6;
	for (i = 0; i < 4; i++) {
		src[i] = word[2 + i];
		dst[i] = word[6 + i];
	}
	p->len = bpf_ntohl(word[1]) >> 16;
	return 40;
}

/* After it: the first 16 bytes of the TCP header. */
static __always_inline void packet_tcp(struct packet *p, const __u32 *word,
				       bool sent)
{
	const __u8 *byte = (const __u8 *)word;

	p->ends.lport = bpf_ntohl(word[0]) >> (sent ? 16 : 0);
	p->ends.rport = bpf_ntohl(word[0]) >> (sent ? 0 : 16);
	p->seq = bpf_ntohl(word[1]);
	p->ack = bpf_ntohl(word[2]);
	p->len = (__u16)(p->len - (byte[12] >> 4) * 4);
	p->flags = byte[13];
}

/* What is known of a packet by itself; @bytes: those from its IP header on. */
static __always_inline bool packet_begin(struct packet *p, struct sk_buff *skb,
					 __u64 at, struct peeked bytes[3])
{
	int i;

	__builtin_memset(p, 0, sizeof(*p));
	p->uid = -1;
	p->ends.netns = packet_netns(skb); /* verified once, as sock_of() */
	for (i = 0; i < 3; i++)
		if (peek(&bytes[i], at + i * sizeof(*bytes)))
			return false;
	return true;
}

/*
 * Reads from the IP header at @at. Returns the address of the TCP header; 0:
 * there is none, or not in the linear part: where TCP has seen a packet it is.
 */
static __always_inline __u64 packet_read(struct packet *p, struct sk_buff *skb,
					 __u64 at, bool sent)
{
	struct peeked bytes[3] = {}; /* an IPv6 header; a TCP header */
	__u32 header;

	if (!packet_begin(p, skb, at, bytes))
		return 0;
	header = packet_ip(p, bytes[0].word, sent);
	if (header < IPV4_HEADER ||
	    at + header + HEADER_MIN > packet_end(skb) ||
	    peek(&bytes[0], at + header))
		return 0;
	packet_tcp(p, bytes[0].word, sent);
	return at + header;
}

/*
 * One that TCP has been given: the kernel knows where its header is, whatever
 * IPv6 has before it. The length is not told.
 */
static __always_inline bool packet_received(struct packet *p,
					    struct sk_buff *skb)
{
	struct peeked bytes[3] = {};
	__u8 *byte = (__u8 *)bytes;

	if (!packet_begin(p, skb, packet_network(skb), bytes))
		return false;
	if (byte[0] >> 4 == 6)
		byte[6] = IPPROTO_TCP;
	if (!packet_ip(p, bytes[0].word, false) ||
	    peek(&bytes[0], compat_number(skb->head) + skb->transport_header))
		return false;
	packet_tcp(p, bytes[0].word, false);
	p->len = 0;
	return true;
}

/* What its socket says of the end here, by a pointer that is not trusted. */
static __always_inline void packet_of(struct packet *p, struct sock *sk)
{
	struct cgroup *cgroup = sk->sk_cgrp_data.cgroup;

	p->uid = sk->sk_uid.val;
	p->ends.netns = sk->__sk_common.skc_net.net->ns.inum;
	p->ends.cgroup = cgroup ? cgroup->kn->id : 0;
	p->ends.within = config.filter.n_cgroups ? cgroup_within(cgroup) : 0;
}

/*
 * event_wanted() and event_fill(), with the ends of the packet. @mem: NULL, or
 * of the socket that it belongs to, which is in @state; 0: there is none.
 */
static __always_inline bool packet_passes(const struct packet *p,
					  struct sock_mem *mem, __u8 state,
					  int type)
{
	struct filter_facts x = {
		.laddr.addr = p->ends.laddr,
		.raddr.addr = p->ends.raddr,
		.uid = p->uid,
		.netns = p->ends.netns,
		.new = 1u << state % 32,
		.types = 1u << type,
		.lport = FILTER_PORT(p->ends.lport),
		.rport = FILTER_PORT(p->ends.rport),
		.family = p->ends.family,
		.within = p->ends.within,
	};

	if (mem) {
		x.pid = mem->pid;
		__builtin_memcpy(x.comm.u8, mem->comm, sizeof(mem->comm));
	}
	return facts_pass(&x);
}

static __always_inline bool packet_wanted(const struct packet *p,
					  struct sock_mem *mem, __u8 state,
					  int type)
{
	if (!(config.events & 1u << type))
		return false;
	return wanted(owner_wanted(mem) && (!config.filter.n ||
					    packet_passes(p, mem, state, type)),
		      type);
}

static __always_inline void packet_fill(struct event *e, const struct packet *p,
					struct sock_mem *mem)
{
	e->uid = p->uid;
	if (mem)
		event_owned(e, &p->ends, mem);
	else
		event_unowned(e, &p->ends);
}

#endif
