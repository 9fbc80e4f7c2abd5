// SPDX-License-Identifier: GPL-2.0
/* The rendezvous: introduces two peers that come with the same name. */
#include "peer/rendezvous.h"

#include <errno.h>
#include <search.h>
#include <stdlib.h>
#include <string.h>

/* The start is so much later than the slower of both can know of it. */
#define RENDEZVOUS_LEAD_NS 50000000ULL
#define RENDEZVOUS_RTT_NS 2000000000ULL /* no more is believed */

struct rendezvous_pair {
	uint8_t name[MEET_NAME];
	size_t len;
	struct rendezvous_client *client[2]; /* by role; [0] came first */
};

static int rendezvous_compare(const void *a, const void *b)
{
	const struct rendezvous_pair *p = a, *q = b;
	size_t len = p->len < q->len ? p->len : q->len;
	int ret = memcmp(p->name, q->name, len);

	return ret ?: (p->len > q->len) - (p->len < q->len);
}

/* What does not fit any more goes to one who does not read: away with it. */
static void rendezvous_send(struct rendezvous_client *c, enum meet_type type,
			    const void *data, size_t len)
{
	if (c->state == RENDEZVOUS_CLOSED)
		return;
	if (c->out_len + FRAME_HEAD + len > sizeof(c->out)) {
		c->state = RENDEZVOUS_CLOSED;
		return;
	}
	frame_head(c->out + c->out_len, type, len);
	if (len)
		memcpy(c->out + c->out_len + FRAME_HEAD, data, len);
	c->out_len += FRAME_HEAD + len;
}

static void rendezvous_error(struct rendezvous_client *c, enum meet_error error)
{
	uint8_t code = error;

	rendezvous_send(c, MEET_ERROR, &code, 1);
	c->state = RENDEZVOUS_CLOSED;
}

/* Begin a meeting if both are there and ready. */
static void rendezvous_meet(struct rendezvous_pair *pair, uint64_t now_ns)
{
	uint8_t role;

	if (!pair->client[0] || !pair->client[1] ||
	    pair->client[0]->state != RENDEZVOUS_READY)
		return;
	for (role = 0; role < 2; role++) {
		struct rendezvous_client *c = pair->client[role];

		c->state = RENDEZVOUS_PAIRED;
		c->partner = pair->client[!role];
		c->last = MEET_PAIR;
		c->paired_ns = now_ns;
		c->end_ns = now_ns + RENDEZVOUS_HELLO_NS;
		rendezvous_send(c, MEET_PAIR, &role, 1);
	}
}

/*
 * @c leaves its pair. What becomes of the other one: who has not yet seen a
 * proof that is right waits on, for @c may have been a stranger; but only the
 * first one does, whose name it is.
 */
static void rendezvous_leave(struct rendezvous *r, struct rendezvous_client *c,
			     enum meet_error why, uint64_t now_ns)
{
	struct rendezvous_pair *pair = c->pair;
	struct rendezvous_client *other;

	if (!pair)
		return;
	other = pair->client[pair->client[0] == c];
	pair->client[pair->client[0] != c] = NULL;
	c->pair = NULL;
	c->partner = NULL;
	if (other && other->state != RENDEZVOUS_PAIRED) {
		pair->client[0] = other;
		pair->client[1] = NULL;
		return;
	}
	if (other && other == pair->client[0] &&
	    other->last != MEET_CANDIDATES) {
		other->partner = NULL;
		other->state = RENDEZVOUS_LEAVING;
		other->end_ns = now_ns + RENDEZVOUS_HELLO_NS;
		rendezvous_send(other, MEET_AGAIN, NULL, 0);
		return;
	}
	if (other) {
		r->lost += why == MEET_LOST;
		other->pair = NULL;
		other->partner = NULL;
		rendezvous_error(other, why);
	}
	tdelete(pair, &r->pairs, rendezvous_compare);
	free(pair);
}

static void rendezvous_close(struct rendezvous *r, struct rendezvous_client *c,
			     enum meet_error why, uint64_t now_ns)
{
	rendezvous_leave(r, c, MEET_LOST, now_ns);
	rendezvous_error(c, why);
}

