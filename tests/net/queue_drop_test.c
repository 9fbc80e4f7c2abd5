// SPDX-License-Identifier: GPL-2.0
/*
 * Tests of what becomes of SYNs and last ACKs: what is told of them, by hooks
 * of each tier, against the counters of the namespace.
 */
#include <errno.h>
#include <linux/filter.h>

#include "tests/lib/guest.h"
#include "tests/lib/queue.h"

#include <kselftest_harness.h>

#define CLIENTS 1000

FIXTURE(drop)
{
	struct conn conn;
	int client[CLIENTS]; /* 0: none */
	bool has_tiers;
};

#define NEED_TIERS()          \
	if (!self->has_tiers) \
	SKIP(return, "this kernel has not all of these tiers")

FIXTURE_VARIANT(drop)
{
	int family;
	char *tiers;
	bool sees;     /* SYNs, and all that is dropped */
	int in_guests; /* SYNs of a burst there */
};

/* clang-format off */
FIXTURE_VARIANT_ADD(drop, tier1_ipv4){ AF_INET, "1", false, 120 };
FIXTURE_VARIANT_ADD(drop, tier2_ipv4){ AF_INET, "1,2", false, 120 };
FIXTURE_VARIANT_ADD(drop, tier3_ipv4){ AF_INET, "1,2,3", true, 300 };
FIXTURE_VARIANT_ADD(drop, tier3_ipv6){ AF_INET6, "1,2,3", true, 120 };
FIXTURE_VARIANT_ADD(drop, tier4_ipv4){ AF_INET, "1,2,4", true, CLIENTS };
FIXTURE_VARIANT_ADD(drop, tier4_ipv6){ AF_INET6, "1,2,4", true, 120 };
/* clang-format on */

/* A kernel has not all tiers; which, skip.txt says. */
FIXTURE_SETUP(drop)
{
	int err;

	memset(self->client, 0, sizeof(self->client));
	ASSERT_EQ(0, conn_stage(&self->conn, variant->family));
	err = queue_watch(&self->conn, variant->tiers);
	self->has_tiers = err != -EOPNOTSUPP;
	ASSERT_EQ(0, self->has_tiers ? err : 0);
}

FIXTURE_TEARDOWN(drop)
{
	int i;

	for (i = 0; i < CLIENTS; i++)
		if (self->client[i] > 0)
			close(self->client[i]);
	conn_free(&self->conn);
}

static int sysctl(const struct conn *c, const char *name, const char *value)
{
	char path[64];

	snprintf(path, sizeof(path), "net/ipv4/%s", name);
	return netns_sysctl(c->pair.side[1].fd, path, value);
}

/* All that is told of what the kernel counts as ListenDrops. */
static int drops(const struct conn *c)
{
	return queue_count(c, "SYN_dropped", NULL) +
	       queue_count(c, "accept_overflow", NULL);
}

/*
 * Clients end first, so that nothing comes any more, not even a FIN once more;
 * then the trace.
 */
static int quiesce(struct conn *c, int *client)
{
	const struct linger now = { .l_onoff = 1 };
	int i;

	for (i = 0; i < CLIENTS && client[i] > 0; i++) {
		setsockopt(client[i], SOL_SOCKET, SO_LINGER, &now, sizeof(now));
		close(client[i]);
		client[i] = 0;
	}
	return conn_stop(c);
}

/* Is what is dropped told: all of it, or else not more? */
static bool told(const struct conn *c, bool sees)
{
	int64_t n = conn_counter(c, 1, "ListenDrops");

	if (sees ? drops(c) == n : drops(c) <= n)
		return true;
	fprintf(stderr, "# %d drops are told, %lld were counted\n", drops(c),
		(long long)n);
	return false;
}

/* All connect, none hears the answer. */
static int connect_deaf(const struct conn *c, int *client, int n)
{
	int i, err = 0;

	for (i = 0; i < n && !err; i++)
		err = queue_join(c, &client[i], true);
	return err;
}

