// SPDX-License-Identifier: GPL-2.0
/* Tests of tcbscope trace -- COMMAND: its status, its rights, its offspring. */
#include <arpa/inet.h>
#include <grp.h>
#include <json-c/json.h>
#include <sched.h>
#include <signal.h>
#include <sys/socket.h>

#include "lib/clock.h"
#include "tests/lib/cli.h"
#include "tests/lib/trace.h"

#include <kselftest_harness.h>

FIXTURE(command)
{
	struct cli cli;
};

FIXTURE_SETUP(command)
{
	ASSERT_EQ(0, cli_init(&self->cli, AF_INET));
}

FIXTURE_TEARDOWN(command)
{
	cli_free(&self->cli);
}

/* Claim: who cannot be run has the code that a shell has for that. */
TEST_F(command, not_found)
{
	char *args[] = { CLI_STATES_ONLY, "--", "no-such-command", NULL };
	const struct prog_setup setup = { .argv = args };
	struct prog *prog = &self->cli.prog;

	ASSERT_EQ(0, cli_start(&self->cli, &setup));
	EXPECT_EQ(127, prog_finish(prog));
	EXPECT_EQ(2, cli_lines_said(&self->cli));
	EXPECT_NE(NULL, strstr(prog_text(prog, PROG_ERR),
			       "cannot run no-such-command: "
			       "No such file or directory"));
	EXPECT_NE(NULL, strstr(prog_text(prog, PROG_ERR), " generated "));
}

/* Claim: a reader that is gone from the start does not stop the command. */
TEST_F(command, closed_pipe)
{
	char *args[] = { CLI_STATES_ONLY, "--", "sh", "-c", "exit 5", NULL };
	const struct prog_setup setup = { .argv = args, .no_reader = true };

	ASSERT_EQ(-ENODATA, cli_start(&self->cli, &setup));
	EXPECT_EQ(5, prog_finish(&self->cli.prog));
	EXPECT_EQ(1, cli_lines_said(&self->cli));
}

/*
 * Claim: it runs as the user who called sudo, without a group of root's. The
 * exit code is the command's; child_test has what that can be.
 */
TEST_F(command, sudo)
{
	char *args[] = { CLI_STATES_ONLY,
			 "--",
			 "sh",
			 "-c",
			 "id -u; id -g; id -G; grep CapEff /proc/self/status; "
			 "exit 3",
			 NULL };
	char *env[] = { "SUDO_UID=54321", "SUDO_GID=54322", NULL };
	const struct prog_setup setup = { .argv = args, .env = env };
	struct prog *prog = &self->cli.prog;
	const gid_t group = 12345;
	const char *out;

	ASSERT_EQ(0, setgroups(1, &group));
	ASSERT_EQ(0, cli_start(&self->cli, &setup));
	EXPECT_EQ(3, prog_finish(prog));
	EXPECT_EQ(1, cli_lines_said(&self->cli));
	EXPECT_NE(NULL, strstr(prog_text(prog, PROG_ERR), " generated "));
	out = prog_text(prog, PROG_OUT);
	EXPECT_NE(NULL,
		  strstr(out,
			 "54321\n54322\n54322\nCapEff:\t0000000000000000\n"))
	{
		TH_LOG("%s", out);
	}
}

/*
 * Claim: without sudo it keeps the rights that the trace itself gives up, and
 * signals do what they always do.
 */
