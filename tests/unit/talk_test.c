// SPDX-License-Identifier: GPL-2.0
/* The talk over a socket: whole lines, bounds on size and time, one close. */
#include "lib/clock.h"
#include "peer/talk.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include <kselftest_harness.h>

#define PATIENCE_NS 10000000000ULL /* for what must happen */
#define MOMENT_NS 50000000ULL	   /* for what must not */
#define PACKET_SIZE 256		   /* of those that fill the way */

FIXTURE(talk)
{
	struct talk talk;
	int peer;     /* the other end */
	int input[2]; /* pipe that a hold reads */
	int stop[2];  /* pipe that ends waits */
	char text[2 * TALK_LINE_SIZE + 1];
};

FIXTURE_SETUP(talk)
{
	int fds[2];

	ASSERT_EQ(0, socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0, fds));
	ASSERT_EQ(0, pipe2(self->input, O_NONBLOCK));
	ASSERT_EQ(0, pipe2(self->stop, O_NONBLOCK));
	talk_init(&self->talk);
	ASSERT_EQ(0, talk_say(&self->talk, "ours"));
	self->talk.fd = fds[0];
	self->talk.stop = self->stop[0];
	self->peer = fds[1];
}

/* The sockets and pipes end with the process that the harness forked. */
FIXTURE_TEARDOWN(talk)
{
}

/* The peer sends @text, no more. True if all of it went. */
static bool peer_says(FIXTURE_DATA(talk) * self, const char *text)
{
	ssize_t len = strlen(text);

	return send(self->peer, text, len, MSG_NOSIGNAL) == len;
}

/* What the peer has got so far, as a string; "reset" if a read failed. */
static const char *peer_heard(FIXTURE_DATA(talk) * self)
{
	size_t len = strlen(self->text);
	ssize_t n;

	while ((n = recv(self->peer, self->text + len,
			 sizeof(self->text) - 1 - len, 0)) > 0)
		len += n;
	if (n < 0 && errno != EAGAIN)
		return "reset";
	self->text[len] = '\0';
	return self->text;
}

/* The peer has seen a FIN: an end, not a reset. */
static bool peer_at_end(FIXTURE_DATA(talk) * self)
{
	char c;

	return recv(self->peer, &c, 1, 0) == 0;
}

/* The line that was heard, or as much as there is of it. */
static const char *line(FIXTURE_DATA(talk) * self)
{
	static char text[TALK_LINE_SIZE + 1];
	size_t len = talk_line(&self->talk);

	memcpy(text, self->talk.in, len);
	text[len] = '\0';
	return text;
}

static int step(FIXTURE_DATA(talk) * self)
{
	struct pollfd pfd = {
		.fd = self->talk.fd,
		.events = talk_events(&self->talk),
	};

	if (poll(&pfd, 1, 0) < 0)
		return -errno;
	return talk_step(&self->talk, pfd.revents);
}

/* Fill the way to the peer, until no more is taken. Returns how much was. */
static size_t fill(FIXTURE_DATA(talk) * self)
{
	size_t filled = 0;
	char x[PACKET_SIZE];
	ssize_t n;

	memset(x, 'x', sizeof(x));
	while ((n = send(self->talk.fd, x, sizeof(x), MSG_NOSIGNAL)) > 0)
		filled += n;
	return filled;
}

/* The peer reads what filled its way. True if it was there. */
static bool peer_skips(FIXTURE_DATA(talk) * self, size_t filled)
{
	char x[PACKET_SIZE];
	ssize_t n;

	for (; filled; filled -= n) {
		n = recv(self->peer, x, filled < sizeof(x) ? filled : sizeof(x),
			 0);
		if (n <= 0)
			return false;
	}
	return true;
}

