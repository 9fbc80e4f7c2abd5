// SPDX-License-Identifier: GPL-2.0
/* Open: a client connects to a server, at once, later, or never. */
#include "lab/end.h"
#include "lab/paths.h"
#include "lab/scenario.h"
#include "lab/stage.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/tcp.h>
#include <string.h>
#include <sys/select.h>
#include <unistd.h>

/* ------------------------------------------------ handshake */

static void handshake(struct stage *s)
{
	struct end *a = stage_end(s, A), *b = stage_end(s, B);
	int listener, fd, child;

	listener = s->control ? end_socket(b, 0) : end_listen(b, 2001, 5);
	end_accept(end_begin(b), listener, 0);
	fd = end_socket(a, 0);
	end_bind(a, fd, a->ip, 2000);
	end_connect(a, fd, b->ip, 2001);
	child = end_finish(b);
	end_send(a, fd, "hello", 0);
	end_recv(b, child, 100, 0);
	stage_fact(s, B, "received %s", b->data);
	end_close(a, fd);
	end_seen(a, "state", "FIN_WAIT1>FIN_WAIT2"); /* B's ACK has come */
	end_close(b, child);
	end_seen(b, "state", "LAST_ACK>CLOSE");
	end_close(b, listener);
}

static const struct expect handshake_expect[] = {
	IS(A, "state", OPENS CLOSES),
	IS(B, "state", "CLOSE>LISTEN CALL_LISTEN, LISTEN>CLOSE CALL_CLOSE"),
	IS(B, "state", ACCEPTED ", " CLOSES_LAST),
	HAS(A, "segment", "sent SYN, received SYN_ACK, sent ACK"),
	HAS(B, "call", "recvfrom 5, close 0"),
	IS(B, "fact", "received hello"),
	NEVER(BOTH, "retransmit", NULL),
	{}
};

/* ------------------------------------------------ flags */

static void flags(struct stage *s)
{
	struct end *a = stage_end(s, A), *b = stage_end(s, B);
	int listener, fd, child;

	stage_sysctl(s, BOTH, "net/ipv4/tcp_ecn", s->control ? "0" : "1");
	listener = end_listen(b, 2001, 5);
	fd = end_socket(a, 0);
	end_connect(a, fd, b->ip, 2001);
	child = end_accept(b, listener, 0);
	end_send(a, fd, "hello", 0);
	end_recv(b, child, 100, 0);
	end_send(a, fd, "!", MSG_OOB);
	end_seen(b, "segment", "received .*URG");
	end_close(a, fd);
	end_seen(b, "state", "ESTABLISHED>CLOSE_WAIT");
}

static const struct expect flags_expect[] = {
	HAS(A, "segment",
	    "sent SYN_ECE_CWR, received SYN_ACK_ECE, sent ACK, "
	    "sent PSH_ACK 5, sent PSH_ACK_URG 1, sent FIN_ACK"),
	{}
};

/* ------------------------------------------------ a lost SYN */

static void lost_syn(struct stage *s)
{
	static const struct rule lose = {
		.which = { .from = RULE_A, .kinds = PACKET_SYN },
		.nth = 1,
		.action = RULE_DROP,
	};
	struct end *a = stage_end(s, A), *b = stage_end(s, B);
	int listener = end_listen(b, 2001, 5), rule = stage_rule(s, &lose);
	int fd = end_socket(a, 0);

	stage_patient(s, A);
	end_connect(a, fd, b->ip, 2001);
	stage_rule_done(s, rule, 1);
	end_close(a, fd);
	end_seen(a, "state", "FIN_WAIT1>FIN_WAIT2");
	end_close(b, listener);
}

static const struct expect lost_syn_expect[] = {
	HAS(A, "state", "CLOSE>SYN_SENT, SYN_SENT>ESTABLISHED RX_SYN_ACK"),
	IS(A, "retransmit", "SYN 1"),
	HAS(A, "segment", "sent SYN, sent SYN again, received SYN_ACK"),
	HAS(A, "call", "connect 0"),
	{}
};

/* ------------------------------------------------ nobody answers */

/* Nothing that A sends arrives. */
static const struct rule black_hole_rule = {
	.which = { .from = RULE_A },
	.action = RULE_DROP,
};

