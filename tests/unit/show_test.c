// SPDX-License-Identifier: GPL-2.0
/*
 * Sockets drawn from attributes as the kernel module sends them, and compared
 * with what stands in tests/unit/show/; and what nobody should send.
 */
#include "lib/width.h"
#include "output/show.h"
#include "tests/lib/golden.h"

#include <arpa/inet.h>
#include <json-c/json.h>
#include <kselftest_harness.h>
#include <linux/inet_diag.h>
#include <netlink/attr.h>
#include <netlink/msg.h>
#include <stdlib.h>
#include <string.h>

#define ISS 1843302187u
#define IRS 4294966000u /* the space wraps around within the window */
#define MSS 1448u
#define NOW 5000000000ull

#define ID(name) TCBSCOPE_A_IDENTITY_##name
#define SOCKET(name) TCBSCOPE_A_SOCKET_##name

FIXTURE(one)
{
	struct nl_msg *msg;
	struct show show;
	char *text;
};

static const struct show_look columns_80 = { .width = 80, .unicode = true };
static const struct show_look ascii_80 = { .width = 80 };

FIXTURE_SETUP(one)
{
	memset(self, 0, sizeof(*self));
	self->msg = nlmsg_alloc_size(1 << 20);
	ASSERT_NE(NULL, self->msg);
	ASSERT_NE(NULL, nlmsg_put(self->msg, 0, 0, 0, 0, 0));
	self->show = (struct show){
		.set = &module_set_socket,
		.via = "module",
		.netns = 4026531840,
		.pid = 812,
		.fd = 7,
		.holders = 1,
		.comm = "curl",
	};
}

FIXTURE_TEARDOWN(one)
{
	nlmsg_free(self->msg);
	free(self->text);
}

static struct nlattr *nest(struct nl_msg *msg, int type)
{
	return nla_nest_start(msg, type);
}

static void end(struct nl_msg *msg, struct nlattr *in)
{
	nla_nest_end(msg, in);
}

static void u32(struct nl_msg *msg, int type, uint32_t value)
{
	nla_put_u32(msg, type, value);
}

static void u64(struct nl_msg *msg, int type, uint64_t value)
{
	nla_put_u64(msg, type, value);
}

static void put_end(struct nl_msg *msg, bool remote, const char *address,
		    uint16_t port)
{
	int family = strchr(address, ':') ? AF_INET6 : AF_INET;
	uint8_t addr[16];

	inet_pton(family, address, addr);
	nla_put(msg, remote ? ID(REMOTE_ADDR) : ID(LOCAL_ADDR),
		family == AF_INET ? 4 : 16, addr);
	nla_put_u16(msg, remote ? ID(REMOTE_PORT) : ID(LOCAL_PORT), port);
}

static void put_identity(struct nl_msg *msg, const char *local,
			 const char *remote, uint16_t port)
{
	struct nlattr *in = nest(msg, SOCKET(IDENTITY));

	u64(msg, ID(COOKIE), 4711);
	put_end(msg, false, local, 2000);
	if (remote)
		put_end(msg, true, remote, port);
	end(msg, in);
}

static void put_segment(struct nl_msg *msg, unsigned int queue, uint32_t seq,
			uint32_t packets, uint32_t marks, uint64_t sent_ns)
{
	struct nlattr *in = nest(msg, SOCKET(SEGMENT));

	u32(msg, TCBSCOPE_A_SEGMENT_QUEUE, queue);
	u32(msg, TCBSCOPE_A_SEGMENT_SEQ, seq);
	u32(msg, TCBSCOPE_A_SEGMENT_LEN, packets * MSS);
	u32(msg, TCBSCOPE_A_SEGMENT_PACKETS, packets);
	if (marks)
		u32(msg, TCBSCOPE_A_SEGMENT_MARKS, marks);
	if (sent_ns)
		u64(msg, TCBSCOPE_A_SEGMENT_SENT_NS, sent_ns);
	end(msg, in);
}

