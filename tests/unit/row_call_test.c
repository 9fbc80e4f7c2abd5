// SPDX-License-Identifier: GPL-2.0
/* Calls as text and JSON, written from events through the whole pipeline. */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <sys/socket.h>

#include "event/filter.h"
#include "tests/lib/events.h"
#include "tests/lib/page.h"

#include <kselftest_harness.h>
#include <string.h>

#define START PAGE_START

FIXTURE(row_call)
{
	struct page page;
};

FIXTURE_SETUP(row_call)
{
	ASSERT_EQ(0, page_init(&self->page));
	ASSERT_EQ(0, page_text(&self->page, 80, false));
}

FIXTURE_TEARDOWN(row_call)
{
	page_free(&self->page);
}

/* A call of socket 1, at @us microseconds; nothing is known of it. */
static struct event_call call(unsigned int us, int nr, enum call_op op,
			      enum call_phase phase)
{
	struct event_state s = events_state(START + us * 1000, 1, 2000, 2001,
					    TCB_STATE_CLOSE, TCB_STATE_CLOSE);
	struct event_call c = {
		.ev = s.ev,
		.call = nr,
		.duration_ns = ~0ull,
		.result = CALL_NO_VALUE,
		.optval = CALL_NO_VALUE,
		.len = ~0ull,
		.op = op,
		.phase = phase,
		.via = CALL_VIA_syscall,
		.shut = 255,
		.fd = 3,
		.epfd = ~0u,
		.backlog = ~0u,
		.level = ~0u,
		.optname = ~0u,
	};

	c.ev.type = EVENT_call;
	c.ev.tid = c.ev.pid;
	return c;
}

static struct event_call returns(struct event_call c, unsigned int us,
				 int result)
{
	c.phase = CALL_PHASE_exit;
	c.duration_ns = us * 1000;
	c.ev.ts_ns += us * 1000;
	c.result = result < 0 ? -1 : result;
	c.err = result < 0 ? -result : 0;
	return c;
}

static void push(struct pipeline *p, struct event_call c)
{
	pipeline_push(p, &c, sizeof(c));
}

/* Both events of a call of which nothing else comes between. */
static void push_both(struct pipeline *p, struct event_call c, int result)
{
	push(p, c);
	push(p, returns(c, 2, result));
}

/* One line for a call that returns at once; two if something comes between. */
TEST_F(row_call, lines)
{
	static const char expected[] =
		"     TIME SOCK PORTS       EVENT                     CAUSE      DETAIL\n"
		"          + #1 app[100] 10.0.0.1:2000 - 10.0.0.2:2001\n"
		" 0.000003 #1   2000-2001   shutdown(3, WR) = 0                  2us\n"
		" 0.000010 #1   2000-2001   connect(3, 10.0.0.2:2001) ...\n"
		" 0.000011 #1   2000>2001   CLOSE -> SYN_SENT         connect()\n"
		" 0.000015 #1   2000>2001   ... connect(3, 10.0.0.2:2001) = -1 EINPROGRESS 5us\n"
		" 0.000020 #1   2000>2001   recvfrom(3, 100) ...\n";
	struct event_call c = call(1, 1, CALL_shutdown, CALL_PHASE_enter);
	struct event_state s = events_state(START + 11000, 1, 2000, 2001,
					    TCB_STATE_CLOSE,
					    TCB_STATE_SYN_SENT);

	c.shut = SHUT_HOW_WR;
	push_both(self->page.pipeline, c, 0);
	c = call(10, 2, CALL_connect, CALL_PHASE_enter);
	c.to_family = FAMILY_INET;
	c.to = c.ev.raddr;
	c.to_port = 2001;
	push(self->page.pipeline, c);
	pipeline_push(self->page.pipeline, &s, sizeof(s));
	push(self->page.pipeline, returns(c, 5, -EINPROGRESS));
	c = call(20, 3, CALL_recvfrom, CALL_PHASE_enter);
	c.len = 100;
	push(self->page.pipeline, c);
	EXPECT_STREQ(expected, page_finish(&self->page));
}

/* A call that lasts is shown while it does. */
TEST_F(row_call, lasting)
{
	push(self->page.pipeline, call(1, 1, CALL_accept, CALL_PHASE_enter));
	ASSERT_EQ(0, pipeline_release(self->page.pipeline, START + 50000000));
	ASSERT_EQ(0, pipeline_flush(self->page.pipeline, START + 50000000));
	fflush(self->page.file);
	EXPECT_EQ(NULL, strstr(self->page.text, "accept"));
	ASSERT_EQ(0, pipeline_flush(self->page.pipeline, START + 200000000));
	fflush(self->page.file);
	EXPECT_NE(NULL, strstr(self->page.text, "accept(3) ...\n"));
}

