// SPDX-License-Identifier: GPL-2.0
/* Fork, wait at a pipe, exec; errors come back through a second pipe. */
#include "lib/child.h"
#include "lib/priv.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

static void run_when_told(char **argv, int hold, int error)
{
	sigset_t none;
	char byte;
	int err;

	if (read(hold, &byte, 1) != 1)
		_exit(0); /* the parent gave up */
	sigemptyset(&none);
	sigprocmask(SIG_SETMASK, &none, NULL);
	signal(SIGPIPE, SIG_DFL);
	err = -priv_become_invoker();
	if (!err) {
		execvp(argv[0], argv);
		err = errno;
	}
	if (write(error, &err, sizeof(err)) < 0)
		_exit(126);
	_exit(err == ENOENT ? 127 : 126);
}

int child_hold(struct child *child, char **argv)
{
	int hold[2], error[2], err;

	if (pipe2(hold, O_CLOEXEC))
		return -errno;
	if (pipe2(error, O_CLOEXEC)) {
		err = -errno;
		close(hold[0]);
		close(hold[1]);
		return err;
	}
	child->pid = fork();
	err = child->pid < 0 ? -errno : 0;
	if (!child->pid) {
		close(hold[1]);
		run_when_told(argv, hold[0], error[1]);
	}
	close(hold[0]);
	close(error[1]);
	child->hold = hold[1];
	child->error = error[0];
	if (err) {
		child->pid = 0;
		close(hold[1]);
		close(error[0]);
	}
	return err;
}

int child_release(struct child *child)
{
	int err = 0;

	if (write(child->hold, "", 1) != 1)
		err = errno;
	else if (read(child->error, &err, sizeof(err)) != sizeof(err))
		err = 0; /* closed by a successful exec */
	close(child->hold);
	close(child->error);
	return -err;
}

int child_code(int status)
{
	return WIFSIGNALED(status) ? 128 + WTERMSIG(status) :
				     WEXITSTATUS(status);
}
