/* SPDX-License-Identifier: GPL-2.0 */
/* Network namespaces of our own, and two of them joined by a veth pair. */
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/if_addr.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <netlink/netlink.h>
#include <netlink/route/addr.h>
#include <netlink/route/link.h>
#include <netlink/route/link/veth.h>
#include <netlink/route/route.h>

#include "lab/netns.h"
#include "lib/clock.h"

/* Only behind <net/if.h>, of which it then leaves out its own copy. */
#include <linux/if.h>

#define NETNS_SELF "/proc/thread-self/ns/net"
#define NETNS_UP_NS (5 * NSEC_PER_SEC) /* for a link to come up */

int netns_nl_error(int err)
{
	static const struct {
		int nl, sys;
	} map[] = {
		{ NLE_PERM, EPERM },
		{ NLE_NOACCESS, EACCES },
		{ NLE_EXIST, EEXIST },
		{ NLE_NODEV, ENODEV },
		{ NLE_OBJ_NOTFOUND, ENOENT },
		{ NLE_NOADDR, EADDRNOTAVAIL },
		{ NLE_NOMEM, ENOMEM },
		{ NLE_BUSY, EBUSY },
		{ NLE_INVAL, EINVAL },
		{ NLE_RANGE, ERANGE },
		{ NLE_AGAIN, EAGAIN },
		{ NLE_OPNOTSUPP, EOPNOTSUPP },
		{ NLE_AF_NOSUPPORT, EAFNOSUPPORT },
		{ NLE_PROTO_MISMATCH, EPROTONOSUPPORT },
	};
	size_t i;

	if (err >= 0)
		return err;
	for (i = 0; i < sizeof(map) / sizeof(map[0]); i++) {
		if (map[i].nl == -err)
			return -map[i].sys;
	}
	return -EIO;
}

int netns_enter(int fd)
{
	return setns(fd, CLONE_NEWNET) ? -errno : 0;
}

int netns_inode(int fd, uint64_t *inode)
{
	struct stat st;

	if (fstat(fd, &st))
		return -errno;
	*inode = st.st_ino;
	return 0;
}

static int netns_open_self(void)
{
	int fd = open(NETNS_SELF, O_RDONLY | O_CLOEXEC);

	return fd < 0 ? -errno : fd;
}

/* Go back to @home and close it. */
static void netns_return(int home)
{
	if (netns_enter(home))
		abort();
	close(home);
}

int netns_call(int fd, int (*fn)(void *arg), void *arg)
{
	int home, ret;

	home = netns_open_self();
	if (home < 0)
		return home;

	ret = netns_enter(fd);
	if (ret) {
		close(home);
		return ret;
	}
	ret = fn(arg);
	netns_return(home);
	return ret;
}

static int netns_link_up(struct nl_sock *sock, int ifindex)
{
	struct rtnl_link *link = rtnl_link_alloc();
	struct rtnl_link *up = rtnl_link_alloc();
	int err = -ENOMEM;

	if (link && up) {
		rtnl_link_set_ifindex(link, ifindex);
		rtnl_link_set_flags(up, IFF_UP);
		err = netns_nl_error(rtnl_link_change(sock, link, up, 0));
	}

	rtnl_link_put(up);
	rtnl_link_put(link);
	return err;
}

/* The index of the link @name inside the namespace of @sock, or -errno. */
static int netns_link_index(struct nl_sock *sock, const char *name)
{
	struct rtnl_link *link;
	int err;

	err = netns_nl_error(rtnl_link_get_kernel(sock, 0, name, &link));
	if (err < 0)
		return err;

	err = rtnl_link_get_ifindex(link);
	rtnl_link_put(link);
	return err;
}

int netns_create(void)
{
	struct nl_sock *sock;
	int home, fd, err;

	home = netns_open_self();
	if (home < 0)
		return home;
	if (unshare(CLONE_NEWNET)) {
		err = -errno;
		close(home);
		return err;
	}
	fd = netns_open_self();
	netns_return(home);
	if (fd < 0)
		return fd;

	err = netns_netlink(fd, &sock);
	if (!err) {
		err = netns_link_index(sock, "lo");
		if (err > 0)
			err = netns_link_up(sock, err);
		nl_socket_free(sock);
	}
	if (err < 0) {
		close(fd);
		return err;
	}
	return fd;
}

