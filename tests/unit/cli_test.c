// SPDX-License-Identifier: GPL-2.0
/* Tests of the command lines: help, and all that is wrong with an option. */
#include "tests/lib/prog.h"
#include "tests/lib/trace.h"

#include <kselftest_harness.h>

#define ARGS 8
#define NOBODY 65534

#define ROWS(rows) (sizeof(rows) / sizeof(*(rows)))

/* One command line and what comes of it. */
struct row {
	const char *args[ARGS]; /* the first: the program */
	const char *says;	/* somewhere on the right stream */
};

static int run(struct prog *prog, const char *const args[ARGS], uid_t uid)
{
	char *argv[ARGS + 1] = {}, path[4096];
	const struct prog_setup setup = { .argv = argv, .uid = uid };
	int i;

	snprintf(path, sizeof(path), "%s", trace_program(args[0]));
	argv[0] = path;
	for (i = 1; i < ARGS; i++)
		argv[i] = (char *)args[i];
	return prog_run(prog, &setup);
}

/* One row: exit code, the text on one stream, nothing on the other. */
static void expect_run(struct __test_metadata *_metadata, const struct row *row,
		       int code, int stream)
{
	struct prog prog;
	bool failed = false;
	int i;

	EXPECT_EQ(code, run(&prog, row->args, 0))
	{
		failed = true;
	}
	EXPECT_NE(NULL, strstr(prog_text(&prog, stream), row->says))
	{
		failed = true;
	}
	EXPECT_STREQ("", prog_text(&prog, !stream))
	{
		failed = true;
	}
	for (i = 0; failed && i < ARGS && row->args[i]; i++)
		TH_LOG("argument: %s", row->args[i]);
	if (failed)
		TH_LOG("%s", prog_text(&prog, stream));
	prog_free(&prog);
}

/* Claim: help, usage and version are what was asked for: data, and success. */
TEST(help)
{
	static const struct row rows[] = {
		{ { "tcbscope", "--help" }, "Usage: tcbscope VERB" },
		{ { "tcbscope", "-h" }, "Usage: tcbscope VERB" },
		{ { "tcbscope", "help" }, "Usage: tcbscope VERB" },
		{ { "tcbscope", "--version" }, "tcbscope " TCBSCOPE_VERSION },
		{ { "tcbscope", "-V" }, "tcbscope " TCBSCOPE_VERSION },
		{ { "tcbscope", "trace", "--help" }, "Usage: tcbscope trace" },
		{ { "tcbscope", "trace", "-h" }, "Usage: tcbscope trace" },
		{ { "tcbscope", "trace", "-?" }, "Usage: tcbscope trace" },
		{ { "tcbscope", "trace", "--usage" }, "[--port=PORT]" },
		{ { "tcbscope", "trace", "-V" }, TCBSCOPE_VERSION },
		{ { "tcbscope", "events", "--help" },
		  "Usage: tcbscope events" },
		{ { "tcbscope", "events", "-h" }, "Usage: tcbscope events" },
		{ { "tcbscope", "lab", "--help" }, "Usage: tcbscope lab" },
		{ { "tcbscope", "lab", "-h" }, "Usage: tcbscope lab" },
		{ { "tcbscope", "lab", "--list" }, "simultaneous-open" },
		{ { "tcbpeer", "--help" }, "Usage: tcbpeer" },
		{ { "tcbpeer", "-h" }, "Usage: tcbpeer" },
		{ { "tcbpeer", "--usage" }, "Usage: tcbpeer" },
		{ { "tcbpeer", "--version" }, "tcbpeer " TCBSCOPE_VERSION },
	};
	size_t i;

	for (i = 0; i < ROWS(rows); i++)
		expect_run(_metadata, &rows[i], 0, PROG_OUT);
}

