// SPDX-License-Identifier: GPL-2.0
/*
 * Ladders of connections that are made here: each story must be in its picture,
 * row by row. Whether segments are traced or only concluded, as on kernels that
 * refuse that, is left open: "SYN" is also "~SYN".
 */
#include "tests/lib/conn.h"
#include "tests/lib/prog.h"

#include <kselftest_harness.h>
#include <signal.h>
#include <string.h>

FIXTURE(ladder)
{
	struct conn conn;
	struct prog prog;
};

FIXTURE_SETUP(ladder)
{
	ASSERT_EQ(0, conn_stage(&self->conn, AF_INET));
}

FIXTURE_TEARDOWN(ladder)
{
	prog_free(&self->prog);
	conn_free(&self->conn);
}

/* A trace of both namespaces, with lines so that one sees when it begins. */
static int watch(struct conn *c, struct prog *prog)
{
	char netns[64];
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
	int err;

	snprintf(netns, sizeof(netns), "%llu,%llu",
		 (unsigned long long)c->pair.side[0].inode,
		 (unsigned long long)c->pair.side[1].inode);
	err = prog_start(prog, &setup);
	return err ? err : prog_wait(prog, PROG_OUT, "TIME");
}

/* Ends it; the ladder that has the title, or NULL. */
static const char *ladder(struct prog *prog, const char *title)
{
	char head[80];

	kill(prog->pid, SIGINT);
	if (prog_finish(prog))
		return NULL;
	snprintf(head, sizeof(head), "  %s; at ", title);
	return strstr(prog_text(prog, PROG_OUT), head);
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

#define HAS(text, ...)                                              \
	do {                                                        \
		const char *const rows[] = { __VA_ARGS__, NULL };   \
		const char *row = missing(text, rows);              \
                                                                    \
		EXPECT_EQ(NULL, row)                                \
		{                                                   \
			TH_LOG("no %s in\n%s%s", row, (text) ?: "", \
			       prog_text(&self->prog, PROG_OUT));   \
		}                                                   \
	} while (0)

TEST_F(ladder, open_and_close)
{
	struct conn *c = &self->conn;
	const char *text;

	ASSERT_EQ(0, watch(c, &self->prog));
	ASSERT_EQ(0, conn_open(c));
	ASSERT_EQ(0, conn_send(c, 0, 5));
	ASSERT_EQ(0, conn_receive(c, 1, 5));
	ASSERT_EQ(0, conn_close(c, 0));
	ASSERT_EQ(0, conn_receive(c, 1, 0));
	ASSERT_EQ(0, conn_close(c, 1));
	ASSERT_EQ(0, conn_gone(c, 1));
	text = ladder(&self->prog, "open, close");
	ASSERT_NE(NULL, text);
	HAS(text, "10.8.0.1:2000", "10.8.0.2:2001", "| LISTEN", "SYN_SENT +",
	    "SYN", "ESTABLISHED #", "SYN+ACK", "ACK", "| SYN_RECV",
	    "# ESTABLISHED", "FIN_WAIT1 +", "FIN", "| CLOSE_WAIT", "FIN_WAIT2",
	    "LAST_ACK", "~TIME_WAIT :");
	HAS(text, "A: CLOSE -> SYN_SENT -> ESTABLISHED -> FIN_WAIT1",
	    "B: LISTEN -> SYN_RECV -> ESTABLISHED -> CLOSE_WAIT");
}

/* That they cross is drawn: the lines of both meet. */
TEST_F(ladder, simultaneous)
{
	struct conn *c = &self->conn;
	const char *text;

	ASSERT_EQ(0, watch(c, &self->prog));
	ASSERT_EQ(0, conn_cross(c));
	ASSERT_EQ(0, gate_open(&c->gate));
	ASSERT_EQ(0, conn_wait(c, 0, TCP_ESTABLISHED));
	ASSERT_EQ(0, conn_wait(c, 1, TCP_ESTABLISHED));
	ASSERT_EQ(0, gate_close(&c->gate));
	ASSERT_EQ(0, conn_close(c, 0));
	ASSERT_EQ(0, conn_close(c, 1));
	ASSERT_EQ(0, conn_wait(c, 0, TCP_FIN_WAIT1));
	ASSERT_EQ(0, conn_wait(c, 1, TCP_FIN_WAIT1));
	ASSERT_EQ(0, gate_open(&c->gate));
	ASSERT_EQ(0, conn_wait(c, 0, TCP_TIME_WAIT));
	ASSERT_EQ(0, conn_wait(c, 1, TCP_TIME_WAIT));
	text = ladder(&self->prog, "simultaneous open, simultaneous close");
	ASSERT_NE(NULL, text);
	HAS(text, "SYN", "\\/", "/\\", "SYN_RECV", "crossed", "ESTABLISHED",
	    "FIN_WAIT1", "FIN", "\\/", "/\\", "CLOSING", "~TIME_WAIT");
	HAS(text, "AB: connect() / SYN", "AB: rx SYN / SYN+ACK");
}

TEST_F(ladder, refused)
{
	struct conn *c = &self->conn;
	const char *text;

	ASSERT_EQ(0, watch(c, &self->prog));
	ASSERT_EQ(0, conn_connect(c, 0));
	ASSERT_EQ(0, prog_wait(&self->prog, PROG_OUT, "SYN_SENT -> CLOSE "));
	text = ladder(&self->prog, "refused");
	ASSERT_NE(NULL, text);
	HAS(text, "SYN_SENT +", "SYN", "RST", "A: CLOSE -> SYN_SENT -> CLOSE");
	HAS(text, "ECONNREFUSED");
}

TEST_F(ladder, reset)
{
	struct conn *c = &self->conn;
	const char *text;

	ASSERT_EQ(0, watch(c, &self->prog));
	ASSERT_EQ(0, conn_open(c));
	ASSERT_EQ(0, conn_reset(c, 0));
	ASSERT_EQ(0, prog_wait(&self->prog, PROG_OUT, "ECONNRESET"));
	text = ladder(&self->prog, "open, reset");
	ASSERT_NE(NULL, text);
	HAS(text, "ESTABLISHED", "RST", ": CLOSE ECONNRESET",
	    "ESTABLISHED -> CLOSE (rx RST)");
	HAS(text, "SO_LINGER 0");
}

/* A timeout: what is lost is sent again. */
TEST_F(ladder, retransmission)
{
	struct conn *c = &self->conn;
	const char *text;

	ASSERT_EQ(0, watch(c, &self->prog));
	ASSERT_EQ(0, conn_open(c));
	ASSERT_EQ(0, conn_deafen(c->fd[1], true));
	ASSERT_EQ(0, conn_send(c, 0, 5));
	ASSERT_EQ(0, prog_wait(&self->prog, PROG_OUT, "RETRANS"));
	ASSERT_EQ(0, conn_deafen(c->fd[1], false));
	ASSERT_EQ(0, conn_receive(c, 1, 5));
	text = ladder(&self->prog, "open");
	ASSERT_NE(NULL, text);
	HAS(text, "# ESTABLISHED", "1:6");
	EXPECT_TRUE(strstr(text, "RTO ") || strstr(text, "TLP"));
}

/*
 * Claim: of a command's connection the other end is drawn as well, with its
 * states, though another process has it.
 */
TEST_F(ladder, peer_of_command)
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
	const char *text;

	ASSERT_EQ(0, conn_listen(c));
	ASSERT_EQ(0, netns_enter(c->pair.side[0].fd));
	ASSERT_EQ(0, prog_start(&self->prog, &setup));
	ASSERT_EQ(0, conn_accept(c));
	ASSERT_EQ(0, conn_close(c, 1));
	ASSERT_EQ(0, prog_finish(&self->prog));
	text = strstr(prog_text(&self->prog, PROG_OUT), "  open, ");
	ASSERT_NE(NULL, text);
	HAS(text, "A  bash[", "B  ladder_test[", "10.8.0.2:2001", "| LISTEN",
	    "SYN_SENT +", "SYN", "| SYN_RECV", "# ESTABLISHED", "CLOSE_WAIT |",
	    "FIN", "FIN_WAIT1");
	HAS(text, "B: LISTEN -> SYN_RECV -> ESTABLISHED -> FIN_WAIT1");
	EXPECT_EQ(NULL, strstr(text, "accept"));
}

TEST_HARNESS_MAIN
