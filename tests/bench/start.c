// SPDX-License-Identifier: GPL-2.0
/*
 * How soon a trace shows something: from exec to the first event that can be
 * read from its output, with a connection made every millisecond. This is wall
 * time, there is no other way; the least one is the machine's doing least.
 */
#include "bench.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#define ROUNDS 25
#define TEXT_LEN (64 << 10)

static const struct starter {
	const char *name;
	const char *argv[4]; /* argv[0]: built by us if @ours */
	bool ours;
	const char *event; /* what an event's line has, and no other line */
} starters[] = {
	{ "tcbscope trace -j", { "tcbscope", "trace", "-j" }, true, "\"old\":" },
	{ "tcbscope trace", { "tcbscope", "trace" }, true, " -> " },
	{ "tcpstates", { "tcpstates" }, false, "SYN_SENT" },
};

#define STARTERS (sizeof(starters) / sizeof(*starters))

static pid_t start(const struct starter *s, int out)
{
	const char *argv[4];
	int null;
	pid_t pid;

	memcpy(argv, s->argv, sizeof(argv));
	if (s->ours)
		argv[0] = tracer_built(argv[0]);
	pid = fork();
	if (pid < 0)
		bench_die("cannot fork: %s", strerror(errno));
	if (pid)
		return pid;
	null = open("/dev/null", O_RDWR | O_CLOEXEC);
	tracer_execute(argv, out, null);
}

/* Wall and CPU milliseconds from exec to an event; false: it never came. */
static bool first_event(const struct starter *s, double *wall_ms,
			double *cpu_ms)
{
	static char text[TEXT_LEN];
	uint64_t begin = bench_now_ns();
	struct rusage used;
	bool came = false;
	size_t len = 0;
	int fds[2];
	ssize_t n;
	pid_t pid;

	if (pipe2(fds, O_CLOEXEC))
		bench_die("no pipe: %s", strerror(errno));
	pid = start(s, fds[1]);
	close(fds[1]);
	while (len + 1 < sizeof(text) &&
	       (n = read(fds[0], text + len, sizeof(text) - 1 - len)) > 0) {
		len += n;
		text[len] = '\0';
		if (!strstr(text, s->event))
			continue;
		*wall_ms = (bench_now_ns() - begin) / 1e6;
		came = true;
		break;
	}
	kill(pid, SIGKILL);
	wait4(pid, NULL, 0, &used);
	close(fds[0]);
	*cpu_ms = bench_used_ms(&used);
	return came;
}

void part_start(unsigned int rounds)
{
	struct spread ms[STARTERS] = {}, cpu[STARTERS] = {};
	unsigned int round, i;
	struct table t = {};
	pid_t trickle = load_trickle();

	for (round = 0; round < (rounds ?: ROUNDS); round++)
		for (i = 0; i < STARTERS; i++) {
			double wall_ms, cpu_ms;

			if (!first_event(&starters[i], &wall_ms, &cpu_ms))
				continue;
			spread_add(&ms[i], wall_ms);
			spread_add(&cpu[i], cpu_ms);
		}
	kill(trickle, SIGKILL);
	waitpid(trickle, NULL, 0);
	goal("from exec to the first event", "<= 50 ms",
	     cell("%s ms", spread_text(&ms[0], 0)),
	     ms[0].n && spread_median(&ms[0]) <= 50);
	table_row(&t, "Tracer", "ms from exec to an event", "least", "CPU ms",
		  NULL);
	for (i = 0; i < STARTERS; i++) {
		if (ms[i].n)
			table_row(&t, starters[i].name, spread_text(&ms[i], 0),
				  cell("%.0f", spread_quantile(&ms[i], 0)),
				  spread_text(&cpu[i], 0), NULL);
		spread_free(&ms[i]);
		spread_free(&cpu[i]);
	}
	table_print(&t);
}
