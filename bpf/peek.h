/* SPDX-License-Identifier: GPL-2.0 */
/* Reading what has no type for the verifier: bytes at an address. */
#ifndef TCBSCOPE_PEEK_H
#define TCBSCOPE_PEEK_H

#include "bpf/compat.h"

struct peeked {
	union {
		__u32 word[4];
		__u64 pointer;
	};
};

/* 16 bytes from anywhere in the kernel; 0 or -errno. */
extern int peek(struct peeked *to, __u64 from);

/* Where a field of the struct at this address is. */
#define PEEK_FIELD(at, type, field) ((at) + bpf_core_field_offset(type, field))

/* ~0: it cannot be read. */
static __always_inline __u32 peek_word(__u64 from)
{
	struct peeked p = {};

	return peek(&p, from) ? ~0u : p.word[0];
}

/* A pointer, as a number; 0: there is none, or it cannot be read. */
static __always_inline __u64 peek_pointer(__u64 from)
{
	struct peeked p = {};

	return peek(&p, from) ? 0 : p.pointer;
}

/* Of the socket at this address. */
static __always_inline __u8 peek_state(__u64 sk)
{
	return peek_word(PEEK_FIELD(sk, struct sock, __sk_common.skc_state));
}

static __always_inline __u64 peek_cookie(__u64 sk)
{
	return peek_pointer(
		PEEK_FIELD(sk, struct sock, __sk_common.skc_cookie));
}

#endif
