/* SPDX-License-Identifier: GPL-2.0 */
/* Tests of the open engine and of tcbpeer, over the neighbour gate. */
#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <signal.h>
#include <sys/socket.h>

#include <json-c/json.h>

#include "lab/gate.h"
#include "lab/netns.h"
#include "peer/peer.h"
#include "tests/lib/guest.h"

#include <kselftest_harness.h>

#define PATIENCE_NS 10000000000ULL /* for what must happen */
#define SHORT_NS 200000000ULL	   /* a deadline that must pass */
#define SLACK_NS 5000000000ULL	   /* how late a busy host may be */
#define OPENS 100
#define FEW_OPENS 10 /* of programs, on an emulated CPU */
#define ARGS 12

/* A program under test with its output. */
struct program {
	pid_t pid;
	int in, out, err; /* our ends of the pipes */
	int status;	  /* as of waitpid(), after program_end() */
	char out_text[16384], err_text[16384];
};

FIXTURE(peer)
{
	struct netns_pair pair;
	struct gate gate;
	struct sockaddr_storage end[2];
	socklen_t len;
	struct program program[2];
};

FIXTURE_VARIANT(peer)
{
	int family;
	const char *end[2]; /* for the command line, without the port */
};

FIXTURE_VARIANT_ADD(peer, ipv4){
	.family = AF_INET,
	.end = { "10.8.0.1", "10.8.0.2" },
};

FIXTURE_VARIANT_ADD(peer, ipv6){
	.family = AF_INET6,
	.end = { "[fd08::1]", "[fd08::2]" },
};

FIXTURE_SETUP(peer)
{
	int err = netns_pair_create(&self->pair);

	/* No SKIP: this harness would run the test without its fixture. */
	ASSERT_EQ(0, err)
	TH_LOG("%s", err == -EPERM ? "needs root" : strerror(-err));
	ASSERT_EQ(0, gate_init(&self->gate, &self->pair));
	self->len = gate_endpoints(&self->gate, variant->family, 2000, 2001,
				   self->end);
	ASSERT_EQ(0, signal(SIGPIPE, SIG_IGN) == SIG_ERR);
}

FIXTURE_TEARDOWN(peer)
{
	gate_exit(&self->gate);
	netns_pair_destroy(&self->pair);
}

/* The configuration of one side's engine. */
static struct peer_config config_of(const FIXTURE_DATA(peer) * self, int side)
{
	return (struct peer_config){
		.local = self->end[side],
		.remote = self->end[!side],
		.len = self->len,
		.deadline_ns = PATIENCE_NS,
	};
}

static int step_inside(void *peer)
{
	return peer_step(peer);
}

static int step(FIXTURE_DATA(peer) * self, int side, struct peer *peer)
{
	return netns_call(self->pair.side[side].fd, step_inside, peer);
}

static int run(FIXTURE_DATA(peer) * self, int side, struct peer *peer)
{
	int err;

	while ((err = step(self, side, peer)) > 0)
		;
	return err;
}

static int wait_tcp(FIXTURE_DATA(peer) * self, int side, unsigned int states)
{
	return gate_wait_tcp(&self->gate, side, &self->end[side],
			     &self->end[!side], states, PATIENCE_NS);
}

/* Wait until both sides' packets are held in a closed gate. Returns 0. */
static int wait_both(FIXTURE_DATA(peer) * self, int family, int state)
{
	int i, err = 0;

	for (i = 0; i < 2 && !err; i++) {
		err = wait_tcp(self, i, GATE_STATE(state));
		if (err == state)
			err = gate_wait_held(&self->gate, i, family,
					     PATIENCE_NS);
	}
	return err;
}

/* Ports of their own for each open: the last ones are in TIME_WAIT. */
static void next_ports(FIXTURE_DATA(peer) * self, int family, int i)
{
	gate_endpoints(&self->gate, family, 20000 + i, 30000 + i, self->end);
}

