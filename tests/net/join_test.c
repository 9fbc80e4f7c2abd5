// SPDX-License-Identifier: GPL-2.0
/* A peer at a rendezvous that the test plays: when it takes the start for told.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <linux/sockios.h>
#include <poll.h>
#include <signal.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include "lab/netns.h"
#include "lib/clock.h"
#include "peer/join.h"
#include "peer/rendezvous.h"

#include <kselftest_harness.h>

#define PATIENCE_MS 10000
#define LATE_NS 20000000ULL /* that the peer's process has to wait */

static const struct secret secret = { "of both" };

FIXTURE(join)
{
	struct sockaddr_in at; /* the rendezvous */
	int listener, stamped[2];
	struct rendezvous r;
	struct rendezvous_client client[2]; /* the peer's, and its partner's */
	struct meet partner;
};

static int dial(const struct sockaddr_in *at)
{
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

	return connect(fd, (const void *)at, sizeof(*at)) ? -errno : fd;
}

/* Does the kernel stamp what comes? It takes a moment from the first wish on. */
static bool stamps(const int fds[2])
{
	char c = 0, control[CMSG_SPACE(sizeof(struct timespec))];
	struct iovec iov = { .iov_base = &c, .iov_len = 1 };
	struct msghdr msg = {
		.msg_iov = &iov,
		.msg_iovlen = 1,
		.msg_control = control,
		.msg_controllen = sizeof(control),
	};

	return send(fds[0], &c, 1, 0) == 1 && recvmsg(fds[1], &msg, 0) == 1 &&
	       CMSG_FIRSTHDR(&msg);
}

FIXTURE_SETUP(join)
{
	socklen_t len = sizeof(self->at);
	int netns = netns_create(), one = 1, i;
	uint64_t begin;

	ASSERT_LE(0, netns);
	ASSERT_EQ(0, netns_enter(netns));
	self->at.sin_family = AF_INET;
	self->at.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	self->listener = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	ASSERT_EQ(0, bind(self->listener, (void *)&self->at, len));
	ASSERT_EQ(0, listen(self->listener, 2));
	ASSERT_EQ(0, getsockname(self->listener, (void *)&self->at, &len));

	self->stamped[0] = dial(&self->at);
	self->stamped[1] = accept(self->listener, NULL, NULL);
	ASSERT_EQ(0, setsockopt(self->stamped[1], SOL_SOCKET, SO_TIMESTAMPNS,
				&one, sizeof(one)));
	begin = clock_now_ns();
	while (!stamps(self->stamped))
		clock_pause(begin);

	ASSERT_EQ(0, meet_init(&self->partner, &secret, "us"));
	for (i = 0; i < 2; i++) {
		memcpy(&self->client[i].from, &self->at, len);
		rendezvous_add(&self->r, &self->client[i], 1);
	}
}

FIXTURE_TEARDOWN(join)
{
	int i;

	for (i = 0; i < 2; i++)
		rendezvous_remove(&self->r, &self->client[i], 1);
}

/* The peer, a process of its own: tells @fd when it was told the start. */
static void __attribute__((noreturn))
be_peer(const struct sockaddr_in *rendezvous, int fd)
{
	static struct join join;

	memcpy(&join.rendezvous, rendezvous, sizeof(*rendezvous));
	join.own.ss_family = AF_INET;
	join.len = sizeof(*rendezvous);
	join.name = "us";
	join.secret = secret;
	join.stop = -1;
	if (!join_meet(&join) &&
	    write(fd, &join.came_ns, sizeof(join.came_ns)) > 0)
		_exit(0);
	_exit(1);
}

/* What the peer has sent. Returns whether there was something. */
static bool hear(FIXTURE_DATA(join) * self, int fd)
{
	struct pollfd pfd = { .fd = fd, .events = POLLIN };
	size_t room;
	void *at = rendezvous_room(&self->client[0], &room);
	ssize_t n;

	if (poll(&pfd, 1, PATIENCE_MS) != 1)
		return false;
	n = recv(fd, at, room, 0);
	return n > 0 && !rendezvous_take(&self->r, &self->client[0], n, 1);
}

/* All that the partner and the rendezvous have to say. Returns the last type. */
static int partner(FIXTURE_DATA(join) * self)
{
	struct rendezvous_client *c = &self->client[1];
	int ret = 0, type;
	size_t room;
	void *at;

	while (self->partner.out_len || c->out_len) {
		at = rendezvous_room(c, &room);
		memcpy(at, self->partner.out, self->partner.out_len);
		room = self->partner.out_len;
		self->partner.out_len = 0;
		rendezvous_take(&self->r, c, room, 1);
		at = meet_room(&self->partner, &room);
		room = c->out_len < room ? c->out_len : room;
		memcpy(at, c->out, room);
		c->out_len -= room;
		memmove(c->out, c->out + room, c->out_len);
		meet_add(&self->partner, room);
		while ((type = meet_next(&self->partner)) > 0)
			ret = type;
	}
	return ret;
}

/* Send the peer what it is due. True if it has all of it, read or not. */
static bool tell(FIXTURE_DATA(join) * self, int fd)
{
	struct rendezvous_client *c = &self->client[0];
	size_t len = c->out_len;
	int left = 1;

	c->out_len = 0;
	if (send(fd, c->out, len, MSG_NOSIGNAL) != (ssize_t)len)
		return false;
	while (left) {
		if (ioctl(fd, SIOCOUTQ, &left))
			return false;
	}
	return true;
}

/*
 * Claim: the start counts from when it came, however late the peer's process
 * gets to run.
 */
TEST_F(join, late)
{
	uint64_t before, after, came = 0;
	int fds[2], fd, status;
	pid_t pid;

	ASSERT_EQ(0, pipe(fds));
	pid = fork();
	ASSERT_LE(0, pid);
	if (!pid)
		be_peer(&self->at, fds[1]);
	fd = accept(self->listener, NULL, NULL);
	ASSERT_LE(0, fd);
	while (partner(self) != MEET_START) {
		ASSERT_TRUE(tell(self, fd));
		ASSERT_TRUE(hear(self, fd));
	}

	ASSERT_EQ(0, kill(pid, SIGSTOP));
	ASSERT_EQ(pid, waitpid(pid, &status, WUNTRACED));
	ASSERT_TRUE(WIFSTOPPED(status));
	before = clock_now_ns();
	ASSERT_TRUE(tell(self, fd));
	after = clock_now_ns();
	while (clock_now_ns() < after + LATE_NS)
		clock_pause(after);
	ASSERT_EQ(0, kill(pid, SIGCONT));

	ASSERT_EQ(pid, waitpid(pid, &status, 0));
	ASSERT_EQ(0, status);
	ASSERT_EQ(sizeof(came), read(fds[0], &came, sizeof(came)));
	EXPECT_LE(before - LATE_NS / 4, came);
	EXPECT_GE(after + LATE_NS / 4, came);
}

TEST_HARNESS_MAIN
