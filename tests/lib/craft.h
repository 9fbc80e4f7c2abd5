/* SPDX-License-Identifier: GPL-2.0 */
/* Segments that no TCP would send, in the middle of a connection under test. */
#ifndef TCBSCOPE_TESTS_LIB_CRAFT_H
#define TCBSCOPE_TESTS_LIB_CRAFT_H

#include "conn.h"

/*
 * Sends, as if end @from had, a few bytes that begin with the sequence number
 * of its FIN, which the other end has taken already. IPv4. 0 or -errno.
 */
int craft_data_behind_fin(struct conn *c, int from);

/* Until the kernel's jiffies have moved on. */
void craft_next_jiffy(void);

#endif
