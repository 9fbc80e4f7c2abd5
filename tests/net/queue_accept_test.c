// SPDX-License-Identifier: GPL-2.0
/*
 * Tests of accept queues with many connections, listeners and threads, against
 * TCP_INFO and the application's own clock.
 */
#include <errno.h>
#include <fcntl.h>
#include <json-c/json.h>
#include <linux/io_uring.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include "lib/clock.h"
#include "tests/lib/guest.h"
#include "tests/lib/queue.h"
#include "tests/lib/uring.h"

#include <kselftest_harness.h>

#define CONNECTIONS 1000
#define AT_ONCE 5
#define LISTENERS 4
#define THREADS 8

FIXTURE(accept)
{
	struct conn conn;
	bool has_tiers;
};

FIXTURE_VARIANT(accept)
{
	int family;
	char *tiers;
	int in_guests; /* connections there */
};

/* clang-format off */
FIXTURE_VARIANT_ADD(accept, tier1_ipv4){ AF_INET, "1", 100 };
FIXTURE_VARIANT_ADD(accept, tier2_ipv6){ AF_INET6, "1,2", 100 };
FIXTURE_VARIANT_ADD(accept, tier3_ipv4){ AF_INET, "1,2,3", 100 };
FIXTURE_VARIANT_ADD(accept, tier4_ipv4){ AF_INET, "1,2,4", CONNECTIONS };
FIXTURE_VARIANT_ADD(accept, tier4_ipv6){ AF_INET6, "1,2,4", 100 };
/* clang-format on */

FIXTURE_SETUP(accept)
{
	int err;

	ASSERT_EQ(0, conn_stage(&self->conn, variant->family));
	err = queue_watch(&self->conn, variant->tiers);
	self->has_tiers = err != -EOPNOTSUPP;
	ASSERT_EQ(0, self->has_tiers ? err : 0);
}

FIXTURE_TEARDOWN(accept)
{
	conn_free(&self->conn);
}

#define NEED_TIERS()          \
	if (!self->has_tiers) \
	SKIP(return, "this kernel has not all of these tiers")

#define OTHER_USER 1000

/* Accepts as another user, who owns the connection then. */
static int accept_as_other(struct conn *c)
{
	int err = seteuid(OTHER_USER) ? -errno : conn_accept(c);

	return seteuid(0) ? -errno : err;
}

/*
 * Claim: a connection that was not noted when it came is told when it is
 * accepted: that it came, derived, and that it was accepted, after a time that
 * is not known. What its listener's user owns as it comes is not noted here.
 */
TEST(unseen)
{
	char uid[32],
		*args[] = { "--events", "queue", "--tiers", "1,2", uid, NULL };
	struct conn conn, *c = &conn;
	struct json_object *in, *out;
	int client, err;

	ASSERT_EQ(0, conn_stage(c, AF_INET6));
	snprintf(uid, sizeof(uid), "uid = %d", OTHER_USER);
	err = trace_start(&c->trace, args);
	if (err == -ENODATA)
		SKIP(return, "this kernel has no tier 2");
	ASSERT_EQ(0, err);
	ASSERT_EQ(0, queue_listen(c, 8));
	ASSERT_EQ(0, queue_join(c, &client, false));
	ASSERT_EQ(0, queue_wait_accept(c, 1));
	ASSERT_EQ(0, accept_as_other(c));
	ASSERT_EQ(0, trace_stop(&c->trace));

	in = queue_nth(c, "completed", 0);
	out = queue_nth(c, "accepted", 0);
	ASSERT_NE(NULL, in);
	ASSERT_NE(NULL, out);
	EXPECT_STREQ("derived", queue_text(in, "how"));
	EXPECT_STREQ("observed", queue_text(out, "how"));
	EXPECT_EQ(c->cookie[1], witness_number(out, "cookie"));
	EXPECT_EQ(c->fd[1], (int)witness_number(out, "fd"));
	EXPECT_EQ(0, witness_number(out, "accept"));
	EXPECT_EQ(conn_cookie(c->listener), witness_number(out, "listener"));
	EXPECT_EQ(CONN_PORT + 1, witness_number(in, "lport"));
	EXPECT_EQ(witness_number(in, "rport"), witness_number(out, "rport"));
	EXPECT_EQ(getpid(), (pid_t)witness_number(out, "pid"));
	EXPECT_FALSE(json_object_object_get_ex(out, "wait_ns", NULL));
	EXPECT_EQ(1, queue_count(c, "completed", NULL));
	EXPECT_EQ(1, queue_count(c, "accepted", NULL));
	close(client);
	conn_free(c);
}

