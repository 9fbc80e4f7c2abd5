// SPDX-License-Identifier: GPL-2.0
/* Capabilities by libcap-ng, users by what sudo left in the environment. */
#include "lib/priv.h"
#include "lib/opt.h"

#include <cap-ng.h>
#include <ctype.h>
#include <errno.h>
#include <grp.h>
#include <pwd.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/prctl.h>
#include <unistd.h>

/* The kernel takes CAP_SYS_ADMIN for what it has split off from it. */
static bool has(int cap)
{
	bool split = cap == CAP_BPF || cap == CAP_PERFMON;

	return capng_have_capability(CAPNG_EFFECTIVE, cap) ||
	       (split && capng_have_capability(CAPNG_EFFECTIVE, CAP_SYS_ADMIN));
}

/* "CAP_BPF and CAP_PERFMON": all of @caps, or those that are lacking. */
static void write_names(char *to, size_t size, const int *caps, bool lacking)
{
	size_t n = 0;

	for (*to = '\0'; *caps >= 0 && n < size; caps++) {
		const char *name = capng_capability_to_name(*caps) ?: "?";

		if (lacking && has(*caps))
			continue;
		n += snprintf(to + n, size - n, "%sCAP_", n ? " and " : "");
		while (*name && n + 1 < size)
			to[n++] = toupper((unsigned char)*name++);
		to[n < size ? n : size - 1] = '\0';
	}
}

const char *priv_lacks(const char *what, const int *caps)
{
	static char text[256];
	char needs[96], lacks[96];

	write_names(needs, sizeof(needs), caps, false);
	write_names(lacks, sizeof(lacks), caps, true);
	snprintf(text, sizeof(text), "%s needs %s; this process lacks %s", what,
		 needs, lacks);
	return *lacks ? text : NULL;
}

/* The first one maps all users to themselves. */
bool priv_in_user_namespace(void)
{
	unsigned long inside = 0, outside = 0, n = UINT32_MAX;
	FILE *file = fopen("/proc/self/uid_map", "re");

	if (!file)
		return false;
	if (fscanf(file, "%lu %lu %lu", &inside, &outside, &n) != 3)
		n = UINT32_MAX;
	fclose(file);
	return inside || outside || n != UINT32_MAX;
}

/* All but @cap; -1: all. */
static int drop_but(int cap)
{
	bool keep = cap >= 0 && has(cap);

	if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0))
		return -errno;
	capng_clear(CAPNG_SELECT_BOTH);
	if (keep)
		capng_update(CAPNG_ADD, CAPNG_EFFECTIVE | CAPNG_PERMITTED, cap);
	/* a process that never had CAP_SETPCAP keeps its bounding set */
	if (capng_apply(CAPNG_SELECT_BOTH) && capng_apply(CAPNG_SELECT_CAPS))
		return -EPERM;
	return 0;
}

int priv_drop(void)
{
	return drop_but(-1);
}

int priv_keep(int cap)
{
	return drop_but(cap);
}

int priv_become_invoker(void)
{
	const char *uid_text = getenv("SUDO_UID");
	const char *gid_text = getenv("SUDO_GID");
	struct passwd *pw;
	uint64_t uid, gid;

	if (geteuid() || !uid_text || !gid_text)
		return 0;
	if (opt_number(uid_text, 0, UINT32_MAX - 1, &uid) ||
	    opt_number(gid_text, 0, UINT32_MAX - 1, &gid))
		return -EINVAL;
	pw = getpwuid(uid);
	if (pw ? initgroups(pw->pw_name, gid) : setgroups(0, NULL))
		return -errno;
	if (setgid(gid) || setuid(uid))
		return -errno;
	return 0;
}
