/* SPDX-License-Identifier: GPL-2.0 */
/*
 * The types of the running kernel that BPF programs name, and nothing else.
 *
 * To relocate an object libbpf searches the types it is given once for each
 * that the object names. Among all of the kernel's, a hundred thousand, that
 * takes longer than all the rest of loading; among these few no time.
 */
#ifndef TCBSCOPE_INPUT_TYPES_H
#define TCBSCOPE_INPUT_TYPES_H

#include <linux/types.h>
#include <stdbool.h>

struct bpf_object;
struct btf;
struct types;

/* All types of the running kernel, for btf__free(). NULL with errno set. */
struct btf *types_kernel(void);

/* In place of btf__free(): whoever asks for them next, as libbpf, gets these. */
void types_leave(struct btf *kernel);

/*
 * Picks from @kernel what the programs of @object, opened only, name: the types
 * that they read, and what they hang on. Both are only needed for the call.
 * NULL with errno set.
 */
struct types *types_new(const struct btf *kernel,
			const struct bpf_object *object);

/*
 * Where the types will be while they live: an object is told so when it is
 * opened, which may be before there are any, and libbpf looks when it loads it.
 * NULL: such a place is not to be had; libbpf then reads the kernel's own.
 */
const char *types_path(void);

/* What was picked, as the file of that path has it. */
const struct btf *types_btf(const struct types *types);

/*
 * The kernel's own id of a type, which has another one here: a program that
 * tells the kernel of it cannot learn it by relocation. 0: there is none.
 */
__u32 types_id(const struct types *types, const char *name, __u32 kind);

/*
 * The kernel's own id of what programs of this section are attached to, as
 * "tp_btf/tcp_probe"; 0: there is no such thing.
 */
__u32 types_hook(const struct types *types, const char *section);

/* Is there all that programs of this section need to be attached? */
bool types_has_hook(const struct types *types, const char *section);

/* How many arguments the function has that a section's programs hang on; 0. */
unsigned int types_arguments(const struct types *types, const char *section);

void types_free(struct types *types);

#endif
