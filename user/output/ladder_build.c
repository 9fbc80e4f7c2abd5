// SPDX-License-Identifier: GPL-2.0
/*
 * From events to steps, from steps to arrows, from steps to rows. Where no
 * segments are told of, those are concluded that must have been: what made a
 * change of state was sent, and some changes send something.
 */
#include "lib/clock.h"
#include "lib/width.h"
#include "output/ladder.h"

#include <stdlib.h>
#include <string.h>

#define TOGETHER_NS 1000000 /* what is further apart has rows of its own */
#define GAP_NS 200000000    /* a blank row stands for more than that */
#define LOOK_BACK 512	    /* arrows that may be under way at once */
#define SAME_NS 20000	    /* two changes that one segment makes */

/* Room for one more in an array; false: no memory. */
static bool grow(struct ladder *l, void *array, size_t n, size_t *room,
		 size_t size)
{
	void **at = array, *more;

	if (n < *room)
		return true;
	*room = *room ? 2 * *room : 64;
	more = reallocarray(*at, *room, size);
	if (!more) {
		l->failed = true;
		return false;
	}
	*at = more;
	return true;
}

static struct step *add_step(struct ladder *l, const struct ladder_event *at,
			     enum step_kind kind)
{
	struct step *s;

	if (!grow(l, &l->steps, l->n_steps, &l->room_steps, sizeof(*s)))
		return NULL;
	s = &l->steps[l->n_steps++];
	*s = (struct step){
		.ts = at->e->ts_ns,
		.e = at->e,
		.kind = kind,
		.end = at->end,
		.arrow = -1,
		.times = 1,
	};
	return s;
}

static void add_derived(struct ladder *l, const struct ladder_event *at,
			enum step_kind kind, unsigned int flags)
{
	struct step *s = flags ? add_step(l, at, kind) : NULL;

	if (!s)
		return;
	s->flags = flags;
	s->derived = true;
}

/* The segment that a cause is. */
static unsigned int flags_of_cause(enum cause cause)
{
	switch (cause) {
	case CAUSE_RX_SYN:
		return FLAG_SYN;
	case CAUSE_RX_SYN_ACK:
		return FLAG_SYN | FLAG_ACK;
	case CAUSE_RX_ACK:
		return FLAG_ACK;
	case CAUSE_RX_FIN:
		return FLAG_FIN;
	case CAUSE_RX_RST:
		return FLAG_RST;
	default:
		return 0;
	}
}

/* The segment that a change of state sends. */
static unsigned int flags_sent(const struct event_state *s)
{
	switch (s->new) {
	case TCB_STATE_SYN_SENT:
		return FLAG_SYN;
	case TCB_STATE_SYN_RECV:
		return s->old == TCB_STATE_SYN_SENT ? FLAG_SYN | FLAG_ACK : 0;
	case TCB_STATE_ESTABLISHED:
		return s->old == TCB_STATE_SYN_SENT ? FLAG_ACK : 0;
	case TCB_STATE_FIN_WAIT1:
	case TCB_STATE_LAST_ACK:
		return FLAG_FIN;
	case TCB_STATE_CLOSE_WAIT:
	case TCB_STATE_CLOSING:
		return FLAG_ACK;
	case TCB_STATE_TIME_WAIT:
		return s->cause == CAUSE_RX_FIN ? FLAG_ACK : 0;
	default:
		return 0;
	}
}

/* What was last known of an end, while its events are gone through. */
struct before {
	const struct event_state *state;
	bool reset; /* an RST received has been told of */
};

/* A FIN that also acks ours makes two changes. */
static bool is_fin_ack(const struct event_state *p, const struct event_state *s)
{
	return p->old == TCB_STATE_FIN_WAIT1 && p->cause == CAUSE_RX_ACK &&
	       s->cause == CAUSE_RX_FIN;
}

/* Is it the segment that made the change before, too? */
static bool same_segment(const struct before *b, const struct event_state *s)
{
	const struct event_state *p = b->state;

	if (!p || p->new != s->old || s->ev.ts_ns - p->ev.ts_ns > SAME_NS)
		return false;
	return p->cause == s->cause || is_fin_ack(p, s);
}

/* The next change of the same end, if it comes right after this one. */
static const struct event_state *right_after(const struct ladder *l,
					     const struct ladder_event *at)
{
	const struct ladder_event *next = at + 1;

	for (; next < l->events + l->n_events &&
	       next->e->ts_ns - at->e->ts_ns <= SAME_NS;
	     next++)
		if (next->end == at->end && next->e->type == EVENT_state)
			return (const void *)next->e;
	return NULL;
}

