/* SPDX-License-Identifier: GPL-2.0 */
/* The clock of every deadline here, and of the kernel's events. */
#ifndef TCBSCOPE_LIB_CLOCK_H
#define TCBSCOPE_LIB_CLOCK_H

#include <stdint.h>
#include <time.h>

#define NSEC_PER_SEC 1000000000ULL

/*
 * CLOCK_MONOTONIC in ns, as bpf_ktime_get_ns() counts it: not set by anybody,
 * and stopped while the host is suspended. It cannot fail.
 */
static inline uint64_t clock_now_ns(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return ts.tv_sec * NSEC_PER_SEC + ts.tv_nsec;
}

/* CLOCK_REALTIME in ns since 1970: what the clocks of two hosts agree on. */
static inline uint64_t clock_real_ns(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_REALTIME, &ts);
	return ts.tv_sec * NSEC_PER_SEC + ts.tv_nsec;
}

#endif
