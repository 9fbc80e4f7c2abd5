/* SPDX-License-Identifier: GPL-2.0 */
/* Conditions that a machine meets or not, found out by a look at it. */
#ifndef TCBSCOPE_LAB_NEED_H
#define TCBSCOPE_LAB_NEED_H

#include <stdbool.h>

struct witness;

/*
 *	tun        /dev/net/tun can be opened
 *	memory2G   2 GiB of memory are free
 *	nft        the program nft is there
 *	cpus2      there are two CPUs
 *	reno, cubic, bbr, ...: that congestion control
 *	sysctl:PATH  the kernel has it: net/ipv4/...
 *	hook:NAME  the trace has attached this program, as its header says
 *
 * Are all of @needs met, separated by spaces, with ! in front: not met? If not,
 * *@unmet is the first of them, why that is so in words. @w may be NULL if no
 * hook is asked for.
 */
bool need_met(const char *needs, const struct witness *w, const char **unmet);

#endif
