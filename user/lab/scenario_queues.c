// SPDX-License-Identifier: GPL-2.0
/* Queues: who waits at a listener, where, and who is turned away. */
#include "lab/end.h"
#include "lab/paths.h"
#include "lab/scenario.h"
#include "lab/stage.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <sys/epoll.h>

#define QUEUED "SYN_queued, (SYN_ACK_resent, )*"

#define BURST 40

static int connect_all(struct end *me, int n)
{
	struct sockaddr_in server = { .sin_family = AF_INET,
				      .sin_port = htons(2001) };
	int i, fd;

	inet_pton(AF_INET, me->data, &server.sin_addr);
	for (i = 0; i < n; i++) {
		fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC,
			    IPPROTO_TCP);
		if (fd < 0 ||
		    (connect(fd, (struct sockaddr *)&server, sizeof(server)) &&
		     errno != EINPROGRESS))
			return -errno;
	}
	return n;
}

/* @n clients at once, before any SYN is sent again; they do not wait. */
static void connect_many(struct stage *s, int n)
{
	struct end *a = stage_end(s, A), *b = stage_end(s, B);

	snprintf(a->data, sizeof(a->data), "%s", b->ip);
	if (end_do(a, connect_all, n) != n)
		stage_fail(s, "A cannot make %d sockets", n);
}

static void fact_counter(struct stage *s, const char *name)
{
	stage_fact(s, B, "%s %lld", name, (long long)stage_counter(s, B, name));
}

/* ------------------------------------------------ from queue to queue */

static void both_queues(struct stage *s)
{
	struct end *a = stage_end(s, A), *b = stage_end(s, B);
	int listener = end_listen(b, 2001, 5), fd, child;

	stage_hold(s, B); /* the SYN+ACK */
	fd = end_socket(a, SOCK_NONBLOCK);
	end_connect(a, fd, b->ip, 2001);
	stage_held(s, B);
	if (!s->control)
		stage_fact(s, B, "%d in SYN_RECV",
			   end_count(b, 2001, TCP_SYN_RECV));
	stage_let_go(s, B);
	end_poll(a, fd, POLLOUT, -1);
	end_seen(b, "queue", "completed");
	end_send(a, fd, "early", 0);
	end_seen(a, "segment", "received ACK");
	stage_fact(s, B, "%d of it ESTABLISHED",
		   end_count(b, 2001, TCP_ESTABLISHED));
	child = end_accept(b, listener, 0);
	end_recv(b, child, 100, 0);
	stage_fact(s, B, "received %s", b->data);
	end_seen(b, "queue", "accepted");
}

static const struct expect both_queues_expect[] = {
	HAS(B, "queue", "SYN_queued, completed 1/5, accepted 0/5"),
	IS(B, "fact", "1 in SYN_RECV, 1 of it ESTABLISHED, received early"),
	IS(B, "state", "CLOSE>LISTEN CALL_LISTEN"),
	IS(B, "state", ACCEPTED),
	HAS(B, "call", "accept4 4, recvfrom 5"),
	{}
};

/* ------------------------------------------------ a request's life */

static void request(struct stage *s)
{
	static const struct rule lose = {
		.which = { .from = RULE_B, .kinds = PACKET_SYNACK },
		.action = RULE_DROP,
	};
	struct end *a = stage_end(s, A), *b = stage_end(s, B);
	int rule, fd = end_socket(a, SOCK_NONBLOCK);

	stage_sysctl(s, B, "net/ipv4/tcp_synack_retries", "1");
	stage_sysctl(s, A, "net/ipv4/tcp_syn_retries", "1");
	end_listen(b, 2001, 5);
	rule = stage_rule(s, &lose);
	end_connect(a, fd, b->ip, 2001);
	stage_rule_done(s, rule, 2);
	if (!s->control)
		end_none(b, 2001, TCP_SYN_RECV);
}

static const struct expect request_expect[] = {
	HAS(B, "queue", "SYN_queued, SYN_ACK_resent"),
	HAS(B, "queue", "expired", .when = "hook:queue_dropped"),
	HAS(B, "segment", "received SYN, sent SYN_ACK, sent SYN_ACK"),
	IS(B, "state", "CLOSE>LISTEN"),
	{}
};

/* ------------------------------------------------ whose request is it */

