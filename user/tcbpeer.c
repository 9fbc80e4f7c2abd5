/* SPDX-License-Identifier: GPL-2.0 */
/* tcbpeer: open TCP with no listener on either end, exchange a line, close. */
#include <argp.h>
#include <arpa/inet.h>
#include <errno.h>
#include <inttypes.h>
#include <net/if.h>
#include <netinet/in.h>
#include <poll.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/signalfd.h>
#include <time.h>
#include <unistd.h>

#include "lib/opt.h"
#include "lib/say.h"
#include "peer/peer.h"

#ifndef TCBSCOPE_VERSION
#define TCBSCOPE_VERSION "0.1"
#endif

#define NSEC_PER_SEC 1000000000ULL
#define MESSAGE_SIZE 4096 /* bytes of one message, newline included */
#define ADDR_SIZE (INET6_ADDRSTRLEN + 1 + IF_NAMESIZE)
#define ENDPOINT_SIZE (ADDR_SIZE + sizeof("[]:65535"))

struct tcbpeer {
	/* from the command line */
	struct peer_config config;
	const char *local, *remote; /* as written there */
	const char *message;
	bool hold, json, quiet;

	int signals; /* signalfd of SIGINT and SIGTERM */
	int fd;	     /* the connection */

	char out[MESSAGE_SIZE];
	size_t out_len, sent;
	char in[MESSAGE_SIZE];
	size_t in_len;
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
	  "give up after N attempts (default 10000)", 2 },
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

static uint64_t now_ns(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return ts.tv_sec * NSEC_PER_SEC + ts.tv_nsec;
}

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

/* Complain about what no single option can know. */
static void check_usage(struct argp_state *state, const struct tcbpeer *tp)
{
	if (!tp->local || !tp->remote)
		argp_error(state, "both -l and -r are needed");
	if (tp->config.local.ss_family != tp->config.remote.ss_family)
		argp_error(state, "one end is IPv4, the other IPv6");
	if (tp->message && strchr(tp->message, '\n'))
		argp_error(state, "--message is one line");
	if (tp->message && strlen(tp->message) >= MESSAGE_SIZE)
		argp_error(state, "--message is longer than %d bytes",
			   MESSAGE_SIZE - 1);
}

static error_t parse_option(int key, char *arg, struct argp_state *state)
{
	struct tcbpeer *tp = state->input;
	struct peer_config *config = &tp->config;

	switch (key) {
	case 'l':
		set_endpoint("-l", arg, &config->local, &config->len);
		tp->local = arg;
		break;
	case 'r':
		set_endpoint("-r", arg, &config->remote, &config->len);
		tp->remote = arg;
		break;
	case KEY_DEADLINE:
		set_deadline(arg, &config->deadline_ns);
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
		tp->json = true;
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

/* The output: one object a line in JSON, one line of words in text. */

static void json_string(const char *name, const char *s, size_t len)
{
	printf(",\"%s\":\"", name);
	while (len) {
		unsigned char c = *s;
		size_t n = say_printable(s, len);

		if (c == '"' || c == '\\')
			printf("\\%c", c);
		else if (n)
			fwrite(s, 1, n, stdout);
		else if (c < 0x80)
			printf("\\u%04x", c);
		else
			fputs("\\ufffd", stdout);
		n = n ? n : 1;
		s += n;
		len -= n;
	}
	putchar('"');
}

static void json_number(const char *name, uint64_t n)
{
	printf(",\"%s\":%" PRIu64, name, n);
}

static void json_endpoint(char side, const struct sockaddr_storage *ss)
{
	const struct sockaddr_in6 *sin6 = (const struct sockaddr_in6 *)ss;
	const struct sockaddr_in *sin = (const struct sockaddr_in *)ss;
	bool v6 = ss->ss_family == AF_INET6;
	char text[INET6_ADDRSTRLEN], name[] = "?addr", port[] = "?port";

	inet_ntop(ss->ss_family,
		  v6 ? (void *)&sin6->sin6_addr : (void *)&sin->sin_addr, text,
		  sizeof(text));
	name[0] = port[0] = side;
	json_string(name, text, strlen(text));
	json_number(port, ntohs(v6 ? sin6->sin6_port : sin->sin_port));
}

static void json_open(const struct tcbpeer *tp, const struct peer_result *res)
{
	printf("{\"type\":\"open\"");
	json_endpoint('l', &tp->config.local);
	json_endpoint('r', &tp->config.remote);
	json_number("attempts", res->attempts);
	json_number("refused", res->refused);
	json_number("reset", res->reset);
	json_number("timedout", res->timedout);
	json_number("inuse", res->inuse);
	json_number("elapsed_ns", res->elapsed_ns);
	if (res->error) {
		const char *name = strerrorname_np(-res->error);

		json_string("error", name ? name : "?",
			    name ? strlen(name) : 1);
	} else {
		if (res->crossed != PEER_CROSSED_UNKNOWN)
			printf(",\"crossed\":%s",
			       res->crossed == PEER_CROSSED_YES ? "true" :
								  "false");
		json_number("segs_in", res->segs_in);
		json_number("segs_out", res->segs_out);
		json_string("cc", res->cc, strlen(res->cc));
	}
	puts("}");
}

static void text_open(const struct tcbpeer *tp, const struct peer_result *res)
{
	static const char *const crossed[] = {
		[PEER_CROSSED_UNKNOWN] = "",
		[PEER_CROSSED_NO] = "not crossed, ",
		[PEER_CROSSED_YES] = "crossed, ",
	};

	printf("%s %s > %s: %s%u attempt%s, %u refused, %.3f ms",
	       res->error ? "failed" : "open  ", tp->local, tp->remote,
	       res->error ? "" : crossed[res->crossed], res->attempts,
	       res->attempts == 1 ? "" : "s", res->refused,
	       res->elapsed_ns / 1e6);
	if (!res->error)
		printf(", segments in %u out %u, %s", res->segs_in,
		       res->segs_out, res->cc);
	putchar('\n');
}

static void print_message(const struct tcbpeer *tp)
{
	const char *end = memchr(tp->in, '\n', tp->in_len);
	size_t len = end ? (size_t)(end - tp->in) : tp->in_len;
	char text[4 * MESSAGE_SIZE + 1];

	if (tp->json) {
		printf("{\"type\":\"message\"");
		json_string("message", tp->in, len);
		puts("}");
		return;
	}
	say_escape(text, sizeof(text), tp->in, len);
	printf("peer   %s\n", text);
}

static void print_closed(const struct tcbpeer *tp)
{
	if (!tp->json) {
		puts("closed");
		return;
	}
	printf("{\"type\":\"closed\"");
	json_number("sent_bytes", tp->sent);
	json_number("received_bytes", tp->in_len);
	puts("}");
}

/* The opening */

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
			why = "the peer's host refused every attempt: nobody "
			      "there was trying at the same time";
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
				"%s would be connected to itself", tp->local);
	}
	return say_fail(code, why, then, "cannot open %s > %s: %s", tp->local,
			tp->remote, strerror(-res->error));
}

