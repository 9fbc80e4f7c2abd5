// SPDX-License-Identifier: GPL-2.0
/* The command line of tcbpeer. */
#include "peer/option.h"
#include "lib/clock.h"
#include "lib/opt.h"
#include "lib/say.h"
#include "peer/talk.h"

#include <argp.h>
#include <errno.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>

#ifndef TCBSCOPE_VERSION
#define TCBSCOPE_VERSION "0.1"
#endif

#define DAY_NS (86400 * NSEC_PER_SEC)

static const char examples[] =
	"Examples:\n"
	"  tcbpeer -l 10.8.0.1:2000 -r 10.8.0.2:2001    here, and on the other host:\n"
	"  tcbpeer -l 10.8.0.2:2001 -r 10.8.0.1:2000    chat; quit or ^D ends it\n"
	"  tcbpeer -l 10.8.0.1:2000 -r 10.8.0.2:2001 --file big.iso   and there:\n"
	"  tcbpeer -l 10.8.0.2:2001 -r 10.8.0.1:2000 -n >big.iso\n"
	"  tcbpeer -l [fd08::1]:2000 -r [fd08::2]:2001 --message hello --json\n"
	"Through NATs, with a rendezvous that both can reach:\n"
	"  tcbpeer rendezvous -l 192.0.2.1:7000 -l 192.0.2.1:7001\n"
	"  tcbpeer --rendezvous 192.0.2.1:7000 --name us --secret FILE    on both\n"
	"\n";

static const char doc[] =
	"Open a TCP connection to a peer that does the same, without a listener. Then "
	"standard input goes to the peer, and what the peer sends to standard output."
	"\v"
	"Tries until the peer's attempt meets this one: each attempt that comes too "
	"early is refused. \"crossed\" means that this end has met a bare SYN "
	"(SYN_SENT -> SYN_RECV); \"not crossed\" that it has met a SYN+ACK. Where it "
	"was too short to be seen, there is neither. Whether both ends met one, "
	"tcbscope can tell.\n"
	"\n"
	"Exit status: 0 done, and all has arrived; 1 failed: the deadline passed, the "
	"peer always refused, or the connection broke; 2 bad usage; 3 not permitted.";

enum {
	KEY_DEADLINE = 256,
	KEY_ATTEMPTS,
	KEY_ALIGN,
	KEY_AT,
	KEY_RETRY,
	KEY_ATTEMPT,
	KEY_LISTEN,
	KEY_REQUIRE,
	KEY_CC,
	KEY_CLOSE,
	KEY_MESSAGE,
	KEY_HOLD,
	KEY_FILE,
	KEY_RAW,
	KEY_RENDEZVOUS,
	KEY_NAME,
	KEY_SECRET,
	KEY_USAGE,
};

