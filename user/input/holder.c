// SPDX-License-Identifier: GPL-2.0
/* Reads the links of /proc/PID/fd. */
#include "input/holder.h"

#include <dirent.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static void read_comm(pid_t pid, char comm[16])
{
	char path[64], text[17] = "";
	FILE *file;

	snprintf(path, sizeof(path), "/proc/%d/comm", (int)pid);
	file = fopen(path, "re");
	if (file && fgets(text, sizeof(text), file))
		text[strcspn(text, "\n")] = '\0';
	if (file)
		fclose(file);
	memcpy(comm, text, 16);
	comm[15] = '\0';
}

void holder_is(pid_t pid, int fd, struct holder *h)
{
	*h = (struct holder){ .pid = pid, .fd = fd, .holders = 1 };
	read_comm(pid, h->comm);
}

/* Descriptors of one process that are this link; the lowest in *@lowest. */
static unsigned int count(pid_t pid, const char *link, int *lowest)
{
	char path[64], target[64];
	unsigned int n = 0;
	struct dirent *d;
	ssize_t len;
	DIR *dir;

	snprintf(path, sizeof(path), "/proc/%d/fd", (int)pid);
	dir = opendir(path);
	while (dir && (d = readdir(dir))) {
		int fd = atoi(d->d_name);

		len = readlinkat(dirfd(dir), d->d_name, target,
				 sizeof(target) - 1);
		if (len < 0)
			continue;
		target[len] = '\0';
		if (strcmp(target, link))
			continue;
		if (!n || fd < *lowest)
			*lowest = fd;
		n++;
	}
	if (dir)
		closedir(dir);
	return n;
}

void holder_find(uint64_t inode, struct holder *h)
{
	unsigned int n, holders = 0;
	DIR *dir = opendir("/proc");
	struct dirent *d;
	char link[64];
	int fd = 0;

	*h = (struct holder){};
	snprintf(link, sizeof(link), "socket:[%llu]",
		 (unsigned long long)inode);
	while (dir && inode && (d = readdir(dir))) {
		pid_t pid = atoi(d->d_name);

		n = pid > 0 ? count(pid, link, &fd) : 0;
		if (n && (!h->pid || pid < h->pid))
			holder_is(pid, fd, h);
		holders += n;
	}
	if (dir)
		closedir(dir);
	h->holders = holders;
}