/* One whose SYN has a byte of data; it may be deaf at first. */
static int join_fast(const struct conn *c, int *client, bool deaf)
{
	int err;

	*client = conn_socket(c, 0);
	if (*client < 0)
		return *client;
	err = deaf ? conn_deafen(*client, true) : 0;
	if (err)
		return err;
	if (sendto(*client, "x", 1, MSG_FASTOPEN, (void *)&c->addr[1], c->len) <
		    0 &&
	    errno != EINPROGRESS)
		return -errno;
	return queue_wait_accept(c, 1);
}

/* It is told once to come in and once to be accepted. */
static void expect_fast(struct __test_metadata *_metadata, struct conn *c,
			int n, uint64_t cookie, bool seen)
{
	struct json_object *in = queue_nth(c, "fast_opened", n);
	struct json_object *out = queue_nth(c, "accepted", n);

	ASSERT_NE(NULL, in);
	ASSERT_NE(NULL, out);
	EXPECT_STREQ(seen ? "observed" : "derived", queue_text(in, "how"));
	EXPECT_EQ(1, witness_number(in, "accept"));
	EXPECT_EQ(conn_cookie(c->listener), witness_number(in, "listener"));
	EXPECT_EQ(cookie, witness_number(in, "cookie"));
	EXPECT_EQ(cookie, witness_number(out, "cookie"));
	EXPECT_NE(0, witness_number(in, "rport"));
	EXPECT_EQ(witness_number(out, "ts_ns") - witness_number(in, "ts_ns"),
		  witness_number(out, "wait_ns"));
	/* what the kernel took for accepted, or what was used before we knew */
	EXPECT_STREQ(seen || !n ? "observed" : "derived",
		     queue_text(out, "how"));
}

/*
 * Claim: a connection whose SYN has data is told to wait from then on, though
 * its handshake is not complete, and also if it is accepted before that. This
 * comes first: nothing is known of any other child yet.
 */
TEST_F(accept, fast_open)
{
	struct conn *c = &self->conn;
	uint64_t cookie[2];
	int client, n;
	bool seen;

	NEED_TIERS();
	seen = trace_has_hook(&c->trace, "queue_adds") ||
	       trace_has_hook(&c->trace, "queue_child");
	ASSERT_EQ(0, conn_listen_fastopen(c, false));
	for (n = 0; n < 2; n++) {
		ASSERT_EQ(0, join_fast(c, &client, n)); /* the second is deaf */
		if (seen) /* before somebody takes it */
			ASSERT_EQ(0, queue_wait_shown(c, "fast_opened", NULL,
						      n + 1));
		if (!n)
			ASSERT_EQ(0, queue_wait_state(client, TCP_ESTABLISHED));
		ASSERT_EQ(0, conn_accept(c));
		cookie[n] = c->cookie[1];
		ASSERT_EQ(0, conn_receive(c, 1, 1));
		if (n)
			ASSERT_EQ(0, conn_deafen(client, false));
		ASSERT_EQ(0, queue_wait_state(c->fd[1], TCP_ESTABLISHED));
		ASSERT_EQ(0, conn_close(c, 1));
		close(client);
	}
	ASSERT_EQ(2, conn_counter(c, 1, "TCPFastOpenPassive"));
	ASSERT_EQ(0, conn_stop(c));
	for (n = 0; n < 2; n++)
		expect_fast(_metadata, c, n, cookie[n], seen);
	EXPECT_EQ(2, queue_count(c, "fast_opened", NULL));
	EXPECT_EQ(2, queue_count(c, "accepted", NULL));
	EXPECT_EQ(0, queue_count(c, "completed", NULL));
	EXPECT_EQ(0, queue_count(c, "SYN_queued", NULL));
	EXPECT_EQ(0, queue_count(c, "SYN_dropped", NULL));
}

