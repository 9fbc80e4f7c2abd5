// SPDX-License-Identifier: GPL-2.0
/* The trace writes to a file in memory, out of which each test is fed. */
#include "conn.h"
#include "shared.h"
#include "stream.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
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

#define EXIT_CANNOT 3 /* of a trace that the kernel refuses */
#define LOOK_MS 5     /* between two looks at the file ... */
#define IDLE_MS 40    /* ... and that after many that have found nothing */
#define ARGS_MAX 8
#define PORT 2000   /* of tests without a shared trace; above it ... */
#define PORTS 400   /* ... so many are seen, of which each test has two, ... */
#define PROGRAMS 64 /* ... by each of several programs that run at once */

#define MORE_MAX 64	       /* bytes of options that a test wants as well */
#define LENT "TCBSCOPE_SHARED" /* who keeps it, in the environment */

/* What a test gets to know of the trace. */
struct answer {
	int err;
	pid_t pid;
	int file; /* of the process that keeps it */
};

static struct stream stream;
static struct answer current;
static char more[MORE_MAX] = "none yet"; /* options of the current one */

static const char *wanted = ""; /* by this test */
static pid_t main_pid;		/* who keeps it ... */
static int keeper = -1;		/* ... and is asked for it here */
static int file = -1;		/* the trace's output */
static int ended = -1;		/* its pidfd: readable once it has ended */
static enum shared_sight sees;	/* of what the trace is */
static int netns = -1;		/* a namespace where the ports are free */
static unsigned short port_begin;
static unsigned int *ports_used; /* by all tests of this program */

bool shared_runs(void)
{
	return keeper >= 0;
}

static const char *judge(void)
{
	const char *flaw = stream_flaw(&stream, NULL, NULL);

	if (*flaw)
		return flaw;
	if (stream_total(&stream, "ring_lost"))
		return "it has lost events";
	return stream_gaps(&stream) ? "it has missed some" : "";
}

