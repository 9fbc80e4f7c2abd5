/* SPDX-License-Identifier: GPL-2.0 */
/*
 * A strict reader of the OpenMetrics text format, for those who write gauges.
 * It knows of the format what a text of gauges can break, and believes nothing.
 */
#ifndef TCBSCOPE_TESTS_OPENMETRICS_H
#define TCBSCOPE_TESTS_OPENMETRICS_H

#define OPENMETRICS_FLAW 256

/*
 * Reads a whole text. Returns the number of samples, or -1 with what is wrong,
 * and in which line, in @flaw.
 */
int openmetrics_read(const char *text, char flaw[OPENMETRICS_FLAW]);

#endif
