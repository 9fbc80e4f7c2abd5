/* SPDX-License-Identifier: GPL-2.0 */
/* What tests must know of the machine that they run on. */
#ifndef TCBSCOPE_TESTS_LIB_GUEST_H
#define TCBSCOPE_TESTS_LIB_GUEST_H

#include <stdbool.h>

/* Is its CPU emulated? Then it is some twenty times slower. */
bool guest_is_emulated(void);

/* How often to do what is the same each time: @times, or @few if emulated. */
unsigned int guest_times(unsigned int times, unsigned int few);

#endif