static void put_range(struct nl_msg *msg, int type, uint32_t start,
		      uint32_t stop)
{
	struct nlattr *in = nest(msg, type);

	u32(msg, TCBSCOPE_A_RANGE_START, start);
	u32(msg, TCBSCOPE_A_RANGE_END, stop);
	end(msg, in);
}

static void put_timer(struct nl_msg *msg, uint32_t kind, int64_t us)
{
	struct nlattr *in = nest(msg, SOCKET(TIMER));

	u32(msg, TCBSCOPE_A_TIMER_KIND, kind);
	nla_put_s64(msg, TCBSCOPE_A_TIMER_REMAINING_US, us);
	end(msg, in);
}

static void put_send(struct nl_msg *msg, uint32_t una, uint32_t nxt,
		     uint32_t write, uint32_t wnd)
{
	struct nlattr *in = nest(msg, SOCKET(SEND));

	u32(msg, TCBSCOPE_A_SEND_UNA, ISS + una);
	u32(msg, TCBSCOPE_A_SEND_NXT, ISS + nxt);
	u32(msg, TCBSCOPE_A_SEND_WND, wnd);
	u32(msg, TCBSCOPE_A_SEND_ISS, ISS);
	u32(msg, TCBSCOPE_A_SEND_WRITE, ISS + write);
	u32(msg, TCBSCOPE_A_SEND_MSS, MSS);
	end(msg, in);
}

static void put_receive(struct nl_msg *msg, uint32_t copied, uint32_t nxt,
			uint32_t wnd)
{
	struct nlattr *in = nest(msg, SOCKET(RECEIVE));

	u32(msg, TCBSCOPE_A_RECEIVE_NXT, IRS + nxt);
	u32(msg, TCBSCOPE_A_RECEIVE_WND, wnd);
	u32(msg, TCBSCOPE_A_RECEIVE_IRS, IRS);
	u32(msg, TCBSCOPE_A_RECEIVE_WUP, IRS + nxt - 100);
	u32(msg, TCBSCOPE_A_RECEIVE_COPIED, IRS + copied);
	end(msg, in);
}

static void put_congestion(struct nl_msg *msg)
{
	struct nlattr *in = nest(msg, SOCKET(CONGESTION));

	nla_put_string(msg, TCBSCOPE_A_CONGESTION_ALGORITHM, "cubic");
	u32(msg, TCBSCOPE_A_CONGESTION_STATE, TCBSCOPE_CA_STATE_RECOVERY);
	u32(msg, TCBSCOPE_A_CONGESTION_CWND, 20);
	u32(msg, TCBSCOPE_A_CONGESTION_SSTHRESH, 0x7fffffff);
	u32(msg, TCBSCOPE_A_CONGESTION_PACKETS_OUT, 24);
	u32(msg, TCBSCOPE_A_CONGESTION_SACKED_OUT, 11);
	u32(msg, TCBSCOPE_A_CONGESTION_LOST_OUT, 5);
	u32(msg, TCBSCOPE_A_CONGESTION_RETRANS_OUT, 3);
	end(msg, in);
}

static void put_rest(struct nl_msg *msg)
{
	struct nlattr *in = nest(msg, SOCKET(TIME));

	u32(msg, TCBSCOPE_A_TIME_SRTT_US, 12345);
	u32(msg, TCBSCOPE_A_TIME_RTT_MIN_US, 87);
	u32(msg, TCBSCOPE_A_TIME_RTO_US, 212000);
	end(msg, in);
	in = nest(msg, SOCKET(MEMORY));
	u32(msg, TCBSCOPE_A_MEMORY_RECEIVE_USED, 32768);
	u32(msg, TCBSCOPE_A_MEMORY_RECEIVE_LIMIT, 131072);
	u32(msg, TCBSCOPE_A_MEMORY_SEND_QUEUED, 90000);
	u32(msg, TCBSCOPE_A_MEMORY_SEND_LIMIT, 87040);
	end(msg, in);
	in = nest(msg, SOCKET(OPTIONS));
	u32(msg, TCBSCOPE_A_OPTIONS_AGREED,
	    TCBSCOPE_OPTION_TIMESTAMPS | TCBSCOPE_OPTION_SACK |
		    TCBSCOPE_OPTION_WINDOW_SCALE);
	u32(msg, TCBSCOPE_A_OPTIONS_SEND_SCALE, 7);
	end(msg, in);
}

