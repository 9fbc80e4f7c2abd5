// SPDX-License-Identifier: GPL-2.0
/*
 * Types are picked by name, of whatever kind, and then copied with all that
 * they embed, for libbpf asks for kinds, offsets and sizes. Of what is behind a
 * pointer it asks at most the kind, so that is where copying ends.
 */
#include "input/types.h"
#include "input/tier.h"

#include <bpf/btf.h>
#include <bpf/libbpf.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#define KERNEL_BTF "/sys/kernel/btf/vmlinux"
#define BEGINNINGS 4096

/* What programs are attached to. */
struct hook_type {
	int name; /* in the set of names */
	__u32 kind;
	__u32 id;		/* the kernel's; 0: there is none */
	unsigned int arguments; /* of a function */
};

struct types {
	const struct btf *kernel; /* while picking */
	struct btf *names;	  /* only its strings: a set of them */
	bool begins[BEGINNINGS];  /* how they begin */
	struct hook_type *hooks;
	unsigned int n_hooks;
	struct btf *picked;
	__u32 *whole; /* the kernel's id -> ours, 0: not picked ... */
	__u32 *far;   /* ... and of what is behind a pointer */
	__u32 n;      /* of the kernel's types */
};

static struct btf *left; /* by types_leave() */

/* Where they are written to. There before them, and one set at a time. */
static int file = -1;

static bool has_name(const struct btf_type *t)
{
	switch (btf_kind(t)) {
	case BTF_KIND_STRUCT:
	case BTF_KIND_UNION:
	case BTF_KIND_ENUM:
	case BTF_KIND_ENUM64:
	case BTF_KIND_TYPEDEF:
		return t->name_off;
	}
	return false;
}

/* A number for how a name begins, by which most are told from those sought. */
static unsigned int beginning(const char *name)
{
	unsigned int i, n = 0;

	for (i = 0; i < 5 && name[i]; i++)
		n = n * 31 + (unsigned char)name[i];
	return n % BEGINNINGS;
}

/* Its place in the set of names, or -errno. */
static int add_name(struct types *types, const char *name)
{
	types->begins[beginning(name)] = true;
	return btf__add_str(types->names, name);
}

static int find_name(const struct types *types, const char *name)
{
	return types->begins[beginning(name)] ?
		       btf__find_str(types->names, name) :
		       -ENOENT;
}

/* What the programs are attached to. 0 or -errno. */
static int read_hooks(struct types *types, const struct bpf_object *object)
{
	struct bpf_program *prog = NULL;
	char name[TIER_TARGET];
	struct hook_type *hook;
	unsigned int n = 0;

	while ((prog = bpf_object__next_program(object, prog)))
		n++;
	types->hooks = calloc(n, sizeof(*types->hooks));
	if (!types->hooks)
		return -ENOMEM;
	while ((prog = bpf_object__next_program(object, prog))) {
		hook = &types->hooks[types->n_hooks];
		if (!tier_target(bpf_program__section_name(prog), name,
				 &hook->kind))
			continue;
		hook->name = add_name(types, name);
		if (hook->name < 0)
			return hook->name;
		types->n_hooks++;
	}
	return 0;
}

/* A name counts up to "___", behind which is the flavour. 0 or -errno. */
static int read_names(struct types *types, const struct bpf_object *object)
{
	const struct btf *btf = bpf_object__btf(object);
	char name[TIER_TARGET];
	int err = 0;
	__u32 id;

	for (id = 1; err >= 0 && id < btf__type_cnt(btf); id++) {
		const struct btf_type *t = btf__type_by_id(btf, id);
		const char *full = btf__name_by_offset(btf, t->name_off);
		const char *flavour = strstr(full, "___");

		if (!has_name(t))
			continue;
		snprintf(name, sizeof(name), "%.*s",
			 (int)(flavour ? flavour - full : TIER_TARGET), full);
		err = add_name(types, name);
	}
	return err < 0 ? err : read_hooks(types, object);
}

