// SPDX-License-Identifier: GPL-2.0
/* Reset: who sends a RST, and how a peer that is gone is noticed. */
#include "lab/end.h"
#include "lab/paths.h"
#include "lab/scenario.h"
#include "lab/stage.h"

#include <errno.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <signal.h>
#include <string.h>

/* ------------------------------------------------ nobody listens */

static void refused(struct stage *s)
{
	struct end *a = stage_end(s, A), *b = stage_end(s, B);
	int fd = end_socket(a, 0);

	if (s->control)
		end_listen(b, 2001, 5);
	end_connect(a, fd, b->ip, 2001);
	end_close(a, fd);
}

static const struct expect refused_expect[] = {
	IS(A, "state",
	   "CLOSE>SYN_SENT CALL_CONNECT, SYN_SENT>CLOSE RX_RST ECONNREFUSED"),
	HAS(A, "call", "connect ECONNREFUSED"),
	HAS(A, "segment", "sent SYN, received RST_ACK"),
	NEVER(B, "state", NULL),
	{}
};

/* ------------------------------------------------ kill -9 */

static void killed(struct stage *s)
{
	struct end *a = stage_end(s, A), *b = stage_end(s, B);
	struct stage_conn c = stage_connect(s);

	end_send(a, c.fd, "hello", 0);
	end_poll(b, c.child, POLLIN, -1);
	if (s->control)
		end_recv(b, c.child, 100, 0);
	end_kill(b);
	end_recv(a, c.fd, 100, 0);
	end_close(a, c.fd);
}

static const struct expect killed_expect[] = {
	IS(B, "state", "CLOSE>LISTEN CALL_LISTEN, LISTEN>CLOSE EXIT"),
	IS(B, "state", ACCEPTED ", ESTABLISHED>CLOSE EXIT"),
	HAS(B, "reset", "sent EXIT unread_data"),
	IS(A, "state", OPENS "ESTABLISHED>CLOSE RX_RST ECONNRESET"),
	HAS(A, "call", "recvfrom ECONNRESET"),
	{}
};

/* ------------------------------------------------ half open */

/* B is gone, and A does not know: the RST that would tell is lost. */
static void lose_peer(struct stage *s, struct stage_conn *c)
{
	static const struct rule lose = {
		.which = { .from = RULE_B, .kinds = PACKET_RST },
		.nth = 1,
		.action = RULE_DROP,
	};
	struct end *b = stage_end(s, B);
	int rule = stage_rule(s, &lose);

	*c = stage_connect(s);
	end_linger(b, c->child, 0);
	end_close(b, c->child);
	stage_rule_done(s, rule, 1);
}

static void half_open(struct stage *s)
{
	struct end *a = stage_end(s, A);
	struct stage_conn c;

	lose_peer(s, &c);
	end_send(a, c.fd, "anybody there?", 0);
	end_seen(a, "state", "ESTABLISHED>CLOSE");
	end_recv(a, c.fd, 100, 0);
	end_close(a, c.fd);
}

static const struct expect half_open_expect[] = {
	IS(A, "state", OPENS "ESTABLISHED>CLOSE RX_RST ECONNRESET"),
	HAS(A, "call", "sendto 14, recvfrom ECONNRESET"),
	HAS(A, "segment", "sent PSH_ACK 14, received RST"),
	IS(B, "state", "CLOSE>LISTEN CALL_LISTEN"),
	IS(B, "state", ACCEPTED ", ESTABLISHED>CLOSE CALL_CLOSE"),
	{}
};

/* ------------------------------------------------ nobody answers */

static const struct rule cut = { .action = RULE_DROP };

static void keepalive(struct stage *s)
{
	struct end *a = stage_end(s, A);
	struct stage_conn c = stage_connect(s);

	end_set(a, c.fd, IPPROTO_TCP, TCP_KEEPIDLE, 1);
	end_set(a, c.fd, IPPROTO_TCP, TCP_KEEPINTVL, 1);
	end_set(a, c.fd, IPPROTO_TCP, TCP_KEEPCNT, 2);
	end_set(a, c.fd, SOL_SOCKET, SO_KEEPALIVE, 1);
	stage_rule(s, &cut);
	end_recv(a, c.fd, 100, 0);
	end_close(a, c.fd);
}

static const struct expect keepalive_expect[] = {
	IS(A, "state", OPENS "ESTABLISHED>CLOSE TIMER_KEEPALIVE ETIMEDOUT"),
	HAS(A, "call", "setsockopt SO_KEEPALIVE 0, recvfrom ETIMEDOUT"),
	NEVER(B, "state", "ESTABLISHED>"),
	{}
};

