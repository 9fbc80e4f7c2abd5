// SPDX-License-Identifier: GPL-2.0
/*
 * The tracers that are compared: started, known to be ready, ended.
 *
 * Each has its own way to say that it has attached, if it says so at all. All
 * of them then sleep in poll() or epoll_wait(), and none does before.
 */
#include "bench.h"
#include "tests/lib/events.h"

#include <errno.h>
#include <fcntl.h>
#include <fnmatch.h>
#include <sched.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#define PATIENCE_NS 30000000000ull /* bpftrace compiles first */

const char *tracer_built(const char *name)
{
	const char *build = getenv("TCBSCOPE_BUILD");
	char *path;

	if (asprintf(&path, "%s/%s", build ?: "build", name) < 0)
		bench_die("out of memory");
	return path; /* kept: a few per run */
}

const char *tracer_all_types(void)
{
	struct schema *schema = events_schema();
	static char list[256];
	int i;

	if (!schema)
		bench_die("cannot read the schema");
	*list = '\0';
	for (i = 0; i < EVENT_TYPES; i++) {
		if (!schema->types[i].n || i == EVENT_call ||
		    i == EVENT_segment)
			continue;
		if (*list)
			strcat(list, ",");
		strncat(list, schema->types[i].name, 24);
	}
	schema_free(schema);
	return list;
}

static const char *chosen = "*";

void tracer_choose(const char *glob)
{
	chosen = glob;
}

static bool installed(const char *name)
{
	const char *path = getenv("PATH"), *end;
	char file[512];

	if (strchr(name, '/'))
		return !access(name, X_OK);
	for (; path && *path; path = *end ? end + 1 : end) {
		end = strchrnul(path, ':');
		snprintf(file, sizeof(file), "%.*s/%s", (int)(end - path), path,
			 name);
		if (!access(file, X_OK))
			return true;
	}
	return false;
}

bool tracer_wanted(const struct tracer *tracer)
{
	if (fnmatch(chosen, tracer->name, 0))
		return false;
	if (!tracer->argv[0] || installed(tracer->argv[0]))
		return true;
	bench_note("%s: not installed, left out", tracer->name);
	return false;
}

/*
 * A shell starts what runs in its background with SIGINT ignored, and so is
 * what that starts: but SIGINT is what ends a tracer.
 */
static void hear_signals(void)
{
	sigset_t none;

	sigemptyset(&none);
	sigprocmask(SIG_SETMASK, &none, NULL);
	signal(SIGINT, SIG_DFL);
}

/* perf and bpftrace look for tracefs, which may not be mounted. */
void tracer_execute(const char *const argv[], int out, int err)
{
	int null = open("/dev/null", O_RDONLY | O_CLOEXEC);

	prctl(PR_SET_PDEATHSIG, SIGKILL);
	hear_signals();
	if (!unshare(CLONE_NEWNS) &&
	    !mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL))
		mount("tracefs", "/sys/kernel/tracing", "tracefs", 0, NULL);
	dup2(null, STDIN_FILENO);
	dup2(out, STDOUT_FILENO);
	dup2(err, STDERR_FILENO);
	execvp(argv[0], (char *const *)argv);
	_exit(127);
}

static void __attribute__((noreturn)) execute(const struct tracer_run *run)
{
	int null = open("/dev/null", O_WRONLY | O_CLOEXEC);

	bench_pin(BENCH_TRACER_CPU);
	tracer_execute(run->tracer->argv,
		       run->tracer->to_null ? null : run->out, run->err);
}

static bool sleeps_in_poll(pid_t pid)
{
	char path[64], text[32] = "";
	FILE *file;
	long nr;

	snprintf(path, sizeof(path), "/proc/%d/syscall", pid);
	file = fopen(path, "r");
	if (!file)
		return false;
	if (!fgets(text, sizeof(text), file))
		*text = '\0';
	fclose(file);
	if (*text < '0' || *text > '9')
		return false; /* "running", or -1: on its way */
	nr = atol(text);
#ifdef SYS_poll
	if (nr == SYS_poll || nr == SYS_epoll_wait)
		return true;
#endif
	return nr == SYS_ppoll || nr == SYS_epoll_pwait ||
	       nr == SYS_epoll_pwait2;
}