/* Claim: of 40 SYNs 9 have room behind listen(8), the others get cookies. */
TEST_F(drop, cookies)
{
	struct conn *c = &self->conn;

	NEED_TIERS();
	ASSERT_EQ(0, sysctl(c, "tcp_syncookies", "1"));
	ASSERT_EQ(0, queue_listen(c, 8));
	ASSERT_EQ(0, connect_deaf(c, self->client, 40));
	ASSERT_EQ(0, queue_wait_counter(c, "SyncookiesSent", 31));
	ASSERT_EQ(0, quiesce(c, self->client));

	EXPECT_TRUE(told(c, variant->sees));
	EXPECT_EQ(0, drops(c));
	if (!variant->sees)
		return;
	EXPECT_EQ(9, queue_count(c, "SYN_queued", NULL));
	EXPECT_EQ(conn_counter(c, 1, "SyncookiesSent"),
		  queue_count(c, "cookie_sent", "SYN_queue_full_cookie"));
	EXPECT_EQ(0, queue_count(c, "cookie_sent", "cookies_always"));
}

/* Claim: without cookies they are dropped, because the SYN queue is full. */
TEST_F(drop, no_cookies)
{
	struct conn *c = &self->conn;
	struct json_object *e;
	int i;

	NEED_TIERS();
	ASSERT_EQ(0, sysctl(c, "tcp_syncookies", "0"));
	ASSERT_EQ(0, queue_listen(c, 8));
	ASSERT_EQ(0, connect_deaf(c, self->client, 40));
	ASSERT_EQ(0, queue_wait_counter(c, "TCPReqQFullDrop", 31));
	ASSERT_EQ(0, quiesce(c, self->client));

	EXPECT_TRUE(told(c, variant->sees));
	if (!variant->sees)
		return;
	EXPECT_EQ(9, queue_count(c, "SYN_queued", NULL));
	EXPECT_EQ(conn_counter(c, 1, "TCPReqQFullDrop"),
		  queue_count(c, "SYN_dropped", "SYN_queue_full_drop"));
	for (i = 0; i < 9; i++) {
		e = queue_nth(c, "SYN_queued", i);
		EXPECT_EQ(i + 1, (int)witness_number(e, "syn"));
		EXPECT_EQ(8, witness_number(e, "limit"));
		EXPECT_NE(0, witness_number(e, "cookie"));
		EXPECT_NE(0, witness_number(e, "rport"));
		EXPECT_EQ(CONN_PORT + 1, witness_number(e, "lport"));
		EXPECT_EQ(conn_cookie(c->listener),
			  witness_number(e, "listener"));
		EXPECT_EQ(getpid(), (pid_t)witness_number(e, "pid"));
	}
	e = queue_nth(c, "SYN_dropped", 0);
	EXPECT_EQ(9, witness_number(e, "syn"));
	EXPECT_EQ(0, witness_number(e, "accept"));
	EXPECT_EQ(conn_cookie(c->listener), witness_number(e, "listener"));
	EXPECT_EQ(getpid(), (pid_t)witness_number(e, "pid"));
}

/* Claim: where cookies are always sent, no SYN is queued. */
TEST_F(drop, always_cookies)
{
	struct conn *c = &self->conn;

	NEED_TIERS();
	ASSERT_EQ(0, sysctl(c, "tcp_syncookies", "2"));
	ASSERT_EQ(0, queue_listen(c, 8));
	ASSERT_EQ(0, connect_deaf(c, self->client, 40));
	ASSERT_EQ(0, queue_wait_counter(c, "SyncookiesSent", 40));
	ASSERT_EQ(0, quiesce(c, self->client));

	EXPECT_TRUE(told(c, variant->sees));
	EXPECT_EQ(0, queue_count(c, "SYN_queued", NULL));
	if (variant->sees)
		EXPECT_EQ(conn_counter(c, 1, "SyncookiesSent"),
			  queue_count(c, "cookie_sent", "cookies_always"));
}

