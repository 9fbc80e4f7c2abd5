// SPDX-License-Identifier: GPL-2.0
/* Test of the kernel module: it is loaded and unloaded while it is used. */
#include "lab/netns.h"
#include "lib/clock.h"
#include "tests/lib/churn.h"
#include "tests/lib/conn.h"
#include "tests/lib/kmod.h"

#include <poll.h>
#include <stdlib.h>
#include <unistd.h>

#include <kselftest_harness.h>

static void __attribute__((constructor)) need_module(void)
{
	kmod_or_skip();
}

FIXTURE(reload)
{
	int netns;
	pid_t child[2]; /* 0: not running */
};

FIXTURE_SETUP(reload)
{
	memset(self, 0, sizeof(*self));
	self->netns = netns_create();
	ASSERT_LE(0, self->netns);
	ASSERT_EQ(0, netns_enter(self->netns));
	/* Dumps are to be many, not long. */
	ASSERT_EQ(0, netns_sysctl(self->netns, "net/ipv4/tcp_max_tw_buckets",
				  "64"));
	ASSERT_EQ(0, kmod_load());
}

FIXTURE_TEARDOWN(reload)
{
	int i;

	for (i = 0; i < 2; i++)
		if (self->child[i])
			churn_stop(self->child[i]);
	close(self->netns);
	EXPECT_EQ(0, kmod_unload());
}

static int ignore(void *ctx, const struct module_list *list)
{
	(void)ctx;
	(void)list;
	return 0;
}

/* Asks for a socket and for a listener with who waits there, in every way. */
static void get_each(struct module *m, int listener, int client)
{
	struct module_identity id[] = {
		kmod_identity(client),
		kmod_identity(listener),
		kmod_cookie(conn_cookie(client)),
		kmod_cookie(conn_cookie(listener)),
	};
	struct module_list list;
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(id); i++) {
		module_get(m, TCBSCOPE_CMD_SOCKET_GET, &id[i], false, &list);
		module_get(m, TCBSCOPE_CMD_LISTENER_GET, &id[i], true, &list);
	}
}

/* Opens, closes, gets and dumps, whether the module is there or not. */
static void churn_and_dump(void)
{
	struct module *m;
	int fd, client;

	for (;;) {
		fd = churn_listener(0);
		client = churn_client(fd);
		m = module_open();
		if (m) {
			get_each(m, fd, client);
			close(client);
			module_each(m, TCBSCOPE_CMD_SOCKET_GET, ignore, NULL);
			module_each(m, TCBSCOPE_CMD_LISTENER_GET, ignore, NULL);
			module_close(m);
		} else {
			close(client);
		}
		close(fd);
		/* Between two unloads there is time for no more than one. */
		poll(NULL, 0, 1);
	}
}

/*
 * It comes and goes while two others open, close, get and dump: 200 times, and
 * for as long as $TCBSCOPE_STRESS says, in seconds.
 */
TEST_F_TIMEOUT(reload, while_used, 1000)
{
	const char *stress = getenv("TCBSCOPE_STRESS");
	uint64_t end = clock_now_ns();
	int i;

	if (stress)
		end += atoi(stress) * NSEC_PER_SEC;
	self->child[0] = churn_start(churn_and_dump);
	self->child[1] = churn_start(churn_and_dump);
	for (i = 0; i < 200 || clock_now_ns() < end; i++) {
		/* Else the others would not run on a single processor. */
		poll(NULL, 0, 1);
		ASSERT_EQ(0, kmod_unload());
		poll(NULL, 0, 1);
		ASSERT_EQ(0, kmod_load());
	}
	if (stress)
		TH_LOG("%d times", i);
}

TEST_HARNESS_MAIN
