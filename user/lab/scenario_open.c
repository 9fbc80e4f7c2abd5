// SPDX-License-Identifier: GPL-2.0
/*
 * Opens. A full simultaneous open: both SYNs are held on their way until both
 * ends have sent one, then let go; later the same with the FINs.
 */
#include "lab/gate.h"
#include "lab/netns.h"
#include "lab/scenario.h"
#include "lab/witness.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#define PATIENCE_NS 8000000000ull /* for any one step */
#define FULL_PATH \
	"CLOSE SYN_SENT SYN_RECV ESTABLISHED FIN_WAIT1 CLOSING TIME_WAIT"

static const unsigned int ports[2] = { 2000, 2001 };

struct end {
	pid_t peer;
	int in, out;	/* the peer's standard input and output */
	char line[512]; /* what it has printed of a line so far */
	size_t len;
};

struct simultaneous {
	const struct stage *stage;
	struct netns_pair pair;
	struct gate gate;
	struct sockaddr_storage addr[2];
	struct end end[2];
	pid_t trace;
	struct witness *witness;
};

static struct sighting socket_of(const struct simultaneous *s, int side)
{
	return (struct sighting){
		.netns = s->pair.side[side].inode,
		.lport = ports[side],
	};
}

static int fail(const struct simultaneous *s, const char *what, int err)
{
	s->stage->say("not proved: %s: %s", what, strerror(-err));
	return 1;
}

/* The tracer: text to where we write, JSON to the witness. */
static int start_trace(struct simultaneous *s)
{
	char netns[64], json[64], svg[PATH_MAX + 8];
	char *argv[] = { (char *)s->stage->tcbscope,
			 "trace",
			 "-q",
			 "--ladder",
			 "--explain",
			 "--netns",
			 netns,
			 json,
			 s->stage->svg ? svg : NULL,
			 NULL };
	struct sighting header = { .type = "header" };
	pid_t lab = getpid();
	int fds[2];

	if (pipe2(fds, O_CLOEXEC))
		return -errno;
	snprintf(netns, sizeof(netns), "%llu,%llu",
		 (unsigned long long)s->pair.side[0].inode,
		 (unsigned long long)s->pair.side[1].inode);
	snprintf(svg, sizeof(svg), "--svg=%s", s->stage->svg ?: "");
	snprintf(json, sizeof(json), "--json=/dev/fd/%d", fds[1]);
	s->stage->say("$ tcbscope trace -q --ladder --explain --netns %s",
		      netns);
	s->trace = fork();
	if (!s->trace) {
		/* it must not outlive the lab: nothing else would end it */
		prctl(PR_SET_PDEATHSIG, SIGTERM);
		if (getppid() != lab)
			_exit(127);
		fcntl(fds[1], F_SETFD, 0);
		execv(argv[0], argv);
		_exit(127);
	}
	close(fds[1]);
	s->witness = s->trace > 0 ? witness_new(fds[0]) : NULL;
	if (!s->witness) {
		close(fds[0]);
		return -ENOMEM;
	}
	return witness_wait(s->witness, &header, PATIENCE_NS);
}

/* tcbpeer in its namespace; it closes when its standard input ends. */
static int start_peer(struct simultaneous *s, int side)
{
	char local[64], remote[64], ip[2][INET_ADDRSTRLEN];
	char *argv[] = { (char *)s->stage->tcbpeer,
			 "-q",
			 "--hold",
			 "-l",
			 local,
			 "-r",
			 remote,
			 NULL };
	struct end *end = &s->end[side];
	int in[2], out[2], stdio[3], i;

	for (i = 0; i < 2; i++)
		inet_ntop(AF_INET, &s->pair.side[i].addr4, ip[i], sizeof(*ip));
	snprintf(local, sizeof(local), "%s:%u", ip[side], ports[side]);
	snprintf(remote, sizeof(remote), "%s:%u", ip[!side], ports[!side]);
	s->stage->say("%c$ tcbpeer --hold -l %s -r %s", 'A' + side, local,
		      remote);
	if (pipe2(in, O_CLOEXEC))
		return -errno;
	if (pipe2(out, O_CLOEXEC)) {
		close(in[0]);
		close(in[1]);
		return -errno;
	}
	stdio[0] = in[0];
	stdio[1] = out[1];
	stdio[2] = -1;
	end->peer = netns_spawn(s->pair.side[side].fd, argv, stdio);
	close(in[0]);
	close(out[1]);
	end->in = in[1];
	end->out = out[0];
	return end->peer < 0 ? end->peer : 0;
}

/* Until what both ends send is held. */
static int wait_held(struct simultaneous *s, unsigned int states)
{
	int side, err = 0;

	for (side = 0; side < 2 && !err; side++) {
		err = gate_wait_tcp(&s->gate, side, &s->addr[side],
				    &s->addr[!side], states, PATIENCE_NS);
		if (err >= 0)
			err = gate_wait_held(&s->gate, side, AF_INET,
					     PATIENCE_NS);
	}
	return err;
}

/* Until the trace has shown both ends in a state. */
static int wait_seen(struct simultaneous *s, const char *state)
{
	int side, err = 0;

	for (side = 0; side < 2 && !err; side++) {
		struct sighting what = socket_of(s, side);

		what.type = "state";
		what.new = state;
		err = witness_wait(s->witness, &what, PATIENCE_NS);
	}
	return err;
}

/* One byte more of what a peer prints; true at the end of a line. */
static bool collect(struct end *end, char byte)
{
	if (byte != '\n') {
		if (end->len + 1 < sizeof(end->line))
			end->line[end->len++] = byte;
		return false;
	}
	end->line[end->len] = '\0';
	end->len = 0;
	return true;
}

