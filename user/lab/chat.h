/* SPDX-License-Identifier: GPL-2.0 */
/* A chat: two persons at two ends, who talk by what tcbpeer is made of. */
#ifndef TCBSCOPE_LAB_CHAT_H
#define TCBSCOPE_LAB_CHAT_H

#include "lab/end.h"

#define CHAT_PORT 8000 /* at both ends */

/*
 * For end_do(): opens a connection to the other end by the open engine
 * (peer/peer.h), and talks over it as "tcbpeer --raw" does (peer/duplex.h),
 * with a person who reads and types: who is @first begins, each line is an
 * answer to one, "quit" is the last. 0 or -errno.
 */
int chat(struct end *me, int first);

/* What was read is a fact; each line is said beside what TCP did then. */
void chat_tell(struct stage *s);

#endif
