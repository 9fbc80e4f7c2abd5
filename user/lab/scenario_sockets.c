// SPDX-License-Identifier: GPL-2.0
/* Sockets: what a socket is before, beside and without a connection. */
#include "lab/end.h"
#include "lab/scenario.h"
#include "lab/stage.h"

#include <arpa/inet.h>
#include <errno.h>
#include <linux/sock_diag.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

/* ------------------------------------------------ what a process can ask */

/* Its state, and the bytes of memory that it takes for data. */
static int ask_memory(struct end *me, int fd)
{
	__u32 mem[SK_MEMINFO_VARS] = {};
	struct tcp_info info = {};
	socklen_t len = sizeof(info);

	if (getsockopt(fd, IPPROTO_TCP, TCP_INFO, &info, &len))
		return -errno;
	len = sizeof(mem);
	if (getsockopt(fd, SOL_SOCKET, SO_MEMINFO, mem, &len))
		return -errno;
	snprintf(me->data, sizeof(me->data),
		 "state %d; memory: receiving %s; sending %s", info.tcpi_state,
		 mem[SK_MEMINFO_RMEM_ALLOC] ? "some" : "none",
		 mem[SK_MEMINFO_WMEM_QUEUED] ? "some" : "none");
	return 0;
}

/* The number that the kernel has given to it, and to no other. */
static int ask_cookie(struct end *me, int fd)
{
	unsigned long long cookie = 0;
	socklen_t len = sizeof(cookie);

	if (getsockopt(fd, SOL_SOCKET, SO_COOKIE, &cookie, &len))
		return -errno;
	snprintf(me->data, sizeof(me->data), "%llu", cookie);
	return 0;
}

/* "itself:2000", "the other:2001", "none". */
static void name_end(const struct end *me, const struct sockaddr_in *in,
		     char *text, size_t size)
{
	char ip[INET_ADDRSTRLEN];

	inet_ntop(AF_INET, &in->sin_addr, ip, sizeof(ip));
	if (!in->sin_port)
		snprintf(text, size, "none");
	else
		snprintf(text, size, "%s:%u",
			 strcmp(ip, me->ip) ? "the other" : "itself",
			 ntohs(in->sin_port));
}

/* Who it is and who its peer is. */
static int ask_names(struct end *me, int fd)
{
	struct sockaddr_in local = {}, peer = {};
	socklen_t len = sizeof(local);
	char names[2][64];

	if (getsockname(fd, (void *)&local, &len))
		return -errno;
	len = sizeof(peer);
	if (getpeername(fd, (void *)&peer, &len) && errno != ENOTCONN)
		return -errno;
	name_end(me, &local, names[0], sizeof(names[0]));
	name_end(me, &peer, names[1], sizeof(names[1]));
	snprintf(me->data, sizeof(me->data), "local %s; peer %s", names[0],
		 names[1]);
	return 0;
}

/* A connection from A, port 2000, to B, port 2001: both ends of it. */
static void connect_to(struct stage *s, int listener, int fd[2])
{
	struct end *a = stage_end(s, A), *b = stage_end(s, B);

	fd[0] = end_socket(a, 0);
	end_set(a, fd[0], SOL_SOCKET, SO_REUSEADDR, 1);
	end_bind(a, fd[0], a->ip, 2000);
	end_connect(a, fd[0], b->ip, 2001);
	fd[1] = end_accept(b, listener, 0);
}

/* ------------------------------------------------ socket() */

static void new_socket(struct stage *s)
{
	struct end *a = stage_end(s, A), *b = stage_end(s, B);
	int fd[2] = {}, listener;

	if (s->control) {
		listener = end_listen(b, 2001, 5);
		connect_to(s, listener, fd);
		end_send(b, fd[1], "hello", 0);
		end_poll(a, fd[0], 1, 8000);
	} else {
		fd[0] = end_socket(a, 0);
	}
	end_do(a, ask_memory, fd[0]);
	stage_fact(s, A, "%s", a->data);
	end_close(a, fd[0]);
}

static const struct expect new_socket_expect[] = {
	HAS(A, "call", "socket 3, close 0"),
	IS(A, "fact", "state 7; memory: receiving none; sending none"),
	NEVER(A, "state", NULL),
	NEVER(A, "segment", NULL),
	{}
};

/* ------------------------------------------------ descriptors */

static void lowest_fd(struct stage *s)
{
	struct end *a = stage_end(s, A);
	int fd = end_socket(a, 0), next;
	char cookie[32];

	end_do(a, ask_cookie, fd);
	snprintf(cookie, sizeof(cookie), "%.31s", a->data);
	if (!s->control)
		end_close(a, fd);
	next = end_socket(a, 0);
	end_do(a, ask_cookie, next);
	stage_fact(s, A, "%s descriptor; %s socket",
		   next == fd ? "the same" : "another",
		   strcmp(a->data, cookie) ? "another" : "the same");
}

