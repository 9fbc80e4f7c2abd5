/* SPDX-License-Identifier: GPL-2.0 */
/* A TUN device: the end of the wire that is a network interface. */
#ifndef TCBSCOPE_LAB_TUN_H
#define TCBSCOPE_LAB_TUN_H

#include "lab/netns.h"

/*
 * A new one in the side's namespace, of its name, without offloads; the side's
 * ifindex is filled in. The fd, which does not block, or -errno; -ENOENT if
 * this kernel has no TUN.
 */
int tun_create(struct netns_side *side, unsigned int mtu);

#endif
