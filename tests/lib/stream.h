/* SPDX-License-Identifier: GPL-2.0 */
/*
 * A trace whose JSON goes to a file in memory: it never waits for its reader,
 * and what it has written is looked at line by line, so that there may be any
 * number of events.
 */
#ifndef TCBSCOPE_TESTS_LIB_STREAM_H
#define TCBSCOPE_TESTS_LIB_STREAM_H

#include <stdint.h>

#include "tests/lib/prog.h"

struct json_object;

struct stream {
	struct prog prog;
	int file;
	struct json_object *footer; /* once read; NULL: there is none */
	struct json_object *stats;  /* array of all "stats" lines */
	char flaw[160];
};

/*
 * Starts "tcbscope trace --json @args..." (ends in NULL), stream_start() with
 * "--netns self", and waits until it is attached. 0, -ENODATA if it ended
 * before, or -errno; stream_free() in any case.
 */
int stream_open(struct stream *s, char *const args[]);
int stream_start(struct stream *s, char *const args[]);
void stream_free(struct stream *s);

/* How often has it written this text so far? */
unsigned int stream_count(const struct stream *s, const char *text);

/* As witness_gaps(). */
unsigned int stream_gaps(const struct stream *s);

/* Ends it by SIGINT. Its exit code or -errno. */
int stream_end(struct stream *s);

/*
 * Reads all of it: @each, which may be NULL, gets the events in their order.
 * Returns "", or what is wrong with the account: not every line JSON, an
 * event shown out of order of time, a sum that does not hold for each type of
 * event, a type with other than the said number of lines, a closing line on
 * standard error that says other numbers than the footer.
 */
const char *stream_flaw(struct stream *s,
			void (*each)(void *ctx, struct json_object *event),
			void *ctx);

/* A number of the footer, its total if it has one; or of one type. -1: none. */
int64_t stream_total(const struct stream *s, const char *name);
int64_t stream_of(const struct stream *s, const char *name, const char *type);

#endif