/* The @i-th of the ids in a type, of what it is made of. NULL: no more. */
static __u32 *part(const struct btf_type *t, unsigned int i)
{
	switch (btf_kind(t)) {
	case BTF_KIND_STRUCT:
	case BTF_KIND_UNION:
		return i < btf_vlen(t) ? &btf_members(t)[i].type : NULL;
	case BTF_KIND_ARRAY:
		return i > 1 ? NULL :
		       i     ? &btf_array(t)->index_type :
			       &btf_array(t)->type;
	case BTF_KIND_FUNC_PROTO:
		return !i		? (__u32 *)&t->type :
		       i <= btf_vlen(t) ? &btf_params(t)[i - 1].type :
					  NULL;
	case BTF_KIND_PTR:
	case BTF_KIND_TYPEDEF:
	case BTF_KIND_CONST:
	case BTF_KIND_VOLATILE:
	case BTF_KIND_RESTRICT:
	case BTF_KIND_TYPE_TAG:
		return i ? NULL : (__u32 *)&t->type;
	}
	return NULL;
}

static bool is_function(const struct btf *btf, __u32 id)
{
	return btf_is_func_proto(btf__type_by_id(btf, id));
}

static int copy(struct types *types, __u32 id, __u32 *copies);

/* What stands in a copy of @t for the type @id that it is made of. */
static int copy_part(struct types *types, const struct btf_type *t, __u32 id,
		     __u32 *copies)
{
	if (!btf_is_ptr(t) || copies == types->far)
		return copy(types, id, copies);
	return is_function(types->kernel, id) ? copy(types, id, types->far) : 0;
}

/* Behind a pointer a struct is one, whatever its name and its members are. */
static int add(struct types *types, const struct btf_type *t, bool bare)
{
	if (!bare)
		return btf__add_type(types->picked, types->kernel, t);
	return btf_is_union(t) ? btf__add_union(types->picked, NULL, 0) :
				 btf__add_struct(types->picked, NULL, 0);
}

/* Our id of a type, which may have been copied before. 0: void; or -errno. */
static int copy(struct types *types, __u32 id, __u32 *copies)
{
	const struct btf_type *t = btf__type_by_id(types->kernel, id);
	bool bare = copies == types->far && btf_is_composite(t);
	unsigned int i;
	__u32 *from;
	int to, at;

	if (!id || copies[id])
		return copies[id];
	to = add(types, t, bare);
	if (to < 0)
		return to;
	copies[id] = to;
	for (i = 0; !bare && (from = part(t, i)); i++) {
		at = copy_part(types, t, *from, copies);
		if (at < 0)
			return at;
		*part(btf__type_by_id(types->picked, to), i) = at;
	}
	return to;
}

/* Notes the type if programs are attached to it; the first of a name. */
static void note_hook(struct types *types, int name, __u32 id)
{
	const struct btf_type *t = btf__type_by_id(types->kernel, id);
	struct hook_type *hook;

	for (hook = types->hooks; hook < types->hooks + types->n_hooks;
	     hook++) {
		if (hook->name != name || hook->kind != btf_kind(t) || hook->id)
			continue;
		hook->id = id;
		if (btf_is_func(t))
			hook->arguments = btf_vlen(
				btf__type_by_id(types->kernel, t->type));
	}
}

static int pick(struct types *types)
{
	const char *names = btf__name_by_offset(types->kernel, 0);
	__u32 id, n = btf__type_cnt(types->kernel);
	const struct btf_type *t;
	int err = 0, name;

	types->n = n;
	types->whole = calloc(n, sizeof(*types->whole));
	types->far = calloc(n, sizeof(*types->far));
	if (!types->whole || !types->far)
		return -ENOMEM;
	for (id = 1; err >= 0 && id < n; id++) {
		t = btf__type_by_id(types->kernel, id);
		if (!has_name(t) && !btf_is_func(t))
			continue;
		name = find_name(types, names + t->name_off);
		if (name <= 0)
			continue;
		note_hook(types, name, id);
		if (has_name(t))
			err = copy(types, id, types->whole);
	}
	return err < 0 ? err : 0;
}

