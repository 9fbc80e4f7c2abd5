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
#define PUNCH_PAUSE_NS 200000ULL    /* both ends try hard, but not for long */
#define PUNCH_STAGGER_NS 1000000ULL /* between one kind and the next */
#define PUNCH_PLAIN_NS 2000000ULL   /* then they take turns, of */
#define PUNCH_TURN_NS 100000000ULL
#define PUNCH_GUARD_NS 10000000ULL /* at a turn's begin it is nobody's */
#define PUNCH_HOPS_NONE 1	   /* no router passes it on */
#define PUNCH_HOPS_MIN 2	   /* the first router makes the way */
#define PUNCH_HOPS_MAX 7
#define PUNCH_GRACE_NS 1000000000ULL /* for the proof of what opened late */

/*
 * Time of a meeting: each turn has come, and the kernel has repeated a SYN that
 * was dropped. Where the rendezvous is far, so many times the wait for the
 * start, of which a round trip between the two takes no more than four.
 */
#define PUNCH_MEETING_NS 1400000000ULL
#define PUNCH_MEETING_WAITS 5

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

bool punch_same_nat(const struct punch *p)
{
	return punch_same_addr(&p->meet->seen, &p->meet->from);
}

/*
 * How much later than the start: the same at both ends, so that they try the
 * same way at once. Behind the same NAT the way inside is the shortest.
 */
