// SPDX-License-Identifier: GPL-2.0
/* Two ends over sockets: nothing lost, nothing cut short unnoticed. */
#include "peer/duplex.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <unistd.h>

#include <kselftest_harness.h>

#define A_LOT (1 << 20) /* more than all buffers on the way */

/* One end: what it reads is written to in, what it writes is read from out. */
struct end {
	struct duplex *duplex;
	int in, out;
	int err;    /* of the last step; 1: not over */
	char *text; /* what it has written so far */
	size_t len;
};

/*
 * Two ends, or one and the test itself. Between two ends is a wire, the test,
 * which passes at most @piece bytes at a time and breaks the byte number
 * @broken that comes from end 0.
 */
FIXTURE(duplex)
{
	struct end end[2];
	int wire[2];
	size_t piece, passed, broken;
};

FIXTURE_SETUP(duplex)
{
	int i, fds[2], in[2], out[2];

	ASSERT_TRUE(signal(SIGPIPE, SIG_IGN) != SIG_ERR);
	self->piece = 65536;
	self->broken = SIZE_MAX;
	for (i = 0; i < 2; i++) {
		struct end *end = &self->end[i];

		ASSERT_EQ(0, socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0,
					fds));
		ASSERT_EQ(0, pipe(in));
		ASSERT_EQ(0, pipe(out));
		self->wire[i] = fds[1];
		end->duplex = malloc(sizeof(*end->duplex));
		end->text = calloc(1, 2 * A_LOT);
		ASSERT_TRUE(end->duplex && end->text);
		duplex_init(end->duplex);
		end->duplex->fd = fds[0];
		end->duplex->in = in[0];
		end->duplex->out = out[1];
		end->in = in[1];
		end->out = out[0];
		end->err = 1;
		ASSERT_EQ(0, fcntl(end->in, F_SETFL, O_NONBLOCK));
		ASSERT_EQ(0, fcntl(end->out, F_SETFL, O_NONBLOCK));
	}
}

/* All else ends with the process that the harness forked. */
FIXTURE_TEARDOWN(duplex)
{
	int i;

	for (i = 0; i < 2; i++) {
		free(self->end[i].duplex);
		free(self->end[i].text);
	}
}

/* One step of an end, by what poll() says now. True if it did anything. */
static bool step(struct end *end)
{
	struct pollfd pfds[DUPLEX_FDS];

	duplex_poll(end->duplex, pfds);
	if (end->err <= 0 || poll(pfds, DUPLEX_FDS, 0) < 0)
		return false;
	end->err = duplex_step(end->duplex, pfds);
	if (end->err <= 0) { /* as its program would */
		close(end->duplex->fd);
		close(end->duplex->out);
	}
	return end->err <= 0 || pfds[0].revents || pfds[1].revents ||
	       pfds[2].revents;
}

/* Take what an end has written. True if there was something. */
static bool collect(struct end *end)
{
	ssize_t n = read(end->out, end->text + end->len,
			 2 * A_LOT - 1 - end->len);

	if (n > 0)
		end->len += n;
	return n > 0;
}

/* The wire, one way. True if something went. */
static bool pass(FIXTURE_DATA(duplex) * self, int from)
{
	char bytes[65536];
	ssize_t n, sent;
	size_t at;

	n = recv(self->wire[from], bytes, self->piece, MSG_PEEK);
	if (n <= 0) {
		if (!n)
			shutdown(self->wire[!from], SHUT_WR);
		return false;
	}
	at = self->broken - self->passed;
	if (!from && at < (size_t)n)
		bytes[at] ^= 1;
	sent = send(self->wire[!from], bytes, n, MSG_NOSIGNAL);
	if (sent <= 0)
		return false;
	recv(self->wire[from], bytes, sent, 0);
	if (!from)
		self->passed += sent;
	return true;
}

/* Until nothing moves any more; @reads: which ends are read from, bits. */
static void run(FIXTURE_DATA(duplex) * self, int reads)
{
	bool moved;
	int i;

	do {
		moved = false;
		for (i = 0; i < 2; i++) {
			moved |= step(&self->end[i]);
			moved |= pass(self, i);
			if (reads & 1 << i)
				moved |= collect(&self->end[i]);
		}
	} while (moved);
}

static void say(struct end *end, const char *text)
{
	if (write(end->in, text, strlen(text)) < 0)
		abort();
}

static void hang_up(struct end *end)
{
	close(end->in);
}