/* Both engines open, one side of the gate first. Returns 0 if all is right. */
static int open_crossed(struct __test_metadata *_metadata,
			FIXTURE_DATA(peer) * self, int family, int first)
{
	struct peer_config config;
	struct peer peer[2];
	char c = 'x';
	int i;

	for (i = 0; i < 2; i++) {
		config = config_of(self, i);
		ASSERT_EQ(0, peer_init(&peer[i], &config));
		ASSERT_EQ(1, step(self, i, &peer[i]));
	}
	ASSERT_EQ(0, wait_both(self, family, TCP_SYN_SENT));

	/* The other side has the bare SYN now, and stays in SYN_RECV. */
	ASSERT_EQ(0, gate_open_side(&self->gate, first));
	ASSERT_EQ(TCP_SYN_RECV,
		  wait_tcp(self, !first, GATE_STATE(TCP_SYN_RECV)));
	ASSERT_EQ(1, step(self, !first, &peer[!first]));
	EXPECT_EQ(PEER_CROSSED_YES, peer[!first].result.crossed);

	ASSERT_EQ(0, gate_open(&self->gate));
	for (i = 0; i < 2; i++) {
		ASSERT_EQ(0, run(self, i, &peer[i]));
		EXPECT_EQ(1, peer[i].result.attempts);
		EXPECT_EQ(0, peer[i].result.refused + peer[i].result.reset +
				     peer[i].result.timedout +
				     peer[i].result.inuse);
		EXPECT_NE(PEER_CROSSED_NO, peer[i].result.crossed);
		EXPECT_LE(2, peer[i].result.segs_in);
		EXPECT_NE('\0', peer[i].result.cc[0]);
		ASSERT_LE(0, peer[i].result.fd);
	}
	EXPECT_EQ(PEER_CROSSED_YES, peer[!first].result.crossed);

	for (i = 0; i < 2; i++) {
		struct pollfd pfd = {
			.fd = peer[!i].result.fd,
			.events = POLLIN,
		};

		EXPECT_EQ(1, send(peer[i].result.fd, &c, 1, MSG_NOSIGNAL));
		EXPECT_EQ(1, poll(&pfd, 1, PATIENCE_NS / 1000000));
		EXPECT_EQ(1, recv(peer[!i].result.fd, &c, 1, 0));
	}
	for (i = 0; i < 2; i++)
		close(peer[i].result.fd);
	return 0;
}

/*
 * Claim: 100 of 100 gated opens connect with one attempt each; the end that is
 * seen in SYN_RECV says crossed, the other one does not deny it.
 */
TEST_F_TIMEOUT(peer, crossed, 120)
{
	int i;

	for (i = 0; i < OPENS; i++) {
		next_ports(self, variant->family, i);
		ASSERT_EQ(0, gate_close(&self->gate));
		ASSERT_EQ(0,
			  open_crossed(_metadata, self, variant->family, i % 2))
		TH_LOG("open %d", i);
		ASSERT_TRUE(_metadata->passed)
		TH_LOG("open %d", i);
	}
}

static int new_listener(void *arg)
{
	const struct sockaddr_storage *end = arg;
	int fd = socket(end->ss_family, SOCK_STREAM | SOCK_CLOEXEC,
			IPPROTO_TCP);

	if (fd < 0)
		return -errno;
	if (bind(fd, (void *)end, sizeof(*end)) || listen(fd, 1)) {
		close(fd);
		return -errno;
	}
	return fd;
}

/* Claim: an open that met a listener is not crossed, and says so. */
TEST_F(peer, not_crossed)
{
	struct peer_config config = config_of(self, 0);
	struct peer peer;
	int fd;

	ASSERT_EQ(0, gate_open(&self->gate));
	fd = netns_call(self->pair.side[1].fd, new_listener, &self->end[1]);
	ASSERT_LE(0, fd);

	ASSERT_EQ(0, peer_init(&peer, &config));
	ASSERT_EQ(0, run(self, 0, &peer));
	EXPECT_EQ(PEER_CROSSED_NO, peer.result.crossed);
	EXPECT_EQ(1, peer.result.segs_in);
	EXPECT_EQ(1, peer.result.attempts);

	/* What has ended stays so. */
	EXPECT_EQ(0, step(self, 0, &peer));
	EXPECT_EQ(1, peer.result.attempts);
}

/* Claim: a SYN that nobody answers ends at the deadline, having waited. */
TEST_F(peer, unanswered)
{
	struct peer_config config = config_of(self, 0);
	struct peer peer;

	config.deadline_ns = SHORT_NS;
	ASSERT_EQ(0, peer_init(&peer, &config));
	EXPECT_EQ(-ETIMEDOUT, run(self, 0, &peer));
	EXPECT_EQ(-ETIMEDOUT, peer.result.error);
	EXPECT_EQ(-ETIMEDOUT, step(self, 0, &peer));
	EXPECT_EQ(0, peer.result.last);
	EXPECT_EQ(1, peer.result.attempts);
	EXPECT_EQ(-1, peer.result.fd);
	EXPECT_LE(SHORT_NS, peer.result.elapsed_ns);
	EXPECT_GT(SHORT_NS + SLACK_NS, peer.result.elapsed_ns);

	/* Its socket is gone: the port is free for one without REUSEADDR. */
	EXPECT_LE(0, netns_call(self->pair.side[0].fd, new_listener,
				&self->end[0]));
}

