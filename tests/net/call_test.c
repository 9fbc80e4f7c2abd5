// SPDX-License-Identifier: GPL-2.0
/* Tests of the call events: what this process asks of its sockets. */
#include <errno.h>
#include <fcntl.h>
#include <json-c/json.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <pthread.h>
#include <stdarg.h>
#include <sys/epoll.h>
#include <sys/select.h>
#include <sys/sendfile.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <sys/wait.h>
#include <unistd.h>

#include "lab/netns.h"
#include "lib/clock.h"
#include "tests/lib/conn.h"

#include <kselftest_harness.h>

#define PORT 2000

FIXTURE(call)
{
	struct trace trace;
	struct sockaddr_storage addr; /* loopback, PORT */
	socklen_t len;
	int listener, client, server; /* -1: none */
};

FIXTURE_VARIANT(call)
{
	int family;
};

FIXTURE_VARIANT_ADD(call, ipv4){ .family = AF_INET };
FIXTURE_VARIANT_ADD(call, ipv6){ .family = AF_INET6 };

FIXTURE_SETUP(call)
{
	char *args[] = { "--events", "call", "--netns", "self", NULL };
	struct sockaddr_in6 *v6 = (void *)&self->addr;
	struct sockaddr_in *v4 = (void *)&self->addr;
	int netns = netns_create();

	memset(&self->trace, 0, sizeof(self->trace));
	self->listener = self->client = self->server = -1;
	memset(&self->addr, 0, sizeof(self->addr));
	ASSERT_LE(0, netns);
	ASSERT_EQ(0, netns_enter(netns));
	close(netns);
	v4->sin_family = variant->family;
	v4->sin_port = htons(PORT);
	self->len = sizeof(*v4);
	if (variant->family == AF_INET6) {
		v6->sin6_addr = in6addr_loopback;
		self->len = sizeof(*v6);
	} else {
		v4->sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	}
	ASSERT_EQ(0, trace_start(&self->trace, args));
}

FIXTURE_TEARDOWN(call)
{
	trace_free(&self->trace);
}

/* The n-th event of this call and phase, counted from 0; NULL: fewer. */
static struct json_object *nth(const struct trace *trace, const char *op,
			       const char *phase, int n)
{
	static const struct sighting call = { .type = "call" };
	struct json_object *e;
	size_t from = 0;

	while ((e = witness_next(trace->witness, &call, &from)))
		if (!strcmp(witness_string(e, "op"), op) &&
		    !strcmp(witness_string(e, "phase"), phase) && !n--)
			return e;
	return NULL;
}

static const char *text(struct json_object *e, const char *field)
{
	return witness_string(e, field) ?: "absent";
}

static bool has(struct json_object *e, const char *field)
{
	return json_object_object_get_ex(e, field, NULL);
}

static int64_t number(struct json_object *e, const char *field)
{
	struct json_object *value;

	return json_object_object_get_ex(e, field, &value) ?
		       json_object_get_int64(value) :
		       INT64_MIN;
}

/* Both ends of a connection: listener, client, server. 0 or -errno. */
static int open_all(FIXTURE_DATA(call) *self)
{
	self->listener = socket(self->addr.ss_family, SOCK_STREAM, 0);
	if (bind(self->listener, (void *)&self->addr, self->len) ||
	    listen(self->listener, 7))
		return -errno;
	self->client = socket(self->addr.ss_family, SOCK_STREAM, 0);
	if (connect(self->client, (void *)&self->addr, self->len))
		return -errno;
	self->server = accept4(self->listener, NULL, NULL, SOCK_CLOEXEC);
	return self->server < 0 ? -errno : 0;
}

/* Ends the trace: its account must add up. 0 or -EBADMSG. */
static int stop(struct trace *trace)
{
	int err = trace_stop(trace);

	if (!err && !witness_complete(trace->witness))
		err = -EBADMSG;
	return err;
}