/* Claim: a cookie that comes back is told from a request that completes. */
TEST_F(drop, cookies_come_back)
{
	struct conn *c = &self->conn;
	struct json_object *e;
	int i;

	NEED_TIERS();
	ASSERT_EQ(0, sysctl(c, "tcp_syncookies", "2"));
	ASSERT_EQ(0, queue_listen(c, 8));
	for (i = 0; i < 4; i++) {
		ASSERT_EQ(0, queue_join(c, &self->client[i], false));
		ASSERT_EQ(0, queue_wait_accept(c, i + 1));
	}
	ASSERT_EQ(0, quiesce(c, self->client));

	if (!variant->sees && !trace_has_hook(&c->trace, "queue_child")) {
		/* it cannot be told there */
		EXPECT_EQ(4, queue_count(c, "completed", NULL));
		return;
	}
	EXPECT_EQ(0, queue_count(c, "completed", NULL));
	ASSERT_EQ(4, queue_count(c, "cookie_accepted", NULL));
	for (i = 0; i < 4; i++) {
		e = queue_nth(c, "cookie_accepted", i);
		EXPECT_EQ(i + 1, (int)witness_number(e, "accept"));
		EXPECT_EQ(0, witness_number(e, "syn"));
	}
}

/* Claim: a quarter of tcp_max_syn_backlog is kept, whatever listen() says. */
TEST_F(drop, last_quarter)
{
	struct conn *c = &self->conn;

	NEED_TIERS();
	ASSERT_EQ(0, sysctl(c, "tcp_syncookies", "0"));
	ASSERT_EQ(0, sysctl(c, "tcp_max_syn_backlog", "16"));
	ASSERT_EQ(0, queue_listen(c, 128));
	ASSERT_EQ(0, connect_deaf(c, self->client, 40));
	ASSERT_EQ(0, queue_wait_counter(c, "ListenDrops", 27));
	ASSERT_EQ(0, quiesce(c, self->client));

	EXPECT_TRUE(told(c, variant->sees));
	if (!variant->sees)
		return;
	EXPECT_EQ(13, queue_count(c, "SYN_queued", NULL));
	EXPECT_EQ(drops(c), queue_count(c, "SYN_dropped", "last_quarter"));
}

/*
 * Claim: behind a full accept queue SYNs are dropped, and come again. Where no
 * event tells of each, what the listener has dropped is sampled.
 */
TEST_F(drop, accept_queue_full)
{
	struct conn *c = &self->conn;
	struct json_object *e;
	int i;

	NEED_TIERS();
	ASSERT_EQ(0, queue_listen(c, 2));
	for (i = 0; i < 6; i++) {
		ASSERT_EQ(0, queue_join(c, &self->client[i], false));
		if (i < 3)
			ASSERT_EQ(0, queue_wait_accept(c, i + 1));
	}
	ASSERT_EQ(0, queue_wait_counter(c, "ListenOverflows", 6));
	if (!variant->sees)
		ASSERT_EQ(0, queue_wait_shown(c, "looked", NULL, 1));
	ASSERT_EQ(0, quiesce(c, self->client));

	EXPECT_TRUE(told(c, variant->sees));
	EXPECT_EQ(3, queue_count(c, "completed", NULL));
	e = queue_nth(c, "looked", 0);
	EXPECT_EQ(!variant->sees, !!e);
	if (e) {
		EXPECT_LT(0, witness_number(e, "drops"));
		EXPECT_EQ(3, witness_number(e, "accept"));
		EXPECT_STREQ("sampled", queue_text(e, "how"));
		EXPECT_EQ(conn_cookie(c->listener),
			  witness_number(e, "listener"));
	}
	if (!variant->sees)
		return;
	EXPECT_EQ(conn_counter(c, 1, "ListenOverflows"),
		  queue_count(c, "SYN_dropped", "accept_queue_full"));
	e = queue_nth(c, "SYN_dropped", 0);
	EXPECT_EQ(3, witness_number(e, "accept"));
	EXPECT_EQ(2, witness_number(e, "limit"));
}

