/* SPDX-License-Identifier: GPL-2.0 */
/*
 * The kinds of hooks that there are, and what programs may do there: tried each
 * by the smallest program that needs it. No version decides, and no setting.
 */
#ifndef TCBSCOPE_INPUT_TIER_H
#define TCBSCOPE_INPUT_TIER_H

#include "input/probe.h"

#define TIERS 4
#define TIER_HOOKS 32 /* more than there are rows in the table */
#define TIER_STORAGE "socket storage" /* what all our programs need */

struct tier_hook {
	const char *name;  /* a program's section, or what it calls */
	unsigned int tier; /* 1 to TIERS; 0: of none */
	const char *gives; /* what for, in words */
};

extern const struct tier_hook tier_hooks[]; /* the last has no name */
extern const char *const tier_names[TIERS + 1];

/*
 * Loads and attaches the programs, and detaches them at once. @results has
 * TIER_HOOKS elements.
 */
void tier_try_all(struct probe_result *results);

/* One of them, by its name. */
void tier_try_name(const char *name, struct probe_result *result);

#endif
