/* SPDX-License-Identifier: GPL-2.0 */
/* The progress of a file that is sent, on standard error if it is a terminal. */
#ifndef TCBSCOPE_PEER_PROGRESS_H
#define TCBSCOPE_PEER_PROGRESS_H

#include <stdbool.h>
#include <stdint.h>

struct progress {
	const char *name;
	uint64_t size; /* bytes; 0: unknown */
	uint64_t start_ns, shown_ns;
	bool on;
};

/* @size in bytes; 0: unknown. */
void progress_init(struct progress *progress, uint64_t size, const char *name,
		   bool quiet);

/* Now and then, @done bytes. */
void progress_show(struct progress *progress, uint64_t done);

/* The last word, and its newline. */
void progress_end(struct progress *progress, uint64_t done);

#endif
