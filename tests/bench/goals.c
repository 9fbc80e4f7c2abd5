// SPDX-License-Identifier: GPL-2.0
/* What was to be reached, and whether it was. */
#include "bench.h"

static struct table goals;

void goal(const char *what, const char *limit, const char *measured, bool met)
{
	if (!goals.rows)
		table_row(&goals, "What", "Goal", "Measured", "Reached", NULL);
	table_row(&goals, what, limit, measured, met ? "yes" : "no", NULL);
}

void goals_print(void)
{
	if (goals.rows)
		table_print(&goals);
}