/*
 * Pass on what a peer prints, up to a line that begins with @last, or to the
 * end if that is NULL.
 */
static int relay(struct simultaneous *s, int side, const char *last)
{
	struct end *end = &s->end[side];
	struct pollfd pfd = { .fd = end->out, .events = POLLIN };
	char byte;

	for (;;) {
		if (poll(&pfd, 1, PATIENCE_NS / 1000000) <= 0)
			return -ETIMEDOUT;
		if (read(end->out, &byte, 1) != 1)
			return last ? -EPIPE : 0;
		if (!collect(end, byte))
			continue;
		s->stage->say("%c| %s", 'A' + side, end->line);
		if (last && !strncmp(end->line, last, strlen(last)))
			return 0;
	}
}

static int open_both(struct simultaneous *s)
{
	int side, err = 0;

	for (side = 0; side < 2 && !err; side++)
		err = start_peer(s, side);
	if (err)
		return fail(s, "starting tcbpeer", err);
	err = wait_held(s, GATE_STATE(TCP_SYN_SENT));
	if (!err)
		err = wait_seen(s, "SYN_SENT");
	if (err)
		return fail(s, "waiting for two held SYNs", err);
	s->stage->say(
		"  both SYNs are on their way, held by the gate: it opens");
	err = gate_open(&s->gate);
	if (!err)
		err = wait_seen(s, "ESTABLISHED");
	if (err)
		return fail(s, "waiting for the open", err);
	for (side = 0; side < 2 && !err; side++)
		err = relay(s, side, "peer");
	return err ? fail(s, "waiting for the messages", err) : 0;
}

static int close_both(struct simultaneous *s)
{
	int side, err, status;

	err = gate_close(&s->gate);
	if (err)
		return fail(s, "closing the gate", err);
	for (side = 0; side < 2; side++) {
		close(s->end[side].in);
		s->end[side].in = -1;
	}
	err = wait_held(s, GATE_STATE(TCP_FIN_WAIT1));
	if (!err)
		err = wait_seen(s, "FIN_WAIT1");
	if (err)
		return fail(s, "waiting for two held FINs", err);
	s->stage->say("  both FINs are held: the gate opens");
	err = gate_open(&s->gate);
	if (!err)
		err = wait_seen(s, "TIME_WAIT");
	if (err)
		return fail(s, "waiting for the close", err);
	for (side = 0; side < 2; side++) {
		err = relay(s, side, NULL);
		if (err)
			return fail(s, "waiting for the peers to end", err);
		waitpid(s->end[side].peer, &status, 0);
		s->end[side].peer = 0;
	}
	return 0;
}

/* What the stream itself says, and nothing else. */
static int judge(struct simultaneous *s)
{
	char path[2][256];
	bool proved = true;
	int side, err;

	kill(s->trace, SIGINT);
	err = witness_finish(s->witness, PATIENCE_NS);
	waitpid(s->trace, NULL, 0);
	s->trace = 0;
	if (err)
		return fail(s, "reading the trace", err);
	for (side = 0; side < 2; side++) {
		struct sighting what = socket_of(s, side);

		witness_path(s->witness, &what, path[side], sizeof(*path));
		if (strcmp(path[side], FULL_PATH)) {
			s->stage->say("%c expected %s", 'A' + side, FULL_PATH);
			s->stage->say("%c seen     %s", 'A' + side, path[side]);
			proved = false;
		}
		what.kind = "full";
		proved &= witness_count(s->witness, &what) == 1;
		what.kind = "simultaneous_close";
		proved &= witness_count(s->witness, &what) == 1;
	}
	if (!witness_complete(s->witness)) {
		s->stage->say("the trace is not complete: lost %lld, gaps %lld",
			      (long long)witness_counter(s->witness,
							 "ring_lost"),
			      (long long)witness_counter(s->witness, "gaps"));
		proved = false;
	}
	if (proved)
		s->stage->say("both ends: %s", FULL_PATH);
	s->stage->say(
		"%s: full simultaneous open, simultaneous close; %lld events, %lld lost",
		proved ? "proved" : "not proved",
		(long long)witness_counter(s->witness, "shown"),
		(long long)witness_counter(s->witness, "ring_lost"));
	return !proved;
}

static void clean_up(struct simultaneous *s)
{
	int side;

	for (side = 0; side < 2; side++) {
		if (s->end[side].in >= 0)
			close(s->end[side].in);
		if (s->end[side].peer > 0) {
			kill(s->end[side].peer, SIGTERM);
			waitpid(s->end[side].peer, NULL, 0);
		}
		if (s->end[side].out >= 0)
			close(s->end[side].out);
	}
	if (s->trace > 0) {
		kill(s->trace, SIGTERM);
		waitpid(s->trace, NULL, 0);
	}
	witness_free(s->witness);
}

static int simultaneous_open(const struct stage *stage)
{
	struct simultaneous s = {
		.stage = stage,
		.end = { { .in = -1, .out = -1 }, { .in = -1, .out = -1 } },
	};
	int err;

	err = netns_pair_create(&s.pair);
	if (err)
		return err;
	err = gate_init(&s.gate, &s.pair);
	if (err)
		goto destroy;
	gate_endpoints(&s.gate, AF_INET, ports[0], ports[1], s.addr);
	err = start_trace(&s);
	if (err)
		err = fail(&s, "starting the trace", err);
	if (!err)
		err = open_both(&s);
	if (!err)
		err = close_both(&s);
	if (!err)
		err = judge(&s);
	clean_up(&s);
	gate_exit(&s.gate);
destroy:
	netns_pair_destroy(&s.pair);
	return err;
}

const struct scenario scenario_simultaneous_open = {
	.name = "simultaneous-open",
	.title =
		"two peers open to each other without a listener, and close at once",
	.run = simultaneous_open,
};
