/* SPDX-License-Identifier: GPL-2.0 */
/*
 * What becomes of a segment that comes to a listener: a SYN, or the last ACK.
 *
 * The kernel tells of what it queues, and says nothing of what it drops or
 * answers by a cookie. But it decides at once, on the CPU that the segment came
 * in on. So what would be told if it is not queued is written into a slot of
 * this CPU before, with the rule that explains it by the depths of the queues.
 * Who hears that it is queued takes it out again; what is found there by the
 * next segment, or later by the reader, is true.
 */
#ifndef TCBSCOPE_QUEUE_SYN_H
#define TCBSCOPE_QUEUE_SYN_H

#include "bpf/emit.h"

enum {
	SLOT_FREE,
	SLOT_BUSY,  /* being written or told */
	SLOT_WAITS, /* for the kernel's decision, or to be told */
};

struct queue_slot {
	__u64 is;	/* SLOT_x */
	__u64 cookie;	/* a CPU's first: the ACK that came last had one */
	__u64 doubtful; /* true only if its listener has more drops by then */
	struct event_queue e;
};

/* QUEUE_SLOTS for each CPU: the loader knows how many that is. */
struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, QUEUE_SLOTS);
	__type(key, __u32);
	__type(value, struct queue_slot);
} queue_slots SEC(".maps");

static __always_inline struct queue_slot *queue_slot(__u32 i)
{
	return bpf_map_lookup_elem(&queue_slots, &i);
}

static __always_inline struct queue_slot *queue_own_slot(__u32 i)
{
	return queue_slot(bpf_get_smp_processor_id() * QUEUE_SLOTS + i);
}

/* Gets what waits there, if it does: then nobody else does. */
static __always_inline bool queue_slot_take(struct queue_slot *slot)
{
	return slot && slot->is == SLOT_WAITS &&
	       __sync_val_compare_and_swap(&slot->is, SLOT_WAITS, SLOT_BUSY) ==
		       SLOT_WAITS;
}

static __always_inline void queue_slot_leave(struct queue_slot *slot, __u64 is)
{
	__sync_lock_test_and_set(&slot->is, is);
}

/* Is it of this peer? 0: the kernel has not said yet whose it is. */
static __always_inline bool queue_slot_is_of(const struct queue_slot *slot,
					     port_t rport)
{
	return !rport || slot->e.ev.rport == rport;
}

/*
 * The segment that waits on this CPU has become a connection. Does it owe that
 * to a cookie?
 */
static __always_inline bool queue_syn_answered(port_t rport)
{
	struct queue_slot *slot;
	bool cookie = false;
	int i;

	for (i = 0; i < QUEUE_SLOTS; i++) {
		slot = queue_own_slot(i);
		if (slot && queue_slot_is_of(slot, rport) &&
		    queue_slot_take(slot))
			queue_slot_leave(slot, SLOT_FREE);
		cookie |= slot && slot->cookie;
	}
	return cookie;
}

/*
 * By which of its rules, in their order, the kernel makes no request of a SYN,
 * with these depths and @more that another CPU may have added. A SYN that
 * reuses a TIME_WAIT is spared most of them, but that one is queued.
 */
static __always_inline void queue_judge(struct event_queue *e, struct net *net,
					__u32 more)
{
	__u32 cookies = net->ipv4.sysctl_tcp_syncookies;
	int room = net->ipv4.sysctl_max_syn_backlog;
	bool full = e->syn + more > e->limit;

	e->op = QUEUE_SYN_dropped;
	e->rule_how = HOW_derived;
	if (full && !cookies) {
		e->rule = QUEUE_RULE_SYN_queue_full_drop;
	} else if (e->accept + more > e->limit) {
		e->rule = QUEUE_RULE_accept_queue_full;
	} else if (full || cookies == 2) {
		e->op = QUEUE_cookie_sent;
		e->rule = full ? QUEUE_RULE_SYN_queue_full_cookie :
				 QUEUE_RULE_cookies_always;
	} else if (!cookies && room - (int)(e->syn + more) < room >> 2) {
		e->rule = QUEUE_RULE_last_quarter;
	} else {
		e->rule = QUEUE_RULE_NONE;
		e->rule_how = 0;
	}
}

/* Why the last ACK makes no socket: nothing else is looked at there. */
static __always_inline void queue_judge_ack(struct event_queue *e,
					    struct net *net)
{
	e->op = QUEUE_accept_overflow;
	e->rule = net->ipv4.sysctl_tcp_abort_on_overflow ?
			  QUEUE_RULE_abort_on_overflow :
			  QUEUE_RULE_third_ACK_overflow;
	e->rule_how = HOW_derived;
}

#endif
