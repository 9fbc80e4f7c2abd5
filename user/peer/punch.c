// SPDX-License-Identifier: GPL-2.0
/* Hole punching: all endpoints of the partner at once, until one is proven. */
#include "peer/punch.h"
#include "lib/clock.h"

#include <errno.h>
#include <ifaddrs.h>
#include <limits.h>
#include <net/if.h>
#include <netinet/in.h>
#include <poll.h>
#include <string.h>
#include <unistd.h>

#define PUNCH_STEP_NS 1000000ULL
#define PUNCH_PAUSE_NS 200000ULL     /* both ends try hard, but not for long */
#define PUNCH_GRACE_NS 1000000000ULL /* for the proof of what opened late */
#define PUNCH_PROOF 'Q'		     /* the proof, from both ends at once */
#define PUNCH_TAKE 'Y'		     /* of role 0: this one */

static in_port_t *punch_port(struct sockaddr_storage *ss)
{
	return ss->ss_family == AF_INET6 ?
		       &((struct sockaddr_in6 *)ss)->sin6_port :
		       &((struct sockaddr_in *)ss)->sin_port;
}

static bool punch_same_addr(const struct sockaddr_storage *a,
			    const struct sockaddr_storage *b)
{
	struct sockaddr_storage copy = *a, other = *b;

	*punch_port(&copy) = *punch_port(&other);
	return peer_same_endpoint(&copy, b);
}

/* An address that the partner may reach from elsewhere. */
static bool punch_offered(const struct sockaddr_storage *ss)
{
	const struct sockaddr_in6 *sin6 = (const struct sockaddr_in6 *)ss;
	const struct sockaddr_in *sin = (const struct sockaddr_in *)ss;

	if (ss->ss_family == AF_INET)
		return ntohl(sin->sin_addr.s_addr) >> 24 != IN_LOOPBACKNET;
	return !IN6_IS_ADDR_LINKLOCAL(&sin6->sin6_addr) &&
	       !IN6_IS_ADDR_LOOPBACK(&sin6->sin6_addr);
}

static bool punch_is_any(const struct sockaddr_storage *ss)
{
	const struct sockaddr_in6 *sin6 = (const struct sockaddr_in6 *)ss;
	const struct sockaddr_in *sin = (const struct sockaddr_in *)ss;

	return ss->ss_family == AF_INET6 ?
		       IN6_IS_ADDR_UNSPECIFIED(&sin6->sin6_addr) :
		       sin->sin_addr.s_addr == htonl(INADDR_ANY);
}

void punch_offer(struct meet_offer *offer, const struct sockaddr_storage *own)
{
	struct sockaddr_storage port = *own;
	struct ifaddrs *all, *ifa;

	offer->n = 0;
	if (!punch_is_any(own)) {
		offer->at[offer->n++] = *own;
		return;
	}
	if (getifaddrs(&all))
		return;
	for (ifa = all; ifa && offer->n < MEET_CANDIDATE_MAX;
	     ifa = ifa->ifa_next) {
		struct sockaddr_storage *at = &offer->at[offer->n];
		int family = ifa->ifa_addr ? ifa->ifa_addr->sa_family : 0;

		if (!(ifa->ifa_flags & IFF_UP) ||
		    (family != AF_INET && family != AF_INET6))
			continue;
		memset(at, 0, sizeof(*at));
		memcpy(at, ifa->ifa_addr,
		       family == AF_INET6 ? sizeof(struct sockaddr_in6) :
					    sizeof(struct sockaddr_in));
		*punch_port(at) = *punch_port(&port);
		offer->n += punch_offered(at);
	}
	freeifaddrs(all);
}

enum meet_mapping punch_mapping(const struct meet_offer *offer,
				const struct sockaddr_storage *own,
				const struct sockaddr_storage *seen,
				const struct sockaddr_storage *other)
{
	struct sockaddr_storage port = *own, out = *seen;
	bool preserved = *punch_port(&port) == *punch_port(&out);
	unsigned int i;

	for (i = 0; i < offer->n; i++) {
		if (peer_same_endpoint(&offer->at[i], seen))
			return MEET_MAPPING_NONE;
	}
	if (other && !peer_same_endpoint(seen, other))
		return MEET_MAPPING_SYMMETRIC;
	if (preserved)
		return MEET_MAPPING_PRESERVING;
	return other ? MEET_MAPPING_REMAPPING : MEET_MAPPING_UNKNOWN;
}