/* A sender that has lost some of 24 packets, and receives beyond two gaps. */
static void put_recovery(struct nl_msg *msg)
{
	const uint32_t l = TCBSCOPE_MARK_LOST, s = TCBSCOPE_MARK_SACKED;
	const uint32_t r = l | TCBSCOPE_MARK_RETRANSMITTED |
			   TCBSCOPE_MARK_EVER_RETRANSMITTED;
	uint32_t una = ISS + 1;

	put_identity(msg, "10.0.0.1", "192.0.2.7", 443);
	u32(msg, SOCKET(FAMILY), AF_INET);
	u32(msg, SOCKET(STATE), TCBSCOPE_STATE_ESTABLISHED);
	u64(msg, SOCKET(NOW_NS), NOW);
	u64(msg, SOCKET(HOLD_NS), 7650);
	u32(msg, SOCKET(FLAGS),
	    TCBSCOPE_FLAG_NODELAY | TCBSCOPE_FLAG_CWND_LIMITED);
	put_send(msg, 1, 1 + 24 * MSS, 1 + 30 * MSS, 65536);
	put_receive(msg, 1001, 3001, 16384);
	put_congestion(msg);
	put_timer(msg, TCBSCOPE_TIMER_KIND_RETRANSMIT, 53000);
	put_timer(msg, TCBSCOPE_TIMER_KIND_KEEPALIVE, 7199000000);
	put_timer(msg, TCBSCOPE_TIMER_KIND_PACING, -12);
	put_rest(msg);
	put_range(msg, SOCKET(SACK_RECEIVED), una + 5 * MSS, una + 16 * MSS);
	put_range(msg, SOCKET(SACK_PENDING), IRS + 6001, IRS + 9001);
	put_segment(msg, TCBSCOPE_QUEUE_RETRANSMIT, una, 3, r, NOW - 4000000);
	put_segment(msg, TCBSCOPE_QUEUE_RETRANSMIT, una + 3 * MSS, 2, l,
		    NOW - 90000000);
	put_segment(msg, TCBSCOPE_QUEUE_RETRANSMIT, una + 5 * MSS, 11, s,
		    NOW - 80000000);
	put_segment(msg, TCBSCOPE_QUEUE_RETRANSMIT, una + 16 * MSS, 1,
		    TCBSCOPE_MARK_EVER_RETRANSMITTED, NOW - 70000000);
	put_segment(msg, TCBSCOPE_QUEUE_RETRANSMIT, una + 17 * MSS, 7, 0,
		    NOW - 1000000);
	put_segment(msg, TCBSCOPE_QUEUE_UNSENT, una + 24 * MSS, 6, 0, 0);
	put_segment(msg, TCBSCOPE_QUEUE_OUT_OF_ORDER, IRS + 6001, 2, 0, 0);
	put_segment(msg, TCBSCOPE_QUEUE_OUT_OF_ORDER, IRS + 12001, 1, 0, 0);
}

/* What show_text() or, without a look, show_json() makes of it. */
static const char *draw(struct __test_metadata *_metadata,
			FIXTURE_DATA(one) * self, const struct show_look *look)
{
	struct nlmsghdr *h = nlmsg_hdr(self->msg);
	size_t size;
	FILE *file;

	free(self->text);
	self->show.list.data = nlmsg_attrdata(h, 0);
	self->show.list.len = nlmsg_attrlen(h, 0);
	file = open_memstream(&self->text, &size);
	if (look) {
		EXPECT_EQ(0, show_text(&self->show, look, file));
	} else {
		show_json(&self->show, file);
	}
	fclose(file);
	return self->text;
}

#define DRAW(look) draw(_metadata, self, look)

/* All that a sender in trouble has. */
TEST_F(one, recovery)
{
	put_recovery(self->msg);
	EXPECT_TRUE(golden_same("show/recovery.txt", DRAW(&columns_80)));
	EXPECT_TRUE(golden_same("show/recovery_ascii.txt", DRAW(&ascii_80)));
}

