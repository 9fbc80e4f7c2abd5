// SPDX-License-Identifier: GPL-2.0
/* Proofs on a connection that is open: whoever has no secret is not let in. */
#include <arpa/inet.h>
#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <string.h>
#include <unistd.h>

#include "lab/netns.h"
#include "lib/clock.h"
#include "peer/diagnose.h"
#include "peer/punch.h"

#include <kselftest_harness.h>

#define PATIENCE_NS 10000000000ULL
#define SILENCE_NS 2000000000ULL /* of who is there and says nothing */
#define OVER_NS 1500000000ULL	 /* more than a proof is waited for */
#define PAUSE_NS 20000000ULL	 /* nobody is to be met: save the CPU */
#define PORT 2000
#define WHOLE (FRAME_HEAD + SECRET_PROOF)

/* A peer of role 0 or 1, and in place of its partner a listener of ours. */
FIXTURE(punch)
{
	int listener;
	struct meet meet;
	struct punch punch;
	uint8_t proof[WHOLE + FRAME_HEAD]; /* what the partner would say */
	size_t len;
};

FIXTURE_VARIANT(punch)
{
	uint8_t role;
};

FIXTURE_VARIANT_ADD(punch, first){ .role = 0 };
FIXTURE_VARIANT_ADD(punch, second){ .role = 1 };

static void prove(FIXTURE_DATA(punch) * self, const struct meet *meet,
		  uint8_t role)
{
	frame_head(self->proof, PUNCH_PROOF, SECRET_PROOF);
	secret_prove(&meet->secret, "open", role, meet->nonce, NULL, 0,
		     self->proof + FRAME_HEAD);
}

/* From that port of ours, as if the rendezvous had just said so. */
static struct punch_config from_port(uint16_t port)
{
	struct punch_config config = {
		.peer.len = sizeof(struct sockaddr_in),
		.peer.pause_ns = PAUSE_NS,
		.told_ns = clock_now_ns(),
	};
	struct sockaddr_in *own = (struct sockaddr_in *)&config.own;

	own->sin_family = AF_INET;
	own->sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	own->sin_port = htons(port);
	return config;
}

static int begin(FIXTURE_DATA(punch) * self, uint64_t deadline_ns)
{
	struct punch_config config = from_port(PORT);

	config.peer.deadline_ns = deadline_ns;
	return punch_init(&self->punch, &self->meet, &config);
}

/* Meet again from that port. */
static int renew(FIXTURE_DATA(punch) * self, uint16_t port)
{
	struct punch_config config = from_port(port);

	punch_exit(&self->punch);
	return punch_renew(&self->punch, &self->meet, &config);
}

/* As punch_step(), but on a slow machine one meeting may not be enough. */
static int step(FIXTURE_DATA(punch) * self)
{
	int err = punch_step(&self->punch);

	if (err != -EAGAIN)
		return err;
	return renew(self, PORT) ?: 1;
}

static int listen_at(const struct sockaddr_storage *at)
{
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0);
	const int one = 1;

	if (fd < 0 ||
	    setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &one, sizeof(one)) ||
	    bind(fd, (const void *)at, sizeof(struct sockaddr_in)) ||
	    listen(fd, 16))
		return -errno;
	return fd;
}

FIXTURE_SETUP(punch)
{
	struct sockaddr_in *at = (struct sockaddr_in *)&self->meet.from;
	int fd;

	fd = netns_create();
	ASSERT_LE(0, fd);
	ASSERT_EQ(0, netns_enter(fd));
	close(fd);
	ASSERT_TRUE(signal(SIGPIPE, SIG_IGN) != SIG_ERR);
	at->sin_family = AF_INET;
	at->sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	at->sin_port = htons(2001);
	self->listener = listen_at(&self->meet.from);
	ASSERT_LE(0, self->listener);

	self->meet.role = variant->role;
	memset(self->meet.secret.key, 7, sizeof(self->meet.secret.key));
	memset(self->meet.nonce, 8, sizeof(self->meet.nonce));
	self->meet.own.mapping = MEET_MAPPING_NONE;
	prove(self, &self->meet, !variant->role);
	frame_head(self->proof + WHOLE, PUNCH_TAKE, 0);
	self->len = variant->role ? WHOLE + FRAME_HEAD : WHOLE;
}

FIXTURE_TEARDOWN(punch)
{
	punch_exit(&self->punch);
	close(self->listener);
}

/* The next connection that it makes, or -1 if it has ended before. */
static int taken(FIXTURE_DATA(punch) * self)
{
	int fd;

	do {
		fd = accept4(self->listener, NULL, NULL, SOCK_NONBLOCK);
		if (fd >= 0)
			return fd;
	} while (step(self) > 0);
	return -1;
}

