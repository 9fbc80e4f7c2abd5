// SPDX-License-Identifier: GPL-2.0
/*
 * Tests of the kernel module: no lock is held for more than TCBSCOPE_HOLD (200)
 * entries, however long what it protects is; and for how long that is.
 *
 * Chains get long in a namespace whose hash table has one bucket.
 */
#include "lab/netns.h"
#include "lib/clock.h"
#include "tests/lib/churn.h"
#include "tests/lib/conn.h"
#include "tests/lib/guest.h"
#include "tests/lib/kmod.h"
#include "tests/lib/lone.h"

#include <arpa/inet.h>
#include <errno.h>
#include <poll.h>
#include <unistd.h>

#include <kselftest_harness.h>

#define MANY 600 /* three holds */
#define HOLD 200
#define PATIENCE_NS (20 * NSEC_PER_SEC)

static void __attribute__((constructor)) need_module(void)
{
	kmod_or_skip();
}

FIXTURE(hold)
{
	int outer, netns; /* one in which the other was made */
	struct module *at;
	int listener;
	int fd[MANY];
	uint64_t cookie[MANY];
	int times[MANY]; /* in a dump */
	pid_t child;	 /* 0: not running */
};

FIXTURE_SETUP(hold)
{
	memset(self, 0, sizeof(*self));
	self->netns = -1;
	ASSERT_EQ(0, lone_allow(2 * MANY + 100));
	self->outer = netns_create();
	ASSERT_LE(0, self->outer);
	ASSERT_EQ(0, netns_enter(self->outer));
	ASSERT_EQ(0, kmod_load());
}

FIXTURE_TEARDOWN(hold)
{
	if (self->child)
		churn_stop(self->child);
	lone_close_all(self->fd, MANY);
	if (self->listener > 0)
		close(self->listener);
	module_close(self->at);
	close(self->netns);
	close(self->outer);
	EXPECT_EQ(0, kmod_unload());
}

/*
 * Goes to a namespace whose established table has so many buckets; 0: it is
 * that of the machine. 0 or -errno.
 */
static int enter(FIXTURE_DATA(hold) * self, const char *buckets)
{
	int err = netns_sysctl(self->outer, "net/ipv4/tcp_child_ehash_entries",
			       buckets);

	if (err && strcmp(buckets, "0"))
		return err;
	self->netns = netns_create();
	if (self->netns < 0)
		return self->netns;
	err = netns_enter(self->netns);
	self->at = kmod_open(self->netns);
	return err ?: self->at ? 0 : -errno;
}

/* A listener with room for all, on loopback. 0 or -errno. */
static int listen_long(FIXTURE_DATA(hold) * self)
{
	struct sockaddr_in at = { .sin_family = AF_INET };

	self->listener = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	if (bind(self->listener, (struct sockaddr *)&at, sizeof(at)) ||
	    listen(self->listener, 2 * MANY))
		return -errno;
	return 0;
}

/* So many clients; those that are deaf stay requests. 0 or -errno. */
static int join(FIXTURE_DATA(hold) * self, bool deaf)
{
	struct sockaddr_in to;
	socklen_t len = sizeof(to);
	int i, err;

	getsockname(self->listener, (struct sockaddr *)&to, &len);
	to.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	for (i = 0; i < MANY; i++) {
		self->fd[i] = socket(AF_INET,
				     SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK,
				     0);
		err = deaf ? conn_deafen(self->fd[i], true) : 0;
		if (err)
			return err;
		if (connect(self->fd[i], (struct sockaddr *)&to, len) &&
		    errno != EINPROGRESS)
			return -errno;
	}
	return 0;
}

/* The listener with all its entries, once there are so many of this kind. */
static struct module_list entries(FIXTURE_DATA(hold) * self, int kind,
				  uint64_t n)
{
	uint64_t deadline = clock_now_ns() + PATIENCE_NS;
	struct module_identity id = kmod_identity(self->listener);
	struct module_list list;

	for (;;) {
		if (module_get(self->at, TCBSCOPE_CMD_LISTENER_GET, &id, true,
			       &list) ||
		    clock_now_ns() > deadline)
			return (struct module_list){};
		if (module_or(&list, kind, 0) == n)
			return list;
		poll(NULL, 0, 1);
	}
}

static uint64_t held_entries(const struct module_list *list)
{
	return module_or(list, TCBSCOPE_A_LISTENER_HOLD_ENTRIES, -1);
}