/* A wide terminal has more beside each other, and says what timers are for. */
TEST_F(one, wide)
{
	static const struct show_look wide = { .width = 140, .unicode = true };

	put_recovery(self->msg);
	EXPECT_TRUE(golden_same("show/recovery_wide.txt", DRAW(&wide)));
}

/* Each number with what it is. */
TEST_F(one, explained)
{
	static const struct show_look explain = { .width = 80,
						  .unicode = true,
						  .explain = true };

	put_recovery(self->msg);
	EXPECT_TRUE(golden_same("show/recovery_explain.txt", DRAW(&explain)));
}

/* JSON has the names of the description, words for numbers, arrays for many. */
TEST_F(one, json)
{
	put_recovery(self->msg);
	EXPECT_TRUE(golden_same("show/recovery.json", DRAW(NULL)));
}

/* Nothing is sent, nothing waits: marks at one place share their line. */
TEST_F(one, idle)
{
	put_identity(self->msg, "2001:db8::1", "2001:db8::2", 443);
	u32(self->msg, SOCKET(STATE), TCBSCOPE_STATE_CLOSE_WAIT);
	put_send(self->msg, 5001, 5001, 5001, 65536);
	put_receive(self->msg, 77, 77, 0);
	self->show.pid = 0;
	self->show.derived = true;
	self->show.via = "sock_diag";
	EXPECT_TRUE(golden_same("show/idle.txt", DRAW(&columns_80)));
}

/* Older kernels do not tell their own window: no mark is drawn for it. */
TEST_F(one, window_not_told)
{
	struct nlattr *in;
	const char *text;

	put_identity(self->msg, "10.0.0.1", "10.0.0.2", 443);
	in = nest(self->msg, SOCKET(RECEIVE));
	u32(self->msg, TCBSCOPE_A_RECEIVE_NXT, 121);
	u32(self->msg, TCBSCOPE_A_RECEIVE_IRS, 0);
	u32(self->msg, TCBSCOPE_A_RECEIVE_COPIED, 1);
	end(self->msg, in);
	in = nest(self->msg, SOCKET(SEND));
	u32(self->msg, TCBSCOPE_A_SEND_UNA, 7);
	u32(self->msg, TCBSCOPE_A_SEND_NXT, 9);
	end(self->msg, in);
	text = DRAW(&columns_80);
	EXPECT_NE(NULL, strstr(text, " in flight 2\n"));
	EXPECT_NE(NULL, strstr(text, " nxt=write 2\n"));
	EXPECT_NE(NULL, strstr(text, "  copied 1 "));
	EXPECT_NE(NULL, strstr(text, " nxt 121\n"));
	EXPECT_NE(NULL, strstr(text, " unread 120\n"));
	EXPECT_EQ(NULL, strstr(text, "wnd"));
	EXPECT_EQ(NULL, strstr(text, "window"));
}

/* Numbers that make no sense are drawn somewhere, and soon. */
TEST_F(one, nonsense)
{
	put_identity(self->msg, "10.0.0.1", "10.0.0.2", 443);
	put_send(self->msg, 5, 1, 0, 0xffffffff);
	put_receive(self->msg, 9, 1, 110);
	EXPECT_NE(NULL, strstr(DRAW(&columns_80), "copied"));
}

/* The peer has closed its window, and taken back some of it. */
TEST_F(one, closed_window)
{
	put_identity(self->msg, "10.0.0.1", "10.0.0.2", 443);
	u32(self->msg, SOCKET(STATE), TCBSCOPE_STATE_ESTABLISHED);
	put_send(self->msg, 1001, 3001, 9001, 1500);
	put_timer(self->msg, TCBSCOPE_TIMER_KIND_PROBE, 53000);
	EXPECT_TRUE(golden_same("show/closed_window.txt", DRAW(&columns_80)));
}

static unsigned int count(const char *text, const char *word)
{
	unsigned int n = 0;

	for (; (text = strstr(text, word)); text++)
		n++;
	return n;
}

