// SPDX-License-Identifier: GPL-2.0
/* Tests of call events that last, or are another process's: waiting, io_uring */
#include <errno.h>
#include <fcntl.h>
#include <linux/io_uring.h>
#include <netinet/in.h>
#include <poll.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/epoll.h>
#include <sys/select.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "tests/lib/calls.h"
#include "tests/lib/conn.h"
#include "tests/lib/uring.h"

#include <kselftest_harness.h>

#define ERESTARTSYS 512	       /* the kernel's own; libc has no word for it */
#define FIRST_CALL_OF_32_BIT 3 /* read() there, close() here */
#define PREEMPTIONS 50
#define MOMENT_NS 50000
#define NONE INT64_MIN /* calls_number() of what is absent */

FIXTURE(wait)
{
	struct calls c;
};

FIXTURE_SETUP(wait)
{
	ASSERT_EQ(0, calls_join(&self->c, AF_INET));
}

FIXTURE_TEARDOWN(wait)
{
	calls_free(&self->c);
}

#define EXIT(op, n) calls_nth(&self->c, op, "exit", n)
#define ENTER(op, n) calls_nth(&self->c, op, "enter", n)
#define READY(op, n) calls_nth(&self->c, op, "ready", n)

/* Claim: a connect() that does not wait fails so, and poll() tells of its end. */
TEST_F(wait, nonblocking_connect)
{
	struct calls *c = &self->c;
	struct pollfd p[2] = { { .events = POLLOUT }, { .fd = -1 } };
	struct json_object *e;

	ASSERT_EQ(0, calls_open(c, SOCK_NONBLOCK));
	p[0].fd = c->client;
	ASSERT_EQ(1, poll(p, 1, -1));
	ASSERT_EQ(1, poll(p, 2, -1));
	p[0].events = POLLIN;
	ASSERT_EQ(0, poll(p, 1, 1));
	ASSERT_EQ(0, poll(p + 1, 1, 1)); /* no socket: not told */
	ASSERT_EQ(0, calls_stop(c));

	e = EXIT("connect", 0);
	EXPECT_EQ(EINPROGRESS, calls_number(e, "err"));
	EXPECT_EQ(SOCK_NONBLOCK, calls_number(EXIT("socket", 1), "flags"));
	ASSERT_EQ(3, calls_count(c, "poll", "enter"));
	ASSERT_EQ(3, calls_count(c, "poll", "exit"));
	ASSERT_EQ(0, calls_count(c, "poll", "ready"));
	EXPECT_EQ(POLLOUT, calls_number(ENTER("poll", 0), "wanted"));
	EXPECT_EQ(conn_cookie(c->client),
		  (uint64_t)calls_number(ENTER("poll", 0), "cookie"));
	EXPECT_EQ(POLLOUT, calls_number(EXIT("poll", 0), "ready"));
	EXPECT_EQ(c->client, calls_number(EXIT("poll", 0), "fd"));
	EXPECT_EQ(POLLOUT, calls_number(EXIT("poll", 1), "ready"));
	EXPECT_EQ(c->client, calls_number(EXIT("poll", 1), "fd"));
	EXPECT_EQ(0, calls_number(EXIT("poll", 2), "result"));
	EXPECT_EQ(NONE, calls_number(EXIT("poll", 2), "ready"));
	EXPECT_LE(1000000, calls_number(EXIT("poll", 2), "duration_ns"));
}

