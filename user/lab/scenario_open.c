// SPDX-License-Identifier: GPL-2.0
/* Open: who sends the first SYN, who answers, and what becomes of it. */
#include "lab/end.h"
#include "lab/scenario.h"
#include "lab/stage.h"

#include <netinet/tcp.h>

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
	{},
};
