/* SPDX-License-Identifier: GPL-2.0 */
/* Tests of what two tcbpeer carry for their users, over the neighbour gate. */
#include <fcntl.h>

#include "tests/net/peer.h"

#define FILE_SIZE 300000

/* Both programs, with the options @more for each, connected. Returns 0. */
static int open_programs(FIXTURE_DATA(peer) * self,
			 const FIXTURE_VARIANT(peer) * variant,
			 const char *const *more[2])
{
	int side, err = 0;

	for (side = 0; side < 2 && !err; side++)
		err = peer_start(self, side, variant, more[side]);
	return err ?: peer_meet(self, variant->family);
}

/* Claim: what goes in at one end comes out at the other, and nothing else. */
TEST_F(peer, pipe)
{
	const char *none[] = { NULL };
	const char *const *more[2] = { none, none };
	struct peerprog *program = self->program;

	ASSERT_NE(NULL, peerprog_path());
	ASSERT_EQ(0, open_programs(self, variant, more));
	ASSERT_EQ(5, write(program[0].in, "ping\n", 5));
	ASSERT_TRUE(peerprog_until(&program[1], "ping\n"));
	ASSERT_EQ(4, write(program[1].in, "pong", 4));
	ASSERT_TRUE(peerprog_until(&program[0], "pong"));

	/* One input ends, the other is heard on. */
	close(program[0].in);
	program[0].in = -1;
	ASSERT_EQ(5, write(program[1].in, " last", 5));
	ASSERT_TRUE(peerprog_until(&program[0], " last"));
	EXPECT_EQ(0, peerprog_end(&program[1]));
	EXPECT_EQ(0, peerprog_end(&program[0]));
	EXPECT_STREQ("ping\n", program[1].out_text);
	EXPECT_STREQ("pong last", program[0].out_text);
	EXPECT_NE(NULL, strstr(program[0].err_text, "open "))
	TH_LOG("%s", program[0].err_text);
}

/* Claim: a file arrives whole, and its sender knows that it has. */
TEST_F(peer, file)
{
	struct peerprog *program = self->program;
	char name[64], *bytes, *got;
	const char *sends[] = { "--file", name, NULL };
	const char *takes[] = { "-n", "-q", NULL };
	const char *const *more[2] = { sends, takes };
	size_t i, len = 0;
	ssize_t n;
	int fd;

	ASSERT_NE(NULL, peerprog_path());
	bytes = malloc(FILE_SIZE);
	got = malloc(FILE_SIZE + 1);
	ASSERT_TRUE(bytes && got);
	for (i = 0; i < FILE_SIZE; i++)
		bytes[i] = i * i >> 3;
	strcpy(name, "/tmp/tcbpeer_pipe_test.XXXXXX");
	fd = mkstemp(name);
	ASSERT_LE(0, fd);
	ASSERT_EQ(FILE_SIZE, write(fd, bytes, FILE_SIZE));
	close(fd);

	ASSERT_EQ(0, open_programs(self, variant, more));
	while ((n = read(program[1].out, got + len, FILE_SIZE + 1 - len)) > 0)
		len += n;
	unlink(name);
	EXPECT_EQ(FILE_SIZE, len);
	EXPECT_EQ(0, memcmp(bytes, got, FILE_SIZE));
	for (i = 0; i < 2; i++)
		EXPECT_EQ(0, peerprog_end(&program[i]));
	EXPECT_NE(NULL, strstr(program[0].err_text, "SHA-256 verified"))
	TH_LOG("%s", program[0].err_text);
	EXPECT_STREQ("", program[1].err_text);
	free(bytes);
	free(got);
}

/* Open, with @own for end 1: end 0 sends for ever, end 1 sends nothing. */
static int open_endless(FIXTURE_DATA(peer) * self,
			const FIXTURE_VARIANT(peer) * variant, const int own[3])
{
	const char *sends[] = { "--file", "/dev/zero", NULL };
	const char *takes[] = { "-n", "-q", NULL };
	int err = peer_start(self, 0, variant, sends);

	if (!err)
		err = peer_start_on(self, 1, variant, takes, own);
	return err ?: peer_meet(self, variant->family);
}