static const struct expect lowest_fd_expect[] = {
	HAS(A, "call", "socket 3, close 0"),
	HAS(A, "call", "socket 3", .least = 2),
	IS(A, "fact", "the same descriptor; another socket"),
	{}
};

static void two_descriptors(struct stage *s)
{
	struct end *a = stage_end(s, A), *child;
	int fd = end_socket(a, 0);
	int other = s->control ? end_socket(a, 0) : end_dup(a, fd);
	char cookie[32];

	end_do(a, ask_cookie, fd);
	snprintf(cookie, sizeof(cookie), "%.31s", a->data);
	end_do(a, ask_cookie, other);
	stage_fact(s, A, "dup(): %s descriptor; %s socket",
		   other == fd ? "the same" : "another",
		   strcmp(a->data, cookie) ? "another" : "the same");
	child = end_fork(a);
	end_do(child, ask_cookie, fd);
	stage_fact(s, A, "fork(): the same descriptor; %s socket",
		   strcmp(child->data, cookie) ? "another" : "the same");
}

static const struct expect two_descriptors_expect[] = {
	IS(A, "fact",
	   "dup\\(\\): another descriptor; the same socket, "
	   "fork\\(\\): the same descriptor; the same socket"),
	NEVER(A, "state", NULL),
	{}
};

/* ------------------------------------------------ what is in it */

static int ask_inside(struct end *me, int fd)
{
	struct tcp_info info = {};
	socklen_t len = sizeof(info);

	if (getsockopt(fd, IPPROTO_TCP, TCP_INFO, &info, &len))
		return -errno;
	snprintf(me->data, sizeof(me->data),
		 "state %u; mss %u; cwnd %u; ssthresh %s; timestamps %s; "
		 "SACK %s; window scale %u; rto >= 200 ms: %s",
		 info.tcpi_state, info.tcpi_snd_mss, info.tcpi_snd_cwnd,
		 info.tcpi_snd_ssthresh >= 0x7fffffff ? "none yet" : "some",
		 info.tcpi_options & TCPI_OPT_TIMESTAMPS ? "yes" : "no",
		 info.tcpi_options & TCPI_OPT_SACK ? "yes" : "no",
		 info.tcpi_snd_wscale, info.tcpi_rto >= 200000 ? "yes" : "no");
	return 0;
}

static void inside(struct stage *s)
{
	struct end *a = stage_end(s, A), *b = stage_end(s, B);
	int listener = end_listen(b, 2001, 5), fd[2];

	connect_to(s, listener, fd);
	end_do(a, ask_inside, fd[0]);
	stage_fact(s, A, "%s", a->data);
}

static const struct expect inside_expect[] = {
	IS(A, "fact",
	   "state 1; mss 1448; cwnd 10; ssthresh none yet; timestamps yes; "
	   "SACK yes; window scale [0-9]+; rto >= 200 ms: yes"),
	{}
};

/* ------------------------------------------------ bind() and ports */

static void bind_is_local(struct stage *s)
{
	struct end *a = stage_end(s, A), *b = stage_end(s, B);
	int listener = end_listen(b, 2001, 5), fd = end_socket(a, 0);

	if (!s->control)
		end_bind(a, fd, a->ip, 2000);
	end_do(a, ask_names, fd);
	stage_fact(s, A, "%s", a->data);
	end_connect(a, fd, b->ip, 2001);
	end_do(a, ask_names, fd);
	stage_fact(s, A, "%s", a->data);
	end_close(b, listener);
}

static const struct expect bind_is_local_expect[] = {
	IS(A, "fact",
	   "local itself:2000; peer none, "
	   "local itself:2000; peer the other:2001"),
	HAS(A, "call", "bind 0, connect 0"),
	{}
};

static void ephemeral_port(struct stage *s)
{
	struct end *a = stage_end(s, A), *b = stage_end(s, B);
	int listener = end_listen(b, 2001, 5), fd, i;

	stage_sysctl(s, A, "net/ipv4/ip_local_port_range",
		     s->control ? "40000 40003" : "40000 40000");
	for (i = 0; i < 2; i++) {
		fd = end_socket(a, 0);
		end_connect(a, fd, b->ip, 2001);
		end_do(a, ask_names, fd);
		stage_fact(s, A, "%s", a->data);
	}
	end_close(b, listener);
}

