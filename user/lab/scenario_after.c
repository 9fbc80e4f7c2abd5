// SPDX-License-Identifier: GPL-2.0
/* What is left of a connection: CLOSE_WAIT, FIN_WAIT2, TIME_WAIT, SO_LINGER. */
#include "lab/end.h"
#include "lab/paths.h"
#include "lab/scenario.h"
#include "lab/stage.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <stdio.h>
#include <time.h>

/* @first closes, then the other end. */
static void close_first(struct stage *s, const struct stage_conn *c, int first)
{
	struct end *a = stage_end(s, A), *b = stage_end(s, B);
	struct end *end[2] = { first == A ? a : b, first == A ? b : a };
	int fd[2] = { first == A ? c->fd : c->child,
		      first == A ? c->child : c->fd };

	end_close(end[0], fd[0]);
	end_recv(end[1], fd[1], 1, 0);
	end_close(end[1], fd[1]);
}

/* ------------------------------------------------ CLOSE_WAIT */

#define FORGOTTEN 20

static void close_wait(struct stage *s)
{
	struct end *a = stage_end(s, A), *b = stage_end(s, B);
	struct stage_conn c = stage_connect(s);
	int i;

	for (i = 0; i < FORGOTTEN; i++) {
		if (i)
			stage_connect_again(s, &c);
		end_close(a, c.fd);
		if (s->control)
			end_close(b, c.child);
	}
	end_seen_times(b, "state", "ESTABLISHED>CLOSE_WAIT", FORGOTTEN);
	stage_fact(s, B, "%d in CLOSE_WAIT",
		   end_count(b, 2001, TCP_CLOSE_WAIT));
}

static const struct expect close_wait_expect[] = {
	IS(B, "fact", "20 in CLOSE_WAIT"),
	IS(B, "state", "CLOSE>LISTEN"),
	IS(B, "state", ACCEPTED ", ESTABLISHED>CLOSE_WAIT RX_FIN",
	   .least = FORGOTTEN),
	{}
};

/* ------------------------------------------------ orphaned FIN_WAIT2 */

static void orphan(struct stage *s)
{
	struct end *a = stage_end(s, A), *b = stage_end(s, B);
	struct stage_conn c;

	stage_sysctl(s, A, "net/ipv4/tcp_fin_timeout", "1");
	c.listener = end_listen(b, 2001, 5);
	c.fd = end_socket(a, 0);
	end_bind(a, c.fd, a->ip, 2000);
	end_connect(a, c.fd, b->ip, 2001);
	c.child = end_accept(b, c.listener, 0);
	stage_hold(s,
		   B); /* an ACK during close() would keep the socket whole */
	end_close(a, c.fd);
	end_recv(b, c.child, 100, 0);
	stage_let_go(s, B);
	if (s->control) {
		end_close(b, c.child);
		return;
	}
	end_gone(a, 2000);
	end_send(b, c.child, "hello", 0);
	end_seen(b, "state", "CLOSE_WAIT>CLOSE");
}

static const struct expect orphan_expect[] = {
	HAS(A, "state", OPENS CLOSES " RX_ACK as FIN_WAIT2"),
	HAS(B, "call", "recvfrom 0, sendto 5"),
	IS(B, "state", "CLOSE>LISTEN CALL_LISTEN"),
	IS(B, "state",
	   ACCEPTED ", ESTABLISHED>CLOSE_WAIT RX_FIN, "
		    "CLOSE_WAIT>CLOSE RX_RST EPIPE"),
	{}
};

/* ------------------------------------------------ TIME_WAIT */

#define SHORT 200

static void many_time_wait(struct stage *s)
{
	struct end *a = stage_end(s, A), *b = stage_end(s, B);
	struct stage_conn c;
	int i;

	/* a FIN that is sent again has the ACK of it refused: a RST ends all */
	stage_patient(s, BOTH);
	c = stage_connect(s);
	for (i = 0; i < SHORT; i++) {
		if (i)
			stage_connect_again(s, &c);
		close_first(s, &c, s->control ? B : A);
	}
	end_seen_times(s->control ? a : b, "state", "LAST_ACK>CLOSE", SHORT);
	stage_fact(s, A, "%d in TIME_WAIT", end_count(a, 0, TCP_TIME_WAIT));
	stage_fact(s, B, "%d in TIME_WAIT", end_count(b, 0, TCP_TIME_WAIT));
}

