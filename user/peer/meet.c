// SPDX-License-Identifier: GPL-2.0
/* How two peers meet at a rendezvous: the messages, and a peer's part. */
#include "peer/meet.h"

#include <errno.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>

void meet_put_endpoint(uint8_t *at, const struct sockaddr_storage *ss)
{
	const struct sockaddr_in6 *sin6 = (const struct sockaddr_in6 *)ss;
	const struct sockaddr_in *sin = (const struct sockaddr_in *)ss;

	memset(at, 0, MEET_ENDPOINT);
	if (ss->ss_family == AF_INET6) {
		at[0] = 6;
		memcpy(at + 1, &sin6->sin6_port, 2);
		memcpy(at + 3, &sin6->sin6_addr, 16);
	} else {
		at[0] = 4;
		memcpy(at + 1, &sin->sin_port, 2);
		memcpy(at + 3, &sin->sin_addr, 4);
	}
}

bool meet_get_endpoint(const uint8_t *at, struct sockaddr_storage *ss)
{
	struct sockaddr_in6 *sin6 = (struct sockaddr_in6 *)ss;
	struct sockaddr_in *sin = (struct sockaddr_in *)ss;

	memset(ss, 0, sizeof(*ss));
	if ((at[0] != 4 && at[0] != 6) || !frame_get(at + 1, 2))
		return false;
	if (at[0] == 6) {
		sin6->sin6_family = AF_INET6;
		memcpy(&sin6->sin6_port, at + 1, 2);
		memcpy(&sin6->sin6_addr, at + 3, 16);
		return !IN6_IS_ADDR_MULTICAST(&sin6->sin6_addr) &&
		       !IN6_IS_ADDR_UNSPECIFIED(&sin6->sin6_addr);
	}
	sin->sin_family = AF_INET;
	memcpy(&sin->sin_port, at + 1, 2);
	memcpy(&sin->sin_addr, at + 3, 4);
	return at[3] && at[3] < 224;
}

/* Each message is sent at most once a meeting, so there is room. */
static void meet_send(struct meet *m, enum meet_type type, const void *data,
		      size_t len)
{
	if (m->out_len + FRAME_HEAD + len > sizeof(m->out))
		abort();
	frame_head(m->out + m->out_len, type, len);
	if (len)
		memcpy(m->out + m->out_len + FRAME_HEAD, data, len);
	m->out_len += FRAME_HEAD + len;
}

int meet_init(struct meet *m, const struct secret *secret, const char *name)
{
	uint8_t join[1 + MEET_NAME] = { MEET_VERSION };
	size_t len = strlen(name);

	if (!len || len > MEET_NAME)
		return -EINVAL;
	memset(m, 0, sizeof(*m));
	m->secret = *secret;
	memcpy(join + 1, name, len);
	meet_send(m, MEET_JOIN, join, 1 + len);
	return 0;
}

void meet_name_again(const struct meet *m, char name[MEET_NAME + 1])
{
	uint8_t proof[SECRET_PROOF];
	unsigned int i;

	_Static_assert(2 * SECRET_PROOF <= MEET_NAME, "it does not fit");
	secret_prove(&m->secret, "again", 0, m->nonce, NULL, 0, proof);
	for (i = 0; i < SECRET_PROOF; i++)
		sprintf(name + 2 * i, "%02x", proof[i]);
}

void meet_other(struct meet *m)
{
	memset(m, 0, sizeof(*m));
	meet_send(m, MEET_OTHER, NULL, 0);
}

void *meet_room(struct meet *m, size_t *room)
{
	*room = sizeof(m->in) - m->in_len;
	return m->in + m->in_len;
}

void meet_add(struct meet *m, size_t len)
{
	m->in_len += len;
}

static int meet_error(const struct frame *frame)
{
	static const int errors[] = {
		[MEET_TAKEN] = -EEXIST,	  [MEET_WRONG] = -EACCES,
		[MEET_LOST] = -ENOLINK,	  [MEET_BUSY] = -EBUSY,
		[MEET_SLOW] = -ETIMEDOUT,
	};
	unsigned int code = frame->len == 1 ? frame->data[0] : 0;

	if (code < sizeof(errors) / sizeof(*errors) && errors[code])
		return errors[code];
	return -EPROTO;
}

static int meet_seen(struct meet *m, const struct frame *frame)
{
	if (frame->len != MEET_ENDPOINT + 2 ||
	    !meet_get_endpoint(frame->data, &m->seen))
		return -EPROTO;
	m->other_port = frame_get(frame->data + MEET_ENDPOINT, 2);
	return 0;
}

/* A partner has come: a new meeting, with a new nonce. */
static int meet_pair(struct meet *m, const struct frame *frame)
{
	size_t got = 0;
	ssize_t n;

	if (frame->len != 1 || frame->data[0] > 1 || m->paired)
		return -EPROTO;
	m->paired = true;
	m->role = frame->data[0];
	m->last = MEET_PAIR;
	while (got < SECRET_NONCE) {
		n = getrandom(m->nonce[m->role] + got, SECRET_NONCE - got, 0);
		if (n < 0 && errno != EINTR)
			return -errno;
		got += n > 0 ? n : 0;
	}
	meet_send(m, MEET_NONCE, m->nonce[m->role], SECRET_NONCE);
	return 0;
}

