/* SPDX-License-Identifier: GPL-2.0 */
/* Giving up privileges that are not needed any more. */
#ifndef TCBSCOPE_LIB_PRIV_H
#define TCBSCOPE_LIB_PRIV_H

/* Drops every capability for good. 0 or -errno. */
int priv_drop(void);

/*
 * Becomes the user who called sudo, if it was sudo: groups, then user. 0, or
 * -errno and half done: the caller must then exit.
 */
int priv_become_invoker(void);

#endif
