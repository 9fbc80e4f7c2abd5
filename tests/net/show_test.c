// SPDX-License-Identifier: GPL-2.0
/*
 * Tests of "tcbscope show" where there is no kernel module: every way to name a
 * socket, what is told of it, and how a watch ends.
 */
#include <arpa/inet.h>
#include <fcntl.h>
#include <linux/capability.h>
#include <poll.h>
#include <sched.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>

#include "tests/lib/caps.h"
#include "tests/lib/cli.h"
#include "tests/lib/conn.h"
#include "tests/lib/member.h"

#include <json-c/json.h>
#include <kselftest_harness.h>

#define NAME 160      /* of a socket */
#define REST 120      /* bytes that are not read */
#define TICK_US 10000 /* the longest tick there is */

FIXTURE(show)
{
	struct cli cli;
	int fd[2];	    /* the client's end, the server's */
	char name[2][NAME]; /* LOCAL,REMOTE of each */
	struct json_object *json;
};

FIXTURE_VARIANT(show)
{
	int family;
};

FIXTURE_VARIANT_ADD(show, ipv4){ .family = AF_INET };
FIXTURE_VARIANT_ADD(show, ipv6){ .family = AF_INET6 };

static void write_end(const struct sockaddr_storage *addr, char *to, size_t n)
{
	const struct sockaddr_in6 *in6 = (const void *)addr;
	const struct sockaddr_in *in = (const void *)addr;
	char text[INET6_ADDRSTRLEN];
	bool v6 = addr->ss_family == AF_INET6;

	inet_ntop(addr->ss_family,
		  v6 ? (void *)&in6->sin6_addr : (void *)&in->sin_addr, text,
		  sizeof(text));
	snprintf(to, n, v6 ? "[%s]:%u" : "%s:%u", text, ntohs(in->sin_port));
}

/* Its own end first. */
static int write_name(int fd, char to[NAME])
{
	struct sockaddr_storage own = {}, peer = {};
	socklen_t len = sizeof(own), peer_len = sizeof(peer);
	char local[64], remote[64];

	if (getsockname(fd, (struct sockaddr *)&own, &len) ||
	    getpeername(fd, (struct sockaddr *)&peer, &peer_len))
		return -errno;
	write_end(&own, local, sizeof(local));
	write_end(&peer, remote, sizeof(remote));
	snprintf(to, NAME, "%s,%s", local, remote);
	return 0;
}

static int connect_to(int fd, int family)
{
	struct sockaddr_in6 in6 = { .sin6_family = AF_INET6,
				    .sin6_port = htons(CLI_PORT),
				    .sin6_addr = IN6ADDR_LOOPBACK_INIT };
	struct sockaddr_in in = { .sin_family = AF_INET,
				  .sin_port = htons(CLI_PORT),
				  .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };

	return connect(fd,
		       family == AF_INET ? (struct sockaddr *)&in :
					   (struct sockaddr *)&in6,
		       family == AF_INET ? sizeof(in) : sizeof(in6));
}

static int client(int family)
{
	int fd = socket(family, SOCK_STREAM | SOCK_CLOEXEC, 0);

	return connect_to(fd, family) ? -errno : fd;
}

FIXTURE_SETUP(show)
{
	int i;

	memset(self, 0, sizeof(*self));
	ASSERT_EQ(0, cli_init(&self->cli, variant->family));
	self->fd[0] = client(variant->family);
	ASSERT_LT(0, self->fd[0]);
	self->fd[1] = accept4(self->cli.listener, NULL, NULL, SOCK_CLOEXEC);
	ASSERT_LT(0, self->fd[1]);
	for (i = 0; i < 2; i++)
		ASSERT_EQ(0, write_name(self->fd[i], self->name[i]));
}

FIXTURE_TEARDOWN(show)
{
	json_object_put(self->json);
	cli_free(&self->cli);
}

/* Runs "tcbscope show @options... @name". Its exit code or -errno. */
static int run(struct prog *prog, const char *options, const char *name)
{
	char copy[128],
		*argv[12] = { (char *)trace_program("tcbscope"), "show" };
	static char *const env[] = { "LC_ALL=C.UTF-8", "COLUMNS=80", NULL };
	const struct prog_setup setup = { .argv = argv, .env = env };
	char *word, *rest = copy;
	int n = 2;

	snprintf(copy, sizeof(copy), "%s", options);
	while ((word = strsep(&rest, " ")) && n < 10)
		if (*word)
			argv[n++] = word;
	argv[n] = (char *)name;
	prog_free(prog);
	return prog_run(prog, &setup);
}

