// SPDX-License-Identifier: GPL-2.0
/* Tests of the table of programs against the BPF object, and of the reasons. */
#include <errno.h>
#include <string.h>

#include "input/load.h"
#include "input/probe.h"
#include "input/tier.h"
#include "tcbscope.skel.h"
#include "tests/lib/events.h"

#include <kselftest_harness.h>

static const struct probe_program *row(const char *name)
{
	const struct probe_program *p = probe_programs;

	while (p->name && strcmp(p->name, name))
		p++;
	return p->name ? p : NULL;
}

/* Claim: each program of the object has one row, each row a program. */
TEST(rows_are_programs)
{
	struct tcbscope_bpf *skel = load_open();
	const struct probe_program *p;
	struct bpf_program *prog;
	unsigned int n = 0;

	ASSERT_NE(NULL, skel);
	bpf_object__for_each_program(prog, skel->obj)
	{
		n++;
		EXPECT_NE(NULL, row(bpf_program__name(prog)))
		{
			TH_LOG("no row: %s", bpf_program__name(prog));
		}
	}
	for (p = probe_programs; p->name; p++, n--) {
		EXPECT_EQ(p, row(p->name));
		EXPECT_NE(NULL,
			  bpf_object__find_program_by_name(skel->obj, p->name))
		{
			TH_LOG("no program: %s", p->name);
		}
		EXPECT_TRUE(!p->makes || probe_serves(p, p->makes));
	}
	EXPECT_EQ(0, n);
	tcbscope_bpf__destroy(skel);
}

/*
 * Claim: a stand-in serves what the other one serves, which is not mandatory:
 * else it would never be called. They do not stand in for each other.
 */
TEST(stand_ins)
{
	const struct probe_program *p, *other;

	for (p = probe_programs; p->name; p++) {
		if (!p->stands_in_for)
			continue;
		other = row(p->stands_in_for);
		ASSERT_NE(NULL, other);
		if (!(other->events & p->events))
			continue; /* that does the same by the way */
		EXPECT_GT(p, other);
		EXPECT_FALSE(other->mandatory);
		EXPECT_EQ(other->events, p->events);
		EXPECT_EQ(other->makes, p->makes);
	}
}

static bool is_field(const struct schema *schema, const char *name)
{
	unsigned int i;

	for (i = 0; i < EVENT_TYPES; i++)
		if (schema->types[i].n &&
		    schema_field_find(&schema->types[i], name))
			return true;
	return false;
}

/* Claim: the fields that a row names are fields of events. */
TEST(fields)
{
	struct schema *schema = events_schema();
	const struct probe_program *p;
	char names[128], *rest, *s;

	ASSERT_NE(NULL, schema);
	for (p = probe_programs; p->name; p++) {
		snprintf(names, sizeof(names), "%s", p->fields ?: "");
		rest = names;
		while ((s = strsep(&rest, ","))) {
			EXPECT_TRUE(!*s || is_field(schema, s))
			{
				TH_LOG("%s: %s", p->name, s);
			}
		}
	}
	schema_free(schema);
}

FIXTURE(judge)
{
	struct schema *schema;
	struct probe_result results[PROBE_PROGRAMS];
};

FIXTURE_SETUP(judge)
{
	const struct probe_program *p;
	unsigned int i;

	self->schema = events_schema();
	ASSERT_NE(NULL, self->schema);
	for (i = 0; probe_programs[i].name; i++) {
		p = &probe_programs[i];
		self->results[i].status = p->stands_in_for ? PROBE_UNNEEDED :
							     PROBE_WORKS;
	}
}

FIXTURE_TEARDOWN(judge)
{
	schema_free(self->schema);
}

static void refuse(FIXTURE_DATA(judge) * self, const char *name)
{
	self->results[row(name) - probe_programs].status = PROBE_REFUSED;
}

#define JUDGE(type) probe_judge(self->results, self->schema, EVENT_##type)

/* Claim: where nothing is refused all types are exact, and made by something. */
TEST_F(judge, exact)
{
	unsigned int i;

	for (i = 0; i < EVENT_TYPES; i++) {
		struct probe_quality q;

		if (!self->schema->types[i].n)
			continue;
		q = probe_judge(self->results, self->schema, i);
		EXPECT_EQ(PROBE_EXACT, q.events)
		{
			TH_LOG("%s", self->schema->types[i].name);
		}
		EXPECT_STREQ("", q.derived);
	}
}

/* Claim: what is mandatory takes its events with it, no others. */
TEST_F(judge, mandatory)
{
	refuse(self, "window_ack");
	EXPECT_EQ(PROBE_ABSENT, JUDGE(window).events);
	EXPECT_EQ(PROBE_EXACT, JUDGE(state).events);
	refuse(self, "state_second");
	EXPECT_EQ(PROBE_ABSENT, JUDGE(state).events);
}

