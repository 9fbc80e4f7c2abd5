/* SPDX-License-Identifier: GPL-2.0 */
/*
 * The other ends of a command's connections, as far as they are on this
 * machine: their changes of state are told as well, also those from before it
 * was known that they are other ends.
 */
#ifndef TCBSCOPE_EVENT_PEERS_H
#define TCBSCOPE_EVENT_PEERS_H

#include "event/flow.h"

#define PEERS_KEPT 1024 /* changes that may turn out to be of a peer */

struct peers;

struct peers *peers_new(void); /* NULL: no memory */
void peers_free(struct peers *peers);

/* Is it a change of state of such an end? */
bool peers_include(const struct event *e, const struct flow *flow);

/* Keeps a copy of a foreign change of state that is of none yet. */
void peers_keep(struct peers *peers, const struct event *e);

/*
 * The next change that was kept of the other end of @flow, which is the
 * command's; NULL: none any more. It is valid until the next call.
 */
struct event *peers_next(struct peers *peers, struct flow *flow);

#endif
