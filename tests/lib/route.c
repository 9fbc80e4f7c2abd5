// SPDX-License-Identifier: GPL-2.0
/* Over netlink, inside the namespace that the route is in. */
#include "route.h"

#include <errno.h>
#include <linux/rtnetlink.h>
#include <stdbool.h>

#include <netlink/netlink.h>
#include <netlink/route/route.h>

/* The route to the other side, given another least timeout. */
static int change_route(struct nl_sock *sock, struct nl_addr *to,
			unsigned int ms)
{
	struct nl_cache *cache;
	struct nl_object *o;
	int err = rtnl_route_alloc_cache(sock, nl_addr_get_family(to), 0,
					 &cache);
	bool found = false;

	if (err)
		return netns_nl_error(err);
	for (o = nl_cache_get_first(cache); o && !err;
	     o = nl_cache_get_next(o)) {
		struct rtnl_route *route = (struct rtnl_route *)o;

		if (nl_addr_cmp(rtnl_route_get_dst(route), to) ||
		    rtnl_route_get_table(route) != RT_TABLE_MAIN)
			continue;
		found = true;
		rtnl_route_set_metric(route, RTAX_RTO_MIN, ms);
		rtnl_route_set_metric(route, RTAX_LOCK, 1 << RTAX_RTO_MIN);
		err = rtnl_route_add(sock, route, NLM_F_CREATE | NLM_F_REPLACE);
	}
	nl_cache_free(cache);
	return err ? netns_nl_error(err) : found ? 0 : -ENOENT;
}

int route_rto_min(const struct netns_pair *pair, int side, int family,
		  unsigned int ms)
{
	const struct netns_side *peer = &pair->side[!side];
	struct nl_addr *to = family == AF_INET6 ?
				     nl_addr_build(AF_INET6, &peer->addr6, 16) :
				     nl_addr_build(AF_INET, &peer->addr4, 4);
	struct nl_sock *sock;
	int err = netns_netlink(pair->side[side].fd, &sock);

	if (!err) {
		err = to ? change_route(sock, to, ms) : -ENOMEM;
		nl_socket_free(sock);
	}
	nl_addr_put(to);
	return err;
}