static void lookup(struct stage *s)
{
	struct end *a = stage_end(s, A), *b = stage_end(s, B);
	static const char *const ip[] = { "127.0.0.2", "127.0.0.3" };
	int listener[2], fd[4], i, n = 0;

	for (i = 0; i < 2; i++) {
		listener[i] = end_socket(b, 0);
		end_bind(b, listener[i], "127.0.0.1", 2001 + i);
		end_listen_on(b, listener[i], 5);
	}
	for (i = 0; i < 4; i++) {
		fd[i] = end_socket(a, 0);
		end_set(a, fd[i], SOL_SOCKET, SO_REUSEADDR, 1);
		end_bind(a, fd[i], ip[s->control ? 0 : i % 2], 2000);
		n += !end_connect(a, fd[i], "127.0.0.1", 2001 + i / 2);
	}
	stage_fact(s, A, "%d connections from port 2000", n);
}

static const struct expect lookup_expect[] = {
	IS(A, "fact", "4 connections from port 2000"), {}
};

/* ------------------------------------------------ what backlog means */

static void backlog(struct stage *s, int asked, int clients)
{
	struct end *b = stage_end(s, B);

	if (s->control)
		asked += 3;
	end_listen(b, 2001, asked);
	connect_many(s, clients);
	end_seen(b, "queue", "SYN_dropped accept_queue_full");
}

static void backlog_two(struct stage *s)
{
	backlog(s, 2, 5);
}

static void backlog_zero(struct stage *s)
{
	backlog(s, 0, 3);
}

static const struct expect backlog_two_expect[] = {
	HAS(B, "queue", "completed 1/2"),
	HAS(B, "queue", "completed 2/2"),
	HAS(B, "queue", "completed 3/2"),
	HAS(B, "queue", "SYN_dropped accept_queue_full"),
	IS(B, "state", ACCEPTED, .least = 3),
	IS(B, "state", "CLOSE>LISTEN"),
	{}
};

static const struct expect backlog_zero_expect[] = {
	HAS(B, "queue", "completed 1/0"),
	HAS(B, "queue", "SYN_dropped accept_queue_full"),
	IS(B, "state", ACCEPTED),
	IS(B, "state", "CLOSE>LISTEN"),
	{}
};

static void clamped(struct stage *s)
{
	if (!s->control)
		stage_sysctl(s, B, "net/core/somaxconn", "16");
	end_listen(stage_end(s, B), 2001, 5000);
	end_seen(stage_end(s, B), "queue", "listen");
}

static const struct expect clamped_expect[] = { HAS(B, "queue", "listen 0/16"),
						HAS(B, "call", "listen 0"),
						{} };

/* ------------------------------------------------ SYN flood */

/* None of the clients hears an answer. */
static void flood(struct stage *s, const char *cookies, int limit)
{
	struct end *b = stage_end(s, B);

	stage_sysctl(s, B, "net/ipv4/tcp_syncookies", cookies);
	end_listen(b, 2001, limit);
	stage_hold(s, B);
	connect_many(s, BURST);
	end_seen_times(b, "segment", "received SYN", BURST);
}

static void flood_cookies(struct stage *s)
{
	flood(s, s->control ? "0" : "1", 8);
	fact_counter(s, "SyncookiesSent");
	fact_counter(s, "ListenDrops");
}

static const struct expect flood_cookies_expect[] = {
	IS(B, "fact", "SyncookiesSent 31, ListenDrops 0"),
	IS(B, "queue", "listen 0/8"),
	IS(B, "queue", QUEUED, .least = 9),
	IS(B, "queue", "(cookie_sent SYN_queue_full_cookie, ){31}"),
	{}
};

static void flood_drop(struct stage *s)
{
	flood(s, s->control ? "1" : "0", 8);
	fact_counter(s, "SyncookiesSent");
	fact_counter(s, "ListenDrops");
}

static const struct expect flood_drop_expect[] = {
	IS(B, "fact", "SyncookiesSent 0, ListenDrops 31"),
	IS(B, "queue", "listen 0/8"),
	IS(B, "queue", QUEUED, .least = 9),
	IS(B, "queue", "(SYN_dropped SYN_queue_full_drop, ){31}"),
	{}
};

static void flood_always(struct stage *s)
{
	flood(s, s->control ? "1" : "2", 128);
	fact_counter(s, "SyncookiesSent");
}

static const struct expect flood_always_expect[] = {
	IS(B, "fact", "SyncookiesSent 40"),
	IS(B, "queue", "listen 0/128"),
	IS(B, "queue", "(cookie_sent cookies_always, ){40}"),
	{}
};

