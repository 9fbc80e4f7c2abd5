// SPDX-License-Identifier: GPL-2.0
/* Programs of a few instructions, put together by hand: one a kind. */
#include "input/tier.h"
#include "input/types.h"
#include "lib/inode.h"
#include "lib/priv.h"

#include <bpf/bpf.h>
#include <bpf/btf.h>
#include <bpf/libbpf.h>
#include <errno.h>
#include <linux/capability.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#define LOG_BYTES 16384
#define INSNS_MAX 16

const char *const tier_names[TIERS + 1] = {
	[1] = "tracepoints and iterators",
	[2] = "newer tracepoints",
	[3] = "programs of the root cgroup",
	[4] = "entry and exit of functions",
};

const struct tier_method tier_methods[] = {
	{ "tp_btf/", TIER_WAY_TRACE, BPF_PROG_TYPE_TRACING, BPF_TRACE_RAW_TP,
	  "btf_trace_", BTF_KIND_TYPEDEF },
	{ "iter/", TIER_WAY_ITER, BPF_PROG_TYPE_TRACING, BPF_TRACE_ITER,
	  "bpf_iter_", BTF_KIND_FUNC },
	{ "fentry/", TIER_WAY_TRACE, BPF_PROG_TYPE_TRACING, BPF_TRACE_FENTRY,
	  "", BTF_KIND_FUNC },
	{ "fexit/", TIER_WAY_TRACE, BPF_PROG_TYPE_TRACING, BPF_TRACE_FEXIT, "",
	  BTF_KIND_FUNC },
	{ "syscall", TIER_WAY_RUN, BPF_PROG_TYPE_SYSCALL, 0, NULL, 0 },
	{ "cgroup_skb/ingress", TIER_WAY_CGROUP, BPF_PROG_TYPE_CGROUP_SKB,
	  BPF_CGROUP_INET_INGRESS, NULL, 0 },
	{ "cgroup/sock_create", TIER_WAY_CGROUP, BPF_PROG_TYPE_CGROUP_SOCK,
	  BPF_CGROUP_INET_SOCK_CREATE, NULL, 0 },
	{ "cgroup_skb/egress", TIER_WAY_CGROUP, BPF_PROG_TYPE_CGROUP_SKB,
	  BPF_CGROUP_INET_EGRESS, NULL, 0 },
	{ "sockops", TIER_WAY_CGROUP, BPF_PROG_TYPE_SOCK_OPS,
	  BPF_CGROUP_SOCK_OPS, NULL, 0 },
	{}
};

static const struct tier_method *method_of(const char *section)
{
	const struct tier_method *m;

	for (m = tier_methods; m->prefix; m++)
		if (!strncmp(section, m->prefix, strlen(m->prefix)))
			return m;
	return NULL;
}

enum tier_way tier_way(const char *section)
{
	const struct tier_method *method = method_of(section);

	return method ? method->way : TIER_WAY_RUN;
}

bool tier_target(const char *section, char name[TIER_TARGET], __u32 *kind)
{
	const struct tier_method *method = method_of(section);

	if (!method || !method->btf_prefix)
		return false;
	snprintf(name, TIER_TARGET, "%s%s", method->btf_prefix,
		 strchr(section, '/') + 1);
	*kind = method->btf_kind;
	return true;
}

/* A program in the making. */
struct attempt {
	const struct btf *kernel;
	const struct types *types; /* may be NULL */
	const struct tier_method *method;
	const char *section;
	struct bpf_insn insns[INSNS_MAX];
	unsigned int n;
	bool sleeps;
	int map; /* -1: needs none */
	char log[LOG_BYTES];
};

static void put(struct attempt *a, __u8 code, __u8 dst, __u8 src, __s16 off,
		__s32 imm)
{
	a->insns[a->n++] = (struct bpf_insn){
		.code = code,
		.dst_reg = dst,
		.src_reg = src,
		.off = off,
		.imm = imm,
	};
}

static void put_set(struct attempt *a, __u8 dst, __s32 value)
{
	put(a, BPF_ALU64 | BPF_MOV | BPF_K, dst, 0, 0, value);
}

/* @dst = argument @n of the tracepoint, if r1 still is the context. */
static void put_argument(struct attempt *a, __u8 dst, int n)
{
	put(a, BPF_LDX | BPF_MEM | BPF_DW, dst, BPF_REG_1, n * 8, 0);
}

static void put_call(struct attempt *a, __u8 src, __s32 function)
{
	put(a, BPF_JMP | BPF_CALL, 0, src, 0, function);
}

/* A map that a socket can have a value in; needs BTF of its own. 0, -errno. */
static int make_storage(struct attempt *a)
{
	LIBBPF_OPTS(bpf_map_create_opts, opts);
	struct btf *btf = btf__new_empty();
	int id = btf ? btf__add_int(btf, "int", 4, BTF_INT_SIGNED) : -errno;
	int err = id < 0 ? id : btf__load_into_kernel(btf);

	opts.map_flags = BPF_F_NO_PREALLOC | BPF_F_CLONE;
	if (!err) {
		opts.btf_fd = btf__fd(btf);
		opts.btf_key_type_id = opts.btf_value_type_id = id;
		a->map = bpf_map_create(BPF_MAP_TYPE_SK_STORAGE, "try", 4, 4, 0,
					&opts);
		err = a->map < 0 ? -errno : 0;
	}
	btf__free(btf);
	return err;
}

