// SPDX-License-Identifier: GPL-2.0
/* Tests of the kernel module: listeners, and who waits in their queues. */
#include "tests/lib/scope.h"

#include <errno.h>
#include <poll.h>
#include <sys/stat.h>

#include <kselftest_harness.h>

SCOPE_FIXTURE(listener)

static uint16_t own_port(int fd)
{
	return kmod_identity(fd).local_port;
}

/* The accept queue is shown in the order in which connections came. */
TEST_F(listener, accept_queue_in_order)
{
	struct conn *c = &self->s.conn;
	struct module_list list, child, id;
	uint64_t age, last = ~0ULL;
	uint64_t deadline = clock_now_ns() + SCOPE_PATIENCE_NS;
	size_t at = 0;
	int i;

	ASSERT_EQ(0, conn_listen(c));
	for (i = 0; i < SCOPE_CLIENTS; i++) {
		self->s.client[i] = conn_socket(c, 0);
		ASSERT_LT(0, self->s.client[i]);
		connect(self->s.client[i], (struct sockaddr *)&c->addr[1],
			c->len);
		do {
			poll(NULL, 0, 1);
			list = scope_listener(&self->s, true);
			ASSERT_GT(deadline, clock_now_ns());
		} while (LISTENER(ACCEPT) != i + 1U);
	}
	ASSERT_EQ(5, send(self->s.client[2], "hello", 5, 0));
	close(self->s.client[3]); /* it has gone before it was accepted */
	self->s.client[3] = 0;
	do {
		poll(NULL, 0, 1);
		list = scope_listener(&self->s, true);
		ASSERT_GT(deadline, clock_now_ns());
		for (i = 0, at = 0; i < 4; i++)
			ASSERT_TRUE(module_next(&list,
						TCBSCOPE_A_LISTENER_CHILD, &at,
						&child));
	} while (module_or(&child, TCBSCOPE_A_CHILD_STATE, 0) !=
		 TCBSCOPE_STATE_CLOSE_WAIT);

	EXPECT_EQ(0, module_or(&list, TCBSCOPE_A_LISTENER_SYN, -1));
	EXPECT_EQ(8, module_or(&list, TCBSCOPE_A_LISTENER_LIMIT, 0));
	for (i = 0, at = 0; i < SCOPE_CLIENTS; i++) {
		ASSERT_TRUE(module_next(&list, TCBSCOPE_A_LISTENER_CHILD, &at,
					&child));
		id = module_nest(&child, TCBSCOPE_A_CHILD_IDENTITY);
		if (i != 3)
			EXPECT_EQ(own_port(self->s.client[i]),
				  module_or(&id,
					    TCBSCOPE_A_IDENTITY_REMOTE_PORT,
					    0));
		age = module_or(&child, TCBSCOPE_A_CHILD_AGE_US, 0);
		EXPECT_GE(last, age);
		last = age;
		EXPECT_EQ(i == 2 ? 5 : 0,
			  module_or(&child, TCBSCOPE_A_CHILD_RECEIVE_QUEUE,
				    -1));
	}
	EXPECT_FALSE(
		module_next(&list, TCBSCOPE_A_LISTENER_CHILD, &at, &child));
	/* The first is accepted: the second is now the first. */
	ASSERT_EQ(0, conn_accept(c));
	list = scope_listener(&self->s, true);
	child = module_nest(&list, TCBSCOPE_A_LISTENER_CHILD);
	id = module_nest(&child, TCBSCOPE_A_CHILD_IDENTITY);
	EXPECT_EQ(own_port(self->s.client[1]),
		  module_or(&id, TCBSCOPE_A_IDENTITY_REMOTE_PORT, 0));
}

/*
 * A client whose SYN-ACK does not get through, until the listener has a request
 * for it. 0 or -errno.
 */
static int wait_request(struct scope *s, struct module_list *list,
			struct module_list *request)
{
	uint64_t deadline = clock_now_ns() + SCOPE_PATIENCE_NS;
	struct conn *c = &s->conn;
	int err, side;

