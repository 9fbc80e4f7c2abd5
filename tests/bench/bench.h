/* SPDX-License-Identifier: GPL-2.0 */
/*
 * What "make bench" is made of: loads, tracers, rounds that compare the two,
 * and tables.
 *
 * Nothing here trusts wall time: the machine may be shared. CPU time is read
 * from the scheduler, and each measurement stands beside one without a tracer
 * that was made right before or after it.
 */
#ifndef TCBSCOPE_TESTS_BENCH_H
#define TCBSCOPE_TESTS_BENCH_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <sys/types.h>

#define BENCH_LOAD_CPU 0     /* client and server run here, in turns */
#define BENCH_TRACER_CPU 1   /* whatever watches them */
#define BENCH_TRANSITIONS 10 /* of one connection, both ends together */

/* Says what failed, and ends the program. */
#define bench_die(...) bench_die_at(__FILE__, __LINE__, __VA_ARGS__)
void bench_die_at(const char *file, int line, const char *fmt, ...)
	__attribute__((noreturn, format(printf, 3, 4)));

/* A line for whoever waits, on standard error. */
void bench_note(const char *fmt, ...) __attribute__((format(printf, 1, 2)));

/* This process runs on @cpu only, and before all others there. */
void bench_pin(int cpu);
uint64_t bench_now_ns(void);
uint64_t bench_cpu_ns(void); /* used by this process so far */

struct rusage;
double bench_used_ms(const struct rusage *used); /* CPU time, user and system */

/* ---------------------------------------------------------------- load.c */

/*
 * Work in a network namespace of its own. The CPU time that client, server
 * and the softirq thread of their CPU took for it, in ns.
 */
typedef uint64_t load_fn(unsigned int amount);

/* @amount connections: connect, one byte each way, close by the client. */
load_fn load_connect;

/* @amount MiB over one connection. */
load_fn load_bulk;

/* A process that makes a connection every millisecond until it is killed. */
pid_t load_trickle(void);

/* -------------------------------------------------------------- tracer.c */

/* How a tracer says how many events it has had. */
enum tracer_says {
	TRACER_NOTHING,
	TRACER_ACCOUNT, /* tcbscope's closing line */
	TRACER_LINES,	/* one line of output each */
	TRACER_SAMPLES, /* perf's closing line */
};

struct tracer {
	const char *name;     /* in tables */
	const char *argv[16]; /* a path, or searched for; none: no tracer */
	enum tracer_says says;
	bool to_null; /* output to /dev/null instead of a file in memory */
};

struct tracer_run {
	const struct tracer *tracer;
	pid_t pid;
	int out, err;	 /* files in memory; -1 */
	uint64_t events; /* that it reported */
	uint64_t lost;	 /* that it said it has lost */
};

/* Only tracers whose name fits this glob are to be run. */
void tracer_choose(const char *glob);

/* Is it chosen, and its program installed? */
bool tracer_wanted(const struct tracer *tracer);

/* Returns when it has attached and sleeps. */
void tracer_start(struct tracer_run *run, const struct tracer *tracer);

/* CPU time that it has used so far, and anonymous memory that it holds. */
uint64_t tracer_cpu_ns(const struct tracer_run *run);
unsigned long tracer_anon_kb(const struct tracer_run *run);

/* Interrupts it, waits for its end, counts what it has said. */
void tracer_stop(struct tracer_run *run);

/* In a child of ours: becomes the tracer, with these streams. */
void tracer_execute(const char *const argv[], int out, int err)
	__attribute__((noreturn));

/*
 * "state,window,...": all types of events but calls and segments, of which
 * there are more than of all others together.
 */
const char *tracer_all_types(void);

/* Path of build/@name. */
const char *tracer_built(const char *name);

/* ---------------------------------------------------------------- spread.c */

/* Samples of one quantity, and what to say of them. */
struct spread {
	double *value;
	size_t n, room;
};

void spread_add(struct spread *s, double value);
double spread_quantile(const struct spread *s, double q);
double spread_median(const struct spread *s);
void spread_free(struct spread *s);

/* "1.04 [1.03-1.06]" with so many digits, in a static buffer of several. */
const char *spread_text(const struct spread *s, int digits);

/* ----------------------------------------------------------------- table.c */

/* A simple table of reStructuredText on standard output. */
#define TABLE_COLUMNS 8
#define TABLE_ROWS 64

struct table {
	unsigned int columns, rows;
	char *cell[TABLE_ROWS][TABLE_COLUMNS];
};

/* The first row is the head. Cells are printf-like; columns end by NULL. */
void table_row(struct table *t, const char *first, ...)
	__attribute__((sentinel));
void table_print(struct table *t); /* and forget */

/* Formats into one of several static buffers. */
const char *cell(const char *fmt, ...) __attribute__((format(printf, 1, 2)));

/* ----------------------------------------------------------------- goals.c */

/* Notes one for the table of all goals. */
void goal(const char *what, const char *limit, const char *measured, bool met);
void goals_print(void);

/* ---------------------------------------------------------------- rounds.c */

/* What rounds found out about one tracer. */
struct outcome {
	const struct tracer *tracer;
	struct spread ratio;	 /* CPU time with / without, neighbours */
	struct spread with_us;	 /* CPU time for one unit of load */
	struct spread tracer_us; /* the tracer's own, for one */
	uint64_t events, expected, lost;
	unsigned long anon_kb; /* the most that was seen */
};

struct rounds {
	load_fn *load;
	unsigned int amount; /* of load in one measurement */
	unsigned int rounds;
	unsigned int transitions; /* of one unit of load; 0: do not count */
	struct spread bare_us;	  /* for one unit, without a tracer */
	struct outcome *outcome;  /* one for each tracer */
	unsigned int tracers;
};

/*
 * Runs every tracer in every round: without, with, with, without (A-B-B-A).
 * The order of the tracers changes from round to round.
 */
void rounds_run(struct rounds *r, const struct tracer *tracers, unsigned int n);
void rounds_free(struct rounds *r);

/* ----------------------------------------------------------------- floor.c */

/* "bench --floor NAME": a tracer that does as little as can be. */
int floor_main(const char *name);

/* ------------------------------------------------------------------- parts */

/* Each prints tables and notes goals. @rounds: 0 for its own default. */
typedef void part_fn(unsigned int rounds);

part_fn part_machine, part_connect, part_tools, part_cost, part_calls,
	part_start, part_json, part_bulk, part_sockets, part_listeners,
	part_accept, part_lab, part_stories, part_million, part_peers,
	part_reasons, part_gated;

#endif
