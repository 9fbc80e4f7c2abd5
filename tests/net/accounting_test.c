// SPDX-License-Identifier: GPL-2.0
/* Tests of a trace's account: no event goes missing without being counted. */
#include "lab/netns.h"
#include "tests/lib/guest.h"
#include "tests/lib/trace.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include <kselftest_harness.h>

#define BURST 2000
#define FEW 150	  /* on an emulated CPU */
#define PORT 3000 /* the listeners: this one and the next */
#define SERVER "LISTEN SYN_RECV ESTABLISHED CLOSE_WAIT LAST_ACK CLOSE"
#define CLIENT "CLOSE SYN_SENT ESTABLISHED FIN_WAIT1 FIN_WAIT2 TIME_WAIT"

FIXTURE(accounting)
{
	struct trace trace;
	int netns;
	uint64_t inode;
	char arg[32]; /* --netns */
};

FIXTURE_SETUP(accounting)
{
	self->netns = netns_create();
	if (self->netns == -EPERM)
		SKIP(return, "network namespaces need root");
	ASSERT_LE(0, self->netns);
	ASSERT_EQ(0, netns_inode(self->netns, &self->inode));
	snprintf(self->arg, sizeof(self->arg), "--netns=%llu",
		 (unsigned long long)self->inode);
}

FIXTURE_TEARDOWN(accounting)
{
	trace_free(&self->trace);
	close(self->netns);
}

struct burst {
	unsigned int n;
	unsigned short port;
};

static struct sockaddr_in loopback(unsigned short port)
{
	return (struct sockaddr_in){
		.sin_family = AF_INET,
		.sin_addr.s_addr = htonl(INADDR_LOOPBACK),
		.sin_port = htons(port),
	};
}

/* Nothing of it comes once it has returned: the last close() awaits its ACK. */
static int one_connection(int listener, unsigned short port)
{
	struct sockaddr_in to = loopback(port);
	struct timeval patience = { .tv_sec = 5 };
	struct linger last = { .l_onoff = 1, .l_linger = 5 };
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0), peer;
	char byte;

	if (fd < 0 || connect(fd, (void *)&to, sizeof(to)))
		return -errno;
	peer = accept4(listener, NULL, NULL, SOCK_CLOEXEC);
	if (peer < 0)
		return -errno;
	setsockopt(peer, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof(patience));
	setsockopt(peer, SOL_SOCKET, SO_LINGER, &last, sizeof(last));
	close(fd);
	if (recv(peer, &byte, 1, 0)) /* 0: its FIN is here */
		return -EPROTO;
	close(peer);
	return 0;
}

/* One connection after the other, inside the namespace. 0 or -errno. */
static int connections(void *arg)
{
	const struct burst *burst = arg;
	struct sockaddr_in addr = loopback(burst->port);
	int listener = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	unsigned int i;
	int err = 0;

	if (listener < 0 || bind(listener, (void *)&addr, sizeof(addr)) ||
	    listen(listener, 16))
		return -errno;
	for (i = 0; i < burst->n && !err; i++)
		err = one_connection(listener, burst->port);
	close(listener);
	return err;
}

static int make(int netns, unsigned int n, unsigned short port)
{
	struct burst burst = { n, port };

	return netns_call(netns, connections, &burst);
}

#define COUNTER(name) witness_counter(self->trace.witness, name)

/* Claim of every test: each event is somewhere, and exactly once. */
#define EXPECT_ACCOUNT()                                                \
	do {                                                            \
		EXPECT_LT(0, COUNTER("generated"));                     \
		EXPECT_EQ(COUNTER("generated"),                         \
			  COUNTER("delivered") + COUNTER("ring_lost")); \
		EXPECT_EQ(COUNTER("delivered"),                         \
			  COUNTER("shown") + COUNTER("filtered"));      \
		EXPECT_EQ(0, COUNTER("malformed"));                     \
		EXPECT_EQ(0, witness_gaps(self->trace.witness));        \
		EXPECT_EQ((int64_t)witness_count(self->trace.witness,   \
						 &any_event),           \
			  COUNTER("shown"));                            \
	} while (0)

static const struct sighting any_event = { .type = "state" };

/* Claim: what a ring that is too small loses is counted, to the last event. */
TEST_F(accounting, small_ring)
{
	char *args[] = { "--events", "state", "--ring", "4K", self->arg, NULL };

	ASSERT_EQ(0, trace_start(&self->trace, args));
	ASSERT_EQ(0, make(self->netns, guest_times(BURST, FEW), PORT));
	ASSERT_EQ(0, trace_stop(&self->trace));

	EXPECT_LT(0, COUNTER("ring_lost"));
	EXPECT_LT(0, COUNTER("shown"));
	EXPECT_FALSE(witness_complete(self->trace.witness));
	EXPECT_ACCOUNT();
}

