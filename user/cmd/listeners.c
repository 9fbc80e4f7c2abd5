// SPDX-License-Identifier: GPL-2.0
/* tcbscope listeners: both queues of each listener, watched for a while. */
#include "cmd/blind.h"
#include "cmd/cmd.h"
#include "cmd/columns.h"
#include "cmd/select.h"
#include "event/listeners.h"
#include "input/input.h"
#include "lib/clock.h"
#include "lib/inode.h"
#include "lib/json.h"
#include "lib/opt.h"
#include "lib/priv.h"
#include "lib/say.h"
#include "output/openmetrics.h"
#include "output/table.h"

#include <argp.h>
#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>

#define POLL_MS 10
#define BAR 5 /* characters of fullness */

struct options {
	struct select select;
	uint64_t interval_ns;
	uint64_t count; /* of intervals; 0: until a signal */
	bool now, tree, json, openmetrics, no_headings, quiet, debug;
};

/* An output of the pipeline: it adds up what comes. */
struct lister {
	struct output output; /* the pipeline's */
	struct listeners *listeners;
};

struct watch {
	struct options opt;
	struct input_bpf *in;
	struct schema *schema;
	struct pipeline *pipeline;
	struct listeners listeners;
	nsec_t begin; /* of the interval */
	bool printed, elsewhere;
};

enum { OPT_NOW = 256, OPT_TREE, OPT_OPENMETRICS, OPT_DEBUG };

static const struct argp_option options[] = {
	{ "interval", 'i', "TIME", 0,
	  "watch for this long, again and again (1s, 500ms)", 2 },
	{ "count", 'c', "N", 0, "end after so many intervals", 2 },
	{ "now", OPT_NOW, NULL, 0, "only how full the queues are now", 2 },
	{ "tree", OPT_TREE, NULL, 0, "below each listener who waits in it", 2 },
	{ "json", 'j', NULL, 0, "JSON instead of a table: a line an interval",
	  3 },
	{ "openmetrics", OPT_OPENMETRICS, NULL, 0,
	  "metrics for a collector of text files", 3 },
	{ "noheadings", 'n', NULL, 0, "no line of headings", 3 },
	{ "quiet", 'q', NULL, 0, "no notes on standard error", 3 },
	{ "debug", OPT_DEBUG, NULL, 0, "show what libbpf says", 4 },
	{ NULL, 'h', NULL, OPTION_HIDDEN, NULL, 0 },
	{}
};

static const char doc[] =
	"Watches the queues of all listeners, for a second and once by default.\n"
	"\n"
	"  tcbscope listeners                all of them, the fullest first\n"
	"  tcbscope listeners --now          only how full they are\n"
	"  tcbscope listeners -i 1s          a table each second\n"
	"  tcbscope listeners --port 443     one port\n"
	"  tcbscope listeners -j | jq .      for programs\n"
	"\v"
	"SYN and ACCEPT are the depths of the two queues, and the limit of both. "
	"P50, P99 and MAX tell how long accepted connections had waited, RATE how "
	"many a second were accepted. ~ marks what is derived, not seen.";

static volatile sig_atomic_t ended;

static void on_signal(int number)
{
	ended = number;
}

static error_t parse(int key, char *arg, struct argp_state *state)
{
	struct options *opt = state->input;

	switch (key) {
	case ARGP_KEY_INIT:
		state->child_inputs[0] = &opt->select;
		break;
	case 'i':
		if (opt_duration_ns(arg, &opt->interval_ns) ||
		    !opt->interval_ns)
			opt_wrong(state, "--interval: not a time", arg);
		break;
	case 'c':
		if (opt_number(arg, 1, UINT64_MAX, &opt->count))
			opt_wrong(state, "--count: not a number above 0", arg);
		break;
	case OPT_NOW:
		opt->now = true;
		break;
	case OPT_TREE:
		opt->tree = true;
		break;
	case 'j':
		opt->json = true;
		break;
	case OPT_OPENMETRICS:
		opt->openmetrics = true;
		break;
	case 'n':
		opt->no_headings = true;
		break;
	case 'q':
		opt->quiet = true;
		break;
	case OPT_DEBUG:
		opt->debug = true;
		break;
	case 'h':
		argp_state_help(state, stdout, ARGP_HELP_STD_HELP);
		break;
	default:
		return ARGP_ERR_UNKNOWN;
	}
	return 0;
}

