// SPDX-License-Identifier: GPL-2.0
/*
 * Ladders, drawn from arrays of events through the whole pipeline, and compared
 * with what stands in tests/unit/ladder/.
 */
#include "lib/clock.h"
#include "lib/width.h"
#include "output/output.h"
#include "tests/lib/events.h"
#include "tests/lib/golden.h"
#include "tests/lib/page.h"
#include "tests/lib/steps.h"

#include <kselftest_harness.h>
#include <malloc.h>
#include <stdlib.h>
#include <string.h>

#define MS 1000000ull

FIXTURE(ladder)
{
	struct page page;
};

FIXTURE_SETUP(ladder)
{
	ASSERT_EQ(0, page_init(&self->page));
}

FIXTURE_TEARDOWN(ladder)
{
	page_free(&self->page);
}

static int begin(struct pipeline *p, const struct schema *schema, FILE *file,
		 const struct output_ladder_options *how)
{
	const struct trace_info info = { .start_ns = PAGE_START };
	struct output_ladder_options options = *how;

	options.file = file;
	options.max = how->max ? how->max : 9;
	return pipeline_add_output(p, output_ladder_new(schema, &options)) ?:
		       pipeline_header(p, &info);
}

#define S(state) TCB_STATE_##state

#define PUSH(p, changes) \
	steps_changes(p, changes, sizeof(changes) / sizeof(*changes))

enum { FIN = 1, SYN = 2, RST = 4, PSH = 8, ACK = 16 };

/* Is the text that of tests/unit/ladder/@name? */
static bool golden(const char *name, const char *text)
{
	char path[64];

	snprintf(path, sizeof(path), "ladder/%s", name);
	return golden_same(path, text);
}

static const struct output_ladder_options columns_80 = { .width = 80,
							 .unicode = true };
static const struct output_ladder_options ascii_80 = { .width = 80 };

static const struct step crossed[] = {
	{ 0, 0, S(CLOSE), S(SYN_SENT), CAUSE_CALL_CONNECT, 0, 0 },
	{ 900, 1, S(CLOSE), S(SYN_SENT), CAUSE_CALL_CONNECT, 0, 0 },
	{ 21000, 1, S(SYN_SENT), S(SYN_RECV), CAUSE_RX_SYN, KIND_crossed, 0 },
	{ 21900, 0, S(SYN_SENT), S(SYN_RECV), CAUSE_RX_SYN, KIND_crossed, 0 },
	{ 42000, 1, S(SYN_RECV), S(ESTABLISHED), CAUSE_RX_SYN_ACK, 0, 0 },
	{ 42900, 0, S(SYN_RECV), S(ESTABLISHED), CAUSE_RX_SYN_ACK, 0, 0 },
	{ 60000, 0, S(ESTABLISHED), S(FIN_WAIT1), CAUSE_CALL_CLOSE, 0, 0 },
	{ 60900, 1, S(ESTABLISHED), S(FIN_WAIT1), CAUSE_CALL_CLOSE, 0, 0 },
	{ 81000, 1, S(FIN_WAIT1), S(CLOSING), CAUSE_RX_FIN,
	  KIND_simultaneous_close, 0 },
	{ 81900, 0, S(FIN_WAIT1), S(CLOSING), CAUSE_RX_FIN,
	  KIND_simultaneous_close, 0 },
	{ 102000, 1, S(CLOSING), S(TIME_WAIT), CAUSE_RX_ACK, 0, 0 },
	{ 102900, 0, S(CLOSING), S(TIME_WAIT), CAUSE_RX_ACK, 0, 0 },
};

static void push_crossed_segments(struct pipeline *p)
{
	steps_segment(p, 10, 0, 20980, SYN, 0, 0, 0);
	steps_segment(p, 910, 1, 20980, SYN, 0, 0, 0);
	steps_segment(p, 21010, 1, 21880, SYN | ACK, 0, 0, 1);
	steps_segment(p, 21910, 0, 20080, SYN | ACK, 0, 0, 1);
	steps_segment(p, 60010, 0, 20980, FIN | ACK, 1, 0, 1);
	steps_segment(p, 60910, 1, 20980, FIN | ACK, 1, 0, 1);
	steps_segment(p, 81010, 1, 21880, ACK, 2, 0, 2);
	steps_segment(p, 81910, 0, 20080, ACK, 2, 0, 2);
}