/* Two requests wait, five connections fill the queue; then they hear. */
static int overflow(struct conn *c, int *client)
{
	int i, err = queue_listen(c, 4);

	for (i = 0; i < 2 && !err; i++) {
		err = queue_join(c, &client[i], true);
		if (!err)
			err = queue_wait_answer(client[i]);
	}
	for (i = 2; i < 7 && !err; i++) {
		err = queue_join(c, &client[i], false);
		if (!err)
			err = queue_wait_accept(c, i - 1);
	}
	for (i = 0; i < 2 && !err; i++)
		err = conn_deafen(client[i], false);
	return err ?: queue_wait_counter(c, "ListenOverflows", 2);
}

/* What it sends has options before the TCP header: of IPv4, or of IPv6. */
static int add_options(int fd, int family)
{
	static const __u8 nothing4[] = { 1, 1, 1, 0 };
	static const __u8 nothing6[] = { 0, 0, 1, 4, 0, 0, 0, 0 };
	int err;

	if (family == AF_INET)
		err = setsockopt(fd, IPPROTO_IP, IP_OPTIONS, nothing4,
				 sizeof(nothing4));
	else
		err = setsockopt(fd, IPPROTO_IPV6, IPV6_DSTOPTS, nothing6,
				 sizeof(nothing6));
	return err ? -errno : 0;
}

/* Claim: what stands between the headers of IP and TCP hides nothing. */
TEST_F(drop, options)
{
	struct conn *c = &self->conn;
	int i;

	NEED_TIERS();
	ASSERT_EQ(0, sysctl(c, "tcp_syncookies", "0"));
	ASSERT_EQ(0, queue_listen(c, 1));
	for (i = 0; i < 5; i++) {
		self->client[i] = conn_socket(c, 0);
		ASSERT_LT(0, self->client[i]);
		ASSERT_EQ(0, add_options(self->client[i], variant->family));
		ASSERT_EQ(0, conn_deafen(self->client[i], true));
		connect(self->client[i], (void *)&c->addr[1], c->len);
	}
	ASSERT_EQ(0, queue_wait_counter(c, "TCPReqQFullDrop", 3));
	ASSERT_EQ(0, quiesce(c, self->client));

	EXPECT_TRUE(told(c, variant->sees));
	if (!variant->sees)
		return;
	EXPECT_EQ(2, queue_count(c, "SYN_queued", NULL));
	EXPECT_EQ(drops(c),
		  queue_count(c, "SYN_dropped", "SYN_queue_full_drop"));
	EXPECT_NE(0, witness_number(queue_nth(c, "SYN_dropped", 0), "rport"));
}

/* A connection from the side's own port, whose other end waits out its time. */
static int leave_time_wait(struct conn *c)
{
	int err = conn_connect(c, 0);

	if (!err)
		err = conn_accept(c);
	if (!err)
		err = conn_close(c, 1);
	if (!err)
		err = conn_receive(c, 0, 0);
	if (!err)
		err = conn_close(c, 0);
	return err ?: conn_wait(c, 1, TCP_TIME_WAIT);
}

/*
 * Claim: a SYN that takes the place of a connection in TIME_WAIT is told like
 * any other. (Newer kernels queue it also if the queue is full.)
 */
TEST_F(drop, time_wait)
{
	struct conn *c = &self->conn;
	struct json_object *e;

	NEED_TIERS();
	ASSERT_EQ(0, sysctl(c, "tcp_syncookies", "0"));
	ASSERT_EQ(0, queue_listen(c, 1));
	ASSERT_EQ(0, leave_time_wait(c));
	ASSERT_EQ(0, connect_deaf(c, self->client, 1));
	ASSERT_EQ(0, queue_wait_answer(self->client[0]));
	ASSERT_EQ(0, conn_connect(c, 0));
	ASSERT_EQ(0, queue_wait_accept(c, 1));
	ASSERT_EQ(0, conn_accept(c));
	ASSERT_EQ(0, quiesce(c, self->client));

	EXPECT_TRUE(told(c, variant->sees));
	EXPECT_EQ(0, drops(c));
	e = queue_nth(c, "completed", 1);
	ASSERT_NE(NULL, e);
	EXPECT_EQ(c->cookie[1], witness_number(e, "cookie"));
	if (!variant->sees)
		return;
	EXPECT_EQ(3, queue_count(c, "SYN_queued", NULL));
	e = queue_nth(c, "SYN_queued", 2);
	EXPECT_EQ(c->cookie[1], witness_number(e, "cookie"));
	EXPECT_EQ(CONN_PORT, witness_number(e, "rport"));
	EXPECT_EQ(2, witness_number(e, "syn"));
}

