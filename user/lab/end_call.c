// SPDX-License-Identifier: GPL-2.0
/* The calls of an end: each is said in C and made in its process. */
#include "lab/end.h"
#include "lab/scenario.h"
#include "lab/stage.h"

#include <arpa/inet.h>
#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

static int result(long ret)
{
	return ret < 0 ? -errno : (int)ret;
}

static int end_family(const struct end *e)
{
	return e->stage->scenario->family ?: AF_INET;
}

/* Fills in an address; how many bytes of it count. */
static socklen_t end_address(struct end *e, struct sockaddr_storage *addr,
			     const char *ip, uint16_t port)
{
	struct sockaddr_in6 *sin6 = (struct sockaddr_in6 *)addr;
	struct sockaddr_in *sin = (struct sockaddr_in *)addr;

	memset(addr, 0, sizeof(*addr));
	addr->ss_family = strchr(ip, ':') ? AF_INET6 : AF_INET;
	sin->sin_port = htons(port); /* at the same place in both */
	if (inet_pton(addr->ss_family, ip,
		      addr->ss_family == AF_INET6 ?
			      (void *)&sin6->sin6_addr :
			      (void *)&sin->sin_addr) != 1)
		stage_fail(e->stage, "%s is no address", ip);
	return addr->ss_family == AF_INET6 ? sizeof(*sin6) : sizeof(*sin);
}

static int do_socket(struct end *me)
{
	return result(socket(me->call.a,
			     SOCK_STREAM | SOCK_CLOEXEC | me->call.b,
			     IPPROTO_TCP));
}

int end_socket(struct end *e, int flags)
{
	struct end_call call = { .a = end_family(e), .b = flags };

	return end_tell(e, do_socket, call, "socket(%s)",
			flags & SOCK_NONBLOCK ? "SOCK_NONBLOCK" : "");
}

static int do_bind(struct end *me)
{
	return result(bind(me->call.fd, (void *)&me->call.addr, me->call.len));
}

int end_bind(struct end *e, int fd, const char *ip, uint16_t port)
{
	struct end_call call = { .fd = fd };

	call.len = end_address(e, &call.addr, ip, port);
	return end_tell(e, do_bind, call, "bind(%d, %s:%u)", fd, ip, port);
}

static int do_connect(struct end *me)
{
	return result(
		connect(me->call.fd, (void *)&me->call.addr, me->call.len));
}

int end_connect(struct end *e, int fd, const char *ip, uint16_t port)
{
	struct end_call call = { .fd = fd };

	call.len = end_address(e, &call.addr, ip, port);
	return end_tell(e, do_connect, call, "connect(%d, %s:%u)", fd, ip,
			port);
}

int end_disconnect(struct end *e, int fd)
{
	struct end_call call = { .fd = fd, .len = sizeof(struct sockaddr_in) };

	call.addr.ss_family = AF_UNSPEC;
	return end_tell(e, do_connect, call, "connect(%d, AF_UNSPEC)", fd);
}

static int do_listen(struct end *me)
{
	return result(listen(me->call.fd, me->call.a));
}

int end_listen_on(struct end *e, int fd, int backlog)
{
	struct end_call call = { .fd = fd, .a = backlog };

	return end_tell(e, do_listen, call, "listen(%d, %d)", fd, backlog);
}

int end_listen(struct end *e, uint16_t port, int backlog)
{
	int fd = end_socket(e, 0), ret;

	end_set(e, fd, SOL_SOCKET, SO_REUSEADDR, 1);
	ret = end_bind(e, fd, e->ip, port);
	if (!ret)
		ret = end_listen_on(e, fd, backlog);
	return ret ? ret : fd;
}

static int do_accept(struct end *me)
{
	return result(
		/* cppcheck-suppress nullPointer */
		accept4(me->call.fd, NULL, NULL, SOCK_CLOEXEC | me->call.a));
}

int end_accept(struct end *e, int fd, int flags)
{
	struct end_call call = { .fd = fd, .a = flags };

	return end_tell(e, do_accept, call, "accept(%d)", fd);
}

static int do_send(struct end *me)
{
	return result(send(me->call.fd, me->data, me->call.len, me->call.a));
}

int end_send(struct end *e, int fd, const char *text, int flags)
{
	struct end_call call = { .fd = fd, .len = strlen(text), .a = flags };

	snprintf(e->data, sizeof(e->data), "%s", text);
	return end_tell(e, do_send, call, "send(%d, \"%s\")", fd, text);
}

int end_send_bytes(struct end *e, int fd, size_t n, int flags)
{
	struct end_call call = { .fd = fd, .len = n, .a = flags };

	if (n > END_DATA)
		call.len = END_DATA;
	memset(e->data, 0, call.len);
	return end_tell(e, do_send, call, "send(%d, %zu bytes)", fd, call.len);
}

static int do_recv(struct end *me)
{
	int n = result(recv(me->call.fd, me->data, me->call.len, me->call.a));

	me->data[n > 0 ? n : 0] = '\0';
	return n;
}

int end_recv(struct end *e, int fd, size_t n, int flags)
{
	struct end_call call = { .fd = fd, .len = n, .a = flags };

	if (n > END_DATA)
		call.len = END_DATA;
	return end_tell(e, do_recv, call, "recv(%d, %zu)", fd, call.len);
}

static int do_drain(struct end *me)
{
	size_t sum = 0, want = me->call.len;
	ssize_t n;

	do {
		n = recv(me->call.fd, me->data,
			 want && want - sum < END_DATA ? want - sum : END_DATA,
			 0);
		sum += n > 0 ? n : 0;
	} while (n > 0 && (!want || sum < want));
	return n < 0 && !sum ? -errno : (int)sum;
}