static void rendezvous_seen(struct rendezvous_client *c)
{
	uint8_t seen[MEET_ENDPOINT + 2];

	meet_put_endpoint(seen, &c->from);
	frame_put(seen + MEET_ENDPOINT, c->other_port, 2);
	rendezvous_send(c, MEET_SEEN, seen, sizeof(seen));
}

static int rendezvous_join(struct rendezvous *r, struct rendezvous_client *c,
			   const struct frame *frame, uint64_t now_ns)
{
	struct rendezvous_pair *pair, **found;

	if (frame->len < 2 || frame->len > 1 + MEET_NAME ||
	    frame->data[0] != MEET_VERSION)
		return -EPROTO;
	pair = calloc(1, sizeof(*pair));
	if (!pair)
		return -ENOMEM;
	pair->len = frame->len - 1;
	memcpy(pair->name, frame->data + 1, pair->len);
	found = tsearch(pair, &r->pairs, rendezvous_compare);
	if (!found || *found != pair)
		free(pair);
	if (!found)
		return -ENOMEM;
	pair = *found;
	if (pair->client[0] && pair->client[1]) {
		r->taken++;
		rendezvous_error(c, MEET_TAKEN);
		return 0;
	}
	rendezvous_seen(c);
	c->pair = pair;
	c->state = RENDEZVOUS_READY;
	c->end_ns = now_ns + RENDEZVOUS_WAIT_NS;
	pair->client[!!pair->client[0]] = c;
	rendezvous_meet(pair, now_ns);
	return 0;
}

/* Both know all they need: a common start, from what each is away. */
static void rendezvous_start(struct rendezvous *r, struct rendezvous_pair *pair)
{
	uint64_t far_ns = 0, ns;
	uint8_t us[4];
	int i;

	for (i = 0; i < 2; i++) {
		if (pair->client[i]->rtt_ns > far_ns)
			far_ns = pair->client[i]->rtt_ns;
	}
	for (i = 0; i < 2; i++) {
		struct rendezvous_client *c = pair->client[i];

		ns = far_ns + RENDEZVOUS_LEAD_NS - c->rtt_ns / 2;
		frame_put(us, ns / 1000, sizeof(us));
		rendezvous_send(c, MEET_START, us, sizeof(us));
		if (c->state != RENDEZVOUS_CLOSED)
			c->state = RENDEZVOUS_DONE;
		c->pair = NULL;
		c->partner = NULL;
	}
	r->introduced++;
	tdelete(pair, &r->pairs, rendezvous_compare);
	free(pair);
}

/* What each says to the other, in order; a client's last is one of them. */
static const struct {
	enum meet_type type;
	size_t min, max; /* bytes */
} order[] = {
	{ MEET_PAIR, 0, 0 }, /* nothing yet */
	{ MEET_NONCE, SECRET_NONCE, SECRET_NONCE },
	{ MEET_PROOF, SECRET_PROOF, SECRET_PROOF },
	{ MEET_CANDIDATES, 1 + SECRET_PROOF, MEET_PAYLOAD },
};

static unsigned int rendezvous_progress(const struct rendezvous_client *c)
{
	unsigned int i = 0;

	while (order[i].type != c->last)
		i++;
	return i;
}

/* A message that is for the partner. Returns 0 or -EPROTO. */
static int rendezvous_pass(struct rendezvous *r, struct rendezvous_client *c,
			   const struct frame *frame, uint64_t now_ns)
{
	unsigned int i = rendezvous_progress(c) + 1;
	uint8_t from[MEET_ENDPOINT];

	if (i == sizeof(order) / sizeof(*order) ||
	    frame->type != order[i].type || frame->len < order[i].min ||
	    frame->len > order[i].max)
		return -EPROTO;
	c->last = frame->type;
	if (frame->type == MEET_NONCE) {
		c->rtt_ns = now_ns - c->paired_ns;
		if (c->min_rtt_ns && c->rtt_ns > c->min_rtt_ns)
			c->rtt_ns = c->min_rtt_ns;
		if (c->rtt_ns > RENDEZVOUS_RTT_NS)
			c->rtt_ns = RENDEZVOUS_RTT_NS;
	}
	if (frame->type == MEET_CANDIDATES) {
		meet_put_endpoint(from, &c->from);
		rendezvous_send(c->partner, MEET_FROM, from, sizeof(from));
	}
	rendezvous_send(c->partner, frame->type, frame->data, frame->len);
	if (c->last == MEET_CANDIDATES && c->partner->last == MEET_CANDIDATES)
		rendezvous_start(r, c->pair);
	return 0;
}

