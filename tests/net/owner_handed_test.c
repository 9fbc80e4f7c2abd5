// SPDX-License-Identifier: GPL-2.0
/*
 * Tests of the owner of a connection that reaches its process by other ways
 * than accept() by the listener: handed over by file descriptor, or accepted by
 * io_uring, in a worker that was forked before.
 */
#include <errno.h>
#include <json-c/json.h>
#include <linux/io_uring.h>
#include <sys/socket.h>

#include "tests/lib/play.h"
#include "tests/lib/uring.h"

#include <kselftest_harness.h>

#define BYTES 9

static int pair[2]; /* between the server and its worker */

static int do_make_pair(int arg)
{
	return socketpair(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0, pair) ?
		       -errno :
		       0;
}

/* A message of one byte with room for a file descriptor. */
struct letter {
	char byte;
	_Alignas(struct cmsghdr) char control[CMSG_SPACE(sizeof(int))];
	struct iovec iov;
	struct msghdr msg;
};

static void letter_init(struct letter *l)
{
	memset(l, 0, sizeof(*l));
	l->iov = (struct iovec){ .iov_base = &l->byte, .iov_len = 1 };
	l->msg = (struct msghdr){
		.msg_iov = &l->iov,
		.msg_iovlen = 1,
		.msg_control = l->control,
		.msg_controllen = sizeof(l->control),
	};
}

/* Hands the connection over, and has it no more. */
static int do_hand(int arg)
{
	struct cmsghdr *header;
	struct letter l;

	letter_init(&l);
	header = CMSG_FIRSTHDR(&l.msg);
	header->cmsg_level = SOL_SOCKET;
	header->cmsg_type = SCM_RIGHTS;
	header->cmsg_len = CMSG_LEN(sizeof(int));
	memcpy(CMSG_DATA(header), &actor_tcp.fd, sizeof(int));
	if (sendmsg(pair[0], &l.msg, 0) != 1)
		return -errno;
	return actor_close(0);
}

static int do_take(int arg)
{
	struct letter l;

	letter_init(&l);
	if (recvmsg(pair[1], &l.msg, MSG_CMSG_CLOEXEC) != 1)
		return -errno;
	memcpy(&actor_tcp.fd, CMSG_DATA(CMSG_FIRSTHDR(&l.msg)), sizeof(int));
	return 0;
}

/* A connection that waits to be accepted, with data, and a forked worker. */
static void prepare(struct __test_metadata *_metadata, struct play *play)
{
	ASSERT_EQ(0, play_init(play));
	ASSERT_EQ(0, play_join(play));
	ASSERT_EQ(0, actor_call(&play->server, actor_listen, 1));
	ASSERT_EQ(0, actor_call(&play->server, do_make_pair, 0));
	ASSERT_EQ(0, actor_fork(&play->server, &play->worker, "worker"));
	ASSERT_EQ(0, actor_call(&play->client, actor_connect, 0));
	ASSERT_EQ(0, actor_call(&play->client, actor_send, 2 * BYTES));
}

FIXTURE(handed)
{
	struct play play;
};

FIXTURE_SETUP(handed)
{
	prepare(_metadata, &self->play);
}

FIXTURE_TEARDOWN(handed)
{
	play_free(&self->play);
}

/* Of the event that came to this state, the owner: process, and how known. */
static void expect_owner(struct __test_metadata *_metadata,
			 const struct play *play, const char *state, pid_t pid,
			 const char *how)
{
	struct json_object *event = play_transition(play, &play->at_server,
						    state);

	ASSERT_NE(NULL, event);
	EXPECT_EQ(pid, (pid_t)witness_number(event, "pid"))
	{
		TH_LOG("%s", json_object_to_json_string(event));
	}
	EXPECT_STREQ(how, witness_string(event, "owner_how") ?: "absent");
}