/* Where the two sockets of a connection have come to, by the client's port. */
static char paths[65536][2][80];
static int whole[2]; /* paths that were done when their port was used again */

/*
 * Writes the path of every socket. Each event is looked at once: the witness's
 * own search would take a time that grows with the square of their number.
 */
static void follow(const struct witness *w)
{
	struct json_object *e;
	size_t from = 0;

	while ((e = witness_next(w, &any_event, &from))) {
		unsigned int lport = witness_number(e, "lport");
		unsigned int rport = witness_number(e, "rport");
		bool server = lport == PORT;
		char *path = paths[server ? rport : lport][server];
		size_t n = strlen(path);

		/* a port may be used again: begin anew, if all went well */
		if (!strcmp(path, server ? SERVER : CLIENT)) {
			whole[server]++;
			n = 0;
		}
		snprintf(path + n, sizeof(paths[0][0]) - n, "%s %s",
			 n ? "" : witness_string(e, "old"),
			 witness_string(e, "new"));
	}
}

/* How many of the clients' or the servers' paths are this one. */
static int count_paths(bool server, const char *path)
{
	int port, n = whole[server];

	for (port = 1; port < 65536; port++)
		n += !strcmp(paths[port][server], path);
	return n;
}

/* Claim: the default ring loses nothing, and every path is whole. */
TEST_F(accounting, complete)
{
	char *args[] = { "--events", "state", self->arg, NULL };
	char sample[80] = "";
	int n = guest_times(BURST, FEW), port;

	ASSERT_EQ(0, trace_start(&self->trace, args));
	ASSERT_EQ(0, make(self->netns, n, PORT));
	ASSERT_EQ(0, trace_stop(&self->trace));

	EXPECT_TRUE(witness_complete(self->trace.witness));
	EXPECT_ACCOUNT();
	follow(self->trace.witness);
	EXPECT_EQ(n, count_paths(false, CLIENT));
	EXPECT_EQ(n, count_paths(true, SERVER));
	for (port = 1; port < 65536 && !*sample; port++)
		strcpy(sample, paths[port][0]);
	EXPECT_STREQ(CLIENT, sample);
}

/* Claim: --duration ends a trace without any event. */
TEST_F(accounting, duration)
{
	char *args[] = { "--events", "state",	"--duration",
			 "200ms",    self->arg, NULL };

	ASSERT_EQ(0, trace_start(&self->trace, args));
	ASSERT_EQ(0, witness_finish(self->trace.witness, TRACE_PATIENCE_NS));
	ASSERT_EQ(0, trace_stop(&self->trace));

	EXPECT_EQ(0, witness_count(self->trace.witness, &any_event));
	EXPECT_EQ(0, COUNTER("shown"));
}

/*
 * Claim: what --port keeps in the kernel is counted there, is not generated,
 * and is no gap. It takes the first transition as well of a socket whose port
 * is found after it, by connect(), and what belongs to the other end.
 */
TEST_F(accounting, port)
{
	struct sighting other = { .type = "state", .lport = PORT + 1 };
	struct sighting client = { .lport = 4000 }, server = { .rport = 4000 };
	char *args[] = { "--events",  "state",	 "--port",
			 "3000,4000", self->arg, NULL };
	char path[128];

	ASSERT_EQ(0, trace_start(&self->trace, args));
	ASSERT_EQ(0, make(self->netns, 10, PORT + 1));
	ASSERT_EQ(0, make(self->netns, 10, PORT));
	ASSERT_EQ(0, netns_sysctl(self->netns, "net/ipv4/ip_local_port_range",
				  "4000 4000"));
	ASSERT_EQ(0, make(self->netns, 1, PORT + 2));
	ASSERT_EQ(0, trace_stop(&self->trace));

	EXPECT_EQ(0, witness_count(self->trace.witness, &other));
	/*
	 * 5 transitions at each end of 11 connections, 2 of the listener that
	 * has a port of these itself
	 */
	EXPECT_EQ(112, COUNTER("shown"));
	/* a run that the kernel skips can keep nothing, and is counted itself */
	EXPECT_LE(102, COUNTER("kernel_filtered") + COUNTER("missed_runs"));
	EXPECT_STREQ(CLIENT, witness_path(self->trace.witness, &client, path,
					  sizeof(path)));
	EXPECT_STREQ(SERVER, witness_path(self->trace.witness, &server, path,
					  sizeof(path)));
	EXPECT_TRUE(witness_complete(self->trace.witness));
	EXPECT_ACCOUNT();
}

TEST_HARNESS_MAIN
