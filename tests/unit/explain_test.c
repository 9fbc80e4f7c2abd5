// SPDX-License-Identifier: GPL-2.0
/* Explanations: for all that the tests of the kernel's TCP can produce. */
#include "event/explain.h"
#include "tests/lib/events.h"

#include <ctype.h>
#include <errno.h>
#include <glob.h>
#include <kselftest_harness.h>
#include <string.h>

FIXTURE(explain)
{
	struct schema *schema;
	struct explanation x;
};

FIXTURE_SETUP(explain)
{
	self->schema = events_schema();
	ASSERT_NE(NULL, self->schema);
}

FIXTURE_TEARDOWN(explain)
{
	schema_free(self->schema);
}

/* The value of a name, which may have a ~ behind it; -1: no such name. */
static int value_of(const struct schema *schema, const char *field,
		    const char *name)
{
	const struct schema_type *type = &schema->types[EVENT_state];
	char plain[32];
	int value;

	snprintf(plain, sizeof(plain), "%.*s", (int)strcspn(name, "~"), name);
	value = schema_enum_value(schema_field_find(type, field)->values,
				  plain);
	return value < 0 ? -1 : value;
}

/*
 * The event that a test expects when it says "OLD>NEW CAUSE kind": false if the
 * text is none of that. @said gets the words.
 */
static bool expected(const struct schema *schema, const char *text,
		     struct event_state *s, char said[128])
{
	char old[32], new[32], cause[32], next[32] = "", state[32] = "";

	if (sscanf(text,
		   "%31[A-Z_0-9]>%31[A-Z_0-9~] %31[A-Z_~] %31[a-z_~] "
		   "%31[A-Z_0-9]",
		   old, new, cause, next, state) < 3)
		return false;
	if (value_of(schema, "old", old) < 0 ||
	    value_of(schema, "new", new) < 0 ||
	    value_of(schema, "cause", cause) < 0)
		return false;
	*s = events_state(1, 1, 2000, 2001, value_of(schema, "old", old),
			  value_of(schema, "new", new));
	s->cause = value_of(schema, "cause", cause);
	s->cause_how = HOW_observed;
	if (!strcmp(next, "as"))
		s->tw_substate = value_of(schema, "tw_substate", state);
	else if (*next && value_of(schema, "kind", next) > 0)
		s->kind = value_of(schema, "kind", next);
	snprintf(said, 128, "%s>%s %s %s %s", old, new, cause, next, state);
	return true;
}

/* Every OLD>NEW CAUSE that stands in a test has a sentence of its own. */
static int unexplained(const struct schema *schema, const char *path,
		       unsigned int *found)
{
	FILE *file = fopen(path, "re");
	char line[512], said[128];
	struct explanation x;
	struct event_state s;
	int bad = 0;
	char *at, *start;

	if (!file)
		return 1;
	while (fgets(line, sizeof(line), file)) {
		for (at = line; (at = strchr(at, '>')); at++) {
			for (start = at; start > line &&
					 (isupper((unsigned char)start[-1]) ||
					  isdigit((unsigned char)start[-1]) ||
					  start[-1] == '_');
			     start--)
				;
			if (!expected(schema, start, &s, said))
				continue;
			++*found;
			if (explain(schema, &s.ev, &x) && *x.text)
				continue;
			ksft_print_msg("%s: no words for %s\n", path, said);
			bad++;
		}
	}
	fclose(file);
	return bad;
}

TEST_F(explain, all_that_the_tests_expect)
{
	unsigned int found = 0;
	char pattern[512];
	glob_t files;
	size_t i;

	snprintf(pattern, sizeof(pattern), "%s/tests/net/*_test.c",
		 getenv("TCBSCOPE_SOURCE") ?: ".");
	ASSERT_EQ(0, glob(pattern, 0, NULL, &files));
	for (i = 0; i < files.gl_pathc; i++)
		EXPECT_EQ(0,
			  unexplained(self->schema, files.gl_pathv[i], &found));
	globfree(&files);
	/* that the tests are read at all: there are more than a hundred */
	EXPECT_LT(100, found);
}

/* The numbers are this event's; nothing in braces is left. */
TEST_F(explain, this_events_numbers)
{
	struct event_state s = events_state(1, 1, 2000, 2001,
					    TCB_STATE_SYN_SENT,
					    TCB_STATE_CLOSE);

	s.cause = CAUSE_RX_RST;
	s.err = ECONNREFUSED;
	EXPECT_TRUE(explain(self->schema, &s.ev, &self->x));
	EXPECT_STREQ("10.0.0.2:2001 answered the SYN with RST, so nobody "
		     "listens there: connect() fails with ECONNREFUSED.",
		     self->x.text);
	EXPECT_STREQ("RFC 9293, 3.5.2 and 3.5.3", self->x.rfc);
	EXPECT_NE(NULL, strstr(self->x.look, "server"));
}

