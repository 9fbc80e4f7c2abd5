// SPDX-License-Identifier: GPL-2.0
/* Piles, made of sockets that stand in an array. */
#include "event/piles.h"

#include <kselftest_harness.h>
#include <string.h>

#define UNKNOWN (~0ull)
#define SOCKETS 64

FIXTURE(piles)
{
	struct event_socket s[SOCKETS];
	size_t n;
	struct piles piles;
};

FIXTURE_SETUP(piles)
{
}

FIXTURE_TEARDOWN(piles)
{
	piles_free(&self->piles);
}

/* One socket more, of process 100 in namespace 1: port 80 to 10.0.0.9:2000. */
static struct event_socket *add(FIXTURE_DATA(piles) * self,
				enum tcb_state state)
{
	struct event_socket *s = &self->s[self->n++];

	s->ev.type = EVENT_socket;
	s->ev.family = FAMILY_INET;
	s->ev.netns = 1;
	s->ev.pid = 100;
	strcpy(s->ev.comm, "app");
	s->ev.lport = 80;
	s->ev.rport = 2000;
	s->ev.raddr = (addr_t){ { 10, 0, 0, 9 } };
	s->state = state;
	s->inode = self->n;
	s->fd = self->n;
	s->age_ns = UNKNOWN;
	if (state != TCB_STATE_LISTEN)
		return s;
	s->ev.rport = 0;
	s->ev.raddr = (addr_t){};
	return s;
}

/* A minisocket: nobody's. */
static struct event_socket *add_mini(FIXTURE_DATA(piles) * self,
				     enum tcb_state substate)
{
	struct event_socket *s = add(self, TCB_STATE_TIME_WAIT);

	s->tw_substate = substate;
	s->ev.pid = 0;
	s->inode = 0;
	s->fd = ~0u;
	return s;
}

static int make(FIXTURE_DATA(piles) * self)
{
	piles_free(&self->piles);
	return piles_make(&self->piles, self->s, self->n);
}

/* Claim: without sockets there are no piles. */
TEST_F(piles, none)
{
	EXPECT_EQ(0, piles_make(&self->piles, NULL, 0));
	EXPECT_EQ(0, self->piles.n);
}

/* Claim: only three states pile up; one socket is a pile already. */
TEST_F(piles, states)
{
	static const enum tcb_state piling[] = {
		TCB_STATE_CLOSE_WAIT,
		TCB_STATE_FIN_WAIT2,
		TCB_STATE_TIME_WAIT,
	};
	enum tcb_state state;
	unsigned int i;

	for (state = TCB_STATE_ESTABLISHED; state <= TCB_STATE_NEW_SYN_RECV;
	     state++)
		add(self, state);
	ASSERT_EQ(0, make(self));
	ASSERT_EQ(3, self->piles.n);
	for (i = 0; i < 3; i++) {
		EXPECT_EQ(1, self->piles.pile[i].n);
		EXPECT_EQ(piling[i], self->piles.pile[i].state);
	}
}

/* Claim: a minisocket is in the state that it stands in for. */
TEST_F(piles, minisockets)
{
	add_mini(self, TCB_STATE_FIN_WAIT2);
	add_mini(self, TCB_STATE_TIME_WAIT);
	ASSERT_EQ(0, make(self));
	ASSERT_EQ(2, self->piles.n);
	EXPECT_EQ(TCB_STATE_FIN_WAIT2, self->piles.pile[0].state);
	EXPECT_EQ(TCB_STATE_TIME_WAIT, self->piles.pile[1].state);
	EXPECT_FALSE(self->piles.pile[0].held);
	EXPECT_EQ(0, self->piles.pile[0].n_fds);
}

/* Claim: the oldest that is known counts, whatever stands beside it. */
TEST_F(piles, oldest)
{
	add(self, TCB_STATE_CLOSE_WAIT);
	ASSERT_EQ(0, make(self));
	ASSERT_EQ(1, self->piles.n);
	EXPECT_EQ(UNKNOWN, self->piles.pile->oldest);

	add(self, TCB_STATE_CLOSE_WAIT)->age_ns = 0;
	ASSERT_EQ(0, make(self));
	EXPECT_EQ(0, self->piles.pile->oldest);

	add(self, TCB_STATE_CLOSE_WAIT)->age_ns = 7000;
	add(self, TCB_STATE_CLOSE_WAIT)->age_ns = 500;
	add(self, TCB_STATE_CLOSE_WAIT);
	ASSERT_EQ(0, make(self));
	ASSERT_EQ(1, self->piles.n);
	EXPECT_EQ(5, self->piles.pile->n);
	EXPECT_EQ(7000, self->piles.pile->oldest);
}

/* Claim: who leaks is told apart, and where: process, namespace, held or not. */
TEST_F(piles, owners)
{
	struct event_socket *s;
	size_t i;

	add(self, TCB_STATE_CLOSE_WAIT);
	add(self, TCB_STATE_CLOSE_WAIT)->ev.pid = 200;
	add(self, TCB_STATE_CLOSE_WAIT)->ev.netns = 2;
	s = add(self, TCB_STATE_CLOSE_WAIT); /* nobody has accepted it */
	s->inode = 0;
	s->fd = ~0u;
	ASSERT_EQ(0, make(self));
	ASSERT_EQ(4, self->piles.n);
	for (i = 0; i < 4; i++)
		EXPECT_EQ(self->piles.pile[i].held, self->piles.pile[i].n_fds);
}

