/* SPDX-License-Identifier: GPL-2.0 */
/* Why the BPF programs cannot be loaded, and what can be done about it. */
#ifndef TCBSCOPE_INPUT_REFUSAL_H
#define TCBSCOPE_INPUT_REFUSAL_H

#include "input/input.h"
#include "input/probe.h"

/* All of them fill in what, why and then of @error; @err is -errno. */

/*
 * What has nothing to do with any one program: capabilities, BTF, the ring of
 * @bytes. False, and only what is filled in: it is none of these.
 */
bool refusal_general(uint64_t bytes, int err, struct input_error *error);

/* A trace can do nothing without program @p, of which @results has a row. */
void refusal_program(const struct probe_program *p,
		     const struct probe_result *results,
		     struct input_error *error);

/* All programs of the tier of @p are refused, which was asked for by name. */
void refusal_tier(const struct probe_program *p,
		  const struct probe_result *results,
		  struct input_error *error);

/* The kernel takes each program alone, but not all at once. */
void refusal_unknown(int err, struct input_error *error);

#endif
