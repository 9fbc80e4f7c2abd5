// SPDX-License-Identifier: GPL-2.0
/* Tests of the window events: growth, falls, and every number in them. */
#include <json-c/json.h>
#include <linux/tcp.h>

#include "lib/clock.h"
#include "tests/lib/play.h"
#include "tests/lib/route.h"

#include <kselftest_harness.h>

/*
 * No slow path is needed: the client sends just what its window allows and
 * waits until all of it is acked. That is a round trip, however long it takes.
 */
#define INITIAL_WINDOW 10

static const char *ca_name; /* set before the actors are started */

/* A socket like any other, but with this congestion control, and no delays. */
static int do_prepare(int side)
{
	int one = 1, err = actor_bind(side);

	if (!err && (setsockopt(actor_tcp.fd, IPPROTO_TCP, TCP_CONGESTION,
				ca_name, strlen(ca_name)) ||
		     setsockopt(actor_tcp.fd, IPPROTO_TCP, TCP_NODELAY, &one,
				sizeof(one))))
		err = -errno;
	return err;
}

/* Many segments that stay packets of their own. */
static int do_send_segments(int bytes)
{
	int i, err = 0;

	for (i = 0; i < INITIAL_WINDOW && !err; i++)
		err = actor_send(bytes);
	return err;
}

static int do_shutdown(int arg)
{
	return shutdown(actor_tcp.fd, SHUT_WR) ? -errno : 0;
}

static struct tcp_info info(int fd)
{
	struct tcp_info info = {};
	socklen_t len = sizeof(info);

	if (getsockopt(fd, IPPROTO_TCP, TCP_INFO, &info, &len))
		info.tcpi_state = 0;
	return info;
}

/*
 * tcpi_rcv_wnd: the headers may be older than the kernel, that than Linux 6.2.
 * 1; 0 if the kernel does not give it; or -errno.
 */
static int info_rcv_wnd(int fd, uint32_t *rcv_wnd)
{
	const size_t at = offsetof(struct tcp_info, tcpi_snd_wnd) + 4;
	char bytes[512];
	socklen_t len = sizeof(bytes);

	if (getsockopt(fd, IPPROTO_TCP, TCP_INFO, bytes, &len))
		return -errno;
	if (len < at + 4)
		return 0;
	memcpy(rcv_wnd, bytes + at, 4);
	return 1;
}

static bool all_acked(const struct tcp_info *info)
{
	return !info->tcpi_unacked;
}

static bool in_loss(const struct tcp_info *info)
{
	return info->tcpi_ca_state == TCP_CA_Loss;
}

/* Has it sent nothing for longer than its retransmission timeout? */
static bool long_idle(const struct tcp_info *info)
{
	return info->tcpi_last_data_sent > info->tcpi_rto / 1000 + 8;
}

static int wait_info(int fd, bool (*met)(const struct tcp_info *info))
{
	uint64_t begin = clock_now_ns();
	struct tcp_info now;

	for (;;) {
		now = info(fd);
		if (met(&now))
			return 0;
		if (clock_now_ns() - begin > TRACE_PATIENCE_NS)
			return -ETIMEDOUT;
		clock_pause(begin);
	}
}

FIXTURE(window)
{
	struct play play;
	struct sighting at_client, at_server; /* windows of either side */
	int client, server; /* the connection's ends, to look at */
};

FIXTURE_SETUP(window)
{
	if (!ca_name)
		ca_name = "reno";
	ASSERT_EQ(0, play_init(&self->play));
	ASSERT_EQ(0, netns_sysctl(self->play.pair.side[1].fd,
				  "net/ipv4/tcp_congestion_control", "reno"));
	self->at_client = self->play.at_client;
	self->at_server = self->play.at_server;
	self->at_client.type = self->at_server.type = "window";
	self->client = self->server = -1;
}

FIXTURE_TEARDOWN(window)
{
	close(self->client);
	close(self->server);
	play_free(&self->play);
}

/* A connection whose client has the congestion control that is tested. */
static void open_connection(struct __test_metadata *_metadata,
			    FIXTURE_DATA(window) * self)
{
	struct play *play = &self->play;

	ASSERT_EQ(0, actor_call(&play->client, do_prepare, 0));
	ASSERT_EQ(0, play_connect(play));
	self->client = actor_share(&play->client);
	self->server = actor_share(&play->server);
	ASSERT_LE(0, self->client);
	ASSERT_LE(0, self->server);
	ASSERT_EQ(INITIAL_WINDOW, info(self->client).tcpi_snd_cwnd);
}

