// SPDX-License-Identifier: GPL-2.0
/* tcbscope trace: events as they happen, as text or JSON. */
#include "cmd/cmd.h"
#include "cmd/live.h"
#include "cmd/outputs.h"
#include "cmd/select.h"
#include "cmd/tally.h"
#include "input/probe.h"
#include "lib/child.h"
#include "lib/clock.h"
#include "lib/opt.h"
#include "lib/say.h"

#include <argp.h>
#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/signalfd.h>
#include <sys/timerfd.h>
#include <sys/utsname.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#define POLL_NS 10000000   /* between two looks into the ring */
#define LOOK_NS 1000000000 /* between two looks at listeners */

struct options {
	struct select select;
	struct input_bpf_options input;
	uint64_t duration_ns, count, stats_ns;
	struct outputs outputs;
	bool existing;
	char **command;
};

struct trace {
	struct options opt;
	struct live live;
	struct pipeline *pipeline;
	struct child child;
	int child_status;
	bool child_ended;
	nsec_t start;
	nsec_t look_due;
	nsec_t stats_due;    /* when the next interval ends ... */
	struct account told; /* ... and where it began */
	int signals, timer;  /* file descriptors */
	unsigned int interrupts;
	int ended_by; /* the signal that ended the trace; 0: none */
};

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
	struct options *opt = &((struct trace *)state->input)->opt;

	switch (key) {
	case OPT_DURATION:
		opt_time_ns(state, "--duration: not a time", arg,
			    &opt->duration_ns);
		break;
	case OPT_STATS:
		if (opt_duration_ns(arg, &opt->stats_ns) ||
		    opt->stats_ns < POLL_NS)
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
	struct options *opt = &t->opt;

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

/* The signal that came while we were writing, if one did. */
static volatile sig_atomic_t interrupted;

/* The first one lets a write go on, the next one ends it. */
static void on_signal(int number)
{
	const struct sigaction action = { .sa_handler = on_signal };

	interrupted = number;
	sigaction(SIGINT, &action, NULL);
	sigaction(SIGTERM, &action, NULL);
}

/*
 * Signals are read from a descriptor. But while output is written they have
 * to come by themselves: its reader may have stopped, and then only they end
 * the write. A command's Ctrl-C must not.
 */
static void let_interrupt(const struct trace *t, bool let)
{
	sigset_t set;

	sigemptyset(&set);
	sigaddset(&set, SIGTERM);
	if (!t->child.pid)
		sigaddset(&set, SIGINT);
	sigprocmask(let ? SIG_UNBLOCK : SIG_BLOCK, &set, NULL);
}

static int make_events(struct trace *t)
{
	struct itimerspec tick = {
		.it_interval.tv_nsec = POLL_NS,
		.it_value.tv_nsec = POLL_NS,
	};
	const struct sigaction action = {
		.sa_handler = on_signal,
		.sa_flags = SA_RESTART,
	};
	sigset_t set;

	sigemptyset(&set);
	sigaddset(&set, SIGINT);
	sigaddset(&set, SIGTERM);
	sigaddset(&set, SIGCHLD);
	sigprocmask(SIG_BLOCK, &set, NULL);
	sigaction(SIGINT, &action, NULL);
	sigaction(SIGTERM, &action, NULL);
	signal(SIGPIPE, SIG_IGN);
	t->signals = signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK);
	t->timer = timerfd_create(CLOCK_MONOTONIC, TFD_CLOEXEC | TFD_NONBLOCK);
	if (t->signals < 0 || t->timer < 0 ||
	    timerfd_settime(t->timer, 0, &tick, NULL))
		return say_fail(EXIT_FAILED, NULL, NULL,
				"cannot set up timers: %s", strerror(errno));
	return EXIT_DONE;
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

static int write_header(struct trace *t)
{
	struct timespec wall;
	struct utsname uts;
	struct trace_info info = {
		.version = TCBSCOPE_VERSION,
		.host = uts.nodename,
		.kernel = uts.release,
		.start_ns = t->start,
	};

	uname(&uts);
	clock_gettime(CLOCK_REALTIME, &wall);
	info.wall_offset_ns = wall.tv_sec * NSEC_PER_SEC + wall.tv_nsec -
			      clock_now_ns();
	info.hooks = input_bpf_hooks(t->live.in, &info.n_hooks);
	return pipeline_header(t->pipeline, &info);
}

static void reap(struct trace *t)
{
	int status;
	pid_t pid;

	while ((pid = waitpid(-1, &status, WNOHANG)) > 0) {
		if (pid != t->child.pid)
			continue;
		t->child_ended = true;
		t->child_status = status;
	}
}

/* Has a signal ended the trace? A command gets the first Ctrl-C for itself. */
static bool signalled(struct trace *t)
{
	struct signalfd_siginfo info;

	while (read(t->signals, &info, sizeof(info)) == sizeof(info)) {
		if (info.ssi_signo == SIGCHLD)
			reap(t);
		else if (info.ssi_signo == SIGTERM || !t->child.pid ||
			 t->interrupts++)
			t->ended_by = info.ssi_signo;
	}
	return t->ended_by || t->child_ended;
}

/* Shows what is complete; -EPIPE if a signal ended the writing. */
static int show(struct trace *t, nsec_t complete)
{
	int err;

	let_interrupt(t, true);
	err = pipeline_release(t->pipeline, complete);
	if (!err)
		err = pipeline_flush(t->pipeline, clock_now_ns());
	let_interrupt(t, false);
	if (interrupted)
		t->ended_by = interrupted;
	return err == -EINTR ? -EPIPE : err;
}

/* The account so far. The input counts as generated all that it has yielded. */
static struct account *take_account(struct trace *t)
{
	struct account *account = pipeline_account(t->pipeline);

	input_bpf_account(t->live.in, account);
	account->kernel.generated[EVENT_socket] -= account->existing;
	return account;
}

/* What has become of the events of the interval that ends now. */
static int say_stats(struct trace *t)
{
	struct account *account = take_account(t), interval;
	nsec_t now = clock_now_ns();
	char head[32];

	account_between(&interval, &t->told, account);
	t->told = *account;
	t->stats_due = now + t->opt.stats_ns;
	snprintf(head, sizeof(head), "%.3f s: ", (now - t->start) / 1e9);
	tally_say(head, &interval, t->live.schema);
	return pipeline_stats(t->pipeline, &interval, now);
}

/*
 * Where no event tells of what listeners drop they are looked at, so that what
 * is stuck does not look idle.
 */
static void look(struct trace *t)
{
	if (!input_bpf_works(t->live.in, "queue_segment") &&
	    !input_bpf_works(t->live.in, "queue_decided"))
		input_bpf_look(t->live.in, 0, 0);
	t->look_due = clock_now_ns() + LOOK_NS;
}

static int loop(struct trace *t)
{
	FILE *json = t->opt.outputs.json_file;
	struct pollfd fds[] = {
		{ .fd = t->timer, .events = POLLIN },
		{ .fd = t->signals, .events = POLLIN },
		{ .fd = STDOUT_FILENO }, /* has its reader gone? */
		{ .fd = json ? fileno(json) : -1 },
	};
	nsec_t complete;
	bool end = false;
	uint64_t ticks;
	int err = 0;

	/* whoever asks for existing sockets gets all of them */
	while (!err && !pipeline_done(t->pipeline) &&
	       (!end || (t->opt.existing && input_bpf_existing(t->live.in)))) {
		if (poll(fds, 4, input_bpf_existing(t->live.in) ? 0 : -1) < 0 &&
		    errno != EINTR)
			return -errno;
		if ((fds[2].revents | fds[3].revents) & POLLERR)
			return -EPIPE;
		if (read(t->timer, &ticks, sizeof(ticks)) < 0 &&
		    errno != EAGAIN)
			return -errno;
		end = signalled(t);
		if (t->opt.duration_ns &&
		    clock_now_ns() - t->start >= t->opt.duration_ns)
			end = true;
		if (end || clock_now_ns() >= t->look_due)
			look(t);
		err = input_bpf_read(t->live.in, pipeline_push, t->pipeline,
				     &complete);
		if (!err)
			err = show(t, complete);
		if (!err && t->opt.stats_ns && clock_now_ns() >= t->stats_due)
			err = say_stats(t);
		end |= t->ended_by;
	}
	return err;
}

/* Detach first: then the account is exact, and complete when all is read. */
static int finish(struct trace *t, int err)
{
	struct account *account;
	nsec_t complete;

	input_bpf_stop(t->live.in);
	if (!err)
		err = input_bpf_read(t->live.in, pipeline_push, t->pipeline,
				     &complete);
	input_bpf_settle(t->live.in);
	account = take_account(t);
	let_interrupt(t, true);
	if (!err)
		err = pipeline_release(t->pipeline, ~0ull);
	pipeline_drop(t->pipeline);
	if (!err && t->opt.stats_ns)
		err = say_stats(t);
	if (!err)
		err = pipeline_footer(t->pipeline);
	tally_say("", account, t->live.schema);
	if (account_sum(account->kernel.ring_lost) && !t->live.quiet)
		say_note("the ring was too small: try --ring 64M");
	return err;
}

/*
 * The exit code of the command, which may go on when the trace has its events:
 * then it is waited for. Not so if a signal has ended the trace.
 */
static int command_code(struct trace *t)
{
	struct pollfd pfd = { .fd = t->signals, .events = POLLIN };

	while (!signalled(t))
		if (poll(&pfd, 1, -1) < 0 && errno != EINTR)
			return EXIT_FAILED;
	return t->child_ended ? child_code(t->child_status) : 128 + t->ended_by;
}

/* Something has gone wrong with an output, or else with the events. */
static int fail(const struct trace *t, int err)
{
	const char *beside = outputs_failed(&t->opt.outputs);

	if (beside)
		return say_fail(EXIT_FAILED, NULL, NULL,
				"cannot write the events to %s: %s", beside,
				strerror(-err));
	return say_fail(EXIT_FAILED, NULL, NULL, "cannot %s the events: %s",
			ferror(stdout) ? "write" : "read", strerror(-err));
}

static int run(struct trace *t)
{
	int err;

	t->start = clock_now_ns();
	t->stats_due = t->start + t->opt.stats_ns;
	t->look_due = t->start + LOOK_NS;
	err = write_header(t);
	if (!err && isatty(STDERR_FILENO) && !t->child.pid && !t->live.quiet)
		say_note("tracing; Ctrl-C ends");
	/* a reader that is gone does not keep the command from running */
	if ((!err || err == -EPIPE) && t->child.pid && !signalled(t)) {
		int refused = child_release(&t->child);

		if (refused)
			say_fail(EXIT_FAILED, NULL, NULL, "cannot run %s: %s",
				 t->opt.command[0], strerror(-refused));
	}
	if (!err)
		err = loop(t);
	err = finish(t, err);
	if (err && err != -EPIPE && err != -EINTR)
		return fail(t, err);
	return t->child.pid ? command_code(t) : EXIT_DONE;
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
		code = make_events(t);
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
		code = run(&t);
	else if (t.child.pid)
		close(t.child.hold); /* it ends without having run */
	pipeline_free(t.pipeline);
	live_close(&t.live);
	outputs_close(&t.opt.outputs);
	close(t.signals);
	close(t.timer);
	return code;
}
