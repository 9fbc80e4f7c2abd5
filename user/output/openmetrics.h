/* SPDX-License-Identifier: GPL-2.0 */
/* Listeners as metrics, for the textfile collector of a node exporter. */
#ifndef TCBSCOPE_OUTPUT_OPENMETRICS_H
#define TCBSCOPE_OUTPUT_OPENMETRICS_H

#include "event/listeners.h"
#include <stdio.h>

/*
 * One whole text in the format of OpenMetrics: the queues of each listener, and
 * what has happened in the last interval, which took @interval_ns. 0: nothing
 * was watched.
 */
void openmetrics_print(FILE *file, const struct listeners *l,
		       nsec_t interval_ns);

#endif
