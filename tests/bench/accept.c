// SPDX-License-Identifier: GPL-2.0
/*
 * How true the times of accept() are: those in queue events, against the clock
 * of the application, read right before and after each call.
 */
#include "bench.h"
#include "lab/netns.h"
#include "lab/witness.h"
#include "tests/lib/stream.h"

#include <errno.h>
#include <json-c/json.h>
#include <netinet/in.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#define CONNECTIONS 2000

/* Of each call, and what its event has said. */
struct times {
	uint64_t before[CONNECTIONS], after[CONNECTIONS], told[CONNECTIONS];
	unsigned int n; /* events so far */
};

/* They come in the order of the calls. */
static void note(void *ctx, struct json_object *event)
{
	struct times *t = ctx;

	if (strcmp(witness_string(event, "op") ?: "", "accepted"))
		return;
	if (t->n == CONNECTIONS)
		bench_die("there are more events than calls");
	t->told[t->n++] = witness_number(event, "ts_ns");
}

/* One connection at a time, over loopback. */
static void accept_all(struct times *t)
{
	struct sockaddr_in addr = { .sin_family = AF_INET,
				    .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
	int listener = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0), to, fd;
	socklen_t len = sizeof(addr);
	unsigned int i;

	if (listener < 0 || listen(listener, 8) ||
	    getsockname(listener, (struct sockaddr *)&addr, &len))
		bench_die("cannot listen: %s", strerror(errno));
	addr.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	for (i = 0; i < CONNECTIONS; i++) {
		to = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
		if (to < 0 || connect(to, (struct sockaddr *)&addr, len))
			bench_die("cannot connect: %s", strerror(errno));
		t->before[i] = bench_now_ns();
		fd = accept(listener, NULL, NULL);
		t->after[i] = bench_now_ns();
		if (fd < 0)
			bench_die("cannot accept: %s", strerror(errno));
		close(to);
		close(fd);
	}
}

static void print(const struct times *t)
{
	struct spread error = {}, took = {};
	unsigned int i, outside = 0;
	struct table table = {};

	for (i = 0; i < CONNECTIONS; i++) {
		spread_add(&took, (t->after[i] - t->before[i]) / 1000.0);
		spread_add(&error, (t->after[i] - t->told[i]) / 1000.0);
		outside += t->told[i] < t->before[i] ||
			   t->told[i] > t->after[i];
	}
	table_row(&table, "What", "us", NULL);
	table_row(&table, "accept(), by the application", spread_text(&took, 1),
		  NULL);
	table_row(&table, "its event, before accept() has returned",
		  spread_text(&error, 1), NULL);
	table_row(&table, "events outside of their call",
		  cell("%u of %u", outside, CONNECTIONS), NULL);
	table_print(&table);
	goal("time of accept(), median error", "in the call",
	     cell("%.1f us", spread_median(&error)), !outside);
	spread_free(&error);
	spread_free(&took);
}

static void measure(void)
{
	char *args[] = { "--events", "queue", NULL };
	struct times *t = calloc(1, sizeof(*t));
	struct stream stream;
	const char *flaw;

	if (!t || netns_enter(netns_create()))
		bench_die("cannot make a network namespace");
	if (stream_start(&stream, args))
		bench_die("cannot start a trace");
	accept_all(t);
	if (stream_end(&stream))
		bench_die("the trace has failed");
	flaw = stream_flaw(&stream, note, t);
	if (*flaw || t->n != CONNECTIONS)
		bench_die("%u events of %u: %s", t->n, CONNECTIONS, flaw);
	stream_free(&stream);
	print(t);
	free(t);
}

void part_accept(unsigned int rounds)
{
	(void)rounds;
	measure();
}
