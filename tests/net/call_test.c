// SPDX-License-Identifier: GPL-2.0
/* Tests of the call events: arguments, results, and whose they are. */
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <signal.h>
#include <sys/mman.h>
#include <sys/sendfile.h>
#include <sys/uio.h>
#include <sys/wait.h>
#include <unistd.h>

#include "tests/lib/actor.h"
#include "tests/lib/calls.h"
#include "tests/lib/conn.h"

#include <kselftest_harness.h>

#define NONE INT64_MIN /* calls_number() of what is absent */

FIXTURE(call)
{
	struct calls c;
};

FIXTURE_VARIANT(call)
{
	int family;
	const char *loopback;
};

FIXTURE_VARIANT_ADD(call, ipv4){ AF_INET, "127.0.0.1" };
FIXTURE_VARIANT_ADD(call, ipv6){ AF_INET6, "::1" };

FIXTURE_SETUP(call)
{
	ASSERT_EQ(0, calls_join(&self->c, variant->family));
}

FIXTURE_TEARDOWN(call)
{
	calls_free(&self->c);
}

#define EXIT(op, n) calls_nth(&self->c, op, "exit", n)
#define ENTER(op, n) calls_nth(&self->c, op, "enter", n)

/* Claim: what opens a connection has its arguments and results. */
TEST_F(call, opening)
{
	struct calls *c = &self->c;
	struct json_object *in, *out;
	int64_t cookie[2];

	ASSERT_EQ(0, calls_open(c, 0));
	cookie[0] = conn_cookie(c->client);
	cookie[1] = conn_cookie(c->server);
	ASSERT_EQ(0, calls_stop(c));

	out = EXIT("socket", 1);
	ASSERT_NE(NULL, out);
	EXPECT_EQ(c->client, calls_number(out, "result"));
	EXPECT_EQ(getpid(), calls_number(out, "pid"));
	EXPECT_EQ(cookie[0], calls_number(out, "cookie"));

	out = EXIT("bind", 0);
	ASSERT_NE(NULL, out);
	EXPECT_STREQ(variant->loopback, calls_text(out, "to"));
	EXPECT_EQ(CALLS_PORT, calls_number(out, "to_port"));
	EXPECT_EQ(c->listener, calls_number(out, "fd"));
	EXPECT_EQ(CALLS_PORT, calls_number(out, "lport"));

	out = EXIT("listen", 0);
	ASSERT_NE(NULL, out);
	EXPECT_EQ(7, calls_number(out, "backlog"));

	in = ENTER("connect", 0);
	out = EXIT("connect", 0);
	ASSERT_NE(NULL, in);
	ASSERT_NE(NULL, out);
	EXPECT_EQ(calls_number(in, "call"), calls_number(out, "call"));
	EXPECT_EQ(calls_number(out, "ts_ns") - calls_number(in, "ts_ns"),
		  calls_number(out, "duration_ns"));
	EXPECT_EQ(NONE, calls_number(in, "result"));
	EXPECT_EQ(NONE, calls_number(in, "duration_ns"));
	EXPECT_STREQ(variant->loopback, calls_text(in, "to"));
	EXPECT_STREQ(variant->loopback, calls_text(out, "to"));
	EXPECT_EQ(CALLS_PORT, calls_number(out, "rport"));
	EXPECT_EQ(cookie[0], calls_number(in, "cookie"));
	EXPECT_EQ(cookie[0], calls_number(out, "cookie"));

	in = ENTER("accept4", 0);
	out = EXIT("accept4", 0);
	ASSERT_NE(NULL, in);
	ASSERT_NE(NULL, out);
	EXPECT_EQ(c->listener, calls_number(in, "fd"));
	EXPECT_EQ(c->listener, calls_number(out, "fd"));
	EXPECT_EQ(conn_cookie(c->listener),
		  (uint64_t)calls_number(in, "cookie"));
	EXPECT_EQ(c->server, calls_number(out, "result"));
	EXPECT_EQ(cookie[1], calls_number(out, "cookie"));
	EXPECT_EQ(SOCK_CLOEXEC, calls_number(out, "flags"));
	EXPECT_STREQ(variant->loopback, calls_text(out, "to"));
	EXPECT_EQ(calls_number(out, "rport"), calls_number(out, "to_port"));
}