static unsigned long long held_ns(const struct module_list *list)
{
	return module_or(list, TCBSCOPE_A_LISTENER_HOLD_NS, 0);
}

static int count(const struct module_list *list, int kind)
{
	struct module_list entry;
	size_t at = 0;
	int n = 0;

	while (module_next(list, kind, &at, &entry))
		n++;
	return n;
}

/* An accept queue is read part by part, and yet none is missing. */
TEST_F(hold, accept_queue)
{
	struct module_list list;

	ASSERT_EQ(0, enter(self, "0"));
	ASSERT_EQ(0, listen_long(self));
	ASSERT_EQ(0, join(self, false));
	list = entries(self, TCBSCOPE_A_LISTENER_ACCEPT, MANY);
	EXPECT_EQ(MANY, count(&list, TCBSCOPE_A_LISTENER_CHILD));
	EXPECT_GE(HOLD, held_entries(&list));
	TH_LOG("accept queue: %llu entries in a hold of %llu ns",
	       (unsigned long long)held_entries(&list), held_ns(&list));
}

/* Requests of one bucket, and the clients that are in it as well. */
TEST_F(hold, syn_queue)
{
	struct module_list list;

	if (enter(self, "1"))
		SKIP(return, "namespaces share one hash table there");
	ASSERT_EQ(0, listen_long(self));
	ASSERT_EQ(0, join(self, true));
	list = entries(self, TCBSCOPE_A_LISTENER_SYN, MANY);
	EXPECT_EQ(MANY, count(&list, TCBSCOPE_A_LISTENER_REQUEST));
	EXPECT_GE(HOLD, held_entries(&list));
	TH_LOG("SYN queue: %llu entries in a hold of %llu ns",
	       (unsigned long long)held_entries(&list), held_ns(&list));
}

/* Sockets of one bucket of which none is wanted. */
TEST_F(hold, chain)
{
	struct module_list list;

	if (enter(self, "1"))
		SKIP(return, "namespaces share one hash table there");
	ASSERT_EQ(0, listen_long(self));
	ASSERT_EQ(0, lone_open_all(AF_INET, self->fd, MANY));
	list = entries(self, TCBSCOPE_A_LISTENER_SYN, 0);
	EXPECT_GE(HOLD, held_entries(&list));
	TH_LOG("chain: %llu entries in a hold of %llu ns",
	       (unsigned long long)held_entries(&list), held_ns(&list));
}

static int note(void *ctx, const struct module_list *list)
{
	struct module_list id = module_nest(list, TCBSCOPE_A_SOCKET_IDENTITY);
	uint64_t cookie = module_or(&id, TCBSCOPE_A_IDENTITY_COOKIE, 0);
	FIXTURE_DATA(hold) *self = ctx;
	int i;

	for (i = 0; i < MANY; i++)
		self->times[i] += self->cookie[i] == cookie;
	return 0;
}

/* In the middle of the chain. */
static void churn_in_chain(void)
{
	unsigned int i;

	for (i = 0;; i++)
		close(lone_open(AF_INET, MANY + i % MANY));
}

/*
 * In a bucket that is too long for one hold each socket that stays is found
 * once, by its cookie and in a dump, while others come and go.
 */
TEST_F_TIMEOUT(hold, chain_under_churn, 200)
{
	struct module_identity id;
	struct module_list list;
	int round, i;

	if (enter(self, "1"))
		SKIP(return, "namespaces share one hash table there");
	ASSERT_EQ(0, lone_open_all(AF_INET, self->fd, MANY));
	for (i = 0; i < MANY; i++)
		self->cookie[i] = conn_cookie(self->fd[i]);
	self->child = churn_start(churn_in_chain);
	for (round = guest_times(50, 4); round; round--) {
		poll(NULL, 0, 1);
		memset(self->times, 0, sizeof(self->times));
		ASSERT_EQ(0, module_each(self->at, TCBSCOPE_CMD_SOCKET_GET,
					 note, self));
		ASSERT_TRUE(module_consistent(self->at));
		for (i = 0; i < MANY; i++)
			ASSERT_EQ(1, self->times[i]);
	}
	for (i = 0; i < MANY; i += 50) {
		id = kmod_cookie(self->cookie[i]);
		ASSERT_EQ(0, module_get(self->at, TCBSCOPE_CMD_SOCKET_GET, &id,
					false, &list));
	}
}

TEST_HARNESS_MAIN
