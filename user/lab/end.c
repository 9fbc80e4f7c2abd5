// SPDX-License-Identifier: GPL-2.0
/* Each call is said in C, made in the end's process, and its result added. */
#include "lab/end.h"
#include "lab/spell.h"
#include "lab/stage.h"
#include "lab/witness.h"
#include "lib/clock.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#define END_LOOK_NS 1000000 /* between two looks at the kernel's tables */

/* In an end's process: what it is told. */
static struct end *me;

static int do_enter(int netns)
{
	int err = netns_enter(netns);

	signal(SIGPIPE, SIG_IGN); /* send() returns EPIPE */
	/* what the lab has open is not its own */
	return err ? err : close_range(3, ACTOR_FDS - 1, 0) ? -errno : 0;
}

/* A child of another end has its variables: it becomes its own. */
static int do_become(int i)
{
	me = &me->stage->end[i];
	return 0;
}

int end_start(struct end *e, struct stage *stage, int side, const char *comm)
{
	int err = actor_open(&e->actor);

	e->stage = stage;
	e->side = side;
	if (err)
		return err;
	me = e; /* there, as of the fork */
	err = actor_start(&e->actor, comm);
	if (!err)
		err = actor_call(&e->actor, do_enter,
				 stage->pair.side[stage_side(side)].fd);
	return err;
}

void end_stop(struct end *e)
{
	actor_end(&e->actor);
}

/* What a call returned, as C has it. */
static void end_say(struct end *e, int ret)
{
	if (ret < 0)
		stage_say(e->stage, "%c  %s = -1 %s", '@' + e->side, e->said,
			  strerrorname_np(-ret) ?: "?");
	else
		stage_say(e->stage, "%c  %s = %d", '@' + e->side, e->said, ret);
}

/* Waits for the answer, and takes from the trace what it has meanwhile. */
int end_finish(struct end *e)
{
	struct stage *s = e->stage;
	struct pollfd pfds[2] = {
		{ .fd = e->actor.fd, .events = POLLIN },
		{ .fd = witness_fd(s->tracer->witness), .events = POLLIN },
	};
	uint64_t deadline_ns = clock_now_ns() + stage_patience_ns(s);
	int ret;

	if (stage_failed(s) || !e->busy)
		return -ECANCELED;
	e->busy = false;
	while (!pfds[0].revents && clock_now_ns() < deadline_ns) {
		if (poll(pfds, 2, 100) > 0 && pfds[1].revents &&
		    witness_read(s->tracer->witness))
			pfds[1].fd = -1;
		if (pfds[1].revents & POLLHUP)
			pfds[1].fd = -1;
	}
	if (!pfds[0].revents) {
		stage_fail(s, "%c: %s did not return", '@' + e->side, e->said);
		return -ECANCELED;
	}
	ret = actor_answer(&e->actor);
	end_say(e, ret);
	return ret;
}

static int __attribute__((format(printf, 4, 5)))
end_call(struct end *e, int (*fn)(int arg), struct end_call call,
	 const char *fmt, ...)
{
	bool begins = e->begins;
	va_list args;
	int err;

	e->begins = false;
	if (stage_failed(e->stage))
		return -ECANCELED;
	e->call = call;
	va_start(args, fmt);
	vsnprintf(e->said, sizeof(e->said), fmt, args);
	va_end(args);
	err = actor_tell(&e->actor, fn, 0);
	if (err) {
		stage_fail(e->stage, "%c: %s: %s", '@' + e->side, e->said,
			   strerror(-err));
		return -ECANCELED;
	}
	e->busy = true;
	if (!begins)
		return end_finish(e);
	stage_say(e->stage, "%c  %s ...", '@' + e->side, e->said);
	return 0;
}

struct end *end_begin(struct end *e)
{
	e->begins = true;
	return e;
}

/* ------------------------------------------------ calls */

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

static int do_socket(int arg)
{
	(void)arg;
	return result(socket(me->call.a,
			     SOCK_STREAM | SOCK_CLOEXEC | me->call.b,
			     IPPROTO_TCP));
}

