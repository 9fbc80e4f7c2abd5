// SPDX-License-Identifier: GPL-2.0
/* Tests of a command that is held until it is let go: lib/child.h. */
#include "lib/child.h"

#include <errno.h>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include <kselftest_harness.h>

FIXTURE(child)
{
	struct child child;
};

FIXTURE_VARIANT(child)
{
	char *argv[4];
	int err; /* why it cannot run */
	int code;
};

FIXTURE_VARIANT_ADD(child, success){
	.argv = { "true" },
};
FIXTURE_VARIANT_ADD(child, three){
	.argv = { "sh", "-c", "exit 3" },
	.code = 3,
};
FIXTURE_VARIANT_ADD(child, killed){
	.argv = { "sh", "-c", "kill -KILL $$" },
	.code = 128 + SIGKILL,
};
FIXTURE_VARIANT_ADD(child, not_found){
	.argv = { "no-such-command" },
	.err = -ENOENT,
	.code = 127,
};
FIXTURE_VARIANT_ADD(child, not_executable){
	.argv = { "/etc/passwd" },
	.err = -EACCES,
	.code = 126,
};

FIXTURE_SETUP(child)
{
}

FIXTURE_TEARDOWN(child)
{
}

/* Claim: it says whether it runs, and its code is what a shell would give. */
TEST_F(child, ends_as_in_a_shell)
{
	int status;

	ASSERT_EQ(0, child_hold(&self->child, (char **)variant->argv));
	EXPECT_EQ(variant->err, child_release(&self->child));
	ASSERT_EQ(self->child.pid, waitpid(self->child.pid, &status, 0));
	EXPECT_EQ(variant->code, child_code(status));
}

/* Claim: what is never let go does not run, and ends. */
TEST(given_up)
{
	char *argv[] = { "sh", "-c", "exit 3", NULL };
	struct child child;
	int status;

	ASSERT_EQ(0, child_hold(&child, argv));
	close(child.hold);
	close(child.error);
	ASSERT_EQ(child.pid, waitpid(child.pid, &status, 0));
	EXPECT_EQ(0, child_code(status));
}

TEST_HARNESS_MAIN