TEST_F(command, root)
{
	char *args[] = { CLI_STATES_ONLY,
			 "--",
			 "grep",
			 "-E",
			 "Cap(Eff|Bnd)|Sig(Blk|Ign)",
			 "/proc/self/status",
			 NULL };
	char *env[] = { "SUDO_UID", "SUDO_GID", NULL };
	const struct prog_setup setup = { .argv = args, .env = env };
	struct prog *prog = &self->cli.prog;
	const char *out, *ignored;

	ASSERT_EQ(0, cli_start(&self->cli, &setup));
	EXPECT_EQ(0, prog_finish(prog));
	out = prog_text(prog, PROG_OUT);
	EXPECT_NE(NULL, strstr(out, "CapEff:\t"));
	EXPECT_EQ(NULL, strstr(out, "CapEff:\t0000000000000000\n"));
	EXPECT_NE(NULL, strstr(out, "CapBnd:\t"));
	EXPECT_EQ(NULL, strstr(out, "CapBnd:\t0000000000000000\n"));
	EXPECT_NE(NULL, strstr(out, "SigBlk:\t0000000000000000\n"));
	/* of the standard signals; some makes leave their libc's own ignored */
	ignored = strstr(out, "SigIgn:\t");
	ASSERT_NE(NULL, ignored);
	EXPECT_EQ(0, strtoull(ignored + 8, NULL, 16) & 0x7fffffff)
	{
		TH_LOG("%s", out);
	}
}

/*
 * One connection each, told apart by the port: the command itself, a child, a
 * grandchild that was executed, and a daemon in a session of its own that waits
 * until all its parents are gone and the trace has become the next one.
 */
#define OFFSPRING                                                      \
	"exec 3<>/dev/tcp/127.0.0.1/7001\n"                            \
	"( exec 4<>/dev/tcp/127.0.0.1/7002 )\n"                        \
	"( bash -c 'exec 4<>/dev/tcp/127.0.0.1/7003'; : )\n"           \
	"export keeper=$PPID\n"                                        \
	"daemon='while read -r _ _ _ parent _ </proc/self/stat &&\n"   \
	"	[ $parent != $keeper ] && [ $SECONDS -lt 20 ]; do :; done\n" \
	"	exec 4<>/dev/tcp/127.0.0.1/7004'\n"                          \
	"( setsid bash -c \"$daemon\" & ) | cat\n"

static int listen_at(int port)
{
	struct sockaddr_in any = { .sin_family = AF_INET,
				   .sin_port = htons(port) };
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

	return bind(fd, (void *)&any, sizeof(any)) || listen(fd, 1) ? -1 : fd;
}

/*
 * Claim: the sockets of the command and of all that come out of it are traced,
 * and no others: not the listeners, not another process's connection.
 */
TEST_F(command, offspring)
{
	struct sighting client = { .type = "state",
				   .old = "CLOSE",
				   .new = "SYN_SENT" };
	struct sighting any = { .type = "state" };
	struct cli *cli = &self->cli;
	char *args[] = { CLI_STATES_ONLY,
			 cli->beside,
			 "--",
			 "bash",
			 "-c",
			 "read -r _ <&9\n" OFFSPRING,
			 NULL };
	struct prog_setup setup = { .argv = args };
	struct json_object *event;
	int go[2], port;
	size_t from = 0;

	for (port = 7001; port <= 7004; port++)
		ASSERT_LE(0, listen_at(port));
	/* The command waits until others have made their connections. */
	ASSERT_EQ(0, pipe(go));
	ASSERT_EQ(9, dup2(go[0], 9));
	ASSERT_EQ(0, cli_start(cli, &setup));
	ASSERT_EQ(0, cli_connections(cli, 3));
	ASSERT_EQ(1, write(go[1], "\n", 1));
	EXPECT_EQ(0, prog_finish(&cli->prog));
	ASSERT_EQ(0, cli_read_beside(cli));

	for (port = 7001; port <= 7004; port++) {
		client.rport = port;
		EXPECT_EQ(1, witness_count(cli->witness, &client))
		{
			TH_LOG("port %d", port);
		}
	}
	while ((event = witness_next(cli->witness, &any, &from))) {
		EXPECT_TRUE(witness_number(event, "rport") > 7000 &&
			    witness_number(event, "rport") <= 7004)
		{
			TH_LOG("%s", json_object_to_json_string(event));
		}
		EXPECT_STREQ("bash", witness_string(event, "comm"));
	}
	EXPECT_LT(0, witness_counter(cli->witness, "kernel_filtered"));
	EXPECT_EQ(witness_counter(cli->witness, "delivered"),
		  witness_counter(cli->witness, "shown") +
			  witness_counter(cli->witness, "filtered"));
}

