// SPDX-License-Identifier: GPL-2.0
/*
 * Window events against the truth, which fexit programs see after each segment
 * and timer. Needs a kernel that takes fexit and has netem: the test bed's.
 */
#include <bpf/libbpf.h>
#include <json-c/json.h>
#include <netlink/route/qdisc.h>
#include <netlink/route/qdisc/netem.h>
#include <netlink/route/tc.h>
#include <signal.h>
#include <stdint.h>
#include <sys/prctl.h>
#include <sys/wait.h>

#include "lib/clock.h"
#include "tests/lib/conn.h"
#include "tests/net/truth.h"
#include "tests/net/truth.skel.h"

#include <kselftest_harness.h>

#define LOSS (UINT32_MAX / 20) /* 5 % */
#define DELAY_US 2000
#define BURST (128 << 10) /* bytes */
#define BURSTS 120
#define TAIL (8 << 10) /* and before a FIN, behind which less is seen */
#define PERCENT 99     /* of the truth must be in the trace, in order */
#define SEEN_MAX 2048

struct story_of_window {
	struct truth at[SEEN_MAX];
	size_t n;
};

static int add(struct story_of_window *s, const struct truth *t)
{
	if (s->n == SEEN_MAX)
		return -ENOSPC;
	s->at[s->n++] = *t;
	return 0;
}

static int on_truth(void *ctx, void *data, size_t size)
{
	return add(ctx, data);
}

static bool same(const struct truth *a, const struct truth *b)
{
	return a->cwnd == b->cwnd && a->ssthresh == b->ssthresh &&
	       a->ca_state == b->ca_state;
}

/*
 * How many of @truth are in @seen in the same order, at best. Says which are
 * not: each with the one before it.
 */
static size_t in_order(const struct story_of_window *truth,
		       const struct story_of_window *seen)
{
	static uint16_t best[SEEN_MAX + 1][SEEN_MAX + 1];
	size_t i, j;

	for (i = 1; i <= truth->n; i++)
		for (j = 1; j <= seen->n; j++) {
			uint16_t most = best[i - 1][j];

			if (best[i][j - 1] > most)
				most = best[i][j - 1];
			if (same(&truth->at[i - 1], &seen->at[j - 1]))
				most = best[i - 1][j - 1] + 1;
			best[i][j] = most;
		}
	for (i = truth->n, j = seen->n; i;) {
		const struct truth *t = &truth->at[i - 1];

		if (j && same(t, &seen->at[j - 1])) {
			i--, j--;
		} else if (j && best[i][j - 1] == best[i][j]) {
			j--;
		} else {
			i--;
			fprintf(stderr,
				"# missed: cwnd %u ssthresh %u state %u",
				t->cwnd, t->ssthresh, t->ca_state);
			if (i)
				fprintf(stderr, " after %u %u %u", t[-1].cwnd,
					t[-1].ssthresh, t[-1].ca_state);
			fprintf(stderr, ", at %zu\n", i);
		}
	}
	return best[truth->n][seen->n];
}

/* What a side sends takes its time, and @loss of UINT32_MAX packets vanish. */
static int add_netem(const struct netns_side *side, uint32_t loss)
{
	struct rtnl_qdisc *qdisc = rtnl_qdisc_alloc();
	struct nl_sock *sock;
	int err;

	err = netns_netlink(side->fd, &sock);
	if (err)
		return err;
	rtnl_tc_set_ifindex(TC_CAST(qdisc), side->ifindex);
	rtnl_tc_set_parent(TC_CAST(qdisc), TC_H_ROOT);
	err = netns_nl_error(rtnl_tc_set_kind(TC_CAST(qdisc), "netem"));
	if (!err) {
		rtnl_netem_set_limit(qdisc, 10000);
		rtnl_netem_set_delay(qdisc, DELAY_US);
		rtnl_netem_set_loss(qdisc, loss);
		err = netns_nl_error(rtnl_qdisc_add(sock, qdisc, NLM_F_CREATE));
	}
	rtnl_qdisc_put(qdisc);
	nl_socket_free(sock);
	return err;
}

/* A process that reads all there is on side 1, until side 0 closes. */
static pid_t start_reader(struct conn *c)
{
	pid_t pid = fork();

	if (pid)
		return pid;
	prctl(PR_SET_PDEATHSIG, SIGKILL);
	_exit(conn_receive(c, 1, 0) ? 1 : 0);
}

