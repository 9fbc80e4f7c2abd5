// SPDX-License-Identifier: GPL-2.0
/*
 * BPF time of a state event: what the kernel itself measures of each program
 * (kernel.bpf_stats_enabled). Two empty programs hang on the same tracepoint
 * at the same time; what they seem to cost is the floor of the measurement.
 */
#include "bench.h"

#include <bpf/bpf.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define CONNECTIONS 4000
#define ROUNDS 5
#define PROGRAMS 64
#define PLAIN "tcbscope trace"
#define FILTERED "tcbscope, another port"

/* What is known of one program: ns a run, and its runs for a connection. */
struct program_cost {
	char name[BPF_OBJ_NAME_LEN];
	bool on_state; /* on the tracepoint of the changes of state */
	struct spread ns, runs;
};

struct costs {
	struct program_cost program[PROGRAMS];
	unsigned int n;
	struct spread floor; /* two empty programs */
	struct spread state; /* all of the tracepoint, for one change */
	struct spread total; /* all programs, us a connection */
};

struct reading {
	__u64 ns, runs;
};

static struct reading read_fd(int fd, char name[BPF_OBJ_NAME_LEN],
			      __u32 *attach)
{
	struct bpf_prog_info info = {};
	__u32 len = sizeof(info);

	if (bpf_obj_get_info_by_fd(fd, &info, &len))
		bench_die("cannot ask for a program: %s", strerror(errno));
	if (name)
		memcpy(name, info.name, BPF_OBJ_NAME_LEN);
	if (attach)
		*attach = info.attach_btf_id;
	return (struct reading){ info.run_time_ns, info.run_cnt };
}

/* The ids of a process's programs, from what its descriptors are. */
static unsigned int program_ids(pid_t pid, __u32 ids[PROGRAMS])
{
	unsigned int n = 0, id, i;
	struct dirent *entry;
	char path[300], line[128];
	FILE *file;
	DIR *dir;

	snprintf(path, sizeof(path), "/proc/%d/fdinfo", pid);
	dir = opendir(path);
	while (dir && (entry = readdir(dir))) {
		snprintf(path, sizeof(path), "/proc/%d/fdinfo/%s", pid,
			 entry->d_name);
		file = fopen(path, "r");
		while (file && fgets(line, sizeof(line), file)) {
			if (sscanf(line, "prog_id: %u", &id) != 1)
				continue;
			for (i = 0; i < n && ids[i] != id; i++)
				;
			if (i == n && n < PROGRAMS)
				ids[n++] = id;
		}
		if (file)
			fclose(file);
	}
	if (dir)
		closedir(dir);
	return n;
}

static struct program_cost *cost_of(struct costs *c, const char *name)
{
	unsigned int i;

	for (i = 0; i < c->n; i++)
		if (!strcmp(c->program[i].name, name))
			return &c->program[i];
	if (c->n == PROGRAMS)
		bench_die("too many programs");
	strcpy(c->program[c->n].name, name);
	return &c->program[c->n++];
}

struct attached {
	unsigned int n;
	int fd[PROGRAMS];
	struct reading before[PROGRAMS];
};

static void begin(struct attached *a, pid_t pid)
{
	__u32 ids[PROGRAMS];
	unsigned int i;

	a->n = program_ids(pid, ids);
	for (i = 0; i < a->n; i++) {
		a->fd[i] = bpf_prog_get_fd_by_id(ids[i]);
		if (a->fd[i] < 0)
			bench_die("a program is gone");
		a->before[i] = read_fd(a->fd[i], NULL, NULL);
	}
}

/* What has been spent since begin(); @state: which tracepoint counts. */
static void end(struct attached *a, struct costs *c, __u32 state)
{
	double on_state = 0, total = 0;
	char name[BPF_OBJ_NAME_LEN];
	struct program_cost *p;
	struct reading now;
	unsigned int i;
	__u32 attach;

	for (i = 0; i < a->n; i++) {
		now = read_fd(a->fd[i], name, &attach);
		close(a->fd[i]);
		now.ns -= a->before[i].ns;
		now.runs -= a->before[i].runs;
		if (!now.runs)
			continue;
		p = cost_of(c, name);
		p->on_state = attach == state;
		spread_add(&p->ns, (double)now.ns / now.runs);
		spread_add(&p->runs, (double)now.runs / CONNECTIONS);
		total += now.ns;
		/* per run, not per event: others' sockets may have come in */
		if (p->on_state)
			on_state += (double)now.ns / now.runs;
	}
	spread_add(&c->state, on_state);
	spread_add(&c->total, total / 1000 / CONNECTIONS);
}

/* The same of the empty programs, for one change. */
static void end_floor(struct attached *a, struct costs *c)
{
	struct reading now;
	unsigned int i;
	double ns = 0;

	for (i = 0; i < a->n; i++) {
		now = read_fd(a->fd[i], NULL, NULL);
		ns += (double)now.ns / now.runs;
		close(a->fd[i]);
	}
	spread_add(&c->floor, ns);
}