static int body_storage(struct attempt *a)
{
	int err = make_storage(a);

	put_argument(a, BPF_REG_2, 0);
	put(a, BPF_LD | BPF_IMM | BPF_DW, BPF_REG_1, BPF_PSEUDO_MAP_FD, 0,
	    a->map);
	put(a, 0, 0, 0, 0, 0); /* its second half */
	put_set(a, BPF_REG_3, 0);
	put_set(a, BPF_REG_4, 0);
	put_call(a, 0, BPF_FUNC_sk_storage_get);
	return err;
}

static int body_read(struct attempt *a)
{
	put(a, BPF_ALU64 | BPF_MOV | BPF_X, BPF_REG_1, BPF_REG_10, 0, 0);
	put(a, BPF_ALU64 | BPF_ADD | BPF_K, BPF_REG_1, 0, 0, -8);
	put_set(a, BPF_REG_2, 8);
	put_set(a, BPF_REG_3, 0);
	put_call(a, 0, BPF_FUNC_probe_read_kernel);
	return 0;
}

static int body_cast(struct attempt *a)
{
	int function = btf__find_by_name_kind(a->kernel, "bpf_rdonly_cast",
					      BTF_KIND_FUNC);
	int type = btf__find_by_name_kind(a->kernel, "sock", BTF_KIND_STRUCT);

	if (function < 0 || type < 0)
		return -ESRCH;
	put_argument(a, BPF_REG_1, 0);
	put_set(a, BPF_REG_2, type);
	put_call(a, BPF_PSEUDO_KFUNC_CALL, function);
	return 0;
}

/* The socket that a packet was dropped for is the fourth argument. */
static int body_rx_sk(struct attempt *a)
{
	put_argument(a, BPF_REG_0, 3);
	return 0;
}

static int body_sleep(struct attempt *a)
{
	a->sleeps = true;
	return 0;
}

const struct tier_hook tier_hooks[] = {
	{ "tp_btf/inet_sock_set_state", 1, "changes of state" },
	{ TIER_STORAGE, 1, "memory of sockets: owners, what is missing" },
	{ "syscall", 1, "what only the kernel knows at the start" },
	{ "iter/tcp", 1, "sockets of a network namespace" },
	{ "iter/task_file", 1, "sockets that processes hold" },
	{ "tp_btf/sock_send_length", 2, "owners of children that only send" },
	{ "tp_btf/sock_recv_length", 2, "owners of children, exactly" },
	{ "tp_btf/sk_data_ready", 2, "depth of accept queues" },
	{ "rx_sk of tp_btf/kfree_skb", 2, "the socket of a dropped segment" },
	{ "cgroup_skb/ingress", 3, "what becomes of each SYN" },
	{ "cgroup_skb/egress", 3, "segments that are sent" },
	{ "sockops", 3, "entries of SYN queues" },
	{ "cgroup/sock_create", 3, "cookies of sockets from the beginning" },
	{ "fentry/tcp_conn_request", 4, "every step, before" },
	{ "fexit/tcp_conn_request", 4, "every step, with its result" },
	{ TIER_READ, 0, "memory that no type describes, and processes'" },
	{ "bpf_rdonly_cast()", 0, "the same, in lockdown too" },
	{ TIER_SLEEP, 0, "calls: preempted there, they are seen through perf" },
	{}
};

/* Those that are not a section themselves. */
static const struct {
	const char *name, *section;
	int (*body)(struct attempt *a);
} special[] = {
	{ TIER_STORAGE, "tp_btf/inet_sock_set_state", body_storage },
	{ "rx_sk of tp_btf/kfree_skb", "tp_btf/kfree_skb", body_rx_sk },
	{ TIER_READ, "tp_btf/inet_sock_set_state", body_read },
	{ "bpf_rdonly_cast()", "tp_btf/inet_sock_set_state", body_cast },
	{ TIER_SLEEP, "tp_btf/sys_enter", body_sleep },
};

/* All but the end of the program. 0 or -errno. */
static int make_body(struct attempt *a, const struct tier_hook *hook)
{
	int (*body)(struct attempt * a) = NULL;
	unsigned int i;

	a->section = hook->name;
	for (i = 0; i < sizeof(special) / sizeof(*special); i++) {
		if (strcmp(special[i].name, hook->name))
			continue;
		a->section = special[i].section;
		body = special[i].body;
	}
	a->method = method_of(a->section);
	return body ? body(a) : 0;
}

/* BTF id of what the program is attached to, 0 for none, or -ESRCH. */
static int target(const struct attempt *a)
{
	char name[TIER_TARGET];
	__u32 kind;
	int id;

	if (!tier_target(a->section, name, &kind))
		return 0;
	id = a->types ? types_hook(a->types, a->section) : 0;
	if (!id)
		id = btf__find_by_name_kind(a->kernel, name, kind);
	return id > 0 ? id : -ESRCH;
}

