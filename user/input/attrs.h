/* SPDX-License-Identifier: GPL-2.0 */
/* Writes lists of attributes as the kernel module does. */
#ifndef TCBSCOPE_INPUT_ATTRS_H
#define TCBSCOPE_INPUT_ATTRS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct nl_msg;
struct nlattr;

/* The message that is appended to; that once there was no room is kept. */
struct attrs {
	struct nl_msg *msg;
	bool failed;
};

void attrs_put(struct attrs *to, int type, const void *data, size_t len);
void attrs_u16(struct attrs *to, int type, uint16_t value);
void attrs_u32(struct attrs *to, int type, uint32_t value);
void attrs_u64(struct attrs *to, int type, uint64_t value);

/* What is put between these two is in a list of its own. */
struct nlattr *attrs_nest(struct attrs *to, int type);
void attrs_unnest(struct attrs *to, struct nlattr *nest);

/* 0, or -ENOMEM if something did not fit. */
int attrs_done(const struct attrs *to);

#endif
