/* SPDX-License-Identifier: GPL-2.0 */
/* An end: a process in its namespace that makes one system call after another. */
#ifndef TCBSCOPE_LAB_END_H
#define TCBSCOPE_LAB_END_H

#include "lab/actor.h"

#include <netinet/in.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/socket.h>

#define END_DATA 65536

struct end;
struct stage;

/* What it is told, in memory that both processes share. */
struct end_call {
	int fd, a, b;
	size_t len;
	struct sockaddr_storage addr;
	int (*fn)(struct end *me);
	int (*own)(struct end *me, int arg); /* of end_do() */
};

struct end {
	int side;		   /* A or B: its namespace */
	char ip[INET6_ADDRSTRLEN]; /* its address */
	char data[END_DATA + 1];   /* what it has received; of end_do()
				      whatever the function likes */

	/* private */
	struct stage *stage;
	struct actor actor;
	struct end_call call;
	char said[160]; /* the call as C */
	bool begins, busy;
};

/* Starts its process. Not for scenarios. 0 or -errno. */
int end_start(struct end *e, struct stage *stage, int side, const char *comm);
void end_stop(struct end *e);

/*
 * What the calls below are made of: @fn runs in the end's process, which has
 * @call as me->call. The text is the call as C.
 */
int end_tell(struct end *e, int (*fn)(struct end *me), struct end_call call,
	     const char *fmt, ...) __attribute__((format(printf, 4, 5)));

/*
 * Calls. Each makes one system call there and returns what that returned, or
 * -errno; -ECANCELED once the scenario has failed. Sockets are of the
 * scenario's family.
 */
int end_socket(struct end *e, int flags); /* SOCK_NONBLOCK, or 0 */
int end_bind(struct end *e, int fd, const char *ip, uint16_t port);
int end_connect(struct end *e, int fd, const char *ip, uint16_t port);
int end_disconnect(struct end *e, int fd); /* connect() to AF_UNSPEC */
int end_accept(struct end *e, int fd, int flags);
int end_send(struct end *e, int fd, const char *text, int flags);
int end_send_bytes(struct end *e, int fd, size_t n, int flags); /* zeros */
int end_recv(struct end *e, int fd, size_t n, int flags); /* into e->data */
int end_shutdown(struct end *e, int fd, int how);
int end_close(struct end *e, int fd);
int end_dup(struct end *e, int fd);
int end_set(struct end *e, int fd, int level, int option, int value);
int end_get(struct end *e, int fd, int level, int option); /* the value */
int end_linger(struct end *e, int fd, int seconds);
int end_poll(struct end *e, int fd, short events, int ms); /* revents */
int end_listen_on(struct end *e, int fd, int backlog);

/* socket(), SO_REUSEADDR, bind() to its address, listen(). The socket. */
int end_listen(struct end *e, uint16_t port, int backlog);

/* recv() until there have been @n bytes, 0: until 0 or an error. How many. */
int end_drain(struct end *e, int fd, size_t n);

/* A function of the scenario's own, in the end's process. */
#define end_do(e, fn, arg) end_do_named(e, #fn, fn, arg)
int end_do_named(struct end *e, const char *name,
		 int (*fn)(struct end *me, int arg), int arg);

/*
 * The next call of @e is only begun, for it will block; it returns 0. Then
 * end_finish() waits for it and returns what it returned.
 */
struct end *end_begin(struct end *e);
int end_finish(struct end *e);

/* Whether that call sleeps: waits until it does, or has returned. */
bool end_sleeps(struct end *e);

/*
 * Another process of that end, which has its file descriptors; and the end of
 * one, as kill -9 does it.
 */
struct end *end_fork(struct end *e);
void end_kill(struct end *e);

/*
 * Waits until the trace has shown an event of this type, of that end's
 * namespace, that matches: one item of a story (lab/scenario.h).
 * end_seen_times() until there have been @n.
 */
void end_seen(struct end *e, const char *type, const char *item);
void end_seen_times(struct end *e, const char *type, const char *item,
		    unsigned int n);

/* The same; when that was, CLOCK_MONOTONIC. 0 if the scenario has failed. */
uint64_t end_seen_ns(struct end *e, const char *type, const char *item,
		     unsigned int n);

/*
 * Waits until the kernel has a socket with this local port in this state
 * (TCP_LISTEN ...); SYN_RECV is a request as well. Or until there is none;
 * gone: in any state.
 */
void end_wait(struct end *e, uint16_t port, int state);
void end_none(struct end *e, uint16_t port, int state);
void end_gone(struct end *e, uint16_t port);

/* How many there are now; @port 0: of any. */
int end_count(struct end *e, uint16_t port, int state);

#endif
