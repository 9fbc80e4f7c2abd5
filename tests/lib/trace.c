// SPDX-License-Identifier: GPL-2.0
/* Forks tcbscope with its standard output in a pipe. */
#include "trace.h"
#include "shared.h"

#include <errno.h>
#include <fcntl.h>
#include <json-c/json.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#define ARGS_MAX 32

const char *trace_program(const char *name)
{
	const char *build = getenv("TCBSCOPE_BUILD");
	static char path[4096];

	snprintf(path, sizeof(path), "%s/%s", build ? build : "build", name);
	return path;
}

static void run(int out, char *const args[])
{
	char *argv[ARGS_MAX + 4] = { "tcbscope", "trace", "--json" };
	int i;

	for (i = 0; args && args[i] && i < ARGS_MAX; i++)
		argv[3 + i] = args[i];
	prctl(PR_SET_PDEATHSIG, SIGTERM);
	dup2(out, STDOUT_FILENO);
	execv(trace_program("tcbscope"), argv);
	_exit(127);
}

int trace_start(struct trace *trace, char *const args[])
{
	struct sighting header = { .type = "header" };
	int fds[2];

	memset(trace, 0, sizeof(*trace));
	if (pipe2(fds, O_CLOEXEC))
		return -errno;
	trace->pid = fork();
	if (!trace->pid)
		run(fds[1], args);
	close(fds[1]);
	trace->witness = trace->pid > 0 ? witness_new(fds[0]) : NULL;
	if (!trace->witness) {
		close(fds[0]);
		return -ENOMEM;
	}
	return witness_wait(trace->witness, &header, TRACE_PATIENCE_NS);
}

int trace_stop(struct trace *trace)
{
	int err, status;

	if (trace->shared)
		return shared_leave(trace);
	kill(trace->pid, SIGINT);
	err = witness_finish(trace->witness, TRACE_PATIENCE_NS);
	if (err == -ETIMEDOUT)
		kill(trace->pid, SIGKILL);
	if (waitpid(trace->pid, &status, 0) < 0)
		return -errno;
	trace->pid = 0;
	if (err)
		return err;
	return WIFEXITED(status) ? WEXITSTATUS(status) : -EINTR;
}

bool trace_has_hook(const struct trace *trace, const char *name)
{
	return witness_has_hook(trace->witness, name);
}

void trace_free(struct trace *trace)
{
	if (trace->pid > 0) {
		kill(trace->pid, SIGKILL);
		waitpid(trace->pid, NULL, 0);
	}
	witness_free(trace->witness);
	memset(trace, 0, sizeof(*trace));
}
