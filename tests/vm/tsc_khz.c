// SPDX-License-Identifier: GPL-2.0
/*
 * Prints the rate of the time stamp counter in kHz: an emulated guest that
 * has to measure it by itself may get it wrong by a factor of twenty.
 */
#include <stdio.h>
#include <time.h>

#if defined(__x86_64__)
#include <x86intrin.h>

static double seconds(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC_RAW, &ts);
	return ts.tv_sec + ts.tv_nsec / 1e9;
}

int main(void)
{
	double begin = seconds(), end;
	unsigned long long ticks = __rdtsc();

	do
		end = seconds();
	while (end - begin < 0.1);
	printf("%.0f\n", (__rdtsc() - ticks) / (end - begin) / 1000);
	return 0;
}
#else
int main(void)
{
	return 1; /* no such counter: nothing to tell the guest */
}
#endif