int end_socket(struct end *e, int flags)
{
	struct end_call call = { .a = end_family(e), .b = flags };

	return end_call(e, do_socket, call, "socket(%s)",
			flags & SOCK_NONBLOCK ? "SOCK_NONBLOCK" : "");
}

static int do_bind(int arg)
{
	(void)arg;
	return result(bind(me->call.fd, (void *)&me->call.addr, me->call.len));
}

int end_bind(struct end *e, int fd, const char *ip, uint16_t port)
{
	struct end_call call = { .fd = fd };

	call.len = end_address(e, &call.addr, ip, port);
	return end_call(e, do_bind, call, "bind(%d, %s:%u)", fd, ip, port);
}

static int do_connect(int arg)
{
	(void)arg;
	return result(
		connect(me->call.fd, (void *)&me->call.addr, me->call.len));
}

int end_connect(struct end *e, int fd, const char *ip, uint16_t port)
{
	struct end_call call = { .fd = fd };

	call.len = end_address(e, &call.addr, ip, port);
	return end_call(e, do_connect, call, "connect(%d, %s:%u)", fd, ip,
			port);
}

int end_disconnect(struct end *e, int fd)
{
	struct end_call call = { .fd = fd, .len = sizeof(struct sockaddr_in) };

	call.addr.ss_family = AF_UNSPEC;
	return end_call(e, do_connect, call, "connect(%d, AF_UNSPEC)", fd);
}

static int do_listen(int arg)
{
	(void)arg;
	return result(listen(me->call.fd, me->call.a));
}

