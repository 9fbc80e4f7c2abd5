// SPDX-License-Identifier: GPL-2.0
/*
 * Tests of loading where the kernel refuses a program: some programs are given
 * a body, through libbpf's own way for sections, that no verifier accepts.
 */
#include <bpf/bpf.h>
#include <bpf/btf.h>
#include <bpf/libbpf.h>
#include <linux/bpf.h>
#include <string.h>

#include "input/attach.h"
#include "input/input.h"
#include "input/probe.h"
#include "input/types.h"
#include "lib/say.h"
#include "tcbscope.skel.h"

#include <kselftest_harness.h>

#define STATE (1u << EVENT_state)
#define WINDOW (1u << EVENT_window)

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

/* All programs that it takes, relocated by its types or by those at @path. */
static struct tcbscope_bpf *relocated(const struct types *types,
				      const struct probe_result *results,
				      const char *path)
{
	LIBBPF_OPTS(bpf_object_open_opts, opts, .btf_custom_path = path);
	struct tcbscope_bpf *skel = tcbscope_bpf__open_opts(&opts);
	struct bpf_program *prog;
	unsigned int i;

	if (!skel)
		return NULL;
	skel->rodata->config.in6_addr = types_id(types, "in6_addr",
						 BTF_KIND_STRUCT);
	for (i = 0; probe_programs[i].name; i++) {
		prog = bpf_object__find_program_by_name(skel->obj,
							probe_programs[i].name);
		bpf_program__set_autoload(prog,
					  results[i].status == PROBE_WORKS);
	}
	if (!tcbscope_bpf__load(skel))
		return skel;
	tcbscope_bpf__destroy(skel);
	return NULL;
}

/* Their first difference, but for the descriptors of maps; -1: none. */
static int differ(const struct bpf_program *a, const struct bpf_program *b)
{
	const struct bpf_insn *x = bpf_program__insns(a);
	const struct bpf_insn *y = bpf_program__insns(b);
	int i, n = bpf_program__insn_cnt(a);

	if (bpf_program__insn_cnt(b) != (size_t)n)
		return 0;
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
 * the kernel has.
 */
TEST(relocation)
{
	struct btf *kernel = types_kernel();
	struct tcbscope_bpf *skel = tcbscope_bpf__open(), *by_all, *by_few;
	const struct input_bpf_options all = {
		.config = { .events = ~0u, .named = ~0u },
		.tiers = ~0u,
		.ring_bytes = 65536,
	};
	struct input_bpf *in = input_bpf_open(false);
	const struct probe_result *results;
	struct bpf_program *prog, *same;
	struct input_error error;
	struct types *types;

	ASSERT_NE(NULL, in);
	ASSERT_EQ(0, input_bpf_start(in, &all, &error));
	results = input_bpf_results(in);
	ASSERT_NE(NULL, kernel);
	ASSERT_NE(NULL, skel);
	types = types_new(kernel, skel->obj);
	ASSERT_NE(NULL, types);
	ASSERT_NE(NULL, types_path(types));
	attach_by(types);
	by_all = relocated(types, results, NULL);
	ASSERT_NE(NULL, by_all);
	by_few = relocated(types, results, types_path(types));
	ASSERT_NE(NULL, by_few);
	bpf_object__for_each_program(prog, by_all->obj)
	{
		const char *name = bpf_program__name(prog);

		same = bpf_object__find_program_by_name(by_few->obj, name);
		EXPECT_EQ(-1, differ(prog, same))
		{
			TH_LOG("in %s", name);
		}
	}
	tcbscope_bpf__destroy(by_all);
	tcbscope_bpf__destroy(by_few);
	tcbscope_bpf__destroy(skel);
	types_free(types);
	btf__free(kernel);
	input_bpf_free(in);
}

TEST_HARNESS_MAIN
