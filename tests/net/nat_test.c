// SPDX-License-Identifier: GPL-2.0
/* Two tcbpeer behind NATs, a rendezvous between them: what opens, and why not. */
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "lab/nat.h"
#include "lab/netns.h"
#include "peer/diagnose.h"
#include "tests/lib/guest.h"
#include "tests/lib/peerprog.h"

#include <kselftest_harness.h>

#define RENDEZVOUS NAT_RENDEZVOUS ":7000"
#define OPENS 3 /* of each combination; $NAT_OPENS for more */

FIXTURE(nat)
{
	struct nat_lab lab;
	struct peerprog rendezvous, peer[2];
	char secret[2][64];
	bool there; /* nft is: else nothing of this */
};

FIXTURE_VARIANT(nat)
{
	struct nat_kind kind[2];
	uint64_t delay_ns;     /* one way */
	const char *diagnosis; /* by end 0: "open", or why not */
};

#define PRESERVING(filter)                   \
	{                                    \
		NAT_PRESERVING, NAT_##filter \
	}
#define SYMMETRIC(filter)                \
	{                                \
		NAT_RANDOM, NAT_##filter \
	}

FIXTURE_VARIANT_ADD(nat, drop_drop){
	.kind = { PRESERVING(DROP), PRESERVING(DROP) },
	.diagnosis = "open",
};

FIXTURE_VARIANT_ADD(nat, drop_reset){
	.kind = { PRESERVING(DROP), PRESERVING(RESET) },
	.diagnosis = "open",
};

FIXTURE_VARIANT_ADD(nat, reset_reset){
	.kind = { PRESERVING(RESET), PRESERVING(RESET) },
	.diagnosis = "open",
};

/* With a delay, both SYNs are under way at once. */
FIXTURE_VARIANT_ADD(nat, reset_reset_5ms){
	.kind = { PRESERVING(RESET), PRESERVING(RESET) },
	.delay_ns = 5000000,
	.diagnosis = "open",
};

FIXTURE_VARIANT_ADD(nat, drop_reset_5ms){
	.kind = { PRESERVING(DROP), PRESERVING(RESET) },
	.delay_ns = 5000000,
	.diagnosis = "open",
};

FIXTURE_VARIANT_ADD(nat, drop_drop_5ms){
	.kind = { PRESERVING(DROP), PRESERVING(DROP) },
	.delay_ns = 5000000,
	.diagnosis = "open",
};

FIXTURE_VARIANT_ADD(nat, symmetric_here){
	.kind = { SYMMETRIC(DROP), PRESERVING(DROP) },
	.diagnosis = "symmetric_own",
};

FIXTURE_VARIANT_ADD(nat, symmetric_there){
	.kind = { PRESERVING(RESET), SYMMETRIC(RESET) },
	.diagnosis = "symmetric_partner",
};

static bool put(char path[64], const char *text)
{
	int fd;

	strcpy(path, "/tmp/nat_test.XXXXXX");
	fd = mkstemp(path);
	if (fd < 0 || dprintf(fd, "%s\n", text) < 0)
		return false;
	return !close(fd);
}

