// SPDX-License-Identifier: GPL-2.0
/* Sockets in two namespaces, and what tests wait for. */
#include "conn.h"
#include "route.h"
#include "seen.h"
#include "lab/counter.h"
#include "lib/clock.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/filter.h>
#include <linux/inet_diag.h>
#include <linux/netlink.h>
#include <linux/sock_diag.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

static int pending(int fd, short events)
{
	struct pollfd pfd = { .fd = fd, .events = events };
	int n = poll(&pfd, 1, TRACE_PATIENCE_NS / 1000000);

	return n > 0 ? 0 : n ? -errno : -ETIMEDOUT;
}

int conn_stage(struct conn *c, int family)
{
	int err;

	memset(c, 0, sizeof(*c));
	c->family = family;
	c->listener = c->fd[0] = c->fd[1] = -1;
	err = netns_pair_create(&c->pair);
	if (err)
		return err;
	err = gate_init(&c->gate, &c->pair);
	if (!err)
		err = gate_open(&c->gate);
	if (err)
		return err;
	c->len = gate_endpoints(&c->gate, family, CONN_PORT, CONN_PORT + 1,
				c->addr);
	return 0;
}

int conn_watch(struct conn *c, char *events)
{
	char netns[64];
	char *args[] = { "--events", events, "--netns", netns, NULL };

	snprintf(netns, sizeof(netns), "%llu,%llu",
		 (unsigned long long)c->pair.side[0].inode,
		 (unsigned long long)c->pair.side[1].inode);
	c->watched = events;
	return trace_start(&c->trace, args);
}

int conn_join(struct conn *c)
{
	c->watched = "";
	return shared_join(&c->trace);
}

int conn_start(struct conn *c, int family)
{
	int err = conn_stage(c, family);

	if (err)
		return err;
	if (!shared_runs())
		return conn_watch(c, "state");
	err = conn_join(c);
	c->watched = "state";
	return err;
}

static struct sighting end(const struct conn *c, int side)
{
	return (struct sighting){ .cookie = c->cookie[side] };
}

int conn_stop(struct conn *c)
{
	int err = trace_stop(&c->trace), side;
	const char *flaw = NULL;

	if (err)
		return err < 0 ? err : -EPIPE;
	if (!c->trace.shared && !witness_complete(c->trace.witness))
		flaw = "its account does not add up";
	for (side = 0; side < 2 && !flaw && !strcmp(c->watched, "state");
	     side++) {
		struct sighting socket = end(c, side);

		if (socket.cookie)
			flaw = seen_wanted() ?
				       seen_flaw(c->trace.witness, &socket) :
				       story_flaw(c->trace.witness, &socket);
	}
	if (!flaw)
		return 0;
	fprintf(stderr, "# trace: %s\n", flaw);
	return -EBADMSG;
}

void conn_free(struct conn *c)
{
	int side;

	for (side = 0; side < 2; side++)
		if (c->fd[side] >= 0)
			close(c->fd[side]);
	if (c->listener >= 0)
		close(c->listener);
	trace_free(&c->trace);
	gate_exit(&c->gate);
	netns_pair_destroy(&c->pair);
}

static int new_socket(void *arg)
{
	int on = 1;
	int fd = socket(*(int *)arg, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC,
			IPPROTO_TCP);

	if (fd >= 0)
		setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on));
	return fd < 0 ? -errno : fd;
}

int conn_socket(const struct conn *c, int side)
{
	int family = c->family;

	return netns_call(c->pair.side[side].fd, new_socket, &family);
}

static int bound(struct conn *c, int side)
{
	int fd = conn_socket(c, side), err;

	if (fd < 0 || !bind(fd, (void *)&c->addr[side], c->len))
		return fd;
	err = -errno;
	close(fd);
	return err;
}

int conn_bind(struct conn *c, int side)
{
	int fd = bound(c, side);

	if (fd < 0)
		return fd;
	c->fd[side] = fd;
	c->cookie[side] = conn_cookie(fd);
	return 0;
}

int conn_listen(struct conn *c)
{
	c->listener = bound(c, 1);
	if (c->listener < 0)
		return c->listener;
	return listen(c->listener, 8) ? -errno : 0;
}