/* libbpf takes types from files only. */
const char *types_path(void)
{
	static char path[32];

	if (file < 0) {
		file = memfd_create("types", MFD_CLOEXEC);
		snprintf(path, sizeof(path), "/proc/self/fd/%d", file);
	}
	return file < 0 || access(path, R_OK) ? NULL : path;
}

static int write_file(struct types *types)
{
	__u32 size;
	const void *raw = btf__raw_data(types->picked, &size);

	if (!types_path())
		return 0;
	return raw && write(file, raw, size) == size ? 0 : -errno;
}

/* Since Linux 6.16 they can be mapped; else libbpf reads them page by page. */
struct btf *types_kernel(void)
{
	int fd = open(KERNEL_BTF, O_RDONLY | O_CLOEXEC);
	struct btf *btf = NULL;
	struct stat st;
	void *all;

	if (fd >= 0 && !fstat(fd, &st)) {
		all = mmap(NULL, st.st_size, PROT_READ, MAP_PRIVATE, fd, 0);
		if (all != MAP_FAILED) {
			btf = btf__new(all, st.st_size);
			munmap(all, st.st_size);
		}
	}
	if (fd >= 0)
		close(fd);
	return btf ?: btf__parse(KERNEL_BTF, NULL);
}

void types_leave(struct btf *kernel)
{
	btf__free(left);
	left = kernel;
}

/*
 * In place of libbpf's own, which it calls when it loads an object, and then
 * frees what it got. To read all types once more is a good part of a start.
 */
struct btf *btf__load_vmlinux_btf(void)
{
	struct btf *kernel = left;

	left = NULL;
	return kernel ?: types_kernel();
}

struct types *types_new(const struct btf *kernel,
			const struct bpf_object *object)
{
	struct types *types = calloc(1, sizeof(*types));
	int err = -ENOMEM;

	if (!types)
		return NULL;
	types->kernel = kernel;
	types->names = btf__new_empty();
	types->picked = btf__new_empty();
	if (types->names && types->picked)
		err = read_names(types, object);
	err = err ?: pick(types) ?: write_file(types);
	if (!err)
		return types;
	types_free(types);
	errno = -err;
	return NULL;
}

const struct btf *types_btf(const struct types *types)
{
	return types->picked;
}

static int find(const struct types *types, const char *name, __u32 kind)
{
	return btf__find_by_name_kind(types->picked, name, kind);
}

__u32 types_id(const struct types *types, const char *name, __u32 kind)
{
	int ours = types ? find(types, name, kind) : 0;
	__u32 id;

	for (id = 1; ours > 0 && id < types->n; id++)
		if (types->whole[id] == (__u32)ours)
			return id;
	return 0;
}

/* NULL: programs of this section are attached to nothing that is known. */
static const struct hook_type *hook_of(const struct types *types,
				       const char *section)
{
	unsigned int i;
	char name[TIER_TARGET];
	int known;
	__u32 kind;

	if (!tier_target(section, name, &kind))
		return NULL;
	known = btf__find_str(types->names, name);
	for (i = 0; i < types->n_hooks; i++)
		if (types->hooks[i].name == known &&
		    types->hooks[i].kind == kind)
			return &types->hooks[i];
	return NULL;
}

__u32 types_hook(const struct types *types, const char *section)
{
	const struct hook_type *hook = hook_of(types, section);

	return hook ? hook->id : 0;
}

bool types_has_hook(const struct types *types, const char *section)
{
	char name[TIER_TARGET];
	__u32 kind;

	return !tier_target(section, name, &kind) || types_hook(types, section);
}

unsigned int types_arguments(const struct types *types, const char *section)
{
	const struct hook_type *hook = hook_of(types, section);

	return hook ? hook->arguments : 0;
}

void types_free(struct types *types)
{
	if (!types)
		return;
	if (file >= 0)
		close(file);
	file = -1;
	btf__free(types->picked);
	btf__free(types->names);
	free(types->whole);
	free(types->far);
	free(types->hooks);
	free(types);
}
