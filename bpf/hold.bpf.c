// SPDX-License-Identifier: GPL-2.0
/*
 * The reader's look into the slots: run by hand, it emits the events there
 * whose socket has got what was missing.
 */
#include "bpf/hold.h"
#include "bpf/peek.h"

__u64 hold_next = HOLD_FIRST;
__u64 hold_from = HOLD_FIRST;

/* May the event in this slot go, and with which local port? */
struct looked {
	port_t lport;
	bool ready;
};

/*
 * The pointer is not trusted, and the socket may be another one by now: then
 * nothing more will come.
 */
static __always_inline struct looked hold_look(const struct hold_slot *slot)
{
	struct sock *sk = slot->sk;
	struct looked l = { .ready = true };
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
	if (cookie != slot->e.ev.cookie)
		return (struct looked){ .ready = true };
	if (slot->e.new == TCB_STATE_SYN_RECV)
		l.ready = peek_pointer(PEEK_FIELD(compat_number(sk),
						  struct tcp_sock,
						  fastopen_rsk));
	else
		l.ready = l.lport;
	return l;
}

static __always_inline void hold_emit(struct hold_slot *slot, port_t lport)
{
	struct event_state *e = &slot->e;

	if (lport)
		e->ev.lport = lport;
	if (lport && e->new == TCB_STATE_SYN_RECV) {
		e->cause = CAUSE_RX_SYN;
		e->cause_how = HOW_observed;
	}
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
		l = hold_look(slot);
		if (l.ready) {
			if (!hold_take(slot, ticket))
				return 0;
			hold_emit(slot, l.lport);
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
