// SPDX-License-Identifier: GPL-2.0
/* Loss: what is lost, how it is noticed, and what it costs. */
#include "lab/scenario.h"

const struct scenario scenarios_loss[] = {
	{},
};