/* What the application and TCP_INFO say of one connection. */
struct truth {
	int in, out; /* depths after it came in, after it was accepted */
	uint64_t before, after;
};

/* Some come in, all are accepted, and again. 0 or -errno. */
static int in_turns(struct conn *c, struct truth *truth, int n)
{
	int client[AT_ONCE], i, k, err = 0;

	for (i = 0; i < n && !err; i += AT_ONCE) {
		for (k = 0; k < AT_ONCE && !err; k++) {
			err = queue_join(c, &client[k], false);
			if (!err)
				err = queue_wait_accept(c, k + 1);
			truth[i + k].in = queue_accept_depth(c->listener);
		}
		for (k = 0; k < AT_ONCE && !err; k++) {
			truth[i + k].before = clock_now_ns();
			err = conn_accept(c);
			truth[i + k].after = clock_now_ns();
			truth[i + k].out = queue_accept_depth(c->listener);
			close(c->fd[1]);
			close(client[k]);
			c->fd[1] = -1;
		}
	}
	return err;
}

/* The fields of the n-th event of a kind, quickly: they come in order. */
struct walk {
	const struct conn *c;
	size_t from;
};

static struct json_object *next(struct walk *w, const char *op)
{
	const struct sighting queue = { .type = "queue",
					.netns = w->c->pair.side[1].inode };
	struct json_object *e;

	do
		e = witness_next(w->c->trace.witness, &queue, &w->from);
	while (e && strcmp(queue_text(e, "op"), op));
	return e;
}

/*
 * Claim: of a thousand connections each is told to come in and to be accepted,
 * with the depths that TCP_INFO has, between the times that accept() takes.
 */
TEST_F_TIMEOUT(accept, depths, 120)
{
	struct conn *c = &self->conn;
	int n = guest_times(CONNECTIONS, variant->in_guests);
	int i, wrong = 0, late = 0;
	struct truth *truth = calloc(CONNECTIONS, sizeof(*truth));
	struct walk in = { .c = c }, out = { .c = c };
	uint64_t ts;

	NEED_TIERS();
	ASSERT_NE(NULL, truth);
	ASSERT_EQ(0, queue_listen(c, AT_ONCE));
	ASSERT_EQ(0, in_turns(c, truth, n));
	ASSERT_EQ(0, conn_stop(c));

	for (i = 0; i < n; i++) {
		struct json_object *e = next(&in, "completed");
		struct json_object *a = next(&out, "accepted");

		ASSERT_NE(NULL, e);
		ASSERT_NE(NULL, a);
		wrong += truth[i].in != (int)witness_number(e, "accept");
		wrong += truth[i].out != (int)witness_number(a, "accept");
		wrong += witness_number(e, "cookie") !=
			 witness_number(a, "cookie");
		ts = witness_number(a, "ts_ns");
		late += ts < truth[i].before || ts > truth[i].after;
	}
	EXPECT_EQ(0, wrong);
	EXPECT_EQ(0, late);
	EXPECT_EQ(NULL, next(&in, "completed"));
	EXPECT_EQ(NULL, next(&out, "accepted"));
	free(truth);
}

/* One of several listeners of a port. A file descriptor or -errno. */
static int listen_shared(const struct conn *c)
{
	int fd = conn_socket(c, 1), on = 1;

	if (fd < 0)
		return fd;
	if (setsockopt(fd, SOL_SOCKET, SO_REUSEPORT, &on, sizeof(on)) ||
	    bind(fd, (void *)&c->addr[1], c->len) || listen(fd, 64))
		return -errno;
	return fd;
}

/* How often that is told of the listener with this cookie, and observed. */
static int told_of(const struct conn *c, uint64_t listener, const char *op)
{
	struct walk w = { .c = c };
	struct json_object *e;
	int n = 0;

	while ((e = next(&w, op)))
		n += witness_number(e, "listener") == listener &&
		     !strcmp(queue_text(e, "how"), "observed");
	return n;
}

#define SHARE 72 /* more than there are places for children (bpf/queue.h) */