/* More packets than there is room for: a sign for ten, the worst of them. */
TEST_F(one, many_packets)
{
	uint32_t seq = ISS + 1;
	unsigned int i;
	const char *text;

	put_identity(self->msg, "10.0.0.1", "10.0.0.2", 443);
	put_send(self->msg, 1, 1 + 2000 * MSS, 1 + 2000 * MSS, 3000 * MSS);
	for (i = 0; i < 100; i++, seq += 20 * MSS) {
		put_segment(self->msg, TCBSCOPE_QUEUE_RETRANSMIT, seq,
			    i == 50 ? 4 : 20, TCBSCOPE_MARK_SACKED, 1);
		if (i != 50)
			continue;
		put_segment(self->msg, TCBSCOPE_QUEUE_RETRANSMIT, seq + 4 * MSS,
			    1, TCBSCOPE_MARK_LOST, 1);
		put_segment(self->msg, TCBSCOPE_QUEUE_RETRANSMIT, seq + 5 * MSS,
			    15, TCBSCOPE_MARK_SACKED, 1);
	}
	text = DRAW(&columns_80);
	EXPECT_NE(NULL, strstr(text, "2000 packets in 102 segments"));
	EXPECT_NE(NULL, strstr(text, "a sign for 10 packets"));
	EXPECT_NE(NULL, strstr(text, "SSLSS"));
	EXPECT_EQ(1, count(text, "SLS"));
	EXPECT_EQ(0, count(text, "LL"));
}

static void put_waiting(struct nl_msg *msg, int type, uint16_t port,
			uint64_t age_us, unsigned int n)
{
	bool child = type == TCBSCOPE_A_LISTENER_CHILD;
	struct nlattr *in = nest(msg, type);

	put_identity(msg, "10.0.0.1", n % 2 ? "192.0.2.7" : "2001:db8::7",
		     port);
	if (child) {
		u64(msg, TCBSCOPE_A_CHILD_AGE_US, age_us);
		u32(msg, TCBSCOPE_A_CHILD_RECEIVE_QUEUE, 18 * n);
		u32(msg, TCBSCOPE_A_CHILD_STATE,
		    n == 1 ? TCBSCOPE_STATE_CLOSE_WAIT :
		    n == 2 ? TCBSCOPE_STATE_CLOSE :
			     TCBSCOPE_STATE_ESTABLISHED);
	} else {
		u64(msg, TCBSCOPE_A_REQUEST_AGE_US, age_us);
		u32(msg, TCBSCOPE_A_REQUEST_RETRANSMITS, n);
		u32(msg, TCBSCOPE_A_REQUEST_TIMEOUTS, n);
		nla_put_s64(msg, TCBSCOPE_A_REQUEST_EXPIRES_US, 513000);
		u32(msg, TCBSCOPE_A_REQUEST_MSS, 1460);
		u32(msg, TCBSCOPE_A_REQUEST_OFFERED,
		    TCBSCOPE_OPTION_TIMESTAMPS | TCBSCOPE_OPTION_SACK);
		u32(msg, TCBSCOPE_A_REQUEST_WINDOW, 64240);
		u32(msg, TCBSCOPE_A_REQUEST_ISS, 4000000000u);
	}
	end(msg, in);
}

static void put_listener(struct nl_msg *msg, unsigned int children)
{
	unsigned int i;

	put_identity(msg, "0.0.0.0", NULL, 0);
	u32(msg, TCBSCOPE_A_LISTENER_FAMILY, AF_INET);
	u32(msg, TCBSCOPE_A_LISTENER_SYN, 2);
	u32(msg, TCBSCOPE_A_LISTENER_YOUNG, 1);
	u32(msg, TCBSCOPE_A_LISTENER_ACCEPT, children);
	u32(msg, TCBSCOPE_A_LISTENER_LIMIT, 4);
	for (i = 0; i < 2; i++)
		put_waiting(msg, TCBSCOPE_A_LISTENER_REQUEST, 51000 + i,
			    1234000 * (2 - i), 1 - i);
	for (i = 0; i < children; i++)
		put_waiting(msg, TCBSCOPE_A_LISTENER_CHILD, 52000 + i,
			    5000000 - i * 10000, i);
}

