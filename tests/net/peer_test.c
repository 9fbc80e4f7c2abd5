/* SPDX-License-Identifier: GPL-2.0 */
/* Tests of the open engine, over the neighbour gate. */
#include "lib/clock.h"
#include "tests/net/peer.h"

static int step_inside(void *peer)
{
	return peer_step(peer);
}

static int step(FIXTURE_DATA(peer) * self, int side, struct peer *peer)
{
	return netns_call(self->pair.side[side].fd, step_inside, peer);
}

static int run(FIXTURE_DATA(peer) * self, int side, struct peer *peer)
{
	int err;

	while ((err = step(self, side, peer)) > 0)
		;
	return err;
}

/* Both engines open, one side of the gate first. Returns 0 if all is right. */
static int open_crossed(struct __test_metadata *_metadata,
			FIXTURE_DATA(peer) * self, int family, int first)
{
	struct peer_config config;
	struct peer peer[2];
	char c = 'x';
	int i;

	for (i = 0; i < 2; i++) {
		config = config_of(self, i);
		ASSERT_EQ(0, peer_init(&peer[i], &config));
		ASSERT_EQ(1, step(self, i, &peer[i]));
	}
	ASSERT_EQ(0, wait_both(self, family, TCP_SYN_SENT));

	/* The other side has the bare SYN now, and stays in SYN_RECV. */
	ASSERT_EQ(0, gate_open_side(&self->gate, first));
	ASSERT_EQ(TCP_SYN_RECV,
		  wait_tcp(self, !first, GATE_STATE(TCP_SYN_RECV)));
	ASSERT_EQ(1, step(self, !first, &peer[!first]));
	EXPECT_EQ(PEER_CROSSED_YES, peer[!first].result.crossed);

	ASSERT_EQ(0, gate_open(&self->gate));
	for (i = 0; i < 2; i++) {
		ASSERT_EQ(0, run(self, i, &peer[i]));
		EXPECT_EQ(1, peer[i].result.attempts);
		EXPECT_EQ(0, peer[i].result.refused + peer[i].result.reset +
				     peer[i].result.timedout +
				     peer[i].result.inuse);
		EXPECT_NE(PEER_CROSSED_NO, peer[i].result.crossed);
		EXPECT_LE(2, peer[i].result.segs_in);
		EXPECT_NE('\0', peer[i].result.cc[0]);
		ASSERT_LE(0, peer[i].result.fd);
	}
	EXPECT_EQ(PEER_CROSSED_YES, peer[!first].result.crossed);

	for (i = 0; i < 2; i++) {
		struct pollfd pfd = {
			.fd = peer[!i].result.fd,
			.events = POLLIN,
		};

		EXPECT_EQ(1, send(peer[i].result.fd, &c, 1, MSG_NOSIGNAL));
		EXPECT_EQ(1, poll(&pfd, 1, PATIENCE_NS / 1000000));
		EXPECT_EQ(1, recv(peer[!i].result.fd, &c, 1, 0));
	}
	for (i = 0; i < 2; i++)
		close(peer[i].result.fd);
	return 0;
}

/*
 * Claim: 100 of 100 gated opens connect with one attempt each; the end that is
 * seen in SYN_RECV says crossed, the other one does not deny it.
 */
TEST_F_TIMEOUT(peer, crossed, 120)
{
	int i;

	for (i = 0; i < OPENS; i++) {
		next_ports(self, variant->family, i);
		ASSERT_EQ(0, gate_close(&self->gate));
		ASSERT_EQ(0,
			  open_crossed(_metadata, self, variant->family, i % 2))
		TH_LOG("open %d", i);
	}
}

/* Claim: an open that met a listener is not crossed, and says so. */
TEST_F(peer, not_crossed)
{
	struct peer_config config = config_of(self, 0);
	struct peer peer;
	int fd;

	ASSERT_EQ(0, gate_open(&self->gate));
	fd = netns_call(self->pair.side[1].fd, new_listener, &self->end[1]);
	ASSERT_LE(0, fd);

	ASSERT_EQ(0, peer_init(&peer, &config));
	ASSERT_EQ(0, run(self, 0, &peer));
	EXPECT_EQ(PEER_CROSSED_NO, peer.result.crossed);
	EXPECT_EQ(1, peer.result.segs_in);
	EXPECT_EQ(1, peer.result.attempts);

	/* What has ended stays so. */
	EXPECT_EQ(0, step(self, 0, &peer));
	EXPECT_EQ(1, peer.result.attempts);
}

