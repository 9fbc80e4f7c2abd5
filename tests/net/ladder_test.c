// SPDX-License-Identifier: GPL-2.0
/*
 * Ladders of connections that are made here: each story must be in its picture,
 * row by row. Whether segments are traced or only concluded, as on kernels that
 * refuse that, is left open: "SYN" is also "~SYN". So is whether it has a row
 * of its own, as after a pause.
 */
#include "tests/lib/conn.h"
#include "tests/lib/prog.h"

#include <kselftest_harness.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>

/* What a connection goes through, and what its ladder shows of that. */
struct story {
	const char *title;
	int (*play)(struct conn *c, struct prog *trace); /* 0 or -errno */
	const char *rows[18], *after[4]; /* in this order; the end is NULL */
};

static int open_and_close(struct conn *c, struct prog *trace)
{
	int err = conn_open(c);

	(void)trace;
	if (!err)
		err = conn_send(c, 0, 5);
	if (!err)
		err = conn_receive(c, 1, 5);
	if (!err)
		err = conn_close(c, 0);
	if (!err)
		err = conn_receive(c, 1, 0);
	if (!err)
		err = conn_close(c, 1);
	return err ? err : conn_gone(c, 1);
}

static int both_in(struct conn *c, int state)
{
	int err = conn_wait(c, 0, state);

	return err ? err : conn_wait(c, 1, state);
}

static int simultaneous(struct conn *c, struct prog *trace)
{
	int err = conn_cross(c);

	(void)trace;
	if (!err)
		err = gate_open(&c->gate);
	if (!err)
		err = both_in(c, TCP_ESTABLISHED);
	if (!err)
		err = gate_close(&c->gate);
	if (!err)
		err = conn_close(c, 0);
	if (!err)
		err = conn_close(c, 1);
	if (!err)
		err = both_in(c, TCP_FIN_WAIT1);
	if (!err)
		err = gate_open(&c->gate);
	return err ? err : both_in(c, TCP_TIME_WAIT);
}

static int refused(struct conn *c, struct prog *trace)
{
	int err = conn_connect(c, 0);

	return err ? err : prog_wait(trace, PROG_OUT, "SYN_SENT -> CLOSE ");
}

static int reset(struct conn *c, struct prog *trace)
{
	int err = conn_open(c);

	if (!err)
		err = conn_reset(c, 0);
	return err ? err : prog_wait(trace, PROG_OUT, "ECONNRESET");
}

/* A timeout: what is lost is sent again. */
static int retransmission(struct conn *c, struct prog *trace)
{
	int err = conn_open(c);

	if (!err)
		err = conn_deafen(c->fd[1], true);
	if (!err)
		err = conn_send(c, 0, 5);
	if (!err)
		err = prog_wait(trace, PROG_OUT, "RETRANS");
	if (!err)
		err = conn_deafen(c->fd[1], false);
	return err ? err : conn_receive(c, 1, 5);
}

static const struct story stories[] = {
	{ "open, close",
	  open_and_close,
	  { "10.8.0.1:2000", "10.8.0.2:2001", "| LISTEN", "SYN_SENT", "SYN",
	    "ESTABLISHED #", "SYN+ACK", "ACK", "| SYN_RECV", "# ESTABLISHED",
	    "FIN_WAIT1", "FIN", "| CLOSE_WAIT", "FIN_WAIT2", "LAST_ACK",
	    "~TIME_WAIT :" },
	  { "A: CLOSE -> SYN_SENT -> ESTABLISHED -> FIN_WAIT1",
	    "B: LISTEN -> SYN_RECV -> ESTABLISHED -> CLOSE_WAIT" } },
	/* That they cross is drawn: the lines of both meet. */
	{ "simultaneous open, simultaneous close",
	  simultaneous,
	  { "SYN", "\\/", "/\\", "SYN_RECV", "crossed", "ESTABLISHED",
	    "FIN_WAIT1", "FIN", "\\/", "/\\", "CLOSING", "~TIME_WAIT" },
	  { "AB: connect() / SYN", "AB: rx SYN / SYN+ACK" } },
	{ "refused",
	  refused,
	  { "SYN_SENT", "SYN", "RST", "A: CLOSE -> SYN_SENT -> CLOSE" },
	  { "ECONNREFUSED" } },
	{ "open, reset",
	  reset,
	  { "ESTABLISHED", "RST", ": CLOSE ECONNRESET",
	    "ESTABLISHED -> CLOSE (rx RST)" },
	  { "SO_LINGER 0" } },
	{ "open", retransmission, { "# ESTABLISHED", "1:6" }, {} },
};

#define STORIES (sizeof(stories) / sizeof(*stories))

FIXTURE(ladder)
{
	struct conn conn[STORIES]; /* each with ports of its own */
	struct prog prog;
};

FIXTURE_SETUP(ladder)
{
	size_t i;

	for (i = 0; i < STORIES; i++) {
		struct conn *c = &self->conn[i];

		ASSERT_EQ(0, conn_stage(c, AF_INET));
		gate_endpoints(&c->gate, AF_INET, CONN_PORT + 2 * i,
			       CONN_PORT + 1 + 2 * i, c->addr);
	}
}

FIXTURE_TEARDOWN(ladder)
{
	size_t i;

	prog_free(&self->prog);
	for (i = 0; i < STORIES; i++)
		conn_free(&self->conn[i]);
}

