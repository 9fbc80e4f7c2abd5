/* SPDX-License-Identifier: GPL-2.0 */
/* JSON, written piece by piece: what is between the pieces is the caller's. */
#ifndef TCBSCOPE_LIB_JSON_H
#define TCBSCOPE_LIB_JSON_H

#include <stdint.h>
#include <stdio.h>
#include <string.h>

#define JSON_LEN 4096 /* what is collected before it is written */

struct json {
	FILE *file;
	size_t n; /* bytes of text that are used */
	char text[JSON_LEN];
};

/* Hands all that is collected to the stream, whose error tells if it failed. */
void json_write(struct json *j);

/* As it stands; not longer than JSON_LEN. */
static inline void json_put(struct json *j, const char *s, size_t len)
{
	if (j->n + len > JSON_LEN)
		json_write(j);
	if (len > JSON_LEN)
		return; /* nothing is: names are short, texts cut */
	memcpy(j->text + j->n, s, len);
	j->n += len;
}

static inline void json_text(struct json *j, const char *s)
{
	json_put(j, s, strlen(s));
}

/* The name of a member that is not the first: ,"name": */
void json_name(struct json *j, const char *name);

void json_number(struct json *j, uint64_t value);

/* Text from outside, escaped (say_json) and in quotes; cut to 1024 bytes. */
void json_string(struct json *j, const char *s, size_t len);

/* Members that are not the first. @text as json_string() takes it, NUL at its
 * end. */
void json_member(struct json *j, const char *name, uint64_t value);
void json_member_text(struct json *j, const char *name, const char *text);

#endif
