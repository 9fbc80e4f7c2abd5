// SPDX-License-Identifier: GPL-2.0
/* Open: who sends the first SYN, who answers, and what becomes of it. */
#include "lab/end.h"
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
	end_seen(a, "state", "FIN_WAIT2>TIME_WAIT"); /* B's ACK has come */
	end_close(b, child);
	end_seen(b, "state", "LAST_ACK>CLOSE");
	end_close(b, listener);
}

static const struct expect handshake_expect[] = {
	IS(A, "state",
	   "CLOSE>SYN_SENT CALL_CONNECT, SYN_SENT>ESTABLISHED RX_SYN_ACK, "
	   "ESTABLISHED>FIN_WAIT1 CALL_CLOSE, FIN_WAIT1>FIN_WAIT2 RX_ACK, "
	   "FIN_WAIT2>TIME_WAIT RX_ACK as FIN_WAIT2"),
	IS(B, "state", "CLOSE>LISTEN CALL_LISTEN, LISTEN>CLOSE CALL_CLOSE"),
	IS(B, "state",
	   "LISTEN>SYN_RECV RX_ACK, SYN_RECV>ESTABLISHED RX_ACK, "
	   "ESTABLISHED>CLOSE_WAIT RX_FIN, CLOSE_WAIT>LAST_ACK CALL_CLOSE, "
	   "LAST_ACK>CLOSE RX_ACK"),
	HAS(A, "segment", "sent SYN, received SYN_ACK, sent ACK"),
	HAS(B, "call", "recvfrom 5, close 0"),
	IS(B, "fact", "received hello"),
	NEVER(BOTH, "retransmit", NULL),
	{}
};

/* ------------------------------------------------ simultaneous open */

#define SIMULTANEOUS                                                      \
	"CLOSE>SYN_SENT CALL_CONNECT, SYN_SENT>SYN_RECV RX_SYN crossed, " \
	"SYN_RECV>ESTABLISHED (RX_SYN_ACK|RX_ACK) full, "                 \
	"ESTABLISHED>FIN_WAIT1 CALL_CLOSE, FIN_WAIT1>CLOSING RX_FIN, "    \
	"CLOSING>TIME_WAIT RX_ACK"

static void simultaneous_open(struct stage *s)
{
	struct end *end[2] = { stage_end(s, A), stage_end(s, B) };
	int fd[2], i;

	stage_hold(s, BOTH);
	for (i = 0; i < 2; i++) {
		fd[i] = end_socket(end[i], 0);
		end_bind(end[i], fd[i], end[i]->ip, 2000 + i);
		end_connect(end_begin(end[i]), fd[i], end[!i]->ip, 2001 - i);
		end_seen(end[i], "state", "CLOSE>SYN_SENT");
	}
	stage_held(s, BOTH);
	stage_let_go(s, BOTH);
	for (i = 0; i < 2; i++)
		end_finish(end[i]);
	for (i = 0; i < 2; i++)
		end_send(end[i], fd[i], "hello", 0);
	for (i = 0; i < 2; i++) {
		end_recv(end[i], fd[i], 100, 0);
		stage_fact(s, A + i, "received %s", end[i]->data);
	}
	/* nothing of it is to be still under way when the gate is closed */
	for (i = 0; i < 2; i++)
		end_seen(end[i], "segment", "received ACK");
	stage_hold(s, BOTH);
	for (i = 0; i < 2; i++) {
		end_close(end[i], fd[i]);
		end_seen(end[i], "state", "ESTABLISHED>FIN_WAIT1");
	}
	stage_held(s, BOTH);
	stage_let_go(s, BOTH);
	for (i = 0; i < 2; i++)
		end_seen(end[i], "state", "CLOSING>TIME_WAIT");
}

