// SPDX-License-Identifier: GPL-2.0
/* Tests of the two namespaces and of the neighbour gate between them. */
#include "lab/gate.h"
#include "lab/netns.h"
#include "lib/clock.h"

#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/socket.h>
#include <sys/stat.h>

#include <kselftest_harness.h>

#define PATIENCE_NS 10000000000ULL /* for what must happen */
#define MOMENT_NS 50000000ULL	   /* for what must not */

static int new_socket(void *arg)
{
	int fd = socket(*(int *)arg, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC,
			IPPROTO_TCP);

	return fd < 0 ? -errno : fd;
}

/* The value of @name in the "Tcp:" lines of /proc/net/snmp, or -1. */
static int tcp_counter(void *arg)
{
	char names[1024] = "", values[1024] = "", *n, *v, *ns, *vs;
	FILE *snmp = fopen("/proc/thread-self/net/snmp", "re");
	const char *name = arg;
	int value = -1;

	if (!snmp)
		return -1;
	while (fgets(names, sizeof(names), snmp)) {
		if (strncmp(names, "Tcp:", 4))
			continue;
		if (!fgets(values, sizeof(values), snmp))
			break;
		n = strtok_r(names, " \n", &ns);
		v = strtok_r(values, " \n", &vs);
		while (n && v && strcmp(n, name)) {
			n = strtok_r(NULL, " \n", &ns);
			v = strtok_r(NULL, " \n", &vs);
		}
		if (n && v)
			value = atoi(v);
		break;
	}
	fclose(snmp);
	return value;
}

FIXTURE(gate)
{
	struct netns_pair pair;
	struct gate gate;
	struct sockaddr_storage end[2];
	socklen_t len;
	int fd[2];
};

FIXTURE_VARIANT(gate)
{
	int family;
};

FIXTURE_VARIANT_ADD(gate, ipv4){ .family = AF_INET };
FIXTURE_VARIANT_ADD(gate, ipv6){ .family = AF_INET6 };

FIXTURE_SETUP(gate)
{
	int family = variant->family, i, err;

	err = netns_pair_create(&self->pair);
	/* No SKIP: this harness would run the test without its fixture. */
	ASSERT_EQ(0, err)
	TH_LOG("%s", err == -EPERM ? "needs root" : strerror(-err));
	ASSERT_EQ(0, gate_init(&self->gate, &self->pair));

	self->len = gate_endpoints(&self->gate, family, 2000, 2001, self->end);
	for (i = 0; i < 2; i++) {
		self->fd[i] = netns_call(self->pair.side[i].fd, new_socket,
					 &family);
		ASSERT_LE(0, self->fd[i]);
		ASSERT_EQ(0,
			  bind(self->fd[i], (void *)&self->end[i], self->len));
	}
}

FIXTURE_TEARDOWN(gate)
{
	gate_exit(&self->gate);
	netns_pair_destroy(&self->pair);
}

/* Wait for one of @states on a side. Returns the state found or -errno. */
static int wait_tcp(FIXTURE_DATA(gate) * self, int side, unsigned int states)
{
	return gate_wait_tcp(&self->gate, side, &self->end[side],
			     &self->end[!side], states, PATIENCE_NS);
}

static int start_connect(FIXTURE_DATA(gate) * self, int side)
{
	int ret = connect(self->fd[side], (void *)&self->end[!side], self->len);

	return ret ? -errno : 0;
}

static int retransmits(int fd)
{
	struct tcp_info info = {};
	socklen_t len = sizeof(info);

	if (getsockopt(fd, IPPROTO_TCP, TCP_INFO, &info, &len))
		return -1;
	return info.tcpi_total_retrans;
}

/*
 * Claim: the listener's host gets no segment while side 0 is closed; once it
 * is open the SYN arrives, and the SYN+ACK waits in side 1 until that opens.
 */