	for (side = 0; side < 2; side++) {
		err = netns_sysctl(c->pair.side[side].fd, "net/ipv4/tcp_ecn",
				   "1");
		if (err)
			return err;
	}
	err = conn_listen(c);
	if (err)
		return err;
	s->client[0] = conn_socket(c, 0);
	err = conn_deafen(s->client[0], true);
	if (err)
		return err;
	connect(s->client[0], (struct sockaddr *)&c->addr[1], c->len);
	do {
		poll(NULL, 0, 1);
		*list = scope_listener(s, true);
		*request = module_nest(list, TCBSCOPE_A_LISTENER_REQUEST);
		if (clock_now_ns() > deadline)
			return -ETIMEDOUT;
	} while (!request->len);
	return 0;
}

static uint64_t cookie_in(const struct module_list *list, int nest)
{
	return scope_in(list, nest, TCBSCOPE_A_IDENTITY_COOKIE);
}

#define REQUEST(name) module_or(&request, TCBSCOPE_A_REQUEST_##name, -1)

/* A SYN whose SYN-ACK does not get through is a request. */
TEST_F(listener, syn_queue)
{
	struct module_list list, request, syn;
	uint64_t cookie, irs, iss;

	ASSERT_EQ(0, wait_request(&self->s, &list, &request));
	EXPECT_EQ(1, LISTENER(SYN));
	EXPECT_EQ(0, LISTENER(ACCEPT));
	EXPECT_EQ(own_port(self->s.client[0]),
		  scope_in(&request, TCBSCOPE_A_REQUEST_IDENTITY,
			   TCBSCOPE_A_IDENTITY_REMOTE_PORT));
	cookie = cookie_in(&request, TCBSCOPE_A_REQUEST_IDENTITY);
	EXPECT_NE(0, cookie);
	EXPECT_EQ(variant->family == AF_INET ? 1460 : 1440, REQUEST(MSS));
	EXPECT_EQ(TCBSCOPE_OPTION_TIMESTAMPS | TCBSCOPE_OPTION_SACK |
			  TCBSCOPE_OPTION_WINDOW_SCALE | TCBSCOPE_OPTION_ECN,
		  REQUEST(OFFERED));
	EXPECT_GT(SCOPE_PATIENCE_NS / 1000, REQUEST(AGE_US));

	/* Its numbers are those of the client, and of what it is by cookie. */
	irs = REQUEST(IRS), iss = REQUEST(ISS);
	ASSERT_EQ(0, scope_show_cookie(&self->s, 1, cookie, &list));
	EXPECT_EQ(TCBSCOPE_STATE_NEW_SYN_RECV, SOCKET(STATE));
	EXPECT_EQ(iss, SEND(UNA));
	EXPECT_EQ((uint32_t)iss + 1, SEND(NXT));
	EXPECT_EQ((uint32_t)irs + 1, RECEIVE(NXT));
	ASSERT_EQ(0, scope_show_cookie(&self->s, 0,
				       conn_cookie(self->s.client[0]), &list));
	EXPECT_EQ(TCBSCOPE_STATE_SYN_SENT, SOCKET(STATE));
	EXPECT_EQ(irs, SEND(ISS));
	EXPECT_EQ(irs, SEND(UNA));
	EXPECT_EQ(1, scope_segments(&list, TCBSCOPE_QUEUE_RETRANSMIT, 0, &syn));
	EXPECT_EQ(irs, module_or(&syn, TCBSCOPE_A_SEGMENT_SEQ, 0));
	EXPECT_EQ(TCBSCOPE_MARK_SYN,
		  module_or(&syn, TCBSCOPE_A_SEGMENT_MARKS, 0));
}

/* A request becomes a child with the same cookie and the same numbers. */
TEST_F(listener, request_becomes_child)
{
	uint64_t deadline = clock_now_ns() + SCOPE_PATIENCE_NS;
	struct module_list list, request;
	uint64_t cookie, iss, window, scale;

	ASSERT_EQ(0, wait_request(&self->s, &list, &request));
	cookie = cookie_in(&request, TCBSCOPE_A_REQUEST_IDENTITY);
	iss = REQUEST(ISS), window = REQUEST(WINDOW);
	scale = REQUEST(SEND_SCALE);
	ASSERT_EQ(0, conn_deafen(self->s.client[0], false));
	do {
		poll(NULL, 0, 1);
		list = scope_listener(&self->s, true);
		ASSERT_GT(deadline, clock_now_ns());
	} while (LISTENER(ACCEPT) != 1);
	request = module_nest(&list, TCBSCOPE_A_LISTENER_CHILD);
	EXPECT_EQ(cookie, cookie_in(&request, TCBSCOPE_A_CHILD_IDENTITY));
	EXPECT_EQ(0, module_nest(&list, TCBSCOPE_A_LISTENER_REQUEST).len);

	ASSERT_EQ(0, scope_show_cookie(&self->s, 1, cookie, &list));
	EXPECT_EQ(iss, SEND(ISS));
	EXPECT_EQ(scale, OPTIONS(SEND_SCALE));
	ASSERT_EQ(0, scope_show_cookie(&self->s, 0,
				       conn_cookie(self->s.client[0]), &list));
	EXPECT_EQ(iss, RECEIVE(IRS));
	EXPECT_EQ(window, SEND(WND));
	EXPECT_EQ(scale, OPTIONS(RECEIVE_SCALE));
}