/* Claim: each end gets the other's line; ours comes with a newline. */
TEST_F(talk, lines)
{
	ASSERT_TRUE(peer_says(self, "theirs\n"));
	ASSERT_EQ(0, talk_exchange(&self->talk, PATIENCE_NS));
	EXPECT_STREQ("theirs", line(self));
	EXPECT_EQ(7, self->talk.in_len);
	EXPECT_EQ(5, self->talk.sent);
	EXPECT_STREQ("ours\n", peer_heard(self));

	/* What is over stays so. */
	EXPECT_EQ(0, talk_events(&self->talk));
	EXPECT_EQ(0, talk_exchange(&self->talk, 0));

	talk_close(&self->talk, CLOSE_NORMAL, PATIENCE_NS);
	EXPECT_EQ(-1, self->talk.fd);
	EXPECT_TRUE(peer_at_end(self));
}

/* Claim: a line in pieces is whole at its newline, and not before. */
TEST_F(talk, pieces)
{
	const char *text = "in pieces";
	char piece[2] = "";

	for (; *text; text++) {
		piece[0] = *text;
		ASSERT_TRUE(peer_says(self, piece));
		EXPECT_EQ(1, step(self));
	}
	EXPECT_EQ(POLLIN, talk_events(&self->talk));
	EXPECT_STREQ("in pieces", line(self));
	ASSERT_TRUE(peer_says(self, "\n"));
	EXPECT_EQ(0, step(self));
	EXPECT_STREQ("in pieces", line(self));
}

/* Claim: a step with nothing to do neither waits nor loses anything. */
TEST_F(talk, idle)
{
	EXPECT_EQ(POLLIN | POLLOUT, talk_events(&self->talk));
	EXPECT_EQ(1, talk_step(&self->talk, 0));
	EXPECT_EQ(1, talk_step(&self->talk, POLLIN)); /* not so */
	EXPECT_EQ(POLLIN | POLLOUT, talk_events(&self->talk));
	EXPECT_EQ(1, talk_step(&self->talk, POLLOUT));
	EXPECT_EQ(POLLIN, talk_events(&self->talk));
}

/*
 * Claim: what the peer says beyond its line is not part of it, and does not
 * turn the close into a reset.
 */
TEST_F(talk, more_than_a_line)
{
	ASSERT_TRUE(peer_says(self, "first\nsecond\nthi"));
	ASSERT_EQ(0, talk_exchange(&self->talk, PATIENCE_NS));
	EXPECT_STREQ("first", line(self));

	ASSERT_TRUE(peer_says(self, "rd\n"));
	ASSERT_EQ(0, shutdown(self->peer, SHUT_WR));
	talk_close(&self->talk, CLOSE_NORMAL, PATIENCE_NS);
	EXPECT_STREQ("ours\n", peer_heard(self));
	EXPECT_TRUE(peer_at_end(self));
}

/* Claim: a message that does not end is cut at the bound, all the rest read. */
TEST_F(talk, oversized)
{
	char flood[TALK_LINE_SIZE + 1];

	memset(flood, 'x', sizeof(flood) - 1);
	flood[sizeof(flood) - 1] = '\0';
	ASSERT_TRUE(peer_says(self, flood));
	ASSERT_EQ(0, talk_exchange(&self->talk, PATIENCE_NS));
	EXPECT_EQ(TALK_LINE_SIZE, self->talk.in_len);
	EXPECT_EQ(TALK_LINE_SIZE, talk_line(&self->talk));

	ASSERT_TRUE(peer_says(self, flood));
	ASSERT_EQ(0, shutdown(self->peer, SHUT_WR));
	talk_close(&self->talk, CLOSE_NORMAL, PATIENCE_NS);
	EXPECT_STREQ("ours\n", peer_heard(self));
	EXPECT_TRUE(peer_at_end(self));
}

/* Claim: the longest line that fits leaves nothing unread. */
TEST_F(talk, longest)
{
	char longest[TALK_LINE_SIZE + 1];
	uint64_t start = clock_now_ns();

	memset(longest, 'x', TALK_LINE_SIZE - 1);
	strcpy(longest + TALK_LINE_SIZE - 1, "\n");
	ASSERT_TRUE(peer_says(self, longest));
	ASSERT_EQ(0, talk_exchange(&self->talk, PATIENCE_NS));
	EXPECT_EQ(TALK_LINE_SIZE - 1, talk_line(&self->talk));

	/* The peer keeps its end open: to wait for that would take too long. */
	talk_close(&self->talk, CLOSE_NORMAL, PATIENCE_NS);
	EXPECT_GT(PATIENCE_NS, clock_now_ns() - start);
	EXPECT_STREQ("ours\n", peer_heard(self));
	EXPECT_TRUE(peer_at_end(self));
}