TEST_F(gate, syn_held)
{
	int b = self->pair.side[1].fd;

	ASSERT_EQ(0, listen(self->fd[1], 1));
	ASSERT_EQ(-EINPROGRESS, start_connect(self, 0));
	EXPECT_EQ(TCP_SYN_SENT, wait_tcp(self, 0, ~0U));
	EXPECT_EQ(0,
		  gate_wait_held(&self->gate, 0, variant->family, PATIENCE_NS));
	EXPECT_EQ(0, netns_call(b, tcp_counter, "InSegs"));
	EXPECT_EQ(-ETIMEDOUT,
		  gate_wait_held(&self->gate, 1, variant->family, 0));

	ASSERT_EQ(0, gate_open_side(&self->gate, 0));
	EXPECT_EQ(TCP_SYN_RECV, wait_tcp(self, 1, ~0U));
	EXPECT_EQ(0,
		  gate_wait_held(&self->gate, 1, variant->family, PATIENCE_NS));
	EXPECT_LE(1, netns_call(b, tcp_counter, "InSegs"));
	EXPECT_EQ(TCP_SYN_SENT, wait_tcp(self, 0, ~0U));

	ASSERT_EQ(0, gate_open_side(&self->gate, 1));
	EXPECT_EQ(TCP_ESTABLISHED,
		  wait_tcp(self, 0, GATE_STATE(TCP_ESTABLISHED)));
	EXPECT_EQ(TCP_ESTABLISHED,
		  wait_tcp(self, 1, GATE_STATE(TCP_ESTABLISHED)));
}

/*
 * Claim: to close a closed gate loses nothing that it holds: with retransmits
 * out of the way (the first SYN goes again after 1 s) both connect.
 */
TEST_F(gate, close_twice)
{
	uint64_t start = clock_now_ns();
	int i;

	for (i = 0; i < 2; i++)
		ASSERT_EQ(-EINPROGRESS, start_connect(self, i));
	for (i = 0; i < 2; i++)
		ASSERT_EQ(0, gate_wait_held(&self->gate, i, variant->family,
					    PATIENCE_NS));
	ASSERT_EQ(0, gate_close(&self->gate));
	ASSERT_EQ(0, gate_close_side(&self->gate, 1));
	ASSERT_EQ(0, gate_open(&self->gate));
	ASSERT_EQ(0, gate_open(&self->gate));

	for (i = 0; i < 2; i++) {
		EXPECT_EQ(TCP_ESTABLISHED,
			  wait_tcp(self, i, GATE_STATE(TCP_ESTABLISHED)));
		if (clock_now_ns() - start < 900000000)
			EXPECT_EQ(0, retransmits(self->fd[i]));
	}
}

/*
 * Claim: an open gate closes again, and a new gate on a pair that an old one
 * left open starts closed.
 */
TEST_F(gate, closes_again)
{
	ASSERT_EQ(0, gate_open(&self->gate));
	ASSERT_EQ(0, gate_close(&self->gate));
	ASSERT_EQ(0, gate_open(&self->gate));
	gate_exit(&self->gate);
	ASSERT_EQ(0, gate_init(&self->gate, &self->pair));

	ASSERT_EQ(0, listen(self->fd[1], 1));
	ASSERT_EQ(-EINPROGRESS, start_connect(self, 0));
	EXPECT_EQ(0,
		  gate_wait_held(&self->gate, 0, variant->family, PATIENCE_NS));
	EXPECT_EQ(TCP_SYN_SENT, wait_tcp(self, 0, ~0U));
}

/*
 * Claim: SYNs that are held cross. With side 0 open its SYN takes the other end
 * to SYN_RECV, which lasts as long as side 1 stays closed.
 */
TEST_F(gate, syns_cross)
{
	int i;

	for (i = 0; i < 2; i++)
		ASSERT_EQ(-EINPROGRESS, start_connect(self, i));
	for (i = 0; i < 2; i++) {
		ASSERT_EQ(TCP_SYN_SENT, wait_tcp(self, i, ~0U));
		ASSERT_EQ(0, gate_wait_held(&self->gate, i, variant->family,
					    PATIENCE_NS));
	}

	ASSERT_EQ(0, gate_open_side(&self->gate, 0));
	EXPECT_EQ(TCP_SYN_RECV, wait_tcp(self, 1, GATE_STATE(TCP_SYN_RECV)));
	EXPECT_EQ(TCP_SYN_SENT, wait_tcp(self, 0, ~0U));

	ASSERT_EQ(0, gate_open_side(&self->gate, 1));
	for (i = 0; i < 2; i++)
		EXPECT_EQ(TCP_ESTABLISHED,
			  wait_tcp(self, i, GATE_STATE(TCP_ESTABLISHED)));
}