int end_listen_on(struct end *e, int fd, int backlog)
{
	struct end_call call = { .fd = fd, .a = backlog };

	return end_call(e, do_listen, call, "listen(%d, %d)", fd, backlog);
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

static int do_accept(int arg)
{
	(void)arg;
	return result(
		/* cppcheck-suppress nullPointer */
		accept4(me->call.fd, NULL, NULL, SOCK_CLOEXEC | me->call.a));
}

int end_accept(struct end *e, int fd, int flags)
{
	struct end_call call = { .fd = fd, .a = flags };

	return end_call(e, do_accept, call, "accept(%d)", fd);
}

static int do_send(int arg)
{
	(void)arg;
	return result(send(me->call.fd, me->data, me->call.len, me->call.a));
}

int end_send(struct end *e, int fd, const char *text, int flags)
{
	struct end_call call = { .fd = fd, .len = strlen(text), .a = flags };

	snprintf(e->data, sizeof(e->data), "%s", text);
	return end_call(e, do_send, call, "send(%d, \"%s\")", fd, text);
}

int end_send_bytes(struct end *e, int fd, size_t n, int flags)
{
	struct end_call call = { .fd = fd, .len = n, .a = flags };

	if (n > END_DATA)
		call.len = END_DATA;
	memset(e->data, 0, call.len);
	return end_call(e, do_send, call, "send(%d, %zu bytes)", fd, call.len);
}

static int do_recv(int arg)
{
	int n = result(recv(me->call.fd, me->data, me->call.len, me->call.a));

	(void)arg;
	me->data[n > 0 ? n : 0] = '\0';
	return n;
}

int end_recv(struct end *e, int fd, size_t n, int flags)
{
	struct end_call call = { .fd = fd, .len = n, .a = flags };

	if (n > END_DATA)
		call.len = END_DATA;
	return end_call(e, do_recv, call, "recv(%d, %zu)", fd, call.len);
}

static int do_drain(int arg)
{
	size_t sum = 0, want = me->call.len;
	ssize_t n;

	(void)arg;
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

	return end_call(e, do_drain, call, "recv(%d) ... sum", fd);
}

static int do_shutdown(int arg)
{
	(void)arg;
	return result(shutdown(me->call.fd, me->call.a));
}

int end_shutdown(struct end *e, int fd, int how)
{
	static const char *const names[] = { "SHUT_RD", "SHUT_WR",
					     "SHUT_RDWR" };
	struct end_call call = { .fd = fd, .a = how };

	return end_call(e, do_shutdown, call, "shutdown(%d, %s)", fd,
			names[how]);
}

static int do_close(int arg)
{
	(void)arg;
	return result(close(me->call.fd));
}

int end_close(struct end *e, int fd)
{
	struct end_call call = { .fd = fd };

	return end_call(e, do_close, call, "close(%d)", fd);
}

static int do_dup(int arg)
{
	(void)arg;
	return result(dup(me->call.fd));
}

int end_dup(struct end *e, int fd)
{
	struct end_call call = { .fd = fd };

	return end_call(e, do_dup, call, "dup(%d)", fd);
}

static int do_set(int arg)
{
	int value = me->call.len;

	(void)arg;
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

	return end_call(e, do_set, call, "setsockopt(%d, %s, %d)", fd,
			option_name(level, option), value);
}

static int do_get(int arg)
{
	int value = 0;
	socklen_t len = sizeof(value);

	(void)arg;
	return getsockopt(me->call.fd, me->call.a, me->call.b, &value, &len) ?
		       -errno :
		       value;
}

int end_get(struct end *e, int fd, int level, int option)
{
	struct end_call call = { .fd = fd, level, option };

	return end_call(e, do_get, call, "getsockopt(%d, %s)", fd,
			option_name(level, option));
}

static int do_linger(int arg)
{
	struct linger linger = { .l_onoff = 1, .l_linger = me->call.a };

	(void)arg;
	return result(setsockopt(me->call.fd, SOL_SOCKET, SO_LINGER, &linger,
				 sizeof(linger)));
}

int end_linger(struct end *e, int fd, int seconds)
{
	struct end_call call = { .fd = fd, .a = seconds };

	return end_call(e, do_linger, call, "setsockopt(%d, SO_LINGER, %d s)",
			fd, seconds);
}

static int do_poll(int arg)
{
	struct pollfd pfd = { .fd = me->call.fd, .events = me->call.a };
	int n = result(poll(&pfd, 1, me->call.b));

	(void)arg;
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
	return end_call(e, do_poll, call, "poll(%d, %s)", fd, names);
}

static int do_own(int arg)
{
	(void)arg;
	return me->call.fn(me, me->call.a);
}

int end_do_named(struct end *e, const char *name,
		 int (*fn)(struct end *me, int arg), int arg)
{
	struct end_call call = { .fn = fn, .a = arg };

	return end_call(e, do_own, call, "%s(%d)", name, arg);
}

/* ------------------------------------------------ processes */

struct end *end_fork(struct end *e)
{
	struct stage *s = e->stage;
	struct end *child = &s->end[2];
	int err;

	if (child->actor.pid)
		child++;
	if (!stage_failed(s)) {
		err = actor_fork(&e->actor, &child->actor, "child");
		if (!err)
			err = actor_call(&child->actor, do_become,
					 child - s->end);
		if (err)
			stage_fail(s, "cannot fork: %s", strerror(-err));
		stage_say(s, "%c  fork() = %d", '@' + e->side,
			  child->actor.pid);
	}
	child->side = e->side;
	strcpy(child->ip, e->ip);
	return child;
}

void end_kill(struct end *e)
{
	if (stage_failed(e->stage))
		return;
	stage_say(e->stage, "   kill -9 %d, which is %c", e->actor.pid,
		  '@' + e->side);
	actor_end(&e->actor);
}

/* ------------------------------------------------ waiting */

uint64_t end_seen_ns(struct end *e, const char *type, const char *item,
		     unsigned int n)
{
	struct stage *s = e->stage;
	struct sighting what = { .type = type };
	uint64_t deadline_ns = clock_now_ns() + stage_patience_ns(s);
	struct json_object *event;
	unsigned int seen = 0;
	char words[256];
	size_t from = 0;

	while (!stage_failed(s)) {
		while ((event = witness_next(s->tracer->witness, &what,
					     &from))) {
			if (stage_has(s, e->side, event) &&
			    judge_item(item, spell(event, false, words,
						   sizeof(words))) &&
			    ++seen == n)
				return witness_number(event, "ts_ns");
		}
		if (witness_more(s->tracer->witness, deadline_ns))
			stage_fail(
				s,
				"%c: the trace did not show: %s %s (%u of %u)",
				'@' + e->side, type, item, seen, n);
	}
	return 0;
}

void end_seen_times(struct end *e, const char *type, const char *item,
		    unsigned int n)
{
	end_seen_ns(e, type, item, n);
}

void end_seen(struct end *e, const char *type, const char *item)
{
	end_seen_times(e, type, item, 1);
}

static int do_open_table(void *arg)
{
	int fd = open(arg, O_RDONLY | O_CLOEXEC);

	return fd < 0 ? -errno : fd;
}

/* The lines with that local port, and in that state; 0: in any. */
static int end_count_in(FILE *table, uint16_t port, int state)
{
	unsigned int lport, is;
	char line[256];
	int n = 0;

	while (fgets(line, sizeof(line), table))
		if (sscanf(line, "%*d: %*[0-9A-F]:%x %*[0-9A-F]:%*x %x", &lport,
			   &is) == 2 &&
		    (!port || lport == port) &&
		    (!state || is == (unsigned int)state))
			n++;
	return n;
}

static int end_count_once(struct end *e, uint16_t port, int state)
{
	/* Not /proc/net: that is the namespace of the process's leader. */
	static char *const paths[] = { "/proc/thread-self/net/tcp",
				       "/proc/thread-self/net/tcp6" };
	struct stage *s = e->stage;
	int netns = s->pair.side[stage_side(e->side)].fd, i, n = 0;

	for (i = 0; i < 2 && !stage_failed(s); i++) {
		FILE *table = NULL;
		int fd;

		fd = netns_call(netns, do_open_table, paths[i]);
		if (fd >= 0)
			table = fdopen(fd, "r");
		if (table) {
			n += end_count_in(table, port, state);
			fclose(table);
		}
	}
	return n;
}

/* The table is read page by page, and one may be left out: two that agree. */
int end_count(struct end *e, uint16_t port, int state)
{
	int before, n = -1;

	do {
		before = n;
		n = end_count_once(e, port, state);
	} while (n != before);
	return n;
}

static void end_pause(struct end *e)
{
	const struct timespec pause = { .tv_nsec = END_LOOK_NS };

	witness_read(e->stage->tracer->witness);
	nanosleep(&pause, NULL);
}

/* The state of the process, a letter as in /proc/PID/stat. */
static char end_process_state(const struct end *e)
{
	char path[64], state = 'X';
	FILE *file;

	snprintf(path, sizeof(path), "/proc/%d/stat", e->actor.pid);
	file = fopen(path, "re");
	if (!file || fscanf(file, "%*d (%*[^)]) %c", &state) != 1)
		state = 'X';
	if (file)
		fclose(file);
	return state;
}

/* It answers before it sleeps again: with no answer it sleeps in the call. */
bool end_sleeps(struct end *e)
{
	struct pollfd answer = { .fd = e->actor.fd, .events = POLLIN };
	uint64_t deadline_ns = clock_now_ns() + stage_patience_ns(e->stage);

	while (!stage_failed(e->stage)) {
		if (end_process_state(e) == 'S')
			return !poll(&answer, 1, 0);
		if (clock_now_ns() > deadline_ns)
			stage_fail(e->stage, "%c: %s does not rest",
				   '@' + e->side, e->said);
		end_pause(e);
	}
	return false;
}

void end_wait(struct end *e, uint16_t port, int state)
{
	uint64_t deadline_ns = clock_now_ns() + stage_patience_ns(e->stage);

	while (!stage_failed(e->stage) && !end_count(e, port, state)) {
		if (clock_now_ns() > deadline_ns)
			stage_fail(e->stage,
				   "%c: no socket of port %u in state %d",
				   '@' + e->side, port, state);
		end_pause(e);
	}
}

void end_none(struct end *e, uint16_t port, int state)
{
	uint64_t deadline_ns = clock_now_ns() + stage_patience_ns(e->stage);

	while (!stage_failed(e->stage) && end_count(e, port, state)) {
		if (clock_now_ns() > deadline_ns)
			stage_fail(e->stage, "%c: a socket of port %u stays",
				   '@' + e->side, port);
		end_pause(e);
	}
}

void end_gone(struct end *e, uint16_t port)
{
	end_none(e, port, 0);
}
