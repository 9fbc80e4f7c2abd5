// SPDX-License-Identifier: GPL-2.0
/* JSON goes through a pipe, which holds as much as a pipe can. */
#include "lab/tracer.h"
#include "lab/witness.h"
#include "lib/say.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#define TRACER_PIPE (1 << 20) /* bytes, which anybody may ask for */
#define TRACER_ARGS 24

static void __attribute__((noreturn))
tracer_exec(const char *tcbscope, char *const args[], int json, int text,
	    pid_t parent)
{
	char *argv[TRACER_ARGS + 4] = { (char *)tcbscope, "trace" };
	char option[64];
	int i;

	snprintf(option, sizeof(option),
		 text < 0 ? "--json" : "--json=/dev/fd/%d", json);
	argv[2] = option;
	for (i = 0; i < TRACER_ARGS && args[i]; i++)
		argv[i + 3] = args[i];
	/* it must not outlive the lab: nothing else would end it */
	if (!prctl(PR_SET_PDEATHSIG, SIGTERM) && getppid() == parent &&
	    dup2(text < 0 ? json : text, 1) == 1 &&
	    (text < 0 || !fcntl(json, F_SETFD, 0)))
		execv(tcbscope, argv);
	_exit(127);
}

/* Its exit code, once it has ended. */
static int tracer_wait(struct tracer *t)
{
	int status = 0;

	waitpid(t->pid, &status, 0);
	t->pid = 0;
	return WIFEXITED(status) ? WEXITSTATUS(status) : -EPIPE;
}

int tracer_start(struct tracer *t, const char *tcbscope, char *const args[],
		 int text)
{
	struct sighting header = { .type = "header" };
	pid_t parent = getpid();
	int fds[2], err;

	memset(t, 0, sizeof(*t));
	if (pipe2(fds, O_CLOEXEC))
		return -errno;
	fcntl(fds[0], F_SETPIPE_SZ, TRACER_PIPE);
	t->pid = fork();
	if (!t->pid)
		tracer_exec(tcbscope, args, fds[1], text, parent);
	close(fds[1]);
	t->witness = t->pid > 0 ? witness_new(fds[0]) : NULL;
	if (!t->witness) {
		close(fds[0]);
		return -ENOMEM;
	}
	err = witness_wait(t->witness, &header, TRACER_PATIENCE_NS);
	if (err == -ENODATA && tracer_wait(t) == EXIT_KERNEL)
		err = -EOPNOTSUPP;
	return err;
}

int tracer_stop(struct tracer *t)
{
	int err;

	kill(t->pid, SIGINT);
	err = witness_finish(t->witness, TRACER_PATIENCE_NS);
	if (err)
		return err;
	return tracer_wait(t);
}

void tracer_free(struct tracer *t)
{
	if (t->pid > 0) {
		kill(t->pid, SIGKILL);
		tracer_wait(t);
	}
	witness_free(t->witness);
	memset(t, 0, sizeof(*t));
}