int conn_listen_fastopen(struct conn *c, bool cookie)
{
	static const int requests = 8;
	int err;

	/* 1: as a client, 4: without a cookie; 2, 0x200: as a server */
	err = netns_sysctl(c->pair.side[0].fd, "net/ipv4/tcp_fastopen",
			   cookie ? "1" : "5");
	if (!err)
		err = netns_sysctl(c->pair.side[1].fd, "net/ipv4/tcp_fastopen",
				   cookie ? "2" : "514");
	if (!err)
		err = conn_listen(c);
	if (err)
		return err;
	return setsockopt(c->listener, IPPROTO_TCP, TCP_FASTOPEN, &requests,
			  sizeof(requests)) ?
		       -errno :
		       0;
}

int conn_connect(struct conn *c, int side)
{
	int err = c->fd[side] < 0 ? conn_bind(c, side) : 0;

	if (err)
		return err;
	if (connect(c->fd[side], (void *)&c->addr[!side], c->len) &&
	    errno != EINPROGRESS)
		return -errno;
	return 0;
}

int conn_accept(struct conn *c)
{
	int err = pending(c->listener, POLLIN);

	if (err)
		return err;
	c->fd[1] = accept4(c->listener, NULL, NULL,
			   SOCK_NONBLOCK | SOCK_CLOEXEC);
	if (c->fd[1] < 0)
		return -errno;
	c->cookie[1] = conn_cookie(c->fd[1]);
	return 0;
}

int conn_open(struct conn *c)
{
	int err = conn_listen(c);

	if (!err)
		err = conn_connect(c, 0);
	if (!err)
		err = conn_accept(c);
	return err ? err : conn_wait(c, 0, TCP_ESTABLISHED);
}

int conn_cross(struct conn *c)
{
	int side, err = gate_close(&c->gate);

	for (side = 0; side < 2 && !err; side++) {
		err = conn_connect(c, side);
		if (!err)
			err = gate_wait_held(&c->gate, side, c->family,
					     TRACE_PATIENCE_NS);
	}
	return err;
}

int conn_close(struct conn *c, int side)
{
	int fd = c->fd[side];

	c->fd[side] = -1;
	return close(fd) ? -errno : 0;
}

int conn_reset(struct conn *c, int side)
{
	struct linger now = { .l_onoff = 1 };

	if (setsockopt(c->fd[side], SOL_SOCKET, SO_LINGER, &now, sizeof(now)))
		return -errno;
	return conn_close(c, side);
}

int conn_send(struct conn *c, int side, size_t n)
{
	char zeros[4096] = "";
	ssize_t sent;
	int err;

	for (; n; n -= sent) {
		err = pending(c->fd[side], POLLOUT);
		if (err)
			return err;
		sent = send(c->fd[side], zeros,
			    n < sizeof(zeros) ? n : sizeof(zeros),
			    MSG_NOSIGNAL);
		if (sent < 0)
			return -errno;
	}
	return 0;
}

int conn_receive(struct conn *c, int side, size_t n)
{
	bool to_end = !n;
	char bytes[4096];
	ssize_t got;
	int err;

	while (n || to_end) {
		err = pending(c->fd[side], POLLIN);
		if (err)
			return err;
		got = recv(c->fd[side], bytes,
			   to_end || n > sizeof(bytes) ? sizeof(bytes) : n, 0);
		if (got < 0)
			return -errno;
		if (!got)
			return to_end ? 0 : -EPIPE;
		n -= to_end ? 0 : got;
	}
	return 0;
}

int conn_option(struct conn *c, int side, int level, int option, int value)
{
	return setsockopt(c->fd[side], level, option, &value, sizeof(value)) ?
		       -errno :
		       0;
}

bool conn_pause(uint64_t begin)
{
	clock_pause(begin);
	return clock_now_ns() - begin < TRACE_PATIENCE_NS;
}

int conn_wait(struct conn *c, int side, int state)
{
	int err = gate_wait_tcp(&c->gate, side, &c->addr[side], &c->addr[!side],
				GATE_STATE(state), TRACE_PATIENCE_NS);

	return err < 0 ? err : 0;
}

