/* SPDX-License-Identifier: GPL-2.0 */
/* The numbers by which the kernel knows what has a path for us. */
#ifndef TCBSCOPE_LIB_INODE_H
#define TCBSCOPE_LIB_INODE_H

#include <stddef.h>
#include <stdint.h>

/*
 * All return 0, or -errno: -EINVAL if there is something else at @path, -ENODEV
 * if /proc or a cgroup2 hierarchy is needed and not mounted.
 */

/* The inode number of a network namespace. */
int inode_netns(const char *path, uint64_t *number);

/*
 * The id of a cgroup of version 2. @path is below the mount point of the
 * hierarchy, with or without it: "/system.slice".
 */
int inode_cgroup(const char *path, uint64_t *number);

/* The path where the first cgroup2 hierarchy is mounted. */
int inode_cgroup_mount(char *to, size_t size);

/*
 * The root of the cgroup2 hierarchy, opened: a file descriptor. It need not be
 * mounted, nor visible from here; but without CAP_SYS_ADMIN it must.
 */
int inode_cgroup_root(void);

#endif
