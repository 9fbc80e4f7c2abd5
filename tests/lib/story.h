/* SPDX-License-Identifier: GPL-2.0 */
/*
 * What a trace tells of a socket, as one line of text that a test compares
 * with the one it expects.
 *
 *	CLOSE>SYN_SENT CALL_CONNECT, SYN_SENT>CLOSE RX_RST ECONNREFUSED
 *
 * A transition is OLD>NEW, then what the event has of these, in this order:
 * the cause, the kind, "as STATE" for the TIME_WAIT minisocket's substate, the
 * errno. ~ behind a word: derived, not observed. "-": no cause. A transition
 * that does not go on where the one before ended begins with "GAP ".
 */
#ifndef TCBSCOPE_TESTS_LIB_STORY_H
#define TCBSCOPE_TESTS_LIB_STORY_H

#include "lab/witness.h"

/* All transitions of the sockets that match; they should be one. */
char *story(const struct witness *w, const struct sighting *socket, char *text,
	    size_t size);

/*
 * What is wrong with the fields that no test expects one by one: seq counts
 * from 0, time never runs back, every event has a port of its own, and one
 * that has left SYN_SENT or a listener has both ends. NULL: nothing is wrong.
 */
const char *story_flaw(const struct witness *w, const struct sighting *socket);

#endif
