/* SPDX-License-Identifier: GPL-2.0 */
/* The counters that the kernel keeps of each network namespace. */
#ifndef TCBSCOPE_LAB_COUNTER_H
#define TCBSCOPE_LAB_COUNTER_H

#include <stdint.h>

/*
 * The value of one in a namespace, as /proc/net/snmp or netstat names it, such
 * as "ListenDrops"; -ENOENT if this kernel has none of that name, or -errno.
 */
int64_t counter_read(int netns, const char *name);

#endif