/*
 * Claim: of listeners that share a port each has its own connections, and all
 * of them are told to come and to be accepted, however many wait.
 */
TEST_F(accept, reuseport)
{
	struct conn *c = &self->conn;
	int fd[LISTENERS], client[SHARE], depth[LISTENERS], i, k, n;
	uint64_t begin = clock_now_ns();

	NEED_TIERS();
	for (i = 0; i < LISTENERS; i++) {
		fd[i] = listen_shared(c);
		ASSERT_LE(0, fd[i]);
	}
	for (i = 0; i < SHARE; i++)
		ASSERT_EQ(0, queue_join(c, &client[i], false));
	do {
		for (i = n = 0; i < LISTENERS; i++)
			n += depth[i] = queue_accept_depth(fd[i]);
	} while (n < SHARE && conn_pause(begin));
	ASSERT_EQ(SHARE, n);
	for (i = 0; i < LISTENERS; i++)
		for (k = 0; k < depth[i]; k++)
			close(accept(fd[i], NULL, NULL));
	ASSERT_EQ(0, conn_stop(c));

	for (i = 0; i < LISTENERS; i++) {
		EXPECT_EQ(depth[i],
			  told_of(c, conn_cookie(fd[i]), "completed"));
		EXPECT_EQ(depth[i], told_of(c, conn_cookie(fd[i]), "accepted"));
		close(fd[i]);
	}
	for (i = 0; i < SHARE; i++)
		close(client[i]);
}

/* Until both have so many together. */
static int wait_both(const int fd[2], int n)
{
	uint64_t begin = clock_now_ns();

	while (queue_accept_depth(fd[0]) + queue_accept_depth(fd[1]) < n)
		if (!conn_pause(begin))
			return -ETIMEDOUT;
	return 0;
}

/*
 * Claim: children that wait when their listener is closed, and move on to
 * another one of the same port, are accepted from that one.
 */
TEST_F(accept, migrated)
{
	struct conn *c = &self->conn;
	int fd[2], client[8], i, gone;
	struct walk w = { .c = c };
	struct json_object *e;
	uint64_t listener;

	NEED_TIERS();
	ASSERT_EQ(0, netns_sysctl(c->pair.side[1].fd,
				  "net/ipv4/tcp_migrate_req", "1"));
	for (i = 0; i < 2; i++) {
		fd[i] = listen_shared(c);
		ASSERT_LE(0, fd[i]);
	}
	for (i = 0; i < 8; i++)
		ASSERT_EQ(0, queue_join(c, &client[i], false));
	ASSERT_EQ(0, wait_both(fd, 8));
	gone = queue_accept_depth(fd[0]) < queue_accept_depth(fd[1]);
	close(fd[gone]);
	ASSERT_EQ(8, queue_accept_depth(fd[!gone]));
	listener = conn_cookie(fd[!gone]);
	for (i = 0; i < 8; i++)
		close(accept(fd[!gone], NULL, NULL));
	ASSERT_EQ(0, conn_stop(c));

	for (i = 0; i < 8; i++) {
		e = next(&w, "accepted");
		ASSERT_NE(NULL, e);
		EXPECT_EQ(listener, witness_number(e, "listener"));
		EXPECT_EQ(7 - i, (int)witness_number(e, "accept"));
		close(client[i]);
	}
	EXPECT_EQ(NULL, next(&w, "accepted"));
	close(fd[!gone]);
}

/* Accepts until the listener is shut down. Returns how many. */
static void *accept_all(void *arg)
{
	int fd, listener = *(int *)arg;
	intptr_t n = 0;

	while ((fd = accept(listener, NULL, NULL)) >= 0) {
		n++;
		close(fd);
	}
	return (void *)n;
}

struct client {
	const struct conn *c;
	int n; /* connections */
};

/* Connects again and again. Returns NULL if it could. */
static void *connect_again(void *arg)
{
	struct client *client = arg;
	int i, fd;

	for (i = 0; i < client->n; i++) {
		if (queue_join(client->c, &fd, false) ||
		    poll(&(struct pollfd){ .fd = fd, .events = POLLIN }, 1,
			 -1) != 1)
			return arg;
		close(fd);
	}
	return NULL;
}