/* Claim: where every attempt is refused, their number is the bound. */
TEST_F(peer, refused_attempts)
{
	struct peer_config config = config_of(self, 0);
	struct peer peer;

	config.attempts = 20;
	ASSERT_EQ(0, gate_open(&self->gate));
	ASSERT_EQ(0, peer_init(&peer, &config));
	EXPECT_EQ(-ECONNREFUSED, run(self, 0, &peer));
	EXPECT_EQ(20, peer.result.attempts);
	EXPECT_EQ(20, peer.result.refused);
	EXPECT_EQ(-ECONNREFUSED, peer.result.last);
	EXPECT_EQ(-1, peer.result.fd);
}

/* Claim: with attempts to spare, the deadline is the bound. */
TEST_F(peer, refused_deadline)
{
	struct peer_config config = config_of(self, 0);
	struct peer peer;

	config.attempts = 1000000000;
	config.deadline_ns = SHORT_NS;
	ASSERT_EQ(0, gate_open(&self->gate));
	ASSERT_EQ(0, peer_init(&peer, &config));
	EXPECT_EQ(-ETIMEDOUT, run(self, 0, &peer));
	EXPECT_LT(1, peer.result.attempts);
	EXPECT_EQ(peer.result.attempts, peer.result.refused);
	EXPECT_EQ(-ECONNREFUSED, peer.result.last);
	EXPECT_LE(SHORT_NS, peer.result.elapsed_ns);
	EXPECT_GT(SHORT_NS + SLACK_NS, peer.result.elapsed_ns);
}

/*
 * Claim: a local port that another socket holds is waited for, without a SYN,
 * and taken once it is free.
 */
TEST_F(peer, port_in_use)
{
	struct peer_config config = config_of(self, 0);
	struct peer peer;
	int fd;

	fd = netns_call(self->pair.side[0].fd, new_listener, &self->end[0]);
	ASSERT_LE(0, fd);
	ASSERT_EQ(0, peer_init(&peer, &config));
	while (peer.result.inuse < 3)
		ASSERT_EQ(1, step(self, 0, &peer));
	EXPECT_EQ(0, peer.result.attempts);
	EXPECT_EQ(-EADDRINUSE, peer.result.last);

	close(fd);
	while (!peer.result.attempts)
		ASSERT_EQ(1, step(self, 0, &peer));
	EXPECT_EQ(TCP_SYN_SENT, wait_tcp(self, 0, ~0U));
	peer_exit(&peer);
}

/* Claim: an error that another attempt would not change ends it at once. */
TEST_F(peer, hard_errors)
{
	struct peer_config config = config_of(self, 0);
	struct peer peer;

	/* The peer's address is not one of this namespace. */
	config.local = self->end[1];
	config.remote = self->end[0];
	ASSERT_EQ(0, peer_init(&peer, &config));
	EXPECT_EQ(-EADDRNOTAVAIL, step(self, 0, &peer));
	EXPECT_EQ(0, peer.result.attempts);
	EXPECT_EQ(-1, peer.result.fd);
}

/* Claim: arguments that cannot work are refused before any socket. */
TEST_F(peer, init_refuses)
{
	struct peer_config good = config_of(self, 0), config;
	struct peer peer;

	config = good;
	config.local.ss_family = AF_UNIX;
	EXPECT_EQ(-EAFNOSUPPORT, peer_init(&peer, &config));
	config = good;
	config.remote.ss_family = AF_INET + AF_INET6 - good.local.ss_family;
	EXPECT_EQ(-EAFNOSUPPORT, peer_init(&peer, &config));
	config = good;
	config.len--;
	EXPECT_EQ(-EINVAL, peer_init(&peer, &config));
	config = good;
	((struct sockaddr_in *)&config.remote)->sin_port = 0;
	EXPECT_EQ(-EINVAL, peer_init(&peer, &config));
	config = good;
	config.remote = config.local;
	EXPECT_EQ(-ELOOP, peer_init(&peer, &config));
}

/*
 * Claim: a wildcard address hides that both ends are the same; the engine sees
 * it once connected, and lets go of the connection.
 */
