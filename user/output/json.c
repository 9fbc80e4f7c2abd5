// SPDX-License-Identifier: GPL-2.0
/*
 * JSON lines: a header, one object an event, a footer. Every name comes from
 * the schema; a field that is absent in an event is absent in its object.
 */
#include "lib/json.h"
#include "output/output.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

/* A field's name as it stands in an object: ,"name": */
struct json_name {
	unsigned char len;
	char text[63];
};

struct json_lines {
	struct output output;
	const struct schema *schema;
	struct json_name *names[EVENT_TYPES]; /* one for each field */
	struct json out;
};

/* ,"flags_names":["SYN","ACK"] beside the number */
static void put_bits(struct json *j, const struct schema_field *f,
		     uint64_t value)
{
	bool first = true;
	unsigned int i;

	json_text(j, ",\"");
	json_text(j, f->name);
	json_text(j, "_names\":[");
	for (i = 0; i < f->bits->n; i++) {
		if (!(value & 1ull << i) || !f->bits->names[i])
			continue;
		json_text(j, first ? "\"" : ",\"");
		json_text(j, f->bits->names[i]);
		json_put(j, "\"", 1);
		first = false;
	}
	json_put(j, "]", 1);
}

static void put_field(struct json *j, const struct schema_field *f,
		      const struct json_name *name, const struct event *e)
{
	char printed[SCHEMA_ADDR_LEN];
	const addr_t *addr;
	const char *text;
	uint64_t value;
	size_t len;

	switch (f->kind) {
	case SCHEMA_NUMBER:
		if (!schema_value(f, e, &value))
			break;
		json_put(j, name->text, name->len);
		if (f->is_signed && (int64_t)value < 0) {
			json_put(j, "-", 1);
			value = -value;
		}
		json_number(j, value);
		if (f->bits)
			put_bits(j, f, value);
		break;
	case SCHEMA_ENUM:
		if (!schema_value(f, e, &value))
			break;
		json_put(j, name->text, name->len);
		json_put(j, "\"", 1);
		json_text(j, schema_enum_name(f->values, value));
		json_put(j, "\"", 1);
		break;
	case SCHEMA_ADDR:
		addr = schema_address(f, e);
		if (!addr)
			break;
		json_put(j, name->text, name->len);
		json_put(j, "\"", 1);
		json_text(j, schema_addr(e->family, addr, printed));
		json_put(j, "\"", 1);
		break;
	case SCHEMA_TEXT:
		len = schema_text(f, e, &text);
		if (!len)
			break;
		json_put(j, name->text, name->len);
		json_string(j, text, len);
		break;
	}
}

static int json_event(struct output *o, const struct event *e,
		      struct flow *flow, bool *shown)
{
	struct json_lines *lines = (struct json_lines *)o;
	struct json *j = &lines->out;
	const struct schema_type *type = &lines->schema->types[e->type];
	const struct json_name *name = lines->names[e->type];
	const struct schema_field *f;

	(void)shown;
	json_text(j, "{\"type\":\"");
	json_text(j, type->name);
	json_put(j, "\"", 1);
	for (f = type->fields; f < type->fields + type->n; f++, name++)
		if (f->offset != offsetof(struct event, type))
			put_field(j, f, name, e);
	if (flow && flow->pair) {
		json_name(j, "pair");
		json_number(j, flow->pair->cookie);
	}
	json_put(j, "}\n", 2);
	json_write(j);
	return ferror(j->file) ? -errno : 0;
}

static int json_header(struct output *o, const struct trace_info *info)
{
	struct json_lines *lines = (struct json_lines *)o;
	struct json *j = &lines->out;
	unsigned int i;

	json_text(j, "{\"type\":\"header\",\"schema\":1");
	json_name(j, "tcbscope");
	json_string(j, info->version, strlen(info->version));
	json_name(j, "host");
	json_string(j, info->host, strlen(info->host));
	json_name(j, "kernel");
	json_string(j, info->kernel, strlen(info->kernel));
	json_text(j, ",\"clock\":\"monotonic\"");
	json_name(j, "start_ns");
	json_number(j, info->start_ns);
	json_name(j, "wall_offset_ns");
	if (info->wall_offset_ns < 0)
		json_put(j, "-", 1);
	json_number(j, llabs(info->wall_offset_ns));
	json_text(j, ",\"hooks\":[");
	for (i = 0; i < info->n_hooks; i++) {
		json_text(j, i ? ",{\"name\":" : "{\"name\":");
		json_string(j, info->hooks[i].name,
			    strlen(info->hooks[i].name));
		json_name(j, "attached");
		json_text(j, info->hooks[i].attached ? "true}" : "false}");
	}
	json_text(j, "]}\n");
	json_write(j);
	return fflush(j->file) ? -errno : 0;
}