static const char *out(const struct cli *cli)
{
	return prog_text(&cli->prog, PROG_OUT);
}

static const char *said(const struct cli *cli)
{
	return prog_text(&cli->prog, PROG_ERR);
}

/* The JSON of a socket; NULL: there is none. */
static struct json_object *look(struct cli *cli, struct json_object **last,
				const char *name)
{
	json_object_put(*last);
	*last = NULL;
	if (!run(&cli->prog, "-j -q", name))
		*last = json_tokener_parse(out(cli));
	return *last;
}

static const char *word(struct json_object *o, const char *name)
{
	return json_object_get_string(json_object_object_get(o, name)) ?: "";
}

/* By its two ends: what TCP_INFO and the application know of it. */
TEST_F(show, by_its_ends)
{
	struct json_object *json;
	struct tcp_info info = {};
	socklen_t len = sizeof(info);
	char data[REST + 30] = {};
	struct stat st;

	ASSERT_EQ((int)sizeof(data), send(self->fd[0], data, sizeof(data), 0));
	ASSERT_EQ(30, recv(self->fd[1], data, 30, MSG_WAITALL));
	ASSERT_EQ(0, fstat(self->fd[1], &st));
	ASSERT_EQ(0,
		  getsockopt(self->fd[1], IPPROTO_TCP, TCP_INFO, &info, &len));
	json = look(&self->cli, &self->json, self->name[1]);
	ASSERT_NE(NULL, json);
	EXPECT_STREQ("ESTABLISHED", word(json, "state"));
	EXPECT_STREQ("sock_diag", word(json, "via"));
	EXPECT_EQ((int64_t)st.st_ino, member_number(json, "inode"));
	EXPECT_EQ((int64_t)conn_cookie(self->fd[1]),
		  member_number(json, "identity.cookie"));
	EXPECT_EQ(REST, member_number(json, "receive_queue"));
	EXPECT_EQ(1 + 30 + REST, member_number(json, "receive.nxt"));
	EXPECT_EQ(1 + 30, member_number(json, "receive.copied"));
	EXPECT_EQ(1, member_number(json, "send.una"));
	EXPECT_EQ(1, member_number(json, "send.nxt"));
	EXPECT_EQ(info.tcpi_snd_cwnd, member_number(json, "congestion.cwnd"));
	EXPECT_EQ(info.tcpi_snd_mss, member_number(json, "send.mss"));
	EXPECT_EQ(info.tcpi_rto, member_number(json, "time.rto_us"));
	EXPECT_EQ(getpid(), member_number(json, "pid"));
	EXPECT_EQ(self->fd[1], member_number(json, "fd"));

	/* The other end is another socket; it has sent all that. */
	json = look(&self->cli, &self->json, self->name[0]);
	ASSERT_NE(NULL, json);
	EXPECT_EQ(1 + 30 + REST, member_number(json, "send.nxt"));
	EXPECT_EQ(1 + 30 + REST, member_number(json, "send.write"));
	EXPECT_EQ(0, member_number(json, "send_queue"));
}

/* The drawing of that, and the one line about the module. */
TEST_F(show, drawn)
{
	char data[REST] = {}, owner[64];

	ASSERT_EQ(REST, send(self->fd[0], data, REST, 0));
	ASSERT_EQ(0, run(&self->cli.prog, "", self->name[1]));
	EXPECT_NE(NULL, strstr(out(&self->cli), " ↔ "));
	EXPECT_NE(NULL, strstr(out(&self->cli), " ESTABLISHED\n"));
	snprintf(owner, sizeof(owner), "[%d] fd %d, cookie %llu,",
		 (int)getpid(), self->fd[1],
		 (unsigned long long)conn_cookie(self->fd[1]));
	EXPECT_NE(NULL, strstr(out(&self->cli), owner));
	EXPECT_NE(NULL, strstr(out(&self->cli), "  copied 1"));
	EXPECT_NE(NULL, strstr(out(&self->cli), "unread 120"));
	EXPECT_NE(NULL, strstr(out(&self->cli), "una=nxt=write 1 "));
	EXPECT_NE(NULL, strstr(out(&self->cli), "\nCONGESTION\n"));
	EXPECT_EQ(1, prog_lines(&self->cli.prog, PROG_ERR));
	EXPECT_NE(NULL, strstr(said(&self->cli), "modprobe tcbscope"));

	ASSERT_EQ(0, run(&self->cli.prog, "--ascii -q", self->name[1]));
	EXPECT_NE(NULL, strstr(out(&self->cli), " <-> "));
	for (const char *s = out(&self->cli); *s; s++)
		ASSERT_GT(0x7f, (unsigned char)*s);
	EXPECT_STREQ("", said(&self->cli));

	ASSERT_EQ(0, run(&self->cli.prog, "--explain -q", self->name[1]));
	EXPECT_NE(NULL, strstr(out(&self->cli), "SND.UNA, the first byte not "
						"acknowledged."));
}

