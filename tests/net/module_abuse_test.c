// SPDX-License-Identifier: GPL-2.0
/* Tests of the kernel module: who may ask, nonsense, churn. */
#include "lab/netns.h"
#include "lib/clock.h"
#include "tests/lib/caps.h"
#include "tests/lib/churn.h"
#include "tests/lib/guest.h"
#include "tests/lib/kmod.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/genetlink.h>
#include <linux/netlink.h>
#include <linux/userfaultfd.h>
#include <netlink/genl/ctrl.h>
#include <netlink/genl/genl.h>
#include <netlink/socket.h>
#include <poll.h>
#include <pthread.h>
#include <sched.h>
#include <stdlib.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <kselftest_harness.h>

#define STABLE 1000  /* listeners that stay: too many for one message */
#define CHAIN_PORT 7 /* of all listeners, so that they are in one chain */

static void __attribute__((constructor)) need_module(void)
{
	kmod_or_skip();
}

FIXTURE(abuse)
{
	int netns;
	struct module *at;
	int stable[STABLE];
	uint64_t cookie[STABLE];
	pid_t child; /* 0: not running */
};

FIXTURE_SETUP(abuse)
{
	memset(self, 0, sizeof(*self));
	self->netns = netns_create();
	ASSERT_LE(0, self->netns);
	ASSERT_EQ(0, netns_enter(self->netns));
	/* What lives on is of interest here. */
	ASSERT_EQ(0, netns_sysctl(self->netns, "net/ipv4/tcp_max_tw_buckets",
				  "64"));
	ASSERT_EQ(0, kmod_load());
	self->at = kmod_open(self->netns);
	ASSERT_NE(NULL, self->at);
}

FIXTURE_TEARDOWN(abuse)
{
	int i;

	if (self->child)
		churn_stop(self->child);
	for (i = 0; i < STABLE; i++)
		if (self->stable[i])
			close(self->stable[i]);
	module_close(self->at);
	close(self->netns);
	EXPECT_EQ(0, kmod_unload());
}

/* Listeners that come and go in the middle of the one chain that the others are
 * in. */
static void churn_in_chain(void)
{
	for (;;)
		close(churn_listener(CHAIN_PORT));
}

struct seen {
	const uint64_t *cookie; /* of those that stay, STABLE */
	int times[STABLE], others;
};

static int note(void *ctx, const struct module_list *list)
{
	struct module_list id = module_nest(list, TCBSCOPE_A_SOCKET_IDENTITY);
	uint64_t cookie = module_or(&id, TCBSCOPE_A_IDENTITY_COOKIE, 0);
	struct seen *seen = ctx;
	int i;

	for (i = 0; i < STABLE; i++)
		if (seen->cookie[i] == cookie) {
			seen->times[i]++;
			return 0;
		}
	seen->others++;
	return 0;
}

static int stable_open(FIXTURE_DATA(abuse) * self, uint16_t port)
{
	socklen_t len = sizeof(self->cookie[0]);
	int i;

	for (i = 0; i < STABLE; i++) {
		self->stable[i] = churn_listener(port);
		if (self->stable[i] < 0 ||
		    getsockopt(self->stable[i], SOL_SOCKET, SO_COOKIE,
			       &self->cookie[i], &len))
			return -errno;
	}
	return 0;
}

/* Is each of those that stay in a dump once? */
static bool has_each_once(FIXTURE_DATA(abuse) * self, int cmd)
{
	struct seen seen = { .cookie = self->cookie };
	int i;

	if (module_each(self->at, cmd, note, &seen) ||
	    !module_consistent(self->at))
		return false;
	for (i = 0; i < STABLE; i++)
		if (seen.times[i] != 1)
			return false;
	return true;
}

/* What lives on is in each dump exactly once, however much comes and goes. */
TEST_F_TIMEOUT(abuse, dumps_under_churn, 200)
{
	int round;

	ASSERT_EQ(0, stable_open(self, 0));
	self->child = churn_start(churn);
	for (round = guest_times(50, 4); round; round--) {
		poll(NULL, 0, 1);
		ASSERT_TRUE(has_each_once(self, TCBSCOPE_CMD_SOCKET_GET));
		ASSERT_TRUE(has_each_once(self, TCBSCOPE_CMD_LISTENER_GET));
	}
}

/* The same if all are in one chain, too long for one hold of its lock. */
TEST_F_TIMEOUT(abuse, long_chain_under_churn, 200)
{
	int round;

	ASSERT_EQ(0, stable_open(self, CHAIN_PORT));
	self->child = churn_start(churn_in_chain);
	for (round = guest_times(50, 4); round; round--) {
		poll(NULL, 0, 1);
		ASSERT_TRUE(has_each_once(self, TCBSCOPE_CMD_SOCKET_GET));
		ASSERT_TRUE(has_each_once(self, TCBSCOPE_CMD_LISTENER_GET));
	}
}

