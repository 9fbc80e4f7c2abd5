// SPDX-License-Identifier: GPL-2.0
/* Tests of what is known of sockets that are older than the trace. */
#include <errno.h>
#include <fcntl.h>
#include <json-c/json.h>
#include <linux/capability.h>
#include <linux/filter.h>
#include <netinet/tcp.h>
#include <sched.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <time.h>

#include "tests/lib/conn.h"
#include "tests/lib/guest.h"
#include "tests/lib/play.h"
#include "tests/lib/prog.h"

#include <kselftest_harness.h>

#define MANY 5000 /* connections */
#define FEW 1000  /* on an emulated CPU */
#define CHURN_PORT 3000
#define STATES "--events=state,socket" /* it is started sooner */
#define CHURN_ROUNDS 5
#define FEW_ROUNDS 2 /* on an emulated CPU */

static const char *text(struct json_object *event, const char *field)
{
	return witness_string(event, field) ?: "absent";
}

static bool has(struct json_object *event, const char *field)
{
	return json_object_object_get_ex(event, field, NULL);
}

FIXTURE(existing)
{
	struct play play;
	struct prog prog;
	struct json_object *json; /* what the program said */
};

FIXTURE_SETUP(existing)
{
	ASSERT_EQ(0, play_init(&self->play));
}

FIXTURE_TEARDOWN(existing)
{
	json_object_put(self->json);
	prog_free(&self->prog);
	play_free(&self->play);
}

/* The only event of an existing socket on one side; NULL if there are more. */
static struct json_object *existing(const struct play *play,
				    const struct sighting *side)
{
	struct sighting what = *side;
	size_t from = 0;

	what.type = "socket";
	if (witness_count(play->trace.witness, &what) != 1)
		return NULL;
	return witness_next(play->trace.witness, &what, &from);
}

/* A trace that has told of the existing listener, or of a connection. */
static int trace_existing(struct play *play, bool connected)
{
	struct sighting client = play->at_client, server = play->at_server;
	int err = play_trace(play, "--existing", STATES);

	client.type = server.type = "socket";
	server.rport = connected ? PLAY_CLIENT_PORT : 0;
	if (!err && connected)
		err = witness_wait(play->trace.witness, &client,
				   TRACE_PATIENCE_NS);
	return err ? err :
		     witness_wait(play->trace.witness, &server,
				  TRACE_PATIENCE_NS);
}

/* A number of one type in an object of the footer. */
static int64_t counted(const struct play *play, const char *what,
		       const char *type)
{
	struct sighting footer = { .type = "footer" };
	struct json_object *object, *number;
	size_t from = 0;

	object = witness_next(play->trace.witness, &footer, &from);
	if (!json_object_object_get_ex(object, what, &object) ||
	    !json_object_object_get_ex(object, type, &number))
		return -1;
	return json_object_get_int64(number);
}

/* Claim of every test: nothing is lost, and nothing seems to be. */
static void expect_account(struct __test_metadata *_metadata,
			   const struct play *play)
{
	EXPECT_TRUE(witness_complete(play->trace.witness));
	EXPECT_EQ(0, witness_counter(play->trace.witness, "malformed"));
	EXPECT_EQ(counted(play, "generated", "socket"),
		  counted(play, "delivered", "socket"));
}

/*
 * Claim: of a connection that is there already both ends are known: state,
 * owner, descriptor, window, role and pair; and what happens next begins there.
 */