static void black_hole(struct stage *s)
{
	struct end *a = stage_end(s, A), *b = stage_end(s, B);
	uint64_t first_ns, again_ns, end_ns;
	int fd;

	stage_rule(s, &black_hole_rule);
	stage_sysctl(s, A, "net/ipv4/tcp_syn_retries", "1");
	fd = end_socket(a, 0);
	end_connect(a, fd, b->ip, 2001);
	first_ns = end_seen_ns(a, "segment", "sent SYN", 1);
	again_ns = end_seen_ns(a, "segment", "sent SYN again", 1);
	end_ns = end_seen_ns(a, "state", "SYN_SENT>CLOSE", 1);
	stage_fact(s, A, "sent again after %.0f s; given up after %.0f s",
		   (again_ns - first_ns) / 1e9, (end_ns - first_ns) / 1e9);
}

#define LINEAR "sysctl:net/ipv4/tcp_syn_linear_timeouts"

static const struct expect black_hole_expect[] = {
	HAS(A, "call", "connect ETIMEDOUT"),
	IS(A, "state",
	   "CLOSE>SYN_SENT CALL_CONNECT, "
	   "SYN_SENT>CLOSE TIMER_RETRANSMIT ETIMEDOUT"),
	/* the end is by the clock, and a timer may come late */
	IS(A, "retransmit", "SYN 1(, SYN 2)?", .when = LINEAR),
	IS(A, "retransmit", "SYN 1", .when = "!" LINEAR),
	IS(A, "fact", "sent again after 1 s; given up after 3 s"),
	{}
};

/* ------------------------------------------------ trying again */

static void reused_fd(struct stage *s)
{
	struct end *a = stage_end(s, A), *b = stage_end(s, B);
	int fd = end_socket(a, 0);

	end_connect(a, fd, b->ip, 2001);
	end_listen(b, 2001, 5);
	if (s->control) {
		end_close(a, fd);
		fd = end_socket(a, 0);
	}
	end_connect(a, fd, b->ip, 2001);
}

static const struct expect reused_fd_expect[] = {
	HAS(A, "call", "connect ECONNREFUSED, connect 0"),
	IS(A, "state",
	   REFUSED "CLOSE>SYN_SENT CALL_CONNECT, "
		   "SYN_SENT>ESTABLISHED RX_SYN_ACK"),
	{}
};

/* ------------------------------------------------ non-blocking connect() */

/* What select() says of it: 1 readable, 2 writable. */
static int select_both(struct end *me, int fd)
{
	struct timeval wait = { .tv_sec = 8 };
	fd_set in, out;
	int n;

	(void)me;
	FD_ZERO(&in);
	FD_ZERO(&out);
	FD_SET(fd, &in);
	FD_SET(fd, &out);
	n = select(fd + 1, &in, &out, NULL, &wait);
	if (n < 0)
		return -errno;
	return (FD_ISSET(fd, &in) ? 1 : 0) | (FD_ISSET(fd, &out) ? 2 : 0);
}

static void nonblocking(struct stage *s, int fd)
{
	struct end *a = stage_end(s, A);
	int ready, polled, error;

	ready = end_do(a, select_both, fd);
	polled = end_poll(a, fd, 1 | 4, 0);
	error = end_get(a, fd, SOL_SOCKET, SO_ERROR);
	stage_fact(s, A, "select():%s%s; poll():%s%s%s; SO_ERROR %s",
		   ready & 1 ? " readable" : "", ready & 2 ? " writable" : "",
		   polled & 4 ? " OUT" : "", polled & 8 ? " ERR" : "",
		   polled & 16 ? " HUP" : "", strerrorname_np(error) ?: "?");
}

static void nonblocking_success(struct stage *s)
{
	struct end *a = stage_end(s, A), *b = stage_end(s, B);
	int fd;

	if (!s->control)
		end_listen(b, 2001, 5);
	stage_hold(s, A);
	fd = end_socket(a, SOCK_NONBLOCK);
	end_connect(a, fd, b->ip, 2001);
	stage_held(s, A);
	end_poll(a, fd, 1 | 4, 0);
	stage_let_go(s, A);
	nonblocking(s, fd);
}

