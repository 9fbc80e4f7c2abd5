// SPDX-License-Identifier: GPL-2.0
/*
 * Tests of tcbscope features: it says what a trace on this kernel finds. All
 * of them hold on kernels, too, where no trace is possible.
 */
#include <json-c/json.h>
#include <string.h>

#include "tests/lib/caps.h"
#include "tests/lib/prog.h"
#include "tests/lib/trace.h"

#include <unistd.h>

#include <kselftest_harness.h>

FIXTURE(features)
{
	struct prog prog;
	struct json_object *doc;
	bool works; /* a trace is possible on this kernel */
};

/*
 * What it said of this kernel with --json and --strict: it takes a while, and
 * is the same for all.
 */
static struct {
	struct prog prog;
	int code;
} once;

static int run(struct prog *prog, char *option, char *option2, uid_t uid)
{
	char *argv[] = { (char *)trace_program("tcbscope"), "features", option,
			 option2, NULL };
	const struct prog_setup setup = { .argv = argv, .uid = uid };

	prog_free(prog);
	return prog_run(prog, &setup);
}

static struct json_object *member(struct json_object *o, const char *name)
{
	struct json_object *value;

	return json_object_object_get_ex(o, name, &value) ? value : NULL;
}

static const char *text(struct json_object *o, const char *name)
{
	return json_object_get_string(member(o, name)) ?: "";
}

static bool is(struct json_object *o, const char *name, const char *value)
{
	return !strcmp(text(o, name), value);
}

static bool flag(struct json_object *o, const char *name)
{
	return json_object_get_boolean(member(o, name));
}

__attribute__((constructor)) static void run_once(void)
{
	once.code = run(&once.prog, "--json", "--strict", 0);
}

FIXTURE_SETUP(features)
{
	self->doc = json_tokener_parse(prog_text(&once.prog, PROG_OUT));
	ASSERT_NE(NULL, self->doc);
	self->works = flag(member(self->doc, "trace"), "works");
}

FIXTURE_TEARDOWN(features)
{
	json_object_put(self->doc);
	prog_free(&self->prog);
}

/* The elements of an array of the document. */
#define FOR_EACH(o, array)                                                    \
	for (size_t i_ = 0;                                                   \
	     i_ < json_object_array_length(member(self->doc, array)) &&       \
	     ((o) = json_object_array_get_idx(member(self->doc, array), i_)); \
	     i_++)

/*
 * Claim: what it calls attached is what a trace has attached, what it calls
 * refused is what a trace lists as missing, and a trace lists nothing else.
 */
TEST_F_TIMEOUT(features, agrees_with_trace, 120)
{
	/* all of them: some types are only shown if asked for by name */
	char *const all[] = {
		"--events",
		"state,window,retransmit,reset,drop,socket,queue,call,"
		"segment",
		"--tiers",
		"1,2,3,4",
		NULL,
	};
	struct sighting header = { .type = "header" };
	struct json_object *o, *hooks;
	struct trace trace;
	size_t from = 0, n = 0;
	bool attached, refused;
	int err;

	err = trace_start(&trace, all);
	ASSERT_EQ(self->works, !err);
	if (self->works) {
		hooks = witness_next(trace.witness, &header, &from);
		hooks = member(hooks, "hooks");
		FOR_EACH(o, "programs")
		{
			attached = is(o, "status", "attached");
			refused = is(o, "status", "refused");
			n += attached || refused;
			EXPECT_EQ(attached,
				  trace_has_hook(&trace, text(o, "name")))
			{
				TH_LOG("%s: %s", text(o, "name"),
				       text(o, "status"));
			}
		}
		EXPECT_EQ(n, json_object_array_length(hooks));
		EXPECT_LT(5, n);
	}
	EXPECT_EQ(self->works ? 0 : 3, trace_stop(&trace));
	trace_free(&trace);
}

/* Claim: where no trace is possible it says why, and so does trace. */
TEST_F(features, says_why)
{
	struct json_object *trace = member(self->doc, "trace");
	const char *said = prog_text(&once.prog, PROG_ERR);

	EXPECT_EQ(!self->works, *text(trace, "why") != '\0');
	EXPECT_EQ(self->works, !*said);
	EXPECT_NE(NULL, strstr(said, text(trace, "why")));
}

/* Claim: each refusal has an errno and a reason of one line. */
TEST_F(features, reasons)
{
	struct json_object *o;

	FOR_EACH(o, "programs")
	{
		bool refused = is(o, "status", "refused");

		EXPECT_EQ(refused, *text(o, "reason") != '\0');
		EXPECT_EQ(refused, *text(o, "errno") == 'E');
		EXPECT_EQ(NULL, strchr(text(o, "reason"), '\n'));
		EXPECT_LE(is(o, "status", "untried"), !self->works);
	}
	FOR_EACH(o, "hooks")
	{
		EXPECT_EQ(!flag(o, "works"), *text(o, "reason") != '\0');
		EXPECT_EQ(!flag(o, "works"), *text(o, "errno") == 'E');
	}
}

