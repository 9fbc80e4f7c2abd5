// SPDX-License-Identifier: GPL-2.0
/* tcbscope trace: events as they happen, as text or JSON. */
#include "cmd/trace.h"
#include "cmd/cmd.h"
#include "input/probe.h"
#include "lib/opt.h"
#include "lib/say.h"

#include <argp.h>
#include <string.h>
#include <sys/prctl.h>
#include <unistd.h>

enum {
	OPT_WINDOWS = 256,
	OPT_CALLS,
	OPT_SEGMENTS,
	OPT_EXISTING,
	OPT_DURATION,
	OPT_STATS,
};

static const struct argp_option options[] = {
	{ "windows", OPT_WINDOWS, NULL, 0,
	  "every change of the congestion window, not only falls", 2 },
	{ "calls", OPT_CALLS, NULL, 0,
	  "what processes ask of their sockets, too", 2 },
	{ "segments", OPT_SEGMENTS, NULL, 0,
	  "each segment that is sent or received", 2 },
	{ "existing", OPT_EXISTING, NULL, 0,
	  "begin with the sockets that exist already", 2 },
	{ "duration", OPT_DURATION, "TIME", 0, "end after 5s, 200ms, 2m", 2 },
	{ "count", 'c', "N", 0, "end after N events", 2 },
	{ "stats", OPT_STATS, "TIME", 0,
	  "the account of each interval of 1s, 1m, on standard error", 2 },
	{}
};

static const char doc[] =
	"Shows every change of every TCP control block as it happens.\n"
	"\n"
	"  tcbscope trace                     all sockets, until Ctrl-C\n"
	"  tcbscope trace --port 80 --windows one port, with the whole window\n"
	"  tcbscope trace --comm nginx        what nginx's sockets do\n"
	"  tcbscope trace state syn-recv      who gets that far\n"
	"  tcbscope trace 'dport = :443 and srtt_us > 50ms'\n"
	"  tcbscope trace -- curl URL         one command and its children\n"
	"  tcbscope trace -j | jq .           for programs\n"
	"\v"
	"Lists are separated by commas. ~ marks what is derived, not seen. "
	"The last line on standard error says what became of all events.";

static void parse_how(int key, char *arg, struct argp_state *state)
{
	struct trace_options *opt = &((struct trace *)state->input)->opt;

	switch (key) {
	case OPT_DURATION:
		opt_time_ns(state, "--duration: not a time", arg,
			    &opt->duration_ns);
		break;
	case OPT_STATS:
		if (opt_duration_ns(arg, &opt->stats_ns) ||
		    opt->stats_ns < TRACE_POLL_NS)
			opt_wrong(state, "--stats: not a time from 10ms", arg);
		break;
	case 'c':
		if (opt_number(arg, 1, UINT64_MAX, &opt->count))
			opt_wrong(state, "--count: not a number above 0", arg);
		break;
	}
}

static error_t parse(int key, char *arg, struct argp_state *state)
{
	struct trace *t = state->input;
	struct trace_options *opt = &t->opt;

	switch (key) {
	case ARGP_KEY_INIT:
		state->child_inputs[0] = &opt->select;
		state->child_inputs[1] = &t->live;
		state->child_inputs[2] = &t->live;
		state->child_inputs[3] = &opt->outputs;
		break;
	case OPT_WINDOWS:
		opt->input.config.all_windows = 1;
		break;
	case OPT_CALLS:
		opt->select.also |= 1u << EVENT_call;
		break;
	case OPT_SEGMENTS:
		opt->select.also |= 1u << EVENT_segment;
		break;
	case OPT_EXISTING:
		opt->existing = true;
		break;
	case OPT_DURATION:
	case OPT_STATS:
	case 'c':
		parse_how(key, arg, state);
		break;
	default:
		return ARGP_ERR_UNKNOWN;
	}
	return 0;
}

/*
 * Existing sockets are looked at in any case, so that all that happens to them
 * is understood; but they are only shown if they were asked for.
 */
static int choose_existing(struct trace *t)
{
	struct input_bpf_options *input = &t->opt.input;
	const __u32 socket = 1u << EVENT_socket;

	if (t->opt.command && (t->opt.existing || input->asked & socket))
		return say_fail(EXIT_USAGE, NULL, NULL,
				"existing sockets are not those of a command");
	t->opt.existing |= !!(input->asked & socket);
	if (t->opt.existing)
		input->asked |= socket;
	else
		pipeline_hide_existing(t->pipeline);
	if (t->opt.command)
		input->config.events &= ~socket;
	else
		input->config.events |= socket;
	return EXIT_DONE;
}

