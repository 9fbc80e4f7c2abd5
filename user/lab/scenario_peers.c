// SPDX-License-Identifier: GPL-2.0
/* Peers: two that connect to each other, with no listener. */
#include "lab/chat.h"
#include "lab/end.h"
#include "lab/paths.h"
#include "lab/scenario.h"
#include "lab/stage.h"

#include <arpa/inet.h>
#include <errno.h>
#include <string.h>
#include <unistd.h>

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
	stage_hang_up_both(s, fd);
}

static const struct expect simultaneous_open_expect[] = {
	IS(BOTH, "state", SIMULTANEOUS),
	HAS(BOTH, "call", "bind 0, connect 0"),
	NEVER(BOTH, "call", "(listen|accept4)"),
	IS(BOTH, "fact", "received hello"),
	NEVER(BOTH, "reset", NULL),
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

/* ------------------------------------------------ a chat */

/* A's first attempt is refused; its second one waits for B's first. */
static void chat_of_two(struct stage *s)
{
	static const struct rule hold = {
		.which = { .kinds = PACKET_SYN },
		.nth = 2,
		.to = RULE_EVER,
		.action = RULE_HOLD,
	};
	struct end *a = stage_end(s, A), *b = stage_end(s, B);
	int rule = stage_rule(s, &hold);

	end_do(end_begin(a), chat, 0);
	stage_rule_done(s, rule, 1);
	if (s->control) {
		end_listen(b, CHAT_PORT, 5);
		stage_release(s, rule);
		end_seen(b, "state", "SYN_RECV>ESTABLISHED");
		return;
	}
	end_do(end_begin(b), chat, 1);
	end_seen(b, "segment", "sent SYN"); /* before it could answer A's */
	stage_rule_done(s, rule, 2);
	stage_release(s, rule);
	end_finish(b);
	end_finish(a);
	end_seen(a, "state", "LAST_ACK>CLOSE");
	end_seen(b, "state", "FIN_WAIT2>TIME_WAIT");
	chat_tell(s);
}

#define MEETS                                \
	"CLOSE>SYN_SENT CALL_CONNECT, "      \
	"SYN_SENT>SYN_RECV RX_SYN crossed, " \
	"SYN_RECV>ESTABLISHED (RX_SYN_ACK|RX_ACK) full, "

static const struct expect chat_expect[] = {
	IS(A, "state",
	   "CLOSE>SYN_SENT CALL_CONNECT, SYN_SENT>CLOSE RX_RST ECONNREFUSED"),
	IS(A, "state",
	   MEETS "ESTABLISHED>CLOSE_WAIT RX_FIN, "
		 "CLOSE_WAIT>LAST_ACK CALL_SHUTDOWN, LAST_ACK>CLOSE RX_ACK"),
	IS(B, "state",
	   MEETS "ESTABLISHED>FIN_WAIT1 CALL_SHUTDOWN, "
		 "FIN_WAIT1>FIN_WAIT2 RX_ACK, FIN_WAIT2>TIME_WAIT RX_FIN"),
	NEVER(BOTH, "call", "(listen|accept4)"),
	HAS(B, "call", "bind 0, connect EINPROGRESS, sendto 19, recvfrom 17"),
	HAS(A, "call", "recvfrom 19, sendto 17, recvfrom 27, sendto 24"),
	IS(A, "fact",
	   "read: Who listens there\\?, read: Nor do I: we both connect\\."),
	IS(B, "fact",
	   "read: nobody\\. And you\\?, read: That makes two clients\\."),
	{}
};

const struct scenario scenarios_peers[] = {
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
		.name = "chat",
		.title = "two peers chat, and each is client and server",
		.textbook = "In a peer-to-peer program one of the two has to "
			    "be the server.",
		.truth = "Both bind port 8000, and connect until one attempt "
			 "crosses one of the other: then neither is a server. "
			 "From there on TCP has two ends that can do the same: "
			 "each sends when it likes, and each ends its own "
			 "direction, here by \"quit\".",
		.notice = "Each line that is typed is one send(), one segment, "
			  "and one recv(). \"quit\" is never sent: it is the "
			  "FIN. tcbpeer is a program that does this.",
		.run = chat_of_two,
		.expect = chat_expect,
		.control = { .what = "the second one listens" },
		.place = PLACE_WIRE,
		.comm = { "peer", "peer" },
		.racy = true,
	},
	{}
};