/* Connects to a server that is older than the trace, and says so. */
#define CONNECT \
	"exec 3<>/dev/tcp/127.0.0.1/7001; echo connected >&2; read -r _ <&9"

/*
 * Claim: the other end of a command's connection is known, though it is another
 * process's and not shown; of that only the transition that tells of it counts.
 */
TEST_F(command, other_end)
{
	struct sighting any = { .type = "state" };
	struct cli *cli = &self->cli;
	char *args[] = { CLI_STATES_ONLY, cli->beside, "--", "bash", "-c",
			 CONNECT,	  NULL };
	struct prog_setup setup = { .argv = args };
	struct json_object *event, *last = NULL;
	uint64_t cookie;
	socklen_t len = sizeof(cookie);
	int go[2], server, child;
	size_t from = 0;

	server = listen_at(7001);
	ASSERT_LE(0, server);
	ASSERT_EQ(0, pipe(go));
	ASSERT_EQ(9, dup2(go[0], 9));
	ASSERT_EQ(0, cli_start(cli, &setup));
	ASSERT_EQ(0, prog_wait(&cli->prog, PROG_ERR, "connected\n"));
	child = accept(server, NULL, NULL);
	ASSERT_LE(0, child);
	ASSERT_EQ(0, getsockopt(child, SOL_SOCKET, SO_COOKIE, &cookie, &len));
	ASSERT_EQ(1, write(go[1], "\n", 1));
	EXPECT_EQ(0, prog_finish(&cli->prog));
	ASSERT_EQ(0, cli_read_beside(cli));

	while ((event = witness_next(cli->witness, &any, &from))) {
		EXPECT_EQ(7001, witness_number(event, "rport"));
		last = event;
	}
	ASSERT_NE(NULL, last);
	EXPECT_EQ(cookie, witness_number(last, "pair"));
	EXPECT_LE(1, witness_counter(cli->witness, "filtered"));
	EXPECT_TRUE(witness_complete(cli->witness));
}

/*
 * Claim: who has ended the trace before it began does not get the command run.
 * The signal waits for the trace from its first moment on.
 */
TEST_F(command, ended_before)
{
	const char *program = trace_program("tcbscope");
	int ran[2], status;
	sigset_t term;
	char byte;
	pid_t pid;

	ASSERT_EQ(0, pipe(ran));
	sigemptyset(&term);
	sigaddset(&term, SIGTERM);
	pid = fork();
	ASSERT_LE(0, pid);
	if (!pid) {
		sigprocmask(SIG_BLOCK, &term, NULL);
		raise(SIGTERM);
		dup2(ran[1], 9);
		execl(program, program, "trace", "-q", CLI_STATES_ONLY, "--",
		      "sh", "-c", "echo ran >&9", NULL);
		_exit(1);
	}
	close(ran[1]);
	ASSERT_EQ(pid, waitpid(pid, &status, 0));
	ASSERT_TRUE(WIFEXITED(status));
	EXPECT_EQ(128 + SIGTERM, WEXITSTATUS(status));
	EXPECT_EQ(0, read(ran[0], &byte, 1));
}

/* The first child of a process, once it has one. */
static pid_t child_of(pid_t pid)
{
	char path[64];
	int child = 0;
	FILE *file;

	snprintf(path, sizeof(path), "/proc/%d/task/%d/children", pid, pid);
	file = fopen(path, "re");
	if (!file)
		return -errno;
	if (fscanf(file, "%d", &child) != 1)
		child = 0;
	fclose(file);
	return child;
}

