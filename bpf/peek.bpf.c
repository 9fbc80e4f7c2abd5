// SPDX-License-Identifier: GPL-2.0
/*
 * Reads bytes that have no type for the verifier as if they were IPv6
 * addresses.
 */
#include "bpf/emit.h"
#include "bpf/peek.h"

__noinline int peek(struct peeked *to, __u64 from)
{
	const struct in6_addr *unit;
	int i;

	if (!to)
		return -1;
	if (!compat_has_cast())
		return bpf_probe_read_kernel(to, sizeof(*to), (void *)from);
	unit = bpf_rdonly_cast((void *)from, config.in6_addr);
	for (i = 0; i < 4; i++)
		to->word[i] = unit->in6_u.u6_addr32[i];
	return 0;
}
