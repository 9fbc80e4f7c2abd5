/* SPDX-License-Identifier: GPL-2.0 */
/* How every verb begins that looks at this machine while it runs. */
#ifndef TCBSCOPE_CMD_LIVE_H
#define TCBSCOPE_CMD_LIVE_H

#include "input/input.h"
#include <argp.h>

struct live {
	bool quiet, debug;   /* what the parsers have read */
	uint32_t tiers;	     /* 0: not given */
	uint64_t ring_bytes; /* 0: not given */
	struct input_bpf *in;
	struct schema *schema;
};

/* A child parser for a verb's argp, --quiet, --debug, -h; its input: a live. */
extern const struct argp live_argp;

/* The same of who traces events: --ring, --tiers. */
extern const struct argp live_events_argp;

/* Both return EXIT_DONE, or say what is wrong and return the exit code. */
int live_open(struct live *live);

/*
 * Loads and attaches, says what cannot be seen, then drops all capabilities.
 * Of @input debug and tiers are taken from @live, and the ring if it is given
 * or not set.
 */
int live_start(struct live *live, struct input_bpf_options *input);

void live_close(struct live *live);

#endif