/* Claim: resets are not exact if one direction is missing, absent if both. */
TEST_F(judge, resets)
{
	refuse(self, "reset_receive");
	EXPECT_EQ(PROBE_DERIVED, JUDGE(reset).events);
	EXPECT_STREQ("cause", JUDGE(reset).derived);
	EXPECT_EQ(PROBE_EXACT, JUDGE(state).events);
	EXPECT_STREQ("cause", JUDGE(state).derived);
	EXPECT_STREQ("", JUDGE(window).derived);
	refuse(self, "reset_send");
	EXPECT_EQ(PROBE_ABSENT, JUDGE(reset).events);
	EXPECT_STREQ("", JUDGE(reset).derived);
}

/* Claim: a stand-in that works makes good what is refused; else fields are. */
TEST_F(judge, stand_in)
{
	unsigned int refused = row("owner_receives") - probe_programs;

	refuse(self, "owner_receives");
	EXPECT_TRUE(probe_missing(self->results, refused));
	EXPECT_EQ(PROBE_EXACT, JUDGE(state).events);
	EXPECT_STREQ("pid,tid,comm", JUDGE(state).derived);
	self->results[row("owner_reads") - probe_programs].status = PROBE_WORKS;
	EXPECT_FALSE(probe_missing(self->results, refused));
	EXPECT_STREQ("owner_reads", probe_stand_in(self->results, refused));
	EXPECT_STREQ("", JUDGE(state).derived);
}

/* Claim: the tables fit into the arrays of results, tiers are numbered. */
TEST(tiers)
{
	unsigned int i;

	for (i = 0; tier_hooks[i].name; i++) {
		EXPECT_GE(TIERS, tier_hooks[i].tier);
		EXPECT_NE(NULL, tier_hooks[i].gives);
	}
	EXPECT_GT(TIER_HOOKS, i);
	for (i = 1; i <= TIERS; i++)
		EXPECT_NE(NULL, tier_names[i]);
}

FIXTURE(reason){};

FIXTURE_VARIANT(reason)
{
	const char *section;
	int err;
	const char *log, *reason;
};

FIXTURE_VARIANT_ADD(reason, no_tracepoint){
	.section = "tp_btf/sock_send_length",
	.err = -ESRCH,
	.log = "",
	.reason = "this kernel has no tracepoint sock_send_length",
};
FIXTURE_VARIANT_ADD(reason, no_function){
	.section = "bpf_rdonly_cast()",
	.err = -ESRCH,
	.log = "",
	.reason = "this kernel has no function bpf_rdonly_cast()",
};
FIXTURE_VARIANT_ADD(reason, verifier){
	.section = "tp_btf/tcp_probe",
	.err = -EINVAL,
	.log = "0: R1=ctx() R10=fp0\n"
	       "; line of the source\n"
	       "2: (85) call bpf_sk_storage_get#107\n"
	       "unknown func bpf_sk_storage_get#107\n"
	       "processed 3 insns (limit 1000000) max_states_per_insn 0\n",
	.reason = "the verifier refused it: "
		  "unknown func bpf_sk_storage_get#107",
};
/* A log that counts nothing: refused before it was looked at. */
FIXTURE_VARIANT_ADD(reason, policy){
	.section = "fentry/tcp_conn_request",
	.err = -EPERM,
	.log = "processed 0 insns (limit 1000000) max_states_per_insn 0\n",
	.reason = "this kernel forbids it: Operation not permitted",
};
FIXTURE_VARIANT_ADD(reason, unsupported){
	.section = "fentry/tcp_conn_request",
	.err = -524,
	.log = "",
	.reason = "this kernel does not support it",
};
FIXTURE_VARIANT_ADD(reason, unknown_type){
	.section = "syscall",
	.err = -EINVAL,
	.log = "\n",
	.reason = "this kernel does not take it: Invalid argument",
};

FIXTURE_SETUP(reason)
{
}

FIXTURE_TEARDOWN(reason)
{
}

/* Claim: a refusal has its errno, and a reason of one line. */
TEST_F(reason, words)
{
	struct probe_result result = { .status = PROBE_WORKS };

	probe_refuse(&result, variant->section, variant->err, variant->log);
	EXPECT_EQ(PROBE_REFUSED, result.status);
	EXPECT_EQ(variant->err, result.err);
	EXPECT_STREQ(variant->reason, result.reason);
}

/* Claim: a line without end is cut, not overrun. */
TEST(long_reason)
{
	struct probe_result result;
	char log[4096];

	memset(log, 'x', sizeof(log) - 1);
	log[sizeof(log) - 1] = '\0';
	probe_refuse(&result, "tp_btf/tcp_probe", -EINVAL, log);
	EXPECT_GT(PROBE_REASON, strlen(result.reason));
	EXPECT_EQ(0,
		  strncmp(result.reason, "the verifier refused it: xxx", 28));
}

TEST_HARNESS_MAIN
