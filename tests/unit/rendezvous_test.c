// SPDX-License-Identifier: GPL-2.0
/* Meetings at a rendezvous, all of it in memory: who learns what, and when. */
#include "peer/rendezvous.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <kselftest_harness.h>

#define PAIRS 200
#define THOUSANDS (RENDEZVOUS_CLIENTS / 2)
#define STEPS 64 /* more than a meeting has messages */

/* A peer and what the rendezvous has of it. */
struct party {
	struct meet meet;
	struct rendezvous_client client;
	int ret; /* of meet_next(): an error, or MEET_START */
	bool gone;
};

FIXTURE(rendezvous)
{
	struct rendezvous r;
	struct party party[2 * PAIRS];
	unsigned int n;
	uint64_t now_ns;
	size_t piece; /* bytes that go at once */
};

FIXTURE_SETUP(rendezvous)
{
	self->piece = 4096;
	self->now_ns = 1;
}

FIXTURE_TEARDOWN(rendezvous)
{
	unsigned int i;

	for (i = 0; i < self->n; i++)
		rendezvous_remove(&self->r, &self->party[i].client, 0);
	EXPECT_EQ(NULL, self->r.pairs);
}

static struct sockaddr_storage endpoint(unsigned int host, unsigned int port)
{
	struct sockaddr_storage ss = {};
	struct sockaddr_in *sin = (struct sockaddr_in *)&ss;

	sin->sin_family = AF_INET;
	sin->sin_addr.s_addr = htonl(0xc0000200 + host);
	sin->sin_port = htons(port);
	return ss;
}

static struct party *join(FIXTURE_DATA(rendezvous) * self, const char *name,
			  char secret)
{
	struct party *p = &self->party[self->n];
	struct secret key;

	memset(&key, secret, sizeof(key));
	if (meet_init(&p->meet, &key, name))
		return NULL;
	p->client.from = endpoint(self->n % 200, 1000 + self->n);
	p->meet.own.mapping = MEET_MAPPING_PRESERVING;
	p->meet.own.n = 1;
	p->meet.own.at[0] = endpoint(self->n % 200, 2000 + self->n);
	rendezvous_add(&self->r, &p->client, self->now_ns);
	self->n++;
	return p;
}

/* One way each, one piece. True if anything went. */
static bool step(FIXTURE_DATA(rendezvous) * self, struct party *p)
{
	struct rendezvous_client *c = &p->client;
	size_t room, len;
	bool moved = false;
	void *at;

	if (p->gone)
		return false;
	at = rendezvous_room(c, &room);
	len = p->meet.out_len < room ? p->meet.out_len : room;
	len = len < self->piece ? len : self->piece;
	if (len && c->state != RENDEZVOUS_CLOSED) {
		memcpy(at, p->meet.out, len);
		p->meet.out_len -= len;
		memmove(p->meet.out, p->meet.out + len, p->meet.out_len);
		rendezvous_take(&self->r, c, len, self->now_ns);
		moved = true;
	}
	at = meet_room(&p->meet, &room);
	len = c->out_len < room ? c->out_len : room;
	len = len < self->piece ? len : self->piece;
	if (len) {
		memcpy(at, c->out, len);
		c->out_len -= len;
		memmove(c->out, c->out + len, c->out_len);
		meet_add(&p->meet, len);
		moved = true;
	}
	while (p->ret >= 0 && p->ret != MEET_START &&
	       (p->ret = meet_next(&p->meet)) > 0)
		moved = true;
	return moved;
}

static void run(FIXTURE_DATA(rendezvous) * self)
{
	bool moved;
	unsigned int i;

	do {
		moved = false;
		for (i = 0; i < self->n; i++)
			moved |= step(self, &self->party[i]);
	} while (moved);
}

static void leave(FIXTURE_DATA(rendezvous) * self, struct party *p)
{
	p->gone = true;
	rendezvous_remove(&self->r, &p->client, self->now_ns);
	p->client.state = RENDEZVOUS_CLOSED;
}

