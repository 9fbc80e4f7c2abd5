// SPDX-License-Identifier: GPL-2.0
/* Frames: a type, a length, so many bytes; messages keep their borders. */
#include "peer/frame.h"

#include <errno.h>

void frame_put(uint8_t *at, uint64_t value, size_t size)
{
	while (size--) {
		at[size] = value;
		value >>= 8;
	}
}

uint64_t frame_get(const uint8_t *at, size_t size)
{
	uint64_t value = 0;

	while (size--)
		value = value << 8 | *at++;
	return value;
}

void frame_head(uint8_t head[FRAME_HEAD], uint8_t type, uint32_t len)
{
	head[0] = type;
	frame_put(head + 1, len, 4);
}

int frame_parse(const uint8_t *buf, size_t len, uint32_t max,
		struct frame *frame)
{
	if (len < FRAME_HEAD)
		return 0;
	frame->type = buf[0];
	frame->len = frame_get(buf + 1, 4);
	frame->data = buf + FRAME_HEAD;
	if (frame->len > max)
		return -EMSGSIZE;
	return len - FRAME_HEAD < frame->len ? 0 : FRAME_HEAD + frame->len;
}
