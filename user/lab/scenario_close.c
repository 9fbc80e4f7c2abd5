// SPDX-License-Identifier: GPL-2.0
/* Close: who sends which FIN, and when. */
#include "lab/end.h"
#include "lab/paths.h"
#include "lab/scenario.h"
#include "lab/stage.h"

#include <netinet/tcp.h>
#include <poll.h>

#define LISTENER IS(B, "state", "CLOSE>LISTEN CALL_LISTEN")

/* ------------------------------------------------ one after the other */

static void normal(struct stage *s)
{
	struct end *a = stage_end(s, A), *b = stage_end(s, B);
	struct stage_conn c = stage_connect(s);

	if (s->control)
		end_linger(a, c.fd, 0);
	end_close(a, c.fd);
	end_recv(b, c.child, 100, 0);
	if (!s->control)
		end_seen(a, "state", "FIN_WAIT1>FIN_WAIT2");
	end_close(b, c.child);
	end_seen(b, "state", "(LAST_ACK|ESTABLISHED)>CLOSE");
}

static const struct expect normal_expect[] = {
	IS(A, "state",
	   OPENS "ESTABLISHED>FIN_WAIT1 CALL_CLOSE, "
		 "FIN_WAIT1>FIN_WAIT2 RX_ACK, "
		 "FIN_WAIT2>TIME_WAIT "
		 /* the last if the ACK comes while close() has the socket */
		 "((RX_ACK|CALL_CLOSE) as FIN_WAIT2|RX_FIN)"),
	LISTENER,
	IS(B, "state",
	   ACCEPTED ", ESTABLISHED>CLOSE_WAIT RX_FIN, "
		    "CLOSE_WAIT>LAST_ACK CALL_CLOSE, LAST_ACK>CLOSE RX_ACK"),
	HAS(A, "segment",
	    "sent FIN_ACK, received ACK, received FIN_ACK, sent ACK"),
	HAS(B, "call", "recvfrom 0, close 0"),
	{}
};

/* ------------------------------------------------ FIN with the last data */

static void fin_with_data(struct stage *s)
{
	struct end *a = stage_end(s, A), *b = stage_end(s, B);
	struct stage_conn c = stage_connect(s);

	if (!s->control)
		end_set(a, c.fd, IPPROTO_TCP, TCP_CORK, 1);
	end_send(a, c.fd, "hello", 0);
	if (s->control)
		end_recv(b, c.child, 100, 0);
	end_close(a, c.fd);
	end_drain(b, c.child, 0);
	end_close(b, c.child);
	end_seen(b, "state", "LAST_ACK>CLOSE");
}

static const struct expect fin_with_data_expect[] = {
	HAS(A, "segment", "sent FIN_PSH_ACK 5"),
	HAS(B, "segment", "received FIN_PSH_ACK 5"),
	HAS(B, "call", "recvfrom 5, recvfrom 0"),
	HAS(A, "state", "ESTABLISHED>FIN_WAIT1 CALL_CLOSE"),
	{}
};

/* ------------------------------------------------ FIN and ACK in one */

static void fin_and_ack(struct stage *s)
{
	static const struct rule lose = {
		.which = { .from = RULE_B, .kinds = PACKET_ACK },
		.nth = 1,
		.action = RULE_DROP,
	};
	struct end *a = stage_end(s, A), *b = stage_end(s, B);
	struct stage_conn c;
	int rule;

	stage_patient(s, A);
	c = stage_connect(s);
	rule = stage_rule(s, &lose);
	end_close(a, c.fd);
	end_recv(b, c.child, 100, 0);
	stage_rule_done(s, rule, 1);
	if (s->control) /* else B's FIN may still take the ACK along */
		end_seen(a, "state", "FIN_WAIT1>FIN_WAIT2");
	end_close(b, c.child);
	end_seen(b, "state", "LAST_ACK>CLOSE");
}

static const struct expect fin_and_ack_expect[] = {
	IS(A, "state",
	   OPENS "ESTABLISHED>FIN_WAIT1 CALL_CLOSE, "
		 "FIN_WAIT1>FIN_WAIT2 RX_ACK, FIN_WAIT2>TIME_WAIT RX_FIN"),
	HAS(A, "segment", "sent FIN_ACK, received FIN_ACK, sent ACK"),
	NEVER(A, "retransmit", NULL),
	LISTENER,
	IS(B, "state", ACCEPTED ", " CLOSES_LAST),
	{}
};