/* Claim: if the command dies before it is run, the trace ends as it would. */
TEST_F(command, killed_before)
{
	char *args[] = { (char *)trace_program("tcbscope"),
			 "trace",
			 CLI_STATES_ONLY,
			 "--",
			 "sleep",
			 "1000",
			 NULL };
	const struct prog_setup setup = { .argv = args };
	struct prog *prog = &self->cli.prog;
	uint64_t begin = clock_now_ns();
	pid_t held;

	prog_free(prog);
	ASSERT_EQ(0, prog_start(prog, &setup));
	while (!(held = child_of(prog->pid)))
		clock_pause(begin);
	ASSERT_LT(0, held);
	ASSERT_EQ(0, kill(held, SIGKILL));
	EXPECT_EQ(128 + SIGKILL, prog_finish(prog));
	EXPECT_NE(NULL, strstr(prog_text(prog, PROG_ERR), " generated "));
}

/* Has the program taken all signals that were sent to it? */
static bool signals_taken(pid_t pid)
{
	char path[64], line[256];
	unsigned long long pending = 1;
	FILE *status;

	snprintf(path, sizeof(path), "/proc/%d/status", pid);
	status = fopen(path, "re");
	while (status && fgets(line, sizeof(line), status))
		sscanf(line, "ShdPnd: %llx", &pending);
	if (status)
		fclose(status);
	return !pending;
}

/* A command that says who it is, connects when told, and never ends. */
#define ENDLESS                              \
	"echo pid $$ end >&2\n"              \
	"while read -r _ <&9; do\n"          \
	"	exec 3<>/dev/tcp/127.0.0.1/7000\n" \
	"done\n"

FIXTURE(interrupt)
{
	struct cli cli;
	pid_t left; /* the command, which goes on */
};

FIXTURE_VARIANT(interrupt)
{
	int signal, times;
};

FIXTURE_VARIANT_ADD(interrupt, term){
	.signal = SIGTERM,
	.times = 1,
};
FIXTURE_VARIANT_ADD(interrupt, twice){
	.signal = SIGINT,
	.times = 2,
};

FIXTURE_SETUP(interrupt)
{
	ASSERT_EQ(0, cli_init(&self->cli, AF_INET));
}

FIXTURE_TEARDOWN(interrupt)
{
	if (self->left)
		kill(self->left, SIGKILL);
	cli_free(&self->cli);
}

/*
 * Claim: Ctrl-C is the command's, but the second one ends the trace whatever
 * the command does, as SIGTERM does at once. What it was shows in the code.
 */
TEST_F(interrupt, ends_trace)
{
	char *args[] = { CLI_STATES_ONLY, "--", "bash", "-c", ENDLESS, NULL };
	const struct prog_setup setup = { .argv = args };
	struct prog *prog = &self->cli.prog;
	int go[2], i, status;
	const char *pid;

	ASSERT_EQ(0, pipe(go));
	ASSERT_EQ(9, dup2(go[0], 9));
	ASSERT_EQ(0, cli_start(&self->cli, &setup));
	ASSERT_EQ(0, prog_wait(prog, PROG_ERR, " end\n"));
	pid = strstr(prog_text(prog, PROG_ERR), "pid ");
	ASSERT_NE(NULL, pid);
	ASSERT_EQ(1, sscanf(pid, "pid %d", &self->left));
	for (i = 1; i < variant->times; i++) {
		ASSERT_EQ(0, kill(prog->pid, variant->signal));
		while (!signals_taken(prog->pid))
			sched_yield();
		/* the trace goes on */
		ASSERT_EQ(1, write(go[1], "\n", 1));
		ASSERT_EQ(0, prog_wait(prog, PROG_OUT, "-> SYN_SENT"));
	}
	ASSERT_EQ(0, kill(prog->pid, variant->signal));
	ASSERT_EQ(0, prog_wait(prog, PROG_ERR, " generated "));
	ASSERT_EQ(prog->pid, waitpid(prog->pid, &status, 0));
	prog->pid = 0;
	EXPECT_TRUE(WIFEXITED(status));
	EXPECT_EQ(128 + variant->signal, WEXITSTATUS(status));
	EXPECT_EQ(0, kill(self->left, 0));
}

TEST_HARNESS_MAIN
