/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Listeners and their queues as a table for people, as JSON, and as metrics for
 * the textfile collector of a node exporter.
 */
#ifndef TCBSCOPE_OUTPUT_LISTENERS_H
#define TCBSCOPE_OUTPUT_LISTENERS_H

#include "event/listeners.h"
#include <stdio.h>

#define LISTENERS_WORDS 1024

struct listeners_view {
	const struct schema *schema;
	nsec_t start;	   /* of the watch */
	nsec_t begin, end; /* of the interval */
	bool watched;	   /* false: nothing but how full they are is known */
	bool tree;	   /* with who waits in each */
	bool headings;
	unsigned int columns; /* that sentences have; 0: no limit */
};

/* All print on @file, whose error tells if it failed. 0 or -errno. */
int listeners_table_print(FILE *file, const struct listeners *l,
			  const struct listeners_view *view);

/* One line. */
void listeners_json_print(FILE *file, const struct listeners *l,
			  const struct listeners_view *view);

/* One whole text in the format of OpenMetrics. */
void openmetrics_print(FILE *file, const struct listeners *l,
		       const struct listeners_view *view);

/*
 * What of its sums was not let in, and of cookies, in words:
 * "accept queue full 31, cookies sent 2"; "" if nothing has. Returns @to.
 */
const char *listeners_drops(const struct listener *l,
			    const struct listener_sums *sums,
			    const struct schema *schema,
			    char to[LISTENERS_WORDS]);

/*
 * Why a listener drops, or is about to, and what to do about it, in sentences.
 * False: there is nothing to be said.
 */
bool listeners_advice(const struct listener *l,
		      const struct listeners_view *view,
		      char to[LISTENERS_WORDS]);

#endif
