/* SPDX-License-Identifier: GPL-2.0 */
/* Tests of tcbpeer, the program, over the neighbour gate. */
#include <fcntl.h>

#include "lib/clock.h"
#include "peer/close.h"
#include "tests/net/peer.h"

/* Check what one tcbpeer of a gated open printed. */
static void check_open(struct __test_metadata *_metadata,
		       const struct peerprog *program, int lport, int rport)
{
	struct json_object *open = peerprog_json(program, "open"), *member;
	struct json_object *message = peerprog_json(program, "message");
	struct json_object *closed = peerprog_json(program, "closed");
	char want[32];

	EXPECT_TRUE(open && message && closed)
	TH_LOG("%s", program->out_text);
	EXPECT_EQ(lport, peerprog_number(open, "lport"));
	EXPECT_EQ(rport, peerprog_number(open, "rport"));
	EXPECT_EQ(1, peerprog_number(open, "attempts"));
	EXPECT_EQ(0, peerprog_number(open, "refused"));
	EXPECT_LT(0, peerprog_number(open, "elapsed_ns"));
	EXPECT_FALSE(json_object_object_get_ex(open, "error", NULL));
	if (json_object_object_get_ex(open, "crossed", &member))
		EXPECT_TRUE(json_object_get_boolean(member));
	EXPECT_EQ(NULL, strstr(program->out_text, "full"));

	snprintf(want, sizeof(want), ":%d", rport);
	EXPECT_NE(NULL, strstr(peerprog_text(message, "message"), want))
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
	const char *more[] = { "--json", "--hold", "--deadline", "20s", NULL };
	int opens = guest_times(OPENS, FEW_OPENS), i, side;

	ASSERT_NE(NULL, peerprog_path())
	TH_LOG("set TCBSCOPE_BUILD to the directory of tcbpeer");
	for (i = 0; i < opens; i++) {
		next_ports(self, variant->family, i);
		ASSERT_EQ(0, gate_close(&self->gate));
		for (side = 0; side < 2; side++)
			ASSERT_EQ(0, peer_start(self, side, variant, more));
		ASSERT_EQ(0, wait_both(self, variant->family, TCP_SYN_SENT));
		ASSERT_EQ(0, gate_open(&self->gate));

		for (side = 0; side < 2; side++)
			ASSERT_EQ(0, peerprog_end(&self->program[side]))
		TH_LOG("%s", self->program[side].err_text);
		check_open(_metadata, &self->program[0], 20000 + i, 30000 + i);
		check_open(_metadata, &self->program[1], 30000 + i, 20000 + i);
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

	ASSERT_NE(NULL, peerprog_path());
	for (i = 0; i < 2; i++)
		ASSERT_EQ(0, peer_start(self, i, variant, more));
	ASSERT_EQ(0, wait_both(self, variant->family, TCP_SYN_SENT));
	ASSERT_EQ(0, gate_open(&self->gate));
	for (i = 0; i < 2; i++)
		ASSERT_TRUE(peerprog_until(&self->program[i], "hello from"));
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
		EXPECT_EQ(0, peerprog_end(&self->program[i]));
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
	const char *json[] = { "--json", "--message", "hi", NULL };
	const char *text[] = { "--message", "hi", NULL };
	struct json_object *message, *member = NULL;
	int fd;

	ASSERT_NE(NULL, peerprog_path());
	fd = accept_program(self, variant, json);
	ASSERT_LE(0, fd);
	EXPECT_EQ(sizeof(bytes), write(fd, bytes, sizeof(bytes)));
	EXPECT_EQ(0, shutdown(fd, SHUT_WR));
	EXPECT_EQ(0, peerprog_end(&self->program[0]));
	close(fd);
	message = peerprog_json(&self->program[0], "message");
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
	EXPECT_EQ(0, peerprog_end(&self->program[0]));
	close(fd);
	EXPECT_NE(NULL, strstr(self->program[0].out_text,
			       "\\x1b[2J\"\\\\\\xff\\xc2\\x9b\\x00end\n"))
	TH_LOG("%s", self->program[0].out_text);
}

/* Claim: text left unread does not make the peer see a reset. */
TEST_F(peer, unread)
{
	const char *more[] = { "--message", "hi", "-q", NULL };
	char buf[64], *flood;
	int fd;

	ASSERT_NE(NULL, peerprog_path());
	flood = calloc(1, 16384); /* no newline: longer than a message */
	ASSERT_NE(NULL, flood);
	fd = accept_program(self, variant, more);
	ASSERT_LE(0, fd);
	EXPECT_EQ(16384, write(fd, flood, 16384));
	free(flood);
	EXPECT_LT(0, read(fd, buf, sizeof(buf)));
	EXPECT_EQ(0, read(fd, buf, sizeof(buf)));
	close(fd);
	EXPECT_EQ(0, peerprog_end(&self->program[0]));
}

/* The line that a program has sent to us, or what was there at its end. */
static bool got_line(int fd)
{
	char c = 0;

	while (c != '\n') {
		if (read(fd, &c, 1) != 1)
			return false;
	}
	return true;
}

/* Claim: --require crossed does not take an open that met a listener. */
TEST_F(peer, requires_crossed)
{
	const char *more[] = { "--message", "hi", "--require", "crossed",
			       NULL };
	char c;
	int fd;

	ASSERT_NE(NULL, peerprog_path());
	fd = accept_program(self, variant, more);
	ASSERT_LE(0, fd);
	EXPECT_EQ(1, peerprog_end(&self->program[0]));
	EXPECT_NE(NULL, strstr(self->program[0].err_text, "SYN+ACK"))
	TH_LOG("%s", self->program[0].err_text);
	EXPECT_EQ(-1, read(fd, &c, 1));
	EXPECT_EQ(ECONNRESET, errno);
}

/* Claim: with --close first the FIN comes before anything was said to it. */
TEST_F(peer, closes_first)
{
	const char *more[] = { "--message", "hi", "--close", "first", NULL };
	char c;
	int fd;

	ASSERT_NE(NULL, peerprog_path());
	fd = accept_program(self, variant, more);
	ASSERT_LE(0, fd);
	ASSERT_TRUE(got_line(fd));
	EXPECT_EQ(0, read(fd, &c, 1));
	EXPECT_EQ(6, write(fd, "later\n", 6));
	EXPECT_EQ(0, peerprog_end(&self->program[0]));
	EXPECT_NE(NULL, strstr(self->program[0].out_text, "later"));
}

/* Claim: with --close abort there is a reset instead of a FIN. */
TEST_F(peer, closes_by_reset)
{
	const char *more[] = { "--message", "hi", "--close", "abort", NULL };
	char c;
	int fd;

	ASSERT_NE(NULL, peerprog_path());
	fd = accept_program(self, variant, more);
	ASSERT_LE(0, fd);
	ASSERT_TRUE(got_line(fd));
	EXPECT_EQ(3, write(fd, "me\n", 3));
	EXPECT_EQ(0, peerprog_end(&self->program[0]));
	EXPECT_EQ(-1, read(fd, &c, 1));
	EXPECT_EQ(ECONNRESET, errno);
}

/* Claim: with --close half its end reads on after its FIN, up to ours. */
TEST_F(peer, closes_half)
{
	const char *more[] = { "--message", "hi", "--close", "half", NULL };
	char c, flood[4096] = "";
	int fd;

	ASSERT_NE(NULL, peerprog_path());
	fd = accept_program(self, variant, more);
	ASSERT_LE(0, fd);
	ASSERT_TRUE(got_line(fd));
	EXPECT_EQ(3, write(fd, "me\n", 3));
	EXPECT_EQ(0, read(fd, &c, 1));
	EXPECT_EQ(TCP_FIN_WAIT2, wait_tcp(self, 0, GATE_STATE(TCP_FIN_WAIT2)));
	EXPECT_EQ(sizeof(flood), write(fd, flood, sizeof(flood)));
	close(fd);
	EXPECT_EQ(0, peerprog_end(&self->program[0]));
	EXPECT_EQ(TCP_TIME_WAIT, wait_tcp(self, 0, GATE_STATE(TCP_TIME_WAIT)));
}

/* Claim: with --close simultaneous no FIN goes before the full second. */
TEST_F(peer, closes_on_time)
{
	const char *more[] = { "--message", "hi", "--close", "simultaneous",
			       NULL };
	uint64_t before, after;
	char c;
	int fd;

	ASSERT_NE(NULL, peerprog_path());
	fd = accept_program(self, variant, more);
	ASSERT_LE(0, fd);
	ASSERT_TRUE(got_line(fd));
	before = clock_real_ns();
	EXPECT_EQ(3, write(fd, "me\n", 3));
	EXPECT_EQ(0, read(fd, &c, 1));
	after = clock_real_ns();
	EXPECT_LT(before / NSEC_PER_SEC, after / NSEC_PER_SEC);
	EXPECT_LE(CLOSE_LEAD_NS, after - before);
	EXPECT_EQ(0, peerprog_end(&self->program[0]));
}

/* Claim: a reset instead of an answer is a failure, and said so. */
TEST_F(peer, reset)
{
	const struct linger abort = { .l_onoff = 1, .l_linger = 0 };
	const char *more[] = { "--message", "hi", NULL };
	int fd;

	ASSERT_NE(NULL, peerprog_path());
	fd = accept_program(self, variant, more);
	ASSERT_LE(0, fd);
	/* Before that, a reset would only be one more failed attempt. */
	ASSERT_TRUE(peerprog_until(&self->program[0], "open "));
	ASSERT_EQ(0,
		  setsockopt(fd, SOL_SOCKET, SO_LINGER, &abort, sizeof(abort)));
	close(fd);
	EXPECT_EQ(1, peerprog_end(&self->program[0]));
	EXPECT_NE(NULL, strstr(self->program[0].err_text, "reset by peer"))
	TH_LOG("%s", self->program[0].err_text);
}

/* Claim: a peer that says nothing is not waited for beyond the deadline. */
TEST_F(peer, silent)
{
	const char *more[] = { "--message", "hi", "--deadline", "1", NULL };
	int fd;

	ASSERT_NE(NULL, peerprog_path());
	fd = accept_program(self, variant, more);
	ASSERT_LE(0, fd);
	EXPECT_EQ(1, peerprog_end(&self->program[0]));
	EXPECT_NE(NULL, strstr(self->program[0].err_text, "timed out"));
	close(fd);
}

/* Claim: failures to open exit 1, with the reason in the JSON as well. */
TEST_F(peer, fails)
{
	const char *unanswered[] = { "--json", "--deadline", "200ms", NULL };
	const char *refused[] = { "--json", "--attempts", "5", NULL };
	struct peerprog *program = &self->program[0];
	struct json_object *open;

	ASSERT_NE(NULL, peerprog_path());
	ASSERT_EQ(0, peer_start(self, 0, variant, unanswered));
	EXPECT_EQ(1, peerprog_end(program));
	open = peerprog_json(program, "open");
	EXPECT_STREQ("ETIMEDOUT", peerprog_text(open, "error"));
	EXPECT_EQ(1, peerprog_number(open, "attempts"));
	EXPECT_LE((int64_t)SHORT_NS, peerprog_number(open, "elapsed_ns"));
	EXPECT_FALSE(json_object_object_get_ex(open, "crossed", NULL));
	json_object_put(open);
	EXPECT_NE(NULL, strstr(program->err_text, "  why:  "));

	ASSERT_EQ(0, gate_open(&self->gate));
	ASSERT_EQ(0, peer_start(self, 0, variant, refused));
	EXPECT_EQ(1, peerprog_end(program));
	open = peerprog_json(program, "open");
	EXPECT_STREQ("ECONNREFUSED", peerprog_text(open, "error"));
	EXPECT_EQ(5, peerprog_number(open, "attempts"));
	EXPECT_EQ(5, peerprog_number(open, "refused"));
	json_object_put(open);
}

/* Claim: SIGTERM and SIGINT end an open that waits, with exit status 1. */
TEST_F(peer, signals)
{
	static const int signals[] = { SIGTERM, SIGINT };
	const char *more[] = { "--deadline", "1h", NULL };
	int i;

	ASSERT_NE(NULL, peerprog_path());
	for (i = 0; i < 2; i++) {
		next_ports(self, variant->family, i);
		ASSERT_EQ(0, peer_start(self, 0, variant, more));
		ASSERT_EQ(TCP_SYN_SENT,
			  wait_tcp(self, 0, GATE_STATE(TCP_SYN_SENT)));
		ASSERT_EQ(0, kill(self->program[0].pid, signals[i]));
		EXPECT_EQ(1, peerprog_end(&self->program[0]));
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

	ASSERT_NE(NULL, peerprog_path());
	exe = open(peerprog_path(), O_RDONLY | O_CLOEXEC);
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
	while (peerprog_read(fds[0], text, sizeof(text)))
		;
	ASSERT_EQ(pid, waitpid(pid, &status, 0));
	EXPECT_TRUE(WIFEXITED(status));
	EXPECT_EQ(3, WEXITSTATUS(status));
	EXPECT_NE(NULL, strstr(text, "Permission denied"))
	TH_LOG("%s", text);
	EXPECT_NE(NULL, strstr(text, "  then: "));
}

/* One bad command line. */
static void misuse(struct __test_metadata *_metadata, FIXTURE_DATA(peer) * self,
		   const char *const args[])
{
	struct peerprog *program = &self->program[0];
	const char *last = "";
	size_t i;

	for (i = 0; args[i]; i++)
		last = args[i];
	ASSERT_EQ(0, peerprog_start(program, self->pair.side[0].fd, args));
	EXPECT_EQ(2, peerprog_end(program))
	TH_LOG("... %s", last);
	EXPECT_STREQ("", program->out_text)
	TH_LOG("... %s", last);
	EXPECT_STRNE("", program->err_text)
	TH_LOG("... %s", last);
}

/* Claim: bad usage is exit status 2, with no word on standard output. */
TEST_F(peer, usage)
{
	static const char *const ends[][PEERPROG_ARGS + 1] = {
		{ NULL },
		{ "-l", NULL },
		{ "-l", "10.8.0.1:2000", NULL },
		{ "-r", "10.8.0.1:2000", NULL },
		{ "-l", "10.8.0.1", "-r", "10.8.0.2:2001", NULL },
		{ "-l", "10.8.0.1:0", "-r", "10.8.0.2:2001", NULL },
		{ "-l", "localhost:2000", "-r", "10.8.0.2:2001", NULL },
		{ "-l", "10.8.0.1:2000", "-r", "[::1]:2001", NULL },
		{ "-l", "10.8.0.1:2000", "-r", "10.8.0.1:2000", NULL },
	};
	static const char *const options[][2] = {
		{ "more" },
		{ "--no-such" },
		{ "--deadline", "0" },
		{ "--deadline", "-1s" },
		{ "--deadline", "25h" },
		{ "--attempts", "0" },
		{ "--attempts", "1e3" },
		{ "--message", "two\nlines" },
		{ "--at", "1" },
		{ "--align", "0" },
		{ "--require", "full" },
		{ "--cc", "a name that is too long" },
		{ "--close", "never" },
		{ "--close", "first" },
	};
	size_t i;

	if (variant->family != AF_INET)
		return; /* words are of no family */
	ASSERT_NE(NULL, peerprog_path());
	for (i = 0; i < sizeof(ends) / sizeof(ends[0]); i++)
		misuse(_metadata, self, ends[i]);
	for (i = 0; i < sizeof(options) / sizeof(options[0]); i++) {
		const char *args[] = { "-l",	      "10.8.0.1:2000",
				       "-r",	      "10.8.0.2:2001",
				       options[i][0], options[i][1],
				       NULL };

		misuse(_metadata, self, args);
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
	struct peerprog *program = &self->program[0];
	size_t i;

	if (variant->family != AF_INET)
		return;
	ASSERT_NE(NULL, peerprog_path());
	for (i = 0; i < 4; i++) {
		const char *head = i < 2 ? "Examples:\n" : "tcbpeer ";

		ASSERT_EQ(0, peerprog_start(program, self->pair.side[0].fd,
					    rows[i]));
		EXPECT_EQ(0, peerprog_end(program));
		EXPECT_STREQ("", program->err_text);
		EXPECT_EQ(0, strncmp(head, program->out_text, strlen(head)))
		TH_LOG("%s", program->out_text);
	}
}

TEST_HARNESS_MAIN
