// SPDX-License-Identifier: GPL-2.0
/*
 * The wire does what its rules say to what they name and to nothing else, and
 * its log has all of it.
 */
#include "lab/netns.h"
#include "lab/wire.h"
#include "lib/clock.h"

#include <arpa/inet.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include <kselftest_harness.h>

#define PATIENCE_NS 10000000000ULL /* for what must happen */
#define PATIENCE_MS 10000
#define MS 1000000ULL

static const unsigned short ports[2] = { 2000, 2001 };

FIXTURE(line)
{
	struct netns_pair pair;
	struct wire *wire;
	int listener, fd[2];
};

FIXTURE_VARIANT(line)
{
	int family;
};

FIXTURE_VARIANT_ADD(line, ipv4){ .family = AF_INET };
FIXTURE_VARIANT_ADD(line, ipv6){ .family = AF_INET6 };

FIXTURE_SETUP(line)
{
	int err = wire_pair_create(&self->wire, &self->pair, NULL);

	ASSERT_EQ(0, err)
	TH_LOG("%s", strerror(-err));
	self->listener = self->fd[0] = self->fd[1] = -1;
}

FIXTURE_TEARDOWN(line)
{
	int i;

	for (i = 0; i < 2; i++)
		if (self->fd[i] >= 0)
			close(self->fd[i]);
	if (self->listener >= 0)
		close(self->listener);
	wire_destroy(self->wire);
	netns_pair_destroy(&self->pair);
}

static int new_socket(void *arg)
{
	int fd = socket(*(int *)arg, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC,
			IPPROTO_TCP);

	return fd < 0 ? -errno : fd;
}

static socklen_t end_addr(const struct netns_pair *pair, int side, int family,
			  struct sockaddr_storage *addr)
{
	struct sockaddr_in6 *in6 = (struct sockaddr_in6 *)addr;
	struct sockaddr_in *in = (struct sockaddr_in *)addr;

	memset(addr, 0, sizeof(*addr));
	addr->ss_family = family;
	if (family == AF_INET) {
		in->sin_addr = pair->side[side].addr4;
		in->sin_port = htons(ports[side]);
		return sizeof(*in);
	}
	in6->sin6_addr = pair->side[side].addr6;
	in6->sin6_port = htons(ports[side]);
	return sizeof(*in6);
}

/* A bound socket that sends what it is given at once. */
static int new_end(const struct netns_pair *pair, int side, int family)
{
	int fd = netns_call(pair->side[side].fd, new_socket, &family);
	struct sockaddr_storage addr;
	socklen_t len = end_addr(pair, side, family, &addr);

	if (fd < 0)
		return -1;
	setsockopt(fd, SOL_TCP, TCP_NODELAY, &(int){ 1 }, sizeof(int));
	if (!bind(fd, (struct sockaddr *)&addr, len))
		return fd;
	close(fd);
	return -1;
}

static int start_connect(const struct netns_pair *pair, int side, int family,
			 int fd)
{
	struct sockaddr_storage addr;
	socklen_t len = end_addr(pair, !side, family, &addr);

	return connect(fd, (struct sockaddr *)&addr, len) &&
			       errno != EINPROGRESS ?
		       -errno :
		       0;
}

/* Until it is connected. Returns what SO_ERROR says, -ETIMEDOUT. */
static int finish_connect(int fd)
{
	struct pollfd pfd = { .fd = fd, .events = POLLOUT };
	int err = 0;

	if (poll(&pfd, 1, PATIENCE_MS) != 1)
		return -ETIMEDOUT;
	getsockopt(fd, SOL_SOCKET, SO_ERROR, &err, &(socklen_t){ sizeof(err) });
	return -err;
}

static bool readable(int fd)
{
	struct pollfd pfd = { .fd = fd, .events = POLLIN };

	return poll(&pfd, 1, PATIENCE_MS) == 1;
}

static int open_both(struct _test_data_line *self, int family)
{
	int err;

	self->listener = new_end(&self->pair, 1, family);
	self->fd[0] = new_end(&self->pair, 0, family);
	if (self->listener < 0 || self->fd[0] < 0 || listen(self->listener, 1))
		return -EINVAL;
	err = start_connect(&self->pair, 0, family, self->fd[0]);
	if (!err)
		err = finish_connect(self->fd[0]);
	if (err || !readable(self->listener))
		return err ?: -ETIMEDOUT;
	self->fd[1] = accept4(self->listener, NULL, NULL, SOCK_NONBLOCK);
	return self->fd[1] < 0 ? -errno : 0;
}

/* @n segments of one byte each. */
static bool send_bytes(int fd, int n)
{
	while (n > 0 && send(fd, "x", 1, 0) == 1)
		n--;
	return n == 0;
}