/* A SYN-ACK that nobody acknowledges is sent again; then it is not young. */
TEST_F(listener, syn_ack_again)
{
	uint64_t deadline = clock_now_ns() + SCOPE_PATIENCE_NS;
	struct module_list list, request;
	uint64_t cookie;

	ASSERT_EQ(0, wait_request(&self->s, &list, &request));
	/* Nor is the client heard again. */
	ASSERT_EQ(0, gate_close_side(&self->s.conn.gate, 0));
	EXPECT_EQ(1, LISTENER(YOUNG));
	EXPECT_EQ(0, REQUEST(RETRANSMITS));
	EXPECT_EQ(0, REQUEST(TIMEOUTS));
	EXPECT_LT(0, (int64_t)REQUEST(EXPIRES_US));
	EXPECT_GE(1010000, (int64_t)REQUEST(EXPIRES_US));
	cookie = cookie_in(&request, TCBSCOPE_A_REQUEST_IDENTITY);
	ASSERT_EQ(0, scope_show_cookie(&self->s, 1, cookie, &list));
	EXPECT_LT(0, TIMER(SYN_ACK));
	EXPECT_GE(1010000, TIMER(SYN_ACK));

	do {
		poll(NULL, 0, 1);
		list = scope_listener(&self->s, true);
		request = module_nest(&list, TCBSCOPE_A_LISTENER_REQUEST);
		ASSERT_GT(deadline, clock_now_ns());
	} while (!REQUEST(RETRANSMITS) || LISTENER(YOUNG));
	EXPECT_EQ(1, LISTENER(SYN));
	EXPECT_EQ(REQUEST(RETRANSMITS), REQUEST(TIMEOUTS));
	EXPECT_LT(900000, REQUEST(AGE_US));
	EXPECT_LT(1000000, (int64_t)REQUEST(EXPIRES_US));
	EXPECT_GE(2010000, (int64_t)REQUEST(EXPIRES_US));
	while (conn_lost(self->s.client[0]) < 1 + REQUEST(RETRANSMITS)) {
		ASSERT_GT(deadline, clock_now_ns());
		poll(NULL, 0, 1);
	}
	EXPECT_EQ(1 + REQUEST(RETRANSMITS), conn_lost(self->s.client[0]));
}

