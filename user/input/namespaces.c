// SPDX-License-Identifier: GPL-2.0
/* Finds network namespaces by their inode, enters each of them once. */
#include "input/namespaces.h"

#include <bpf/bpf.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/nsfs.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <unistd.h>

#define SELF "/proc/self/ns/net"

/* Where "ip netns" and Docker keep those that have a name. */
static const char *const named[] = { "/run/netns", "/run/docker/netns" };

struct namespaces {
	struct seen {
		ino_t inode;
		bool entered;
	} * seen;
	size_t n_seen;
	int *fds; /* iterators, at most one for each seen[] */
	size_t n, at;
	int self; /* the way back */
	int link;
	struct input_blind blind;
};

/* Notes a namespace. 1: it is new; 0: it is not; -ENOMEM. */
static int note(struct namespaces *ns, ino_t inode)
{
	size_t n = ns->n_seen, i;
	struct seen *seen;
	int *fds;

	for (i = 0; i < n; i++)
		if (ns->seen[i].inode == inode)
			return 0;
	seen = reallocarray(ns->seen, n + 1, sizeof(*seen));
	if (!seen)
		return -ENOMEM;
	ns->seen = seen;
	fds = reallocarray(ns->fds, n + 1, sizeof(*fds));
	if (!fds)
		return -ENOMEM;
	ns->fds = fds;
	ns->seen[ns->n_seen++] = (struct seen){ .inode = inode };
	return 1;
}

/* A number behind @word in a file of /proc/net; -1 if there is none. */
static long proc_number(const char *path, const char *line, const char *word)
{
	FILE *f = fopen(path, "re");
	char text[256], *at;
	long number = -1;

	while (f && number < 0 && fgets(text, sizeof(text), f)) {
		if (strncmp(text, line, strlen(line)))
			continue;
		at = strstr(text, word);
		if (at)
			number = strtol(at + strlen(word), NULL, 10);
	}
	if (f)
		fclose(f);
	return number;
}

/*
 * Has the namespace that we are in no TCP socket? A walk would look at all
 * buckets of a hash table that all namespaces share: milliseconds.
 */
static bool is_empty(void)
{
	return !proc_number("/proc/thread-self/net/sockstat",
			    "TCP:", " inuse ") &&
	       !proc_number("/proc/thread-self/net/sockstat", "TCP:", " tw ") &&
	       proc_number("/proc/thread-self/net/sockstat6",
			   "TCP6:", " inuse ") <= 0;
}

/* Opens the iterator of the namespace that we are in, the last one noted. */
static void iterate_here(struct namespaces *ns)
{
	int fd = bpf_iter_create(ns->link);

	if (fd < 0) {
		ns->blind.namespaces++;
		return;
	}
	ns->fds[ns->n++] = fd;
	ns->seen[ns->n_seen - 1].entered = true;
}

/* 0, or -errno if there is no way back. */
static int enter(struct namespaces *ns, int fd)
{
	if (setns(fd, CLONE_NEWNET)) {
		ns->blind.namespaces++;
		return 0;
	}
	if (is_empty())
		ns->seen[ns->n_seen - 1].entered = true;
	else
		iterate_here(ns);
	return setns(ns->self, CLONE_NEWNET) ? -errno : 0;
}

/* One that may be a network namespace. 0 or -errno as enter(). */
static int try_path(struct namespaces *ns, int dir, const char *path)
{
	int fd, err = 0, new;
	struct stat st;

	/* nearly all are not new: no open() for them */
	if (fstatat(dir, path, &st, 0)) {
		if (errno == EACCES || errno == EPERM)
			ns->blind.processes++;
		return 0;
	}
	new = note(ns, st.st_ino);
	if (new <= 0)
		return new;
	fd = openat(dir, path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
	if (fd < 0)
		ns->blind.namespaces++;
	else if (ioctl(fd, NS_GET_NSTYPE) == CLONE_NEWNET)
		err = enter(ns, fd);
	else
		ns->n_seen--; /* some other file */
	if (fd >= 0)
		close(fd);
	return err;
}

/* All of a directory whose names begin with one of @first, or else no dot. */
static int try_directory(struct namespaces *ns, const char *path,
			 const char *format, const char *first)
{
	DIR *dir = opendir(path);
	struct dirent *d;
	char name[300];
	int err = 0;

	while (dir && !err && (d = readdir(dir))) {
		if (*first ? !strchr(first, *d->d_name) : *d->d_name == '.')
			continue;
		snprintf(name, sizeof(name), format, d->d_name);
		err = try_path(ns, dirfd(dir), name);
	}
	if (dir)
		closedir(dir);
	return err;
}

struct namespaces *namespaces_open(int link)
{
	struct namespaces *ns = calloc(1, sizeof(*ns));
	int err = -ENOMEM;
	struct stat st;
	size_t i;

	if (!ns)
		return NULL;
	ns->link = link;
	ns->self = open(SELF, O_RDONLY | O_CLOEXEC);
	if (ns->self < 0 || fstat(ns->self, &st))
		err = -errno;
	else if (note(ns, st.st_ino) > 0)
		err = 0;
	if (!err) {
		iterate_here(ns);
		err = try_directory(ns, "/proc", "%s/ns/net", "123456789");
	}
	for (i = 0; i < sizeof(named) / sizeof(*named) && !err; i++)
		err = try_directory(ns, named[i], "%s", "");
	if (!err)
		return ns;
	namespaces_free(ns);
	errno = -err;
	return NULL;
}

void namespaces_free(struct namespaces *ns)
{
	if (!ns)
		return;
	while (namespaces_current(ns) >= 0)
		namespaces_next(ns);
	if (ns->self >= 0)
		close(ns->self);
	free(ns->seen);
	free(ns->fds);
	free(ns);
}

int namespaces_current(const struct namespaces *ns)
{
	return ns->at < ns->n ? ns->fds[ns->at] : -1;
}

void namespaces_next(struct namespaces *ns)
{
	close(ns->fds[ns->at++]);
}

bool namespaces_has(const struct namespaces *ns, __u32 inode)
{
	size_t i;

	for (i = 0; i < ns->n_seen; i++)
		if (ns->seen[i].inode == inode)
			return ns->seen[i].entered;
	return false;
}

const struct input_blind *namespaces_blind(const struct namespaces *ns)
{
	return &ns->blind;
}
