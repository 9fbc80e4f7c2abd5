// SPDX-License-Identifier: GPL-2.0
/* The neighbour gate: holds all packets of a veth pair until it is opened. */
#include "lab/gate.h"
#include "lib/clock.h"

#include <arpa/inet.h>
#include <errno.h>
#include <linux/neighbour.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <netlink/netlink.h>
#include <netlink/route/neighbour.h>
#include <netlink/route/nexthop.h>
#include <netlink/route/route.h>

#define GATE_STRING(x) GATE_STRING_(x)
#define GATE_STRING_(x) #x

/* The next hops that no host has. */
static const struct {
	int family;
	const char *text;
} gate_hops[2] = {
	{ AF_INET, "10.8.0.9" },
	{ AF_INET6, "fd08::9" },
};

/* The next hop of @family as a libnl address, to be put; NULL: no memory. */
static struct nl_addr *gate_hop(int family)
{
	int i = family == AF_INET6;
	struct nl_addr *addr;

	if (nl_addr_parse(gate_hops[i].text, family, &addr))
		return NULL;
	return addr;
}

/* The address of @side as a route's destination, to be put. */
static struct nl_addr *gate_dst(const struct netns_side *side, int family)
{
	if (family == AF_INET6)
		return nl_addr_build(family, &side->addr6, sizeof(side->addr6));
	return nl_addr_build(family, &side->addr4, sizeof(side->addr4));
}

/*
 * Lead @side's packets of @family to its peer through the gate; no timeout of
 * them is shorter than @rto_min_ms, 0: than the kernel's own least one.
 */
static int gate_route(const struct gate *gate, int side, int family,
		      unsigned int rto_min_ms)
{
	const struct netns_side *from = &gate->pair->side[side];
	struct nl_addr *dst = gate_dst(&gate->pair->side[!side], family);
	struct nl_addr *hop = gate_hop(family);
	struct rtnl_nexthop *nh = rtnl_route_nh_alloc();
	struct rtnl_route *route = rtnl_route_alloc();
	int err = -ENOMEM;

	if (!dst || !hop || !nh || !route)
		goto out;

	rtnl_route_nh_set_ifindex(nh, from->ifindex);
	rtnl_route_nh_set_gateway(nh, hop);
	rtnl_route_nh_set_flags(nh, RTNH_F_ONLINK);
	rtnl_route_add_nexthop(route, nh);
	nh = NULL; /* the route's now */
	if (rto_min_ms) {
		rtnl_route_set_metric(route, RTAX_RTO_MIN, rto_min_ms);
		rtnl_route_set_metric(route, RTAX_LOCK, 1 << RTAX_RTO_MIN);
	}
	err = rtnl_route_set_dst(route, dst);
	if (!err)
		err = rtnl_route_add(gate->sock[side], route,
				     NLM_F_CREATE | NLM_F_REPLACE);
	err = netns_nl_error(err);
out:
	if (nh)
		rtnl_route_nh_free(nh);
	rtnl_route_put(route);
	nl_addr_put(hop);
	nl_addr_put(dst);
	return err;
}

/* How long packets wait for an address: one question a second. */
static int gate_hold(const struct netns_side *side, const char *family)
{
	char path[64];

	snprintf(path, sizeof(path), "net/%s/neigh/%s/mcast_solicit", family,
		 side->ifname);
	return netns_sysctl(side->fd, path, GATE_STRING(GATE_HOLD_SECONDS));
}

/* Set (@open) or delete the neighbour entry of one side and family. */
static int gate_neigh(const struct gate *gate, int side, int family, bool open)
{
	const struct netns_pair *pair = gate->pair;
	struct nl_addr *mac = nl_addr_build(AF_LLC, pair->side[!side].mac, 6);
	struct rtnl_neigh *neigh = rtnl_neigh_alloc();
	struct nl_addr *hop = gate_hop(family);
	int err = -ENOMEM;

	if (!mac || !neigh || !hop)
		goto out;

	rtnl_neigh_set_ifindex(neigh, pair->side[side].ifindex);
	rtnl_neigh_set_dst(neigh, hop);
	if (open) {
		rtnl_neigh_set_lladdr(neigh, mac);
		rtnl_neigh_set_state(neigh, NUD_PERMANENT);
		err = rtnl_neigh_add(gate->sock[side], neigh,
				     NLM_F_CREATE | NLM_F_REPLACE);
	} else {
		err = rtnl_neigh_delete(gate->sock[side], neigh, 0);
	}
	err = netns_nl_error(err);
out:
	nl_addr_put(hop);
	rtnl_neigh_put(neigh);
	nl_addr_put(mac);
	return err;
}