static void last_quarter(struct stage *s)
{
	if (!s->control)
		stage_sysctl(s, B, "net/ipv4/tcp_max_syn_backlog", "16");
	flood(s, "0", 128);
	fact_counter(s, "ListenDrops");
}

static const struct expect last_quarter_expect[] = {
	IS(B, "fact", "ListenDrops 27"),
	IS(B, "queue", "listen 0/128"),
	IS(B, "queue", QUEUED, .least = 13),
	IS(B, "queue", "(SYN_dropped last_quarter, ){27}"),
	{}
};

/* A cookie is all that there is of a connection, until it comes back. */
static void cookie_back(struct stage *s)
{
	struct end *a = stage_end(s, A), *b = stage_end(s, B);
	int fd = end_socket(a, 0), listener;

	stage_sysctl(s, B, "net/ipv4/tcp_syncookies", s->control ? "0" : "2");
	listener = end_listen(b, 2001, 5);
	end_connect(a, fd, b->ip, 2001);
	end_send(a, fd, "hello", 0);
	end_recv(b, end_accept(b, listener, 0), 100, 0);
	stage_fact(s, B, "received %s", b->data);
}

static const struct expect cookie_back_expect[] = {
	HAS(B, "queue", "cookie_sent cookies_always"),
	HAS(B, "queue", "cookie_accepted"),
	NEVER(B, "queue", "SYN_queued"),
	IS(B, "fact", "received hello"),
	{}
};

/* ------------------------------------------------ overflow */

static void overflow_syn(struct stage *s)
{
	struct end *a = stage_end(s, A), *b = stage_end(s, B);
	int fd = end_socket(a, 0);

	stage_sysctl(s, A, "net/ipv4/tcp_syn_retries", "1");
	end_listen(b, 2001, s->control ? 5 : 1);
	connect_many(s, 2);
	end_seen_times(b, "queue", "completed", 2);
	end_connect(a, fd, b->ip, 2001);
}

static const struct expect overflow_syn_expect[] = {
	HAS(A, "call", "connect ETIMEDOUT"),
	HAS(A, "retransmit", "SYN 1"),
	HAS(B, "queue",
	    "SYN_dropped accept_queue_full, SYN_dropped accept_queue_full"),
	HAS(A, "state", "SYN_SENT>CLOSE TIMER_RETRANSMIT ETIMEDOUT"),
	NEVER(B, "reset", NULL),
	{}
};

/*
 * One waits, so there is room for one more; two SYNs are let in, and both last
 * ACKs come at once.
 */
static void overflow_ack(struct stage *s, const char *abort)
{
	struct end *a = stage_end(s, A), *b = stage_end(s, B);
	int fd[2], i;

	stage_sysctl(s, B, "net/ipv4/tcp_abort_on_overflow", abort);
	end_listen(b, 2001, s->control ? 5 : 1);
	end_connect(a, end_socket(a, 0), b->ip, 2001);
	end_seen(b, "queue", "completed");
	stage_hold(s, B);
	for (i = 0; i < 2; i++) {
		fd[i] = end_socket(a, SOCK_NONBLOCK);
		end_connect(a, fd[i], b->ip, 2001);
	}
	end_seen_times(b, "segment", "sent SYN_ACK", 3);
	stage_let_go(s, B);
	end_poll(a, fd[1], POLLOUT, -1);
	end_seen(b, "queue", s->control ? "completed 3/5" : "accept_overflow");
	if (*abort == '1' && !s->control) {
		end_poll(a, fd[1], POLLIN, -1);
		stage_fact(s, A, "recv %s",
			   strerrorname_np(-end_recv(a, fd[1], 100, 0)));
	}
}

static void third_ack(struct stage *s)
{
	overflow_ack(s, "0");
}

static const struct expect third_ack_expect[] = {
	HAS(A, "state", "SYN_SENT>ESTABLISHED RX_SYN_ACK", .least = 3),
	HAS(B, "state", "SYN_RECV>ESTABLISHED", .least = 2, .most = 2),
	HAS(B, "queue", "accept_overflow third_ACK_overflow"),
	NEVER(B, "reset", NULL),
	{}
};

static void third_ack_abort(struct stage *s)
{
	overflow_ack(s, "1");
}

