// SPDX-License-Identifier: GPL-2.0
/* Data: what writes become, and who may send how much. */
#include "lab/end.h"
#include "lab/scenario.h"
#include "lab/stage.h"
#include "lab/witness.h"

#include <errno.h>
#include <linux/sockios.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>

#define MS 1000000ull
#define MSS 1448 /* bytes of data: MTU 1500, less headers with timestamps */

/* A wire on which no answer is so late that a timer of the sender runs out. */
#define SLOW_WIRE                                            \
	{                                                    \
		.link = { .delay_ns = 40 * MS }, .mtu = 1500 \
	}

/* Sent and not acked yet, or not even sent. */
static int unacked(struct end *me, int fd)
{
	int n;

	(void)me;
	return ioctl(fd, SIOCOUTQ, &n) ? -errno : n;
}

/* ------------------------------------------------ send() only copies */

static void send_copies(struct stage *s)
{
	static const struct rule hold = {
		.which = { .from = RULE_A, .kinds = PACKET_DATA },
		.nth = 1,
		.action = RULE_HOLD,
	};
	struct end *a = stage_end(s, A), *b = stage_end(s, B);
	struct stage_conn c;
	int rule;

	stage_patient(s, A);
	c = stage_connect(s);
	rule = stage_rule(s, &hold);
	end_send(a, c.fd, "hello", 0);
	if (s->control) {
		end_recv(b, c.child, 100, 0);
		end_seen(a, "segment", "received ACK");
	}
	stage_rule_done(s, rule, 1);
	stage_fact(s, A, "send() has returned; %d bytes are not acked",
		   end_do(a, unacked, c.fd));
	stage_release(s, rule);
	if (!s->control)
		end_recv(b, c.child, 100, 0);
	stage_fact(s, B, "received %s", b->data);
	stage_hang_up(s, &c);
}

static const struct expect send_copies_expect[] = {
	HAS(A, "call", "sendto 5, close 0"),
	IS(A, "fact", "send\\(\\) has returned; 5 bytes are not acked"),
	IS(B, "fact", "received hello"),
	NEVER(A, "retransmit", NULL),
	{}
};

/* ------------------------------------------------ no borders in a stream */

static void no_borders(struct stage *s)
{
	struct end *a = stage_end(s, A), *b = stage_end(s, B);
	struct stage_conn c = stage_connect(s);

	end_set(a, c.fd, IPPROTO_TCP, TCP_NODELAY, 1);
	end_send(a, c.fd, "first", 0);
	end_seen(b, "segment", "received PSH_ACK 5");
	if (s->control)
		end_recv(b, c.child, 100, 0);
	end_send(a, c.fd, "second", 0);
	end_seen(b, "segment", "received PSH_ACK 6");
	end_recv(b, c.child, 100, 0);
	stage_fact(s, B, "one recv(): %s", b->data);
	end_send(a, c.fd, "third", 0);
	end_recv(b, c.child, 3, 0);
	stage_fact(s, B, "the next: %s", b->data);
	end_recv(b, c.child, 100, 0);
	stage_fact(s, B, "and one more: %s", b->data);
	stage_hang_up(s, &c);
}

static const struct expect no_borders_expect[] = {
	HAS(A, "call", "sendto 5, sendto 6, sendto 5"),
	HAS(B, "segment", "received PSH_ACK 5, received PSH_ACK 6"),
	IS(B, "fact",
	   "one recv\\(\\): firstsecond, the next: thi, and one more: rd"),
	{}
};

/* ------------------------------------------------ writes and segments */

/* The lengths of the segments with data that A sent, of the first @n. */
static void wire_lengths(struct stage *s, unsigned int n)
{
	static const struct rule_match data = { .from = RULE_A,
						.kinds = PACKET_DATA };
	struct wire_entry e;
	char text[128] = "";
	size_t i, len = 0;

	for (i = 0; n && wire_log(s->wire, i, &e); i++) {
		if (!rule_matches(&data, e.from, &e.packet))
			continue;
		len += snprintf(text + len, sizeof(text) - len, " %u",
				e.packet.len);
		if (len >= sizeof(text))
			break;
		n--;
	}
	stage_fact(s, A, "on the wire:%s", text);
}