/* Claim: the peer's FIN ends its line as a newline does, even an empty one. */
TEST_F(talk, end_without_newline)
{
	ASSERT_TRUE(peer_says(self, "half"));
	EXPECT_EQ(1, step(self));
	ASSERT_EQ(0, shutdown(self->peer, SHUT_WR));
	ASSERT_EQ(0, talk_exchange(&self->talk, PATIENCE_NS));
	EXPECT_STREQ("half", line(self));
	EXPECT_STREQ("ours\n", peer_heard(self));
}

TEST_F(talk, end_without_line)
{
	ASSERT_EQ(0, shutdown(self->peer, SHUT_WR));
	ASSERT_EQ(0, talk_exchange(&self->talk, PATIENCE_NS));
	EXPECT_EQ(0, self->talk.in_len);
	EXPECT_STREQ("", line(self));
	EXPECT_STREQ("ours\n", peer_heard(self));
}

/* Claim: a peer that never answers is waited for in vain, but not for long. */
TEST_F(talk, silent)
{
	uint64_t start = clock_now_ns();

	ASSERT_TRUE(peer_says(self, "no newline"));
	EXPECT_EQ(-ETIMEDOUT, talk_exchange(&self->talk, MOMENT_NS));
	EXPECT_LE(MOMENT_NS, clock_now_ns() - start);
	EXPECT_GT(PATIENCE_NS, clock_now_ns() - start);
	EXPECT_STREQ("no newline", line(self));
	EXPECT_STREQ("ours\n", peer_heard(self));
}

/* Claim: a peer that does not read is heard, waited for, and then served. */
TEST_F(talk, full)
{
	size_t filled = fill(self);

	ASSERT_TRUE(peer_says(self, "theirs\n"));
	EXPECT_EQ(-ETIMEDOUT, talk_exchange(&self->talk, MOMENT_NS));
	EXPECT_STREQ("theirs", line(self));
	EXPECT_EQ(0, self->talk.sent);
	EXPECT_EQ(POLLOUT, talk_events(&self->talk));

	ASSERT_TRUE(peer_skips(self, filled));
	ASSERT_EQ(0, talk_exchange(&self->talk, PATIENCE_NS));
	EXPECT_EQ(5, self->talk.sent);
	EXPECT_STREQ("ours\n", peer_heard(self));
}

/* Claim: a line that goes out in parts arrives once, in order. */
TEST_F(talk, sent_in_parts)
{
	char text[TALK_LINE_SIZE];
	size_t i, filled;
	int size = 1; /* the kernel makes it its least, less than our line */

	for (i = 0; i < sizeof(text) - 1; i++)
		text[i] = 'a' + i % 23;
	text[i] = '\0';
	ASSERT_EQ(0, talk_say(&self->talk, text));
	ASSERT_EQ(0, setsockopt(self->talk.fd, SOL_SOCKET, SO_SNDBUF, &size,
				sizeof(size)));
	filled = fill(self);
	ASSERT_TRUE(peer_says(self, "theirs\n"));
	ASSERT_EQ(1, step(self));

	/* Room for one small packet lets one more in, which is not all. */
	ASSERT_TRUE(peer_skips(self, PACKET_SIZE));
	EXPECT_EQ(1, talk_step(&self->talk, POLLOUT));
	EXPECT_LT(0, self->talk.sent);
	EXPECT_GT(TALK_LINE_SIZE, self->talk.sent);
	ASSERT_TRUE(peer_skips(self, filled - PACKET_SIZE));

	while (step(self) > 0)
		peer_heard(self);
	peer_heard(self);
	EXPECT_EQ(TALK_LINE_SIZE, self->talk.sent);
	ASSERT_EQ(TALK_LINE_SIZE, strlen(self->text));
	EXPECT_EQ(0, memcmp(self->text, text, TALK_LINE_SIZE - 1));
	EXPECT_EQ('\n', self->text[TALK_LINE_SIZE - 1]);
}