/* The picture that everything here is for: both SYNs, seen to cross. */
TEST_F(ladder, simultaneous_open)
{
	ASSERT_EQ(0, begin(self->page.pipeline, self->page.schema,
			   self->page.file, &columns_80));
	PUSH(self->page.pipeline, crossed);
	push_crossed_segments(self->page.pipeline);
	ASSERT_NE(NULL, page_finish(&self->page));
	EXPECT_TRUE(golden("simultaneous.txt", self->page.text));
}

/* The same where no segments are seen: concluded from states, and marked. */
TEST_F(ladder, simultaneous_open_derived)
{
	ASSERT_EQ(0, begin(self->page.pipeline, self->page.schema,
			   self->page.file, &columns_80));
	PUSH(self->page.pipeline, crossed);
	ASSERT_NE(NULL, page_finish(&self->page));
	EXPECT_TRUE(golden("simultaneous_derived.txt", self->page.text));
	EXPECT_NE(NULL, strstr(self->page.text, "~SYN+ACK"));
}

/* And on a terminal without Unicode, as narrow as they get. */
TEST_F(ladder, simultaneous_open_ascii)
{
	static const struct output_ladder_options narrow = { .width = 40 };
	const char *c;

	ASSERT_EQ(0, begin(self->page.pipeline, self->page.schema,
			   self->page.file, &narrow));
	PUSH(self->page.pipeline, crossed);
	push_crossed_segments(self->page.pipeline);
	ASSERT_NE(NULL, page_finish(&self->page));
	EXPECT_TRUE(golden("simultaneous_ascii.txt", self->page.text));
	for (c = self->page.text; *c; c++)
		ASSERT_GT(0x7f, (unsigned char)*c);
}

/* A client, a listener's child, data both ways, an orderly close. */
static const struct step orderly[] = {
	{ 0, 0, S(CLOSE), S(SYN_SENT), CAUSE_CALL_CONNECT, 0, 0 },
	{ 60, 0, S(SYN_SENT), S(ESTABLISHED), CAUSE_RX_SYN_ACK, 0, 0 },
	{ 80, 1, S(LISTEN), S(SYN_RECV), CAUSE_RX_ACK, 0, 0 },
	{ 85, 1, S(SYN_RECV), S(ESTABLISHED), CAUSE_RX_ACK, 0, 0 },
	{ 3000, 0, S(ESTABLISHED), S(FIN_WAIT1), CAUSE_CALL_CLOSE, 0, 0 },
	{ 3020, 1, S(ESTABLISHED), S(CLOSE_WAIT), CAUSE_RX_FIN, 0, 0 },
	{ 3050, 0, S(FIN_WAIT1), S(FIN_WAIT2), CAUSE_RX_ACK, 0, 0 },
	{ 3500, 1, S(CLOSE_WAIT), S(LAST_ACK), CAUSE_CALL_CLOSE, 0, 0 },
	{ 3520, 0, S(FIN_WAIT2), S(TIME_WAIT), CAUSE_RX_FIN, 0, 0 },
	{ 3540, 1, S(LAST_ACK), S(CLOSE), CAUSE_RX_ACK, 0, 0 },
};

static void push_orderly_segments(struct pipeline *p)
{
	steps_segment(p, 10, 0, 10, SYN, 0, 0, 0);
	steps_segment(p, 30, 1, 20, SYN | ACK, 0, 0, 1);
	steps_segment(p, 65, 0, 10, ACK, 1, 0, 1);
	steps_segment(p, 2000, 0, 30, PSH | ACK, 1, 26, 1);
	steps_segment(p, 2040, 1, 30, ACK, 1, 0, 27);
	steps_segment(p, 3005, 0, 10, FIN | ACK, 27, 0, 1);
	steps_segment(p, 3025, 1, 20, ACK, 1, 0, 28);
	steps_segment(p, 3505, 1, 10, FIN | ACK, 1, 0, 28);
	steps_segment(p, 3525, 0, 10, ACK, 28, 0, 2);
}

