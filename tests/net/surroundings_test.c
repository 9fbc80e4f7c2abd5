// SPDX-License-Identifier: GPL-2.0
/*
 * Tests of surroundings that lack something: what is missing is named, with
 * what to do about it, in three lines and by the right exit code.
 */
#include <fcntl.h>
#include <sched.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/resource.h>

#include "tests/lib/prog.h"
#include "tests/lib/trace.h"

#include <kselftest_harness.h>

FIXTURE(without)
{
	struct prog prog;
};

FIXTURE_VARIANT(without)
{
	const char *hidden; /* a directory that seems empty; NULL: none */
	bool user_namespace;
	rlim_t memory; /* that it may map; 0: no limit */
	rlim_t files;  /* that it may open until it asks for more; 0: many */
	char *argv[5]; /* of tcbscope */
	int code;
	const char *says[2]; /* on standard error */
};

FIXTURE_VARIANT_ADD(without, btf){
	.hidden = "/sys/kernel/btf",
	.argv = { "trace", "--duration=1ms" },
	.code = 3,
	.says = { "why:  this kernel's type information, /sys/kernel/btf/",
		  "then: boot a kernel built with CONFIG_DEBUG_INFO_BTF\n" },
};
FIXTURE_VARIANT_ADD(without, sysfs){
	.hidden = "/sys",
	.argv = { "trace", "--duration=1ms" },
	.code = 3,
	.says = { "why:  this kernel's type information, /sys/kernel/btf/",
		  "then: mount -t sysfs" },
};
FIXTURE_VARIANT_ADD(without, features_btf){
	.hidden = "/sys/kernel/btf",
	.argv = { "features" },
	.code = 3,
	.says = { "why:  this kernel's type information, /sys/kernel/btf/",
		  "then: boot a kernel built with CONFIG_DEBUG_INFO_BTF\n" },
};
FIXTURE_VARIANT_ADD(without, cgroup){
	.hidden = "/sys/fs/cgroup",
	.argv = { "trace", "--cgroup", "/", "--duration=1ms" },
	.code = 2,
	.says = { "/: cgroup2 is not mounted\n", "then: mount it\n" },
};
FIXTURE_VARIANT_ADD(without, features_cgroup){
	.hidden = "/sys/fs/cgroup",
	.argv = { "features" },
	.code = 0,
	.says = { "", "" },
};
FIXTURE_VARIANT_ADD(without, users){
	.user_namespace = true,
	.argv = { "trace", "--duration=1ms" },
	.code = 3,
	.says = { "why:  capabilities inside a user namespace are not enough\n",
		  "then: run it outside" },
};
FIXTURE_VARIANT_ADD(without, files){
	.files = 16,
	.argv = { "trace", "--events=state", "--duration=1ms" },
	.code = 0,
	.says = { " generated - 0 lost = ", "" },
};
#ifndef __SANITIZE_ADDRESS__ /* which needs /proc, and all the memory */
FIXTURE_VARIANT_ADD(without, proc){
	.hidden = "/proc",
	.argv = { "trace", "--events=state", "--duration=1ms" },
	.code = 0,
	.says = { " generated - 0 lost = ", "is /proc mounted?\n" },
};
FIXTURE_VARIANT_ADD(without, proc_existing){
	.hidden = "/proc",
	.argv = { "trace", "--existing", "--events=state", "--duration=1ms" },
	.code = 3,
	.says = { "cannot look at existing sockets", "then: mount -t proc" },
};
FIXTURE_VARIANT_ADD(without, proc_sockets){
	.hidden = "/proc",
	.argv = { "sockets" },
	.code = 3,
	.says = { "cannot look at existing sockets", "then: mount -t proc" },
};
FIXTURE_VARIANT_ADD(without, proc_self){
	.hidden = "/proc",
	.argv = { "trace", "--netns", "self", "--duration=1ms" },
	.code = 2,
	.says = { "self: /proc is not mounted\n", "then: mount it\n" },
};
FIXTURE_VARIANT_ADD(without, lab_proc){
	.hidden = "/proc",
	.argv = { "lab", "simultaneous-open" },
	.code = 1,
	.says = { "why:  /proc is not mounted\n", "then: mount -t proc" },
};
FIXTURE_VARIANT_ADD(without, memory){
	.memory = 200 << 20,
	.argv = { "trace", "--events=state", "--ring=256M", "--duration=1ms" },
	.code = 3,
	.says = { "ring", "then: try a smaller one: --ring 1M\n" },
};
#endif

FIXTURE_SETUP(without)
{
}

FIXTURE_TEARDOWN(without)
{
	prog_free(&self->prog);
}

/* Only this process and what it starts see it. 0 or -errno. */
static int hide(const char *dir)
{
	if (unshare(CLONE_NEWNS) ||
	    mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL))
		return -errno;
	if (!umount2(dir, MNT_DETACH) || !mount("none", dir, "tmpfs", 0, NULL))
		return 0;
	return -errno;
}

/* Root of a user namespace, with all capabilities there. 0 or -errno. */
static int become_inner_root(void)
{
	int fd, n;

	if (unshare(CLONE_NEWUSER))
		return -errno;
	fd = open("/proc/self/uid_map", O_WRONLY | O_CLOEXEC);
	if (fd < 0)
		return -errno;
	n = write(fd, "0 0 1\n", 6);
	close(fd);
	return n == 6 ? 0 : -EIO;
}

/* Claim: it ends with the right code, and says what is missing. */
TEST_F_TIMEOUT(without, is_said, 60)
{
	struct rlimit limit = { variant->memory, variant->memory }, files;
	char *argv[7] = { (char *)trace_program("tcbscope") };
	const struct prog_setup setup = { .argv = argv };
	const char *said;
	int i;

	for (i = 0; i < 5; i++)
		argv[1 + i] = variant->argv[i];
	if (variant->hidden)
		ASSERT_EQ(0, hide(variant->hidden));
	if (variant->user_namespace)
		ASSERT_EQ(0, become_inner_root());
	if (variant->memory)
		ASSERT_EQ(0, setrlimit(RLIMIT_AS, &limit));
	if (variant->files) {
		ASSERT_EQ(0, getrlimit(RLIMIT_NOFILE, &files));
		files.rlim_cur = variant->files;
		ASSERT_EQ(0, setrlimit(RLIMIT_NOFILE, &files));
	}
	EXPECT_EQ(variant->code, prog_run(&self->prog, &setup));
	said = prog_text(&self->prog, PROG_ERR);
	for (i = 0; i < 2; i++) {
		EXPECT_NE(NULL, strstr(said, variant->says[i]))
		{
			TH_LOG("%s", said);
		}
	}
	EXPECT_EQ(NULL, strstr(said, "libbpf"));
}

TEST_HARNESS_MAIN
