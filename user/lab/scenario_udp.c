// SPDX-License-Identifier: GPL-2.0
/* UDP, for contrast: what a datagram socket has none of. */
#include "lab/end.h"
#include "lab/scenario.h"
#include "lab/stage.h"

#include <arpa/inet.h>
#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>

static void server_address(const struct end *me, struct sockaddr_in *addr)
{
	*addr = (struct sockaddr_in){ .sin_family = AF_INET,
				      .sin_port = htons(2001) };
	inet_pton(AF_INET, me->data, &addr->sin_addr);
}

static int udp_socket(struct end *me, int arg)
{
	(void)me;
	(void)arg;
	return socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
}

static int udp_bind(struct end *me, int fd)
{
	struct sockaddr_in addr;

	server_address(me, &addr);
	return bind(fd, (struct sockaddr *)&addr, sizeof(addr)) ? -errno : 0;
}

static int udp_connect(struct end *me, int fd)
{
	struct sockaddr_in addr;

	server_address(me, &addr);
	return connect(fd, (struct sockaddr *)&addr, sizeof(addr)) ? -errno : 0;
}

static int udp_sendto(struct end *me, int fd)
{
	struct sockaddr_in addr;
	ssize_t n;

	server_address(me, &addr);
	n = sendto(fd, "hello", 5, 0, (struct sockaddr *)&addr, sizeof(addr));
	return n < 0 ? -errno : n;
}

static const char *outcome(int ret)
{
	return ret < 0 ? strerrorname_np(-ret) : "ok";
}

/* ------------------------------------------------ connect() */

static void udp_connected(struct stage *s)
{
	struct end *a = stage_end(s, A), *b = stage_end(s, B);
	int fd, server = -1;

	snprintf(a->data, sizeof(a->data), "%s", b->ip);
	snprintf(b->data, sizeof(b->data), "%s", b->ip);
	if (s->control) {
		server = end_do(b, udp_socket, 0);
		end_do(b, udp_bind, server);
	}
	fd = end_do(a, udp_socket, 0);
	stage_fact(s, A, "connect %s", outcome(end_do(a, udp_connect, fd)));
	stage_fact(s, A, "send %s", outcome(end_send(a, fd, "hello", 0)));
	if (s->control)
		end_recv(b, server, 100, 0);
	else
		end_poll(a, fd, POLLERR, -1); /* the ICMP error is here */
	stage_fact(s, A, "recv %s",
		   outcome(end_recv(a, fd, 100, MSG_DONTWAIT)));
	end_close(a, fd);
}

static const struct expect udp_connected_expect[] = {
	IS(A, "fact", "connect ok, send ok, recv ECONNREFUSED"),
	NEVER(BOTH, "state", NULL),
	NEVER(BOTH, "segment", NULL),
	{}
};

/* ------------------------------------------------ without */

/* The error of the first datagram is not for this socket: nobody is told. */
static void udp_unconnected(struct stage *s)
{
	struct end *a = stage_end(s, A), *b = stage_end(s, B);
	int fd, witness;

	snprintf(a->data, sizeof(a->data), "%s", b->ip);
	witness = end_do(a, udp_socket, 0);
	end_do(a, udp_connect, witness);
	fd = end_do(a, udp_socket, 0);
	if (s->control)
		end_do(a, udp_connect, fd);
	stage_fact(s, A, "sendto %s", outcome(end_do(a, udp_sendto, fd)));
	/* What is sent later is answered later, and that one is told. */
	end_send(a, witness, "hello", 0);
	end_poll(a, witness, POLLERR, -1);
	stage_fact(s, A, "sendto %s", outcome(end_do(a, udp_sendto, fd)));
	stage_fact(s, A, "recv %s",
		   outcome(end_recv(a, fd, 100, MSG_DONTWAIT)));
	end_close(a, fd);
	end_close(a, witness);
}

static const struct expect udp_unconnected_expect[] = {
	IS(A, "fact", "sendto ok, sendto ok, recv EAGAIN"),
	NEVER(BOTH, "state", NULL),
	{}
};

const struct scenario scenarios_udp[] = {
	{
		.name = "udp-connect",
		.title = "connect() of a UDP socket",
		.textbook = "connect() opens a connection.",
		.truth = "A UDP socket only remembers an address. Nothing is "
			 "sent, no state changes, and nobody need be there. "
			 "What it gains: errors that come back are for it "
			 "(ECONNREFUSED), and only that peer's datagrams.",
		.notice = "There is nothing to draw: no control block.",
		.run = udp_connected,
		.expect = udp_connected_expect,
		.control = { .what = "there is a server" },
	},
	{
		.name = "udp-unconnected",
		.title = "sendto() to a port where nobody is",
		.textbook = "A datagram is refused like a connection.",
		.truth = "An ICMP error comes back, but a socket that is not "
			 "connected is not told: it may have sent to many.",
		.notice = "sendto() succeeds, again and again.",
		.run = udp_unconnected,
		.expect = udp_unconnected_expect,
		.control = { .what = "the socket is connected" },
	},
	{}
};
