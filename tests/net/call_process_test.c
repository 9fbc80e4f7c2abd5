// SPDX-License-Identifier: GPL-2.0
/* Tests of the call events: whose are wanted, what else, and that none are. */
#include <bpf/bpf.h>
#include <dirent.h>
#include <errno.h>
#include <netinet/in.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "lab/netns.h"
#include "tests/lib/calls.h"
#include "tests/lib/conn.h"

#include <kselftest_harness.h>

FIXTURE(process)
{
	struct calls c;
	pid_t child;
};

FIXTURE_SETUP(process)
{
	memset(self, 0, sizeof(*self));
	self->c.listener = self->c.client = self->c.server = -1;
}

FIXTURE_TEARDOWN(process)
{
	if (self->child > 0) {
		kill(self->child, SIGKILL);
		waitpid(self->child, NULL, 0);
	}
	calls_free(&self->c);
}

#define EXIT(op, n) calls_nth(&self->c, op, "exit", n)
#define ENTER(op, n) calls_nth(&self->c, op, "enter", n)

/* Waits until the child has ended. Its wait status, or -errno. */
static int wait_child(pid_t *child)
{
	pid_t pid = *child;
	int status;

	*child = 0;
	return waitpid(pid, &status, 0) == pid ? status : -errno;
}

/* The names of the BPF programs that a process holds, each with a blank. */
static void list_programs(pid_t pid, char *names, size_t size)
{
	struct bpf_prog_info info;
	char path[300], line[128];
	struct dirent *entry;
	__u32 id, len;
	FILE *file;
	DIR *dir;
	int fd;

	*names = '\0';
	snprintf(path, sizeof(path), "/proc/%d/fdinfo", pid);
	dir = opendir(path);
	while (dir && (entry = readdir(dir))) {
		snprintf(path, sizeof(path), "/proc/%d/fdinfo/%s", pid,
			 entry->d_name);
		file = fopen(path, "r");
		while (file && fgets(line, sizeof(line), file)) {
			if (sscanf(line, "prog_id: %u", &id) != 1)
				continue;
			memset(&info, 0, sizeof(info));
			len = sizeof(info);
			fd = bpf_prog_get_fd_by_id(id);
			if (fd < 0 || bpf_obj_get_info_by_fd(fd, &info, &len))
				continue;
			close(fd);
			snprintf(names + strlen(names), size - strlen(names),
				 "%s ", info.name);
		}
		if (file)
			fclose(file);
	}
	if (dir)
		closedir(dir);
}

/*
 * Claim: of a process that was not asked for nothing is told, and of a socket
 * whose ports were not asked for nothing either. The trace has its programs.
 */
TEST_F(process, others)
{
	char pid[16], names[8192];
	char *also[] = { "--pid", pid, "--dport", "2000", NULL };
	struct calls *c = &self->c;

	snprintf(pid, sizeof(pid), "%d", getpid());
	ASSERT_EQ(0, calls_start(c, AF_INET, also));
	EXPECT_TRUE(trace_has_hook(&c->trace, "call_enter"));
	list_programs(c->trace.pid, names, sizeof(names));
	EXPECT_NE(NULL, strstr(names, "call_enter "));
	EXPECT_NE(NULL, strstr(names, "call_exit "));
	ASSERT_EQ(0, calls_open(c, 0));
	self->child = fork();
	if (!self->child)
		_exit(send(c->client, "a", 1, 0) != 1);
	ASSERT_LT(0, self->child);
	ASSERT_EQ(0, wait_child(&self->child));
	ASSERT_EQ(2, send(c->client, "bc", 2, 0));
	ASSERT_EQ(1, send(c->server, "a", 1, 0));
	ASSERT_EQ(0, calls_stop(c));

	EXPECT_EQ(0, calls_count(c, "socket", "exit"));
	EXPECT_EQ(0, calls_count(c, "bind", "exit"));
	EXPECT_EQ(1, calls_count(c, "connect", "exit"));
	EXPECT_EQ(0, calls_count(c, "accept4", "exit"));
	ASSERT_EQ(1, calls_count(c, "sendto", "exit"));
	ASSERT_EQ(1, calls_count(c, "sendto", "enter"));
	EXPECT_EQ(2, calls_number(EXIT("sendto", 0), "result"));
	EXPECT_EQ(c->client, calls_number(EXIT("sendto", 0), "fd"));
}

/* Claim: nothing is there for calls unless they are asked for. */
TEST_F(process, off)
{
	char *args[] = { "--netns", "self", NULL };
	char names[8192];

	ASSERT_EQ(0, trace_start(&self->c.trace, args));
	EXPECT_FALSE(trace_has_hook(&self->c.trace, "call_enter"));
	list_programs(self->c.trace.pid, names, sizeof(names));
	EXPECT_NE(NULL, strstr(names, "state_first "));
	EXPECT_EQ(NULL, strstr(names, "call_"));
	EXPECT_EQ(NULL, strstr(names, "uring_"));
}

/*
 * Claim: with queue events, too, there is one program at the end of calls, and
 * it sees what is accepted.
 */
TEST_F(process, with_queues)
{
	static const struct sighting queue = { .type = "queue" };
	char *also[] = { "--events", "queue,call", NULL };
	struct calls *c = &self->c;
	struct json_object *e;
	size_t from = 0;

	ASSERT_EQ(0, calls_start(c, AF_INET, also));
	EXPECT_TRUE(trace_has_hook(&c->trace, "call_exit"));
	EXPECT_FALSE(trace_has_hook(&c->trace, "queue_accepts"));
	ASSERT_EQ(0, calls_open(c, 0));
	ASSERT_EQ(0, calls_stop(c));
	EXPECT_EQ(1, calls_count(c, "accept4", "exit"));
	do
		e = witness_next(c->trace.witness, &queue, &from);
	while (e && strcmp(calls_text(e, "op"), "accepted"));
	ASSERT_NE(NULL, e);
	EXPECT_STREQ("observed", calls_text(e, "how"));
	EXPECT_EQ(c->server, calls_number(e, "fd"));
}

/* Claim: of a command, calls are told unasked, and of nobody else. */
TEST_F(process, command)
{
	static char script[] = "exec 3<>/dev/tcp/127.0.0.1/2000; echo a >&3";
	char *args[] = { "--netns", "self", "--", "bash", "-c", script, NULL };
	struct sockaddr_in at = { .sin_family = AF_INET,
				  .sin_port = htons(CALLS_PORT) };
	struct calls *c = &self->c;
	int netns = netns_create();

	ASSERT_LE(0, netns);
	ASSERT_EQ(0, netns_enter(netns));
	close(netns);
	c->listener = socket(AF_INET, SOCK_STREAM, 0);
	ASSERT_EQ(0, bind(c->listener, (void *)&at, sizeof(at)));
	ASSERT_EQ(0, listen(c->listener, 1));
	ASSERT_EQ(0, trace_start(&c->trace, args));
	c->server = accept(c->listener, NULL, NULL);
	ASSERT_LE(0, c->server);
	ASSERT_EQ(0, witness_finish(c->trace.witness, TRACE_PATIENCE_NS));
	EXPECT_TRUE(witness_complete(c->trace.witness));

	EXPECT_EQ(0, calls_count(c, "accept", "enter"));
	ASSERT_EQ(1, calls_count(c, "connect", "exit"));
	EXPECT_EQ(CALLS_PORT, calls_number(EXIT("connect", 0), "to_port"));
	EXPECT_STREQ("bash", calls_text(EXIT("connect", 0), "comm"));
	EXPECT_LE(1, calls_count(c, "write", "exit"));
}

TEST_HARNESS_MAIN