/*
 * One round trip: @side sends a whole window, and all of it is acked. No ACK
 * comes before the whole window is under way, or it would not be used in full
 * and not grow; nor does a slow machine make a loss probe of the wait.
 */
static void round_trip(struct __test_metadata *_metadata,
		       FIXTURE_DATA(window) * self, int side)
{
	struct play *play = &self->play;
	struct actor *from = side ? &play->server : &play->client;
	struct actor *to = side ? &play->client : &play->server;
	int fd = side ? self->server : self->client;
	struct tcp_info before = info(fd);
	int bytes = before.tcpi_snd_cwnd * before.tcpi_snd_mss;

	ASSERT_EQ(0, netns_sysctl(play->pair.side[side].fd,
				  "net/ipv4/tcp_early_retrans", "0"));
	ASSERT_EQ(0, gate_close_side(&play->gate, !side));
	ASSERT_EQ(0, actor_tell(to, actor_receive, bytes));
	ASSERT_EQ(0, actor_call(from, actor_send, bytes));
	ASSERT_EQ(0, actor_answer(to));
	ASSERT_EQ(0, gate_open_side(&play->gate, !side));
	ASSERT_EQ(0, wait_info(fd, all_acked));
}

static const char *text(struct json_object *event, const char *field)
{
	return witness_string(event, field) ?: "absent";
}

static bool has(struct json_object *event, const char *field)
{
	return json_object_object_get_ex(event, field, NULL);
}

/* The first window event of that side with this congestion state, or NULL. */
static struct json_object *with_state(FIXTURE_DATA(window) * self,
				      const struct sighting *side,
				      const char *ca_state)
{
	struct json_object *event;
	size_t from = 0;

	while ((event = witness_next(self->play.trace.witness, side, &from)))
		if (!strcmp(text(event, "ca_state"), ca_state))
			return event;
	return NULL;
}

/* Claim: unasked, growth is not shown, and no other event of windows is. */
TEST_F(window, growth_is_not_shown)
{
	struct play *play = &self->play;

	ASSERT_EQ(0, play_join(play));
	open_connection(_metadata, self);
	round_trip(_metadata, self, 0);
	round_trip(_metadata, self, 0);
	ASSERT_EQ(40, info(self->client).tcpi_snd_cwnd);
	ASSERT_EQ(0, actor_call(&play->client, do_shutdown, 0));
	ASSERT_EQ(0, play_wait(play, &play->at_client, NULL, "FIN_WAIT2"));
	ASSERT_EQ(0, trace_stop(&play->trace));
	EXPECT_EQ(0, witness_count(play->trace.witness, &self->at_client));
	EXPECT_EQ(0, witness_count(play->trace.witness, &self->at_server));
}

/*
 * Claim: a timeout is shown even if it is the first that the trace sees of a
 * connection: data that was sent before it began.
 */
TEST_F(window, timeout_of_old_data)
{
	struct play *play = &self->play;
	struct json_object *event;
	struct tcp_info before;

	if (netns_sysctl(play->pair.side[0].fd, "net/ipv4/tcp_rto_min_us",
			 "4000000")) /* a trace has begun before that */
		SKIP(return, "no tcp_rto_min_us before Linux 6.11");
	open_connection(_metadata, self);
	ASSERT_EQ(0, gate_close(&play->gate));
	ASSERT_EQ(0, actor_call(&play->client, actor_send, 14480));
	ASSERT_EQ(0, play_trace(play, "--events", "window"));
	before = info(self->client);
	ASSERT_FALSE(in_loss(&before));
	ASSERT_EQ(0, wait_info(self->client, in_loss));
	ASSERT_EQ(0, gate_open(&play->gate));
	ASSERT_EQ(0, wait_info(self->client, all_acked));
	ASSERT_EQ(0, trace_stop(&play->trace));

	event = with_state(self, &self->at_client, "Loss");
	ASSERT_NE(NULL, event);
	EXPECT_EQ(1, witness_number(event, "cwnd"));
	EXPECT_EQ((uint64_t)before.tcpi_snd_cwnd,
		  witness_number(event, "old_cwnd"));
	EXPECT_STREQ("Open", text(event, "old_ca_state"));
}

/*
 * Claim: segments lost among others put the sender into Recovery, seen by
 * default, and so is the window that it then takes back.
 */
