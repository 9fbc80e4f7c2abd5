// SPDX-License-Identifier: GPL-2.0
/*
 * Tests of loading where the kernel refuses a program: some programs are given
 * a body, through libbpf's own way for sections, that no verifier accepts.
 */
#include <bpf/bpf.h>
#include <bpf/btf.h>
#include <bpf/libbpf.h>
#include <errno.h>
#include <linux/bpf.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "input/input.h"
#include "input/probe.h"
#include "input/types.h"
#include "lib/say.h"
#include "tcbscope.skel.h"

#include <kselftest_harness.h>

#define STATE (1u << EVENT_state)
#define WINDOW (1u << EVENT_window)
#define PROGRAMS_MAX 256

FIXTURE(load)
{
	struct input_bpf *in;
	struct input_bpf_options opt;
	struct input_error error;
	int handlers[2];
};

FIXTURE_SETUP(load)
{
	self->opt.ring_bytes = 65536;
	self->opt.config.events = STATE | WINDOW;
}

FIXTURE_TEARDOWN(load)
{
	size_t i;

	input_bpf_free(self->in);
	for (i = 0; i < 2; i++)
		if (self->handlers[i] > 0)
			libbpf_unregister_prog_handler(self->handlers[i]);
}

/* Ends without a return value: the verifier has to refuse it. */
static int spoil(struct bpf_program *prog, struct bpf_prog_load_opts *opts,
		 long cookie)
{
	static struct bpf_insn body[] = { { .code = BPF_JMP | BPF_EXIT } };

	return bpf_program__set_insns(prog, body, 1);
}

/*
 * All programs of this tracepoint are refused. To be said before an input is
 * opened, which has a handler for all tracepoints. 0 or -errno.
 */
static int refuse(int *handler, const char *tracepoint)
{
	LIBBPF_OPTS(libbpf_prog_handler_opts, opts,
		    .prog_prepare_load_fn = spoil);
	char section[64];

	snprintf(section, sizeof(section), "tp_btf/%s", tracepoint);
	*handler = libbpf_register_prog_handler(section,
						BPF_PROG_TYPE_SOCKET_FILTER, 0,
						&opts);
	return *handler < 0 ? *handler : 0;
}

static const struct probe_result *result(const struct input_bpf *in,
					 const char *name)
{
	const struct probe_program *p = probe_programs;

	while (p->name && strcmp(p->name, name))
		p++; /* the last row has no result: not even refused */
	return input_bpf_results(in) + (p - probe_programs);
}

#define EXPECT_STATUS(what, name)                                       \
	EXPECT_EQ(what, result(self->in, name)->status)                 \
	{                                                               \
		TH_LOG("%s: %s", name, result(self->in, name)->reason); \
	}

/* Claim: with nothing in the way all works, and a stand-in is not loaded. */
TEST_F_TIMEOUT(load, all, 120)
{
	self->in = input_bpf_open(false);
	ASSERT_EQ(0, input_bpf_start(self->in, &self->opt, &self->error));
	EXPECT_STATUS(PROBE_WORKS, "state_first");
	EXPECT_STATUS(PROBE_WORKS, "window_ca_state");
	EXPECT_STATUS(PROBE_WORKS, "reset_receive");
}

/* Claim: an optional program that the verifier refuses costs only itself. */
TEST_F_TIMEOUT(load, optional, 120)
{
	unsigned int i, refused = 0, n;
	const struct hook *hooks;

	ASSERT_EQ(0, refuse(&self->handlers[0], "tcp_cong_state_set"));
	self->opt.asked = WINDOW;
	self->in = input_bpf_open(false);
	ASSERT_EQ(0, input_bpf_start(self->in, &self->opt, &self->error));
	EXPECT_STATUS(PROBE_REFUSED, "window_ca_state");
	EXPECT_NE(NULL, strstr(result(self->in, "window_ca_state")->reason,
			       "the verifier refused it: "));
	EXPECT_STATUS(PROBE_WORKS, "window_ack");
	EXPECT_STATUS(PROBE_WORKS, "state_first");
	hooks = input_bpf_hooks(self->in, &n);
	for (i = 0; i < n; i++)
		if (!strcmp(hooks[i].name, "window_ca_state"))
			refused += !hooks[i].attached;
	EXPECT_EQ(1, refused);
}

