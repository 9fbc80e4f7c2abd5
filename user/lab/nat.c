// SPDX-License-Identifier: GPL-2.0
/* Two hosts, each behind a NAT, and a third host that both can reach. */
#include "lab/nat.h"
#include "lab/netns.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include <netlink/netlink.h>
#include <netlink/route/nexthop.h>
#include <netlink/route/route.h>

/* One end of a link. Indices differ, as netns_pair_create() says why. */
static void nat_side(struct netns_side *side, int fd, const char *name,
		     int index, const char *addr)
{
	struct in_addr in;

	memset(side, 0, sizeof(*side));
	side->fd = fd;
	side->ifindex = index;
	snprintf(side->ifname, sizeof(side->ifname), "%s", name);
	memcpy(side->mac, (uint8_t[]){ 2, 0, 0, 0, 1, index }, 6);
	inet_pton(AF_INET, addr, &in);
	side->addr4 = in;
	/* Each link has a prefix of its own, with no way beyond it. */
	side->addr6.s6_addr[0] = 0xfd;
	memcpy(&side->addr6.s6_addr[1], &in, 3);
	side->addr6.s6_addr[15] = ntohl(in.s_addr);
}

/* To @dst, a prefix, by @gateway. */
static int nat_route(int fd, int ifindex, const char *dst, const char *gateway)
{
	struct rtnl_nexthop *nh = rtnl_route_nh_alloc();
	struct rtnl_route *route = rtnl_route_alloc();
	struct nl_addr *to = NULL, *via = NULL;
	struct nl_sock *sock = NULL;
	int err = -ENOMEM;

	if (nh && route && !nl_addr_parse(dst, AF_UNSPEC, &to) &&
	    !nl_addr_parse(gateway, AF_UNSPEC, &via))
		err = netns_netlink(fd, &sock);
	if (!err) {
		rtnl_route_nh_set_ifindex(nh, ifindex);
		rtnl_route_nh_set_gateway(nh, via);
		rtnl_route_add_nexthop(route, nh);
		nh = NULL; /* the route's now */
		err = rtnl_route_set_dst(route, to);
		if (!err)
			err = rtnl_route_add(sock, route, NLM_F_CREATE);
		err = netns_nl_error(err);
	}
	if (nh)
		rtnl_route_nh_free(nh);
	rtnl_route_put(route);
	nl_addr_put(to);
	nl_addr_put(via);
	nl_socket_free(sock);
	return err;
}

/* All else goes there. */
static int nat_default(int fd, int ifindex, const char *gateway,
		       const char *gateway6)
{
	int err = nat_route(fd, ifindex, "0.0.0.0/0", gateway);

	return err ?: nat_route(fd, ifindex, "::/0", gateway6);
}

static int nat_link(int fd0, const char *name0, const char *addr0, int fd1,
		    const char *name1, const char *addr1, int index)
{
	struct netns_pair pair;

	nat_side(&pair.side[0], fd0, name0, index, addr0);
	nat_side(&pair.side[1], fd1, name1, index + 1, addr1);
	return netns_join(&pair);
}

/* NAT 0 and the middle, by a wire or without. *@index is the NAT's. */
static int nat_far_link(struct nat_lab *lab, const struct wire_config *wire,
			int *index)
{
	struct netns_pair pair;
	int err;

	nat_side(&pair.side[0], lab->nat[0], "out", 20, "203.0.113.2");
	nat_side(&pair.side[1], lab->middle, "a", 21, "203.0.113.1");
	err = wire ? wire_create(&lab->wire, &pair, wire) : netns_join(&pair);
	*index = pair.side[0].ifindex;
	lab->near = pair.side[1].ifindex;
	return err;
}

static int nat_links(struct nat_lab *lab, const struct wire_config *wire)
{
	int err, far;

	err = nat_link(lab->host[0], "out", NAT_HOST0, lab->nat[0], "in",
		       "10.1.0.1", 10);
	if (!err)
		err = nat_far_link(lab, wire, &far);
	if (!err)
		err = nat_link(lab->nat[1], "out", "203.0.114.2", lab->middle,
			       "b", "203.0.114.1", 30);
	if (!err)
		err = nat_link(lab->host[1], "out", NAT_HOST1, lab->nat[1],
			       "in", "10.2.0.1", 40);
	if (!err)
		err = nat_default(lab->host[0], 10, "10.1.0.1", "fd0a:100::1");
	if (!err)
		err = nat_default(lab->nat[0], far, "203.0.113.1",
				  "fdcb:71::1");
	if (!err)
		err = nat_default(lab->nat[1], 30, "203.0.114.1", "fdcb:72::1");
	if (!err)
		err = nat_default(lab->host[1], 40, "10.2.0.1", "fd0a:200::1");
	return err;
}

/*
 * A router solicits its neighbours from its link-local address, and so not
 * before that was found to be nobody else's, which takes a second or two.
 */
static int nat_forward(int fd)
{
	int err = netns_sysctl(fd, "net/ipv4/ip_forward", "1");

	if (!err)
		err = netns_sysctl(fd, "net/ipv6/conf/default/accept_dad", "0");
	return err ?: netns_sysctl(fd, "net/ipv6/conf/all/forwarding", "1");
}