/* What an output has to have: nothing is written before an interval ends. */
static int lister_header(struct output *o, const struct trace_info *info)
{
	(void)o;
	(void)info;
	return 0;
}

static int lister_event(struct output *o, const struct event *e,
			struct flow *flow, bool *shown)
{
	(void)flow;
	(void)shown;
	return listeners_add(((struct lister *)o)->listeners, e);
}

static int lister_flush(struct output *o, nsec_t now_ns)
{
	(void)o;
	(void)now_ns;
	return 0;
}

static int lister_footer(struct output *o, const struct account *account)
{
	(void)o;
	(void)account;
	return 0;
}

static void lister_free(struct output *o)
{
	free(o);
}

static const struct output_ops lister_ops = {
	.header = lister_header,
	.event = lister_event,
	.flush = lister_flush,
	.footer = lister_footer,
	.free = lister_free,
};

static int no_memory(void)
{
	return say_fail(EXIT_FAILED, NULL, NULL, "out of memory");
}

static int make_pipeline(struct watch *w, struct input_bpf_options *input)
{
	struct lister *lister = calloc(1, sizeof(*lister));
	struct filter *filter = NULL;
	int code;

	if (!lister)
		return no_memory();
	lister->output.ops = &lister_ops;
	lister->listeners = &w->listeners;
	input->asked = 1u << EVENT_socket;
	if (!w->opt.now)
		input->asked |= 1u << EVENT_queue;
	code = select_apply(&w->opt.select, w->schema, input->asked, &filter,
			    &input->config);
	if (code) {
		free(lister);
		return code;
	}
	w->pipeline = pipeline_new(w->schema, filter, 0);
	if (!w->pipeline || pipeline_add_output(w->pipeline, &lister->output)) {
		free(lister);
		return no_memory();
	}
	input->config.events = input->asked;
	return EXIT_DONE;
}

static int start(struct watch *w)
{
	struct input_bpf_options input = {
		.ring_bytes = RING_DEFAULT,
		.debug = w->opt.debug,
	};
	struct input_error error;
	int code;

	w->in = input_bpf_open(w->opt.debug);
	if (w->in)
		w->schema = schema_new(input_bpf_btf(w->in));
	if (!w->schema)
		return say_fail(EXIT_FAILED, NULL, "--debug shows more",
				"cannot open the BPF object: %s",
				strerror(errno));
	code = make_pipeline(w, &input);
	if (code)
		return code;
	if (input_bpf_start(w->in, &input, &error))
		return say_fail(error.code, error.why, error.then, "%s",
				error.what);
	if (!w->opt.quiet)
		blind_say(input_bpf_blind(w->in));
	if (priv_drop() && !w->opt.quiet)
		say_note("cannot drop capabilities; going on with them");
	return EXIT_DONE;
}

/* Reads until @end, or a signal, and in any case all that existed before. */
static int watch_until(struct watch *w, nsec_t end)
{
	nsec_t complete;
	int err = 0;

	do {
		if (!input_bpf_existing(w->in))
			poll(NULL, 0, POLL_MS);
		err = input_bpf_read(w->in, pipeline_push, w->pipeline,
				     &complete);
		if (!err)
			err = pipeline_release(w->pipeline, complete);
	} while (!err && (input_bpf_existing(w->in) ||
			  (!ended && clock_now_ns() < end)));
	return err;
}

static void depth_text(char *to, __u32 n, const struct listener *l)
{
	if (n == ~0u)
		snprintf(to, COLUMN_TEXT, "?/%u", l->limit);
	else
		snprintf(to, COLUMN_TEXT, "%s%u/%u",
			 l->depth_how == HOW_derived ? "~" : "", n, l->limit);
}

/* ###--: how full the accept queue is. */
static void bar_text(char *to, const struct listener *l)
{
	unsigned int i, full = 0;

	if (l->accept != ~0u && l->accept)
		full = (l->accept * BAR + l->limit) / (l->limit + 1ull);
	for (i = 0; i < BAR; i++)
		to[i] = i < full ? '#' : '-';
	to[BAR] = '\0';
}

enum { LISTENER, OWNER, NETNS, SYN, ACCEPT, FULL, OLDEST, P50, P99, MAX, RATE };