FIXTURE_SETUP(nat)
{
	const char *args[] = { "rendezvous",	       "-l", RENDEZVOUS, "-l",
			       NAT_RENDEZVOUS ":7001", NULL };
	int i;

	ASSERT_TRUE(signal(SIGPIPE, SIG_IGN) != SIG_ERR);
	ASSERT_NE(NULL, peerprog_path());
	ASSERT_EQ(0, nat_create(&self->lab, variant->delay_ns));
	for (i = 0; i < 2; i++) {
		int err = nat_set(&self->lab, i, variant->kind[i]);

		if (err == -ENOENT)
			return;
		ASSERT_EQ(0, err);
	}
	self->there = true;
	ASSERT_TRUE(put(self->secret[0], "a secret of both"));
	ASSERT_TRUE(put(self->secret[1], "another one"));
	ASSERT_EQ(0, peerprog_start(&self->rendezvous, self->lab.middle, args));
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

/*
 * Claim of every test here: the rendezvous has nothing to do once its peers
 * have met or gone, and ends when it is told to.
 */
FIXTURE_TEARDOWN(nat)
{
	if (self->there) {
		long ms = used_ms(self->rendezvous.pid);

		EXPECT_TRUE(ms >= 0 && ms < 1000)
		TH_LOG("the rendezvous has used %ld ms", ms);
		kill(self->rendezvous.pid, SIGTERM);
		EXPECT_EQ(0, peerprog_end(&self->rendezvous));
		unlink(self->secret[0]);
		unlink(self->secret[1]);
	}
	nat_destroy(&self->lab);
}

static int start(FIXTURE_DATA(nat) * self, int side, int secret)
{
	const char *args[] = { "--rendezvous",
			       RENDEZVOUS,
			       "--name",
			       "us",
			       "--secret",
			       self->secret[secret],
			       "--json",
			       "--message",
			       side ? "from 1" : "from 0",
			       NULL };

	return peerprog_start(&self->peer[side], self->lab.host[side], args);
}

/* Until a peer says that the rendezvous has seen it; its own retry is none. */
static bool waits(struct peerprog *peer)
{
	while (!strstr(peer->err_text, "waiting")) {
		if (!peerprog_read(peer->err, peer->err_text,
				   sizeof(peer->err_text)))
			return false;
	}
	return true;
}

/* Both ends meet and open. Returns how many of them succeeded; 2 is all. */
static int meet(FIXTURE_DATA(nat) * self)
{
	int side, good = 0;

	for (side = 0; side < 2; side++) {
		if (start(self, side, 0) || !waits(&self->peer[side]))
			return -1;
	}
	for (side = 0; side < 2; side++)
		good += !peerprog_end(&self->peer[side]);
	return good;
}

static void check(struct __test_metadata *_metadata,
		  const FIXTURE_VARIANT(nat) * variant,
		  const struct peerprog *peer, int side, bool opened)
{
	static const char *const mapping[] = { "preserving", "symmetric" };
	struct json_object *punch = peerprog_json(peer, "punch");
	struct json_object *message = peerprog_json(peer, "message");
	const char *want = opened ? "open" : variant->diagnosis;

	/* The other end's NAT is the other one. */
	if (side && !strcmp(want, "symmetric_own"))
		want = "symmetric_partner";
	else if (side && !strcmp(want, "symmetric_partner"))
		want = "symmetric_own";
	EXPECT_STREQ(want, peerprog_text(punch, "diagnosis"))
	TH_LOG("%s%s", peer->out_text, peer->err_text);
	EXPECT_STREQ(mapping[variant->kind[side].mapping],
		     peerprog_text(punch, "mapping"));
	EXPECT_STREQ(mapping[variant->kind[!side].mapping],
		     peerprog_text(punch, "peer_mapping"));
	EXPECT_STREQ(opened ? "public" : "", peerprog_text(punch, "candidate"));
	EXPECT_STREQ(!opened ? "" :
		     side    ? "from 0" :
			       "from 1",
		     peerprog_text(message, "message"));
	json_object_put(punch);
	json_object_put(message);
}

/*
 * Claim: what can be opened is opened, and what cannot is said to be so, with
 * what the NATs do to ports. $NAT_OPENS prints what it took.
 */
TEST_F_TIMEOUT(nat, opens, 3600)
{
	const char *env = getenv("NAT_OPENS");
	int i, good;
	int opens = env ? atoi(env) : (int)guest_times(OPENS, 1);
	struct json_object *open;

	if (!self->there)
		SKIP(return, "there is no nft");
	for (i = 0; i < opens; i++) {
		good = meet(self);
		ASSERT_TRUE(good == 0 || good == 2)
		TH_LOG("%s%s", self->peer[0].err_text, self->peer[1].err_text);
		ASSERT_EQ(strcmp(variant->diagnosis, "open") ? 0 : 2, good);
		check(_metadata, variant, &self->peer[0], 0, good == 2);
		check(_metadata, variant, &self->peer[1], 1, good == 2);
		open = peerprog_json(&self->peer[0], "open");
		if (env)
			TH_LOG("opened %d us %d attempts %d", good / 2,
			       (int)(peerprog_number(open, "elapsed_ns") /
				     1000),
			       (int)peerprog_number(open, "attempts"));
		json_object_put(open);
	}
}

/* Claim: a stranger without the secret gets nothing and disturbs nobody. */
TEST_F_TIMEOUT(nat, stranger, 120)
{
	if (!self->there)
		SKIP(return, "there is no nft");
	ASSERT_EQ(0, start(self, 0, 0));
	ASSERT_TRUE(waits(&self->peer[0]));
	ASSERT_EQ(0, start(self, 1, 1));
	EXPECT_EQ(1, peerprog_end(&self->peer[1]));
	EXPECT_NE(NULL, strstr(self->peer[1].err_text, "same secret"))
	TH_LOG("%s", self->peer[1].err_text);
	EXPECT_STREQ("", self->peer[1].out_text);
	kill(self->peer[0].pid, SIGTERM);
	EXPECT_EQ(1, peerprog_end(&self->peer[0]));
	EXPECT_STREQ("", self->peer[0].out_text);
}

/* Claim: every failure has a name of its own, a reason, and what would help. */
TEST(diagnoses)
{
	enum diagnose_why why, other;

	EXPECT_STREQ("open", diagnose_name(DIAGNOSE_OPEN));
	for (why = DIAGNOSE_OPEN + 1; why <= DIAGNOSE_STRANGER; why++) {
		EXPECT_TRUE(diagnose_text(why) && diagnose_help(why));
		for (other = DIAGNOSE_OPEN; other < why; other++)
			EXPECT_STRNE(diagnose_name(other), diagnose_name(why));
	}
}

TEST_HARNESS_MAIN
