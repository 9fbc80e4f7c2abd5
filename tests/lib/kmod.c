// SPDX-License-Identifier: GPL-2.0
#include "tests/lib/kmod.h"

#include "lab/netns.h"
#include "lib/clock.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

#define PATIENCE_NS (20 * NSEC_PER_SEC)

static void path(char *to, size_t size)
{
	snprintf(to, size, "%s/tcbscope.ko", getenv("TCBSCOPE_BUILD") ?: ".");
}

static const char *lacking(void)
{
	char file[4096];

	if (access("/proc/modules", F_OK))
		return "this kernel has no modules";
	path(file, sizeof(file));
	if (access(file, F_OK))
		return "there is no module for this kernel";
	return NULL;
}

void kmod_or_skip(void)
{
	const char *what = lacking();

	if (!what)
		return;
	printf("TAP version 13\n1..0 # SKIP %s\n", what);
	exit(4);
}

int kmod_load(void)
{
	char file[4096];
	int fd, err;

	path(file, sizeof(file));
	fd = open(file, O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		return -errno;
	err = syscall(SYS_finit_module, fd, "", 0) ? -errno : 0;
	close(fd);
	return err;
}

/*
 * Has the kernel hurry where it waits for readers of RCU, as it does several
 * times an unload: that is then five times as fast. Returns how it was before.
 */
static char hurry(char how)
{
	int fd = open("/sys/kernel/rcu_expedited", O_RDWR | O_CLOEXEC);
	char was = how;

	if (fd < 0)
		return was;
	if (pread(fd, &was, 1, 0) != 1 || pwrite(fd, &how, 1, 0) != 1)
		was = how;
	close(fd);
	return was;
}

int kmod_unload(void)
{
	uint64_t deadline = clock_now_ns() + PATIENCE_NS;
	char was = hurry('1');
	int err;

	for (;;) {
		err = syscall(SYS_delete_module, "tcbscope", O_NONBLOCK) ?
			      -errno :
			      0;
		if ((err != -EAGAIN && err != -EBUSY) ||
		    clock_now_ns() > deadline)
			break;
		/* A dump that was given up ends when its socket is freed. */
		poll(NULL, 0, 1);
	}
	hurry(was);
	return err;
}

static int call_open(void *arg)
{
	struct module **m = arg;

	*m = module_open();
	return *m ? 0 : -errno;
}

struct module *kmod_open(int netns)
{
	struct module *m = NULL;
	int err = netns_call(netns, call_open, &m);

	errno = -err;
	return m;
}

struct module_identity kmod_cookie(uint64_t cookie)
{
	return (struct module_identity){ .cookie = cookie };
}

static void take(const struct sockaddr_storage *from, uint8_t *addr,
		 uint16_t *port)
{
	const struct sockaddr_in6 *in6 = (const void *)from;
	const struct sockaddr_in *in = (const void *)from;

	if (from->ss_family == AF_INET)
		memcpy(addr, &in->sin_addr, 4);
	else
		memcpy(addr, &in6->sin6_addr, 16);
	*port = ntohs(from->ss_family == AF_INET ? in->sin_port :
						   in6->sin6_port);
}

struct module_identity kmod_identity(int fd)
{
	struct module_identity id = {};
	struct sockaddr_storage addr;
	socklen_t len = sizeof(addr);

	if (!getsockname(fd, (struct sockaddr *)&addr, &len)) {
		id.family = addr.ss_family;
		take(&addr, id.local, &id.local_port);
	}
	len = sizeof(addr);
	if (!getpeername(fd, (struct sockaddr *)&addr, &len))
		take(&addr, id.remote, &id.remote_port);
	return id;
}
