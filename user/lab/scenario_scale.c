// SPDX-License-Identifier: GPL-2.0
/* Scale: more connections than there are ports. */
#include "lab/end.h"
#include "lab/netns.h"
#include "lab/scenario.h"
#include "lab/stage.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sched.h>
#include <stdbool.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#ifndef IP_BIND_ADDRESS_NO_PORT
#define IP_BIND_ADDRESS_NO_PORT 24
#endif

/* A connection from @from to port 2001 of 127.0.0.1: its fd, or -errno. */
static int connect_from(uint32_t from)
{
	struct sockaddr_in local = { .sin_family = AF_INET,
				     .sin_addr.s_addr = htonl(from) };
	struct sockaddr_in peer = { .sin_family = AF_INET,
				    .sin_port = htons(2001),
				    .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, IPPROTO_TCP);
	int on = 1, err;

	/* The port is chosen by connect(), so that it counts per peer. */
	if (fd >= 0 &&
	    !setsockopt(fd, IPPROTO_IP, IP_BIND_ADDRESS_NO_PORT, &on,
			sizeof(on)) &&
	    !bind(fd, (struct sockaddr *)&local, sizeof(local)) &&
	    !connect(fd, (struct sockaddr *)&peer, sizeof(peer)))
		return fd;
	err = -errno;
	if (fd >= 0)
		close(fd);
	return err;
}

/* ------------------------------------------------ a client's ports */

#define PORTS 10

/* How many succeed, up to one more than there are ports. */
static int connect_all(struct end *me, int address)
{
	int n = 0;

	(void)me;
	while (n <= PORTS && connect_from(INADDR_LOOPBACK + address) >= 0)
		n++;
	return n;
}

static void ports(struct stage *s)
{
	struct end *a = stage_end(s, A), *b = stage_end(s, B);
	int listener = end_socket(b, 0), address, n = 0;

	stage_sysctl(s, A, "net/ipv4/ip_local_port_range",
		     s->control ? "40000 40010" : "40000 40009");
	end_bind(b, listener, "127.0.0.1", 2001);
	end_listen_on(b, listener, 128);
	for (address = 1; address <= 4; address++)
		n += end_do(a, connect_all, address);
	stage_fact(s, A, "%d connections", n);
	stage_fact(s, B, "%d sockets of port 2001",
		   end_count(b, 2001, TCP_ESTABLISHED));
}

static const struct expect ports_expect[] = {
	IS(A, "fact", "40 connections"),
	IS(B, "fact", "40 sockets of port 2001"),
	HAS(A, "call", "connect EADDRNOTAVAIL"),
	HAS(A, "state", "SYN_SENT>ESTABLISHED RX_SYN_ACK", .least = 40,
	    .most = 40),
	{}
};

/* ------------------------------------------------ beyond 65,535 */

#define ADDRESSES 7	 /* of clients; with */
#define CLIENTS 70	 /* processes, each a step that a busy machine does, */
#define CONNECTIONS 1000 /* of so many connections */

/* One client: says when it has them all, and holds them until it is killed. */
static void client(uint32_t address, int n, int done)
{
	prctl(PR_SET_PDEATHSIG, SIGKILL); /* of the end */
	while (n > 0 && connect_from(address) >= 0)
		n--;
	if (write(done, &n, sizeof(n)) == sizeof(n))
		pause();
	_exit(n);
}

/* Nobody accepts: a server's end needs no file descriptor for that. */
static int listen_for(int n)
{
	struct sockaddr_in addr = { .sin_family = AF_INET,
				    .sin_port = htons(2001),
				    .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, IPPROTO_TCP);

	if (fd < 0 || bind(fd, (struct sockaddr *)&addr, sizeof(addr)) ||
	    listen(fd, n))
		return -errno;
	return fd;
}

/* How many wait in the accept queue. */
static int waiting(struct end *me, int listener)
{
	struct tcp_info info;
	socklen_t len = sizeof(info);

	(void)me;
	if (getsockopt(listener, IPPROTO_TCP, TCP_INFO, &info, &len))
		return -errno;
	return info.tcpi_unacked;
}

/* In a namespace that is not traced: half a million events tell nothing more. */
static int open_server(struct end *me, int limit)
{
	int netns = netns_create();

	(void)me;
	if (netns < 0)
		return netns;
	if (netns_enter(netns) ||
	    netns_sysctl(netns, "net/core/somaxconn", "100000"))
		return -errno;
	return listen_for(limit);
}

static int open_client(struct end *me, int address_and_n)
{
	const struct rlimit files = { CONNECTIONS + 300, CONNECTIONS + 300 };
	int done[2], left = -1;
	pid_t pid;

	(void)me;
	if (setrlimit(RLIMIT_NOFILE, &files) || pipe2(done, O_CLOEXEC))
		return -errno;
	pid = fork();
	if (!pid)
		client(INADDR_LOOPBACK + address_and_n % 10, address_and_n / 10,
		       done[1]);
	close(done[1]);
	if (pid < 0 || read(done[0], &left, sizeof(left)) != sizeof(left))
		left = -1;
	close(done[0]);
	return left ? -1 : pid;
}

/* To close so many sockets takes a while: nobody is to be left with that. */
static int close_client(struct end *me, int pid)
{
	(void)me;
	if (kill(pid, SIGKILL) || waitpid(pid, NULL, 0) != pid)
		return -errno;
	return 0;
}

static void beyond(struct stage *s)
{
	struct end *a = stage_end(s, A);
	int n = s->control ? 10 : CONNECTIONS;
	int listener, pid[CLIENTS], i;

	listener = end_do(a, open_server, 100000);
	for (i = 0; i < CLIENTS; i++) {
		pid[i] = end_do(a, open_client, 10 * n + i % ADDRESSES + 1);
		if (pid[i] < 0)
			stage_fail(s, "client %d has not got them all", i + 1);
	}
	stage_fact(s, A, "%d connections to one port",
		   end_do(a, waiting, listener));
	for (i = 0; i < CLIENTS; i++)
		end_do(a, close_client, pid[i]);
}

static const struct expect beyond_expect[] = {
	IS(A, "fact", "70000 connections to one port"), {}
};

const struct scenario scenarios_scale[] = {
	{
		.name = "client-ports",
		.title = "a client runs out of ports",
		.textbook = "A port can have one connection, so a server has at "
			    "most 65535.",
		.truth = "A connection is told by four numbers, two addresses "
			 "and two ports. All 40 here are of the server's one "
			 "port 2001. What ends is a client address's range of "
			 "ports (here 10), for one destination; the next "
			 "address has them all again.",
		.notice = "EADDRNOTAVAIL after each ten.",
		.run = ports,
		.expect = ports_expect,
		.control = { .what = "the range has 11 ports" },
		.place = PLACE_LOOPBACK,
	},
	{
		.name = "beyond-65535",
		.title = "70,000 connections to one port",
		.textbook = "65535 is the limit.",
		.truth = "Memory and file descriptors are: some 3 KB of the "
			 "kernel's memory for each end.",
		.notice = "They are made by seven client addresses in a "
			  "namespace of their own.",
		.run = beyond,
		.expect = beyond_expect,
		.control = { .what = "700 connections" },
		.place = PLACE_LOOPBACK,
		.needs = "memory2G",
	},
	{}
};
