// SPDX-License-Identifier: GPL-2.0
/* Resets: connections that end without being closed. */
#include "lab/scenario.h"

const struct scenario scenarios_reset[] = {
	{},
};
