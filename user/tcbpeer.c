// SPDX-License-Identifier: GPL-2.0
/* tcbpeer: open TCP with no listener on either end, exchange a line, close. */
#include "lib/clock.h"
#include "lib/opt.h"
#include "lib/say.h"
#include "peer/peer.h"
#include "peer/report.h"
#include "peer/talk.h"

#include <argp.h>
#include <errno.h>
#include <limits.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/signalfd.h>
#include <unistd.h>

#ifndef TCBSCOPE_VERSION
#define TCBSCOPE_VERSION "0.1"
#endif

struct tcbpeer {
	/* from the command line */
	struct peer_config config;
	struct report report;
	const char *message;
	bool hold, quiet;

	int signals; /* signalfd of SIGINT and SIGTERM */
	struct talk talk;
};

static const char examples[] =
	"Examples:\n"
	"  tcbpeer -l 10.8.0.1:2000 -r 10.8.0.2:2001    here, and on the other host:\n"
	"  tcbpeer -l 10.8.0.2:2001 -r 10.8.0.1:2000\n"
	"  tcbpeer -l [fd08::1]:2000 -r [fd08::2]:2001 --deadline 30s --json\n"
	"  tcbpeer -l 10.8.0.1:2000 -r 10.8.0.2:2001 --hold    close on Enter\n"
	"\n";

static const char doc[] =
	"Open a TCP connection to a peer that does the same, without a listener; send "
	"it one line, print the line that it sent, and close."
	"\v"
	"Tries until the peer's attempt meets this one: each attempt that comes too "
	"early is refused. \"crossed\" means that this end has met a bare SYN "
	"(SYN_SENT -> SYN_RECV); \"not crossed\" that it has met a SYN+ACK. Where it "
	"was too short to be seen, there is neither. Whether both ends met one, "
	"tcbscope can tell.\n"
	"\n"
	"Exit status: 0 done; 1 failed: the deadline passed, the peer always refused, "
	"or the connection broke; 2 bad usage; 3 not permitted.";

enum { KEY_DEADLINE = 256, KEY_ATTEMPTS, KEY_MESSAGE, KEY_HOLD, KEY_USAGE };

static const struct argp_option options[] = {
	{ "local", 'l', "ADDR:PORT", 0, "this end", 1 },
	{ "remote", 'r', "ADDR:PORT", 0, "the peer", 1 },
	{ "deadline", KEY_DEADLINE, "TIME", 0,
	  "give up opening, and then the exchange, after TIME: 5, 200ms, 1.5s "
	  "(default 5s)",
	  2 },
	{ "attempts", KEY_ATTEMPTS, "N", 0,
	  "give up after N attempts (default 10000, or none with --deadline)",
	  2 },
	{ "message", KEY_MESSAGE, "TEXT", 0,
	  "send TEXT (default \"hello from ADDR:PORT\")", 3 },
	{ "hold", KEY_HOLD, NULL, 0,
	  "after the exchange, close only when standard input yields a line or "
	  "ends",
	  3 },
	{ "json", 'j', NULL, 0, "print one JSON object a line", 4 },
	{ "quiet", 'q', NULL, 0, "no progress on standard error", 4 },
	{ "help", 'h', NULL, 0, "print this help", -1 },
	{ "usage", KEY_USAGE, NULL, 0, "print a short usage message", -1 },
	{ "version", 'V', NULL, 0, "print the version", -1 },
	{}
};

/* An option argument is bad: say how it should be, and end. */
static void __attribute__((noreturn))
bad_argument(const char *option, const char *arg, int err, const char *form)
{
	exit(say_fail(EXIT_USAGE, form, "see tcbpeer --help", "%s: %s: \"%s\"",
		      option,
		      err == -ERANGE ? "out of range" : "not understood", arg));
}

static void set_endpoint(const char *option, const char *arg,
			 struct sockaddr_storage *addr, socklen_t *len)
{
	int err = opt_endpoint(arg, addr, len);

	if (err)
		bad_argument(option, arg, err,
			     "it is ADDR:PORT or [ADDR]:PORT, in numbers, "
			     "with a port from 1 to 65535");
}

static void set_deadline(const char *arg, uint64_t *ns)
{
	int err = opt_duration_ns(arg, ns);

	if (!err && (!*ns || *ns > 86400 * NSEC_PER_SEC))
		err = -ERANGE;
	if (err)
		bad_argument("--deadline", arg, err,
			     "it is a time above 0, up to 24h, such as 5, "
			     "200ms or 1.5s");
}