TEST_F(peer, met_itself)
{
	struct peer_config config = config_of(self, 0);
	struct sockaddr_in6 *l6 = (struct sockaddr_in6 *)&config.local;
	struct sockaddr_in6 *r6 = (struct sockaddr_in6 *)&config.remote;
	struct sockaddr_in *l = (struct sockaddr_in *)&config.local;
	struct sockaddr_in *r = (struct sockaddr_in *)&config.remote;
	struct peer peer;

	r->sin_port = l->sin_port; /* at the same place in both */
	if (variant->family == AF_INET6) {
		l6->sin6_addr = in6addr_any;
		r6->sin6_addr = in6addr_loopback;
	} else {
		l->sin_addr.s_addr = htonl(INADDR_ANY);
		r->sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	}

	ASSERT_EQ(0, peer_init(&peer, &config));
	EXPECT_EQ(-ELOOP, run(self, 0, &peer));
	EXPECT_EQ(1, peer.result.attempts);
	EXPECT_EQ(-1, peer.result.fd);
}

/* The path of tcbpeer, or NULL. */
static const char *tcbpeer_path(void)
{
	static char path[4096];
	const char *dir = getenv("TCBSCOPE_BUILD");

	if (!dir)
		return NULL;
	snprintf(path, sizeof(path), "%s/tcbpeer", dir);
	return access(path, X_OK) ? NULL : path;
}

/* Start tcbpeer inside @fd with pipes. @args ends with NULL. Returns 0. */
static int program_start(struct program *program, int fd,
			 const char *const args[])
{
	int in[2], out[2], err[2], stdio[3], i;
	const char *argv[ARGS + 2] = {};

	argv[0] = tcbpeer_path();
	if (!argv[0])
		return -ENOENT;
	for (i = 0; args[i] && i < ARGS; i++)
		argv[i + 1] = args[i];

	if (pipe2(in, O_CLOEXEC) || pipe2(out, O_CLOEXEC) ||
	    pipe2(err, O_CLOEXEC))
		return -errno;
	memset(program, 0, sizeof(*program));
	stdio[0] = in[0];
	stdio[1] = out[1];
	stdio[2] = err[1];
	program->in = in[1];
	program->out = out[0];
	program->err = err[0];
	program->pid = netns_spawn(fd, (char *const *)argv, stdio);
	for (i = 0; i < 3; i++)
		close(stdio[i]);
	return program->pid < 0 ? program->pid : 0;
}

/* Start tcbpeer on @side with its endpoints, and the options @more. */
static int peer_start(FIXTURE_DATA(peer) * self, int side,
		      const FIXTURE_VARIANT(peer) * variant,
		      const char *const more[])
{
	const char *args[ARGS + 1] = { "-l", NULL, "-r", NULL };
	char end[2][64];
	int i;

	for (i = 0; i < 2; i++) /* the port is at the same place in both */
		snprintf(end[i], sizeof(end[i]), "%s:%u", variant->end[i],
			 ntohs(((struct sockaddr_in *)&self->end[i])->sin_port));
	args[1] = end[side];
	args[3] = end[!side];
	for (i = 0; more[i] && i + 4 < ARGS; i++)
		args[i + 4] = more[i];
	return program_start(&self->program[side], self->pair.side[side].fd,
			     args);
}

/* Add what the fd has to @text. Returns false at its end. */
static bool program_read(int fd, char *text, size_t size)
{
	size_t len = strlen(text);
	ssize_t n = read(fd, text + len, size - 1 - len);

	if (n > 0)
		text[len + n] = '\0';
	return n > 0;
}

/* Read on until standard output has @word. Returns false if it ends before. */
static bool program_until(struct program *program, const char *word)
{
	while (!strstr(program->out_text, word)) {
		if (!program_read(program->out, program->out_text,
				  sizeof(program->out_text)))
			return false;
	}
	return true;
}

/* Close its standard input, read all it says. Returns its exit status or -1. */
static int program_end(struct program *program)
{
	close(program->in);
	while (program_read(program->out, program->out_text,
			    sizeof(program->out_text)))
		;
	while (program_read(program->err, program->err_text,
			    sizeof(program->err_text)))
		;
	close(program->out);
	close(program->err);
	if (waitpid(program->pid, &program->status, 0) != program->pid)
		return -1;
	return WIFEXITED(program->status) ? WEXITSTATUS(program->status) : -1;
}

/*
 * The object of type @type in the program's lines of JSON, or NULL. Every line
 * has to be one object of some type, strictly. To be put by the caller.
 */
