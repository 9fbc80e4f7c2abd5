// SPDX-License-Identifier: GPL-2.0
/* The end of a connection: when its FIN goes, or that an RST does. */
#include "peer/close.h"
#include "lib/clock.h"

#include <errno.h>
#include <poll.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

int close_parse(const char *word)
{
	static const char *const words[] = {
		[CLOSE_NORMAL] = "normal",
		[CLOSE_FIRST] = "first",
		[CLOSE_ABORT] = "abort",
		[CLOSE_HALF] = "half",
		[CLOSE_SIMULTANEOUS] = "simultaneous",
	};
	unsigned int i;

	for (i = 0; i < sizeof(words) / sizeof(*words); i++) {
		if (!strcmp(word, words[i]))
			return i;
	}
	return -EINVAL;
}

/* Until @fd has something, @end_ns or @stop. Returns false for the latter. */
static bool close_wait(int fd, int stop, uint64_t end_ns)
{
	struct pollfd pfds[] = {
		{ .fd = stop, .events = POLLIN },
		{ .fd = fd, .events = POLLIN },
	};
	uint64_t now = clock_now_ns();
	struct timespec left;

	if (now >= end_ns)
		return false;
	left.tv_sec = (end_ns - now) / NSEC_PER_SEC;
	left.tv_nsec = (end_ns - now) % NSEC_PER_SEC;
	if (ppoll(pfds, 2, &left, NULL) < 0)
		return errno == EINTR;
	return pfds[1].revents && !pfds[0].revents;
}

/* Throw away what comes, up to the peer's FIN. */
static void close_drain(int fd, int stop, uint64_t end_ns)
{
	char rest[4096];
	ssize_t n = 1;

	while (n && close_wait(fd, stop, end_ns)) {
		n = recv(fd, rest, sizeof(rest), 0);
		if (n < 0 && errno != EAGAIN && errno != EINTR)
			return;
	}
}

/* Both ends take the same second, if their clocks agree and they ask at once.
 */
static void close_align(int stop)
{
	uint64_t left_ns = CLOSE_GRID_NS -
			   (clock_real_ns() + CLOSE_LEAD_NS) % CLOSE_GRID_NS +
			   CLOSE_LEAD_NS;

	close_wait(-1, stop, clock_now_ns() + left_ns);
}

void close_connection(int fd, enum close_how how, bool unread, int stop,
		      uint64_t timeout_ns)
{
	const struct linger abort = { .l_onoff = 1, .l_linger = 0 };

	if (how == CLOSE_SIMULTANEOUS)
		close_align(stop);
	if (how == CLOSE_ABORT)
		setsockopt(fd, SOL_SOCKET, SO_LINGER, &abort, sizeof(abort));
	else if ((unread || how == CLOSE_HALF) && !shutdown(fd, SHUT_WR))
		close_drain(fd, stop, clock_now_ns() + timeout_ns);
	close(fd);
}