/*
 * Claim: FINs that are held cross: the end that gets the first one is CLOSING
 * for as long as its own is held, and both end in TIME_WAIT, as only two
 * active closers can.
 */
TEST_F(gate, fins_cross)
{
	int i;

	for (i = 0; i < 2; i++)
		ASSERT_EQ(-EINPROGRESS, start_connect(self, i));
	ASSERT_EQ(0, gate_open(&self->gate));
	for (i = 0; i < 2; i++)
		ASSERT_EQ(TCP_ESTABLISHED,
			  wait_tcp(self, i, GATE_STATE(TCP_ESTABLISHED)));

	ASSERT_EQ(0, gate_close(&self->gate));
	for (i = 0; i < 2; i++)
		ASSERT_EQ(0, close(self->fd[i]));
	for (i = 0; i < 2; i++) {
		EXPECT_EQ(TCP_FIN_WAIT1, wait_tcp(self, i, ~0U));
		EXPECT_EQ(0, gate_wait_held(&self->gate, i, variant->family,
					    PATIENCE_NS));
	}

	ASSERT_EQ(0, gate_open_side(&self->gate, 0));
	EXPECT_EQ(TCP_CLOSING, wait_tcp(self, 1, GATE_STATE(TCP_CLOSING)));
	EXPECT_EQ(TCP_FIN_WAIT1, wait_tcp(self, 0, ~0U));

	ASSERT_EQ(0, gate_open_side(&self->gate, 1));
	for (i = 0; i < 2; i++)
		EXPECT_EQ(TCP_TIME_WAIT,
			  wait_tcp(self, i, GATE_STATE(TCP_TIME_WAIT)));
}

/* Claim: a wait for what does not happen ends, in time and with -ETIMEDOUT. */
TEST_F(gate, waits_end)
{
	uint64_t start = clock_now_ns();

	EXPECT_EQ(-ETIMEDOUT,
		  gate_wait_held(&self->gate, 0, variant->family, MOMENT_NS));
	EXPECT_EQ(-ETIMEDOUT, gate_wait_tcp(&self->gate, 0, &self->end[0],
					    &self->end[1], ~0U, MOMENT_NS));
	EXPECT_LE(2 * MOMENT_NS, clock_now_ns() - start);
	EXPECT_GT(PATIENCE_NS, clock_now_ns() - start);

	/* An open gate has a neighbour, but holds nothing. */
	ASSERT_EQ(0, gate_open(&self->gate));
	EXPECT_EQ(-ETIMEDOUT,
		  gate_wait_held(&self->gate, 0, variant->family, 0));
	ASSERT_EQ(0, gate_close(&self->gate));

	/* A state outside the set is not the one waited for. */
	ASSERT_EQ(-EINPROGRESS, start_connect(self, 0));
	EXPECT_EQ(-ETIMEDOUT,
		  gate_wait_tcp(&self->gate, 0, &self->end[0], &self->end[1],
				~GATE_STATE(TCP_SYN_SENT), MOMENT_NS));
}

FIXTURE(pair)
{
	struct netns_pair pair;
	uint64_t home;
};

static uint64_t own_inode(void)
{
	struct stat st = {};

	if (stat("/proc/thread-self/ns/net", &st))
		return 0;
	return st.st_ino;
}

FIXTURE_SETUP(pair)
{
	int err = netns_pair_create(&self->pair);

	/* No SKIP: this harness would run the test without its fixture. */
	ASSERT_EQ(0, err)
	TH_LOG("%s", err == -EPERM ? "needs root" : strerror(-err));
	self->home = own_inode();
	ASSERT_NE(0, self->home);
}

