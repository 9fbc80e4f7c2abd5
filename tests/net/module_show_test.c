// SPDX-License-Identifier: GPL-2.0
/* Tests of "tcbscope show" with the kernel module: what is drawn is true. */
#include <arpa/inet.h>
#include <fcntl.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/syscall.h>

#include "lib/clock.h"
#include "tests/lib/conn.h"
#include "tests/lib/kmod.h"
#include "tests/lib/member.h"
#include "tests/lib/prog.h"

#include <json-c/json.h>
#include <kselftest_harness.h>

#define PATIENCE_NS (20 * NSEC_PER_SEC)
#define PAUSE_MS 50  /* between two looks: each starts a program */
#define SEGMENT 1000 /* bytes; two of them are no segment */
#define CLIENTS 3

static void __attribute__((constructor)) need_module(void)
{
	kmod_or_skip();
}

FIXTURE(show)
{
	struct conn conn;
	struct prog prog;
	struct json_object *json;
	int client[CLIENTS]; /* 0: none */
};

FIXTURE_SETUP(show)
{
	memset(self, 0, sizeof(*self));
	ASSERT_EQ(0, conn_stage(&self->conn, AF_INET6));
	ASSERT_EQ(0, kmod_load());
}

FIXTURE_TEARDOWN(show)
{
	int i;

	for (i = 0; i < CLIENTS; i++)
		if (self->client[i] > 0)
			close(self->client[i]);
	json_object_put(self->json);
	prog_free(&self->prog);
	conn_free(&self->conn);
	EXPECT_EQ(0, kmod_unload());
}

/* "tcbscope show @option PID/FD" of a descriptor of ours: what it prints. */
static const char *show(struct prog *prog, const char *option, int fd)
{
	char name[32];
	char *const argv[] = { (char *)trace_program("tcbscope"), "show",
			       (char *)option, name, NULL };
	static char *const env[] = { "LC_ALL=C.UTF-8", "COLUMNS=80", NULL };
	const struct prog_setup setup = { .argv = argv, .env = env };

	snprintf(name, sizeof(name), "%d/%d", (int)getpid(), fd);
	prog_free(prog);
	if (prog_run(prog, &setup) || *prog_text(prog, PROG_ERR)) {
		fprintf(stderr, "%s", prog_text(prog, PROG_ERR));
		return "";
	}
	return prog_text(prog, PROG_OUT);
}

/* The same as JSON; NULL: it is none. */
static struct json_object *look(struct prog *prog, struct json_object **last,
				int fd)
{
	json_object_put(*last);
	*last = json_tokener_parse(show(prog, "-j", fd));
	return *last;
}

/* Has an array of words this one? */
static bool has(struct json_object *words, const char *word)
{
	size_t i;

	for (i = 0; words && i < json_object_array_length(words); i++)
		if (!strcmp(json_object_get_string(
				    json_object_array_get_idx(words, i)),
			    word))
			return true;
	return false;
}

static char sign_of(struct json_object *segment)
{
	struct json_object *marks = json_object_object_get(segment, "marks");

	return has(marks, "SACKED")		? 'S' :
	       has(marks, "RETRANSMITTED")	? 'R' :
	       has(marks, "LOST")		? 'L' :
	       has(marks, "EVER_RETRANSMITTED") ? 'E' :
						  '.';
}

/* The scoreboard as its marks, of which nobody has made a drawing, tell it. */
static void board_of(struct json_object *json, char *to, size_t size)
{
	struct json_object *segments = json_object_object_get(json, "segment");
	size_t i, n = 0;
	int64_t packets;

	*to = '\0';
	for (i = 0; segments && i < json_object_array_length(segments); i++) {
		struct json_object *s = json_object_array_get_idx(segments, i);

		if (strcmp("RETRANSMIT",
			   json_object_get_string(
				   json_object_object_get(s, "queue"))))
			continue;
		packets = member_number(s, "packets");
		for (; packets > 0 && n + 1 < size; packets--)
			to[n++] = sign_of(s);
		to[n] = '\0';
	}
}

