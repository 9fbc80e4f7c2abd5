// SPDX-License-Identifier: GPL-2.0
/*
 * The tests of states and causes once more, with calls and segments traced as
 * well. What bpf/cause.h concludes from the socket is what has come over the
 * wire or was called, on every path that they take, and each cause that is one
 * of these has its number. tests/lib/seen.h has what is compared.
 */
#include "tests/lib/seen.h"
#include "tests/lib/shared.h"
#include "tests/lib/skipped.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include <kselftest_harness.h>

FIXTURE(seen)
{
	FILE *said;
};

FIXTURE_VARIANT(seen)
{
	const char *program;
};

FIXTURE_VARIANT_ADD(seen, state){ .program = "tests/net/state_test" };
FIXTURE_VARIANT_ADD(seen, cause){ .program = "tests/net/cause_test" };
FIXTURE_VARIANT_ADD(seen, cause_fin){ .program = "tests/net/cause_fin_test" };

FIXTURE_SETUP(seen)
{
	self->said = tmpfile();
	ASSERT_NE(NULL, self->said);
}

FIXTURE_TEARDOWN(seen)
{
	fclose(self->said);
}

/* Its exit code or -errno; what it says goes to the file. */
static int run(const char *program, FILE *said)
{
	const char *path = trace_program(program);
	int status;
	pid_t pid;

	pid = fork();
	if (!pid) {
		dup2(fileno(said), STDOUT_FILENO);
		dup2(fileno(said), STDERR_FILENO);
		if (!setenv(SEEN_WANTED, "1", 1) && !shared_lend())
			execl(path, path, NULL);
		_exit(127);
	}
	if (waitpid(pid, &status, 0) != pid)
		return -errno;
	return WIFEXITED(status) ? WEXITSTATUS(status) : -EINTR;
}

/* All but what is fine. */
static void repeat(FILE *said)
{
	char line[1024];

	rewind(said);
	while (fgets(line, sizeof(line), said))
		if (strncmp(line, "ok ", 3) && !strstr(line, "  RUN  ") &&
		    !strstr(line, "   OK  "))
			fprintf(stderr, "# %s", line);
}

/*
 * Claim: they hold all the same, with one trace for all of them, which misses
 * no call, although one process often takes the CPU from the other.
 */
TEST_F_TIMEOUT(seen, holds, 280)
{
	int code = run(variant->program, self->said);

	EXPECT_EQ(0, code);
	EXPECT_EQ(0, skipped_runs("call_"));
	if (code)
		repeat(self->said);
}

SHARED_HARNESS_MAIN("--events", "state,call,segment")