static void set_attempts(const char *arg, unsigned int *attempts)
{
	uint64_t n = 0;
	int err = opt_number(arg, 1, 1000000000, &n);

	if (err)
		bad_argument("--attempts", arg, err,
			     "it is a number from 1 to 1000000000");
	*attempts = n;
}

static void set_message(struct argp_state *state, struct tcbpeer *tp)
{
	char hello[TALK_LINE_SIZE];
	int err;

	snprintf(hello, sizeof(hello), "hello from %s", tp->report.local);
	err = talk_say(&tp->talk, tp->message ? tp->message : hello);
	if (err == -EINVAL)
		argp_error(state, "--message is one line");
	if (err)
		argp_error(state, "--message is longer than %d bytes",
			   TALK_LINE_SIZE - 1);
}

/* Complain about what no single option can know. */
static void check_usage(struct argp_state *state, const struct tcbpeer *tp)
{
	if (!tp->report.local || !tp->report.remote)
		argp_error(state, "both -l and -r are needed");
	if (tp->config.local.ss_family != tp->config.remote.ss_family)
		argp_error(state, "one end is IPv4, the other IPv6");
}

static error_t parse_option(int key, char *arg, struct argp_state *state)
{
	struct tcbpeer *tp = state->input;
	struct peer_config *config = &tp->config;

	switch (key) {
	case 'l':
		set_endpoint("-l", arg, &config->local, &config->len);
		tp->report.local = arg;
		break;
	case 'r':
		set_endpoint("-r", arg, &config->remote, &config->len);
		tp->report.remote = arg;
		break;
	case KEY_DEADLINE:
		set_deadline(arg, &config->deadline_ns);
		if (!config->attempts) /* the deadline alone is the bound */
			config->attempts = UINT_MAX;
		break;
	case KEY_ATTEMPTS:
		set_attempts(arg, &config->attempts);
		break;
	case KEY_MESSAGE:
		tp->message = arg;
		break;
	case KEY_HOLD:
		tp->hold = true;
		break;
	case 'j':
		tp->report.json = true;
		break;
	case 'q':
		tp->quiet = true;
		break;
	case 'h':
		fputs(examples, stdout);
		argp_state_help(state, stdout, ARGP_HELP_STD_HELP);
		break;
	case KEY_USAGE:
		argp_state_help(state, stdout,
				ARGP_HELP_USAGE | ARGP_HELP_EXIT_OK);
		break;
	case 'V':
		puts("tcbpeer " TCBSCOPE_VERSION);
		exit(EXIT_DONE);
	case ARGP_KEY_END:
		check_usage(state, tp);
		set_message(state, tp);
		break;
	default:
		return ARGP_ERR_UNKNOWN;
	}
	return 0;
}

static const struct argp argp = {
	.options = options,
	.parser = parse_option,
	.doc = doc,
};

static bool interrupted(const struct tcbpeer *tp)
{
	struct pollfd pfd = { .fd = tp->signals, .events = POLLIN };

	return poll(&pfd, 1, 0) > 0;
}

static int fail_open(const struct tcbpeer *tp, const struct peer_result *res)
{
	const char *why = NULL, *then = NULL;
	int code = EXIT_FAILED;

	switch (res->error) {
	case -EACCES:
	case -EPERM:
		code = EXIT_KERNEL;
		why = "a port below net.ipv4.ip_unprivileged_port_start needs "
		      "CAP_NET_BIND_SERVICE, or a rule forbids it";
		then = "take a higher port, or run it with sudo";
		break;
	case -EADDRNOTAVAIL:
		why = "the local address is not one of this host";
		then = "see them with ip address";
		break;
	case -ETIMEDOUT:
		if (res->last == -ECONNREFUSED)
			why = "the peer's host refused every attempt: none of "
			      "the two ends' attempts met";
		else if (res->last == -EADDRINUSE ||
			 res->last == -EADDRNOTAVAIL)
			why = "the local port, or this pair of ports, is "
			      "still in use";
		else if (!res->last)
			why = "the SYN was not answered";
		then = "start the peer, or give both more time with --deadline";
		break;
	case -ECONNREFUSED:
		why = "the attempts are used up";
		then = "start the peer, or raise --attempts";
		break;
	case -ELOOP:
		return say_fail(code,
				"the kernel chose the remote address as "
				"the local one",
				"give -l an address",
				"%s would be connected to itself",
				tp->report.local);
	}
	return say_fail(code, why, then, "cannot open %s > %s: %s",
			tp->report.local, tp->report.remote,
			strerror(-res->error));
}