/* A special kind goes before the plain case. */
TEST_F(explain, kinds_go_first)
{
	struct event_state s = events_state(1, 1, 2000, 2001,
					    TCB_STATE_SYN_RECV,
					    TCB_STATE_ESTABLISHED);

	s.cause = CAUSE_RX_ACK;
	EXPECT_TRUE(explain(self->schema, &s.ev, &self->x));
	EXPECT_NE(NULL, strstr(self->x.text, "handshake is complete"));
	s.kind = KIND_full;
	EXPECT_TRUE(explain(self->schema, &s.ev, &self->x));
	EXPECT_NE(NULL, strstr(self->x.text, "full simultaneous open"));
}

/* All states and causes there are: a sentence, or an honest word that none. */
TEST_F(explain, the_unknown_is_called_so)
{
	struct event_state s;
	int old, new, cause, known = 0, unknown = 0;

	for (old = 1; old <= TCB_STATE_NEW_SYN_RECV; old++)
		for (new = 1; new <= TCB_STATE_NEW_SYN_RECV; new ++)
			for (cause = 0; cause <= CAUSE_TIMER_RACK; cause++) {
				s = events_state(1, 1, 1, 2, old, new);
				s.cause = cause;
				if (explain(self->schema, &s.ev, &self->x)) {
					known++;
				} else {
					unknown++;
					EXPECT_EQ(NULL, self->x.rfc);
				}
				ASSERT_NE('\0', *self->x.text);
				ASSERT_EQ(NULL, strchr(self->x.text, '{'));
			}
	EXPECT_LT(0, known);
	EXPECT_LT(0, unknown);
	s = events_state(1, 1, 1, 2, TCB_STATE_CLOSE, TCB_STATE_LAST_ACK);
	EXPECT_FALSE(explain(self->schema, &s.ev, &self->x));
	EXPECT_STREQ("From CLOSE to LAST_ACK; what made it: unknown. Nothing "
		     "in the socket tells.",
		     self->x.text);
	s.cause = CAUSE_RX_ICMP;
	s.cause_how = HOW_derived;
	EXPECT_FALSE(explain(self->schema, &s.ev, &self->x));
	EXPECT_NE(NULL, strstr(self->x.text, "~RX_ICMP"));
}

/* Every retransmission and every reset is explained. */
TEST_F(explain, retransmissions_and_resets)
{
	struct event_retransmit t = events_retransmit(1, 1);
	struct event_reset r = events_reset(1, 1);
	int kind, cause;

	EXPECT_TRUE(explain(self->schema, &t.ev, &self->x));
	EXPECT_STREQ("1:2 was not acked within 204 ms: it is sent again (1st "
		     "timeout in a row), the window falls to 1, and the next "
		     "timeout is twice as long.",
		     self->x.text);
	for (kind = RETRANSMIT_fast; kind <= RETRANSMIT_window_probe; kind++) {
		t.kind = kind;
		EXPECT_TRUE(explain(self->schema, &t.ev, &self->x));
	}
	EXPECT_TRUE(explain(self->schema, &r.ev, &self->x));
	EXPECT_NE(NULL, strstr(self->x.text, "with 5 bytes received"));
	r.kind = KIND_none;
	for (cause = 0; cause <= CAUSE_TIMER_RACK; cause++) {
		r.cause = cause;
		EXPECT_TRUE(explain(self->schema, &r.ev, &self->x));
	}
}

/* A name from outside cannot steer a terminal, nor the sentence. */
TEST_F(explain, names_are_escaped)
{
	struct event_state s = events_state(1, 1, 2000, 2001, TCB_STATE_CLOSE,
					    TCB_STATE_LISTEN);

	strcpy(s.ev.comm, "a\033[2J{local}%s");
	s.cause = CAUSE_CALL_LISTEN;
	EXPECT_TRUE(explain(self->schema, &s.ev, &self->x));
	EXPECT_EQ(NULL, strchr(self->x.text, '\033'));
	EXPECT_NE(NULL, strstr(self->x.text, "a\\x1b[2J{local}%s[100]"));
}

/* What is no such event gets no words. */
TEST_F(explain, others_are_left_alone)
{
	struct event_window w = events_window(1, 1, 10, 5);

	EXPECT_FALSE(explain(self->schema, &w.ev, &self->x));
	EXPECT_STREQ("", self->x.text);
}

TEST_HARNESS_MAIN
