// SPDX-License-Identifier: GPL-2.0
/* A person at a terminal and tcbpeer: what is typed, what is seen, its end. */
#include <pty.h>

#include "tests/net/peer.h"

/* A terminal with the program on side 0, and one with pipes on side 1. */
struct desk {
	int master, slave;
	char seen[4096];
};

/* Type it; true if the other end got @heard of it. */
static bool type(FIXTURE_DATA(peer) * self, struct desk *desk, const char *text,
		 const char *heard)
{
	size_t len = strlen(text);

	return write(desk->master, text, len) == (ssize_t)len &&
	       (!heard || peerprog_until(&self->program[1], heard));
}

/* Until it is on the screen. */
static bool see(struct desk *desk, const char *text)
{
	while (!strstr(desk->seen, text)) {
		if (!peerprog_read(desk->master, desk->seen,
				   sizeof(desk->seen)))
			return false;
	}
	return true;
}

/* Sit down to a conversation that is open. Returns 0. */
static int sit_down(FIXTURE_DATA(peer) * self,
		    const FIXTURE_VARIANT(peer) * variant, struct desk *desk)
{
	const char *chat[] = { NULL }, *pipes[] = { "-q", NULL };
	int own[3], err;

	memset(desk, 0, sizeof(*desk));
	if (openpty(&desk->master, &desk->slave, NULL, NULL, NULL))
		return -errno;
	own[0] = own[1] = own[2] = desk->slave;
	err = peer_start_on(self, 0, variant, chat, own);
	if (!err)
		err = peer_start(self, 1, variant, pipes);
	return err ?: peer_meet(self, variant->family);
}

/* Claim: lines go both ways, and none of the peer's bytes steers the screen. */
TEST_F(peer, chat)
{
	struct peerprog *program = self->program;
	struct desk desk;

	ASSERT_NE(NULL, peerprog_path());
	ASSERT_EQ(0, sit_down(self, variant, &desk));
	EXPECT_TRUE(see(&desk, "open   "));
	EXPECT_TRUE(type(self, &desk, "hello\n", "hello\n"));
	EXPECT_EQ(11, write(program[1].in, "\x1b[2Jthere\r\n", 11));
	EXPECT_TRUE(see(&desk, "\\x1b[2Jthere\\x0d\r\n"));
	EXPECT_EQ(NULL, strchr(desk.seen, '\x1b'));

	/* What is begun goes by ^D, as it does at any program. */
	EXPECT_TRUE(type(self, &desk, "half\x04", "half"));
	EXPECT_TRUE(type(self, &desk, " a line\n", "half a line\n"));

	/* It goes on to hear after "quit", and is not told to end that. */
	EXPECT_TRUE(type(self, &desk, "quit\n", NULL));
	EXPECT_TRUE(see(&desk, "quit\r\n")); /* its echo: it has been read in */
	EXPECT_EQ(7, write(program[1].in, "to you\n", 7));
	EXPECT_TRUE(see(&desk, "to you\r\n"));
	EXPECT_EQ(0, peerprog_end(&program[1]));
	EXPECT_TRUE(see(&desk, "closed\r\n"));
	EXPECT_EQ(NULL, strstr(desk.seen, "the peer has ended"));
	EXPECT_EQ(0, peerprog_end(&program[0]));
	EXPECT_STREQ("hello\nhalf a line\n", program[1].out_text);
	close(desk.master);
	close(desk.slave);
}

/* Claim: when the peer ends it is said how to, and ^D does. */
TEST_F(peer, chat_is_ended)
{
	struct peerprog *program = self->program;
	struct desk desk;

	ASSERT_NE(NULL, peerprog_path());
	ASSERT_EQ(0, sit_down(self, variant, &desk));
	close(program[1].in);
	program[1].in = -1;
	EXPECT_TRUE(
		see(&desk, "the peer has ended; quit or ^D ends this side"));
	EXPECT_TRUE(type(self, &desk, "last\n", "last\n"));
	EXPECT_TRUE(type(self, &desk, "\x04", NULL));
	EXPECT_EQ(0, peerprog_end(&program[0]));
	EXPECT_EQ(0, peerprog_end(&program[1]));
	EXPECT_STREQ("last\n", program[1].out_text);
	close(desk.master);
	close(desk.slave);
}

TEST_HARNESS_MAIN