int conn_ack_fin(struct conn *c, int side)
{
	int err = conn_wait(c, side, TCP_CLOSE_WAIT);

	return err ? err : conn_option(c, side, IPPROTO_TCP, TCP_QUICKACK, 1);
}

int conn_gone(struct conn *c, int side)
{
	uint64_t start = clock_now_ns();
	int err;

	do {
		err = gate_wait_tcp(&c->gate, side, &c->addr[side],
				    &c->addr[!side], ~0u, 0);
		if (err < 0)
			return err == -ETIMEDOUT ? 0 : err;
	} while (conn_pause(start));
	return -ETIMEDOUT;
}

int conn_seen(struct conn *c, int side, const char *state)
{
	struct sighting what = end(c, side);

	what.type = "state";
	what.new = state;
	return witness_wait(c->trace.witness, &what, TRACE_PATIENCE_NS);
}

static int neigh_sysctl(struct conn *c, int side, const char *name,
			const char *value)
{
	const struct netns_side *s = &c->pair.side[side];
	char path[96];

	snprintf(path, sizeof(path), "net/%s/neigh/%s/%s",
		 c->family == AF_INET6 ? "ipv6" : "ipv4", s->ifname, name);
	return netns_sysctl(s->fd, path, value);
}

int conn_hold_last(struct conn *c, int side)
{
	return neigh_sysctl(c, side, "unres_qlen_bytes", "1");
}

int conn_cut(struct conn *c, int side)
{
	int err = neigh_sysctl(c, side, "retrans_time_ms", "100");

	return err ? err : neigh_sysctl(c, side, "mcast_solicit", "1");
}

int conn_deafen(int fd, bool deaf)
{
	struct sock_filter nothing = BPF_STMT(BPF_RET | BPF_K, 0);
	struct sock_fprog prog = { .len = 1, .filter = &nothing };
	int err;

	if (deaf)
		err = setsockopt(fd, SOL_SOCKET, SO_ATTACH_FILTER, &prog,
				 sizeof(prog));
	else
		err = setsockopt(fd, SOL_SOCKET, SO_DETACH_FILTER, &prog,
				 sizeof(prog));
	return err ? -errno : 0;
}

int conn_rto_min(struct conn *c, int side, unsigned int ms)
{
	return route_rto_min(&c->pair, side, c->family, ms);
}

int conn_lose(int fd, char byte)
{
	struct sock_filter code[] = {
		/* X: length of the header; A: of all */
		BPF_STMT(BPF_LD | BPF_B | BPF_ABS, 12),
		BPF_STMT(BPF_ALU | BPF_AND | BPF_K, 0xf0),
		BPF_STMT(BPF_ALU | BPF_RSH | BPF_K, 2),
		BPF_STMT(BPF_MISC | BPF_TAX, 0),
		BPF_STMT(BPF_LD | BPF_W | BPF_LEN, 0),
		BPF_JUMP(BPF_JMP | BPF_JGT | BPF_X, 0, 0, 2),
		BPF_STMT(BPF_LD | BPF_B | BPF_IND, 0),
		BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, byte, 1, 0),
		BPF_STMT(BPF_RET | BPF_K, ~0U),
		BPF_STMT(BPF_RET | BPF_K, 0),
	};
	struct sock_fprog prog = { .len = sizeof(code) / sizeof(*code),
				   .filter = code };

	return setsockopt(fd, SOL_SOCKET, SO_ATTACH_FILTER, &prog,
			  sizeof(prog)) ?
		       -errno :
		       0;
}

uint32_t conn_lost(int fd)
{
	__u32 info[SK_MEMINFO_VARS] = {};
	socklen_t len = sizeof(info);

	getsockopt(fd, SOL_SOCKET, SO_MEMINFO, info, &len);
	return info[SK_MEMINFO_DROPS];
}

int conn_wait_lost(int fd, uint32_t n)
{
	uint64_t begin = clock_now_ns();

	while (conn_lost(fd) < n)
		if (!conn_pause(begin))
			return -ETIMEDOUT;
	return 0;
}