/* A closed gate: all of them come at once. Those that begin with x are lost. */
static int send_all(struct conn *c, const char *first)
{
	char data[SEGMENT] = {};
	int err = gate_close(&c->gate);

	for (; !err && *first; first++) {
		data[0] = *first;
		if (send(c->fd[0], data, sizeof(data), 0) != sizeof(data))
			err = -EIO;
	}
	return err ?: gate_open(&c->gate);
}

/*
 * Of six segments two are lost, also when they are sent again: after a timeout
 * the first is under way, the second lost, and the peer has the others. The
 * drawing says what the attributes say, before and after it.
 */
TEST_F(show, scoreboard)
{
	uint64_t deadline = clock_now_ns() + PATIENCE_NS;
	struct conn *c = &self->conn;
	char before[32], after[32], drawn[64];
	const char *text;

	ASSERT_EQ(0, conn_open(c));
	ASSERT_EQ(0, conn_option(c, 0, IPPROTO_TCP, TCP_NODELAY, 1));
	ASSERT_EQ(0, conn_lose(c->fd[1], 'x'));
	ASSERT_EQ(0, send_all(c, "yxxyyy"));
	do {
		poll(NULL, 0, PAUSE_MS);
		ASSERT_GT(deadline, clock_now_ns());
		ASSERT_NE(NULL, look(&self->prog, &self->json, c->fd[0]));
		board_of(self->json, before, sizeof(before));
		text = show(&self->prog, "-q", c->fd[0]);
		snprintf(drawn, sizeof(drawn), "\n       %4d  %s\n",
			 1 + SEGMENT, before);
		if (!strstr(text, drawn) || strcmp(before, "RLSSS"))
			continue;
		ASSERT_NE(NULL, strstr(text, "  L lost 1  R resent 1  S "
					     "sacked 3\n"));
		look(&self->prog, &self->json, c->fd[0]);
		board_of(self->json, after, sizeof(after));
	} while (strcmp(before, after));
	EXPECT_EQ(member_number(self->json, "send.iss") + 1 + SEGMENT,
		  member_number(self->json, "send.una"));
	EXPECT_EQ(-1, member_number(self->json, "derived"));

	/* The peer has it as a block behind a gap. */
	text = show(&self->prog, "-q", c->fd[1]);
	EXPECT_NE(NULL, strstr(text, "OUT OF ORDER  3000 bytes in 1 range"));
	EXPECT_NE(NULL, strstr(text, "\n  3001:6001\n"));
	EXPECT_NE(NULL, strstr(text, "█"));
	EXPECT_NE(NULL, strstr(text, "unread 1000"));
}

/* A listener's connections stand in the order in which they came. */
TEST_F(show, listener)
{
	uint64_t deadline = clock_now_ns() + PATIENCE_NS;
	struct conn *c = &self->conn;
	struct sockaddr_in6 own;
	socklen_t len;
	const char *text;
	char address[INET6_ADDRSTRLEN], peer[64];
	int i;

	ASSERT_EQ(0, conn_listen(c));
	for (i = 0; i < CLIENTS; i++) {
		self->client[i] = conn_socket(c, 0);
		ASSERT_LT(0, self->client[i]);
		connect(self->client[i], (struct sockaddr *)&c->addr[1],
			c->len);
		do {
			poll(NULL, 0, 1);
			ASSERT_GT(deadline, clock_now_ns());
			ASSERT_NE(NULL,
				  look(&self->prog, &self->json, c->listener));
		} while (member_number(self->json, "accept") != i + 1);
	}
	text = show(&self->prog, "-q", c->listener);
	for (i = 0; i < CLIENTS; i++) {
		len = sizeof(own);
		ASSERT_EQ(0, getsockname(self->client[i],
					 (struct sockaddr *)&own, &len));
		inet_ntop(AF_INET6, &own.sin6_addr, address, sizeof(address));
		snprintf(peer, sizeof(peer), "%d [%s]:%u ", i + 1, address,
			 ntohs(own.sin6_port));
		EXPECT_NE(NULL, strstr(text, peer))
		{
			TH_LOG("%s is not in %s", peer, text);
		}
	}
	EXPECT_NE(NULL, strstr(text, " accept queue 3/8 "));
	EXPECT_NE(NULL, strstr(text, " SYN queue 0 "));
}

