/* SPDX-License-Identifier: GPL-2.0 */
/* Segments that no TCP would send, in the middle of a connection under test. */
#ifndef TCBSCOPE_TESTS_LIB_CRAFT_H
#define TCBSCOPE_TESTS_LIB_CRAFT_H

#include "conn.h"

#define CRAFT_BYTES 4000 /* options and data, at most */

struct craft {
	int32_t ahead;	       /* where it begins, beyond what comes next */
	const uint8_t *option; /* bytes of options, ... */
	size_t options;	       /* ... so many, a multiple of 4 */
	size_t len;	       /* bytes of data */
	int lie;	       /* words by which doff is wrong */
	bool ce;	       /* with the mark of congestion of ECN */
};

/* Sends it as if end @from had, with an ACK. IPv4. 0 or -errno. */
int craft_send(struct conn *c, int from, const struct craft *craft);

/*
 * Sends, as if end @from had, a few bytes that begin with the sequence number
 * of its FIN, which the other end has taken already. IPv4. 0 or -errno.
 */
int craft_data_behind_fin(struct conn *c, int from);

/* Until the kernel's jiffies have moved on. */
void craft_next_jiffy(void);

#endif
