/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Where the listeners are, so that one can be looked at while nothing happens
 * (listener.bpf.c).
 *
 * An address is kept as a number. The kernel frees a listener only when nobody
 * is left who has begun to look while it was listening, and whoever looks makes
 * sure, by state and cookie, that it is still the same one.
 */
#ifndef TCBSCOPE_LISTENER_H
#define TCBSCOPE_LISTENER_H

#include "bpf/emit.h"
#include "bpf/peek.h"

#define LISTENERS 65536

struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, LISTENERS);
	__uint(map_flags, BPF_F_NO_PREALLOC);
	__type(key, __u64); /* its cookie */
	__type(value, struct listener_place);
} listener_places SEC(".maps");

extern struct listener_place listener_nowhere; /* all zero */

/* Filled in where it is: there is no room on the stack. The address comes last.
 */
static __noinline void listener_found(struct sock *sk, struct tcp_sock *tp,
				      struct sock_mem *mem)
{
	__u64 cookie = bpf_get_socket_cookie(sk);
	struct listener_place *place;

	if (!(config.events & 1u << EVENT_queue))
		return;
	bpf_map_update_elem(&listener_places, &cookie, &listener_nowhere,
			    BPF_NOEXIST);
	place = bpf_map_lookup_elem(&listener_places, &cookie);
	if (!place)
		return;
	event_fill(&place->ev, sk, tp, mem);
	place->ev.type = EVENT_queue;
	place->ev.how = HOW_sampled;
	place->drops = sk->sk_drops.counter;
	place->sk = compat_number(sk);
}

static __always_inline void listener_gone(__u64 cookie)
{
	bpf_map_delete_elem(&listener_places, &cookie);
}

/* Is it still the one that it was? */
static __always_inline bool listener_is_at(const struct listener_place *place,
					   __u64 cookie)
{
	return place->sk && peek_state(place->sk) == TCB_STATE_LISTEN &&
	       peek_cookie(place->sk) == cookie;
}

/* Where it is, if it is still the one that it was; else NULL. */
static __always_inline struct listener_place *listener_place(__u64 cookie)
{
	struct listener_place *place;

	place = bpf_map_lookup_elem(&listener_places, &cookie);
	return place && listener_is_at(place, cookie) ? place : NULL;
}

static __always_inline __u32 listener_drops(const struct listener_place *place)
{
	return peek_word(PEEK_FIELD(place->sk, struct sock, sk_drops));
}

#endif
