// SPDX-License-Identifier: GPL-2.0
/*
 * Tests of picking types, from a kernel of a few made-up ones that are called
 * as those that our programs read.
 */
#include <bpf/btf.h>
#include <bpf/libbpf.h>
#include <dlfcn.h>
#include <string.h>

#include "input/load.h"
#include "input/types.h"
#include "tcbscope.skel.h"

#include <kselftest_harness.h>

FIXTURE(types)
{
	struct tcbscope_bpf *skel;
	struct btf *kernel;
	struct types *types;
	int number; /* the kernel's "int" */
};

FIXTURE_SETUP(types)
{
	self->skel = load_open();
	ASSERT_NE(NULL, self->skel);
	self->kernel = btf__new_empty();
	ASSERT_NE(NULL, self->kernel);
	self->number = btf__add_int(self->kernel, "int", 4, BTF_INT_SIGNED);
}

FIXTURE_TEARDOWN(types)
{
	types_free(self->types);
	btf__free(self->kernel);
	tcbscope_bpf__destroy(self->skel);
}

/* A struct with one member. */
static int add_struct(struct btf *btf, const char *name, int size,
		      const char *member, int type)
{
	int id = btf__add_struct(btf, name, size);

	btf__add_field(btf, member, type, 0, 0);
	return id;
}

#define PICK()                                                          \
	do {                                                            \
		self->types = types_new(self->kernel, self->skel->obj); \
		ASSERT_NE(NULL, self->types);                           \
	} while (0)

/* What was picked under a name; NULL: nothing. */
static const struct btf_type *picked(const struct types *types,
				     const char *name, __u32 kind)
{
	int id = btf__find_by_name_kind(types_btf(types), name, kind);

	return id > 0 ? btf__type_by_id(types_btf(types), id) : NULL;
}

static const struct btf_type *member(const struct types *types,
				     const struct btf_type *t)
{
	return btf__type_by_id(types_btf(types), btf_members(t)->type);
}

/* Claim: what programs name is picked, what they do not name is not. */
TEST_F(types, names)
{
	int ns = add_struct(self->kernel, "ns_common", 4, "inum", self->number);

	add_struct(self->kernel, "stranger", 4, "x", self->number);
	PICK();
	EXPECT_NE(NULL, picked(self->types, "ns_common", BTF_KIND_STRUCT));
	EXPECT_EQ(NULL, picked(self->types, "stranger", BTF_KIND_STRUCT));
	EXPECT_EQ((__u32)ns,
		  types_id(self->types, "ns_common", BTF_KIND_STRUCT));
	EXPECT_EQ(0, types_id(self->types, "stranger", BTF_KIND_STRUCT));
	EXPECT_EQ(0, types_id(self->types, "tcp_sock", BTF_KIND_STRUCT));
}

/*
 * Claim: what a type embeds comes with it, whatever its name, and whole, even
 * if it has been met behind a pointer before.
 */
TEST_F(types, embedded)
{
	int inner = add_struct(self->kernel, "stranger", 8, "x", self->number);
	int fixed = btf__add_const(self->kernel, inner);
	int call = btf__add_func_proto(self->kernel, 0);
	const struct btf_type *t;

	btf__add_func_param(self->kernel, "p",
			    btf__add_ptr(self->kernel, fixed));
	add_struct(self->kernel, "sock", 8, "call",
		   btf__add_ptr(self->kernel, call));
	add_struct(self->kernel, "net", 16, "two",
		   btf__add_array(self->kernel, self->number, fixed, 2));
	PICK();
	t = picked(self->types, "net", BTF_KIND_STRUCT);
	ASSERT_NE(NULL, t);
	EXPECT_EQ(16, btf__resolve_size(types_btf(self->types),
					btf_members(t)->type));
	t = member(self->types, t);
	ASSERT_EQ(BTF_KIND_ARRAY, btf_kind(t));
	t = btf__type_by_id(types_btf(self->types), btf_array(t)->type);
	ASSERT_EQ(BTF_KIND_CONST, btf_kind(t));
	t = btf__type_by_id(types_btf(self->types), t->type);
	ASSERT_EQ(BTF_KIND_STRUCT, btf_kind(t));
	EXPECT_EQ(8u, t->size);
	EXPECT_EQ(1, btf_vlen(t));
}

/* Claim: what is behind a pointer does not come with it. */
TEST_F(types, pointers)
{
	int far = add_struct(self->kernel, "stranger", 4, "x", self->number);
	const struct btf_type *t;

	add_struct(self->kernel, "net", 8, "p",
		   btf__add_ptr(self->kernel, far));
	PICK();
	t = picked(self->types, "net", BTF_KIND_STRUCT);
	ASSERT_NE(NULL, t);
	EXPECT_EQ(BTF_KIND_PTR, btf_kind(member(self->types, t)));
	EXPECT_EQ(NULL, picked(self->types, "stranger", BTF_KIND_STRUCT));
}

/* Claim: a loop of types has an end. */
TEST_F(types, loop)
{
	int id = btf__add_struct(self->kernel, "task_struct", 8);
	int pointer = btf__add_ptr(self->kernel, id);
	int call = btf__add_func_proto(self->kernel, 0);

	btf__add_func_param(self->kernel, "task", pointer);
	add_struct(self->kernel, "sock", 8, "call",
		   btf__add_ptr(self->kernel, call));
	PICK();
	EXPECT_EQ((__u32)id,
		  types_id(self->types, "task_struct", BTF_KIND_STRUCT));
}

