// SPDX-License-Identifier: GPL-2.0
/*
 * Tests of least privilege: what each verb needs and what it says without, what
 * a trace has left once it runs, what its command has, and that nothing stays
 * in the kernel when it is killed.
 */
#include <bpf/bpf.h>
#include <dirent.h>
#include <linux/capability.h>
#include <signal.h>
#include <sys/socket.h>
#include <sys/stat.h>

#include "lib/clock.h"
#include "tests/lib/caps.h"
#include "tests/lib/cli.h"
#include "tests/lib/guest.h"
#include "tests/lib/trace.h"

#include <kselftest_harness.h>

#define CAPS_MAX 4

FIXTURE(verb)
{
	struct cli cli;
};

/* The table of tcbscope(8), PRIVILEGES. */
FIXTURE_VARIANT(verb)
{
	char *argv[5]; /* of tcbscope */
	int caps[CAPS_MAX + 1];
};

FIXTURE_VARIANT_ADD(verb, help){
	.argv = { "--help" },
	.caps = { -1 },
};
FIXTURE_VARIANT_ADD(verb, events){
	.argv = { "events", "--schema" },
	.caps = { -1 },
};
/* of states, started sooner; "running" below has all that is shown unasked */
FIXTURE_VARIANT_ADD(verb, trace){
	.argv = { "trace", CLI_STATES_ONLY, "--", "true" },
	.caps = { CAP_BPF, CAP_PERFMON, -1 },
};
FIXTURE_VARIANT_ADD(verb, sockets){
	.argv = { "sockets" },
	.caps = { CAP_BPF, CAP_PERFMON, -1 },
};
/* of what every user may see; show_test.c has the rest */
FIXTURE_VARIANT_ADD(verb, show){
	.argv = { "show", ":7000" },
	.caps = { -1 },
};
FIXTURE_VARIANT_ADD(verb, features){
	.argv = { "features" },
	.caps = { CAP_BPF, CAP_PERFMON, -1 },
};
/* CAP_SYS_ADMIN holds CAP_BPF and CAP_PERFMON */
FIXTURE_VARIANT_ADD(verb, lab){
	.argv = { "lab", "simultaneous-open" },
	.caps = { CAP_SYS_ADMIN, CAP_NET_ADMIN, -1 },
};

FIXTURE_SETUP(verb)
{
	ASSERT_EQ(0, cli_init(&self->cli, AF_INET));
}

FIXTURE_TEARDOWN(verb)
{
	cli_free(&self->cli);
}

/* What is enough for nobody, root has as well: rather him, where time counts. */
static const uid_t users[] = { CAPS_NOBODY, 0 };

static int run(struct prog *prog, char *const args[], uid_t uid,
	       const int *caps)
{
	char *argv[8] = { (char *)trace_program("tcbscope") };
	const struct prog_setup setup = {
		.argv = argv,
		.uid = uid,
		.caps = caps,
	};
	int i;

	for (i = 0; args[i]; i++)
		argv[1 + i] = args[i];
	prog_free(prog);
	return prog_run(prog, &setup);
}

/* Claim: for root and for others these capabilities are enough. */
TEST_F_TIMEOUT(verb, enough, 120)
{
	struct prog *prog = &self->cli.prog;
	size_t i;

	for (i = 0; i < guest_times(2, 1); i++) {
		EXPECT_EQ(0, run(prog, variant->argv, users[i], variant->caps))
		{
			TH_LOG("user %d: %s", users[i],
			       prog_text(prog, PROG_ERR));
		}
		EXPECT_EQ(NULL, strstr(prog_text(prog, PROG_ERR), "why:"));
	}
}

/* The name of each capability of the table. */
static const char *cap_name(int cap)
{
	switch (cap) {
	case CAP_BPF:
		return "lacks CAP_BPF\n";
	case CAP_PERFMON:
		return "lacks CAP_PERFMON\n";
	case CAP_SYS_ADMIN:
		return "lacks CAP_SYS_ADMIN\n";
	case CAP_NET_ADMIN:
		return "lacks CAP_NET_ADMIN\n";
	}
	return NULL;
}

/* Claim: without any one of them the exit code is 3, and it is named. */
TEST_F(verb, each_needed)
{
	struct prog *prog = &self->cli.prog;
	int user, n, missing, i, caps[CAPS_MAX];
	int n_users = guest_times(2, 1);

	for (n = 0; variant->caps[n] >= 0; n++)
		;
	for (user = 0; user < n_users; user++) {
		for (missing = 0; missing < n; missing++) {
			int cap = variant->caps[missing], kept = 0;

			for (i = 0; i < n; i++)
				if (i != missing)
					caps[kept++] = variant->caps[i];
			caps[kept] = -1;
			EXPECT_EQ(3,
				  run(prog, variant->argv, users[user], caps));
			EXPECT_NE(NULL, strstr(prog_text(prog, PROG_ERR),
					       cap_name(cap)))
			{
				TH_LOG("without %d: %s", cap,
				       prog_text(prog, PROG_ERR));
			}
		}
	}
}

