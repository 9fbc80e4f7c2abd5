// SPDX-License-Identifier: GPL-2.0
/* Orders and answers go over a socket pair, one message each. */
#include "actor.h"

#include <errno.h>
#include <grp.h>
#include <poll.h>
#include <signal.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "lab/netns.h"

#define PATIENCE_MS 10000

struct order {
	int (*fn)(int arg); /* NULL: fork a child that plays at @arg */
	int arg;
	char comm[16]; /* of that child */
};

int actor_open(struct actor *actor)
{
	int fds[2];

	memset(actor, 0, sizeof(*actor));
	if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, fds))
		return -errno;
	actor->fd = fds[0];
	actor->inner = fds[1];
	return 0;
}

static void __attribute__((noreturn)) play(int fd, const char *comm)
{
	struct order order;
	int answer;

	prctl(PR_SET_PDEATHSIG, SIGKILL);
	prctl(PR_SET_NAME, comm);
	while (recv(fd, &order, sizeof(order), 0) == sizeof(order)) {
		answer = order.fn ? order.fn(order.arg) : fork();
		if (!order.fn && !answer)
			play(order.arg, order.comm);
		if (send(fd, &answer, sizeof(answer), MSG_NOSIGNAL) < 0)
			break;
	}
	_exit(0);
}

int actor_start(struct actor *actor, const char *comm)
{
	actor->pid = fork();
	if (actor->pid < 0) {
		actor->pid = 0;
		return -errno;
	}
	if (!actor->pid)
		play(actor->inner, comm);
	return 0;
}

static int give(struct actor *actor, const struct order *order)
{
	return send(actor->fd, order, sizeof(*order), MSG_NOSIGNAL) < 0 ?
		       -errno :
		       0;
}

int actor_fork(struct actor *parent, struct actor *child, const char *comm)
{
	struct order order = { .arg = child->inner };
	int pid;

	strncpy(order.comm, comm, sizeof(order.comm) - 1);
	pid = give(parent, &order);
	if (!pid)
		pid = actor_answer(parent);
	if (pid <= 0)
		return pid ? pid : -EPROTO;
	child->pid = pid;
	child->parent = parent;
	return 0;
}

int actor_tell(struct actor *actor, int (*fn)(int arg), int arg)
{
	const struct order order = { .fn = fn, .arg = arg };

	return give(actor, &order);
}

int actor_answer(struct actor *actor)
{
	struct pollfd pfd = { .fd = actor->fd, .events = POLLIN };
	int answer, n;

	n = poll(&pfd, 1, PATIENCE_MS);
	if (n <= 0)
		return n ? -errno : -ETIMEDOUT;
	return recv(actor->fd, &answer, sizeof(answer), 0) == sizeof(answer) ?
		       answer :
		       -EPIPE;
}

int actor_call(struct actor *actor, int (*fn)(int arg), int arg)
{
	int err = actor_tell(actor, fn, arg);

	return err ? err : actor_answer(actor);
}

static int do_tell_fd(int arg)
{
	(void)arg;
	return actor_tcp.fd;
}

int actor_share(struct actor *actor)
{
	int theirs = actor_call(actor, do_tell_fd, 0);
	int pidfd = syscall(SYS_pidfd_open, actor->pid, 0);
	int fd = syscall(SYS_pidfd_getfd, pidfd, theirs, 0), err = errno;

	close(pidfd);
	return fd < 0 ? -err : fd;
}

static int do_wait(int pid)
{
	return waitpid(pid, NULL, 0) == pid ? 0 : -errno;
}

void actor_end(struct actor *actor)
{
	if (actor->pid) {
		kill(actor->pid, SIGKILL);
		if (actor->parent)
			actor_call(actor->parent, do_wait, actor->pid);
		else
			do_wait(actor->pid);
	}
	if (actor->fd > 0) {
		close(actor->fd);
		close(actor->inner);
	}
	memset(actor, 0, sizeof(*actor));
}

int actor_become(int uid)
{
	if (setgroups(0, NULL) || setresgid(uid, uid, uid) ||
	    setresuid(uid, uid, uid))
		return -errno;
	/* a change of credentials has cleared it */
	return prctl(PR_SET_PDEATHSIG, SIGKILL) ? -errno : 0;
}

int actor_enter(int netns)
{
	return netns_enter(netns);
}

struct actor_tcp actor_tcp;

int actor_listen(int backlog)
{
	int err = actor_bind(1);

	if (err)
		return err;
	actor_tcp.listener = actor_tcp.fd;
	actor_tcp.fd = 0;
	return listen(actor_tcp.listener, backlog) ? -errno : 0;
}

int actor_accept(int arg)
{
	(void)arg;
	actor_tcp.fd = accept4(actor_tcp.listener, NULL, NULL, SOCK_CLOEXEC);
	return actor_tcp.fd < 0 ? -errno : 0;
}

int actor_bind(int side)
{
	const struct sockaddr *end = (void *)&actor_tcp.end[side];
	int one = 1;

	actor_tcp.fd = socket(end->sa_family, SOCK_STREAM | SOCK_CLOEXEC,
			      IPPROTO_TCP);
	if (actor_tcp.fd < 0 ||
	    setsockopt(actor_tcp.fd, SOL_SOCKET, SO_REUSEADDR, &one,
		       sizeof(one)) ||
	    bind(actor_tcp.fd, end, actor_tcp.len))
		return -errno;
	return 0;
}

int actor_connect(int arg)
{
	int err = actor_tcp.fd ? 0 : actor_bind(0);

	(void)arg;
	if (!err &&
	    connect(actor_tcp.fd, (void *)&actor_tcp.end[1], actor_tcp.len))
		err = -errno;
	return err;
}

int actor_send(int bytes)
{
	static const char data[65536];
	ssize_t n;

	for (; bytes > 0; bytes -= n) {
		n = send(actor_tcp.fd, data,
			 bytes < (int)sizeof(data) ? bytes : (int)sizeof(data),
			 MSG_NOSIGNAL);
		if (n < 0)
			return -errno;
	}
	return 0;
}

int actor_receive(int bytes)
{
	static char data[65536];
	ssize_t n;

	for (; bytes > 0; bytes -= n) {
		n = recv(actor_tcp.fd, data,
			 bytes < (int)sizeof(data) ? bytes : (int)sizeof(data),
			 0);
		if (n <= 0)
			return n ? -errno : -ENODATA;
	}
	return 0;
}

int actor_close(int arg)
{
	int fd = actor_tcp.fd;

	(void)arg;
	actor_tcp.fd = 0;
	return close(fd) ? -errno : 0;
}

int actor_unlisten(int arg)
{
	(void)arg;
	return close(actor_tcp.listener) ? -errno : 0;
}
