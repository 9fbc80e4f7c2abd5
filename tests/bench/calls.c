// SPDX-License-Identifier: GPL-2.0
/*
 * What call events cost those whose calls are not asked for: a system call that
 * is none of ours, one of a file, of a pipe that is waited for, and of a TCP
 * socket.
 */
#include "bench.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <unistd.h>

#define CALLS 500000
#define ROUNDS 7
#define COMMAND "of a command"

static int file, pipes[2], tcp;

static uint64_t load_getppid(unsigned int amount)
{
	uint64_t begin = bench_cpu_ns();

	while (amount--)
		syscall(SYS_getppid);
	return bench_cpu_ns() - begin;
}

static uint64_t load_file(unsigned int amount)
{
	uint64_t begin = bench_cpu_ns();
	char byte;

	while (amount--)
		if (read(file, &byte, 1) != 1)
			bench_die("cannot read /dev/zero: %s", strerror(errno));
	return bench_cpu_ns() - begin;
}

static uint64_t load_poll(unsigned int amount)
{
	struct pollfd p = { .fd = pipes[0], .events = POLLIN };
	uint64_t begin = bench_cpu_ns();

	while (amount--)
		if (poll(&p, 1, 0))
			bench_die("cannot poll a pipe");
	return bench_cpu_ns() - begin;
}

static uint64_t load_tcp(unsigned int amount)
{
	uint64_t begin = bench_cpu_ns();
	char byte;

	while (amount--)
		if (read(tcp, &byte, 1) != -1)
			bench_die("a socket has data");
	return bench_cpu_ns() - begin;
}

static const struct {
	const char *name;
	load_fn *load;
} loads[] = {
	{ "getppid()", load_getppid },
	{ "read(), a file", load_file },
	{ "poll(), a pipe", load_poll },
	{ "read(), a TCP socket", load_tcp },
};

static void open_files(void)
{
	file = open("/dev/zero", O_RDONLY);
	tcp = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0);
	if (file < 0 || tcp < 0 || pipe(pipes))
		bench_die("cannot open files: %s", strerror(errno));
}

static void close_files(void)
{
	close(file);
	close(tcp);
	close(pipes[0]);
	close(pipes[1]);
}

/* ns that a call takes more, from the ratios of neighbours. */
static const char *more(const struct rounds *r, const struct outcome *o,
			double *median)
{
	double bare = spread_median(&r->bare_us) * 1000;

	*median = (spread_median(&o->ratio) - 1) * bare;
	return cell("%.0f [%.0f-%.0f]", *median,
		    (spread_quantile(&o->ratio, 0.25) - 1) * bare,
		    (spread_quantile(&o->ratio, 0.75) - 1) * bare);
}

static void print(struct table *t, const char *name, const struct rounds *r)
{
	const char *text[3] = { "-", "-", "-" };
	double ns[3] = {};
	unsigned int i;

	for (i = 0; i < r->tracers && i < 3; i++)
		text[i] = more(r, &r->outcome[i], &ns[i]);
	table_row(t, name, cell("%.0f", spread_median(&r->bare_us) * 1000),
		  text[0], text[1], text[2], NULL);
	for (i = 1; i < r->tracers; i++)
		goal(cell("%s, calls traced %s", name,
			  r->outcome[i].tracer->name),
		     "<= 200 ns", text[i], ns[i] <= 200);
}

void part_calls(unsigned int rounds)
{
	const char *scope = tracer_built("tcbscope");
	const char *self = tracer_built("tests/bench/bench");
	const struct tracer tracers[] = {
		{ .name = "two empty programs",
		  .argv = { self, "--floor", "calls" } },
		{ .name = "of a process",
		  .argv = { scope, "trace", "--calls", "--pid", "1" },
		  .says = TRACER_ACCOUNT },
		{ .name = COMMAND,
		  .argv = { scope, "trace", "--", "tail", "-f",
			    cell("--pid=%d", getpid()), "/dev/null" },
		  .says = TRACER_ACCOUNT },
	};
	struct table t = {};
	unsigned int i;

	bench_pin(BENCH_LOAD_CPU);
	open_files();
	table_row(&t, "System call", "bare, ns", tracers[0].name,
		  cell("calls %s", tracers[1].name),
		  cell("calls %s", tracers[2].name), NULL);
	for (i = 0; i < sizeof(loads) / sizeof(*loads); i++) {
		struct rounds r = {
			.load = loads[i].load,
			.amount = CALLS,
			.rounds = rounds ?: ROUNDS,
		};

		rounds_run(&r, tracers, sizeof(tracers) / sizeof(*tracers));
		print(&t, loads[i].name, &r);
		rounds_free(&r);
	}
	table_print(&t);
	close_files();
}