/* What B acks is held, as if it were far away. */
static const struct rule hold_acks = {
	.which = { .from = RULE_B, .kinds = PACKET_ACK },
	.action = RULE_HOLD,
};

static void three_bytes(struct stage *s, bool nodelay)
{
	struct end *a = stage_end(s, A), *b = stage_end(s, B);
	struct stage_conn c;
	int rule;

	stage_patient(s, A);
	c = stage_connect(s);
	if (nodelay)
		end_set(a, c.fd, IPPROTO_TCP, TCP_NODELAY, 1);
	rule = stage_rule(s, &hold_acks);
	end_send(a, c.fd, "a", 0);
	end_send(a, c.fd, "b", 0);
	end_send(a, c.fd, "c", 0);
	stage_rule_done(s, rule, 1);
	wire_remove(s->wire, rule);
	end_drain(b, c.child, 3);
	wire_lengths(s, 3);
	stage_hang_up(s, &c);
}

static void nagle(struct stage *s)
{
	three_bytes(s, s->control);
}

static const struct expect nagle_expect[] = {
	HAS(A, "call", "sendto 1, sendto 1, sendto 1"),
	HAS(A, "segment", "sent PSH_ACK 1, received ACK, sent PSH_ACK 2"),
	IS(A, "fact", "on the wire: 1 2"),
	{}
};

static void nodelay(struct stage *s)
{
	three_bytes(s, !s->control);
}

static const struct expect nodelay_expect[] = {
	HAS(A, "call",
	    "setsockopt TCP_NODELAY 0, sendto 1, sendto 1, sendto 1"),
	HAS(A, "segment",
	    "sent PSH_ACK 1, sent PSH_ACK 1, sent PSH_ACK 1, received ACK"),
	IS(A, "fact", "on the wire: 1 1 1"),
	{}
};

static void one_write(struct stage *s)
{
	struct end *a = stage_end(s, A), *b = stage_end(s, B);
	struct stage_conn c;

	stage_patient(s, A);
	c = stage_connect(s);
	if (s->control) {
		end_send_bytes(a, c.fd, 1000, 0);
		end_drain(b, c.child, 1000);
		end_send_bytes(a, c.fd, 3000, 0);
		end_drain(b, c.child, 3000);
	} else {
		end_send_bytes(a, c.fd, 4000, 0);
		end_drain(b, c.child, 4000);
	}
	wire_lengths(s, 4);
	stage_hang_up(s, &c);
}

static const struct expect one_write_expect[] = {
	HAS(A, "call", "sendto 4000, close 0"),
	IS(A, "fact", "on the wire: 1448 1448 1104"),
	{}
};

/* ------------------------------------------------ MSS and MTU */

/* What the SYNs offer, and what the longest packet is. */
static void wire_sizes(struct stage *s)
{
	unsigned int mss[2] = {}, longest = 0;
	struct wire_entry e;
	size_t i;

	for (i = 0; wire_log(s->wire, i, &e); i++) {
		if (!(e.packet.kinds & PACKET_TCP))
			continue;
		if (e.packet.mss)
			mss[e.from] = e.packet.mss;
		if (e.packet.size > longest)
			longest = e.packet.size;
	}
	stage_fact(s, A, "offers %u; is offered %u; the longest packet has %u",
		   mss[0], mss[1], longest);
}

static void mss(struct stage *s)
{
	struct end *a = stage_end(s, A), *b = stage_end(s, B);
	struct stage_conn c = { .listener = end_listen(b, 2001, 5) };

	c.fd = end_socket(a, 0);
	if (s->control)
		end_set(a, c.fd, IPPROTO_TCP, TCP_MAXSEG, 536);
	end_connect(a, c.fd, b->ip, 2001);
	c.child = end_accept(b, c.listener, 0);
	end_send_bytes(a, c.fd, 4000, 0);
	end_drain(b, c.child, 4000);
	wire_sizes(s);
	wire_lengths(s, 4);
	stage_hang_up(s, &c);
}

static const struct expect mss_expect[] = {
	IS(A, "fact",
	   "offers 1260; is offered 1260; the longest packet has 1300, "
	   "on the wire: 1248 1248 1248 256"),
	{}
};