static const struct expect simultaneous_open_expect[] = {
	IS(BOTH, "state", SIMULTANEOUS),
	HAS(BOTH, "call", "bind 0, connect 0"),
	NEVER(BOTH, "call", "(listen|accept4)"),
	IS(BOTH, "fact", "received hello"),
	NEVER(BOTH, "reset", NULL),
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

/* ------------------------------------------------ half and self */

/* A's SYN finds nobody; B's finds A, which has not heard of that yet. */
static void half_open(struct stage *s)
{
	static const struct rule lose_rst = {
		.which = { .from = RULE_B, .kinds = PACKET_RST },
		.action = RULE_DROP,
	};
	struct end *a = stage_end(s, A), *b = stage_end(s, B);
	int rule = stage_rule(s, &lose_rst), fd[2];

	fd[0] = end_socket(a, 0);
	end_bind(a, fd[0], a->ip, 2000);
	end_connect(end_begin(a), fd[0], b->ip, 2001);
	end_seen(b, "segment", "sent RST_ACK");
	stage_rule_done(s, rule, 1);
	fd[1] = end_socket(b, 0);
	end_bind(b, fd[1], b->ip, 2001);
	end_connect(b, fd[1], a->ip, 2000);
	end_finish(a);
	end_seen(a, "state", "SYN_RECV>ESTABLISHED");
}

static const struct expect half_open_expect[] = {
	IS(A, "state",
	   "CLOSE>SYN_SENT CALL_CONNECT, SYN_SENT>SYN_RECV RX_SYN crossed, "
	   "SYN_RECV>ESTABLISHED RX_ACK half"),
	IS(B, "state",
	   "CLOSE>SYN_SENT CALL_CONNECT, "
	   "SYN_SENT>ESTABLISHED RX_SYN_ACK half"),
	HAS(BOTH, "call", "bind 0, connect 0"),
	NEVER(BOTH, "call", "(listen|accept4)"),
	{}
};

static void self_connect(struct stage *s)
{
	struct end *a = stage_end(s, A);
	int fd = end_socket(a, 0);

	if (!s->control)
		end_bind(a, fd, a->ip, 2000);
	end_connect(a, fd, a->ip, 2000);
	end_send(a, fd, "hello", 0);
	end_recv(a, fd, 100, 0);
	stage_fact(s, A, "received %s", a->data);
	end_close(a, fd);
}

static const struct expect self_connect_expect[] = {
	IS(A, "state",
	   "CLOSE>SYN_SENT CALL_CONNECT, SYN_SENT>SYN_RECV RX_SYN crossed, "
	   "SYN_RECV>ESTABLISHED RX_SYN_ACK self, "
	   "ESTABLISHED>FIN_WAIT1 CALL_CLOSE, FIN_WAIT1>CLOSING RX_FIN, "
	   "CLOSING>TIME_WAIT RX_ACK"),
	IS(A, "fact", "received hello"),
	NEVER(A, "call", "(listen|accept4)"),
	{}
};

/* ------------------------------------------------ who comes when */

/*
 * Both try, A first, with B's attempt when @rule has held one packet, or two if
 * it is there for both; -1: when A has been refused.
 */
static void attempt(struct stage *s, int port, int rule, bool both,
		    const char *when)
{
	struct end *end[2] = { stage_end(s, A), stage_end(s, B) };
	int fd[2], ret[2], i;

	for (i = 0; i < 2; i++) {
		fd[i] = end_socket(end[i], 0);
		end_bind(end[i], fd[i], end[i]->ip, port + i);
	}
	end_connect(end_begin(end[0]), fd[0], end[1]->ip, port + 1);
	if (rule >= 0)
		stage_rule_done(s, rule, 1);
	else
		end_seen(end[0], "state", "SYN_SENT>CLOSE RX_RST");
	end_connect(end_begin(end[1]), fd[1], end[0]->ip, port);
	if (both)
		stage_rule_done(s, rule, 2);
	if (both)
		stage_release(s, rule);
	for (i = 0; i < 2; i++)
		ret[i] = end_finish(end[i]);
	stage_release(s, rule);
	stage_fact(s, A, "B connects %s: %s", when,
		   ret[0] || ret[1] ? "refused" : "connected");
}

static void skew(struct stage *s)
{
	static const struct rule syns = {
		.which = { .kinds = PACKET_SYN },
		.to = 2,
		.action = RULE_HOLD,
	};
	static const struct rule rst = {
		.which = { .kinds = PACKET_RST },
		.to = 1,
		.action = RULE_HOLD,
	};

	attempt(s, 2000, stage_rule(s, &syns), true,
		"while A's SYN is on its way");
	attempt(s, 2010, stage_rule(s, &rst), false,
		"while the RST is on its way");
	attempt(s, 2020, -1, false, "after the RST has come");
}

static const struct expect skew_expect[] = {
	IS(A, "fact",
	   "B connects while A's SYN is on its way: connected, "
	   "B connects while the RST is on its way: connected, "
	   "B connects after the RST has come: refused"),
	HAS(A, "state", "SYN_RECV>ESTABLISHED .* full"),
	HAS(A, "state", "SYN_RECV>ESTABLISHED .* half"),
	HAS(A, "state", "SYN_SENT>CLOSE RX_RST ECONNREFUSED"),
	{}
};

/* ------------------------------------------------ two classic programs */

#define HELLO "hello I am KAKA"

/*
 * As in many a tutorial: bind, connect until it works, write, read, close. It
 * returns how often it has tried.
 */
static int classic_peer(struct end *me, int port)
{
	struct end *other = stage_end(me->stage, me->side == A ? B : A);
	struct sockaddr_in to = { .sin_family = AF_INET }, from = to;
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0), tries = 1, n;

	from.sin_port = htons(port);
	to.sin_port = htons(port == 2000 ? 2001 : 2000);
	inet_pton(AF_INET, me->ip, &from.sin_addr);
	inet_pton(AF_INET, other->ip, &to.sin_addr);
	if (fd < 0 || bind(fd, (void *)&from, sizeof(from)))
		return -errno;
	for (; connect(fd, (void *)&to, sizeof(to)); tries++)
		usleep(50);
	if (write(fd, HELLO, strlen(HELLO)) < 0)
		return -errno;
	n = read(fd, me->data, END_DATA);
	me->data[n > 0 ? n : 0] = '\0';
	close(fd);
	return tries;
}

