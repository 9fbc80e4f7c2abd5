/* SPDX-License-Identifier: GPL-2.0 */
/*
 * A connection under test, and the kernel module that looks into both its ends.
 *
 * To be included first: it has TCP_INFO as the kernel's header describes it,
 * which is more than the C library knows.
 */
#ifndef TCBSCOPE_TESTS_LIB_SCOPE_H
#define TCBSCOPE_TESTS_LIB_SCOPE_H

#include <linux/tcp.h>

#define _NETINET_TCP_H
#include "lib/clock.h"
#include "tests/lib/conn.h"
#include "tests/lib/kmod.h"

#define SCOPE_CLIENTS 6 /* as many as the queue of listen(5) holds */
#define SCOPE_PATIENCE_NS (20 * NSEC_PER_SEC)

struct scope {
	struct conn conn;	   /* its gate is open */
	struct module *at[2];	   /* asks in the namespace of an end */
	int client[SCOPE_CLIENTS]; /* other sockets; 0: none */
};

/* Loads the module, and unloads it. Both return 0 or -errno. */
int scope_start(struct scope *s, int family);
int scope_stop(struct scope *s);

/* The socket of an end as the module shows it, and one that has that cookie. 0
 * or -errno. */
int scope_show(struct scope *s, int side, struct module_list *list);
int scope_show_cookie(struct scope *s, int side, uint64_t cookie,
		      struct module_list *list);

/* The listener of side 1; an empty list: it is not to be had. */
struct module_list scope_listener(struct scope *s, bool entries);

/*
 * The same instant as TCP_INFO and SO_MEMINFO tell it: both are read before and
 * after, until neither has changed meanwhile. @memory has SK_MEMINFO_VARS.
 */
int scope_compare(struct scope *s, int side, struct module_list *list,
		  struct tcp_info *info, uint32_t *memory);

/* Until all is acknowledged that an end has sent. */
int scope_settle(struct scope *s, int side);

/* A number in a list of that list; absent: ~0. */
uint64_t scope_in(const struct module_list *list, int nest, int type);

/* The timer of this kind, in us; -1: it does not run. */
int64_t scope_timer(const struct module_list *list, uint64_t kind);

/* How many segments there are in a queue; the n-th of them in *@nth. */
int scope_segments(const struct module_list *list, uint64_t queue, int n,
		   struct module_list *nth);

/* What a test says of "list": SEND(NXT), SOCKET(STATE). */
#define SCOPE_IN(nest, name) \
	scope_in(&list, TCBSCOPE_A_SOCKET_##nest, TCBSCOPE_A_##nest##_##name)
#define SEND(name) SCOPE_IN(SEND, name)
#define RECEIVE(name) SCOPE_IN(RECEIVE, name)
#define CONGESTION(name) SCOPE_IN(CONGESTION, name)
#define TIME(name) SCOPE_IN(TIME, name)
#define MEMORY(name) SCOPE_IN(MEMORY, name)
#define OPTIONS(name) SCOPE_IN(OPTIONS, name)
#define SOCKET(name) module_or(&list, TCBSCOPE_A_SOCKET_##name, -1)
#define LISTENER(name) module_or(&list, TCBSCOPE_A_LISTENER_##name, -1)
#define TIMER(kind) scope_timer(&list, TCBSCOPE_TIMER_KIND_##kind)

/*
 * The fixture of tests that have one, of both families: self->s. For who has
 * included <kselftest_harness.h>.
 */
#define SCOPE_FIXTURE(name)                                           \
	static void __attribute__((constructor)) need_module(void)    \
	{                                                             \
		kmod_or_skip();                                       \
	}                                                             \
	FIXTURE(name)                                                 \
	{                                                             \
		struct scope s;                                       \
	};                                                            \
	FIXTURE_VARIANT(name)                                         \
	{                                                             \
		int family;                                           \
	};                                                            \
	FIXTURE_VARIANT_ADD(name, ipv4){ .family = AF_INET };         \
	FIXTURE_VARIANT_ADD(name, ipv6){ .family = AF_INET6 };        \
	FIXTURE_SETUP(name)                                           \
	{                                                             \
		ASSERT_EQ(0, scope_start(&self->s, variant->family)); \
	}                                                             \
	FIXTURE_TEARDOWN(name)                                        \
	{                                                             \
		EXPECT_EQ(0, scope_stop(&self->s));                   \
	}

#endif
