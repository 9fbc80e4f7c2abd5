// SPDX-License-Identifier: GPL-2.0
/*
 * Which steps share a row: those of one end that belong together, from the call
 * over the state to the segment that goes, or from the segment that comes over
 * the state to the call that returns; and what comes at the other end at once.
 */
#include "lib/width.h"
#include "output/ladder_build.h"

#define GAP_NS 200000000 /* a blank row stands for more than that */

static struct ladder_row *add_row(struct ladder *l, nsec_t ts)
{
	struct ladder_row *row;
	int i;

	if (!ladder_grow(l, &l->rows, l->n_rows, &l->room_rows, sizeof(*row)))
		return NULL;
	row = &l->rows[l->n_rows++];
	*row = (struct ladder_row){ .ts = ts };
	for (i = 0; i < 2; i++) {
		row->lane[i].outer = row->lane[i].state = -1;
		row->lane[i].came = -1;
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

/* Says what is known of a segment; it comes right behind it. */
static bool is_note(const struct step *s)
{
	return s->e->type == EVENT_retransmit || s->e->type == EVENT_reset ||
	       s->e->type == EVENT_window;
}

/* Has the segment made the change of state, as far as anything tells? */
static bool is_cause(const struct step *came, const struct step *s)
{
	const struct event_segment *segment = (const void *)came->e;
	const struct event_state *state = (const void *)s->e;

	if (!came->derived && state->cause_segment)
		return state->cause_segment == segment->segment;
	return state->cause >= CAUSE_RX_SYN && state->cause <= CAUSE_RX_RST;
}

/* Or what stands in the outer column: a call, a timer, an RST that is sent? */
static bool by_outer(const struct ladder *l, const struct ladder_lane *lane,
		     const struct step *s)
{
	const struct event *e = l->steps[lane->outer].e;

	return e->type != EVENT_call ||
	       ladder_is_caller(l, (const void *)e, (const void *)s->e);
}

/* Where in a lane a change of state stands: beside what made it. */
static enum phase state_phase(const struct ladder *l,
			      const struct ladder_lane *lane,
			      const struct step *s)
{
	switch (lane->phase) {
	case PHASE_NONE:
		return PHASE_STATE;
	case PHASE_CALL:
		return by_outer(l, lane, s) ? PHASE_STATE : PHASE_NONE;
	case PHASE_CAME:
		return is_cause(&l->steps[lane->came], s) ? PHASE_CAME_STATE :
							    PHASE_NONE;
	default:
		return PHASE_NONE;
	}
}

/* Where in a lane the step stands; PHASE_NONE: not in this row. */
static enum phase next_phase(const struct ladder *l,
			     const struct ladder_lane *lane,
			     const struct step *s)
{
	if (is_note(s) && lane->phase == PHASE_SENT && lane->outer == -1 &&
	    lane->state < 0)
		return PHASE_SENT;
	switch (s->kind) {
	case STEP_CALL:
		return lane->phase == PHASE_NONE ? PHASE_CALL : PHASE_NONE;
	case STEP_STATE:
		return state_phase(l, lane, s);
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

	if (!l->n_rows || !row->ts || s->ts - row->ts > LADDER_TOGETHER_NS ||
	    next_phase(l, &row->lane[s->end], s) == PHASE_NONE)
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
	lane->phase = next_phase(l, lane, s);
	s->row = l->n_rows - 1;
	*last = s->ts;
	if (s->kind == STEP_CALL || s->kind == STEP_RETURN)
		lane->outer = s - l->steps;
	if (s->kind == STEP_RECEIVED)
		lane->came = s - l->steps;
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

/* Has the segment that made the change before made this one, too? */
static bool same_cause(const struct ladder *l, const struct step *s)
{
	const struct event_state *a, *b = (const void *)s->e;
	const struct step *at = s;

	do
		if (at-- == l->steps)
			return false;
	while (at->end != s->end);
	a = (const void *)at->e;
	if (at->kind != STEP_STATE || !at->shown_cause)
		return false;
	return a->cause_segment || b->cause_segment ?
		       a->cause_segment == b->cause_segment :
		       s->ts - at->ts <= LADDER_SAME_NS;
}

/* Does it stand at the head of the arrow that has made it? */
static bool at_its_arrow(struct ladder *l, struct step *s)
{
	s->shown_cause = true; /* so it needs no words */
	return l->n_rows &&
	       l->rows[l->n_rows - 1].lane[s->end].phase == PHASE_CAME &&
	       joins(l, s);
}

static void place_state(struct ladder *l, struct step *s, nsec_t *last)
{
	bool came = at_its_arrow(l, s), fit;
	struct ladder_lane *lane;

	s->shown_cause = came || same_cause(l, s);
	fit = words_fit(l, s);
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

void ladder_rows(struct ladder *l)
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
