/* SPDX-License-Identifier: GPL-2.0 */
/*
 * The witness: reads the JSON lines of a trace and answers what happened.
 *
 * Scenarios and tests judge by it, so that what they prove is what any
 * consumer of the stream could have seen.
 */
#ifndef TCBSCOPE_LAB_WITNESS_H
#define TCBSCOPE_LAB_WITNESS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct json_object;
struct witness;

/* Which events: those whose fields equal these; 0 and NULL match any. */
struct sighting {
	const char *type;
	uint64_t netns, cookie;
	unsigned int lport, rport;
	const char *old, *new, *cause, *kind;
};

/* Reads from @fd, which belongs to the witness from now on. NULL: no memory. */
struct witness *witness_new(int fd);
void witness_free(struct witness *w);

/* Forgets all events that were read; the header and the footer stay. */
void witness_forget(struct witness *w);

/* Its descriptor, to wait for; reads what there is, without waiting. 0, -errno.
 */
int witness_fd(const struct witness *w);
int witness_read(struct witness *w);

/* Reads more, waits for it till @deadline_ns: 0, -ETIMEDOUT, -ENODATA, -errno. */
int witness_more(struct witness *w, uint64_t deadline_ns);

/*
 * Reads until an event matches, or has matched already. 0; -ETIMEDOUT after
 * @timeout_ns; -ENODATA at the end of the stream; -EBADMSG if a line is not
 * a JSON object with a type; or -errno.
 */
int witness_wait(struct witness *w, const struct sighting *what,
		 uint64_t timeout_ns);

/* Reads to the end of the stream: 0, -ETIMEDOUT, -EBADMSG or -errno. */
int witness_finish(struct witness *w, uint64_t timeout_ns);

/* The first event from number *@from on that matches, or NULL; *@from moves. */
struct json_object *witness_next(const struct witness *w,
				 const struct sighting *what, size_t *from);

/* How many events match. */
size_t witness_count(const struct witness *w, const struct sighting *what);

/* Fields of an event: NULL and 0 where absent. */
const char *witness_string(struct json_object *event, const char *field);
uint64_t witness_number(struct json_object *event, const char *field);
bool witness_has(struct json_object *event, const char *field);

/*
 * The states that matching sockets went through, as "CLOSE SYN_SENT ...": the
 * old state of the first transition and the new state of every one. Returns
 * @path, empty if there was none.
 */
char *witness_path(const struct witness *w, const struct sighting *socket,
		   char *path, size_t size);

/* Is a program attached to the kernel, by the header? */
bool witness_has_hook(const struct witness *w, const char *name);

/* A counter of the footer, its total where it has one; -1: no footer yet. */
int64_t witness_counter(const struct witness *w, const char *name);

/*
 * How many events say that their socket has missed some before: the footer's
 * gaps are those of all sockets of this machine.
 */
unsigned int witness_gaps(const struct witness *w);

/* Does the account of the footer add up, with nothing lost, nor missed? */
bool witness_complete(const struct witness *w);

#endif
