// SPDX-License-Identifier: GPL-2.0
/* Asks the kernel what it says of each of its BPF programs. */
#include "skipped.h"

#include <bpf/bpf.h>
#include <string.h>
#include <unistd.h>

uint64_t skipped_runs(const char *name)
{
	uint64_t sum = 0;
	__u32 id = 0;

	while (!bpf_prog_get_next_id(id, &id)) {
		int fd = bpf_prog_get_fd_by_id(id);
		struct bpf_prog_info info = {};
		__u32 len = sizeof(info);

		if (fd < 0)
			continue; /* gone by now */
		if (!bpf_obj_get_info_by_fd(fd, &info, &len) &&
		    !strncmp(info.name, name, strlen(name)))
			sum += info.recursion_misses;
		close(fd);
	}
	return sum;
}
