/* SPDX-License-Identifier: GPL-2.0 */
/* What a scenario is: one TCP story as a function, and what it must look like. */
#ifndef TCBSCOPE_LAB_SCENARIO_H
#define TCBSCOPE_LAB_SCENARIO_H

#include "lab/wire.h"

#include <stdbool.h>
#include <stdint.h>

/*
 * To add one: write a function of struct stage (lab/stage.h, lab/end.h), and an
 * entry in the array of its group, user/lab/scenario_GROUP.c. Nothing else has
 * to be edited: the verb, the tests and the guide go through the arrays.
 *
 *	static void hello(struct stage *s)
 *	{
 *		struct end *a = stage_end(s, A), *b = stage_end(s, B);
 *		int listener = end_listen(b, 2001, 5), fd;
 *
 *		fd = end_socket(a, 0);
 *		end_connect(a, fd, b->ip, 2001);
 *		end_close(a, fd);
 *		end_seen(b, "state", "ESTABLISHED>CLOSE_WAIT");
 *		end_close(b, listener);
 *	}
 *
 * The ends A and B are processes in network namespaces of their own, which do
 * one system call after the other. No call's error ends the function: what
 * calls return is part of the story. If a step cannot be done or is not seen in
 * time the rest of the function does nothing, and the scenario has failed. Wait
 * for what the trace shows (end_seen) or the kernel has (end_wait), never for
 * time.
 */
struct stage;

enum {
	A = 1,
	B = 2,
	BOTH = A | B,
};

/*
 * What must be in the trace of an end. Its events of one type are, socket by
 * socket, written as lab/spell.h says, and joined by ", ":
 *
 *	CLOSE>SYN_SENT CALL_CONNECT, SYN_SENT>CLOSE RX_RST ECONNREFUSED
 *
 * @story is to match that. Each of its items is an extended regular expression
 * for one event, and need not say the last words of it: SYN_SENT>CLOSE RX_RST
 * matches the above. What may repeat is in parentheses, with the comma:
 *
 *	(CLOSE>SYN_SENT, SYN_SENT>CLOSE RX_RST, )*CLOSE>SYN_SENT, ...
 *
 * The type "fact" has what the function says by stage_fact().
 */
enum story {
	STORY_IS,
	STORY_HAS,
	STORY_NEVER,
};

struct expect {
	unsigned int ends; /* of each of these */
	enum story how;
	const char *type, *story;
	unsigned int least, most; /* sockets; @most 0: @least, or any for HAS */
	/*
	 * Only under this condition (lab/need.h), or with ! in front, only
	 * without: how kernels differ.
	 */
	const char *when;
};

/*
 * IS: the whole of what happened to a socket. As many sockets have this story
 *as .least and .most say, or one. Where one story of an end and a type is told
 *so, there may be no socket with another.
 *
 * HAS: these events are in it, in this order, and others between.
 *
 * NEVER: there is no such event, of any socket. NULL: none of that type.
 *
 *	static const struct expect hello_expect[] = {
 *		IS(A, "state", "CLOSE>SYN_SENT CALL_CONNECT, ..."),
 *		IS(B, "state", "LISTEN>SYN_RECV RX_ACK, ...", .least = 200),
 *		HAS(B, "call", "accept4 EAGAIN", .when = "hook:queue_ready"),
 *		NEVER(BOTH, "reset", NULL),
 *		{}
 *	};
 */
#define IS(ends_, type_, story_, ...) \
	EXPECT(ends_, STORY_IS, type_, story_, ##__VA_ARGS__)
#define HAS(ends_, type_, story_, ...) \
	EXPECT(ends_, STORY_HAS, type_, story_, ##__VA_ARGS__)
#define NEVER(ends_, type_, story_, ...) \
	EXPECT(ends_, STORY_NEVER, type_, story_, ##__VA_ARGS__)
#define EXPECT(ends_, how_, type_, story_, ...)                             \
	{                                                                   \
		.ends = ends_, .how = how_, .type = type_, .story = story_, \
		##__VA_ARGS__                                               \
	}

/*
 * One change of the setting under which the same expectation must fail. What
 * none of these says, the function does itself if stage->control is set.
 */
struct control {
	const char *what;   /* "SACK is off" */
	const char *sysctl; /* "net/ipv4/tcp_sack=0", in both namespaces */
	bool gate_open;	    /* the gate is never closed */
	bool no_rules;	    /* the wire does what wires do */
};

enum place {
	PLACE_PAIR,	/* two namespaces, veth, and the gate (lab/gate.h) */
	PLACE_WIRE,	/* two namespaces, and the wire (lab/wire.h) */
	PLACE_NAT,	/* two hosts behind NATs (lab/nat.h), and the wire */
	PLACE_LOOPBACK, /* one namespace: what A does, B sees as well */
};

struct scenario {
	const char *name, *title;
	const char *textbook; /* what is taught; NULL: just what is true */
	const char *truth;    /* what Linux does */
	const char *notice;   /* what to look at in the output; NULL: nothing */
	void (*run)(struct stage *s);
	const struct expect *expect; /* ends with an empty one */
	struct control control;

	/* The setting, if it is not the usual one. */
	enum place place;
	struct wire_config wire; /* of PLACE_WIRE, PLACE_NAT */
	int family;		 /* 0: AF_INET */
	const char *comm[2];	 /* of the processes; "client", "server" */
	const char *needs;	 /* conditions (lab/need.h): "bbr cpus2" */
	bool racy;		 /* tests do it many times */
};

/* In the order of the guide. Both arrays end with an empty one. */
struct scenario_group {
	const char *name, *title;
	const struct scenario *scenarios;
};

extern const struct scenario_group scenario_groups[];

/* NULL: there is none of that name. */
const struct scenario *scenario_find(const char *name);
const struct scenario_group *scenario_group_find(const char *name);

extern const struct scenario scenarios_sockets[], scenarios_open[],
	scenarios_peers[], scenarios_queues[], scenarios_flood[],
	scenarios_epoll[], scenarios_data[], scenarios_loss[], scenarios_cwnd[],
	scenarios_close[], scenarios_shutdown[], scenarios_after[],
	scenarios_reset[], scenarios_scale[], scenarios_nat[], scenarios_udp[];

#endif