static const struct expect third_ack_abort_expect[] = {
	HAS(A, "state",
	    "SYN_SENT>ESTABLISHED RX_SYN_ACK, ESTABLISHED>CLOSE RX_RST"),
	HAS(B, "queue", "accept_overflow abort_on_overflow"),
	IS(A, "fact", "recv ECONNRESET"),
	{}
};

/* ------------------------------------------------ epoll */

/* Makes an epoll instance that watches a listener. */
static int watch(struct end *me, int listener_and_edge)
{
	struct epoll_event ev = { .events = EPOLLIN };
	int ep = epoll_create1(EPOLL_CLOEXEC);

	(void)me;
	if (listener_and_edge % 2)
		ev.events |= EPOLLET;
	if (ep >= 0 && epoll_ctl(ep, EPOLL_CTL_ADD, listener_and_edge / 2, &ev))
		return -errno;
	return ep;
}

static int is_ready(struct end *me, int ep)
{
	struct epoll_event ev;

	(void)me;
	return epoll_wait(ep, &ev, 1, 0);
}

/* Three clients are in the queue, and an epoll instance is told of it. */
static int three_wait(struct stage *s, bool edge, int flags, int *listener)
{
	struct end *b = stage_end(s, B);
	int ep;

	*listener = end_socket(b, flags);
	end_bind(b, *listener, b->ip, 2001);
	end_listen_on(b, *listener, 5);
	ep = end_do(b, watch, *listener * 2 + (edge != s->control));
	connect_many(s, 3);
	end_seen_times(b, "queue", "completed", 3);
	return ep;
}

/* One accept() for each wakeup. */
static void one_a_wakeup(struct stage *s, bool edge)
{
	struct end *b = stage_end(s, B);
	int listener, ep = three_wait(s, edge, 0, &listener), accepted = 0;

	while (accepted < 4 && end_do(b, is_ready, ep) == 1) {
		end_accept(b, listener, 0);
		accepted++;
	}
	stage_fact(s, B, "accepted %d of 3", accepted);
}

static void epoll_level(struct stage *s)
{
	one_a_wakeup(s, false);
}

static void epoll_edge_one(struct stage *s)
{
	one_a_wakeup(s, true);
}

static void epoll_edge_loop(struct stage *s)
{
	struct end *b = stage_end(s, B);
	int listener, ep, accepted = 0;

	ep = three_wait(s, true, SOCK_NONBLOCK, &listener);
	while (end_do(b, is_ready, ep) == 1)
		while (accepted < 4 && end_accept(b, listener, 0) >= 0) {
			accepted++;
			if (s->control)
				break;
		}
	stage_fact(s, B, "accepted %d of 3", accepted);
}

static const struct expect epoll_level_expect[] = {
	IS(B, "fact", "accepted 3 of 3"),
	HAS(B, "queue", "accepted 2/5"),
	HAS(B, "queue", "accepted 0/5"),
	{}
};

static const struct expect epoll_edge_one_expect[] = {
	IS(B, "fact", "accepted 1 of 3"),
	HAS(B, "queue", "accepted 2/5"),
	NEVER(B, "queue", "accepted 1/5"),
	{}
};

static const struct expect epoll_edge_loop_expect[] = {
	IS(B, "fact", "accepted 3 of 3"), HAS(B, "call", "accept4 EAGAIN"), {}
};

/* ------------------------------------------------ the listener goes */

static void close_listener(struct stage *s)
{
	struct end *a = stage_end(s, A), *b = stage_end(s, B);
	struct stage_conn c = stage_connect(s);
	int i;

	connect_many(s, 3);
	end_seen_times(b, "queue", "completed", 4);
	for (i = 0; s->control && i < 3; i++)
		end_accept(b, c.listener, 0);
	end_close(b, c.listener);
	end_seen(b, "queue", "unlisten");
	end_send(a, c.fd, "still here", 0);
	end_recv(b, c.child, 100, 0);
	stage_fact(s, B, "received %s", b->data);
}

static const struct expect close_listener_expect[] = {
	HAS(A, "state", "ESTABLISHED>CLOSE RX_RST ECONNRESET", .least = 3,
	    .most = 3),
	HAS(B, "reset", "sent", .least = 3),
	HAS(B, "queue", "unlisten"),
	IS(B, "fact", "received still here"),
	IS(B, "state", "CLOSE>LISTEN CALL_LISTEN, LISTEN>CLOSE CALL_CLOSE"),
	IS(B, "state", ACCEPTED),
	IS(B, "state", ACCEPTED ", ESTABLISHED>CLOSE CALL_CLOSE", .least = 3),
	{}
};