static int netns_netlink_connect(void *arg)
{
	return netns_nl_error(nl_connect(arg, NETLINK_ROUTE));
}

int netns_netlink(int fd, struct nl_sock **sock)
{
	int err;

	*sock = nl_socket_alloc();
	if (!*sock)
		return -ENOMEM;

	err = netns_call(fd, netns_netlink_connect, *sock);
	if (err) {
		nl_socket_free(*sock);
		*sock = NULL;
	}
	return err;
}

static int netns_set_mac(struct rtnl_link *link, const uint8_t mac[6])
{
	struct nl_addr *addr = nl_addr_build(AF_LLC, mac, 6);

	if (!addr)
		return -ENOMEM;
	rtnl_link_set_addr(link, addr); /* takes a reference of its own */
	nl_addr_put(addr);
	return 0;
}

/* Make the veth pair, each end where it belongs. */
static int netns_add_veth(const struct netns_pair *pair, struct nl_sock *sock)
{
	const struct netns_side *a = &pair->side[0], *b = &pair->side[1];
	struct rtnl_link *link, *peer;
	int err;

	link = rtnl_link_veth_alloc();
	if (!link)
		return -ENOMEM;
	peer = rtnl_link_veth_get_peer(link);

	rtnl_link_set_name(link, a->ifname);
	rtnl_link_set_name(peer, b->ifname);
	rtnl_link_set_ifindex(link, a->ifindex);
	rtnl_link_set_ifindex(peer, b->ifindex);
	rtnl_link_set_ns_fd(peer, b->fd);
	err = netns_set_mac(link, a->mac);
	if (!err)
		err = netns_set_mac(peer, b->mac);
	if (!err)
		err = netns_nl_error(
			rtnl_link_add(sock, link, NLM_F_CREATE | NLM_F_EXCL));

	rtnl_link_put(peer);
	rtnl_link_put(link);
	return err;
}

static int netns_add_addr(struct nl_sock *sock, int ifindex, int family,
			  const void *bytes, size_t len, int prefix)
{
	struct rtnl_addr *addr = rtnl_addr_alloc();
	struct nl_addr *local = nl_addr_build(family, bytes, len);
	int err = -ENOMEM;

	if (addr && local) {
		nl_addr_set_prefixlen(local, prefix);
		rtnl_addr_set_ifindex(addr, ifindex);
		if (family == AF_INET6)
			rtnl_addr_set_flags(addr, IFA_F_NODAD);
		err = rtnl_addr_set_local(addr, local);
		if (!err)
			err = rtnl_addr_add(sock, addr, 0);
		err = netns_nl_error(err);
	}

	nl_addr_put(local);
	rtnl_addr_put(addr);
	return err;
}

static int netns_setup_side(const struct netns_side *side, struct nl_sock *sock)
{
	int err;

	err = netns_add_addr(sock, side->ifindex, AF_INET, &side->addr4,
			     sizeof(side->addr4), 24);
	if (!err)
		err = netns_add_addr(sock, side->ifindex, AF_INET6,
				     &side->addr6, sizeof(side->addr6), 64);
	if (!err)
		err = netns_link_up(sock, side->ifindex);
	return err;
}

/*
 * Does the kernel send through the link? Setting it up starts that in the
 * background; till then its queueing discipline drops every packet.
 */
static int netns_look_link(const struct netns_side *side, struct nl_sock *sock)
{
	struct rtnl_link *link;
	int err, state;

	err = netns_nl_error(
		rtnl_link_get_kernel(sock, side->ifindex, NULL, &link));
	if (err < 0)
		return err;
	state = rtnl_link_get_operstate(link);
	rtnl_link_put(link);
	return state == IF_OPER_UP ? 0 : -EAGAIN;
}

/*
 * Does it receive for the IPv6 address? The route that makes the address a
 * local one comes from a work item, duplicate address detection or not.
 */