static const struct expect many_time_wait_expect[] = {
	IS(A, "state", OPENS CLOSES, .least = SHORT),
	IS(A, "fact", "200 in TIME_WAIT"),
	IS(B, "fact", "0 in TIME_WAIT"),
	{}
};

/* A server that closes first, and is started again. */
static void rebind(struct stage *s)
{
	struct end *a = stage_end(s, A), *b = stage_end(s, B);
	struct stage_conn c = stage_connect(s); /* it has SO_REUSEADDR */

	close_first(s, &c, s->control ? A : B);
	end_seen(s->control ? b : a, "state", "LAST_ACK>CLOSE");
	end_close(b, c.listener);
	c.listener = end_socket(b, 0);
	end_bind(b, c.listener, b->ip, 2001);
	end_set(b, c.listener, SOL_SOCKET, SO_REUSEADDR, 1);
	end_bind(b, c.listener, b->ip, 2001);
	end_listen_on(b, c.listener, 5);
}

static const struct expect rebind_expect[] = {
	HAS(B, "state", CLOSES),
	HAS(B, "call",
	    "bind EADDRINUSE, setsockopt SO_REUSEADDR 0, bind 0, listen 0"),
	{}
};

/* ------------------------------------------------ tcp_tw_reuse */

/* The new connection's timestamps have to be a second newer. */
static int connect_until(struct end *me, int fd)
{
	const struct timespec pause = { .tv_nsec = 50000000 };
	struct sockaddr_in peer = { .sin_family = AF_INET,
				    .sin_port = htons(2001) };
	int i;

	inet_pton(AF_INET, me->data, &peer.sin_addr);
	for (i = 0; i < 100; i++) {
		if (!connect(fd, (struct sockaddr *)&peer, sizeof(peer)))
			return i;
		if (errno != EADDRNOTAVAIL)
			return -errno;
		nanosleep(&pause, NULL);
	}
	return -ETIMEDOUT;
}

static void tw_reuse(struct stage *s)
{
	struct end *a = stage_end(s, A), *b = stage_end(s, B);
	struct stage_conn c;
	int tries;

	stage_sysctl(s, A, "net/ipv4/ip_local_port_range", "40000 40001");
	stage_sysctl(s, A, "net/ipv4/tcp_tw_reuse", "0");
	c = stage_connect(s);
	close_first(s, &c, A);
	stage_connect_again(s, &c);
	close_first(s, &c, A);
	end_seen_times(b, "state", "LAST_ACK>CLOSE", 2);
	c.fd = end_socket(a, 0);
	end_connect(a, c.fd, b->ip, 2001); /* no port is left */
	if (s->control)
		return;
	stage_sysctl(s, A, "net/ipv4/tcp_tw_reuse", "1");
	snprintf(a->data, sizeof(a->data), "%s", b->ip);
	tries = end_do(a, connect_until, c.fd);
	stage_fact(s, A, "%s", tries >= 0 ? "connected" : "not connected");
	stage_say(s, "   it took %d more attempts", tries);
}

static const struct expect tw_reuse_expect[] = {
	HAS(A, "call", "connect EADDRNOTAVAIL, connect 0"),
	IS(A, "fact", "connected"),
	IS(A, "state", OPENS CLOSES, .least = 2),
	IS(A, "state",
	   "(CLOSE>SYN_SENT CALL_CONNECT, SYN_SENT>CLOSE CALL_CONNECT, )+"
	   "CLOSE>SYN_SENT CALL_CONNECT, SYN_SENT>ESTABLISHED RX_SYN_ACK"),
	{}
};

/* ------------------------------------------------ SO_LINGER */

static void linger_zero(struct stage *s)
{
	struct end *a = stage_end(s, A), *b = stage_end(s, B);
	struct stage_conn c = stage_connect(s);

	if (!s->control)
		end_linger(a, c.fd, 0);
	end_close(a, c.fd);
	end_recv(b, c.child, 100, 0);
	end_close(b, c.child);
	stage_fact(s, A, "%d in TIME_WAIT", end_count(a, 0, TCP_TIME_WAIT));
}

