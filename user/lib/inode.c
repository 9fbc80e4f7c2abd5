// SPDX-License-Identifier: GPL-2.0
/* The numbers by which the kernel knows what has a path for us. */
#include "lib/inode.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <linux/magic.h>
#include <linux/nsfs.h>
#include <mntent.h>
#include <sched.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/vfs.h>
#include <unistd.h>

#define CGROUP_ROOT 1 /* its id */

int inode_netns(const char *path, uint64_t *number)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK), err = 0;
	struct stat st;

	if (fd < 0) /* our own is there wherever /proc is */
		return strcmp(path, "/proc/self/ns/net") ? -errno : -ENODEV;
	if (ioctl(fd, NS_GET_NSTYPE) != CLONE_NEWNET || fstat(fd, &st))
		err = -EINVAL;
	else
		*number = st.st_ino;
	close(fd);
	return err;
}

int inode_cgroup_mount(char *to, size_t size)
{
	FILE *mounts = setmntent("/proc/self/mounts", "re");
	struct mntent *m;
	int err = -ENODEV;

	if (!mounts)
		return errno == ENOENT ? -ENODEV : -errno;
	while (err == -ENODEV && (m = getmntent(mounts)))
		if (!strcmp(m->mnt_type, "cgroup2"))
			err = snprintf(to, size, "%s", m->mnt_dir) < (int)size ?
				      0 :
				      -ENAMETOOLONG;
	endmntent(mounts);
	return err;
}

/* A handle of the kernel's own file systems is the id itself. */
static int cgroup_id(int fd, uint64_t *number)
{
	struct {
		struct file_handle head;
		uint64_t id;
	} handle = { .head.handle_bytes = sizeof(handle.id) };
	struct statfs fs;
	int mount;

	if (fstatfs(fd, &fs))
		return -errno;
	if (fs.f_type != CGROUP2_SUPER_MAGIC)
		return -EINVAL;
	if (name_to_handle_at(fd, "", &handle.head, &mount, AT_EMPTY_PATH))
		return -errno;
	memcpy(number, handle.head.f_handle, sizeof(*number));
	return 0;
}

/* The hierarchy, mounted for this process alone and nowhere in the tree. */
static int mount_privately(void)
{
	int fs = fsopen("cgroup2", FSOPEN_CLOEXEC), mount = -1, fd = -1, err;

	if (fs >= 0 && !fsconfig(fs, FSCONFIG_CMD_CREATE, NULL, NULL, 0))
		mount = fsmount(fs, FSMOUNT_CLOEXEC, 0);
	if (mount >= 0)
		fd = openat(mount, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	err = -errno;
	if (mount >= 0)
		close(mount);
	if (fs >= 0)
		close(fs);
	return fd < 0 ? err : fd;
}

int inode_cgroup_root(void)
{
	char path[PATH_MAX];
	int fd = -1, private, err = inode_cgroup_mount(path, sizeof(path));
	uint64_t id = 0;

	if (!err)
		fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (!err && fd < 0)
		err = -errno;
	if (fd >= 0 && !cgroup_id(fd, &id) && id == CGROUP_ROOT)
		return fd;
	private = mount_privately();
	if (private < 0) /* better the root of a part than nothing */
		return fd < 0 ? err : fd;
	if (fd >= 0)
		close(fd);
	return private;
}

int inode_cgroup(const char *path, uint64_t *number)
{
	char mount[PATH_MAX], whole[2 * PATH_MAX];
	int err = inode_cgroup_mount(mount, sizeof(mount)), fd;
	size_t n;

	if (err)
		return err;
	n = strlen(mount);
	if (!strncmp(path, mount, n) && (!path[n] || path[n] == '/'))
		path += n;
	if (snprintf(whole, sizeof(whole), "%s/%s", mount, path) >=
	    (int)sizeof(whole))
		return -ENAMETOOLONG;
	fd = open(whole, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (fd < 0)
		return -errno;
	err = cgroup_id(fd, number);
	close(fd);
	return err;
}