TEST_F(existing, established)
{
	struct play *play = &self->play;
	struct json_object *client, *server, *event;

	ASSERT_EQ(0, play_connect(play));
	ASSERT_EQ(0, actor_call(&play->client, actor_send, 4096));
	ASSERT_EQ(0, trace_existing(play, true));
	/* the owner does not change by closing, as it would by reading */
	ASSERT_EQ(0, actor_call(&play->client, actor_close, 0));
	ASSERT_EQ(0, play_wait(play, &play->at_server, NULL, "CLOSE_WAIT"));
	ASSERT_EQ(0, trace_stop(&play->trace));
	expect_account(_metadata, play);

	client = existing(play, &play->at_client);
	ASSERT_NE(NULL, client);
	EXPECT_STREQ("ESTABLISHED", text(client, "state"));
	EXPECT_STREQ("existing", text(client, "how"));
	EXPECT_STREQ("existing", text(client, "owner_how"));
	EXPECT_STREQ("client", text(client, "comm"));
	EXPECT_EQ(play->client.pid, (pid_t)witness_number(client, "pid"));
	EXPECT_TRUE(has(client, "fd"));
	EXPECT_EQ(1, witness_number(client, "holders"));
	EXPECT_LE(10, witness_number(client, "cwnd"));
	EXPECT_LT(0, witness_number(client, "mss"));
	EXPECT_EQ(4097, witness_number(client, "bytes_acked")); /* the SYN */
	EXPECT_TRUE(has(client, "idle_ns"));
	EXPECT_FALSE(has(client, "limit"));

	/* the other sockets of this side have no peer's port */
	play->at_server.rport = PLAY_CLIENT_PORT;
	server = existing(play, &play->at_server);
	ASSERT_NE(NULL, server);
	EXPECT_EQ(play->server.pid, (pid_t)witness_number(server, "pid"));
	EXPECT_EQ(4096, witness_number(server, "unread"));

	event = play_transition(play, &play->at_client, "FIN_WAIT1");
	ASSERT_NE(NULL, event);
	EXPECT_STREQ("ESTABLISHED", text(event, "old"));
	EXPECT_EQ(play->client.pid, (pid_t)witness_number(event, "pid"));
	EXPECT_EQ(0, witness_number(event, "seq"));
	EXPECT_EQ(witness_number(server, "cookie"),
		  witness_number(event, "pair"));
	event = play_transition(play, &play->at_server, "CLOSE_WAIT");
	ASSERT_NE(NULL, event);
	EXPECT_EQ(play->server.pid, (pid_t)witness_number(event, "pid"));
	EXPECT_STREQ("existing", text(event, "owner_how"));
	EXPECT_EQ(witness_number(client, "cookie"),
		  witness_number(event, "pair"));
}

/* Claim: a listener has its queues, and a child of it has its owner, derived. */
TEST_F(existing, listener)
{
	struct play *play = &self->play;
	struct json_object *event;

	ASSERT_EQ(0, actor_call(&play->server, actor_listen, 3));
	ASSERT_EQ(0, trace_existing(play, false));
	ASSERT_EQ(0, actor_call(&play->client, actor_connect, 0));
	play->at_server.rport = PLAY_CLIENT_PORT;
	ASSERT_EQ(0, play_wait(play, &play->at_server, NULL, "ESTABLISHED"));
	ASSERT_EQ(0, trace_stop(&play->trace));
	expect_account(_metadata, play);

	event = play_transition(play, &play->at_server, "ESTABLISHED");
	ASSERT_NE(NULL, event);
	EXPECT_EQ(play->server.pid, (pid_t)witness_number(event, "pid"));
	EXPECT_STREQ("derived", text(event, "owner_how"));
	play->at_server.rport = 0;
	event = existing(play, &play->at_server);
	ASSERT_NE(NULL, event);
	EXPECT_STREQ("LISTEN", text(event, "state"));
	EXPECT_EQ(3, witness_number(event, "limit"));
	EXPECT_EQ(0, witness_number(event, "accept"));
	EXPECT_EQ(0, witness_number(event, "syn"));
	EXPECT_FALSE(has(event, "cwnd"));
	EXPECT_FALSE(has(event, "ca_name"));
	EXPECT_FALSE(has(event, "unread"));
}

/* Claim: without being asked for, existing sockets are known and not shown. */
TEST_F(existing, not_shown)
{
	struct sighting sockets = { .type = "socket" };
	struct play *play = &self->play;

	ASSERT_EQ(0, play_connect(play));
	ASSERT_EQ(0, play_trace(play, NULL, NULL));
	ASSERT_EQ(0, play_close(play, &play->server));
	ASSERT_EQ(0, trace_stop(&play->trace));
	expect_account(_metadata, play);
	EXPECT_EQ(0, witness_count(play->trace.witness, &sockets));
	EXPECT_LE(2, witness_counter(play->trace.witness, "existing"));
	EXPECT_EQ(0, counted(play, "generated", "socket"));
	EXPECT_EQ(0, counted(play, "filtered", "socket"));
}

