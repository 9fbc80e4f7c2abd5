// SPDX-License-Identifier: GPL-2.0
/* Reads /proc/net/snmp and netstat as a namespace has them. */
#include "lab/counter.h"
#include "lab/netns.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static int counter_open(void *arg)
{
	int fd = open(arg, O_RDONLY | O_CLOEXEC);

	return fd < 0 ? -errno : fd;
}

/* Two lines each, names and numbers: "Tcp: A B" and "Tcp: 1 2". */
static int64_t counter_find(FILE *file, const char *name)
{
	char names[8192], numbers[8192], *a, *b, *x, *y;

	while (fgets(names, sizeof(names), file) &&
	       fgets(numbers, sizeof(numbers), file)) {
		for (x = strtok_r(names, " \n", &a),
		    y = strtok_r(numbers, " \n", &b);
		     x && y; x = strtok_r(NULL, " \n", &a),
		    y = strtok_r(NULL, " \n", &b))
			if (!strcmp(x, name))
				return strtoll(y, NULL, 10);
	}
	return -ENOENT;
}

int64_t counter_read(int netns, const char *name)
{
	/* Not /proc/net: that is the namespace of the process's leader. */
	static char *const paths[] = { "/proc/thread-self/net/snmp",
				       "/proc/thread-self/net/netstat" };
	static unsigned int first; /* who waits asks for the same again */
	int64_t n = -ENOENT;
	unsigned int i;

	for (i = first; n < 0 && i < first + 2; i++) {
		int fd = netns_call(netns, counter_open, paths[i % 2]);
		FILE *file = fd < 0 ? NULL : fdopen(fd, "r");

		if (!file)
			return -EIO;
		n = counter_find(file, name);
		fclose(file);
	}
	if (n >= 0)
		first = (i - 1) % 2;
	return n;
}