/* Claim: the help of a verb names every option that the tests below use. */
TEST(help_is_complete)
{
	static const char *const args[ARGS] = { "tcbscope", "trace", "--help" };
	static const char *const options[] = {
		"--pid=",    "--comm=",	  "--port=",  "--sport=", "--dport=",
		"--uid=",    "--cgroup=", "--addr=",  "--netns=", "--state=",
		"--events=", "--windows", "--count=", "--ring=",  "--duration=",
		"--json",    "--time=",	  "--all",    "--color=", "--debug",
		"--help",    "--version",
	};
	struct prog prog;
	size_t i;

	ASSERT_EQ(0, run(&prog, args, 0));
	for (i = 0; i < ROWS(options); i++) {
		EXPECT_NE(NULL, strstr(prog_text(&prog, PROG_OUT), options[i]))
		{
			TH_LOG("%s", options[i]);
		}
	}
	prog_free(&prog);
}

#define TRACE(...)                               \
	{                                        \
		"tcbscope", "trace", __VA_ARGS__ \
	}
#define LISTENERS(...)                               \
	{                                            \
		"tcbscope", "listeners", __VA_ARGS__ \
	}

static const struct row wrong[] = {
	{ TRACE("--nope"), "--nope" },
	{ TRACE("-x"), "'x'" },
	{ TRACE("--port"), "--port" },
	{ TRACE("--port="), "--port" },
	{ TRACE("--port", "0"), "--port" },
	{ TRACE("--port", "65536"), "--port" },
	{ TRACE("--port", "http"), "--port" },
	{ TRACE("--port", "-1"), "--port" },
	{ TRACE("--port", "80,"), "--port" },
	{ TRACE("--port", "80 "), "--port" },
	{ TRACE("--sport", "1-2"), "--sport" },
	{ TRACE("--dport", "0x50"), "--dport" },
	{ TRACE("--pid", "0"), "--pid" },
	{ TRACE("--pid", "4294967296"), "--pid" },
	{ TRACE("--pid", "me"), "--pid" },
	{ TRACE("-p", "1.5"), "--pid" },
	{ TRACE("--comm"), "--comm" },
	{ TRACE("--addr", "1.2.3"), "--addr" },
	{ TRACE("--addr", "1.2.3.4/33"), "--addr" },
	{ TRACE("--addr", "::1/129"), "--addr" },
	{ TRACE("--addr", "localhost"), "--addr" },
	{ TRACE("--netns", "/nonexistent"), "--netns" },
	{ TRACE("--netns", "nowhere"), "--netns" },
	{ TRACE("--netns="), "--netns" },
	{ TRACE("--netns", "4294967296"), "--netns" },
	{ TRACE("--state", "OPEN"), "--state" },
	{ TRACE("--state", "OPEN"), "one of ESTABLISHED, SYN_SENT" },
	{ TRACE("--state="), "--state" },
	{ TRACE("--events", "packet"), "--events" },
	{ TRACE("--events", "packet"), "one of state, window" },
	{ TRACE("--events="), "--events" },
	{ TRACE("--windows=1"), "--windows" },
	{ TRACE("--duration", "0"), "--duration" },
	{ TRACE("--duration", "5 min"), "--duration" },
	{ TRACE("--duration="), "--duration" },
	{ TRACE("--count", "0"), "--count" },
	{ TRACE("-c", "many"), "--count" },
	{ TRACE("--count="), "--count" },
	{ TRACE("--ladder=0"), "--ladder" },
	{ TRACE("--ladder=many"), "--ladder" },
	{ TRACE("--ladder", "--json"), "standard output" },
	{ TRACE("--ring", "1K"), "--ring" },
	{ TRACE("--ring", "2G"), "--ring" },
	{ TRACE("--ring", "big"), "--ring" },
	{ TRACE("--time", "utc"), "--time" },
	{ TRACE("--color", "red"), "--color" },
	{ TRACE("--all=1"), "--all" },
	{ TRACE("--quiet=1"), "--quiet" },
	{ TRACE("--debug=1"), "--debug" },
	{ TRACE("--cgroup", "/no/such"), "--cgroup" },
	{ TRACE("--uid", "root"), "--uid" },
	{ TRACE("curl"), "'curl'" },
	{ TRACE("curl"), "a command goes behind --" },
	{ TRACE("pid", "1", "and", "cnwd", "<", "9"), "\n  then: cwnd? " },
	{ TRACE("pid", "1", "and", "cnwd", "<", "9"),
	  "\n  here: pid 1 and cnwd < 9\n                  ^~~~\n" },
	{ TRACE("pid = "), "\n  here: pid = \n              ^\n" },
	{ TRACE("--port", "80,http"), "\n  here: 80,http\n           ^~~~\n" },
	{ TRACE("\033[31m\xc3\xa4 pid"),
	  "\n  here: \\x1b[31m\xc3\xa4 pid\n        ^~~~~~~~~\n" },
	{ TRACE("--"), "--" },
	{ { "tcbscope", "events", "--nope" }, "--nope" },
	{ { "tcbscope", "events", "state" }, "'state'" },
	{ LISTENERS("-i", "never"), "--interval: not a time: 'never'" },
	{ LISTENERS("-i", "0"), "--interval" },
	{ LISTENERS("-c", "0"), "--count" },
	{ LISTENERS("--sort", "owner"), "'owner'" },
	{ LISTENERS("--ring", "1"), "4K" },
	{ LISTENERS("--now", "--tree"), "--tree" },
	{ LISTENERS("--now", "-i1s"), "--interval" },
	{ LISTENERS("--openmetrics", "-j"), "--json" },
	{ LISTENERS("--openmetrics", "-c2"), "--count" },
	{ LISTENERS("sport ="), "sport =" },
	{ { "tcbscope", "lab", "--nope" }, "--nope" },
	{ { "tcbscope", "lab" }, "--list" },
	{ { "tcbscope", "lab", "nowhere" }, "nowhere" },
	{ { "tcbscope", "lab", "a", "b" }, "no such scenario" },
	{ { "tcbscope", "lab", "--all", "a" }, "one of them" },
	{ { "tcbscope", "lab", "--all", "--times", "0" }, "--times" },
	{ { "tcbscope" }, "Usage: tcbscope VERB" },
	{ { "tcbscope", "" }, "no such verb" },
	{ { "tcbscope", "nowhere" }, "no such verb: nowhere" },
	{ { "tcbscope", "\033[31m" }, "no such verb: \\x1b[31m" },
	{ { "tcbscope", "--nope" }, "--nope" },
};