/* ------------------------------------------------ both at once */

static void simultaneous(struct stage *s)
{
	struct end *a = stage_end(s, A), *b = stage_end(s, B);
	struct stage_conn c;

	stage_patient(s, BOTH);
	c = stage_connect(s);
	stage_hold(s, BOTH);
	end_close(a, c.fd);
	end_seen(a, "state", "ESTABLISHED>FIN_WAIT1");
	end_close(b, c.child);
	stage_held(s, BOTH);
	stage_let_go(s, BOTH);
	end_seen(a, "state", "(FIN_WAIT2|CLOSING)>TIME_WAIT");
	end_seen(b, "state", "(LAST_ACK|CLOSING)>(CLOSE|TIME_WAIT)");
}

#define CROSSED                                                \
	"ESTABLISHED>FIN_WAIT1 CALL_CLOSE, FIN_WAIT1>CLOSING " \
	"RX_FIN simultaneous_close, CLOSING>TIME_WAIT RX_ACK"

static const struct expect simultaneous_expect[] = {
	IS(A, "state", OPENS CROSSED),
	LISTENER,
	IS(B, "state", ACCEPTED ", " CROSSED),
	HAS(BOTH, "segment",
	    "sent FIN_ACK, received FIN_ACK, sent ACK, received ACK"),
	NEVER(BOTH, "retransmit", NULL),
	{}
};

/* ------------------------------------------------ unread data, late data */

static void unread(struct stage *s)
{
	struct end *a = stage_end(s, A), *b = stage_end(s, B);
	struct stage_conn c = stage_connect(s);

	end_send(a, c.fd, "hello", 0);
	end_poll(b, c.child, POLLIN, -1);
	if (s->control)
		end_recv(b, c.child, 100, 0);
	end_close(b, c.child);
	end_recv(a, c.fd, 100, 0);
	end_send(a, c.fd, "more", MSG_NOSIGNAL);
	end_close(a, c.fd);
}

static const struct expect unread_expect[] = {
	HAS(B, "reset", "sent CALL_CLOSE unread_data"),
	LISTENER,
	IS(B, "state", ACCEPTED ", ESTABLISHED>CLOSE CALL_CLOSE"),
	IS(A, "state", OPENS "ESTABLISHED>CLOSE RX_RST ECONNRESET"),
	HAS(A, "call", "recvfrom ECONNRESET, sendto EPIPE"),
	NEVER(BOTH, "state", "ESTABLISHED>FIN_WAIT1"),
	{}
};

static void late_data(struct stage *s)
{
	struct end *a = stage_end(s, A), *b = stage_end(s, B);
	struct stage_conn c = stage_connect(s);

	if (s->control)
		end_shutdown(b, c.child, SHUT_WR);
	else
		end_close(b, c.child);
	end_recv(a, c.fd, 100, 0);
	stage_fact(s, A, "send takes %d", end_send(a, c.fd, "hello", 0));
	if (!s->control)
		end_seen(a, "state", "CLOSE_WAIT>CLOSE");
	end_close(a, c.fd);
}

static const struct expect late_data_expect[] = {
	IS(A, "fact", "send takes 5"),
	HAS(A, "call", "recvfrom 0, sendto 5"),
	HAS(A, "state",
	    "ESTABLISHED>CLOSE_WAIT RX_FIN, CLOSE_WAIT>CLOSE RX_RST EPIPE"),
	HAS(B, "reset", "sent"),
	{}
};

/* ------------------------------------------------ closed before it is open */

static void in_syn_sent(struct stage *s)
{
	struct end *a = stage_end(s, A), *b = stage_end(s, B);
	int fd = end_socket(a, SOCK_NONBLOCK);

	stage_hold(s, A);
	end_connect(a, fd, b->ip, 2001);
	end_seen(a, "state", "CLOSE>SYN_SENT");
	end_close(a, fd);
	end_seen(a, "state", "SYN_SENT>CLOSE");
}

static const struct expect in_syn_sent_expect[] = {
	IS(A, "state",
	   "CLOSE>SYN_SENT CALL_CONNECT, SYN_SENT>CLOSE CALL_CLOSE"),
	HAS(A, "call", "connect EINPROGRESS, close 0"),
	NEVER(A, "segment", "sent .*(FIN|RST)"),
	{}
};