static struct json_object *json_event(const struct program *program,
				      const char *type)
{
	struct json_object *found = NULL, *object, *member;
	const char *line = program->out_text, *end;
	struct json_tokener *tokener;

	for (; (end = strchr(line, '\n')); line = end + 1) {
		tokener = json_tokener_new();
		json_tokener_set_flags(tokener,
				       JSON_TOKENER_STRICT |
					       JSON_TOKENER_VALIDATE_UTF8);
		object = json_tokener_parse_ex(tokener, line, end - line);
		if (object && json_tokener_get_parse_end(tokener) !=
				      (size_t)(end - line)) {
			json_object_put(object);
			object = NULL;
		}
		json_tokener_free(tokener);
		if (!object ||
		    !json_object_object_get_ex(object, "type", &member)) {
			json_object_put(object);
			json_object_put(found);
			return NULL;
		}
		if (!strcmp(json_object_get_string(member), type) && !found)
			found = object;
		else
			json_object_put(object);
	}

	if (*line) { /* a line without an end */
		json_object_put(found);
		return NULL;
	}
	return found;
}

/* The number @name of an object, or -1. */
static int64_t json_number(struct json_object *object, const char *name)
{
	struct json_object *member;

	if (!json_object_object_get_ex(object, name, &member) ||
	    !json_object_is_type(member, json_type_int))
		return -1;
	return json_object_get_int64(member);
}

/* The string @name of an object, or "". */
static const char *json_text(struct json_object *object, const char *name)
{
	struct json_object *member;

	if (!json_object_object_get_ex(object, name, &member) ||
	    !json_object_is_type(member, json_type_string))
		return "";
	return json_object_get_string(member);
}

/* Check what one tcbpeer of a gated open printed. */
static void check_open(struct __test_metadata *_metadata,
		       const struct program *program, int lport, int rport)
{
	struct json_object *open = json_event(program, "open"), *member;
	struct json_object *message = json_event(program, "message");
	struct json_object *closed = json_event(program, "closed");
	char want[32];

	EXPECT_TRUE(open && message && closed)
	TH_LOG("%s", program->out_text);
	EXPECT_EQ(lport, json_number(open, "lport"));
	EXPECT_EQ(rport, json_number(open, "rport"));
	EXPECT_EQ(1, json_number(open, "attempts"));
	EXPECT_EQ(0, json_number(open, "refused"));
	EXPECT_LT(0, json_number(open, "elapsed_ns"));
	EXPECT_FALSE(json_object_object_get_ex(open, "error", NULL));
	if (json_object_object_get_ex(open, "crossed", &member))
		EXPECT_TRUE(json_object_get_boolean(member));
	EXPECT_EQ(NULL, strstr(program->out_text, "full"));

	snprintf(want, sizeof(want), ":%d", rport);
	EXPECT_NE(NULL, strstr(json_text(message, "message"), want))
	TH_LOG("%s", program->out_text);
	json_object_put(open);
	json_object_put(message);
	json_object_put(closed);
}

/*
 * Claim: 100 of 100 pairs of tcbpeer connect over the gate with one attempt
 * each, none refused, none that denies the crossing; each has the other's line.
 */
TEST_F_TIMEOUT(peer, programs, 240)
{
	const char *more[] = { "--json", "--deadline", "20s", NULL };
	int opens = guest_times(OPENS, FEW_OPENS), i, side;

	ASSERT_NE(NULL, tcbpeer_path())
	TH_LOG("set TCBSCOPE_BUILD to the directory of tcbpeer");
	for (i = 0; i < opens; i++) {
		next_ports(self, variant->family, i);
		ASSERT_EQ(0, gate_close(&self->gate));
		for (side = 0; side < 2; side++)
			ASSERT_EQ(0, peer_start(self, side, variant, more));
		ASSERT_EQ(0, wait_both(self, variant->family, TCP_SYN_SENT));
		ASSERT_EQ(0, gate_open(&self->gate));

		for (side = 0; side < 2; side++)
			ASSERT_EQ(0, program_end(&self->program[side]))
		TH_LOG("%s", self->program[side].err_text);
		check_open(_metadata, &self->program[0], 20000 + i, 30000 + i);
		check_open(_metadata, &self->program[1], 30000 + i, 20000 + i);
		ASSERT_TRUE(_metadata->passed)
		TH_LOG("open %d", i);
	}
}

/*
 * Claim: with --hold, a driver closes both while FINs are held: one end is seen
 * CLOSING and both end in TIME_WAIT, and both programs are content.
 */
