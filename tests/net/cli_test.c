// SPDX-License-Identifier: GPL-2.0
/* Tests of tcbscope trace as a program: outputs and signals. */
#include <json-c/json.h>
#include <signal.h>
#include <sys/socket.h>
#include <time.h>

#include "tests/lib/cli.h"
#include "tests/lib/guest.h"
#include "tests/lib/trace.h"

#include <kselftest_harness.h>

FIXTURE(cli)
{
	struct cli cli;
};

FIXTURE_SETUP(cli)
{
	ASSERT_EQ(0, cli_init(&self->cli, AF_INET));
}

FIXTURE_TEARDOWN(cli)
{
	cli_free(&self->cli);
}

/*
 * What standard output gets, of which the kernel knows nothing: where a trace
 * takes long to start the first will do.
 */
static char *const formats[] = { "--json", "--time=rel" };

/*
 * Claim: a reader that goes away ends the trace, though nothing happens that it
 * would have to be told; quietly, and with success.
 */
TEST_F(cli, closed_pipe)
{
	char *args[] = { CLI_STATES_ONLY, NULL, NULL };
	const struct prog_setup setup = { .argv = args };
	struct cli *cli = &self->cli;
	unsigned int i;

	for (i = 0; i < guest_times(2, 1); i++) {
		args[1] = formats[i];
		ASSERT_EQ(0, cli_start(cli, &setup));
		prog_hang_up(&cli->prog, PROG_OUT);
		EXPECT_EQ(0, prog_finish(&cli->prog));
		EXPECT_EQ(1, cli_lines_said(cli));
	}
}

/* Claim: a full disk is an error, and is said; the account is said as well. */
TEST_F(cli, full_device)
{
	char *args[] = { CLI_STATES_ONLY, NULL, NULL };
	const struct prog_setup setup = { .argv = args, .out = "/dev/full" };
	struct prog *prog = &self->cli.prog;
	unsigned int i;

	for (i = 0; i < guest_times(2, 1); i++) {
		args[1] = formats[i];
		ASSERT_EQ(-ENODATA, cli_start(&self->cli, &setup));
		EXPECT_EQ(1, prog_finish(prog));
		EXPECT_NE(NULL, strstr(prog_text(prog, PROG_ERR),
				       "No space left on device\n"))
		{
			TH_LOG("%s", prog_text(prog, PROG_ERR));
		}
		EXPECT_NE(NULL,
			  strstr(prog_text(prog, PROG_ERR), " generated "));
	}
}

/* Claim: SIGTERM ends it: all events are out, and accounted for. */
TEST_F(cli, terminated)
{
	char *args[] = { CLI_STATES_ONLY, "--json", NULL };
	const struct prog_setup setup = { .argv = args };
	struct cli *cli = &self->cli;
	struct cli_counts n;

	ASSERT_EQ(0, cli_start(cli, &setup));
	ASSERT_EQ(0, cli_connections(cli, 2));
	EXPECT_EQ(0, cli_end(cli, SIGTERM));
	n = cli_closing_line(cli);
	EXPECT_EQ(1, cli_lines_said(cli));
	EXPECT_EQ(2 * CLI_STATES, n.shown);
	EXPECT_EQ(n.delivered, n.shown + n.filtered);
	/* a header and a footer */
	EXPECT_EQ(2 + 2 * CLI_STATES, prog_lines(&cli->prog, PROG_OUT));
}

/*
 * Claim: -c 3 shows three events, in text and in the file beside it, and the
 * trace ends by itself.
 */
TEST_F(cli, count)
{
	struct sighting states = { .type = "state" };
	struct cli *cli = &self->cli;
	char *args[] = { CLI_STATES_ONLY, cli->beside, "-c", "3", NULL };
	const struct prog_setup setup = { .argv = args };
	struct cli_counts n;

	ASSERT_EQ(0, cli_start(cli, &setup));
	ASSERT_EQ(0, cli_connections(cli, 1));
	EXPECT_EQ(0, prog_finish(&cli->prog));
	ASSERT_EQ(0, cli_read_beside(cli));
	n = cli_closing_line(cli);
	EXPECT_EQ(1 + 3, prog_lines(&cli->prog, PROG_OUT));
	EXPECT_EQ(3, n.shown);
	EXPECT_EQ(3, witness_count(cli->witness, &states));
	EXPECT_LT(0, n.filtered);
	EXPECT_EQ(n.delivered, n.shown + n.filtered);
}

