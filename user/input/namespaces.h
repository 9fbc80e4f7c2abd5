/* SPDX-License-Identifier: GPL-2.0 */
/* An iterator over the TCP sockets of each network namespace there is. */
#ifndef TCBSCOPE_INPUT_NAMESPACES_H
#define TCBSCOPE_INPUT_NAMESPACES_H

#include "input/input.h"

struct namespaces;

/*
 * Opens an iterator of the BPF link @link in every network namespace that can
 * be found and entered: ours, those of all processes, those with a name. Ours
 * comes first. The calling thread enters them and comes back. NULL with errno
 * set: there is none, or no way back.
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
