/* SPDX-License-Identifier: GPL-2.0 */
/* The judge: compares what a trace shows with what a scenario expects. */
#ifndef TCBSCOPE_LAB_JUDGE_H
#define TCBSCOPE_LAB_JUDGE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "lab/scenario.h"

enum outcome {
	OUTCOME_PROVED,	 /* all is as expected */
	OUTCOME_DIFFERS, /* something is not */
	OUTCOME_CANNOT,	 /* this machine does not meet the needs */
	OUTCOME_FAILED,	 /* it could not be played to its end */
};

/* One expectation, of one end. */
struct finding {
	const struct expect *expect; /* NULL: nobody expects what was seen */
	const char *type;
	int side;
	bool met;
	unsigned int found; /* sockets, or events that must not be */
	/*
	 * What was seen: the first one that fits, or else that which comes
	 * closest; "" if there was none.
	 */
	char *seen;
};

struct report {
	enum outcome outcome;
	bool played;   /* FAILED: some step of it did, not setting the stage */
	char why[320]; /* of CANNOT and FAILED, and of a trace that lost */
	struct finding *findings;
	size_t n;
	char *facts[64]; /* what the function found out */
	unsigned int n_facts;
	uint64_t duration_ns;

	/* Not proved: what the trace has missed (lab/missed.h) */
	unsigned int missed;
	char lacks[80];
	unsigned int repeated; /* runs before this one, that had missed some */
};

/*
 * Adds a finding for each expectation and each end, and one for each socket
 * with another story where all are told. -ENOMEM, or 0.
 */
int judge(struct stage *s, struct report *report);
void judge_free(struct report *report);

/* Was it played, with something not as expected? So it must be for a control. */
bool judge_differs(const struct report *report);

/*
 * Does an event, in the words of lab/spell.h, match an item of a story? It does
 * not if that is no regular expression.
 */
bool judge_item(const char *item, const char *words);

/* Does the whole of a story match? For sockets whose events are joined. */
bool judge_story(const char *story, const char *events);

/*
 * Says line by line what was expected and what was seen, the two side by side
 * where they differ.
 */
void judge_say(const struct report *report,
	       void (*say)(const char *fmt, ...)
		       __attribute__((format(printf, 1, 2))));

#endif