/*
 * Claim: of several holders the one with the lowest number owns the socket,
 * derived; whoever uses it owns it from then on.
 */
TEST_F(existing, several_holders)
{
	struct play *play = &self->play;
	struct json_object *event;

	ASSERT_EQ(0, play_connect(play));
	ASSERT_EQ(0, actor_fork(&play->server, &play->worker, "worker"));
	ASSERT_LT(play->server.pid, play->worker.pid);
	ASSERT_EQ(0, trace_existing(play, true));
	ASSERT_EQ(0, actor_call(&play->client, actor_send, 9));
	ASSERT_EQ(0, actor_call(&play->worker, actor_receive, 9));
	ASSERT_EQ(0, actor_call(&play->server, actor_close, 0));
	ASSERT_EQ(0, play_close(play, &play->worker));
	ASSERT_EQ(0, trace_stop(&play->trace));
	expect_account(_metadata, play);

	play->at_server.rport = PLAY_CLIENT_PORT;
	event = existing(play, &play->at_server);
	ASSERT_NE(NULL, event);
	EXPECT_EQ(play->server.pid, (pid_t)witness_number(event, "pid"));
	EXPECT_STREQ("derived", text(event, "owner_how"));
	EXPECT_EQ(2, witness_number(event, "holders"));
	event = play_transition(play, &play->at_server, "CLOSE_WAIT");
	ASSERT_NE(NULL, event);
	EXPECT_EQ(play->worker.pid, (pid_t)witness_number(event, "pid"));
	EXPECT_STREQ("observed", text(event, "owner_how"));
}

/* From whatever port there is. */
static int do_connect_anew(int arg)
{
	actor_tcp.fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	return connect(actor_tcp.fd, (void *)&actor_tcp.end[1], actor_tcp.len) ?
		       -errno :
		       0;
}

/* Claim: a filter on the owner treats sockets of before and of after alike. */
TEST_F(existing, filter)
{
	struct sighting clients = { .lport = PLAY_CLIENT_PORT };
	struct sighting old = { .type = "socket" };
	struct sighting new = { .type = "state" };
	struct play *play = &self->play;
	char pid[16], *args[] = { "--existing", STATES, "--pid", pid, NULL };
	int i;

	snprintf(pid, sizeof(pid), "%d", play->server.pid);
	ASSERT_EQ(0, play_connect(play));
	ASSERT_EQ(0, trace_start(&play->trace, args));
	old.lport = PLAY_SERVER_PORT;
	old.rport = PLAY_CLIENT_PORT;
	ASSERT_EQ(0,
		  witness_wait(play->trace.witness, &old, TRACE_PATIENCE_NS));
	old.rport = 0;
	for (i = 0; i < 2; i++) {
		ASSERT_EQ(0, actor_call(&play->server, actor_close, 0));
		ASSERT_EQ(0, actor_call(&play->client, actor_close, 0));
		if (i)
			break;
		/* another port: the one before may be in TIME_WAIT */
		ASSERT_EQ(0, actor_call(&play->client, do_connect_anew, 0));
		ASSERT_EQ(0, actor_call(&play->server, actor_accept, 0));
	}
	ASSERT_EQ(0, trace_stop(&play->trace));
	expect_account(_metadata, play);

	EXPECT_EQ(0, witness_count(play->trace.witness, &clients));
	EXPECT_EQ(2, witness_count(play->trace.witness, &old));
	/* the end of one connection, and the beginning of the other */
	new.new = "FIN_WAIT1";
	EXPECT_EQ(2, witness_count(play->trace.witness, &new));
	new.new = "SYN_RECV";
	EXPECT_EQ(1, witness_count(play->trace.witness, &new));
}