/* Returns EXIT_DONE with tp->fd connected, or the code to end with. */
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
				"%s would be connected to itself", tp->local);
	if (err)
		return say_fail(EXIT_USAGE, NULL, "see tcbpeer --help",
				"cannot open %s > %s: %s", tp->local,
				tp->remote, strerror(-err));

	res = &peer.result;
	if (!tp->quiet)
		say_note("opening %s > %s", tp->local, tp->remote);
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

	if (tp->json)
		json_open(tp, res);
	else
		text_open(tp, res);
	if (err)
		return fail_open(tp, res);
	tp->fd = res->fd;
	return EXIT_DONE;
}

/* The exchange */

/* Send what is left of our message. Returns 0 or -errno. */
static int send_some(struct tcbpeer *tp)
{
	ssize_t n;

	n = send(tp->fd, tp->out + tp->sent, tp->out_len - tp->sent,
		 MSG_NOSIGNAL);
	if (n < 0)
		return errno == EAGAIN || errno == EINTR ? 0 : -errno;
	tp->sent += n;
	return 0;
}

/* Read what is there. Returns 1 at the end of the message, 0 or -errno. */
static int receive_some(struct tcbpeer *tp)
{
	char *at = tp->in + tp->in_len;
	ssize_t n;

	n = recv(tp->fd, at, MESSAGE_SIZE - tp->in_len, 0);
	if (n < 0)
		return errno == EAGAIN || errno == EINTR ? 0 : -errno;
	if (!n)
		return 1;
	tp->in_len += n;
	return memchr(at, '\n', n) || tp->in_len == MESSAGE_SIZE;
}

static uint64_t exchange_end(const struct tcbpeer *tp)
{
	return now_ns() + (tp->config.deadline_ns ?: PEER_DEADLINE_NS);
}

/*
 * Wait for @events of the connection. Returns what there is, -ETIMEDOUT at
 * @end_ns, -EINTR at a signal, or another -errno.
 */
static int wait_connection(const struct tcbpeer *tp, short events,
			   uint64_t end_ns)
{
	struct pollfd pfds[2] = {
		{ .fd = tp->fd, .events = events },
		{ .fd = tp->signals, .events = POLLIN },
	};
	uint64_t now = now_ns();
	struct timespec left;

	if (now >= end_ns)
		return -ETIMEDOUT;
	left.tv_sec = (end_ns - now) / NSEC_PER_SEC;
	left.tv_nsec = (end_ns - now) % NSEC_PER_SEC;
	if (ppoll(pfds, 2, &left, NULL) < 0)
		return errno == EINTR ? 0 : -errno;
	return pfds[1].revents ? -EINTR : pfds[0].revents;
}