static const struct argp_option options[] = {
	{ "local", 'l', "ADDR:PORT", 0, "this end", 1 },
	{ "remote", 'r', "ADDR:PORT", 0, "the peer", 1 },
	{ "rendezvous", KEY_RENDEZVOUS, "ADDR:PORT", 0,
	  "meet the peer there instead of -r, and punch a hole through NATs; if "
	  "that comes to nothing once more, from another port",
	  1 },
	{ "name", KEY_NAME, "NAME", 0, "the name to meet under", 1 },
	{ "secret", KEY_SECRET, "FILE", 0,
	  "what both have and nobody else, at least 8 bytes", 1 },
	{ "deadline", KEY_DEADLINE, "TIME", 0,
	  "give up opening, and then the exchange, after TIME: 5, 200ms, 1.5s "
	  "(default 5s)",
	  2 },
	{ "attempts", KEY_ATTEMPTS, "N", 0,
	  "give up after N attempts (default 10000, or none with --deadline)",
	  2 },
	{ "at", KEY_AT, "SECONDS", 0,
	  "begin at this time, in seconds since 1970 such as 1700000000.5; the "
	  "deadline counts from there",
	  2 },
	{ "align", KEY_ALIGN, "TIME", 0,
	  "begin each attempt at a multiple of TIME by the clock, as the peer "
	  "does (10ms)",
	  2 },
	{ "retry", KEY_RETRY, "TIME", 0,
	  "after a refusal wait a random time below TIME (default 1ms)", 2 },
	{ "attempt", KEY_ATTEMPT, "TIME", 0,
	  "give an attempt up if it has no answer after TIME (default: the "
	  "kernel repeats its SYN)",
	  2 },
	{ "listen-too", KEY_LISTEN, NULL, 0,
	  "listen on the same port as well: whichever wins", 2 },
	{ "require", KEY_REQUIRE, "KIND", 0,
	  "crossed: fail unless a bare SYN was met; any (default)", 2 },
	{ "cc", KEY_CC, "NAME", 0, "congestion control", 2 },
	{ "no-input", 'n', NULL, 0, "send nothing", 3 },
	{ "file", KEY_FILE, "FILE", 0,
	  "send FILE instead of standard input, and make sure that it has "
	  "arrived",
	  3 },
	{ "raw", KEY_RAW, NULL, 0,
	  "bytes without frames, for a peer that is not tcbpeer: a FIN is the "
	  "end",
	  3 },
	{ "message", KEY_MESSAGE, "TEXT", 0,
	  "only exchange a line, TEXT, for one of the peer", 3 },
	{ "hold", KEY_HOLD, NULL, 0,
	  "exchange a line (\"hello from ADDR:PORT\" without --message), and "
	  "close only when standard input yields a line or ends",
	  3 },
	{ "close", KEY_CLOSE, "HOW", 0,
	  "normal; first: FIN behind our last byte; half: FIN, then read up to "
	  "the peer's; abort: RST; simultaneous: at the next full second",
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

static void set_duration(const char *option, const char *arg, uint64_t *ns)
{
	int err = opt_duration_ns(arg, ns);

	if (!err && (!*ns || *ns > DAY_NS))
		err = -ERANGE;
	if (err)
		bad_argument(option, arg, err,
			     "it is a time above 0, up to 24h, such as 5, "
			     "200ms or 1.5s");
}

static void set_at(const char *arg, uint64_t *ns)
{
	uint64_t now_ns = clock_real_ns();
	int err = opt_duration_ns(arg, ns);

	if (!err && (*ns <= now_ns || *ns > now_ns + DAY_NS))
		err = -ERANGE;
	if (err)
		bad_argument("--at", arg, err,
			     "it is a time within the next 24h, in seconds "
			     "since 1970: see date +%s");
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

static void set_cc(const char *arg, char cc[PEER_CC_SIZE])
{
	size_t len = strlen(arg);

	if (!len || len >= PEER_CC_SIZE)
		bad_argument("--cc", arg, -EINVAL,
			     "sysctl net.ipv4.tcp_available_congestion_control "
			     "lists them");
	memcpy(cc, arg, len + 1);
}

static void set_require(const char *arg, bool *crossed)
{
	*crossed = !strcmp(arg, "crossed");
	if (!*crossed && strcmp(arg, "any"))
		bad_argument("--require", arg, -EINVAL, "it is crossed or any");
}

static void set_close(const char *arg, enum close_how *how)
{
	int ret = close_parse(arg);

	if (ret < 0)
		bad_argument("--close", arg, ret,
			     "it is normal, first, half, abort or "
			     "simultaneous");
	*how = ret;
}

static void check_meeting(struct argp_state *state,
			  const struct option_set *set)
{
	if (set->remote || set->config.at_ns || set->config.listen)
		argp_error(state, "--rendezvous goes without -r, --at and "
				  "--listen-too");
	if (!set->name || !set->secret)
		argp_error(state, "--rendezvous needs --name and --secret");
	if (!*set->name || strlen(set->name) > MEET_NAME)
		argp_error(state, "--name is 1 to %d bytes", MEET_NAME);
	if (set->local &&
	    set->config.local.ss_family != set->rendezvous.ss_family)
		argp_error(state, "-l and the rendezvous are IPv4 and IPv6");
}

/* Complain about what no single option can know. */
static void check_usage(struct argp_state *state, const struct option_set *set)
{
	if (set->rendezvous_text)
		check_meeting(state, set);
	else if (set->name || set->secret)
		argp_error(state, "--name and --secret are for --rendezvous");
	else if (!set->local || !set->remote)
		argp_error(state, "both -l and -r are needed");
	else if (set->config.local.ss_family != set->config.remote.ss_family)
		argp_error(state, "one end is IPv4, the other IPv6");
	if (set->line && (set->mute || set->raw || set->file))
		argp_error(state, "-n, --raw and --file do not go with "
				  "--message and --hold");
	if (set->close == CLOSE_FIRST && !set->line && !set->raw)
		argp_error(state, "--close first goes with --message, --hold "
				  "or --raw: else the FIN comes behind the "
				  "peer's word that all has arrived");
	if (set->mute && set->file)
		argp_error(state, "either -n or --file");
	if (set->message && strchr(set->message, '\n'))
		argp_error(state, "--message is one line");
	if (set->message && strlen(set->message) >= TALK_LINE_SIZE)
		argp_error(state, "--message is longer than %d bytes",
			   TALK_LINE_SIZE - 1);
}

/* How to open. */
static error_t parse_open(int key, char *arg, struct option_set *set)
{
	struct peer_config *config = &set->config;

	switch (key) {
	case 'l':
		set_endpoint("-l", arg, &config->local, &config->len);
		set->local = arg;
		break;
	case 'r':
		set_endpoint("-r", arg, &config->remote, &config->len);
		set->remote = arg;
		break;
	case KEY_RENDEZVOUS:
		set_endpoint("--rendezvous", arg, &set->rendezvous,
			     &config->len);
		set->rendezvous_text = arg;
		break;
	case KEY_NAME:
		set->name = arg;
		break;
	case KEY_SECRET:
		set->secret = arg;
		break;
	case KEY_DEADLINE:
		set_duration("--deadline", arg, &config->deadline_ns);
		if (!config->attempts) /* the deadline alone is the bound */
			config->attempts = UINT_MAX;
		break;
	case KEY_ATTEMPTS:
		set_attempts(arg, &config->attempts);
		break;
	case KEY_AT:
		set_at(arg, &config->at_ns);
		break;
	case KEY_ALIGN:
		set_duration("--align", arg, &config->align_ns);
		break;
	case KEY_RETRY:
		set_duration("--retry", arg, &config->pause_ns);
		break;
	case KEY_ATTEMPT:
		set_duration("--attempt", arg, &config->attempt_ns);
		break;
	case KEY_LISTEN:
		config->listen = true;
		break;
	case KEY_REQUIRE:
		set_require(arg, &set->crossed);
		break;
	case KEY_CC:
		set_cc(arg, config->cc);
		break;
	default:
		return ARGP_ERR_UNKNOWN;
	}
	return 0;
}

static error_t parse_option(int key, char *arg, struct argp_state *state)
{
	struct option_set *set = state->input;

	switch (key) {
	case KEY_MESSAGE:
		set->message = arg;
		set->line = true;
		break;
	case KEY_HOLD:
		set->hold = set->line = true;
		break;
	case 'n':
		set->mute = true;
		break;
	case KEY_FILE:
		set->file = arg;
		break;
	case KEY_RAW:
		set->raw = true;
		break;
	case KEY_CLOSE:
		set_close(arg, &set->close);
		break;
	case 'j':
		set->json = true;
		break;
	case 'q':
		set->quiet = true;
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
		check_usage(state, set);
		break;
	default:
		return parse_open(key, arg, set);
	}
	return 0;
}

void option_parse(struct option_set *set, int argc, char **argv)
{
	static const struct argp argp = {
		.options = options,
		.parser = parse_option,
		.doc = doc,
	};
	int err;

	argp_err_exit_status = EXIT_USAGE;
	err = opt_parse(&argp, argc, argv, ARGP_NO_HELP, set);
	if (err)
		exit(say_fail(EXIT_FAILED, NULL, NULL, "options: %s",
			      strerror(err)));
}

static const struct argp_option rendezvous_options[] = {
	{ "listen", 'l', "ADDR:PORT", 0,
	  "where peers come to; twice: the second tells them what their NAT "
	  "does",
	  0 },
	{ "help", 'h', NULL, 0, "print this help", -1 },
	{}
};

static error_t parse_rendezvous(int key, char *arg, struct argp_state *state)
{
	struct rendezvous_listen *where = state->input;

	switch (key) {
	case 'l':
		if (where->n == 2)
			argp_error(state, "-l is given twice at most");
		set_endpoint("-l", arg, &where->at[where->n], &where->len);
		where->text[where->n++] = arg;
		break;
	case 'h':
		argp_state_help(state, stdout, ARGP_HELP_STD_HELP);
		break;
	case ARGP_KEY_END:
		if (!where->n)
			argp_error(state, "-l is needed");
		if (where->n == 2 &&
		    where->at[0].ss_family != where->at[1].ss_family)
			argp_error(state, "both are IPv4, or both IPv6");
		break;
	default:
		return ARGP_ERR_UNKNOWN;
	}
	return 0;
}

void option_parse_rendezvous(struct rendezvous_listen *where, int argc,
			     char **argv)
{
	static const struct argp argp = {
		.options = rendezvous_options,
		.parser = parse_rendezvous,
		.doc = "Introduces peers that come with the same name to each "
		       "other, until it is interrupted.",
	};
	int err;

	argp_err_exit_status = EXIT_USAGE;
	err = opt_parse(&argp, argc, argv, ARGP_NO_HELP, where);
	if (err)
		exit(say_fail(EXIT_FAILED, NULL, NULL, "options: %s",
			      strerror(err)));
}
