// SPDX-License-Identifier: GPL-2.0
/* The open engine: two peers connect to each other, with no listener. */
#include "peer/peer.h"
#include "lib/clock.h"

#include <errno.h>
#include <netinet/in.h>
#include <poll.h>
#include <stddef.h>
#include <string.h>
#include <sys/random.h>
#include <time.h>
#include <unistd.h>

/* Not <netinet/tcp.h>: its struct tcp_info ends before tcpi_segs_in. */
#include <linux/tcp.h>

#define PEER_SLICE_NS 1000000ULL /* the longest wait in one step */

/* The kernel's own numbers (net/tcp_states.h), as tcpi_state has them. */
#define PEER_SYN_RECV 3

/* xorshift64: good enough to keep two peers from marching in step. */
static uint64_t peer_random(struct peer *peer)
{
	peer->seed ^= peer->seed << 13;
	peer->seed ^= peer->seed >> 7;
	peer->seed ^= peer->seed << 17;
	return peer->seed;
}

static in_port_t peer_port(const struct sockaddr_storage *ss)
{
	return ss->ss_family == AF_INET6 ?
		       ((const struct sockaddr_in6 *)ss)->sin6_port :
		       ((const struct sockaddr_in *)ss)->sin_port;
}

bool peer_same_endpoint(const struct sockaddr_storage *a,
			const struct sockaddr_storage *b)
{
	const struct sockaddr_in6 *a6 = (const struct sockaddr_in6 *)a;
	const struct sockaddr_in6 *b6 = (const struct sockaddr_in6 *)b;
	const struct sockaddr_in *a4 = (const struct sockaddr_in *)a;
	const struct sockaddr_in *b4 = (const struct sockaddr_in *)b;

	if (a->ss_family != b->ss_family || peer_port(a) != peer_port(b))
		return false;
	if (a->ss_family == AF_INET)
		return a4->sin_addr.s_addr == b4->sin_addr.s_addr;
	return IN6_ARE_ADDR_EQUAL(&a6->sin6_addr, &b6->sin6_addr) &&
	       a6->sin6_scope_id == b6->sin6_scope_id;
}

int peer_init(struct peer *peer, const struct peer_config *config)
{
	sa_family_t family = config->local.ss_family;
	socklen_t len;

	if ((family != AF_INET && family != AF_INET6) ||
	    family != config->remote.ss_family)
		return -EAFNOSUPPORT;
	len = family == AF_INET6 ? sizeof(struct sockaddr_in6) :
				   sizeof(struct sockaddr_in);
	if (config->len != len)
		return -EINVAL;
	if (!peer_port(&config->local) || !peer_port(&config->remote))
		return -EINVAL;
	if (peer_same_endpoint(&config->local, &config->remote))
		return -ELOOP;

	memset(peer, 0, sizeof(*peer));
	peer->config = *config;
	if (!peer->config.deadline_ns)
		peer->config.deadline_ns = PEER_DEADLINE_NS;
	if (!peer->config.attempts)
		peer->config.attempts = PEER_ATTEMPTS;
	peer->result.fd = -1;
	peer->result.error = -EINPROGRESS;
	peer->fd = -1;

	if (getrandom(&peer->seed, sizeof(peer->seed), GRND_NONBLOCK) < 0)
		peer->seed = clock_now_ns() ^ (uint64_t)getpid() << 32;
	peer->seed |= 1; /* xorshift stays at 0 for ever */
	return 0;
}

void peer_exit(struct peer *peer)
{
	if (peer->fd >= 0)
		close(peer->fd);
	peer->fd = -1;
}

/* Returns 1, 0 or -errno just as peer_step() does. */
static int peer_end(struct peer *peer, int err)
{
	peer_exit(peer);
	peer->result.error = err;
	peer->result.elapsed_ns = clock_now_ns() - peer->start_ns;
	return err;
}

static uint64_t peer_left_ns(const struct peer *peer)
{
	uint64_t end = peer->start_ns + peer->config.deadline_ns;
	uint64_t now = clock_now_ns();

	if (end < peer->start_ns) /* a deadline of centuries */
		end = UINT64_MAX;
	return now < end ? end - now : 0;
}

/* What is left to wait, in one slice. */
static struct timespec peer_slice(uint64_t left_ns)
{
	if (left_ns > PEER_SLICE_NS)
		left_ns = PEER_SLICE_NS;
	return (struct timespec){ .tv_nsec = left_ns };
}

/* A failed attempt that may be repeated. Returns 1 or -errno. */
static int peer_again(struct peer *peer, int err)
{
	struct peer_result *res = &peer->result;
	uint64_t pause_ns = peer_random(peer) % PEER_SLICE_NS;

	peer_exit(peer);
	res->last = err;

	switch (err) {
	case -ECONNREFUSED:
		res->refused++;
		break;
	case -ECONNRESET:
		res->reset++;
		break;
	case -ETIMEDOUT:
		res->timedout++;
		break;
	case -EADDRINUSE:
	case -EADDRNOTAVAIL:
		/* Nobody to fall out of step with: only wait for the port. */
		pause_ns = PEER_SLICE_NS;
		res->inuse++;
		break;
	default:
		return peer_end(peer, err);
	}

	if (res->attempts >= peer->config.attempts)
		return peer_end(peer, err);
	peer->resume_ns = clock_now_ns() + pause_ns;
	return 1;
}