static int gate_init_side(struct gate *gate, int side)
{
	const struct netns_side *s = &gate->pair->side[side];
	int err;

	err = netns_netlink(s->fd, &gate->sock[side]);
	if (!err)
		err = gate_hold(s, "ipv4");
	if (!err)
		err = gate_hold(s, "ipv6");
	if (!err)
		err = gate_route(gate, side, AF_INET, 0);
	if (!err)
		err = gate_route(gate, side, AF_INET6, 0);
	if (err)
		return err;

	/* An earlier gate on the same pair may have been left open. */
	err = gate_neigh(gate, side, AF_INET, false);
	if (!err || err == -ENOENT)
		err = gate_neigh(gate, side, AF_INET6, false);
	return err == -ENOENT ? 0 : err;
}

int gate_rto_min(struct gate *gate, int side, unsigned int ms)
{
	int err = gate_route(gate, side, AF_INET, ms);

	return err ? err : gate_route(gate, side, AF_INET6, ms);
}

int gate_init(struct gate *gate, const struct netns_pair *pair)
{
	int side, err = 0;

	memset(gate, 0, sizeof(*gate));
	gate->pair = pair;
	for (side = 0; side < 2 && !err; side++)
		err = gate_init_side(gate, side);
	if (err)
		gate_exit(gate);
	return err;
}

void gate_exit(struct gate *gate)
{
	int side;

	for (side = 0; side < 2; side++) {
		nl_socket_free(gate->sock[side]);
		gate->sock[side] = NULL;
	}
}

static int gate_set_side(struct gate *gate, int side, bool open)
{
	int err;

	/* Not only to save work: to delete an entry drops what it holds. */
	if (gate->open[side] == open)
		return 0;

	err = gate_neigh(gate, side, AF_INET, open);
	if (!err)
		err = gate_neigh(gate, side, AF_INET6, open);
	if (!err)
		gate->open[side] = open;
	return err;
}

int gate_open_side(struct gate *gate, int side)
{
	return gate_set_side(gate, side, true);
}

int gate_close_side(struct gate *gate, int side)
{
	return gate_set_side(gate, side, false);
}

int gate_open(struct gate *gate)
{
	int err = gate_open_side(gate, 0);

	return err ? err : gate_open_side(gate, 1);
}

int gate_close(struct gate *gate)
{
	int err = gate_close_side(gate, 0);

	return err ? err : gate_close_side(gate, 1);
}

socklen_t gate_endpoints(const struct gate *gate, int family, uint16_t port0,
			 uint16_t port1, struct sockaddr_storage ends[2])
{
	const uint16_t port[2] = { port0, port1 };
	int i;

	for (i = 0; i < 2; i++) {
		const struct netns_side *side = &gate->pair->side[i];
		struct sockaddr_in6 *sin6 = (struct sockaddr_in6 *)&ends[i];
		struct sockaddr_in *sin = (struct sockaddr_in *)&ends[i];

		memset(&ends[i], 0, sizeof(ends[i]));
		ends[i].ss_family = family;
		if (family == AF_INET6) {
			sin6->sin6_addr = side->addr6;
			sin6->sin6_port = htons(port[i]);
		} else {
			sin->sin_addr = side->addr4;
			sin->sin_port = htons(port[i]);
		}
	}

	return family == AF_INET6 ? sizeof(struct sockaddr_in6) :
				    sizeof(struct sockaddr_in);
}

/*
 * Call @look until it returns something else than -EAGAIN, or until
 * @timeout_ns have passed. It is called at least once.
 */
static int gate_wait(int (*look)(void *arg), void *arg, uint64_t timeout_ns)
{
	uint64_t start = clock_now_ns();
	int ret;

	while ((ret = look(arg)) == -EAGAIN) {
		if (clock_now_ns() - start >= timeout_ns)
			return -ETIMEDOUT;
		clock_pause(start);
	}
	return ret;
}