static const struct {
	const char *name;
	unsigned int flags;
	bool watched, elsewhere; /* only if there is something to tell */
} columns[] = {
	[LISTENER] = { "LISTENER", 0, false, false },
	[OWNER] = { "OWNER", TABLE_CUT, false, false },
	[NETNS] = { "NETNS", TABLE_RIGHT, false, true },
	[SYN] = { "SYN", TABLE_RIGHT, false, false },
	[ACCEPT] = { "ACCEPT", TABLE_RIGHT, false, false },
	[FULL] = { "FULL", 0, false, false },
	[OLDEST] = { "OLDEST", TABLE_RIGHT, true, false },
	[P50] = { "P50", TABLE_RIGHT, true, false },
	[P99] = { "P99", TABLE_RIGHT, true, false },
	[MAX] = { "MAX", TABLE_RIGHT, true, false },
	[RATE] = { "RATE", TABLE_RIGHT, true, false },
};

#define COLUMNS (sizeof(columns) / sizeof(*columns))

/* Is there a listener in another network namespace than ours? */
static bool elsewhere(const struct watch *w)
{
	uint64_t own = 0;
	size_t i;

	inode_netns("/proc/self/ns/net", &own);
	for (i = 0; i < w->listeners.n; i++)
		if (w->listeners.listener[i]->ev.netns != own)
			return true;
	return false;
}

static bool shown(const struct watch *w, unsigned int column)
{
	return !(columns[column].watched && w->opt.now) &&
	       !(columns[column].elsewhere && !w->elsewhere);
}

static int add_cells(struct table *table, const struct watch *w,
		     char cells[COLUMNS][COLUMN_TEXT], const char *nothing)
{
	unsigned int i;
	int err = 0;

	for (i = 0; i < COLUMNS && !err; i++)
		if (shown(w, i))
			err = table_cell(table, *cells[i] ? cells[i] : nothing);
	return err;
}

static int add_listener(struct table *table, const struct watch *w,
			const struct listener *l, nsec_t now)
{
	const struct listener_child *oldest = TAILQ_FIRST(&l->waiting);
	const struct spans *wait = &l->last.wait;
	char cells[COLUMNS][COLUMN_TEXT] = {};

	column_end(l->ev.family, &l->ev.laddr, l->ev.lport, cells[LISTENER]);
	column_owner(&l->ev, cells[OWNER]);
	snprintf(cells[NETNS], COLUMN_TEXT, "%u", l->ev.netns);
	depth_text(cells[SYN], l->syn, l);
	depth_text(cells[ACCEPT], l->accept, l);
	bar_text(cells[FULL], l);
	if (oldest)
		column_span(now - oldest->ev.ts_ns, false, cells[OLDEST]);
	column_span(spans_percentile(wait, 50), false, cells[P50]);
	column_span(spans_percentile(wait, 99), false, cells[P99]);
	column_span(wait->n ? wait->max : ~0ull, false, cells[MAX]);
	snprintf(cells[RATE], COLUMN_TEXT, "%.1f",
		 l->last.accepted * 1e9 / (now - w->begin));
	return add_cells(table, w, cells, "-");
}

static int add_children(struct table *table, const struct watch *w,
			const struct listener *l, nsec_t now)
{
	const struct listener_child *child;
	char cells[COLUMNS][COLUMN_TEXT] = {};
	char end[COLUMN_TEXT];
	int err = 0;

	TAILQ_FOREACH(child, &l->waiting, next)
	{
		column_end(child->ev.family, &child->ev.raddr, child->ev.rport,
			   end);
		snprintf(cells[LISTENER], COLUMN_TEXT, "  %.100s", end);
		column_span(now - child->ev.ts_ns, false, cells[OLDEST]);
		err = add_cells(table, w, cells, "");
		if (err)
			break;
	}
	return err;
}

/* Whose limit it is that a queue was full with. */
static void limit_text(char *to, size_t size, const struct listener *l)
{
	if (l->asked == ~0u)
		snprintf(to, size,
			 "the limit of %u is what listen() asked for, or "
			 "net.core.somaxconn",
			 l->limit);
	else if (l->asked > l->limit)
		snprintf(to, size,
			 "the limit of %u is net.core.somaxconn, listen() "
			 "asked for %u",
			 l->limit, l->asked);
	else
		snprintf(to, size, "the limit of %u is what listen() asked for",
			 l->limit);
}

