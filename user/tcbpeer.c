// SPDX-License-Identifier: GPL-2.0
/* tcbpeer: open TCP with no listener on either end, talk, close. */
#include "lib/clock.h"
#include "lib/say.h"
#include "peer/duplex.h"
#include "peer/meeting.h"
#include "peer/option.h"
#include "peer/peer.h"
#include "peer/progress.h"
#include "peer/rendezvous.h"
#include "peer/report.h"
#include "peer/talk.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <string.h>
#include <sys/signalfd.h>
#include <sys/stat.h>
#include <unistd.h>

struct tcbpeer {
	struct option_set set;
	struct report report;
	int signals; /* signalfd of SIGINT and SIGTERM */
	struct talk talk;
	struct duplex duplex;
	struct progress progress;
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
	case -ENOENT:
		why = "this kernel has no such congestion control";
		then = "sysctl net.ipv4.tcp_available_congestion_control lists "
		       "them";
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
				tp->set.local);
	}
	return say_fail(code, why, then, "cannot open %s > %s: %s",
			tp->set.local, tp->set.remote, strerror(-res->error));
}

/* --require crossed: what this end cannot be sure of will not do either. */
static int check_crossed(struct tcbpeer *tp, const struct peer_result *res)
{
	if (res->crossed == PEER_CROSSED_YES)
		return EXIT_DONE;
	talk_close(&tp->talk, CLOSE_ABORT, 0);
	return say_fail(EXIT_FAILED,
			res->crossed == PEER_CROSSED_NO ?
				"it met a SYN+ACK" :
				"SYN_RECV was too short to be seen, if it was",
			"between the ends a SYN must be under way for a while; "
			"tcbscope trace sees all",
			"%s > %s: open, but not known to be crossed",
			tp->set.local, tp->set.remote);
}

/* Returns EXIT_DONE with tp->talk.fd connected, or the code to end with. */
static int open_connection(struct tcbpeer *tp)
{
	const struct peer_result *res;
	bool crossed = false;
	struct peer peer;
	int err;

	err = peer_init(&peer, &tp->set.config);
	if (err == -ELOOP)
		return say_fail(EXIT_USAGE, "-l and -r are the same endpoint",
				"give the peer a port of its own",
				"%s would be connected to itself",
				tp->set.local);
	if (err)
		return say_fail(EXIT_USAGE, NULL, "see tcbpeer --help",
				"cannot open %s > %s: %s", tp->set.local,
				tp->set.remote, strerror(-err));

	res = &peer.result;
	if (!tp->set.quiet)
		say_note("opening %s > %s", tp->set.local, tp->set.remote);
	while ((err = peer_step(&peer)) > 0) {
		if (interrupted(tp)) {
			peer_exit(&peer);
			return say_fail(EXIT_FAILED, NULL, NULL,
					"interrupted after %u attempts",
					res->attempts);
		}
		if (res->crossed == PEER_CROSSED_YES && !crossed &&
		    !tp->set.quiet)
			say_note("attempt %u: SYN_SENT -> SYN_RECV, crossed",
				 res->attempts);
		crossed = res->crossed == PEER_CROSSED_YES;
	}

	if (tp->set.line || tp->set.json || !tp->set.quiet)
		report_open(&tp->report, &tp->set.config, res);
	peer_exit(&peer);
	if (err)
		return fail_open(tp, res);
	tp->talk.fd = res->fd;
	return tp->set.crossed ? check_crossed(tp, res) : EXIT_DONE;
}

static int talk(struct tcbpeer *tp)
{
	uint64_t timeout_ns = tp->set.config.deadline_ns ?: PEER_DEADLINE_NS;
	struct talk *talk = &tp->talk;
	int err;

	talk->fin_first = tp->set.close == CLOSE_FIRST;
	err = talk_exchange(talk, timeout_ns);
	if (talk->in_len)
		report_message(&tp->report, talk->in, talk_line(talk));
	if (!err && tp->set.hold) {
		if (!tp->set.quiet)
			say_note("holding until standard input ends");
		err = talk_hold(talk, STDIN_FILENO);
	}
	talk_close(talk, err ? CLOSE_NORMAL : tp->set.close, timeout_ns);
	if (!err) {
		report_closed(&tp->report, talk->sent, talk->in_len);
		return EXIT_DONE;
	}
	if (err == -EINTR)
		return say_fail(EXIT_FAILED, NULL, NULL, "interrupted");
	return say_fail(EXIT_FAILED,
			err == -ETIMEDOUT ? "the peer did not send a line" :
					    NULL,
			err == -ETIMEDOUT ?
				"both ends take --message, or --hold" :
				NULL,
			"%s > %s: %s", tp->set.local, tp->set.remote,
			strerror(-err));
}