/* Returns a file descriptor or -errno. */
static int load(struct attempt *a)
{
	LIBBPF_OPTS(bpf_prog_load_opts, opts);
	int id = target(a), fd;

	if (id < 0)
		return id;
	opts.log_buf = a->log;
	opts.log_size = sizeof(a->log);
	opts.log_level = 1;
	opts.attach_btf_id = id;
	opts.expected_attach_type = a->method->attach;
	if (a->method->way == TIER_WAY_RUN || a->sleeps)
		opts.prog_flags = BPF_F_SLEEPABLE;
	fd = bpf_prog_load(a->method->type, "try", "GPL", a->insns, a->n,
			   &opts);
	return fd < 0 ? -errno : fd;
}

/* For a moment: what is attached goes with the descriptor. 0 or -errno. */
static int attach(const struct attempt *a, int prog)
{
	LIBBPF_OPTS(bpf_test_run_opts, run);
	int fd = -1, cgroup;

	switch (a->method->way) {
	case TIER_WAY_TRACE:
		fd = bpf_raw_tracepoint_open(NULL, prog);
		break;
	case TIER_WAY_ITER:
		fd = bpf_link_create(prog, 0, a->method->attach, NULL);
		break;
	case TIER_WAY_RUN:
		return bpf_prog_test_run_opts(prog, &run) ? -errno : 0;
	case TIER_WAY_CGROUP:
		cgroup = inode_cgroup_root();
		if (cgroup < 0)
			return cgroup;
		fd = bpf_link_create(prog, cgroup, a->method->attach, NULL);
		close(cgroup);
		break;
	}
	if (fd < 0)
		return -errno;
	close(fd);
	return 0;
}

/* Why a program that was loaded could not be attached. */
static void refuse_attach(const struct attempt *a, int err,
			  struct probe_result *result)
{
	probe_refuse(result, a->section, err, "");
	if (a->method->way == TIER_WAY_CGROUP && err == -ENODEV)
		snprintf(result->reason, sizeof(result->reason),
			 "no cgroup2 hierarchy is mounted, or /proc "
			 "is not");
}

/* A capability that is lacking is a better reason than EPERM. */
static void blame_capability(const struct attempt *a,
			     struct probe_result *result)
{
	static const int cgroup[] = { CAP_BPF, CAP_NET_ADMIN, -1 };
	static const int trace[] = { CAP_BPF, CAP_PERFMON, -1 };
	const char *lacks;

	lacks = priv_lacks("this",
			   a->method->way == TIER_WAY_CGROUP ? cgroup : trace);
	if (lacks)
		snprintf(result->reason, sizeof(result->reason), "%s", lacks);
}

static void try(struct attempt *a, const struct tier_hook *hook,
		struct probe_result *result)
{
	int err = make_body(a, hook), prog;

	put_set(a, BPF_REG_0,
		a->method->way == TIER_WAY_CGROUP); /* let it pass */
	put(a, BPF_JMP | BPF_EXIT, 0, 0, 0, 0);
	prog = err ? err : load(a);
	if (prog < 0) {
		probe_refuse(result, err ? hook->name : a->section, prog,
			     a->log);
	} else {
		result->status = PROBE_WORKS;
		err = attach(a, prog);
		if (err)
			refuse_attach(a, err, result);
		close(prog);
	}
	if (result->err == -EPERM || result->err == -EACCES)
		blame_capability(a, result);
}

void tier_try(const struct btf *kernel, const struct types *types,
	      const struct tier_hook *hook, struct probe_result *result)
{
	struct attempt a = { .kernel = kernel, .types = types, .map = -1 };

	memset(result, 0, sizeof(*result));
	if (kernel) {
		try(&a, hook, result);
	} else {
		result->status = PROBE_REFUSED;
		result->err = -ENOENT;
		snprintf(result->reason, sizeof(result->reason),
			 "this kernel has no type information");
	}
	if (a.map >= 0)
		close(a.map);
}

const struct tier_hook *tier_hook_of(const char *section)
{
	const struct tier_method *method = method_of(section);
	const struct tier_hook *hook;

	for (hook = tier_hooks; hook->name; hook++)
		if (hook->tier > 2 && method_of(hook->name) == method)
			return hook;
	return NULL;
}

const struct tier_hook *tier_hook_named(const char *name)
{
	const struct tier_hook *hook = tier_hooks;

	while (strcmp(hook->name, name))
		hook++;
	return hook;
}

void tier_try_name(const char *name, struct probe_result *result)
{
	struct btf *kernel = btf__load_vmlinux_btf();

	tier_try(kernel, NULL, tier_hook_named(name), result);
	btf__free(kernel);
}

void tier_try_all(struct probe_result *results)
{
	struct btf *kernel = btf__load_vmlinux_btf();
	unsigned int i;

	for (i = 0; tier_hooks[i].name; i++)
		tier_try(kernel, NULL, &tier_hooks[i], &results[i]);
	btf__free(kernel);
}
