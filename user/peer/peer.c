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

#define PEER_STEP_NS 1000000ULL
#define PEER_SPIN_NS 200000ULL /* sleeps end later than they should, by less */
#define PEER_AWAY_NS \
	50000000ULL /* a way that a router has not will take time */

/* TTLs of IPv6: ours, and what no router's message has (RFC 1700 says 64). */
#define PEER_HOPS6 255
#define PEER_HOPS6_MIN 128

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
	if (!peer->config.pause_ns)
		peer->config.pause_ns = PEER_PAUSE_NS;
	if (!peer->config.step_ns)
		peer->config.step_ns = PEER_STEP_NS;
	peer->result.fd = -1;
	peer->result.error = -EINPROGRESS;
	peer->fd = -1;
	peer->listener = -1;

	if (getrandom(&peer->seed, sizeof(peer->seed), GRND_NONBLOCK) < 0)
		peer->seed = clock_now_ns() ^ (uint64_t)getpid() << 32;
	peer->seed |= 1; /* xorshift stays at 0 for ever */
	return 0;
}

static void peer_close(int *fd)
{
	if (*fd >= 0)
		close(*fd);
	*fd = -1;
}

void peer_exit(struct peer *peer)
{
	peer_close(&peer->fd);
	peer_close(&peer->listener);
}