TEST_F(peer, hold)
{
	const char *more[] = { "--hold", "-q", NULL };
	int i;

	ASSERT_NE(NULL, tcbpeer_path());
	for (i = 0; i < 2; i++)
		ASSERT_EQ(0, peer_start(self, i, variant, more));
	ASSERT_EQ(0, wait_both(self, variant->family, TCP_SYN_SENT));
	ASSERT_EQ(0, gate_open(&self->gate));
	for (i = 0; i < 2; i++)
		ASSERT_TRUE(program_until(&self->program[i], "hello from"));
	for (i = 0; i < 2; i++)
		EXPECT_EQ(TCP_ESTABLISHED, wait_tcp(self, i, ~0U));

	ASSERT_EQ(0, gate_close(&self->gate));
	EXPECT_EQ(1, write(self->program[0].in, "\n", 1));
	close(self->program[1].in);
	self->program[1].in = -1;
	ASSERT_EQ(0, wait_both(self, variant->family, TCP_FIN_WAIT1));
	ASSERT_EQ(0, gate_open_side(&self->gate, 1));
	EXPECT_EQ(TCP_CLOSING, wait_tcp(self, 0, GATE_STATE(TCP_CLOSING)));
	ASSERT_EQ(0, gate_open(&self->gate));
	for (i = 0; i < 2; i++) {
		EXPECT_EQ(TCP_TIME_WAIT,
			  wait_tcp(self, i, GATE_STATE(TCP_TIME_WAIT)));
		EXPECT_EQ(0, program_end(&self->program[i]));
		EXPECT_STREQ("", self->program[i].err_text);
	}
}

/* Start tcbpeer on side 0 and accept it on side 1. Returns the fd. */
static int accept_program(FIXTURE_DATA(peer) * self,
			  const FIXTURE_VARIANT(peer) * variant,
			  const char *const more[])
{
	struct pollfd pfd = { .events = POLLIN };
	int listener, fd = -1;

	listener = netns_call(self->pair.side[1].fd, new_listener,
			      &self->end[1]);
	if (listener < 0)
		return listener;
	pfd.fd = listener;
	if (!gate_open(&self->gate) && !peer_start(self, 0, variant, more) &&
	    poll(&pfd, 1, PATIENCE_NS / 1000000) == 1)
		fd = accept(listener, NULL, NULL);
	close(listener);
	return fd;
}

/* Claim: foreign bytes reach neither the terminal nor the JSON as they are. */
TEST_F(peer, escapes)
{
	static const char bytes[] = "\x1b[2J\"\\\xff\xc2\x9b\0end\nrest";
	static const char want[] = "\x1b[2J\"\\\xef\xbf\xbd\xc2\x9b\0end";
	const char *json[] = { "--json", NULL }, *text[] = { NULL };
	struct json_object *message, *member = NULL;
	int fd;

	ASSERT_NE(NULL, tcbpeer_path());
	fd = accept_program(self, variant, json);
	ASSERT_LE(0, fd);
	EXPECT_EQ(sizeof(bytes), write(fd, bytes, sizeof(bytes)));
	EXPECT_EQ(0, shutdown(fd, SHUT_WR));
	EXPECT_EQ(0, program_end(&self->program[0]));
	close(fd);
	message = json_event(&self->program[0], "message");
	ASSERT_TRUE(json_object_object_get_ex(message, "message", &member));
	ASSERT_EQ(sizeof(want) - 1, json_object_get_string_len(member));
	EXPECT_EQ(0, memcmp(want, json_object_get_string(member),
			    sizeof(want) - 1));
	json_object_put(message);

	next_ports(self, variant->family, 1);
	fd = accept_program(self, variant, text);
	ASSERT_LE(0, fd);
	EXPECT_EQ(sizeof(bytes), write(fd, bytes, sizeof(bytes)));
	EXPECT_EQ(0, shutdown(fd, SHUT_WR));
	EXPECT_EQ(0, program_end(&self->program[0]));
	close(fd);
	EXPECT_NE(NULL, strstr(self->program[0].out_text,
			       "\\x1b[2J\"\\\\\\xff\\xc2\\x9b\\x00end\n"))
	TH_LOG("%s", self->program[0].out_text);
}

/* Claim: text left unread does not make the peer see a reset. */
TEST_F(peer, unread)
{
	const char *more[] = { "-q", NULL };
	char buf[64], *flood;
	int fd;

	ASSERT_NE(NULL, tcbpeer_path());
	flood = calloc(1, 16384); /* no newline: longer than a message */
	ASSERT_NE(NULL, flood);
	fd = accept_program(self, variant, more);
	ASSERT_LE(0, fd);
	EXPECT_EQ(16384, write(fd, flood, 16384));
	free(flood);
	EXPECT_LT(0, read(fd, buf, sizeof(buf)));
	EXPECT_EQ(0, read(fd, buf, sizeof(buf)));
	close(fd);
	EXPECT_EQ(0, program_end(&self->program[0]));
}