static bool receive_bytes(int fd, int n)
{
	char bytes[4096];
	ssize_t got = 1;

	while (n > 0 && got > 0 && readable(fd)) {
		got = recv(fd, bytes, sizeof(bytes), 0);
		n -= got > 0 ? got : 0;
	}
	return n <= 0;
}

static size_t count(struct wire *wire, enum rule_from from, unsigned int kinds,
		    int fate)
{
	const struct rule_match which = { .from = from, .kinds = kinds };

	return wire_count(wire, &which, fate);
}

/* Without a rule all arrives, and the log says what. */
TEST_F(line, log)
{
	struct wire_entry e;

	ASSERT_EQ(0, open_both(self, variant->family));
	ASSERT_TRUE(send_bytes(self->fd[0], 3));
	ASSERT_TRUE(receive_bytes(self->fd[1], 3));
	ASSERT_EQ(1, count(self->wire, RULE_A, PACKET_SYN, WIRE_HANDED_OVER));
	ASSERT_EQ(1, count(self->wire, RULE_B, PACKET_SYNACK, -1));
	/* A host that is slow may see a probe of the tail more. */
	ASSERT_LE(3, count(self->wire, RULE_A, PACKET_DATA, WIRE_HANDED_OVER));
	ASSERT_EQ(0, count(self->wire, RULE_BOTH, 0, WIRE_DROPPED));
	ASSERT_EQ(0, wire_unlogged(self->wire));
	for (size_t i = 0; wire_log(self->wire, i, &e); i++) {
		if (!(e.packet.kinds & PACKET_TCP))
			continue;
		ASSERT_EQ(variant->family, e.packet.family);
		ASSERT_EQ(ports[e.from], e.packet.sport);
		ASSERT_EQ(ports[!e.from], e.packet.dport);
		ASSERT_TRUE(e.packet.placed);
	}
}

/* The n-th of a kind is lost, and comes again. */
TEST_F(line, drop)
{
	const struct rule rule = {
		.which = { .from = RULE_A, .kinds = PACKET_DATA },
		.nth = 2,
		.action = RULE_DROP,
	};
	const struct rule_match second = { .from = RULE_A,
					   .begin = 1,
					   .end = 2 };
	int n;

	ASSERT_EQ(0, open_both(self, variant->family));
	n = wire_add(self->wire, &rule);
	ASSERT_TRUE(send_bytes(self->fd[0], 3));
	ASSERT_TRUE(receive_bytes(self->fd[1], 3));
	ASSERT_EQ(0, wire_wait(self->wire, n, 1, PATIENCE_NS));
	ASSERT_EQ(1, count(self->wire, RULE_A, 0, WIRE_DROPPED));
	ASSERT_EQ(1, wire_count(self->wire, &second, WIRE_DROPPED));
	ASSERT_LE(1, wire_count(self->wire, &second, WIRE_HANDED_OVER));
	ASSERT_LE(1, count(self->wire, RULE_A, PACKET_AGAIN, -1));
	ASSERT_EQ(0, count(self->wire, RULE_B, 0, WIRE_DROPPED));
}

/* Both SYNs are held until both were sent: a simultaneous open. */
TEST_F(line, hold)
{
	const struct rule rule = {
		.which = { .kinds = PACKET_SYN },
		.action = RULE_HOLD,
	};
	int n = wire_add(self->wire, &rule), i;

	for (i = 0; i < 2; i++) {
		self->fd[i] = new_end(&self->pair, i, variant->family);
		ASSERT_LE(0, self->fd[i]);
		ASSERT_EQ(0, start_connect(&self->pair, i, variant->family,
					   self->fd[i]));
		ASSERT_EQ(0, wire_wait(self->wire, n, i + 1, PATIENCE_NS));
	}
	ASSERT_EQ(1, count(self->wire, RULE_A, PACKET_SYN, WIRE_HELD));
	ASSERT_EQ(1, count(self->wire, RULE_B, PACKET_SYN, WIRE_HELD));
	ASSERT_EQ(2, wire_release(self->wire, n, 0));
	for (i = 0; i < 2; i++)
		ASSERT_EQ(0, finish_connect(self->fd[i]));
	ASSERT_EQ(2,
		  count(self->wire, RULE_BOTH, PACKET_SYN, WIRE_HANDED_OVER));
	ASSERT_EQ(2, count(self->wire, RULE_BOTH, PACKET_SYNACK, -1));
}

/* What side 0 first sent of that byte of its stream. */
static bool find_data(struct wire *wire, uint32_t offset, struct wire_entry *e)
{
	const struct rule_match which = { .from = RULE_A,
					  .begin = offset,
					  .end = offset + 1 };
	size_t i;

	for (i = 0; wire_log(wire, i, e); i++)
		if (rule_matches(&which, e->from, &e->packet))
			return true;
	return false;
}