/* By its cookie, however it is written, and by a descriptor: the same socket. */
TEST_F(show, by_cookie_and_descriptor)
{
	unsigned long long cookie = conn_cookie(self->fd[0]);
	static const char *const formats[] = { "%llu", "0x%llx", "sk:%llx" };
	char name[NAME];
	size_t i;

	for (i = 0; i < ARRAY_SIZE(formats); i++) {
		snprintf(name, sizeof(name), formats[i], cookie);
		ASSERT_NE(NULL, look(&self->cli, &self->json, name));
		EXPECT_EQ((int64_t)cookie,
			  member_number(self->json, "identity.cookie"));
	}
	snprintf(name, sizeof(name), "%d/%d", (int)getpid(), self->fd[0]);
	ASSERT_NE(NULL, look(&self->cli, &self->json, name));
	EXPECT_EQ((int64_t)cookie,
		  member_number(self->json, "identity.cookie"));
}

/* A listener: who waits, in order, with what, and who has gone. */
TEST_F(show, listener)
{
	struct json_object *children, *child;
	const char *text, *at;
	int waiting[3], i;
	char name[NAME];

	snprintf(name, sizeof(name), ":%d", CLI_PORT);
	for (i = 0; i < 3; i++) {
		waiting[i] = client(variant->family);
		ASSERT_LT(0, waiting[i]);
		do { /* ages are told in ticks of the kernel's clock */
			ASSERT_NE(NULL, look(&self->cli, &self->json, name));
			children = json_object_object_get(self->json, "child");
			ASSERT_EQ(i + 1U, json_object_array_length(children));
			child = json_object_array_get_idx(children, i);
		} while (member_number(child, "age_us") < TICK_US);
	}
	ASSERT_EQ(5, send(waiting[0], "hello", 5, 0));
	ASSERT_EQ(0, shutdown(waiting[1], SHUT_WR));
	ASSERT_NE(NULL, look(&self->cli, &self->json, name));
	EXPECT_EQ(3, member_number(self->json, "accept"));
	EXPECT_EQ(0, member_number(self->json, "syn"));
	children = json_object_object_get(self->json, "child");
	ASSERT_NE(NULL, children);
	ASSERT_EQ(3, json_object_array_length(children));
	for (i = 0; i < 3; i++) {
		struct sockaddr_in6 own; /* of either family the same port */
		socklen_t len = sizeof(own);

		ASSERT_EQ(0, getsockname(waiting[i], (struct sockaddr *)&own,
					 &len));
		child = json_object_array_get_idx(children, i);
		EXPECT_EQ(ntohs(own.sin6_port),
			  member_number(child, "identity.remote_port"));
		EXPECT_EQ(i ? 0 : 5, member_number(child, "receive_queue"));
		EXPECT_STREQ(i == 1 ? "CLOSE_WAIT" : "ESTABLISHED",
			     word(child, "state"));
	}

	/* And by its own address, drawn. */
	ASSERT_EQ(0, run(&self->cli.prog, "-q",
			 variant->family == AF_INET ? "0.0.0.0:7000" :
						      "[::]:7000"));
	text = out(&self->cli);
	EXPECT_NE(NULL, strstr(text, " LISTEN\n"));
	EXPECT_NE(NULL, strstr(text, "~accept queue 3/"));
	at = strstr(text, "CLOSE_WAIT");
	ASSERT_NE(NULL, at);
	EXPECT_NE(NULL, strstr(at, "client has closed"));
}

