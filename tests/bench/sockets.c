// SPDX-License-Identifier: GPL-2.0
/*
 * What a snapshot costs: CPU time of programs that list all TCP sockets of a
 * namespace, which holds connections with both ends, to /dev/null.
 */
#include "bench.h"
#include "lab/netns.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#define PORT 20000	 /* of the first holder's listener */
#define SPARE_FDS 64	 /* that a holder needs for other things */
#define HOLDERS 512	 /* at most */
#define PORTS_EACH 20000 /* that a client address is used for */
#define ROUNDS 7
#define LISTENERS 1000
#define REFRESHES 20

struct holders {
	pid_t pid[HOLDERS];
	unsigned int n;
};

/* As many as this process may open, in pairs. */
static unsigned int connections_each(void)
{
	struct rlimit limit;

	if (getrlimit(RLIMIT_NOFILE, &limit))
		bench_die("no limit of descriptors: %s", strerror(errno));
	limit.rlim_cur = limit.rlim_max;
	setrlimit(RLIMIT_NOFILE, &limit);
	if (limit.rlim_max > 100000)
		limit.rlim_max = 100000;
	return (limit.rlim_max - SPARE_FDS) / 2;
}

/* One holder: a listener of its own, @n connections to it, kept open. */
static void __attribute__((noreturn))
hold(unsigned int which, unsigned int n, int ready)
{
	struct sockaddr_in addr = {
		.sin_family = AF_INET,
		.sin_port = htons(PORT + which),
	};
	int listener = socket(AF_INET, SOCK_STREAM, 0);
	unsigned int i;

	prctl(PR_SET_PDEATHSIG, SIGKILL);
	if (bind(listener, (struct sockaddr *)&addr, sizeof(addr)) ||
	    listen(listener, 128))
		bench_die("cannot listen: %s", strerror(errno));
	for (i = 0; i < n; i++) {
		int fd = socket(AF_INET, SOCK_STREAM, 0);

		addr.sin_addr.s_addr = htonl(INADDR_LOOPBACK + 1 +
					     i / PORTS_EACH);
		if (fd < 0 ||
		    connect(fd, (struct sockaddr *)&addr, sizeof(addr)) ||
		    accept(listener, NULL, NULL) < 0)
			bench_die("cannot make connection %u: %s", i,
				  strerror(errno));
	}
	if (write(ready, "x", 1) != 1)
		_exit(1);
	for (;;)
		pause();
}

/* This process enters a namespace, for good, that has @sockets in it. */
static void fill(struct holders *h, unsigned int sockets)
{
	unsigned int left = sockets / 2, each = connections_each();
	int ready[2];
	char byte;

	if (netns_enter(netns_create()) || pipe2(ready, O_CLOEXEC))
		bench_die("cannot make a network namespace");
	while (left) {
		unsigned int n = left < each ? left : each;

		if (h->n == HOLDERS)
			bench_die("too few descriptors for so many sockets");
		h->pid[h->n] = fork();
		if (h->pid[h->n] < 0)
			bench_die("cannot fork: %s", strerror(errno));
		if (!h->pid[h->n])
			hold(h->n, n, ready[1]);
		h->n++;
		left -= n;
		if (read(ready[0], &byte, 1) != 1)
			bench_die("a holder has failed");
	}
	close(ready[0]);
	close(ready[1]);
}

/* One more holder, of listeners on ports of the kernel's choice. */
static void add_listeners(struct holders *h, unsigned int n)
{
	int ready[2], fd;
	char byte;
	pid_t pid;

	if (h->n == HOLDERS || pipe2(ready, O_CLOEXEC))
		bench_die("no room for listeners");
	pid = fork();
	if (pid < 0)
		bench_die("cannot fork: %s", strerror(errno));
	h->pid[h->n++] = pid;
	if (!pid) {
		prctl(PR_SET_PDEATHSIG, SIGKILL);
		while (n--) {
			fd = socket(AF_INET, SOCK_STREAM, 0);
			if (fd < 0 || listen(fd, 128))
				bench_die("cannot listen: %s", strerror(errno));
		}
		if (write(ready[1], "x", 1) != 1)
			_exit(1);
		for (;;)
			pause();
	}
	close(ready[1]);
	if (read(ready[0], &byte, 1) != 1)
		bench_die("a holder has failed");
	close(ready[0]);
}

static void empty(struct holders *h)
{
	unsigned int i;

	for (i = 0; i < h->n; i++)
		kill(h->pid[i], SIGKILL);
	for (i = 0; i < h->n; i++)
		waitpid(h->pid[i], NULL, 0);
}