/* How many of side 0 came later and went before it; -1: it has not gone. */
static int overtakers(struct wire *wire, uint32_t offset)
{
	struct wire_entry first, e;
	size_t i;
	int n = 0;

	if (!find_data(wire, offset, &first) || !first.out_ns)
		return -1;
	for (i = 0; wire_log(wire, i, &e); i++)
		n += !e.from && e.in_ns > first.in_ns && e.out_ns &&
		     e.out_ns < first.out_ns;
	return n;
}

/* A packet goes after others, by their number or by time, and nothing is lost. */
TEST_F(line, reorder)
{
	const struct rule reorder = {
		.which = { .from = RULE_A, .begin = 1, .end = 2 },
		.nth = 1,
		.action = RULE_REORDER,
		.behind = 2,
	};
	const struct rule delay = {
		.which = { .from = RULE_A, .begin = 4, .end = 5 },
		.nth = 1,
		.action = RULE_DELAY,
		.delay_ns = 20 * MS,
	};
	struct wire_entry e;
	int n, m;

	ASSERT_EQ(0, open_both(self, variant->family));
	n = wire_add(self->wire, &reorder);
	m = wire_add(self->wire, &delay);
	ASSERT_TRUE(send_bytes(self->fd[0], 6));
	ASSERT_TRUE(receive_bytes(self->fd[1], 6));
	ASSERT_EQ(0, wire_wait(self->wire, n, 1, PATIENCE_NS));
	ASSERT_EQ(0, wire_wait(self->wire, m, 1, PATIENCE_NS));
	ASSERT_EQ(0, overtakers(self->wire, 0));
	ASSERT_EQ(2, overtakers(self->wire, 1));
	ASSERT_TRUE(find_data(self->wire, 4, &e));
	ASSERT_LE(e.in_ns + 20 * MS, e.out_ns);
}

TEST_F(line, duplicate)
{
	const struct rule rule = {
		.which = { .from = RULE_A, .kinds = PACKET_DATA },
		.every = 2,
		.to = 4,
		.action = RULE_DUPLICATE,
	};
	struct wire_entry e;
	size_t i, copies = 0;
	int n;

	ASSERT_EQ(0, open_both(self, variant->family));
	n = wire_add(self->wire, &rule);
	ASSERT_TRUE(send_bytes(self->fd[0], 5));
	ASSERT_TRUE(receive_bytes(self->fd[1], 5));
	ASSERT_EQ(0, wire_wait(self->wire, n, 2, PATIENCE_NS));
	for (i = 0; wire_log(self->wire, i, &e); i++)
		copies += e.copy;
	ASSERT_EQ(2, copies);
}

/* A link has a delay, a rate, and a queue that is full at some time. */
TEST_F(line, link)
{
	const struct wire_link slow = { .delay_ns = 5 * MS,
					.rate = 1000000,
					.limit = 20000 };
	struct wire_entry e;
	char bytes[40000] = {};
	uint64_t first_ns = 0, last_ns = 0;
	size_t i;

	ASSERT_EQ(0, open_both(self, variant->family));
	wire_set_link(self->wire, 0, &slow);
	ASSERT_EQ(sizeof(bytes), send(self->fd[0], bytes, sizeof(bytes), 0));
	ASSERT_TRUE(receive_bytes(self->fd[1], sizeof(bytes)));
	for (i = 0; wire_log(self->wire, i, &e); i++) {
		if (e.from || !(e.packet.kinds & PACKET_DATA) || !e.out_ns)
			continue;
		ASSERT_LE(e.in_ns + 5 * MS, e.out_ns);
		ASSERT_GE(1500, e.packet.size);
		if (!first_ns)
			first_ns = e.in_ns;
		last_ns = e.out_ns;
	}
	ASSERT_LE((40 + 5) * MS, last_ns - first_ns);
}

/* What finds no room waits no longer: it is dropped. */
TEST_F(line, limit)
{
	const struct wire_link narrow = { .rate = 1000000, .limit = 3000 };
	char bytes[14000] = {};

	ASSERT_EQ(0, open_both(self, variant->family));
	wire_set_link(self->wire, 0, &narrow);
	ASSERT_EQ(sizeof(bytes), send(self->fd[0], bytes, sizeof(bytes), 0));
	ASSERT_TRUE(receive_bytes(self->fd[1], 1000));
	ASSERT_LE(1, count(self->wire, RULE_A, PACKET_DATA, WIRE_FULL));
	ASSERT_EQ(0, count(self->wire, RULE_B, 0, WIRE_FULL));
}

