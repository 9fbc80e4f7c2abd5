/* SPDX-License-Identifier: GPL-2.0 */
/* Network namespaces of our own, and two of them joined by a veth pair. */
#ifndef TCBSCOPE_LAB_NETNS_H
#define TCBSCOPE_LAB_NETNS_H

#include <net/if.h>
#include <netinet/in.h>
#include <stdint.h>
#include <sys/types.h>

/*
 *	  side[0]                          side[1]
 *	+---------------------+          +---------------------+
 *	| lo   127.0.0.1, ::1 |          | lo   127.0.0.1, ::1 |
 *	| va   10.8.0.1/24    |==========| vb   10.8.0.2/24    |
 *	|      fd08::1/64     |          |      fd08::2/64     |
 *	+---------------------+          +---------------------+
 *
 * The namespaces have no name and no route to anywhere else. They live as long
 * as their fd or a process inside, and take the veth pair with them.
 *
 * Entering a namespace is per thread. Everything here needs CAP_SYS_ADMIN and
 * CAP_NET_ADMIN, and gives -EPERM without.
 */

struct nl_sock;

struct netns_side {
	int fd;		/* of the namespace, close-on-exec */
	uint64_t inode; /* its number, as in /proc/PID/ns/net */
	int ifindex;	/* of its end of the pair, inside */
	char ifname[IF_NAMESIZE];
	uint8_t mac[6];
	struct in_addr addr4;
	struct in6_addr addr6;
};

struct netns_pair {
	struct netns_side side[2];
};

/*
 * Create both namespaces and the pair, addresses (no duplicate address
 * detection) and links up, and wait until they let packets through. Returns 0,
 * or -errno with nothing left behind; -ETIMEDOUT if the links stay down. The
 * fds are the caller's until netns_pair_destroy().
 */
int netns_pair_create(struct netns_pair *pair);

/* The same without the pair of devices, for something else to join them. */
int netns_pair_create_apart(struct netns_pair *pair);

/* Close the fds. Sockets and processes inside keep their namespace alive. */
void netns_pair_destroy(struct netns_pair *pair);

/*
 * Join two namespaces that are there by a veth pair: everything in both sides
 * but the inode has to be set. Returns as netns_pair_create().
 */
int netns_join(const struct netns_pair *pair);

/*
 * Give a device that is there its addresses, set it up, and wait until the
 * kernel receives for them; all of @side but the inode and the MAC has to be
 * set. Returns 0 or -errno.
 */
int netns_setup(const struct netns_side *side);

/* Create a namespace with lo up. Returns its fd, the caller's, or -errno. */
int netns_create(void);

/* Move the calling thread there for good. Returns 0 or -errno. */
int netns_enter(int fd);

/* The number of a namespace. Returns 0 or -errno. */
int netns_inode(int fd, uint64_t *inode);

/*
 * Run @fn inside, in this thread, and come back. Returns what @fn returned, or
 * -errno if it was not run. Sockets made by @fn stay in that namespace. Aborts
 * the program should there be no way back: nothing after that could be right.
 */
int netns_call(int fd, int (*fn)(void *arg), void *arg);

/*
 * Start the program @argv[0] (a path, not searched for) inside, with @stdio as
 * its fds 0, 1 and 2, of which -1 means this process's own. It is killed when
 * the calling thread ends. Returns its pid, which the caller has to wait for,
 * or -errno. That the program could not be run shows as exit status 127.
 */
pid_t netns_spawn(int fd, char *const argv[], const int stdio[3]);

/*
 * No retransmission timeout of connections from @side to @peer that are made
 * from now on is shorter. Returns 0 or -errno.
 */
int netns_rto_min(const struct netns_side *side, const struct netns_side *peer,
		  unsigned int ms);

/*
 * Write @value to a sysctl inside; @path begins with "net/" and takes slashes.
 * Returns 0 or -errno.
 */
int netns_sysctl(int fd, const char *path, const char *value);

/*
 * Open a NETLINK_ROUTE socket inside. Returns 0 or -errno; the caller frees it
 * with nl_socket_free().
 */
int netns_netlink(int fd, struct nl_sock **sock);

/* The error of a libnl function as -errno; 0 and more stay as they are. */
int netns_nl_error(int err);

#endif /* TCBSCOPE_LAB_NETNS_H */
