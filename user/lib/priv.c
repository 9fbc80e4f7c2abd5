// SPDX-License-Identifier: GPL-2.0
/* Capabilities by libcap-ng, users by what sudo left in the environment. */
#include "lib/priv.h"
#include "lib/opt.h"

#include <cap-ng.h>
#include <errno.h>
#include <grp.h>
#include <pwd.h>
#include <stdlib.h>
#include <sys/prctl.h>
#include <unistd.h>

int priv_drop(void)
{
	if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0))
		return -errno;
	capng_clear(CAPNG_SELECT_BOTH);
	/* a process that never had CAP_SETPCAP keeps its bounding set */
	if (capng_apply(CAPNG_SELECT_BOTH) && capng_apply(CAPNG_SELECT_CAPS))
		return -EPERM;
	return 0;
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