static void state_steps(struct ladder *l, const struct ladder_event *at,
			struct before *b)
{
	const struct event_state *s = (const void *)at->e;
	bool derive = !l->end[at->end].segments;
	unsigned int came = flags_of_cause(s->cause);
	const struct event_state *next = right_after(l, at);

	if (next && is_fin_ack(s, next))
		came = FLAG_FIN;
	if (same_segment(b, s) || (came == FLAG_RST && b->reset))
		came = 0;
	if (derive)
		add_derived(l, at, STEP_RECEIVED, came);
	add_step(l, at, STEP_STATE);
	if (derive)
		add_derived(l, at, STEP_SENT, flags_sent(s));
	b->state = s;
	b->reset = false;
}

static void reset_steps(struct ladder *l, const struct ladder_event *at,
			struct before *b)
{
	const struct event_reset *r = (const void *)at->e;
	bool derive = !l->end[at->end].segments;

	if (r->direction == DIRECTION_sent) {
		add_step(l, at, STEP_CALL);
		if (derive)
			add_derived(l, at, STEP_SENT, FLAG_RST);
		return;
	}
	b->reset = true;
	if (derive)
		add_derived(l, at, STEP_RECEIVED, FLAG_RST);
}

static unsigned int flags_again(const struct event_retransmit *r)
{
	switch (r->kind) {
	case RETRANSMIT_SYN:
		return FLAG_SYN;
	case RETRANSMIT_SYN_ACK:
		return FLAG_SYN | FLAG_ACK;
	default:
		return r->len ? FLAG_PSH : FLAG_FIN;
	}
}

/* The last so many steps hold the call that the event belongs to, if any do. */
#define CALLS_BACK 64

/* The end of a call, if that is all there is to see of it and soon. */
static const struct event_call *ends_soon(const struct ladder *l,
					  const struct ladder_event *at)
{
	const struct event_call *enter = (const void *)at->e, *c;
	const struct ladder_event *next = at + 1;

	for (; next < l->events + l->n_events &&
	       next->e->ts_ns - at->e->ts_ns <= TOGETHER_NS;
	     next++) {
		c = (const void *)next->e;
		if (next->end == at->end && next->e->type == EVENT_call &&
		    c->call == enter->call && c->phase == CALL_PHASE_exit)
			return c;
	}
	return NULL;
}

/* Has the step where the call began told of this, too? */
static bool told(const struct ladder *l, const struct event *e)
{
	size_t i = l->n_steps > CALLS_BACK ? l->n_steps - CALLS_BACK : 0;

	for (; i < l->n_steps; i++)
		if (l->steps[i].e == e || l->steps[i].last == e)
			return true;
	return false;
}

/* Does the call only wait, or ask whether it has to? */
static bool is_waiting(const struct event_call *c)
{
	return (c->op >= CALL_poll && c->op <= CALL_pselect6) ||
	       (c->op >= CALL_epoll_wait && c->op <= CALL_getsockopt);
}

/* Has it found nothing, as far as it has come? */
static bool in_vain(const struct event_call *c)
{
	return is_waiting(c) && !c->err && !c->ready &&
	       (!c->result || c->result == CALL_NO_VALUE);
}

static bool is_same(const struct event_call *a, const struct event_call *b)
{
	return a->phase == b->phase && a->op == b->op && a->err == b->err &&
	       a->result == b->result && a->ready == b->ready;
}

/*
 * The same call over and over, or one that waits in vain after others that
 * wait, with nothing else at that end in between.
 */
static bool repeats(struct ladder *l, const struct ladder_event *at,
		    const struct event_call *c)
{
	const struct event_call *last;
	size_t i = l->n_steps;
	struct step *s;

	while (i-- && l->n_steps - i < CALLS_BACK) {
		s = &l->steps[i];
		if (s->end != at->end)
			continue;
		last = (const void *)s->e;
		if (s->e->type != EVENT_call ||
		    (!is_same(last, c) && !(in_vain(c) && in_vain(last))))
			return false;
		s->times += c->phase == CALL_PHASE_exit || is_same(last, c);
		s->last = &c->ev;
		return true;
	}
	return false;
}

