// SPDX-License-Identifier: GPL-2.0
/* Tests of tcbscope listeners, as it is run. */
#include <errno.h>
#include <json-c/json.h>
#include <signal.h>
#include <stdlib.h>

#include "tests/lib/play.h"
#include "tests/lib/prog.h"

#include <kselftest_harness.h>

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
	ASSERT_EQ(0, prog_wait(&self->prog, PROG_OUT, "\"completed\":2,\"accepted\":0"));
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

/* Claim: the table has a line for a listener and one for who waits in it. */
TEST_F(listeners, table)
{
	struct play *play = &self->play;
	const char *out;

	ASSERT_EQ(0, actor_call(&play->server, actor_listen, 3));
	ASSERT_EQ(0, start(self, "--tree", "-i", "20ms", NULL));
	ASSERT_EQ(0, prog_wait(&self->prog, PROG_OUT, "LISTENER"));
	ASSERT_EQ(0, actor_call(&play->client, actor_connect, 0));
	ASSERT_EQ(0, prog_wait(&self->prog, PROG_OUT, "  10.8.0.1:2000"));
	ASSERT_EQ(0, kill(self->prog.pid, SIGTERM));
	ASSERT_EQ(0, prog_finish(&self->prog));
	out = prog_text(&self->prog, PROG_OUT);
	EXPECT_NE(NULL, strstr(out, "10.8.0.2:2001 server["));
	EXPECT_NE(NULL, strstr(out, "1/3 ##--- "));
}

/*
 * Claim: what waited already when the watch began counts when it is accepted,
 * though nobody knows for how long it has waited.
 */
TEST_F(listeners, older)
{
	struct play *play = &self->play;
	struct json_object *l, *all;

	ASSERT_EQ(0, actor_call(&play->server, actor_listen, 3));
	ASSERT_EQ(0, actor_call(&play->client, actor_connect, 0));
	ASSERT_EQ(0, start(self, "-j", "-i", "20ms", NULL));
	ASSERT_EQ(0, prog_wait(&self->prog, PROG_OUT, "}\n"));
	ASSERT_EQ(0, actor_call(&play->server, actor_accept, 0));
	ASSERT_EQ(0, actor_call(&play->client, actor_send, 1));
	ASSERT_EQ(0, actor_call(&play->server, actor_receive, 1));
	ASSERT_EQ(0, prog_wait(&self->prog, PROG_OUT, "\"accepted\":1"));
	EXPECT_EQ(NULL,
		  strstr(prog_text(&self->prog, PROG_OUT), "\"wait_max_ns\":"));
	ASSERT_EQ(0, kill(self->prog.pid, SIGINT));
	ASSERT_EQ(0, prog_finish(&self->prog));
	l = last(self);
	ASSERT_NE(NULL, l);
	EXPECT_EQ(0, witness_number(l, "accept"));
	ASSERT_TRUE(json_object_object_get_ex(l, "all", &all));
	EXPECT_EQ(0, witness_number(all, "completed"));
}

/*
 * Claim: a queue that is full is told with whose the limit is and what helps,
 * at the end of every interval, though nothing happens to it any more.
 */
TEST_F(listeners, advice)
{
	struct play *play = &self->play;
	const char *advice;

	ASSERT_EQ(0, actor_call(&play->server, actor_listen, 1));
	ASSERT_EQ(0, actor_call(&play->client, actor_connect, 0));
	ASSERT_EQ(0, actor_call(&play->client, do_connect_more, 0));
	ASSERT_EQ(0, start(self, "-j", "-i", "20ms", "-c3"));
	ASSERT_EQ(0, prog_finish(&self->prog));
	ASSERT_NE(NULL, last(self));
	EXPECT_EQ(0, witness_number(last(self), "full")); /* long since */
	advice = witness_string(last(self), "advice");
	ASSERT_NE(NULL, advice);
	EXPECT_EQ(advice, strstr(advice, "The accept queue is full: "));
	EXPECT_NE(NULL, strstr(advice, ", the oldest waits for "));
	EXPECT_NE(NULL, strstr(advice, "the limit of 1 is the application's, "
				       "net.core.somaxconn is 4096."));
}

/* Claim: metrics are one text, with a value of each listener. */
TEST_F(listeners, openmetrics)
{
	const char *out;

	ASSERT_EQ(0, actor_call(&self->play.server, actor_listen, 3));
	ASSERT_EQ(0, actor_call(&self->play.client, actor_connect, 0));
	ASSERT_EQ(0, start(self, "--openmetrics", "--now", NULL, NULL));
	ASSERT_EQ(0, prog_finish(&self->prog));
	out = prog_text(&self->prog, PROG_OUT);
	EXPECT_NE(NULL, strstr(out, "# TYPE tcbscope_listener_limit gauge\n"));
	EXPECT_NE(NULL, strstr(out, "tcbscope_listener_accept_queue{"
				    "addr=\"10.8.0.2\",port=\"2001\","));
	EXPECT_NE(NULL, strstr(out, "comm=\"server\"} 1\n"));
	EXPECT_NE(NULL, strstr(out, "comm=\"server\"} 3\n"));
	EXPECT_EQ(NULL, strstr(out, "nan"));
	EXPECT_STREQ("# EOF\n", out + strlen(out) - strlen("# EOF\n"));
}

/* Claim: a time or a number that is none is an error of usage. */
TEST_F(listeners, usage)
{
	ASSERT_EQ(0, start(self, "-i", "never", NULL, NULL));
	EXPECT_EQ(2, prog_finish(&self->prog));
	EXPECT_NE(NULL, strstr(prog_text(&self->prog, PROG_ERR), "never"));
	prog_free(&self->prog);
	memset(&self->prog, 0, sizeof(self->prog));
	ASSERT_EQ(0, start(self, "-c", "0", NULL, NULL));
	EXPECT_EQ(2, prog_finish(&self->prog));
}

TEST_HARNESS_MAIN