int64_t conn_counter(const struct conn *c, int side, const char *name)
{
	return counter_read(c->pair.side[side].fd, name);
}

int conn_wait_counter(const struct conn *c, int side, const char *name,
		      int64_t n)
{
	uint64_t begin = clock_now_ns();
	int64_t now;

	while ((now = conn_counter(c, side, name)) < n) {
		if (now < 0)
			return now;
		if (!conn_pause(begin))
			return -ETIMEDOUT;
	}
	return 0;
}

int conn_leave_to(struct conn *c, int side, const char *program)
{
	int fds[2], status;
	char byte = 0;
	pid_t pid;

	if (pipe(fds))
		return -errno;
	pid = fork();
	if (!pid) {
		close(fds[1]);
		if (read(fds[0], &byte, 1) || !program) /* 0: end of file */
			pause();
		execl(program, program, NULL);
		_exit(127);
	}
	if (pid < 0)
		return -errno;
	conn_close(c, side);
	if (!program)
		kill(pid, SIGKILL);
	close(fds[0]);
	close(fds[1]);
	return waitpid(pid, &status, 0) == pid ? status & 0xff00 : -errno;
}

static int open_diag(void *arg)
{
	int fd = socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, NETLINK_SOCK_DIAG);

	(void)arg;
	return fd < 0 ? -errno : fd;
}

static void diag_addr(const struct sockaddr_storage *ss, __be16 *port,
		      __be32 addr[4])
{
	const struct sockaddr_in6 *sin6 = (const void *)ss;
	const struct sockaddr_in *sin = (const void *)ss;

	*port = sin->sin_port; /* at the same place in both */
	if (ss->ss_family == AF_INET6)
		memcpy(addr, &sin6->sin6_addr, 16);
	else
		memcpy(addr, &sin->sin_addr, 4);
}

int conn_abort(struct conn *c, int side)
{
	struct {
		struct nlmsghdr h;
		struct inet_diag_req_v2 r;
	} req = {
		.h.nlmsg_len = sizeof(req),
		.h.nlmsg_type = SOCK_DESTROY,
		.h.nlmsg_flags = NLM_F_REQUEST | NLM_F_ACK,
		.r.sdiag_family = c->family,
		.r.sdiag_protocol = IPPROTO_TCP,
		.r.idiag_states = ~0u,
		.r.id.idiag_cookie = { INET_DIAG_NOCOOKIE, INET_DIAG_NOCOOKIE },
	};
	struct {
		struct nlmsghdr h;
		struct nlmsgerr e;
		char rest[256];
	} answer;
	int fd = netns_call(c->pair.side[side].fd, open_diag, NULL), err;
	socklen_t len = sizeof(int);
	int listens = 0;

	if (fd < 0)
		return fd;
	diag_addr(&c->addr[side], &req.r.id.idiag_sport, req.r.id.idiag_src);
	getsockopt(c->fd[side], SOL_SOCKET, SO_ACCEPTCONN, &listens, &len);
	if (!listens)
		diag_addr(&c->addr[!side], &req.r.id.idiag_dport,
			  req.r.id.idiag_dst);
	if (send(fd, &req, sizeof(req), 0) < 0 ||
	    recv(fd, &answer, sizeof(answer), 0) < (ssize_t)NLMSG_LENGTH(4))
		err = -errno;
	else
		err = answer.e.error;
	close(fd);
	return err;
}

const char *conn_story(struct conn *c, int side)
{
	struct sighting socket = end(c, side);

	return story(c->trace.witness, &socket, c->story[side],
		     sizeof(c->story[side]));
}

const char *conn_left(struct conn *c, int side, const char *old)
{
	struct sighting socket = end(c, side);

	socket.old = old;
	return story(c->trace.witness, &socket, c->story[side],
		     sizeof(c->story[side]));
}

uint64_t conn_cookie(int fd)
{
	uint64_t cookie = 0;
	socklen_t len = sizeof(cookie);

	getsockopt(fd, SOL_SOCKET, SO_COOKIE, &cookie, &len);
	return cookie;
}