/* Claim: of several sockets that a call waits for, each that is ready is told. */
TEST_F(wait, several)
{
	struct calls *c = &self->c;
	struct pollfd p[3] = {};
	fd_set in, out;
	struct json_object *e;
	int top;

	ASSERT_EQ(0, calls_open(c, 0));
	ASSERT_EQ(2, send(c->client, "ab", 2, 0));
	p[0] = (struct pollfd){ c->client, POLLIN | POLLOUT, 0 };
	p[1] = (struct pollfd){ c->server, POLLIN, 0 };
	p[2] = (struct pollfd){ c->listener, POLLIN, 0 };
	ASSERT_EQ(2, poll(p, 3, -1));
	FD_ZERO(&in);
	FD_ZERO(&out);
	FD_SET(c->server, &in);
	FD_SET(c->listener, &in);
	FD_SET(c->client, &out);
	top = c->server > c->client ? c->server : c->client;
	ASSERT_EQ(2, select(top + 1, &in, &out, NULL, NULL));
	ASSERT_EQ(0, calls_stop(c));

	EXPECT_EQ(NONE, calls_number(ENTER("poll", 0), "fd"));
	ASSERT_EQ(2, calls_count(c, "poll", "ready"));
	e = READY("poll", 0);
	EXPECT_EQ(c->client, calls_number(e, "fd"));
	EXPECT_EQ(POLLOUT, calls_number(e, "ready"));
	EXPECT_EQ(POLLIN | POLLOUT, calls_number(e, "wanted"));
	EXPECT_EQ(CALLS_PORT, calls_number(e, "rport"));
	EXPECT_EQ(calls_number(EXIT("poll", 0), "call"),
		  calls_number(e, "call"));
	e = READY("poll", 1);
	EXPECT_EQ(c->server, calls_number(e, "fd"));
	EXPECT_EQ(POLLIN, calls_number(e, "ready"));
	EXPECT_EQ(2, calls_number(EXIT("poll", 0), "result"));

	/* glibc may make the one of the other */
	ASSERT_EQ(2, calls_count(c, "select", "ready") +
			     calls_count(c, "pselect6", "ready"));
	e = READY("select", 0) ?: READY("pselect6", 0);
	EXPECT_EQ(c->client < c->server ? c->client : c->server,
		  calls_number(e, "fd"));
	EXPECT_EQ(c->client < c->server ? POLLOUT : POLLIN,
		  calls_number(e, "ready"));
}

/* Claim: epoll tells which sockets are ready, whatever the process calls them. */
TEST_F(wait, epoll)
{
	struct epoll_event add = { EPOLLIN, { .u64 = 0x123456789abcdefull } };
	struct calls *c = &self->c;
	int ep = epoll_create1(0), none = epoll_create1(0);
	struct epoll_event got[2];
	struct json_object *e;
	int pipes[2];

	ASSERT_EQ(0, pipe(pipes));
	ASSERT_EQ(0, calls_open(c, 0));
	ASSERT_EQ(0, epoll_ctl(ep, EPOLL_CTL_ADD, c->server, &add));
	add.data.u64++;
	ASSERT_EQ(0, epoll_ctl(ep, EPOLL_CTL_ADD, c->listener, &add));
	add.data.u64++;
	ASSERT_EQ(0, epoll_ctl(none, EPOLL_CTL_ADD, pipes[0], &add));
	ASSERT_EQ(1, send(c->client, "a", 1, 0));
	ASSERT_EQ(1, epoll_wait(ep, got, 2, -1));
	ASSERT_EQ(0, epoll_wait(none, got, 2, 0)); /* no socket: not told */
	ASSERT_EQ(0, epoll_ctl(ep, EPOLL_CTL_DEL, c->server, NULL));
	ASSERT_EQ(0, epoll_wait(ep, got, 2, 0));
	ASSERT_EQ(-1, epoll_ctl(ep, EPOLL_CTL_DEL, c->server, NULL));
	ASSERT_EQ(0, calls_stop(c));
	close(pipes[0]);
	close(pipes[1]);
	close(none);
	close(ep);

	ASSERT_EQ(4, calls_count(c, "epoll_ctl", "exit"));
	e = EXIT("epoll_ctl", 0);
	EXPECT_STREQ("ADD", calls_text(e, "epoll_op"));
	EXPECT_EQ(ep, calls_number(e, "epfd"));
	EXPECT_EQ(c->server, calls_number(e, "fd"));
	EXPECT_EQ(EPOLLIN, calls_number(e, "wanted"));
	EXPECT_STREQ("DEL", calls_text(EXIT("epoll_ctl", 2), "epoll_op"));
	EXPECT_EQ(ENOENT, calls_number(EXIT("epoll_ctl", 3), "err"));
	ASSERT_EQ(2, calls_count(c, "epoll_wait", "enter"));
	ASSERT_EQ(2, calls_count(c, "epoll_wait", "exit"));
	ASSERT_EQ(1, calls_count(c, "epoll_wait", "ready"));
	e = READY("epoll_wait", 0);
	EXPECT_EQ(c->server, calls_number(e, "fd"));
	EXPECT_EQ(EPOLLIN, calls_number(e, "ready"));
	EXPECT_EQ(conn_cookie(c->server), (uint64_t)calls_number(e, "cookie"));
	EXPECT_EQ(ep, calls_number(EXIT("epoll_wait", 0), "epfd"));
	EXPECT_EQ(1, calls_number(EXIT("epoll_wait", 0), "result"));
}