/* When the module goes, a watch goes on without, and says so. */
TEST_F(show, module_goes)
{
	char name[32];
	char *const argv[] = { (char *)trace_program("tcbscope"), "show",
			       "--watch=20ms", name, NULL };
	const struct prog_setup setup = { .argv = argv };
	struct conn *c = &self->conn;

	ASSERT_EQ(0, conn_open(c));
	snprintf(name, sizeof(name), "%d/%d", (int)getpid(), c->fd[0]);
	ASSERT_EQ(0, prog_start(&self->prog, &setup));
	ASSERT_EQ(0, prog_wait(&self->prog, PROG_OUT, "\"via\":\"module\""));
	ASSERT_EQ(0, kmod_unload());
	EXPECT_EQ(0, prog_wait(&self->prog, PROG_OUT, "\"via\":\"sock_diag\""));
	EXPECT_EQ(0, prog_wait(&self->prog, PROG_ERR,
			       "the kernel module is gone"));
	ASSERT_EQ(0, conn_reset(c, 0));
	EXPECT_EQ(0, prog_finish(&self->prog));
	EXPECT_NE(NULL, strstr(prog_text(&self->prog, PROG_ERR), " is gone: "));
	ASSERT_EQ(0, kmod_load()); /* for the end of the test */
}

/* The module's file with another version of the family in it, loaded. */
static int load_other_version(void)
{
	static const struct {
		char name[16]; /* GENL_NAMSIZ */
		uint32_t version;
	} family = { TCBSCOPE_FAMILY_NAME, TCBSCOPE_FAMILY_VERSION };
	const uint32_t other = TCBSCOPE_FAMILY_VERSION + 1;
	static char file[1 << 22];
	char path[4096], *at;
	int fd, memory, err;
	ssize_t n;

	snprintf(path, sizeof(path), "%s/tcbscope.ko",
		 getenv("TCBSCOPE_BUILD") ?: ".");
	fd = open(path, O_RDONLY | O_CLOEXEC);
	n = read(fd, file, sizeof(file));
	close(fd);
	at = n > 0 ? memmem(file, n, &family, sizeof(family)) : NULL;
	if (!at)
		return -ENOENT;
	memcpy(at + sizeof(family.name), &other, sizeof(other));
	memory = memfd_create("tcbscope.ko", MFD_CLOEXEC);
	err = write(memory, file, n) == n &&
			      !syscall(SYS_finit_module, memory, "", 0) ?
		      0 :
		      -errno;
	close(memory);
	return err;
}

/* A module of another version is not asked, and not taken for none. */
TEST_F(show, other_version)
{
	char name[32];
	char *const argv[] = { (char *)trace_program("tcbscope"), "show", name,
			       NULL };
	const struct prog_setup setup = { .argv = argv };

	ASSERT_EQ(0, conn_open(&self->conn));
	snprintf(name, sizeof(name), "%d/%d", (int)getpid(), self->conn.fd[0]);
	ASSERT_EQ(0, kmod_unload());
	ASSERT_EQ(0, load_other_version());
	EXPECT_EQ(1, prog_run(&self->prog, &setup));
	EXPECT_NE(NULL, strstr(prog_text(&self->prog, PROG_ERR),
			       "why:  its protocol is of another version"));
	EXPECT_STREQ("", prog_text(&self->prog, PROG_OUT));
}

TEST_HARNESS_MAIN
