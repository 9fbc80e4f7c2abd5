// SPDX-License-Identifier: GPL-2.0
/* Tests of tcbscope listeners, as it is run. */
#include <errno.h>
#include <fcntl.h>
#include <json-c/json.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/resource.h>

#include "tests/lib/openmetrics.h"
#include "tests/lib/play.h"
#include "tests/lib/prog.h"

#include <kselftest_harness.h>

#define FEW_HOOKS "--tiers=1" /* it is started sooner */

FIXTURE(listeners)
{
	struct play play;
	struct prog prog;
	struct json_object *json; /* what the program said */
};

FIXTURE_SETUP(listeners)
{
	memset(&self->prog, 0, sizeof(self->prog));
	self->json = NULL;
	ASSERT_EQ(0, play_init(&self->play));
}

FIXTURE_TEARDOWN(listeners)
{
	json_object_put(self->json);
	prog_free(&self->prog);
	play_free(&self->play);
}

/* Starts it for both namespaces, with up to four more arguments. 0 or -errno. */
static int start(FIXTURE_DATA(listeners) * self, char *a, char *b, char *c,
		 char *d)
{
	char *argv[] = { strdup(trace_program("tcbscope")),
			 "listeners",
			 "--netns",
			 self->play.netns,
			 a,
			 b,
			 c,
			 d,
			 NULL };
	const struct prog_setup setup = { .argv = argv };
	int err = argv[0] ? prog_start(&self->prog, &setup) : -ENOMEM;

	free(argv[0]);
	return err;
}

/* The listener in the last whole line; NULL: there is not exactly one. */
static struct json_object *last(FIXTURE_DATA(listeners) * self)
{
	const char *text = prog_text(&self->prog, PROG_OUT), *end, *line;
	struct json_object *all = NULL;
	char *copy;

	end = strrchr(text, '\n');
	if (!end)
		return NULL;
	for (line = end; line > text && line[-1] != '\n'; line--)
		;
	copy = strndup(line, end - line);
	json_object_put(self->json);
	self->json = copy ? json_tokener_parse(copy) : NULL;
	free(copy);
	if (!json_object_object_get_ex(self->json, "listeners", &all) ||
	    json_object_array_length(all) != 1)
		return NULL;
	return json_object_array_get_idx(all, 0);
}

static int do_connect_more(int arg)
{
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

	(void)arg;
	if (fd < 0 || connect(fd, (void *)&actor_tcp.end[1], actor_tcp.len))
		return -errno;
	return 0; /* it stays open */
}

/* @n clients that do not wait for an answer. */
static int do_knock(int n)
{
	int fd;

	while (n--) {
		fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK,
			    0);
		if (fd < 0 ||
		    (connect(fd, (void *)&actor_tcp.end[1], actor_tcp.len) &&
		     errno != EINPROGRESS) ||
		    close(fd))
			return -errno;
	}
	return 0;
}

/* One that waits to be accepted has sent 5 bytes, another one has gone. */
static int do_send_and_go(int arg)
{
	int err = actor_send(5);

	if (!err)
		err = do_connect_more(arg);
	return err ?: actor_close(0);
}

/* Asks for another limit of the listener that there is. */
static int do_listen_again(int backlog)
{
	return listen(actor_tcp.listener, backlog) ? -errno : 0;
}

/* Takes all that wait. */
static int do_accept_all(int arg)
{
	int fd;

	(void)arg;
	fcntl(actor_tcp.listener, F_SETFL, O_NONBLOCK);
	do
		fd = accept4(actor_tcp.listener, NULL, NULL, SOCK_CLOEXEC);
	while (fd >= 0);
	return errno == EAGAIN ? 0 : -errno;
}

/* @n more listeners, on ports of the kernel's choice. */
static int do_listen_many(int n)
{
	const struct rlimit limit = { 4096, 4096 };
	int fd;

	setrlimit(RLIMIT_NOFILE, &limit);
	while (n--) {
		fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
		if (fd < 0 || listen(fd, 7))
			return -errno;
	}
	return 0;
}

/*
 * Reads until all that has happened up to now must be in the last line: of
 * those to come one may have ended before, and one ends now.
 */