static void classic_pair(struct stage *s)
{
	struct end *a = stage_end(s, A), *b = stage_end(s, B);
	int tries[2], listener;

	end_do(end_begin(a), classic_peer, 2000);
	end_seen(a, "state", "SYN_SENT>CLOSE RX_RST");
	if (s->control) {
		listener = end_listen(b, 2001, 5);
		end_accept(b, listener, 0);
		return;
	}
	tries[1] = end_do(b, classic_peer, 2001);
	tries[0] = end_finish(a);
	stage_fact(s, A, "tried %s; received %s",
		   tries[0] > 1 ? "more than once" : "once", a->data);
	stage_fact(s, B, "tried %s; received %s",
		   tries[1] > 0 ? "at least once" : "never", b->data);
}

#define REFUSED \
	"CLOSE>SYN_SENT CALL_CONNECT, SYN_SENT>CLOSE RX_RST ECONNREFUSED, "

static const struct expect classic_pair_expect[] = {
	IS(A, "state",
	   "(" REFUSED ")+CLOSE>SYN_SENT CALL_CONNECT, "
	   "SYN_SENT>SYN_RECV RX_SYN crossed, "
	   "SYN_RECV>ESTABLISHED (RX_SYN_ACK|RX_ACK) full, "
	   "ESTABLISHED>(FIN_WAIT1|CLOSE_WAIT).*"),
	IS(B, "state",
	   "(" REFUSED ")*CLOSE>SYN_SENT CALL_CONNECT, "
	   "SYN_SENT>SYN_RECV RX_SYN crossed, "
	   "SYN_RECV>ESTABLISHED (RX_SYN_ACK|RX_ACK) full, "
	   "ESTABLISHED>(FIN_WAIT1|CLOSE_WAIT).*"),
	IS(A, "fact", "tried more than once; received " HELLO),
	IS(B, "fact", "tried at least once; received " HELLO),
	NEVER(BOTH, "call", "(listen|accept4)"),
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
	IS(B, "state",
	   "LISTEN>SYN_RECV RX_ACK, SYN_RECV>ESTABLISHED RX_ACK, "
	   "ESTABLISHED>FIN_WAIT1 CALL_CLOSE, FIN_WAIT1>FIN_WAIT2 RX_ACK, "
	   "FIN_WAIT2>TIME_WAIT"),
	HAS(B, "queue", "completed 1/5, accepted 0/5"),
	HAS(A, "call", "connect 0, sendto 5, recvfrom 0, close 0"),
	IS(B, "fact", "received hello"),
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

/* Nothing that A sends arrives. */
static const struct rule black_hole_rule = {
	.which = { .from = RULE_A },
	.action = RULE_DROP,
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

/* ------------------------------------------------ nobody answers */

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

	end_connect(a, fd, b->ip, 2001);
	stage_rule_done(s, rule, 1);
	end_close(a, fd);
	end_seen(a, "state", "FIN_WAIT2>TIME_WAIT");
	end_close(b, listener);
}

static const struct expect lost_syn_expect[] = {
	HAS(A, "state", "CLOSE>SYN_SENT, SYN_SENT>ESTABLISHED RX_SYN_ACK"),
	IS(A, "retransmit", "SYN 1"),
	HAS(A, "segment", "sent SYN, sent SYN again, received SYN_ACK"),
	HAS(A, "call", "connect 0"),
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
		.name = "simultaneous-open",
		.title = "two peers open to each other without a listener, and "
			 "close at once",
		.textbook = "One end has to listen, the other connects.",
		.truth = "Nobody has to listen if both connect and their SYNs "
			 "cross: one connection, and connect() returns 0 at "
			 "both ends (RFC 9293, 3.5). If the FINs cross as "
			 "well, both ends go through CLOSING, and both have "
			 "TIME_WAIT.",
		.notice = "Each end receives a SYN where it expected a "
			  "SYN+ACK, and answers with the same sequence number "
			  "that it sent before.",
		.run = simultaneous_open,
		.expect = simultaneous_open_expect,
		.control = { .what = "the gate stays open", .gate_open = true },
		.comm = { "peer", "peer" },
		.racy = true,
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
		.name = "simultaneous-open-half",
		.title = "two peers open, but only one SYN meets a SYN",
		.textbook = "One end has to listen, the other connects.",
		.truth = "A's SYN comes too early and is refused, but the RST "
			 "is lost, as many a NAT sees to. Then B's SYN finds A "
			 "in SYN_SENT, and they connect: B has not seen a bare "
			 "SYN at all.",
		.run = half_open,
		.expect = half_open_expect,
		.control = { .what = "the RST is not lost", .no_rules = true },
		.place = PLACE_WIRE,
		.comm = { "peer", "peer" },
		.racy = true,
	},
	{
		.name = "self-connect",
		.title = "a socket connects to itself",
		.textbook = "A connection has two ends.",
		.truth = "connect() to the address to which the socket itself "
			 "is bound succeeds: its SYN meets itself in SYN_SENT, "
			 "a simultaneous open of one socket. It reads what it "
			 "writes. Loops that connect to a port of the local "
			 "machine until it is there meet this by chance.",
		.run = self_connect,
		.expect = self_connect_expect,
		.control = { .what = "the socket is not bound" },
		.place = PLACE_LOOPBACK,
		.comm = { "peer", "peer" },
		.racy = true,
	},
	{
		.name = "skew",
		.title = "how far apart two connect() may be",
		.textbook = "Both must call connect() within the timeout.",
		.truth = "As long as a segment is under way: until the other's "
			 "SYN has come it opens in full, and until the RST to "
			 "it has come, by half. After that the first one is "
			 "refused, whatever its timeout is, and so is the "
			 "second. Only where the SYN is lost, not refused, is "
			 "it a matter of timeouts.",
		.run = skew,
		.expect = skew_expect,
		.control = { .what = "segments are under way for no time",
			     .no_rules = true },
		.place = PLACE_WIRE,
		.comm = { "peer", "peer" },
		.racy = true,
	},
	{
		.name = "classic-pair",
		.title = "two programs that bind, and connect in a loop",
		.textbook = "Neither listens, so it takes luck.",
		.truth = "Each attempt that comes before the other program is "
			 "there is refused. Where a segment takes a "
			 "millisecond, an attempt of one soon crosses one of "
			 "the other. On the same machine, where it takes "
			 "none, that takes from some to thousands of them.",
		.run = classic_pair,
		.expect = classic_pair_expect,
		.control = { .what = "the second program listens" },
		.place = PLACE_WIRE,
		.wire = { .link = { .delay_ns = 2000000 } },
		.comm = { "client1", "client2" },
		.racy = true,
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
		.name = "black-hole",
		.title = "connect() to where nothing comes back from",
		.textbook = "The SYN is sent again after 6 s, and connect() "
			    "gives up after 75 s.",
		.truth = "It is sent again after 1 s, and later after twice as "
			 "long each time; net.ipv4.tcp_syn_retries says when to "
			 "give up: 6 times would be after 127 s. Here it is 1, "
			 "which is 3 s. Newer kernels do not double the first "
			 "few times (tcp_syn_linear_timeouts), so that there "
			 "are more SYNs in the same time.",
		.run = black_hole,
		.expect = black_hole_expect,
		.control = { .what = "the SYN arrives, and is refused",
			     .no_rules = true },
		.place = PLACE_WIRE,
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
	{},
};