static bool same(const struct sockaddr_storage *a,
		 const struct sockaddr_storage *b)
{
	return !memcmp(a, b, sizeof(*a));
}

/* @b has learnt of @a what it should, and nothing else. */
static bool knows(const struct party *b, const struct party *a)
{
	return b->ret == MEET_START && same(&b->meet.from, &a->client.from) &&
	       b->meet.partner.n == 1 &&
	       same(&b->meet.partner.at[0], &a->meet.own.at[0]) &&
	       b->meet.partner.mapping == MEET_MAPPING_PRESERVING;
}

static bool knows_nothing(const struct party *p)
{
	return !p->meet.from.ss_family && !p->meet.partner.n;
}

/* Claim: two of one name and secret learn where the other is, and a start. */
TEST_F(rendezvous, meets)
{
	struct party *a = join(self, "us", 1), *b;

	run(self);
	EXPECT_EQ(0, a->ret);
	EXPECT_TRUE(same(&a->meet.seen, &a->client.from));
	b = join(self, "us", 1);
	run(self);
	EXPECT_TRUE(knows(a, b));
	EXPECT_TRUE(knows(b, a));
	EXPECT_EQ(1, a->meet.role + b->meet.role);
	EXPECT_EQ(0,
		  memcmp(a->meet.nonce, b->meet.nonce, sizeof(a->meet.nonce)));
	EXPECT_EQ(1, self->r.introduced);

	/* The name is free again. */
	a = join(self, "us", 2);
	b = join(self, "us", 2);
	run(self);
	EXPECT_TRUE(knows(a, b));
}

/*
 * Claim: two that have met have a name to meet under once more, which is not
 * the one of another meeting of theirs, nor of others with the same nonces.
 * Whoever waits under the public one meanwhile is not in their way.
 */
TEST_F(rendezvous, meets_again)
{
	struct party *a = join(self, "us", 1), *b = join(self, "us", 1), *c;
	char name[2][MEET_NAME + 1], other[MEET_NAME + 1];

	run(self);
	c = join(self, "us", 1);
	meet_name_again(&a->meet, name[0]);
	meet_name_again(&b->meet, name[1]);
	EXPECT_STREQ(name[0], name[1]);
	a->meet.secret.key[0]++;
	meet_name_again(&a->meet, other);
	EXPECT_STRNE(name[0], other);

	a = join(self, name[0], 1);
	b = join(self, name[1], 1);
	run(self);
	EXPECT_TRUE(knows(a, b));
	EXPECT_TRUE(knows(b, a));
	EXPECT_TRUE(knows_nothing(c));
	EXPECT_EQ(2, self->r.introduced);
	meet_name_again(&a->meet, other);
	EXPECT_STRNE(name[0], other);
}

/* Claim: bytes that come one by one are the same messages. */
TEST_F(rendezvous, one_byte)
{
	struct party *a = join(self, "us", 1), *b = join(self, "us", 1);

	self->piece = 1;
	run(self);
	EXPECT_TRUE(knows(a, b));
	EXPECT_TRUE(knows(b, a));
}

/* Claim: 200 pairs at once do not get in each other's way. */
TEST_F(rendezvous, many)
{
	char name[16];
	int i;

	self->piece = 7;
	for (i = 0; i < 2 * PAIRS; i++) {
		snprintf(name, sizeof(name), "pair %d", i % PAIRS);
		ASSERT_NE(NULL, join(self, name, i % PAIRS));
	}
	run(self);
	for (i = 0; i < PAIRS; i++) {
		EXPECT_TRUE(knows(&self->party[i], &self->party[i + PAIRS]));
		EXPECT_TRUE(knows(&self->party[i + PAIRS], &self->party[i]));
	}
	EXPECT_EQ(PAIRS, self->r.introduced);
}

/*
 * Claim: who has not the secret is told so, learns no address, and takes
 * nobody's place.
 */
