// SPDX-License-Identifier: GPL-2.0
/* A rendezvous and who does not keep to its rules: it is of no use to them. */
#include "tests/lib/parties.h"

#include <errno.h>
#include <string.h>

#include <kselftest_harness.h>

FIXTURE(abuse)
{
	struct parties p;
};

FIXTURE_SETUP(abuse)
{
	parties_begin(&self->p);
}

FIXTURE_TEARDOWN(abuse)
{
	EXPECT_TRUE(parties_end(&self->p));
}

/*
 * Claim: who has not the secret is told so, learns no address, and takes
 * nobody's place.
 */
TEST_F(abuse, wrong_secret)
{
	struct party *a = parties_join(&self->p, "us", 1), *stranger, *b;
	int i;

	for (i = 0; i < 3; i++) {
		stranger = parties_join(&self->p, "us", 2);
		parties_run(&self->p);
		EXPECT_EQ(-EACCES, stranger->ret);
		EXPECT_TRUE(party_knows_nothing(stranger));
		EXPECT_EQ(0, a->ret);
		EXPECT_TRUE(party_knows_nothing(a));
	}
	b = parties_join(&self->p, "us", 1);
	parties_run(&self->p);
	EXPECT_TRUE(party_knows(a, b));
	EXPECT_TRUE(party_knows(b, a));
	EXPECT_EQ(3, self->p.r.wrong);
}

/* Claim: a third one is told that the name is taken, and disturbs nobody. */
TEST_F(abuse, taken)
{
	struct party *a = parties_join(&self->p, "us", 1),
		     *b = parties_join(&self->p, "us", 1), *c;

	parties_step(&self->p, a);
	parties_step(&self->p, b);
	c = parties_join(&self->p, "us", 1);
	parties_run(&self->p);
	EXPECT_EQ(-EEXIST, c->ret);
	EXPECT_TRUE(party_knows_nothing(c));
	EXPECT_TRUE(party_knows(a, b));
	EXPECT_EQ(1, self->p.r.taken);
}

/* What @from was sent to say is said by @to, as far as it goes. */
static void say(FIXTURE_DATA(abuse) * self, struct party *p, const void *bytes,
		size_t len)
{
	size_t room;
	void *at = rendezvous_room(&p->client, &room);

	memcpy(at, bytes, len < room ? len : room);
	rendezvous_take(&self->p.r, &p->client, len < room ? len : room,
			self->p.now_ns);
}

/* Claim: all that a peer once said is worth nothing in another meeting. */
TEST_F(abuse, replayed)
{
	struct party *a = parties_join(&self->p, "us", 1),
		     *b = parties_join(&self->p, "us", 1), *thief;
	uint8_t said[8][512];
	size_t len[8], i, n = 0;

	/* The messages of b, in order, while a and b meet. */
	while (b->ret != MEET_START && n < 8) {
		parties_step(&self->p, a);
		if (b->meet.out_len) {
			len[n] = b->meet.out_len;
			memcpy(said[n++], b->meet.out, b->meet.out_len);
		}
		parties_step(&self->p, b);
	}
	ASSERT_TRUE(party_knows(b, a));
	ASSERT_EQ(4, n);

	a = parties_join(&self->p, "us", 1);
	parties_run(&self->p);
	thief = parties_join(&self->p, "us", 3);
	thief->gone = true; /* it only says what it has heard */
	for (i = 0; i < n; i++) {
		say(self, thief, said[i], len[i]);
		parties_run(&self->p);
	}
	EXPECT_EQ(0, a->ret);
	EXPECT_TRUE(party_knows_nothing(a));
	EXPECT_EQ(RENDEZVOUS_CLOSED, thief->client.state);
}

/* Claim: what a peer says of itself, said back to it, is no proof. */
TEST_F(abuse, reflected)
{
	struct party *a = parties_join(&self->p, "us", 1),
		     *mirror = parties_join(&self->p, "us", 3);
	size_t skip = FRAME_HEAD + MEET_ENDPOINT + 2 + FRAME_HEAD + 1;
	struct rendezvous_client *c = &mirror->client;

	mirror->gone = true;
	parties_step(&self->p, a);
	say(self, mirror, mirror->meet.out, mirror->meet.out_len);
	parties_run(&self->p);
	ASSERT_LT(skip, c->out_len);
	say(self, mirror, c->out + skip, c->out_len - skip); /* its nonce */
	c->out_len = 0;
	parties_run(&self->p);
	ASSERT_EQ(FRAME_HEAD + SECRET_PROOF, c->out_len);
	say(self, mirror, c->out, c->out_len);
	parties_run(&self->p);
	EXPECT_EQ(0, a->ret);
	EXPECT_TRUE(party_knows_nothing(a));
	EXPECT_EQ(RENDEZVOUS_CLOSED, c->state);
}

/* @p says a frame of zeros, as one without the secret can. */
static void say_nothing(FIXTURE_DATA(abuse) * self, struct party *p,
			enum meet_type type, size_t len)
{
	uint8_t frame[FRAME_HEAD + MEET_PAYLOAD] = "";

	frame_head(frame, type, len);
	say(self, p, frame, FRAME_HEAD + len);
}

/* A stranger that comes second and only says what the test has it say. */
static struct party *stranger_comes(FIXTURE_DATA(abuse) * self)
{
	struct party *p = parties_join(&self->p, "us", 3);

	p->gone = true;
	say(self, p, p->meet.out, p->meet.out_len);
	return p;
}