static int close_all(void *ctx, const struct module_list *list)
{
	FIXTURE_DATA(abuse) *self = ctx;
	int i;

	for (i = 0; i < STABLE; i++)
		if (self->stable[i]) {
			close(self->stable[i]);
			self->stable[i] = 0;
		}
	return 0;
}

/* If all have gone that could lead on, the dump says that it is incomplete. */
TEST_F(abuse, chain_breaks)
{
	ASSERT_EQ(0, stable_open(self, CHAIN_PORT));
	ASSERT_EQ(0, module_each(self->at, TCBSCOPE_CMD_LISTENER_GET, close_all,
				 self));
	EXPECT_FALSE(module_consistent(self->at));
}

/* Another namespace has none of them. */
TEST_F(abuse, namespaces)
{
	struct seen seen = { .cookie = self->cookie };
	int other = netns_create();
	struct module *m;

	ASSERT_LE(0, other);
	self->stable[0] = churn_listener(0);
	ASSERT_EQ(0,
		  module_each(self->at, TCBSCOPE_CMD_SOCKET_GET, note, &seen));
	EXPECT_EQ(1, seen.others);
	m = kmod_open(other);
	ASSERT_NE(NULL, m);
	seen.others = 0;
	EXPECT_EQ(0, module_each(m, TCBSCOPE_CMD_SOCKET_GET, note, &seen));
	EXPECT_EQ(0, seen.others);
	module_close(m);
	close(other);
}

/* What a child that may do less gets for each operation, as exit status. */
static int get_as(bool own_user_namespace, int cmd)
{
	static const int none[] = { -1 };
	struct module_identity id = { .family = AF_INET, .local_port = 1 };
	struct module_list list;
	struct module *m;
	int status;
	pid_t pid = fork();

	if (!pid) {
		if (caps_become(CAPS_NOBODY, none))
			_exit(200);
		if (own_user_namespace && unshare(CLONE_NEWUSER | CLONE_NEWNET))
			_exit(201);
		m = module_open();
		if (!m)
			_exit(202);
		_exit(-module_get(m, cmd, &id, false, &list));
	}
	if (pid < 0 || waitpid(pid, &status, 0) != pid || !WIFEXITED(status))
		return -1;
	return WEXITSTATUS(status);
}

/* CAP_NET_ADMIN is needed, in the namespace; for hashes in the first one. */
TEST_F(abuse, permissions)
{
	EXPECT_EQ(EPERM, get_as(false, TCBSCOPE_CMD_SOCKET_GET));
	EXPECT_EQ(EPERM, get_as(false, TCBSCOPE_CMD_LISTENER_GET));
	EXPECT_EQ(EPERM, get_as(false, TCBSCOPE_CMD_HASH_GET));
	EXPECT_EQ(ENOENT, get_as(true, TCBSCOPE_CMD_SOCKET_GET));
	EXPECT_EQ(ENOENT, get_as(true, TCBSCOPE_CMD_LISTENER_GET));
	EXPECT_EQ(EPERM, get_as(true, TCBSCOPE_CMD_HASH_GET));
}

/* Each refusal says what is wrong. */
TEST_F(abuse, refusals)
{
	struct module_identity id = { .family = AF_INET, .local_port = 1 };
	struct module_list list;

	EXPECT_EQ(-ENOENT, module_get(self->at, TCBSCOPE_CMD_SOCKET_GET, &id,
				      false, &list));
	EXPECT_STREQ("no such socket in this network namespace",
		     module_why(self->at));
	EXPECT_EQ(-EINVAL, module_get(self->at, TCBSCOPE_CMD_LISTENER_GET, NULL,
				      true, &list));
	EXPECT_STREQ("entries are shown of one listener: say which",
		     module_why(self->at));
	id.remote_port = 1;
	EXPECT_EQ(-EINVAL, module_get(self->at, TCBSCOPE_CMD_LISTENER_GET, &id,
				      false, &list));
	EXPECT_STREQ("a listener has no peer", module_why(self->at));
	EXPECT_EQ(-EPERM, module_get(self->at, TCBSCOPE_CMD_HASH_GET, &id,
				     false, &list));
	EXPECT_STREQ("of the initial network namespace only",
		     module_why(self->at));
}

/* A page that is not there before it is served. Returns a userfaultfd or -errno.
 */