TEST_F(window, recovery)
{
	struct play *play = &self->play;
	int a = play->pair.side[0].fd, mss;
	struct json_object *event;
	unsigned int least = ~0u;
	size_t from = 0;

	/* The gate then drops the oldest of ten packets, and keeps some. */
	ASSERT_EQ(0, netns_sysctl(a, "net/ipv4/neigh/va/unres_qlen_bytes",
				  "16384"));
	ASSERT_EQ(0, netns_sysctl(a, "net/ipv4/tcp_autocorking", "0"));
	/* No timeout, however long they wait there. */
	ASSERT_EQ(0, route_rto_min(&play->pair, 0, AF_INET, 10000));
	ASSERT_EQ(0, play_join(play));
	open_connection(_metadata, self);
	mss = info(self->client).tcpi_snd_mss;
	ASSERT_EQ(0, gate_close_side(&play->gate, 0));
	ASSERT_EQ(0, actor_call(&play->client, do_send_segments, mss));
	ASSERT_EQ(0, gate_open_side(&play->gate, 0));
	ASSERT_EQ(0, wait_info(self->client, all_acked));
	ASSERT_EQ(0, trace_stop(&play->trace));

	event = with_state(self, &self->at_client, "Recovery");
	ASSERT_NE(NULL, event);
	EXPECT_EQ(5, witness_number(event, "ssthresh"));
	while ((event = witness_next(play->trace.witness, &self->at_client,
				     &from))) {
		unsigned int cwnd = witness_number(event, "cwnd");

		EXPECT_STRNE("Loss", text(event, "ca_state"));
		least = cwnd < least ? cwnd : least;
	}
	EXPECT_GE(5, least);
}

/*
 * Claim: a window that idleness has taken back is seen when sending begins; on
 * a kernel that does not tell of sending, at the next ACK.
 */
TEST_F(window, idle_restart)
{
	struct play *play = &self->play;
	struct json_object *event;
	size_t from = 0;
	bool sends;

	ASSERT_EQ(0, play_join(play));
	sends = trace_has_hook(&play->trace, "owner_sends");
	open_connection(_metadata, self);
	round_trip(_metadata, self, 0);
	round_trip(_metadata, self, 0);
	/* One more segment comes, and shows the window as it was left. */
	ASSERT_EQ(0, actor_call(&play->server, actor_send, 1));
	ASSERT_EQ(0, actor_call(&play->client, actor_receive, 1));
	ASSERT_EQ(0, wait_info(self->client, long_idle));
	ASSERT_EQ(40, info(self->client).tcpi_snd_cwnd);
	ASSERT_EQ(0, gate_close(&play->gate)); /* no ACK before send() ends */
	ASSERT_EQ(0, actor_call(&play->client, actor_send, 1));
	ASSERT_EQ(0, gate_open(&play->gate));
	if (!sends)
		ASSERT_EQ(0, wait_info(self->client, all_acked));
	ASSERT_EQ(0, trace_stop(&play->trace));

	event = witness_next(play->trace.witness, &self->at_client, &from);
	ASSERT_NE(NULL, event);
	EXPECT_STREQ(sends ? "send" : "ack", text(event, "at"));
	EXPECT_EQ(40, witness_number(event, "old_cwnd"));
	EXPECT_GE(20, witness_number(event, "cwnd"));
	EXPECT_LE(INITIAL_WINDOW, witness_number(event, "cwnd"));
	EXPECT_STREQ("Open", text(event, "ca_state"));
}

FIXTURE(loss)
{
	FIXTURE_DATA(window) window;
};

FIXTURE_VARIANT(loss)
{
	const char *with; /* option of the shared trace */
	bool only;	  /* a trace of window events, not the shared one */
};

FIXTURE_VARIANT_ADD(loss, by_default){ .with = "" };
FIXTURE_VARIANT_ADD(loss, windows_only){ .with = "", .only = true };
FIXTURE_VARIANT_ADD(loss, windows){ .with = "--windows" };

FIXTURE_SETUP(loss)
{
	shared_with(variant->with);
	window_setup(_metadata, &self->window, NULL);
}

FIXTURE_TEARDOWN(loss)
{
	window_teardown(_metadata, &self->window, NULL);
}

/* How many events of a type the kernel made, after the trace has ended. */
static int64_t generated(const struct play *play, const char *type)
{
	struct sighting what = { .type = "footer" };
	struct json_object *o;
	size_t from = 0;

	o = witness_next(play->trace.witness, &what, &from);
	if (!json_object_object_get_ex(o, "generated", &o) ||
	    !json_object_object_get_ex(o, type, &o))
		return -1;
	return json_object_get_int64(o);
}

/*
 * Claim: a retransmission timeout is a fall of the window to one segment, in
 * the state Loss, and is always shown. --events window shows nothing else.
 */
