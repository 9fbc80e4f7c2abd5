// SPDX-License-Identifier: GPL-2.0
/* Queues: who waits at a listener, where, and who is turned away. */
#include "lab/clients.h"
#include "lab/end.h"
#include "lab/paths.h"
#include "lab/scenario.h"
#include "lab/stage.h"

#include <errno.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <string.h>

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

/* Two clients more than the queue has room for. */
static void backlog(struct stage *s, int asked)
{
	struct end *b = stage_end(s, B);

	end_listen(b, 2001, s->control ? asked + 3 : asked);
	clients_connect(s, asked + 1);
	end_seen_times(b, "queue", "completed", asked + 1);
	clients_begin(s, 2);
	end_seen(b, "queue", "SYN_dropped accept_queue_full");
}

static void backlog_two(struct stage *s)
{
	backlog(s, 2);
}

static void backlog_zero(struct stage *s)
{
	backlog(s, 0);
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

/* ------------------------------------------------ overflow */

static void overflow_syn(struct stage *s)
{
	struct end *a = stage_end(s, A), *b = stage_end(s, B);
	int fd = end_socket(a, 0);

	stage_sysctl(s, A, "net/ipv4/tcp_syn_retries", "1");
	end_listen(b, 2001, s->control ? 5 : 1);
	clients_connect(s, 2);
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

/* ------------------------------------------------ the listener goes */

static void close_listener(struct stage *s)
{
	struct end *a = stage_end(s, A), *b = stage_end(s, B);
	struct stage_conn c = stage_connect(s);
	int i;

	clients_connect(s, 3);
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