static void user_timeout(struct stage *s)
{
	struct end *a = stage_end(s, A);
	struct stage_conn c;

	stage_sysctl(s, A, "net/ipv4/tcp_early_retrans", "0");
	c = stage_connect(s);
	end_set(a, c.fd, IPPROTO_TCP, TCP_USER_TIMEOUT, 1000);
	stage_rule(s, &cut);
	end_send(a, c.fd, "anybody there?", 0);
	end_recv(a, c.fd, 100, 0);
	end_close(a, c.fd);
}

static const struct expect user_timeout_expect[] = {
	IS(A, "state", OPENS "ESTABLISHED>CLOSE TIMER_RETRANSMIT ETIMEDOUT"),
	HAS(A, "retransmit", "RTO 1"),
	HAS(A, "call", "sendto 14, recvfrom ETIMEDOUT"),
	NEVER(B, "state", "ESTABLISHED>"),
	{}
};

/* ------------------------------------------------ SIGPIPE */

static volatile sig_atomic_t pipes;

static void on_pipe(int sig)
{
	(void)sig;
	pipes++;
}

static int count_pipes(struct end *me, int ignore)
{
	(void)me;
	signal(SIGPIPE, ignore ? SIG_IGN : on_pipe);
	return 0;
}

static int pipes_so_far(struct end *me, int arg)
{
	(void)me;
	(void)arg;
	return pipes;
}

static void sigpipe(struct stage *s)
{
	struct end *a = stage_end(s, A), *b = stage_end(s, B);
	struct stage_conn c = stage_connect(s);

	end_do(a, count_pipes, s->control);
	end_close(b, c.child);
	end_recv(a, c.fd, 100, 0);
	end_send(a, c.fd, "one", 0);
	end_seen(a, "state", "CLOSE_WAIT>CLOSE");
	end_send(a, c.fd, "two", 0);
	stage_fact(s, A, "signals: %d", end_do(a, pipes_so_far, 0));
	end_send(a, c.fd, "three", MSG_NOSIGNAL);
	stage_fact(s, A, "signals: %d", end_do(a, pipes_so_far, 0));
	end_close(a, c.fd);
}

static const struct expect sigpipe_expect[] = {
	IS(A, "fact", "signals: 1, signals: 1"),
	HAS(A, "call", "recvfrom 0, sendto 3, sendto EPIPE, sendto EPIPE"),
	HAS(A, "state",
	    "ESTABLISHED>CLOSE_WAIT RX_FIN, CLOSE_WAIT>CLOSE RX_RST EPIPE"),
	{}
};

/* ------------------------------------------------ what poll() says */

static void say_poll(struct stage *s, int revents)
{
	static const struct {
		short bit;
		const char *name;
	} bits[] = { { POLLIN, "IN" },
		     { POLLRDHUP, "RDHUP" },
		     { POLLERR, "ERR" },
		     { POLLHUP, "HUP" } };
	char text[64] = "";
	unsigned int i;

	for (i = 0; i < sizeof(bits) / sizeof(*bits); i++)
		if (revents & bits[i].bit)
			snprintf(text + strlen(text),
				 sizeof(text) - strlen(text), " %s",
				 bits[i].name);
	stage_fact(s, A, "poll%s", text);
}

static void poll_end(struct stage *s)
{
	struct end *a = stage_end(s, A), *b = stage_end(s, B);
	struct stage_conn c = stage_connect(s);

	if (s->control)
		end_linger(b, c.child, 0);
	end_close(b, c.child);
	say_poll(s, end_poll(a, c.fd, POLLIN | POLLRDHUP, -1));
	stage_fact(s, A, "recv %d", end_recv(a, c.fd, 100, 0));
	end_close(a, c.fd);
	if (!s->control)
		end_seen(a, "state", "LAST_ACK>CLOSE");
}

static const struct expect poll_end_expect[] = {
	IS(A, "fact", "poll IN RDHUP, recv 0"),
	HAS(A, "state",
	    "ESTABLISHED>CLOSE_WAIT RX_FIN, CLOSE_WAIT>LAST_ACK CALL_CLOSE"),
	{}
};

static void poll_reset(struct stage *s)
{
	struct end *a = stage_end(s, A), *b = stage_end(s, B);
	struct stage_conn c = stage_connect(s);

	if (!s->control)
		end_linger(b, c.child, 0);
	end_close(b, c.child);
	say_poll(s, end_poll(a, c.fd, POLLIN | POLLRDHUP, -1));
	stage_fact(s, A, "error %s",
		   strerrorname_np(end_get(a, c.fd, SOL_SOCKET, SO_ERROR)));
	end_close(a, c.fd);
}