/*
 * Claim: what is wrong with an option is said on standard error, with the
 * option's name, before anything else is done; the exit code is 2.
 */
TEST(bad_options)
{
	size_t i;

	for (i = 0; i < ROWS(wrong); i++)
		expect_run(_metadata, &wrong[i], 2, PROG_ERR);
}

/* Claim: the same for tcbpeer. */
TEST(bad_peer_options)
{
#define ENDS "-l", "127.0.0.1:2000", "-r", "127.0.0.1:2001"
	static const struct row rows[] = {
		{ { "tcbpeer" }, "-l and -r" },
		{ { "tcbpeer", "-l", "127.0.0.1:2000" }, "-l and -r" },
		{ { "tcbpeer", "--nope" }, "--nope" },
		{ { "tcbpeer", "-l" }, "'l'" },
		{ { "tcbpeer", "-l", "localhost:80" }, "-l" },
		{ { "tcbpeer", "-r", "127.0.0.1:0" }, "-r" },
		{ { "tcbpeer", "-r", "127.0.0.1:65536" }, "-r" },
		{ { "tcbpeer", "-l", "127.0.0.1:2000", "-r", "[::1]:2001" },
		  "IPv6" },
		{ { "tcbpeer", "-l", "127.0.0.1:2000", "-r", "127.0.0.1:2000" },
		  "-l and -r" },
		{ { "tcbpeer", ENDS, "--deadline=0" }, "--deadline" },
		{ { "tcbpeer", ENDS, "--deadline=25h" }, "--deadline" },
		{ { "tcbpeer", ENDS, "--deadline=soon" }, "--deadline" },
		{ { "tcbpeer", ENDS, "--attempts=0" }, "--attempts" },
		{ { "tcbpeer", ENDS, "--attempts=x" }, "--attempts" },
		{ { "tcbpeer", ENDS, "--message=a\nb" }, "--message" },
		{ { "tcbpeer", ENDS, "--hold=1" }, "--hold" },
		{ { "tcbpeer", ENDS, "--json=1" }, "--json" },
		{ { "tcbpeer", ENDS, "--quiet=1" }, "--quiet" },
	};
	size_t i;

	for (i = 0; i < ROWS(rows); i++)
		expect_run(_metadata, &rows[i], 2, PROG_ERR);
}