static int netns_look_addr6(const struct netns_side *side, struct nl_sock *sock)
{
	struct rtnl_route *route;
	struct nl_addr *addr;
	int err, type;

	addr = nl_addr_build(AF_INET6, &side->addr6, sizeof(side->addr6));
	if (!addr)
		return -ENOMEM;
	err = netns_nl_error(rtnl_route_lookup(sock, addr, &route));
	nl_addr_put(addr);
	if (err < 0)
		return err;
	type = rtnl_route_get_type(route);
	rtnl_route_put(route);
	return type == RTN_LOCAL ? 0 : -EAGAIN;
}

/* Wait until it looks right, for NETNS_UP_NS at most. */
static int netns_wait(const struct netns_side *side, struct nl_sock *sock,
		      int (*look)(const struct netns_side *, struct nl_sock *))
{
	uint64_t start = clock_now_ns();
	int err;

	while ((err = look(side, sock)) == -EAGAIN) {
		if (clock_now_ns() - start > NETNS_UP_NS)
			return -ETIMEDOUT;
		clock_pause(start);
	}
	return err;
}

int netns_setup(const struct netns_side *side)
{
	struct nl_sock *sock;
	int err;

	err = netns_netlink(side->fd, &sock);
	if (!err)
		err = netns_setup_side(side, sock);
	if (!err)
		err = netns_wait(side, sock, netns_look_addr6);
	nl_socket_free(sock);
	return err;
}

int netns_join(const struct netns_pair *pair)
{
	struct nl_sock *sock[2] = {};
	int i, err = 0;

	for (i = 0; i < 2 && !err; i++)
		err = netns_netlink(pair->side[i].fd, &sock[i]);
	if (!err)
		err = netns_add_veth(pair, sock[0]);
	for (i = 0; i < 2 && !err; i++)
		err = netns_setup_side(&pair->side[i], sock[i]);
	for (i = 0; i < 2 && !err; i++)
		err = netns_wait(&pair->side[i], sock[i], netns_look_link);
	for (i = 0; i < 2 && !err; i++)
		err = netns_wait(&pair->side[i], sock[i], netns_look_addr6);
	for (i = 0; i < 2; i++)
		nl_socket_free(sock[i]);
	return err;
}

int netns_pair_create_apart(struct netns_pair *pair)
{
	/*
	 * Two indices, although the namespaces are two: with the same one the
	 * kernel takes no end for a stacked device, and may let it wait for a
	 * second before it comes up.
	 */
	static const struct netns_side sides[2] = {
		{ .fd = -1,
		  .ifindex = 10,
		  .ifname = "va",
		  .mac = { 2, 0, 0, 0, 0, 0xa } },
		{ .fd = -1,
		  .ifindex = 11,
		  .ifname = "vb",
		  .mac = { 2, 0, 0, 0, 0, 0xb } },
	};
	int i, err;

	for (i = 0; i < 2; i++)
		pair->side[i] = sides[i];
	inet_pton(AF_INET, "10.8.0.1", &pair->side[0].addr4);
	inet_pton(AF_INET, "10.8.0.2", &pair->side[1].addr4);
	inet_pton(AF_INET6, "fd08::1", &pair->side[0].addr6);
	inet_pton(AF_INET6, "fd08::2", &pair->side[1].addr6);

	for (i = 0; i < 2; i++) {
		struct netns_side *side = &pair->side[i];

		err = side->fd = netns_create();
		if (err >= 0)
			err = netns_inode(side->fd, &side->inode);
		if (err < 0) {
			netns_pair_destroy(pair);
			return err;
		}
	}
	return 0;
}

int netns_pair_create(struct netns_pair *pair)
{
	int err = netns_pair_create_apart(pair);

	if (err)
		return err;
	err = netns_join(pair);
	if (err)
		netns_pair_destroy(pair);
	return err;
}

void netns_pair_destroy(struct netns_pair *pair)
{
	int i;

	for (i = 0; i < 2; i++) {
		if (pair->side[i].fd >= 0)
			close(pair->side[i].fd);
		pair->side[i].fd = -1;
	}
}