static const struct expect poll_reset_expect[] = {
	IS(A, "fact", "poll IN RDHUP ERR HUP, error ECONNRESET"),
	IS(A, "state", OPENS "ESTABLISHED>CLOSE RX_RST ECONNRESET"),
	{}
};

const struct scenario scenarios_reset[] = {
	{
		.name = "refused",
		.title = "nobody listens at that port",
		.textbook = "The connection is refused.",
		.truth = "By the kernel of the other host: no process and no "
			 "socket there has anything to do with it. A RST is "
			 "sent because there is no socket.",
		.notice = "B has no change of state at all.",
		.run = refused,
		.expect = refused_expect,
		.control = { .what = "there is a listener" },
	},
	{
		.name = "killed",
		.title = "a process is killed that has unread data",
		.textbook = "The kernel of a process that dies sends a FIN.",
		.truth = "It closes each socket as close() would: with a FIN, or "
			 "with a RST where there is unread data.",
		.notice = "The cause is EXIT; the peer's recv() fails with "
			  "ECONNRESET.",
		.run = killed,
		.expect = killed_expect,
		.control = { .what = "the data was read" },
	},
	{
		.name = "half-open",
		.title = "the peer has crashed, and comes back without memory",
		.textbook = "A connection of which one end is gone is half "
			    "open; the next send() fails.",
		.truth = "The next send() succeeds: it only fills a buffer. "
			 "What it sends is answered by a RST, and that is "
			 "told to the call after it.",
		.notice = "ESTABLISHED at A stays until the RST comes.",
		.run = half_open,
		.expect = half_open_expect,
		.control = { .what = "the RST of the crash is not lost",
			     .no_rules = true },
		.place = PLACE_WIRE,
	},
	{
		.name = "keepalive",
		.title = "the peer is gone, and nobody sends",
		.textbook = "TCP notices it when a peer is gone.",
		.truth = "Without data it never does, unless SO_KEEPALIVE is "
			 "set: then after TCP_KEEPIDLE (two hours, here 1 s) a "
			 "probe is sent, TCP_KEEPCNT (9, here 2) times.",
		.notice = "recv() fails with ETIMEDOUT; the probes have no data "
			  "and a sequence number that is known already.",
		.run = keepalive,
		.expect = keepalive_expect,
		.control = { .what = "the peer is there", .no_rules = true },
		.place = PLACE_WIRE,
	},
	{
		.name = "user-timeout",
		.title = "the peer is gone, and there is data for it",
		.truth = "The data is sent again after 0.2 s, 0.4 s and so on, "
			 "for some 15 minutes (tcp_retries2), or until "
			 "TCP_USER_TIMEOUT, here 1 s.",
		.notice = "It is a retransmission's timer that notices: the end "
			  "comes with the first one after the second. The more "
			  "time a round trip takes the fewer there are.",
		.run = user_timeout,
		.expect = user_timeout_expect,
		.control = { .what = "the peer is there", .no_rules = true },
		.place = PLACE_WIRE,
	},
	{
		.name = "sigpipe",
		.title = "writing to a connection that was reset",
		.textbook = "Writing to a closed connection raises SIGPIPE.",
		.truth = "The second write does. The first succeeds, and is "
			 "answered by a RST. MSG_NOSIGNAL leaves EPIPE, "
			 "without the signal.",
		.notice = "Three send() calls: 3, EPIPE, EPIPE; one signal.",
		.run = sigpipe,
		.expect = sigpipe_expect,
		.control = { .what = "SIGPIPE is ignored" },
	},
	{
		.name = "poll-end",
		.title = "how poll() tells that the peer has closed",
		.textbook = "select() and poll() report a disconnect.",
		.truth = "They say that the socket is readable; what there is "
			 "to read is 0, the end. POLLRDHUP says so directly, "
			 "if it is asked for.",
		.notice = "POLLHUP is not set: this end can still send.",
		.run = poll_end,
		.expect = poll_end_expect,
		.control = { .what = "a RST instead of the FIN" },
	},
	{
		.name = "poll-reset",
		.title = "how poll() tells of a RST",
		.truth = "Everything at once: readable, the peer's end, hung up, "
			 "and an error that SO_ERROR names, once.",
		.notice = "ECONNRESET by getsockopt(), which takes it away.",
		.run = poll_reset,
		.expect = poll_reset_expect,
		.control = { .what = "a FIN instead of the RST" },
	},
	{}
};