/* Claim: each end gets all of the other's, and both know it. */
TEST_F(duplex, both_ways)
{
	int i;

	say(&self->end[0], "from the first");
	say(&self->end[1], "from the second, a bit longer");
	run(self, 3);
	EXPECT_STREQ("from the first", self->end[1].text);
	EXPECT_STREQ("from the second, a bit longer", self->end[0].text);
	EXPECT_EQ(1, self->end[0].err);

	/* One has ended: the other goes on for as long as it likes. */
	hang_up(&self->end[0]);
	run(self, 3);
	EXPECT_TRUE(self->end[1].duplex->peer_ended);
	EXPECT_TRUE(self->end[0].duplex->verified);
	EXPECT_EQ(1, self->end[0].err);
	say(&self->end[1], ", and more");
	hang_up(&self->end[1]);
	run(self, 3);
	EXPECT_STREQ("from the second, a bit longer, and more",
		     self->end[0].text);
	for (i = 0; i < 2; i++) {
		EXPECT_EQ(0, self->end[i].err);
		EXPECT_TRUE(self->end[i].duplex->verified);
	}
	EXPECT_EQ(14, self->end[0].duplex->sent);
	EXPECT_EQ(14, self->end[1].duplex->received);
}

/* Claim: with nothing to send at either end it is over at once. */
TEST_F(duplex, nothing)
{
	self->end[0].duplex->in = self->end[1].duplex->in = -1;
	run(self, 3);
	EXPECT_EQ(0, self->end[0].err);
	EXPECT_EQ(0, self->end[1].err);
}

/* Claim: a wire that passes one byte at a time changes nothing. */
TEST_F(duplex, one_byte)
{
	self->piece = 1;
	say(&self->end[0], "a message in pieces");
	hang_up(&self->end[0]);
	hang_up(&self->end[1]);
	run(self, 3);
	EXPECT_STREQ("a message in pieces", self->end[1].text);
	EXPECT_EQ(0, self->end[0].err);
	EXPECT_EQ(0, self->end[1].err);
}

/* Claim: an end that is not read from holds up the other, and loses nothing. */
TEST_F(duplex, slow_reader)
{
	char *lot = malloc(A_LOT);
	size_t i, given = 0;
	ssize_t n;

	ASSERT_NE(NULL, lot);
	for (i = 0; i < A_LOT; i++)
		lot[i] = i * 7 + i / 4096;
	do {
		n = write(self->end[0].in, lot + given, A_LOT - given);
		given += n > 0 ? n : 0;
		run(self, 0);
	} while (n > 0 && given < A_LOT);
	EXPECT_GT(A_LOT, given);
	EXPECT_LT(0, self->end[0].duplex->sent);

	while (given < A_LOT) {
		n = write(self->end[0].in, lot + given, A_LOT - given);
		given += n > 0 ? n : 0;
		run(self, 2);
	}
	hang_up(&self->end[0]);
	hang_up(&self->end[1]);
	run(self, 3);
	EXPECT_EQ(0, self->end[0].err);
	EXPECT_EQ(0, self->end[1].err);
	ASSERT_EQ(A_LOT, self->end[1].len);
	EXPECT_EQ(0, memcmp(lot, self->end[1].text, A_LOT));
	free(lot);
}

/* Claim: a single bit that changes on the way is noticed, wherever it is. */
TEST_F(duplex, broken)
{
	self->broken = FRAME_HEAD + 8 + FRAME_HEAD + 3; /* in the data */
	say(&self->end[0], "a message");
	run(self, 3);
	EXPECT_STREQ("a mdssage", self->end[1].text);
	hang_up(&self->end[0]);
	run(self, 3);
	EXPECT_EQ(-EBADMSG, self->end[1].err);
	EXPECT_EQ(-ENODATA, self->end[0].err);
	EXPECT_FALSE(self->end[0].duplex->verified);
}

/* Claim: an end before the peer's end is an error, not an end. */
TEST_F(duplex, cut_short)
{
	say(&self->end[0], "a message");
	run(self, 3);
	close(self->wire[1]);
	run(self, 3);
	EXPECT_EQ(-ENODATA, self->end[1].err);
}

/* What end 1 makes of bytes that are not what a peer would send. */
static int hears(FIXTURE_DATA(duplex) * self, const void *bytes, size_t len)
{
	if (send(self->wire[1], bytes, len, MSG_NOSIGNAL) != (ssize_t)len)
		return -EIO;
	while (step(&self->end[1]))
		;
	return self->end[1].err;
}