FIXTURE(running)
{
	struct cli cli;
};

FIXTURE_VARIANT(running)
{
	uid_t uid;
	const int *caps; /* NULL: all of root's */
	char *args[2];
	unsigned int events; /* of a connection */
};

static const int least[] = { CAP_BPF, CAP_PERFMON, -1 };

FIXTURE_VARIANT_ADD(running, root){
	.args = { CLI_STATES_ONLY },
	.events = CLI_STATES,
};
FIXTURE_VARIANT_ADD(running, least_root){
	.caps = least,
	.args = { CLI_STATES_ONLY },
	.events = CLI_STATES,
};
FIXTURE_VARIANT_ADD(running, least_nobody){
	.uid = CAPS_NOBODY,
	.caps = least,
	.events = CLI_EVENTS,
};

FIXTURE_SETUP(running)
{
	ASSERT_EQ(0, cli_init(&self->cli, AF_INET));
}

FIXTURE_TEARDOWN(running)
{
	cli_free(&self->cli);
}

/*
 * Claim: once a trace runs it has no capability and can get none, and still
 * shows all there is. Only the bounding set cannot be emptied by who has no
 * CAP_SETPCAP; with no_new_privs it gives nothing.
 */
TEST_F(running, has_nothing_left)
{
	const struct prog_setup setup = { .argv = variant->args,
					  .uid = variant->uid,
					  .caps = variant->caps };
	struct cli *cli = &self->cli;

	ASSERT_EQ(0, cli_start(cli, &setup));
	EXPECT_EQ(0, caps_status(cli->prog.pid, "CapInh"));
	EXPECT_EQ(0, caps_status(cli->prog.pid, "CapPrm"));
	EXPECT_EQ(0, caps_status(cli->prog.pid, "CapEff"));
	EXPECT_EQ(0, caps_status(cli->prog.pid, "CapAmb"));
	if (!variant->caps)
		EXPECT_EQ(0, caps_status(cli->prog.pid, "CapBnd"));
	EXPECT_EQ(1, caps_status(cli->prog.pid, "NoNewPrivs"));

	ASSERT_EQ(0, cli_connections(cli, 2));
	EXPECT_EQ(0, cli_end(cli, SIGINT));
	EXPECT_EQ(2 * variant->events, cli_closing_line(cli).shown);
}

FIXTURE(command)
{
	struct cli cli;
	char dir[32], id[48]; /* a setuid program in a directory; empty: none */
};

FIXTURE_SETUP(command)
{
	ASSERT_EQ(0, cli_init(&self->cli, AF_INET));
}

FIXTURE_TEARDOWN(command)
{
	cli_free(&self->cli);
	unlink(self->id);
	rmdir(self->dir);
}

/* A copy of id(1) that belongs to root and is run as root. 0 or -errno. */
static int copy_id(char *dir, char *id)
{
	struct prog prog;
	char *cp[] = { "/bin/cp", "/usr/bin/id", id, NULL };
	const struct prog_setup setup = { .argv = cp };
	int err;

	strcpy(dir, "/tmp/tcbscope-XXXXXX");
	if (!mkdtemp(dir))
		return -errno;
	sprintf(id, "%s/id", dir);
	err = prog_run(&prog, &setup);
	prog_free(&prog);
	if (err)
		return err < 0 ? err : -EIO;
	return chmod(dir, 0755) || chmod(id, 04755) ? -errno : 0;
}

/*
 * Claim: the command behind "trace --" is the user's who called sudo, and is no
 * more bound than without the trace: it can run a setuid program.
 */
TEST_F(command, may_become_root)
{
	char *args[] = { CLI_STATES_ONLY,
			 "--",
			 "sh",
			 "-c",
			 "grep NoNewPrivs /proc/self/status; id -u; \"$ID\" -u",
			 NULL };
	char *env[] = { "SUDO_UID=54321", "SUDO_GID=54322", NULL, NULL };
	const struct prog_setup setup = { .argv = args, .env = env };
	struct prog *prog = &self->cli.prog;
	char id[64];

	ASSERT_EQ(0, copy_id(self->dir, self->id));
	sprintf(id, "ID=%s", self->id);
	env[2] = id;
	ASSERT_EQ(0, cli_start(&self->cli, &setup));
	EXPECT_EQ(0, prog_finish(prog));
	EXPECT_NE(NULL, strstr(prog_text(prog, PROG_OUT),
			       "NoNewPrivs:\t0\n54321\n0\n"))
	{
		TH_LOG("%s", prog_text(prog, PROG_OUT));
	}
}

