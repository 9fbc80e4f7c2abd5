/* SPDX-License-Identifier: GPL-2.0 */
/*
 * The BPF programs: what each is for, what is lost without it, and what a
 * kernel can say against it.
 */
#ifndef TCBSCOPE_INPUT_PROBE_H
#define TCBSCOPE_INPUT_PROBE_H

#include "event/schema.h"

#define PROBE_PROGRAMS 64 /* more than there are rows in the table */
#define PROBE_REASON 320
#define PROBE_FIELDS 128

/* Where only queues are traced, less may do (bpf/queue_light.bpf.c). */
enum probe_weight {
	PROBE_ANY_WEIGHT,
	PROBE_LIGHT, /* for that */
	PROBE_HEAVY, /* for all else */
};

/* One program of bpf/. What it hangs on is said there, by its section. */
struct probe_program {
	const char *name;  /* of its function */
	__u32 events;	   /* 1 << EVENT_x of all it serves; 0: all that
			      happens, but for what exists */
	__u32 makes;	   /* of these, those that it makes itself */
	bool mandatory;	   /* a trace of them is nothing without it */
	bool named;	   /* only if they are asked for by name: it
			      costs those who are not traced, too */
	unsigned int tier; /* of its hook, as in tier.h; 0: the first */
	enum probe_weight weight;
	const char *stands_in_for; /* loaded only if that program is not */
	const char *without;	   /* what is lost; NULL: not worth a word */
	const char *fields;	   /* that are then only derived: "pid,comm" */
};

/*
 * The order is that of attaching, and the kernel runs the programs of one
 * tracepoint in that order. The last row has no name.
 */
extern const struct probe_program probe_programs[];

enum probe_status {
	PROBE_UNWANTED, /* serves nothing that was asked for */
	PROBE_UNNEEDED, /* only stands in for a program that works */
	PROBE_WORKS,
	PROBE_REFUSED,
	PROBE_UNTRIED, /* another one's refusal has ended it all */
};

struct probe_result {
	enum probe_status status;
	int err;		   /* refused: -errno */
	char reason[PROBE_REASON]; /* refused: why, in words; one line */
};

/* How good the events of a type are on this kernel. */
struct probe_quality {
	enum { PROBE_EXACT, PROBE_DERIVED, PROBE_ABSENT } events;
	char derived[PROBE_FIELDS]; /* fields that are worse: "pid,comm" */
};

/* Does it serve one of these event types? */
bool probe_serves(const struct probe_program *p, __u32 events);

/*
 * What became of probe_programs[i], one result for each row: the name of the
 * program that works in its place, or in that of its stand-in, or NULL; was it
 * refused, and has none?
 */
const char *probe_stand_in(const struct probe_result *results, unsigned int i);
bool probe_missing(const struct probe_result *results, unsigned int i);

/*
 * What that makes of the events of a type: exact, unless a program that makes
 * some of them is missing; absent, if all of those are, or a mandatory one.
 */
struct probe_quality probe_judge(const struct probe_result *results,
				 const struct schema *schema,
				 enum event_type type);

/*
 * Marks a program as refused, and says why in words. @section: what it hangs
 * on, as "tp_btf/tcp_probe", or a function that it calls; @err: -errno as the
 * kernel or libbpf gave it; @log: what the verifier said, which may be empty.
 */
void probe_refuse(struct probe_result *result, const char *section, int err,
		  const char *log);

#endif
