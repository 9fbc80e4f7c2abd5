// SPDX-License-Identifier: GPL-2.0
/* Orders and answers go over a socket pair, one message each. */
#include "lab/actor.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

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
	/* out of the way: what an actor opens gets the numbers people know */
	actor->fd = fcntl(fds[0], F_DUPFD_CLOEXEC, ACTOR_FDS);
	actor->inner = fcntl(fds[1], F_DUPFD_CLOEXEC, ACTOR_FDS);
	close(fds[0]);
	close(fds[1]);
	return actor->fd < 0 || actor->inner < 0 ? -EMFILE : 0;
}

static void __attribute__((noreturn))
play(int fd, const char *comm, pid_t parent)
{
	pid_t self = getpid();
	struct order order;
	int answer;

	if (prctl(PR_SET_PDEATHSIG, SIGKILL) || getppid() != parent)
		_exit(1);
	prctl(PR_SET_NAME, comm);
	while (recv(fd, &order, sizeof(order), 0) == sizeof(order)) {
		answer = order.fn ? order.fn(order.arg) : fork();
		if (!order.fn && !answer)
			play(order.arg, order.comm, self);
		if (send(fd, &answer, sizeof(answer), MSG_NOSIGNAL) < 0)
			break;
	}
	_exit(0);
}

int actor_start(struct actor *actor, const char *comm)
{
	pid_t self = getpid(), pid = fork();

	if (pid < 0)
		return -errno;
	if (!pid)
		play(actor->inner, comm, self);
	actor->pid = pid;
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