/* Many threads accept: each connection is told to come in once, and to leave. */
static void accept_many(struct __test_metadata *_metadata, struct conn *c,
			int clients)
{
	int i, n = guest_times(CONNECTIONS, 100) / THREADS * THREADS;
	struct client client = { .c = c, .n = n / clients };
	pthread_t thread[THREADS], connects[THREADS];
	struct walk w = { .c = c };
	int left = 0, count = 0;
	struct json_object *e;
	void *accepted, *failed;

	ASSERT_EQ(0, queue_listen(c, 64));
	ASSERT_EQ(0, fcntl(c->listener, F_SETFL, 0)); /* it blocks */
	for (i = 0; i < THREADS; i++)
		ASSERT_EQ(0, pthread_create(&thread[i], NULL, accept_all,
					    &c->listener));
	for (i = 0; i < clients; i++)
		ASSERT_EQ(0, pthread_create(&connects[i], NULL, connect_again,
					    &client));
	for (i = 0; i < clients; i++) {
		pthread_join(connects[i], &failed);
		ASSERT_EQ(NULL, failed);
	}
	shutdown(c->listener, SHUT_RD);
	for (i = 0; i < THREADS; i++) {
		pthread_join(thread[i], &accepted);
		left += (intptr_t)accepted;
	}
	ASSERT_EQ(n, left);
	ASSERT_EQ(0, conn_stop(c));

	while ((e = next(&w, "accepted"))) {
		count++;
		if (clients > 1)
			continue; /* the end of accept() may not be seen */
		EXPECT_LT(0, witness_number(e, "wait_ns"));
		EXPECT_GT(20000000000, witness_number(e, "wait_ns"));
		EXPECT_NE(0, witness_number(e, "fd"));
		EXPECT_EQ(getpid(), (pid_t)witness_number(e, "pid"));
		EXPECT_NE(0, witness_number(e, "tid"));
	}
	EXPECT_EQ(n, count);
	EXPECT_EQ(n, queue_count(c, "completed", NULL));
}

/*
 * Claim: where many threads accept at once, each connection is told to be
 * accepted once, and after it came in.
 */
TEST_F_TIMEOUT(accept, threads, 120)
{
	NEED_TIERS();
	accept_many(_metadata, &self->conn, 1);
}

/* Claim: the same is so where as many connect at once, on all CPUs. */
TEST_F_TIMEOUT(accept, crowd, 120)
{
	NEED_TIERS();
	accept_many(_metadata, &self->conn, THREADS);
}

/* Accepts in another process, which then only waits. */
static pid_t accept_elsewhere(const struct conn *c)
{
	pid_t pid = fork();

	if (pid)
		return pid;
	prctl(PR_SET_PDEATHSIG, SIGKILL);
	prctl(PR_SET_NAME, "acceptor");
	fcntl(c->listener, F_SETFL, 0);
	accept(c->listener, NULL, NULL);
	pause();
	_exit(0);
}

/*
 * Claim: who accepts a connection is shown as its owner, also if it is not the
 * listener's, and a filter passes what it accepts.
 */
TEST(owner)
{
	struct conn conn, *c = &conn;
	char *args[] = { "--events", "state,queue", "comm = acceptor", NULL };
	struct sighting close_wait = { .type = "state", .new = "CLOSE_WAIT" };
	struct json_object *e;
	size_t from = 0;
	int client;
	pid_t pid;

	ASSERT_EQ(0, conn_stage(c, AF_INET));
	ASSERT_EQ(0, trace_start(&c->trace, args));
	if (!trace_has_hook(&c->trace, "queue_accepts"))
		SKIP(return, "accept() is not seen");
	ASSERT_EQ(0, queue_listen(c, 8));
	pid = accept_elsewhere(c);
	ASSERT_LT(0, pid);
	ASSERT_EQ(0, queue_join(c, &client, false));
	ASSERT_EQ(0, queue_wait_shown(c, "accepted", NULL, 1));
	shutdown(client, SHUT_WR);
	ASSERT_EQ(0, witness_wait(c->trace.witness, &close_wait,
				  TRACE_PATIENCE_NS));
	ASSERT_EQ(0, trace_stop(&c->trace));

	e = queue_nth(c, "accepted", 0);
	EXPECT_EQ(pid, (pid_t)witness_number(e, "pid"));
	EXPECT_STREQ("acceptor", queue_text(e, "comm"));
	EXPECT_EQ(0, queue_count(c, "completed", NULL));
	e = witness_next(c->trace.witness, &close_wait, &from);
	EXPECT_EQ(pid, (pid_t)witness_number(e, "pid"));
	EXPECT_STREQ("observed", queue_text(e, "owner_how"));
	kill(pid, SIGKILL);
	waitpid(pid, NULL, 0);
	close(client);
	conn_free(c);
}