static void path_mtu(struct stage *s)
{
	static const struct rule narrow = {
		.which = { .from = RULE_A, .longer = 1000 },
		.action = RULE_REFUSE,
		.refusal = { .mtu = 1000 },
	};
	struct end *a = stage_end(s, A), *b = stage_end(s, B);
	struct stage_conn c;
	int rule;

	c = stage_connect(s);
	rule = stage_rule(s, &narrow);
	end_send_bytes(a, c.fd, 2000, 0);
	stage_rule_done(s, rule, 1);
	end_drain(b, c.child, 2000);
	stage_fact(s, A, "path MTU %d", end_get(a, c.fd, IPPROTO_IP, 14));
	wire_sizes(s);
	wire_lengths(s, 4);
	stage_hang_up(s, &c);
}

static const struct expect path_mtu_expect[] = {
	IS(A, "fact",
	   "path MTU 1000, "
	   "offers 1460; is offered 1460; the longest packet has 1500, "
	   "on the wire: 1448 552 948.*"),
	HAS(A, "retransmit", "slow_start RX_ICMP"),
	{}
};

/* ------------------------------------------------ a closed window */

/* Sends without blocking until that would block. How many bytes. */
static int fill(struct end *me, int fd)
{
	int sum = 0, n;

	memset(me->data, 0, END_DATA);
	while ((n = send(fd, me->data, END_DATA, MSG_DONTWAIT)) > 0)
		sum += n;
	return errno == EAGAIN ? sum : -errno;
}

/* Does A keep to the window that B has offered? It is not scaled here. */
static void wire_window(struct stage *s)
{
	uint32_t edge = 0, sent = 0, beyond = 0, at_edge = 0;
	struct wire_entry e;
	size_t i;

	for (i = 0; wire_log(s->wire, i, &e); i++) {
		const struct packet *p = &e.packet;

		if (e.from && p->placed && p->flags & TH_ACK &&
		    p->acked + p->window > edge)
			edge = p->acked + p->window;
		if (e.from || !(p->kinds & PACKET_DATA))
			continue;
		sent = p->offset + p->len;
		beyond += sent > edge;
		at_edge += sent == edge;
	}
	stage_fact(s, A, "segments beyond the window: %u", beyond);
	stage_fact(s, A, "%s its edge", at_edge ? "up to" : "never at");
}

static void zero_window(struct stage *s)
{
	static const struct rule probes = {
		.which = { .from = RULE_A, .kinds = PACKET_PROBE },
		.action = RULE_SEE,
	};
	struct end *a = stage_end(s, A), *b = stage_end(s, B);
	struct stage_conn c;
	int rule, n;

	stage_sysctl(s, A, "net/ipv4/tcp_early_retrans", "0");
	stage_sysctl(s, BOTH, "net/ipv4/tcp_window_scaling", "0");
	c.listener = end_listen(b, 2001, 5);
	end_set(b, c.listener, SOL_SOCKET, SO_RCVBUF, 4096);
	stage_connect_again(s, &c);
	end_set(a, c.fd, SOL_SOCKET, SO_SNDBUF, 20000);
	rule = stage_rule(s, &probes);
	if (s->control)
		end_drain(end_begin(b), c.child, 0);
	n = end_do(a, fill, c.fd);
	stage_rule_done(s, rule, 2);
	end_drain(b, c.child, n);
	stage_fact(s, B, "all %s", n > 0 ? "has come" : "is lost");
	wire_window(s);
	stage_hang_up(s, &c);
}

static const struct expect zero_window_expect[] = {
	HAS(A, "call", "sendto EAGAIN"),
	HAS(A, "segment", "sent ACK, received ACK, sent ACK, received ACK"),
	IS(A, "fact", "segments beyond the window: 0, up to its edge"),
	IS(B, "fact", "all has come"),
	NEVER(A, "state", "ESTABLISHED>CLOSE"),
	{}
};

/* ------------------------------------------------ would block */