/* Claim: a file that cannot be written is an error, beside text as well. */
TEST_F(cli, bad_file)
{
	char *full[] = { CLI_STATES_ONLY, "--json=/dev/full", NULL };
	char *none[] = { "--json=/nonexistent/file", NULL };
	struct prog_setup setup = { .argv = full };
	struct prog *prog = &self->cli.prog;

	cli_start(&self->cli, &setup);
	EXPECT_EQ(1, prog_finish(prog));
	EXPECT_NE(NULL, strstr(prog_text(prog, PROG_ERR), "No space left"));

	setup.argv = none;
	ASSERT_EQ(-ENODATA, cli_start(&self->cli, &setup));
	EXPECT_EQ(1, prog_finish(prog));
	EXPECT_NE(NULL, strstr(prog_text(prog, PROG_ERR), "/nonexistent/file"));
	EXPECT_STREQ("", prog_text(prog, PROG_OUT));
}

/* Field by field, what a line of text must say of an event. */
static void expect_line(struct __test_metadata *_metadata, const char *line,
			struct json_object *event)
{
	char sock[16], owner[64], local[64], remote[64], change[64], want[128];
	unsigned int netns;
	int n = 0;

	ASSERT_EQ(5, sscanf(line, "%*s %15s %63s %63s %63s %u %n", sock, owner,
			    local, remote, &netns, &n));
	EXPECT_TRUE(*sock == '#' || *sock == 'L');
	snprintf(want, sizeof(want), "%s%s[%d]",
		 !strcmp(witness_string(event, "owner_how") ?: "", "derived") ?
			 "~" :
			 "",
		 witness_string(event, "comm") ?: "",
		 (int)witness_number(event, "pid"));
	EXPECT_STREQ(witness_number(event, "pid") ? want : "?", owner);
	snprintf(want, sizeof(want), "%s:%d", witness_string(event, "laddr"),
		 (int)witness_number(event, "lport"));
	EXPECT_STREQ(want, local);
	snprintf(want, sizeof(want), "%s:%d", witness_string(event, "raddr"),
		 (int)witness_number(event, "rport"));
	EXPECT_STREQ(want, remote);
	EXPECT_EQ(witness_number(event, "netns"), netns);
	if (!strcmp(witness_string(event, "type"), "queue")) {
		EXPECT_EQ(line + n, strstr(line + n, "ACCEPT QUEUE "));
		return;
	}
	snprintf(want, sizeof(want), "%s -> %s%s", witness_string(event, "old"),
		 !strcmp(witness_string(event, "how"), "derived") ? "~" : "",
		 witness_string(event, "new"));
	snprintf(change, strlen(want) + 1, "%s", line + n);
	EXPECT_STREQ(want, change);
}

/* The next object that is an event: all have an address. NULL: there is none. */
static struct json_object *next_event(const struct cli *cli, size_t *from)
{
	const struct sighting any = {};
	struct json_object *o;

	do
		o = witness_next(cli->witness, &any, from);
	while (o && !witness_string(o, "laddr"));
	return o;
}

/* Into a pipe goes a line for each event, with all columns, and nothing else. */
static void expect_lines(struct __test_metadata *_metadata, struct cli *cli)
{
	static const char *const columns[] = { "TIME",	"SOCK",	  "OWNER",
					       "LOCAL", "REMOTE", "NETNS",
					       "EVENT", "CAUSE",  "DETAIL" };
	struct json_object *event;
	char *text, *line, *rest;
	size_t from = 0, n = 0, i;

	text = rest = strdup(prog_text(&cli->prog, PROG_OUT));
	line = strsep(&rest, "\n");
	for (i = 0; i < sizeof(columns) / sizeof(*columns); i++) {
		line = strstr(line, columns[i]);
		ASSERT_NE(NULL, line);
	}
	while ((event = next_event(cli, &from))) {
		line = strsep(&rest, "\n");
		ASSERT_NE(NULL, line);
		expect_line(_metadata, line, event);
		n++;
	}
	EXPECT_STREQ("", rest);
	EXPECT_EQ(CLI_EVENTS, n);
	free(text);
}

