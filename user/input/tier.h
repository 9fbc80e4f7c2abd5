/* SPDX-License-Identifier: GPL-2.0 */
/*
 * The kinds of hooks that there are, and what programs may do there: tried each
 * by the smallest program that needs it. No version decides, and no setting.
 */
#ifndef TCBSCOPE_INPUT_TIER_H
#define TCBSCOPE_INPUT_TIER_H

#include "input/probe.h"

#include <linux/bpf.h>

#define TIERS 4
#define TIERS_DEFAULT (1u << 1 | 1u << 2 | 1u << 4) /* 3: if asked for */
#define TIER_HOOKS 32	/* more than there are rows in the table */
#define TIER_TARGET 128 /* KSYM_NAME_LEN of most kernels */
#define TIER_STORAGE "socket storage" /* what all our programs need */
#define TIER_READ "bpf_probe_read_kernel()"
#define TIER_SLEEP "sleep at tp_btf/sys_enter"

struct types;

struct tier_hook {
	const char *name;  /* a program's section, or what it calls */
	unsigned int tier; /* 1 to TIERS; 0: of none */
	const char *gives; /* what for, in words */
};

extern const struct tier_hook tier_hooks[]; /* the last has no name */
extern const char *const tier_names[TIERS + 1];

/* How the programs of a section get to run. */
enum tier_way {
	TIER_WAY_TRACE, /* at a tracepoint or a function */
	TIER_WAY_ITER,
	TIER_WAY_RUN,	 /* by hand */
	TIER_WAY_CGROUP, /* for all sockets of a cgroup */
};

/* How the programs of the sections that begin with a prefix are loaded. */
struct tier_method {
	const char *prefix;
	enum tier_way way;
	enum bpf_prog_type type;
	enum bpf_attach_type attach;
	const char *btf_prefix; /* of what it is attached to; NULL: to nothing */
	__u32 btf_kind;
};

extern const struct tier_method tier_methods[]; /* the last has no prefix */

enum tier_way tier_way(const char *section);

/*
 * What programs of a section are attached to, as the kernel's BTF calls it.
 * False: to nothing that is there.
 */
bool tier_target(const char *section, char name[TIER_TARGET], __u32 *kind);

/*
 * The hook of the table that is tried for a program of this section, since all
 * of its kind may be refused; NULL: what decides is the program.
 */
const struct tier_hook *tier_hook_of(const char *section);

/* The hook that is called so, which must be in the table. */
const struct tier_hook *tier_hook_named(const char *name);

/*
 * Loads and attaches the programs, and detaches them at once. @results has
 * TIER_HOOKS elements.
 */
void tier_try_all(struct probe_result *results);

/*
 * One of them. @kernel: its types, or NULL: there are none; @types: what is
 * known of them already, or NULL.
 */
void tier_try(const struct btf *kernel, const struct types *types,
	      const struct tier_hook *hook, struct probe_result *result);

/* One of them, by its name. */
void tier_try_name(const char *name, struct probe_result *result);

#endif
