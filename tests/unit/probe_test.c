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
	}
	EXPECT_EQ(0, n);
	tcbscope_bpf__destroy(skel);
}

/*
 * Claim: a stand-in serves what the other one serves, which is not a stand-in
 * itself, and is not mandatory: else it would never be called.
 */
TEST(stand_ins)
{
	const struct probe_program *p, *other;

	for (p = probe_programs; p->name; p++) {
		if (!p->stands_in_for)
			continue;
		other = row(p->stands_in_for);
		ASSERT_NE(NULL, other);
		EXPECT_EQ(NULL, other->stands_in_for);
		EXPECT_FALSE(other->mandatory);
		EXPECT_EQ(other->events, p->events);
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