/* Returns 1, 0 or -errno just as peer_step() does. */
static int peer_end(struct peer *peer, int err)
{
	peer_exit(peer);
	peer->result.error = err;
	peer->result.elapsed_ns = clock_now_ns() - peer->start_ns;
	if (peer->result.elapsed_ns > INT64_MAX) /* it has not begun */
		peer->result.elapsed_ns = 0;
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

/* The next multiple of align_ns by the other clock, by this one. */
static uint64_t peer_aligned(const struct peer *peer, uint64_t now_ns)
{
	uint64_t align_ns = peer->config.align_ns;

	return align_ns ? now_ns + align_ns - clock_real_ns() % align_ns :
			  now_ns;
}

static void peer_start(struct peer *peer)
{
	uint64_t real_ns = clock_real_ns(), now_ns = clock_now_ns();

	if (peer->config.at_ns > real_ns)
		now_ns += peer->config.at_ns - real_ns;
	else
		now_ns = peer_aligned(peer, now_ns);
	peer->start_ns = peer->resume_ns = now_ns;
}

/* A failed attempt that may be repeated. Returns 1 or -errno. */
static int peer_again(struct peer *peer, int err)
{
	struct peer_result *res = &peer->result;
	uint64_t pause_ns = peer_random(peer) % peer->config.pause_ns;

	peer_close(&peer->fd);
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
	case -EHOSTUNREACH:
	case -ENETUNREACH:
		pause_ns = PEER_AWAY_NS;
		res->unreachable += !peer->began_hops;
		break;
	case -EADDRINUSE:
	case -EADDRNOTAVAIL:
		/* Nobody to fall out of step with: only wait for the port. */
		pause_ns = PEER_STEP_NS;
		res->inuse++;
		break;
	default:
		return peer_end(peer, err);
	}

	if (res->attempts >= peer->config.attempts)
		return peer_end(peer, err);
	peer->resume_ns = peer->config.align_ns ?
				  peer_aligned(peer, clock_now_ns()) :
				  clock_now_ns() + pause_ns;
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

/* Queue what routers say of our SYNs, or do not, and forget what there is. */
static bool peer_listen_to_routers(const struct peer *peer, int fd, int yes)
{
	bool v6 = peer->config.local.ss_family == AF_INET6;

	return !setsockopt(fd, v6 ? IPPROTO_IPV6 : IPPROTO_IP,
			   v6 ? IPV6_RECVERR : IP_RECVERR, &yes, sizeof(yes));
}

void peer_abort(int fd)
{
	const struct linger abort = { .l_onoff = 1, .l_linger = 0 };

	setsockopt(fd, SOL_SOCKET, SO_LINGER, &abort, sizeof(abort));
}

static int peer_connected(struct peer *peer)
{
	struct peer_result *res = &peer->result;
	socklen_t len = sizeof(res->cc) - 1;
	struct tcp_info info;

	if (peer_met_itself(peer->fd)) {
		peer_abort(peer->fd);
		return peer_end(peer, -ELOOP);
	}

	if (peer_tcp_info(peer->fd, &info)) {
		res->segs_in = info.tcpi_segs_in;
		res->segs_out = info.tcpi_segs_out;
		res->rto_us = info.tcpi_rto;
		if (res->segs_in == 1 && res->crossed == PEER_CROSSED_UNKNOWN)
			res->crossed = PEER_CROSSED_NO;
	}
	if (getsockopt(peer->fd, IPPROTO_TCP, TCP_CONGESTION, res->cc, &len))
		res->cc[0] = '\0';

	peer_listen_to_routers(peer, peer->fd, 0);
	res->fd = peer->fd;
	peer->fd = -1;
	return peer_end(peer, 0);
}

/* A bound socket in @fd. Returns 0 or -errno with none. */
static int peer_socket(const struct peer *peer, int *fd)
{
	const struct peer_config *config = &peer->config;
	const int one = 1;
	int err;

	/* Not IPPROTO_MPTCP: after crossed SYNs it loses the payload. */
	*fd = socket(config->local.ss_family,
		     SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, IPPROTO_TCP);
	if (*fd < 0)
		return -errno;

	/*
	 * REUSEADDR for the TIME_WAIT of the last run; REUSEPORT so that the
	 * same port may also listen, and talk to somebody who helps to find
	 * the peer.
	 */
	if (!setsockopt(*fd, SOL_SOCKET, SO_REUSEADDR, &one, sizeof(one)) &&
	    !setsockopt(*fd, SOL_SOCKET, SO_REUSEPORT, &one, sizeof(one)) &&
	    peer_listen_to_routers(peer, *fd, 1) &&
	    (!config->cc[0] || !setsockopt(*fd, IPPROTO_TCP, TCP_CONGESTION,
					   config->cc, strlen(config->cc))) &&
	    !bind(*fd, (struct sockaddr *)&config->local, config->len))
		return 0;
	err = -errno;
	peer_close(fd);
	return err;
}

/* The sockets of an attempt: its own, and the listener. Returns 0 or -errno. */
static int peer_sockets(struct peer *peer)
{
	int err;

	if (peer->config.listen && peer->listener < 0) {
		err = peer_socket(peer, &peer->listener);
		if (!err && listen(peer->listener, 1)) {
			err = -errno;
			peer_close(&peer->listener);
		}
		if (err)
			return err;
	}
	return peer_socket(peer, &peer->fd);
}

/* Has the attempt under way met the peer's SYN? */
static bool peer_has_crossed(struct peer *peer)
{
	struct tcp_info info;

	if (peer_tcp_info(peer->fd, &info) && info.tcpi_state == PEER_SYN_RECV)
		peer->result.crossed = PEER_CROSSED_YES;
	return peer->result.crossed == PEER_CROSSED_YES;
}

/* How far what is sent from now on may go, 0: as far as it takes. */
static void peer_set_hops(const struct peer *peer, int hops)
{
	bool v6 = peer->config.local.ss_family == AF_INET6;
	const int to = hops ?: v6 ? PEER_HOPS6 : -1;

	setsockopt(peer->fd, v6 ? IPPROTO_IPV6 : IPPROTO_IP,
		   v6 ? IPV6_UNICAST_HOPS : IP_TTL, &to, sizeof(to));
}

/*
 * The router where a SYN ends says so, and that would end the attempt. But what
 * comes with a TTL below a limit is not heard. For IPv4 the kernel looks there
 * at the TTL of the SYN that is quoted, which is 1; for IPv6 at the router's
 * own message, which begins with 64, so that the peer's SYN has to begin with
 * more.
 */
static void peer_be_deaf(const struct peer *peer)
{
	bool v6 = peer->config.local.ss_family == AF_INET6;
	const int min = v6 ? PEER_HOPS6_MIN : 2;

	setsockopt(peer->fd, v6 ? IPPROTO_IPV6 : IPPROTO_IP,
		   v6 ? IPV6_MINHOPCOUNT : IP_MINTTL, &min, sizeof(min));
}

static int peer_connect(struct peer *peer)
{
	const struct sockaddr *to = (struct sockaddr *)&peer->config.remote;
	const unsigned int hops = peer->hops;
	int err = 0;

	peer->began_hops = hops;
	peer_set_hops(peer, hops);
	if (hops)
		peer_be_deaf(peer);
	if (connect(peer->fd, to, peer->config.len))
		err = -errno;
	if (!hops)
		return err;
	peer_set_hops(peer, 0);
	if (!peer_has_crossed(peer))
		return err;
	/* That fast: our SYN+ACK went no further, and the next takes 1 s. */
	peer_abort(peer->fd);
	return -ECONNRESET;
}

static int peer_attempt(struct peer *peer)
{
	struct peer_result *res = &peer->result;
	int err;

	err = peer_sockets(peer);
	if (err)
		/* Not available to bind() is: not an address of this host. */
		return err == -EADDRINUSE ? peer_again(peer, err) :
					    peer_end(peer, err);

	res->crossed = PEER_CROSSED_UNKNOWN;
	peer->began_ns = clock_now_ns();
	err = peer_connect(peer);

	/* Not available to connect() is: that 4-tuple is still in use. */
	if (err != -EADDRNOTAVAIL && err != -EADDRINUSE)
		res->attempts++;

	if (!err)
		return peer_connected(peer);
	if (err == -EINPROGRESS || err == -EINTR)
		return 1;
	/* Now it is this host that has no way. */
	return err == -EHOSTUNREACH || err == -ENETUNREACH ?
		       peer_end(peer, err) :
		       peer_again(peer, err);
}

/* Somebody has come to the listener: only the peer is let in. */
static int peer_accept(struct peer *peer)
{
	struct sockaddr_storage from = {};
	socklen_t len = sizeof(from);
	int fd;

	fd = accept4(peer->listener, (struct sockaddr *)&from, &len,
		     SOCK_NONBLOCK | SOCK_CLOEXEC);
	if (fd < 0)
		return 1;
	if (!peer_same_endpoint(&from, &peer->config.remote)) {
		close(fd);
		return 1;
	}

	/* No attempt of ours can be under way: it would have met that SYN. */
	peer_close(&peer->fd);
	peer->fd = fd;
	peer->result.accepted = true;
	peer->result.crossed = PEER_CROSSED_NO;
	return peer_connected(peer);
}

/*
 * A router has said something that does not end the attempt: the kernel goes on
 * trying, or was just about to send. Of a SYN that was to end there it is none
 * of our business.
 */
static void peer_heard_router(struct peer *peer)
{
	struct msghdr msg = {};

	while (recvmsg(peer->fd, &msg, MSG_ERRQUEUE) >= 0)
		peer->result.unreachable += !peer->began_hops;
}

/* The attempt has ended, or somebody has come to the listener, or neither. */
static int peer_look(struct peer *peer)
{
	struct pollfd pfds[PEER_FDS];
	uint64_t now_ns = 0;
	socklen_t len = sizeof(int);
	int err;

	peer_poll(peer, pfds, &now_ns);
	if (poll(pfds, PEER_FDS, 0) < 0)
		return errno == EINTR ? 1 : peer_end(peer, -errno);
	if (pfds[1].revents)
		return peer_accept(peer);
	if (!pfds[0].revents)
		return 1;
	if (getsockopt(peer->fd, SOL_SOCKET, SO_ERROR, &err, &len))
		return peer_end(peer, -errno);
	if (err)
		return peer_again(peer, -err);
	if (pfds[0].revents & POLLOUT)
		return peer_connected(peer);
	peer_heard_router(peer);
	return 1;
}

static int peer_watch(struct peer *peer)
{
	bool crossed = peer->fd >= 0 && peer_has_crossed(peer);
	uint64_t attempt_ns = peer->config.attempt_ns;
	int ret = peer_look(peer);

	if (ret <= 0 || peer->fd < 0 || crossed || !attempt_ns ||
	    clock_now_ns() - peer->began_ns < attempt_ns)
		return ret;
	return peer_again(peer, -ETIMEDOUT);
}

/* Is the next attempt due? Of an agreed time the rest is waited for here. */
static bool peer_due(const struct peer *peer)
{
	bool exact = peer->config.at_ns || peer->config.align_ns;
	uint64_t now_ns = clock_now_ns();

	if (exact && now_ns + PEER_SPIN_NS >= peer->resume_ns) {
		while (now_ns < peer->resume_ns)
			now_ns = clock_now_ns();
	}
	return now_ns >= peer->resume_ns;
}

int peer_turn(struct peer *peer)
{
	uint64_t left_ns;
	int ret;

	if (peer->result.error != -EINPROGRESS)
		return peer->result.error;

	if (!peer->start_ns)
		peer_start(peer);
	left_ns = peer_left_ns(peer);

	/* After the deadline too, once: the answer may have come in time. */
	ret = peer_watch(peer);
	if (ret <= 0 || (left_ns && peer->fd >= 0))
		return ret;
	if (!left_ns)
		return peer_end(peer, -ETIMEDOUT);
	return peer_due(peer) ? peer_attempt(peer) : 1;
}

void peer_poll(const struct peer *peer, struct pollfd pfds[PEER_FDS],
	       uint64_t *until_ns)
{
	bool exact = peer->config.at_ns || peer->config.align_ns;
	uint64_t due_ns = peer->resume_ns - (exact ? PEER_SPIN_NS : 0);

	pfds[0] = (struct pollfd){ .fd = peer->fd, .events = POLLOUT };
	pfds[1] = (struct pollfd){ .fd = peer->listener, .events = POLLIN };
	if (peer->fd < 0 && *until_ns > due_ns)
		*until_ns = due_ns;
}

int peer_sleep(struct pollfd *pfds, unsigned int n, uint64_t until_ns)
{
	uint64_t now_ns = clock_now_ns(), left_ns;
	struct timespec left = {};

	left_ns = until_ns > now_ns ? until_ns - now_ns : 0;
	left.tv_sec = left_ns / NSEC_PER_SEC;
	left.tv_nsec = left_ns % NSEC_PER_SEC;
	return ppoll(pfds, n, &left, NULL) < 0 && errno != EINTR ? -errno : 0;
}

void peer_limit(struct peer *peer, unsigned int hops)
{
	peer->hops = hops;
	if (peer->fd < 0 || !peer->began_hops || peer->began_hops == hops ||
	    peer_has_crossed(peer))
		return;
	peer_close(&peer->fd);
	peer->result.limited++;
}

int peer_step(struct peer *peer)
{
	uint64_t now_ns = clock_now_ns(), until_ns, left_ns;
	struct pollfd pfds[PEER_FDS];
	int ret = peer_turn(peer), err;

	if (ret <= 0)
		return ret;
	left_ns = peer_left_ns(peer);
	until_ns = now_ns + (left_ns < peer->config.step_ns ?
				     left_ns :
				     peer->config.step_ns);
	peer_poll(peer, pfds, &until_ns);
	err = peer_sleep(pfds, PEER_FDS, until_ns);
	return err ? peer_end(peer, err) : 1;
}
