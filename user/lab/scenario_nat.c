// SPDX-License-Identifier: GPL-2.0
/* NAT: two hosts without a listener find to each other, or cannot. */
#include "lab/end.h"
#include "lab/paths.h"
#include "lab/nat.h"
#include "lab/netns.h"
#include "lab/scenario.h"
#include "lab/stage.h"

#include <arpa/inet.h>
#include <errno.h>
#include <poll.h>
#include <unistd.h>

/* Of A and B, as the other one sees them: these are the NATs'. */
#define OUTSIDE_A "203.0.113.2"
#define OUTSIDE_B "203.0.114.2"

#define CONNECT "CLOSE>SYN_SENT CALL_CONNECT, "
#define ASKED "SYN_SENT>ESTABLISHED RX_SYN_ACK, ESTABLISHED>CLOSE CALL_CLOSE"
#define CROSSED \
	"SYN_SENT>SYN_RECV RX_SYN crossed, SYN_RECV>ESTABLISHED RX_(SYN_)?ACK, "
#define CLOSES_FIRST CLOSES " RX_(ACK|FIN)"

static int nat_socket(struct end *e, uint16_t port, int flags)
{
	int fd = end_socket(e, flags);

	end_set(e, fd, SOL_SOCKET, SO_REUSEADDR, 1);
	end_bind(e, fd, e->ip, port);
	return fd;
}

/* In the middle: a listener at the port *@arg. */
static int nat_listen(void *arg)
{
	const struct sockaddr_in at = {
		.sin_family = AF_INET,
		.sin_port = htons(*(const uint16_t *)arg),
	};
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	const int one = 1;

	if (fd < 0)
		return -errno;
	if (!setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &one, sizeof(one)) &&
	    !bind(fd, (const struct sockaddr *)&at, sizeof(at)) &&
	    !listen(fd, 1))
		return fd;
	close(fd);
	return -EADDRINUSE;
}

/* From what port does one come that connects from @port to the middle? */
static uint16_t nat_outside(struct stage *s, struct end *e, uint16_t port,
			    uint16_t to)
{
	int listener = netns_call(s->nat.middle, nat_listen, &to), fd, child;
	struct sockaddr_in from = {};
	socklen_t len = sizeof(from);

	if (listener < 0) {
		stage_fail(s, "no listener in the middle");
		return 0;
	}
	fd = nat_socket(e, port, 0);
	end_connect(e, fd, NAT_RENDEZVOUS, to);
	child = stage_failed(s) ? -1 : accept(listener, (void *)&from, &len);
	end_linger(e, fd, 0); /* by a reset: the port is free again */
	end_close(e, fd);
	if (child >= 0)
		close(child);
	close(listener);
	return ntohs(from.sin_port);
}

/* What the host in the middle tells both; returns it for the other one. */
static uint16_t nat_tell(struct stage *s, int side, uint16_t port)
{
	struct end *e = stage_end(s, side);
	uint16_t one = nat_outside(s, e, port, 7000);
	uint16_t two = nat_outside(s, e, port, 7001);

	stage_say(s,
		  "%c    comes from port %u, and from port %u to another one",
		  '@' + side, one, two);
	stage_fact(s, side,
		   one == port && two == port ? "keeps its port" :
		   one == two		      ? "has one port outside" :
						"has a port for each");
	return one;
}

/* A line each way; then A closes first. */
static void nat_talk(struct stage *s, const int fd[2])
{
	struct end *end[2] = { stage_end(s, A), stage_end(s, B) };
	int i;

	for (i = 0; i < 2; i++)
		end_send(end[i], fd[i], "hello", 0);
	for (i = 0; i < 2; i++) {
		end_poll(end[i], fd[i], POLLIN, 1000);
		end_recv(end[i], fd[i], 100, 0);
		stage_fact(s, A + i, "received %s", end[i]->data);
	}
	end_close(end[0], fd[0]);
	end_seen(end[1], "state", "ESTABLISHED>CLOSE_WAIT");
	end_close(end[1], fd[1]);
	end_seen(end[0], "state", "FIN_WAIT2>TIME_WAIT");
	end_seen(end[1], "state", "LAST_ACK>CLOSE");
}

static const struct rule nat_hold_syns = {
	.which.kinds = PACKET_SYN,
	.action = RULE_HOLD,
};

static const struct rule nat_see_syns = {
	.which.kinds = PACKET_SYN,
	.action = RULE_SEE,
};

/* ------------------------------------------------ nat-preserving */