/* Claim: each call has its arguments, its result, and which socket it is of. */
TEST_F(call, arguments)
{
	const char *loopback = variant->family == AF_INET ? "127.0.0.1" : "::1";
	struct json_object *in, *out;
	uint64_t cookie[2];
	int one = 1;

	ASSERT_EQ(0, open_all(self));
	cookie[0] = conn_cookie(self->client);
	cookie[1] = conn_cookie(self->server);
	ASSERT_EQ(0, setsockopt(self->client, SOL_TCP, TCP_NODELAY, &one,
				sizeof(one)));
	ASSERT_EQ(0, shutdown(self->client, SHUT_WR));
	ASSERT_EQ(0, close(self->client));
	ASSERT_EQ(0, stop(&self->trace));

	out = nth(&self->trace, "socket", "exit", 0);
	ASSERT_NE(NULL, out);
	EXPECT_EQ(self->listener, number(out, "result"));
	EXPECT_TRUE(has(out, "duration_ns"));
	EXPECT_EQ(getpid(), number(out, "pid"));

	out = nth(&self->trace, "bind", "exit", 0);
	ASSERT_NE(NULL, out);
	EXPECT_STREQ(loopback, text(out, "to"));
	EXPECT_EQ(PORT, number(out, "to_port"));
	EXPECT_EQ(self->listener, number(out, "fd"));
	EXPECT_EQ(0, number(out, "result"));
	EXPECT_EQ(PORT, number(out, "lport"));

	out = nth(&self->trace, "listen", "exit", 0);
	ASSERT_NE(NULL, out);
	EXPECT_EQ(7, number(out, "backlog"));

	in = nth(&self->trace, "connect", "enter", 0);
	out = nth(&self->trace, "connect", "exit", 0);
	ASSERT_NE(NULL, in);
	ASSERT_NE(NULL, out);
	EXPECT_EQ(number(in, "call"), number(out, "call"));
	EXPECT_EQ(number(out, "ts_ns") - number(in, "ts_ns"),
		  number(out, "duration_ns"));
	EXPECT_FALSE(has(in, "result"));
	EXPECT_STREQ(loopback, text(in, "to"));
	EXPECT_STREQ(loopback, text(out, "to"));
	EXPECT_EQ(PORT, number(out, "to_port"));
	EXPECT_EQ(PORT, number(out, "rport"));
	EXPECT_EQ(cookie[0], (uint64_t)number(out, "cookie"));

	in = nth(&self->trace, "accept4", "enter", 0);
	out = nth(&self->trace, "accept4", "exit", 0);
	ASSERT_NE(NULL, in);
	ASSERT_NE(NULL, out);
	EXPECT_EQ(self->listener, number(in, "fd"));
	EXPECT_EQ(self->listener, number(out, "fd"));
	EXPECT_EQ(self->server, number(out, "result"));
	EXPECT_EQ(cookie[1], (uint64_t)number(out, "cookie"));
	EXPECT_EQ(SOCK_CLOEXEC, number(out, "flags"));
	EXPECT_STREQ(loopback, text(out, "to"));
	EXPECT_EQ(number(out, "rport"), number(out, "to_port"));

	out = nth(&self->trace, "setsockopt", "exit", 0);
	ASSERT_NE(NULL, out);
	EXPECT_STREQ("TCP_NODELAY", text(out, "option"));
	EXPECT_EQ(1, number(out, "optval"));

	out = nth(&self->trace, "shutdown", "exit", 0);
	ASSERT_NE(NULL, out);
	EXPECT_STREQ("WR", text(out, "shut"));

	out = nth(&self->trace, "close", "exit", 0);
	ASSERT_NE(NULL, out);
	EXPECT_EQ(self->client, number(out, "fd"));
	EXPECT_EQ(cookie[0], (uint64_t)number(out, "cookie"));
	EXPECT_EQ(NULL, nth(&self->trace, "close", "exit", 1));
}

TEST_HARNESS_MAIN
