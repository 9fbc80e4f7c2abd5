// SPDX-License-Identifier: GPL-2.0
/* Tests of how listeners are shown: as a table, JSON, metrics, and advice. */
#include "output/listeners.h"
#include "lab/witness.h"
#include "tests/lib/events.h"
#include "tests/lib/openmetrics.h"

#include <json-c/json.h>
#include <kselftest_harness.h>
#include <string.h>

#define MS 1000000ull
#define NOW (100000 * MS)

FIXTURE(shown)
{
	struct schema *schema;
	struct listeners l;
	struct listeners_view view;
	FILE *file;
	char *text;
	size_t size;
};

FIXTURE_SETUP(shown)
{
	memset(self, 0, sizeof(*self));
	self->schema = events_schema();
	ASSERT_NE(NULL, self->schema);
	self->file = open_memstream(&self->text, &self->size);
	ASSERT_NE(NULL, self->file);
	self->view = (struct listeners_view){
		.schema = self->schema,
		.start = NOW - 3000 * MS,
		.begin = NOW - 1000 * MS,
		.end = NOW,
		.watched = true,
		.tree = true,
		.headings = true,
	};
}

FIXTURE_TEARDOWN(shown)
{
	listeners_free(&self->l);
	schema_free(self->schema);
	fclose(self->file);
	free(self->text);
}

/* An event of the listener 1, 192.0.2.7:80, or of a child of it. */
static struct event_queue queue(enum queue_op op, __u64 cookie)
{
	return (struct event_queue){
		.ev.type = EVENT_queue,
		.ev.family = FAMILY_INET,
		.ev.laddr.byte = { 192, 0, 2, 7 },
		.ev.raddr.byte = { 10, 0, 0, cookie },
		.ev.cookie = cookie,
		.ev.ts_ns = NOW - 500 * MS,
		.ev.lport = 80,
		.ev.rport = cookie == 1 ? 0 : 1000 + cookie,
		.ev.pid = 12,
		.ev.comm = "evil\"\n\\",
		.listener = 1,
		.wait_ns = ~0ull,
		.syn = 3,
		.accept = 1,
		.limit = 8,
		.asked = ~0u,
		.unread = ~0u,
		.drops = ~0u,
		.somaxconn = ~0u,
		.op = op,
		.depth_how = HOW_observed,
	};
}

static int add(FIXTURE_DATA(shown) * self, struct event_queue q)
{
	return listeners_add(&self->l, &q.ev);
}

static int dropped(FIXTURE_DATA(shown) * self, enum queue_op op,
		   enum queue_rule rule)
{
	struct event_queue q = queue(op, 9);

	q.rule = rule;
	return listeners_add(&self->l, &q.ev);
}

/* One that was looked at when so many waited, of them two that are known. */
static void look(struct __test_metadata *_metadata, FIXTURE_DATA(shown) * self,
		 __u32 accept)
{
	struct event_queue q = queue(QUEUE_looked, 1);

	ASSERT_EQ(0, add(self, queue(QUEUE_listen, 1)));
	ASSERT_EQ(0, add(self, queue(QUEUE_completed, 2)));
	q.ev.ts_ns = NOW;
	q.syn = 4;
	q.accept = accept;
	q.drops = 0;
	q.somaxconn = 4096;
	q.depth_how = HOW_sampled;
	ASSERT_EQ(0, listeners_add(&self->l, &q.ev));
	q.drops = 40;
	ASSERT_EQ(0, listeners_add(&self->l, &q.ev));
	q = queue(QUEUE_waiting, 3);
	q.ev.ts_ns = NOW;
	q.accept = q.syn = ~0u;
	q.state = TCB_STATE_CLOSE;
	q.unread = 7;
	ASSERT_EQ(0, listeners_add(&self->l, &q.ev));
	q = queue(QUEUE_waiting, 2);
	q.ev.ts_ns = NOW;
	q.accept = q.syn = ~0u;
	q.wait_ns = 250 * MS;
	q.wait_how = HOW_derived;
	q.state = TCB_STATE_CLOSE_WAIT;
	q.unread = 0;
	ASSERT_EQ(0, listeners_add(&self->l, &q.ev));
}

/* Is there a line that has all of these words, in order? */
static bool has_line(FIXTURE_DATA(shown) * self, const char *words[])
{
	char *copy, *rest, *line, *at;
	bool found = false;
	size_t i;

	fflush(self->file);
	copy = rest = strdup(self->text);
	while (!found && (line = strsep(&rest, "\n"))) {
		for (i = 0, at = line; words[i] && at; i++)
			at = strstr(at, words[i]);
		found = !words[i] && at;
	}
	free(copy);
	return found;
}

#define HAS_LINE(...) has_line(self, (const char *[]){ __VA_ARGS__, NULL })

/* Claim: what was sampled or derived is marked, what is not known is "at least".
 */