/* Claim: what io_uring accepts is told when it has. */
TEST_F(accept, uring)
{
	struct conn *c = &self->conn;
	struct json_object *e;
	int client, fd;

	NEED_TIERS();
	ASSERT_EQ(0, queue_listen(c, 8));
	ASSERT_EQ(0, queue_join(c, &client, false));
	ASSERT_EQ(0, queue_wait_accept(c, 1));
	fd = uring_do(IORING_OP_ACCEPT, c->listener, NULL, 0, false);
	if (fd == -ENOSYS || fd == -EPERM)
		SKIP(return, "no io_uring");
	ASSERT_LE(0, fd);
	EXPECT_EQ(1, write(client, "x", 1));
	c->fd[1] = fd;
	ASSERT_EQ(0, conn_receive(c, 1, 1));
	ASSERT_EQ(0, conn_stop(c));

	e = queue_nth(c, "accepted", 0);
	ASSERT_NE(NULL, e);
	EXPECT_EQ(NULL, queue_nth(c, "accepted", 1));
	EXPECT_EQ(getpid(), (pid_t)witness_number(e, "pid"));
	EXPECT_STREQ("observed", queue_text(e, "how"));
	EXPECT_EQ(0, witness_number(e, "accept"));
	EXPECT_EQ(conn_cookie(c->listener), witness_number(e, "listener"));
	EXPECT_EQ(witness_number(e, "ts_ns") -
			  witness_number(queue_nth(c, "completed", 0), "ts_ns"),
		  witness_number(e, "wait_ns"));
	if (!trace_has_hook(&c->trace, "queue_taken"))
		EXPECT_EQ(fd, (int)witness_number(e, "fd"));
	close(client);
}

/*
 * Claim: one that its client has reset while it waited can be accepted, and is
 * told then; one that nobody uses is told when it is closed, if not before.
 */
TEST_F(accept, unused)
{
	const struct linger now = { .l_onoff = 1 };
	struct conn *c = &self->conn;
	struct json_object *e;
	int client, fd;

	NEED_TIERS();
	ASSERT_EQ(0, queue_listen(c, 8));
	ASSERT_EQ(0, queue_join(c, &client, false));
	ASSERT_EQ(0, queue_wait_accept(c, 1));
	ASSERT_EQ(0,
		  setsockopt(client, SOL_SOCKET, SO_LINGER, &now, sizeof(now)));
	close(client);
	ASSERT_EQ(0, queue_wait_counter(c, "EstabResets", 1));
	ASSERT_EQ(0, conn_accept(c));
	ASSERT_EQ(0, conn_close(c, 1));
	ASSERT_EQ(0, queue_join(c, &client, false));
	ASSERT_EQ(0, queue_wait_accept(c, 1));
	fd = uring_do(IORING_OP_ACCEPT, c->listener, NULL, 0, false);
	if (fd >= 0)
		close(fd);
	ASSERT_EQ(0, conn_stop(c));

	EXPECT_EQ(2, queue_count(c, "completed", NULL));
	e = queue_nth(c, "accepted", 0);
	ASSERT_NE(NULL, e);
	EXPECT_STREQ("observed", queue_text(e, "how"));
	EXPECT_EQ(witness_number(queue_nth(c, "completed", 0), "cookie"),
		  witness_number(e, "cookie"));
	EXPECT_EQ(fd >= 0 ? 2 : 1, queue_count(c, "accepted", NULL));
	close(client);
}

SHARED_HARNESS_MAIN("--events", "queue")
