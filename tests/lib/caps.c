// SPDX-License-Identifier: GPL-2.0
/* By hand: a library would hide which set does what. */
#include "caps.h"

#include <errno.h>
#include <grp.h>
#include <inttypes.h>
#include <linux/capability.h>
#include <stdio.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <unistd.h>

static uint64_t mask_of(const int *caps)
{
	uint64_t mask = 0;

	for (; *caps >= 0; caps++)
		mask |= 1ull << *caps;
	return mask;
}

/* Permitted, effective and inheritable are @mask. */
static int set(uint64_t mask)
{
	struct __user_cap_header_struct header = {
		.version = _LINUX_CAPABILITY_VERSION_3,
	};
	struct __user_cap_data_struct data[2];
	int i;

	for (i = 0; i < 2; i++)
		data[i].permitted = data[i].effective = data[i].inheritable =
			mask >> 32 * i;
	return syscall(SYS_capset, &header, data) ? -errno : 0;
}

/* ORDER: each step needs a capability that the next one gives up. */
int caps_become(uid_t uid, const int *caps)
{
	uint64_t mask = mask_of(caps);
	int cap, err;

	for (cap = 0; prctl(PR_CAPBSET_READ, cap) >= 0; cap++)
		if (!(mask >> cap & 1) && prctl(PR_CAPBSET_DROP, cap))
			return -errno;
	if (prctl(PR_SET_KEEPCAPS, 1) || setgroups(0, NULL) ||
	    setresgid(uid, uid, uid) || setresuid(uid, uid, uid))
		return -errno;
	err = set(mask);
	for (; uid && !err && *caps >= 0; caps++)
		if (prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_RAISE, *caps, 0, 0))
			err = -errno;
	return err;
}

int64_t caps_status(pid_t pid, const char *field)
{
	char path[32], line[256], name[32];
	int64_t value = -1;
	uint64_t is;
	FILE *status;

	snprintf(path, sizeof(path), "/proc/%d/status", pid);
	status = fopen(path, "re");
	while (status && fgets(line, sizeof(line), status))
		if (sscanf(line, "%31[^:]: %" SCNx64, name, &is) == 2 &&
		    !strcmp(name, field))
			value = is;
	if (status)
		fclose(status);
	return value;
}