static pid_t receiver;

static void *receive(void *arg)
{
	struct calls *c = arg;
	char byte;

	__atomic_store_n(&receiver, gettid(), __ATOMIC_RELEASE);
	return (void *)recv(c->server, &byte, 1, 0);
}

/* Is the thread, or the process, in recv(), asleep? */
static bool waits(pid_t tid)
{
	char path[64], line[16] = "";
	FILE *file;

	snprintf(path, sizeof(path), "/proc/%d/syscall", tid);
	file = tid ? fopen(path, "r") : NULL;
	if (!file)
		return false;
	if (!fgets(line, sizeof(line), file))
		*line = '\0';
	fclose(file);
	return atoi(line) == SYS_recvfrom;
}

/* Claim: a call that waits in one thread has begun before what another does. */
TEST_F(wait, threads)
{
	struct calls *c = &self->c;
	struct json_object *in, *out, *sent;
	pthread_t thread;
	void *received;

	ASSERT_EQ(0, calls_open(c, 0));
	ASSERT_EQ(0, pthread_create(&thread, NULL, receive, c));
	while (!waits(__atomic_load_n(&receiver, __ATOMIC_ACQUIRE)))
		sched_yield();
	ASSERT_EQ(1, send(c->client, "a", 1, 0));
	ASSERT_EQ(0, pthread_join(thread, &received));
	ASSERT_EQ(1, (long)received);
	ASSERT_EQ(0, calls_stop(c));

	in = ENTER("recvfrom", 0);
	out = EXIT("recvfrom", 0);
	sent = ENTER("sendto", 0);
	ASSERT_NE(NULL, out);
	ASSERT_NE(NULL, sent);
	EXPECT_LT(calls_number(in, "ts_ns"), calls_number(sent, "ts_ns"));
	EXPECT_LT(calls_number(sent, "ts_ns"), calls_number(out, "ts_ns"));
	EXPECT_EQ(calls_number(in, "call"), calls_number(out, "call"));
	EXPECT_NE(calls_number(in, "call"), calls_number(sent, "call"));
	EXPECT_EQ(calls_number(in, "tid"), calls_number(out, "tid"));
	EXPECT_NE(calls_number(in, "tid"), calls_number(sent, "tid"));
	EXPECT_EQ(getpid(), calls_number(in, "pid"));
}

FIXTURE(process)
{
	struct calls c;
	pid_t child;
};

FIXTURE_SETUP(process)
{
	self->child = 0;
	ASSERT_EQ(0, calls_join(&self->c, AF_INET));
	ASSERT_EQ(0, calls_open(&self->c, 0));
}

FIXTURE_TEARDOWN(process)
{
	if (self->child > 0) {
		kill(self->child, SIGKILL);
		waitpid(self->child, NULL, 0);
	}
	calls_free(&self->c);
}

/* Waits until the child has ended. Its wait status, or -errno. */
static int wait_child(pid_t *child)
{
	pid_t pid = *child;
	int status;

	*child = 0;
	return waitpid(pid, &status, 0) == pid ? status : -errno;
}