/* Claim: a program is not loaded where the one is that it stands in for. */
TEST_F(features, stand_ins)
{
	struct json_object *o, *other;
	size_t n, stand_ins = 0;

	FOR_EACH(o, "programs")
	{
		if (!self->works || !*text(o, "stands_in_for"))
			continue;
		stand_ins++;
		for (n = 0; n < json_object_array_length(
					member(self->doc, "programs"));
		     n++) {
			other = json_object_array_get_idx(member(self->doc,
								 "programs"),
							  n);
			if (!is(other, "name", text(o, "stands_in_for")))
				continue;
			EXPECT_EQ(is(o, "status", "unneeded"),
				  !is(other, "status", "refused"));
		}
	}
	EXPECT_EQ(self->works, stand_ins > 0);
}

/*
 * Claim: --strict fails if a program is missing that nothing replaces. Without
 * it only the lack of a trace is a failure (privilege_test, and nobody below).
 */
TEST_F(features, strict)
{
	struct json_object *o;
	bool missing = !self->works;

	FOR_EACH(o, "programs")
	missing |= is(o, "status", "refused") && !*text(o, "stands_in");
	EXPECT_EQ(missing ? 3 : 0, once.code);
}

/*
 * Claim: events are absent if no trace is possible, and else exact unless a
 * program that serves them is missing.
 */
TEST_F(features, events)
{
	struct json_object *o, *p;
	bool missing = false;

	FOR_EACH(p, "programs")
	missing |= is(p, "status", "refused") && !*text(p, "stands_in");
	EXPECT_LT(0, json_object_array_length(member(self->doc, "events")));
	FOR_EACH(o, "events")
	{
		if (!self->works) {
			EXPECT_STREQ("absent", text(o, "status"));
		} else if (!missing) {
			EXPECT_STREQ("exact", text(o, "status"));
		} else if (is(o, "type", "state")) {
			EXPECT_STRNE("absent", text(o, "status"));
		}
	}
}

/* Claim: a tier works if all of its hooks do. */
TEST_F(features, tiers)
{
	bool works[8] = { true, true, true, true, true, true, true, true };
	struct json_object *o;

	FOR_EACH(o, "hooks")
	{
		int tier = json_object_get_int(member(o, "tier"));

		works[tier] = works[tier] && flag(o, "works");
	}
	EXPECT_EQ(4, json_object_array_length(member(self->doc, "tiers")));
	FOR_EACH(o, "tiers")
	{
		int tier = json_object_get_int(member(o, "tier"));

		EXPECT_EQ(works[tier], flag(o, "works"));
	}
	EXPECT_LE(self->works, works[1]);
}

/* Claim: whether the kernel module is loaded is said as the kernel has it. */
TEST_F(features, module)
{
	EXPECT_STREQ(access("/sys/module/tcbscope", F_OK) ? "absent" : "loaded",
		     text(self->doc, "module"));
}

/* Claim: without capabilities all is printed, and the lack of them named. */
TEST_F(features, nobody)
{
	struct json_object *o;

	EXPECT_EQ(3, run(&self->prog, NULL, NULL, CAPS_NOBODY));
	EXPECT_NE(NULL, strstr(prog_text(&self->prog, PROG_OUT), "PROGRAM"));
	EXPECT_NE(NULL, strstr(prog_text(&self->prog, PROG_ERR),
			       "lacks CAP_BPF and CAP_PERFMON\n"));
	EXPECT_EQ(NULL, strstr(prog_text(&self->prog, PROG_ERR), "libbpf"));

	EXPECT_EQ(3, run(&self->prog, "--json", NULL, CAPS_NOBODY));
	json_object_put(self->doc);
	self->doc = json_tokener_parse(prog_text(&self->prog, PROG_OUT));
	ASSERT_NE(NULL, self->doc);
	EXPECT_FALSE(flag(member(self->doc, "trace"), "works"));
	FOR_EACH(o, "programs")
	EXPECT_STREQ("refused", text(o, "status"));
	FOR_EACH(o, "hooks")
	EXPECT_FALSE(flag(o, "works"));
}

/* Claim: a full disk is an error, whatever else there is to say. */
TEST_F(features, full_device)
{
	char *argv[] = { (char *)trace_program("tcbscope"), "features", NULL };
	const struct prog_setup setup = { .argv = argv,
					  .out = "/dev/full",
					  .uid = CAPS_NOBODY };

	prog_free(&self->prog);
	EXPECT_EQ(1, prog_run(&self->prog, &setup));
	EXPECT_NE(NULL, strstr(prog_text(&self->prog, PROG_ERR),
			       "No space left on device\n"));
}

TEST_HARNESS_MAIN