struct gate_held {
	struct nl_sock *sock;
	struct nl_addr *hop;
	int ifindex;
};

static int gate_look_held(void *arg)
{
	const struct gate_held *held = arg;
	struct rtnl_neigh *neigh;
	struct nl_cache *cache;
	int err;

	err = rtnl_neigh_alloc_cache(held->sock, &cache);
	if (err < 0) {
		/* A dump that raced with a change is torn: look again. */
		return err == -NLE_DUMP_INTR ? -EAGAIN : netns_nl_error(err);
	}

	err = -EAGAIN;
	neigh = rtnl_neigh_get(cache, held->ifindex, held->hop);
	if (neigh && rtnl_neigh_get_state(neigh) == NUD_INCOMPLETE)
		err = 0;

	rtnl_neigh_put(neigh);
	nl_cache_free(cache);
	return err;
}

int gate_wait_held(const struct gate *gate, int side, int family,
		   uint64_t timeout_ns)
{
	struct gate_held held = {
		.sock = gate->sock[side],
		.hop = gate_hop(family),
		.ifindex = gate->pair->side[side].ifindex,
	};
	int err;

	if (!held.hop)
		return -ENOMEM;
	err = gate_wait(gate_look_held, &held, timeout_ns);
	nl_addr_put(held.hop);
	return err;
}

struct gate_tcp {
	bool v6;
	FILE *table;	       /* /proc/net/tcp of that namespace */
	char ends[2 * 38 + 1]; /* "LOCAL:PORT REMOTE:PORT " as in there */
	unsigned int states;
};

/* Write an endpoint the way /proc/net/tcp and tcp6 do: words in host order. */
static int gate_proc_endpoint(char *buf, size_t size,
			      const struct sockaddr_storage *ss)
{
	const struct sockaddr_in6 *sin6 = (const struct sockaddr_in6 *)ss;
	const struct sockaddr_in *sin = (const struct sockaddr_in *)ss;
	uint32_t word[4];

	if (ss->ss_family == AF_INET)
		return snprintf(buf, size, "%08X:%04X ", sin->sin_addr.s_addr,
				ntohs(sin->sin_port));
	memcpy(word, &sin6->sin6_addr, sizeof(word));
	return snprintf(buf, size, "%08X%08X%08X%08X:%04X ", word[0], word[1],
			word[2], word[3], ntohs(sin6->sin6_port));
}

static int gate_open_table(void *arg)
{
	struct gate_tcp *tcp = arg;

	/* Not /proc/net: that is the namespace of the process's leader. */
	tcp->table = fopen(tcp->v6 ? "/proc/thread-self/net/tcp6" :
				     "/proc/thread-self/net/tcp",
			   "re");
	return tcp->table ? 0 : -errno;
}

static int gate_look_tcp(void *arg)
{
	struct gate_tcp *tcp = arg;
	char line[256];

	/* The file keeps the namespace in which it was opened. */
	rewind(tcp->table);
	while (fgets(line, sizeof(line), tcp->table)) {
		const char *at = strstr(line, tcp->ends);
		unsigned long state;

		if (!at)
			continue;
		state = strtoul(at + strlen(tcp->ends), NULL, 16);
		if (state < 32 && tcp->states & GATE_STATE(state))
			return state;
	}
	return ferror(tcp->table) ? -EIO : -EAGAIN;
}

int gate_wait_tcp(const struct gate *gate, int side,
		  const struct sockaddr_storage *local,
		  const struct sockaddr_storage *remote, unsigned int states,
		  uint64_t timeout_ns)
{
	struct gate_tcp tcp = {
		.v6 = local->ss_family == AF_INET6,
		.states = states,
	};
	int len, ret;

	if (local->ss_family != remote->ss_family)
		return -EAFNOSUPPORT;
	len = gate_proc_endpoint(tcp.ends, sizeof(tcp.ends), local);
	gate_proc_endpoint(tcp.ends + len, sizeof(tcp.ends) - len, remote);

	ret = netns_call(gate->pair->side[side].fd, gate_open_table, &tcp);
	if (ret)
		return ret;
	ret = gate_wait(gate_look_tcp, &tcp, timeout_ns);
	fclose(tcp.table);
	return ret;
}