int end_drain(struct end *e, int fd, size_t n)
{
	struct end_call call = { .fd = fd, .len = n };

	return end_tell(e, do_drain, call, "recv(%d) ... sum", fd);
}

static int do_shutdown(struct end *me)
{
	return result(shutdown(me->call.fd, me->call.a));
}

int end_shutdown(struct end *e, int fd, int how)
{
	static const char *const names[] = { "SHUT_RD", "SHUT_WR",
					     "SHUT_RDWR" };
	struct end_call call = { .fd = fd, .a = how };

	return end_tell(e, do_shutdown, call, "shutdown(%d, %s)", fd,
			names[how]);
}

static int do_close(struct end *me)
{
	return result(close(me->call.fd));
}

int end_close(struct end *e, int fd)
{
	struct end_call call = { .fd = fd };

	return end_tell(e, do_close, call, "close(%d)", fd);
}

static int do_dup(struct end *me)
{
	return result(dup(me->call.fd));
}

int end_dup(struct end *e, int fd)
{
	struct end_call call = { .fd = fd };

	return end_tell(e, do_dup, call, "dup(%d)", fd);
}

static int do_set(struct end *me)
{
	int value = me->call.len;

	return result(setsockopt(me->call.fd, me->call.a, me->call.b, &value,
				 sizeof(value)));
}

/* The options that scenarios use, by name. */
static const char *option_name(int level, int option)
{
	static const struct {
		int level, option;
		const char *name;
	} rows[] = {
		{ SOL_SOCKET, SO_REUSEADDR, "SO_REUSEADDR" },
		{ SOL_SOCKET, SO_KEEPALIVE, "SO_KEEPALIVE" },
		{ SOL_SOCKET, SO_RCVBUF, "SO_RCVBUF" },
		{ SOL_SOCKET, SO_RCVLOWAT, "SO_RCVLOWAT" },
		{ SOL_SOCKET, SO_SNDBUF, "SO_SNDBUF" },
		{ SOL_SOCKET, SO_ERROR, "SO_ERROR" },
		{ IPPROTO_TCP, 1, "TCP_NODELAY" },
		{ IPPROTO_TCP, 2, "TCP_MAXSEG" },
		{ IPPROTO_TCP, 3, "TCP_CORK" },
		{ IPPROTO_TCP, 7, "TCP_SYNCNT" },
		{ IPPROTO_TCP, 12, "TCP_QUICKACK" },
		{ IPPROTO_TCP, 18, "TCP_USER_TIMEOUT" },
	};
	static char number[32];
	unsigned int i;

	for (i = 0; i < sizeof(rows) / sizeof(*rows); i++)
		if (rows[i].level == level && rows[i].option == option)
			return rows[i].name;
	snprintf(number, sizeof(number), "%d/%d", level, option);
	return number;
}

int end_set(struct end *e, int fd, int level, int option, int value)
{
	struct end_call call = { .fd = fd, level, option, .len = value };

	return end_tell(e, do_set, call, "setsockopt(%d, %s, %d)", fd,
			option_name(level, option), value);
}

static int do_get(struct end *me)
{
	int value = 0;
	socklen_t len = sizeof(value);

	return getsockopt(me->call.fd, me->call.a, me->call.b, &value, &len) ?
		       -errno :
		       value;
}

int end_get(struct end *e, int fd, int level, int option)
{
	struct end_call call = { .fd = fd, level, option };

	return end_tell(e, do_get, call, "getsockopt(%d, %s)", fd,
			option_name(level, option));
}

static int do_linger(struct end *me)
{
	struct linger linger = { .l_onoff = 1, .l_linger = me->call.a };

	return result(setsockopt(me->call.fd, SOL_SOCKET, SO_LINGER, &linger,
				 sizeof(linger)));
}

int end_linger(struct end *e, int fd, int seconds)
{
	struct end_call call = { .fd = fd, .a = seconds };

	return end_tell(e, do_linger, call, "setsockopt(%d, SO_LINGER, %d s)",
			fd, seconds);
}

static int do_poll(struct end *me)
{
	struct pollfd pfd = { .fd = me->call.fd, .events = me->call.a };
	int n = result(poll(&pfd, 1, me->call.b));

	return n < 0 ? n : pfd.revents;
}

/* "IN|OUT" */
static void poll_names(short events, char *text, size_t size)
{
	static const struct {
		short event;
		const char *name;
	} rows[] = {
		{ POLLIN, "IN" },   { POLLPRI, "PRI" }, { POLLOUT, "OUT" },
		{ POLLERR, "ERR" }, { POLLHUP, "HUP" }, { POLLRDHUP, "RDHUP" },
	};
	size_t i, n = 0;

	*text = '\0';
	for (i = 0; i < sizeof(rows) / sizeof(*rows) && n < size; i++)
		if (events & rows[i].event)
			n += snprintf(text + n, size - n, "%s%s", n ? "|" : "",
				      rows[i].name);
}

int end_poll(struct end *e, int fd, short events, int ms)
{
	struct end_call call = { .fd = fd, .a = events, .b = ms };
	char names[64];

	poll_names(events, names, sizeof(names));
	return end_tell(e, do_poll, call, "poll(%d, %s)", fd, names);
}

static int do_own(struct end *me)
{
	return me->call.own(me, me->call.a);
}

int end_do_named(struct end *e, const char *name,
		 int (*fn)(struct end *me, int arg), int arg)
{
	struct end_call call = { .own = fn, .a = arg };

	return end_tell(e, do_own, call, "%s(%d)", name, arg);
}