static const struct expect linger_zero_expect[] = {
	IS(A, "state", OPENS "ESTABLISHED>CLOSE CALL_CLOSE"),
	IS(B, "state", "CLOSE>LISTEN CALL_LISTEN"),
	IS(B, "state", ACCEPTED ", ESTABLISHED>CLOSE RX_RST ECONNRESET"),
	HAS(A, "reset", "sent CALL_CLOSE"),
	NEVER(BOTH, "segment", "(sent|received) FIN"),
	HAS(B, "call", "recvfrom ECONNRESET"),
	IS(A, "fact", "0 in TIME_WAIT"),
	{}
};

/*
 * close() while the gate holds what A sends, "hello" and the FIN. The caller
 * lets them go.
 */
static struct stage_conn linger(struct stage *s, int flags, int seconds)
{
	struct end *a = stage_end(s, A), *b = stage_end(s, B);
	struct stage_conn c = { .listener = end_listen(b, 2001, 5) };

	c.fd = end_socket(a, flags);
	end_connect(a, c.fd, b->ip, 2001);
	c.child = end_accept(b, c.listener, 0);
	end_poll(a, c.fd, POLLOUT, -1);
	if (!s->control)
		end_linger(a, c.fd, seconds);
	stage_hold(s, A);
	end_send(a, c.fd, "hello", 0);
	end_close(end_begin(a), c.fd);
	end_seen(a, "state", "ESTABLISHED>FIN_WAIT1");
	stage_held(s, A);
	stage_fact(s, A, "close %s", end_sleeps(a) ? "waits" : "has returned");
	return c;
}

static void linger_finish(struct stage *s, const struct stage_conn *c)
{
	struct end *b = stage_end(s, B);

	end_drain(b, c->child, 0);
	end_close(b, c->child);
	end_seen(b, "state", "LAST_ACK>CLOSE");
}

static void linger_wait(struct stage *s)
{
	struct stage_conn c = linger(s, 0, 5);

	stage_let_go(s, A);
	stage_fact(s, A, "it returns %d", end_finish(stage_end(s, A)));
	linger_finish(s, &c);
}

static void linger_nonblocking(struct stage *s)
{
	struct stage_conn c = linger(s, SOCK_NONBLOCK, 5);

	stage_let_go(s, A);
	stage_fact(s, A, "it returns %d", end_finish(stage_end(s, A)));
	linger_finish(s, &c);
}

static void linger_timeout(struct stage *s)
{
	struct stage_conn c = linger(s, 0, 1);

	stage_fact(s, A, "it returns %d", end_finish(stage_end(s, A)));
	stage_fact(s, A, "%d in FIN_WAIT1",
		   end_count(stage_end(s, A), 0, TCP_FIN_WAIT1));
	stage_let_go(s, A);
	linger_finish(s, &c);
}

static const struct expect linger_wait_expect[] = {
	IS(A, "fact", "close waits, it returns 0"),
	HAS(A, "state",
	    "ESTABLISHED>FIN_WAIT1 CALL_CLOSE, FIN_WAIT1>FIN_WAIT2 RX_ACK"),
	HAS(B, "call", "recvfrom 5, recvfrom 0"),
	NEVER(BOTH, "reset", NULL),
	{}
};

static const struct expect linger_timeout_expect[] = {
	IS(A, "fact", "close waits, it returns 0, 1 in FIN_WAIT1"),
	HAS(B, "call", "recvfrom 5, recvfrom 0"),
	NEVER(BOTH, "reset", NULL),
	{}
};