/* Claim: a reset instead of an answer is a failure, and said so. */
TEST_F(peer, reset)
{
	const struct linger abort = { .l_onoff = 1, .l_linger = 0 };
	const char *more[] = { NULL };
	int fd;

	ASSERT_NE(NULL, tcbpeer_path());
	fd = accept_program(self, variant, more);
	ASSERT_LE(0, fd);
	/* Before that, a reset would only be one more failed attempt. */
	ASSERT_TRUE(program_until(&self->program[0], "open "));
	ASSERT_EQ(0,
		  setsockopt(fd, SOL_SOCKET, SO_LINGER, &abort, sizeof(abort)));
	close(fd);
	EXPECT_EQ(1, program_end(&self->program[0]));
	EXPECT_NE(NULL, strstr(self->program[0].err_text, "reset by peer"))
	TH_LOG("%s", self->program[0].err_text);
}

/* Claim: a peer that says nothing is not waited for beyond the deadline. */
TEST_F(peer, silent)
{
	const char *more[] = { "--deadline", "1", NULL };
	int fd;

	ASSERT_NE(NULL, tcbpeer_path());
	fd = accept_program(self, variant, more);
	ASSERT_LE(0, fd);
	EXPECT_EQ(1, program_end(&self->program[0]));
	EXPECT_NE(NULL, strstr(self->program[0].err_text, "timed out"));
	close(fd);
}

/* Claim: failures to open exit 1, with the reason in the JSON as well. */
TEST_F(peer, fails)
{
	const char *unanswered[] = { "--json", "--deadline", "200ms", NULL };
	const char *refused[] = { "--json", "--attempts", "5", NULL };
	struct program *program = &self->program[0];
	struct json_object *open;

	ASSERT_NE(NULL, tcbpeer_path());
	ASSERT_EQ(0, peer_start(self, 0, variant, unanswered));
	EXPECT_EQ(1, program_end(program));
	open = json_event(program, "open");
	EXPECT_STREQ("ETIMEDOUT", json_text(open, "error"));
	EXPECT_EQ(1, json_number(open, "attempts"));
	EXPECT_LE((int64_t)SHORT_NS, json_number(open, "elapsed_ns"));
	EXPECT_FALSE(json_object_object_get_ex(open, "crossed", NULL));
	json_object_put(open);
	EXPECT_NE(NULL, strstr(program->err_text, "  why:  "));

	ASSERT_EQ(0, gate_open(&self->gate));
	ASSERT_EQ(0, peer_start(self, 0, variant, refused));
	EXPECT_EQ(1, program_end(program));
	open = json_event(program, "open");
	EXPECT_STREQ("ECONNREFUSED", json_text(open, "error"));
	EXPECT_EQ(5, json_number(open, "attempts"));
	EXPECT_EQ(5, json_number(open, "refused"));
	json_object_put(open);
}

/* Claim: SIGTERM and SIGINT end an open that waits, with exit status 1. */
TEST_F(peer, signals)
{
	static const int signals[] = { SIGTERM, SIGINT };
	const char *more[] = { "--deadline", "1h", NULL };
	int i;

	ASSERT_NE(NULL, tcbpeer_path());
	for (i = 0; i < 2; i++) {
		next_ports(self, variant->family, i);
		ASSERT_EQ(0, peer_start(self, 0, variant, more));
		ASSERT_EQ(TCP_SYN_SENT,
			  wait_tcp(self, 0, GATE_STATE(TCP_SYN_SENT)));
		ASSERT_EQ(0, kill(self->program[0].pid, signals[i]));
		EXPECT_EQ(1, program_end(&self->program[0]));
		EXPECT_NE(NULL,
			  strstr(self->program[0].err_text, "interrupted"));
		EXPECT_STREQ("", self->program[0].out_text);
	}
}

