/* SPDX-License-Identifier: GPL-2.0 */
/*
 * One connection under test: two namespaces with the gate between them, the
 * sockets of both ends, and a trace that watches.
 *
 * Side 0 connects, side 1 listens, unless the test does it all by itself. No
 * socket blocks; the functions wait for states, TRACE_PATIENCE_NS at most.
 * What returns int returns 0 or -errno.
 */
#ifndef TCBSCOPE_TESTS_LIB_CONN_H
#define TCBSCOPE_TESTS_LIB_CONN_H

#include "lab/gate.h"
#include "lab/netns.h"
#include "shared.h"
#include "story.h"
#include "trace.h"

#include <netinet/tcp.h>

#define CONN_PORT shared_port() /* of side 0; side 1 has the next one */

struct conn {
	int family;
	struct netns_pair pair;
	struct gate gate;
	struct trace trace;
	struct sockaddr_storage addr[2];
	socklen_t len;	     /* of both */
	int listener;	     /* on side 1; -1: none */
	int fd[2];	     /* the ends; -1: none */
	uint64_t cookie[2];  /* of the ends, also when they are closed */
	const char *watched; /* event types of the trace; "": those shared */
	char story[2][1024];
};

/*
 * Namespaces, the gate (open), a trace of all states in both, no socket: the
 * shared trace (shared.h), if there is one. Or in two steps, between which
 * sockets may be made, and for other event types; conn_join() has those that
 * the shared trace has.
 */
int conn_start(struct conn *c, int family);
int conn_stage(struct conn *c, int family);
int conn_watch(struct conn *c, char *events);
int conn_join(struct conn *c);

/*
 * Ends the trace and judges the whole of it: -EBADMSG and a line on standard
 * error if its account does not add up, or if something is wrong with the
 * states of an end (story_flaw), where only these were traced. No socket has to
 * be closed before. The account of a shared trace is judged at its own end.
 */
int conn_stop(struct conn *c);
void conn_free(struct conn *c);

/* A socket on @side: its fd, the caller's, or -errno. Not bound. */
int conn_socket(const struct conn *c, int side);

/* The socket of an end: conn_bind() makes it, with the end's own address. */
int conn_bind(struct conn *c, int side);
int conn_listen(struct conn *c);

/*
 * A listener that takes connections by TCP Fast Open, from side 0. A client
 * needs a @cookie, or data with its SYN.
 */
int conn_listen_fastopen(struct conn *c, bool cookie);

/* Starts connecting, binds before if there is no socket. 0 also while busy. */
int conn_connect(struct conn *c, int side);
int conn_accept(struct conn *c);

/* All of it, until both ends are ESTABLISHED. */
int conn_open(struct conn *c);

/* Both ends connect, and the gate holds their SYNs; it is closed before. */
int conn_cross(struct conn *c);

/* close(); conn_reset() with SO_LINGER 0, which sends RST. */
int conn_close(struct conn *c, int side);
int conn_reset(struct conn *c, int side);

/* Sends @n bytes; receives until there have been @n, 0: until end of file. */
int conn_send(struct conn *c, int side, size_t n);
int conn_receive(struct conn *c, int side, size_t n);

int conn_option(struct conn *c, int side, int level, int option, int value);

/*
 * Waits a moment between two looks at what is waited for since @begin, in ns;
 * false: that has been long enough. A loop that does not wait keeps an emulated
 * processor busy, whose clock then creeps.
 */
bool conn_pause(uint64_t begin);

/* Until the kernel has an end in this state, minisockets included. */
int conn_wait(struct conn *c, int side, int state);

/*
 * Until an end has taken the other one's FIN. It acks it now, out of this
 * process: else a timer of 40 ms would, on top of any other, and what happens
 * on top of one that the kernel hides from all programs is seen by none.
 */
int conn_ack_fin(struct conn *c, int side);

/* Until the kernel has no socket of that end any more. */
int conn_gone(struct conn *c, int side);

/* Until the trace has shown that an end came to this state. */
int conn_seen(struct conn *c, int side, const char *state);

/*
 * A closed gate holds one packet of @side only, the last: the next one that
 * comes takes its place and it is lost. conn_cut() makes those that wait fail
 * soon, as if no host had the address: EHOSTUNREACH for who sent them.
 */
int conn_hold_last(struct conn *c, int side);
int conn_cut(struct conn *c, int side);

/* All that the network brings a deaf socket is lost before TCP sees it. */
int conn_deafen(int fd, bool deaf);
uint32_t conn_lost(int fd); /* how many segments */
int conn_wait_lost(int fd, uint32_t n);

/* From now on it gets no segment whose data begin with @byte. */
int conn_lose(int fd, char byte);

/* For sockets that are made from now on: route.h. */
int conn_rto_min(struct conn *c, int side, unsigned int ms);

/* A counter of the namespace, as /proc/net/snmp or netstat names it; -errno. */
int64_t conn_counter(const struct conn *c, int side, const char *name);
int conn_wait_counter(const struct conn *c, int side, const char *name,
		      int64_t n);

/*
 * Leaves the socket of an end to another process, which execs a program that
 * ends or, with @program NULL, is killed. The socket is closed on exec.
 */
int conn_leave_to(struct conn *c, int side, const char *program);

/*
 * What "ss --kill" does with the socket of an end, which may be a listener:
 * SOCK_DESTROY over netlink.
 */
int conn_abort(struct conn *c, int side);

/* The story of an end, and one of its transitions: that from @old. */
const char *conn_story(struct conn *c, int side);
const char *conn_left(struct conn *c, int side, const char *old);

uint64_t conn_cookie(int fd);

#endif