TEST_F(ladder, open_and_close)
{
	struct event_window w = events_window(PAGE_START + 2300 * 1000, 1, 10,
					      11);

	ASSERT_EQ(0, begin(self->page.pipeline, self->page.schema,
			   self->page.file, &columns_80));
	PUSH(self->page.pipeline, orderly);
	push_orderly_segments(self->page.pipeline);
	steps_queue(self->page.pipeline, 90, QUEUE_completed, 1);
	steps_queue(self->page.pipeline, 500, QUEUE_accepted, 0);
	pipeline_push(self->page.pipeline, &w, sizeof(w));
	steps_call(self->page.pipeline, 1990, 0, CALL_sendto, 7, 90, 26);
	steps_call(self->page.pipeline, 600, 1, CALL_recvfrom, 8, 1600, 26);
	ASSERT_NE(NULL, page_finish(&self->page));
	EXPECT_TRUE(golden("open_close.txt", self->page.text));
}

TEST_F(ladder, open_and_close_ascii)
{
	ASSERT_EQ(0, begin(self->page.pipeline, self->page.schema,
			   self->page.file, &ascii_80));
	PUSH(self->page.pipeline, orderly);
	ASSERT_NE(NULL, page_finish(&self->page));
	EXPECT_TRUE(golden("open_close_ascii.txt", self->page.text));
}

/*
 * A change of state stands at the head of the very arrow that has made it,
 * though something came in between: or, much later, says what that was. It does
 * not stand at an arrow that has not made it.
 */
TEST_F(ladder, beside_its_cause)
{
	static const struct step changes[] = {
		{ 40, 0, S(ESTABLISHED), S(FIN_WAIT1), CAUSE_CALL_CLOSE, 0, 0 },
		{ 2030, 0, S(FIN_WAIT1), S(FIN_WAIT2), CAUSE_RX_ACK, 0, 0 },
		{ 9000, 0, S(FIN_WAIT2), S(TIME_WAIT), CAUSE_RX_FIN, 0, 0 },
	};
	struct event_window w = events_window(PAGE_START + 2020 * 1000, 1, 10,
					      11);

	ASSERT_EQ(0, begin(self->page.pipeline, self->page.schema,
			   self->page.file, &columns_80));
	steps_segment(self->page.pipeline, 1, 0, 0, PSH | ACK, 1, 9, 1);
	steps_call(self->page.pipeline, 10, 0, CALL_close, 7, 1500, 0);
	steps_half(self->page.pipeline, 30, 0, true, 1, ACK, 1, 10);
	steps_segment(self->page.pipeline, 50, 0, 0, FIN | ACK, 10, 0, 1);
	steps_half(self->page.pipeline, 2010, 0, true, 2, ACK, 1, 11);
	pipeline_push(self->page.pipeline, &w, sizeof(w));
	steps_half(self->page.pipeline, 6000, 0, true, 3, FIN | ACK, 1, 11);
	PUSH(self->page.pipeline, changes);
	ASSERT_NE(NULL, page_finish(&self->page));
	EXPECT_TRUE(golden("causes.txt", self->page.text));
}

/*
 * Of a command's connection the other end is drawn, too, by what is told of
 * others: also what came before it was known to be that, and nothing else.
 */
TEST_F(ladder, peer_of_command)
{
	struct account *account = pipeline_account(self->page.pipeline);
	unsigned int i;

	ASSERT_EQ(0, pipeline_show_peers(self->page.pipeline));
	ASSERT_EQ(0, begin(self->page.pipeline, self->page.schema,
			   self->page.file, &columns_80));
	for (i = 0; i < sizeof(orderly) / sizeof(*orderly); i++) {
		struct step c = orderly[i];
		struct event_state s = steps_state(&c);

		s.ev.foreign = c.end == 0;
		pipeline_push(self->page.pipeline, &s, sizeof(s));
		s.ev.foreign = 1;
		s.ev.cookie += 100; /* that of a stranger */
		s.ev.lport = 4000;
		pipeline_push(self->page.pipeline, &s, sizeof(s));
	}
	steps_half(self->page.pipeline, 20, 1, true, 0, SYN, 0, 0);
	steps_half(self->page.pipeline, 35, 1, false, 0, SYN | ACK, 0, 1);
	steps_half(self->page.pipeline, 75, 1, true, 0, ACK, 1, 1);
	steps_half(self->page.pipeline, 3010, 1, true, 0, FIN | ACK, 1, 1);
	steps_half(self->page.pipeline, 3030, 1, false, 0, ACK, 1, 2);
	steps_half(self->page.pipeline, 3505, 1, false, 0, FIN | ACK, 1, 2);
	steps_half(self->page.pipeline, 3530, 1, true, 0, ACK, 2, 2);
	ASSERT_NE(NULL, page_finish(&self->page));
	EXPECT_TRUE(golden("peer.txt", self->page.text));
	EXPECT_EQ(10, account->shown[EVENT_state]);
	EXPECT_EQ(10, account->filtered[EVENT_state]);
	EXPECT_EQ(1, account->late);
}

