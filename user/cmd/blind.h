/* SPDX-License-Identifier: GPL-2.0 */
/* What a snapshot of all sockets cannot see, said by every verb that takes one.
 */
#ifndef TCBSCOPE_CMD_BLIND_H
#define TCBSCOPE_CMD_BLIND_H

#include "input/input.h"

/*
 * A note on standard error, if something is not seen and it is for want of
 * capabilities or of a way in. To be called while the process still has those
 * that it took the snapshot with.
 */
void blind_say(const struct input_blind *blind);

#endif
