// SPDX-License-Identifier: GPL-2.0
/* The groups of scenarios, and how to find one. */
#include "lab/scenario.h"

#include <stddef.h>
#include <string.h>

const struct scenario_group scenario_groups[] = {
	{ "sockets", "Sockets and control blocks", scenarios_sockets },
	{ "open", "Opening a connection", scenarios_open },
	{ "peers", "Two peers, no listener", scenarios_peers },
	{ "queues", "The two queues of a listener", scenarios_queues },
	{ "flood", "SYN floods, and cookies", scenarios_flood },
	{ "epoll", "Servers that wait with epoll", scenarios_epoll },
	{ "data", "Data and windows", scenarios_data },
	{ "loss", "Loss, and how it is repaired", scenarios_loss },
	{ "cwnd", "The congestion window", scenarios_cwnd },
	{ "close", "Closing a connection", scenarios_close },
	{ "shutdown", "Half of a connection", scenarios_shutdown },
	{ "after", "What is left of a connection", scenarios_after },
	{ "reset", "Resets, and peers that are gone", scenarios_reset },
	{ "nat", "Through NATs", scenarios_nat },
	{ "scale", "Many connections", scenarios_scale },
	{ "udp", "For contrast: UDP", scenarios_udp },
	{}
};

const struct scenario *scenario_find(const char *name)
{
	const struct scenario_group *g;
	const struct scenario *s;

	for (g = scenario_groups; g->name; g++)
		for (s = g->scenarios; s->name; s++)
			if (!strcmp(s->name, name))
				return s;
	return NULL;
}

const struct scenario_group *scenario_group_find(const char *name)
{
	const struct scenario_group *g;

	for (g = scenario_groups; g->name; g++)
		if (!strcmp(g->name, name))
			return g;
	return NULL;
}