/* How it went wrong, in words. */
static int fail_converse(const struct tcbpeer *tp, int err)
{
	const char *where[] = {
		[DUPLEX_PEER] = "the peer",
		[DUPLEX_INPUT] = tp->set.file ?: "standard input",
		[DUPLEX_OUTPUT] = "standard output",
	};
	const char *what = strerror(-err), *why = NULL, *then = NULL;

	switch (err) {
	case -EINTR:
		return say_fail(EXIT_FAILED, NULL, NULL, "interrupted");
	case -EPROTO:
		why = "the peer speaks something else than frames";
		then = "both ends take --raw, or --message, or neither";
		break;
	case -EBADMSG:
		why = "length and SHA-256 are not those of what was sent";
		then = "throw away what has arrived, and begin again";
		break;
	case -ESTALE:
		what = "it has become shorter while it was sent";
		then = "the peer has to throw away what has arrived";
		break;
	case -EPIPE:
		/* the reader of our output knows */
		if (tp->duplex.where == DUPLEX_OUTPUT)
			return EXIT_FAILED;
		/* fall through */
	case -ECONNRESET:
	case -ENODATA:
		if (err == -ENODATA)
			what = "the connection ended in the middle";
		why = "its program was ended, or could not go on";
		then = "see what it said there; not all has arrived";
	}
	return say_fail(EXIT_FAILED, why, then, "%s > %s: %s: %s",
			tp->set.local, tp->set.remote, where[tp->duplex.where],
			what);
}

static int converse_loop(struct tcbpeer *tp)
{
	struct pollfd pfds[DUPLEX_FDS + 1] = {};
	bool told = tp->set.quiet || !tp->duplex.chat;
	int err;

	do {
		duplex_poll(&tp->duplex, pfds);
		pfds[DUPLEX_FDS].fd = tp->signals;
		pfds[DUPLEX_FDS].events = POLLIN;
		if (poll(pfds, DUPLEX_FDS + 1, -1) < 0 && errno != EINTR)
			return -errno;
		if (pfds[DUPLEX_FDS].revents)
			return -EINTR;
		err = duplex_step(&tp->duplex, pfds);
		progress_show(&tp->progress, tp->duplex.sent);
		if (err > 0 && tp->duplex.peer_ended && !tp->duplex.in_ended &&
		    !told) {
			say_note("the peer has ended; quit or ^D ends this "
				 "side");
			told = true;
		}
	} while (err > 0);
	return err;
}

/* What is no file to read from is said before anybody waits for it. -errno. */
static int open_input(const char *path)
{
	int fd = path ? open(path, O_RDONLY | O_CLOEXEC) : STDIN_FILENO;
	struct stat st;
	int flags;

	if (fd < 0)
		return -errno;
	flags = fcntl(fd, F_GETFL);
	if (flags < 0 || fstat(fd, &st))
		return -errno;
	if (S_ISDIR(st.st_mode))
		return -EISDIR;
	/* Standard input that was closed, see say_init(). */
	return (flags & O_ACCMODE) == O_WRONLY ? -EBADF : fd;
}

/* What goes to the peer and where its words go. 0 or the code to end with. */
static int converse_init(struct tcbpeer *tp)
{
	struct duplex *duplex = &tp->duplex;
	struct stat st;

	duplex_init(duplex);
	duplex->raw = tp->set.raw;
	duplex->out = STDOUT_FILENO;
	if (!tp->set.mute) {
		duplex->in = open_input(tp->set.file);
		if (duplex->in < 0)
			return say_fail(EXIT_FAILED, NULL,
					tp->set.file ? NULL :
						       "-n sends nothing",
					"cannot read %s: %s",
					tp->set.file ?: "standard input",
					strerror(-duplex->in));
		if (!fstat(duplex->in, &st) && S_ISREG(st.st_mode))
			duplex->size = st.st_size;
	}
	if (tp->set.file)
		progress_init(&tp->progress, duplex->size, tp->set.file,
			      tp->set.quiet);
	duplex->chat = duplex->in >= 0 && isatty(duplex->in);
	duplex->form = tp->set.json	     ? DUPLEX_JSON :
		       isatty(STDOUT_FILENO) ? DUPLEX_TERMINAL :
					       DUPLEX_BYTES;
	return EXIT_DONE;
}