/* Claim: more filter options than there is room for are refused, not dropped. */
TEST(too_many_filters)
{
	char *argv[40] = { NULL, "trace" };
	const struct prog_setup setup = { .argv = argv };
	struct prog prog;
	int i;

	argv[0] = (char *)trace_program("tcbscope");
	for (i = 2; i < 2 + 17; i++)
		argv[i] = "--comm=x";
	EXPECT_EQ(2, prog_run(&prog, &setup));
	EXPECT_NE(NULL, strstr(prog_text(&prog, PROG_ERR), "16 filter"));
	EXPECT_STREQ("", prog_text(&prog, PROG_OUT));
	prog_free(&prog);
}

/*
 * Claim: what needs a privilege says so, why, and what to do; the exit code is
 * that of a kernel, or its permissions, that cannot.
 */
TEST(no_privilege)
{
	static const struct row rows[] = {
		{ { "tcbscope", "trace" }, "cannot load the BPF programs" },
		{ { "tcbscope", "trace", "--json" }, "cannot load" },
		{ { "tcbscope", "trace", "--", "true" }, "cannot load" },
		{ { "tcbscope", "lab", "simultaneous-open" },
		  "cannot start the lab" },
	};
	uid_t uid = geteuid() ? 0 : NOBODY;
	struct prog prog;
	size_t i;

	for (i = 0; i < ROWS(rows); i++) {
		const char *err;

		EXPECT_EQ(3, run(&prog, rows[i].args, uid));
		err = prog_text(&prog, PROG_ERR);
		EXPECT_NE(NULL, strstr(err, rows[i].says));
		EXPECT_NE(NULL, strstr(err, "\n  why:  "));
		EXPECT_NE(NULL, strstr(err, "\n  then: run it with sudo\n"))
		{
			TH_LOG("%s", err);
		}
		prog_free(&prog);
	}
}

/* Claim: who asks for what cannot be is told so, and does not wait for it. */
TEST(nothing_passes)
{
	static const struct row rows[] = {
		{ { "tcbscope", "trace", "type = window and err" },
		  "nothing can pass" },
		{ { "tcbscope", "trace", "--events=state", "cwnd < 10" },
		  "why:  no event has all" },
		{ { "tcbscope", "trace", "tcp_seq > 0" }, "type = drop\n" },
		{ { "tcbscope", "sockets", "old = LISTEN" },
		  "then: 'tcbscope events'" },
		{ { "tcbscope", "sockets", "--events=state" },
		  "nothing can pass" },
		{ { "tcbscope", "listeners", "type = window" },
		  "nothing can pass" },
	};
	size_t i;

	for (i = 0; i < ROWS(rows); i++)
		expect_run(_metadata, &rows[i], 2, PROG_ERR);
}