static int catch_up(FIXTURE_DATA(listeners) * self)
{
	int err = prog_read(&self->prog);

	return err ?: prog_wait_lines(&self->prog, PROG_OUT, 3);
}

/* Claim: how full the queues are is told of listeners that are older. */
TEST_F(listeners, now)
{
	struct play *play = &self->play;
	struct json_object *l;

	ASSERT_EQ(0, actor_call(&play->server, actor_listen, 3));
	ASSERT_EQ(0, actor_call(&play->client, actor_connect, 0));
	ASSERT_EQ(0, actor_call(&play->client, do_connect_more, 0));
	ASSERT_EQ(0, start(self, "--now", "-j", NULL, NULL));
	ASSERT_EQ(0, prog_finish(&self->prog));
	l = last(self);
	ASSERT_NE(NULL, l);
	EXPECT_EQ(PLAY_SERVER_PORT, witness_number(l, "lport"));
	EXPECT_EQ(play->server.pid, (pid_t)witness_number(l, "pid"));
	EXPECT_STREQ("server", witness_string(l, "comm"));
	EXPECT_EQ(2, witness_number(l, "accept"));
	EXPECT_EQ(0, witness_number(l, "syn"));
	EXPECT_EQ(3, witness_number(l, "limit"));
	EXPECT_FALSE(json_object_object_get_ex(l, "accepted", NULL));
}

/*
 * Claim: what comes and is accepted while it is watched is counted, with the
 * time that it waited; who still waits is named; SIGINT ends it well.
 */
TEST_F(listeners, watched)
{
	struct play *play = &self->play;
	struct json_object *l, *all, *waiting, *child;

	ASSERT_EQ(0, start(self, "-j", "-i", "20ms", NULL));
	ASSERT_EQ(0, prog_wait(&self->prog, PROG_OUT, "}\n"));
	ASSERT_EQ(0, actor_call(&play->server, actor_listen, 3));
	ASSERT_EQ(0, actor_call(&play->client, actor_connect, 0));
	ASSERT_EQ(0, actor_call(&play->client, do_connect_more, 0));
	ASSERT_EQ(0, prog_wait(&self->prog, PROG_OUT,
			       "\"completed\":2,\"accepted\":0"));
	ASSERT_EQ(0, actor_call(&play->server, actor_accept, 0));
	ASSERT_EQ(0, actor_call(&play->client, actor_send, 1));
	ASSERT_EQ(0, actor_call(&play->server, actor_receive, 1));
	ASSERT_EQ(0, prog_wait(&self->prog, PROG_OUT, "\"accepted\":1"));
	EXPECT_NE(NULL,
		  strstr(prog_text(&self->prog, PROG_OUT), "\"wait_max_ns\":"));
	ASSERT_EQ(0, kill(self->prog.pid, SIGINT));
	ASSERT_EQ(0, prog_finish(&self->prog));
	l = last(self);
	ASSERT_NE(NULL, l);
	EXPECT_EQ(PLAY_SERVER_PORT, witness_number(l, "lport"));
	EXPECT_EQ(1, witness_number(l, "accept"));
	EXPECT_EQ(3, witness_number(l, "limit"));
	EXPECT_EQ(3, witness_number(l, "asked"));
	ASSERT_TRUE(json_object_object_get_ex(l, "all", &all));
	EXPECT_EQ(2, witness_number(all, "completed"));
	EXPECT_EQ(1, witness_number(all, "accepted"));
	ASSERT_TRUE(json_object_object_get_ex(l, "waiting", &waiting));
	ASSERT_EQ(1, json_object_array_length(waiting));
	child = json_object_array_get_idx(waiting, 0);
	EXPECT_STREQ("10.8.0.1", witness_string(child, "raddr"));
	EXPECT_NE(PLAY_CLIENT_PORT, witness_number(child, "rport"));
	EXPECT_LT(0, witness_number(child, "age_ns"));
}

/*
 * Claim: the table has a line for a listener and one for who waits in it, which
 * says what has come from there, and that it has gone.
 */