const struct scenario scenarios_after[] = {
	{
		.name = "close-wait",
		.title = "a server forgets to close",
		.textbook = "Many sockets in CLOSE_WAIT are a problem of the "
			    "network.",
		.truth = "They are a missing close() in the program that holds "
			 "them: its peer has said that it sends no more, and "
			 "the kernel waits for the program, for ever.",
		.notice = "No timer runs. The owner is named at each of them.",
		.run = close_wait,
		.expect = close_wait_expect,
		.control = { .what = "the server closes" },
	},
	{
		.name = "orphan-fin-wait2",
		.title = "FIN_WAIT2 without a process",
		.textbook = "In FIN_WAIT2 an end waits for the peer's FIN, as "
			    "long as that takes.",
		.truth = "If a process still holds the socket. Of an orphan "
			 "only a small remainder is kept, for tcp_fin_timeout "
			 "seconds (60, here 1). What comes later gets a RST.",
		.notice = "The peer, in CLOSE_WAIT, sends, and gets a RST.",
		.run = orphan,
		.expect = orphan_expect,
		.control = { .what = "the peer closes in time" },
	},
	{
		.name = "time-wait",
		.title = "200 short connections",
		.textbook = "TIME_WAIT lasts twice the maximum segment "
			    "lifetime, and too many of them exhaust a server.",
		.truth = "It lasts 60 s, which is a constant of the kernel. It is "
			 "at the end that closes first: here 200 at the "
			 "client, none at the server. A socket in TIME_WAIT is "
			 "a small one; what runs out are a client's ports for "
			 "one destination.",
		.notice = "Who calls close() first.",
		.run = many_time_wait,
		.expect = many_time_wait_expect,
		.control = { .what = "the server closes first" },
	},
	{
		.name = "time-wait-bind",
		.title = "a server is started again at once",
		.textbook = "bind(): Address already in use.",
		.truth = "If the server closed a connection first, its port has "
			 "a TIME_WAIT, and a new listener needs SO_REUSEADDR "
			 "to bind it; and the old one must have had it as "
			 "well. It takes nothing from anybody: two listeners "
			 "on one port are still refused.",
		.notice = "bind() fails, setsockopt(), bind() succeeds.",
		.run = rebind,
		.expect = rebind_expect,
		.control = { .what = "the client closes first" },
	},
	{
		.name = "time-wait-reuse",
		.title = "a client needs the port of a TIME_WAIT",
		.textbook = "SO_REUSEADDR is the cure for too many TIME_WAITs.",
		.truth = "For connect() it is tcp_tw_reuse: with timestamps a "
			 "connection to the same destination may take the "
			 "place of one in TIME_WAIT after a second. Here the "
			 "client has two ports only (ip_local_port_range).",
		.notice = "connect() fails with EADDRNOTAVAIL, without a "
			  "segment, until it may.",
		.run = tw_reuse,
		.expect = tw_reuse_expect,
		.control = { .what = "tcp_tw_reuse stays 0" },
	},
	{
		.name = "linger-zero",
		.title = "SO_LINGER with 0 seconds",
		.textbook = "close() with SO_LINGER waits until all is sent.",
		.truth = "With a time of 0 it throws the connection away: what "
			 "was not sent is dropped, a RST tells the peer, and "
			 "there is no TIME_WAIT.",
		.notice = "No FIN; the peer's recv() fails with ECONNRESET.",
		.run = linger_zero,
		.expect = linger_zero_expect,
		.control = { .what = "SO_LINGER is off" },
	},
	{
		.name = "linger-wait",
		.title = "SO_LINGER with time enough",
		.textbook = "close() returns at once.",
		.truth = "With SO_LINGER it waits until the peer has "
			 "acknowledged all data and the FIN.",
		.notice = "The gate holds the data: close() waits. It opens: "
			  "close() returns.",
		.run = linger_wait,
		.expect = linger_wait_expect,
		.control = { .what = "SO_LINGER is off" },
	},
	{
		.name = "linger-timeout",
		.title = "SO_LINGER with too little time",
		.textbook = "close() fails with EWOULDBLOCK when the time is "
			    "over, and what is left is dropped.",
		.truth = "It returns 0 after that time. The kernel goes on "
			 "trying; the data arrives when the way is free.",
		.notice = "The peer reads all of it, then 0.",
		.run = linger_timeout,
		.expect = linger_timeout_expect,
		.control = { .what = "SO_LINGER is off" },
	},
	{
		.name = "linger-nonblocking",
		.title = "SO_LINGER of a non-blocking socket",
		.textbook = "close() of a non-blocking socket does not wait: "
			    "EWOULDBLOCK.",
		.truth = "On Linux it waits all the same: SOCK_NONBLOCK is not "
			 "asked about.",
		.notice = "The same picture as that of a blocking socket.",
		.run = linger_nonblocking,
		.expect = linger_wait_expect,
		.control = { .what = "SO_LINGER is off" },
	},
	{}
};
