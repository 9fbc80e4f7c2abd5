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

static void print_sample(FILE *file, const char *name, const struct listener *l,
			 const char *rule, double value)
{
	const struct event *e = &l->ev;
	char addr[SCHEMA_ADDR_LEN], comm[sizeof(e->comm) * 4 + 1];

	schema_addr(e->family, &e->laddr, addr);
	say_escape(comm, sizeof(comm), e->comm,
		   strnlen(e->comm, sizeof(e->comm)));
	fprintf(file, "tcbscope_listener_%s{", name);
	print_label(file, "addr", addr);
	/* listeners that share a port differ by their cookies */
	fprintf(file, ",port=\"%u\",netns=\"%u\",cookie=\"%llu\",pid=\"%u\",",
		e->lport, e->netns, (unsigned long long)l->cookie, e->pid);
	print_label(file, "comm", comm);
	if (rule) {
		putc(',', file);
		print_label(file, "rule", rule);
	}
	fprintf(file, "} %.9g\n", value);
}

static double known(__u32 n)
{
	return n == ~0u ? NAN : n;
}

static double per_second(uint64_t n, const struct listeners_view *v)
{
	return v->watched ? n * 1e9 / (v->end - v->begin) : NAN;
}

static double seconds(nsec_t ns)
{
	return ns == ~0ull ? NAN : ns / 1e9;
}

typedef double value_fn(const struct listener *l,
			const struct listeners_view *v);

#define VALUE(name, expression)                            \
	static double name(const struct listener *l,       \
			   const struct listeners_view *v) \
	{                                                  \
		(void)l;                                   \
		(void)v;                                   \
		return expression;                         \
	}

VALUE(syn, known(l->syn))
VALUE(accept_queue, known(l->accept))
VALUE(limit, known(l->limit))
VALUE(peak, v->watched ? l->last.peak : NAN)
VALUE(full, per_second(l->last.full, v))
VALUE(accepted, per_second(l->last.accepted, v))
VALUE(p50, seconds(spans_percentile(&l->last.wait, 50)))
VALUE(p99, seconds(spans_percentile(&l->last.wait, 99)))
VALUE(longest, seconds(l->last.wait.n ? l->last.wait.max : ~0ull))
VALUE(cookies_sent, per_second(l->last.cookies_sent, v))
VALUE(sk_drops, known(l->sk_drops))

static double oldest(const struct listener *l, const struct listeners_view *v)
{
	nsec_t since = listener_first(l).since;

	return since ? seconds(v->end - since) : NAN;
}

static const struct metric {
	const char *name, *help;
	value_fn *value;
	const char *unit;
} metrics[] = {
	{ "syn_queue", "Requests in the SYN queue.", syn, NULL },
	{ "accept_queue", "Connections in the accept queue.", accept_queue,
	  NULL },
	{ "limit", "Limit of each queue, which holds one more.", limit, NULL },
	{ "accept_queue_peak", "The most in the accept queue.", peak, NULL },
	{ "accept_queue_full",
	  "How often a second the accept queue became full.", full, NULL },
	{ "oldest_seconds", "For how long the first has waited to be accepted.",
	  oldest, "seconds" },
	{ "accepted", "Connections accepted a second.", accepted, NULL },
	{ "wait_p50_seconds",
	  "Time in the accept queue that half did not exceed.", p50,
	  "seconds" },
	{ "wait_p99_seconds",
	  "Time in the accept queue that 99 of 100 did not exceed.", p99,
	  "seconds" },
	{ "wait_max_seconds", "The longest time in the accept queue.", longest,
	  "seconds" },
	{ "cookies_sent", "SYN cookies sent a second.", cookies_sent, NULL },
	{ "sk_drops", "Drops as the kernel counts them, some of them twice.",
	  sk_drops, NULL },
};

/*
 * All are gauges: the collector's parser, which is that of an older format,
 * does not know the names that counters have in this one.
 */
static void print_head(FILE *file, const char *name, const char *unit,
		       const char *help)
{
	fprintf(file, "# TYPE tcbscope_listener_%s gauge\n", name);
	if (unit)
		fprintf(file, "# UNIT tcbscope_listener_%s %s\n", name, unit);
	fprintf(file, "# HELP tcbscope_listener_%s %s\n", name, help);
}

static void print_metric(FILE *file, const struct metric *m,
			 const struct listeners *l,
			 const struct listeners_view *v)
{
	double value;
	size_t i;

	print_head(file, m->name, m->unit, m->help);
	for (i = 0; i < l->n; i++) {
		value = m->value(l->listener[i], v);
		if (!isnan(value))
			print_sample(file, m->name, l->listener[i], NULL,
				     value);
	}
}

/* By the kernel's rules, those that were met. */
static void print_drops(FILE *file, const struct listener *l,
			const struct listeners_view *v)
{
	const uint64_t *by = l->last.dropped_by;
	unsigned int i;

	for (i = 1; i < LISTENER_RULES && v->watched; i++)
		if (by[i])
			print_sample(file, "dropped", l,
				     schema_name(v->schema, EVENT_queue, "rule",
						 i),
				     per_second(by[i], v));
}

void openmetrics_print(FILE *file, const struct listeners *l,
		       const struct listeners_view *v)
{
	unsigned int i;
	size_t k;

	for (i = 0; i < sizeof(metrics) / sizeof(*metrics); i++)
		print_metric(file, &metrics[i], l, v);
	print_head(file, "dropped", NULL,
		   "Connections dropped a second, by the kernel's rule.");
	for (k = 0; k < l->n; k++)
		print_drops(file, l->listener[k], v);
	fprintf(file, "# EOF\n");
}
