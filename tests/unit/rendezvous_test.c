// SPDX-License-Identifier: GPL-2.0
/* Meetings at a rendezvous: who learns what, and when. */
#include "tests/lib/parties.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <kselftest_harness.h>

#define THOUSANDS (RENDEZVOUS_CLIENTS / 2)
#define STEPS 64 /* more than a meeting has messages */

FIXTURE(rendezvous)
{
	struct parties p;
};

FIXTURE_SETUP(rendezvous)
{
	parties_begin(&self->p);
}

FIXTURE_TEARDOWN(rendezvous)
{
	EXPECT_TRUE(parties_end(&self->p));
}

/* Claim: two of one name and secret learn where the other is, and a start. */
TEST_F(rendezvous, meets)
{
	struct party *a = parties_join(&self->p, "us", 1), *b;

	parties_run(&self->p);
	EXPECT_EQ(0, a->ret);
	EXPECT_TRUE(
		!memcmp(&a->meet.seen, &a->client.from, sizeof(a->meet.seen)));
	b = parties_join(&self->p, "us", 1);
	parties_run(&self->p);
	EXPECT_TRUE(party_knows(a, b));
	EXPECT_TRUE(party_knows(b, a));
	EXPECT_EQ(1, a->meet.role + b->meet.role);
	EXPECT_EQ(0,
		  memcmp(a->meet.nonce, b->meet.nonce, sizeof(a->meet.nonce)));
	EXPECT_EQ(1, self->p.r.introduced);

	/* The name is free again. */
	a = parties_join(&self->p, "us", 2);
	b = parties_join(&self->p, "us", 2);
	parties_run(&self->p);
	EXPECT_TRUE(party_knows(a, b));
}

/*
 * Claim: two that have met have a name to meet under once more, which is not
 * the one of another meeting of theirs, nor of others with the same nonces.
 * Whoever waits under the public one meanwhile is not in their way.
 */
TEST_F(rendezvous, meets_again)
{
	struct party *a = parties_join(&self->p, "us", 1),
		     *b = parties_join(&self->p, "us", 1), *c;
	char name[2][MEET_NAME + 1], other[MEET_NAME + 1];

	parties_run(&self->p);
	c = parties_join(&self->p, "us", 1);
	meet_name_again(&a->meet, name[0]);
	meet_name_again(&b->meet, name[1]);
	EXPECT_STREQ(name[0], name[1]);
	a->meet.secret.key[0]++;
	meet_name_again(&a->meet, other);
	EXPECT_STRNE(name[0], other);

	a = parties_join(&self->p, name[0], 1);
	b = parties_join(&self->p, name[1], 1);
	parties_run(&self->p);
	EXPECT_TRUE(party_knows(a, b));
	EXPECT_TRUE(party_knows(b, a));
	EXPECT_TRUE(party_knows_nothing(c));
	EXPECT_EQ(2, self->p.r.introduced);
	meet_name_again(&a->meet, other);
	EXPECT_STRNE(name[0], other);
}

/* Claim: bytes that come one by one are the same messages. */
TEST_F(rendezvous, one_byte)
{
	struct party *a = parties_join(&self->p, "us", 1),
		     *b = parties_join(&self->p, "us", 1);

	self->p.piece = 1;
	parties_run(&self->p);
	EXPECT_TRUE(party_knows(a, b));
	EXPECT_TRUE(party_knows(b, a));
}