static bool peer_met_itself(int fd)
{
	struct sockaddr_storage local = {}, remote = {};
	socklen_t llen = sizeof(local), rlen = sizeof(remote);

	return !getsockname(fd, (struct sockaddr *)&local, &llen) &&
	       !getpeername(fd, (struct sockaddr *)&remote, &rlen) &&
	       peer_same_endpoint(&local, &remote);
}

static bool peer_tcp_info(int fd, struct tcp_info *info)
{
	socklen_t len = sizeof(*info);

	memset(info, 0, len);
	return !getsockopt(fd, IPPROTO_TCP, TCP_INFO, info, &len) &&
	       len >= offsetof(struct tcp_info, tcpi_segs_in) +
			       sizeof(info->tcpi_segs_in);
}

static int peer_connected(struct peer *peer)
{
	const struct linger abort = { .l_onoff = 1, .l_linger = 0 };
	struct peer_result *res = &peer->result;
	socklen_t len = sizeof(res->cc) - 1;
	struct tcp_info info;

	if (peer_met_itself(peer->fd)) {
		setsockopt(peer->fd, SOL_SOCKET, SO_LINGER, &abort,
			   sizeof(abort));
		return peer_end(peer, -ELOOP);
	}

	if (peer_tcp_info(peer->fd, &info)) {
		res->segs_in = info.tcpi_segs_in;
		res->segs_out = info.tcpi_segs_out;
		if (res->segs_in == 1 && res->crossed == PEER_CROSSED_UNKNOWN)
			res->crossed = PEER_CROSSED_NO;
	}
	if (getsockopt(peer->fd, IPPROTO_TCP, TCP_CONGESTION, res->cc, &len))
		res->cc[0] = '\0';

	res->fd = peer->fd;
	peer->fd = -1;
	return peer_end(peer, 0);
}

/* The socket of one attempt, bound. Returns 0 or -errno. */
static int peer_socket(struct peer *peer)
{
	const int one = 1;
	int err;

	/* Not IPPROTO_MPTCP: after crossed SYNs it loses the payload. */
	peer->fd = socket(peer->config.local.ss_family,
			  SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC,
			  IPPROTO_TCP);
	if (peer->fd < 0)
		return -errno;

	/*
	 * REUSEADDR for the TIME_WAIT of the last run; REUSEPORT so that the
	 * same port may also talk to somebody who helps to find the peer.
	 */
	if (setsockopt(peer->fd, SOL_SOCKET, SO_REUSEADDR, &one, sizeof(one)) ||
	    setsockopt(peer->fd, SOL_SOCKET, SO_REUSEPORT, &one, sizeof(one)) ||
	    bind(peer->fd, (struct sockaddr *)&peer->config.local,
		 peer->config.len)) {
		err = -errno;
		peer_exit(peer);
		return err;
	}
	return 0;
}

static int peer_attempt(struct peer *peer)
{
	struct peer_result *res = &peer->result;
	int err;

	err = peer_socket(peer);
	if (err)
		/* Not available to bind() is: not an address of this host. */
		return err == -EADDRINUSE ? peer_again(peer, err) :
					    peer_end(peer, err);

	res->crossed = PEER_CROSSED_UNKNOWN;
	err = 0;
	if (connect(peer->fd, (struct sockaddr *)&peer->config.remote,
		    peer->config.len))
		err = -errno;

	/* Not available to connect() is: that 4-tuple is still in use. */
	if (err != -EADDRNOTAVAIL && err != -EADDRINUSE)
		res->attempts++;

	if (!err)
		return peer_connected(peer);
	if (err == -EINPROGRESS || err == -EINTR)
		return 1;
	return peer_again(peer, err);
}

/* Wait for the end of the attempt, watching for SYN_RECV. */
static int peer_watch(struct peer *peer, uint64_t left_ns)
{
	struct pollfd pfd = { .fd = peer->fd, .events = POLLOUT };
	struct timespec slice = peer_slice(left_ns);
	socklen_t len = sizeof(int);
	struct tcp_info info;
	int n, err;

	if (peer_tcp_info(peer->fd, &info) && info.tcpi_state == PEER_SYN_RECV)
		peer->result.crossed = PEER_CROSSED_YES;

	n = ppoll(&pfd, 1, &slice, NULL);
	if (n < 0 && errno != EINTR)
		return peer_end(peer, -errno);
	if (n <= 0)
		return 1;

	if (getsockopt(peer->fd, SOL_SOCKET, SO_ERROR, &err, &len))
		return peer_end(peer, -errno);
	return err ? peer_again(peer, -err) : peer_connected(peer);
}

int peer_step(struct peer *peer)
{
	struct timespec slice;
	uint64_t left_ns, now;
	int ret;

	if (peer->result.error != -EINPROGRESS)
		return peer->result.error;

	if (!peer->start_ns)
		peer->start_ns = clock_now_ns();
	left_ns = peer_left_ns(peer);

	/* After the deadline too, once: the answer may have come in time. */
	if (peer->fd >= 0) {
		ret = peer_watch(peer, left_ns);
		if (ret <= 0 || left_ns)
			return ret;
	}
	if (!left_ns)
		return peer_end(peer, -ETIMEDOUT);

	now = clock_now_ns();
	if (now < peer->resume_ns) {
		if (left_ns > peer->resume_ns - now)
			left_ns = peer->resume_ns - now;
		slice = peer_slice(left_ns);
		nanosleep(&slice, NULL);
		return 1;
	}
	return peer_attempt(peer);
}