static void nat_preserving(struct stage *s)
{
	struct end *a = stage_end(s, A), *b = stage_end(s, B);
	int fd[2], rule;

	stage_nat(s, BOTH, NAT_PRESERVING, NAT_RESET);
	nat_tell(s, A, 2000);
	nat_tell(s, B, 2001);
	rule = stage_rule(s, &nat_hold_syns);
	fd[0] = nat_socket(a, 2000, 0);
	fd[1] = nat_socket(b, 2001, 0);
	end_connect(end_begin(a), fd[0], OUTSIDE_B, 2001);
	stage_rule_done(s, rule, 1);
	if (s->control)
		end_finish(a);
	end_connect(end_begin(b), fd[1], OUTSIDE_A, 2000);
	stage_rule_done(s, rule, 2);
	stage_release(s, rule);
	if (!s->control)
		end_finish(a);
	end_finish(b);
	nat_talk(s, fd);
}

static const struct expect nat_preserving_expect[] = {
	IS(BOTH, "state", CONNECT ASKED, .least = 2),
	IS(A, "state", CONNECT CROSSED CLOSES_FIRST),
	IS(B, "state", CONNECT CROSSED CLOSES_LAST),
	NEVER(BOTH, "call", "(listen|accept4)"),
	IS(BOTH, "fact", "keeps its port, received hello"),
	NEVER(BOTH, "reset", "received.*"),
	{}
};

/* ------------------------------------------------ nat-drop */

static void nat_drop(struct stage *s)
{
	struct end *a = stage_end(s, A), *b = stage_end(s, B);
	int fd[2], rule;

	stage_nat(s, A, NAT_PRESERVING,
		  s->control ? NAT_CLOSED_RESET : NAT_DROP);
	stage_nat(s, B, NAT_PRESERVING, NAT_DROP);
	rule = stage_rule(s, &nat_see_syns);
	fd[0] = nat_socket(a, 2000, 0);
	fd[1] = nat_socket(b, 2001, 0);
	end_connect(end_begin(a), fd[0], OUTSIDE_B, 2001);
	stage_rule_done(s, rule, 1);
	end_connect(end_begin(b), fd[1], OUTSIDE_A, 2000);
	end_finish(a);
	end_finish(b);
	nat_talk(s, fd);
}

static const struct expect nat_drop_expect[] = {
	IS(A, "state", CONNECT CROSSED CLOSES_FIRST),
	IS(B, "state", CONNECT "SYN_SENT>ESTABLISHED RX_SYN_ACK, " CLOSES_LAST),
	NEVER(BOTH, "call", "(listen|accept4)"),
	IS(BOTH, "fact", "received hello"),
	{}
};

/* ------------------------------------------------ nat-reset */

static void nat_reset(struct stage *s)
{
	struct end *a = stage_end(s, A), *b = stage_end(s, B);
	int fd[2], rule;

	stage_nat(s, BOTH, NAT_PRESERVING, NAT_RESET);
	rule = stage_rule(s, &nat_see_syns);
	fd[0] = nat_socket(a, 2000, 0);
	end_connect(a, fd[0], OUTSIDE_B, 2001);
	end_close(a, fd[0]);

	fd[0] = nat_socket(a, 2000, SOCK_NONBLOCK);
	fd[1] = nat_socket(b, 2001, 0);
	/* It is not to hear of the router where its SYN ends. */
	end_set(a, fd[0], IPPROTO_IP, IP_MINTTL, 2);
	end_set(a, fd[0], IPPROTO_IP, IP_TTL, s->control ? 64 : 2);
	end_connect(a, fd[0], OUTSIDE_B, 2001);
	end_set(a, fd[0], IPPROTO_IP, IP_TTL, 64);
	stage_rule_done(s, rule, 2);
	end_connect(b, fd[1], OUTSIDE_A, 2000);
	end_poll(a, fd[0], POLLOUT, 1000);
	nat_talk(s, fd);
}

static const struct expect nat_reset_expect[] = {
	IS(A, "state", CONNECT "SYN_SENT>CLOSE RX_RST ECONNREFUSED"),
	IS(A, "state", CONNECT CROSSED CLOSES_FIRST),
	IS(B, "state", CONNECT "SYN_SENT>ESTABLISHED RX_SYN_ACK, " CLOSES_LAST),
	HAS(A, "call",
	    "setsockopt 0, setsockopt 0, connect EINPROGRESS, setsockopt 0"),
	IS(BOTH, "fact", "received hello"),
	{}
};