/*
 * Claim: a mandatory program of events that were not asked for by name costs
 * these events, and no others.
 */
TEST_F_TIMEOUT(load, default_events, 120)
{
	ASSERT_EQ(0, refuse(&self->handlers[0], "tcp_probe"));
	self->in = input_bpf_open(false);
	ASSERT_EQ(0, input_bpf_start(self->in, &self->opt, &self->error));
	EXPECT_STATUS(PROBE_REFUSED, "window_ack");
	EXPECT_STATUS(PROBE_UNWANTED, "window_ca_state");
	EXPECT_STATUS(PROBE_WORKS, "state_first");
	EXPECT_STATUS(PROBE_WORKS, "state_second");
}

/* Claim: of events that were asked for by name it costs the trace. */
TEST_F_TIMEOUT(load, asked_events, 120)
{
	ASSERT_EQ(0, refuse(&self->handlers[0], "tcp_probe"));
	self->opt.asked = WINDOW;
	self->in = input_bpf_open(false);
	ASSERT_EQ(-1, input_bpf_start(self->in, &self->opt, &self->error));
	EXPECT_EQ(EXIT_KERNEL, self->error.code);
	EXPECT_NE(NULL, strstr(self->error.what, "cannot load window_ack: "));
	EXPECT_NE(NULL, strstr(self->error.why, "the verifier refused it: "));
	EXPECT_NE(NULL, strstr(self->error.then, "--events"));
}

/* Claim: without the states there is no trace at all. */
TEST_F_TIMEOUT(load, states, 120)
{
	ASSERT_EQ(0, refuse(&self->handlers[0], "inet_sock_set_state"));
	self->in = input_bpf_open(false);
	ASSERT_EQ(-1, input_bpf_start(self->in, &self->opt, &self->error));
	EXPECT_EQ(EXIT_KERNEL, self->error.code);
	EXPECT_NE(NULL, strstr(self->error.what, "cannot load state_first: "));
}

/* Claim: what is refused by the verifier has its stand-in, too. */
TEST_F_TIMEOUT(load, stand_in, 120)
{
	ASSERT_EQ(0, refuse(&self->handlers[0], "sock_recv_length"));
	self->in = input_bpf_open(false);
	ASSERT_EQ(0, input_bpf_start(self->in, &self->opt, &self->error));
	EXPECT_STATUS(PROBE_REFUSED, "owner_receives");
	EXPECT_STATUS(PROBE_WORKS, "owner_reads");
}

/* Claim: if that is refused, too, nothing is lost but what both tell. */
TEST_F_TIMEOUT(load, no_stand_in, 120)
{
	ASSERT_EQ(0, refuse(&self->handlers[0], "sock_recv_length"));
	ASSERT_EQ(0, refuse(&self->handlers[1], "tcp_rcv_space_adjust"));
	self->in = input_bpf_open(false);
	ASSERT_EQ(0, input_bpf_start(self->in, &self->opt, &self->error));
	EXPECT_STATUS(PROBE_REFUSED, "owner_receives");
	EXPECT_STATUS(PROBE_REFUSED, "owner_reads");
	EXPECT_STATUS(PROBE_WORKS, "state_first");
}

/* The programs of an object as the kernel would get them, in their order. */
struct bodies {
	struct {
		char name[32];
		struct bpf_insn *insns;
		size_t n;
	} of[PROGRAMS_MAX];
	size_t n;
};

static struct bodies *taken; /* where they go now */

