// SPDX-License-Identifier: GPL-2.0
/* tcbscope listeners: both queues of each listener, watched for a while. */
#include "cmd/cmd.h"
#include "cmd/live.h"
#include "cmd/select.h"
#include "event/listeners.h"
#include "lib/clock.h"
#include "lib/opt.h"
#include "lib/say.h"
#include "lib/term.h"
#include "output/listeners.h"

#include <argp.h>
#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define POLL_MS 10
#define TABLE_BYTES 65536 /* that go to a terminal at once */
#define WRAP 78		  /* columns of sentences, where there are more */
#define CHILDREN 4096	  /* of each listener that are looked at */

struct options {
	struct select select;
	uint64_t interval_ns;
	uint64_t count; /* of intervals; 0: until a signal */
	enum listeners_order order;
	bool now, tree, json, openmetrics, no_headings;
};

/* An output of the pipeline: it adds up what comes. */
struct lister {
	struct output output; /* the pipeline's */
	struct listeners *listeners;
};

struct watch {
	struct options opt;
	struct live live;
	struct pipeline *pipeline;
	struct listeners listeners;
	nsec_t start;	   /* of the watch */
	nsec_t begin, end; /* of the interval */
	nsec_t known;	   /* when all that existed was read; ~0: not yet */
	bool printed;
};

enum { OPT_NOW = 256, OPT_TREE, OPT_SORT, OPT_OPENMETRICS };