/* Cut and mended: what was lost meanwhile comes again. */
TEST_F(line, cut)
{
	const struct rule rule = {
		.which = { .kinds = PACKET_ANY },
		.action = RULE_DROP,
	};
	int n;

	ASSERT_EQ(0, open_both(self, variant->family));
	n = wire_add(self->wire, &rule);
	ASSERT_TRUE(send_bytes(self->fd[0], 1));
	ASSERT_EQ(0, wire_wait(self->wire, n, 1, PATIENCE_NS));
	wire_remove(self->wire, n);
	ASSERT_TRUE(receive_bytes(self->fd[1], 1));
}

/* The sender is told that nobody is there ... */
TEST_F(line, unreachable)
{
	const struct rule rule = {
		.which = { .kinds = PACKET_SYN },
		.action = RULE_REFUSE,
		.refusal = { .code = variant->family == AF_INET ? 1 : 3 },
	};
	int err;

	wire_add(self->wire, &rule);
	err = open_both(self, variant->family);
	if (err != -EHOSTUNREACH)
		wire_print(self->wire, stderr);
	ASSERT_EQ(-EHOSTUNREACH, err);
	ASSERT_EQ(1, count(self->wire, RULE_A, PACKET_SYN, WIRE_REFUSED));
}

/* ... or that its packets are too long for the way. */
TEST_F(line, too_big)
{
	const struct rule rule = {
		.which = { .from = RULE_A, .longer = 1400 },
		.action = RULE_REFUSE,
		.refusal = { .mtu = 1400 },
	};
	char bytes[10000] = {};
	struct tcp_info info;
	int n;

	ASSERT_EQ(0, open_both(self, variant->family));
	n = wire_add(self->wire, &rule);
	ASSERT_EQ(sizeof(bytes), send(self->fd[0], bytes, sizeof(bytes), 0));
	ASSERT_EQ(0, wire_wait(self->wire, n, 1, PATIENCE_NS));
	ASSERT_TRUE(receive_bytes(self->fd[1], sizeof(bytes)));
	ASSERT_EQ(0, getsockopt(self->fd[0], SOL_TCP, TCP_INFO, &info,
				&(socklen_t){ sizeof(info) }));
	ASSERT_EQ(1400, info.tcpi_pmtu);
}

/* Rules that were added count what comes later; WIRE_RULES are enough. */
TEST_F(line, rules_are_bounded)
{
	const struct rule rule = { .action = RULE_SEE };
	int i;

	for (i = 0; i < WIRE_RULES; i++)
		ASSERT_EQ(i, wire_add(self->wire, &rule));
	ASSERT_EQ(-ENOSPC, wire_add(self->wire, &rule));
	ASSERT_EQ(0, open_both(self, variant->family));
	ASSERT_EQ(0, wire_wait(self->wire, WIRE_RULES - 1, 3, PATIENCE_NS));
}

/* Segments fit the MTU of the device. */
TEST(mtu)
{
	const struct wire_config config = { .mtu = 1300 };
	struct _test_data_line wire = { .listener = -1, .fd = { -1, -1 } };
	const struct rule_match long_ones = { .longer = 1300 };
	const struct rule_match full_ones = { .longer = 1299 };
	char bytes[10000] = {};

	ASSERT_EQ(0, wire_pair_create(&wire.wire, &wire.pair, &config));
	ASSERT_EQ(0, open_both(&wire, AF_INET));
	ASSERT_EQ(sizeof(bytes), send(wire.fd[0], bytes, sizeof(bytes), 0));
	ASSERT_TRUE(receive_bytes(wire.fd[1], sizeof(bytes)));
	ASSERT_EQ(0, wire_count(wire.wire, &long_ones, -1));
	ASSERT_LE(7, wire_count(wire.wire, &full_ones, -1));
	wire_destroy(wire.wire);
	netns_pair_destroy(&wire.pair);
}

static int open_fds(void)
{
	DIR *dir = opendir("/proc/self/fd");
	int n = 0;

	while (dir && readdir(dir))
		n++;
	closedir(dir);
	return n;
}

/* The devices go with the wire, and what it holds with it. */
TEST(nothing_is_left)
{
	const struct rule rule = { .action = RULE_HOLD };
	struct _test_data_line wire = { .listener = -1, .fd = { -1, -1 } };
	int n, before = open_fds();

	ASSERT_EQ(0, wire_pair_create(&wire.wire, &wire.pair, NULL));
	n = wire_add(wire.wire, &rule);
	wire.fd[0] = new_end(&wire.pair, 0, AF_INET);
	ASSERT_EQ(0, start_connect(&wire.pair, 0, AF_INET, wire.fd[0]));
	ASSERT_EQ(0, wire_wait(wire.wire, n, 1, PATIENCE_NS));
	wire_destroy(wire.wire);
	/* nothing has the address any more */
	ASSERT_EQ(-1, new_end(&wire.pair, 0, AF_INET));
	close(wire.fd[0]);
	netns_pair_destroy(&wire.pair);
	ASSERT_EQ(before, open_fds());
}

TEST_HARNESS_MAIN
