// SPDX-License-Identifier: GPL-2.0
/*
 * Tests of the kernel module: what a dump of all sockets costs, beside what the
 * kernel's own costs, and for how long locks are held.
 *
 * $TCBSCOPE_SOCKETS says with how many, if not with few.
 */
#include "lab/netns.h"
#include "tests/lib/kmod.h"
#include "tests/lib/lone.h"

#include <errno.h>
#include <linux/genetlink.h>
#include <linux/inet_diag.h>
#include <linux/netlink.h>
#include <linux/sock_diag.h>
#include <netinet/tcp.h>
#include <netlink/genl/ctrl.h>
#include <netlink/genl/genl.h>
#include <netlink/socket.h>
#include <stdlib.h>
#include <time.h>
#include <unistd.h>

#include <kselftest_harness.h>

#define FEW 3000
#define ROUNDS 3

static void __attribute__((constructor)) need_module(void)
{
	kmod_or_skip();
}

FIXTURE(cost)
{
	int netns;
	unsigned int n;
	int *fd;
	struct nl_sock *genl, *diag;
	int family; /* number of the module's */
};

FIXTURE_SETUP(cost)
{
	const char *n = getenv("TCBSCOPE_SOCKETS");

	self->n = n ? atoi(n) : FEW;
	self->fd = calloc(self->n, sizeof(*self->fd));
	ASSERT_NE(NULL, self->fd);
	self->netns = netns_create();
	ASSERT_LE(0, self->netns);
	ASSERT_EQ(0, netns_enter(self->netns));
	ASSERT_EQ(0, kmod_load());
	ASSERT_EQ(0, lone_allow(self->n + 100));
	ASSERT_EQ(0, lone_open_all(AF_INET, self->fd, self->n));
	self->genl = nl_socket_alloc();
	self->diag = nl_socket_alloc();
	ASSERT_EQ(0, genl_connect(self->genl));
	ASSERT_EQ(0, nl_connect(self->diag, NETLINK_SOCK_DIAG));
	self->family = genl_ctrl_resolve(self->genl, TCBSCOPE_FAMILY_NAME);
	ASSERT_LT(0, self->family);
}

FIXTURE_TEARDOWN(cost)
{
	lone_close_all(self->fd, self->n);
	free(self->fd);
	nl_socket_free(self->genl);
	nl_socket_free(self->diag);
	close(self->netns);
	EXPECT_EQ(0, kmod_unload());
}

static uint64_t cpu_ns(void)
{
	struct timespec t;

	clock_gettime(CLOCK_THREAD_CPUTIME_ID, &t);
	return t.tv_sec * 1000000000ULL + t.tv_nsec;
}

struct request {
	struct nlmsghdr nlh;
	union {
		struct genlmsghdr genl;
		struct inet_diag_req_v2 diag;
	};
};

/*
 * Dumps all, and looks at nothing but lengths: what it takes is the kernel's.
 * Returns how many messages came, or -1.
 */
static int dump(struct nl_sock *sock, struct request *request, uint64_t *ns)
{
	static uint8_t answer[65536];
	int fd = nl_socket_get_fd(sock), count = 0;
	struct nlmsghdr *nlh;
	ssize_t len;

	*ns -= cpu_ns();
	request->nlh.nlmsg_flags = NLM_F_REQUEST | NLM_F_DUMP;
	request->nlh.nlmsg_seq = 1;
	if (send(fd, request, request->nlh.nlmsg_len, 0) < 0)
		return -1;
	for (;;) {
		len = recv(fd, answer, sizeof(answer), 0);
		if (len <= 0)
			return -1;
		for (nlh = (void *)answer; NLMSG_OK(nlh, len);
		     nlh = NLMSG_NEXT(nlh, len)) {
			if (nlh->nlmsg_type == NLMSG_ERROR)
				return -1;
			if (nlh->nlmsg_type == NLMSG_DONE) {
				*ns += cpu_ns();
				return count;
			}
			count++;
		}
	}
}

/* What "ss -tan" asks the kernel for. */
static int dump_diag(struct nl_sock *sock, int family, uint64_t *ns)
{
	struct request request = {
		.nlh = {
			.nlmsg_len = NLMSG_LENGTH(sizeof(request.diag)),
			.nlmsg_type = SOCK_DIAG_BY_FAMILY,
		},
		.diag = {
			.sdiag_family = family,
			.sdiag_protocol = IPPROTO_TCP,
			.idiag_states = ~0U,
		},
	};

	return dump(sock, &request, ns);
}

static int dump_module(struct nl_sock *sock, int family, uint64_t *ns)
{
	struct request request = {
		.nlh = {
			.nlmsg_len = NLMSG_LENGTH(sizeof(request.genl)),
			.nlmsg_type = family,
		},
		.genl = { .cmd = TCBSCOPE_CMD_SOCKET_GET },
	};

	return dump(sock, &request, ns);
}

/* The short form of all costs the kernel no more than its own diagnosis. */
TEST_F_TIMEOUT(cost, short_form, 200)
{
	uint64_t ours = 0, theirs = 0, best = ~0ULL, their_best = ~0ULL;
	int i;

	for (i = 0; i < ROUNDS; i++) {
		ours = theirs = 0;
		ASSERT_EQ((int)self->n,
			  dump_module(self->genl, self->family, &ours));
		ASSERT_EQ((int)self->n,
			  dump_diag(self->diag, AF_INET, &theirs));
		ASSERT_EQ(0, dump_diag(self->diag, AF_INET6, &theirs));
		best = ours < best ? ours : best;
		their_best = theirs < their_best ? theirs : their_best;
	}
	TH_LOG("%u sockets: %.0f ns each, sock_diag %.0f ns", self->n,
	       (double)best / self->n, (double)their_best / self->n);
	EXPECT_LE(best, their_best);
}

TEST_HARNESS_MAIN
