// SPDX-License-Identifier: GPL-2.0
#include "tests/lib/lone.h"

#include <arpa/inet.h>
#include <errno.h>
#include <linux/tcp.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

/* Peers of IPv4 differ in address, those of IPv6 in port. */
static socklen_t peer(struct sockaddr_storage *to, int family, unsigned int i)
{
	struct sockaddr_in6 *in6 = (void *)to;
	struct sockaddr_in *in = (void *)to;

	memset(to, 0, sizeof(*to));
	to->ss_family = family;
	if (family == AF_INET) {
		in->sin_port = htons(9);
		in->sin_addr.s_addr = htonl((127U << 24) + (1U << 16) + i);
		return sizeof(*in);
	}
	in6->sin6_port = htons(1024 + i);
	in6->sin6_addr = in6addr_loopback;
	return sizeof(*in6);
}

int lone_open(int family, unsigned int i)
{
	int fd = socket(family, SOCK_STREAM | SOCK_CLOEXEC, 0), err;
	struct sockaddr_storage to;
	socklen_t len = peer(&to, family, i);
	int yes = 1;

	if (fd < 0)
		return -errno;
	if (setsockopt(fd, IPPROTO_TCP, TCP_REPAIR, &yes, sizeof(yes)) ||
	    connect(fd, (struct sockaddr *)&to, len)) {
		err = -errno;
		close(fd);
		return err;
	}
	return fd;
}

int lone_open_all(int family, int *fd, unsigned int n)
{
	unsigned int i;

	for (i = 0; i < n; i++) {
		fd[i] = lone_open(family, i);
		if (fd[i] < 0)
			return fd[i];
	}
	return 0;
}

void lone_close_all(int *fd, unsigned int n)
{
	unsigned int i;

	for (i = 0; i < n; i++)
		if (fd[i] > 0) {
			close(fd[i]);
			fd[i] = 0;
		}
}

int lone_allow(unsigned int n)
{
	struct rlimit limit = { .rlim_cur = n, .rlim_max = n };

	return setrlimit(RLIMIT_NOFILE, &limit) ? -errno : 0;
}