/* Both queues, who waits in them, and who has gone. */
TEST_F(one, listener)
{
	static const struct show_look wide = { .width = 120, .unicode = true };

	put_listener(self->msg, 5);
	self->show.set = &module_set_listener;
	EXPECT_TRUE(golden_same("show/listener.txt", DRAW(&columns_80)));
	EXPECT_TRUE(golden_same("show/listener_ascii.txt", DRAW(&ascii_80)));
	EXPECT_TRUE(golden_same("show/listener_wide.txt", DRAW(&wide)));
	EXPECT_TRUE(golden_same("show/listener.json", DRAW(NULL)));
}

/* A long queue is cut, and it is said; --all has it whole. */
TEST_F(one, long_queue)
{
	struct show_look all = columns_80;

	put_listener(self->msg, 30);
	self->show.set = &module_set_listener;
	EXPECT_EQ(24, count(DRAW(&columns_80), ":520"));
	EXPECT_NE(NULL, strstr(self->text, "6 more (--all)"));
	all.all = true;
	EXPECT_EQ(30, count(DRAW(&all), ":520"));
	EXPECT_EQ(NULL, strstr(self->text, "more (--all)"));
}

/* Where there is more than is told, that is said. */
TEST_F(one, truncated)
{
	const char *socket = "TRUNCATED  The queues had more segments";
	const char *listener = "TRUNCATED  The queues had more entries";

	EXPECT_EQ(NULL, strstr(DRAW(&columns_80), "TRUNCATED"));
	nla_put_flag(self->msg, SOCKET(TRUNCATED));
	EXPECT_NE(NULL, strstr(DRAW(&columns_80), socket));
	nla_put_flag(self->msg, TCBSCOPE_A_LISTENER_TRUNCATED);
	self->show.set = &module_set_listener;
	EXPECT_NE(NULL, strstr(DRAW(&columns_80), listener));
}

/* What this program has no name for is shown all the same. */
TEST_F(one, unknown)
{
	struct json_object *o, *a;

	put_identity(self->msg, "10.0.0.1", "10.0.0.2", 443);
	u32(self->msg, SOCKET(STATE), 77);
	u32(self->msg, SOCKET(FLAGS), 1u << 30 | TCBSCOPE_FLAG_CORK);
	u32(self->msg, 1234, 0x04030201);
	put_timer(self->msg, 99, 1000);
	DRAW(&columns_80);
	EXPECT_NE(NULL, strstr(self->text, "attribute_1234"));
	EXPECT_NE(NULL, strstr(self->text, "01020304"));
	EXPECT_NE(NULL, strstr(self->text, "CORK bit_30"));
	EXPECT_NE(NULL, strstr(self->text, "\n  99 "));
	o = json_tokener_parse(DRAW(NULL));
	ASSERT_NE(NULL, o);
	EXPECT_EQ(77, json_object_get_int(json_object_object_get(o, "state")));
	a = json_object_array_get_idx(json_object_object_get(o, "unknown"), 0);
	EXPECT_EQ(1234,
		  json_object_get_int(json_object_object_get(a, "attribute")));
	EXPECT_STREQ("01020304", json_object_get_string(
					 json_object_object_get(a, "bytes")));
	json_object_put(o);
}

static void put_algorithm(struct nl_msg *msg, int kind, const void *info,
			  size_t len)
{
	struct nlattr *in = nest(msg, SOCKET(CONGESTION));

	u32(msg, TCBSCOPE_A_CONGESTION_INFO_KIND, kind);
	nla_put(msg, TCBSCOPE_A_CONGESTION_INFO, len, info);
	end(msg, in);
}

/* Does a text have the number, and the JSON? */
#define EXPECT_NUMBER(words, member)                                 \
	do {                                                         \
		EXPECT_NE(NULL, strstr(DRAW(&explained_80), words)); \
		EXPECT_NE(NULL, strstr(DRAW(NULL), "\"" member));    \
	} while (0)

static const struct show_look explained_80 = { .width = 80, .explain = true };