/* One end only: the other one is elsewhere, or was not asked for. */
TEST_F(ladder, refused)
{
	static const struct step refused[] = {
		{ 0, 0, S(CLOSE), S(SYN_SENT), CAUSE_CALL_CONNECT, 0, 0 },
		{ 50, 0, S(SYN_SENT), S(CLOSE), CAUSE_RX_RST, 0, ECONNREFUSED },
	};

	ASSERT_EQ(0, begin(self->page.pipeline, self->page.schema,
			   self->page.file, &columns_80));
	PUSH(self->page.pipeline, refused);
	ASSERT_NE(NULL, page_finish(&self->page));
	EXPECT_TRUE(golden("refused.txt", self->page.text));
}

/* Lost on the way, sent again after a timeout; a long time in between. */
TEST_F(ladder, lost_and_sent_again)
{
	struct event_retransmit r = events_retransmit(PAGE_START + 206000000,
						      1);

	ASSERT_EQ(0, begin(self->page.pipeline, self->page.schema,
			   self->page.file, &columns_80));
	steps_changes(self->page.pipeline, orderly, 4);
	steps_segment(self->page.pipeline, 10, 0, 10, SYN, 0, 0, 0);
	steps_segment(self->page.pipeline, 30, 1, 20, SYN | ACK, 0, 0, 1);
	steps_segment(self->page.pipeline, 65, 0, 10, ACK, 1, 0, 1);
	steps_segment(self->page.pipeline, 2100, 0, 0, PSH | ACK, 1, 1, 1);
	pipeline_push(self->page.pipeline, &r, sizeof(r));
	steps_segment(self->page.pipeline, 206010, 0, 20, PSH | ACK, 1, 1, 1);
	steps_segment(self->page.pipeline, 206040, 1, 15, ACK, 1, 0, 2);
	ASSERT_NE(NULL, page_finish(&self->page));
	EXPECT_TRUE(golden("lost.txt", self->page.text));
}

/* A reset cuts off both; what is read of it says so. */
TEST_F(ladder, reset)
{
	static const struct step cut[] = {
		{ 0, 0, S(CLOSE), S(SYN_SENT), CAUSE_CALL_CONNECT, 0, 0 },
		{ 60, 0, S(SYN_SENT), S(ESTABLISHED), CAUSE_RX_SYN_ACK, 0, 0 },
		{ 80, 1, S(LISTEN), S(SYN_RECV), CAUSE_RX_ACK, 0, 0 },
		{ 85, 1, S(SYN_RECV), S(ESTABLISHED), CAUSE_RX_ACK, 0, 0 },
		{ 900, 0, S(ESTABLISHED), S(CLOSE), CAUSE_CALL_CLOSE,
		  KIND_unread_data, 0 },
		{ 930, 1, S(ESTABLISHED), S(CLOSE), CAUSE_RX_RST, 0,
		  ECONNRESET },
	};
	struct event_reset r = events_reset(PAGE_START + 905000, 1);

	ASSERT_EQ(0, begin(self->page.pipeline, self->page.schema,
			   self->page.file, &columns_80));
	PUSH(self->page.pipeline, cut);
	pipeline_push(self->page.pipeline, &r, sizeof(r));
	ASSERT_NE(NULL, page_finish(&self->page));
	EXPECT_TRUE(golden("reset.txt", self->page.text));
}

/* Columns of the widest line. */
static size_t widest(char *text)
{
	size_t n = 0, width;
	char *line;

	while ((line = strsep(&text, "\n"))) {
		width = width_text(line);
		if (width > n)
			n = width;
	}
	return n;
}