static uint64_t punch_stagger_ns(enum punch_kind kind, bool same)
{
	static const unsigned int order[][2] = {
		[PUNCH_IPV6] = { 0, 1 },
		[PUNCH_PUBLIC] = { 1, 2 },
		[PUNCH_LOCAL] = { 2, 0 },
	};

	return order[kind][same] * PUNCH_STAGGER_NS;
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
	try->config.at_ns += punch_stagger_ns(kind, punch_same_nat(p));
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

static bool punch_offers_ipv6(const struct meet_offer *offer)
{
	unsigned int i;

	for (i = 0; i < offer->n; i++) {
		if (offer->at[i].ss_family == AF_INET6)
			return true;
	}
	return false;
}

/* A symmetric NAT is in the only way, and will be with any other port. */
static bool punch_is_vain(const struct punch *p)
{
	const struct meet_offer *own = &p->meet->own, *its = &p->meet->partner;

	return (own->mapping == MEET_MAPPING_SYMMETRIC ||
		its->mapping == MEET_MAPPING_SYMMETRIC) &&
	       !punch_same_nat(p) &&
	       !(punch_offers_ipv6(own) && punch_offers_ipv6(its));
}

/*
 * How long this meeting may take of @left_ns. Both ends come to the same: what
 * it is computed from is nearly the same.
 */
static uint64_t punch_time_ns(const struct punch *p, uint64_t left_ns)
{
	uint64_t far_ns = p->meet->start_us * 1000ULL * PUNCH_MEETING_WAITS;
	uint64_t ns = far_ns > PUNCH_MEETING_NS ? far_ns : PUNCH_MEETING_NS;

	return p->meetings < PUNCH_MEETINGS && left_ns >= 2 * ns &&
			       !punch_is_vain(p) ?
		       ns :
		       left_ns;
}

/* A meeting in the time that p->begin_ns and p->last_ns leave to it. */
static int punch_begin(struct punch *p, const struct meet *meet,
		       const struct punch_config *config)
{
	struct punch_config c = *config;
	uint64_t left_ns;

	p->meet = meet;
	p->winner = p->fd = -1;
	p->n = 0;
	p->meetings++;
	left_ns = p->last_ns > p->start_ns ? p->last_ns - p->start_ns : 1;
	c.peer.deadline_ns = punch_time_ns(p, left_ns);
	p->end_ns = p->start_ns + c.peer.deadline_ns;
	if (!c.peer.pause_ns)
		c.peer.pause_ns = PUNCH_PAUSE_NS;
	c.peer.at_ns = clock_real_ns() + p->start_ns - clock_now_ns();
	/* Else a SYN and the RST for the other overtake each other. */
	if (meet->role)
		c.peer.at_ns += PUNCH_PAUSE_NS / 2;

	/* Of what opens the first one is taken. */
	if (punch_same_nat(p))
		punch_add_offered(p, &c, PUNCH_LOCAL, AF_INET);
	punch_add_offered(p, &c, PUNCH_IPV6, AF_INET6);
	punch_add(p, &c, PUNCH_PUBLIC, &meet->from);
	punch_add_offered(p, &c, PUNCH_LOCAL, AF_INET);
	return p->n ? 0 : -ENOENT;
}

int punch_init(struct punch *p, const struct meet *meet,
	       const struct punch_config *config)
{
	memset(p, 0, sizeof(*p));
	p->start_ns = config->told_ns + meet->start_us * 1000ULL;
	p->begin_ns = p->start_ns;
	p->last_ns = p->start_ns +
		     (config->peer.deadline_ns ?: PEER_DEADLINE_NS);
	return punch_begin(p, meet, config);
}

/* What was counted on the way to the same address, whatever the port. */
static void punch_inherit(struct punch_try *try, const struct punch_try *before)
{
	if (try->kind != before->kind ||
	    !punch_same_addr(&try->config.remote, &before->config.remote))
		return;
	try->result = before->result;
	try->stranger = before->stranger;
}

int punch_renew(struct punch *p, const struct meet *meet,
		const struct punch_config *config)
{
	struct punch_try before[PUNCH_TRIES];
	unsigned int n = p->n, i, j;
	int err;

	memcpy(before, p->tries, sizeof(before));
	memset(p->tries, 0, sizeof(p->tries));
	p->start_ns = config->told_ns + meet->start_us * 1000ULL;
	err = punch_begin(p, meet, config);
	for (i = 0; i < p->n; i++) {
		for (j = 0; j < n; j++)
			punch_inherit(&p->tries[i], &before[j]);
	}
	return err;
}

void punch_exit(struct punch *p)
{
	unsigned int i;

	for (i = 0; i < p->n; i++) {
		struct punch_try *try = &p->tries[i];

		peer_exit(&try->peer);
		if (try->state == PUNCH_PROVING && (int)i != p->winner) {
			close(try->peer.result.fd);
			try->stranger = true; /* has had time to prove */
		}
		try->state = PUNCH_DEAD;
	}
}

/* What an engine has counted, before it is begun anew or at its end. */
static void punch_count(const struct punch *p, struct punch_try *try)
{
	const struct peer_result *res = &try->peer.result;
	struct peer_result *sum = &try->result;
	uint64_t now_ns = clock_now_ns();

	sum->error = res->error;
	sum->last = res->last;
	sum->crossed = res->crossed;
	sum->accepted = res->accepted;
	sum->attempts += res->attempts;
	sum->refused += res->refused;
	sum->reset += res->reset;
	sum->timedout += res->timedout;
	sum->limited += res->limited;
	sum->unreachable += res->unreachable;
	sum->inuse += res->inuse;
	sum->elapsed_ns = now_ns > p->begin_ns ? now_ns - p->begin_ns : 0;
	sum->segs_in = res->segs_in;
	sum->segs_out = res->segs_out;
	memcpy(sum->cc, res->cc, sizeof(sum->cc));
}

/* What was open is of no use: try on. */
static void punch_again(struct punch *p, struct punch_try *try)
{
	uint64_t now_ns = clock_now_ns();

	peer_abort(try->peer.result.fd);
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

static bool punch_say_proof(const struct punch *p, struct punch_try *try)
{
	uint8_t proof[SECRET_PROOF];

	secret_prove(&p->meet->secret, "open", p->meet->role, p->meet->nonce,
		     NULL, 0, proof);
	return punch_say(try, PUNCH_PROOF, proof, sizeof(proof));
}

static void punch_opened(struct punch *p, struct punch_try *try)
{
	/* What is lost once comes after one such timeout. */
	uint64_t patience_ns = 2000ULL * try->peer.result.rto_us;

	punch_count(p, try);
	try->state = PUNCH_PROVING;
	try->until_ns = clock_now_ns() + patience_ns;
	if (!p->meet->role && !punch_say_proof(p, try))
		punch_again(p, try);
}

/*
 * Is what has come so far what the partner must have sent? Of a proof nothing
 * is said before it is whole: the next one may be tried against the same.
 */
static bool punch_check(const struct punch *p, const struct punch_try *try)
{
	size_t whole = FRAME_HEAD + SECRET_PROOF, len = try->in_len;
	uint8_t head[FRAME_HEAD];

	frame_head(head, PUNCH_PROOF, SECRET_PROOF);
	if (memcmp(head, try->in, len < sizeof(head) ? len : sizeof(head)))
		return false;
	if (len < whole)
		return true;
	frame_head(head, PUNCH_TAKE, 0);
	return secret_proves(&p->meet->secret, "open", !p->meet->role,
			     p->meet->nonce, NULL, 0, try->in + FRAME_HEAD) &&
	       !memcmp(head, try->in + whole, len - whole);
}

/* Read no more than is ours: behind it is what the user gets. */
static void punch_prove(struct punch *p, struct punch_try *try)
{
	const size_t whole = FRAME_HEAD + SECRET_PROOF;
	size_t want = p->meet->role ? whole + FRAME_HEAD : whole;
	bool proven = try->in_len >= whole;
	ssize_t n;

	n = recv(try->peer.result.fd, try->in + try->in_len, want - try->in_len,
		 0);
	if (n < 0 && (errno == EAGAIN || errno == EINTR)) {
		/* Who is proven has ours as well by then, or tells us. */
		if (proven || clock_now_ns() < try->until_ns)
			return;
		try->stranger = true;
	}
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
	if (p->meet->role && !proven && try->in_len >= whole &&
	    !punch_say_proof(p, try)) {
		punch_again(p, try);
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

/* How far our SYNs may go now, 0: as far as it takes. */
static unsigned int punch_hops(const struct punch *p)
{
	uint64_t since_ns = clock_now_ns() - p->start_ns, turn;

	if ((int64_t)since_ns < (int64_t)PUNCH_PLAIN_NS)
		return 0;
	since_ns -= PUNCH_PLAIN_NS;
	turn = since_ns / PUNCH_TURN_NS;
	if (since_ns % PUNCH_TURN_NS < PUNCH_GUARD_NS)
		return PUNCH_HOPS_NONE;
	if (turn % 2 != p->meet->role)
		return 0;
	return PUNCH_HOPS_MIN +
	       turn / 2 % (PUNCH_HOPS_MAX - PUNCH_HOPS_MIN + 1);
}

static void punch_turn(struct punch *p, struct punch_try *try)
{
	int err;

	peer_limit(&try->peer, punch_hops(p));
	err = peer_turn(&try->peer);
	if (!err) {
		punch_opened(p, try);
	} else if (err < 0) {
		punch_count(p, try);
		try->state = PUNCH_DEAD;
	}
}

/* Wait for what can come. Returns 0, or -ETIMEDOUT if nothing can. */
static int punch_wait(const struct punch *p)
{
	uint64_t until_ns = clock_now_ns() + PUNCH_STEP_NS;
	struct pollfd pfds[PUNCH_TRIES * PEER_FDS];
	unsigned int i, n = 0;

	for (i = 0; i < p->n; i++) {
		const struct punch_try *try = &p->tries[i];

		if (try->state == PUNCH_OPENING) {
			peer_poll(&try->peer, &pfds[n], &until_ns);
			n += PEER_FDS;
		} else if (try->state == PUNCH_PROVING) {
			pfds[n++] = (struct pollfd){ .fd = try->peer.result.fd,
						     .events = POLLIN };
		}
	}
	return n ? peer_sleep(pfds, n, until_ns) : -ETIMEDOUT;
}

/*
 * When nothing more is waited for. Role 1, once it has the proof, may have been
 * taken already: no other meeting before that is known.
 */
static uint64_t punch_over_ns(const struct punch *p)
{
	uint64_t end_ns = p->end_ns;
	unsigned int i;

	for (i = 0; i < p->n; i++) {
		if (p->tries[i].state == PUNCH_PROVING &&
		    p->tries[i].in_len >= FRAME_HEAD + SECRET_PROOF)
			end_ns = p->last_ns;
	}
	return end_ns + PUNCH_GRACE_NS;
}

int punch_step(struct punch *p)
{
	unsigned int i;
	int err;

	for (i = 0; i < p->n && p->winner < 0; i++) {
		struct punch_try *try = &p->tries[i];

		if (try->state == PUNCH_PROVING)
			punch_prove(p, try);
		if (try->state == PUNCH_OPENING)
			punch_turn(p, try);
	}
	if (p->winner >= 0)
		return 0;
	err = clock_now_ns() >= punch_over_ns(p) ? -ETIMEDOUT : punch_wait(p);
	/* What ends before its time would do so again. */
	if (err == -ETIMEDOUT && p->end_ns < p->last_ns &&
	    clock_now_ns() >= p->end_ns)
		return -EAGAIN;
	return err ?: 1;
}
