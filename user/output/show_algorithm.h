/* SPDX-License-Identifier: GPL-2.0 */
/* What an algorithm of congestion control tells of itself, number by number. */
#ifndef TCBSCOPE_OUTPUT_SHOW_ALGORITHM_H
#define TCBSCOPE_OUTPUT_SHOW_ALGORITHM_H

#include "event/module.h"

#define SHOW_ALGORITHM_MAX 5 /* numbers of an algorithm */

struct show_algorithm {
	const char *name, *doc; /* "min_rtt_us"; constants */
	unsigned int of;	/* a fraction: value / of; else 1 */
	uint64_t value;
};

/*
 * If @attr is the one that the kernel calls union tcp_cc_info: how many numbers
 * of it are in @number. 0: it is another, or of an algorithm that is not known
 * here. @congestion is the list that has it.
 */
unsigned int show_algorithm(const struct module_attr *attr,
			    const struct module_list *congestion,
			    struct show_algorithm number[SHOW_ALGORITHM_MAX]);

#endif