/* Can the hooks of these tiers see a last ACK that is ignored? */
static bool sees_overflow(const struct conn *c, bool sees)
{
	return sees || trace_has_hook(&c->trace, "queue_overflow");
}

/* Claim: a last ACK that finds the accept queue full is told as ignored. */
TEST_F(drop, third_ack)
{
	struct conn *c = &self->conn;
	int n;

	NEED_TIERS();
	ASSERT_EQ(0, overflow(c, self->client));
	ASSERT_EQ(0, quiesce(c, self->client));

	EXPECT_TRUE(told(c, variant->sees));
	n = queue_count(c, "accept_overflow", "third_ACK_overflow");
	EXPECT_EQ(queue_count(c, "accept_overflow", NULL), n);
	if (sees_overflow(c, variant->sees)) {
		EXPECT_LE(2, n);
		EXPECT_EQ(5, witness_number(queue_nth(c, "accept_overflow", 0),
					    "accept"));
	}
}

/* Claim: or as answered by an RST, if tcp_abort_on_overflow says so. */
TEST_F(drop, abort_on_overflow)
{
	struct conn *c = &self->conn;
	int n;

	NEED_TIERS();
	ASSERT_EQ(0, sysctl(c, "tcp_abort_on_overflow", "1"));
	ASSERT_EQ(0, overflow(c, self->client));
	ASSERT_EQ(0, quiesce(c, self->client));

	EXPECT_TRUE(told(c, variant->sees));
	n = queue_count(c, "accept_overflow", "abort_on_overflow");
	EXPECT_EQ(queue_count(c, "accept_overflow", NULL), n);
	if (sees_overflow(c, variant->sees))
		EXPECT_EQ(2, n);
}

/* The listener loses what is no SYN before TCP sees it, or no more. */
static int lose_acks(const struct conn *c, bool lose)
{
	struct sock_filter syn_only[] = {
		BPF_STMT(BPF_LD | BPF_B | BPF_ABS, 13),
		BPF_JUMP(BPF_JMP | BPF_JSET | BPF_K, 2, 0, 1),
		BPF_STMT(BPF_RET | BPF_K, ~0u),
		BPF_STMT(BPF_RET | BPF_K, 0),
	};
	struct sock_fprog prog = { .len = 4, .filter = syn_only };

	return setsockopt(c->listener, SOL_SOCKET,
			  lose ? SO_ATTACH_FILTER : SO_DETACH_FILTER, &prog,
			  sizeof(prog)) ?
		       -errno :
		       0;
}

/* Claim: a cookie that comes back to a full accept queue is told as ignored. */
TEST_F(drop, cookie_overflow)
{
	struct conn *c = &self->conn;
	int i, n;

	NEED_TIERS();
	ASSERT_EQ(0, sysctl(c, "tcp_syncookies", "2"));
	ASSERT_EQ(0, queue_listen(c, 1));
	ASSERT_EQ(0, lose_acks(c, true));
	for (i = 0; i < 2; i++) {
		ASSERT_EQ(0, queue_join(c, &self->client[i], false));
		ASSERT_EQ(0,
			  queue_wait_state(self->client[i], TCP_ESTABLISHED));
	}
	ASSERT_EQ(0, lose_acks(c, false));
	for (i = 2; i < 4; i++) {
		ASSERT_EQ(0, queue_join(c, &self->client[i], false));
		ASSERT_EQ(0, queue_wait_accept(c, i - 1));
	}
	for (i = 0; i < 2; i++)
		ASSERT_EQ(1, write(self->client[i], "x", 1));
	ASSERT_EQ(0, queue_wait_counter(c, "ListenOverflows", 2));
	ASSERT_EQ(0, quiesce(c, self->client));

	EXPECT_TRUE(told(c, variant->sees));
	if (!variant->sees)
		return;
	n = queue_count(c, "accept_overflow", "third_ACK_overflow");
	EXPECT_EQ(drops(c), n);
	EXPECT_LE(2, n);
	EXPECT_EQ(2, queue_count(c, "cookie_accepted", NULL));
}