/* A call is one step if it takes no time, with its result; else two. */
static void call_steps(struct ladder *l, const struct ladder_event *at)
{
	const struct event_call *c = (const void *)at->e, *end;
	struct step *s;

	if (c->phase != CALL_PHASE_enter) {
		if (!told(l, at->e) && !repeats(l, at, c))
			add_step(l, at, STEP_RETURN);
		return;
	}
	/* connect() is done when the peer has answered: that comes between */
	end = c->op == CALL_connect ? NULL : ends_soon(l, at);
	if (repeats(l, at, end ? end : c))
		return;
	s = add_step(l, at, STEP_CALL);
	if (s && end)
		s->e = &end->ev;
}

static void event_steps(struct ladder *l, const struct ladder_event *at,
			struct before *b)
{
	const void *e = at->e;

	switch (at->e->type) {
	case EVENT_state:
		state_steps(l, at, b);
		break;
	case EVENT_reset:
		reset_steps(l, at, b);
		break;
	case EVENT_retransmit:
		add_step(l, at, STEP_CALL);
		if (!l->end[at->end].segments)
			add_derived(l, at, STEP_SENT, flags_again(e));
		break;
	case EVENT_segment:
		add_step(l, at,
			 ((const struct event_segment *)e)->direction ==
					 DIRECTION_sent ?
				 STEP_SENT :
				 STEP_RECEIVED);
		break;
	case EVENT_call:
		call_steps(l, at);
		break;
	default:
		add_step(l, at, STEP_RETURN);
	}
}

/* What can be said of the ends before anything is drawn. */
static void find_ends(struct ladder *l)
{
	const struct ladder_event *at = l->events;
	struct ladder_end *end;

	for (; at < l->events + l->n_events; at++) {
		const struct event_state *s = (const void *)at->e;
		const struct event_socket *x = (const void *)at->e;
		char owner[CELL_TEXT];

		end = &l->end[at->end];
		end->here = true;
		end->segments |= at->e->type == EVENT_segment;
		cell_owner(at->e, owner);
		if (*owner)
			strcpy(end->owner, owner);
		if (!*end->address || at->e->rport ||
		    (at->e->lport && !l->events->e->rport))
			cell_end(at->e->family, &at->e->laddr, at->e->lport,
				 end->address);
		if (!*l->end[!at->end].address && at->e->rport)
			cell_end(at->e->family, &at->e->raddr, at->e->rport,
				 l->end[!at->end].address);
		if (!end->first && at->e->type == EVENT_state)
			end->first = s->old;
		if (!end->first && at->e->type == EVENT_socket)
			end->first = x->state;
	}
}

unsigned int ladder_flags(const struct step *s)
{
	return s->derived ? s->flags :
			    ((const struct event_segment *)s->e)->flags;
}

/* May what was sent be what has come? @exact: byte for byte. */
static bool fits(const struct step *sent, const struct step *came, bool exact)
{
	const unsigned int must = FLAG_SYN | FLAG_RST | FLAG_FIN;
	const struct event_segment *a = (const void *)sent->e;
	const struct event_segment *b = (const void *)came->e;
	unsigned int f = ladder_flags(sent), g = ladder_flags(came);

	if (sent->derived != came->derived || sent->ts > came->ts)
		return false;
	if (sent->derived) /* a SYN+ACK is an ACK to who has the SYN */
		return f == g || (g == FLAG_ACK && f == (FLAG_SYN | FLAG_ACK));
	if (exact || !b->len)
		return f == g && a->tcp_seq == b->tcp_seq && a->end == b->end &&
		       a->ack == b->ack;
	return !((f ^ g) & must & ~FLAG_FIN) && a->len && a->tcp_seq < b->end &&
	       b->tcp_seq < a->end;
}

static struct arrow *add_arrow(struct ladder *l, unsigned int from)
{
	struct arrow *a;

	if (!grow(l, &l->arrows, l->n_arrows, &l->room_arrows, sizeof(*a)))
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

	return ladder_flags(s) & (FLAG_SYN | FLAG_FIN) ||
	       (!s->derived && g->len);
}

/*
 * The arrow under way that fits what has come; NULL: none. Of several it is
 * the first; but of what is sent again the last, because the others were lost.
 */
static struct arrow *find_arrow(struct ladder *l, const struct step *came,
				bool exact, bool arrived)
{
	size_t i = l->n_arrows > LOOK_BACK ? l->n_arrows - LOOK_BACK : 0;
	bool last = exact && is_repeated(came);
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
	if (!a)
		a = add_arrow(l, !came->end);
	if (!a)
		return;
	a->received = i;
	a->derived = came->derived;
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
		else if (sent->flags == FLAG_ACK)
			sent->arrow = -1; /* maybe it was never sent */
		else
			a->fate = derived_fate(l, sent);
	}
}

