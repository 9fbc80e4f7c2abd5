// SPDX-License-Identifier: GPL-2.0
/*
 * The lab leaves nothing behind, however it ends, and does not touch the
 * network that it is started in: no process stays, and with them no namespace;
 * no device, address, route or neighbour has come or gone there, no sysctl has
 * changed, nothing is mounted. It is ended in the middle of a scenario that
 * takes three seconds, in which there are two ends, a wire and a trace; or it
 * plays to the end in each of its places.
 *
 * BPF programs are of the whole machine: that none stays the bed sees, in its
 * guests (tests/vm/run).
 */
#include "tests/lib/prog.h"
#include "tests/lib/trace.h"

#include <errno.h>
#include <ftw.h>
#include <kselftest_harness.h>
#include <linux/rtnetlink.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/wait.h>

/* What the lab is not to change, as a text: "path value" of each. */
static FILE *snapshot;

static void add_file(const char *path)
{
	FILE *file = fopen(path, "re");
	char line[1024];

	if (!file)
		return; /* it is there to be written */
	while (fgets(line, sizeof(line), file))
		fprintf(snapshot, "%s %s", path, line);
	fclose(file);
}

static int add_sysctl(const char *path, const struct stat *st, int type,
		      struct FTW *ftw)
{
	(void)st;
	(void)ftw;
	if (type == FTW_F)
		add_file(path);
	return 0;
}

/* Of the test's own namespaces, so that nobody else changes them. */
static char *surroundings(void)
{
	char *text = NULL;
	size_t size;

	snapshot = open_memstream(&text, &size);
	if (!snapshot)
		return NULL;
	add_file("/proc/self/mountinfo");
	nftw("/proc/sys/net/core", add_sysctl, 16, FTW_PHYS);
	nftw("/proc/sys/net/ipv4", add_sysctl, 16, FTW_PHYS);
	nftw("/proc/sys/net/ipv6", add_sysctl, 16, FTW_PHYS);
	fclose(snapshot);
	return text;
}

/* The line of @text where it begins to differ; "" if it does not. */
static const char *first_change(const char *text, const char *other)
{
	const char *line = text;

	for (; *text && *text == *other; text++, other++)
		if (*text == '\n')
			line = text + 1;
	return *text || *other ? line : "";
}

/* Hears of each change of devices, addresses, routes and neighbours. */
static int listen_to_changes(void)
{
	const struct sockaddr_nl all = {
		.nl_family = AF_NETLINK,
		.nl_groups = RTMGRP_LINK | RTMGRP_NEIGH | RTMGRP_IPV4_IFADDR |
			     RTMGRP_IPV4_ROUTE | RTMGRP_IPV6_IFADDR |
			     RTMGRP_IPV6_ROUTE,
	};
	int fd = socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC | SOCK_NONBLOCK,
			NETLINK_ROUTE);

	if (fd >= 0 && bind(fd, (const struct sockaddr *)&all, sizeof(all))) {
		close(fd);
		fd = -1;
	}
	return fd;
}

FIXTURE(lab)
{
	struct prog prog;
	char *before;
	int changes;
};

FIXTURE_VARIANT(lab)
{
	char *names[4];
	int signal; /* 0: it plays to the end */
};

FIXTURE_VARIANT_ADD(lab, interrupted){
	.names = { "black-hole" },
	.signal = SIGINT,
};

FIXTURE_VARIANT_ADD(lab, killed){
	.names = { "black-hole" },
	.signal = SIGKILL,
};

FIXTURE_VARIANT_ADD(lab, finished){
	.names = { "simultaneous-open", "lost-syn", "self-connect",
		   "nat-drop" },
};

FIXTURE_SETUP(lab)
{
	char *argv[2 + 4 + 1] = { (char *)trace_program("tcbscope"), "lab" };
	struct prog_setup setup = { .argv = argv };

	memcpy(&argv[2], variant->names, sizeof(variant->names));
	/* whatever it leaves behind becomes our child */
	ASSERT_EQ(0, prctl(PR_SET_CHILD_SUBREAPER, 1));
	ASSERT_EQ(0, unshare(CLONE_NEWNET | CLONE_NEWNS));
	ASSERT_EQ(0, mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL));
	self->changes = listen_to_changes();
	ASSERT_GE(self->changes, 0);
	self->before = surroundings();
	ASSERT_NE(NULL, self->before);
	ASSERT_EQ(0, prog_start(&self->prog, &setup));
	if (variant->signal)
		ASSERT_EQ(0, prog_wait(&self->prog, PROG_OUT,
				       "ipv4/tcp_syn_retries"));
}

FIXTURE_TEARDOWN(lab)
{
	prog_free(&self->prog);
	free(self->before);
	close(self->changes);
}

/* Waits for all children. How many there were besides @pid; its status. */
static int wait_for_all(pid_t pid, int *status)
{
	int left = 0, other;
	pid_t child;

	/* the tests' runner ends us if one stays */
	while ((child = waitpid(-1, &other, 0)) > 0) {
		left += child != pid;
		if (child == pid)
			*status = other;
	}
	return left;
}

/* Claim: all that it has started goes with it, without our doing. */
TEST_F(lab, leaves_nothing)
{
	int status = 0, left;
	char *after, byte;

	if (variant->signal) {
		ASSERT_EQ(0, kill(self->prog.pid, variant->signal));
		left = wait_for_all(self->prog.pid, &status);
		self->prog.pid = 0;
		EXPECT_TRUE(WIFSIGNALED(status));
		EXPECT_EQ(variant->signal, WTERMSIG(status));
		EXPECT_GE(left, 3); /* else it was not in the middle */
	} else {
		EXPECT_EQ(0, prog_finish(&self->prog))
		{
			TH_LOG("%s", prog_text(&self->prog, PROG_OUT));
		}
		EXPECT_EQ(0, wait_for_all(0, &status));
	}
	EXPECT_EQ(ECHILD, errno);

	EXPECT_EQ(-1, recv(self->changes, &byte, 1, 0));
	EXPECT_EQ(EAGAIN, errno);
	after = surroundings();
	ASSERT_NE(NULL, after);
	EXPECT_STREQ("", first_change(after, self->before));
	free(after);
}

TEST_HARNESS_MAIN
