// SPDX-License-Identifier: GPL-2.0
/* Two tcbpeer behind NATs, a rendezvous between them: what opens, and why not. */
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "lib/clock.h"
#include "peer/diagnose.h"
#include "tests/lib/guest.h"
#include "tests/lib/natmeet.h"

#include <kselftest_harness.h>

FIXTURE(nat)
{
	struct natmeet m;
};

FIXTURE_SETUP(nat)
{
	ASSERT_TRUE(signal(SIGPIPE, SIG_IGN) != SIG_ERR);
	ASSERT_NE(NULL, peerprog_path());
}

/* Of a test that has failed; the others have done so. */
FIXTURE_TEARDOWN(nat)
{
	if (self->m.row)
		natmeet_destroy(&self->m);
}

/* Processor time that a process has used, in ms, or -1. */
static long used_ms(pid_t pid)
{
	unsigned long user, system;
	char path[32];
	FILE *file;
	int n;

	snprintf(path, sizeof(path), "/proc/%d/stat", pid);
	file = fopen(path, "re");
	if (!file)
		return -1;
	n = fscanf(file,
		   "%*d (tcbpeer) %*c %*d %*d %*d %*d %*d %*u %*u %*u %*u %*u "
		   "%lu %lu",
		   &user, &system);
	fclose(file);
	return n == 2 ? (long)((user + system) * 1000 / sysconf(_SC_CLK_TCK)) :
			-1;
}

/* What a peer says of its own NAT, or of the other one's. */
static const char *mapping(const struct natmeet_row *row, int side)
{
	static const char *const names[] = {
		[NAT_PRESERVING] = "preserving",
		[NAT_REMAPPING] = "remapping",
		[NAT_RANDOM] = "symmetric",
		[NAT_FULLY_RANDOM] = "symmetric",
	};

	return names[row->kind[side].mapping];
}

/*
 * A NAT of which each attempt gets another port at random, and another one that
 * lets thousands be made: one of them may fit.
 */
static bool lucky(const struct natmeet *m)
{
	return !m->row->way &&
	       (m->row->kind[0].mapping == NAT_FULLY_RANDOM ||
		m->row->kind[1].mapping == NAT_FULLY_RANDOM) &&
	       !strcmp(natmeet_said(m, 0, "diagnosis"), "open");
}

static void check(struct __test_metadata *_metadata, const struct natmeet *m,
		  int side)
{
	const char *want = lucky(m) ? "open" : m->row->says[side];
	const char *way = lucky(m) ? "public" : m->row->way ?: "";
	struct json_object *message = peerprog_json(&m->peer[side], "message");

	EXPECT_STREQ(want, natmeet_said(m, side, "diagnosis"))
	TH_LOG("%s, end %d: %s%s", m->row->name, side, m->peer[side].out_text,
	       m->peer[side].err_text);
	EXPECT_STREQ(mapping(m->row, side), natmeet_said(m, side, "mapping"));
	EXPECT_STREQ(mapping(m->row, !side),
		     natmeet_said(m, side, "peer_mapping"));
	EXPECT_STREQ(way, natmeet_said(m, side, "candidate"))
	TH_LOG("%s", m->row->name);
	EXPECT_STREQ(!*way ? "" :
		     side  ? "from 0" :
			     "from 1",
		     peerprog_text(message, "message"));
	json_object_put(message);
}

/*
 * One meeting between NATs of that row. The rendezvous has nothing to do once
 * its peers have met or gone, and ends when it is told to.
 */
static void meet(struct __test_metadata *_metadata, struct natmeet *m,
		 const struct natmeet_row *row)
{
	/* A SYN without an answer means something after a second only. */
	const char *more[] = { row->way ? NULL : "--deadline", "2500ms", NULL };
	int met;
	long ms;

	ASSERT_EQ(0, natmeet_create(m, row))
	TH_LOG("%s", row->name);
	met = natmeet_run(m, more);
	EXPECT_EQ(row->way || lucky(m) ? 2 : 0, met)
	TH_LOG("%s: %s%s", row->name, m->peer[0].err_text, m->peer[1].err_text);
	check(_metadata, m, 0);
	check(_metadata, m, 1);
	ms = used_ms(m->rendezvous.pid);
	EXPECT_TRUE(ms >= 0 && ms < 1000)
	TH_LOG("the rendezvous has used %ld ms", ms);
	EXPECT_EQ(0, natmeet_destroy(m));
}

/*
 * Claim: what can be opened is opened, over which candidate, and what cannot is
 * said to be so and why, with what the NATs do to ports. On an emulated CPU,
 * where a key takes a second, three of the rows do.
 */
TEST_F_TIMEOUT(nat, opens, 600)
{
	unsigned int i;

	for (i = 0; i < natmeet_row_count; i++) {
		if (natmeet_rows[i].sample || !guest_is_emulated())
			meet(_metadata, &self->m, &natmeet_rows[i]);
	}
}