static void punch_add(struct punch *p, const struct punch_config *config,
		      enum punch_kind kind, const struct sockaddr_storage *to)
{
	struct punch_try *try = &p->tries[p->n];
	struct sockaddr_storage own = config->own;
	unsigned int i;

	for (i = 0; i < p->n; i++) {
		if (peer_same_endpoint(&p->tries[i].config.remote, to))
			return;
	}
	try->kind = kind;
	try->config = config->peer;
	try->config.remote = *to;
	try->config.len = to->ss_family == AF_INET6 ?
				  sizeof(struct sockaddr_in6) :
				  sizeof(struct sockaddr_in);
	if (own.ss_family != to->ss_family) {
		if (!punch_is_any(&own))
			return;
		try->config.local.ss_family = to->ss_family;
		*punch_port(&try->config.local) = *punch_port(&own);
	} else {
		try->config.local = own;
	}
	try->config.attempts = UINT_MAX;
	try->state = PUNCH_OPENING;
	if (!peer_init(&try->peer, &try->config))
		p->n++;
}

static void punch_add_offered(struct punch *p,
			      const struct punch_config *config,
			      enum punch_kind kind, int family)
{
	const struct meet_offer *offer = &p->meet->partner;
	unsigned int i;

	for (i = 0; i < offer->n; i++) {
		if (offer->at[i].ss_family == family)
			punch_add(p, config, kind, &offer->at[i]);
	}
}

int punch_init(struct punch *p, const struct meet *meet,
	       const struct punch_config *config)
{
	struct punch_config c = *config;
	bool same = punch_same_addr(&meet->seen, &meet->from);
	unsigned int i;

	memset(p, 0, sizeof(*p));
	p->meet = meet;
	p->winner = p->fd = -1;
	if (!c.peer.deadline_ns)
		c.peer.deadline_ns = PEER_DEADLINE_NS;
	if (!c.peer.pause_ns)
		c.peer.pause_ns = PUNCH_PAUSE_NS;
	c.peer.at_ns = clock_real_ns() + meet->start_us * 1000ULL;
	c.peer.step_ns = PUNCH_STEP_NS / PUNCH_TRIES;
	p->end_ns = clock_now_ns() + meet->start_us * 1000ULL +
		    c.peer.deadline_ns;

	/* Behind the same NAT the way inside is the shortest. */
	if (same)
		punch_add_offered(p, &c, PUNCH_LOCAL, AF_INET);
	punch_add_offered(p, &c, PUNCH_IPV6, AF_INET6);
	punch_add(p, &c, PUNCH_PUBLIC, &meet->from);
	punch_add_offered(p, &c, PUNCH_LOCAL, AF_INET);
	for (i = 0; i < p->n; i++)
		p->tries[i].peer.config.step_ns = PUNCH_STEP_NS / p->n;
	return p->n ? 0 : -ENOENT;
}

void punch_exit(struct punch *p)
{
	unsigned int i;

	for (i = 0; i < p->n; i++) {
		struct punch_try *try = &p->tries[i];

		peer_exit(&try->peer);
		if (try->state == PUNCH_PROVING && (int)i != p->winner)
			close(try->peer.result.fd);
		try->state = PUNCH_DEAD;
	}
}

/* What an engine has counted, before it is begun anew or at its end. */
static void punch_count(struct punch_try *try)
{
	const struct peer_result *res = &try->peer.result;
	struct peer_result *sum = &try->result;

	sum->error = res->error;
	sum->last = res->last;
	sum->crossed = res->crossed;
	sum->accepted = res->accepted;
	sum->attempts += res->attempts;
	sum->refused += res->refused;
	sum->reset += res->reset;
	sum->timedout += res->timedout;
	sum->inuse += res->inuse;
	sum->elapsed_ns = res->elapsed_ns;
	sum->segs_in = res->segs_in;
	sum->segs_out = res->segs_out;
	memcpy(sum->cc, res->cc, sizeof(sum->cc));
}

