/* SPDX-License-Identifier: GPL-2.0 */
/* What existed before the trace: the iterators, and who holds what they find. */
#ifndef TCBSCOPE_INPUT_SNAPSHOT_H
#define TCBSCOPE_INPUT_SNAPSHOT_H

#include "input/input.h"

struct snapshot;
struct tcbscope_bpf;

/*
 * Opens all iterators, which takes the privileges, and finds out who holds
 * which socket. @skel is loaded, and attached if @remember: then every socket
 * that a process holds is known to its programs afterwards. NULL with errno
 * set. The descriptors of network namespaces stay open until the end.
 */
struct snapshot *snapshot_open(struct tcbscope_bpf *skel, bool remember);
void snapshot_free(struct snapshot *s);

/*
 * Yields some sockets, each once. 1: there may be more; 0: that was all; or
 * -errno, also what the sink said. Needs no privilege.
 */
int snapshot_read(struct snapshot *s, input_sink sink, void *ctx);

/* How many sockets it has yielded. */
uint64_t snapshot_count(const struct snapshot *s);

/* What it could not look at. */
const struct input_blind *snapshot_blind(const struct snapshot *s);

#endif
