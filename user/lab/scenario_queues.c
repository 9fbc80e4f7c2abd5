// SPDX-License-Identifier: GPL-2.0
/* Queues: the SYN queue and the accept queue of a listener. */
#include "lab/scenario.h"

const struct scenario scenarios_queues[] = {
	{},
};
