// SPDX-License-Identifier: GPL-2.0
/* Shutdown: one direction ends, or one of two processes has had enough. */
#include "lab/end.h"
#include "lab/paths.h"
#include "lab/scenario.h"
#include "lab/stage.h"

#include <string.h>
#include <sys/socket.h>

/* ------------------------------------------------ half */

static void half(struct stage *s)
{
	struct end *a = stage_end(s, A), *b = stage_end(s, B);
	struct stage_conn c = stage_connect(s);

	if (s->control)
		end_close(a, c.fd);
	else
		end_shutdown(a, c.fd, SHUT_WR);
	end_recv(b, c.child, 100, 0); /* 0: no more will come */
	end_seen(a, "state", "FIN_WAIT1>FIN_WAIT2");
	end_send(a, c.fd, "more", MSG_NOSIGNAL);
	end_send_bytes(b, c.child, 1000, 0);
	stage_fact(s, A, "received %d", end_drain(a, c.fd, 1000));
	end_close(b, c.child);
	stage_fact(s, A, "then recv gives %d", end_recv(a, c.fd, 100, 0));
	end_close(a, c.fd);
	end_seen(b, "state", "(LAST_ACK|CLOSE_WAIT)>CLOSE");
}

static const struct expect half_expect[] = {
	IS(A, "state",
	   OPENS "ESTABLISHED>FIN_WAIT1 CALL_SHUTDOWN, "
		 "FIN_WAIT1>FIN_WAIT2 RX_ACK, FIN_WAIT2>TIME_WAIT RX_FIN"),
	HAS(A, "call", "shutdown WR 0, sendto EPIPE, recvfrom 1000"),
	IS(A, "fact", "received 1000, then recv gives 0"),
	IS(B, "state", "CLOSE>LISTEN CALL_LISTEN"),
	IS(B, "state", ACCEPTED ", " CLOSES_LAST),
	{}
};

/* ------------------------------------------------ SHUT_RD */

static void recv_now(struct stage *s, int fd)
{
	int n = end_recv(stage_end(s, A), fd, 100, MSG_DONTWAIT);

	if (n < 0)
		stage_fact(s, A, "recv fails: %s", strerrorname_np(-n));
	else
		stage_fact(s, A, "recv gives %d", n);
}

static void read_half(struct stage *s)
{
	struct end *a = stage_end(s, A), *b = stage_end(s, B);
	struct stage_conn c = stage_connect(s);

	end_send(b, c.child, "before", 0);
	end_seen(a, "segment", "sent ACK"); /* it is in the buffer */
	if (!s->control)
		end_shutdown(a, c.fd, SHUT_RD);
	recv_now(s, c.fd);
	recv_now(s, c.fd);
	end_send(b, c.child, "after", 0);
	end_seen_times(b, "segment", "received ACK", 3);
	recv_now(s, c.fd);
	end_close(a, c.fd);
	end_close(b, c.child);
	end_seen(b, "state", "LAST_ACK>CLOSE");
}

static const struct expect read_half_expect[] = {
	IS(A, "fact", "recv gives 6, recv gives 0, recv gives 5"),
	IS(A, "state",
	   OPENS "ESTABLISHED>FIN_WAIT1 CALL_CLOSE, "
		 "FIN_WAIT1>FIN_WAIT2 RX_ACK, FIN_WAIT2>TIME_WAIT"),
	HAS(A, "call", "shutdown RD 0, recvfrom 6, recvfrom 0, recvfrom 5"),
	NEVER(BOTH, "reset", NULL),
	{}
};

/* ------------------------------------------------ SHUT_RDWR */

static void both_halves(struct stage *s)
{
	struct end *a = stage_end(s, A), *b = stage_end(s, B);
	struct stage_conn c = stage_connect(s);

	end_shutdown(a, c.fd, s->control ? SHUT_WR : SHUT_RDWR);
	recv_now(s, c.fd);
	end_recv(b, c.child, 100, 0);
	end_seen(a, "state", "FIN_WAIT1>FIN_WAIT2");
	end_send(b, c.child, "hello", 0);
	if (!s->control)
		end_seen(b, "state", "CLOSE_WAIT>CLOSE");
	end_close(b, c.child);
	end_close(a, c.fd);
}

static const struct expect both_halves_expect[] = {
	HAS(A, "call", "shutdown RDWR 0, recvfrom 0, close 0"),
	IS(A, "fact", "recv gives 0"),
	IS(A, "state",
	   OPENS "ESTABLISHED>FIN_WAIT1 CALL_SHUTDOWN, "
		 "FIN_WAIT1>FIN_WAIT2 RX_ACK, FIN_WAIT2>CLOSE"),
	HAS(B, "call", "recvfrom 0, sendto 5"),
	IS(B, "state", "CLOSE>LISTEN CALL_LISTEN"),
	IS(B, "state",
	   ACCEPTED ", ESTABLISHED>CLOSE_WAIT RX_FIN, "
		    "CLOSE_WAIT>CLOSE RX_RST EPIPE"),
	{}
};

