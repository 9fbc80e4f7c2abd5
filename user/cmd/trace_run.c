// SPDX-License-Identifier: GPL-2.0
/* A trace while it runs: from the input to the outputs, until it is ended. */
#include "cmd/trace.h"
#include "cmd/tally.h"
#include "lib/clock.h"
#include "lib/say.h"

#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/signalfd.h>
#include <sys/timerfd.h>
#include <sys/utsname.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#define LOOK_NS 1000000000 /* between two looks at listeners */

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

int trace_signals(struct trace *t)
{
	struct itimerspec tick = {
		.it_interval.tv_nsec = TRACE_POLL_NS,
		.it_value.tv_nsec = TRACE_POLL_NS,
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
static void look(struct trace *t, nsec_t now)
{
	if (!input_bpf_works(t->live.in, "queue_segment") &&
	    !input_bpf_works(t->live.in, "queue_decided"))
		input_bpf_look(t->live.in, 0, 0);
	t->look_due = now + LOOK_NS;
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
	nsec_t complete, now;
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
		now = clock_now_ns(); /* once: on some machines it is dear */
		end = signalled(t);   /* just now or before */
		if (t->opt.duration_ns && now - t->start >= t->opt.duration_ns)
			end = true;
		if (end || now >= t->look_due)
			look(t, now);
		err = input_bpf_read(t->live.in, pipeline_push, t->pipeline,
				     &complete);
		if (!err)
			err = show(t, complete);
		if (!err && t->opt.stats_ns && now >= t->stats_due)
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

int trace_run(struct trace *t)
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