static int finish(FIXTURE_DATA(punch) * self)
{
	int err;

	while ((err = step(self)) > 0)
		;
	return err;
}

/* Say @len bytes; what it says to that. */
static int answer(FIXTURE_DATA(punch) * self, const void *bytes, size_t len)
{
	int fd = taken(self), err;

	if (fd < 0 || send(fd, bytes, len, MSG_NOSIGNAL) != (ssize_t)len)
		return -EIO;
	err = finish(self);
	close(fd);
	return err;
}

/* Claim: it is let in whose proof is right, however it comes in pieces. */
TEST_F(punch, byte_by_byte)
{
	struct pollfd pfd = { .events = POLLIN };
	uint8_t said[WHOLE + FRAME_HEAD];
	size_t i, want = variant->role ? WHOLE : WHOLE + FRAME_HEAD;

	ASSERT_EQ(0, begin(self, PATIENCE_NS));
	pfd.fd = taken(self);
	ASSERT_LE(0, pfd.fd);
	for (i = 0; i < self->len; i++) {
		ASSERT_EQ(1, send(pfd.fd, &self->proof[i], 1, MSG_NOSIGNAL));
		if (i + 1 < self->len)
			ASSERT_EQ(1, punch_step(&self->punch));
	}
	EXPECT_EQ(0, finish(self));
	EXPECT_EQ(DIAGNOSE_OPEN, diagnose(&self->punch).why);
	ASSERT_LE(0, self->punch.fd);

	/* It has proven itself as well, and the first one takes it. */
	EXPECT_EQ((ssize_t)want, recv(pfd.fd, said, sizeof(said), 0));
	EXPECT_EQ(PUNCH_PROOF, said[0]);
	EXPECT_TRUE(secret_proves(&self->meet.secret, "open", variant->role,
				  self->meet.nonce, NULL, 0,
				  said + FRAME_HEAD));
	close(pfd.fd);
	close(self->punch.fd);
}

/* Claim: what is behind the proof is left for the user to read. */
TEST_F(punch, nothing_more)
{
	uint8_t bytes[sizeof(self->proof) + 1];
	char c = 0;
	int fd;

	memcpy(bytes, self->proof, self->len);
	bytes[self->len] = 'x';
	ASSERT_EQ(0, begin(self, PATIENCE_NS));
	fd = taken(self);
	ASSERT_LE(0, fd);
	ASSERT_EQ((ssize_t)self->len + 1, send(fd, bytes, self->len + 1, 0));
	ASSERT_EQ(0, finish(self));
	EXPECT_EQ(1, recv(self->punch.fd, &c, 1, 0));
	EXPECT_EQ('x', c);
	close(fd);
	close(self->punch.fd);
}

/*
 * Claim: a partner that is killed at whatever byte of its proof is no stranger,
 * and is met when it comes again.
 */
TEST_F_TIMEOUT(punch, killed_at_each_byte, 120)
{
	size_t n;
	int fd;

	ASSERT_EQ(0, begin(self, PATIENCE_NS));
	for (n = 0; n < self->len; n++) {
		fd = taken(self);
		ASSERT_LE(0, fd)
		TH_LOG("after %zu bytes: %s", n,
		       diagnose_name(diagnose(&self->punch).why));
		ASSERT_EQ((ssize_t)n, send(fd, self->proof, n, MSG_NOSIGNAL));
		close(fd);
	}
	EXPECT_EQ(0, answer(self, self->proof, self->len));
	EXPECT_FALSE(self->punch.tries[0].stranger);
	EXPECT_EQ(self->len, self->punch.tries[0].result.reset);
	close(self->punch.fd);
}

/* Is who says that found to be a stranger, and not let in? */
static bool stranger(FIXTURE_DATA(punch) * self, const void *bytes, size_t len,
		     uint64_t deadline_ns)
{
	return !begin(self, deadline_ns) &&
	       answer(self, bytes, len) == -ETIMEDOUT &&
	       diagnose(&self->punch).why == DIAGNOSE_STRANGER &&
	       self->punch.fd < 0;
}

/*
 * Claim: none of these is let in: a proof by another secret, of another
 * meeting, its own one sent back, one with a bit changed, one of a wrong
 * length, something else, nothing.
 */
