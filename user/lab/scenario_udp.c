// SPDX-License-Identifier: GPL-2.0
/* UDP, for contrast: what a datagram socket has none of. */
#include "lab/scenario.h"

const struct scenario scenarios_udp[] = {
	{},
};
