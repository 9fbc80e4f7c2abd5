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
 * Loads. *@skel is an opened object, and a loaded one afterwards; or NULL if
 * that failed: then @error says why. @results has PROBE_PROGRAMS elements, of
 * what became of each program. 0 or -errno.
 *
 * A mandatory program of events that were not asked for by name only costs
 * these events.
 */
int load_programs(struct tcbscope_bpf **skel,
		  const struct input_bpf_options *options,
		  struct probe_result *results, struct input_error *error);

/*
 * Tries to load every program of the table, each alone, even those that only
 * stand in for others. For reports: takes about 0.1 s each.
 */
void load_each(const struct input_bpf_options *options,
	       struct probe_result *results);

#endif
