// SPDX-License-Identifier: GPL-2.0
/* One wait for all who wait for the connection; all else is non-blocking. */
#include "peer/talk.h"
#include "lib/clock.h"

#include <errno.h>
#include <poll.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

void talk_init(struct talk *talk)
{
	memset(talk, 0, sizeof(*talk));
	talk->fd = -1;
	talk->stop = -1;
}

int talk_say(struct talk *talk, const char *line)
{
	size_t len = strlen(line);

	if (strchr(line, '\n'))
		return -EINVAL;
	if (len >= TALK_LINE_SIZE)
		return -EMSGSIZE;

	memcpy(talk->out, line, len);
	talk->out[len] = '\n';
	talk->out_len = len + 1;
	return 0;
}

short talk_events(const struct talk *talk)
{
	short events = 0;

	if (!talk->heard)
		events |= POLLIN;
	if (talk->sent < talk->out_len)
		events |= POLLOUT;
	return events;
}

/* Send what is left of our line. Returns 0 or -errno. */
static int talk_send(struct talk *talk)
{
	ssize_t n;

	n = send(talk->fd, talk->out + talk->sent, talk->out_len - talk->sent,
		 MSG_NOSIGNAL);
	if (n < 0)
		return errno == EAGAIN || errno == EINTR ? 0 : -errno;
	talk->sent += n;
	if (talk->fin_first && talk->sent == talk->out_len)
		shutdown(talk->fd, SHUT_WR);
	return 0;
}

/* Read what is there. Returns 0 or -errno. */
static int talk_receive(struct talk *talk)
{
	char *at = talk->in + talk->in_len;
	ssize_t n;

	n = recv(talk->fd, at, TALK_LINE_SIZE - talk->in_len, 0);
	if (n < 0)
		return errno == EAGAIN || errno == EINTR ? 0 : -errno;
	talk->in_len += n;
	talk->heard = !n || memchr(at, '\n', n) ||
		      talk->in_len == TALK_LINE_SIZE;
	return 0;
}

int talk_step(struct talk *talk, short revents)
{
	int err;

	/* An error or a hang-up is for both: one of the calls says which. */
	if (!talk->heard && revents & ~POLLOUT) {
		err = talk_receive(talk);
		if (err)
			return err;
	}
	if (talk->sent < talk->out_len && revents & ~POLLIN) {
		err = talk_send(talk);
		if (err)
			return err;
	}
	return talk_events(talk) ? 1 : 0;
}

/*
 * Wait for @events of the connection. Returns what there is, 0 if it is worth
 * another look, -ETIMEDOUT at @end_ns, -EINTR at talk->stop, or -errno.
 */
static int talk_wait(const struct talk *talk, short events, uint64_t end_ns)
{
	struct pollfd pfds[2] = {
		{ .fd = talk->fd, .events = events },
		{ .fd = talk->stop, .events = POLLIN },
	};
	uint64_t now = clock_now_ns();
	struct timespec left;

	if (now >= end_ns)
		return -ETIMEDOUT;
	left.tv_sec = (end_ns - now) / NSEC_PER_SEC;
	left.tv_nsec = (end_ns - now) % NSEC_PER_SEC;
	if (ppoll(pfds, 2, &left, NULL) < 0)
		return errno == EINTR ? 0 : -errno;
	return pfds[1].revents ? -EINTR : pfds[0].revents;
}

int talk_exchange(struct talk *talk, uint64_t timeout_ns)
{
	uint64_t end_ns = clock_now_ns() + timeout_ns;
	short events;
	int ret;

	while ((events = talk_events(talk))) {
		ret = talk_wait(talk, events, end_ns);
		if (ret >= 0)
			ret = talk_step(talk, ret);
		if (ret < 0)
			return ret;
	}
	return 0;
}

size_t talk_line(const struct talk *talk)
{
	const char *end = memchr(talk->in, '\n', talk->in_len);

	return end ? (size_t)(end - talk->in) : talk->in_len;
}

int talk_hold(const struct talk *talk, int input)
{
	struct pollfd pfds[3] = {
		{ .fd = input, .events = POLLIN },
		{ .fd = talk->stop, .events = POLLIN },
		{ .fd = talk->fd },
	};
	socklen_t len = sizeof(int);
	char buf[256];
	ssize_t n;
	int err;

	for (;;) {
		if (poll(pfds, 3, -1) < 0) {
			if (errno == EINTR)
				continue;
			return -errno;
		}
		if (pfds[1].revents)
			return 0;
		if (pfds[2].revents & (POLLERR | POLLHUP)) {
			err = 0;
			getsockopt(talk->fd, SOL_SOCKET, SO_ERROR, &err, &len);
			return err ? -err : -ECONNRESET;
		}
		if (!pfds[0].revents)
			continue;
		n = read(input, buf, sizeof(buf));
		if (n < 0 && (errno == EAGAIN || errno == EINTR))
			continue;
		if (n <= 0 || memchr(buf, '\n', n))
			return 0;
	}
}

/* The peer has said more than its line, or may be about to. */
static bool talk_unread(const struct talk *talk)
{
	size_t len = talk_line(talk);

	/* A line without a newline is the last word, unless it was cut. */
	return len < talk->in_len ? len + 1 < talk->in_len :
				    len == TALK_LINE_SIZE;
}

void talk_close(struct talk *talk, enum close_how how, uint64_t timeout_ns)
{
	close_connection(talk->fd, how, talk_unread(talk), talk->stop,
			 timeout_ns);
	talk->fd = -1;
}
