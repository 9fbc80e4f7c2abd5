// SPDX-License-Identifier: GPL-2.0
/* Data: what writes become, and who may send how much. */
#include "lab/scenario.h"

const struct scenario scenarios_data[] = {
	{},
};
