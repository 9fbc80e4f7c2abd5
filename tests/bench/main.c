// SPDX-License-Identifier: GPL-2.0
/* bench [-r ROUNDS] [-t TRACERS] [PART...] - measure, print tables of
 * reStructuredText. */
#include "bench.h"

#include <sched.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <time.h>
#include <unistd.h>

static const struct part {
	const char *name;
	part_fn *run;
	const char *title;
	bool extra; /* only if asked for by name */
} parts[] = {
	{ "machine", part_machine, "Where and when", false },
	{ "connect", part_connect, "CPU time of a connection", false },
	{ "cost", part_cost, "BPF time of a change of state", false },
	{ "calls", part_calls, "System calls of who is not traced", false },
	{ "bulk", part_bulk, "CPU time of a bulk transfer", false },
	{ "start", part_start, "How soon something is shown", false },
	{ "json", part_json, "What the tracer itself can do", false },
	{ "sockets", part_sockets, "A snapshot of 100,000 sockets", false },
	{ "listeners", part_listeners,
	  "A refresh of 1,000 listeners among 100,000 other sockets", false },
	{ "accept", part_accept, "How true the times of accept() are", false },
	{ "lab", part_lab, "How often a story comes as it is told", false },
	{ "stories", part_stories,
	  "How often each of them does, on a machine that is busy with them",
	  true },
	{ "million", part_million,
	  "A snapshot of a million sockets; takes 4 GB", true },
	{ "gated", part_gated, "Opens over the gate", true },
	{ "peers", part_peers, "How often peers behind NATs find to each other",
	  true },
	{ "reasons", part_reasons, "What they say if they do not", true },
	{ "tools", part_tools, "Other tools on the same load", false },
};

#define PARTS (sizeof(parts) / sizeof(*parts))

void bench_die_at(const char *file, int line, const char *fmt, ...)
{
	va_list args;

	fprintf(stderr, "bench: %s:%d: ", file, line);
	va_start(args, fmt);
	vfprintf(stderr, fmt, args);
	va_end(args);
	putc('\n', stderr);
	exit(1);
}

void bench_note(const char *fmt, ...)
{
	va_list args;

	fputs("# ", stderr);
	va_start(args, fmt);
	vfprintf(stderr, fmt, args);
	va_end(args);
	putc('\n', stderr);
}

void bench_pin(int cpu)
{
	cpu_set_t set;

	CPU_ZERO(&set);
	CPU_SET(cpu % sysconf(_SC_NPROCESSORS_ONLN), &set);
	if (sched_setaffinity(0, sizeof(set), &set))
		bench_die("cannot bind to CPU %d", cpu);
	setpriority(PRIO_PROCESS, 0, -20);
}

static uint64_t clock_ns(clockid_t clock)
{
	struct timespec ts;

	clock_gettime(clock, &ts);
	return ts.tv_sec * 1000000000ull + ts.tv_nsec;
}

uint64_t bench_now_ns(void)
{
	return clock_ns(CLOCK_MONOTONIC);
}

uint64_t bench_cpu_ns(void)
{
	return clock_ns(CLOCK_PROCESS_CPUTIME_ID);
}

double bench_used_ms(const struct rusage *used)
{
	return (used->ru_utime.tv_sec + used->ru_stime.tv_sec) * 1e3 +
	       (used->ru_utime.tv_usec + used->ru_stime.tv_usec) / 1e3;
}

static int usage(FILE *out)
{
	unsigned int i;

	fputs("usage: bench [-r ROUNDS] [-t TRACERS] [PART...]\n\n"
	      "TRACERS is a glob of their names. Parts; by default those without a star:\n",
	      out);
	for (i = 0; i < PARTS; i++)
		fprintf(out, "%c %-9s %s\n", parts[i].extra ? '*' : ' ',
			parts[i].name, parts[i].title);
	return out == stdout ? 0 : 2;
}

static const struct part *find(const char *name)
{
	unsigned int i;

	for (i = 0; i < PARTS; i++)
		if (!strcmp(parts[i].name, name))
			return &parts[i];
	return NULL;
}

/* The markers are what tests/bench/publish looks for. */
static void run(const struct part *part, unsigned int rounds)
{
	bench_note("%s: %s", part->name, part->title);
	printf(".. bench %s\n\n", part->name);
	part->run(rounds);
	printf(".. bench end\n\n");
	fflush(stdout);
}

int main(int argc, char **argv)
{
	unsigned int rounds = 0, i;
	int c;

	if (argc == 3 && !strcmp(argv[1], "--floor"))
		return floor_main(argv[2]);
	while ((c = getopt(argc, argv, "r:t:h")) >= 0) {
		if (c == 'h')
			return usage(stdout);
		else if (c == 't')
			tracer_choose(optarg);
		else if (c == 'r' && atoi(optarg) > 0)
			rounds = atoi(optarg);
		else
			return usage(stderr);
	}
	for (i = optind; i < (unsigned int)argc; i++)
		if (!find(argv[i]))
			return usage(stderr);
	if (geteuid())
		bench_die("needs root");
	for (i = optind; i < (unsigned int)argc; i++)
		run(find(argv[i]), rounds);
	for (i = 0; argc == optind && i < PARTS; i++)
		if (!parts[i].extra)
			run(&parts[i], rounds);
	printf(".. bench %s\n\n", argc == optind ? "goals" : "some-goals");
	goals_print();
	printf(".. bench end\n");
	return 0;
}
