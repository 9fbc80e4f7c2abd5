/* SPDX-License-Identifier: GPL-2.0 */
/* The clock of every deadline here, and of the kernel's events. */
#ifndef TCBSCOPE_LIB_CLOCK_H
#define TCBSCOPE_LIB_CLOCK_H

#include <stddef.h>
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

/*
 * Waits between two looks at something that began at @since and cannot be
 * polled: the longer it takes, the longer, so that long waits cost little and
 * what has come is found an eighth too late at most, never more than 50 ms.
 */
static inline void clock_pause(uint64_t since)
{
	const uint64_t least = 200000, most = 50000000;
	uint64_t ns = (clock_now_ns() - since) / 8;
	struct timespec ts = {};

	ts.tv_nsec = ns < least ? least : ns > most ? most : ns;
	nanosleep(&ts, NULL);
}

/* CLOCK_REALTIME in ns since 1970: what the clocks of two hosts agree on. */
static inline uint64_t clock_real_ns(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_REALTIME, &ts);
	return ts.tv_sec * NSEC_PER_SEC + ts.tv_nsec;
}

#endif