/* Claim: 200 pairs at once do not get in each other's way. */
TEST_F(rendezvous, many)
{
	char name[16];
	int i;

	self->p.piece = 7;
	for (i = 0; i < 2 * PARTIES_PAIRS; i++) {
		snprintf(name, sizeof(name), "pair %d", i % PARTIES_PAIRS);
		ASSERT_NE(NULL,
			  parties_join(&self->p, name, i % PARTIES_PAIRS));
	}
	parties_run(&self->p);
	for (i = 0; i < PARTIES_PAIRS; i++) {
		EXPECT_TRUE(party_knows(&self->p.party[i],
					&self->p.party[i + PARTIES_PAIRS]));
		EXPECT_TRUE(party_knows(&self->p.party[i + PARTIES_PAIRS],
					&self->p.party[i]));
	}
	EXPECT_EQ(PARTIES_PAIRS, self->p.r.introduced);
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
		rendezvous_add(&self->p.r, &all[i], 1);
		len = snprintf((char *)frame + FRAME_HEAD + 1, MEET_NAME,
			       "pair %d", i % THOUSANDS);
		frame_head(frame, MEET_JOIN, 1 + len);
		memcpy(rendezvous_room(&all[i], &room), frame,
		       FRAME_HEAD + 1 + len);
		ASSERT_EQ(0, rendezvous_take(&self->p.r, &all[i],
					     FRAME_HEAD + 1 + len, 1));
		if (i < THOUSANDS) {
			ASSERT_EQ(RENDEZVOUS_READY, all[i].state);
		} else {
			ASSERT_EQ(&all[i - THOUSANDS], all[i].partner);
		}
	}
	for (i = 0; i < 2 * THOUSANDS; i++)
		rendezvous_remove(&self->p.r, &all[i], 1);
	EXPECT_EQ(NULL, self->p.r.pairs);
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

		for (i = 0; i < (int)self->p.n; i++)
			parties_leave(&self->p, &self->p.party[i]);
		memset(self->p.party, 0, sizeof(self->p.party));
		self->p.n = 0;
		ASSERT_EQ(NULL, self->p.r.pairs);

		a = parties_join(&self->p, "us", 1);
		b = parties_join(&self->p, "us", 1);
		self->p.piece = 32;
		for (i = 0; i < at / 2; i++)
			parties_step(&self->p, i & 1 ? b : a);
		parties_leave(&self->p, first ? a : b);
		parties_run(&self->p);
		a = first ? b : a; /* the one that is left */
		if (a->ret == MEET_START)
			continue;
		EXPECT_TRUE(a->ret == 0 || a->ret == -ENOLINK)
		TH_LOG("step %d: %d", at, a->ret);
		lost += a->ret == -ENOLINK;
		c = parties_join(&self->p, "us", 1);
		if (a->ret)
			a = parties_join(&self->p, "us", 1);
		parties_run(&self->p);
		EXPECT_TRUE(party_knows(a, c) && party_knows(c, a))
		TH_LOG("step %d", at);
	}
	EXPECT_LT(0, lost);
}

/* Claim: nobody waits longer than told, and is told so. */
TEST_F(rendezvous, slow)
{
	struct party *a = parties_join(&self->p, "us", 1),
		     *silent = parties_join(&self->p, "", 1);

	EXPECT_EQ(NULL, silent);
	parties_run(&self->p);
	self->p.now_ns += RENDEZVOUS_WAIT_NS - 1;
	rendezvous_tick(&self->p.r, &a->client, self->p.now_ns);
	parties_run(&self->p);
	EXPECT_EQ(0, a->ret);
	self->p.now_ns++;
	rendezvous_tick(&self->p.r, &a->client, self->p.now_ns);
	parties_run(&self->p);
	EXPECT_EQ(-ETIMEDOUT, a->ret);
	EXPECT_EQ(NULL, self->p.r.pairs);
}

/* Claim: both begin at once, however far each is from the rendezvous. */
TEST_F(rendezvous, starts_at_once)
{
	struct party *a = parties_join(&self->p, "us", 1),
		     *b = parties_join(&self->p, "us", 1);
	const uint64_t rtt_a = 10000000, rtt_b = 300000000;

	parties_step(&self->p, a);
	parties_step(&self->p, b); /* the PAIR goes out */
	while (!a->meet.out_len) {
		ASSERT_TRUE(parties_step(&self->p, a));
	}
	while (!b->meet.out_len) {
		ASSERT_TRUE(parties_step(&self->p, b));
	}
	self->p.now_ns += rtt_a;
	parties_step(&self->p, a);
	self->p.now_ns += rtt_b - rtt_a;
	parties_run(&self->p);
	ASSERT_TRUE(party_knows(a, b) && party_knows(b, a));
	EXPECT_EQ(a->meet.start_us + rtt_a / 2000,
		  b->meet.start_us + rtt_b / 2000);
	EXPECT_LE(rtt_b / 2000, a->meet.start_us);
}

/* Claim: what a peer's process takes is no part of how far away it is. */
TEST_F(rendezvous, starts_at_once_though_slow)
{
	struct party *a = parties_join(&self->p, "us", 1),
		     *b = parties_join(&self->p, "us", 1);

	b->client.min_rtt_ns = 2000000;
	parties_step(&self->p, a);
	parties_step(&self->p, b); /* the PAIR goes out */
	while (!a->meet.out_len) {
		ASSERT_TRUE(parties_step(&self->p, a));
	}
	parties_step(&self->p, a);
	self->p.now_ns += 600000000;
	parties_run(&self->p);
	ASSERT_TRUE(party_knows(a, b) && party_knows(b, a));
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