/* An algorithm's own numbers have names and units, also if some are absent. */
TEST_F(one, bbr)
{
	const struct tcp_bbr_info info = {
		.bbr_bw_lo = 1,
		.bbr_bw_hi = 1,
		.bbr_min_rtt = 12300,
		.bbr_pacing_gain = 739,
		.bbr_cwnd_gain = 512,
	};

	put_algorithm(self->msg, INET_DIAG_BBRINFO, &info, sizeof(info) - 4);
	EXPECT_NUMBER("bbr_bandwidth    4294967297 ",
		      "bbr_bandwidth\":4294967297");
	EXPECT_NUMBER("bbr_min_rtt      12.3ms ", "bbr_min_rtt_us\":12300");
	EXPECT_NUMBER("bbr_pacing_gain  2.89 ", "bbr_pacing_gain\":2.8867");
	EXPECT_EQ(NULL, strstr(self->text, "bbr_cwnd_gain"));
}

TEST_F(one, dctcp)
{
	const struct tcp_dctcp_info info = { .dctcp_enabled = 1,
					     .dctcp_alpha = 256,
					     .dctcp_ab_ecn = 3000,
					     .dctcp_ab_tot = 70000 };

	put_algorithm(self->msg, INET_DIAG_DCTCPINFO, &info, sizeof(info));
	EXPECT_NUMBER("dctcp_enabled    1 ", "dctcp_enabled\":1,");
	EXPECT_NUMBER("dctcp_ce_state   0 ", "dctcp_ce_state\":0,");
	EXPECT_NUMBER("dctcp_alpha      0.25 ", "dctcp_alpha\":0.2500");
	EXPECT_NUMBER(" 3000 ", "dctcp_marked\":3000,");
	EXPECT_NUMBER("dctcp_bytes      70000 ", "dctcp_bytes\":70000}");
}

TEST_F(one, vegas)
{
	const struct tcpvegas_info info = { .tcpv_enabled = 1,
					    .tcpv_rttcnt = 4,
					    .tcpv_rtt = 87,
					    .tcpv_minrtt = 93 };

	put_algorithm(self->msg, INET_DIAG_VEGASINFO, &info, sizeof(info));
	EXPECT_NUMBER("vegas_enabled    1 ", "vegas_enabled\":1,");
	EXPECT_NUMBER("vegas_rtts       4 ", "vegas_rtts\":4,");
	EXPECT_NUMBER("vegas_base_rtt   87us ", "vegas_base_rtt_us\":87,");
	EXPECT_NUMBER("vegas_min_rtt    93us ", "vegas_min_rtt_us\":93}");
}

/* Of an algorithm that came later there are the bytes. */
TEST_F(one, other_algorithm)
{
	put_algorithm(self->msg, 99, "\x12\x34", 2);
	EXPECT_NUMBER("info             1234 ", "info\":\"1234\"");
}

/* No byte of a name steers a terminal or breaks JSON. */
TEST_F(one, harmless)
{
	struct json_object *o;
	struct nlattr *in;

	put_identity(self->msg, "10.0.0.1", "10.0.0.2", 443);
	self->show.comm = "\033[2J\"\\";
	in = nest(self->msg, SOCKET(CONGESTION));
	nla_put_string(self->msg, TCBSCOPE_A_CONGESTION_ALGORITHM,
		       "\033[31m\"x");
	end(self->msg, in);
	EXPECT_EQ(NULL, strchr(DRAW(&columns_80), '\033'));
	o = json_tokener_parse(DRAW(NULL));
	ASSERT_NE(NULL, o);
	EXPECT_STREQ(self->show.comm,
		     json_object_get_string(json_object_object_get(o, "comm")));
	json_object_put(o);
}

/* No line is wider than asked for, however narrow; colour adds no column. */
TEST_F(one, fits)
{
	struct show_look look = { .unicode = true };
	char *line, *rest;

	put_recovery(self->msg);
	for (look.width = 40; look.width < 160; look.width += 7) {
		DRAW(&look);
		rest = self->text;
		while ((line = strsep(&rest, "\n"))) {
			EXPECT_GE(look.width, width_text(line))
			{
				TH_LOG("%s", line);
			}
		}
	}
}

TEST_HARNESS_MAIN
