/* SPDX-License-Identifier: GPL-2.0 */
/* The stage: namespaces, ends and a trace, on which a scenario is played. */
#ifndef TCBSCOPE_LAB_STAGE_H
#define TCBSCOPE_LAB_STAGE_H

#include "lab/end.h"
#include "lab/gate.h"
#include "lab/judge.h"
#include "lab/nat.h"
#include "lab/netns.h"
#include "lab/scenario.h"
#include "lab/tracer.h"
#include "lab/wire.h"
#include "lab/witness.h"

struct json_object;

#define STAGE_ENDS 4 /* processes: A, B, and two that they fork */
#define STAGE_FACTS 64
#define STAGE_PATIENCE_NS 30000000000ull /* for any one step */
#define STAGE_HASTE_NS 1500000000ull /* the same of a control, which fails */
#define STAGE_NEVER_MS 5000 /* no process has to wait for the CPU so long */

typedef void stage_say_fn(const char *fmt, ...)
	__attribute__((format(printf, 1, 2)));

struct stage_fact {
	int side;
	char text[160];
};

struct stage {
	const struct scenario *scenario;
	bool control; /* is it to fail? */

	struct netns_pair pair; /* PLACE_LOOPBACK: both sides are the same */
	struct gate gate;	/* PLACE_PAIR */
	struct wire *wire;	/* PLACE_WIRE; PLACE_NAT: A's NAT and beyond */
	struct nat_lab nat;	/* PLACE_NAT */
	struct end end[STAGE_ENDS];

	/* private */
	struct tracer *tracer;
	bool last; /* the trace ends with the scenario */
	stage_say_fn *say;
	uint64_t began_ns,
		ended_ns; /* events before and after are not judged */
	struct stage_fact facts[STAGE_FACTS];
	unsigned int n_facts;
	char failed[256]; /* what could not be done; "": nothing */
};

/* What types of events a trace has to have; of one scenario, or NULL: of any. */
char *stage_events(const struct scenario *scenario);

/*
 * Plays a scenario in two namespaces that are empty and that @tracer traces,
 * and judges it. It stops @tracer if it is the @last one that it traces. @say
 * gets a line for each step, or is NULL. The caller frees the report by
 * judge_free().
 */
void stage_play(const struct scenario *scenario, bool control,
		const struct netns_pair *spaces, struct tracer *tracer,
		bool last, stage_say_fn *say, struct report *report);

/*
 * For the function of a scenario. None returns an error: what cannot be done
 * ends the scenario, which has failed then.
 */

struct end *stage_end(struct stage *s, int side); /* A or B */

/*
 * The usual connection: B listens on 2001, A connects, B accepts.
 */
struct stage_conn {
	int listener, child; /* of B */
	int fd;		     /* of A */
};

struct stage_conn stage_connect(struct stage *s);

/*
 * Its end: A closes first, then B with the listener; until the trace has shown
 * all of that.
 */
void stage_hang_up(struct stage *s, const struct stage_conn *conn);

/*
 * Both ends close at once what they have open, @fd of A and B: the FINs cross,
 * until the trace has shown that both have TIME_WAIT. For a place with a gate.
 */
void stage_hang_up_both(struct stage *s, const int fd[2]);

/* Another one, to the same listener. */
void stage_connect_again(struct stage *s, struct stage_conn *conn);

/* One line of what the function has found out: an event of the type "fact". */
void stage_fact(struct stage *s, int side, const char *fmt, ...)
	__attribute__((format(printf, 3, 4)));

/* One line of what happens, for the reader only. */
void stage_say(struct stage *s, const char *fmt, ...)
	__attribute__((format(printf, 2, 3)));

/* This cannot be done: the rest of the function does nothing. */
void stage_fail(struct stage *s, const char *fmt, ...)
	__attribute__((format(printf, 2, 3)));
bool stage_failed(const struct stage *s);

/*
 * The gate: what A or B (or BOTH) send from now on is held; it has held
 * something; it all goes. All three do nothing if the control leaves it open.
 */
void stage_hold(struct stage *s, int sides);
void stage_held(struct stage *s, int sides);
void stage_let_go(struct stage *s, int sides);

/*
 * The wire's rules (lab/rule.h). A control without rules adds none: then the
 * number is -1, which the others take for a rule that is done. Everything else
 * of the wire is at s->wire.
 */
int stage_rule(struct stage *s, const struct rule *rule);
void stage_rule_done(struct stage *s, int rule, unsigned int n);
void stage_release(struct stage *s, int rule);

/* What the NAT of A, B, or BOTH does (lab/nat.h). Once for each. */
void stage_nat(struct stage *s, int sides, enum nat_mapping mapping,
	       enum nat_filter filter);

/* A sysctl in the namespace of A, B, or BOTH: "net/ipv4/tcp_sack", "0". */
void stage_sysctl(struct stage *s, int sides, const char *path,
		  const char *value);

/*
 * No timeout of connections that A or B opens from now on is shorter: for
 * stories in which nothing is to time out, however busy the machine is.
 */
void stage_rto_min(struct stage *s, int side, unsigned int ms);

/*
 * Of connections that A, B, or BOTH open from now on nothing is sent again for
 * want of an answer: no timeout, no probe. What is lost is still noticed by
 * what comes behind it.
 */
void stage_patient(struct stage *s, int sides);

/* A counter of that namespace, as lab/counter.h has it; negative: none. */
int64_t stage_counter(struct stage *s, int side, const char *name);

/* Index 0 or 1 of A or B. */
int stage_side(int side);

uint64_t stage_patience_ns(const struct stage *s);

/* Is the event one of this run, and of A, or of B? */
bool stage_has(const struct stage *s, int side, struct json_object *event);

#endif
