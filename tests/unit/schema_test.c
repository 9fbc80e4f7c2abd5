// SPDX-License-Identifier: GPL-2.0
/* The schema says of events what bpf/event.h says. */
#include "tests/lib/events.h"

#include <kselftest_harness.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>

FIXTURE(schema)
{
	struct schema *schema;
};

FIXTURE_SETUP(schema)
{
	self->schema = events_schema();
	ASSERT_NE(NULL, self->schema);
}

FIXTURE_TEARDOWN(schema)
{
	schema_free(self->schema);
}

/* Every "struct event_x {" of the header is a type, and there are no others. */
TEST_F(schema, every_struct_of_the_header_is_a_type)
{
	const char *source = getenv("TCBSCOPE_SOURCE");
	char path[4096], line[256], name[64];
	int in_header = 0, in_schema = 0, i;
	FILE *f;

	snprintf(path, sizeof(path), "%s/bpf/event.h", source ? source : ".");
	f = fopen(path, "r");
	ASSERT_NE(NULL, f);
	while (fgets(line, sizeof(line), f)) {
		if (sscanf(line, "struct event_%63[a-z_0-9] {", name) != 1 ||
		    !strchr(line, '{'))
			continue;
		in_header++;
		EXPECT_NE(NULL, schema_type_find(self->schema, name))
		TH_LOG("no type %s", name);
	}
	fclose(f);
	for (i = 0; i < EVENT_TYPES; i++)
		in_schema += self->schema->types[i].n > 0;
	EXPECT_LE(2, in_header);
	EXPECT_EQ(in_header, in_schema);
}

/* Offset, size, kind and unit are those of the C struct. */
TEST_F(schema, fields_are_where_c_has_them)
{
	const struct schema_type *state, *window;
	const struct schema_field *f;

	state = schema_type_find(self->schema, "state");
	window = schema_type_find(self->schema, "window");
	ASSERT_NE(NULL, state);
	ASSERT_NE(NULL, window);
	EXPECT_EQ(sizeof(struct event_state), state->size);
	EXPECT_EQ(sizeof(struct event_window), window->size);
	EXPECT_STREQ("ts_ns", state->fields[0].name);
	EXPECT_EQ(state->common, window->common);

	f = schema_field_find(window, "srtt_us");
	ASSERT_NE(NULL, f);
	EXPECT_EQ(offsetof(struct event_window, w.srtt_us), f->offset);
	EXPECT_EQ(4, f->size);
	EXPECT_EQ(SCHEMA_NUMBER, f->kind);
	EXPECT_STREQ("us", f->unit);
	EXPECT_TRUE(f->can_be_absent);

	f = schema_field_find(state, "raddr");
	ASSERT_NE(NULL, f);
	EXPECT_EQ(offsetof(struct event, raddr), f->offset);
	EXPECT_EQ(SCHEMA_ADDR, f->kind);

	f = schema_field_find(state, "comm");
	ASSERT_NE(NULL, f);
	EXPECT_EQ(SCHEMA_TEXT, f->kind);
	EXPECT_EQ(16, f->size);

	f = schema_field_find(state, "err");
	ASSERT_NE(NULL, f);
	EXPECT_EQ(offsetof(struct event_state, err), f->offset);
	EXPECT_EQ(NULL, schema_field_find(state, "pad"));
	EXPECT_EQ(NULL, schema_field_find(state, "cwnd"));
}

/* Every field that is shown says what it is. */
TEST_F(schema, every_field_has_a_help_text)
{
	unsigned int i, k;

	for (i = 0; i < EVENT_TYPES; i++)
		for (k = 0; k < self->schema->types[i].n; k++)
			EXPECT_LT(5,
				  strlen(self->schema->types[i].fields[k].doc));
}

/* The common prefix goes, the rest stays as written; values work both ways. */
TEST_F(schema, enum_names)
{
	const struct schema_field *f;

	f = schema_field_find(schema_type_find(self->schema, "state"), "new");
	ASSERT_NE(NULL, f);
	ASSERT_EQ(SCHEMA_ENUM, f->kind);
	EXPECT_STREQ("SYN_RECV", schema_enum_name(f->values, 3));
	EXPECT_STREQ("TIME_WAIT", schema_enum_name(f->values, 6));
	EXPECT_EQ(NULL, schema_enum_name(f->values, 0));
	EXPECT_EQ(NULL, schema_enum_name(f->values, 200));
	EXPECT_EQ(TCB_STATE_SYN_RECV, schema_enum_value(f->values, "syn_recv"));
	EXPECT_EQ(-ENOENT, schema_enum_value(f->values, "SYN"));
	EXPECT_STREQ("RX_SYN_ACK", schema_name(self->schema, EVENT_state,
					       "cause", CAUSE_RX_SYN_ACK));
	EXPECT_STREQ("Recovery", schema_name(self->schema, EVENT_window,
					     "ca_state", CA_STATE_Recovery));
	EXPECT_STREQ("?", schema_name(self->schema, EVENT_state, "nothing", 1));
}