/* Claim: a SYN that nobody answers ends at the deadline, having waited. */
TEST_F(peer, unanswered)
{
	struct peer_config config = config_of(self, 0);
	struct peer peer;

	config.deadline_ns = SHORT_NS;
	ASSERT_EQ(0, peer_init(&peer, &config));
	EXPECT_EQ(-ETIMEDOUT, run(self, 0, &peer));
	EXPECT_EQ(-ETIMEDOUT, peer.result.error);
	EXPECT_EQ(-ETIMEDOUT, step(self, 0, &peer));
	EXPECT_EQ(0, peer.result.last);
	EXPECT_EQ(1, peer.result.attempts);
	EXPECT_EQ(-1, peer.result.fd);
	EXPECT_LE(SHORT_NS, peer.result.elapsed_ns);
	EXPECT_GT(SHORT_NS + SLACK_NS, peer.result.elapsed_ns);

	/* Its socket is gone: the port is free for one without REUSEADDR. */
	EXPECT_LE(0, netns_call(self->pair.side[0].fd, new_listener,
				&self->end[0]));
}

/* Claim: where every attempt is refused, their number is the bound. */
TEST_F(peer, refused_attempts)
{
	struct peer_config config = config_of(self, 0);
	struct peer peer;

	config.attempts = 20;
	ASSERT_EQ(0, gate_open(&self->gate));
	ASSERT_EQ(0, peer_init(&peer, &config));
	EXPECT_EQ(-ECONNREFUSED, run(self, 0, &peer));
	EXPECT_EQ(20, peer.result.attempts);
	EXPECT_EQ(20, peer.result.refused);
	EXPECT_EQ(-ECONNREFUSED, peer.result.last);
	EXPECT_EQ(-1, peer.result.fd);
}

/* Claim: with attempts to spare, the deadline is the bound. */
TEST_F(peer, refused_deadline)
{
	struct peer_config config = config_of(self, 0);
	struct peer peer;

	config.attempts = 1000000000;
	config.deadline_ns = SHORT_NS;
	ASSERT_EQ(0, gate_open(&self->gate));
	ASSERT_EQ(0, peer_init(&peer, &config));
	EXPECT_EQ(-ETIMEDOUT, run(self, 0, &peer));
	EXPECT_LT(1, peer.result.attempts);
	EXPECT_EQ(peer.result.attempts, peer.result.refused);
	EXPECT_EQ(-ECONNREFUSED, peer.result.last);
	EXPECT_LE(SHORT_NS, peer.result.elapsed_ns);
	EXPECT_GT(SHORT_NS + SLACK_NS, peer.result.elapsed_ns);
}

/*
 * Claim: a local port that another socket holds is waited for, without a SYN,
 * and taken once it is free.
 */
TEST_F(peer, port_in_use)
{
	struct peer_config config = config_of(self, 0);
	struct peer peer;
	int fd;

	fd = netns_call(self->pair.side[0].fd, new_listener, &self->end[0]);
	ASSERT_LE(0, fd);
	ASSERT_EQ(0, peer_init(&peer, &config));
	while (peer.result.inuse < 3) {
		ASSERT_EQ(1, step(self, 0, &peer));
	}
	EXPECT_EQ(0, peer.result.attempts);
	EXPECT_EQ(-EADDRINUSE, peer.result.last);

	close(fd);
	while (!peer.result.attempts) {
		ASSERT_EQ(1, step(self, 0, &peer));
	}
	EXPECT_EQ(TCP_SYN_SENT, wait_tcp(self, 0, ~0U));
	peer_exit(&peer);
}