static int wait_idle(int fd)
{
	uint64_t begin = clock_now_ns();
	struct tcp_info info;
	socklen_t len;

	for (;;) {
		len = sizeof(info);
		if (getsockopt(fd, IPPROTO_TCP, TCP_INFO, &info, &len))
			return -errno;
		if (!info.tcpi_unacked &&
		    info.tcpi_last_data_sent > info.tcpi_rto / 1000 + 8)
			return 0;
		clock_pause(begin);
	}
}

FIXTURE(truth)
{
	struct conn conn;
	struct truth_bpf *skel;
	struct story_of_window truth, seen;
};

FIXTURE_SETUP(truth)
{
	ASSERT_EQ(0, conn_stage(&self->conn, AF_INET));
	self->skel = truth_bpf__open();
	ASSERT_NE(NULL, self->skel);
	self->skel->rodata->netns = self->conn.pair.side[0].inode;
	self->skel->rodata->port = CONN_PORT;
}

FIXTURE_TEARDOWN(truth)
{
	truth_bpf__destroy(self->skel);
	conn_free(&self->conn);
}

static int start_trace(struct conn *c)
{
	char netns[32];
	char *args[] = { "--windows", "--netns", netns, NULL };

	snprintf(netns, sizeof(netns), "%llu",
		 (unsigned long long)c->pair.side[0].inode);
	c->watched = "all";
	return trace_start(&c->trace, args);
}

static void read_truth(struct __test_metadata *_metadata,
		       FIXTURE_DATA(truth) * self)
{
	struct ring_buffer *ring;

	ring = ring_buffer__new(bpf_map__fd(self->skel->maps.ring), on_truth,
				&self->truth, NULL);
	ASSERT_NE(NULL, ring);
	EXPECT_LE(0, ring_buffer__consume(ring));
	ring_buffer__free(ring);
	EXPECT_EQ(0, self->skel->bss->lost);
}

static void read_trace(struct __test_metadata *_metadata,
		       FIXTURE_DATA(truth) * self)
{
	static const char *const states[] = { "Open", "Disorder", "CWR",
					      "Recovery", "Loss" };
	const struct sighting windows = { .type = "window",
					  .cookie = self->conn.cookie[0] };
	struct json_object *event;
	struct truth t;
	size_t from = 0;

	while ((event = witness_next(self->conn.trace.witness, &windows,
				     &from))) {
		const char *state = witness_string(event, "ca_state");

		t.cwnd = witness_number(event, "cwnd");
		t.ssthresh = witness_number(event, "ssthresh") ?: 0x7fffffff;
		for (t.ca_state = 0; t.ca_state < 5; t.ca_state++)
			if (state && !strcmp(state, states[t.ca_state]))
				break;
		ASSERT_EQ(0, add(&self->seen, &t));
	}
}

/*
 * Claim: of all that the window, its threshold and the congestion state were
 * after a segment or a timer, --windows shows at least 99 of 100, in order:
 * under random loss, with idle times that restart it, and a FIN behind data.
 */
TEST_F_TIMEOUT(truth, windows_are_complete, 100)
{
	struct conn *c = &self->conn;
	int status, i;
	size_t found;
	pid_t reader;

	if (truth_bpf__load(self->skel) || truth_bpf__attach(self->skel))
		SKIP(return, "this kernel takes no fexit program");
	ASSERT_EQ(0, start_trace(c));
	ASSERT_EQ(0, conn_open(c));
	ASSERT_EQ(0, add_netem(&c->pair.side[0], LOSS));
	ASSERT_EQ(0, add_netem(&c->pair.side[1], 0));
	reader = start_reader(c);
	ASSERT_LT(0, reader);
	for (i = 0; i < BURSTS; i++) {
		ASSERT_EQ(0, conn_send(c, 0, BURST));
		if (i % 8 == 7) {
			ASSERT_EQ(0, wait_idle(c->fd[0]));
		}
	}
	ASSERT_EQ(0, conn_send(c, 0, TAIL));
	ASSERT_EQ(0, shutdown(c->fd[0], SHUT_WR));
	ASSERT_EQ(reader, waitpid(reader, &status, 0));
	EXPECT_EQ(0, status);
	ASSERT_EQ(0, conn_wait(c, 0, TCP_FIN_WAIT2));
	truth_bpf__detach(self->skel);
	ASSERT_EQ(0, conn_stop(c));

	read_truth(_metadata, self);
	read_trace(_metadata, self);
	found = in_order(&self->truth, &self->seen);
	TH_LOG("%zu of %zu windows that there were are in %zu events", found,
	       self->truth.n, self->seen.n);
	EXPECT_LT(500, self->truth.n);
	EXPECT_LE(self->truth.n * PERCENT, found * 100);
}

TEST_HARNESS_MAIN