/* A trace of all namespaces, with lines so that one sees when it begins. */
static int watch(const struct conn *conn, struct prog *prog)
{
	char netns[32 * STORIES] = "";
	char *argv[] = { (char *)trace_program("tcbscope"),
			 "trace",
			 "-q",
			 "--ladder",
			 "--lines",
			 "--netns",
			 netns,
			 NULL };
	char *env[] = { "LC_ALL=C", "COLUMNS=80", NULL };
	const struct prog_setup setup = { .argv = argv, .env = env };
	size_t i, n = 0;
	int err;

	for (i = 0; i < STORIES; i++)
		n += snprintf(netns + n, sizeof(netns) - n, "%s%llu,%llu",
			      i ? "," : "",
			      (unsigned long long)conn[i].pair.side[0].inode,
			      (unsigned long long)conn[i].pair.side[1].inode);
	err = prog_start(prog, &setup);
	return err ? err : prog_wait(prog, PROG_OUT, "TIME");
}

/* A copy of the ladder that has the title, up to the next one; or NULL. */
static char *ladder(const char *text, const char *title)
{
	const char *begin, *end = NULL;
	char head[80];
	size_t i;

	snprintf(head, sizeof(head), "  %s; at ", title);
	begin = strstr(text, head);
	if (!begin)
		return NULL;
	for (i = 0; i < STORIES; i++) {
		const char *other;

		snprintf(head, sizeof(head), "  %s; at ", stories[i].title);
		other = strstr(begin + 1, head);
		if (other && (!end || other < end))
			end = other;
	}
	return end ? strndup(begin, end - begin) : strdup(begin);
}

/* The first of these that does not come after the one before; NULL: all do. */
static const char *missing(const char *text, const char *const *rows)
{
	for (; *rows; rows++) {
		text = text ? strstr(text, *rows) : NULL;
		if (!text)
			return *rows;
		text += strlen(*rows);
	}
	return NULL;
}

#define HAS(text, rows)                                                   \
	do {                                                              \
		const char *row_ = missing(text, rows);                   \
                                                                          \
		EXPECT_EQ(NULL, row_)                                     \
		{                                                         \
			TH_LOG("no %s in\n%s\nof %s", row_, (text) ?: "", \
			       prog_text(&self->prog, PROG_OUT));         \
		}                                                         \
	} while (0)

/* Claim: each of several connections has its own ladder, with its story. */
TEST_F_TIMEOUT(ladder, stories, 120)
{
	struct prog *prog = &self->prog;
	size_t i;

	ASSERT_EQ(0, watch(self->conn, prog));
	for (i = 0; i < STORIES; i++) {
		ASSERT_EQ(0, stories[i].play(&self->conn[i], prog))
		{
			TH_LOG("%s", stories[i].title);
		}
	}
	kill(prog->pid, SIGINT);
	ASSERT_EQ(0, prog_finish(prog));
	for (i = 0; i < STORIES; i++) {
		char *text = ladder(prog_text(prog, PROG_OUT),
				    stories[i].title);

		HAS(text, stories[i].rows);
		HAS(text, stories[i].after);
		if (stories[i].play == retransmission)
			EXPECT_TRUE(strstr(text ?: "", "RTO ") ||
				    strstr(text ?: "", "TLP"));
		free(text);
	}
}

FIXTURE(command)
{
	struct conn conn;
	struct prog prog;
};

FIXTURE_SETUP(command)
{
	ASSERT_EQ(0, conn_stage(&self->conn, AF_INET));
}

FIXTURE_TEARDOWN(command)
{
	prog_free(&self->prog);
	conn_free(&self->conn);
}

/*
 * Claim: of a command's connection the other end is drawn as well, with its
 * states, though another process has it.
 */
TEST_F(command, has_its_peer)
{
	char *argv[] = { (char *)trace_program("tcbscope"),
			 "trace",
			 "-q",
			 "--ladder",
			 "--",
			 "bash",
			 "-c",
			 "exec 3<>/dev/tcp/10.8.0.2/2001; read -r _ <&3 || :",
			 NULL };
	char *env[] = { "LC_ALL=C", "COLUMNS=80", NULL };
	const struct prog_setup setup = { .argv = argv, .env = env };
	struct conn *c = &self->conn;
	static const char *const rows[] = { "A  bash[",	     "B  ladder_test[",
					    "10.8.0.2:2001", "| LISTEN",
					    "SYN_SENT",	     "SYN",
					    "| SYN_RECV",    "# ESTABLISHED",
					    "CLOSE_WAIT |",  "FIN",
					    "FIN_WAIT1",     NULL };
	static const char *const after[] = {
		"B: LISTEN -> SYN_RECV -> ESTABLISHED -> FIN_WAIT1", NULL
	};
	const char *text;

	ASSERT_EQ(0, conn_listen(c));
	ASSERT_EQ(0, netns_enter(c->pair.side[0].fd));
	ASSERT_EQ(0, prog_start(&self->prog, &setup));
	ASSERT_EQ(0, conn_accept(c));
	ASSERT_EQ(0, conn_close(c, 1));
	ASSERT_EQ(0, prog_finish(&self->prog));
	text = strstr(prog_text(&self->prog, PROG_OUT), "  open, ");
	ASSERT_NE(NULL, text);
	HAS(text, rows);
	HAS(text, after);
	EXPECT_EQ(NULL, strstr(text, "accept"));
}

TEST_HARNESS_MAIN
