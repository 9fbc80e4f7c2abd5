/* SPDX-License-Identifier: GPL-2.0 */
/* The fixture of the tests of peers: two sides with the gate between them. */
#ifndef TCBSCOPE_TESTS_NET_PEER_H
#define TCBSCOPE_TESTS_NET_PEER_H

#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <signal.h>
#include <sys/socket.h>

#include "lab/gate.h"
#include "lab/netns.h"
#include "peer/peer.h"
#include "tests/lib/guest.h"
#include "tests/lib/peerprog.h"

#include <kselftest_harness.h>

#define PATIENCE_NS 10000000000ULL /* for what must happen */
#define SHORT_NS 200000000ULL	   /* a deadline that must pass */
#define SLACK_NS 5000000000ULL	   /* how late a busy host may be */
#define OPENS 100
#define FEW_OPENS 10 /* of programs, on an emulated CPU */

FIXTURE(peer)
{
	struct netns_pair pair;
	struct gate gate;
	struct sockaddr_storage end[2];
	socklen_t len;
	struct peerprog program[2];
};

FIXTURE_VARIANT(peer)
{
	int family;
	const char *end[2]; /* for the command line, without the port */
};

FIXTURE_VARIANT_ADD(peer, ipv4){
	.family = AF_INET,
	.end = { "10.8.0.1", "10.8.0.2" },
};

FIXTURE_VARIANT_ADD(peer, ipv6){
	.family = AF_INET6,
	.end = { "[fd08::1]", "[fd08::2]" },
};

FIXTURE_SETUP(peer)
{
	int err = netns_pair_create(&self->pair);

	/* No SKIP: this harness would run the test without its fixture. */
	ASSERT_EQ(0, err)
	TH_LOG("%s", err == -EPERM ? "needs root" : strerror(-err));
	ASSERT_EQ(0, gate_init(&self->gate, &self->pair));
	self->len = gate_endpoints(&self->gate, variant->family, 2000, 2001,
				   self->end);
	ASSERT_EQ(0, signal(SIGPIPE, SIG_IGN) == SIG_ERR);
}

FIXTURE_TEARDOWN(peer)
{
	gate_exit(&self->gate);
	netns_pair_destroy(&self->pair);
}

/* The configuration of one side's engine. */
static inline struct peer_config config_of(const FIXTURE_DATA(peer) * self,
					   int side)
{
	return (struct peer_config){
		.local = self->end[side],
		.remote = self->end[!side],
		.len = self->len,
		.deadline_ns = PATIENCE_NS,
	};
}

static inline int wait_tcp(FIXTURE_DATA(peer) * self, int side,
			   unsigned int states)
{
	return gate_wait_tcp(&self->gate, side, &self->end[side],
			     &self->end[!side], states, PATIENCE_NS);
}

/* Wait until both sides' packets are held in a closed gate. Returns 0. */
static inline int wait_both(FIXTURE_DATA(peer) * self, int family, int state)
{
	int i, err = 0;

	for (i = 0; i < 2 && !err; i++) {
		err = wait_tcp(self, i, GATE_STATE(state));
		if (err == state)
			err = gate_wait_held(&self->gate, i, family,
					     PATIENCE_NS);
	}
	return err;
}

/* Ports of their own for each open: the last ones are in TIME_WAIT. */
static inline void next_ports(FIXTURE_DATA(peer) * self, int family, int i)
{
	gate_endpoints(&self->gate, family, 20000 + i, 30000 + i, self->end);
}

static inline int new_listener(void *arg)
{
	const struct sockaddr_storage *end = arg;
	int fd = socket(end->ss_family, SOCK_STREAM | SOCK_CLOEXEC,
			IPPROTO_TCP);

	if (fd < 0)
		return -errno;
	if (bind(fd, (void *)end, sizeof(*end)) || listen(fd, 1)) {
		close(fd);
		return -errno;
	}
	return fd;
}

/*
 * Start tcbpeer on @side with its endpoints, the options @more, and @own as in
 * peerprog.h.
 */
static inline int peer_start_on(FIXTURE_DATA(peer) * self, int side,
				const FIXTURE_VARIANT(peer) * variant,
				const char *const more[], const int own[3])
{
	const char *args[PEERPROG_ARGS + 1] = { "-l", NULL, "-r", NULL };
	char end[2][64];
	int i;

	for (i = 0; i < 2; i++) /* the port is at the same place in both */
		snprintf(end[i], sizeof(end[i]), "%s:%u", variant->end[i],
			 ntohs(((struct sockaddr_in *)&self->end[i])->sin_port));
	args[1] = end[side];
	args[3] = end[!side];
	for (i = 0; more[i] && i + 4 < PEERPROG_ARGS; i++)
		args[i + 4] = more[i];
	return peerprog_start_on(&self->program[side], self->pair.side[side].fd,
				 args, own);
}

static inline int peer_start(FIXTURE_DATA(peer) * self, int side,
			     const FIXTURE_VARIANT(peer) * variant,
			     const char *const more[])
{
	static const int none[] = { -1, -1, -1 };

	return peer_start_on(self, side, variant, more, none);
}

/* Both are in SYN_SENT: let their SYNs go. Returns 0. */
static inline int peer_meet(FIXTURE_DATA(peer) * self, int family)
{
	return wait_both(self, family, TCP_SYN_SENT) ?: gate_open(&self->gate);
}

#endif