/* What a process holds of the kernel's BPF objects, by their ids. */
enum { PROGRAM, MAP, LINK, KINDS };

struct held {
	struct {
		__u32 id[128];
		size_t n;
	} of[KINDS];
};

static void held_add(struct held *held, int kind, __u32 id)
{
	size_t i;

	for (i = 0; i < held->of[kind].n; i++)
		if (held->of[kind].id[i] == id)
			return;
	if (i < 128)
		held->of[kind].id[held->of[kind].n++] = id;
}

/* Reads /proc/PID/fdinfo. */
static void held_by(pid_t pid, struct held *held)
{
	static const char *const words[] = { "prog_id: %u", "map_id: %u",
					     "link_id: %u" };
	char dir[64], path[400], line[256];
	struct dirent *entry;
	unsigned int id;
	FILE *info;
	DIR *fds;
	int kind;

	memset(held, 0, sizeof(*held));
	snprintf(dir, sizeof(dir), "/proc/%d/fdinfo", pid);
	fds = opendir(dir);
	while (fds && (entry = readdir(fds))) {
		snprintf(path, sizeof(path), "%s/%s", dir, entry->d_name);
		info = fopen(path, "re");
		while (info && fgets(line, sizeof(line), info))
			for (kind = 0; kind < KINDS; kind++)
				if (sscanf(line, words[kind], &id) == 1)
					held_add(held, kind, id);
		if (info)
			fclose(info);
	}
	if (fds)
		closedir(fds);
}

/* Is there any of them still, whoever may hold it? */
static bool held_exist(const struct held *held)
{
	static int (*const get[])(__u32 id) = { bpf_prog_get_fd_by_id,
						bpf_map_get_fd_by_id,
						bpf_link_get_fd_by_id };
	size_t kind, i;

	for (kind = 0; kind < KINDS; kind++) {
		for (i = 0; i < held->of[kind].n; i++) {
			int fd = get[kind](held->of[kind].id[i]);

			if (fd < 0 && errno == ENOENT)
				continue;
			close(fd);
			return true;
		}
	}
	return false;
}

FIXTURE(killed)
{
	struct cli cli;
	pid_t left; /* the command, which goes on */
};

FIXTURE_VARIANT(killed)
{
	char *args[6];
};

FIXTURE_VARIANT_ADD(killed, trace){};
FIXTURE_VARIANT_ADD(killed, with_command){
	.args = { CLI_STATES_ONLY, "--", "sh", "-c",
		  "echo pid $$ end >&2; exec sleep 60" },
};

FIXTURE_SETUP(killed)
{
	ASSERT_EQ(0, cli_init(&self->cli, AF_INET));
}

FIXTURE_TEARDOWN(killed)
{
	if (self->left)
		kill(self->left, SIGKILL);
	cli_free(&self->cli);
}

/*
 * Claim: a trace that is killed takes along all its programs, maps and links,
 * also while a command that it started goes on. The kernel frees them behind
 * its back, so they are waited for, each by its id.
 */
TEST_F(killed, leaves_nothing)
{
	const struct prog_setup setup = { .argv = variant->args };
	struct prog *prog = &self->cli.prog;
	struct held held, commands;
	const char *pid;
	uint64_t begin;

	ASSERT_EQ(0, cli_start(&self->cli, &setup));
	if (*variant->args) {
		ASSERT_EQ(0, prog_wait(prog, PROG_ERR, " end\n"));
		pid = strstr(prog_text(prog, PROG_ERR), "pid ");
		ASSERT_NE(NULL, pid);
		ASSERT_EQ(1, sscanf(pid, "pid %d", &self->left));
	}
	held_by(prog->pid, &held);
	EXPECT_LE(5, held.of[PROGRAM].n);
	EXPECT_LE(3, held.of[MAP].n);
	EXPECT_LE(4, held.of[LINK].n);
	EXPECT_TRUE(held_exist(&held));
	if (self->left) {
		held_by(self->left, &commands);
		EXPECT_FALSE(held_exist(&commands));
	}

	ASSERT_EQ(0, kill(prog->pid, SIGKILL));
	ASSERT_EQ(prog->pid, waitpid(prog->pid, NULL, 0));
	prog->pid = 0;
	begin = clock_now_ns();
	while (held_exist(&held))
		clock_pause(begin); /* the test's own time limit ends this */
	if (self->left)
		EXPECT_EQ(0, kill(self->left, 0));
}

TEST_HARNESS_MAIN
