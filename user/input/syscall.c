// SPDX-License-Identifier: GPL-2.0
/* The tracepoints raw_syscalls:sys_enter and sys_exit, through perf. */
#include "input/syscall.h"
#include "input/tier.h"

#include <bpf/libbpf.h>
#include <errno.h>
#include <linux/perf_event.h>
#include <stdio.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

#define RAW "tp_btf/"

/* The kernel's number of "sys_enter", which only tracefs tells; or -errno. */
static int event_id(const char *name)
{
	static const char *const mounts[] = { "/sys/kernel/tracing",
					      "/sys/kernel/debug/tracing" };
	int id = -ENOENT;
	unsigned int i;
	char path[96];
	FILE *file;

	for (i = 0; id < 0 && i < sizeof(mounts) / sizeof(*mounts); i++) {
		snprintf(path, sizeof(path), "%s/events/raw_syscalls/%s/id",
			 mounts[i], name);
		file = fopen(path, "re");
		if (!file)
			continue;
		if (fscanf(file, "%d", &id) != 1)
			id = -EIO;
		fclose(file);
	}
	return id;
}

bool syscall_preempts(const struct btf *kernel, const struct types *types)
{
	struct probe_result sleeps;

	if (event_id("sys_exit") < 0)
		return false;
	/* where programs may sleep they may be preempted, others as well */
	tier_try(kernel, types, tier_hook_named(TIER_SLEEP), &sleeps);
	return sleeps.status == PROBE_WORKS;
}

void syscall_use_perf(struct bpf_program *prog)
{
	if (strncmp(bpf_program__section_name(prog), RAW "sys_",
		    strlen(RAW "sys_")))
		return;
	bpf_program__set_type(prog, BPF_PROG_TYPE_TRACEPOINT);
	bpf_program__set_expected_attach_type(prog, 0);
}

/* Returns a file descriptor or -errno. */
static int open_event(int id)
{
	struct perf_event_attr attr = {
		.type = PERF_TYPE_TRACEPOINT,
		.size = sizeof(attr),
		.config = id,
	};
	/* programs run on all CPUs, whichever the event is of */
	int fd = syscall(SYS_perf_event_open, &attr, -1, 0, -1,
			 PERF_FLAG_FD_CLOEXEC);

	return fd < 0 ? -errno : fd;
}

struct bpf_link *syscall_attach(const struct bpf_program *prog)
{
	const char *name = bpf_program__section_name(prog) + strlen(RAW);
	struct bpf_link *link;
	int id = event_id(name), fd = id < 0 ? id : open_event(id), err;

	if (fd < 0) {
		errno = -fd;
		return NULL;
	}
	link = bpf_program__attach_perf_event(prog, fd);
	if (link)
		return link; /* which has the descriptor now */
	err = errno;
	close(fd);
	errno = err;
	return NULL;
}