const struct scenario scenarios_queues[] = {
	{
		.name = "two-queues",
		.title = "from the SYN queue to the accept queue",
		.textbook = "accept() makes a new control block for the "
			    "connection.",
		.truth = "The control block is made by the third segment, and "
			 "waits in the accept queue, ESTABLISHED; it receives "
			 "data there. Before that there is a request, a small "
			 "thing, in the SYN queue. accept() only gives it a "
			 "file descriptor.",
		.notice = "The data was acknowledged before accept().",
		.run = both_queues,
		.expect = both_queues_expect,
		.control = { .what = "the gate is open: nothing waits for the "
				     "third segment",
			     .gate_open = true },
	},
	{
		.name = "request-expires",
		.title = "the third segment never comes",
		.textbook = "The server's control block waits in SYN_RECV.",
		.truth = "It is a request, not a socket. Its SYN+ACK is sent "
			 "again tcp_synack_retries times (5, here 1), after 1 s, "
			 "2 s, 4 s; then it is forgotten, and nobody is told.",
		.notice = "Its whole life is in the queue's events; no state "
			  "changes.",
		.run = request,
		.expect = request_expect,
		.control = { .what = "the SYN+ACKs get through",
			     .no_rules = true },
		.place = PLACE_WIRE,
	},
	{
		.name = "same-port-twice",
		.title = "whose connection is it?",
		.textbook = "A server finds a connection by the client's "
			    "address and port.",
		.truth = "By both addresses and both ports. One client port can "
			 "have a connection to each listener, and each client "
			 "address its own.",
		.notice = "Four connections, all from port 2000.",
		.run = lookup,
		.expect = lookup_expect,
		.control = { .what = "the clients have one address" },
		.place = PLACE_LOOPBACK,
	},
	{
		.name = "backlog",
		.title = "listen(2) and five clients",
		.textbook = "The backlog is the sum of both queues, or the "
			    "length of the SYN queue.",
		.truth = "It is the limit of the accept queue, which may hold "
			 "one more than that; the SYN queue has the same limit, "
			 "for itself. While the accept queue is full, SYNs are "
			 "ignored.",
		.notice = "3/2: three wait where the limit is 2.",
		.run = backlog_two,
		.expect = backlog_two_expect,
		.control = { .what = "listen(5)" },
	},
	{
		.name = "backlog-zero",
		.title = "listen(0)",
		.textbook = "With a backlog of 0 nobody can connect.",
		.truth = "One can: the queue may hold one more than its limit.",
		.notice = "1/0.",
		.run = backlog_zero,
		.expect = backlog_zero_expect,
		.control = { .what = "listen(3)" },
	},
	{
		.name = "somaxconn",
		.title = "listen(5000)",
		.textbook = "listen() fails if the backlog is too large.",
		.truth = "It is lowered to net.core.somaxconn (4096, here 16), "
			 "without a word.",
		.notice = "listen() returns 0; the limit is 16.",
		.run = clamped,
		.expect = clamped_expect,
		.control = { .what = "somaxconn is 4096" },
	},
	{
		.name = "syn-flood",
		.title = "40 SYNs of clients that never answer",
		.textbook = "A SYN flood fills the queue; a firewall has to "
			    "stop it.",
		.truth = "When the SYN queue is full the kernel answers with "
			 "cookies: all that it has to know of the connection is "
			 "in the sequence number of its SYN+ACK. No SYN is "
			 "dropped.",
		.notice =
			"9 requests in a queue whose limit is 8, then cookies.",
		.run = flood_cookies,
		.expect = flood_cookies_expect,
		.control = { .what = "tcp_syncookies is 0" },
	},
	{
		.name = "syn-flood-no-cookies",
		.title = "the same without cookies",
		.truth = "With tcp_syncookies 0 all SYNs are dropped from the "
			 "moment the SYN queue is full, those of real clients "
			 "as well.",
		.notice = "31 drops, each with its rule.",
		.run = flood_drop,
		.expect = flood_drop_expect,
		.control = { .what = "tcp_syncookies is 1" },
	},
	{
		.name = "syn-flood-cookies-always",
		.title = "the same with nothing but cookies",
		.truth = "With tcp_syncookies 2 there is no SYN queue.",
		.notice = "40 cookies, no request.",
		.run = flood_always,
		.expect = flood_always_expect,
		.control = { .what = "tcp_syncookies is 1" },
	},
	{
		.name = "max-syn-backlog",
		.title = "what tcp_max_syn_backlog limits",
		.textbook = "It sets the length of the SYN queue.",
		.truth = "That is set by listen(). Without cookies the last "
			 "quarter of tcp_max_syn_backlog (here 16) is kept for "
			 "clients that are known from earlier connections; all "
			 "others are dropped from there on.",
		.notice = "13 requests, though listen() has asked for 128.",
		.run = last_quarter,
		.expect = last_quarter_expect,
		.control = { .what = "tcp_max_syn_backlog is what it was" },
	},
	{
		.name = "cookie",
		.title = "a connection that was but a cookie",
		.textbook = "Cookies are for attackers only.",
		.truth = "A client notices nothing: its third segment brings the "
			 "cookie back, and out of that the connection is made, "
			 "with most of its options.",
		.notice = "Nothing was queued between SYN and ACK.",
		.run = cookie_back,
		.expect = cookie_back_expect,
		.control = { .what = "tcp_syncookies is 0" },
	},
	{
		.name = "accept-queue-full",
		.title = "a client comes when the accept queue is full",
		.textbook = "It is refused.",
		.truth = "Its SYN is ignored, as if it were lost: the server may "
			 "have room when it comes again. connect() waits, and "
			 "fails in the end with ETIMEDOUT.",
		.notice =
			"The same SYN twice, no answer, and each drop with its "
			"rule.",
		.run = overflow_syn,
		.expect = overflow_syn_expect,
		.control = { .what = "listen(5) instead of listen(1)" },
	},
	{
		.name = "third-ack-ignored",
		.title = "the accept queue is full when the third segment comes",
		.textbook = "With the third segment both ends are connected.",
		.truth = "The client is: connect() has returned. The server "
			 "ignores the segment, keeps the request, and sends its "
			 "SYN+ACK again.",
		.notice = "Three ESTABLISHED at the clients, two at the server.",
		.run = third_ack,
		.expect = third_ack_expect,
		.control = { .what = "listen(5) instead of listen(1)" },
	},
	{
		.name = "third-ack-reset",
		.title = "the same with tcp_abort_on_overflow",
		.truth = "The client is told by a RST, after connect() has "
			 "returned 0.",
		.notice = "ECONNRESET at the first recv().",
		.run = third_ack_abort,
		.expect = third_ack_abort_expect,
		.control = { .what = "listen(5) instead of listen(1)" },
	},
	{
		.name = "epoll-level",
		.title = "three clients, level-triggered",
		.truth = "epoll_wait() says that the listener is readable as long "
			 "as somebody waits: one accept() for each is enough.",
		.notice = "Three wakeups, three accept() calls.",
		.run = epoll_level,
		.expect = epoll_level_expect,
		.control = { .what = "edge-triggered" },
	},
	{
		.name = "epoll-edge",
		.title = "three clients, edge-triggered, one accept() each time",
		.textbook = "Edge-triggered is the faster kind.",
		.truth = "It tells of arrivals, not of what waits: three that "
			 "came before the first look are one event. Two are "
			 "left in the queue, until another client comes.",
		.notice = "The accept queue stays at 2.",
		.run = epoll_edge_one,
		.expect = epoll_edge_one_expect,
		.control = { .what = "level-triggered" },
	},
	{
		.name = "epoll-edge-loop",
		.title = "edge-triggered, accept() until EAGAIN",
		.truth = "With a non-blocking listener and accept() in a loop "
			 "until it fails with EAGAIN nobody is left.",
		.notice = "Three accept() calls and one more.",
		.run = epoll_edge_loop,
		.expect = epoll_edge_loop_expect,
		.control = { .what = "level-triggered, one accept() a wakeup" },
	},
	{
		.name = "close-listener",
		.title = "a listener is closed while three wait",
		.textbook = "Connections outlive the listener.",
		.truth = "Those that were accepted do. Those that wait in the "
			 "accept queue are reset: they are ESTABLISHED at the "
			 "client, and nobody will ever accept them.",
		.notice = "Three RSTs; the fourth connection, which was "
			  "accepted, goes on.",
		.run = close_listener,
		.expect = close_listener_expect,
		.control = { .what = "all were accepted" },
	},
	{}
};