static void would_block(struct stage *s)
{
	int flags = s->control ? 0 : SOCK_NONBLOCK;
	struct end *a = stage_end(s, A), *b = stage_end(s, B);
	struct stage_conn c = { .listener = end_listen(b, 2001, 5) };

	c.fd = end_socket(a, 0);
	end_connect(a, c.fd, b->ip, 2001);
	c.child = end_accept(b, c.listener, flags);
	end_recv(b, c.child, 100, 0);
	stage_fact(s, B, "to be read: %s",
		   end_poll(b, c.child, POLLIN, 0) ? "yes" : "no");
	end_send(a, c.fd, "hello", 0);
	stage_fact(s, B, "then: %s",
		   end_poll(b, c.child, POLLIN, 8000) ? "yes" : "no");
	end_recv(b, c.child, 100, 0);
	end_do(b, fill, c.child);
	stage_fact(s, B, "room for more: %s",
		   end_poll(b, c.child, POLLOUT, 0) ? "yes" : "no");
	end_close(a, c.fd);
	end_close(b, c.child);
	end_close(b, c.listener);
}

static const struct expect would_block_expect[] = {
	HAS(B, "call", "recvfrom EAGAIN, recvfrom 5, sendto EAGAIN"),
	IS(B, "fact", "to be read: no, then: yes, room for more: no"),
	{}
};

/* ------------------------------------------------ delayed ACK */

/*
 * How long B's kernel took from the first segment with data to its next
 * segment, in ms; -1: neither is there.
 */
static int answered_after_ms(struct stage *s)
{
	struct sighting what = { .type = "segment" };
	struct json_object *event;
	uint64_t came_ns = 0;
	size_t from = 0;

	while ((event = witness_next(s->tracer->witness, &what, &from))) {
		const char *direction = witness_string(event, "direction");

		if (!direction || !stage_has(s, B, event))
			continue;
		if (!came_ns && witness_number(event, "len"))
			came_ns = witness_number(event, "ts_ns");
		else if (came_ns && !strcmp(direction, "sent"))
			return (witness_number(event, "ts_ns") - came_ns) / MS;
	}
	return -1;
}

static void delayed_ack(struct stage *s)
{
	struct end *a = stage_end(s, A), *b = stage_end(s, B);
	struct stage_conn c;

	stage_patient(s, A);
	c = stage_connect(s);
	end_set(b, c.child, IPPROTO_TCP, TCP_QUICKACK, s->control);
	end_send(a, c.fd, "hello", 0);
	end_recv(b, c.child, 100, 0);
	end_seen(b, "segment", "sent ACK");
	stage_fact(s, B, "acked %s",
		   answered_after_ms(s) >= 30 ? "40 ms later" : "at once");
	stage_hang_up(s, &c);
}

static const struct expect delayed_ack_expect[] = {
	IS(B, "fact", "acked 40 ms later"),
	HAS(B, "segment", "received PSH_ACK 5, sent ACK"),
	NEVER(A, "retransmit", NULL),
	{}
};