/* Of that row, from where a SYN gets through from the second port on only. */
static const struct natmeet_row spoiled = {
	.name = "spoiled for the first port",
	.kind = { { .filter = NAT_DROP, .spoiled = true },
		  { .filter = NAT_DROP } },
	.says = { "open", "open" },
	.way = "public",
};

static int64_t said_number(const struct peerprog *peer, const char *type,
			   const char *field)
{
	struct json_object *object = peerprog_json(peer, type);
	int64_t number = peerprog_number(object, field);

	json_object_put(object);
	return number;
}

/*
 * Claim: where a NAT has been spoiled for a pair of ports both meet again, from
 * others, also if one of them has to keep its own; time and attempts count from
 * the first meeting on.
 */
TEST_F_TIMEOUT(nat, meets_again, 120)
{
	/* The second one keeps its port. */
	const char *more[] = { "--deadline", "30", "-l", "0.0.0.0:5000", NULL };
	struct natmeet *m = &self->m;
	int side;

	ASSERT_EQ(0, natmeet_create(m, &spoiled));
	for (side = 0; side < 2; side++) {
		more[2] = side ? "-l" : NULL;
		ASSERT_EQ(0, natmeet_start(m, side, 0, more));
		ASSERT_TRUE(natmeet_waits(&m->peer[side]));
	}
	for (side = 0; side < 2; side++) {
		const struct peerprog *peer = &m->peer[side];

		EXPECT_EQ(0, peerprog_end(&m->peer[side]));
		check(_metadata, m, side);
		EXPECT_LE(2, said_number(peer, "punch", "meetings"));
		EXPECT_LT(1, said_number(peer, "open", "attempts"));
		EXPECT_LT((int64_t)NSEC_PER_SEC,
			  said_number(peer, "open", "elapsed_ns"));
	}
	EXPECT_EQ(5000, said_number(&m->peer[1], "open", "lport"));
	EXPECT_EQ(0, natmeet_destroy(m));
}

/*
 * Claim: a partner that does not come back, here for its deadline, is said not
 * to, and with it what has stood in the way of the first meeting.
 */
TEST_F_TIMEOUT(nat, does_not_come_back, 120)
{
	const char *more[][3] = { { "--deadline", "4" },
				  { "--deadline", "1" } };
	struct natmeet *m = &self->m;
	int side;

	ASSERT_EQ(0, natmeet_create(m, &spoiled));
	for (side = 0; side < 2; side++) {
		ASSERT_EQ(0, natmeet_start(m, side, 0, more[side]));
		ASSERT_TRUE(natmeet_waits(&m->peer[side]));
	}
	for (side = 0; side < 2; side++)
		EXPECT_EQ(1, peerprog_end(&m->peer[side]));
	EXPECT_STREQ("filtered", natmeet_said(m, 0, "diagnosis"));
	EXPECT_EQ(1, said_number(&m->peer[0], "punch", "meetings"));
	EXPECT_NE(NULL, strstr(m->peer[0].err_text, "has not come back"))
	TH_LOG("%s", m->peer[0].err_text);
	EXPECT_EQ(0, natmeet_destroy(m));
}

/* Claim: a stranger without the secret gets nothing and disturbs nobody. */
TEST_F_TIMEOUT(nat, stranger, 120)
{
	struct natmeet *m = &self->m;

	ASSERT_EQ(0, natmeet_create(m, &natmeet_rows[0]));
	ASSERT_EQ(0, natmeet_start(m, 0, 0, NULL));
	ASSERT_TRUE(natmeet_waits(&m->peer[0]));
	ASSERT_EQ(0, natmeet_start(m, 1, 1, NULL));
	EXPECT_EQ(1, peerprog_end(&m->peer[1]));
	EXPECT_NE(NULL, strstr(m->peer[1].err_text, "same secret"))
	TH_LOG("%s", m->peer[1].err_text);
	EXPECT_STREQ("", m->peer[1].out_text);
	kill(m->peer[0].pid, SIGTERM);
	EXPECT_EQ(1, peerprog_end(&m->peer[0]));
	EXPECT_STREQ("", m->peer[0].out_text);
	EXPECT_EQ(0, natmeet_destroy(m));
}

/* Claim: every failure has a name of its own, a reason, and what would help. */
TEST(diagnoses)
{
	enum diagnose_why why, other;

	EXPECT_STREQ("open", diagnose_name(DIAGNOSE_OPEN));
	for (why = DIAGNOSE_OPEN + 1; why < DIAGNOSE_REASONS; why++) {
		EXPECT_TRUE(diagnose_text(why) && diagnose_help(why));
		for (other = DIAGNOSE_OPEN; other < why; other++)
			EXPECT_STRNE(diagnose_name(other), diagnose_name(why));
	}
}

TEST_HARNESS_MAIN