/* Returns EXIT_DONE with tp->talk.fd connected, or the code to end with. */
static int open_connection(struct tcbpeer *tp)
{
	const struct peer_result *res;
	bool crossed = false;
	struct peer peer;
	int err;

	err = peer_init(&peer, &tp->config);
	if (err == -ELOOP)
		return say_fail(EXIT_USAGE, "-l and -r are the same endpoint",
				"give the peer a port of its own",
				"%s would be connected to itself",
				tp->report.local);
	if (err)
		return say_fail(EXIT_USAGE, NULL, "see tcbpeer --help",
				"cannot open %s > %s: %s", tp->report.local,
				tp->report.remote, strerror(-err));

	res = &peer.result;
	if (!tp->quiet)
		say_note("opening %s > %s", tp->report.local,
			 tp->report.remote);
	while ((err = peer_step(&peer)) > 0) {
		if (interrupted(tp)) {
			peer_exit(&peer);
			return say_fail(EXIT_FAILED, NULL, NULL,
					"interrupted after %u attempts",
					res->attempts);
		}
		if (res->crossed == PEER_CROSSED_YES && !crossed && !tp->quiet)
			say_note("attempt %u: SYN_SENT -> SYN_RECV, crossed",
				 res->attempts);
		crossed = res->crossed == PEER_CROSSED_YES;
	}

	report_open(&tp->report, &tp->config, res);
	if (err)
		return fail_open(tp, res);
	tp->talk.fd = res->fd;
	return EXIT_DONE;
}

static int talk(struct tcbpeer *tp)
{
	uint64_t timeout_ns = tp->config.deadline_ns ?: PEER_DEADLINE_NS;
	struct talk *talk = &tp->talk;
	int err;

	err = talk_exchange(talk, timeout_ns);
	if (talk->in_len)
		report_message(&tp->report, talk->in, talk_line(talk));
	if (!err && tp->hold) {
		if (!tp->quiet)
			say_note("holding until standard input ends");
		err = talk_hold(talk, STDIN_FILENO);
	}
	talk_close(talk, timeout_ns);
	if (!err) {
		report_closed(&tp->report, talk->sent, talk->in_len);
		return EXIT_DONE;
	}
	if (err == -EINTR)
		return say_fail(EXIT_FAILED, NULL, NULL, "interrupted");
	return say_fail(EXIT_FAILED,
			err == -ETIMEDOUT ? "the peer did not send a line" :
					    NULL,
			NULL, "%s > %s: %s", tp->report.local,
			tp->report.remote, strerror(-err));
}

/* The code to end with, @code unless the output is incomplete. */
static int written(int code)
{
	struct pollfd pfd = { .fd = STDOUT_FILENO, .events = POLLOUT };

	if (!fflush(stdout) && !ferror(stdout))
		return code;
	/* A reader that went away knows it: no word about that. */
	if (poll(&pfd, 1, 0) == 1 && pfd.revents & POLLERR)
		return EXIT_FAILED;
	return say_fail(EXIT_FAILED, NULL, NULL,
			"cannot write the result to standard output");
}

static int block_signals(struct tcbpeer *tp)
{
	sigset_t set;

	sigemptyset(&set);
	sigaddset(&set, SIGINT);
	sigaddset(&set, SIGTERM);
	if (sigprocmask(SIG_BLOCK, &set, NULL))
		return -errno;
	/* A reader that goes away ends the output, not the connection. */
	if (signal(SIGPIPE, SIG_IGN) == SIG_ERR)
		return -errno;

	tp->signals = signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK);
	return tp->signals < 0 ? -errno : 0;
}

int main(int argc, char **argv)
{
	static struct tcbpeer tp;
	int err;

	say_init();
	tp.report.file = stdout;
	talk_init(&tp.talk);

	argp_err_exit_status = EXIT_USAGE;
	err = argp_parse(&argp, argc, argv, ARGP_NO_HELP, NULL, &tp);
	if (err)
		return say_fail(EXIT_FAILED, NULL, NULL, "options: %s",
				strerror(err));

	setvbuf(stdout, NULL, _IOLBF, 0);
	err = block_signals(&tp);
	if (err)
		return say_fail(EXIT_FAILED, NULL, NULL, "signals: %s",
				strerror(-err));
	tp.talk.stop = tp.signals;

	err = open_connection(&tp);
	if (!err)
		err = talk(&tp);
	return written(err);
}
