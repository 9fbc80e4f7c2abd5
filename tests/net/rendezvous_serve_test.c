// SPDX-License-Identifier: GPL-2.0
/* The rendezvous as a program: many at once, and those that misbehave. */
#include <arpa/inet.h>
#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "lab/netns.h"
#include "peer/meet.h"
#include "peer/rendezvous.h"
#include "tests/lib/peerprog.h"

#include <kselftest_harness.h>

#define PAIRS 200
#define PATIENCE_MS 20000

struct party {
	struct meet meet;
	int fd, ret;
};

FIXTURE(serve)
{
	int netns;
	struct peerprog program;
	struct party party[2 * PAIRS];
	struct pollfd pfd[2 * PAIRS];
};

static int dial(void)
{
	struct sockaddr_in to = {
		.sin_family = AF_INET,
		.sin_port = htons(7000),
		.sin_addr.s_addr = htonl(INADDR_LOOPBACK),
	};
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

	while (connect(fd, (struct sockaddr *)&to, sizeof(to))) {
		/* It has not begun to listen: once more, from a new socket. */
		close(fd);
		if (errno != ECONNREFUSED)
			return -errno;
		fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	}
	return fd;
}

FIXTURE_SETUP(serve)
{
	const char *args[] = { "rendezvous", "-l", "127.0.0.1:7000", NULL };
	int fd;

	ASSERT_TRUE(signal(SIGPIPE, SIG_IGN) != SIG_ERR);
	self->netns = netns_create();
	ASSERT_LE(0, self->netns);
	ASSERT_EQ(0, netns_enter(self->netns));
	ASSERT_NE(NULL, peerprog_path());
	ASSERT_EQ(0, peerprog_start(&self->program, self->netns, args));
	fd = dial();
	ASSERT_LE(0, fd);
	close(fd);
}

/* Claim of every test: it ends when it is told to, and tells its tally. */
static void stop(struct __test_metadata *_metadata, FIXTURE_DATA(serve) * self)
{
	EXPECT_EQ(0, kill(self->program.pid, SIGTERM));
	EXPECT_EQ(0, peerprog_end(&self->program));
	EXPECT_NE(NULL, strstr(self->program.out_text, " introduced;"));
	self->program.pid = 0;
}

FIXTURE_TEARDOWN(serve)
{
	if (self->program.pid)
		stop(_metadata, self);
}

static bool join(struct party *p, int pair)
{
	struct secret secret = {};
	char name[16];

	memset(&secret, pair, sizeof(secret));
	snprintf(name, sizeof(name), "pair %d", pair);
	p->fd = dial();
	return p->fd >= 0 && !meet_init(&p->meet, &secret, name);
}

/* What there is to be sent and taken, of one that poll() has named. */
static void turn(struct party *p)
{
	size_t room;
	void *at = meet_room(&p->meet, &room);
	ssize_t n = recv(p->fd, at, room, MSG_DONTWAIT);

	if (!n)
		p->ret = -ECONNRESET;
	if (n > 0)
		meet_add(&p->meet, n);
	while (p->ret >= 0 && p->ret != MEET_START &&
	       (p->ret = meet_next(&p->meet)) > 0)
		;
	if (p->meet.out_len &&
	    send(p->fd, p->meet.out, p->meet.out_len, MSG_NOSIGNAL) < 0)
		p->ret = -errno;
	p->meet.out_len = 0;
}

/* Until none of @n has anything to wait for. Returns how many have begun. */
static int run(FIXTURE_DATA(serve) * self, int n)
{
	int i, open, begun;

	do {
		open = begun = 0;
		for (i = 0; i < n; i++) {
			struct party *p = &self->party[i];
			bool over = p->ret < 0 || p->ret == MEET_START;

			begun += p->ret == MEET_START;
			open += !over;
			self->pfd[i].fd = over ? -1 : p->fd;
			self->pfd[i].events = POLLIN;
		}
		if (!open || poll(self->pfd, n, PATIENCE_MS) <= 0)
			return begun;
		for (i = 0; i < n; i++) {
			if (self->pfd[i].fd >= 0 && self->pfd[i].revents)
				turn(&self->party[i]);
		}
	} while (open);
	return begun;
}

/* Claim: 200 pairs that come at once all meet. */
TEST_F_TIMEOUT(serve, many, 120)
{
	int i;

	for (i = 0; i < 2 * PAIRS; i++) {
		ASSERT_TRUE(join(&self->party[i], i % PAIRS));
		turn(&self->party[i]); /* says its name */
	}
	EXPECT_EQ(2 * PAIRS, run(self, 2 * PAIRS));
	for (i = 0; i < PAIRS; i++)
		EXPECT_EQ(1, self->party[i].meet.role +
				     self->party[i + PAIRS].meet.role);
}

/* Claim: who connects too often from one address is turned away, not served. */
TEST_F_TIMEOUT(serve, rate, 120)
{
	struct pollfd pfd = { .events = POLLIN };
	char answer[FRAME_HEAD + 1] = "";
	int i;

	for (i = 0; i < 3 * RENDEZVOUS_BURST && !answer[0]; i++) {
		pfd.fd = dial();
		ASSERT_LE(0, pfd.fd);
		/* Faster than the tokens come back, but not than it can. */
		if (poll(&pfd, 1, i < RENDEZVOUS_BURST ? 0 : 5) == 1)
			recv(pfd.fd, answer, sizeof(answer), 0);
		close(pfd.fd);
	}
	EXPECT_EQ(MEET_ERROR, answer[0]);
	EXPECT_EQ(MEET_BUSY, answer[FRAME_HEAD]);
	EXPECT_LE(RENDEZVOUS_BURST - 1, i);
}

/* Claim: a peer that waits is told when the rendezvous ends, and says so. */
TEST_F(serve, gone)
{
	char name[] = "/tmp/rendezvous_serve_test.XXXXXX";
	const char *args[] = { "--rendezvous", "127.0.0.1:7000",
			       "--name",       "us",
			       "--secret",     name,
			       "-n",	       NULL };
	static struct peerprog peer;
	int fd = mkstemp(name);

	ASSERT_LE(0, fd);
	ASSERT_EQ(10, write(fd, "the secret", 10));
	close(fd);
	ASSERT_EQ(0, peerprog_start(&peer, self->netns, args));
	while (!strstr(peer.err_text, "waiting for the peer")) {
		ASSERT_TRUE(peerprog_read(peer.err, peer.err_text,
					  sizeof(peer.err_text)));
	}
	unlink(name);
	stop(_metadata, self);
	EXPECT_EQ(1, peerprog_end(&peer));
	EXPECT_NE(NULL, strstr(peer.err_text, "the rendezvous has gone"))
	TH_LOG("%s", peer.err_text);
}

TEST_HARNESS_MAIN