/* Claim: all that sends or receives says how much it was to, and how much. */
TEST_F(call, bytes)
{
	char text[] = "hello, world", room[64];
	struct iovec v[2] = { { text, 5 }, { text + 5, 7 } };
	struct iovec r[2] = { { room, 3 }, { room + 3, 4 } };
	struct msghdr out = { .msg_iov = v, .msg_iovlen = 2 };
	struct msghdr in = { .msg_iov = r, .msg_iovlen = 2 };
	int file = memfd_create("data", 0), pipes[2], i;
	struct calls *c = &self->c;
	const struct {
		const char *op;
		int len, result, flags;
	} claims[] = {
		{ "sendto", 12, 12, MSG_NOSIGNAL },
		{ "write", 12, 12, 0 },
		{ "writev", 12, 12, 0 },
		{ "sendmsg", 12, 12, MSG_MORE },
		{ "sendfile", 20, 12, 0 },
		{ "splice", 9, 9, SPLICE_F_MOVE },
		{ "recvfrom", 10, 10, MSG_WAITALL },
		{ "read", 10, 10, 0 },
		{ "readv", 7, 7, 0 },
		{ "recvmsg", 7, 7, MSG_WAITALL },
	};
	struct json_object *e;

	ASSERT_EQ(12, write(file, text, 12)); /* no socket: not told */
	ASSERT_EQ(0, lseek(file, 0, SEEK_SET));
	ASSERT_EQ(0, pipe(pipes));
	ASSERT_EQ(9, write(pipes[1], text, 9));
	ASSERT_EQ(0, calls_open(c, 0));
	EXPECT_EQ(12, send(c->client, text, 12, MSG_NOSIGNAL));
	EXPECT_EQ(12, write(c->client, text, 12));
	EXPECT_EQ(12, writev(c->client, v, 2));
	EXPECT_EQ(12, sendmsg(c->client, &out, MSG_MORE));
	EXPECT_EQ(12, sendfile(c->client, file, NULL, 20));
	EXPECT_EQ(9, splice(pipes[0], NULL, c->client, NULL, 9, SPLICE_F_MOVE));
	EXPECT_EQ(10, recv(c->server, room, 10, MSG_WAITALL));
	EXPECT_EQ(10, read(c->server, room, 10));
	EXPECT_EQ(7, readv(c->server, r, 2));
	EXPECT_EQ(7, recvmsg(c->server, &in, MSG_WAITALL));
	ASSERT_EQ(0, calls_stop(c));
	close(file);
	close(pipes[0]);
	close(pipes[1]);

	for (i = 0; i < (int)(sizeof(claims) / sizeof(*claims)); i++) {
		e = EXIT(claims[i].op, 0);
		ASSERT_NE(NULL, e)
		{
			TH_LOG("%s", claims[i].op);
		}
		EXPECT_EQ(claims[i].len, calls_number(e, "len"));
		EXPECT_EQ(claims[i].result, calls_number(e, "result"));
		EXPECT_EQ(claims[i].flags ? claims[i].flags : NONE,
			  calls_number(e, "flags"));
		EXPECT_EQ(1, calls_count(c, claims[i].op, "enter"));
		EXPECT_EQ(i < 6 ? c->client : c->server, calls_number(e, "fd"));
	}
}