/* End 0 has failed, as its peer was ended, and says so. */
static void check_left(struct __test_metadata *_metadata,
		       FIXTURE_DATA(peer) * self)
{
	struct peerprog *program = &self->program[0];

	EXPECT_EQ(1, peerprog_end(program));
	EXPECT_NE(NULL, strstr(program->err_text, "could not go on"))
	TH_LOG("%s", program->err_text);
}

/* Claim: a disk that is full is said, and the peer does not think it done. */
TEST_F(peer, disk_full)
{
	int own[] = { -1, open("/dev/full", O_WRONLY | O_CLOEXEC), -1 };
	struct peerprog *program = self->program;

	ASSERT_NE(NULL, peerprog_path());
	ASSERT_LE(0, own[1]);
	ASSERT_EQ(0, open_endless(self, variant, own));
	EXPECT_EQ(1, peerprog_end(&program[1]));
	EXPECT_NE(NULL,
		  strstr(program[1].err_text, "standard output: No space left"))
	TH_LOG("%s", program[1].err_text);
	check_left(_metadata, self);
}

/* Claim: a reader that goes away ends it without a word; not so at the peer. */
TEST_F(peer, reader_gone)
{
	int own[] = { -1, -1, -1 }, ends[2];
	struct peerprog *program = self->program;
	char c;

	ASSERT_NE(NULL, peerprog_path());
	ASSERT_EQ(0, pipe2(ends, O_CLOEXEC));
	own[1] = ends[1];
	ASSERT_EQ(0, open_endless(self, variant, own));
	close(ends[1]);
	EXPECT_EQ(1, read(ends[0], &c, 1));
	close(ends[0]);
	EXPECT_EQ(1, peerprog_end(&program[1]));
	EXPECT_STREQ("", program[1].err_text);
	check_left(_metadata, self);
}

/* Claim: whoever is killed while a file is sent, the other one knows it. */
TEST_F(peer, killed_while_sending)
{
	struct peerprog *program = self->program;
	const int none[] = { -1, -1, -1 };
	int i, other;
	char c;

	ASSERT_NE(NULL, peerprog_path());
	for (i = 0; i < 2; i++) {
		other = !i;
		next_ports(self, variant->family, i);
		ASSERT_EQ(0, gate_close(&self->gate));
		ASSERT_EQ(0, open_endless(self, variant, none));
		ASSERT_EQ(1, read(program[1].out, &c, 1));
		ASSERT_EQ(0, kill(program[i].pid, SIGKILL));
		EXPECT_EQ(-1, peerprog_end(&program[i]));
		/* It reads all that has come before it sees the end. */
		while (other && read(program[1].out, program[1].out_text,
				     sizeof(program[1].out_text)) > 0)
			;
		program[1].out_text[0] = '\0';
		EXPECT_EQ(1, peerprog_end(&program[other]));
		EXPECT_NE(NULL,
			  strstr(program[other].err_text, "could not go on"))
		TH_LOG("%s", program[other].err_text);
	}
}

/* Claim: what cannot be read is said before anything is opened. */
TEST_F(peer, no_input)
{
	const char *none[] = { NULL }, *dir[] = { "--file", "/", NULL };
	const char *missing[] = { "--file", "/no/such", NULL };
	const char *says = "tcbpeer: cannot read standard input: ";
	int own[] = { open("/dev/null", O_WRONLY | O_CLOEXEC), -1, -1 };
	struct peerprog *program = &self->program[0];

	ASSERT_NE(NULL, peerprog_path());
	ASSERT_EQ(0, peer_start(self, 0, variant, dir));
	EXPECT_EQ(1, peerprog_end(program));
	EXPECT_STREQ("tcbpeer: cannot read /: Is a directory\n",
		     program->err_text);
	ASSERT_EQ(0, peer_start(self, 0, variant, missing));
	EXPECT_EQ(1, peerprog_end(program));
	EXPECT_STREQ("tcbpeer: cannot read /no/such: No such file or "
		     "directory\n",
		     program->err_text);

	ASSERT_LE(0, own[0]);
	ASSERT_EQ(0, peer_start_on(self, 0, variant, none, own));
	EXPECT_EQ(1, peerprog_end(program));
	EXPECT_EQ(0, strncmp(says, program->err_text, strlen(says)))
	TH_LOG("%s", program->err_text);
}