TEST_F(rendezvous, wrong_secret)
{
	struct party *a = join(self, "us", 1), *stranger, *b;
	int i;

	for (i = 0; i < 3; i++) {
		stranger = join(self, "us", 2);
		run(self);
		EXPECT_EQ(-EACCES, stranger->ret);
		EXPECT_TRUE(knows_nothing(stranger));
		EXPECT_EQ(0, a->ret);
		EXPECT_TRUE(knows_nothing(a));
	}
	b = join(self, "us", 1);
	run(self);
	EXPECT_TRUE(knows(a, b));
	EXPECT_TRUE(knows(b, a));
	EXPECT_EQ(3, self->r.wrong);
}

/* Claim: a third one is told that the name is taken, and disturbs nobody. */
TEST_F(rendezvous, taken)
{
	struct party *a = join(self, "us", 1), *b = join(self, "us", 1), *c;

	step(self, a);
	step(self, b);
	c = join(self, "us", 1);
	run(self);
	EXPECT_EQ(-EEXIST, c->ret);
	EXPECT_TRUE(knows_nothing(c));
	EXPECT_TRUE(knows(a, b));
	EXPECT_EQ(1, self->r.taken);
}

/* What @from was sent to say is said by @to, as far as it goes. */
static void say(FIXTURE_DATA(rendezvous) * self, struct party *p,
		const void *bytes, size_t len)
{
	size_t room;
	void *at = rendezvous_room(&p->client, &room);

	memcpy(at, bytes, len < room ? len : room);
	rendezvous_take(&self->r, &p->client, len < room ? len : room,
			self->now_ns);
}

/* Claim: all that a peer once said is worth nothing in another meeting. */
TEST_F(rendezvous, replayed)
{
	struct party *a = join(self, "us", 1), *b = join(self, "us", 1), *thief;
	uint8_t said[8][512];
	size_t len[8], i, n = 0;

	/* The messages of b, in order, while a and b meet. */
	while (b->ret != MEET_START && n < 8) {
		step(self, a);
		if (b->meet.out_len) {
			len[n] = b->meet.out_len;
			memcpy(said[n++], b->meet.out, b->meet.out_len);
		}
		step(self, b);
	}
	ASSERT_TRUE(knows(b, a));
	ASSERT_EQ(4, n);

	a = join(self, "us", 1);
	run(self);
	thief = join(self, "us", 3);
	thief->gone = true; /* it only says what it has heard */
	for (i = 0; i < n; i++) {
		say(self, thief, said[i], len[i]);
		run(self);
	}
	EXPECT_EQ(0, a->ret);
	EXPECT_TRUE(knows_nothing(a));
	EXPECT_EQ(RENDEZVOUS_CLOSED, thief->client.state);
}

/* Claim: what a peer says of itself, said back to it, is no proof. */
TEST_F(rendezvous, reflected)
{
	struct party *a = join(self, "us", 1), *mirror = join(self, "us", 3);
	size_t skip = FRAME_HEAD + MEET_ENDPOINT + 2 + FRAME_HEAD + 1;
	struct rendezvous_client *c = &mirror->client;

	mirror->gone = true;
	step(self, a);
	say(self, mirror, mirror->meet.out, mirror->meet.out_len);
	run(self);
	ASSERT_LT(skip, c->out_len);
	say(self, mirror, c->out + skip, c->out_len - skip); /* its nonce */
	c->out_len = 0;
	run(self);
	ASSERT_EQ(FRAME_HEAD + SECRET_PROOF, c->out_len);
	say(self, mirror, c->out, c->out_len);
	run(self);
	EXPECT_EQ(0, a->ret);
	EXPECT_TRUE(knows_nothing(a));
	EXPECT_EQ(RENDEZVOUS_CLOSED, c->state);
}

/* @p says a frame of zeros, as one without the secret can. */
static void say_nothing(FIXTURE_DATA(rendezvous) * self, struct party *p,
			enum meet_type type, size_t len)
{
	uint8_t frame[FRAME_HEAD + MEET_PAYLOAD] = "";

	frame_head(frame, type, len);
	say(self, p, frame, FRAME_HEAD + len);
}