/* Claim: an error that another attempt would not change ends it at once. */
TEST_F(peer, hard_errors)
{
	struct peer_config config = config_of(self, 0);
	struct peer peer;

	/* The peer's address is not one of this namespace. */
	config.local = self->end[1];
	config.remote = self->end[0];
	ASSERT_EQ(0, peer_init(&peer, &config));
	EXPECT_EQ(-EADDRNOTAVAIL, step(self, 0, &peer));
	EXPECT_EQ(0, peer.result.attempts);
	EXPECT_EQ(-1, peer.result.fd);
}

/* Claim: arguments that cannot work are refused before any socket. */
TEST_F(peer, init_refuses)
{
	struct peer_config good = config_of(self, 0), config;
	struct peer peer;

	config = good;
	config.local.ss_family = AF_UNIX;
	EXPECT_EQ(-EAFNOSUPPORT, peer_init(&peer, &config));
	config = good;
	config.remote.ss_family = AF_INET + AF_INET6 - good.local.ss_family;
	EXPECT_EQ(-EAFNOSUPPORT, peer_init(&peer, &config));
	config = good;
	config.len--;
	EXPECT_EQ(-EINVAL, peer_init(&peer, &config));
	config = good;
	((struct sockaddr_in *)&config.remote)->sin_port = 0;
	EXPECT_EQ(-EINVAL, peer_init(&peer, &config));
	config = good;
	config.remote = config.local;
	EXPECT_EQ(-ELOOP, peer_init(&peer, &config));
}

/*
 * Claim: a wildcard address hides that both ends are the same; the engine sees
 * it once connected, and lets go of the connection.
 */
TEST_F(peer, met_itself)
{
	struct peer_config config = config_of(self, 0);
	struct sockaddr_in6 *l6 = (struct sockaddr_in6 *)&config.local;
	struct sockaddr_in6 *r6 = (struct sockaddr_in6 *)&config.remote;
	struct sockaddr_in *l = (struct sockaddr_in *)&config.local;
	struct sockaddr_in *r = (struct sockaddr_in *)&config.remote;
	struct peer peer;

	r->sin_port = l->sin_port; /* at the same place in both */
	if (variant->family == AF_INET6) {
		l6->sin6_addr = in6addr_any;
		r6->sin6_addr = in6addr_loopback;
	} else {
		l->sin_addr.s_addr = htonl(INADDR_ANY);
		r->sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	}

	ASSERT_EQ(0, peer_init(&peer, &config));
	EXPECT_EQ(-ELOOP, run(self, 0, &peer));
	EXPECT_EQ(1, peer.result.attempts);
	EXPECT_EQ(-1, peer.result.fd);
}

/* Claim: no SYN leaves before the agreed time, from which the deadline counts.
 */
TEST_F(peer, begins_at)
{
	struct peer_config config = config_of(self, 0);
	struct peer peer;

	config.at_ns = clock_real_ns() + SHORT_NS;
	config.deadline_ns = SHORT_NS / 2;
	ASSERT_EQ(0, peer_init(&peer, &config));
	while (!peer.result.attempts) {
		ASSERT_EQ(1, step(self, 0, &peer));
		ASSERT_TRUE(!peer.result.attempts ||
			    clock_real_ns() >= config.at_ns);
	}
	EXPECT_EQ(-ETIMEDOUT, run(self, 0, &peer));
	EXPECT_LE(SHORT_NS / 2, peer.result.elapsed_ns);
	EXPECT_GT(SHORT_NS / 2 + SLACK_NS, peer.result.elapsed_ns);
}

/* Claim: attempts begin on the grid, so there is at most one for each point. */
TEST_F(peer, aligned)
{
	struct peer_config config = config_of(self, 0);
	struct peer peer;

	config.align_ns = 10000000;
	config.deadline_ns = SHORT_NS;
	ASSERT_EQ(0, gate_open(&self->gate));
	ASSERT_EQ(0, peer_init(&peer, &config));
	EXPECT_EQ(-ETIMEDOUT, run(self, 0, &peer));
	EXPECT_LT(1, peer.result.attempts);
	EXPECT_GE(peer.result.elapsed_ns / config.align_ns + 1,
		  peer.result.attempts);
	EXPECT_EQ(peer.result.attempts, peer.result.refused);
}