/* Claim: a close waits for a peer that goes on and on no longer than told. */
TEST_F(talk, close_is_bounded)
{
	uint64_t start = clock_now_ns();

	ASSERT_TRUE(peer_says(self, "first\nsecond\n"));
	ASSERT_EQ(0, talk_exchange(&self->talk, PATIENCE_NS));
	talk_close(&self->talk, CLOSE_NORMAL, MOMENT_NS);
	EXPECT_LE(MOMENT_NS, clock_now_ns() - start);
	EXPECT_GT(PATIENCE_NS, clock_now_ns() - start);
	EXPECT_STREQ("ours\n", peer_heard(self));
	EXPECT_TRUE(peer_at_end(self));
}

/* Claim: a broken connection is an error of either direction. */
TEST_F(talk, broken)
{
	ASSERT_EQ(1, step(self));
	ASSERT_EQ(0, close(self->peer)); /* with our line unread: a reset */
	EXPECT_EQ(-ECONNRESET, talk_exchange(&self->talk, PATIENCE_NS));
}

TEST_F(talk, broken_before_ours)
{
	ASSERT_TRUE(peer_says(self, "theirs\n"));
	ASSERT_EQ(0, close(self->peer));
	EXPECT_EQ(-EPIPE, talk_exchange(&self->talk, PATIENCE_NS));
	EXPECT_STREQ("theirs", line(self));
}

/* Claim: the stop descriptor ends each wait. */
TEST_F(talk, stopped)
{
	uint64_t start = clock_now_ns();

	ASSERT_EQ(1, write(self->stop[1], "x", 1));
	EXPECT_EQ(-EINTR, talk_exchange(&self->talk, PATIENCE_NS));
	EXPECT_EQ(0, talk_hold(&self->talk, self->input[0]));
	ASSERT_TRUE(peer_says(self, "first\nsecond\n"));
	EXPECT_EQ(0, step(self));
	talk_close(&self->talk, CLOSE_NORMAL, PATIENCE_NS);
	EXPECT_GT(PATIENCE_NS, clock_now_ns() - start);
}

/* Claim: a hold ends with a line or with the input, not with the peer's FIN. */
TEST_F(talk, held)
{
	ASSERT_EQ(0, shutdown(self->peer, SHUT_WR));
	ASSERT_EQ(4, write(self->input[1], "now\n", 4));
	EXPECT_EQ(0, talk_hold(&self->talk, self->input[0]));

	ASSERT_EQ(3, write(self->input[1], "now", 3));
	ASSERT_EQ(0, close(self->input[1]));
	EXPECT_EQ(0, talk_hold(&self->talk, self->input[0]));
}

/* Claim: a reset ends a hold with an error, even if there is a line too. */
TEST_F(talk, held_until_reset)
{
	ASSERT_EQ(1, step(self));
	ASSERT_EQ(0, close(self->peer));
	ASSERT_EQ(1, write(self->input[1], "\n", 1));
	EXPECT_EQ(-ECONNRESET, talk_hold(&self->talk, self->input[0]));
}

/* Claim: only one line that fits can be said. */
TEST(say_refuses)
{
	char text[TALK_LINE_SIZE + 1] = "";
	struct talk talk;

	talk_init(&talk);
	EXPECT_EQ(POLLIN, talk_events(&talk));
	memset(text, 'x', TALK_LINE_SIZE);
	EXPECT_EQ(-EMSGSIZE, talk_say(&talk, text));
	EXPECT_EQ(POLLIN, talk_events(&talk));
	text[TALK_LINE_SIZE - 1] = '\0';
	EXPECT_EQ(0, talk_say(&talk, text));
	EXPECT_EQ(-EINVAL, talk_say(&talk, "two\nlines"));
	EXPECT_EQ(-EINVAL, talk_say(&talk, "\n"));
	EXPECT_EQ(0, talk_say(&talk, ""));
}

TEST_HARNESS_MAIN