/* A stranger that comes second and only says what the test has it say. */
static struct party *stranger_comes(FIXTURE_DATA(rendezvous) * self)
{
	struct party *p = join(self, "us", 3);

	p->gone = true;
	say(self, p, p->meet.out, p->meet.out_len);
	return p;
}

/* Claim: a stranger that does not wait for answers disturbs nobody, either. */
TEST_F(rendezvous, hasty)
{
	struct party *a = join(self, "us", 1), *stranger, *b;

	run(self);
	stranger = stranger_comes(self);
	say_nothing(self, stranger, MEET_NONCE, SECRET_NONCE);
	step(self, a); /* says its nonce */
	step(self, a); /* and its proof */
	step(self, a);
	say_nothing(self, stranger, MEET_PROOF, SECRET_PROOF);
	say_nothing(self, stranger, MEET_CANDIDATES, 1 + SECRET_PROOF);
	run(self);
	EXPECT_EQ(0, a->ret);
	EXPECT_TRUE(knows_nothing(a));
	EXPECT_EQ(RENDEZVOUS_CLOSED, stranger->client.state);
	EXPECT_EQ(1, self->r.wrong);
	b = join(self, "us", 1);
	run(self);
	EXPECT_TRUE(knows(a, b) && knows(b, a));
}

/* Claim: one that says nothing is the one who has to go, wherever it stops. */
TEST_F(rendezvous, silent)
{
	struct party *a = join(self, "us", 1), *stranger, *b;
	int said;

	run(self);
	for (said = 0; said < 3; said++) {
		stranger = stranger_comes(self);
		if (said == 1)
			say_nothing(self, stranger, MEET_NONCE, SECRET_NONCE);
		if (said < 2) /* else a has not been any faster */
			run(self);
		self->now_ns += RENDEZVOUS_HELLO_NS;
		rendezvous_tick(&self->r,
				said < 2 ? &a->client : &stranger->client,
				self->now_ns);
		run(self);
		EXPECT_EQ(0, a->ret)
		TH_LOG("%d", said);
		EXPECT_EQ(RENDEZVOUS_CLOSED, stranger->client.state);
	}
	EXPECT_EQ(3, self->r.slow);
	b = join(self, "us", 1);
	run(self);
	EXPECT_TRUE(knows(a, b) && knows(b, a));
}

/*
 * Claim: a message that is a byte short is worth nothing, and of a stranger it
 * disturbs nobody.
 */
TEST_F(rendezvous, truncated)
{
	static const struct {
		enum meet_type type;
		size_t len;
	} rows[] = {
		{ MEET_NONCE, SECRET_NONCE },
		{ MEET_PROOF, SECRET_PROOF },
		{ MEET_CANDIDATES, 1 + SECRET_PROOF },
	};
	struct party *a = join(self, "us", 1), *stranger, *b;
	size_t i, whole;

	run(self);
	for (whole = 0; whole < 3; whole++) {
		stranger = stranger_comes(self);
		for (i = 0; i <= whole; i++) {
			say_nothing(self, stranger, rows[i].type,
				    rows[i].len - (i == whole));
			/* Not so far that a proof is refused. */
			step(self, a);
			if (i < 1)
				step(self, a);
		}
		EXPECT_EQ(RENDEZVOUS_CLOSED, stranger->client.state)
		TH_LOG("message %zu", whole);
		run(self);
		EXPECT_EQ(0, a->ret)
		TH_LOG("message %zu", whole);
		EXPECT_TRUE(knows_nothing(a));
	}
	b = join(self, "us", 1);
	run(self);
	EXPECT_TRUE(knows(a, b) && knows(b, a));
}

/*
 * Claim: thousands wait under names of their own, and each finds its partner;
 * then nothing is left of any name.
 */