/* Are requests seen that end without having completed? */
static bool sees_ends(const struct conn *c)
{
	return trace_has_hook(&c->trace, "queue_dropped");
}

/* Claim: a request that nobody answers is told to expire. */
TEST_F(drop, expired)
{
	struct conn *c = &self->conn;
	struct json_object *e;

	NEED_TIERS();
	ASSERT_EQ(0, sysctl(c, "tcp_synack_retries", "0"));
	ASSERT_EQ(0, queue_listen(c, 8));
	ASSERT_EQ(0, connect_deaf(c, self->client, 1));
	ASSERT_EQ(0, queue_wait_answer(self->client[0]));
	if (sees_ends(c))
		ASSERT_EQ(0, queue_wait_shown(c, "expired", NULL, 1));
	ASSERT_EQ(0, quiesce(c, self->client));

	EXPECT_TRUE(told(c, variant->sees));
	e = queue_nth(c, "expired", 0);
	EXPECT_EQ(sees_ends(c), !!e);
	if (!e)
		return;
	EXPECT_EQ(0, witness_number(e, "syn"));
	EXPECT_LT(900000, witness_number(e, "syn_wait_us"));
	EXPECT_EQ(witness_number(queue_nth(c, "SYN_queued", 0), "cookie"),
		  witness_number(e, "cookie"));
}

/* Claim: one whose client is gone is told to be reset, by its RST. */
TEST_F(drop, reset)
{
	struct conn *c = &self->conn;
	struct json_object *e;

	NEED_TIERS();
	ASSERT_EQ(0, queue_listen(c, 8));
	ASSERT_EQ(0, connect_deaf(c, self->client, 1));
	ASSERT_EQ(0, queue_wait_answer(self->client[0]));
	close(self->client[0]);
	self->client[0] = 0;
	ASSERT_EQ(0, queue_wait_counter(c, "EmbryonicRsts", 1));
	ASSERT_EQ(0, quiesce(c, self->client));

	EXPECT_TRUE(told(c, variant->sees));
	e = queue_nth(c, "reset", 0);
	EXPECT_EQ(sees_ends(c), !!e);
	if (e)
		EXPECT_EQ(0, witness_number(e, "syn"));
}

/*
 * Claim: of a burst of SYNs none is lost, neither by the tool nor by its sums,
 * which are judged at the end of the trace.
 */
TEST_F_TIMEOUT(drop, burst, 120)
{
	struct conn *c = &self->conn;
	int n = guest_times(CLIENTS, variant->in_guests), queued;

	NEED_TIERS();
	ASSERT_EQ(0, sysctl(c, "tcp_syncookies", "0"));
	ASSERT_EQ(0, sysctl(c, "tcp_max_syn_backlog", "4096"));
	ASSERT_EQ(0, queue_listen(c, 100));
	ASSERT_EQ(0, connect_deaf(c, self->client, n));
	ASSERT_EQ(0, queue_wait_counter(c, "ListenDrops", n - 101));
	ASSERT_EQ(0, quiesce(c, self->client));

	EXPECT_TRUE(told(c, variant->sees));
	if (!variant->sees)
		return;
	/* who is gone answers a SYN-ACK by an RST, and makes room for another */
	queued = queue_count(c, "SYN_queued", NULL);
	EXPECT_LE(101, queued);
	EXPECT_GE(101 + conn_counter(c, 1, "EmbryonicRsts"), queued);
}

