/* SPDX-License-Identifier: GPL-2.0 */
/* What a peer reports: the open, the line it got, the close; text or JSON. */
#ifndef TCBSCOPE_PEER_REPORT_H
#define TCBSCOPE_PEER_REPORT_H

#include "peer/diagnose.h"
#include "peer/peer.h"

#include <stdio.h>

/*
 * One line for each, without a check for errors: ferror() keeps them. In JSON
 * it is an object with a "type".
 */
struct report {
	FILE *file;
	bool json;
	const char *local, *remote; /* the endpoints as the user wrote them */
};

/* The end of an open, be it a connection or result->error. */
void report_open(const struct report *report, const struct peer_config *config,
		 const struct peer_result *result);

/* How the hole was punched, or not: beside the open of what was tried. */
void report_punch(const struct report *report, const struct punch *punch,
		  const struct diagnosis *diagnosis);

/*
 * The peer's line: @len bytes, up to TALK_LINE_SIZE, of anything. Escaped, so
 * that no byte of it can steer a terminal or break the JSON.
 */
void report_message(const struct report *report, const char *line, size_t len);

/* The orderly close, with the payload bytes of the whole connection. */
void report_closed(const struct report *report, uint64_t sent,
		   uint64_t received);

#endif