/* Claim: options have their names, and values if these are numbers. */
TEST_F(call, options)
{
	struct linger linger = { 1, 5 };
	struct timeval time = { 2, 500000 };
	struct calls *c = &self->c;
	struct tcp_info info;
	socklen_t len;
	int value = 1, i;
	static const struct {
		const char *op, *option;
		int64_t optval;
	} claims[] = {
		{ "setsockopt", "TCP_NODELAY", 1 },
		{ "setsockopt", "SO_LINGER", 5 },
		{ "setsockopt", "SO_LINGER", -1 },
		{ "setsockopt", "SO_RCVTIMEO", 2500 },
		{ "setsockopt", "TCP_LINGER2", -1 },
		{ "getsockopt", "TCP_LINGER2", -1 },
		{ "getsockopt", "TCP_INFO", NONE },
		{ "getsockopt", "absent", 6 },
	};
	struct json_object *e;
	int sets = 0;

	c->client = socket(variant->family, SOCK_STREAM, 0);
	setsockopt(c->client, SOL_TCP, TCP_NODELAY, &value, sizeof(value));
	setsockopt(c->client, SOL_SOCKET, SO_LINGER, &linger, sizeof(linger));
	linger.l_onoff = 0;
	setsockopt(c->client, SOL_SOCKET, SO_LINGER, &linger, sizeof(linger));
	setsockopt(c->client, SOL_SOCKET, SO_RCVTIMEO, &time, sizeof(time));
	value = -1;
	setsockopt(c->client, SOL_TCP, TCP_LINGER2, &value, sizeof(value));
	len = sizeof(value);
	getsockopt(c->client, SOL_TCP, TCP_LINGER2, &value, &len);
	len = sizeof(info);
	getsockopt(c->client, SOL_TCP, TCP_INFO, &info, &len);
	len = sizeof(value);
	getsockopt(c->client, SOL_SOCKET, SO_PROTOCOL, &value, &len);
	ASSERT_EQ(0, calls_stop(c));

	for (i = 0; i < (int)(sizeof(claims) / sizeof(*claims)); i++) {
		sets += *claims[i].op == 's';
		e = EXIT(claims[i].op, *claims[i].op == 's' ? i : i - sets);
		ASSERT_NE(NULL, e);
		EXPECT_STREQ(claims[i].option, calls_text(e, "option"));
		EXPECT_EQ(claims[i].optval, calls_number(e, "optval"));
		EXPECT_EQ(0, calls_number(e, "result"));
	}
	EXPECT_EQ(SOL_SOCKET, calls_number(e, "level"));
	EXPECT_EQ(SO_PROTOCOL, calls_number(e, "optname"));
}

/* Claim: what becomes of descriptors is told, and how a connection ends. */
TEST_F(call, descriptors)
{
	struct calls *c = &self->c;
	int64_t cookie;
	int copy;

	ASSERT_EQ(0, calls_open(c, 0));
	cookie = conn_cookie(c->client);
	copy = dup(c->client);
	ASSERT_EQ(0, fcntl(c->client, F_SETFL, O_NONBLOCK));
	ASSERT_LE(0, fcntl(c->client, F_GETFL)); /* not told */
	ASSERT_EQ(0, shutdown(c->client, SHUT_WR));
	ASSERT_EQ(0, close(copy));
	ASSERT_EQ(0, close(c->client));
	ASSERT_EQ(0, calls_stop(c));

	ASSERT_EQ(1, calls_count(c, "dup", "exit"));
	EXPECT_EQ(copy, calls_number(EXIT("dup", 0), "result"));
	ASSERT_EQ(1, calls_count(c, "fcntl", "exit"));
	EXPECT_STREQ("SETFL", calls_text(EXIT("fcntl", 0), "cmd"));
	EXPECT_EQ(O_NONBLOCK, calls_number(EXIT("fcntl", 0), "flags"));
	ASSERT_EQ(1, calls_count(c, "shutdown", "exit"));
	EXPECT_STREQ("WR", calls_text(EXIT("shutdown", 0), "shut"));
	ASSERT_EQ(2, calls_count(c, "close", "exit"));
	EXPECT_EQ(copy, calls_number(EXIT("close", 0), "fd"));
	EXPECT_EQ(c->client, calls_number(EXIT("close", 1), "fd"));
	EXPECT_EQ(cookie, calls_number(EXIT("close", 1), "cookie"));
	EXPECT_EQ(CALLS_PORT, calls_number(EXIT("close", 1), "rport"));
	c->client = -1;
}

/*
 * Claim: dup2() and dup3() are of the socket that they close, if it is one,
 * else of that which gets another descriptor.
 */
