/* SPDX-License-Identifier: GPL-2.0 */
/* Texts that are compared with files of the source. */
#ifndef TCBSCOPE_TESTS_LIB_GOLDEN_H
#define TCBSCOPE_TESTS_LIB_GOLDEN_H

#include <stdbool.h>

/*
 * Is the text that of tests/unit/@name? With TCBSCOPE_GOLDEN=write in the
 * environment it is made that, to be looked at before it is committed.
 */
bool golden_same(const char *name, const char *text);

#endif