/* Milliseconds of CPU time, user and system; -1: it failed. */
static double list_ms(const char *const argv[], double *wall_ms)
{
	uint64_t begin = bench_now_ns();
	struct rusage used;
	int status, null;
	pid_t pid = fork();

	if (pid < 0)
		bench_die("cannot fork: %s", strerror(errno));
	if (!pid) {
		null = open("/dev/null", O_RDWR | O_CLOEXEC);
		tracer_execute(argv, null, null);
	}
	if (wait4(pid, &status, 0, &used) != pid)
		bench_die("cannot wait: %s", strerror(errno));
	*wall_ms = (bench_now_ns() - begin) / 1e6;
	if (status)
		return -1;
	return bench_used_ms(&used);
}

static void measure(unsigned int sockets, unsigned int rounds, double limit_ms,
		    struct table *t)
{
	const char *scope = tracer_built("tcbscope");
	const struct tracer lists[] = {
		/* the snapshot itself, as a trace begins with it */
		{ .name = "tcbscope sockets, none shown",
		  .argv = { scope, "sockets", "--port", "1" } },
		{ .name = "tcbscope sockets", .argv = { scope, "sockets" } },
		{ .name = "tcbscope sockets -j",
		  .argv = { scope, "sockets", "-j" } },
		{ .name = "ss -tan", .argv = { "ss", "-tan" } },
		{ .name = "ss -tin", .argv = { "ss", "-tin" } },
	};
	struct holders h = {};
	unsigned int i, round;

	fill(&h, sockets);
	bench_note("%u sockets are there", sockets);
	for (i = 0; i < sizeof(lists) / sizeof(*lists); i++) {
		struct spread cpu = {}, wall = {};
		double ms, wall_ms;

		if (!tracer_wanted(&lists[i]))
			continue;
		for (round = 0; round < rounds; round++) {
			ms = list_ms(lists[i].argv, &wall_ms);
			if (ms < 0)
				break;
			spread_add(&cpu, ms);
			spread_add(&wall, wall_ms);
		}
		if (cpu.n && !i)
			goal(cell("snapshot of %u sockets, CPU", sockets),
			     cell("<= %.0f ms", limit_ms),
			     cell("%s ms", spread_text(&cpu, 0)),
			     spread_median(&cpu) <= limit_ms);
		if (cpu.n)
			table_row(t, cell("%u", sockets), lists[i].name,
				  spread_text(&cpu, 0),
				  cell("%.0f", spread_quantile(&cpu, 0)),
				  cell("%.0f", spread_median(&wall)), NULL);
		else
			bench_note("%s failed", lists[i].name);
		spread_free(&cpu);
		spread_free(&wall);
	}
	empty(&h);
}

static void list(unsigned int sockets, unsigned int rounds, double limit_ms)
{
	struct table t = {};

	table_row(&t, "Sockets", "Program", "CPU ms", "least", "wall ms", NULL);
	measure(sockets, rounds, limit_ms, &t);
	table_print(&t);
}

void part_sockets(unsigned int rounds)
{
	list(100000, rounds ?: ROUNDS, 120);
}

/* Takes 4 GB of memory, and a minute or more to make them. */
void part_million(unsigned int rounds)
{
	list(1000000, rounds ?: (ROUNDS + 1) / 2, 1000);
}

/* CPU time of one refresh: of runs that differ by how many they have. */
static void refresh(const struct tracer *once, const struct tracer *more,
		    unsigned int rounds, struct table *t)
{
	struct spread cpu = {};
	double first, all, wall;
	unsigned int i;

	for (i = 0; i < rounds; i++) {
		first = list_ms(once->argv, &wall);
		all = list_ms(more->argv, &wall);
		if (first < 0 || all < 0)
			bench_die("%s failed", once->name);
		spread_add(&cpu, (all - first) / REFRESHES);
	}
	goal(cell("%s: a refresh, CPU", once->name), "<= 20 ms",
	     cell("%s ms", spread_text(&cpu, 1)), spread_median(&cpu) <= 20);
	table_row(t, once->name, spread_text(&cpu, 1),
		  cell("%.1f", spread_quantile(&cpu, 0)), NULL);
	spread_free(&cpu);
}

void part_listeners(unsigned int rounds)
{
	const char *scope = tracer_built("tcbscope");
	const char *count = cell("-c%u", REFRESHES + 1);
	const struct tracer once[] = {
		{ .name = "tcbscope listeners",
		  .argv = { scope, "listeners", "-i100ms", "-c1" } },
		{ .name = "tcbscope listeners -j",
		  .argv = { scope, "listeners", "-i100ms", "-c1", "-j" } },
	};
	struct holders h = {};
	struct table t = {};
	unsigned int i;

	table_row(&t, "Program", "CPU ms", "least", NULL);
	fill(&h, 100000);
	add_listeners(&h, LISTENERS);
	for (i = 0; i < sizeof(once) / sizeof(*once); i++) {
		struct tracer more = once[i];

		more.argv[3] = count;
		if (tracer_wanted(&once[i]))
			refresh(&once[i], &more, rounds ?: ROUNDS, &t);
	}
	empty(&h);
	table_print(&t);
}