static void dump(int fd)
{
	char text[1024];
	ssize_t n = pread(fd, text, sizeof(text), 0);

	if (n > 0)
		fprintf(stderr, "%.*s\n", (int)n, text);
}

void tracer_start(struct tracer_run *run, const struct tracer *tracer)
{
	const struct timespec pause = { .tv_nsec = 2000000 };
	uint64_t end = bench_now_ns() + PATIENCE_NS;
	int looks = 0, status;

	*run = (struct tracer_run){ .tracer = tracer, .out = -1, .err = -1 };
	if (!tracer->argv[0])
		return;
	run->out = memfd_create("out", MFD_CLOEXEC);
	run->err = memfd_create("err", MFD_CLOEXEC);
	run->pid = fork();
	if (run->out < 0 || run->err < 0 || run->pid < 0)
		bench_die("cannot start %s: %s", tracer->name, strerror(errno));
	if (!run->pid)
		execute(run);
	while (looks < 2) {
		nanosleep(&pause, NULL);
		looks = sleeps_in_poll(run->pid) ? looks + 1 : 0;
		if (waitpid(run->pid, &status, WNOHANG) ||
		    bench_now_ns() > end) {
			dump(run->err);
			bench_die("%s ended or never got ready", tracer->name);
		}
	}
}

uint64_t tracer_cpu_ns(const struct tracer_run *run)
{
	struct timespec ts = {};
	clockid_t clock;

	if (!run->pid || clock_getcpuclockid(run->pid, &clock))
		return 0;
	clock_gettime(clock, &ts);
	return ts.tv_sec * 1000000000ull + ts.tv_nsec;
}

unsigned long tracer_anon_kb(const struct tracer_run *run)
{
	unsigned long kb = 0;
	char path[64], line[128];
	FILE *file;

	if (!run->pid)
		return 0;
	snprintf(path, sizeof(path), "/proc/%d/status", run->pid);
	file = fopen(path, "r");
	while (file && fgets(line, sizeof(line), file))
		sscanf(line, "RssAnon: %lu", &kb);
	if (file)
		fclose(file);
	return kb;
}

static uint64_t count_lines(int fd)
{
	static char text[1 << 20];
	uint64_t lines = 0;
	off_t at = 0;
	ssize_t n, i;

	while ((n = pread(fd, text, sizeof(text), at)) > 0) {
		for (i = 0; i < n; i++)
			lines += text[i] == '\n';
		at += n;
	}
	return lines;
}

/* tcbscope: "N generated - N lost = ..."; perf: "... (N samples) ]" */
static void read_closing(struct tracer_run *run)
{
	unsigned long long events = 0, lost = 0;
	char text[4096];
	ssize_t n = pread(run->err, text, sizeof(text) - 1, 0);
	char *at;

	text[n > 0 ? n : 0] = '\0';
	if (run->tracer->says == TRACER_ACCOUNT) {
		at = strstr(text, " generated - ");
		while (at && at > text && at[-1] != '\n')
			at--;
		if (!at || sscanf(at, "%llu generated - %llu lost", &events,
				  &lost) != 2)
			bench_die("%s: no account in: %s", run->tracer->name,
				  text);
		events -= lost;
	} else {
		at = strstr(text, " samples)");
		while (at && at > text && at[-1] != '(')
			at--;
		if (!at || sscanf(at, "%llu", &events) != 1)
			bench_die("%s: no number of samples in: %s",
				  run->tracer->name, text);
	}
	run->events = events;
	run->lost = lost;
}

/* Some need to be told more than once. */
static void end(const struct tracer_run *run)
{
	const struct timespec pause = { .tv_nsec = 50000000 };
	uint64_t end = bench_now_ns() + PATIENCE_NS;
	int status;

	for (;;) {
		kill(run->pid, SIGINT);
		nanosleep(&pause, NULL);
		if (waitpid(run->pid, &status, WNOHANG) == run->pid)
			return;
		if (bench_now_ns() > end)
			bench_die("%s does not end", run->tracer->name);
	}
}

void tracer_stop(struct tracer_run *run)
{
	if (!run->pid)
		return;
	end(run);
	if (run->tracer->says == TRACER_LINES)
		run->events = count_lines(run->out);
	else if (run->tracer->says != TRACER_NOTHING)
		read_closing(run);
	close(run->out);
	close(run->err);
	run->pid = 0;
}