TEST_F(listeners, table)
{
	struct play *play = &self->play;
	const char *out;

	ASSERT_EQ(0, actor_call(&play->server, actor_listen, 3));
	ASSERT_EQ(0, start(self, "--tree", "-i20ms", FEW_HOOKS, NULL));
	ASSERT_EQ(0, prog_wait(&self->prog, PROG_OUT, "LISTENER"));
	ASSERT_EQ(0, actor_call(&play->client, actor_connect, 0));
	ASSERT_EQ(0, prog_wait(&self->prog, PROG_OUT, "  10.8.0.1:2000 "));
	ASSERT_EQ(0, actor_call(&play->client, do_send_and_go, 0));
	ASSERT_EQ(0, prog_wait(&self->prog, PROG_OUT, " 5 bytes, closed "));
	ASSERT_EQ(0, kill(self->prog.pid, SIGTERM));
	ASSERT_EQ(0, prog_finish(&self->prog));
	out = prog_text(&self->prog, PROG_OUT);
	EXPECT_NE(NULL, strstr(out, "10.8.0.2:2001 server["));
	EXPECT_NE(NULL, strstr(out, "1/3 ##--- "));
}

/* Two wait: one has sent 5 bytes and is gone, the other has done nothing. */
static void expect_waiting(struct __test_metadata *_metadata,
			   struct json_object *l)
{
	struct json_object *waiting, *child;

	ASSERT_TRUE(json_object_object_get_ex(l, "waiting", &waiting));
	ASSERT_EQ(2, json_object_array_length(waiting));
	child = json_object_array_get_idx(waiting, 0);
	EXPECT_EQ(PLAY_CLIENT_PORT, witness_number(child, "rport"));
	EXPECT_EQ(5, witness_number(child, "unread"));
	EXPECT_STREQ("CLOSE_WAIT", witness_string(child, "state"));
	EXPECT_STREQ("derived", witness_string(child, "age_how"));
	EXPECT_LT(0, witness_number(child, "age_ns"));
	child = json_object_array_get_idx(waiting, 1);
	EXPECT_EQ(0, witness_number(child, "unread"));
	EXPECT_STREQ("ESTABLISHED", witness_string(child, "state"));
}

/* It is full, has been for long, and nothing happens to it. */
static void expect_full(struct __test_metadata *_metadata,
			struct json_object *l)
{
	const char *advice = witness_string(l, "advice");

	EXPECT_EQ(0, witness_number(l, "full"));
	ASSERT_NE(NULL, advice);
	EXPECT_EQ(advice, strstr(advice, "The accept queue is full: "));
	EXPECT_NE(NULL, strstr(advice, ", the oldest waits for "));
	EXPECT_NE(NULL, strstr(advice, "the limit of 1 is the application's, "
				       "net.core.somaxconn is 4096."));
}

/*
 * Claim: what waited already when the watch began is told with what has come
 * from there; that the queue is full, whose the limit is and what helps, at the
 * end of every interval; and it counts when it is accepted, though nobody knows
 * for how long it has waited.
 */
TEST_F(listeners, older)
{
	struct play *play = &self->play;
	struct json_object *all;

	ASSERT_EQ(0, actor_call(&play->server, actor_listen, 1));
	ASSERT_EQ(0, actor_call(&play->client, actor_connect, 0));
	ASSERT_EQ(0, actor_call(&play->client, do_send_and_go, 0));
	ASSERT_EQ(0, start(self, "--tree", "-j", "-i20ms", NULL));
	ASSERT_EQ(0, catch_up(self));
	ASSERT_NE(NULL, last(self));
	expect_waiting(_metadata, last(self));
	expect_full(_metadata, last(self));

	ASSERT_EQ(0, actor_call(&play->server, actor_accept, 0));
	ASSERT_EQ(0, actor_call(&play->server, actor_receive, 1));
	ASSERT_EQ(0, prog_wait(&self->prog, PROG_OUT, "\"accepted\":1"));
	EXPECT_EQ(NULL,
		  strstr(prog_text(&self->prog, PROG_OUT), "\"wait_max_ns\":"));
	ASSERT_EQ(0, kill(self->prog.pid, SIGINT));
	ASSERT_EQ(0, prog_finish(&self->prog));
	ASSERT_NE(NULL, last(self));
	EXPECT_EQ(1, witness_number(last(self), "accept"));
	ASSERT_TRUE(json_object_object_get_ex(last(self), "all", &all));
	EXPECT_EQ(0, witness_number(all, "completed"));
}

