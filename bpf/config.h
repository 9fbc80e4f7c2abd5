/* SPDX-License-Identifier: GPL-2.0 */
/*
 * What user space tells the BPF programs before it loads them (rodata), and
 * what they count for it.
 */
#ifndef TCBSCOPE_CONFIG_H
#define TCBSCOPE_CONFIG_H

#include "bpf/event.h"

#define CONFIG_PORTS (65536 / 32) /* words of a bit map of all ports */
#define CONFIG_CALLS 512	  /* system call numbers that can be named */
#define FILTER_CGROUPS 8	  /* bits of struct event's `within' */
#define EVENT_TYPES 16		  /* more than the highest enum event_type */
#define RING_DEFAULT (8u << 20)

struct config {
	__u32 events;	  /* bit mask of 1 << enum event_type */
	__u8 offspring;	  /* only sockets of the descendants of `tree' */
	__u8 all_windows; /* 0: only falls of cwnd and congestion states */
	__u8 some_ports;  /* only if either end's port is in ports[] */
	__u8 call[CONFIG_CALLS]; /* system call number -> enum cause */
	__u32 ports[CONFIG_PORTS];
};

#define COUNTERS \
	64 /* sets of counters: CPUs share them, one mostly has its own */

/*
 * Exact counts, to be added up over all sets: generated = ring_lost + what the
 * reader takes from the ring. The others stand beside that sum.
 */
struct counters {
	__u64 generated[EVENT_TYPES];	    /* passed the kernel's filter */
	__u64 ring_lost[EVENT_TYPES];	    /* found the ring full */
	__u64 kernel_filtered[EVENT_TYPES]; /* did not pass it */
	__u64 recovered;		    /* by the second copy */
	__u64 gaps;			    /* old state != last new state */
	__u64 no_storage; /* socket memory refused: owner and gaps unknown */
} __attribute__((aligned(64)));

/* What the setup program finds out, once, before the others are attached. */
struct setup {
	__u64 jiffies;
	nsec_t now_ns;
	__u32 tgid; /* the caller's, in the initial pid namespace */
	__u32 pad;
};

#endif
