/* SPDX-License-Identifier: GPL-2.0 */
/* Which privileges there are, and giving up those not needed any more. */
#ifndef TCBSCOPE_LIB_PRIV_H
#define TCBSCOPE_LIB_PRIV_H

#include <stdbool.h>

/*
 * Why @what fails, if it is for want of capabilities: "@what needs CAP_BPF and
 * CAP_PERFMON; this process lacks CAP_BPF". @caps, the needed ones, ends in -1.
 * NULL if none is lacking. The text is valid until the next call.
 */
const char *priv_lacks(const char *what, const int *caps);

/* Are our capabilities of a user namespace only, as in many containers? */
bool priv_in_user_namespace(void);

/* Drops every capability for good, or every other one if we have it. 0, -errno.
 */
int priv_drop(void);
int priv_keep(int cap);

/*
 * Becomes the user who called sudo, if it was sudo: groups, then user. 0, or
 * -errno and half done: the caller must then exit.
 */
int priv_become_invoker(void);

#endif
