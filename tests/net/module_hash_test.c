// SPDX-License-Identifier: GPL-2.0
/*
 * Tests of the kernel module: where a socket lives. As that may be told in the
 * initial network namespace only, these sockets live there, on loopback,
 * without a peer.
 */
#include "tests/lib/conn.h"
#include "tests/lib/kmod.h"
#include "tests/lib/lone.h"

#include <errno.h>
#include <stdlib.h>
#include <unistd.h>

#include <kselftest_harness.h>

#define SOCKETS 600 /* some of them share a bucket */
#define LISTENERS 20

static void __attribute__((constructor)) need_module(void)
{
	kmod_or_skip();
}

struct place {
	uint32_t table, bucket, buckets, chain;
};

FIXTURE(hash)
{
	struct module *at;
	int fd[SOCKETS];
	struct place before[SOCKETS];
};

FIXTURE_VARIANT(hash)
{
	int family;
};

FIXTURE_VARIANT_ADD(hash, ipv4){ .family = AF_INET };
FIXTURE_VARIANT_ADD(hash, ipv6){ .family = AF_INET6 };

FIXTURE_SETUP(hash)
{
	memset(self, 0, sizeof(*self));
	ASSERT_EQ(0, kmod_load());
	self->at = module_open();
	ASSERT_NE(NULL, self->at);
}

FIXTURE_TEARDOWN(hash)
{
	lone_close_all(self->fd, SOCKETS);
	module_close(self->at);
	EXPECT_EQ(0, kmod_unload());
}

static int where(struct module *at, struct module_identity id,
		 struct place *place)
{
	struct module_list list;
	int err = module_get(at, TCBSCOPE_CMD_HASH_GET, &id, false, &list);

	if (err)
		return err;
	place->table = module_or(&list, TCBSCOPE_A_HASH_TABLE, -1);
	place->bucket = module_or(&list, TCBSCOPE_A_HASH_BUCKET, -1);
	place->buckets = module_or(&list, TCBSCOPE_A_HASH_BUCKETS, -1);
	place->chain = module_or(&list, TCBSCOPE_A_HASH_CHAIN, -1);
	return 0;
}

/* As the kernel says it, or 0 where it does not. */
static uint32_t established_buckets(void)
{
	FILE *file = fopen("/proc/sys/net/ipv4/tcp_ehash_entries", "r");
	int n = 0;

	if (file && fscanf(file, "%d", &n) != 1)
		n = 0;
	if (file)
		fclose(file);
	return n;
}

/* How many of the sockets from the @from-th on are in this bucket. */
static uint32_t ours(const struct place *place, uint32_t bucket, int from)
{
	uint32_t n = 0;

	for (; from < SOCKETS; from++)
		n += place[from].bucket == bucket;
	return n;
}

/*
 * A socket stays in its bucket, by addresses and by cookie; the chain has those
 * of ours that say they are there, and is shorter by those that have gone.
 */
TEST_F(hash, established)
{
	uint32_t buckets = established_buckets(), shared = 0, gone;
	struct place now;
	int i;

	ASSERT_EQ(0, lone_open_all(variant->family, self->fd, SOCKETS));
	for (i = 0; i < SOCKETS; i++) {
		ASSERT_EQ(0, where(self->at, kmod_identity(self->fd[i]),
				   &self->before[i]));
		now = self->before[i];
		ASSERT_EQ(TCBSCOPE_TABLE_ESTABLISHED, now.table);
		ASSERT_EQ(buckets ?: self->before[0].buckets, now.buckets);
		ASSERT_EQ(0, now.buckets & (now.buckets - 1));
		ASSERT_GT(now.buckets, now.bucket);
	}
	for (i = 0; i < SOCKETS; i++) {
		now = self->before[i];
		ASSERT_LE(ours(self->before, now.bucket, 0), now.chain);
		shared += now.chain > 1;
	}
	EXPECT_LT(0, shared);
	EXPECT_GT(SOCKETS, shared);

	lone_close_all(self->fd, SOCKETS / 2);
	for (i = SOCKETS / 2; i < SOCKETS; i++) {
		ASSERT_EQ(0,
			  where(self->at, kmod_cookie(conn_cookie(self->fd[i])),
				&now));
		ASSERT_EQ(self->before[i].bucket, now.bucket);
		gone = ours(self->before, now.bucket, 0) -
		       ours(self->before, now.bucket, SOCKETS / 2);
		ASSERT_EQ(self->before[i].chain - gone, now.chain);
	}
}

/* A socket that is no more is nowhere. */
TEST_F(hash, unknown)
{
	struct module_identity id;
	struct place place;

	self->fd[0] = lone_open(variant->family, 0);
	ASSERT_LT(0, self->fd[0]);
	id = kmod_identity(self->fd[0]);
	EXPECT_EQ(0, where(self->at, id, &place));
	lone_close_all(self->fd, 1);
	EXPECT_EQ(-ENOENT, where(self->at, id, &place));
	EXPECT_STREQ("no such socket in this network namespace",
		     module_why(self->at));
}

/* Another listener on the port of the first; -1 if it cannot be. */
static int listener(int family, struct sockaddr_storage *addr)
{
	int fd = socket(family, SOCK_STREAM | SOCK_CLOEXEC, 0), yes = 1;
	socklen_t len = sizeof(*addr);

	addr->ss_family = family;
	if (setsockopt(fd, SOL_SOCKET, SO_REUSEPORT, &yes, sizeof(yes)) ||
	    bind(fd, (struct sockaddr *)addr, len) || listen(fd, 8) ||
	    getsockname(fd, (struct sockaddr *)addr, &len)) {
		close(fd);
		return -1;
	}
	return fd;
}

/* Listeners of one address and port are in one bucket, each adds one to it. */
TEST_F(hash, listening)
{
	struct sockaddr_storage addr = {};
	struct place place, first;
	int i;

	for (i = 0; i < LISTENERS; i++) {
		self->fd[i] = listener(variant->family, &addr);
		ASSERT_LT(0, self->fd[i]);
		ASSERT_EQ(0,
			  where(self->at, kmod_identity(self->fd[i]), &place));
		if (!i)
			first = place;
		EXPECT_EQ(TCBSCOPE_TABLE_LISTENING, place.table);
		EXPECT_EQ(first.bucket, place.bucket);
		EXPECT_EQ(first.buckets, place.buckets);
		EXPECT_GT(place.buckets, place.bucket);
		EXPECT_EQ(first.chain + i, place.chain);
		EXPECT_EQ(0,
			  where(self->at, kmod_cookie(conn_cookie(self->fd[i])),
				&place));
		EXPECT_EQ(first.bucket, place.bucket);
	}
}

TEST_HARNESS_MAIN