/*
 * Whatever names and addresses there are, no line is wider than the terminal:
 * wide and combining characters, control bytes, the longest of IPv6.
 */
TEST_F(ladder, columns_are_never_broken)
{
	static const char *const names[] = {
		"漢字漢字漢",
		"e\xcc\x81\xcc\x81\xcc\x81\xcc\x81\xcc\x81x",
		"\xf0\x9f\x98\x80\xf0\x9f\x98\x80\xf0\x9f\x98\x80x",
		"\033[2J\033[2J\033[2J",
		"a<b>&\"c\"",
		"",
	};
	unsigned int width, name, i, j;

	for (width = 40; width <= 220; width += 3)
		for (name = 0; name < 12; name++) {
			struct output_ladder_options how = {
				.width = width,
				.unicode = name & 1,
				.explain = true,
			};
			char *text = NULL;
			size_t size, n;
			FILE *file = open_memstream(&text, &size);
			struct pipeline *p = pipeline_new(self->page.schema,
							  NULL, 0);

			ASSERT_EQ(0, begin(p, self->page.schema, file, &how));
			for (i = 0; i < sizeof(orderly) / sizeof(*orderly);
			     i++) {
				const struct step *c = &orderly[i];
				struct event_state s = {
					.ev = { .ts_ns = PAGE_START +
							 c->us * 9999 },
					.old = c->old,
					.new = c->new,
					.cause = c->cause,
				};

				s.ev.type = EVENT_state;
				steps_end(&s.ev, c->end);
				strncpy(s.ev.comm, names[name / 2],
					sizeof(s.ev.comm) - 1);
				s.ev.family = FAMILY_INET6;
				for (j = 0; j < 16; j++)
					s.ev.laddr.byte[j] =
						s.ev.raddr.byte[j] = 0xfe;
				s.ev.laddr.byte[15] = c->end;
				s.ev.raddr.byte[15] = !c->end;
				pipeline_push(p, &s, sizeof(s));
			}
			ASSERT_EQ(0, pipeline_footer(p));
			ASSERT_EQ(0, fflush(file));
			n = widest(text);
			EXPECT_GE(width, n)
			{
				TH_LOG("width %u name %u: %zu", width, name, n);
			}
			EXPECT_EQ(NULL, strchr(text, '\033'));
			pipeline_free(p);
			fclose(file);
			free(text);
		}
}

/* Each event goes into a ladder or into what is said to be left out. */
TEST_F(ladder, account)
{
	const struct output_ladder_options how = { .width = 80, .max = 2 };
	const struct account *account;
	unsigned int i;

	ASSERT_EQ(0, begin(self->page.pipeline, self->page.schema,
			   self->page.file, &how));
	for (i = 0; i < 5; i++) {
		struct event_state s = events_state(PAGE_START + i, 10 + i,
						    3000 + i, 80, S(CLOSE),
						    S(SYN_SENT));

		pipeline_push(self->page.pipeline, &s, sizeof(s));
	}
	ASSERT_NE(NULL, page_finish(&self->page));
	account = pipeline_account(self->page.pipeline);
	EXPECT_EQ(2, account->shown[EVENT_state]);
	EXPECT_EQ(3, account->filtered[EVENT_state]);
	EXPECT_NE(NULL, strstr(self->page.text,
			       "left out: 3 events of 3 or more connections "
			       "beyond the first 2"));
}

/* A connection that is over is drawn before the trace is, and only once. */
TEST_F(ladder, drawn_when_over)
{
	ASSERT_EQ(0, begin(self->page.pipeline, self->page.schema,
			   self->page.file, &columns_80));
	PUSH(self->page.pipeline, orderly);
	ASSERT_EQ(0, pipeline_release(self->page.pipeline, ~0ull));
	ASSERT_EQ(0, pipeline_flush(self->page.pipeline, PAGE_START + 4 * MS));
	fflush(self->page.file);
	EXPECT_EQ(0, self->page.size);
	ASSERT_EQ(0,
		  pipeline_flush(self->page.pipeline, PAGE_START + 1000 * MS));
	EXPECT_NE(0, self->page.size);
	ASSERT_NE(NULL, page_finish(&self->page));
	EXPECT_EQ(NULL, strstr(self->page.text, "#2"));
}