static const struct expect nonblocking_success_expect[] = {
	HAS(A, "call", "connect EINPROGRESS, poll 0, p?select6? 1, poll 1"),
	IS(A, "state",
	   "CLOSE>SYN_SENT CALL_CONNECT, SYN_SENT>ESTABLISHED RX_SYN_ACK"),
	IS(A, "fact", "select\\(\\): writable; poll\\(\\): OUT; SO_ERROR 0"),
	{}
};

static void nonblocking_refused(struct stage *s)
{
	struct end *a = stage_end(s, A), *b = stage_end(s, B);
	int fd;

	if (s->control)
		end_listen(b, 2001, 5);
	stage_hold(s, A);
	fd = end_socket(a, SOCK_NONBLOCK);
	end_connect(a, fd, b->ip, 2001);
	stage_held(s, A);
	stage_let_go(s, A);
	nonblocking(s, fd);
}

static const struct expect nonblocking_refused_expect[] = {
	HAS(A, "call", "connect EINPROGRESS, p?select6? 2"),
	IS(A, "state",
	   "CLOSE>SYN_SENT CALL_CONNECT, SYN_SENT>CLOSE RX_RST ECONNREFUSED"),
	IS(A, "fact",
	   "select\\(\\): readable writable; poll\\(\\): OUT ERR HUP; "
	   "SO_ERROR ECONNREFUSED"),
	{}
};

static void nonblocking_timeout(struct stage *s)
{
	struct end *a = stage_end(s, A), *b = stage_end(s, B);
	int fd;

	stage_rule(s, &black_hole_rule);
	fd = end_socket(a, SOCK_NONBLOCK);
	end_set(a, fd, IPPROTO_TCP, TCP_USER_TIMEOUT, 700);
	end_connect(a, fd, b->ip, 2001);
	nonblocking(s, fd);
}

static const struct expect nonblocking_timeout_expect[] = {
	HAS(A, "call", "connect EINPROGRESS, p?select6? 2"),
	IS(A, "state",
	   "CLOSE>SYN_SENT CALL_CONNECT, "
	   "SYN_SENT>CLOSE TIMER_RETRANSMIT ETIMEDOUT"),
	IS(A, "fact",
	   "select\\(\\): readable writable; poll\\(\\): OUT ERR HUP; "
	   "SO_ERROR ETIMEDOUT"),
	{}
};

/* ------------------------------------------------ the classic server */

static int classic_server(struct end *me, int port)
{
	struct sockaddr_in at = { .sin_family = AF_INET };
	int listener = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0), fd, n;

	at.sin_port = htons(port);
	if (listener < 0 || bind(listener, (void *)&at, sizeof(at)) ||
	    listen(listener, 5))
		return -errno;
	/* cppcheck-suppress nullPointer */
	fd = accept4(listener, NULL, NULL, SOCK_CLOEXEC);
	if (fd < 0)
		return -errno;
	n = recv(fd, me->data, END_DATA, 0);
	me->data[n > 0 ? n : 0] = '\0';
	close(fd);
	close(listener);
	return n;
}

static void serve_once(struct stage *s)
{
	struct end *a = stage_end(s, A), *b = stage_end(s, B);
	int fd;

	end_do(end_begin(b), classic_server, s->control ? 8889 : 8888);
	end_seen(b, "call", "listen 0");
	fd = end_socket(a, 0);
	end_connect(a, fd, b->ip, 8888);
	end_send(a, fd, "hello", 0);
	end_finish(b);
	stage_fact(s, B, "received %s", b->data);
	end_recv(a, fd, 100, 0);
	end_close(a, fd);
	end_seen(b, "state", "LAST_ACK>CLOSE|FIN_WAIT2>TIME_WAIT");
}

static const struct expect serve_once_expect[] = {
	HAS(B, "call", "socket 3, bind 0, listen 0, close 0"),
	HAS(B, "call", "accept4 4, recvfrom 5, close 0"),
	IS(B, "state", "CLOSE>LISTEN CALL_LISTEN, LISTEN>CLOSE CALL_CLOSE"),
	IS(B, "state", ACCEPTED ", " CLOSES),
	HAS(B, "queue", "completed 1/5, accepted 0/5"),
	IS(A, "state", OPENS CLOSES_LAST),
	HAS(A, "call", "connect 0, sendto 5, recvfrom 0, close 0"),
	IS(B, "fact", "received hello"),
	{}
};

