// SPDX-License-Identifier: GPL-2.0
/* Reads enums out of /sys/kernel/btf/vmlinux. */
#include "input/reason.h"

#include <bpf/btf.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define NAMES_MAX 4096 /* beyond are masks, and reasons of modules */

static const struct {
	const char *type, *prefix; /* of its enum; NULL: no reasons */
	size_t at;		   /* of its struct reason */
} enums[EVENT_TYPES] = {
	[EVENT_reset] = { "sk_rst_reason", "SK_RST_REASON_",
			  offsetof(struct event_reset, why) },
	[EVENT_drop] = { "skb_drop_reason", "SKB_DROP_REASON_",
			 offsetof(struct event_drop, why) },
};

static void read_names(struct reasons *r, const struct btf *btf,
		       const struct btf_type *t, const char *prefix)
{
	const struct btf_enum *v = btf_enum(t);
	unsigned int i, max = 0;

	for (i = 0; i < btf_vlen(t); i++)
		if ((__u32)v[i].val < NAMES_MAX && (__u32)v[i].val > max)
			max = v[i].val;
	r->names = calloc(max + 1, sizeof(*r->names));
	if (!r->names)
		return;
	r->n = max + 1;
	for (i = 0; i < btf_vlen(t); i++) {
		const char *name = btf__name_by_offset(btf, v[i].name_off);

		if ((__u32)v[i].val > max)
			continue;
		if (!strncmp(name, prefix, strlen(prefix)))
			name += strlen(prefix);
		snprintf(r->names[v[i].val], REASON_LEN, "%s", name);
	}
}

static void read_enum(struct reasons *r, const char *type, const char *prefix)
{
	struct btf *btf = btf__load_vmlinux_btf();
	int id;

	r->read = true;
	if (!btf)
		return;
	id = btf__find_by_name_kind(btf, type, BTF_KIND_ENUM);
	if (id > 0)
		read_names(r, btf, btf__type_by_id(btf, id), prefix);
	btf__free(btf);
}

bool reason_wanted(const struct event *e)
{
	return e->type < EVENT_TYPES && enums[e->type].type;
}

void reason_fill(struct reasons reasons[EVENT_TYPES], union event_any *e)
{
	struct reasons *r = &reasons[e->ev.type];
	struct reason *why;

	if (!reason_wanted(&e->ev))
		return;
	why = (void *)((char *)e + enums[e->ev.type].at);
	if (why->reason_nr == NO_REASON)
		return;
	if (!r->read)
		read_enum(r, enums[e->ev.type].type, enums[e->ev.type].prefix);
	if (why->reason_nr < r->n && *r->names[why->reason_nr])
		memcpy(why->reason, r->names[why->reason_nr], REASON_LEN);
	else
		snprintf(why->reason, REASON_LEN, "%u", why->reason_nr);
}

void reason_free(struct reasons reasons[EVENT_TYPES])
{
	unsigned int i;

	for (i = 0; i < EVENT_TYPES; i++)
		free(reasons[i].names);
}