/* Everything the options say about events; errors before anything is loaded. */
static int make_pipeline(struct trace *t)
{
	const __u32 asked = t->opt.select.also;
	struct filter *filter;
	int code;

	if (t->opt.command) /* its calls are told unasked */
		t->opt.select.also |= 1u << EVENT_call;
	t->opt.select.also |= outputs_wish(&t->opt.outputs);
	code = select_apply(&t->opt.select, t->live.schema, ~0u, &filter,
			    &t->opt.input.config);
	if (code)
		return code;
	t->opt.input.asked = filter_named_types(filter) | asked;
	t->opt.input.config.named = t->opt.input.asked;
	t->opt.input.config.peers = t->opt.command &&
				    outputs_draws(&t->opt.outputs);
	t->pipeline = pipeline_new(t->live.schema, filter, t->opt.count);
	if (!t->pipeline)
		filter_free(filter);
	else if (!t->opt.input.config.peers ||
		 !pipeline_show_peers(t->pipeline))
		return choose_existing(t);
	return say_fail(EXIT_FAILED, NULL, NULL, "out of memory");
}

static int hold_command(struct trace *t)
{
	int err;

	if (!t->opt.command)
		return EXIT_DONE;
	/* orphans of the command become ours: the kernel's filter sees them */
	prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0);
	t->opt.input.config.offspring = 1;
	err = child_hold(&t->child, t->opt.command);
	return err ? say_fail(EXIT_FAILED, NULL, NULL, "cannot fork: %s",
			      strerror(-err)) :
		     EXIT_DONE;
}

/* What this kernel lacks, a line each. */
static void say_refused(const struct trace *t)
{
	const struct probe_result *results = input_bpf_results(t->live.in);
	const struct probe_program *p;
	unsigned int i, type;

	for (i = 0; probe_programs[i].name; i++) {
		p = &probe_programs[i];
		if (!probe_missing(results, i))
			continue;
		if (p->without)
			say_note("no %s on this kernel: %s", p->name,
				 p->without);
		for (type = 0; p->mandatory && type < EVENT_TYPES; type++)
			if (p->events & 1u << type)
				say_note("no %s events on this kernel: %s",
					 t->live.schema->types[type].name,
					 results[i].reason);
	}
}

/* Where lockdown keeps programs from reading the memory of processes. */
static void say_unread(const struct trace *t)
{
	if (t->opt.input.config.events & 1u << EVENT_call &&
	    !input_bpf_reads_user(t->live.in))
		say_note("this kernel does not let us read what processes "
			 "write down for their calls: addresses, options and "
			 "sets of descriptors are absent");
}

static int start_input(struct trace *t)
{
	int code = live_start(&t->live, &t->opt.input);

	if (!code && !t->live.quiet)
		say_refused(t);
	if (!code && !t->live.quiet)
		say_unread(t);
	return code;
}

static int prepare(struct trace *t)
{
	int code;

	code = live_open(&t->live);
	if (!code)
		code = make_pipeline(t);
	if (!code)
		code = outputs_make(&t->opt.outputs, t->pipeline,
				    t->live.schema);
	if (!code)
		code = trace_signals(t);
	if (!code)
		code = hold_command(t);
	if (!code)
		code = start_input(t);
	return code;
}

/* What stands behind "--" is a command; argp does not see it. */
static char **split_command(int *argc, char **argv)
{
	int i;

	for (i = 1; i < *argc; i++) {
		if (strcmp(argv[i], "--"))
			continue;
		argv[i] = NULL;
		*argc = i;
		return &argv[i + 1];
	}
	return NULL;
}

int cmd_trace(int argc, char **argv)
{
	static const struct argp_child children[] = {
		{ &select_argp, 0, "Which events:", 1 },
		{ &live_argp, 0, NULL, 0 },
		{ &live_events_argp, 0, NULL, 0 },
		{ &outputs_argp, 0, NULL, 0 },
		{},
	};
	static const struct argp argp = {
		.options = options,
		.parser = parse,
		.args_doc = "[EXPRESSION...] [-- COMMAND...]",
		.doc = doc,
		.children = children,
	};
	struct trace t = {
		.opt.select.hint = "a command goes behind --",
		.signals = -1,
		.timer = -1,
	};
	int code;

	t.opt.command = split_command(&argc, argv);
	opt_parse(&argp, argc, argv, 0, &t);
	if (t.opt.command && !*t.opt.command)
		return say_fail(EXIT_USAGE, NULL, NULL, "no command behind --");
	code = prepare(&t);
	if (!code)
		code = trace_run(&t);
	else if (t.child.pid)
		close(t.child.hold); /* it ends without having run */
	pipeline_free(t.pipeline);
	live_close(&t.live);
	outputs_close(&t.opt.outputs);
	close(t.signals);
	close(t.timer);
	return code;
}