/* What is wrong where an accept queue was full, and what to do. */
static void print_advice(const struct watch *w, const struct listener *l,
			 nsec_t now)
{
	const struct listener_child *oldest = TAILQ_FIRST(&l->waiting);
	char end[COLUMN_TEXT], owner[COLUMN_TEXT], span[COLUMN_TEXT];
	char limit[128];

	if (!l->last.full)
		return;
	column_end(l->ev.family, &l->ev.laddr, l->ev.lport, end);
	column_owner(&l->ev, owner);
	column_span(now - w->begin, false, span);
	printf("\n%s %s: the accept queue was full %llu times in %s\n", end,
	       *owner ? owner : "?", (unsigned long long)l->last.full, span);
	printf("  New clients wait, and time out. The process does not accept "
	       "as fast as\n  they come");
	if (oldest) {
		column_span(now - oldest->ev.ts_ns, false, span);
		printf(": the oldest has waited for %s", span);
	}
	limit_text(limit, sizeof(limit), l);
	printf(".\n  Let it call accept() in time; a longer queue only helps "
	       "against bursts:\n  %s.\n",
	       limit);
}

static int print_table(struct watch *w, nsec_t now)
{
	struct table *table = table_new(stdout, false, !w->opt.no_headings);
	unsigned int i;
	int err = 0;
	size_t k;

	if (!table)
		return -errno;
	w->elsewhere = elsewhere(w);
	for (i = 0; i < COLUMNS && !err; i++)
		if (shown(w, i))
			err = table_column(table, columns[i].name,
					   columns[i].flags);
	for (k = 0; k < w->listeners.n && !err; k++) {
		err = add_listener(table, w, w->listeners.listener[k], now);
		if (!err && w->opt.tree && !w->opt.now)
			err = add_children(table, w, w->listeners.listener[k],
					   now);
	}
	if (!err)
		err = table_print(table);
	table_free(table);
	for (k = 0; k < w->listeners.n && !err; k++)
		print_advice(w, w->listeners.listener[k], now);
	return err;
}

static void member(struct json *j, const char *name, uint64_t value)
{
	json_name(j, name);
	json_number(j, value);
}

static void member_if(struct json *j, const char *name, uint64_t value,
		      uint64_t unknown)
{
	if (value != unknown)
		member(j, name, value);
}

static void member_addr(struct json *j, const char *name, enum family family,
			const addr_t *addr)
{
	char text[SCHEMA_ADDR_LEN];

	schema_addr(family, addr, text);
	json_name(j, name);
	json_string(j, text, strlen(text));
}

static void json_waiting(struct json *j, const struct listener *l, nsec_t now)
{
	const struct listener_child *child;

	json_text(j, ",\"waiting\":[");
	TAILQ_FOREACH(child, &l->waiting, next)
	{
		json_text(j, child == TAILQ_FIRST(&l->waiting) ?
				     "{\"cookie\":" :
				     ",{\"cookie\":");
		json_number(j, child->cookie);
		member_addr(j, "raddr", child->ev.family, &child->ev.raddr);
		member(j, "rport", child->ev.rport);
		member(j, "age_ns", now - child->ev.ts_ns);
		json_text(j, "}");
	}
	json_text(j, "]");
}

static void json_listener(struct json *j, const struct watch *w,
			  const struct listener *l, nsec_t now)
{
	const struct spans *wait = &l->last.wait;

	json_text(j, "{\"cookie\":");
	json_number(j, l->cookie);
	member_addr(j, "laddr", l->ev.family, &l->ev.laddr);
	member(j, "lport", l->ev.lport);
	member(j, "netns", l->ev.netns);
	if (l->ev.pid) {
		member(j, "pid", l->ev.pid);
		json_name(j, "comm");
		json_string(j, l->ev.comm,
			    strnlen(l->ev.comm, sizeof(l->ev.comm)));
	}
	member_if(j, "syn", l->syn, ~0u);
	member_if(j, "accept", l->accept, ~0u);
	member(j, "limit", l->limit);
	member_if(j, "asked", l->asked, ~0u);
	if (!w->opt.now) {
		member(j, "peak", l->last.peak);
		member(j, "full", l->last.full);
		member(j, "completed", l->last.completed);
		member(j, "accepted", l->last.accepted);
		member(j, "syn_ack_resent", l->last.resent);
		member_if(j, "wait_p50_ns", spans_percentile(wait, 50), ~0ull);
		member_if(j, "wait_p99_ns", spans_percentile(wait, 99), ~0ull);
		if (wait->n)
			member(j, "wait_max_ns", wait->max);
		member(j, "all_completed", l->all.completed);
		member(j, "all_accepted", l->all.accepted);
		json_waiting(j, l, now);
	}
	json_text(j, "}");
}