/*
 * Claim: where no event tells of what is dropped, it is sampled: the drops of
 * all that knock while the accept queue is full.
 */
TEST_F(listeners, silence)
{
	struct play *play = &self->play;
	struct json_object *l, *all;

	ASSERT_EQ(0, actor_call(&play->server, actor_listen, 0));
	ASSERT_EQ(0, actor_call(&play->client, actor_connect, 0));
	ASSERT_EQ(0, start(self, "-j", "-i20ms", FEW_HOOKS, NULL));
	ASSERT_EQ(0, prog_wait(&self->prog, PROG_OUT, "}\n"));
	ASSERT_EQ(0, actor_call(&play->client, do_knock, 3));
	ASSERT_EQ(0, catch_up(self));
	l = last(self);
	ASSERT_NE(NULL, l);
	ASSERT_TRUE(json_object_object_get_ex(l, "all", &all));
	EXPECT_EQ(0, witness_number(all, "dropped"));
	EXPECT_LE(3, witness_number(all, "sk_drops"));
	EXPECT_EQ(1, witness_number(l, "accept"));
	EXPECT_EQ(0, witness_number(l, "limit"));
	EXPECT_NE(NULL, witness_string(l, "advice"));
}

/* Claim: where each SYN is seen, so is why it was dropped: exactly. */
TEST_F(listeners, causes)
{
	struct play *play = &self->play;
	struct json_object *l, *all, *by;

	ASSERT_EQ(0, start(self, "-j", "-i", "20ms", "--tiers=1,2,3,4"));
	ASSERT_EQ(0, prog_wait(&self->prog, PROG_OUT, "}\n"));
	ASSERT_EQ(0, actor_call(&play->server, actor_listen, 0));
	ASSERT_EQ(0, actor_call(&play->client, actor_connect, 0));
	ASSERT_EQ(0, actor_call(&play->client, do_knock, 3));
	ASSERT_EQ(0, catch_up(self));
	l = last(self);
	ASSERT_NE(NULL, l);
	ASSERT_TRUE(json_object_object_get_ex(l, "all", &all));
	EXPECT_EQ(1, witness_number(all, "syn_queued"));
	EXPECT_EQ(1, witness_number(all, "completed"));
	EXPECT_EQ(3, witness_number(all, "dropped"));
	EXPECT_EQ(3, witness_number(all, "sk_drops"));
	ASSERT_TRUE(json_object_object_get_ex(all, "dropped_by", &by));
	EXPECT_EQ(3, witness_number(by, "accept_queue_full"));
	EXPECT_EQ(NULL, strstr(witness_string(l, "advice") ?: "", "--tiers"));
}

/* How many drops a listener has had; that it has any is awaited. */
static uint64_t drops(struct __test_metadata *_metadata,
		      FIXTURE_DATA(listeners) * self)
{
	struct json_object *all = NULL;

	EXPECT_EQ(0, catch_up(self));
	EXPECT_TRUE(json_object_object_get_ex(last(self), "all", &all));
	return all ? witness_number(all, "sk_drops") : 0;
}

/*
 * Clients come while the queue of a listener is full, and are told of, with
 * what helps.
 */
static void overflow(struct __test_metadata *_metadata,
		     FIXTURE_DATA(listeners) * self, int backlog,
		     const char *advice)
{
	struct play *play = &self->play;

	ASSERT_EQ(0, actor_call(&play->server, actor_listen, backlog));
	ASSERT_EQ(0, actor_call(&play->client, do_connect_more, 0));
	ASSERT_EQ(0, actor_call(&play->client, do_connect_more, 0));
	ASSERT_EQ(0, actor_call(&play->client, do_knock, 3));
	EXPECT_LE(3, drops(_metadata, self));
	EXPECT_NE(NULL,
		  strstr(witness_string(last(self), "advice") ?: "", advice));
}

/*
 * More of them come, @server does what it does, and none is dropped. Then that
 * listener is closed.
 */
