// SPDX-License-Identifier: GPL-2.0
/* A metric is a column: its value for each listener, the unknown ones left out.
 */
#include "lib/say.h"
#include "output/listeners.h"

#include <math.h>
#include <string.h>

/* As the format wants it; say_escape() has left nothing but printable text. */
static void print_label(FILE *file, const char *name, const char *value)
{
	fprintf(file, "%s=\"", name);
	for (; *value; value++) {
		if (*value == '"' || *value == '\\')
			putc('\\', file);
		putc(*value, file);
	}
	putc('"', file);
}

static void print_labels(FILE *file, const struct event *e)
{
	char addr[SCHEMA_ADDR_LEN], comm[sizeof(e->comm) * 4 + 1];

	schema_addr(e->family, &e->laddr, addr);
	say_escape(comm, sizeof(comm), e->comm,
		   strnlen(e->comm, sizeof(e->comm)));
	putc('{', file);
	print_label(file, "addr", addr);
	fprintf(file, ",port=\"%u\",netns=\"%u\",pid=\"%u\",", e->lport,
		e->netns, e->pid);
	print_label(file, "comm", comm);
	putc('}', file);
}

static double known(__u32 n)
{
	return n == ~0u ? NAN : n;
}

static double syn(const struct listener *l, double seconds)
{
	(void)seconds;
	return known(l->syn);
}

static double accept(const struct listener *l, double seconds)
{
	(void)seconds;
	return known(l->accept);
}

static double limit(const struct listener *l, double seconds)
{
	(void)seconds;
	return known(l->limit);
}

static double peak(const struct listener *l, double seconds)
{
	return seconds > 0 ? l->last.peak : NAN;
}

static double full(const struct listener *l, double seconds)
{
	return seconds > 0 ? l->last.full / seconds : NAN;
}

static double rate(const struct listener *l, double seconds)
{
	return seconds > 0 ? l->last.accepted / seconds : NAN;
}

static double percentile(const struct listener *l, unsigned int percent)
{
	nsec_t ns = spans_percentile(&l->last.wait, percent);

	return ns == ~0ull ? NAN : ns / 1e9;
}

static double p50(const struct listener *l, double seconds)
{
	(void)seconds;
	return percentile(l, 50);
}

static double p99(const struct listener *l, double seconds)
{
	(void)seconds;
	return percentile(l, 99);
}

static const struct {
	const char *name, *unit, *help;
	double (*value)(const struct listener *l, double seconds);
} metrics[] = {
	{ "syn_queue", NULL, "Requests in the SYN queue.", syn },
	{ "accept_queue", NULL, "Connections in the accept queue.", accept },
	{ "limit", NULL, "Limit of each queue, which holds one more.", limit },
	{ "accept_queue_peak", NULL, "The most in the accept queue.", peak },
	{ "accept_queue_full", NULL,
	  "How often a second the accept queue became full.", full },
	{ "accepted", NULL, "Connections accepted a second.", rate },
	{ "wait_p50_seconds", "seconds",
	  "Time in the accept queue that half did not exceed.", p50 },
	{ "wait_p99_seconds", "seconds",
	  "Time in the accept queue that 99 of 100 did not exceed.", p99 },
};

void openmetrics_print(FILE *file, const struct listeners *l,
		       const struct listeners_view *v)
{
	double seconds = v->watched ? (v->end - v->begin) / 1e9 : 0;
	unsigned int i;
	size_t k;

	for (i = 0; i < sizeof(metrics) / sizeof(*metrics); i++) {
		fprintf(file, "# TYPE tcbscope_listener_%s gauge\n",
			metrics[i].name);
		if (metrics[i].unit)
			fprintf(file, "# UNIT tcbscope_listener_%s %s\n",
				metrics[i].name, metrics[i].unit);
		fprintf(file, "# HELP tcbscope_listener_%s %s\n",
			metrics[i].name, metrics[i].help);
		for (k = 0; k < l->n; k++) {
			double value = metrics[i].value(l->listener[k],
							seconds);

			if (isnan(value))
				continue;
			fprintf(file, "tcbscope_listener_%s", metrics[i].name);
			print_labels(file, &l->listener[k]->ev);
			fprintf(file, " %.9g\n", value);
		}
	}
	fprintf(file, "# EOF\n");
}
