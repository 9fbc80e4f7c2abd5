/* SPDX-License-Identifier: GPL-2.0 */
/*
 * How any verb selects events: by options, --pid, --port, --state ..., and by
 * its arguments, which are an expression (event/filter.h).
 */
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
	char **words; /* of the expression, in argv */
	unsigned int n_words;
	__u32 also; /* 1 << EVENT_x that need not be named, of EVENTS_OPT_IN */
	const char *hint; /* of the verb, if its arguments are wrong; NULL */
};

/*
 * A child parser for a verb's argp; its input is a struct select. The
 * verb's own parser leaves ARGP_KEY_ARG and ARGP_KEY_ARGS to it, or takes all
 * arguments itself: then there is no expression.
 */
extern const struct argp select_argp;

/*
 * Makes the filter that was asked for, the caller's, and sets in @config what
 * of it the kernel decides, and which event types can pass; one of @types must.
 * Returns EXIT_DONE, or says what is wrong and returns the exit code.
 */
int select_apply(const struct select *select, const struct schema *schema,
		 __u32 types, struct filter **filter, struct config *config);

#endif
