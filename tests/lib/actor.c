// SPDX-License-Identifier: GPL-2.0
/* Functions that a test calls in its actors; their variables are the actor's. */
#include "actor.h"
#include "lab/netns.h"

#include <errno.h>
#include <grp.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <unistd.h>

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
