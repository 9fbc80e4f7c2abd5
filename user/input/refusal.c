// SPDX-License-Identifier: GPL-2.0
/* Why the BPF programs cannot be loaded, and what can be done about it. */
#include "input/refusal.h"
#include "input/tier.h"
#include "lib/priv.h"

#include <bpf/bpf.h>
#include <errno.h>
#include <linux/capability.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#define KERNEL_BTF "/sys/kernel/btf/vmlinux"

/* Can a ring of this size be had? 0 or -errno. */
static int try_ring(uint64_t bytes)
{
	int fd = bpf_map_create(BPF_MAP_TYPE_RINGBUF, "try", 0, 0, bytes, NULL);

	if (fd < 0)
		return -errno;
	close(fd);
	return 0;
}

static void explain_capabilities(struct input_error *error, const char *lacks)
{
	snprintf(error->why, sizeof(error->why), "%s", lacks);
	error->then = geteuid() ? "run it with sudo" :
				  "give it these capabilities; the root of a "
				  "container often lacks them";
}

static void explain_btf(struct input_error *error)
{
	snprintf(error->why, sizeof(error->why),
		 "this kernel's type information, " KERNEL_BTF ": %s",
		 strerror(errno));
	if (errno != ENOENT)
		error->then = "make that file readable";
	else if (access("/sys/kernel", X_OK))
		error->then = "mount -t sysfs sysfs /sys";
	else
		error->then = "boot a kernel built with CONFIG_DEBUG_INFO_BTF";
}

/* No map can be had, though no capability is lacking. */
static void explain_policy(struct input_error *error, int err)
{
	bool inside = priv_in_user_namespace();

	snprintf(error->why, sizeof(error->why), "%s",
		 err == -ENOSYS ?
			 "this kernel has no bpf(), or a policy hides "
			 "it (seccomp)" :
		 inside ?
			 "capabilities inside a user namespace are not enough" :
			 "a policy forbids bpf() (seccomp, lockdown, a "
			 "security module)");
	error->then = inside ? "run it outside, as root of the machine" :
			       "run it outside of containers and services that "
			       "are confined";
}

static void explain_ring(struct input_error *error, uint64_t bytes, int err)
{
	snprintf(error->what, sizeof(error->what),
		 "cannot make a ring of %llu bytes: %s",
		 (unsigned long long)bytes, strerror(-err));
	snprintf(error->why, sizeof(error->why), "%s",
		 err == -EPERM ?
			 "it is more than this user may lock (ulimit -l)" :
			 "the kernel has no memory for it");
	error->then = "try a smaller one: --ring 1M";
}

bool refusal_general(uint64_t bytes, int err, struct input_error *error)
{
	static const int caps[] = { CAP_BPF, CAP_PERFMON, -1 };
	const char *lacks = priv_lacks("loading BPF programs", caps);
	int ring, small;

	snprintf(error->what, sizeof(error->what),
		 "cannot load the BPF programs: %s", strerror(-err));
	if (lacks && (err == -EPERM || err == -EACCES)) {
		explain_capabilities(error, lacks);
		return true;
	}
	if (access(KERNEL_BTF, R_OK)) {
		explain_btf(error);
		return true;
	}
	ring = try_ring(bytes);
	if (!ring)
		return false;
	small = try_ring(sysconf(_SC_PAGESIZE));
	if (small)
		explain_policy(error, small);
	else
		explain_ring(error, bytes, ring);
	return true;
}

void refusal_program(const struct probe_program *p,
		     const struct probe_result *results,
		     struct input_error *error)
{
	const struct probe_result *r = &results[p - probe_programs];
	struct probe_result storage;

	snprintf(error->what, sizeof(error->what), "cannot load %s: %s",
		 p->name, strerror(-r->err));
	tier_try_name(TIER_STORAGE, &storage);
	if (storage.status == PROBE_REFUSED)
		snprintf(error->why, sizeof(error->why),
			 "programs of tracepoints cannot remember sockets on "
			 "this kernel, as they can since Linux 6.1: %.200s",
			 storage.reason);
	else
		snprintf(error->why, sizeof(error->why), "%s", r->reason);
	error->then = p->events ? "leave its events out of --events" :
				  "'tcbscope features' shows what this kernel "
				  "can";
}

void refusal_tier(const struct probe_program *p,
		  const struct probe_result *results, struct input_error *error)
{
	snprintf(error->what, sizeof(error->what),
		 "this kernel has no hooks of tier %u, as %s needs one",
		 p->tier, p->name);
	snprintf(error->why, sizeof(error->why), "%s",
		 results[p - probe_programs].reason);
	error->then = "leave it out of --tiers";
}

void refusal_unknown(int err, struct input_error *error)
{
	snprintf(error->what, sizeof(error->what),
		 "cannot load the BPF programs: %s", strerror(-err));
	snprintf(error->why, sizeof(error->why),
		 "the kernel takes each of them alone, but not all at once");
	error->then = "--debug shows what it said";
}
