// SPDX-License-Identifier: GPL-2.0
/* Tests of how a trace is to be shown, as the command line has it. */
#include "cmd/outputs.h"

#include <fcntl.h>
#include <pty.h>
#include <stdlib.h>
#include <unistd.h>

#include <kselftest_harness.h>

/* Reads one option, or none. 0 or an errno. */
static int parse(struct outputs *o, const char *option)
{
	char *argv[] = { "tcbscope", (char *)option, NULL };

	memset(o, 0, sizeof(*o));
	return argp_parse(&outputs_argp, option ? 2 : 1, argv, ARGP_NO_EXIT,
			  NULL, o);
}

/* Standard output becomes a terminal, or what is none. */
static int become(bool terminal)
{
	int fds[2];

	if (terminal ? openpty(&fds[0], &fds[1], NULL, NULL, NULL) : pipe(fds))
		return -1;
	return dup2(fds[1], STDOUT_FILENO);
}

/* Claim: colour only on a terminal that has it, unless told otherwise. */
TEST(colour)
{
	static const struct {
		const char *term, *no_color; /* NULL: not set */
		bool terminal;
		const char *option;
		bool coloured;
	} rows[] = {
		{ "xterm", NULL, true, NULL, true },
		{ "xterm", "", true, NULL, true },
		{ "xterm", "1", true, NULL, false },
		{ "dumb", NULL, true, NULL, false },
		{ NULL, NULL, true, NULL, false },
		{ "xterm", NULL, false, NULL, false },
		{ "xterm", NULL, true, "--color=never", false },
		{ "xterm", "1", true, "--color=auto", false },
		{ "dumb", "1", true, "--color=always", true },
		{ "dumb", "1", false, "--color=always", true },
	};
	int out = dup(STDOUT_FILENO), err;
	struct outputs o;
	size_t i;

	for (i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
		unsetenv("TERM");
		unsetenv("NO_COLOR");
		if (rows[i].term)
			setenv("TERM", rows[i].term, 1);
		if (rows[i].no_color)
			setenv("NO_COLOR", rows[i].no_color, 1);
		ASSERT_LE(0, become(rows[i].terminal));
		err = parse(&o, rows[i].option);
		dup2(out, STDOUT_FILENO);
		ASSERT_EQ(0, err);
		EXPECT_EQ(rows[i].coloured, o.colour)
		{
			TH_LOG("row %zu", i);
		}
	}
	close(out);
}

/* Claim: each word of --time is a way to show it; without any it is "rel". */
TEST(time)
{
	static const struct {
		const char *option;
		enum output_time time;
	} rows[] = {
		{ NULL, TIME_REL },
		{ "--time=rel", TIME_REL },
		{ "--time=delta", TIME_DELTA },
		{ "--time=wall", TIME_WALL },
		{ "--time=mono", TIME_MONO },
	};
	struct outputs o;
	size_t i;

	for (i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
		ASSERT_EQ(0, parse(&o, rows[i].option));
		EXPECT_EQ(rows[i].time, o.time)
		{
			TH_LOG("row %zu", i);
		}
	}
}

TEST_HARNESS_MAIN
