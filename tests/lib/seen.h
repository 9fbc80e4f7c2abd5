/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Tests of states can be run with calls and segments traced as well, as
 * cause_seen_test does. What they claim of causes must hold all the same, and
 * each must have its number.
 */
#ifndef TCBSCOPE_TESTS_LIB_SEEN_H
#define TCBSCOPE_TESTS_LIB_SEEN_H

#include "lab/witness.h"

/* Are they? Then this is in the environment. */
#define SEEN_WANTED "TCBSCOPE_SEEN"
bool seen_wanted(void);

/* What a story says then, where it says something else: what is seen is sure. */
const char *seen_or(const char *seen, const char *unseen);

/*
 * What is wrong with the causes of a socket's transitions: one that a segment
 * or a call has made must name one of that kind, observed, and no other must.
 * Only what may have been several has no number. NULL: nothing is wrong.
 */
const char *seen_flaw(const struct witness *w, const struct sighting *socket);

#endif
