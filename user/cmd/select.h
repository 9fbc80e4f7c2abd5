/* SPDX-License-Identifier: GPL-2.0 */
/* The options by which any verb selects events: --pid, --port, --state ... */
#ifndef TCBSCOPE_CMD_SELECT_H
#define TCBSCOPE_CMD_SELECT_H

#include "bpf/config.h"
#include "event/filter.h"
#include <argp.h>

#define SELECT_TERMS 16 /* options on one command line */

/* What was asked for, as written; all zero to begin with. */
struct select {
	struct {
		const struct select_option *option;
		const char *values;
	} terms[SELECT_TERMS];
	unsigned int n;
};

/* A child parser for a verb's argp; its input is a struct select. */
extern const struct argp select_argp;

/*
 * Makes the filter that was asked for, the caller's, and sets the kernel's
 * share of it in @config: event types and ports. Returns EXIT_DONE, or says
 * what is wrong and returns the exit code.
 */
int select_apply(const struct select *select, const struct schema *schema,
		 struct filter **filter, struct config *config);

/* Have event types been asked for by name? */
bool select_names_events(const struct select *select);

#endif
