// SPDX-License-Identifier: GPL-2.0
/* Which segment that is received is which one that was sent. */
#include "output/ladder_build.h"

#define LOOK_BACK 512 /* arrows that may be under way at once */

unsigned int ladder_flags(const struct step *s)
{
	return s->derived ? s->flags :
			    ((const struct event_segment *)s->e)->flags;
}

/* Of who has no socket, numbers are not known. */
static bool same(__u32 a, __u32 b)
{
	return a == b || a == SEGMENT_UNKNOWN || b == SEGMENT_UNKNOWN;
}

/* One of the ends tells of its segments, the other one only of its states. */
static bool is_mixed(const struct ladder *l)
{
	return l->end[0].segments != l->end[1].segments;
}

/* May a segment be one that was concluded from a change of state? */
static bool fits_derived(unsigned int real, unsigned int derived)
{
	return (real & derived) == derived &&
	       !(real & ~derived & (SEGMENT_FLAG_SYN | SEGMENT_FLAG_RST));
}

/* May what was sent be what has come? @exact: byte for byte. */
static bool fits(const struct step *sent, const struct step *came, bool exact)
{
	const unsigned int must = SEGMENT_FLAG_SYN | SEGMENT_FLAG_RST |
				  SEGMENT_FLAG_FIN;
	const struct event_segment *a = (const void *)sent->e;
	const struct event_segment *b = (const void *)came->e;
	unsigned int f = ladder_flags(sent), g = ladder_flags(came);

	if (sent->ts > came->ts)
		return false;
	if (sent->derived != came->derived)
		return sent->derived ?
			       fits_derived(g, f) &&
				       (f != SEGMENT_FLAG_ACK || !b->len) :
			       fits_derived(f, g);
	if (sent->derived) /* a SYN+ACK is an ACK to who has the SYN */
		return f == g || (g == SEGMENT_FLAG_ACK &&
				  f == (SEGMENT_FLAG_SYN | SEGMENT_FLAG_ACK));
	if (exact || !b->len)
		return f == g && same(a->tcp_seq, b->tcp_seq) &&
		       same(a->end, b->end) && same(a->ack, b->ack);
	return !((f ^ g) & must & ~SEGMENT_FLAG_FIN) && a->len &&
	       a->tcp_seq < b->end && b->tcp_seq < a->end;
}

const struct step *ladder_told(const struct ladder *l, const struct arrow *a)
{
	const struct step *sent = a->sent < 0 ? NULL : &l->steps[a->sent];
	const struct step *came = a->received < 0 ? NULL :
						    &l->steps[a->received];

	return !sent || (came && sent->derived && !came->derived) ? came : sent;
}

static struct arrow *add_arrow(struct ladder *l, unsigned int from)
{
	struct arrow *a;

	if (!ladder_grow(l, &l->arrows, l->n_arrows, &l->room_arrows,
			 sizeof(*a)))
		return NULL;
	a = &l->arrows[l->n_arrows++];
	*a = (struct arrow){
		.sent = -1,
		.received = -1,
		.from = from,
		.band = -1,
	};
	return a;
}

/* Is it sent again if it is lost? An ACK is not. */
static bool is_repeated(const struct step *s)
{
	const struct event_segment *g = (const void *)s->e;

	return ladder_flags(s) & (SEGMENT_FLAG_SYN | SEGMENT_FLAG_FIN) ||
	       (!s->derived && g->len);
}

/*
 * The arrow under way that fits what has come; NULL: none. Of several it is
 * the first; but of what is sent again the last, because the others were lost,
 * and so of what is concluded, because of most segments nothing is.
 */
static struct arrow *find_arrow(struct ladder *l, const struct step *came,
				bool exact, bool arrived)
{
	size_t i = l->n_arrows > LOOK_BACK ? l->n_arrows - LOOK_BACK : 0;
	bool last = is_mixed(l) || (exact && is_repeated(came));
	struct arrow *a, *found = NULL;

	for (; i < l->n_arrows && (last || !found); i++) {
		a = &l->arrows[i];
		if (a->from != came->end && a->sent >= 0 &&
		    (a->received >= 0) == arrived &&
		    fits(&l->steps[a->sent], came, exact))
			found = a;
	}
	return found;
}

/* The kernel may put several segments together, or take them apart. */
static void receive(struct ladder *l, int i)
{
	struct step *came = &l->steps[i];
	struct arrow *whole = find_arrow(l, came, true, false), *a = whole;

	if (!a)
		a = find_arrow(l, came, false, false);
	if (!a && !came->derived && find_arrow(l, came, false, true))
		return; /* the rest of one that was taken apart */
	if (!a && came->derived && is_mixed(l))
		return; /* the other end would have told */
	if (!a)
		a = add_arrow(l, !came->end);
	if (!a)
		return;
	a->received = i;
	a->derived = came->derived &&
		     (a->sent < 0 || l->steps[a->sent].derived);
	came->arrow = a - l->arrows;
	while (!whole && !came->derived && is_repeated(came) &&
	       (a = find_arrow(l, came, false, false)) != NULL)
		a->received = i;
}

static void find_arrows(struct ladder *l)
{
	struct arrow *a;
	size_t i;

	for (i = 0; i < l->n_steps && !l->failed; i++) {
		struct step *s = &l->steps[i];

		if (s->kind == STEP_RECEIVED) {
			receive(l, i);
		} else if (s->kind == STEP_SENT) {
			a = add_arrow(l, s->end);
			if (!a)
				return;
			a->sent = i;
			a->derived = s->derived;
			s->arrow = a - l->arrows;
		}
	}
}

/*
 * Nobody has told that it arrived. One that is derived is taken to have, if
 * anything came back before the same was sent again.
 */
static enum arrow_fate derived_fate(const struct ladder *l,
				    const struct step *sent)
{
	const struct step *s = sent + 1;

	for (; s < l->steps + l->n_steps; s++) {
		if (s->end != sent->end)
			continue;
		if (s->kind == STEP_RECEIVED)
			return ARROW_ARRIVED;
		if (s->kind == STEP_SENT && s->flags == sent->flags)
			break;
	}
	return ARROW_UNKNOWN;
}

static void find_fates(struct ladder *l)
{
	struct arrow *a;

	for (a = l->arrows; a < l->arrows + l->n_arrows; a++) {
		struct step *sent = a->sent < 0 ? NULL : &l->steps[a->sent];

		if (a->received >= 0 || !sent)
			continue;
		if (!a->derived)
			a->fate = l->end[!a->from].segments ? ARROW_LOST :
							      ARROW_ARRIVED;
		else if (sent->flags == SEGMENT_FLAG_ACK)
			sent->arrow = -1; /* maybe it was never sent */
		else
			a->fate = derived_fate(l, sent);
	}
}

void ladder_arrows(struct ladder *l)
{
	find_arrows(l);
	if (!l->failed)
		find_fates(l);
}
