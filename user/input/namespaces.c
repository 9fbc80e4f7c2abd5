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

struct visit {
	namespaces_fn visit;
	void *ctx;
	struct input_blind *blind;
	ino_t *seen;
	size_t n;
	int self; /* the way back */
};

struct namespaces {
	ino_t *entered;
	int *fds; /* iterators, at most one for each entered[] */
	size_t n_entered, n, at;
	int link;
	struct input_blind blind;
};

/* Notes a namespace. 1: it is new; 0: it is not; -ENOMEM. */
static int note(struct visit *v, ino_t inode)
{
	ino_t *seen;
	size_t i;

	for (i = 0; i < v->n; i++)
		if (v->seen[i] == inode)
			return 0;
	seen = reallocarray(v->seen, v->n + 1, sizeof(*seen));
	if (!seen)
		return -ENOMEM;
	v->seen = seen;
	v->seen[v->n++] = inode;
	return 1;
}

/* 0, what the visit returned, or -errno if there is no way back. */
static int enter(struct visit *v, int fd)
{
	int err;

	if (setns(fd, CLONE_NEWNET)) {
		v->blind->namespaces++;
		return 0;
	}
	err = v->visit(v->ctx, v->seen[v->n - 1]);
	if (setns(v->self, CLONE_NEWNET))
		return -errno;
	return err;
}

/* One that may be a network namespace. Returns as enter(). */
static int try_path(struct visit *v, int dir, const char *path)
{
	int fd, err = 0, new;
	struct stat st;

	/* nearly all are not new: no open() for them */
	if (fstatat(dir, path, &st, 0)) {
		if (errno == EACCES || errno == EPERM)
			v->blind->processes++;
		return 0;
	}
	new = note(v, st.st_ino);
	if (new <= 0)
		return new;
	fd = openat(dir, path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
	if (fd < 0)
		v->blind->namespaces++;
	else if (ioctl(fd, NS_GET_NSTYPE) == CLONE_NEWNET)
		err = enter(v, fd);
	else
		v->n--; /* some other file */
	if (fd >= 0)
		close(fd);
	return err;
}

/* All of a directory whose names begin with one of @first, or else no dot. */
static int try_directory(struct visit *v, const char *path, const char *format,
			 const char *first)
{
	DIR *dir = opendir(path);
	struct dirent *d;
	char name[300];
	int err = 0;

	while (dir && !err && (d = readdir(dir))) {
		if (*first ? !strchr(first, *d->d_name) : *d->d_name == '.')
			continue;
		snprintf(name, sizeof(name), format, d->d_name);
		err = try_path(v, dirfd(dir), name);
	}
	if (dir)
		closedir(dir);
	return err;
}

static int visit_all(struct visit *v)
{
	struct stat st;
	size_t i;
	int err;

	if (fstat(v->self, &st))
		return -errno;
	err = note(v, st.st_ino);
	if (err > 0) /* it is the first one */
		err = v->visit(v->ctx, st.st_ino);
	if (!err)
		err = try_directory(v, "/proc", "%s/ns/net", "123456789");
	for (i = 0; i < sizeof(named) / sizeof(*named) && !err; i++)
		err = try_directory(v, named[i], "%s", "");
	return err;
}

int namespaces_visit(namespaces_fn visit, void *ctx, struct input_blind *blind)
{
	struct visit v = { .visit = visit, .ctx = ctx, .blind = blind };
	int err;

	v.self = open(SELF, O_RDONLY | O_CLOEXEC);
	if (v.self < 0)
		return -errno;
	err = visit_all(&v);
	close(v.self);
	free(v.seen);
	return err;
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

/* Room for one more. 0 or -ENOMEM. */
static int make_room(struct namespaces *ns)
{
	ino_t *entered = reallocarray(ns->entered, ns->n_entered + 1,
				      sizeof(*entered));
	int *fds = NULL;

	if (entered)
		ns->entered = entered;
	if (entered)
		fds = reallocarray(ns->fds, ns->n + 1, sizeof(*fds));
	if (!fds)
		return -ENOMEM;
	ns->fds = fds;
	return 0;
}

/* Opens the iterator of the namespace that we are in. */
static int iterate_here(void *ctx, uint64_t inode)
{
	struct namespaces *ns = ctx;
	int fd, err = make_room(ns);

	if (err)
		return err;
	if (ns->n_entered && is_empty()) {
		ns->entered[ns->n_entered++] = inode;
		return 0;
	}
	fd = bpf_iter_create(ns->link);
	if (fd < 0) {
		ns->blind.namespaces++;
		return 0;
	}
	ns->fds[ns->n++] = fd;
	ns->entered[ns->n_entered++] = inode;
	return 0;
}

struct namespaces *namespaces_open(int link)
{
	struct namespaces *ns = calloc(1, sizeof(*ns));
	int err;

	if (!ns)
		return NULL;
	ns->link = link;
	err = namespaces_visit(iterate_here, ns, &ns->blind);
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
	free(ns->entered);
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

	for (i = 0; i < ns->n_entered; i++)
		if (ns->entered[i] == inode)
			return true;
	return false;
}

const struct input_blind *namespaces_blind(const struct namespaces *ns)
{
	return &ns->blind;
}
