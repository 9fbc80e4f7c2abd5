// SPDX-License-Identifier: GPL-2.0
/* The trace writes to a file in memory, out of which each test is fed. */
#include "conn.h"
#include "seen.h"
#include "shared.h"
#include "stream.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#define LOOK_MS 5 /* between two looks at the file */
#define ARGS_MAX 8
#define PORT 2000   /* of tests without a shared trace; above it ... */
#define PORTS 400   /* ... so many are seen, of which each test has two, ... */
#define PROGRAMS 64 /* ... by each of several programs that run at once */

static struct stream stream;
static int ended = -1; /* the trace's pidfd: readable once it has ended */
static int netns = -1; /* a namespace where the ports are free */
static unsigned short port_begin;
static unsigned int *ports_used; /* by all tests of this program */

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

unsigned short shared_port(void)
{
	static unsigned short port;

	if (!shared_runs())
		return PORT;
	if (!port)
		port = port_begin +
		       __atomic_fetch_add(ports_used, 2, __ATOMIC_RELAXED) %
			       PORTS;
	return port;
}

static int start(char *const args[])
{
	char *all[ARGS_MAX + 2] = {}, filter[128];
	int i;

	for (i = 0; args[i] && i < ARGS_MAX; i++)
		all[i] = args[i];
	if (seen_wanted())
		all[1] = "state,call,segment";
	all[i] = filter;
	port_begin = PORT + PORTS * (1 + getpid() % PROGRAMS);
	snprintf(filter, sizeof(filter),
		 "( lport >= %d and lport < %d ) or "
		 "( rport >= %d and rport < %d )",
		 port_begin, port_begin + PORTS, port_begin,
		 port_begin + PORTS);
	ports_used = mmap(NULL, sizeof(*ports_used), PROT_READ | PROT_WRITE,
			  MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	if (ports_used == MAP_FAILED)
		return -errno;
	netns = netns_create();
	return netns < 0 ? netns : stream_open(&stream, all);
}

int shared_main(char *const args[], int (*tests)(int argc, char *argv[]),
		int argc, char *argv[])
{
	int err = start(args), status;
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

/* Listens for no longer than it takes. 0 or -errno. */
static int make_mark(void *cookie)
{
	const struct sockaddr_in at = { .sin_family = AF_INET,
					.sin_port = htons(shared_port()) };
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0), err = 0;

	if (fd < 0)
		return -errno;
	*(uint64_t *)cookie = conn_cookie(fd);
	if (bind(fd, (void *)&at, sizeof(at)) || listen(fd, 1))
		err = -errno;
	close(fd);
	return err;
}

/*
 * Events are shown in the order of time: once that of something that we do now
 * has come, all before it has.
 */
static int settle(struct witness *witness)
{
	struct sighting mark = { .type = "state", .old = "LISTEN" };
	int err = netns_call(netns, make_mark, &mark.cookie);

	return err ? err : witness_wait(witness, &mark, TRACE_PATIENCE_NS);
}

int shared_leave(struct trace *trace)
{
	int err = settle(trace->witness);

	kill(trace->pid, SIGKILL);
	waitpid(trace->pid, NULL, 0);
	trace->pid = 0;
	return err;
}