/* What each call has for arguments, in words. */
TEST_F(row_call, arguments)
{
	struct event_call c = call(1, 1, CALL_socket, CALL_PHASE_enter);
	static const char *const expected[] = {
		"socket(AF_INET, SOCK_NONBLOCK|SOCK_CLOEXEC) = 4",
		"listen(-1, 128) = -1 EBADF",
		"setsockopt(3, TCP_LINGER2, -1) = 0",
		"getsockopt(3, 1, 99) = 0",
		"sendto(3, 10, MSG_NOSIGNAL|0x10000000) = 10",
		"fcntl(3, F_SETFL, O_NONBLOCK) = 0",
		"epoll_ctl(7, ADD, 3, IN|ET) = 0",
		"poll(3, IN) = 1",
		"read(3) = ? interrupted",
	};
	const char *at, *text;
	unsigned int i;

	c.fd = ~0u;
	c.flags = SOCK_NONBLOCK | SOCK_CLOEXEC;
	push_both(self->page.pipeline, c, 4);
	c = call(11, 2, CALL_listen, CALL_PHASE_enter);
	c.fd = ~0u;
	c.backlog = 128;
	push_both(self->page.pipeline, c, -EBADF);
	c = call(21, 3, CALL_setsockopt, CALL_PHASE_enter);
	c.level = 6;
	c.optname = 8;
	c.option = SOCKOPT_TCP_LINGER2;
	c.optval = -1;
	push_both(self->page.pipeline, c, 0);
	c = call(31, 4, CALL_getsockopt, CALL_PHASE_enter);
	c.level = 1;
	c.optname = 99;
	push_both(self->page.pipeline, c, 0);
	c = call(41, 5, CALL_sendto, CALL_PHASE_enter);
	c.len = 10;
	c.flags = MSG_NOSIGNAL | 0x10000000;
	push_both(self->page.pipeline, c, 10);
	c = call(51, 6, CALL_fcntl, CALL_PHASE_enter);
	c.cmd = FCNTL_F_SETFL;
	c.flags = O_NONBLOCK;
	push_both(self->page.pipeline, c, 0);
	c = call(61, 7, CALL_epoll_ctl, CALL_PHASE_enter);
	c.epfd = 7;
	c.epoll_op = EPOLL_OP_ADD;
	c.wanted = POLLIN | 1u << 31;
	push_both(self->page.pipeline, c, 0);
	c = call(71, 8, CALL_poll, CALL_PHASE_enter);
	c.wanted = POLLIN;
	push_both(self->page.pipeline, c, 1);
	c = call(81, 9, CALL_read, CALL_PHASE_enter);
	push_both(self->page.pipeline, c, -512);

	at = text = page_finish(&self->page);
	for (i = 0; i < sizeof(expected) / sizeof(*expected); i++) {
		at = strstr(at, expected[i]);
		ASSERT_NE(NULL, at)
		{
			TH_LOG("no %s in\n%s", expected[i], text);
		}
	}
}

/* JSON: numbers below 0, and addresses that are not there. */
TEST_F(row_call, json)
{
	struct event_call c = call(1, 1, CALL_connect, CALL_PHASE_enter);
	const char *text;

	ASSERT_EQ(0, page_json(&self->page));
	push(self->page.pipeline, c);
	c.to_family = FAMILY_INET;
	c.to = c.ev.raddr;
	push(self->page.pipeline, returns(c, 5, -EFAULT));
	text = page_finish(&self->page);
	EXPECT_EQ(NULL, strstr(text, "\"result\":1844"));
	text = strstr(text, "\"phase\":\"enter\"");
	ASSERT_NE(NULL, text);
	EXPECT_EQ(NULL, memmem(text, strcspn(text, "\n"), "\"to", 4));
	EXPECT_NE(NULL, strstr(text, "\"result\":-1,"));
	EXPECT_NE(NULL, strstr(text, "\"to_port\":0,\"to\":\"10.0.0.2\""));
}

/* A number below 0 is less than any that can be written. */
TEST_F(row_call, filter)
{
	static const struct {
		const char *text;
		bool failed, sent;
	} rows[] = {
		{ "result < 5", true, false },	{ "result > 5", false, true },
		{ "result >= 0", false, true }, { "result = 10", false, true },
		{ "result", true, true },	{ "to 10.0.0.2", true, false },
		{ "to", true, false },		{ "op = connect", true, false },
	};
	struct event_call failed = call(1, 1, CALL_connect, CALL_PHASE_enter);
	struct event_call sent = call(1, 1, CALL_sendto, CALL_PHASE_enter);
	struct filter_error error;
	unsigned int i;

	failed = returns(failed, 1, -EFAULT);
	failed.to_family = FAMILY_INET;
	failed.to = failed.ev.raddr;
	sent = returns(sent, 1, 10);
	for (i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
		struct filter *f = filter_new(self->page.schema);

		ASSERT_EQ(0, filter_parse(f, rows[i].text, &error))
		{
			TH_LOG("%s: %s", rows[i].text, error.what);
		}
		EXPECT_EQ(rows[i].failed, filter_match(f, &failed.ev))
		{
			TH_LOG("%s", rows[i].text);
		}
		EXPECT_EQ(rows[i].sent, filter_match(f, &sent.ev))
		{
			TH_LOG("%s", rows[i].text);
		}
		filter_free(f);
	}
}

TEST_HARNESS_MAIN
