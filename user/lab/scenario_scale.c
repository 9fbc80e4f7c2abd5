// SPDX-License-Identifier: GPL-2.0
/* Scale: more connections than there are ports. */
#include "lab/scenario.h"

const struct scenario scenarios_scale[] = {
	{},
};