static void expect_cured(struct __test_metadata *_metadata,
			 FIXTURE_DATA(listeners) * self, int (*server)(int arg),
			 int arg)
{
	uint64_t before = drops(_metadata, self);
	struct play *play = &self->play;
	int i;

	for (i = 0; i < 3; i++) {
		ASSERT_EQ(0, actor_call(&play->server, server, arg));
		ASSERT_EQ(0, actor_call(&play->client, do_connect_more, 0));
	}
	EXPECT_EQ(before, drops(_metadata, self));
	EXPECT_EQ(NULL, witness_string(last(self), "advice"));
	EXPECT_EQ(0, witness_number(last(self), "dropped"));
	ASSERT_EQ(0, actor_call(&play->server, actor_unlisten, 0));
}

/*
 * Claim: it says that the limit is the application's, or that it is the
 * system's, or that the application is too slow; who changes that is helped.
 */
TEST_F(listeners, cures)
{
	int server = self->play.pair.side[1].fd;

	ASSERT_EQ(0, start(self, "-j", "-i", "20ms", NULL));
	ASSERT_EQ(0, prog_wait(&self->prog, PROG_OUT, "}\n"));

	overflow(_metadata, self, 1, "the limit of 1 is the application's, ");
	expect_cured(_metadata, self, do_listen_again, 64);

	ASSERT_EQ(0, netns_sysctl(server, "net/core/somaxconn", "1"));
	overflow(_metadata, self, 64,
		 "the limit of 1 is net.core.somaxconn, the application asked "
		 "for 64.");
	ASSERT_EQ(0, netns_sysctl(server, "net/core/somaxconn", "4096"));
	expect_cured(_metadata, self, do_listen_again, 64);

	overflow(_metadata, self, 1, ": the application accepts too slowly");
	expect_cured(_metadata, self, do_accept_all, 0);
	EXPECT_EQ(0, kill(self->prog.pid, SIGINT));
	EXPECT_EQ(0, prog_finish(&self->prog));
}

/* Claim: a thousand listeners are a thousand rows, each looked at. */
TEST_F(listeners, thousand)
{
	enum { LISTENERS = 1000 };
	struct json_object *all = NULL;
	const char *text;
	size_t i, how = 0;

	ASSERT_EQ(0, actor_call(&self->play.server, do_listen_many,
				LISTENERS / 2));
	ASSERT_EQ(0, actor_call(&self->play.client, do_listen_many,
				LISTENERS / 2));
	ASSERT_EQ(0, start(self, "-j", "-i20ms", "-c2", FEW_HOOKS));
	ASSERT_EQ(0, prog_finish(&self->prog));
	EXPECT_EQ(2, prog_lines(&self->prog, PROG_OUT));
	EXPECT_EQ(NULL, last(self)); /* it has more than one */
	ASSERT_TRUE(json_object_object_get_ex(self->json, "listeners", &all));
	ASSERT_EQ(LISTENERS, json_object_array_length(all));
	for (i = 0; i < LISTENERS; i++)
		how += witness_number(json_object_array_get_idx(all, i),
				      "somaxconn") > 0;
	EXPECT_EQ(LISTENERS, how);

	prog_free(&self->prog);
	memset(&self->prog, 0, sizeof(self->prog));
	ASSERT_EQ(0, start(self, "--now", "--sort=listener", NULL, NULL));
	ASSERT_EQ(0, prog_finish(&self->prog));
	text = prog_text(&self->prog, PROG_OUT);
	EXPECT_NE(NULL, strstr(text, "NETNS")); /* they are in two others */
	EXPECT_EQ(LISTENERS + 1, prog_lines(&self->prog, PROG_OUT));
}

/* Columns of the longest line; what a terminal does not show takes none. */
static unsigned int widest(const char *text)
{
	unsigned int n = 0, most = 0;

	for (; *text; text++) {
		if (*text == '\033')
			text += strcspn(text, "HKJm");
		else if (*text == '\n')
			n = 0;
		else if (*text != '\r' && ++n > most)
			most = n;
	}
	return most;
}

/*
 * Claim: on a terminal each table takes the place of the one before, and what
 * there is no room for is counted: of 24 rows the last is the cursor's. What is
 * too wide is cut off.
 */