/* The typedef of a tracepoint that is given a struct and a number. */
static void add_tracepoint(struct btf *btf, const char *name, int number)
{
	int sock = btf__add_struct(btf, "stranger", 0);
	int pointer = btf__add_ptr(btf, btf__add_const(btf, sock));
	int call = btf__add_func_proto(btf, 0);

	btf__add_func_param(btf, "sk", pointer);
	btf__add_func_param(btf, "n", number);
	btf__add_typedef(btf, name, btf__add_ptr(btf, call));
}

/*
 * Claim: a tracepoint that programs hang on comes with its arguments, each of
 * its kind: flavours tell by them which kernel it is.
 */
TEST_F(types, of_arguments)
{
	const struct btf *btf;
	const struct btf_type *t;

	add_tracepoint(self->kernel, "btf_trace_tcp_send_reset", self->number);
	PICK();
	btf = types_btf(self->types);
	t = picked(self->types, "btf_trace_tcp_send_reset", BTF_KIND_TYPEDEF);
	ASSERT_NE(NULL, t);
	t = btf__type_by_id(btf, t->type);
	ASSERT_EQ(BTF_KIND_PTR, btf_kind(t));
	t = btf__type_by_id(btf, t->type);
	ASSERT_EQ(BTF_KIND_FUNC_PROTO, btf_kind(t));
	ASSERT_EQ(2u, btf_vlen(t));
	EXPECT_EQ(BTF_KIND_INT,
		  btf_kind(btf__type_by_id(btf, btf_params(t)[1].type)));
	t = btf__type_by_id(btf, btf_params(t)[0].type);
	ASSERT_EQ(BTF_KIND_PTR, btf_kind(t));
	t = btf__type_by_id(btf, t->type);
	ASSERT_EQ(BTF_KIND_CONST, btf_kind(t));
	EXPECT_EQ(BTF_KIND_STRUCT, btf_kind(btf__type_by_id(btf, t->type)));
}

#define HAS(is, section) EXPECT_##is(types_has_hook(self->types, section))

/* Claim: there are the hooks that the kernel's types say there are. */
TEST_F(types, hooks)
{
	int conn_request, proto = btf__add_func_proto(self->kernel, 0);

	btf__add_func_param(self->kernel, "x", self->number);
	add_tracepoint(self->kernel, "btf_trace_tcp_probe", self->number);
	btf__add_func(self->kernel, "bpf_iter_tcp", BTF_FUNC_GLOBAL, proto);
	conn_request = btf__add_func(self->kernel, "tcp_conn_request",
				     BTF_FUNC_GLOBAL, proto);
	btf__add_func(self->kernel, "tcp_conn_request", BTF_FUNC_STATIC, proto);
	PICK();
	EXPECT_EQ((__u32)conn_request,
		  types_hook(self->types, "fexit/tcp_conn_request"));
	EXPECT_EQ(0, types_hook(self->types, "syscall"));
	EXPECT_EQ(1, types_arguments(self->types, "fentry/tcp_conn_request"));
	EXPECT_EQ(0, types_arguments(self->types, "tp_btf/tcp_probe"));
	HAS(TRUE, "tp_btf/tcp_probe");
	HAS(TRUE, "iter/tcp");
	HAS(TRUE, "syscall");
	HAS(TRUE, "fentry/tcp_conn_request");
	HAS(FALSE, "tp_btf/tcp_send_reset");
	HAS(FALSE, "iter/task_file");
	HAS(FALSE, "fexit/tcp_v4_rcv");
}

/*
 * Claim: the file says what was picked, and libbpf can read it; it is where it
 * was said to be before it was there.
 */
TEST_F(types, file)
{
	char before[32];
	struct btf *file;

	ASSERT_NE(NULL, types_path());
	snprintf(before, sizeof(before), "%s", types_path());
	add_struct(self->kernel, "ns_common", 4, "inum", self->number);
	PICK();
	ASSERT_NE(NULL, types_path());
	file = btf__parse(before, NULL);
	ASSERT_NE(NULL, file);
	EXPECT_EQ(btf__type_cnt(types_btf(self->types)), btf__type_cnt(file));
	EXPECT_LT(0,
		  btf__find_by_name_kind(file, "ns_common", BTF_KIND_STRUCT));
	btf__free(file);
}

/* Claim: libbpf is given what is left of all types, and it is given it once. */
TEST_F(types, left)
{
	struct btf *kernel = btf__new_empty(), *asked;

	ASSERT_NE(NULL, kernel);
	EXPECT_EQ((void *)btf__load_vmlinux_btf,
		  dlsym(RTLD_DEFAULT, "btf__load_vmlinux_btf"));
	types_leave(kernel);
	EXPECT_EQ(kernel, btf__load_vmlinux_btf());
	asked = btf__load_vmlinux_btf();
	EXPECT_NE(kernel, asked);
	btf__free(asked);
	btf__free(kernel);
}

TEST_HARNESS_MAIN