static const struct expect ephemeral_port_expect[] = {
	IS(A, "fact",
	   "local itself:40000; peer the other:2001, "
	   "local none; peer none"),
	HAS(A, "call", "connect 0"),
	HAS(A, "call", "connect EADDRNOTAVAIL"),
	{}
};

static void port_in_time_wait(struct stage *s)
{
	struct end *a = stage_end(s, A), *b = stage_end(s, B);
	int listener = end_listen(b, 2001, 5), fd[2], first, i;
	struct end *end[2] = { a, b };

	connect_to(s, listener, fd);
	first = s->control ? 1 : 0; /* who closes first */
	end_close(end[first], fd[first]);
	end_seen(end[!first], "state", "ESTABLISHED>CLOSE_WAIT");
	end_close(end[!first], fd[!first]);
	end_seen(end[!first], "state", "LAST_ACK>CLOSE");
	for (i = 0; i < 2; i++) {
		int again = end_socket(a, 0);

		end_set(a, again, SOL_SOCKET, SO_REUSEADDR, i);
		end_bind(a, again, a->ip, 2000);
		end_close(a, again);
	}
	end_close(b, listener);
}

static const struct expect port_in_time_wait_expect[] = {
	HAS(A, "state", "FIN_WAIT2>TIME_WAIT"),
	HAS(A, "call", "setsockopt SO_REUSEADDR 0, bind EADDRINUSE, close 0"),
	HAS(A, "call", "setsockopt SO_REUSEADDR 0, bind 0, close 0"),
	{}
};

/* ------------------------------------------------ listen() */

static void listening(struct stage *s)
{
	struct end *a = stage_end(s, A);
	int fd = end_listen(a, 2000, s->control ? 6 : 5);

	end_close(a, fd);
}

static const struct expect listening_expect[] = {
	IS(A, "state", "CLOSE>LISTEN CALL_LISTEN, LISTEN>CLOSE CALL_CLOSE"),
	HAS(A, "call", "bind 0, listen 0, close 0"),
	HAS(A, "queue", "listen 0/5, unlisten"),
	NEVER(BOTH, "segment", NULL),
	{}
};

static void connect_on_listener(struct stage *s)
{
	struct end *a = stage_end(s, A), *b = stage_end(s, B);
	int listener = end_listen(a, 2000, 5), other = end_listen(b, 2001, 5);

	if (s->control)
		end_disconnect(a, listener);
	end_connect(a, listener, b->ip, 2001);
	end_close(a, listener);
	end_close(b, other);
	end_seen(a, "state", "(LISTEN|ESTABLISHED)>.*");
}

static const struct expect connect_on_listener_expect[] = {
	HAS(A, "call", "listen 0, connect EISCONN, close 0"),
	IS(A, "state", "CLOSE>LISTEN CALL_LISTEN, LISTEN>CLOSE CALL_CLOSE"),
	NEVER(BOTH, "segment", NULL),
	{}
};

static void listen_on_connected(struct stage *s)
{
	struct end *a = stage_end(s, A), *b = stage_end(s, B);
	int listener = end_listen(b, 2001, 5), fd[2];

	connect_to(s, listener, fd);
	if (s->control)
		end_disconnect(a, fd[0]);
	end_listen_on(a, fd[0], 5);
}

static const struct expect listen_on_connected_expect[] = {
	HAS(A, "call", "connect 0, listen EINVAL"),
	IS(A, "state",
	   "CLOSE>SYN_SENT CALL_CONNECT, SYN_SENT>ESTABLISHED RX_SYN_ACK"),
	{}
};

static void disconnect_listener(struct stage *s)
{
	struct end *a = stage_end(s, A), *b = stage_end(s, B);
	int fd;

	end_listen(b, 2001, 5);
	fd = end_listen(a, 2000, 5);
	if (!s->control)
		end_disconnect(a, fd);
	end_connect(a, fd, b->ip, 2001);
	end_do(a, ask_names, fd);
	stage_fact(s, A, "%s", a->data);
}

static const struct expect disconnect_listener_expect[] = {
	HAS(A, "call", "listen 0, connect 0, connect 0"),
	IS(A, "state",
	   "CLOSE>LISTEN CALL_LISTEN, LISTEN>CLOSE CALL_CONNECT, "
	   "CLOSE>SYN_SENT CALL_CONNECT, SYN_SENT>ESTABLISHED RX_SYN_ACK"),
	IS(A, "fact", "local itself:2000; peer the other:2001"),
	{}
};