/* ------------------------------------------------ two processes, one socket */

static void two_holders(struct stage *s)
{
	struct end *a = stage_end(s, A), *b = stage_end(s, B), *child;
	struct stage_conn c = stage_connect(s);

	child = s->control ? NULL : end_fork(a);
	end_close(a, c.fd);
	if (!s->control) {
		end_send(child, c.fd, "still here", 0);
		end_recv(b, c.child, 100, 0);
		end_close(child, c.fd);
	}
	end_drain(b, c.child, 0);
	end_close(b, c.child);
	end_seen(b, "state", "LAST_ACK>CLOSE");
}

static const struct expect two_holders_expect[] = {
	HAS(A, "call", "close 0, sendto 10, close 0"),
	HAS(B, "call", "recvfrom 10, recvfrom 0"),
	IS(A, "state",
	   OPENS "ESTABLISHED>FIN_WAIT1 CALL_CLOSE, "
		 "FIN_WAIT1>FIN_WAIT2 RX_ACK, FIN_WAIT2>TIME_WAIT"),
	{}
};

static void shutdown_of_two(struct stage *s)
{
	struct end *a = stage_end(s, A), *b = stage_end(s, B);
	struct stage_conn c = stage_connect(s);
	struct end *child = end_fork(a);

	if (s->control)
		end_close(a, c.fd);
	else
		end_shutdown(a, c.fd, SHUT_WR);
	end_send(child, c.fd, "still here", MSG_NOSIGNAL);
	end_recv(b, c.child, 100, 0);
	end_close(child, c.fd);
	end_close(a, c.fd);
	end_drain(b, c.child, 0);
	end_close(b, c.child);
	end_seen(b, "state", "LAST_ACK>CLOSE");
}

static const struct expect shutdown_of_two_expect[] = {
	HAS(A, "call", "shutdown WR 0, sendto EPIPE"),
	HAS(A, "state", "ESTABLISHED>FIN_WAIT1 CALL_SHUTDOWN"),
	HAS(B, "call", "recvfrom 0"),
	{}
};

const struct scenario scenarios_shutdown[] = {
	{
		.name = "half-close",
		.title = "one direction ends, the other goes on",
		.textbook = "After close() nothing can be read any more, so "
			    "wait with it until you have everything.",
		.truth = "shutdown(SHUT_WR) sends the FIN and leaves the other "
			 "direction open: FIN_WAIT2 here and CLOSE_WAIT there "
			 "last as long as the peer sends.",
		.notice = "1000 bytes arrive in FIN_WAIT2; send() fails with "
			  "EPIPE.",
		.run = half,
		.expect = half_expect,
		.control = { .what = "close() instead of shutdown()" },
	},
	{
		.name = "shutdown-read",
		.title = "SHUT_RD drops nothing, and tells nobody",
		.textbook = "shutdown(SHUT_RD) drops what is in the receive "
			    "buffer and what comes later.",
		.truth = "No segment is sent, and the peer does not learn of "
			 "it. What has come can still be read, so can what "
			 "comes later; only an empty buffer reads as the end "
			 "(0) instead of blocking.",
		.notice = "recv() returns 6, 0, 5.",
		.run = read_half,
		.expect = read_half_expect,
		.control = { .what = "without shutdown(): EAGAIN instead of 0" },
	},
	{
		.name = "shutdown-both",
		.title = "SHUT_RDWR is not quite close()",
		.textbook = "shutdown(SHUT_RDWR) is SHUT_RD and SHUT_WR, and "
			    "the same as close().",
		.truth = "It sends the FIN, and recv() returns 0 without "
			 "waiting. But unlike after SHUT_RD alone, data that "
			 "comes now is refused: a RST ends the connection, "
			 "though the descriptor is still there, and has to be "
			 "closed.",
		.notice = "The peer's send() succeeds, and is answered by a "
			  "RST: as if the process had called close().",
		.run = both_halves,
		.expect = both_halves_expect,
		.control = { .what = "SHUT_WR instead of SHUT_RDWR" },
	},
	{
		.name = "close-of-two",
		.title = "close() by one of two processes",
		.truth = "A socket that fork() has duplicated is closed when the "
			 "last file descriptor is: the first close() changes "
			 "nothing on the wire.",
		.notice = "The FIN belongs to the second close().",
		.run = two_holders,
		.expect = two_holders_expect,
		.control = { .what = "there is no second process" },
	},
	{
		.name = "shutdown-of-two",
		.title = "shutdown() by one of two processes",
		.truth = "shutdown() is of the connection, not of the file "
			 "descriptor: it sends the FIN at once, whoever else "
			 "holds the socket.",
		.notice = "The other process gets EPIPE.",
		.run = shutdown_of_two,
		.expect = shutdown_of_two_expect,
		.control = { .what = "close() instead of shutdown()" },
	},
	{}
};