/*
 * Claim: where there is a listener the service is its port, whoever the peers
 * are; else the peer's address and port. A listener elsewhere says nothing.
 */
TEST_F(piles, services)
{
	const addr_t peer = { { 10, 0, 0, 8 } };
	struct event_socket *s;

	add(self, TCB_STATE_LISTEN);
	add(self, TCB_STATE_CLOSE_WAIT);
	s = add(self, TCB_STATE_CLOSE_WAIT);
	s->ev.raddr = peer;
	s->ev.rport = 3000;
	ASSERT_EQ(0, make(self));
	ASSERT_EQ(1, self->piles.n);
	EXPECT_TRUE(self->piles.pile->server);
	EXPECT_EQ(80, self->piles.pile->port);
	EXPECT_EQ(2, self->piles.pile->n_peers);

	self->s[0].ev.netns = 2;
	ASSERT_EQ(0, make(self));
	ASSERT_EQ(2, self->piles.n);
	EXPECT_FALSE(self->piles.pile[0].server);
	EXPECT_EQ(2000, self->piles.pile[0].port);
	EXPECT_EQ(3000, self->piles.pile[1].port);
	EXPECT_EQ(0, memcmp(&peer, &self->piles.pile[1].addr, sizeof(peer)));
}

/* Claim: of descriptors the lowest are kept, in order. */
TEST_F(piles, descriptors)
{
	unsigned int i;

	for (i = 0; i < PILE_FDS + 4; i++)
		add(self, TCB_STATE_CLOSE_WAIT)->fd = 100 - i;
	ASSERT_EQ(0, make(self));
	ASSERT_EQ(1, self->piles.n);
	EXPECT_EQ(PILE_FDS + 4, self->piles.pile->n);
	ASSERT_EQ(PILE_FDS, self->piles.pile->n_fds);
	for (i = 0; i < PILE_FDS; i++)
		EXPECT_EQ(100 - (PILE_FDS + 3) + i, self->piles.pile->fds[i]);
}

/* Claim: peers are counted each, those beyond the table's room together. */
TEST_F(piles, peers)
{
	unsigned int i, n = 0;

	add(self, TCB_STATE_LISTEN);
	for (i = 0; i < PILE_PEERS + 3; i++)
		add(self, TCB_STATE_CLOSE_WAIT)->ev.raddr.byte[3] = i;
	add(self, TCB_STATE_CLOSE_WAIT)->ev.raddr.byte[3] = 0;
	ASSERT_EQ(0, make(self));
	ASSERT_EQ(1, self->piles.n);
	EXPECT_EQ(PILE_PEERS, self->piles.pile->n_peers);
	for (i = 0; i < PILE_PEERS; i++)
		n += self->piles.pile->peers[i].n;
	EXPECT_EQ(self->piles.pile->n, n + self->piles.pile->other_peers);
	EXPECT_LE(3, self->piles.pile->other_peers);
}

/* Claim: CLOSE_WAIT, which is a fault, comes first; then the largest. */
TEST_F(piles, order)
{
	static const struct {
		enum tcb_state state;
		__u32 pid;
		size_t n;
	} expected[] = {
		{ TCB_STATE_CLOSE_WAIT, 300, 2 },
		{ TCB_STATE_CLOSE_WAIT, 100, 1 },
		{ TCB_STATE_FIN_WAIT2, 100, 4 },
		{ TCB_STATE_TIME_WAIT, 100, 5 },
	};
	unsigned int i, k;

	for (i = 4; i--;)
		for (k = 0; k < expected[i].n; k++)
			add(self, expected[i].state)->ev.pid = expected[i].pid;
	ASSERT_EQ(0, make(self));
	ASSERT_EQ(4, self->piles.n);
	for (i = 0; i < 4; i++) {
		EXPECT_EQ(expected[i].state, self->piles.pile[i].state);
		EXPECT_EQ(expected[i].pid, self->piles.pile[i].ev.pid);
		EXPECT_EQ(expected[i].n, self->piles.pile[i].n);
	}
}

/* Claim: each kind of pile has an advice of its own. */
TEST_F(piles, advice)
{
	struct pile kinds[] = {
		{ .state = TCB_STATE_CLOSE_WAIT, .held = true },
		{ .state = TCB_STATE_CLOSE_WAIT },
		{ .state = TCB_STATE_FIN_WAIT2, .held = true },
		{ .state = TCB_STATE_FIN_WAIT2 },
		{ .state = TCB_STATE_TIME_WAIT, .server = true },
		{ .state = TCB_STATE_TIME_WAIT },
	};
	unsigned int i, k;

	for (i = 0; i < sizeof(kinds) / sizeof(*kinds); i++)
		for (k = 0; k < i; k++)
			EXPECT_STRNE(pile_advice(&kinds[k]),
				     pile_advice(&kinds[i]));
}

TEST_HARNESS_MAIN