const struct scenario scenarios_sockets[] = {
	{
		.name = "new-socket",
		.title = "socket() gives a descriptor and a control block",
		.textbook = "socket() allocates a control block and its "
			    "buffers.",
		.truth = "The control block is there, in the state CLOSE (7), "
			 "but no memory for data: that is taken as data comes, "
			 "and only limited. Nothing is sent.",
		.run = new_socket,
		.expect = new_socket_expect,
		.control = { .what = "it is connected, and data has come" },
	},
	{
		.name = "lowest-fd",
		.title = "a descriptor is the lowest number that is free",
		.truth = "After close() the next socket() gets the same number "
			 "again, but it is another socket: whoever keeps the "
			 "number of a closed socket uses somebody else's.",
		.run = lowest_fd,
		.expect = lowest_fd_expect,
		.control = { .what = "the first one stays open" },
	},
	{
		.name = "two-descriptors",
		.title = "one control block, several descriptors",
		.truth = "dup() and fork() add descriptors, not sockets. The "
			 "connection ends when the last one is closed; only "
			 "shutdown() does not wait for that.",
		.run = two_descriptors,
		.expect = two_descriptors_expect,
		.control = { .what = "socket() is called twice" },
	},
	{
		.name = "inside",
		.title = "what is in the control block of a new connection",
		.textbook = "The window begins with one segment.",
		.truth = "It begins with ten (RFC 6928). Each has 1448 bytes "
			 "of data on a link of 1500: 20 are IP's, 20 TCP's, and "
			 "12 the timestamps'. There is no threshold yet.",
		.notice = "'tcbscope show' has all of it, with the kernel's "
			  "names.",
		.run = inside,
		.expect = inside_expect,
		.control = { .what = "there are no timestamps",
			     .sysctl = "net/ipv4/tcp_timestamps=0" },
	},
	{
		.name = "bind-is-local",
		.title = "bind() sets the own address, not the peer's",
		.textbook = "bind() says where to connect to.",
		.truth = "It says from where: the local address and port. The "
			 "peer is not known before connect().",
		.run = bind_is_local,
		.expect = bind_is_local_expect,
		.control = { .what = "bind() is not called" },
	},
	{
		.name = "ephemeral-port",
		.title = "connect() chooses a port, and may find none",
		.textbook = "Without bind() the port is random.",
		.truth = "It is one of ip_local_port_range, and only has to be "
			 "new together with the peer's address and port. Here "
			 "the range has a single port, and the second "
			 "connection to the same server fails with "
			 "EADDRNOTAVAIL.",
		.run = ephemeral_port,
		.expect = ephemeral_port_expect,
		.control = { .what = "the range has four ports" },
	},
	{
		.name = "port-in-time-wait",
		.title = "the port of a connection in TIME_WAIT",
		.textbook = "A client that binds to a fixed port cannot be "
			    "started again for some minutes.",
		.truth = "bind() fails with EADDRINUSE while TIME_WAIT has the "
			 "port, for 60 s, but not if SO_REUSEADDR is set.",
		.run = port_in_time_wait,
		.expect = port_in_time_wait_expect,
		.control = { .what = "the server closes first, and has "
				     "TIME_WAIT" },
	},
	{
		.name = "listen",
		.title = "listen() makes two queues, and does not wait",
		.truth = "CLOSE becomes LISTEN at once. Its argument limits "
			 "both queues: that of SYNs and that of connections "
			 "for accept().",
		.run = listening,
		.expect = listening_expect,
		.control = { .what = "listen() is asked for 6" },
	},
	{
		.name = "connect-on-listener",
		.title = "a listener cannot connect",
		.textbook = "A socket is either active or passive.",
		.truth = "connect() on a listening socket fails with EISCONN, "
			 "\"Transport endpoint is already connected\", although "
			 "it is not: every state but CLOSE counts as connected "
			 "there. Nothing is sent, and the listener goes on.",
		.run = connect_on_listener,
		.expect = connect_on_listener_expect,
		.control = { .what = "connect() to AF_UNSPEC has made the "
				     "listener a plain socket again" },
	},
	{
		.name = "listen-on-connected",
		.title = "a connected socket cannot listen",
		.truth = "listen() fails with EINVAL, and the connection goes "
			 "on.",
		.run = listen_on_connected,
		.expect = listen_on_connected_expect,
		.control = { .what = "connect() to AF_UNSPEC has ended the "
				     "connection before" },
	},
	{
		.name = "disconnect-listener",
		.title = "connect() to AF_UNSPEC undoes listen()",
		.textbook = "A listener stays one until it is closed.",
		.truth = "connect() with the address family AF_UNSPEC brings "
			 "any socket back to CLOSE. Then it can connect, from "
			 "the port to which it was bound.",
		.run = disconnect_listener,
		.expect = disconnect_listener_expect,
		.control = { .what = "connect() to AF_UNSPEC is left out" },
	},
	{},
};