/* Claim: the same socket in another process: its calls say whose they are. */
TEST_F(process, child_with_its_parents_socket)
{
	struct calls *c = &self->c;
	int status, cookie;

	cookie = conn_cookie(c->client);
	self->child = fork();
	if (!self->child)
		_exit(send(c->client, "a", 1, 0) != 1);
	ASSERT_LT(0, self->child);
	status = wait_child(&self->child);
	ASSERT_EQ(0, status);
	ASSERT_EQ(2, send(c->client, "bc", 2, 0));
	ASSERT_EQ(0, calls_stop(c));

	ASSERT_EQ(2, calls_count(c, "sendto", "exit"));
	EXPECT_NE(getpid(), calls_number(EXIT("sendto", 0), "pid"));
	EXPECT_EQ(cookie, calls_number(EXIT("sendto", 0), "cookie"));
	EXPECT_EQ(getpid(), calls_number(EXIT("sendto", 1), "pid"));
	EXPECT_EQ(cookie, calls_number(EXIT("sendto", 1), "cookie"));
}

/* Claim: the call of a process that is killed in it ends there. */
TEST_F(process, killed)
{
	struct calls *c = &self->c;
	char byte;

	self->child = fork();
	if (!self->child)
		_exit(recv(c->server, &byte, 1, 0));
	ASSERT_LT(0, self->child);
	while (!waits(self->child))
		sched_yield();
	ASSERT_EQ(0, kill(self->child, SIGKILL));
	ASSERT_EQ(SIGKILL, wait_child(&self->child));
	ASSERT_EQ(1, send(c->client, "a", 1, 0));
	ASSERT_EQ(1, recv(c->server, &byte, 1, 0));
	ASSERT_EQ(0, calls_stop(c));

	ASSERT_EQ(2, calls_count(c, "recvfrom", "enter"));
	ASSERT_EQ(2, calls_count(c, "recvfrom", "exit"));
	EXPECT_EQ(ERESTARTSYS, calls_number(EXIT("recvfrom", 0), "err"));
	EXPECT_EQ(calls_number(ENTER("recvfrom", 0), "call"),
		  calls_number(EXIT("recvfrom", 0), "call"));
	EXPECT_EQ(1, calls_number(EXIT("recvfrom", 1), "result"));
}

/* One CPU for this thread and its children. 0 or -errno. */
static int use_one_cpu(void)
{
	cpu_set_t set;

	CPU_ZERO(&set);
	CPU_SET(sched_getcpu(), &set);
	return sched_setaffinity(0, sizeof(set), &set) ? -errno : 0;
}

/*
 * Takes the CPU from whoever has it, wherever in the kernel that is, and makes
 * a call, again and again. 0 or an exit status.
 */
static int preempt(int sock)
{
	static const struct timespec moment = { .tv_nsec = MOMENT_NS };
	static const struct sched_param first = { .sched_priority = 1 };
	int i, on = 1;

	if (sched_setscheduler(0, SCHED_FIFO, &first))
		return 2;
	for (i = 0; i < PREEMPTIONS; i++) {
		nanosleep(&moment, NULL);
		if (setsockopt(sock, SOL_SOCKET, SO_KEEPALIVE, &on, sizeof(on)))
			return 1;
	}
	return 0;
}

/*
 * Claim: all calls are told of who takes the CPU from a process that makes
 * calls itself, and may be about to have one traced.
 */
TEST_F(process, preempting)
{
	struct calls *c = &self->c;
	int null = open("/dev/null", O_WRONLY | O_CLOEXEC), i, status;

	ASSERT_EQ(0, use_one_cpu());
	self->child = fork();
	if (!self->child)
		_exit(preempt(c->client));
	ASSERT_LT(0, self->child);
	while (!waitpid(self->child, &status, WNOHANG)) {
		for (i = 0; i < 100; i++) {
			ASSERT_EQ(1, write(null, "", 1));
		}
	}
	self->child = 0;
	ASSERT_EQ(0, status);
	ASSERT_EQ(0, calls_stop(c));
	EXPECT_EQ(PREEMPTIONS, calls_count(c, "setsockopt", "enter"));
	EXPECT_EQ(PREEMPTIONS, calls_count(c, "setsockopt", "exit"));
	close(null);
}

