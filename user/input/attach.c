// SPDX-License-Identifier: GPL-2.0
/*
 * libbpf lets sections be handled by others: of those whose programs are
 * attached to something in the kernel's BTF, we say its id.
 */
#include "input/attach.h"
#include "input/tier.h"
#include "input/types.h"

#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>

static const struct types *found; /* a handler is given nothing of its caller */

/* Right before the kernel is given the program. */
static int prepare(struct bpf_program *prog, struct bpf_prog_load_opts *opts,
		   long cookie)
{
	(void)cookie;
	if (bpf_program__type(prog) != BPF_PROG_TYPE_TRACING)
		return 0; /* it hangs on something else: input/syscall.h */
	opts->attach_btf_id =
		found ? types_hook(found, bpf_program__section_name(prog)) : 0;
	return opts->attach_btf_id ? 0 : -ESRCH;
}

static int handle(const struct tier_method *method)
{
	LIBBPF_OPTS(libbpf_prog_handler_opts, opts);
	char section[32];
	int id;

	opts.prog_prepare_load_fn = prepare;
	snprintf(section, sizeof(section), "%.*s+",
		 (int)strcspn(method->prefix, "/"), method->prefix);
	id = libbpf_register_prog_handler(section, method->type, method->attach,
					  &opts);
	return id > 0 ? 0 : id;
}

/* For good: libbpf 1.1 crashes when the last handler has been taken away. */
int attach_register(void)
{
	const struct tier_method *method;
	static bool done;
	int err = 0;

	for (method = tier_methods; !done && !err && method->prefix; method++)
		if (method->btf_prefix)
			err = handle(method);
	done = true;
	return err;
}

void attach_by(const struct types *types)
{
	found = types;
}