/* One whose SYN-ACK does not get through waits in the SYN queue. */
TEST_F(show, request)
{
	int fd = socket(variant->family,
			SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	struct json_object *request, *timer;
	char name[NAME], peer[NAME];
	const char *queue;

	ASSERT_EQ(0, conn_deafen(fd, true));
	ASSERT_EQ(-1, connect_to(fd, variant->family));
	ASSERT_EQ(EINPROGRESS, errno);
	snprintf(name, sizeof(name), ":%d", CLI_PORT);
	ASSERT_NE(NULL, look(&self->cli, &self->json, name));
	EXPECT_EQ(1, member_number(self->json, "syn"));
	EXPECT_EQ(0, member_number(self->json, "accept"));
	request = json_object_array_get_idx(json_object_object_get(self->json,
								   "request"),
					    0);
	ASSERT_NE(NULL, request);
	EXPECT_LE(0, member_number(request, "retransmits"));
	EXPECT_LT(0, member_number(request, "expires_us"));

	/* Drawn, and as a socket of its own. */
	snprintf(name, sizeof(name), "%lld",
		 (long long)member_number(request, "identity.cookie"));
	snprintf(peer, sizeof(peer), ":%lld ",
		 (long long)member_number(request, "identity.remote_port"));
	ASSERT_EQ(0, run(&self->cli.prog, "-q", ":7000"));
	queue = strstr(out(&self->cli), " SYN queue 1 ");
	ASSERT_NE(NULL, queue);
	EXPECT_NE(NULL, strstr(queue, peer));
	ASSERT_NE(NULL, look(&self->cli, &self->json, name));
	EXPECT_STREQ("NEW_SYN_RECV", word(self->json, "state"));
	timer = json_object_array_get_idx(json_object_object_get(self->json,
								 "timer"),
					  0);
	EXPECT_STREQ("SYN_ACK", word(timer, "kind"));
}

/* Two listeners at one address: each is named, none is shown. */
TEST_F(show, ambiguous)
{
	struct sockaddr_in6 in6 = { .sin6_family = AF_INET6,
				    .sin6_port = htons(81) };
	struct sockaddr_in in = { .sin_family = AF_INET,
				  .sin_port = htons(81) };
	char cookie[32];
	int fd[2], i, on = 1;

	for (i = 0; i < 2; i++) {
		fd[i] = socket(variant->family, SOCK_STREAM | SOCK_CLOEXEC, 0);
		ASSERT_EQ(0, setsockopt(fd[i], SOL_SOCKET, SO_REUSEPORT, &on,
					sizeof(on)));
		ASSERT_EQ(0, bind(fd[i],
				  variant->family == AF_INET ?
					  (struct sockaddr *)&in :
					  (struct sockaddr *)&in6,
				  variant->family == AF_INET ? sizeof(in) :
							       sizeof(in6)));
		ASSERT_EQ(0, listen(fd[i], 1));
	}
	EXPECT_EQ(1, run(&self->cli.prog, "", ":81"));
	EXPECT_NE(NULL, strstr(said(&self->cli), ":81 is 2 sockets"));
	EXPECT_STREQ("", out(&self->cli));
	for (i = 0; i < 2; i++) {
		snprintf(cookie, sizeof(cookie), "%llu",
			 (unsigned long long)conn_cookie(fd[i]));
		EXPECT_NE(NULL, strstr(said(&self->cli), cookie));
		EXPECT_EQ(0, run(&self->cli.prog, "-q", cookie));
		ASSERT_EQ(1, run(&self->cli.prog, "", ":81"));
	}
}

/* A socket that is in no table is shown to who has its descriptor, once. */
TEST_F(show, closed)
{
	int fd = socket(variant->family, SOCK_STREAM | SOCK_CLOEXEC, 0);
	char name[NAME];

	snprintf(name, sizeof(name), "%d/%d", (int)getpid(), fd);
	ASSERT_NE(NULL, look(&self->cli, &self->json, name));
	EXPECT_STREQ("CLOSE", word(self->json, "state"));
	EXPECT_LT(0, member_number(self->json, "memory.send_limit"));
	EXPECT_EQ(0, run(&self->cli.prog, "--watch=1ms", name));
	EXPECT_EQ(1, prog_lines(&self->cli.prog, PROG_OUT));
	EXPECT_NE(NULL, strstr(said(&self->cli), " is gone: 1 look in "));
}

/* One of another namespace, found there. Its process waits until it is told. */
TEST_F(show, other_namespace)
{
	struct {
		unsigned long long cookie;
		int fd;
	} its = {};
	int go[2], told[2], status;
	char name[NAME], byte;
	struct stat st;
	pid_t pid;

	ASSERT_EQ(0, pipe2(go, O_CLOEXEC));
	ASSERT_EQ(0, pipe2(told, O_CLOEXEC));
	pid = fork();
	ASSERT_LE(0, pid);
	if (!pid) {
		int fd;

		prctl(PR_SET_PDEATHSIG, SIGKILL);
		if (unshare(CLONE_NEWNET))
			_exit(1);
		fd = socket(variant->family, SOCK_STREAM, 0);
		if (listen(fd, 1))
			_exit(1);
		its.cookie = conn_cookie(fd);
		its.fd = fd;
		if (write(told[1], &its, sizeof(its)) != sizeof(its))
			_exit(1);
		close(go[1]);
		_exit(read(go[0], &byte, 1));
	}
	ASSERT_EQ((int)sizeof(its), read(told[0], &its, sizeof(its)));
	snprintf(name, sizeof(name), "/proc/%d/ns/net", (int)pid);
	ASSERT_EQ(0, stat(name, &st));
	snprintf(name, sizeof(name), "%llu", its.cookie);
	EXPECT_NE(NULL, look(&self->cli, &self->json, name));
	EXPECT_EQ((int64_t)st.st_ino, member_number(self->json, "netns"));
	EXPECT_EQ(pid, member_number(self->json, "pid"));
	snprintf(name, sizeof(name), "%d/%d", (int)pid, its.fd);
	EXPECT_NE(NULL, look(&self->cli, &self->json, name));
	EXPECT_EQ((int64_t)st.st_ino, member_number(self->json, "netns"));
	EXPECT_EQ((int64_t)its.cookie,
		  member_number(self->json, "identity.cookie"));
	close(go[1]);
	close(go[0]);
	ASSERT_EQ(pid, waitpid(pid, &status, 0));
	EXPECT_EQ(0, status);
}

static int start(struct prog *prog, char *const argv[], unsigned int columns)
{
	static char *const env[] = { "TERM=xterm", NULL };
	const struct prog_setup setup = {
		.argv = argv,
		.env = env,
		.columns = columns,
	};

	prog_free(prog);
	return prog_start(prog, &setup);
}

/* A watch looks again until the socket is gone; it keeps one capability. */
TEST_F(show, watch_until_gone)
{
	char *const argv[] = { (char *)trace_program("tcbscope"), "show",
			       "--watch=20ms", self->name[0], NULL };
	struct prog *prog = &self->cli.prog;
	struct linger linger = { .l_onoff = 1 };

	ASSERT_EQ(0, start(prog, argv, 0));
	ASSERT_EQ(0, prog_wait_lines(prog, PROG_OUT, 3));
	EXPECT_EQ(1ull << CAP_NET_ADMIN,
		  (uint64_t)caps_status(prog->pid, "CapEff"));
	EXPECT_EQ(1ull << CAP_NET_ADMIN,
		  (uint64_t)caps_status(prog->pid, "CapPrm"));
	EXPECT_EQ(1, caps_status(prog->pid, "NoNewPrivs"));
	ASSERT_EQ(0, setsockopt(self->fd[0], SOL_SOCKET, SO_LINGER, &linger,
				sizeof(linger)));
	close(self->fd[0]);
	EXPECT_EQ(0, prog_finish(prog));
	EXPECT_NE(NULL, strstr(said(&self->cli), " is gone: "));
	EXPECT_NE(NULL, strstr(said(&self->cli), ", last in ESTABLISHED"));
	self->json = json_tokener_parse(out(&self->cli));
	EXPECT_NE(NULL, self->json);
}

/* Ctrl-C ends it; on a terminal each drawing takes the place of the last. */
TEST_F(show, watch_on_terminal)
{
	char *const argv[] = { (char *)trace_program("tcbscope"),
			       "show",
			       "-q",
			       "--watch=20ms",
			       self->name[0],
			       NULL };
	char *const quiet[] = { (char *)trace_program("tcbscope"), "show",
				"--watch=1h", self->name[0], NULL };
	struct prog *prog = &self->cli.prog;

	ASSERT_EQ(0, start(prog, argv, 100));
	ASSERT_EQ(0, prog_wait(prog, PROG_OUT, "\033[H"));
	ASSERT_EQ(0, prog_wait(prog, PROG_OUT, "\033[J\033[H"));
	ASSERT_EQ(0, kill(prog->pid, SIGINT));
	EXPECT_EQ(0, prog_finish(prog));

	/* However long it would have slept. */
	ASSERT_EQ(0, start(prog, quiet, 0));
	ASSERT_EQ(0, prog_wait_lines(prog, PROG_OUT, 1));
	ASSERT_EQ(0, kill(prog->pid, SIGINT));
	EXPECT_EQ(0, prog_finish(prog));
	EXPECT_NE(NULL, strstr(said(&self->cli), ": 1 look in "));
}

/* Nobody without any capability sees what every user may see. */
TEST_F(show, without_privileges)
{
	static const int none[] = { -1 };
	char *const argv[] = { (char *)trace_program("tcbscope"), "show", "-j",
			       self->name[0], NULL };
	char owned[32];
	char *const other[] = { (char *)trace_program("tcbscope"), "show",
				owned, NULL };
	struct prog_setup setup = { .argv = argv,
				    .uid = CAPS_NOBODY,
				    .caps = none };

	ASSERT_EQ(0, prog_run(&self->cli.prog, &setup));
	self->json = json_tokener_parse(out(&self->cli));
	EXPECT_STREQ("ESTABLISHED", word(self->json, "state"));
	EXPECT_EQ(-1, member_number(self->json, "pid"));

	snprintf(owned, sizeof(owned), "%d/%d", (int)getpid(), self->fd[0]);
	setup.argv = other;
	prog_free(&self->cli.prog);
	EXPECT_EQ(3, prog_run(&self->cli.prog, &setup));
	EXPECT_NE(NULL, strstr(said(&self->cli), "needs CAP_SYS_PTRACE"));
}

FIXTURE(names)
{
	struct cli cli;
};

FIXTURE_SETUP(names)
{
	ASSERT_EQ(0, cli_init(&self->cli, AF_INET));
}

FIXTURE_TEARDOWN(names)
{
	cli_free(&self->cli);
}

/* What is not there, or no socket, or no name of one. */
TEST_F(names, wrong)
{
	static const struct {
		const char *name;
		int code;
		const char *says;
	} names[] = {
		{ "127.0.0.1:1,127.0.0.1:2", 1, "no such socket: 127." },
		{ "[::1]:1,[::1]:2", 1, "no such socket: [::1]:1,[::1]:2" },
		{ "[::1]:1,127.0.0.1:2", 2, "not a socket: " },
		{ "18446744073709551615", 1, "no such socket: 1844" },
		{ "18446744073709551616", 2, "not a socket: " },
		{ "0", 2, "not a socket: '0'" },
		{ ":1", 1, "no such socket: :1" },
		{ ":0", 2, "not a socket: ':0'" },
		{ ":99999", 2, "not a socket: " },
		{ "localhost:80", 2, "not a socket: 'localhost:80'" },
		{ "sk:", 2, "not a socket: 'sk:'" },
		{ "sk:xyz", 2, "not a socket: " },
		{ "1/2/3", 2, "not a socket: '1/2/3'" },
		{ "1/", 2, "not a socket: '1/'" },
		{ "/7", 2, "not a socket: '/7'" },
		{ "", 2, "not a socket: ''" },
		{ "\033[2J", 2, "\\x1b[2J" },
		{ "2147483647/1", 1, "there is no process 2147483647" },
	};
	char name[NAME];
	size_t i;
	int fd;

	for (i = 0; i < ARRAY_SIZE(names); i++) {
		EXPECT_EQ(names[i].code,
			  run(&self->cli.prog, "", names[i].name));
		EXPECT_NE(NULL, strstr(said(&self->cli), names[i].says))
		{
			TH_LOG("%s: %s", names[i].name, said(&self->cli));
		}
		EXPECT_STREQ("", out(&self->cli));
	}
	snprintf(name, sizeof(name), "%d/99", (int)getpid());
	EXPECT_EQ(1, run(&self->cli.prog, "", name));
	EXPECT_NE(NULL, strstr(said(&self->cli), "has no file descriptor 99"));
	fd = open("/dev/null", O_RDONLY | O_CLOEXEC);
	snprintf(name, sizeof(name), "%d/%d", (int)getpid(), fd);
	EXPECT_EQ(1, run(&self->cli.prog, "", name));
	EXPECT_NE(NULL, strstr(said(&self->cli), "not a TCP socket"));
	fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	snprintf(name, sizeof(name), "%d/%d", (int)getpid(), fd);
	EXPECT_EQ(1, run(&self->cli.prog, "", name));
	EXPECT_NE(NULL, strstr(said(&self->cli), "not a TCP socket"));
	EXPECT_EQ(2, run(&self->cli.prog, "--watch=0", ":7000"));
	EXPECT_EQ(2, run(&self->cli.prog, "1", "2"));
	EXPECT_EQ(2, run(&self->cli.prog, "", NULL));
}

TEST_HARNESS_MAIN