/* Both at once: a peer that first reads must not stop us, nor we it. */
static int exchange(struct tcbpeer *tp)
{
	uint64_t end = exchange_end(tp);
	bool received = false;
	int n, ready;

	while (tp->sent < tp->out_len || !received) {
		ready = wait_connection(tp,
					(received ? 0 : POLLIN) |
						(tp->sent < tp->out_len ?
							 POLLOUT :
							 0),
					end);
		if (ready < 0)
			return ready;

		if (!received && ready & ~POLLOUT) {
			n = receive_some(tp);
			if (n < 0)
				return n;
			received = n;
		}
		if (tp->sent < tp->out_len && ready & ~POLLIN) {
			n = send_some(tp);
			if (n < 0)
				return n;
		}
	}
	return 0;
}

/*
 * Wait for standard input, as long as it takes. A reset ends it (-ECONNRESET);
 * the peer's FIN does not: to stay in CLOSE_WAIT may be what is wanted. A
 * signal ends it like a line does.
 */
static int hold(const struct tcbpeer *tp)
{
	struct pollfd pfds[3] = {
		{ .fd = STDIN_FILENO, .events = POLLIN },
		{ .fd = tp->signals, .events = POLLIN },
		{ .fd = tp->fd },
	};
	socklen_t len = sizeof(int);
	char buf[256];
	ssize_t n;
	int err;

	for (;;) {
		if (poll(pfds, 3, -1) < 0) {
			if (errno == EINTR)
				continue;
			return -errno;
		}
		if (pfds[1].revents)
			return 0;
		if (pfds[2].revents & (POLLERR | POLLHUP)) {
			err = 0;
			getsockopt(tp->fd, SOL_SOCKET, SO_ERROR, &err, &len);
			return err ? -err : -ECONNRESET;
		}
		if (!pfds[0].revents)
			continue;
		n = read(STDIN_FILENO, buf, sizeof(buf));
		if (n < 0 && (errno == EAGAIN || errno == EINTR))
			continue;
		if (n <= 0 || memchr(buf, '\n', n))
			return 0;
	}
}

/* The peer has said more than its line, or may be about to. */
static bool unread(const struct tcbpeer *tp)
{
	const char *end = memchr(tp->in, '\n', tp->in_len);

	return end ? end + 1 < tp->in + tp->in_len : tp->in_len == MESSAGE_SIZE;
}

/*
 * Close so that the peer sees a FIN. Data that arrives after close(), or is
 * unread by then, would make it an RST; if there may be any, send the FIN first
 * and throw away what comes, up to the peer's FIN or the deadline.
 */
static void close_connection(struct tcbpeer *tp)
{
	uint64_t end = exchange_end(tp);
	char rest[MESSAGE_SIZE];
	ssize_t n = 1;

	if (unread(tp) && !shutdown(tp->fd, SHUT_WR)) {
		while (n && wait_connection(tp, POLLIN, end) >= 0) {
			n = recv(tp->fd, rest, sizeof(rest), 0);
			if (n < 0 && errno != EAGAIN && errno != EINTR)
				break;
		}
	}
	close(tp->fd);
	tp->fd = -1;
}

static int talk(struct tcbpeer *tp)
{
	int err = exchange(tp);

	if (tp->in_len)
		print_message(tp);
	if (!err && tp->hold) {
		if (!tp->quiet)
			say_note("holding until standard input ends");
		err = hold(tp);
	}
	close_connection(tp);
	if (!err) {
		print_closed(tp);
		return EXIT_DONE;
	}
	if (err == -EINTR)
		return say_fail(EXIT_FAILED, NULL, NULL, "interrupted");
	return say_fail(EXIT_FAILED,
			err == -ETIMEDOUT ? "the peer did not send a line" :
					    NULL,
			NULL, "%s > %s: %s", tp->local, tp->remote,
			strerror(-err));
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
	static struct tcbpeer tp = { .fd = -1 };
	int err;

	argp_err_exit_status = EXIT_USAGE;
	err = argp_parse(&argp, argc, argv, ARGP_NO_HELP, NULL, &tp);
	if (err)
		return say_fail(EXIT_FAILED, NULL, NULL, "options: %s",
				strerror(err));

	if (tp.message)
		tp.out_len = snprintf(tp.out, sizeof(tp.out), "%s\n",
				      tp.message);
	else
		tp.out_len = snprintf(tp.out, sizeof(tp.out), "hello from %s\n",
				      tp.local);

	setvbuf(stdout, NULL, _IOLBF, 0);
	err = block_signals(&tp);
	if (err)
		return say_fail(EXIT_FAILED, NULL, NULL, "signals: %s",
				strerror(-err));

	err = open_connection(&tp);
	if (!err)
		err = talk(&tp);
	return written(err);
}