TEST_F(loss, timeout)
{
	struct sighting state = self->window.play.at_client;
	struct play *play = &self->window.play;
	struct json_object *event;

	ASSERT_EQ(0, variant->only ? play_trace(play, "--events", "window") :
				     play_join(play));
	open_connection(_metadata, &self->window);
	ASSERT_EQ(0, gate_close(&play->gate));
	ASSERT_EQ(0, actor_call(&play->client, actor_send, 14480));
	ASSERT_EQ(0, wait_info(self->window.client, in_loss));
	EXPECT_EQ(5, info(self->window.client).tcpi_snd_ssthresh);
	ASSERT_EQ(0, gate_open(&play->gate));
	ASSERT_EQ(0, wait_info(self->window.client, all_acked));
	ASSERT_EQ(0, trace_stop(&play->trace));

	event = with_state(&self->window, &self->window.at_client, "Loss");
	ASSERT_NE(NULL, event);
	EXPECT_EQ(1, witness_number(event, "cwnd"));
	if (trace_has_hook(&play->trace, "owner_sends")) {
		EXPECT_EQ(10, witness_number(event, "old_cwnd"));
	} else { /* the loss is the first that was seen of it */
		EXPECT_FALSE(has(event, "old_cwnd"));
	}
	EXPECT_EQ(5, witness_number(event, "ssthresh"));
	EXPECT_STREQ("Open", text(event, "old_ca_state"));
	EXPECT_STREQ("ca_state", text(event, "at"));

	state.type = "state";
	EXPECT_EQ(variant->only ? 0 : 2,
		  witness_count(play->trace.witness, &state));
	if (variant->only) {
		EXPECT_EQ(0, generated(play, "state"));
		EXPECT_LT(0, generated(play, "window"));
	}
}

FIXTURE(growth)
{
	FIXTURE_DATA(window) window;
};

FIXTURE_SETUP(growth)
{
	shared_with("--windows");
	window_setup(_metadata, &self->window, NULL);
}

FIXTURE_TEARDOWN(growth)
{
	window_teardown(_metadata, &self->window, NULL);
}

/*
 * Claim: with --windows, slow start is seen to double the window from round
 * trip to round trip, without a step back and without a step left out.
 */
TEST_F(growth, slow_start)
{
	FIXTURE_DATA(window) *window = &self->window;
	struct play *play = &window->play;
	uint64_t last = 0, cwnd, seen = 0;
	struct json_object *event;
	size_t from = 0;

	ASSERT_EQ(0, play_join(play));
	open_connection(_metadata, window);
	round_trip(_metadata, window, 0);
	EXPECT_EQ(20, info(window->client).tcpi_snd_cwnd);
	round_trip(_metadata, window, 0);
	EXPECT_EQ(40, info(window->client).tcpi_snd_cwnd);
	ASSERT_EQ(0, actor_call(&play->client, do_shutdown, 0));
	ASSERT_EQ(0, trace_stop(&play->trace));

	while ((event = witness_next(play->trace.witness, &window->at_client,
				     &from))) {
		cwnd = witness_number(event, "cwnd");
		EXPECT_LT(last, cwnd);
		EXPECT_EQ(last, witness_number(event, "old_cwnd"));
		EXPECT_STREQ("Open", text(event, "ca_state"));
		EXPECT_STREQ("reno", text(event, "ca_name"));
		EXPECT_FALSE(has(event, "ssthresh"));
		if (cwnd == (uint64_t)INITIAL_WINDOW << seen)
			seen++;
		last = cwnd;
	}
	EXPECT_EQ(3, seen); /* 10, 20, 40 */
	EXPECT_EQ(40, last);
}

FIXTURE(info)
{
	FIXTURE_DATA(window) window;
};

FIXTURE_VARIANT(info)
{
	int side; /* whose numbers are compared */
};

FIXTURE_VARIANT_ADD(info, client){ .side = 0 };
FIXTURE_VARIANT_ADD(info, server){ .side = 1 };

FIXTURE_SETUP(info)
{
	shared_with("--windows");
	window_setup(_metadata, &self->window, NULL);
}

FIXTURE_TEARDOWN(info)
{
	window_teardown(_metadata, &self->window, NULL);
}

