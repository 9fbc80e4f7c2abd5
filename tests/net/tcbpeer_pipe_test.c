/* SPDX-License-Identifier: GPL-2.0 */
/* Tests of what two tcbpeer carry for their users, over the neighbour gate. */
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
	if (!err)
		err = wait_both(self, variant->family, TCP_SYN_SENT);
	return err ?: gate_open(&self->gate);
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

TEST_HARNESS_MAIN