/* Claim: a port that needs a privilege is exit status 3, with what to do. */
TEST_F(peer, privileged)
{
	char local[64], remote[64], text[4096] = "";
	int fds[2], exe, status;
	pid_t pid;

	ASSERT_NE(NULL, tcbpeer_path());
	exe = open(tcbpeer_path(), O_RDONLY | O_CLOEXEC);
	ASSERT_LE(0, exe);
	ASSERT_EQ(0, pipe2(fds, O_CLOEXEC));
	snprintf(local, sizeof(local), "%s:80", variant->end[0]);
	snprintf(remote, sizeof(remote), "%s:2001", variant->end[1]);

	pid = fork();
	ASSERT_LE(0, pid);
	if (!pid) {
		char name[] = "tcbpeer", l[] = "-l", r[] = "-r", q[] = "-q";
		char *argv[] = { name, l, local, r, remote, q, NULL };

		/* By fd: the path may lead through root's own directories. */
		if (!netns_enter(self->pair.side[0].fd) &&
		    dup2(fds[1], STDOUT_FILENO) >= 0 &&
		    dup2(fds[1], STDERR_FILENO) >= 0 && !setgid(65534) &&
		    !setuid(65534))
			fexecve(exe, argv, environ);
		_exit(127);
	}
	close(fds[1]);
	while (program_read(fds[0], text, sizeof(text)))
		;
	ASSERT_EQ(pid, waitpid(pid, &status, 0));
	EXPECT_TRUE(WIFEXITED(status));
	EXPECT_EQ(3, WEXITSTATUS(status));
	EXPECT_NE(NULL, strstr(text, "Permission denied"))
	TH_LOG("%s", text);
	EXPECT_NE(NULL, strstr(text, "  then: "));
}

/* Claim: bad usage is exit status 2, with no word on standard output. */
TEST_F(peer, usage)
{
	static const char *const rows[][ARGS + 1] = {
		{ NULL },
		{ "-l", "10.8.0.1:2000", NULL },
		{ "-r", "10.8.0.1:2000", NULL },
		{ "-l", "10.8.0.1", "-r", "10.8.0.2:2001", NULL },
		{ "-l", "10.8.0.1:0", "-r", "10.8.0.2:2001", NULL },
		{ "-l", "localhost:2000", "-r", "10.8.0.2:2001", NULL },
		{ "-l", "10.8.0.1:2000", "-r", "[::1]:2001", NULL },
		{ "-l", "10.8.0.1:2000", "-r", "10.8.0.1:2000", NULL },
		{ "-l", "10.8.0.1:2000", "-r", "10.8.0.2:2001", "more", NULL },
		{ "-l", "10.8.0.1:2000", "-r", "10.8.0.2:2001", "--no-such",
		  NULL },
		{ "-l", "10.8.0.1:2000", "-r", "10.8.0.2:2001", "--deadline",
		  "0", NULL },
		{ "-l", "10.8.0.1:2000", "-r", "10.8.0.2:2001", "--deadline",
		  "-1s", NULL },
		{ "-l", "10.8.0.1:2000", "-r", "10.8.0.2:2001", "--deadline",
		  "25h", NULL },
		{ "-l", "10.8.0.1:2000", "-r", "10.8.0.2:2001", "--attempts",
		  "0", NULL },
		{ "-l", "10.8.0.1:2000", "-r", "10.8.0.2:2001", "--attempts",
		  "1e3", NULL },
		{ "-l", "10.8.0.1:2000", "-r", "10.8.0.2:2001", "--message",
		  "two\nlines", NULL },
		{ "-l", NULL },
	};
	struct program *program = &self->program[0];
	size_t i;

	ASSERT_NE(NULL, tcbpeer_path());
	for (i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		ASSERT_EQ(0, program_start(program, self->pair.side[0].fd,
					   rows[i]));
		EXPECT_EQ(2, program_end(program))
		TH_LOG("row %zu", i);
		EXPECT_STREQ("", program->out_text)
		TH_LOG("row %zu", i);
		EXPECT_STRNE("", program->err_text)
		TH_LOG("row %zu", i);
	}
}

/* Claim: help and version go to standard output, and are no error. */
TEST_F(peer, help)
{
	static const char *const rows[][2] = {
		{ "-h", NULL },
		{ "--help", NULL },
		{ "-V", NULL },
		{ "--version", NULL },
	};
	struct program *program = &self->program[0];
	size_t i;

	ASSERT_NE(NULL, tcbpeer_path());
	for (i = 0; i < 4; i++) {
		const char *head = i < 2 ? "Examples:\n" : "tcbpeer ";

		ASSERT_EQ(0, program_start(program, self->pair.side[0].fd,
					   rows[i]));
		EXPECT_EQ(0, program_end(program));
		EXPECT_STREQ("", program->err_text);
		EXPECT_EQ(0, strncmp(head, program->out_text, strlen(head)))
		TH_LOG("%s", program->out_text);
	}
}

TEST_HARNESS_MAIN
