// SPDX-License-Identifier: GPL-2.0
/* The trace writes to a file in memory, out of which each test is fed. */
#include "shared.h"
#include "stream.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#define LOOK_MS 5 /* between two looks at the file */

static struct stream stream;
static int ended = -1; /* the trace's pidfd: readable once it has ended */

bool shared_runs(void)
{
	return ended >= 0;
}

static const char *judge(void)
{
	const char *flaw = stream_flaw(&stream, NULL, NULL);

	if (*flaw)
		return flaw;
	if (stream_total(&stream, "ring_lost"))
		return "it has lost events";
	return stream_total(&stream, "gaps") ? "it has missed some" : NULL;
}

/* Ends the trace. Is all well with it? */
static bool finish(void)
{
	int err = stream_end(&stream);
	const char *flaw = judge();

	if (err)
		fprintf(stderr, "# the shared trace ended with %d: %s\n", err,
			prog_text(&stream.prog, PROG_ERR));
	else if (flaw)
		fprintf(stderr, "# the shared trace: %s\n", flaw);
	stream_free(&stream);
	return !err && !flaw;
}

int shared_main(char *const args[], int (*tests)(int argc, char *argv[]),
		int argc, char *argv[])
{
	int err = stream_open(&stream, args), status;
	pid_t pid;

	if (err) {
		fprintf(stderr, "# cannot start the shared trace: %s\n",
			strerror(-err));
		return 1;
	}
	ended = syscall(SYS_pidfd_open, stream.prog.pid, 0);
	/* the harness ends the process that runs it */
	pid = fork();
	if (!pid)
		exit(tests(argc, argv));
	if (pid < 0 || waitpid(pid, &status, 0) != pid)
		return 1;
	if (!finish())
		return 1;
	return WIFEXITED(status) ? WEXITSTATUS(status) : 1;
}

/* All of what the file has from @at on; where it ends, or -1. */
static off_t copy(off_t at, int out)
{
	char bytes[4096];
	ssize_t n;

	while ((n = pread(stream.file, bytes, sizeof(bytes), at)) > 0) {
		if (write(out, bytes, n) != n)
			return -1;
		at += n;
	}
	return n ? -1 : at;
}

/* Where the line begins that @at is in: it may have been written by half. */
static off_t line_begin(off_t at)
{
	char byte;

	while (at && pread(stream.file, &byte, 1, at - 1) == 1 && byte != '\n')
		at--;
	return at;
}

/* The header, and what comes after @at until the trace has ended. */
static void feed(off_t at, int out)
{
	struct pollfd end = { .fd = ended, .events = POLLIN };
	char byte = 0;
	off_t i = 0;

	prctl(PR_SET_PDEATHSIG, SIGKILL);
	while (byte != '\n' && pread(stream.file, &byte, 1, i++) == 1)
		if (write(out, &byte, 1) != 1)
			return;
	at = line_begin(at);
	while (at >= 0 && !poll(&end, 1, LOOK_MS))
		at = copy(at, out);
	copy(at, out);
}

int shared_join(struct trace *trace)
{
	struct sighting header = { .type = "header" };
	struct stat st;
	int fds[2];

	memset(trace, 0, sizeof(*trace));
	trace->shared = true;
	if (fstat(stream.file, &st) || pipe2(fds, O_CLOEXEC))
		return -errno;
	trace->pid = fork();
	if (!trace->pid) {
		close(fds[0]);
		feed(st.st_size, fds[1]);
		_exit(0);
	}
	close(fds[1]);
	trace->witness = trace->pid > 0 ? witness_new(fds[0]) : NULL;
	if (!trace->witness) {
		close(fds[0]);
		return -ENOMEM;
	}
	return witness_wait(trace->witness, &header, TRACE_PATIENCE_NS);
}

/*
 * Events are shown in the order of time: once that of something that we do now
 * has come, all before it has.
 */
static int settle(struct witness *witness)
{
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	struct sighting mark = { .type = "state", .old = "LISTEN" };
	socklen_t len = sizeof(mark.cookie);

	if (fd < 0)
		return -errno;
	if (getsockopt(fd, SOL_SOCKET, SO_COOKIE, &mark.cookie, &len) ||
	    listen(fd, 1)) {
		close(fd);
		return -errno;
	}
	close(fd);
	return witness_wait(witness, &mark, TRACE_PATIENCE_NS);
}

int shared_leave(struct trace *trace)
{
	int err = settle(trace->witness);

	kill(trace->pid, SIGKILL);
	waitpid(trace->pid, NULL, 0);
	trace->pid = 0;
	return err;
}