#define HELLO "H\0\0\0\10tcbpeer\1"

/* Claim: what is no frame, too long, or out of turn is refused. */
TEST_F(duplex, no_greeting)
{
	EXPECT_EQ(-EPROTO, hears(self, "hello\n", 6));
}

/* Claim: also if it says less than a greeting has, and then waits or ends. */
TEST_F(duplex, no_greeting_but_short)
{
	EXPECT_EQ(-EPROTO, hears(self, "hi\n", 3));
}

TEST_F(duplex, half_a_greeting)
{
	EXPECT_EQ(1, hears(self, HELLO, 12));
	EXPECT_EQ(-EPROTO, hears(self, "\2", 1));
}

TEST_F(duplex, other_version)
{
	EXPECT_EQ(-EPROTO, hears(self, "H\0\0\0\10tcbpeer\2", 13));
}

TEST_F(duplex, too_long)
{
	EXPECT_EQ(1, hears(self, HELLO, 13));
	EXPECT_EQ(-EPROTO, hears(self, "D\0\1\0\1", 5));
}

TEST_F(duplex, unknown_type)
{
	EXPECT_EQ(1, hears(self, HELLO, 13));
	EXPECT_EQ(-EPROTO, hears(self, "?\0\0\0\0", 5));
}

TEST_F(duplex, verdict_out_of_turn)
{
	EXPECT_EQ(1, hears(self, HELLO, 13));
	EXPECT_EQ(-EPROTO, hears(self, "V\0\0\0\0", 5));
}

TEST_F(duplex, short_end)
{
	EXPECT_EQ(1, hears(self, HELLO, 13));
	EXPECT_EQ(-EBADMSG, hears(self, "E\0\0\0\0", 5));
}

/* All that end 0 says to end 1 if it sends a message; end 1 sends nothing. */
static size_t recorded(FIXTURE_DATA(duplex) * self, char *bytes, size_t room)
{
	bool moved;
	ssize_t n;
	size_t len = 0;

	say(&self->end[0], "a message");
	hang_up(&self->end[0]);
	hang_up(&self->end[1]);
	do {
		moved = step(&self->end[0]);
		moved |= step(&self->end[1]);
		moved |= pass(self, 1);
		n = recv(self->wire[0], bytes + len, room - len, MSG_PEEK);
		moved |= pass(self, 0);
		len += n > 0 ? n : 0;
	} while (moved);
	return self->end[1].err ? 0 : len;
}

/* End 1 once more, from the beginning. */
static bool anew(FIXTURE_DATA(duplex) * self)
{
	struct end *end = &self->end[1];
	int fds[2], out[2];

	close(end->out);
	close(self->wire[1]);
	if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0, fds) ||
	    pipe(out))
		return false;
	self->wire[1] = fds[1];
	duplex_init(end->duplex);
	end->duplex->fd = fds[0];
	end->duplex->out = out[1];
	end->out = out[0];
	end->err = 1;
	return true;
}

/*
 * Claim: a peer that is killed, whatever byte was its last, is an error and no
 * end: in the greeting, in a message, at its end, before its verdict. By a FIN,
 * or by a reset, as it has not read all that was sent to it.
 */
TEST_F(duplex, killed_at_each_byte)
{
	char bytes[256];
	size_t len = recorded(self, bytes, sizeof(bytes)), n;

	ASSERT_LT(2 * (FRAME_HEAD + 40) + 9, len);
	for (n = 0; n <= len; n++) {
		ASSERT_TRUE(anew(self));
		hears(self, bytes, n);
		shutdown(self->wire[1], SHUT_WR);
		while (step(&self->end[1]))
			;
		EXPECT_EQ(n < len ? -ENODATA : 0, self->end[1].err)
		TH_LOG("a FIN after %zu bytes of %zu", n, len);

		ASSERT_TRUE(anew(self));
		hears(self, bytes, n);
		close(self->wire[1]);
		self->wire[1] = -1;
		while (step(&self->end[1]))
			;
		EXPECT_EQ(n < len ? -ECONNRESET : 0, self->end[1].err)
		TH_LOG("a reset after %zu bytes of %zu", n, len);
	}
}

/* An input that is a file of a page, which end 0 has begun to read. */
static int begin_file(FIXTURE_DATA(duplex) * self)
{
	struct end *end = &self->end[0];
	char page[4096] = "";
	int fd = memfd_create("input", 0);

	if (write(fd, page, sizeof(page)) != sizeof(page) ||
	    lseek(fd, 0, SEEK_SET))
		return -1;
	end->duplex->in = fd;
	end->duplex->size = sizeof(page);
	while (!end->duplex->sent)
		step(end);
	return fd;
}