/* How a listener is set up, of its group, and whose it is. */
TEST_F(listener, is_set_up)
{
	struct conn *c = &self->s.conn;
	struct module_list list;
	const int yes = 1;
	struct stat st;
	uint64_t group;
	int i, fd;

	ASSERT_EQ(0, conn_listen(c));
	list = scope_listener(&self->s, false);
	EXPECT_EQ((unsigned int)variant->family, LISTENER(FAMILY));
	EXPECT_EQ(0, LISTENER(FAST_OPEN_LIMIT));
	EXPECT_EQ(0, LISTENER(DEFER_ACCEPT));
	EXPECT_EQ(~0ULL, LISTENER(REUSEPORT_SOCKETS));

	ASSERT_EQ(0, setsockopt(c->listener, IPPROTO_TCP, TCP_FASTOPEN,
				&(int){ 5 }, sizeof(int)));
	/* After 1, 2 and 4 seconds: three SYN-ACKs. */
	ASSERT_EQ(0, setsockopt(c->listener, IPPROTO_TCP, TCP_DEFER_ACCEPT,
				&(int){ 7 }, sizeof(int)));
	ASSERT_EQ(0, setsockopt(c->listener, SOL_SOCKET, SO_MARK, &(int){ 78 },
				sizeof(int)));
	ASSERT_EQ(0, setsockopt(c->listener, SOL_SOCKET, SO_PRIORITY,
				&(int){ 4 }, sizeof(int)));
	ASSERT_EQ(0, fchown(c->listener, 12, 12));
	ASSERT_EQ(0, fstat(c->listener, &st));
	list = scope_listener(&self->s, false);
	EXPECT_EQ(5, LISTENER(FAST_OPEN_LIMIT));
	EXPECT_EQ(3, LISTENER(DEFER_ACCEPT));
	EXPECT_EQ(78, LISTENER(MARK));
	EXPECT_EQ(4, LISTENER(PRIORITY));
	EXPECT_EQ(st.st_ino, LISTENER(INODE));
	EXPECT_EQ(12, LISTENER(UID));

	/* Two groups: of three that share a port, and of one. */
	close(c->listener);
	for (i = 0; i < 4; i++) {
		fd = self->s.client[i] = conn_socket(c, 1);
		ASSERT_LT(0, fd);
		ASSERT_EQ(0, setsockopt(fd, SOL_SOCKET, SO_REUSEPORT, &yes,
					sizeof(yes)));
		if (i < 3)
			ASSERT_EQ(0, bind(fd, (struct sockaddr *)&c->addr[1],
					  c->len));
		ASSERT_EQ(0, listen(fd, 8));
	}
	c->listener = self->s.client[0];
	list = scope_listener(&self->s, false);
	EXPECT_EQ(3, LISTENER(REUSEPORT_SOCKETS));
	group = LISTENER(REUSEPORT_ID);
	EXPECT_NE(~0ULL, group);
	c->listener = self->s.client[3];
	list = scope_listener(&self->s, false);
	EXPECT_EQ(1, LISTENER(REUSEPORT_SOCKETS));
	EXPECT_NE(group, LISTENER(REUSEPORT_ID));
	c->listener = -1;
}

/* A connection by Fast Open is there before its handshake is complete. */
TEST_F(listener, fast_open)
{
	uint64_t deadline = clock_now_ns() + SCOPE_PATIENCE_NS;
	struct conn *c = &self->s.conn;
	struct module_list list, child;
	int i;

	for (i = 0; i < 2; i++) /* both without a cookie */
		ASSERT_EQ(0, netns_sysctl(c->pair.side[i].fd,
					  "net/ipv4/tcp_fastopen",
					  i ? "0x203" : "0x5"));
	ASSERT_EQ(0, conn_listen(c));
	ASSERT_EQ(0, setsockopt(c->listener, IPPROTO_TCP, TCP_FASTOPEN,
				&(int){ 5 }, sizeof(int)));
	self->s.client[0] = conn_socket(c, 0);
	ASSERT_LT(0, self->s.client[0]);
	ASSERT_EQ(0, conn_deafen(self->s.client[0], true));
	sendto(self->s.client[0], "hello", 5, MSG_FASTOPEN,
	       (struct sockaddr *)&c->addr[1], c->len);
	do {
		poll(NULL, 0, 1);
		ASSERT_GT(deadline, clock_now_ns());
		list = scope_listener(&self->s, true);
	} while (LISTENER(ACCEPT) != 1);
	EXPECT_EQ(1, LISTENER(FAST_OPEN));
	child = module_nest(&list, TCBSCOPE_A_LISTENER_CHILD);
	EXPECT_EQ(TCBSCOPE_STATE_SYN_RECV,
		  module_or(&child, TCBSCOPE_A_CHILD_STATE, 0));
	EXPECT_EQ(5, module_or(&child, TCBSCOPE_A_CHILD_RECEIVE_QUEUE, 0));

	ASSERT_EQ(0, conn_deafen(self->s.client[0], false));
	do {
		poll(NULL, 0, 1);
		ASSERT_GT(deadline, clock_now_ns());
		list = scope_listener(&self->s, true);
	} while (LISTENER(FAST_OPEN));
	child = module_nest(&list, TCBSCOPE_A_LISTENER_CHILD);
	EXPECT_EQ(TCBSCOPE_STATE_ESTABLISHED,
		  module_or(&child, TCBSCOPE_A_CHILD_STATE, 0));
}

TEST_HARNESS_MAIN
