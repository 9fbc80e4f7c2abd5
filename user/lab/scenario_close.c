// SPDX-License-Identifier: GPL-2.0
/* Close: who sends which FIN, and what is left of a connection. */
#include "lab/scenario.h"

const struct scenario scenarios_close[] = {
	{},
};