/* ------------------------------------------------ nat-symmetric */

static void nat_symmetric(struct stage *s)
{
	struct end *a = stage_end(s, A), *b = stage_end(s, B);
	uint16_t told[2];
	int fd[2], rule;

	stage_nat(s, A, s->control ? NAT_PRESERVING : NAT_RANDOM, NAT_DROP);
	stage_nat(s, B, NAT_PRESERVING, NAT_DROP);
	told[0] = nat_tell(s, A, 2000);
	told[1] = nat_tell(s, B, 2001);
	rule = stage_rule(s, &nat_see_syns);
	fd[0] = nat_socket(a, 2000, SOCK_NONBLOCK);
	fd[1] = nat_socket(b, 2001, SOCK_NONBLOCK);
	end_connect(a, fd[0], OUTSIDE_B, told[1]);
	stage_rule_done(s, rule, 1);
	end_connect(b, fd[1], OUTSIDE_A, told[0]);
	stage_rule_done(s, rule, 2);
	/* The kernel tries again after a second; it is dropped as well. */
	end_poll(a, fd[0], POLLOUT, 1500);
	end_close(a, fd[0]);
	end_close(b, fd[1]);
}

static const struct expect nat_symmetric_expect[] = {
	IS(BOTH, "state", CONNECT ASKED, .least = 2),
	IS(BOTH, "state", CONNECT "SYN_SENT>CLOSE CALL_CLOSE"),
	IS(A, "fact", "has a port for each"),
	IS(B, "fact", "keeps its port"),
	HAS(A, "retransmit", "SYN.*"),
	{}
};

const struct scenario scenarios_nat[] = {
	{ .name = "nat-preserving",
	  .title = "two NATs let in what answers: both SYNs are under way",
	  .truth = "Neither host listens, and neither NAT lets anybody in. But "
		   "each SYN that goes out makes a way in for its answer, and "
		   "the other one's SYN looks like one: as many NATs do, these "
		   "keep the port, so that each knows where the other comes "
		   "from. A host in the middle has told them. Both NATs would "
		   "refuse a SYN that comes before their own has gone out.",
	  .notice = "Each end goes through SYN_RECV, as in a simultaneous open "
		    "without NATs. No segment is ever sent to the address that "
		    "the other end has given itself.",
	  .run = nat_preserving,
	  .expect = nat_preserving_expect,
	  .place = PLACE_NAT,
	  .needs = "tun nft",
	  .control = { "the first SYN is not held until the second is out",
		       .no_rules = true } },
	{ .name = "nat-drop",
	  .title = "a NAT drops the SYN that comes too early, and all is well",
	  .truth = "The first SYN is dropped before the other host has sent "
		   "any, but it has made a way back. The second one comes in by "
		   "it, and meets a socket in SYN_SENT.",
	  .notice = "Only one end sees a bare SYN: it goes through SYN_RECV. "
		    "The other one sees an open as any.",
	  .run = nat_drop,
	  .expect = nat_drop_expect,
	  .place = PLACE_NAT,
	  .needs = "tun nft",
	  .control = { .what = "the first host's NAT lets no SYN in at all" } },
	{ .name = "nat-reset",
	  .title = "a NAT refuses the SYN that comes too early: a shorter one",
	  .truth = "An RST for the first SYN ends the attempt, and closes the "
		   "way back in its own NAT. A second attempt lives for two "
		   "hops only: it makes the way back, but never gets to the NAT "
		   "that would refuse it. The other host's SYN then comes in.",
	  .notice = "The second socket waits in SYN_SENT without any answer, "
		    "until the other one's SYN comes.",
	  .run = nat_reset,
	  .expect = nat_reset_expect,
	  .place = PLACE_NAT,
	  .needs = "tun nft",
	  .control = { .what = "the second attempt goes as far as the first" } },
	{ .name = "nat-symmetric",
	  .title = "a NAT with a port for each destination cannot be met",
	  .truth = "The host in the middle sees the first host come from one "
		   "port, and from another one at a second port of its own. "
		   "What it tells the second host is worth nothing: its SYN "
		   "goes to a port that lets only the middle in, and the first "
		   "host's comes from one that nobody waits for.",
	  .notice = "Both stay in SYN_SENT, and repeat their SYN after a "
		    "second.",
	  .run = nat_symmetric,
	  .expect = nat_symmetric_expect,
	  .place = PLACE_NAT,
	  .needs = "tun nft",
	  .control = { .what = "that NAT keeps the port" } },
	{}
};
