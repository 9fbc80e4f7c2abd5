/* SPDX-License-Identifier: GPL-2.0 */
/*
 * What user space tells the BPF programs before it loads them (rodata), what it
 * asks them, and what they count for it.
 */
#ifndef TCBSCOPE_CONFIG_H
#define TCBSCOPE_CONFIG_H

#include "bpf/event.h"

#define CONFIG_PORTS (65536 / 32) /* words of a bit map of all ports */
#define CONFIG_CALLS 512	  /* system call numbers that can be named */
#define CONFIG_URING 64		  /* operations of io_uring, the same */
#define CONFIG_OPTIONS 128	  /* numbers of socket options, the same */
#define KFILTER_TESTS 12
#define KFILTER_SETS 4	 /* of ports, or of 16 bits of other numbers */
#define FILTER_CGROUPS 8 /* bits of struct event's `within' */
#define EVENT_TYPES 16	 /* more than the highest enum event_type */
#define EVENTS_OPT_IN	 /* only if asked for by name */ \
	(1u << EVENT_drop | 1u << EVENT_segment | 1u << EVENT_call)
#define RING_DEFAULT (8u << 20)
#define QUEUE_SLOTS 2 /* of a CPU: the reader may be busy with one of them */

/* What a test of the kernel's share of the filter looks at. */
enum kfilter_subject {
	KFILTER_PID = 1,
	KFILTER_UID,
	KFILTER_NETNS,
	KFILTER_LPORT,
	KFILTER_RPORT,
	KFILTER_LADDR,
	KFILTER_RADDR,
	KFILTER_COMM,
	KFILTER_CGROUP,
	KFILTER_OLD, /* state before a transition */
	KFILTER_NEW, /* state after it; the socket's, of other events */
};

#define KFILTER_NEEDS(subject) (1u << (subject))

/* Transitions that pass all the same, for those who follow connections. */
enum kfilter_spares {
	KFILTER_SPARES_NONE,
	KFILTER_SPARES_PAIRS,	/* what says which sockets are two ends */
	KFILTER_SPARES_OPENING, /* and who began, who accepted */
};

/*
 * Tests in a row, up to the one that is the last of them, are alternatives:
 * one must hold. All such clauses must, of which types has the event's bit.
 */
struct kfilter_test {
	__u64 value[2], mask[2]; /* of 16 bytes, what they must be where */
	union {
		struct {
			__u32 from, to; /* of a number, both included */
		};
		__u32 bits; /* of states and cgroups, which of them */
		struct {
			__u32 set;		/* the index in sets ... */
			port_t lowest, highest; /* ... and of ports, which */
		};
	};
	__u32 types; /* bit mask of 1 << enum event_type */
	__u8 subject;
	__u8 negate; /* 16 bytes and cgroups only */
	__u8 family; /* of addresses */
	__u8 last;   /* of its clause */
	__u8 spares; /* enum kfilter_spares, if the clause fails */
	__u8 in_set; /* of a number: its lowest 16 bits are in the set */
	__u8 pad[2];
};

/* What of the filter the kernel decides; the reader decides all of it. */
struct kfilter {
	__u32 n, n_cgroups;
	__u32 needs; /* bit mask of KFILTER_NEEDS(subject) */
	__u32 pad;
	struct kfilter_test tests[KFILTER_TESTS];
	__u64 cgroups[FILTER_CGROUPS];
	__u32 sets[KFILTER_SETS][CONFIG_PORTS];
};

/*
 * What a system call is to us. Its arguments count from 1, and 0 is none: which
 * of them is the file descriptor, how many bytes it is about, its flags, and
 * the address, which the length of the address follows.
 */
struct config_call {
	__u8 cause; /* enum cause, of the transitions that it makes */
	__u8 op;    /* enum call_op; 0: not traced */
	__u8 fd, len, flags, addr;
	__u8 fd2;	   /* or this one, if the other is no TCP socket */
	__u8 sockets_only; /* it fails on any other file */
};

struct config {
	__u32 events;	  /* bit mask of 1 << enum event_type */
	__u32 named;	  /* of these, those that were asked for by name: only
			     they are worth what others pay for */
	__u32 in6_addr;	  /* the kernel's id of that type */
	__u32 accept[2];  /* system call numbers of accept() and accept4() */
	__u8 offspring;	  /* only sockets of the descendants of `tree' ... */
	__u8 peers;	  /* ... but all transitions: they may be of a peer */
	__u8 tells_ready; /* queue_ready is loaded: a listener is seen, too */
	__u8 tells_syns;  /* queue_segment is: each SYN is seen */
	__u8 light;	  /* only queues, by bpf/queue_light.bpf.c */
	__u8 all_windows; /* 0: only falls of cwnd and congestion states */
	struct config_call call[CONFIG_CALLS]; /* by system call number */
	__u8 uring[CONFIG_URING];	       /* IORING_OP_x -> enum call_op */
	__u32 level[2]; /* SOL_SOCKET, SOL_TCP, as this machine has them ... */
	__u8 option[2][CONFIG_OPTIONS]; /* ... and enum sockopt of theirs */
	__u8 epoll_event; /* bytes of one; the number of a process is last */
	__u8 reads_user;  /* programs may read the memory of processes */
	struct kfilter filter;
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

#ifdef __bpf__
extern const volatile struct config config;
extern __u32 hz;   /* jiffies a second; 0: unknown. Set before attaching. */
extern __u32 tree; /* the process whose offspring is traced */
extern struct counters counters[COUNTERS];

/*
 * Added locked: a softirq may come between load and store, and CPUs beyond
 * COUNTERS share.
 */
#define COUNT(field)          \
	__sync_fetch_and_add( \
		&counters[bpf_get_smp_processor_id() % COUNTERS].field, 1)
#endif

/* What the setup program finds out, once, before the others are attached. */
struct setup {
	__u64 jiffies;
	nsec_t now_ns;
	__u32 tgid; /* the caller's, in the initial pid namespace */
	__u32 pad;
};

/* Which listener the reader wants looked at. */
struct look {
	__u64 listener; /* its cookie; 0: all that have had drops since */
	__u64 children; /* how many of those that wait in it, at most */
};

/* Where it is to be found; only the programs know. */
struct listener_place {
	__u64 sk;
	struct event ev; /* who it is, as its events say it */
	__u32 drops;	 /* that it had when all were looked at last */
	__u32 pad;
};

#endif