/* Five namespaces, of which the first two may be given. */
static int nat_spaces(struct nat_lab *lab, const int host[2])
{
	int *const all[] = { &lab->host[0], &lab->host[1], &lab->nat[0],
			     &lab->nat[1], &lab->middle };
	int i, err = 0;

	for (i = 0; i < 5; i++)
		*all[i] = -1;
	for (i = 0; i < 5 && err >= 0; i++) {
		if (host && i < 2)
			*all[i] = fcntl(host[i], F_DUPFD_CLOEXEC, 3);
		else
			*all[i] = netns_create();
		err = *all[i];
	}
	for (i = 2; i < 5 && err >= 0; i++)
		err = nat_forward(*all[i]);
	return err < 0 ? err : 0;
}

int nat_create(struct nat_lab *lab, const int host[2],
	       const struct wire_config *wire)
{
	int err;

	lab->wire = NULL;
	err = nat_spaces(lab, host);
	if (!err)
		err = nat_links(lab, wire);
	if (err)
		nat_destroy(lab);
	return err;
}

void nat_destroy(struct nat_lab *lab)
{
	int *const all[] = { &lab->host[0], &lab->host[1], &lab->nat[0],
			     &lab->nat[1], &lab->middle };
	int i;

	wire_destroy(lab->wire);
	lab->wire = NULL;
	for (i = 0; i < 5; i++) {
		if (*all[i] >= 0)
			close(*all[i]);
		*all[i] = -1;
	}
}

/* The rules, as nft takes them. */
static int nat_rules(char *text, size_t size, struct nat_kind kind)
{
	static const char *const mapping[] = {
		[NAT_PRESERVING] = "",
		[NAT_REMAPPING] = "to :tcp sport ^ 4096",
		[NAT_RANDOM] = "random",
		[NAT_FULLY_RANDOM] = "fully-random",
	};
	bool reset = kind.filter == NAT_RESET ||
		     kind.filter == NAT_CLOSED_RESET;
	bool open = kind.filter == NAT_RESET || kind.filter == NAT_DROP;
	const char *beyond = "";

	if (kind.filter == NAT_NO_WAY)
		beyond = "reject with icmpx no-route";
	else if (kind.spoiled)
		beyond = "tcp flags & (syn | ack) == syn "
			 "add @first { tcp sport }\n"
			 "  tcp sport @first drop";
	return snprintf(
		text, size,
		"table inet lab {\n"
		" set first { type inet_service; size 1; flags dynamic; }\n"
		" chain post { type nat hook postrouting priority 100;\n"
		"  oifname \"out\" %s meta l4proto tcp masquerade %s\n }\n"
		" chain before { type filter hook prerouting priority -300;\n"
		"  iifname \"out\" tcp flags & (syn | ack) == syn %s\n }\n"
		" chain early { %s\n }\n"
		" chain beyond { %s\n }\n"
		" chain through { type filter hook forward priority 0;\n"
		"  iifname \"out\" tcp flags & (syn | ack) == syn %s "
		"jump early\n"
		"  iifname \"in\" ip daddr != " NAT_RENDEZVOUS
		" jump beyond\n }\n"
		" chain in { type filter hook input priority 0;\n"
		"  tcp dport %u accept\n"
		"  iifname \"out\" tcp flags & (syn | ack) == syn "
		"jump early\n }\n"
		"}\n",
		kind.route6 ? "meta nfproto ipv4" : "", mapping[kind.mapping],
		kind.filter == NAT_CLOSED_DROP ? "drop" : "accept",
		reset ? "reject with tcp reset" : "drop", beyond,
		open ? "ct state new" : "", kind.serves);
}

/* The way from the middle to the inside of a NAT that leaves IPv6 alone. */
static int nat_inside6(const struct nat_lab *lab, int which)
{
	if (which)
		return nat_route(lab->middle, 31, "fd0a:200::/64",
				 "fdcb:72::2");
	return nat_route(lab->middle, lab->near, "fd0a:100::/64", "fdcb:71::2");
}

static int nat_nft(int fd, const char *text, int len)
{
	char *argv[] = { NAT_NFT, "-f", "/dev/stdin", NULL };
	int pipefd[2], stdio[3], status = 0;
	ssize_t n;
	pid_t pid;

	if (access(NAT_NFT, X_OK))
		return -errno;
	if (pipe2(pipefd, O_CLOEXEC))
		return -errno;
	stdio[0] = pipefd[0];
	stdio[1] = stdio[2] = -1;
	pid = netns_spawn(fd, argv, stdio);
	close(pipefd[0]);
	n = pid > 0 ? write(pipefd[1], text, len) : len;
	close(pipefd[1]);
	if (pid < 0)
		return pid;
	if (waitpid(pid, &status, 0) != pid)
		return -errno;
	return n != len || status ? -EOPNOTSUPP : 0;
}

int nat_set(const struct nat_lab *lab, int which, struct nat_kind kind)
{
	char text[2048];
	int len = nat_rules(text, sizeof(text), kind);
	int err = nat_nft(lab->nat[which], text, len);

	return err || !kind.route6 ? err : nat_inside6(lab, which);
}
