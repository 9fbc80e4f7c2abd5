// SPDX-License-Identifier: GPL-2.0
/* JSON: an object a line, with what is known and nothing else. */
#include "tests/lib/events.h"
#include "tests/lib/page.h"

#include <json-c/json.h>
#include <kselftest_harness.h>
#include <string.h>

FIXTURE(json)
{
	struct page page;
};

FIXTURE_SETUP(json)
{
	ASSERT_EQ(0, page_init(&self->page));
}

FIXTURE_TEARDOWN(json)
{
	page_free(&self->page);
}

/* JSON: a header, an object an event with what is known, a footer. */
TEST_F(json, lines)
{
	struct event_window w = events_window(1000000000, 9, 0, 10);
	struct json_object *o, *v;
	const char *text;
	char *line, *rest;

	ASSERT_EQ(0, page_json(&self->page));
	ASSERT_EQ(0, page_header(&self->page));
	w.ev.pid = 0;
	pipeline_push(self->page.pipeline, &w, sizeof(w));
	text = page_finish(&self->page);
	rest = (char *)text;

	line = strsep(&rest, "\n");
	o = json_tokener_parse(line);
	ASSERT_NE(NULL, o);
	ASSERT_TRUE(json_object_object_get_ex(o, "host", &v));
	EXPECT_STREQ("a\"host", json_object_get_string(v));
	ASSERT_TRUE(json_object_object_get_ex(o, "hooks", &v));
	EXPECT_EQ(2, json_object_array_length(v));
	ASSERT_TRUE(json_object_object_get_ex(o, "wall_offset_ns", &v));
	EXPECT_EQ(-5, json_object_get_int64(v));
	json_object_put(o);

	line = strsep(&rest, "\n");
	o = json_tokener_parse(line);
	ASSERT_NE(NULL, o);
	ASSERT_TRUE(json_object_object_get_ex(o, "type", &v));
	EXPECT_STREQ("window", json_object_get_string(v));
	ASSERT_TRUE(json_object_object_get_ex(o, "cwnd", &v));
	EXPECT_EQ(10, json_object_get_int(v));
	ASSERT_TRUE(json_object_object_get_ex(o, "laddr", &v));
	EXPECT_STREQ("10.0.0.1", json_object_get_string(v));
	ASSERT_TRUE(json_object_object_get_ex(o, "ca_name", &v));
	EXPECT_STREQ("reno", json_object_get_string(v));
	EXPECT_FALSE(json_object_object_get_ex(o, "pid", &v));
	EXPECT_FALSE(json_object_object_get_ex(o, "ssthresh", &v));
	EXPECT_FALSE(json_object_object_get_ex(o, "pacing_rate", &v));
	EXPECT_FALSE(json_object_object_get_ex(o, "pad", &v));
	json_object_put(o);

	line = strsep(&rest, "\n");
	o = json_tokener_parse(line);
	ASSERT_NE(NULL, o);
	ASSERT_TRUE(json_object_object_get_ex(o, "shown", &v));
	ASSERT_TRUE(json_object_object_get_ex(v, "window", &v));
	EXPECT_EQ(1, json_object_get_int(v));
	json_object_put(o);
	EXPECT_STREQ("", rest);
}

/* Bits are a number in JSON, with the names beside it. */
TEST_F(json, bits)
{
	struct event_segment s = { .ev = events_drop(1000000000, 1).ev,
				   .direction = DIRECTION_sent,
				   .flags = SEGMENT_FLAG_SYN |
					    SEGMENT_FLAG_ACK };
	const char *text;

	s.ev.type = EVENT_segment;
	ASSERT_EQ(0, page_json(&self->page));
	ASSERT_EQ(0, page_header(&self->page));
	pipeline_push(self->page.pipeline, &s, sizeof(s));
	s.flags = 0;
	pipeline_push(self->page.pipeline, &s, sizeof(s));
	text = page_finish(&self->page);
	EXPECT_NE(NULL, strstr(text, ",\"flags\":18,\"flags_names\":"
				     "[\"SYN\",\"ACK\"],"));
	EXPECT_NE(NULL, strstr(text, ",\"flags\":0,\"flags_names\":[],"));
}

TEST_HARNESS_MAIN
