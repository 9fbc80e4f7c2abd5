/* SPDX-License-Identifier: GPL-2.0 */
/* What a route makes of the connections that take it. */
#ifndef TCBSCOPE_TESTS_LIB_ROUTE_H
#define TCBSCOPE_TESTS_LIB_ROUTE_H

#include "lab/netns.h"

/*
 * Connections to the other side that @side opens from now on have this least
 * retransmission timeout, longer or shorter than usual. 0 or -errno.
 */
int route_rto_min(const struct netns_pair *pair, int side, int family,
		  unsigned int ms);

#endif