/* What was open is not any more, without a word: try on. */
static void punch_again(struct punch *p, struct punch_try *try)
{
	uint64_t now_ns = clock_now_ns();

	close(try->peer.result.fd);
	try->state = PUNCH_DEAD;
	try->result.reset++;
	if (now_ns >= p->end_ns)
		return;
	try->config.at_ns = 0;
	try->config.deadline_ns = p->end_ns - now_ns;
	try->in_len = 0;
	if (!peer_init(&try->peer, &try->config))
		try->state = PUNCH_OPENING;
}

static bool punch_say(struct punch_try *try, uint8_t type, const void *data,
		      size_t len)
{
	uint8_t frame[FRAME_HEAD + SECRET_PROOF];

	frame_head(frame, type, len);
	if (len)
		memcpy(frame + FRAME_HEAD, data, len);
	/* The first bytes of a connection always fit. */
	return send(try->peer.result.fd, frame, FRAME_HEAD + len,
		    MSG_NOSIGNAL) == (ssize_t)(FRAME_HEAD + len);
}

static void punch_opened(struct punch *p, struct punch_try *try)
{
	uint8_t proof[SECRET_PROOF];

	punch_count(try);
	try->state = PUNCH_PROVING;
	secret_prove(&p->meet->secret, "open", p->meet->role, p->meet->nonce,
		     NULL, 0, proof);
	if (!punch_say(try, PUNCH_PROOF, proof, sizeof(proof)))
		punch_again(p, try);
}

/* Bytes that the partner must have sent. Returns false once one is wrong. */
static bool punch_check(const struct punch *p, const struct punch_try *try)
{
	uint8_t want[sizeof(try->in)];

	frame_head(want, PUNCH_PROOF, SECRET_PROOF);
	secret_prove(&p->meet->secret, "open", !p->meet->role, p->meet->nonce,
		     NULL, 0, want + FRAME_HEAD);
	frame_head(want + FRAME_HEAD + SECRET_PROOF, PUNCH_TAKE, 0);
	return !memcmp(want, try->in, try->in_len);
}

/* Read no more than is ours: behind it is what the user gets. */
static void punch_prove(struct punch *p, struct punch_try *try)
{
	size_t want = FRAME_HEAD + SECRET_PROOF;
	ssize_t n;

	if (p->meet->role)
		want += FRAME_HEAD;
	n = recv(try->peer.result.fd, try->in + try->in_len, want - try->in_len,
		 0);
	if (n < 0 && (errno == EAGAIN || errno == EINTR))
		return;
	if (n <= 0) {
		punch_again(p, try);
		return;
	}
	try->in_len += n;
	if (!punch_check(p, try)) {
		try->stranger = true;
		close(try->peer.result.fd);
		try->state = PUNCH_DEAD;
		return;
	}
	if (try->in_len < want)
		return;
	if (!p->meet->role && !punch_say(try, PUNCH_TAKE, NULL, 0)) {
		punch_again(p, try);
		return;
	}
	p->winner = try - p->tries;
	p->fd = try->peer.result.fd;
}

/* Nothing to open: wait for the proofs. Returns false if none can come. */
static bool punch_idle(const struct punch *p)
{
	struct pollfd pfds[PUNCH_TRIES];
	bool proving = false;
	unsigned int i;

	for (i = 0; i < p->n; i++) {
		if (p->tries[i].state == PUNCH_OPENING)
			return true;
		proving |= p->tries[i].state == PUNCH_PROVING;
		pfds[i].fd = p->tries[i].state == PUNCH_PROVING ?
				     p->tries[i].peer.result.fd :
				     -1;
		pfds[i].events = POLLIN;
	}
	if (proving)
		poll(pfds, p->n, 1);
	return proving;
}

int punch_step(struct punch *p)
{
	unsigned int i;
	int err;

	if (p->winner >= 0)
		return 0;
	if (!punch_idle(p))
		return -ETIMEDOUT;
	for (i = 0; i < p->n && p->winner < 0; i++) {
		struct punch_try *try = &p->tries[i];

		if (try->state == PUNCH_PROVING)
			punch_prove(p, try);
		if (try->state != PUNCH_OPENING)
			continue;
		err = peer_step(&try->peer);
		if (!err) {
			punch_opened(p, try);
		} else if (err < 0) {
			punch_count(try);
			try->state = PUNCH_DEAD;
		}
	}
	if (p->winner >= 0)
		return 0;
	return clock_now_ns() < p->end_ns + PUNCH_GRACE_NS ? 1 : -ETIMEDOUT;
}