/* Claim: accepted here, handed over unused, it is the one's who uses it. */
TEST_F(handed, unused)
{
	struct play *play = &self->play;

	ASSERT_EQ(0, actor_call(&play->server, actor_accept, 0));
	ASSERT_EQ(0, actor_call(&play->server, do_hand, 0));
	ASSERT_EQ(0, actor_call(&play->worker, do_take, 0));
	ASSERT_EQ(0, actor_call(&play->worker, actor_receive, BYTES));
	ASSERT_EQ(0, actor_call(&play->worker, actor_receive, BYTES));
	ASSERT_EQ(0, play_close(play, &play->worker));
	ASSERT_EQ(0, trace_stop(&play->trace));
	expect_owner(_metadata, play, "ESTABLISHED", play->server.pid,
		     "derived");
	expect_owner(_metadata, play, "CLOSE_WAIT", play->worker.pid,
		     "observed");
	expect_owner(_metadata, play, "LAST_ACK", play->worker.pid, "observed");
}

/* Claim: who has used it first stays its owner, whoever has it then. */
TEST_F(handed, used)
{
	struct play *play = &self->play;

	ASSERT_EQ(0, actor_call(&play->server, actor_accept, 0));
	ASSERT_EQ(0, actor_call(&play->server, actor_receive, BYTES));
	ASSERT_EQ(0, actor_call(&play->server, do_hand, 0));
	ASSERT_EQ(0, actor_call(&play->worker, do_take, 0));
	ASSERT_EQ(0, actor_call(&play->worker, actor_receive, BYTES));
	ASSERT_EQ(0, play_close(play, &play->worker));
	ASSERT_EQ(0, trace_stop(&play->trace));
	expect_owner(_metadata, play, "ESTABLISHED", play->server.pid,
		     "derived");
	expect_owner(_metadata, play, "CLOSE_WAIT", play->server.pid,
		     "observed");
	expect_owner(_metadata, play, "LAST_ACK", play->server.pid, "observed");
}

static int do_uring_accept(int worker)
{
	actor_tcp.fd = uring_do(IORING_OP_ACCEPT, actor_tcp.listener, NULL, 0,
				worker);
	return actor_tcp.fd < 0 ? actor_tcp.fd : 0;
}

static int do_uring_receive(int worker)
{
	char bytes[2 * BYTES];
	int n = uring_do(IORING_OP_RECV, actor_tcp.fd, bytes, sizeof(bytes),
			 worker);

	return n == sizeof(bytes) ? 0 : n < 0 ? n : -EPROTO;
}

FIXTURE(uring)
{
	struct play play;
};

FIXTURE_VARIANT(uring)
{
	bool worker; /* a thread of the kernel's does it */
};

FIXTURE_VARIANT_ADD(uring, itself){};
FIXTURE_VARIANT_ADD(uring, kernel_worker){ .worker = true };

FIXTURE_SETUP(uring)
{
	prepare(_metadata, &self->play);
}

FIXTURE_TEARDOWN(uring)
{
	play_free(&self->play);
}

/* Claim: so it is with what a worker accepts and receives by io_uring. */
TEST_F(uring, accept)
{
	struct play *play = &self->play;
	int err;

	err = actor_call(&play->worker, do_uring_accept, variant->worker);
	if (err == -ENOSYS || err == -EPERM)
		SKIP(return, "no io_uring");
	ASSERT_EQ(0, err);
	ASSERT_EQ(0,
		  actor_call(&play->worker, do_uring_receive, variant->worker));
	ASSERT_EQ(0, play_close(play, &play->worker));
	ASSERT_EQ(0, trace_stop(&play->trace));
	expect_owner(_metadata, play, "ESTABLISHED", play->server.pid,
		     "derived");
	expect_owner(_metadata, play, "CLOSE_WAIT", play->worker.pid,
		     "observed");
	expect_owner(_metadata, play, "LAST_ACK", play->worker.pid, "observed");
}

SHARED_HARNESS_MAIN(NULL)