/* "tcbscope sockets" with options: self->json, NULL if that was none. */
static int sockets(struct prog *prog, struct json_object **json, char *options,
		   ...)
{
	char *argv[16] = { (char *)trace_program("tcbscope"), "sockets",
			   options };
	const struct prog_setup setup = { .argv = argv };
	va_list args;
	int n = 2, code;

	va_start(args, options);
	while (argv[n] && n < 15)
		argv[++n] = va_arg(args, char *);
	va_end(args);
	prog_free(prog);
	code = prog_run(prog, &setup);
	json_object_put(*json);
	*json = json_tokener_parse(prog_text(prog, PROG_OUT));
	return code;
}

/* The one socket in a list of JSON; NULL if there is none, or another one. */
static struct json_object *only(struct json_object *json, const char *list)
{
	if (!json_object_object_get_ex(json, list, &json) ||
	    json_object_array_length(json) != 1)
		return NULL;
	return json_object_array_get_idx(json, 0);
}

/* Connects without ever taking an answer: whoever listens waits for it. */
static int do_connect_deaf(int arg)
{
	struct sock_filter drop = BPF_STMT(BPF_RET | BPF_K, 0);
	struct sock_fprog program = { .len = 1, .filter = &drop };
	int err = actor_bind(0);

	if (err)
		return err;
	if (fcntl(actor_tcp.fd, F_SETFL, O_NONBLOCK) ||
	    setsockopt(actor_tcp.fd, SOL_SOCKET, SO_ATTACH_FILTER, &program,
		       sizeof(program)))
		return -errno;
	return connect(actor_tcp.fd, (void *)&actor_tcp.end[1],
		       actor_tcp.len) &&
			       errno != EINPROGRESS ?
		       -errno :
		       0;
}

/* Claim: requests in the SYN queue are seen, and who waits for the answer. */
TEST_F(existing, request)
{
	struct play *play = &self->play;
	struct json_object *s;

	ASSERT_EQ(0, actor_call(&play->server, actor_listen, 3));
	ASSERT_EQ(0, actor_call(&play->client, do_connect_deaf, 0));
	ASSERT_LE(0, gate_wait_tcp(&play->gate, 1, &actor_tcp.end[1],
				   &actor_tcp.end[0], GATE_STATE(TCP_SYN_RECV),
				   TRACE_PATIENCE_NS));
	ASSERT_EQ(0, sockets(&self->prog, &self->json, "-j", "--netns",
			     play->netns, "--state", "NEW_SYN_RECV", NULL));
	s = only(self->json, "sockets");
	ASSERT_NE(NULL, s);
	EXPECT_EQ(PLAY_SERVER_PORT, (int)witness_number(s, "lport"));
	EXPECT_EQ(PLAY_CLIENT_PORT, (int)witness_number(s, "rport"));
	EXPECT_EQ(play->at_server.netns, witness_number(s, "netns"));
	EXPECT_STREQ("SYN_ACK", text(s, "timer"));
	EXPECT_STREQ("derived", text(s, "age_how"));
	EXPECT_GT(TRACE_PATIENCE_NS, witness_number(s, "age_ns"));
	EXPECT_FALSE(has(s, "pid"));

	ASSERT_EQ(0, sockets(&self->prog, &self->json, "-j", "--netns",
			     play->netns, "--state", "SYN_SENT", NULL));
	s = only(self->json, "sockets");
	ASSERT_NE(NULL, s);
	EXPECT_EQ(play->client.pid, (pid_t)witness_number(s, "pid"));
	EXPECT_GT(TRACE_PATIENCE_NS, witness_number(s, "age_ns"));
	EXPECT_STREQ("RETRANSMIT", text(s, "timer"));
	EXPECT_LT(0, (int64_t)witness_number(s, "timer_ns"));
	ASSERT_EQ(0, sockets(&self->prog, &self->json, "-j", "--netns",
			     play->netns, "--state", "LISTEN", NULL));
	s = only(self->json, "sockets");
	ASSERT_NE(NULL, s);
	EXPECT_EQ(1, witness_number(s, "syn"));
}