/* Keeps a relocated program; the kernel gets one that does nothing. */
static int take(struct bpf_program *prog, struct bpf_prog_load_opts *opts,
		long cookie)
{
	static struct bpf_insn nothing[] = {
		{ .code = BPF_ALU64 | BPF_MOV | BPF_K },
		{ .code = BPF_JMP | BPF_EXIT },
	};
	size_t n = bpf_program__insn_cnt(prog);
	struct bpf_insn *copy = calloc(n, sizeof(*copy));

	(void)cookie;
	if (!copy || taken->n == PROGRAMS_MAX)
		return -ENOMEM;
	memcpy(copy, bpf_program__insns(prog), n * sizeof(*copy));
	snprintf(taken->of[taken->n].name, sizeof(taken->of[0].name), "%s",
		 bpf_program__name(prog));
	taken->of[taken->n].insns = copy;
	taken->of[taken->n++].n = n;
	opts->func_info_cnt = opts->line_info_cnt = 0; /* of the other body */
	return bpf_program__set_insns(prog, nothing, 2);
}

/* From now on no program is loaded, each is taken; of any kind. 0 or -errno. */
static int take_all(void)
{
	static const char *const sections[] = {
		"cgroup/", "cgroup_skb/", "fentry+", "fexit+", "iter+",
		"raw_tp+", "sockops",	  "syscall", "tp_btf+"
	};
	LIBBPF_OPTS(libbpf_prog_handler_opts, opts,
		    .prog_prepare_load_fn = take);
	size_t i;
	int err = 0;

	for (i = 0; i < sizeof(sections) / sizeof(*sections) && err >= 0; i++)
		err = libbpf_register_prog_handler(sections[i],
						   BPF_PROG_TYPE_SOCKET_FILTER,
						   0, &opts);
	return err < 0 ? err : 0;
}

/* All programs, relocated by the kernel's types or by those at @path. */
static int relocate(const struct types *types, const char *path,
		    struct bodies *to)
{
	LIBBPF_OPTS(bpf_object_open_opts, opts, .btf_custom_path = path);
	struct tcbscope_bpf *skel = tcbscope_bpf__open_opts(&opts);
	struct bpf_program *prog;
	int err;

	if (!skel)
		return -errno;
	skel->rodata->config.in6_addr = types_id(types, "in6_addr",
						 BTF_KIND_STRUCT);
	bpf_object__for_each_program(prog, skel->obj)
		bpf_program__set_autoload(prog, true);
	taken = to;
	err = tcbscope_bpf__load(skel);
	tcbscope_bpf__destroy(skel);
	return err;
}

/* Their first difference, but for the descriptors of maps; -1: none. */
static int differ(const struct bpf_insn *x, const struct bpf_insn *y, size_t n)
{
	size_t i;

	for (i = 0; i < n; i++) {
		if (x[i].code == (BPF_LD | BPF_IMM | BPF_DW) && x[i].src_reg)
			i++;
		else if (memcmp(&x[i], &y[i], sizeof(*x)))
			return i;
	}
	return -1;
}

/*
 * Claim: by the few types that are picked programs are relocated as by all that
 * the kernel has, each of them, whether this kernel takes it or not.
 */
TEST(relocation)
{
	static struct bodies by_all, by_few;
	struct btf *kernel = types_kernel();
	struct tcbscope_bpf *skel;
	struct types *types;
	size_t i, programs = 0;

	ASSERT_EQ(0, take_all());
	skel = tcbscope_bpf__open();
	ASSERT_NE(NULL, kernel);
	ASSERT_NE(NULL, skel);
	types = types_new(kernel, skel->obj);
	ASSERT_NE(NULL, types);
	ASSERT_NE(NULL, types_path());
	ASSERT_EQ(0, relocate(types, NULL, &by_all));
	ASSERT_EQ(0, relocate(types, types_path(), &by_few));
	while (probe_programs[programs].name)
		programs++;
	EXPECT_LE(programs, by_all.n);
	ASSERT_EQ(by_all.n, by_few.n);
	for (i = 0; i < by_all.n; i++) {
		EXPECT_STREQ(by_all.of[i].name, by_few.of[i].name);
		ASSERT_EQ(by_all.of[i].n, by_few.of[i].n);
		EXPECT_EQ(-1, differ(by_all.of[i].insns, by_few.of[i].insns,
				     by_all.of[i].n))
		{
			TH_LOG("in %s", by_all.of[i].name);
		}
	}
	types_free(types);
	btf__free(kernel);
	tcbscope_bpf__destroy(skel);
}

TEST_HARNESS_MAIN
