// SPDX-License-Identifier: GPL-2.0
/* Gives a transition its cause, if exactly one call or segment fits. */
#include "event/cause_seen.h"

#include <stdlib.h>

struct causes *causes_new(void)
{
	return calloc(1, sizeof(struct causes));
}

void causes_free(struct causes *causes)
{
	if (!causes)
		return;
	free(causes->connections);
	free(causes->calls);
	free(causes);
}

static enum cause cause_of_call(const struct going *g)
{
	static const enum cause causes[] = {
		[CALL_connect] = CAUSE_CALL_CONNECT,
		[CALL_listen] = CAUSE_CALL_LISTEN,
		[CALL_close] = CAUSE_CALL_CLOSE,
		[CALL_shutdown] = CAUSE_CALL_SHUTDOWN,
		[CALL_sendto] = CAUSE_CALL_SENDTO,
		[CALL_sendmsg] = CAUSE_CALL_SENDMSG,
		[CALL_sendmmsg] = CAUSE_CALL_SENDMSG,
		[CALL_dup2] = CAUSE_CALL_DUP,
		[CALL_dup3] = CAUSE_CALL_DUP,
	};

	return g->io_uring ? CAUSE_CALL_IO_URING : causes[g->op];
}

/* What came before has been done with, too. */
static void forget_before(struct connection *c, __u64 number)
{
	unsigned int i;

	for (i = 0; i < CAUSE_SEGMENTS; i++)
		if (c->heard[i].number < number)
			c->heard[i].number = 0;
}

static void note_state(struct causes *causes, struct event_state *s)
{
	struct connection *c = cause_connection(causes, &s->ev, false);
	struct candidates found = {};
	enum cause cause;

	if (c && s->old == TCB_STATE_CLOSE)
		cause_begin(c);
	cause = cause_candidates(&found, causes, c, s);
	if (found.n != 1)
		return;
	if (found.call)
		cause = cause_of_call(found.call);
	if (s->cause_how == HOW_observed && cause != s->cause)
		return;
	s->cause = cause;
	s->cause_how = HOW_observed;
	s->cause_call = found.call ? found.call->number : 0;
	if (found.call && found.call->cookie == s->ev.cookie &&
	    s->old != TCB_STATE_LISTEN) /* its children are closed as well */
		found.call->used = true;
	s->cause_segment = found.segment.number;
	if (c && found.segment.number)
		forget_before(c, found.segment.number);
}

void causes_update(struct causes *causes, struct event *e)
{
	switch (e->type) {
	case EVENT_segment:
		cause_note_segment(causes, (const void *)e);
		break;
	case EVENT_call:
		cause_note_call(causes, (const void *)e);
		break;
	case EVENT_state:
		note_state(causes, (void *)e);
		break;
	default:
		break;
	}
}