/* One connection has come into the accept queue, and has left it. */
static void expect_queue(struct __test_metadata *_metadata, struct cli *cli)
{
	const struct sighting queues = { .type = "queue" };
	struct json_object *in, *out;
	const char *line;
	size_t from = 0;

	in = witness_next(cli->witness, &queues, &from);
	ASSERT_NE(NULL, in);
	EXPECT_STREQ("completed", witness_string(in, "op"));
	EXPECT_STREQ("observed", witness_string(in, "how"));
	EXPECT_EQ(1, witness_number(in, "accept"));
	out = witness_next(cli->witness, &queues, &from);
	ASSERT_NE(NULL, out);
	EXPECT_STREQ("accepted", witness_string(out, "op"));
	EXPECT_STREQ("derived", witness_string(out, "how"));
	line = strstr(prog_text(&cli->prog, PROG_OUT), "ACCEPT QUEUE in");
	ASSERT_NE(NULL, line);
	line = strstr(line, "accept 1/");
	ASSERT_NE(NULL, line);
	EXPECT_LT(line, strstr(line, "ACCEPT QUEUE out"));
	EXPECT_EQ(NULL, witness_next(cli->witness, &queues, &from));
}

/*
 * Claim: what is shown unasked is the same in text and in what --json=FILE
 * writes beside it. The accept queue is part of it, with its depth, but nothing
 * hangs on system calls for it: who accepts is seen when the connection is
 * used, and is marked so.
 */
TEST_F(cli, unasked)
{
	struct cli *cli = &self->cli;
	char *args[] = { cli->beside, NULL };
	const struct prog_setup setup = { .argv = args };

	ASSERT_EQ(0, cli_start(cli, &setup));
	ASSERT_EQ(0, cli_connections(cli, 1));
	EXPECT_EQ(0, cli_end(cli, SIGINT));
	ASSERT_EQ(0, cli_read_beside(cli));
	expect_lines(_metadata, cli);
	expect_queue(_metadata, cli);
	EXPECT_TRUE(witness_complete(cli->witness));
	EXPECT_TRUE(witness_has_hook(cli->witness, "state_first"));
	EXPECT_FALSE(witness_has_hook(cli->witness, "queue_accepts"));
	EXPECT_FALSE(witness_has_hook(cli->witness, "call_exit"));
}

/* The time of day, as a line shows it. */
static void time_words(char words[32], uint64_t ns, struct json_object *header)
{
	char hms[16];
	time_t s;

	ns += witness_number(header, "wall_offset_ns");
	s = ns / 1000000000;
	strftime(hms, sizeof(hms), "%H:%M:%S", localtime(&s));
	snprintf(words, 32, "%s.%06d", hms, (int)(ns % 1000000000 / 1000));
}

/*
 * Claim: --time is that of the event, to the microsecond: of the four ways to
 * show it the one that needs most (the unit tests of outputs have them all).
 * And there is no colour in a pipe.
 */
TEST_F(cli, time)
{
	struct sighting headers = { .type = "header" };
	struct json_object *event, *header;
	struct cli *cli = &self->cli;
	char *args[] = { CLI_STATES_ONLY, "--time=wall", cli->beside, NULL };
	const struct prog_setup setup = { .argv = args };
	size_t from = 0, n = 0;
	const char *line;

	ASSERT_EQ(0, cli_start(cli, &setup));
	ASSERT_EQ(0, cli_connections(cli, 1));
	EXPECT_EQ(0, cli_end(cli, SIGINT));
	ASSERT_EQ(0, cli_read_beside(cli));
	EXPECT_EQ(1, cli_lines_said(cli));
	EXPECT_EQ(NULL, strchr(prog_text(&cli->prog, PROG_OUT), '\033'));

	header = witness_next(cli->witness, &headers, &from);
	ASSERT_NE(NULL, header);
	line = prog_text(&cli->prog, PROG_OUT);
	while ((event = next_event(cli, &from))) {
		char is[32] = "", want[32];

		line = strchr(line, '\n');
		ASSERT_NE(NULL, line);
		sscanf(++line, " %31s", is);
		time_words(want, witness_number(event, "ts_ns"), header);
		EXPECT_STREQ(want, is);
		n++;
	}
	EXPECT_EQ(CLI_STATES, n);
}

TEST_HARNESS_MAIN