/* Ends the trace. Is all well with it, or is there none? */
static bool finish(void)
{
	const char *flaw;
	int err;

	if (!current.pid)
		return true;
	current.pid = 0;
	err = stream_end(&stream);
	flaw = judge();
	if (err)
		fprintf(stderr, "# the shared trace ended with %d: %s\n", err,
			prog_text(&stream.prog, PROG_ERR));
	else if (*flaw)
		fprintf(stderr, "# the shared trace: %s\n", flaw);
	stream_free(&stream);
	return !err && !*flaw;
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

int shared_enter(void)
{
	return netns_enter(netns);
}

/* What it sees, as an option or an expression. */
static void filter_say(char *filter, size_t size)
{
	uint64_t inode = 0;

	if (sees == SHARED_NETNS) {
		netns_inode(netns, &inode);
		snprintf(filter, size, "--netns=%" PRIu64, inode);
		return;
	}
	snprintf(filter, size,
		 "( lport >= %d and lport < %d ) or "
		 "( rport >= %d and rport < %d )",
		 port_begin, port_begin + PORTS, port_begin,
		 port_begin + PORTS);
}

/* With the options of all tests, and those that the test wants. */
static int start(char *const args[])
{
	char *all[2 * ARGS_MAX + 2] = {}, filter[128], words[MORE_MAX];
	char *rest = strcpy(words, more), *word;
	int i, err;

	for (i = 0; args[i] && i < ARGS_MAX; i++)
		all[i] = args[i];
	while (i < 2 * ARGS_MAX && (word = strsep(&rest, " ")))
		if (*word)
			all[i++] = word;
	all[i] = filter;
	filter_say(filter, sizeof(filter));
	err = stream_open(&stream, all);
	if (err == -ENODATA && stream_end(&stream) == EXIT_CANNOT)
		err = -EOPNOTSUPP;
	if (err && err != -EOPNOTSUPP)
		fprintf(stderr, "# cannot start the shared trace: %s: %s\n",
			strerror(-err), prog_text(&stream.prog, PROG_ERR));
	if (err)
		stream_free(&stream);
	return err;
}

/* The one with these, in place of another one; false: that had a flaw. */
static bool replace(char *const args[], const char *with)
{
	bool well;

	if (!strcmp(with, more))
		return true;
	well = finish();
	snprintf(more, sizeof(more), "%s", with);
	current.err = start(args);
	current.pid = current.err ? 0 : stream.prog.pid;
	current.file = stream.file;
	return well;
}

/* Until the tests have ended. Were all traces well? */
static bool keep(char *const args[], int asked, int tests)
{
	struct pollfd fds[] = { { .fd = asked, .events = POLLIN },
				{ .fd = tests, .events = POLLIN } };
	bool well = true;

	while (poll(fds, 2, -1) >= 0 && !fds[1].revents) {
		char with[MORE_MAX] = "";

		if (recv(asked, with, sizeof(with) - 1, 0) <= 0)
			break;
		well &= replace(args, with);
		send(asked, &current, sizeof(current), MSG_NOSIGNAL);
	}
	return finish() && well;
}

int shared_lend(void)
{
	char where[64];

	snprintf(where, sizeof(where), "%d %d %hu", keeper, main_pid,
		 port_begin);
	return fcntl(keeper, F_SETFD, 0) || setenv(LENT, where, 1) ? -errno : 0;
}

/* That of the program which has started this one, if it has lent it. */
static bool borrow(void)
{
	const char *where = getenv(LENT);

	return where &&
	       sscanf(where, "%d %d %hu", &keeper, &main_pid, &port_begin) == 3;
}

int shared_main(enum shared_sight sight, char *const args[],
		int (*tests)(int argc, char *argv[]), int argc, char *argv[])
{
	int fds[2], status;
	bool well;
	pid_t pid;

	ports_used = mmap(NULL, sizeof(*ports_used), PROT_READ | PROT_WRITE,
			  MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	netns = netns_create();
	if (ports_used != MAP_FAILED && netns >= 0 && borrow())
		return tests(argc, argv);
	sees = sight;
	main_pid = getpid();
	port_begin = PORT + PORTS * (1 + main_pid % PROGRAMS);
	if (ports_used == MAP_FAILED || netns < 0 ||
	    socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, fds)) {
		fprintf(stderr, "# cannot keep a trace: %s\n",
			strerror(netns < 0 ? -netns : errno));
		return 1;
	}
	/* the harness ends the process that runs it */
	pid = fork();
	if (!pid) {
		close(fds[0]);
		keeper = fds[1];
		exit(tests(argc, argv));
	}
	close(fds[1]);
	well = keep(args, fds[0], syscall(SYS_pidfd_open, pid, 0));
	if (waitpid(pid, &status, 0) != pid || !well)
		return 1;
	return WIFEXITED(status) ? WEXITSTATUS(status) : 1;
}

void shared_with(const char *options)
{
	wanted = options;
}

/* Gets the trace that is wanted. */
static int ask(void)
{
	struct answer answer;
	char path[64];

	if (send(keeper, wanted, strlen(wanted) + 1, MSG_NOSIGNAL) < 0 ||
	    recv(keeper, &answer, sizeof(answer), 0) != sizeof(answer))
		return -EPIPE;
	if (answer.err)
		return answer.err;
	snprintf(path, sizeof(path), "/proc/%d/fd/%d", main_pid, answer.file);
	file = open(path, O_RDONLY | O_CLOEXEC);
	ended = syscall(SYS_pidfd_open, answer.pid, 0);
	return file < 0 || ended < 0 ? -errno : 0;
}

/* All of what the file has from @at on; where it ends, or -1. */
static off_t copy(off_t at, int out)
{
	char bytes[4096];
	ssize_t n;

	while ((n = pread(file, bytes, sizeof(bytes), at)) > 0) {
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

	while (at && pread(file, &byte, 1, at - 1) == 1 && byte != '\n')
		at--;
	return at;
}

/* The header, and what comes after @at until the trace has ended. */
static void feed(off_t at, int out)
{
	struct pollfd end = { .fd = ended, .events = POLLIN };
	off_t i = 0;
	int pause = LOOK_MS;
	char byte = 0;

	prctl(PR_SET_PDEATHSIG, SIGKILL);
	while (byte != '\n' && pread(file, &byte, 1, i++) == 1)
		if (write(out, &byte, 1) != 1)
			return;
	at = line_begin(at);
	while (at >= 0 && !poll(&end, 1, pause)) {
		off_t next = copy(at, out);

		pause = next != at ? LOOK_MS : pause + (pause < IDLE_MS);
		at = next;
	}
	copy(at, out);
}

int shared_join(struct trace *trace)
{
	struct sighting header = { .type = "header" };
	int fds[2], err = ask();
	struct stat st;

	memset(trace, 0, sizeof(*trace));
	trace->shared = true;
	if (err)
		return err;
	if (fstat(file, &st) || pipe2(fds, O_CLOEXEC))
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
 * Listens for no longer than it takes, at a port where no test does in that
 * namespace. 0 or -errno.
 */
static int make_mark(void *cookie)
{
	const struct sockaddr_in at = { .sin_family = AF_INET,
					.sin_port = htons(shared_port() + 1) };
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
int shared_settle(struct trace *trace)
{
	struct sighting mark = {};
	int err = netns_call(netns, make_mark, &mark.cookie);

	return err ? err :
		     witness_wait(trace->witness, &mark, TRACE_PATIENCE_NS);
}

int shared_leave(struct trace *trace)
{
	int err = shared_settle(trace);

	kill(trace->pid, SIGKILL);
	waitpid(trace->pid, NULL, 0);
	trace->pid = 0;
	return err;
}