TEST_F(shown, table)
{
	look(_metadata, self, 9);
	ASSERT_EQ(0, listeners_table_print(self->file, &self->l, &self->view));
	EXPECT_TRUE(HAS_LINE("192.0.2.7:80", "evil\"", " *4/8 ", " *9/8 ",
			     "#####", ">3.0s", "*40"));
	EXPECT_TRUE(HAS_LINE("  10.0.0.3:1003", "7 bytes, reset", ">3.0s"));
	EXPECT_TRUE(HAS_LINE("  10.0.0.2:1002", "closed", "~250ms"));
	EXPECT_TRUE(HAS_LINE("  in 1.0s: *dropped 40"));
	EXPECT_TRUE(HAS_LINE("  in 3.0s: *dropped 40"));
	EXPECT_TRUE(HAS_LINE("The accept queue is full"));
}

/* Claim: a table that watched nothing has no columns of what was watched. */
TEST_F(shown, now)
{
	self->view.watched = self->view.tree = false;
	look(_metadata, self, 1);
	ASSERT_EQ(0, listeners_table_print(self->file, &self->l, &self->view));
	EXPECT_TRUE(HAS_LINE("LISTENER", "SYN", "ACCEPT", "FULL"));
	EXPECT_FALSE(HAS_LINE("RATE"));
	EXPECT_FALSE(HAS_LINE("DROPS"));
	EXPECT_FALSE(HAS_LINE("10.0.0.3"));
}

/* Claim: JSON says how, and leaves out what is unknown; names stay text. */
TEST_F(shown, json)
{
	struct json_object *o, *l, *all, *waiting, *by;

	look(_metadata, self, 9);
	ASSERT_EQ(0, dropped(self, QUEUE_SYN_dropped,
			     QUEUE_RULE_accept_queue_full));
	listeners_json_print(self->file, &self->l, &self->view);
	fflush(self->file);
	o = json_tokener_parse(self->text);
	ASSERT_NE(NULL, o);
	ASSERT_TRUE(json_object_object_get_ex(o, "listeners", &l));
	l = json_object_array_get_idx(l, 0);
	EXPECT_STREQ("evil\"\n\\", witness_string(l, "comm"));
	EXPECT_STREQ("observed", witness_string(l, "depth_how"));
	EXPECT_EQ(4096, witness_number(l, "somaxconn"));
	EXPECT_FALSE(json_object_object_get_ex(l, "asked", NULL));
	EXPECT_FALSE(json_object_object_get_ex(l, "wait_p50_ns", NULL));
	EXPECT_EQ(1, witness_number(l, "dropped"));
	EXPECT_EQ(40, witness_number(l, "sk_drops"));
	ASSERT_TRUE(json_object_object_get_ex(l, "dropped_by", &by));
	EXPECT_EQ(1, witness_number(by, "accept_queue_full"));
	ASSERT_TRUE(json_object_object_get_ex(l, "all", &all));
	EXPECT_EQ(3000 * MS, witness_number(all, "time_ns"));
	ASSERT_TRUE(json_object_object_get_ex(l, "waiting", &waiting));
	ASSERT_EQ(2, json_object_array_length(waiting));
	l = json_object_array_get_idx(waiting, 0);
	EXPECT_FALSE(json_object_object_get_ex(l, "age_ns", NULL));
	EXPECT_EQ(7, witness_number(l, "unread"));
	l = json_object_array_get_idx(waiting, 1);
	EXPECT_EQ(250 * MS, witness_number(l, "age_ns"));
	EXPECT_STREQ("derived", witness_string(l, "age_how"));
	EXPECT_STREQ("CLOSE_WAIT", witness_string(l, "state"));
	json_object_put(o);
}

/* Claim: each rule of the kernel has its own advice, with whose the limit is. */
TEST_F(shown, advice)
{
	static const struct {
		enum queue_op op;
		enum queue_rule rule;
		const char *says;
	} rules[] = {
		{ QUEUE_SYN_dropped, QUEUE_RULE_SYN_queue_full_drop,
		  "net.ipv4.tcp_syncookies is 0" },
		{ QUEUE_SYN_dropped, QUEUE_RULE_last_quarter,
		  "net.ipv4.tcp_max_syn_backlog" },
		{ QUEUE_accept_overflow, QUEUE_RULE_abort_on_overflow,
		  "net.ipv4.tcp_abort_on_overflow is 1" },
		{ QUEUE_cookie_sent, QUEUE_RULE_SYN_queue_full_cookie,
		  "cookies stood in for it" },
	};
	char words[LISTENERS_WORDS];
	unsigned int i;

	ASSERT_EQ(0, add(self, queue(QUEUE_listen, 1)));
	EXPECT_FALSE(listeners_advice(self->l.listener[0], &self->view, words));
	for (i = 0; i < sizeof(rules) / sizeof(*rules); i++) {
		ASSERT_EQ(0, dropped(self, rules[i].op, rules[i].rule));
		EXPECT_TRUE(listeners_advice(self->l.listener[0], &self->view,
					     words));
		EXPECT_NE(NULL, strstr(words, rules[i].says))
		{
			TH_LOG("%s", words);
		}
		listeners_next(&self->l);
		EXPECT_FALSE(listeners_advice(self->l.listener[0], &self->view,
					      words));
	}
}

