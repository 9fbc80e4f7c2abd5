// SPDX-License-Identifier: GPL-2.0
/*
 * Sockets that are not TCP's own are left alone. The tracepoints of sending and
 * receiving tell of every socket there is, and one of SOCK_RAW with
 * IPPROTO_TCP looks like TCP to the kernel's own check.
 */
#include "lab/netns.h"
#include "tests/lib/trace.h"

#include <arpa/inet.h>
#include <kselftest_harness.h>
#include <netinet/in.h>
#include <stdio.h>
#include <sys/socket.h>
#include <unistd.h>

#define RAW_SOCKETS 300 /* what lies behind one of them may be zero */

/* Connected raw sockets send; then a TCP one fails to connect. */
static int use_sockets(void *arg)
{
	struct sockaddr_in to = {
		.sin_family = AF_INET,
		.sin_addr.s_addr = htonl(INADDR_LOOPBACK),
	};
	int tcp = socket(AF_INET, SOCK_STREAM, 0);
	int raw[RAW_SOCKETS], i, err = 0;
	char bytes[64] = {};

	for (i = 0; i < RAW_SOCKETS; i++) {
		raw[i] = socket(AF_INET, SOCK_RAW, IPPROTO_TCP);
		err |= connect(raw[i], (void *)&to, sizeof(to));
		err |= send(raw[i], bytes, sizeof(bytes), 0) < 0;
	}
	to.sin_port = htons(9); /* nobody listens in a new namespace */
	err |= !connect(tcp, (void *)&to, sizeof(to));
	for (i = 0; i < RAW_SOCKETS; i++)
		close(raw[i]);
	close(tcp);
	return err;
}

/* The refused TCP socket is the mark behind which nothing else can come. */
TEST(raw_socket_is_no_tcb)
{
	const struct sighting refused = { .type = "state", .new = "CLOSE" };
	const struct sighting window = { .type = "window" };
	char number[32];
	char *args[] = { "--windows", "--netns", number, NULL };
	struct trace trace;
	uint64_t inode;
	int ns = netns_create();

	ASSERT_LE(0, ns);
	ASSERT_EQ(0, netns_inode(ns, &inode));
	snprintf(number, sizeof(number), "%llu", (unsigned long long)inode);
	ASSERT_EQ(0, trace_start(&trace, args));
	EXPECT_EQ(0, netns_call(ns, use_sockets, NULL));
	EXPECT_EQ(0, witness_wait(trace.witness, &refused, TRACE_PATIENCE_NS));
	EXPECT_EQ(0, trace_stop(&trace));
	EXPECT_EQ(0, witness_count(trace.witness, &window));
	EXPECT_EQ(0, witness_counter(trace.witness, "malformed"));
	trace_free(&trace);
	close(ns);
}

TEST_HARNESS_MAIN