/* The child of netns_spawn(): no way back from here. */
static void __attribute__((noreturn))
netns_exec(int fd, char *const argv[], const int stdio[3], pid_t parent)
{
	int copy[3], i;

	if (prctl(PR_SET_PDEATHSIG, SIGKILL) || getppid() != parent)
		_exit(127);
	if (netns_enter(fd))
		_exit(127);

	/* Copies above 2 first, for stdio[1] may be 0. */
	for (i = 0; i < 3; i++) {
		copy[i] = fcntl(stdio[i] < 0 ? i : stdio[i], F_DUPFD_CLOEXEC,
				3);
		if (copy[i] < 0 && stdio[i] >= 0)
			_exit(127);
	}
	for (i = 0; i < 3; i++) {
		if (copy[i] >= 0 && dup2(copy[i], i) < 0)
			_exit(127);
	}

	execv(argv[0], argv);
	_exit(127);
}

pid_t netns_spawn(int fd, char *const argv[], const int stdio[3])
{
	pid_t parent = getpid(), pid = fork();

	if (pid < 0)
		return -errno;
	if (!pid)
		netns_exec(fd, argv, stdio, parent);
	return pid;
}

/* A route to one host, on a link. Takes @dst, which may be NULL. */
static int netns_add_host(struct nl_sock *sock, struct nl_addr *dst,
			  int ifindex, unsigned int ms)
{
	struct rtnl_nexthop *nh = rtnl_route_nh_alloc();
	struct rtnl_route *route = rtnl_route_alloc();
	int err = -ENOMEM;

	if (nh && route && dst) {
		rtnl_route_nh_set_ifindex(nh, ifindex);
		rtnl_route_add_nexthop(route, nh);
		nh = NULL; /* the route's now */
		rtnl_route_set_scope(route, RT_SCOPE_LINK);
		rtnl_route_set_dst(route, dst);
		rtnl_route_set_metric(route, RTAX_RTO_MIN, ms);
		rtnl_route_set_metric(route, RTAX_LOCK, 1 << RTAX_RTO_MIN);
		err = netns_nl_error(
			rtnl_route_add(sock, route,
				       NLM_F_CREATE | NLM_F_REPLACE));
	}
	if (nh)
		rtnl_route_nh_free(nh);
	rtnl_route_put(route);
	nl_addr_put(dst);
	return err;
}

int netns_rto_min(const struct netns_side *side, const struct netns_side *peer,
		  unsigned int ms)
{
	struct nl_sock *sock;
	int err = netns_netlink(side->fd, &sock);

	if (err)
		return err;
	err = netns_add_host(sock, nl_addr_build(AF_INET, &peer->addr4, 4),
			     side->ifindex, ms);
	if (!err)
		err = netns_add_host(sock,
				     nl_addr_build(AF_INET6, &peer->addr6, 16),
				     side->ifindex, ms);
	nl_socket_free(sock);
	return err;
}

struct netns_sysctl {
	const char *path, *value;
};

static int netns_write_sysctl(void *arg)
{
	const struct netns_sysctl *sysctl = arg;
	size_t len = strlen(sysctl->value);
	char path[256];
	ssize_t n;
	int fd, err = 0;

	n = snprintf(path, sizeof(path), "/proc/sys/%s", sysctl->path);
	if (n < 0 || (size_t)n >= sizeof(path))
		return -ENAMETOOLONG;

	fd = open(path, O_WRONLY | O_CLOEXEC);
	if (fd < 0)
		return -errno;
	n = write(fd, sysctl->value, len);
	if (n < 0)
		err = -errno;
	else if ((size_t)n != len)
		err = -EIO;
	close(fd);
	return err;
}

int netns_sysctl(int fd, const char *path, const char *value)
{
	struct netns_sysctl sysctl = { .path = path, .value = value };

	/* Anything else would not be the namespace's but the host's. */
	if (strncmp(path, "net/", 4) || strstr(path, ".."))
		return -EINVAL;
	return netns_call(fd, netns_write_sysctl, &sysctl);
}