TEST_F(rendezvous, thousands)
{
	struct rendezvous_client *all =
		calloc(2 * THOUSANDS, sizeof(struct rendezvous_client));
	uint8_t frame[FRAME_HEAD + 1 + MEET_NAME] = "";
	size_t room;
	int i, len;

	ASSERT_NE(NULL, all);
	frame[FRAME_HEAD] = MEET_VERSION;
	for (i = 0; i < 2 * THOUSANDS; i++) {
		rendezvous_add(&self->r, &all[i], 1);
		len = snprintf((char *)frame + FRAME_HEAD + 1, MEET_NAME,
			       "pair %d", i % THOUSANDS);
		frame_head(frame, MEET_JOIN, 1 + len);
		memcpy(rendezvous_room(&all[i], &room), frame,
		       FRAME_HEAD + 1 + len);
		ASSERT_EQ(0, rendezvous_take(&self->r, &all[i],
					     FRAME_HEAD + 1 + len, 1));
		if (i < THOUSANDS) {
			ASSERT_EQ(RENDEZVOUS_READY, all[i].state);
		} else {
			ASSERT_EQ(&all[i - THOUSANDS], all[i].partner);
		}
	}
	for (i = 0; i < 2 * THOUSANDS; i++)
		rendezvous_remove(&self->r, &all[i], 1);
	EXPECT_EQ(NULL, self->r.pairs);
	free(all);
}

/*
 * Claim: a partner that goes at any step leaves the other one waiting or told,
 * and the name free.
 */
TEST_F(rendezvous, lost)
{
	struct party *a, *b, *c;
	int at, i, lost = 0;

	for (at = 0; at < STEPS; at++) {
		bool first = at & 1; /* which of the two goes */

		for (i = 0; i < (int)self->n; i++)
			leave(self, &self->party[i]);
		memset(self->party, 0, sizeof(self->party));
		self->n = 0;
		ASSERT_EQ(NULL, self->r.pairs);

		a = join(self, "us", 1);
		b = join(self, "us", 1);
		self->piece = 32;
		for (i = 0; i < at / 2; i++)
			step(self, i & 1 ? b : a);
		leave(self, first ? a : b);
		run(self);
		a = first ? b : a; /* the one that is left */
		if (a->ret == MEET_START)
			continue;
		EXPECT_TRUE(a->ret == 0 || a->ret == -ENOLINK)
		TH_LOG("step %d: %d", at, a->ret);
		lost += a->ret == -ENOLINK;
		c = join(self, "us", 1);
		if (a->ret)
			a = join(self, "us", 1);
		run(self);
		EXPECT_TRUE(knows(a, c) && knows(c, a))
		TH_LOG("step %d", at);
	}
	EXPECT_LT(0, lost);
}

/* Claim: nonsense is turned away, and does not touch the partner. */
TEST_F(rendezvous, confused)
{
	static const struct {
		const char *bytes;
		size_t len;
	} rows[] = {
		{ "GET / HTTP/1.1\r\n\r\n", 18 },
		{ "J\0\0\0\1\1", 6 },	 /* no name */
		{ "J\0\0\0\4\2abc", 9 }, /* another version */
		{ "J\0\0\0\0", 5 },	 /* empty */
		{ "M\0\0\0\0", 5 },	 /* before a meeting */
		{ "O\0\0\0\1x", 6 },
		{ "\xff\xff\xff\xff\xff", 5 }, /* too long */
	};
	struct party *a = join(self, "us", 1), *b;
	size_t i;

	run(self);
	for (i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		b = join(self, "us", 1);
		b->gone = true;
		say(self, b, rows[i].bytes, rows[i].len);
		EXPECT_EQ(RENDEZVOUS_CLOSED, b->client.state)
		TH_LOG("row %zu", i);
		EXPECT_EQ(MEET_CONFUSED, b->client.out[FRAME_HEAD]);
		EXPECT_EQ(FRAME_HEAD + 1, b->client.out_len);
	}
	EXPECT_EQ(0, a->ret);
	b = join(self, "us", 1);
	run(self);
	EXPECT_TRUE(knows(a, b));
}