TEST_F(listeners, terminal)
{
	char *argv[] = { strdup(trace_program("tcbscope")),
			 "listeners",
			 "--netns",
			 self->play.netns,
			 "-i20ms",
			 "-c2",
			 FEW_HOOKS,
			 NULL };
	const struct prog_setup setup = { .argv = argv, .columns = 40 };
	const char *second;

	ASSERT_EQ(0, setenv("TERM", "xterm", 1));
	ASSERT_EQ(0, actor_call(&self->play.server, do_listen_many, 30));
	ASSERT_EQ(0, prog_run(&self->prog, &setup));
	second = strstr(prog_text(&self->prog, PROG_OUT) + 3, "\033[HLISTENER");
	ASSERT_NE(NULL, second);
	EXPECT_EQ(0, strncmp(prog_text(&self->prog, PROG_OUT), second, 11));
	EXPECT_EQ(2 * 23, prog_lines(&self->prog, PROG_OUT));
	EXPECT_NE(NULL, strstr(second, "... 9 more lines\033[K"));
	EXPECT_EQ(40, widest(second));
	free(argv[0]);
}

/* Claim: a signal ends an interval that has just begun, with what there is. */
TEST_F(listeners, signal)
{
	ASSERT_EQ(0, actor_call(&self->play.server, actor_listen, 3));
	ASSERT_EQ(0, start(self, "-i1h", "--debug", FEW_HOOKS, NULL));
	ASSERT_EQ(0, prog_wait(&self->prog, PROG_ERR, "\n"));
	ASSERT_EQ(0, kill(self->prog.pid, SIGINT));
	EXPECT_EQ(0, prog_finish(&self->prog));
	EXPECT_EQ(2, prog_lines(&self->prog, PROG_OUT));
}

/*
 * Claim: events that found the ring full are told of, and how many. Nobody
 * reads while they come.
 */
TEST_F(listeners, lost)
{
	struct play *play = &self->play;
	unsigned int i;

	ASSERT_EQ(0, actor_call(&play->server, actor_listen, 100));
	ASSERT_EQ(0, start(self, "-j", "-i20ms", "--ring=4K", FEW_HOOKS));
	ASSERT_EQ(0, prog_wait(&self->prog, PROG_OUT, "}\n"));
	ASSERT_EQ(0, kill(self->prog.pid, SIGSTOP));
	for (i = 0; i < 50; i++)
		ASSERT_EQ(0, actor_call(&play->client, do_connect_more, 0));
	ASSERT_EQ(0, kill(self->prog.pid, SIGCONT));
	ASSERT_EQ(0, kill(self->prog.pid, SIGINT));
	EXPECT_EQ(0, prog_finish(&self->prog));
	EXPECT_NE(NULL, strstr(prog_text(&self->prog, PROG_ERR),
			       " events were lost: the sums are too small"));
}

/*
 * Claim: metrics are one text, with a value of each listener; for how long the
 * first has waited is known, though it came before the watch.
 */
TEST_F(listeners, openmetrics)
{
	char flaw[OPENMETRICS_FLAW] = "";
	const char *out;

	ASSERT_EQ(0, actor_call(&self->play.server, actor_listen, 3));
	ASSERT_EQ(0, actor_call(&self->play.client, actor_connect, 0));
	ASSERT_EQ(0, start(self, "--openmetrics", "-i20ms", FEW_HOOKS, NULL));
	ASSERT_EQ(0, prog_finish(&self->prog));
	out = prog_text(&self->prog, PROG_OUT);
	EXPECT_NE(NULL, strstr(out, "# TYPE tcbscope_listener_limit gauge\n"));
	EXPECT_NE(NULL, strstr(out, "tcbscope_listener_accept_queue{"
				    "addr=\"10.8.0.2\",port=\"2001\","));
	EXPECT_NE(NULL, strstr(out, "comm=\"server\"} 1\n"));
	EXPECT_NE(NULL, strstr(out, "comm=\"server\"} 3\n"));
	EXPECT_NE(NULL, strstr(out, "tcbscope_listener_accepted{"));
	EXPECT_NE(NULL, strstr(out, "tcbscope_listener_oldest_seconds{"));
	EXPECT_LT(0, openmetrics_read(out, flaw));
	EXPECT_STREQ("", flaw);
}

TEST_HARNESS_MAIN