static int page_lacks(void **page, size_t size)
{
	struct uffdio_register range = { .mode = UFFDIO_REGISTER_MODE_MISSING };
	struct uffdio_api api = { .api = UFFD_API };
	int fd = syscall(SYS_userfaultfd, O_CLOEXEC | O_NONBLOCK);

	if (fd < 0)
		return -errno;
	*page = mmap(NULL, size, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	range.range.start = (uintptr_t)*page;
	range.range.len = size;
	if (*page == MAP_FAILED || ioctl(fd, UFFDIO_API, &api) ||
	    ioctl(fd, UFFDIO_REGISTER, &range)) {
		close(fd);
		return -EIO;
	}
	return fd;
}

struct sending {
	int fd;
	void *page;
	size_t size;
};

static void *send_page(void *arg)
{
	struct sending *s = arg;

	return (void *)(intptr_t)send(s->fd, s->page, s->size, 0);
}

/*
 * A socket whose process keeps it locked, in a page fault that it serves
 * itself, is waited for, but not for long; before and after it is shown.
 */
TEST_F(abuse, busy)
{
	struct sending s = { .size = sysconf(_SC_PAGESIZE) };
	struct uffdio_range page = { .len = s.size };
	struct pollfd fault = { .events = POLLIN };
	struct module_identity id;
	struct module_list list;
	uint64_t began, took;
	pthread_t thread;
	void *sent;

	fault.fd = page_lacks(&s.page, s.size);
	if (fault.fd == -ENOSYS)
		SKIP(return, "this kernel has no userfaultfd");
	ASSERT_LE(0, fault.fd);
	self->stable[0] = churn_listener(0);
	s.fd = self->stable[1] = churn_client(self->stable[0]);
	ASSERT_LT(0, s.fd);
	id = kmod_identity(s.fd);
	EXPECT_EQ(0, module_get(self->at, TCBSCOPE_CMD_SOCKET_GET, &id, false,
				&list));
	ASSERT_EQ(0, pthread_create(&thread, NULL, send_page, &s));
	ASSERT_EQ(1, poll(&fault, 1, -1));

	began = clock_now_ns();
	EXPECT_EQ(-EBUSY, module_get(self->at, TCBSCOPE_CMD_SOCKET_GET, &id,
				     false, &list));
	took = clock_now_ns() - began;
	EXPECT_STREQ("its process keeps the socket locked",
		     module_why(self->at));
	EXPECT_LT(NSEC_PER_SEC / 11, took);
	EXPECT_GT(2 * NSEC_PER_SEC, took);

	page.start = (uintptr_t)s.page;
	EXPECT_EQ(0, ioctl(fault.fd, UFFDIO_ZEROPAGE,
			   &(struct uffdio_zeropage){ .range = page }));
	ASSERT_EQ(0, pthread_join(thread, &sent));
	EXPECT_EQ((intptr_t)s.size, (intptr_t)sent);
	EXPECT_EQ(0, module_get(self->at, TCBSCOPE_CMD_SOCKET_GET, &id, false,
				&list));
	close(fault.fd);
}

/* A request for the family, with random bytes behind its header. */
static size_t nonsense(uint8_t *to, int family, unsigned int *seed)
{
	struct nlmsghdr *nlh = (struct nlmsghdr *)to;
	struct genlmsghdr *header = (struct genlmsghdr *)(to + NLMSG_HDRLEN);
	size_t len = NLMSG_HDRLEN + GENL_HDRLEN + rand_r(seed) % 64, i;
	struct nlattr *attr = (struct nlattr *)(header + 1);

	for (i = NLMSG_HDRLEN; i < len; i++)
		to[i] = rand_r(seed);
	*nlh = (struct nlmsghdr){
		.nlmsg_len = len,
		.nlmsg_type = family,
		.nlmsg_flags = NLM_F_REQUEST |
			       (rand_r(seed) % 2 ? NLM_F_DUMP : 0),
		.nlmsg_seq = 1,
	};
	header->cmd = rand_r(seed) % 5;
	header->version = 1;
	/* Often something that begins as a request could. */
	if (rand_r(seed) % 4 && len >= NLMSG_HDRLEN + GENL_HDRLEN + 8) {
		attr->nla_len = rand_r(seed) % 64;
		attr->nla_type = rand_r(seed) % 3 |
				 (rand_r(seed) % 2 ? NLA_F_NESTED : 0);
		attr[1].nla_len = rand_r(seed) % 24;
		attr[1].nla_type = rand_r(seed) % 9;
	}
	/* Sometimes cut. */
	if (!(rand_r(seed) % 8))
		nlh->nlmsg_len = rand_r(seed) % 100;
	return len;
}

/* Nonsense by the thousand is refused, and does no harm. */
TEST_F_TIMEOUT(abuse, nonsense, 200)
{
	struct nl_sock *sock = nl_socket_alloc();
	uint8_t request[256], answer[65536];
	unsigned int seed = 9293, i;
	struct seen seen = { .cookie = self->cookie };
	int family, fd;
	size_t len;

	ASSERT_NE(NULL, sock);
	ASSERT_EQ(0, genl_connect(sock));
	family = genl_ctrl_resolve(sock, TCBSCOPE_FAMILY_NAME);
	ASSERT_LT(0, family);
	fd = nl_socket_get_fd(sock);
	self->stable[0] = churn_listener(0);
	for (i = guest_times(20000, 3000); i; i--) {
		len = nonsense(request, family, &seed);
		send(fd, request, len, MSG_DONTWAIT);
		while (recv(fd, answer, sizeof(answer), MSG_DONTWAIT) > 0)
			;
	}
	nl_socket_free(sock);
	ASSERT_EQ(0,
		  module_each(self->at, TCBSCOPE_CMD_SOCKET_GET, note, &seen));
	EXPECT_EQ(1, seen.others);
}

TEST_HARNESS_MAIN
