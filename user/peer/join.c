// SPDX-License-Identifier: GPL-2.0
/* The way to a rendezvous and through a meeting there, with its sockets. */
#include "peer/join.h"
#include "lib/clock.h"
#include "peer/punch.h"

#include <errno.h>
#include <netinet/in.h>
#include <poll.h>
#include <string.h>
#include <unistd.h>

#define JOIN_CONNECT_NS 10000000000ULL
#define JOIN_OTHER_NS 2000000000ULL /* the other port is no must */
#define JOIN_FOREVER_NS (1ULL << 62)
#define JOIN_AGE_NS 10000000000ULL
#define JOIN_READINGS 8

/* Until @fd has @events. Returns 0, -ETIMEDOUT, -EINTR at join->stop, -errno. */
static int join_wait(const struct join *join, int fd, short events,
		     uint64_t end_ns)
{
	struct pollfd pfds[] = {
		{ .fd = fd, .events = events },
		{ .fd = join->stop, .events = POLLIN },
	};
	uint64_t now_ns;
	struct timespec left;

	for (;;) {
		now_ns = clock_now_ns();
		if (now_ns >= end_ns)
			return -ETIMEDOUT;
		left.tv_sec = (end_ns - now_ns) / NSEC_PER_SEC;
		left.tv_nsec = (end_ns - now_ns) % NSEC_PER_SEC;
		if (ppoll(pfds, 2, &left, NULL) < 0 && errno != EINTR)
			return -errno;
		if (pfds[1].revents)
			return -EINTR;
		if (pfds[0].revents)
			return 0;
	}
}

/* Connect from our port to @to. Returns the socket or -errno. */
static int join_connect(struct join *join, const struct sockaddr_storage *to,
			uint64_t end_ns)
{
	socklen_t len = sizeof(join->own), errlen = sizeof(int);
	const int one = 1;
	int err = 0, fd;

	fd = socket(to->ss_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC,
		    IPPROTO_TCP);
	if (fd < 0)
		return -errno;
	if (setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &one, sizeof(one)) ||
	    setsockopt(fd, SOL_SOCKET, SO_REUSEPORT, &one, sizeof(one)) ||
	    setsockopt(fd, SOL_SOCKET, SO_TIMESTAMPNS, &one, sizeof(one)) ||
	    bind(fd, (struct sockaddr *)&join->own, join->len) ||
	    getsockname(fd, (struct sockaddr *)&join->own, &len) ||
	    (connect(fd, (struct sockaddr *)to, join->len) &&
	     errno != EINPROGRESS))
		err = -errno;
	if (!err)
		err = join_wait(join, fd, POLLOUT, end_ns);
	if (!err && getsockopt(fd, SOL_SOCKET, SO_ERROR, &err, &errlen))
		err = errno;
	if (!err)
		return fd;
	close(fd);
	return err < 0 ? err : -err;
}

/*
 * How far CLOCK_REALTIME is ahead, by the two readings that were closest: this
 * process may have to wait between any two.
 */
static uint64_t join_ahead_ns(void)
{
	uint64_t least = UINT64_MAX, ahead = 0, before, real, took;
	int i;

	for (i = 0; i < JOIN_READINGS; i++) {
		before = clock_now_ns();
		real = clock_real_ns();
		took = clock_now_ns() - before;
		if (took < least) {
			least = took;
			ahead = real - before;
		}
	}
	return ahead;
}

/* When it came, as the kernel says; now if it does not. */
static uint64_t join_came_ns(struct msghdr *msg)
{
	uint64_t ahead_ns = join_ahead_ns();
	uint64_t now_ns = clock_now_ns(), came_ns = now_ns;
	struct cmsghdr *cmsg;
	struct timespec came;

	for (cmsg = CMSG_FIRSTHDR(msg); cmsg; cmsg = CMSG_NXTHDR(msg, cmsg)) {
		if (cmsg->cmsg_level != SOL_SOCKET ||
		    cmsg->cmsg_type != SCM_TIMESTAMPNS)
			continue;
		memcpy(&came, CMSG_DATA(cmsg), sizeof(came));
		came_ns = came.tv_sec * NSEC_PER_SEC + came.tv_nsec - ahead_ns;
	}
	/* Nobody knows what a clock says that was set in between. */
	return now_ns - came_ns < JOIN_AGE_NS ? came_ns : now_ns;
}

