/* SPDX-License-Identifier: GPL-2.0 */
/* The open engine: two peers connect to each other, with no listener. */
#ifndef TCBSCOPE_PEER_PEER_H
#define TCBSCOPE_PEER_PEER_H

#include <poll.h>
#include <stdbool.h>
#include <stdint.h>
#include <sys/socket.h>

/*
 * RFC 9293 section 3.5: when the SYNs of two ends cross, both go from SYN_SENT
 * through SYN_RECV to ESTABLISHED. For that, each SYN has to arrive while the
 * other end is in SYN_SENT; whoever comes too early is refused by an RST. The
 * engine therefore tries again and again, each time from a fresh socket: after
 * ECONNREFUSED a non-blocking one first yields ECONNABORTED and then forgets
 * its port.
 *
 * It does no I/O of its own. The caller drives it:
 *
 *	err = peer_init(&peer, &config);
 *	if (err)
 *		return err;
 *	while (!stop && (err = peer_step(&peer)) > 0)
 *		;
 *	if (!err)
 *		use(peer.result.fd);
 *	peer_exit(&peer);
 *
 * Nothing is shared between two engines, so that one thread can drive both
 * ends of a connection. The network namespace is that of the thread at the time
 * of the step.
 */

#define PEER_DEADLINE_NS 5000000000ULL
#define PEER_ATTEMPTS 10000

#define PEER_PAUSE_NS 1000000ULL
#define PEER_CC_SIZE 16

/* All but the endpoints may be 0: a default, or none. */
struct peer_config {
	struct sockaddr_storage local, remote;
	socklen_t len;	       /* of both: they share the family */
	uint64_t deadline_ns;  /* from the start on */
	unsigned int attempts; /* at most */

	/*
	 * Two ends that know nothing of each other but the time can make their
	 * SYNs leave at once: at_ns is the start, by CLOCK_REALTIME (0: the
	 * first step); each attempt begins at a multiple of align_ns of that
	 * clock (0: whenever the last one has failed).
	 */
	uint64_t at_ns, align_ns;
	uint64_t pause_ns;   /* after a refusal, a random time below this */
	uint64_t attempt_ns; /* a SYN without an answer is given up then */
	uint64_t step_ns;    /* the longest wait in one step; 1 ms */

	bool listen;	       /* take the peer's SYN by a listener as well */
	char cc[PEER_CC_SIZE]; /* congestion control */
};

/*
 * What one end can know by itself. A socket that showed SYN_RECV has met a bare
 * SYN: crossed. One that had a single segment from its peer when it was
 * ESTABLISHED has met a SYN+ACK: not crossed. SYN_RECV is short, so between
 * the two there is much that one cannot know. Whether the open was full, that
 * is whether both SYNs crossed, one end can never tell.
 */
enum peer_crossed {
	PEER_CROSSED_UNKNOWN,
	PEER_CROSSED_NO,
	PEER_CROSSED_YES,
};

struct peer_result {
	int fd;			   /* connected, non-blocking; the caller's */
	int error;		   /* -errno of the end, 0 if connected */
	int last;		   /* -errno of the last attempt that failed */
	enum peer_crossed crossed; /* of the attempt that is or was last */

	unsigned int attempts; /* SYNs that were sent, not counting repeats */
	unsigned int refused;  /* ECONNREFUSED: an RST in SYN_SENT */
	unsigned int reset;    /* ECONNRESET: an RST in SYN_RECV */
	unsigned int timedout; /* given up by the kernel, or by attempt_ns */
	unsigned int limited;  /* given up by peer_limit() */
	unsigned int unreachable; /* a router said so */
	unsigned int inuse;	  /* port or 4-tuple still taken: no SYN sent */
	uint64_t elapsed_ns;	  /* from the start to the end */

	bool accepted;	  /* the listener won: the peer's SYN came first */
	uint32_t segs_in; /* tcp_info, right after the open */
	uint32_t segs_out;
	uint32_t rto_us;
	char cc[PEER_CC_SIZE]; /* congestion control, empty if unknown */
};

struct peer {
	struct peer_result result;

	/* private */
	struct peer_config config;
	uint64_t start_ns;  /* CLOCK_MONOTONIC; 0: no step yet */
	uint64_t resume_ns; /* no attempt before this */
	uint64_t began_ns;  /* the attempt under way */
	uint64_t seed;
	unsigned int hops;	 /* as by peer_limit() */
	unsigned int began_hops; /* of the attempt under way */
	int fd;			 /* of the attempt under way, or -1 */
	int listener;		 /* or -1 */
};

/*
 * Check @config, copy it and make ready; no socket is opened. Returns
 *
 *	0
 *	-EAFNOSUPPORT	neither IPv4 nor IPv6, or one of each
 *	-EINVAL		a port is 0, or @config->len does not fit
 *	-ELOOP		both endpoints are the same: it would meet itself
 */
int peer_init(struct peer *peer, const struct peer_config *config);

/*
 * Go on for at most about config.step_ns. Returns
 *
 *	1		not yet decided: step again
 *	0		connected; result.fd is set and owned by the caller
 *	-ETIMEDOUT	the deadline has passed; result.last says what the last
 *			attempt met, 0 if it was never answered
 *	-ECONNREFUSED, -ECONNRESET, -ETIMEDOUT
 *			the attempts are used up, and this ended the last one
 *	-ELOOP		the kernel chose addresses so that the socket was
 *			connected to itself; it is closed
 *	-ENOENT		this kernel has no such congestion control
 *	-errno		anything else that another attempt would not change,
 *			from socket(), bind() or connect(): -EACCES,
 *			-EADDRNOTAVAIL, -ENETUNREACH, ...
 *
 * Once it has returned 0 or an error it returns the same again.
 */
int peer_step(struct peer *peer);

/*
 * The same for who drives several engines: peer_turn() does what is due,
 * returns as peer_step() does, and waits for nothing but the last 200 us before
 * a time that was agreed. peer_poll() says what else is worth waiting for:
 * these fds, of which some may be -1, and not beyond *@until_ns
 * (CLOCK_MONOTONIC), which it may make earlier.
 */
#define PEER_FDS 2

int peer_turn(struct peer *peer);
void peer_poll(const struct peer *peer, struct pollfd pfds[PEER_FDS],
	       uint64_t *until_ns);

/* Wait for one of @pfds, or until then. Returns 0 or -errno. */
int peer_sleep(struct pollfd *pfds, unsigned int n, uint64_t until_ns);

/*
 * From now on the first SYN of an attempt goes no further than @hops routers,
 * 0: as far as it takes. It so makes a way in through what is near, without
 * being refused by what is far, and the attempt waits for the peer's SYN. One
 * that is under way with another such limit is given up. Over IPv6 it hears no
 * peer whose segments begin with a smaller hop limit than those of an engine.
 */
void peer_limit(struct peer *peer, unsigned int hops);

/*
 * Close the attempt under way and the listener, if any. The socket of a
 * finished open is the caller's and stays as it is.
 */
void peer_exit(struct peer *peer);

/* Whatever becomes of this connection, let its end be an RST. */
void peer_abort(int fd);

/* True if both are the same address, port and, for IPv6, scope. */
bool peer_same_endpoint(const struct sockaddr_storage *a,
			const struct sockaddr_storage *b);

#endif /* TCBSCOPE_PEER_PEER_H */
