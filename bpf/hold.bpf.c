// SPDX-License-Identifier: GPL-2.0
/*
 * The reader's look into the slots: run by hand, it emits the events there
 * whose socket has got its port.
 */
#include "bpf/hold.h"

__u64 hold_next = HOLD_FIRST;
__u64 hold_from = HOLD_FIRST;

/*
 * The local port of a socket that waits in a slot; 0 if connect() has yet to
 * choose it. The pointer is not trusted and the socket may be another one by
 * now: if so, @gone.
 */
struct looked {
	port_t lport;
	bool gone;
};

static __always_inline struct looked look(const struct hold_slot *slot)
{
	struct sock *sk = slot->sk;
	struct looked l = { .gone = true };
	__u64 cookie;

	if (!sk)
		return l;
	if (compat_has_kptr()) {
		l.lport = sk->__sk_common.skc_num;
		cookie = sk->__sk_common.skc_cookie.counter;
	} else {
		l.lport = BPF_CORE_READ(sk, __sk_common.skc_num);
		cookie = BPF_CORE_READ(sk, __sk_common.skc_cookie.counter);
	}
	l.gone = cookie != slot->e.ev.cookie;
	return l;
}

static __always_inline void emit(struct hold_slot *slot, port_t lport)
{
	struct event_state *e;

	slot->e.ev.lport = lport;
	e = &slot->e;
	if (!wanted(event_passes(&e->ev, 1u << e->old % 32, 1u << e->new % 32),
		    EVENT_state))
		return;
	e = EVENT_RESERVE(event_state, EVENT_state);
	if (!e)
		return;
	__builtin_memcpy(e, &slot->e, sizeof(*e));
	EVENT_SUBMIT(e);
}

struct collection {
	__u64 from, unready;
};

static long collect_one(__u32 i, struct collection *c)
{
	__u64 ticket = c->from + i;
	struct hold_slot *slot = hold_slot(ticket);
	struct looked l;

	if (!slot || slot->done >= ticket)
		return 0;
	if (slot->ticket == ticket) {
		l = look(slot);
		if (l.gone)
			l.lport = 0;
		if (l.lport || l.gone) {
			if (!hold_take(slot, ticket))
				return 0;
			emit(slot, l.lport);
			hold_leave(slot, ticket);
			return 0;
		}
	} else if (slot->ticket && slot->ticket < ticket) {
		return 0; /* found it occupied: not in a slot */
	}
	if (!c->unready)
		c->unready = ticket;
	return 0;
}

SEC("syscall")
int hold_collect(void *ctx)
{
	__u64 next = hold_next;
	struct collection c = { .from = hold_from };

	if (next - c.from > HOLD_SLOTS)
		c.from = next - HOLD_SLOTS;
	bpf_loop(next - c.from, collect_one, &c, 0);
	hold_from = c.unready ?: next;
	return 0;
}