/* A socket that is used again has another ladder; so has each of many. */
TEST_F(ladder, used_again)
{
	static const struct step twice[] = {
		{ 0, 0, S(CLOSE), S(SYN_SENT), CAUSE_CALL_CONNECT, 0, 0 },
		{ 50, 0, S(SYN_SENT), S(CLOSE), CAUSE_RX_RST, 0, ECONNREFUSED },
		{ 90, 0, S(CLOSE), S(SYN_SENT), CAUSE_CALL_CONNECT, 0, 0 },
		{ 99, 0, S(SYN_SENT), S(CLOSE), CAUSE_RX_RST, 0, ECONNREFUSED },
	};

	ASSERT_EQ(0, begin(self->page.pipeline, self->page.schema,
			   self->page.file, &columns_80));
	PUSH(self->page.pipeline, twice);
	ASSERT_NE(NULL, page_finish(&self->page));
	EXPECT_NE(NULL, strstr(self->page.text, "#1  refused"));
	EXPECT_NE(NULL, strstr(self->page.text, "#2  refused"));
	EXPECT_EQ(NULL, strstr(self->page.text, "left out"));
}

/* Many events of one connection: drawn within a second. */
TEST_F(ladder, ten_thousand_events)
{
	nsec_t from;
	unsigned int i;

	ASSERT_EQ(0, begin(self->page.pipeline, self->page.schema,
			   self->page.file, &columns_80));
	for (i = 0; i < 5000; i++)
		steps_segment(self->page.pipeline, 2 * i, i & 1, 3, PSH | ACK,
			      i / 2 * 100 + 1, 100, 1);
	from = clock_now_ns();
	ASSERT_NE(NULL, page_finish(&self->page));
	EXPECT_GT(1000 * MS, clock_now_ns() - from);
	EXPECT_LT(100000, self->page.size);
	EXPECT_EQ(NULL, strstr(self->page.text, "left out"));
}

/* A million events: memory stays bounded, and nothing is left out silently. */
TEST_F(ladder, a_million_events)
{
	struct mallinfo2 before, most = {};
	const struct account *account;
	unsigned long long left_out = 0;
	unsigned int i;
	char *said;

	ASSERT_EQ(0, begin(self->page.pipeline, self->page.schema,
			   self->page.file, &ascii_80));
	before = mallinfo2();
	for (i = 0; i < 1000000; i++) {
		struct event_window w = events_window(PAGE_START + i * 1000ull,
						      1 + i % 5, i % 9, i % 7);

		w.ev.lport += i % 5;
		pipeline_push(self->page.pipeline, &w, sizeof(w));
		if (i % 1000)
			continue;
		ASSERT_EQ(0, pipeline_release(self->page.pipeline, w.ev.ts_ns));
		if (mallinfo2().uordblks > most.uordblks)
			most = mallinfo2();
	}
	ASSERT_NE(NULL, page_finish(&self->page));
	EXPECT_GT(64ull << 20, most.uordblks - before.uordblks);
	account = pipeline_account(self->page.pipeline);
	EXPECT_EQ(1000000, account->shown[EVENT_window] +
				   account->filtered[EVENT_window]);
	for (said = self->page.text; (said = strstr(said, "left out: "));
	     said++)
		left_out += strtoull(said + 10, NULL, 10);
	EXPECT_EQ(account->filtered[EVENT_window], left_out);
}

/* The picture: well-formed, complete, and its size is known. */
TEST_F(ladder, svg)
{
	const struct output_ladder_options how = { .svg = true };

	ASSERT_EQ(0, begin(self->page.pipeline, self->page.schema,
			   self->page.file, &how));
	PUSH(self->page.pipeline, crossed);
	push_crossed_segments(self->page.pipeline);
	ASSERT_NE(NULL, page_finish(&self->page));
	EXPECT_TRUE(golden("simultaneous.svg", self->page.text));
	EXPECT_EQ(0, strncmp(self->page.text, "<svg ", 5));
	EXPECT_NE(NULL, strstr(self->page.text, "</svg>\n"));
	EXPECT_EQ(NULL, strstr(self->page.text, "height=\"      0\""));
}

TEST_HARNESS_MAIN