/* Claim: a file that is cut while it is sent is not passed off as the whole. */
TEST_F(duplex, file_cut)
{
	int fd = begin_file(self);

	ASSERT_LE(0, fd);
	ASSERT_EQ(0, ftruncate(fd, 4095));
	run(self, 3);
	EXPECT_EQ(-ESTALE, self->end[0].err);
	EXPECT_EQ(DUPLEX_INPUT, self->end[0].duplex->where);
	EXPECT_FALSE(self->end[1].duplex->peer_ended);
	EXPECT_EQ(-ENODATA, self->end[1].err);
}

/* Claim: one that grows meanwhile is sent with what it has got. */
TEST_F(duplex, file_grows)
{
	int fd = begin_file(self);

	ASSERT_LE(0, fd);
	ASSERT_EQ(4, pwrite(fd, "more", 4, 4096));
	hang_up(&self->end[1]);
	run(self, 3);
	EXPECT_EQ(0, self->end[0].err);
	EXPECT_EQ(4100, self->end[1].duplex->received);
}

/* Claim: raw, bytes go as they are; a FIN ends one way, not the other. */
TEST_F(duplex, raw)
{
	struct end *end = &self->end[1];
	char c[8] = "";

	end->duplex->raw = true;
	say(end, "out");
	hang_up(end);
	EXPECT_EQ(1, hears(self, "in", 2));
	EXPECT_EQ(3, recv(self->wire[1], c, sizeof(c), 0));
	EXPECT_STREQ("out", c);
	EXPECT_EQ(0, recv(self->wire[1], c, sizeof(c), 0));
	EXPECT_EQ(1, hears(self, " later", 6));
	shutdown(self->wire[1], SHUT_WR);
	run(self, 3);
	EXPECT_EQ(0, end->err);
	EXPECT_STREQ("in later", end->text);
}

/* Claim: an output that nobody reads any more is told apart from the peer. */
TEST_F(duplex, output_gone)
{
	close(self->end[1].out);
	say(&self->end[0], "a message");
	run(self, 1);
	EXPECT_EQ(-EPIPE, self->end[1].err);
	EXPECT_EQ(DUPLEX_OUTPUT, self->end[1].duplex->where);
}

/* Claim: a peer that is gone is an error of the peer. */
TEST_F(duplex, peer_gone)
{
	struct end *end = &self->end[1];

	end->duplex->raw = true;
	close(self->wire[1]);
	end->duplex->peer_ended = true;
	say(end, "a message");
	while (step(end))
		;
	EXPECT_EQ(-EPIPE, end->err);
	EXPECT_EQ(DUPLEX_PEER, end->duplex->where);
}

/* Claim: in a chat "quit" ends the input; elsewhere it is a word. */
TEST_F(duplex, quit)
{
	self->end[0].duplex->chat = true;
	say(&self->end[0], "quite\n");
	run(self, 3);
	say(&self->end[0], "quit\n");
	run(self, 3);
	EXPECT_TRUE(self->end[1].duplex->peer_ended);
	say(&self->end[1], "quit\n");
	hang_up(&self->end[1]);
	run(self, 3);
	EXPECT_EQ(0, self->end[0].err);
	EXPECT_EQ(0, self->end[1].err);
	EXPECT_STREQ("quite\n", self->end[1].text);
	EXPECT_STREQ("quit\n", self->end[0].text);
}

/* Claim: messages keep their borders. */
TEST_F(duplex, borders)
{
	self->end[1].duplex->form = DUPLEX_JSON;
	say(&self->end[0], "one\n");
	run(self, 3);
	say(&self->end[0], "two\x1b");
	run(self, 3);
	EXPECT_STREQ("{\"type\":\"message\",\"message\":\"one\\u000a\"}\n"
		     "{\"type\":\"message\",\"message\":\"two\\u001b\"}\n",
		     self->end[1].text);
}

/* Claim: no byte of the peer's steers a terminal, and lines stay lines. */
TEST_F(duplex, terminal)
{
	self->end[1].duplex->form = DUPLEX_TERMINAL;
	say(&self->end[0], "a\x1b[2Jb\n\nc\\\r\n");
	run(self, 3);
	EXPECT_STREQ("a\\x1b[2Jb\n\nc\\\\\\x0d\n", self->end[1].text);
}

TEST_HARNESS_MAIN