FIXTURE_TEARDOWN(pair)
{
	netns_pair_destroy(&self->pair);
}

static int check_inside(void *arg)
{
	const struct netns_side *side = arg;

	if (own_inode() != side->inode)
		return 1;
	if ((int)if_nametoindex(side->ifname) != side->ifindex)
		return 2;
	return if_nametoindex("lo") == 1 ? 77 : 3;
}

/* Claim: three different namespaces, and a call goes there and comes back. */
TEST_F(pair, call)
{
	struct netns_side *side = self->pair.side;

	EXPECT_NE(side[0].inode, side[1].inode);
	EXPECT_NE(side[0].inode, self->home);
	EXPECT_NE(side[1].inode, self->home);
	EXPECT_EQ(77, netns_call(side[0].fd, check_inside, &side[0]));
	EXPECT_EQ(self->home, own_inode());
	EXPECT_EQ(77, netns_call(side[1].fd, check_inside, &side[1]));
	EXPECT_EQ(self->home, own_inode());
	EXPECT_EQ(-EBADF, netns_call(-1, check_inside, &side[0]));
}

static int read_syncookies(void *arg)
{
	FILE *file = fopen("/proc/sys/net/ipv4/tcp_syncookies", "re");
	int value = -1;

	if (file && fscanf(file, "%d", &value) != 1)
		value = -1;
	if (file)
		fclose(file);
	return value;
}

/* Claim: a sysctl is written there and nowhere else, and only net/ ones. */
TEST_F(pair, sysctl)
{
	struct netns_side *side = self->pair.side;
	int home = read_syncookies(NULL);
	int other = netns_call(side[1].fd, read_syncookies, NULL);

	ASSERT_EQ(0, netns_sysctl(side[0].fd, "net/ipv4/tcp_syncookies",
				  home == 2 ? "0" : "2"));
	EXPECT_EQ(home == 2 ? 0 : 2,
		  netns_call(side[0].fd, read_syncookies, NULL));
	EXPECT_EQ(other, netns_call(side[1].fd, read_syncookies, NULL));
	EXPECT_EQ(home, read_syncookies(NULL));

	EXPECT_EQ(-EINVAL, netns_sysctl(side[0].fd, "kernel/hostname", "x"));
	EXPECT_EQ(-EINVAL,
		  netns_sysctl(side[0].fd, "net/../kernel/hostname", "x"));
	EXPECT_EQ(-ENOENT, netns_sysctl(side[0].fd, "net/no-such", "x"));
}

/* Claim: a program runs inside, with the stdio given; none shows as 127. */
TEST_F(pair, spawn)
{
	char link[] = "/bin/readlink", self_ns[] = "/proc/self/ns/net";
	char none[] = "/nonexistent/program", text[64] = "", want[64];
	char *argv[] = { link, self_ns, NULL }, *argv2[] = { none, NULL };
	const struct netns_side *side = &self->pair.side[1];
	int fds[2], stdio[3] = { -1, -1, -1 };
	int status;
	pid_t pid;

	ASSERT_EQ(0, pipe2(fds, O_CLOEXEC));
	stdio[1] = fds[1];
	pid = netns_spawn(side->fd, argv, stdio);
	ASSERT_LT(0, pid);
	close(fds[1]);
	EXPECT_LT(0, read(fds[0], text, sizeof(text) - 1));
	ASSERT_EQ(pid, waitpid(pid, &status, 0));
	EXPECT_EQ(0, status);
	snprintf(want, sizeof(want), "net:[%llu]\n",
		 (unsigned long long)side->inode);
	EXPECT_STREQ(want, text);

	stdio[1] = -1;
	pid = netns_spawn(side->fd, argv2, stdio);
	ASSERT_LT(0, pid);
	ASSERT_EQ(pid, waitpid(pid, &status, 0));
	EXPECT_TRUE(WIFEXITED(status));
	EXPECT_EQ(127, WEXITSTATUS(status));
}

TEST_HARNESS_MAIN
