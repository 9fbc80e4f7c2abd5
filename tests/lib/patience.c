// SPDX-License-Identifier: GPL-2.0
/*
 * How long a test may take. The harness says so by alarm(2), in seconds of a
 * kernel that does not watch itself; where it does, $TCBSCOPE_PATIENCE is how
 * many times longer everything takes.
 */
#include <stdlib.h>
#include <sys/time.h>
#include <unistd.h>

/* In place of that of the C library. */
unsigned int alarm(unsigned int seconds)
{
	const char *times = getenv("TCBSCOPE_PATIENCE");
	struct itimerval next = {}, last = {};

	next.it_value.tv_sec = seconds * (times ? strtoul(times, NULL, 10) : 1);
	setitimer(ITIMER_REAL, &next, &last);
	return last.it_value.tv_sec;
}