static void in_syn_recv(struct stage *s)
{
	struct end *end[2] = { stage_end(s, A), stage_end(s, B) };
	int fd[2], i;

	stage_hold(s, BOTH);
	for (i = 0; i < 2; i++) {
		fd[i] = end_socket(end[i], SOCK_NONBLOCK);
		end_bind(end[i], fd[i], end[i]->ip, 2000 + i);
		end_connect(end[i], fd[i], end[!i]->ip, 2001 - i);
	}
	stage_held(s, BOTH);
	stage_let_go(s, B);
	end_seen(end[0], "state", "SYN_SENT>SYN_RECV");
	end_close(end[0], fd[0]);
	stage_let_go(s, A);
	end_poll(end[1], fd[1], POLLIN, -1);
	end_recv(end[1], fd[1], 100, 0);
	end_close(end[1], fd[1]);
	end_seen(end[1], "state", "LAST_ACK>CLOSE");
}

static const struct expect in_syn_recv_expect[] = {
	HAS(A, "state",
	    "SYN_SENT>SYN_RECV RX_SYN, SYN_RECV>FIN_WAIT1 CALL_CLOSE"),
	HAS(A, "segment", "sent SYN, received SYN, sent SYN_ACK, sent FIN_ACK"),
	HAS(B, "call", "recvfrom 0"),
	{}
};

/* ------------------------------------------------ all eleven */

static void all_states(struct stage *s)
{
	struct end *end[2] = { stage_end(s, A), stage_end(s, B) };
	struct stage_conn c;
	int fd[2], i;

	stage_hold(s, BOTH);
	for (i = 0; i < 2; i++) {
		fd[i] = end_socket(end[i], SOCK_NONBLOCK);
		end_bind(end[i], fd[i], end[i]->ip, 3000 + i);
		end_connect(end[i], fd[i], end[!i]->ip, 3001 - i);
	}
	stage_held(s, BOTH);
	stage_let_go(s, BOTH);
	for (i = 0; i < 2; i++)
		end_seen(end[i], "segment", "received (SYN_)?ACK");
	for (i = 0; i < 2; i++)
		end_seen(end[i], "state", "SYN_RECV>ESTABLISHED");
	stage_hang_up_both(s, fd);
	c = stage_connect(s);
	end_close(end[0], c.fd);
	end_seen(end[0], "state", "FIN_WAIT1>FIN_WAIT2");
	end_drain(end[1], c.child, 0);
	end_close(end[1], c.child);
	end_seen(end[1], "state", "LAST_ACK>CLOSE");
}

static const struct expect all_states_expect[] = {
	IS(A, "state",
	   "CLOSE>SYN_SENT CALL_CONNECT, SYN_SENT>SYN_RECV RX_SYN, "
	   "SYN_RECV>ESTABLISHED, " CROSSED),
	IS(A, "state",
	   OPENS "ESTABLISHED>FIN_WAIT1 CALL_CLOSE, "
		 "FIN_WAIT1>FIN_WAIT2 RX_ACK, FIN_WAIT2>TIME_WAIT"),
	HAS(B, "state", "CLOSE>LISTEN CALL_LISTEN"),
	HAS(B, "state",
	    "ESTABLISHED>CLOSE_WAIT RX_FIN, CLOSE_WAIT>LAST_ACK CALL_CLOSE, "
	    "LAST_ACK>CLOSE RX_ACK"),
	{}
};

