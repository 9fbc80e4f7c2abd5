/* SPDX-License-Identifier: GPL-2.0 */
/* The kernel module under test: loaded and unloaded. */
#ifndef TCBSCOPE_TESTS_LIB_KMOD_H
#define TCBSCOPE_TESTS_LIB_KMOD_H

#include "input/module.h"

/*
 * Ends the program with a plan that skips all of it if no module can be loaded
 * here. To be called by a constructor, before the harness has begun.
 */
void kmod_or_skip(void);

/* Both return 0 or -errno. What still uses it is waited for. */
int kmod_load(void);
int kmod_unload(void);

/* A connection to it from inside a network namespace, or NULL with errno. */
struct module *kmod_open(int netns);

/* The identity of a connected or listening socket, from our side. */
struct module_identity kmod_identity(int fd);

/* That of a cookie. */
struct module_identity kmod_cookie(uint64_t cookie);

#endif
