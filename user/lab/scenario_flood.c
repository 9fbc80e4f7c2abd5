// SPDX-License-Identifier: GPL-2.0
/* Flood: SYNs that nobody follows up, and cookies instead of a queue. */
#include "lab/clients.h"
#include "lab/end.h"
#include "lab/scenario.h"
#include "lab/stage.h"

#define QUEUED "SYN_queued, (SYN_ACK_resent, )*"

#define BURST 40

static void fact_counter(struct stage *s, const char *name)
{
	stage_fact(s, B, "%s %lld", name, (long long)stage_counter(s, B, name));
}

/* None of the clients hears an answer. */
static void flood(struct stage *s, const char *cookies, int limit)
{
	struct end *b = stage_end(s, B);

	stage_sysctl(s, B, "net/ipv4/tcp_syncookies", cookies);
	end_listen(b, 2001, limit);
	stage_hold(s, B);
	clients_begin(s, BURST);
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

const struct scenario scenarios_flood[] = {
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
	{}
};
