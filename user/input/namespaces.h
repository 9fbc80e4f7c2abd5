/* SPDX-License-Identifier: GPL-2.0 */
/* All network namespaces there are, and an iterator over the sockets of each. */
#ifndef TCBSCOPE_INPUT_NAMESPACES_H
#define TCBSCOPE_INPUT_NAMESPACES_H

#include "input/input.h"

/*
 * Calls @visit inside every network namespace that can be found and entered,
 * with its number: ours, those of all processes, those with a name. Ours comes
 * first. The calling thread enters them and comes back. 0, what @visit returned
 * if not 0, which ends it, or -errno: there is none, or no way back. @blind is
 * added to.
 */
typedef int (*namespaces_fn)(void *ctx, uint64_t inode);
int namespaces_visit(namespaces_fn visit, void *ctx, struct input_blind *blind);

struct namespaces;

/*
 * Opens an iterator of the BPF link @link in each of them that has any TCP
 * socket. NULL with errno set, as namespaces_visit().
 */
struct namespaces *namespaces_open(int link);
void namespaces_free(struct namespaces *ns);

/* The iterator to read, -1 behind the last one. namespaces_next() closes it. */
int namespaces_current(const struct namespaces *ns);
void namespaces_next(struct namespaces *ns);

/* Is there an iterator for this one, or would it find nothing? */
bool namespaces_has(const struct namespaces *ns, __u32 inode);

const struct input_blind *namespaces_blind(const struct namespaces *ns);

#endif