static int meet_nonce(struct meet *m, const struct frame *frame)
{
	uint8_t proof[SECRET_PROOF];

	if (m->last != MEET_PAIR || frame->len != SECRET_NONCE)
		return -EPROTO;
	m->last = MEET_NONCE;
	memcpy(m->nonce[!m->role], frame->data, SECRET_NONCE);
	secret_prove(&m->secret, "meet", m->role, m->nonce, NULL, 0, proof);
	meet_send(m, MEET_PROOF, proof, sizeof(proof));
	return 0;
}

/* Only who has proved the secret is told where we are. */
static int meet_proof(struct meet *m, const struct frame *frame)
{
	uint8_t offer[MEET_PAYLOAD];
	size_t len = 1;
	unsigned int i;

	if (m->last != MEET_NONCE || frame->len != SECRET_PROOF)
		return -EPROTO;
	m->last = MEET_PROOF;
	if (!secret_proves(&m->secret, "meet", !m->role, m->nonce, NULL, 0,
			   frame->data)) {
		meet_send(m, MEET_REFUSE, NULL, 0);
		m->refused = true;
		/* The first one waits on: that was a stranger. */
		return m->role ? -EACCES : 0;
	}
	offer[0] = m->own.mapping;
	for (i = 0; i < m->own.n && i < MEET_CANDIDATE_MAX; i++) {
		meet_put_endpoint(offer + len, &m->own.at[i]);
		len += MEET_ENDPOINT;
	}
	secret_prove(&m->secret, "candidates", m->role, m->nonce, offer, len,
		     offer + len);
	meet_send(m, MEET_CANDIDATES, offer, len + SECRET_PROOF);
	m->sent_candidates = true;
	return 0;
}

static int meet_from(struct meet *m, const struct frame *frame)
{
	if (m->last != MEET_PROOF || frame->len != MEET_ENDPOINT ||
	    !meet_get_endpoint(frame->data, &m->from))
		return -EPROTO;
	m->last = MEET_FROM;
	return 0;
}

static int meet_candidates(struct meet *m, const struct frame *frame)
{
	struct meet_offer *offer = &m->partner;
	size_t len = frame->len - SECRET_PROOF, at;

	if (m->last != MEET_FROM || frame->len < 1 + SECRET_PROOF ||
	    (len - 1) % MEET_ENDPOINT ||
	    (len - 1) / MEET_ENDPOINT > MEET_CANDIDATE_MAX)
		return -EPROTO;
	if (!secret_proves(&m->secret, "candidates", !m->role, m->nonce,
			   frame->data, len, frame->data + len))
		return -EACCES;
	m->last = MEET_CANDIDATES;
	offer->mapping = frame->data[0] < MEET_MAPPINGS ? frame->data[0] :
							  MEET_MAPPING_UNKNOWN;
	offer->n = 0;
	for (at = 1; at < len; at += MEET_ENDPOINT) {
		/* What is no endpoint here may be one for a later version. */
		if (meet_get_endpoint(frame->data + at, &offer->at[offer->n]))
			offer->n++;
	}
	return 0;
}

static int meet_start(struct meet *m, const struct frame *frame)
{
	if (m->last != MEET_CANDIDATES || !m->sent_candidates ||
	    frame->len != 4)
		return -EPROTO;
	m->last = MEET_START;
	m->start_us = frame_get(frame->data, 4);
	return 0;
}

static int meet_take(struct meet *m, const struct frame *frame)
{
	switch (frame->type) {
	case MEET_SEEN:
		return meet_seen(m, frame);
	case MEET_PAIR:
		return meet_pair(m, frame);
	case MEET_AGAIN:
		m->paired = m->sent_candidates = m->refused = false;
		m->last = MEET_AGAIN;
		meet_send(m, MEET_AGAIN, NULL, 0);
		return 0;
	case MEET_NONCE:
		return meet_nonce(m, frame);
	case MEET_PROOF:
		return meet_proof(m, frame);
	case MEET_FROM:
		return meet_from(m, frame);
	case MEET_CANDIDATES:
		return meet_candidates(m, frame);
	case MEET_START:
		return meet_start(m, frame);
	case MEET_ERROR:
		return meet_error(frame);
	}
	return -EPROTO;
}

/* Is that of a partner that we have refused? It may not have waited for that. */
static bool meet_ignores(const struct meet *m, uint8_t type)
{
	return m->refused && (type == MEET_NONCE || type == MEET_PROOF ||
			      type == MEET_FROM || type == MEET_CANDIDATES);
}

int meet_next(struct meet *m)
{
	struct frame frame;
	int n, err, type;
	bool ignored;

	/* A rendezvous that sends more than is taken from us is none. */
	if (m->out_len > sizeof(m->out) / 2)
		return -EPROTO;
	do {
		n = frame_parse(m->in, m->in_len, MEET_PAYLOAD, &frame);
		if (n <= 0)
			return n ? -EPROTO : 0;
		type = frame.type;
		ignored = meet_ignores(m, type);
		err = ignored ? 0 : meet_take(m, &frame);
		m->in_len -= n;
		memmove(m->in, m->in + n, m->in_len);
	} while (ignored);
	return err ?: type;
}