/* The event has the numbers of TCP_INFO. */
static void expect_numbers(struct __test_metadata *_metadata,
			   struct json_object *event, const struct tcp_info *is)
{
	const struct {
		const char *field;
		uint64_t value;
	} rows[] = {
		{ "cwnd", is->tcpi_snd_cwnd },
		{ "in_flight", 0 },
		{ "retrans", is->tcpi_total_retrans },
		{ "srtt_us", is->tcpi_rtt },
		{ "rttvar_us", is->tcpi_rttvar },
		{ "min_rtt_us", is->tcpi_min_rtt },
		{ "rto_us", is->tcpi_rto },
		{ "mss", is->tcpi_snd_mss },
		{ "snd_wnd", is->tcpi_snd_wnd },
		{ "pacing_rate", is->tcpi_pacing_rate },
		{ "delivery_rate", is->tcpi_delivery_rate },
		{ "bytes_acked", is->tcpi_bytes_acked },
		{ "bytes_received", is->tcpi_bytes_received },
	};
	size_t i;

	for (i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
		EXPECT_EQ(rows[i].value, witness_number(event, rows[i].field))
		{
			TH_LOG("%s", rows[i].field);
		}
	}
}

/*
 * Claim: every number is the kernel's own. While nothing is under way the
 * socket is asked; the next thing that happens is its shutdown(), which yields
 * an event because the last ACKs have opened the window.
 */
TEST_F(info, same_as_tcp_info)
{
	FIXTURE_DATA(window) *window = &self->window;
	struct play *play = &window->play;
	struct actor *actors[2] = { &play->client, &play->server };
	struct sighting *sides[2] = { &window->at_client, &window->at_server };
	int me = variant->side, fd, bytes;
	struct json_object *event = NULL, *next;
	struct tcp_info is;
	uint32_t rcv_wnd = 0;
	size_t from = 0;
	int given;

	ASSERT_EQ(0, play_join(play));
	open_connection(_metadata, window);
	fd = me ? window->server : window->client;
	round_trip(_metadata, window, !me);

	/* The gate keeps the ACKs out of send(), which ends with an event. */
	bytes = INITIAL_WINDOW * info(fd).tcpi_snd_mss;
	ASSERT_EQ(0, gate_close(&play->gate));
	ASSERT_EQ(0, actor_call(actors[me], actor_send, bytes));
	ASSERT_EQ(0, gate_open(&play->gate));
	ASSERT_EQ(0, actor_call(actors[!me], actor_receive, bytes));
	ASSERT_EQ(0, wait_info(fd, all_acked));
	is = info(fd);
	given = info_rcv_wnd(fd, &rcv_wnd);
	ASSERT_LE(0, given);
	ASSERT_EQ(0, actor_call(actors[me], do_shutdown, 0));
	ASSERT_EQ(0, trace_stop(&play->trace));

	while ((next = witness_next(play->trace.witness, sides[me], &from)))
		if (!event && !strcmp(text(next, "at"), "state"))
			event = next;
	ASSERT_NE(NULL, event);
	expect_numbers(_metadata, event, &is);
	if (given) {
		EXPECT_EQ(rcv_wnd, witness_number(event, "rcv_wnd"));
	}
	EXPECT_LT(0, is.tcpi_rto);
	EXPECT_LT(0, is.tcpi_rtt);
	EXPECT_LT(0, is.tcpi_delivery_rate);
	EXPECT_LT(0, is.tcpi_bytes_acked);
	EXPECT_LT(0, is.tcpi_bytes_received);
	EXPECT_FALSE(has(event, "ssthresh"));
	EXPECT_EQ(0x7fffffff, is.tcpi_snd_ssthresh);
	EXPECT_STREQ("ESTABLISHED", text(event, "state"));
	EXPECT_STREQ("Open", text(event, "ca_state"));
}

FIXTURE(algorithm)
{
	FIXTURE_DATA(window) window;
};

FIXTURE_VARIANT(algorithm)
{
	const char *name;
};

FIXTURE_VARIANT_ADD(algorithm, reno){ .name = "reno" };
FIXTURE_VARIANT_ADD(algorithm, cubic){ .name = "cubic" };

FIXTURE_SETUP(algorithm)
{
	ca_name = variant->name;
	shared_with("--windows");
	window_setup(_metadata, &self->window, NULL);
}

FIXTURE_TEARDOWN(algorithm)
{
	window_teardown(_metadata, &self->window, NULL);
}

/* Claim: the congestion control of the socket is named. */
TEST_F(algorithm, is_named)
{
	struct play *play = &self->window.play;
	struct json_object *event;
	size_t from = 0;

	ASSERT_EQ(0, play_join(play));
	open_connection(_metadata, &self->window);
	round_trip(_metadata, &self->window, 0);
	ASSERT_EQ(0, trace_stop(&play->trace));
	event = witness_next(play->trace.witness, &self->window.at_client,
			     &from);
	ASSERT_NE(NULL, event);
	EXPECT_STREQ(variant->name, text(event, "ca_name"));
}

SHARED_HARNESS_MAIN(NULL)