/* One run of the load with a tracer and the empty programs. */
static void measure(struct costs *c, const struct tracer *tracer)
{
	const struct tracer two = {
		.name = "two empty programs",
		.argv = { tracer_built("tests/bench/bench"), "--floor", "two" },
	};
	struct tracer_run empty, run;
	struct attached floor, attached;
	__u32 state;

	tracer_start(&empty, &two);
	tracer_start(&run, tracer);
	begin(&floor, empty.pid);
	read_fd(floor.fd[0], NULL, &state);
	begin(&attached, run.pid);
	load_connect(CONNECTIONS);
	end(&attached, c, state);
	end_floor(&floor, c);
	tracer_stop(&run);
	tracer_stop(&empty);
}

static void print(const struct tracer *tracer, struct costs *c)
{
	struct table t = {};
	unsigned int i;

	printf("%s:\n\n", tracer->name);
	table_row(&t, "Program", "ns a run", "runs a connection", NULL);
	for (i = 0; i < c->n; i++)
		table_row(&t,
			  cell("%s%s", c->program[i].name,
			       c->program[i].on_state ? " \\*" : ""),
			  spread_text(&c->program[i].ns, 0),
			  cell("%.1f", spread_median(&c->program[i].runs)),
			  NULL);
	table_row(&t, "a change of state: all with \\*",
		  spread_text(&c->state, 0), "10", NULL);
	table_row(&t, "two empty programs there", spread_text(&c->floor, 0),
		  "10", NULL);
	table_row(&t, "a connection: all programs",
		  cell("%s us", spread_text(&c->total, 1)), "1", NULL);
	table_print(&t);
}

static void note_goal(const struct tracer *tracer, struct costs *c)
{
	double ns = spread_median(&c->state);
	const char *measured = cell("%.0f ns, empty %.0f", ns,
				    spread_median(&c->floor));

	if (!strcmp(tracer->name, PLAIN))
		goal("BPF time of a change of state, both copies", "<= 400 ns",
		     measured, ns <= 400);
	if (!strcmp(tracer->name, FILTERED))
		goal("the same, filtered", "<= 180 ns", measured, ns <= 180);
}

static void forget(struct costs *c)
{
	unsigned int i;

	for (i = 0; i < c->n; i++) {
		spread_free(&c->program[i].ns);
		spread_free(&c->program[i].runs);
	}
	spread_free(&c->floor);
	spread_free(&c->state);
	spread_free(&c->total);
	free(c);
}

void part_cost(unsigned int rounds)
{
	const char *scope = tracer_built("tcbscope");
	const char *all = tracer_all_types();
	const struct tracer tracers[] = {
		{ .name = PLAIN,
		  .argv = { scope, "trace" },
		  .says = TRACER_ACCOUNT },
		{ .name = "tcbscope, states only",
		  .argv = { scope, "trace", "--events", "state" },
		  .says = TRACER_ACCOUNT },
		{ .name = "tcbscope, everything on",
		  .argv = { scope, "trace", "--windows", "--events", all },
		  .says = TRACER_ACCOUNT },
		{ .name = "tcbscope, queues",
		  .argv = { scope, "trace", "--events", "queue" },
		  .says = TRACER_ACCOUNT },
		{ .name = "tcbscope, queues, each SYN",
		  .argv = { scope, "trace", "--events", "queue", "--tiers",
			    "1,2,3" },
		  .says = TRACER_ACCOUNT },
		{ .name = "tcbscope, segments too",
		  .argv = { scope, "trace", "--segments" },
		  .says = TRACER_ACCOUNT },
		{ .name = FILTERED,
		  .argv = { scope, "trace", "--port", "1" },
		  .says = TRACER_ACCOUNT },
		{ .name = "tcbscope, another owner",
		  .argv = { scope, "trace", "--pid", "1" },
		  .says = TRACER_ACCOUNT },
		{ .name = "tcbscope, another address",
		  .argv = { scope, "trace", "--addr", "10.0.0.0/8" },
		  .says = TRACER_ACCOUNT },
		{ .name = "tcbscope, calls of another owner",
		  .argv = { scope, "trace", "--events", "call", "--pid", "1" },
		  .says = TRACER_ACCOUNT },
		{ .name = "tcpstates",
		  .argv = { "tcpstates" },
		  .says = TRACER_LINES },
	};
	int stats = bpf_enable_stats(BPF_STATS_RUN_TIME);
	unsigned int i, round;
	struct costs *c;

	if (stats < 0)
		bench_die("no statistics of BPF: %s", strerror(errno));
	for (i = 0; i < sizeof(tracers) / sizeof(*tracers); i++) {
		if (!tracer_wanted(&tracers[i]))
			continue;
		c = calloc(1, sizeof(*c));
		if (!c)
			bench_die("out of memory");
		for (round = 0; round < (rounds ?: ROUNDS); round++)
			measure(c, &tracers[i]);
		print(&tracers[i], c);
		note_goal(&tracers[i], c);
		forget(c);
	}
	close(stats);
}
