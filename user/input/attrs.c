// SPDX-License-Identifier: GPL-2.0
#include "input/attrs.h"

#include <errno.h>
#include <netlink/attr.h>
#include <netlink/msg.h>

void attrs_put(struct attrs *to, int type, const void *data, size_t len)
{
	if (!to->failed)
		to->failed = nla_put(to->msg, type, len, data) < 0;
}

void attrs_u16(struct attrs *to, int type, uint16_t value)
{
	attrs_put(to, type, &value, sizeof(value));
}

void attrs_u32(struct attrs *to, int type, uint32_t value)
{
	attrs_put(to, type, &value, sizeof(value));
}

void attrs_u64(struct attrs *to, int type, uint64_t value)
{
	attrs_put(to, type, &value, sizeof(value));
}

struct nlattr *attrs_nest(struct attrs *to, int type)
{
	struct nlattr *nest = nla_nest_start(to->msg, type);

	to->failed |= !nest;
	return nest;
}

void attrs_unnest(struct attrs *to, struct nlattr *nest)
{
	if (nest)
		nla_nest_end(to->msg, nest);
}

int attrs_done(const struct attrs *to)
{
	return to->failed ? -ENOMEM : 0;
}