/*
 * Claim: a call of a 32-bit program, which has other numbers, is not taken for
 * another one. A kernel without such programs kills the child.
 */
TEST_F(process, compat)
{
#ifdef __x86_64__
	struct calls *c = &self->c;
	long ret;

	self->child = fork();
	if (!self->child) {
		/* also where the argument of close() would be */
		asm volatile("int $0x80"
			     : "=a"(ret)
			     : "a"(FIRST_CALL_OF_32_BIT), "b"(c->server),
			       "c"(0), "d"(0), "D"(c->server)
			     : "memory", "r8", "r9", "r10", "r11");
		_exit(0);
	}
	ASSERT_LT(0, self->child);
	ASSERT_LE(0, wait_child(&self->child));
	ASSERT_EQ(0, calls_stop(c));
	EXPECT_EQ(0, calls_count(c, "close", "enter"));
	EXPECT_EQ(0, calls_count(c, "read", "enter"));
#endif
}

FIXTURE(uring)
{
	struct calls c;
};

FIXTURE_VARIANT(uring)
{
	bool worker; /* of the kernel's */
};

FIXTURE_VARIANT_ADD(uring, at_once){ false };
FIXTURE_VARIANT_ADD(uring, worker){ true };

FIXTURE_SETUP(uring)
{
	ASSERT_EQ(0, calls_join(&self->c, AF_INET));
}

FIXTURE_TEARDOWN(uring)
{
	calls_free(&self->c);
}

/* Claim: what io_uring is asked for is a call like the others. */
TEST_F(uring, calls)
{
	bool worker = variant->worker;
	struct calls *c = &self->c;
	int pipes[2], cookie, fd;
	struct json_object *e;
	char byte;

	ASSERT_EQ(0, pipe(pipes));
	ASSERT_EQ(0, calls_open(c, 0));
	cookie = conn_cookie(c->client);
	ASSERT_EQ(3, uring_do(IORING_OP_SEND, c->client, "abc", 3, worker));
	ASSERT_EQ(1, uring_do(IORING_OP_READ, c->server, &byte, 1, worker));
	ASSERT_EQ(1, uring_do(IORING_OP_WRITE, pipes[1], "a", 1, worker));
	ASSERT_EQ(-ENOTCONN,
		  uring_do(IORING_OP_RECV, c->listener, &byte, 1, worker));
	fd = c->client;
	ASSERT_EQ(0, uring_do(IORING_OP_CLOSE, fd, NULL, 0, worker));
	c->client = -1;
	ASSERT_EQ(0, calls_stop(c));
	close(pipes[0]);
	close(pipes[1]);

	ASSERT_EQ(1, calls_count(c, "sendto", "enter"));
	e = EXIT("sendto", 0);
	ASSERT_NE(NULL, e);
	EXPECT_STREQ("io_uring", calls_text(e, "via"));
	EXPECT_EQ(3, calls_number(e, "result"));
	EXPECT_EQ(3, calls_number(e, "len"));
	EXPECT_EQ(fd, calls_number(e, "fd"));
	EXPECT_EQ(cookie, calls_number(e, "cookie"));
	EXPECT_EQ(getpid(), calls_number(e, "pid"));
	EXPECT_EQ(calls_number(ENTER("sendto", 0), "call"),
		  calls_number(e, "call"));
	e = EXIT("read", 0);
	ASSERT_NE(NULL, e);
	EXPECT_EQ(1, calls_number(e, "result"));
	EXPECT_EQ(1, calls_number(e, "len"));
	EXPECT_EQ(0, calls_count(c, "write", "enter"));
	e = EXIT("recvfrom", 0);
	ASSERT_NE(NULL, e);
	EXPECT_EQ(ENOTCONN, calls_number(e, "err"));
	e = EXIT("close", 0);
	ASSERT_NE(NULL, e);
	EXPECT_EQ(fd, calls_number(e, "fd"));
	EXPECT_EQ(cookie, calls_number(e, "cookie"));
}

SHARED_NETNS_HARNESS_MAIN("--events", "call")