/* The proof that was passed on to @c was wrong: the second one has to go. */
static int rendezvous_refuse(struct rendezvous *r, struct rendezvous_client *c,
			     uint64_t now_ns)
{
	struct rendezvous_client *second = c->pair->client[1];

	/* The other one may have gone on as if it had been right. */
	if ((c->partner->last != MEET_PROOF &&
	     c->partner->last != MEET_CANDIDATES) ||
	    c->last == MEET_CANDIDATES)
		return -EPROTO;
	r->wrong++;
	rendezvous_close(r, second, MEET_WRONG, now_ns);
	return 0;
}

static int rendezvous_message(struct rendezvous *r, struct rendezvous_client *c,
			      const struct frame *frame, uint64_t now_ns)
{
	switch (c->state) {
	case RENDEZVOUS_NEW:
		if (frame->type == MEET_JOIN)
			return rendezvous_join(r, c, frame, now_ns);
		if (frame->type != MEET_OTHER || frame->len)
			return -EPROTO;
		rendezvous_seen(c);
		c->state = RENDEZVOUS_DONE;
		return 0;
	case RENDEZVOUS_LEAVING:
		if (frame->type == MEET_AGAIN) {
			c->state = RENDEZVOUS_READY;
			c->end_ns = now_ns + RENDEZVOUS_WAIT_NS;
			rendezvous_meet(c->pair, now_ns);
		}
		return 0;
	case RENDEZVOUS_PAIRED:
		if (frame->type == MEET_REFUSE)
			return rendezvous_refuse(r, c, now_ns);
		return rendezvous_pass(r, c, frame, now_ns);
	default:
		return -EPROTO;
	}
}

void rendezvous_add(struct rendezvous *r, struct rendezvous_client *c,
		    uint64_t now_ns)
{
	(void)r;
	c->state = RENDEZVOUS_NEW;
	c->out_len = c->in_len = 0;
	c->pair = NULL;
	c->partner = NULL;
	c->end_ns = now_ns + RENDEZVOUS_HELLO_NS;
}

void *rendezvous_room(struct rendezvous_client *c, size_t *room)
{
	*room = sizeof(c->in) - c->in_len;
	return c->in + c->in_len;
}

int rendezvous_take(struct rendezvous *r, struct rendezvous_client *c,
		    size_t len, uint64_t now_ns)
{
	struct frame frame;
	int n, err = 0;

	c->in_len += len;
	while (!err && c->state != RENDEZVOUS_CLOSED) {
		n = frame_parse(c->in, c->in_len, MEET_PAYLOAD, &frame);
		if (!n)
			return 0;
		err = n < 0 ? -EPROTO :
			      rendezvous_message(r, c, &frame, now_ns);
		if (n > 0) {
			c->in_len -= n;
			memmove(c->in, c->in + n, c->in_len);
		}
	}
	c->in_len = 0;
	if (err == -EPROTO) {
		r->confused++;
		rendezvous_close(r, c, MEET_CONFUSED, now_ns);
		err = 0;
	}
	return err;
}

/* Who of a pair holds up the other; if both do, whose name it is stays. */
static struct rendezvous_client *rendezvous_slower(struct rendezvous_client *c)
{
	unsigned int own = rendezvous_progress(c);
	unsigned int other = rendezvous_progress(c->partner);

	if (own == other)
		return c->pair->client[1];
	return own < other ? c : c->partner;
}

void rendezvous_tick(struct rendezvous *r, struct rendezvous_client *c,
		     uint64_t now_ns)
{
	if (now_ns < c->end_ns)
		return;
	if (c->state == RENDEZVOUS_DONE) {
		c->state = RENDEZVOUS_CLOSED;
		return;
	}
	if (c->state == RENDEZVOUS_CLOSED)
		return;
	r->slow++;
	if (c->state == RENDEZVOUS_PAIRED)
		c = rendezvous_slower(c);
	rendezvous_close(r, c, MEET_SLOW, now_ns);
}

void rendezvous_remove(struct rendezvous *r, struct rendezvous_client *c,
		       uint64_t now_ns)
{
	rendezvous_leave(r, c, MEET_LOST, now_ns);
}
