// SPDX-License-Identifier: GPL-2.0
/* What stands in a column, and which columns there are. */
#include "cmd/columns.h"
#include "lib/say.h"

#include <ctype.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static void text_local(const struct event_socket *s, char to[CELL_TEXT])
{
	cell_end(s->ev.family, &s->ev.laddr, s->ev.lport, to);
}

static void text_remote(const struct event_socket *s, char to[CELL_TEXT])
{
	cell_end(s->ev.family, &s->ev.raddr, s->ev.rport, to);
}

static void text_owner(const struct event_socket *s, char to[CELL_TEXT])
{
	cell_owner(&s->ev, to);
}

static void text_age(const struct event_socket *s, char to[CELL_TEXT])
{
	cell_span(s->age_ns, s->age_how == HOW_derived, to);
}

static void text_idle(const struct event_socket *s, char to[CELL_TEXT])
{
	cell_span(s->idle_ns, false, to);
}

/* What waits: bytes in and out; of a listener SYN queue, accept queue, limit. */
static void text_queues(const struct event_socket *s, char to[CELL_TEXT])
{
	*to = '\0';
	if (s->limit != ~0u)
		snprintf(to, CELL_TEXT, "%u+%u/%u", s->syn, s->accept,
			 s->limit);
	else if (s->unread != ~0u)
		snprintf(to, CELL_TEXT, "%u/%u", s->unread, s->unacked);
}

static const struct column composed[] = {
	{ .name = "local", .text = text_local },
	{ .name = "remote", .text = text_remote },
	{ .name = "owner", .text = text_owner, .cut = true },
	{ .name = "age", .text = text_age, .right = true },
	{ .name = "idle", .text = text_idle, .right = true },
	{ .name = "queues", .text = text_queues, .right = true },
};

static const struct column *composed_find(const char *name)
{
	unsigned int i;

	for (i = 0; i < sizeof(composed) / sizeof(*composed); i++)
		if (!strcmp(composed[i].name, name))
			return &composed[i];
	return NULL;
}

static bool has(const struct columns *c, const char *name)
{
	unsigned int i;

	for (i = 0; i < c->n; i++)
		if (!strcmp(c->column[i].name, name))
			return true;
	return false;
}

static int add(struct columns *c, const struct schema *schema, const char *name)
{
	const struct column *ours = composed_find(name);
	struct column *to = &c->column[c->n];
	const struct schema_field *f;

	f = ours ? NULL : schema_field_find(&schema->types[EVENT_socket], name);
	if (!ours && !f)
		return -EINVAL;
	if (has(c, name)) /* an object of JSON cannot have it twice */
		return 0;
	if (c->n == COLUMNS_MAX)
		return -E2BIG;
	memset(to, 0, sizeof(*to));
	if (ours)
		*to = *ours;
	snprintf(to->name, sizeof(to->name), "%s", name);
	to->field = f;
	to->right |= f && f->kind == SCHEMA_NUMBER;
	c->n++;
	return 0;
}

int columns_parse(struct columns *c, const struct schema *schema,
		  const char *list, char bad[32])
{
	char *copy, *rest, *name, *s;
	int err = 0;

	if (*list != '+')
		c->n = 0;
	copy = rest = strdup(list);
	if (!copy)
		return -ENOMEM;
	while (!err && (name = strsep(&rest, ","))) {
		name += *name == '+';
		for (s = name; *s; s++)
			*s = tolower((unsigned char)*s);
		err = add(c, schema, name);
		if (err)
			snprintf(bad, 32, "%s", name);
	}
	free(copy);
	return err;
}

void columns_default(struct columns *c, const struct schema *schema)
{
	static const char *const names[] = { "state", "netns", "local",
					     "remote", "owner" };
	unsigned int i;

	c->n = 0;
	for (i = 0; i < sizeof(names) / sizeof(*names); i++)
		add(c, schema, names[i]);
}

void columns_all(struct columns *c, const struct schema *schema)
{
	const struct schema_type *type = &schema->types[EVENT_socket];
	unsigned int i;

	c->n = 0;
	for (i = 0; i < type->n; i++)
		add(c, schema, type->fields[i].name);
}

static void field_text(const struct schema_field *f, const struct event *e,
		       char to[CELL_TEXT])
{
	const char *bytes;
	uint64_t value;
	size_t len;

	*to = '\0';
	switch (f->kind) {
	case SCHEMA_NUMBER:
		if (schema_value(f, e, &value))
			snprintf(to, CELL_TEXT, "%llu",
				 (unsigned long long)value);
		break;
	case SCHEMA_ENUM:
		if (schema_value(f, e, &value))
			snprintf(to, CELL_TEXT, "%s",
				 schema_enum_name(f->values, value));
		break;
	case SCHEMA_ADDR:
		schema_addr(e->family,
			    (const void *)((const char *)e + f->offset), to);
		break;
	case SCHEMA_TEXT:
		len = schema_text(f, e, &bytes);
		say_escape(to, CELL_TEXT, bytes, len);
		break;
	}
}

const char *column_text(const struct column *c, const struct event_socket *s,
			char to[CELL_TEXT])
{
	if (c->field)
		field_text(c->field, &s->ev, to);
	else
		c->text(s, to);
	return *to ? to : "-";
}