static void print_json(const struct watch *w, nsec_t now)
{
	struct json j = { .file = stdout };
	size_t i;

	json_text(&j, "{\"interval_ns\":");
	json_number(&j, now - w->begin);
	json_text(&j, ",\"listeners\":[");
	for (i = 0; i < w->listeners.n; i++) {
		json_text(&j, i ? "," : "");
		json_listener(&j, w, w->listeners.listener[i], now);
	}
	json_text(&j, "]}\n");
	json_write(&j);
}

static int print(struct watch *w)
{
	nsec_t now = clock_now_ns();
	int err = 0;

	listeners_sort(&w->listeners);
	if (w->opt.openmetrics) {
		openmetrics_print(stdout, &w->listeners,
				  w->opt.now ? 0 : now - w->begin);
	} else if (w->opt.json) {
		print_json(w, now);
	} else {
		if (w->printed)
			putchar('\n');
		err = print_table(w, now);
	}
	w->printed = true;
	if (!err && fflush(stdout))
		err = -errno;
	listeners_next(&w->listeners);
	w->begin = now;
	return err;
}

/* Sums are too small by what the ring had no room for, or nobody can read. */
static void say_lost(struct watch *w)
{
	struct account *account = pipeline_account(w->pipeline);
	uint64_t lost;

	input_bpf_account(w->in, account);
	lost = account_sum(account->kernel.ring_lost) + account->malformed;
	if (lost)
		say_note("%llu events were lost: the sums are too small",
			 (unsigned long long)lost);
}

static int watch(struct watch *w)
{
	nsec_t interval = w->opt.interval_ns ?: NSEC_PER_SEC;
	uint64_t left = w->opt.count ?: w->opt.interval_ns ? UINT64_MAX : 1;
	int err = 0;

	if (w->opt.now) {
		interval = 0;
		left = 1;
	}
	w->begin = clock_now_ns();
	while (!err && left-- && !ended) {
		err = watch_until(w, w->begin + interval);
		if (!err && w->opt.now) /* they had to wait in the sorter */
			err = pipeline_release(w->pipeline, ~0ull);
		if (!err)
			err = print(w);
	}
	input_bpf_stop(w->in);
	pipeline_drop(w->pipeline);
	say_lost(w);
	if (err == -EPIPE)
		return EXIT_DONE;
	if (err == -ENOSYS)
		return say_fail(EXIT_FAILED, "this is a static program",
				"use --json", "there are no tables here");
	return err ? say_fail(EXIT_FAILED, NULL, NULL, "cannot go on: %s",
			      strerror(-err)) :
		     EXIT_DONE;
}

int cmd_listeners(int argc, char **argv)
{
	static const struct argp_child children[] = {
		{ &select_argp, 0, "Which listeners:", 1 },
		{},
	};
	static const struct argp argp = {
		.options = options,
		.parser = parse,
		.args_doc = "[EXPRESSION...]",
		.doc = doc,
		.children = children,
	};
	const struct sigaction action = { .sa_handler = on_signal };
	struct watch w = {};
	int code;

	argp_parse(&argp, argc, argv, 0, NULL, &w.opt);
	if (w.opt.openmetrics && (w.opt.json || w.opt.interval_ns))
		return say_fail(EXIT_USAGE, NULL, NULL,
				"--openmetrics is one text: not with %s",
				w.opt.json ? "--json" : "--interval");
	sigaction(SIGINT, &action, NULL);
	sigaction(SIGTERM, &action, NULL);
	signal(SIGPIPE, SIG_IGN);
	code = start(&w);
	if (!code)
		code = watch(&w);
	input_bpf_free(w.in);
	pipeline_free(w.pipeline);
	listeners_free(&w.listeners);
	schema_free(w.schema);
	return code;
}