static int converse(struct tcbpeer *tp)
{
	uint64_t timeout_ns = tp->set.config.deadline_ns ?: PEER_DEADLINE_NS;
	struct duplex *duplex = &tp->duplex;
	int err;

	fflush(stdout);
	duplex->fd = tp->talk.fd;
	err = converse_loop(tp);
	progress_end(&tp->progress, duplex->sent);
	/* The peer must not take what is cut short for the whole. */
	close_connection(duplex->fd, err ? CLOSE_ABORT : tp->set.close, false,
			 tp->signals, timeout_ns);
	if (err)
		return fail_converse(tp, err);
	if (tp->set.file && !tp->set.raw && !tp->set.quiet)
		say_note("%s: %llu byte%s arrived, SHA-256 verified",
			 tp->set.file, (unsigned long long)duplex->sent,
			 duplex->sent == 1 ? " has" : "s have");
	if (tp->set.json || !tp->set.quiet)
		report_closed(&tp->report, duplex->sent, duplex->received);
	return EXIT_DONE;
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

/* What to send: one line, which option_parse() has checked. */
static void set_message(struct tcbpeer *tp)
{
	char hello[TALK_LINE_SIZE];

	snprintf(hello, sizeof(hello), "hello from %s", tp->set.local);
	talk_say(&tp->talk, tp->set.message ?: hello);
}

/* With --rendezvous: the same as open_connection(). */
static int open_meeting(struct tcbpeer *tp)
{
	struct peer_result result;
	int code;

	code = meeting_open(&tp->set, &tp->report, tp->signals, &tp->talk.fd,
			    &result);
	if (code || !tp->set.crossed)
		return code;
	return check_crossed(tp, &result);
}

/* @where: the endpoint that could not be listened at, or NULL. */
static int fail_serve(const char *where, int err)
{
	const char *why = NULL, *then = NULL;
	int code = EXIT_FAILED;

	switch (err) {
	case -EACCES:
		code = EXIT_KERNEL;
		why = "a port below net.ipv4.ip_unprivileged_port_start needs "
		      "CAP_NET_BIND_SERVICE";
		then = "take a higher port, or run it with sudo";
		break;
	case -EADDRINUSE:
		why = "something listens there already";
		then = "see what with ss -tlnp, or take another port";
		break;
	case -EADDRNOTAVAIL:
		why = "the address is not one of this host";
		then = "see them with ip address";
		break;
	}
	return say_fail(code, why, then, "cannot %s%s: %s",
			where ? "listen at " : "serve", where ?: "",
			strerror(-err));
}

/* tcbpeer rendezvous */
static int serve(int argc, char **argv)
{
	static struct rendezvous_listen where;
	static struct rendezvous r;
	struct tcbpeer tp = {};
	int failed, err;

	option_parse_rendezvous(&where, argc, argv);
	err = block_signals(&tp);
	if (err)
		return say_fail(EXIT_FAILED, NULL, NULL, "signals: %s",
				strerror(-err));
	err = rendezvous_serve(&r, &where, tp.signals, &failed);
	if (err)
		return fail_serve(failed < 0 ? NULL : where.text[failed], err);
	printf("%llu introduced; turned away: %llu name taken, %llu wrong "
	       "secret, %llu partner lost, %llu too slow, %llu confused\n",
	       (unsigned long long)r.introduced, (unsigned long long)r.taken,
	       (unsigned long long)r.wrong, (unsigned long long)r.lost,
	       (unsigned long long)r.slow, (unsigned long long)r.confused);
	return say_written();
}

int main(int argc, char **argv)
{
	static struct tcbpeer tp;
	int err;

	say_init();
	if (argc > 1 && !strcmp(argv[1], "rendezvous"))
		return serve(argc - 1, argv + 1);
	option_parse(&tp.set, argc, argv);
	tp.report = (struct report){
		/* Standard output is for what the peer sends. */
		.file = tp.set.line || tp.set.json ? stdout : stderr,
		.json = tp.set.json,
		.local = tp.set.local,
		.remote = tp.set.remote,
	};
	if (tp.set.rendezvous_text) {
		tp.report.local = tp.set.local = "here";
		tp.report.remote = tp.set.remote = tp.set.name;
	}
	talk_init(&tp.talk);
	set_message(&tp);
	err = tp.set.line ? 0 : converse_init(&tp);
	if (err)
		return err;

	setvbuf(stdout, NULL, _IOLBF, 0);
	err = block_signals(&tp);
	if (err)
		return say_fail(EXIT_FAILED, NULL, NULL, "signals: %s",
				strerror(-err));
	tp.talk.stop = tp.signals;

	err = tp.set.rendezvous_text ? open_meeting(&tp) : open_connection(&tp);
	if (!err)
		err = tp.set.line ? talk(&tp) : converse(&tp);
	return written(err);
}