/* Of an enum of bits the names are those of the bits; the rest is a number. */
TEST_F(schema, bit_names)
{
	const struct schema_field *f;
	char text[SCHEMA_BITS_LEN];
	uint64_t value;

	f = schema_field_find(schema_type_find(self->schema, "segment"),
			      "flags");
	ASSERT_NE(NULL, f);
	ASSERT_EQ(SCHEMA_NUMBER, f->kind);
	ASSERT_NE(NULL, f->bits);
	EXPECT_EQ(0, schema_bits_value(f->bits, "syn+ACK", &value));
	EXPECT_EQ(SEGMENT_FLAG_SYN | SEGMENT_FLAG_ACK, value);
	EXPECT_EQ(0, schema_bits_value(f->bits, "CWR", &value));
	EXPECT_EQ(SEGMENT_FLAG_CWR, value);
	EXPECT_EQ(-EINVAL, schema_bits_value(f->bits, "SYN+", &value));
	EXPECT_EQ(-EINVAL, schema_bits_value(f->bits, "SYN+NACK", &value));
	EXPECT_STREQ("FIN+SYN+RST+PSH+ACK+URG+ECE+CWR",
		     schema_bits(self->schema, EVENT_segment, "flags", 255, "+",
				 text));
	EXPECT_STREQ("", schema_bits(self->schema, EVENT_segment, "flags", 0,
				     "+", text));
	EXPECT_STREQ("IN|RDHUP|ET|0x20000",
		     schema_bits(self->schema, EVENT_call, "ready", 0x80022001,
				 "|", text));
}

/* What is absent has no value; what is not, has its own. */
TEST_F(schema, absent_values)
{
	struct event_window w = events_window(1, 1, 0, 10);
	const struct schema_type *t = &self->schema->types[EVENT_window];
	uint64_t value;

	EXPECT_TRUE(schema_value(schema_field_find(t, "cwnd"), &w.ev, &value));
	EXPECT_EQ(10, value);
	EXPECT_FALSE(
		schema_value(schema_field_find(t, "ssthresh"), &w.ev, &value));
	EXPECT_FALSE(schema_value(schema_field_find(t, "pacing_rate"), &w.ev,
				  &value));
	w.w.ssthresh = 7;
	EXPECT_TRUE(
		schema_value(schema_field_find(t, "ssthresh"), &w.ev, &value));
	EXPECT_EQ(7, value);
}

/* Nothing that breaks the schema passes the check. */
TEST_F(schema, check_refuses_broken_records)
{
	struct event_state good = events_state(1, 1, 1, 2, TCB_STATE_CLOSE,
					       TCB_STATE_SYN_SENT);
	struct event_state s;

	EXPECT_EQ(0, schema_check(self->schema, &good, sizeof(good)));
	EXPECT_EQ(0, schema_check(self->schema, &good, sizeof(good) + 8));
	EXPECT_EQ(-EBADMSG,
		  schema_check(self->schema, &good, sizeof(good) - 1));
	EXPECT_EQ(-EBADMSG, schema_check(self->schema, &good, 3));
	s = good;
	s.ev.type = 0;
	EXPECT_EQ(-EBADMSG, schema_check(self->schema, &s, sizeof(s)));
	s.ev.type = 255;
	EXPECT_EQ(-EBADMSG, schema_check(self->schema, &s, sizeof(s)));
	s = good;
	s.new = 77;
	EXPECT_EQ(-EBADMSG, schema_check(self->schema, &s, sizeof(s)));
	s = good;
	s.ev.family = 3;
	EXPECT_EQ(-EBADMSG, schema_check(self->schema, &s, sizeof(s)));
	s = good;
	s.cause = 250;
	EXPECT_EQ(-EBADMSG, schema_check(self->schema, &s, sizeof(s)));
}

TEST_HARNESS_MAIN