/* As recv(); notes when it came, which is before this process got to run. */
static ssize_t join_recv(struct join *join, int fd, void *at, size_t room)
{
	_Alignas(struct cmsghdr) char
		control[CMSG_SPACE(sizeof(struct timespec))];
	struct iovec iov = { .iov_base = at, .iov_len = room };
	struct msghdr msg = {
		.msg_iov = &iov,
		.msg_iovlen = 1,
		.msg_control = control,
		.msg_controllen = sizeof(control),
	};
	ssize_t n = recvmsg(fd, &msg, 0);

	if (n > 0)
		join->came_ns = join_came_ns(&msg);
	return n;
}

/* Send what the meeting has to say, and get more of it. Returns 0 or -errno. */
static int join_exchange(struct join *join, struct meet *meet, int fd,
			 uint64_t end_ns)
{
	size_t room;
	void *at;
	ssize_t n;
	int err;

	while (meet->out_len) {
		n = send(fd, meet->out, meet->out_len, MSG_NOSIGNAL);
		if (n < 0 && errno != EAGAIN && errno != EINTR)
			return -errno;
		if (n > 0) {
			meet->out_len -= n;
			memmove(meet->out, meet->out + n, meet->out_len);
			continue;
		}
		err = join_wait(join, fd, POLLOUT, end_ns);
		if (err)
			return err;
	}
	err = join_wait(join, fd, POLLIN, end_ns);
	if (err)
		return err;
	at = meet_room(meet, &room);
	n = join_recv(join, fd, at, room);
	if (n < 0)
		return errno == EAGAIN || errno == EINTR ? 0 : -errno;
	if (!n)
		return -ECONNRESET;
	meet_add(meet, n);
	return 0;
}

/* The next message. Returns its type or -errno. */
static int join_next(struct join *join, struct meet *meet, int fd,
		     uint64_t end_ns)
{
	int ret, err = 0;

	while (!err) {
		ret = meet_next(meet);
		if (ret)
			return ret;
		err = join_exchange(join, meet, fd, end_ns);
	}
	/* What was said before the connection broke says more. */
	ret = err == -EINTR ? 0 : meet_next(meet);
	return ret < 0 ? ret : err;
}

/* A wait's end, which is not behind that of all of them. */
static uint64_t join_end_ns(const struct join *join, uint64_t end_ns)
{
	return join->end_ns && join->end_ns < end_ns ? join->end_ns : end_ns;
}

/* Where do we come from at the other port? Without an answer it is unknown. */
static int join_other(struct join *join, struct sockaddr_storage *seen)
{
	uint64_t end_ns = join_end_ns(join, clock_now_ns() + JOIN_OTHER_NS);
	struct sockaddr_storage to = join->rendezvous;
	struct meet meet;
	int fd, ret;

	((struct sockaddr_in *)&to)->sin_port = htons(join->meet.other_port);
	fd = join_connect(join, &to, end_ns);
	if (fd < 0)
		return fd;
	meet_other(&meet);
	ret = join_next(join, &meet, fd, end_ns);
	close(fd);
	*seen = meet.seen;
	return ret < 0 ? ret : 0;
}

/* We know how we look from outside: offer what we have. */
static int join_offer(struct join *join)
{
	struct sockaddr_storage other;
	bool known = false;
	int err = 0;

	punch_offer(&join->meet.own, &join->own);
	if (join->meet.other_port && !join->again) {
		err = join_other(join, &other);
		known = !err;
	}
	if (!join->again)
		join->mapping = punch_mapping(&join->meet.own, &join->own,
					      &join->meet.seen,
					      known ? &other : NULL);
	join->meet.own.mapping = join->mapping;
	if (join->seen)
		join->seen(join);
	return err == -EINTR ? err : 0;
}

int join_meet(struct join *join)
{
	int ret, err;

	join->fd = -1;
	ret = meet_init(&join->meet, &join->secret, join->name);
	if (ret)
		return ret;
	ret = join_connect(join, &join->rendezvous,
			   join_end_ns(join, clock_now_ns() + JOIN_CONNECT_NS));
	if (ret < 0)
		return ret;
	join->fd = ret;
	do {
		ret = join_next(join, &join->meet, join->fd,
				join_end_ns(join, JOIN_FOREVER_NS));
		if (ret == MEET_SEEN && (err = join_offer(join)))
			ret = err;
	} while (ret > 0 && ret != MEET_START);
	return ret < 0 ? ret : 0;
}

void join_leave(struct join *join)
{
	if (join->fd < 0)
		return;
	/* No TIME_WAIT: the next meeting may have to be from this port. */
	peer_abort(join->fd);
	close(join->fd);
	join->fd = -1;
}