/* Claim: what is left of a closed end is seen, in a namespace not our own. */
TEST_F(existing, closed_ends)
{
	struct play *play = &self->play;
	struct json_object *s;

	ASSERT_EQ(0, play_connect(play));
	ASSERT_EQ(0, actor_call(&play->client, actor_close, 0));
	ASSERT_LE(0,
		  gate_wait_tcp(&play->gate, 1, &actor_tcp.end[1],
				&actor_tcp.end[0], GATE_STATE(TCP_CLOSE_WAIT),
				TRACE_PATIENCE_NS));
	ASSERT_LE(0, gate_wait_tcp(&play->gate, 0, &actor_tcp.end[0],
				   &actor_tcp.end[1],
				   GATE_STATE(TCP_FIN_WAIT2) |
					   GATE_STATE(TCP_TIME_WAIT),
				   TRACE_PATIENCE_NS));
	ASSERT_EQ(0, sockets(&self->prog, &self->json, "-j", "--netns",
			     play->netns, "--sport", "2000", NULL));
	s = only(self->json, "sockets");
	ASSERT_NE(NULL, s);
	EXPECT_STREQ("TIME_WAIT", text(s, "state"));
	EXPECT_STREQ("FIN_WAIT2", text(s, "tw_substate"));
	EXPECT_STREQ("FIN_WAIT2", text(s, "timer"));
	EXPECT_GE(60000000000, (int64_t)witness_number(s, "timer_ns"));
	EXPECT_FALSE(has(s, "fd"));
	EXPECT_FALSE(has(s, "uid"));

	/* the other end: a leak of one */
	ASSERT_EQ(0, sockets(&self->prog, &self->json, "-j", "--piles",
			     "--netns", play->netns, "--comm", "server", NULL));
	s = only(self->json, "piles");
	ASSERT_NE(NULL, s);
	EXPECT_STREQ("CLOSE_WAIT", text(s, "state"));
	EXPECT_EQ(1, witness_number(s, "count"));
	EXPECT_EQ(play->server.pid, (pid_t)witness_number(s, "pid"));
	EXPECT_STREQ(":2001", text(s, "service"));
	EXPECT_TRUE(has(s, "oldest_ns"));
	EXPECT_NE(NULL, strstr(text(s, "advice"), "close()"));

	ASSERT_EQ(0, actor_call(&play->server, actor_close, 0));
	ASSERT_LE(0, gate_wait_tcp(&play->gate, 0, &actor_tcp.end[0],
				   &actor_tcp.end[1], GATE_STATE(TCP_TIME_WAIT),
				   TRACE_PATIENCE_NS));
	ASSERT_EQ(0, sockets(&self->prog, &self->json, "-j", "--netns",
			     play->netns, "--sport", "2000", NULL));
	s = only(self->json, "sockets");
	ASSERT_NE(NULL, s);
	EXPECT_STREQ("TIME_WAIT", text(s, "tw_substate"));
	EXPECT_STREQ("TIME_WAIT", text(s, "timer"));
	EXPECT_EQ(60000000000, (int64_t)(witness_number(s, "age_ns") +
					 witness_number(s, "timer_ns")));
}

/* Claim: a socket that is in no list of the kernel, but held, is shown. */
TEST_F(existing, only_bound)
{
	struct play *play = &self->play;
	struct json_object *s;

	ASSERT_EQ(0, actor_call(&play->client, actor_bind, 0));
	ASSERT_EQ(0, sockets(&self->prog, &self->json, "-j", "--comm", "client",
			     "--netns", play->netns, NULL));
	s = only(self->json, "sockets");
	ASSERT_NE(NULL, s);
	EXPECT_STREQ("CLOSE", text(s, "state"));
	EXPECT_EQ(PLAY_CLIENT_PORT, (int)witness_number(s, "lport"));
	EXPECT_EQ(play->client.pid, (pid_t)witness_number(s, "pid"));
	EXPECT_FALSE(has(s, "cwnd"));
}

static int do_bind_here(void *fd)
{
	*(int *)fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	return *(int *)fd < 0 || listen(*(int *)fd, 1) ? -errno : 0;
}