static int json_flush(struct output *o, nsec_t now_ns)
{
	(void)now_ns;
	return fflush(((struct json_lines *)o)->out.file) ? -errno : 0;
}

/* An object with one number for each type, and their sum. */
static void put_counts(struct json_lines *lines, const __u64 count[EVENT_TYPES])
{
	struct json *j = &lines->out;
	int i;

	json_text(j, "{\"total\":");
	json_number(j, account_sum(count));
	for (i = 0; i < EVENT_TYPES; i++) {
		if (!lines->schema->types[i].n)
			continue;
		json_name(j, lines->schema->types[i].name);
		json_number(j, count[i]);
	}
	json_put(j, "}", 1);
}

/* The same for the programs. */
static void put_programs(struct json *j, const struct account *account)
{
	int i;

	json_text(j, "{\"total\":");
	json_number(j, account_missed(account));
	for (i = 0; i < ACCOUNT_ROOM && account->program[i]; i++) {
		json_name(j, account->program[i]);
		json_number(j, account->missed_runs[i]);
	}
	json_put(j, "}", 1);
}

static int put_account(struct json_lines *lines, const struct account *account)
{
	struct json *j = &lines->out;
	const struct account_member *m;

	for (m = account_members; m->name; m++) {
		const __u64 *at = (const void *)((char *)account + m->offset);

		json_name(j, m->name);
		if (m->by == ACCOUNT_BY_TYPE)
			put_counts(lines, at);
		else if (m->by == ACCOUNT_BY_PROGRAM)
			put_programs(j, account);
		else
			json_number(j, *at);
	}
	json_text(j, "}\n");
	json_write(j);
	return fflush(j->file) ? -errno : 0;
}

static int json_stats(struct output *o, const struct account *interval,
		      nsec_t now_ns)
{
	struct json_lines *lines = (struct json_lines *)o;
	struct json *j = &lines->out;

	json_text(j, "{\"type\":\"stats\"");
	json_name(j, "ts_ns");
	json_number(j, now_ns);
	return put_account(lines, interval);
}

static int json_footer(struct output *o, const struct account *account)
{
	struct json_lines *lines = (struct json_lines *)o;
	struct json *j = &lines->out;

	json_text(j, "{\"type\":\"footer\"");
	return put_account(lines, account);
}

static void json_free(struct output *o)
{
	struct json_lines *lines = (struct json_lines *)o;
	int i;

	for (i = 0; i < EVENT_TYPES; i++)
		free(lines->names[i]);
	free(lines);
}

static const struct output_ops json_ops = {
	.header = json_header,
	.event = json_event,
	.flush = json_flush,
	.stats = json_stats,
	.footer = json_footer,
	.free = json_free,
};

/* The names of a type's fields, or NULL: no memory, or one is too long. */
static struct json_name *names_new(const struct schema_type *type)
{
	struct json_name *names = calloc(type->n, sizeof(*names));
	unsigned int i;

	for (i = 0; names && i < type->n; i++) {
		struct json_name *name = &names[i];
		size_t len = snprintf(name->text, sizeof(name->text),
				      ",\"%s\":", type->fields[i].name);

		if (len >= sizeof(name->text)) {
			free(names);
			return NULL;
		}
		name->len = len;
	}
	return names;
}

struct output *output_json_new(const struct schema *schema, FILE *file)
{
	struct json_lines *lines = calloc(1, sizeof(*lines));
	int i;

	if (!lines)
		return NULL;
	lines->output.ops = &json_ops;
	lines->schema = schema;
	lines->out.file = file;
	for (i = 0; i < EVENT_TYPES; i++) {
		if (!schema->types[i].n)
			continue;
		lines->names[i] = names_new(&schema->types[i]);
		if (!lines->names[i]) {
			json_free(&lines->output);
			return NULL;
		}
	}
	return &lines->output;
}