const struct scenario scenarios_data[] = {
	{
		.name = "send-copies",
		.title = "send() returns before anything has arrived",
		.textbook = "send() sends data to the peer.",
		.truth = "send() copies data into the socket's buffer in the "
			 "kernel, and that is what it reports. Here the "
			 "segment is still under way when send() has long "
			 "returned 5. Whether it arrives nobody knows before "
			 "the ACK, and no call tells that.",
		.run = send_copies,
		.expect = send_copies_expect,
		.control = { .what = "nothing is held, and the ACK is waited "
				     "for",
			     .no_rules = true },
		.place = PLACE_WIRE,
		.wire = SLOW_WIRE,
	},
	{
		.name = "no-borders",
		.title = "two writes, one read: a stream has no messages",
		.textbook = "What one end writes the other reads.",
		.truth = "recv() takes what there is, up to the length that it "
			 "is asked for: here one call gets what two had "
			 "written, in two segments, and then two calls get "
			 "what one wrote. Who wants messages has to send their "
			 "length.",
		.run = no_borders,
		.expect = no_borders_expect,
		.control = { .what = "the reader reads in between" },
	},
	{
		.name = "one-write",
		.title = "one write, three segments",
		.textbook = "A write becomes a packet.",
		.truth = "The kernel cuts the stream into segments of the MSS, "
			 "1448 bytes here, wherever writes begin and end: 4000 "
			 "bytes are two full segments and a rest.",
		.notice =
			"The trace shows one segment of 4000: the socket hands "
			"over one buffer, which is cut just above the "
			"device. What was on the wire the wire tells.",
		.run = one_write,
		.expect = one_write_expect,
		.control = { .what = "it is written in two parts" },
		.place = PLACE_WIRE,
		.wire = SLOW_WIRE,
	},
	{
		.name = "nagle",
		.title = "small writes wait for an ACK, and go together",
		.textbook = "A write becomes a packet.",
		.truth = "As long as a small segment is not acked, Nagle's "
			 "algorithm keeps the next small one back: what is "
			 "written meanwhile goes in one segment.",
		.notice = "The second and the third byte go when the ACK of the "
			  "first has come.",
		.run = nagle,
		.expect = nagle_expect,
		.control = { .what = "TCP_NODELAY is set" },
		.place = PLACE_WIRE,
		.wire = SLOW_WIRE,
	},
	{
		.name = "nodelay",
		.title = "TCP_NODELAY: each write goes at once",
		.truth = "Without Nagle's algorithm three writes of one byte "
			 "are three segments, whether acked or not. Each costs "
			 "52 bytes of headers.",
		.run = nodelay,
		.expect = nodelay_expect,
		.control = { .what = "TCP_NODELAY is not set" },
		.place = PLACE_WIRE,
		.wire = SLOW_WIRE,
	},
	{
		.name = "mss",
		.title = "the MTU of the device is what the SYN offers, less 40",
		.truth =
			"Each SYN says how many bytes of data a segment to its "
			"sender may carry: the MTU less the headers without "
			"options. The timestamps in each segment take 12 more, "
			"so 1248 are left of an MTU of 1300.",
		.run = mss,
		.expect = mss_expect,
		.control = { .what = "TCP_MAXSEG is 536" },
		.place = PLACE_WIRE,
		.wire = { .link = { .delay_ns = 40 * MS }, .mtu = 1300 },
	},
	{
		.name = "path-mtu",
		.title = "a router tells that a segment is too long for the way",
		.textbook = "IP cuts what is too long into fragments.",
		.truth = "TCP forbids that (DF). The router drops the segment "
			 "and answers with the MTU of its link; the kernel "
			 "notes it for this destination, cuts the data anew, "
			 "and sends it again at once.",
		.run = path_mtu,
		.expect = path_mtu_expect,
		.control = { .what = "the way is wide", .no_rules = true },
		.place = PLACE_WIRE,
		.wire = SLOW_WIRE,
	},
	{
		.name = "zero-window",
		.title = "a reader that does not read stops the writer",
		.textbook = "The window slides: the sender may send as much as "
			    "the receiver has offered.",
		.truth = "When the receiver's buffer is full its window is 0. "
			 "The sender then asks again and again, with an ACK of "
			 "an old sequence number that has to be answered: "
			 "after the RTO, then after twice that, for as long as "
			 "it is answered. send() would block. It all goes on "
			 "as soon as the reader reads.",
		.run = zero_window,
		.expect = zero_window_expect,
		.control = { .what = "the reader reads all the time" },
		.place = PLACE_WIRE,
	},
	{
		.name = "would-block",
		.title = "EAGAIN: a call that would have to wait",
		.truth = "On a non-blocking socket recv() fails with EAGAIN "
			 "while nothing has come, and send() while the buffer "
			 "is full. Nothing is wrong with the connection: "
			 "poll() tells when to call again.",
		.run = would_block,
		.expect = would_block_expect,
		.control = { .what = "the socket blocks" },
	},
	{
		.name = "delayed-ack",
		.title = "an ACK waits for something to go with",
		.textbook = "Each segment is acked.",
		.truth = "A single segment is acked after 40 ms, unless the "
			 "application sends something before: then the ACK "
			 "goes with that. At the beginning of a connection, or "
			 "after TCP_QUICKACK, it goes at once.",
		.run = delayed_ack,
		.expect = delayed_ack_expect,
		.control = { .what = "TCP_QUICKACK is set" },
	},
	{},
};