/* Claim: a socket is found in a namespace that no process is in. */
TEST_F(existing, empty_namespace)
{
	int netns = netns_create(), fd = -1;
	struct json_object *s;
	uint64_t inode;
	char number[32];

	ASSERT_LE(0, netns);
	ASSERT_EQ(0, netns_inode(netns, &inode));
	ASSERT_EQ(0, netns_call(netns, do_bind_here, &fd));
	snprintf(number, sizeof(number), "%llu", (unsigned long long)inode);
	ASSERT_EQ(0, sockets(&self->prog, &self->json, "-j", "--netns", number,
			     NULL));
	s = only(self->json, "sockets");
	ASSERT_NE(NULL, s);
	EXPECT_STREQ("LISTEN", text(s, "state"));
	EXPECT_EQ(getpid(), (pid_t)witness_number(s, "pid"));
	EXPECT_EQ(fd, (int)witness_number(s, "fd"));
	close(fd);
	close(netns);
}

/* Claim: the table has the columns that were asked for, and no wide line. */
TEST_F(existing, table)
{
	struct play *play = &self->play;
	char want[128];

	ASSERT_EQ(0, play_connect(play));
	ASSERT_EQ(0, sockets(&self->prog, &self->json, "--netns", play->netns,
			     NULL));
	EXPECT_EQ(4, prog_lines(&self->prog, PROG_OUT));
	EXPECT_NE(NULL, strstr(prog_text(&self->prog, PROG_OUT), "STATE"));
	EXPECT_EQ(NULL, strstr(prog_text(&self->prog, PROG_OUT), "AGE"));
	ASSERT_EQ(0, sockets(&self->prog, &self->json, "-r", "-n", "-o",
			     "owner,Lport,cwnd", "--netns", play->netns,
			     "--state", "LISTEN", NULL));
	snprintf(want, sizeof(want), "server[%d] 2001 -\n", play->server.pid);
	EXPECT_STREQ(want, prog_text(&self->prog, PROG_OUT));
	ASSERT_EQ(0,
		  sockets(&self->prog, &self->json, "-j", "-o", "lport",
			  "--netns", play->netns, "--state", "LISTEN", NULL));
	EXPECT_STREQ("{ \"lport\": 2001 }",
		     json_object_to_json_string(only(self->json, "sockets")));
	EXPECT_EQ(2, sockets(&self->prog, &self->json, "-o", "nonsense", NULL));
	EXPECT_EQ(2, sockets(&self->prog, &self->json, "--piles", "-o", "fd",
			     NULL));
	EXPECT_EQ(2,
		  sockets(&self->prog, &self->json, "--state", "SILLY", NULL));
}

/* Claim: without the capabilities to enter namespaces it says what is missing. */
TEST_F(existing, blind)
{
	static const int caps[] = { CAP_BPF, CAP_PERFMON, -1 };
	struct play *play = &self->play;
	char *argv[] = { (char *)trace_program("tcbscope"),
			 "sockets",
			 "-j",
			 "--netns",
			 play->netns,
			 NULL };
	const struct prog_setup setup = { .argv = argv, .caps = caps };
	struct json_object *complete, *list;

	ASSERT_EQ(0, play_connect(play));
	ASSERT_EQ(0, actor_call(&play->client, actor_close, 0));
	EXPECT_EQ(0, prog_run(&self->prog, &setup));
	EXPECT_NE(NULL,
		  strstr(prog_text(&self->prog, PROG_ERR), "CAP_SYS_ADMIN"));
	self->json = json_tokener_parse(prog_text(&self->prog, PROG_OUT));
	ASSERT_TRUE(
		json_object_object_get_ex(self->json, "complete", &complete));
	EXPECT_FALSE(json_object_get_boolean(complete));
	/* the server's two are held; the client's end is not */
	ASSERT_TRUE(json_object_object_get_ex(self->json, "sockets", &list));
	EXPECT_EQ(2, json_object_array_length(list));
}