/*
 * Claim: a partner that is killed is a failure at once, and no end; by a RST
 * instead of a FIN if it had not read everything.
 */
TEST_F(peer, killed)
{
	const char *none[] = { NULL };
	const char *const *more[2] = { none, none };
	struct peerprog *program = self->program;

	ASSERT_NE(NULL, peerprog_path());
	ASSERT_EQ(0, open_programs(self, variant, more));
	ASSERT_EQ(5, write(program[0].in, "ping\n", 5));
	ASSERT_TRUE(peerprog_until(&program[1], "ping\n"));
	ASSERT_EQ(0, kill(program[0].pid, SIGKILL));
	EXPECT_EQ(-1, peerprog_end(&program[0]));
	EXPECT_EQ(1, peerprog_end(&program[1]));
	EXPECT_TRUE(strstr(program[1].err_text, "in the middle") ||
		    strstr(program[1].err_text, strerror(ECONNRESET)))
	TH_LOG("%s", program[1].err_text);
}

/* Claim: an end with frames and one without do not talk past each other. */
TEST_F(peer, mixed)
{
	const char *none[] = { NULL }, *raw[] = { "--raw", NULL };
	const char *const *more[2] = { none, raw };
	struct peerprog *program = self->program;

	ASSERT_NE(NULL, peerprog_path());
	ASSERT_EQ(0, open_programs(self, variant, more));
	ASSERT_EQ(6, write(program[1].in, "hello\n", 6));
	EXPECT_EQ(1, peerprog_end(&program[0]));
	EXPECT_NE(NULL, strstr(program[0].err_text, "--raw"))
	TH_LOG("%s", program[0].err_text);
	peerprog_end(&program[1]);
}

/* Claim: raw, bytes go as they are; each FIN ends one way. */
TEST_F(peer, raw)
{
	const char *raw[] = { "--raw", "-q", NULL };
	const char *const *more[2] = { raw, raw };
	struct peerprog *program = self->program;

	ASSERT_NE(NULL, peerprog_path());
	ASSERT_EQ(0, open_programs(self, variant, more));
	ASSERT_EQ(3, write(program[0].in, "one", 3));
	close(program[0].in);
	program[0].in = -1;
	ASSERT_TRUE(peerprog_until(&program[1], "one"));
	EXPECT_EQ(TCP_FIN_WAIT2, wait_tcp(self, 0, GATE_STATE(TCP_FIN_WAIT2)));
	ASSERT_EQ(3, write(program[1].in, "two", 3));
	ASSERT_TRUE(peerprog_until(&program[0], "two"));
	EXPECT_EQ(0, peerprog_end(&program[1]));
	EXPECT_EQ(0, peerprog_end(&program[0]));
	EXPECT_STREQ("one", program[1].out_text);
	EXPECT_STREQ("two", program[0].out_text);
	EXPECT_STREQ("", program[0].err_text);
}

/*
 * Claim: a signal ends a conversation as well; the peer does not take what was
 * cut short for the whole, even without frames.
 */
TEST_F(peer, interrupted)
{
	static const int signals[] = { SIGINT, SIGTERM };
	const char *raw[] = { "--raw", NULL }, *none[] = { NULL };
	const char *const *more[][2] = { { raw, raw }, { none, none } };
	struct peerprog *program = self->program;
	int i;

	ASSERT_NE(NULL, peerprog_path());
	for (i = 0; i < 2; i++) {
		next_ports(self, variant->family, i);
		ASSERT_EQ(0, gate_close(&self->gate));
		ASSERT_EQ(0, open_programs(self, variant, more[i]));
		ASSERT_EQ(3, write(program[0].in, "one", 3));
		ASSERT_TRUE(peerprog_until(&program[1], "one"));
		ASSERT_EQ(0, kill(program[0].pid, signals[i]));
		EXPECT_EQ(1, peerprog_end(&program[0]));
		EXPECT_NE(NULL, strstr(program[0].err_text, "interrupted"));
		EXPECT_EQ(1, peerprog_end(&program[1]));
		EXPECT_NE(NULL,
			  strstr(program[1].err_text, strerror(ECONNRESET)))
		TH_LOG("%s", program[1].err_text);
	}
}

TEST_HARNESS_MAIN