/* Claim: an attempt without an answer is given up for the next one. */
TEST_F(peer, gives_attempts_up)
{
	struct peer_config config = config_of(self, 0);
	struct peer peer;

	config.attempt_ns = 10000000;
	config.deadline_ns = SHORT_NS;
	ASSERT_EQ(0, peer_init(&peer, &config));
	EXPECT_EQ(-ETIMEDOUT, run(self, 0, &peer));
	EXPECT_EQ(-ETIMEDOUT, peer.result.last);
	EXPECT_LT(1, peer.result.attempts);
	EXPECT_LE(1, peer.result.timedout);
	EXPECT_GE(peer.result.attempts, peer.result.timedout);
}

/* A connection to the other side from a port that is not the peer's. */
static int connect_stranger(void *arg)
{
	const struct sockaddr_storage *to = arg;
	int fd = socket(to->ss_family, SOCK_STREAM | SOCK_CLOEXEC, IPPROTO_TCP);

	return connect(fd, (void *)to, sizeof(*to)) ? -errno : fd;
}

/*
 * Claim: a listener on the same port takes the peer's SYN while no attempt is
 * under way, and nobody else's.
 */
TEST_F(peer, listens_too)
{
	struct peer_config config = config_of(self, 1);
	struct pollfd stranger = { .events = POLLIN };
	struct peer peer[2];

	config.listen = true;
	config.pause_ns = 3600 * NSEC_PER_SEC;
	ASSERT_EQ(0, gate_open(&self->gate));
	ASSERT_EQ(0, peer_init(&peer[1], &config));
	while (!peer[1].result.refused) {
		ASSERT_EQ(1, step(self, 1, &peer[1]));
	}

	stranger.fd = netns_call(self->pair.side[0].fd, connect_stranger,
				 &self->end[1]);
	ASSERT_LE(0, stranger.fd);
	while (!poll(&stranger, 1, 0)) {
		ASSERT_EQ(1, step(self, 1, &peer[1]));
	}

	config = config_of(self, 0);
	ASSERT_EQ(0, peer_init(&peer[0], &config));
	ASSERT_EQ(0, run(self, 0, &peer[0]));
	EXPECT_EQ(PEER_CROSSED_NO, peer[0].result.crossed);
	EXPECT_FALSE(peer[0].result.accepted);
	ASSERT_EQ(0, run(self, 1, &peer[1]));
	EXPECT_TRUE(peer[1].result.accepted);
	EXPECT_EQ(1, peer[1].result.attempts);
	peer_exit(&peer[1]);
}

/* Claim: with a listener on both ends, SYNs that cross still cross. */
TEST_F(peer, listens_and_crosses)
{
	struct peer_config config;
	struct peer peer[2];
	int i;

	for (i = 0; i < 2; i++) {
		config = config_of(self, i);
		config.listen = true;
		ASSERT_EQ(0, peer_init(&peer[i], &config));
		ASSERT_EQ(1, step(self, i, &peer[i]));
	}
	ASSERT_EQ(0, wait_both(self, variant->family, TCP_SYN_SENT));
	ASSERT_EQ(0, gate_open(&self->gate));
	for (i = 0; i < 2; i++) {
		ASSERT_EQ(0, run(self, i, &peer[i]));
		EXPECT_FALSE(peer[i].result.accepted);
		EXPECT_NE(PEER_CROSSED_NO, peer[i].result.crossed);
		peer_exit(&peer[i]);
	}
}

/* Claim: the congestion control is the one asked for, or there is none. */
TEST_F(peer, congestion_control)
{
	struct peer_config config = config_of(self, 0);
	struct peer peer;
	int fd;

	strcpy(config.cc, "no such");
	ASSERT_EQ(0, peer_init(&peer, &config));
	EXPECT_EQ(-ENOENT, run(self, 0, &peer));

	ASSERT_EQ(0, gate_open(&self->gate));
	fd = netns_call(self->pair.side[1].fd, new_listener, &self->end[1]);
	ASSERT_LE(0, fd);
	strcpy(config.cc, "reno");
	ASSERT_EQ(0, peer_init(&peer, &config));
	ASSERT_EQ(0, run(self, 0, &peer));
	EXPECT_STREQ("reno", peer.result.cc);
}

TEST_HARNESS_MAIN