/* Connections of an actor that never stop coming and going. */
static int do_churn(int arg)
{
	struct sockaddr_in addr = {
		.sin_family = AF_INET,
		.sin_addr.s_addr = htonl(INADDR_LOOPBACK),
		.sin_port = htons(CHURN_PORT),
	};
	const struct timespec pause = { .tv_nsec = 500000 };
	int listener = socket(AF_INET, SOCK_STREAM, 0), fd, peer;

	if (bind(listener, (void *)&addr, sizeof(addr)) || listen(listener, 9))
		return -errno;
	for (;;) {
		fd = socket(AF_INET, SOCK_STREAM, 0);
		if (connect(fd, (void *)&addr, sizeof(addr)))
			return -errno;
		peer = accept(listener, NULL, NULL);
		close(fd);
		close(peer);
		nanosleep(&pause, NULL); /* a loaded machine must keep up */
	}
}

/* How often each cookie is told of as an existing socket: at most once. */
static bool each_once(const struct witness *w)
{
	struct sighting sockets = { .type = "socket" };
	struct json_object *seen = json_object_new_object(), *e;
	bool once = true;
	char cookie[32];
	size_t from = 0;

	while ((e = witness_next(w, &sockets, &from))) {
		snprintf(cookie, sizeof(cookie), "%llu",
			 (unsigned long long)witness_number(e, "cookie"));
		once &= !has(seen, cookie);
		json_object_object_add(seen, cookie, NULL);
	}
	json_object_put(seen);
	return once;
}

/*
 * Claim: sockets that come, change and go while the trace begins are neither
 * missed nor told twice: those that stay are there, nothing has a gap.
 */
TEST_F(existing, churn)
{
	int rounds = guest_times(CHURN_ROUNDS, FEW_ROUNDS), round;
	struct play *play = &self->play;

	ASSERT_EQ(0, play_connect(play));
	/* many more would only take time */
	ASSERT_EQ(0, netns_sysctl(play->pair.side[1].fd,
				  "net/ipv4/tcp_max_tw_buckets", "100"));
	ASSERT_EQ(0, actor_fork(&play->server, &play->worker, "churn"));
	ASSERT_EQ(0, actor_tell(&play->worker, do_churn, 0));
	for (round = 0; round < rounds; round++) {
		trace_free(&play->trace);
		ASSERT_EQ(0, play_trace(play, "--existing", STATES));
		ASSERT_EQ(0, trace_stop(&play->trace));
		expect_account(_metadata, play);
		EXPECT_TRUE(each_once(play->trace.witness));
		EXPECT_NE(NULL, existing(play, &play->at_client));
	}
}

static int do_many(int n)
{
	struct rlimit limit = { 2 * n + 64, 2 * n + 64 };
	struct sockaddr_in addr = {
		.sin_family = AF_INET,
		.sin_addr.s_addr = htonl(INADDR_LOOPBACK),
		.sin_port = htons(CHURN_PORT),
	};
	int listener = socket(AF_INET, SOCK_STREAM, 0), fd;

	if (setrlimit(RLIMIT_NOFILE, &limit) ||
	    bind(listener, (void *)&addr, sizeof(addr)) || listen(listener, 9))
		return -errno;
	while (n--) {
		fd = socket(AF_INET, SOCK_STREAM, 0);
		if (connect(fd, (void *)&addr, sizeof(addr)) ||
		    accept(listener, NULL, NULL) < 0)
			return -errno;
	}
	return 0;
}

/* Claim: 10,000 sockets are all there, once. */
TEST_F(existing, ten_thousand)
{
	int n = guest_times(MANY, FEW);
	struct sighting all = { .type = "socket" };
	struct play *play = &self->play;

	ASSERT_EQ(0, actor_call(&play->server, do_many, n));
	ASSERT_EQ(0, play_trace(play, "--existing", STATES));
	ASSERT_EQ(0, trace_stop(&play->trace));
	expect_account(_metadata, play);
	EXPECT_TRUE(each_once(play->trace.witness));
	all.netns = play->at_server.netns;
	EXPECT_EQ(2 * (size_t)n + 1, witness_count(play->trace.witness, &all));
}

TEST_HARNESS_MAIN