const struct scenario scenarios_close[] = {
	{
		.name = "normal-close",
		.title = "one end closes, then the other",
		.textbook = "Four segments: FIN, ACK, FIN, ACK.",
		.truth = "So it is, if the other end takes its time. close() "
			 "returns at once; the rest is done by the kernel. Who "
			 "closes first has TIME_WAIT afterwards, the other end "
			 "has nothing.",
		.notice = "recv() of the other end returns 0: that is the FIN. "
			  "FIN_WAIT2 of a socket that nobody holds is kept in "
			  "the small form of TIME_WAIT from the start.",
		.run = normal,
		.expect = normal_expect,
		.control = { .what = "SO_LINGER makes of the FIN a RST" },
	},
	{
		.name = "fin-with-data",
		.title = "the FIN travels with the last data",
		.textbook = "A FIN is a segment of its own.",
		.truth = "It is a flag. If data waits to be sent when close() "
			 "is called, the FIN goes with the last of it.",
		.notice = "One segment, FIN PSH ACK with 5 bytes; it moves the "
			  "sequence number by 6.",
		.run = fin_with_data,
		.expect = fin_with_data_expect,
		.control = { .what = "nothing waits: the data is sent at once" },
	},
	{
		.name = "fin-and-ack",
		.title = "FIN and its ACK come in one segment",
		.textbook = "From FIN_WAIT1 a FIN with the ACK of one's own FIN "
			    "leads directly to TIME_WAIT.",
		.truth = "Linux first looks at the ACK, then at the FIN, of the "
			 "same segment: FIN_WAIT2 lasts some microseconds, but "
			 "it is there.",
		.notice = "Three segments close the connection; two changes of "
			  "state have the same segment as their cause.",
		.run = fin_and_ack,
		.expect = fin_and_ack_expect,
		.control = { .what = "the ACK of its own gets through",
			     .no_rules = true },
		.place = PLACE_WIRE,
	},
	{
		.name = "simultaneous-close",
		.title = "both ends close before they hear of each other",
		.textbook = "One end closes actively, the other passively.",
		.truth = "If the FINs cross, both are active: both go through "
			 "CLOSING, and both have TIME_WAIT.",
		.notice = "Neither LAST_ACK nor CLOSE_WAIT nor FIN_WAIT2.",
		.run = simultaneous,
		.expect = simultaneous_expect,
		.control = { .what = "the gate is open, so one FIN is first",
			     .gate_open = true },
		.racy = true,
	},
	{
		.name = "close-unread",
		.title = "close() with unread data sends a RST",
		.textbook = "close() sends a FIN.",
		.truth = "Not if data has come that was not read: the peer "
			 "must learn that it is lost (RFC 2525, 2.17), so it "
			 "gets a RST. Nobody has TIME_WAIT.",
		.notice = "The peer's recv() fails with ECONNRESET, its next "
			  "send() with EPIPE.",
		.run = unread,
		.expect = unread_expect,
		.control = { .what = "the data is read" },
	},
	{
		.name = "data-after-close",
		.title = "data for a socket that is closed",
		.truth = "A FIN only says that its sender sends no more. The "
			 "first send() after it succeeds; but nobody can "
			 "read that any more, so a RST comes back.",
		.notice = "send() returns 5, then the socket goes from "
			  "CLOSE_WAIT to CLOSE.",
		.run = late_data,
		.expect = late_data_expect,
		.control = { .what = "shutdown() instead of close()" },
	},
	{
		.name = "close-in-syn-sent",
		.title = "close() before there is an answer",
		.textbook = "close() sends a FIN.",
		.truth = "Only from ESTABLISHED, SYN_RECV and CLOSE_WAIT. "
			 "In SYN_SENT there is nothing to end: the socket is "
			 "gone without a segment.",
		.notice = "The peer's SYN+ACK, should it come, gets a RST.",
		.run = in_syn_sent,
		.expect = in_syn_sent_expect,
		.control = { .what = "the SYN is not held: a RST is first",
			     .gate_open = true },
	},
	{
		.name = "close-in-syn-recv",
		.title = "close() between SYN and ACK",
		.truth = "From SYN_RECV a FIN is sent, though the connection "
			 "was never open here.",
		.notice = "SYN_RECV -> FIN_WAIT1, and the peer reads 0.",
		.run = in_syn_recv,
		.expect = in_syn_recv_expect,
		.control = { .what = "the gate is open: it is ESTABLISHED first",
			     .gate_open = true },
	},
	{
		.name = "all-states",
		.title = "a tour through all eleven states",
		.textbook = "CLOSED, LISTEN, SYN_SENT, SYN_RECEIVED, "
			    "ESTABLISHED, FIN_WAIT_1, FIN_WAIT_2, CLOSE_WAIT, "
			    "CLOSING, LAST_ACK, TIME_WAIT.",
		.truth = "Two connections go through all of them: one that is "
			 "opened and closed by both ends at once, and one that "
			 "has a server and a client.",
		.notice = "The diagram shows the way of each end.",
		.run = all_states,
		.expect = all_states_expect,
		.control = { .what = "the gate is open: nothing crosses",
			     .gate_open = true },
		.racy = true,
	},
	{}
};