/* They come while there is no room for them, and do not try again. */
static int knock(const struct conn *c, int n, const char *counter)
{
	int64_t before = conn_counter(c, 1, counter);
	int client[8], i, err = 0;

	for (i = 0; i < n && !err; i++)
		err = queue_join(c, &client[i], true);
	err = err ?: queue_wait_counter(c, counter, before + n);
	while (i--)
		close(client[i]);
	return err;
}

/*
 * Last ACKs and SYNs that find the accept queue full: of four requests two are
 * ignored, then all are reset.
 */
static int overflow_accept_queue(struct conn *c, int *client)
{
	int i, err = queue_listen(c, 4);

	for (i = 0; i < 9 && !err; i++) {
		err = queue_join(c, &client[i], i < 4);
		if (!err)
			err = i < 4 ? queue_wait_answer(client[i]) :
				      queue_wait_accept(c, i - 3);
	}
	for (i = 0; i < 2 && !err; i++)
		err = conn_deafen(client[i], false);
	err = err ?: queue_wait_counter(c, "ListenOverflows", 2);
	err = err ?: sysctl(c, "tcp_abort_on_overflow", "1");
	for (i = 2; i < 4 && !err; i++)
		err = conn_deafen(client[i], false);
	for (i = 0; i < 4 && !err; i++)
		err = queue_wait_state(client[i], TCP_CLOSE);
	return err ?: knock(c, 3, "ListenOverflows");
}

/* SYNs that find the SYN queue full, with cookies and without, or too full. */
static int overflow_syn_queue(struct conn *c, int *client)
{
	int i, fd, err;

	while ((fd = accept(c->listener, NULL, NULL)) >= 0)
		close(fd);
	err = connect_deaf(c, client, 5);
	for (i = 0; i < 5 && !err; i++)
		err = queue_wait_answer(client[i]);
	err = err ?: knock(c, 3, "SyncookiesSent");
	err = err ?: sysctl(c, "tcp_syncookies", "0");
	err = err ?: knock(c, 3, "TCPReqQFullDrop");
	err = err ?: sysctl(c, "tcp_max_syn_backlog", "8");
	if (!err && listen(c->listener, 128))
		err = -errno;
	return err ?: knock(c, 3, "ListenDrops"); /* 2 are left */
}

/*
 * Claim: where a listener drops for each reason that there is, one after the
 * other, each drop is told with its own, and their sum is the kernel's.
 */
TEST_F(drop, mixture)
{
	struct conn *c = &self->conn;
	int aborted, third, full;

	NEED_TIERS();
	/* or it would know its peers */
	ASSERT_EQ(0, sysctl(c, "tcp_no_metrics_save", "1"));
	ASSERT_EQ(0, overflow_accept_queue(c, self->client));
	ASSERT_EQ(0, overflow_syn_queue(c, self->client + 9));
	ASSERT_EQ(0, quiesce(c, self->client));

	EXPECT_TRUE(told(c, variant->sees));
	if (!variant->sees)
		return;
	third = queue_count(c, "accept_overflow", "third_ACK_overflow");
	aborted = queue_count(c, "accept_overflow", "abort_on_overflow");
	full = queue_count(c, "SYN_dropped", "accept_queue_full");
	EXPECT_LE(2, third);
	EXPECT_EQ(4, aborted);
	EXPECT_LE(3, full);
	EXPECT_EQ(conn_counter(c, 1, "ListenOverflows"),
		  third + aborted + full);
	EXPECT_LE(3, queue_count(c, "cookie_sent", "SYN_queue_full_cookie"));
	EXPECT_EQ(conn_counter(c, 1, "SyncookiesSent"),
		  queue_count(c, "cookie_sent", NULL));
	EXPECT_LE(3, queue_count(c, "SYN_dropped", "SYN_queue_full_drop"));
	EXPECT_EQ(conn_counter(c, 1, "TCPReqQFullDrop"),
		  queue_count(c, "SYN_dropped", "SYN_queue_full_drop"));
	EXPECT_LE(1, queue_count(c, "SYN_dropped", "last_quarter"));
	EXPECT_EQ(0, queue_count(c, "SYN_dropped", "NONE"));
}

SHARED_HARNESS_MAIN("--events", "queue")
