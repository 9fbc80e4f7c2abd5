/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Loading the BPF programs: all that serve what is wanted, but for those that
 * this kernel refuses and a trace can do without.
 */
#ifndef TCBSCOPE_INPUT_LOAD_H
#define TCBSCOPE_INPUT_LOAD_H

#include "input/input.h"
#include "input/probe.h"

struct tcbscope_bpf;

/* Opens the BPF object, which needs no privilege. NULL with errno set. */
struct tcbscope_bpf *load_open(void);

/*
 * Loads *@skel, an opened object, or another one in its place. @results has
 * PROBE_PROGRAMS elements, of what became of each program. 0, or -errno with
 * @error filled: then *@skel is opened only, or NULL for want of memory.
 *
 * A mandatory program of events that were not asked for by name only costs
 * these events.
 */
int load_programs(struct tcbscope_bpf **skel,
		  const struct input_bpf_options *options,
		  struct probe_result *results, struct input_error *error);

#endif