/* Claim: what was written on the command line steers no terminal by an error. */
TEST(escaped)
{
	static const struct row rows[] = {
		{ { "tcbscope", "trace", "--count=\033[1m" }, "'\\x1b[1m'\n" },
		{ { "tcbscope", "trace", "--time=\033[1m" }, "'\\x1b[1m'\n" },
		{ { "tcbscope", "trace", "--pid=\033[1m" }, "'\\x1b[1m'\n" },
		{ { "tcbscope", "events", "\033[1m" }, "'\\x1b[1m'\n" },
		{ { "tcbscope", "sockets", "-o\033[1m" }, "'\\x1b[1m'\n" },
		{ { "tcbscope", "\033[1m" }, ": \\x1b[1m\n" },
	};
	size_t i;

	for (i = 0; i < ROWS(rows); i++)
		expect_run(_metadata, &rows[i], 2, PROG_ERR);
}

/*
 * Claim: what is written to a stream that is closed does not go to whatever was
 * opened in its place: a file that is in the kernel, or the peer's connection.
 */
TEST(closed_streams)
{
	static const char *const scripts[] = {
		"exec \"$0\" events >&-",
		"exec \"$0\" features --json >&-",
		"exec \"$0\" features --json >&- <&-",
		"exec \"$0\" features --json >&- <&- 2>&-",
	};
	char *argv[] = { "/bin/sh", "-c", NULL, NULL, NULL };
	const struct prog_setup setup = { .argv = argv };
	struct prog prog;
	size_t i;

	argv[3] = (char *)trace_program("tcbscope");
	for (i = 0; i < ROWS(scripts); i++) {
		argv[2] = (char *)scripts[i];
		EXPECT_EQ(1, prog_run(&prog, &setup))
		{
			TH_LOG("%s", scripts[i]);
		}
		EXPECT_EQ(i == 3, !strstr(prog_text(&prog, PROG_ERR),
					  "Bad file descriptor\n"));
		prog_free(&prog);
	}
}

/* Claim: describing the events needs no privilege and is not cut off. */
TEST(events)
{
	static const char *const formats[] = { NULL, "--schema", "--rst" };
	uid_t uid = geteuid() ? 0 : NOBODY;
	struct prog prog;
	size_t i;

	for (i = 0; i < ROWS(formats); i++) {
		const char *args[ARGS] = { "tcbscope", "events", formats[i] };

		EXPECT_EQ(0, run(&prog, args, uid));
		EXPECT_NE(NULL, strstr(prog_text(&prog, PROG_OUT), "ca_name"));
		EXPECT_STREQ("", prog_text(&prog, PROG_ERR));
		prog_free(&prog);
	}
}

/* Claim: output that cannot be written is a failure, and is said. */
TEST(full_device)
{
	static const char *const rows[][ARGS] = {
		{ "tcbscope", "events" },
		{ "tcbscope", "events", "--rst" },
		{ "tcbscope", "events", "--schema" },
		{ "tcbscope", "events", "--usage" },
		{ "tcbscope", "trace", "--help" },
		{ "tcbscope", "--help" },
		{ "tcbscope", "-V" },
		{ "tcbpeer", "--help" },
		{ "tcbpeer", "-V" },
		{ "tcbpeer", "rendezvous", "--help" },
	};
	const char *argv[ARGS + 1] = {};
	const struct prog_setup setup = { .argv = (char *const *)argv,
					  .out = "/dev/full" };
	struct prog prog;
	unsigned int i;

	for (i = 0; i < ROWS(rows); i++) {
		memcpy(argv, rows[i], sizeof(rows[i]));
		argv[0] = trace_program(rows[i][0]);
		EXPECT_EQ(1, prog_run(&prog, &setup))
		{
			TH_LOG("%s %s", rows[i][0], rows[i][1]);
		}
		EXPECT_NE(NULL, strstr(prog_text(&prog, PROG_ERR),
				       "No space left on device"));
		prog_free(&prog);
	}
}

TEST_HARNESS_MAIN