static const struct argp_option options[] = {
	{ "interval", 'i', "TIME", 0,
	  "watch for this long, again and again (1s, 500ms)", 2 },
	{ "count", 'c', "N", 0, "end after so many intervals", 2 },
	{ "now", OPT_NOW, NULL, 0, "only how full the queues are now", 2 },
	{ "tree", OPT_TREE, NULL, 0, "below each listener who waits in it", 2 },
	{ "sort", OPT_SORT, "COLUMN", 0,
	  "the most of it first: drops, full, rate, ... [drops]", 3 },
	{ "json", 'j', NULL, 0, "JSON instead of a table: a line an interval",
	  3 },
	{ "openmetrics", OPT_OPENMETRICS, NULL, 0,
	  "metrics for a collector of text files", 3 },
	{ "noheadings", 'n', NULL, 0, "no line of headings", 3 },
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

/* Columns that rows can be ordered by. */
static enum listeners_order parse_order(const char *arg,
					struct argp_state *state)
{
	static const char *const words[] = {
		[LISTENERS_BY_DROPS] = "drops",
		[LISTENERS_BY_FULL] = "full",
		[LISTENERS_BY_RATE] = "rate",
		[LISTENERS_BY_SYN] = "syn",
		[LISTENERS_BY_ACCEPT] = "accept",
		[LISTENERS_BY_OLDEST] = "oldest",
		[LISTENERS_BY_P50] = "p50",
		[LISTENERS_BY_P99] = "p99",
		[LISTENERS_BY_MAX] = "max",
		[LISTENERS_BY_LISTENER] = "listener",
	};
	unsigned int i;

	for (i = 0; i < sizeof(words) / sizeof(*words); i++)
		if (!strcasecmp(arg, words[i]))
			return i;
	opt_wrong(state, "--sort: no column to sort by", arg);
	return LISTENERS_BY_DROPS;
}

static error_t parse(int key, char *arg, struct argp_state *state)
{
	struct watch *w = state->input;
	struct options *opt = &w->opt;

	switch (key) {
	case ARGP_KEY_INIT:
		state->child_inputs[0] = &opt->select;
		state->child_inputs[1] = &w->live;
		state->child_inputs[2] = &w->live;
		break;
	case 'i':
		opt_time_ns(state, "--interval: not a time", arg,
			    &opt->interval_ns);
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
	case OPT_SORT:
		opt->order = parse_order(arg, state);
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
	code = select_apply(&w->opt.select, w->live.schema, input->asked,
			    &filter, &input->config);
	if (code) {
		free(lister);
		return code;
	}
	w->pipeline = pipeline_new(w->live.schema, filter, 0);
	if (!w->pipeline || pipeline_add_output(w->pipeline, &lister->output)) {
		free(lister);
		return no_memory();
	}
	input->config.events = input->config.named = input->asked;
	return EXIT_DONE;
}

static int start(struct watch *w)
{
	struct input_bpf_options input = {};
	int code;

	code = live_open(&w->live);
	if (!code)
		code = make_pipeline(w, &input);
	if (!code)
		code = live_start(&w->live, &input);
	/* by its functions, or by all segments that come */
	w->listeners.drops_told =
		!code && (input_bpf_works(w->live.in, "queue_decided") ||
			  input_bpf_works(w->live.in, "queue_segment"));
	return code;
}

/* Looks at all: where no event tells, nothing is taken for health. */
static void look(struct watch *w)
{
	bool children = w->opt.tree || w->opt.json;
	size_t i;

	for (i = 0; i < w->listeners.n; i++)
		input_bpf_look(w->live.in, w->listeners.listener[i]->cookie,
			       children ? CHILDREN : 0);
}

/*
 * Reads until @end, or a signal, and in any case all that existed before; then
 * until nothing of that time can come any more.
 */
static int watch_until(struct watch *w, nsec_t end)
{
	nsec_t complete = 0;
	int err;

	w->end = ~0ull;
	do {
		if (!input_bpf_existing(w->live.in))
			poll(NULL, 0, POLL_MS);
		if (w->end == ~0ull && w->known <= complete &&
		    (ended || clock_now_ns() >= end)) {
			look(w);
			w->end = clock_now_ns();
		}
		err = input_bpf_read(w->live.in, pipeline_push, w->pipeline,
				     &complete);
		if (w->known == ~0ull && !input_bpf_existing(w->live.in))
			w->known = clock_now_ns();
		if (!err)
			err = pipeline_release(w->pipeline, complete < w->end ?
								    complete :
								    w->end);
	} while (!err && complete < w->end);
	return err;
}

/* On a terminal each table takes the place of the one before. */
static int print_live(const struct watch *w, const struct listeners_view *view)
{
	char *text = NULL;
	size_t size;
	FILE *file = open_memstream(&text, &size);
	int err = file ? listeners_table_print(file, &w->listeners, view) :
			 -errno;

	if (file && fclose(file))
		err = -errno;
	if (!err)
		term_replace(stdout, text);
	free(text);
	return err;
}

static int print_table(const struct watch *w, const struct listeners_view *view)
{
	if (w->opt.interval_ns && term_replaces(STDOUT_FILENO))
		return print_live(w, view);
	if (w->printed)
		putchar('\n');
	return listeners_table_print(stdout, &w->listeners, view);
}

static int print(struct watch *w)
{
	unsigned int columns = term_width(STDOUT_FILENO);
	const struct listeners_view view = {
		.schema = w->live.schema,
		.start = w->start,
		.begin = w->begin,
		.end = w->end,
		.watched = !w->opt.now,
		.tree = w->opt.tree && !w->opt.now,
		.headings = !w->opt.no_headings,
		.columns = columns < WRAP ? columns : WRAP,
	};
	int err = 0;

	listeners_sort(&w->listeners, w->opt.order);
	if (w->opt.openmetrics)
		openmetrics_print(stdout, &w->listeners, &view);
	else if (w->opt.json)
		listeners_json_print(stdout, &w->listeners, &view);
	else
		err = print_table(w, &view);
	w->printed = true;
	if (!err && fflush(stdout))
		err = -errno;
	listeners_next(&w->listeners);
	w->begin = w->end;
	return err;
}

/* Sums are too small by what the ring had no room for, or nobody can read. */
static void say_lost(struct watch *w)
{
	struct account *account = pipeline_account(w->pipeline);
	uint64_t lost;

	input_bpf_account(w->live.in, account);
	lost = account_sum(account->kernel.ring_lost) + account->malformed;
	if (lost)
		say_note("%llu events were lost: the sums are too small; try "
			 "--ring 64M",
			 (unsigned long long)lost);
}

static int watch(struct watch *w)
{
	nsec_t interval = w->opt.interval_ns ?: NSEC_PER_SEC;
	bool again = w->opt.interval_ns && !w->opt.openmetrics;
	uint64_t left = w->opt.count ?: again ? UINT64_MAX : 1;
	int err = 0;

	if (w->opt.now) {
		interval = 0;
		left = 1;
	}
	w->start = w->begin = clock_now_ns();
	w->known = ~0ull;
	do {
		err = watch_until(w, w->begin + interval);
		if (!err)
			err = print(w);
	} while (!err && --left && !ended);
	input_bpf_stop(w->live.in);
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
		{ &live_argp, 0, NULL, 0 },
		{ &live_events_argp, 0, NULL, 0 },
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

	opt_parse(&argp, argc, argv, 0, &w);
	if (w.opt.openmetrics && (w.opt.json || w.opt.count))
		return say_fail(EXIT_USAGE, NULL, NULL,
				"--openmetrics is one text: not with %s",
				w.opt.json ? "--json" : "--count");
	if (w.opt.now && (w.opt.tree || w.opt.interval_ns || w.opt.count))
		return say_fail(EXIT_USAGE, NULL, NULL,
				"--now watches nothing: not with %s",
				w.opt.tree	  ? "--tree" :
				w.opt.interval_ns ? "--interval" :
						    "--count");
	sigaction(SIGINT, &action, NULL);
	sigaction(SIGTERM, &action, NULL);
	signal(SIGPIPE, SIG_IGN);
	setvbuf(stdout, NULL, _IOFBF, TABLE_BYTES);
	code = start(&w);
	if (!code)
		code = watch(&w);
	pipeline_free(w.pipeline);
	live_close(&w.live);
	listeners_free(&w.listeners);
	return code;
}
