// SPDX-License-Identifier: GPL-2.0
/* Waits for what the trace, or the kernel's tables, show of an end. */
#include "lab/end.h"
#include "lab/judge.h"
#include "lab/spell.h"
#include "lab/stage.h"
#include "lab/witness.h"
#include "lib/clock.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdio.h>

uint64_t end_seen_ns(struct end *e, const char *type, const char *item,
		     unsigned int n)
{
	struct stage *s = e->stage;
	struct sighting what = { .type = type };
	uint64_t deadline_ns = clock_now_ns() + stage_patience_ns(s);
	struct json_object *event;
	unsigned int seen = 0;
	char words[256];
	size_t from = 0;

	while (!stage_failed(s)) {
		while ((event = witness_next(s->tracer->witness, &what,
					     &from))) {
			if (stage_has(s, e->side, event) &&
			    judge_item(item, spell(event, false, words,
						   sizeof(words))) &&
			    ++seen == n)
				return witness_number(event, "ts_ns");
		}
		if (witness_more(s->tracer->witness, deadline_ns))
			stage_fail(
				s,
				"%c: the trace did not show: %s %s (%u of %u)",
				'@' + e->side, type, item, seen, n);
	}
	return 0;
}

void end_seen_times(struct end *e, const char *type, const char *item,
		    unsigned int n)
{
	end_seen_ns(e, type, item, n);
}

void end_seen(struct end *e, const char *type, const char *item)
{
	end_seen_times(e, type, item, 1);
}

static int do_open_table(void *arg)
{
	int fd = open(arg, O_RDONLY | O_CLOEXEC);

	return fd < 0 ? -errno : fd;
}

/* The lines with that local port, and in that state; 0: in any. */
static int end_count_in(FILE *table, uint16_t port, int state)
{
	unsigned int lport, is;
	char line[256];
	int n = 0;

	while (fgets(line, sizeof(line), table))
		if (sscanf(line, "%*d: %*[0-9A-F]:%x %*[0-9A-F]:%*x %x", &lport,
			   &is) == 2 &&
		    (!port || lport == port) &&
		    (!state || is == (unsigned int)state))
			n++;
	return n;
}

static int end_count_once(struct end *e, uint16_t port, int state)
{
	/* Not /proc/net: that is the namespace of the process's leader. */
	static char *const paths[] = { "/proc/thread-self/net/tcp",
				       "/proc/thread-self/net/tcp6" };
	struct stage *s = e->stage;
	int netns = s->pair.side[stage_side(e->side)].fd, i, n = 0;

	for (i = 0; i < 2 && !stage_failed(s); i++) {
		FILE *table = NULL;
		int fd;

		fd = netns_call(netns, do_open_table, paths[i]);
		if (fd >= 0)
			table = fdopen(fd, "r");
		if (table) {
			n += end_count_in(table, port, state);
			fclose(table);
		}
	}
	return n;
}

/* The table is read page by page, and one may be left out: two that agree. */
int end_count(struct end *e, uint16_t port, int state)
{
	int before, n = -1;

	do {
		before = n;
		n = end_count_once(e, port, state);
	} while (n != before);
	return n;
}

/*
 * Between two looks at what is waited for since @begin_ns. False: it has been
 * long enough.
 */
static bool end_pause(struct end *e, uint64_t begin_ns)
{
	witness_read(e->stage->tracer->witness);
	clock_pause(begin_ns);
	return clock_now_ns() - begin_ns < stage_patience_ns(e->stage);
}

/* The state of the process, a letter as in /proc/PID/stat. */
static char end_process_state(const struct end *e)
{
	char path[64], state = 'X';
	FILE *file;

	snprintf(path, sizeof(path), "/proc/%d/stat", e->actor.pid);
	file = fopen(path, "re");
	if (!file || fscanf(file, "%*d (%*[^)]) %c", &state) != 1)
		state = 'X';
	if (file)
		fclose(file);
	return state;
}

/* It answers before it sleeps again: with no answer it sleeps in the call. */
bool end_sleeps(struct end *e)
{
	struct pollfd answer = { .fd = e->actor.fd, .events = POLLIN };
	uint64_t begin_ns = clock_now_ns();

	while (!stage_failed(e->stage)) {
		if (end_process_state(e) == 'S')
			return !poll(&answer, 1, 0);
		if (!end_pause(e, begin_ns))
			stage_fail(e->stage, "%c: %s does not rest",
				   '@' + e->side, e->said);
	}
	return false;
}

void end_wait(struct end *e, uint16_t port, int state)
{
	uint64_t begin_ns = clock_now_ns();

	while (!stage_failed(e->stage) && !end_count(e, port, state)) {
		if (!end_pause(e, begin_ns))
			stage_fail(e->stage,
				   "%c: no socket of port %u in state %d",
				   '@' + e->side, port, state);
	}
}

void end_none(struct end *e, uint16_t port, int state)
{
	uint64_t begin_ns = clock_now_ns();

	while (!stage_failed(e->stage) && end_count(e, port, state)) {
		if (!end_pause(e, begin_ns))
			stage_fail(e->stage, "%c: a socket of port %u stays",
				   '@' + e->side, port);
	}
}

void end_gone(struct end *e, uint16_t port)
{
	end_none(e, port, 0);
}
