/* SPDX-License-Identifier: GPL-2.0 */
/* What the kernel has not let BPF programs see. */
#ifndef TCBSCOPE_TESTS_LIB_SKIPPED_H
#define TCBSCOPE_TESTS_LIB_SKIPPED_H

#include <stdint.h>

/*
 * How often it has left out programs whose names begin so, of all that are
 * loaded now. A program is left out while another run of it on that CPU has not
 * ended: it may be interrupted, and since Linux 7 even preempted.
 */
uint64_t skipped_runs(const char *name);

#endif