TEST_F_TIMEOUT(punch, strangers, 60)
{
	struct meet other = self->meet;

	other.secret.key[0]++;
	prove(self, &other, !variant->role);
	EXPECT_TRUE(stranger(self, self->proof, self->len, PATIENCE_NS));

	other = self->meet;
	other.nonce[variant->role][0]++;
	prove(self, &other, !variant->role);
	EXPECT_TRUE(stranger(self, self->proof, self->len, PATIENCE_NS));

	prove(self, &self->meet, variant->role);
	EXPECT_TRUE(stranger(self, self->proof, self->len, PATIENCE_NS));

	prove(self, &self->meet, !variant->role);
	self->proof[WHOLE - 1] ^= 1;
	EXPECT_TRUE(stranger(self, self->proof, self->len, PATIENCE_NS));

	prove(self, &self->meet, !variant->role);
	self->proof[FRAME_HEAD - 1]++;
	EXPECT_TRUE(stranger(self, self->proof, self->len, PATIENCE_NS));

	EXPECT_TRUE(stranger(self, "SSH-2.0-OpenSSH_9.2\r\n", 21, PATIENCE_NS));
	EXPECT_TRUE(stranger(self, "", 0, SILENCE_NS));
}

/* Is the next one to come from that port? */
static int taken_from(FIXTURE_DATA(punch) * self, uint16_t port)
{
	struct sockaddr_in from = {};
	socklen_t len = sizeof(from);
	int fd = taken(self);

	if (getpeername(fd, (struct sockaddr *)&from, &len) ||
	    from.sin_port != htons(port))
		return -1;
	return fd;
}

/*
 * Claim: a meeting in which nobody opens ends before the deadline, so that
 * there can be another one, from another port. What was tried in the first is
 * counted on.
 */
TEST_F_TIMEOUT(punch, renewed, 60)
{
	struct punch *punch = &self->punch;
	uint64_t began_ns = clock_now_ns();
	int err, fd;

	close(self->listener);
	ASSERT_EQ(0, begin(self, PATIENCE_NS));
	while ((err = punch_step(punch)) > 0) {
	}
	ASSERT_EQ(-EAGAIN, err);
	EXPECT_LT(clock_now_ns(), punch->last_ns);
	EXPECT_LT(0, punch->tries[0].result.attempts);
	EXPECT_EQ(DIAGNOSE_REFUSED, diagnose(punch).why);

	self->listener = listen_at(&self->meet.from);
	ASSERT_LE(0, self->listener);
	punch->tries[0].result.attempts = 1000000;
	ASSERT_EQ(0, renew(self, PORT + 2));
	fd = taken_from(self, PORT + 2);
	ASSERT_LE(0, fd);
	ASSERT_EQ((ssize_t)self->len, send(fd, self->proof, self->len, 0));
	ASSERT_EQ(0, finish(self));
	EXPECT_EQ(2, punch->meetings);
	EXPECT_LT(1000000, punch->tries[0].result.attempts);
	EXPECT_LT(began_ns + punch->tries[0].result.elapsed_ns, clock_now_ns());
	EXPECT_LT(1000000000, punch->tries[0].result.elapsed_ns);
	close(fd);
	close(punch->fd);
}

/* Claim: the last meeting, and one that cannot be bettered, has all the time. */
TEST_F(punch, last)
{
	ASSERT_EQ(0, begin(self, 1));
	EXPECT_EQ(self->punch.last_ns, self->punch.end_ns);
	ASSERT_EQ(0, begin(self, PATIENCE_NS));
	EXPECT_GT(self->punch.last_ns, self->punch.end_ns);
	while (self->punch.meetings < PUNCH_MEETINGS) {
		ASSERT_GT(self->punch.last_ns, self->punch.end_ns);
		ASSERT_EQ(0, renew(self, PORT));
	}
	EXPECT_EQ(self->punch.last_ns, self->punch.end_ns);

	self->meet.partner.mapping = MEET_MAPPING_SYMMETRIC;
	ASSERT_EQ(0, begin(self, PATIENCE_NS));
	EXPECT_EQ(self->punch.last_ns, self->punch.end_ns);
}

/*
 * Claim: who is connected does not leave. Role 1, which may have been taken
 * once it has proven itself, waits for that word longer than a meeting takes.
 */
TEST_F_TIMEOUT(punch, stays, 60)
{
	struct punch *punch = &self->punch;
	int fd, err = 1;

	if (!variant->role)
		return;
	ASSERT_EQ(0, begin(self, PATIENCE_NS));
	fd = taken(self);
	ASSERT_LE(0, fd);
	ASSERT_EQ(WHOLE, send(fd, self->proof, WHOLE, 0));
	while (err > 0 && clock_now_ns() < punch->end_ns + OVER_NS)
		err = punch_step(punch);
	ASSERT_EQ(1, err);
	ASSERT_EQ(FRAME_HEAD, send(fd, self->proof + WHOLE, FRAME_HEAD, 0));
	EXPECT_EQ(0, finish(self));
	EXPECT_EQ(1, punch->meetings);
	close(fd);
	close(punch->fd);
}

TEST_HARNESS_MAIN
