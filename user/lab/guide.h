/* SPDX-License-Identifier: GPL-2.0 */
/* The guide: a page for each group of scenarios, as reStructuredText. */
#ifndef TCBSCOPE_LAB_GUIDE_H
#define TCBSCOPE_LAB_GUIDE_H

#include "lab/scenario.h"

#include <stdio.h>

/*
 * Writes the page of a group: of each scenario what is said of it, and what it
 * prints. Without @tcbscope, the path of the program, nothing is run and the
 * page has only what does not change from run to run. 0 or -errno;
 * -EIO if a scenario was not as expected.
 */
int guide_write(const struct scenario_group *group, const char *tcbscope,
		FILE *out);

#endif
