// SPDX-License-Identifier: GPL-2.0
/* Says what cannot be seen, and why. */
#include "cmd/blind.h"
#include "lib/priv.h"
#include "lib/say.h"

#include <errno.h>
#include <linux/capability.h>
#include <string.h>

void blind_say(const struct input_blind *blind)
{
	static const int caps[] = { CAP_SYS_ADMIN, CAP_SYS_PTRACE, -1 };
	const char *lacks;

	if (blind->err)
		say_note("existing sockets are not known: %s%s",
			 strerror(-blind->err),
			 blind->err == -ENOENT ? "; is /proc mounted?" : "");
	if (!blind->namespaces && !blind->processes)
		return;
	lacks = priv_lacks("seeing them", caps);
	if (lacks)
		say_note("existing sockets of other network namespaces are "
			 "only known if a process holds them: %s",
			 lacks);
	else if (blind->namespaces)
		say_note("existing sockets of %u network namespaces, which "
			 "cannot be entered, are only known if a process holds "
			 "them",
			 blind->namespaces);
	/* else a process is more privileged than this one, as init may be */
}
