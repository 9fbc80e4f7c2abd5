/* SPDX-License-Identifier: GPL-2.0 */
/* Programs with few capabilities, and what a process has of them. */
#ifndef TCBSCOPE_TESTS_LIB_CAPS_H
#define TCBSCOPE_TESTS_LIB_CAPS_H

#include <stdint.h>
#include <sys/types.h>

#define CAPS_NOBODY 65534 /* the user, and its group */

/*
 * Becomes @uid, without any group of another, so that what it executes has
 * exactly @caps (a list that ends in -1) and cannot get others. Root's come by
 * the bounding set, another user's are ambient. 0 or -errno.
 */
int caps_become(uid_t uid, const int *caps);

/* A number of /proc/PID/status, in hex: "CapEff", "NoNewPrivs". -1: none. */
int64_t caps_status(pid_t pid, const char *field);

#endif
