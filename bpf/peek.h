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

/* A pointer, as a number; 0: there is none, or it cannot be read. */
static __always_inline __u64 peek_pointer(__u64 from)
{
	struct peeked p = {};

	return peek(&p, from) ? 0 : p.pointer;
}

#endif