static struct ladder_row *add_row(struct ladder *l, nsec_t ts)
{
	struct ladder_row *row;
	int i;

	if (!grow(l, &l->rows, l->n_rows, &l->room_rows, sizeof(*row)))
		return NULL;
	row = &l->rows[l->n_rows++];
	*row = (struct ladder_row){ .ts = ts };
	for (i = 0; i < 2; i++) {
		row->lane[i].outer = row->lane[i].state = -1;
		row->lane[i].line = l->n_rows > 1 ? row[-1].lane[i].line :
						    l->end[i].first;
	}
	return row;
}

enum phase {
	PHASE_NONE,
	PHASE_CALL, /* outwards: call, state, sent */
	PHASE_STATE,
	PHASE_SENT,
	PHASE_CAME, /* inwards: received, state, return */
	PHASE_CAME_STATE,
	PHASE_RETURN,
};

/* Where in a lane the step stands; PHASE_NONE: not in this row. */
static enum phase next_phase(const struct ladder_lane *lane,
			     const struct step *s)
{
	switch (s->kind) {
	case STEP_CALL:
		return lane->phase == PHASE_NONE ? PHASE_CALL : PHASE_NONE;
	case STEP_STATE:
		return lane->phase == PHASE_CAME ? PHASE_CAME_STATE :
		       lane->phase <= PHASE_CALL ? PHASE_STATE :
						   PHASE_NONE;
	case STEP_SENT:
		return lane->phase <= PHASE_STATE ? PHASE_SENT : PHASE_NONE;
	case STEP_RECEIVED:
		return lane->phase == PHASE_NONE ? PHASE_CAME : PHASE_NONE;
	case STEP_RETURN:
		return lane->phase == PHASE_NONE || lane->phase == PHASE_CAME ||
				       lane->phase == PHASE_CAME_STATE ?
			       PHASE_RETURN :
			       PHASE_NONE;
	}
	return PHASE_NONE;
}

/* Would the words of both steps fit beside the time line? */
static bool fits_beside(const struct ladder *l, const struct ladder_row *row,
			const struct step *s)
{
	struct ladder_row both = *row;
	char outer[LADDER_WORDS], state[LADDER_WORDS];
	struct ladder_lane *lane = &both.lane[s->end];

	if (s->kind == STEP_STATE)
		lane->state = s - l->steps;
	else if (s->kind == STEP_CALL || s->kind == STEP_RETURN)
		lane->outer = s - l->steps;
	if (lane->state < 0)
		return true;
	ladder_outer(l, &both, s->end, true, outer);
	ladder_state(l, &l->steps[lane->state], state);
	if (lane->outer < 0 || !*outer)
		return true;
	/* a return must not hide what the state says of itself */
	if (s->kind == STEP_RETURN) {
		struct ladder_row alone = *row;
		char own[LADDER_WORDS];

		ladder_outer(l, &alone, s->end, true, own);
		if (*own)
			return false;
	}
	return !l->side || width_text(outer) + width_text(state) + 2 <= l->side;
}

/* May the step share the last row? */
static bool joins(const struct ladder *l, const struct step *s)
{
	const struct ladder_row *row = &l->rows[l->n_rows - 1];
	const struct ladder_lane *other = &row->lane[!s->end];
	const struct arrow *a = s->arrow < 0 ? NULL : &l->arrows[s->arrow];

	if (!l->n_rows || !row->ts || s->ts - row->ts > TOGETHER_NS ||
	    next_phase(&row->lane[s->end], s) == PHASE_NONE)
		return false;
	if (s->kind == STEP_RECEIVED && other->phase)
		return a && a->sent >= 0 &&
		       l->steps[a->sent].row == l->n_rows - 1;
	if (row->lane[s->end].phase == PHASE_NONE && other->phase)
		return false;
	return fits_beside(l, row, s);
}

/*
 * Before something comes that met another segment on its way: room for the
 * two to be seen crossing.
 */
