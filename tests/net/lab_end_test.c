// SPDX-License-Identifier: GPL-2.0
/*
 * The lab leaves nothing behind, however it ends: no process, and with them no
 * namespace. It is ended in the middle of a scenario that takes three seconds,
 * in which there are two ends, a wire and a trace.
 */
#include "tests/lib/prog.h"
#include "tests/lib/trace.h"

#include <errno.h>
#include <kselftest_harness.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/wait.h>

FIXTURE(lab)
{
	struct prog prog;
};

FIXTURE_VARIANT(lab)
{
	int signal;
};

FIXTURE_VARIANT_ADD(lab, interrupted){
	.signal = SIGINT,
};

FIXTURE_VARIANT_ADD(lab, killed){
	.signal = SIGKILL,
};

FIXTURE_SETUP(lab)
{
	char *argv[] = { (char *)trace_program("tcbscope"), "lab", "black-hole",
			 NULL };
	struct prog_setup setup = { .argv = argv };

	/* whatever it leaves behind becomes our child */
	ASSERT_EQ(0, prctl(PR_SET_CHILD_SUBREAPER, 1));
	ASSERT_EQ(0, prog_start(&self->prog, &setup));
	ASSERT_EQ(0, prog_wait(&self->prog, PROG_OUT, "ipv4/tcp_syn_retries"));
}

FIXTURE_TEARDOWN(lab)
{
	prog_free(&self->prog);
}

/* Claim: once it is gone all that it has started goes, without our doing. */
TEST_F(lab, leaves_nothing)
{
	int status = 0, left = 0;
	pid_t pid;

	ASSERT_EQ(0, kill(self->prog.pid, variant->signal));
	/* the tests' runner ends us if one stays */
	while ((pid = waitpid(-1, &status, 0)) > 0) {
		left += pid != self->prog.pid;
		if (pid != self->prog.pid)
			continue;
		EXPECT_TRUE(WIFSIGNALED(status));
		EXPECT_EQ(variant->signal, WTERMSIG(status));
		self->prog.pid = 0;
	}
	EXPECT_EQ(ECHILD, errno);
	EXPECT_GE(left, 3); /* else it was not in the middle of anything */
}

TEST_HARNESS_MAIN