TEST_F(call, replaced)
{
	struct calls *c = &self->c;
	int64_t cookie[2];
	int other;

	ASSERT_EQ(0, calls_open(c, 0));
	cookie[0] = conn_cookie(c->client);
	cookie[1] = conn_cookie(c->server);
	other = memfd_create("other", 0);
	ASSERT_EQ(c->client, dup2(c->server, c->client));
	ASSERT_EQ(other, dup3(c->server, other, O_CLOEXEC));
	ASSERT_EQ(0, calls_stop(c));
	close(other);

	EXPECT_EQ(c->client, calls_number(ENTER("dup2", 0), "fd"));
	EXPECT_EQ(cookie[0], calls_number(ENTER("dup2", 0), "cookie"));
	EXPECT_EQ(c->client, calls_number(EXIT("dup2", 0), "fd"));
	EXPECT_EQ(cookie[0], calls_number(EXIT("dup2", 0), "cookie"));
	EXPECT_EQ(c->server, calls_number(EXIT("dup3", 0), "fd"));
	EXPECT_EQ(cookie[1], calls_number(EXIT("dup3", 0), "cookie"));
	EXPECT_EQ(other, calls_number(EXIT("dup3", 0), "result"));
}

/*
 * Claim: calls that fail say why, also those of what is no socket, if they are
 * for sockets only; bad pointers have no address.
 */
TEST_F(call, failures)
{
	int file = memfd_create("file", 0),
	    other = socket(AF_UNIX, SOCK_STREAM, 0);
	void *nowhere = mmap(NULL, 4096, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS,
			     -1, 0);
	struct calls *c = &self->c;
	struct json_object *e;
	char byte;

	EXPECT_EQ(-1, connect(-1, (void *)&c->addr, c->len));
	EXPECT_EQ(-1, connect(file, (void *)&c->addr, c->len));
	EXPECT_EQ(-1, connect(other, (void *)&c->addr, c->len));
	c->client = socket(variant->family, SOCK_STREAM, 0);
	EXPECT_EQ(-1, connect(c->client, nowhere, c->len));
	EXPECT_EQ(-1, connect(c->client, (void *)&c->addr, c->len));
	EXPECT_EQ(-1, read(c->client, &byte, 1));
	EXPECT_EQ(-1, read(-1, &byte, 1)); /* of what, if not of a file? */
	EXPECT_EQ(-1, send(c->client, nowhere, 1, MSG_NOSIGNAL));
	ASSERT_EQ(0, calls_stop(c));
	close(file);
	close(other);
	munmap(nowhere, 4096);

	ASSERT_EQ(4, calls_count(c, "connect", "exit"));
	EXPECT_EQ(EBADF, calls_number(EXIT("connect", 0), "err"));
	EXPECT_EQ(-1, calls_number(EXIT("connect", 0), "result"));
	EXPECT_STREQ(variant->loopback, calls_text(EXIT("connect", 0), "to"));
	EXPECT_EQ(ENOTSOCK, calls_number(EXIT("connect", 1), "err"));
	EXPECT_EQ(file, calls_number(EXIT("connect", 1), "fd"));
	e = EXIT("connect", 2);
	EXPECT_EQ(EFAULT, calls_number(e, "err"));
	EXPECT_STREQ("absent", calls_text(e, "to"));
	EXPECT_EQ(NONE, calls_number(e, "to_port"));
	EXPECT_EQ(ECONNREFUSED, calls_number(EXIT("connect", 3), "err"));
	ASSERT_EQ(1, calls_count(c, "read", "exit"));
	EXPECT_EQ(ENOTCONN, calls_number(EXIT("read", 0), "err"));
	EXPECT_EQ(EPIPE, calls_number(EXIT("sendto", 0), "err"));
}

static void address(struct sockaddr_storage *to, int family, int port)
{
	struct sockaddr_in *v4 = (void *)to;
	struct sockaddr_in6 *v6 = (void *)to;

	memset(to, 0, sizeof(*to));
	to->ss_family = family;
	v4->sin_port = htons(port);
	if (family == AF_INET)
		v4->sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	else if (port == CALLS_PORT)
		v6->sin6_addr = in6addr_loopback;
	else
		inet_pton(AF_INET6, "::ffff:127.0.0.1", &v6->sin6_addr);
}

