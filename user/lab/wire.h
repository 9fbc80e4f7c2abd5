/* SPDX-License-Identifier: GPL-2.0 */
/* The wire: two TUN devices, and a process that takes its time between them. */
#ifndef TCBSCOPE_LAB_WIRE_H
#define TCBSCOPE_LAB_WIRE_H

#include <stdint.h>
#include <sys/types.h>

#include "lab/netns.h"

/*
 * What one side sends arrives at the other after the delay, in order, IPv4 and
 * IPv6. The process ends with the thread that made the wire.
 */
struct wire {
	pid_t pid; /* of the process, or 0 */
};

/*
 * Lay a wire between two namespaces. Of each side the fd, the name of its
 * device and the addresses have to be set; the ifindex is filled in. Returns 0,
 * or -errno with nothing left behind; -ENOENT if this kernel has no TUN.
 */
int wire_create(struct wire *wire, struct netns_pair *pair, uint64_t delay_ns);

/* Ends the process, and with it both devices. */
void wire_destroy(struct wire *wire);

#endif