/* Claim: a message twice is out of turn; the first one waits on. */
TEST_F(rendezvous, twice)
{
	struct party *a = join(self, "us", 1), *b = join(self, "us", 1);
	uint8_t nonce[512];
	size_t len;

	step(self, a);
	step(self, b);
	len = b->meet.out_len; /* its nonce */
	ASSERT_LT(0, len);
	memcpy(nonce, b->meet.out, len);
	b->gone = true;
	say(self, b, nonce, len);
	say(self, b, nonce, len);
	EXPECT_EQ(RENDEZVOUS_CLOSED, b->client.state);
	run(self);
	EXPECT_EQ(0, a->ret);
	b = join(self, "us", 1);
	run(self);
	EXPECT_TRUE(knows(a, b));
}

/* Claim: nobody waits longer than told, and is told so. */
TEST_F(rendezvous, slow)
{
	struct party *a = join(self, "us", 1), *silent = join(self, "", 1);

	EXPECT_EQ(NULL, silent);
	run(self);
	self->now_ns += RENDEZVOUS_WAIT_NS - 1;
	rendezvous_tick(&self->r, &a->client, self->now_ns);
	run(self);
	EXPECT_EQ(0, a->ret);
	self->now_ns++;
	rendezvous_tick(&self->r, &a->client, self->now_ns);
	run(self);
	EXPECT_EQ(-ETIMEDOUT, a->ret);
	EXPECT_EQ(NULL, self->r.pairs);
}

/* Claim: both begin at once, however far each is from the rendezvous. */
TEST_F(rendezvous, starts_at_once)
{
	struct party *a = join(self, "us", 1), *b = join(self, "us", 1);
	const uint64_t rtt_a = 10000000, rtt_b = 300000000;

	step(self, a);
	step(self, b); /* the PAIR goes out */
	while (!a->meet.out_len) {
		ASSERT_TRUE(step(self, a));
	}
	while (!b->meet.out_len) {
		ASSERT_TRUE(step(self, b));
	}
	self->now_ns += rtt_a;
	step(self, a);
	self->now_ns += rtt_b - rtt_a;
	run(self);
	ASSERT_TRUE(knows(a, b) && knows(b, a));
	EXPECT_EQ(a->meet.start_us + rtt_a / 2000,
		  b->meet.start_us + rtt_b / 2000);
	EXPECT_LE(rtt_b / 2000, a->meet.start_us);
}

/* Claim: what a peer's process takes is no part of how far away it is. */
TEST_F(rendezvous, starts_at_once_though_slow)
{
	struct party *a = join(self, "us", 1), *b = join(self, "us", 1);

	b->client.min_rtt_ns = 2000000;
	step(self, a);
	step(self, b); /* the PAIR goes out */
	while (!a->meet.out_len) {
		ASSERT_TRUE(step(self, a));
	}
	step(self, a);
	self->now_ns += 600000000;
	run(self);
	ASSERT_TRUE(knows(a, b) && knows(b, a));
	EXPECT_EQ(a->meet.start_us, b->meet.start_us + 1000);
}

/* Claim: a name has its bounds. */
TEST(names)
{
	char name[MEET_NAME + 2];
	struct secret key = {};
	struct meet meet;

	memset(name, 'x', sizeof(name));
	name[MEET_NAME + 1] = '\0';
	EXPECT_EQ(-EINVAL, meet_init(&meet, &key, name));
	name[MEET_NAME] = '\0';
	EXPECT_EQ(0, meet_init(&meet, &key, name));
	EXPECT_EQ(-EINVAL, meet_init(&meet, &key, ""));
}

/* Claim: the key is that of the secret and the name, and of nothing else. */
TEST(keys)
{
	struct secret a, b;

	secret_derive(&a, "a secret", 8, "us");
	secret_derive(&b, "a secret", 8, "us");
	EXPECT_EQ(0, memcmp(&a, &b, sizeof(a)));
	secret_derive(&b, "a secret", 8, "them");
	EXPECT_NE(0, memcmp(&a, &b, sizeof(a)));
	secret_derive(&b, "A secret", 8, "us");
	EXPECT_NE(0, memcmp(&a, &b, sizeof(a)));
}

TEST_HARNESS_MAIN
