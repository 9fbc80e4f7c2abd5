/* SPDX-License-Identifier: GPL-2.0 */
/* Frames: a type, a length, so many bytes; messages keep their borders. */
#ifndef TCBSCOPE_PEER_FRAME_H
#define TCBSCOPE_PEER_FRAME_H

#include <stddef.h>
#include <stdint.h>

/*
 *	 0      1                 5
 *	+------+-----------------+-----------~
 *	| type | length, 4 bytes | payload
 *	+------+-----------------+-----------~
 *
 * Numbers are in network order, here and in payloads.
 */
#define FRAME_HEAD 5

struct frame {
	uint8_t type;
	uint32_t len;
	const uint8_t *data;
};

/* Write the head of a frame with @len bytes to @head. */
void frame_head(uint8_t head[FRAME_HEAD], uint8_t type, uint32_t len);

/*
 * The frame at the beginning of @buf[@len], of which nothing beyond @len is
 * looked at. Returns how many bytes it has with its head; 0 if it is not whole
 * yet; -EMSGSIZE if its payload is longer than @max. frame->data points into
 * @buf.
 */
int frame_parse(const uint8_t *buf, size_t len, uint32_t max,
		struct frame *frame);

/* A number of @size bytes, at most 8, in network order. */
void frame_put(uint8_t *at, uint64_t value, size_t size);
uint64_t frame_get(const uint8_t *at, size_t size);

#endif