/*
 * Claim: whose the limit is is not said where only the depths are known, as
 * now.
 */
TEST_F(shown, limit)
{
	char words[LISTENERS_WORDS];
	struct event_queue q = queue(QUEUE_looked, 1);

	q.accept = 9;
	ASSERT_EQ(0, add(self, q));
	ASSERT_TRUE(listeners_advice(self->l.listener[0], &self->view, words));
	EXPECT_NE(NULL, strstr(words, "the limit of 8 is the application's, or "
				      "net.core.somaxconn."));
	q.somaxconn = 9;
	ASSERT_EQ(0, add(self, q));
	ASSERT_TRUE(listeners_advice(self->l.listener[0], &self->view, words));
	EXPECT_NE(NULL, strstr(words, "the limit of 8 is the application's, "
				      "net.core.somaxconn is 9."));
	q.somaxconn = 8;
	ASSERT_EQ(0, add(self, q));
	ASSERT_TRUE(listeners_advice(self->l.listener[0], &self->view, words));
	EXPECT_NE(NULL, strstr(words, "the limit of 8 is the application's, or "
				      "net.core.somaxconn."));
}

/*
 * Claim: a queue that was full and is not any more was full, though nobody has
 * seen it become so; cookies that are always sent fill none.
 */
TEST_F(shown, not_full)
{
	char words[LISTENERS_WORDS];
	struct listener *l;

	ASSERT_EQ(0, add(self, queue(QUEUE_listen, 1)));
	l = self->l.listener[0];
	ASSERT_EQ(0,
		  dropped(self, QUEUE_cookie_sent, QUEUE_RULE_cookies_always));
	EXPECT_FALSE(listeners_advice(l, &self->view, words));
	ASSERT_EQ(0, dropped(self, QUEUE_SYN_dropped,
			     QUEUE_RULE_accept_queue_full));
	ASSERT_TRUE(listeners_advice(l, &self->view, words));
	EXPECT_EQ(0, strncmp(words, "The accept queue was full: ", 27));
	listeners_next(&self->l);
	ASSERT_EQ(0, dropped(self, QUEUE_accept_overflow,
			     QUEUE_RULE_third_ACK_overflow));
	EXPECT_TRUE(listeners_advice(l, &self->view, words));
}

/* Claim: drops are told by rule, in words. */
TEST_F(shown, drops)
{
	char words[LISTENERS_WORDS];

	ASSERT_EQ(0, add(self, queue(QUEUE_listen, 1)));
	EXPECT_STREQ("", listeners_drops(self->l.listener[0],
					 &self->l.listener[0]->all,
					 self->schema, words));
	ASSERT_EQ(0, dropped(self, QUEUE_SYN_dropped,
			     QUEUE_RULE_accept_queue_full));
	ASSERT_EQ(0, dropped(self, QUEUE_accept_overflow,
			     QUEUE_RULE_third_ACK_overflow));
	ASSERT_EQ(0, dropped(self, QUEUE_SYN_dropped, QUEUE_RULE_NONE));
	ASSERT_EQ(0, dropped(self, QUEUE_SYN_dropped, 200)); /* of the future */
	ASSERT_EQ(0, add(self, queue(QUEUE_cookie_sent, 9)));
	EXPECT_STREQ("dropped 2, accept queue full 1, third ACK overflow 1, "
		     "cookies sent 1",
		     listeners_drops(self->l.listener[0],
				     &self->l.listener[0]->all, self->schema,
				     words));
}

/* Claim: metrics have no line that breaks the format, and end as they must. */
TEST_F(shown, openmetrics)
{
	char flaw[OPENMETRICS_FLAW] = "";
	const char *line, *name;

	look(_metadata, self, 9);
	ASSERT_EQ(0, dropped(self, QUEUE_SYN_dropped,
			     QUEUE_RULE_accept_queue_full));
	openmetrics_print(self->file, &self->l, &self->view);
	EXPECT_TRUE(HAS_LINE("tcbscope_listener_dropped{addr=\"192.0.2.7\","
			     "port=\"80\",netns=\"0\",cookie=\"1\",pid=\"12\","
			     "comm=\"evil\\\"\\\\x0a\\\\\\\\\","
			     "rule=\"accept_queue_full\"} 1"));
	EXPECT_TRUE(HAS_LINE("tcbscope_listener_sk_drops{", "} 40"));
	for (line = self->text; *line; line = strchr(line, '\n') + 1) {
		name = *line == '#' ? "# " : "tcbscope_listener_";
		EXPECT_EQ(0, strncmp(name, line, strlen(name)));
	}
	EXPECT_LT(0, openmetrics_read(self->text, flaw));
	EXPECT_STREQ("", flaw);
}

TEST_HARNESS_MAIN