static void room_to_cross(struct ladder *l, const struct step *came)
{
	struct arrow *a = &l->arrows[came->arrow], *b;
	size_t i = came->arrow > 64 ? came->arrow - 64 : 0;
	unsigned int after;
	int now = came - l->steps;

	if (a->sent < 0)
		return;
	for (; i < l->n_arrows && i < (size_t)came->arrow + 64; i++) {
		b = &l->arrows[i];
		if (b->from == a->from || b->sent < 0 || b->sent > now ||
		    b->received < now)
			continue;
		after = l->steps[a->sent].row;
		if (l->steps[b->sent].row > after)
			after = l->steps[b->sent].row;
		while (l->n_rows < after + 3)
			if (!add_row(l, 0))
				return;
		if (a->band < 0)
			a->band = after + 1;
		if (b->band < 0)
			b->band = after + 1;
		return;
	}
}

static void place(struct ladder *l, struct step *s, nsec_t *last)
{
	bool joined = l->n_rows && joins(l, s);
	struct ladder_lane *lane;
	struct ladder_row *row;

	if (!joined) {
		if (s->kind == STEP_RECEIVED)
			room_to_cross(l, s);
		if (*last && s->ts - *last > GAP_NS) {
			row = add_row(l, 0);
			if (row)
				row->gap = true;
		}
		if (!add_row(l, s->ts))
			return;
	}
	row = &l->rows[l->n_rows - 1];
	lane = &row->lane[s->end];
	lane->phase = next_phase(lane, s);
	s->row = l->n_rows - 1;
	*last = s->ts;
	if (s->kind == STEP_CALL || s->kind == STEP_RETURN)
		lane->outer = s - l->steps;
	if (s->kind == STEP_STATE) {
		lane->state = s - l->steps;
		lane->line = ((const struct event_state *)s->e)->new;
	}
}

/*
 * What a state says of itself may not fit beside it: then it has a row of its
 * own, before the state if that acts outwards, else behind it.
 */
static bool words_fit(const struct ladder *l, const struct step *s)
{
	char words[LADDER_WORDS], state[LADDER_WORDS];

	ladder_step(l, s, true, words);
	ladder_state(l, s, state);
	return !l->side || !*words ||
	       width_text(words) + width_text(state) + 2 <= l->side;
}

static void words_alone(struct ladder *l, const struct step *s)
{
	struct ladder_row *row = add_row(l, s->ts);

	if (!row)
		return;
	row->lane[s->end].outer = s - l->steps;
	row->lane[s->end].phase = PHASE_RETURN;
}

static void place_state(struct ladder *l, struct step *s, nsec_t *last)
{
	bool fit = words_fit(l, s), came;
	struct ladder_lane *lane;

	came = l->n_rows &&
	       l->rows[l->n_rows - 1].lane[s->end].phase == PHASE_CAME;
	if (!fit && !came)
		words_alone(l, s);
	place(l, s, last);
	if (fit || !l->n_rows)
		return;
	lane = &l->rows[s->row].lane[s->end];
	if (lane->outer < 0)
		lane->outer = LANE_SAID;
	if (came)
		words_alone(l, s);
}

static void make_rows(struct ladder *l)
{
	struct step *s;
	nsec_t last = 0;

	for (s = l->steps; s < l->steps + l->n_steps && !l->failed; s++)
		if (s->kind == STEP_STATE)
			place_state(l, s, &last);
		else if (s->arrow >= 0 ||
			 (s->kind != STEP_SENT && s->kind != STEP_RECEIVED))
			place(l, s, &last);
}

struct ladder *ladder_build(const struct schema *schema,
			    const struct ladder_event *events, size_t n,
			    unsigned int side)
{
	struct ladder *l = calloc(1, sizeof(*l));
	struct before before[2] = {};
	size_t i;

	if (!l)
		return NULL;
	l->schema = schema;
	l->events = events;
	l->n_events = n;
	l->side = side;
	if (n) {
		l->begin = events[0].e->ts_ns;
		l->end_ns = events[n - 1].e->ts_ns;
	}
	/* so that there are arrays even if there is nothing in them */
	grow(l, &l->steps, 0, &l->room_steps, sizeof(*l->steps));
	grow(l, &l->arrows, 0, &l->room_arrows, sizeof(*l->arrows));
	grow(l, &l->rows, 0, &l->room_rows, sizeof(*l->rows));
	find_ends(l);
	for (i = 0; i < n && !l->failed; i++)
		event_steps(l, &events[i], &before[events[i].end]);
	find_arrows(l);
	if (!l->failed)
		find_fates(l);
	if (!l->failed)
		make_rows(l);
	if (!l->failed)
		return l;
	ladder_free(l);
	return NULL;
}

void ladder_free(struct ladder *l)
{
	if (!l)
		return;
	free(l->steps);
	free(l->arrows);
	free(l->rows);
	free(l);
}