/* Claim: a stranger that does not wait for answers disturbs nobody, either. */
TEST_F(abuse, hasty)
{
	struct party *a = parties_join(&self->p, "us", 1), *stranger, *b;

	parties_run(&self->p);
	stranger = stranger_comes(self);
	say_nothing(self, stranger, MEET_NONCE, SECRET_NONCE);
	parties_step(&self->p, a); /* says its nonce */
	parties_step(&self->p, a); /* and its proof */
	parties_step(&self->p, a);
	say_nothing(self, stranger, MEET_PROOF, SECRET_PROOF);
	say_nothing(self, stranger, MEET_CANDIDATES, 1 + SECRET_PROOF);
	parties_run(&self->p);
	EXPECT_EQ(0, a->ret);
	EXPECT_TRUE(party_knows_nothing(a));
	EXPECT_EQ(RENDEZVOUS_CLOSED, stranger->client.state);
	EXPECT_EQ(1, self->p.r.wrong);
	b = parties_join(&self->p, "us", 1);
	parties_run(&self->p);
	EXPECT_TRUE(party_knows(a, b) && party_knows(b, a));
}

/* Claim: one that says nothing is the one who has to go, wherever it stops. */
TEST_F(abuse, silent)
{
	struct party *a = parties_join(&self->p, "us", 1), *stranger, *b;
	int said;

	parties_run(&self->p);
	for (said = 0; said < 3; said++) {
		stranger = stranger_comes(self);
		if (said == 1)
			say_nothing(self, stranger, MEET_NONCE, SECRET_NONCE);
		if (said < 2) /* else a has not been any faster */
			parties_run(&self->p);
		self->p.now_ns += RENDEZVOUS_HELLO_NS;
		rendezvous_tick(&self->p.r,
				said < 2 ? &a->client : &stranger->client,
				self->p.now_ns);
		parties_run(&self->p);
		EXPECT_EQ(0, a->ret)
		TH_LOG("%d", said);
		EXPECT_EQ(RENDEZVOUS_CLOSED, stranger->client.state);
	}
	EXPECT_EQ(3, self->p.r.slow);
	b = parties_join(&self->p, "us", 1);
	parties_run(&self->p);
	EXPECT_TRUE(party_knows(a, b) && party_knows(b, a));
}

/*
 * Claim: a message that is a byte short is worth nothing, and of a stranger it
 * disturbs nobody.
 */
TEST_F(abuse, truncated)
{
	static const struct {
		enum meet_type type;
		size_t len;
	} rows[] = {
		{ MEET_NONCE, SECRET_NONCE },
		{ MEET_PROOF, SECRET_PROOF },
		{ MEET_CANDIDATES, 1 + SECRET_PROOF },
	};
	struct party *a = parties_join(&self->p, "us", 1), *stranger, *b;
	size_t i, whole;

	parties_run(&self->p);
	for (whole = 0; whole < 3; whole++) {
		stranger = stranger_comes(self);
		for (i = 0; i <= whole; i++) {
			say_nothing(self, stranger, rows[i].type,
				    rows[i].len - (i == whole));
			/* Not so far that a proof is refused. */
			parties_step(&self->p, a);
			if (i < 1)
				parties_step(&self->p, a);
		}
		EXPECT_EQ(RENDEZVOUS_CLOSED, stranger->client.state)
		TH_LOG("message %zu", whole);
		parties_run(&self->p);
		EXPECT_EQ(0, a->ret)
		TH_LOG("message %zu", whole);
		EXPECT_TRUE(party_knows_nothing(a));
	}
	b = parties_join(&self->p, "us", 1);
	parties_run(&self->p);
	EXPECT_TRUE(party_knows(a, b) && party_knows(b, a));
}

/* Claim: nonsense is turned away, and does not touch the partner. */
TEST_F(abuse, confused)
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
	struct party *a = parties_join(&self->p, "us", 1), *b;
	size_t i;

	parties_run(&self->p);
	for (i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		b = parties_join(&self->p, "us", 1);
		b->gone = true;
		say(self, b, rows[i].bytes, rows[i].len);
		EXPECT_EQ(RENDEZVOUS_CLOSED, b->client.state)
		TH_LOG("row %zu", i);
		EXPECT_EQ(MEET_CONFUSED, b->client.out[FRAME_HEAD]);
		EXPECT_EQ(FRAME_HEAD + 1, b->client.out_len);
	}
	EXPECT_EQ(0, a->ret);
	b = parties_join(&self->p, "us", 1);
	parties_run(&self->p);
	EXPECT_TRUE(party_knows(a, b));
}

/* Claim: a message twice is out of turn; the first one waits on. */
TEST_F(abuse, twice)
{
	struct party *a = parties_join(&self->p, "us", 1),
		     *b = parties_join(&self->p, "us", 1);
	uint8_t nonce[512];
	size_t len;

	parties_step(&self->p, a);
	parties_step(&self->p, b);
	len = b->meet.out_len; /* its nonce */
	ASSERT_LT(0, len);
	memcpy(nonce, b->meet.out, len);
	b->gone = true;
	say(self, b, nonce, len);
	say(self, b, nonce, len);
	EXPECT_EQ(RENDEZVOUS_CLOSED, b->client.state);
	parties_run(&self->p);
	EXPECT_EQ(0, a->ret);
	b = parties_join(&self->p, "us", 1);
	parties_run(&self->p);
	EXPECT_TRUE(party_knows(a, b));
}

TEST_HARNESS_MAIN
