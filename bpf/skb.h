/* SPDX-License-Identifier: GPL-2.0 */
/* The IP headers of a packet that the programs of a cgroup are given. */
#ifndef TCBSCOPE_SKB_H
#define TCBSCOPE_SKB_H

#include "bpf/packet.h"

#define IPV6_HEADER 40
#define EXTENSIONS 8 /* headers between IPv6 and TCP that are looked through */

#define IPPROTO_HOPOPTS 0
#define IPPROTO_ROUTING 43
#define IPPROTO_FRAGMENT 44
#define IPPROTO_AH 51
#define IPPROTO_DSTOPTS 60

/* Bytes of the packet, whose IP header is at 0, wherever they are. */
#define LOAD(skb, at, to, n) (!bpf_skb_load_bytes(skb, at, to, n))

/* Where the TCP header is, behind what stands before it; 0: there is none. */
static __noinline __u32 skb_skip(struct __sk_buff *skb, __u32 next)
{
	__u32 at = IPV6_HEADER, i;
	__u8 byte[4];

	for (i = 0; i < EXTENSIONS && next != IPPROTO_TCP; i++) {
		if (!LOAD(skb, at, byte, sizeof(byte)))
			return 0;
		if (next == IPPROTO_FRAGMENT) {
			if (byte[2] || byte[3] & 0xf8) /* not the first */
				return 0;
			at += 8;
		} else if (next == IPPROTO_AH) {
			at += (byte[1] + 2) * 4;
		} else if (next == IPPROTO_HOPOPTS || next == IPPROTO_ROUTING ||
			   next == IPPROTO_DSTOPTS) {
			at += (byte[1] + 1) * 8;
		} else {
			return 0;
		}
		next = byte[0];
	}
	return next == IPPROTO_TCP ? at : 0;
}

/* Addresses, and where the TCP header is; 0: it is no TCP over IP. */
static __always_inline __u32 skb_ip(struct packet *p, struct __sk_buff *skb,
				    bool sent)
{
	__be32 *src = (__be32 *)(sent ? &p->ends.laddr : &p->ends.raddr);
	__be32 *dst = (__be32 *)(sent ? &p->ends.raddr : &p->ends.laddr);
	__be32 word[IPV6_HEADER / 4];
	__u8 *byte = (__u8 *)word;
	int i;

	if (!LOAD(skb, 0, word, IPV4_HEADER))
		return 0;
	if (byte[0] >> 4 == 4) {
		if (byte[9] != IPPROTO_TCP || bpf_ntohl(word[1]) & 0x1fff)
			return 0;
		p->ends.family = FAMILY_INET;
		src[0] = word[3];
		dst[0] = word[4];
		return (byte[0] & 0xf) * 4;
	}
	if (byte[0] >> 4 != 6 || !LOAD(skb, 0, word, IPV6_HEADER))
		return 0;
	p->ends.family = FAMILY_INET6;
	for (i = 0; i < 4; i++) {
		src[i] = word[2 + i];
		dst[i] = word[6 + i];
	}
	return skb_skip(skb, byte[6]);
}

#endif