/* bind(), connect() and two ways to send the first data, to @port. */
static void call_port(int family, int port)
{
	struct sockaddr_storage addr;
	struct iovec byte = { "x", 1 };
	struct msghdr msg = { .msg_name = &addr,
			      .msg_namelen = sizeof(addr),
			      .msg_iov = &byte,
			      .msg_iovlen = 1 };
	int i, fd[4];

	address(&addr, family, port);
	for (i = 0; i < 4; i++)
		fd[i] = socket(family, SOCK_STREAM, 0);
	bind(fd[0], (void *)&addr, sizeof(addr));
	connect(fd[1], (void *)&addr, sizeof(addr));
	sendto(fd[2], "x", 1, MSG_FASTOPEN, (void *)&addr, sizeof(addr));
	sendmsg(fd[3], &msg, MSG_FASTOPEN);
	for (i = 0; i < 4; i++)
		close(fd[i]);
}

/* The address stands in memory that has not been touched: no program sees it. */
static int connect_unread(int port)
{
	int fd = socket(AF_INET, SOCK_STREAM, 0);
	int file = memfd_create("address", 0), err;
	struct sockaddr_storage addr;
	void *at;

	address(&addr, AF_INET, port);
	if (write(file, &addr, sizeof(addr)) != sizeof(addr))
		return -1;
	at = mmap(NULL, 4096, PROT_READ, MAP_SHARED, file, 0);
	err = connect(fd, at, sizeof(addr));
	munmap(at, 4096);
	close(file);
	close(fd);
	return err;
}

/*
 * Claim: what a socket without ends is given decides whether the call is one of
 * those asked for, by port or by address, whoever is asked: kernel or reader.
 */
TEST(given_ends)
{
	char ports[32], *options[] = { "--port", ports, NULL };
	static const char *const ops[] = { "bind", "connect", "sendto",
					   "sendmsg" };
	struct calls c;
	int i, k, n;

	snprintf(ports, sizeof(ports), "%d,%d", CALLS_PORT, CALLS_PORT + 1);
	ASSERT_EQ(0, calls_start(&c, AF_INET, options));
	call_port(AF_INET, CALLS_PORT);
	call_port(AF_INET6, CALLS_PORT);
	call_port(AF_INET6, CALLS_PORT + 1); /* IPv4 on the wire */
	call_port(AF_INET, CALLS_PORT + 2);  /* not asked for */
	EXPECT_EQ(-1, connect_unread(CALLS_PORT));
	EXPECT_EQ(-1, connect_unread(CALLS_PORT + 2));
	ASSERT_EQ(0, calls_stop(&c));
	for (i = 0; i < 4; i++) {
		const char *end = i ? "raddr" : "laddr";
		const char *port = i ? "rport" : "lport";

		n = i == 1 ? 4 : 3; /* connect() */
		for (k = 0; k < n; k++) {
			struct json_object *in, *out;

			in = calls_nth(&c, ops[i], "enter", k);
			out = calls_nth(&c, ops[i], "exit", k);
			ASSERT_NE(NULL, in);
			ASSERT_NE(NULL, out);
			EXPECT_EQ(calls_number(in, "call"),
				  calls_number(out, "call"));
			EXPECT_EQ(CALLS_PORT + (k == 2),
				  calls_number(in, port));
			EXPECT_STREQ(k == 1	  ? "::1" :
				     k == 2 && !i ? "::ffff:127.0.0.1" :
						    "127.0.0.1",
				     calls_text(in, end));
			EXPECT_STREQ(calls_text(in, end), calls_text(out, end));
			EXPECT_STREQ(calls_text(in, end), calls_text(in, "to"));
		}
		EXPECT_EQ(n, calls_count(&c, ops[i], "enter"));
		EXPECT_EQ(n, calls_count(&c, ops[i], "exit"));
	}
	calls_free(&c);
}

SHARED_NETNS_HARNESS_MAIN("--events", "call")