const struct scenario scenarios_open[] = {
	{
		.name = "handshake",
		.title = "three segments open a connection",
		.textbook = "The client sends SYN, the server answers SYN+ACK, "
			    "the client sends ACK; then both are connected.",
		.truth = "So it is. The server has no socket for it until the "
			 "third segment: up to then there is a request, and "
			 "what becomes SYN_RECV is ESTABLISHED a microsecond "
			 "later.",
		.notice = "Each ack is the sequence number of what it answers, "
			  "plus one: a SYN counts as one byte.",
		.run = handshake,
		.expect = handshake_expect,
		.control = { .what = "the server does not listen" },
	},
	{
		.name = "flags",
		.title = "the eight flags of a segment",
		.textbook = "URG, ACK, PSH, RST, SYN, FIN.",
		.truth = "And ECE and CWR, which announce in the handshake that "
			 "both ends understand congestion marks (RFC 3168).",
		.run = flags,
		.expect = flags_expect,
		.control = { .what = "ECN is off" },
	},
	{
		.name = "lost-syn",
		.title = "the first SYN is lost, and sent again after a second",
		.truth = "A SYN that nobody answers is sent again after 1 s. "
			 "connect() does not return meanwhile, and does not "
			 "tell: it just takes longer.",
		.run = lost_syn,
		.expect = lost_syn_expect,
		.control = { .what = "nothing is lost", .no_rules = true },
		.place = PLACE_WIRE,
	},
	{
		.name = "black-hole",
		.title = "connect() to where nothing comes back from",
		.textbook = "The SYN is sent again after 6 s, and connect() "
			    "gives up after 75 s.",
		.truth =
			"It is sent again after 1 s, and later after twice as "
			"long each time; net.ipv4.tcp_syn_retries says when to "
			"give up: 6, the default, is after some two minutes. "
			"Here it is 1, which is 3 s. Newer kernels do not "
			"double the first few times (tcp_syn_linear_timeouts), "
			"so that there are more SYNs in the same time.",
		.run = black_hole,
		.expect = black_hole_expect,
		.control = { .what = "the SYN arrives, and is refused",
			     .no_rules = true },
		.place = PLACE_WIRE,
	},
	{
		.name = "reused-fd",
		.title = "connect() again with the same socket",
		.textbook = "After connect() has failed the socket's state is "
			    "unspecified (POSIX): close it.",
		.truth = "On Linux it is in CLOSE again, and the same control "
			 "block can try again. Portable programs take a new "
			 "socket.",
		.run = reused_fd,
		.expect = reused_fd_expect,
		.control = { .what = "a new socket is taken" },
	},
	{
		.name = "nonblocking-success",
		.title = "connect() that does not wait: it works",
		.truth = "EINPROGRESS, then the socket is writable, and "
			 "SO_ERROR is 0.",
		.run = nonblocking_success,
		.expect = nonblocking_success_expect,
		.control = { .what = "nobody listens" },
	},
	{
		.name = "nonblocking-refused",
		.title = "connect() that does not wait: it is refused",
		.textbook = "It is writable when it is connected.",
		.truth = "It is writable in any case, and readable as well "
			 "when it has failed. SO_ERROR tells, and only once.",
		.run = nonblocking_refused,
		.expect = nonblocking_refused_expect,
		.control = { .what = "somebody listens" },
	},
	{
		.name = "nonblocking-timeout",
		.title = "connect() that does not wait: nobody answers",
		.truth = "Nothing happens until the timer for the SYN runs out: "
			 "the bound of 700 ms by TCP_USER_TIMEOUT is looked at "
			 "then, after 1 s. SO_ERROR is ETIMEDOUT.",
		.run = nonblocking_timeout,
		.expect = nonblocking_timeout_expect,
		.control = { .what = "the SYN arrives, and is refused",
			     .no_rules = true },
		.place = PLACE_WIRE,
	},
	{
		.name = "classic-server",
		.title = "listen on 8888, accept one, recv, close",
		.truth = "It closes first, so that TIME_WAIT is the server's: "
			 "started again within a minute it cannot bind, as it "
			 "does not set SO_REUSEADDR.",
		.run = serve_once,
		.expect = serve_once_expect,
		.control = { .what = "it listens on 8889" },
	},
	{}
};
