// SPDX-License-Identifier: GPL-2.0
/*
 * JSON lines: a header, one object an event, a footer. Every name comes from
 * the schema; a field that is absent in an event is absent in its object.
 */
#include "lib/say.h"
#include "output/output.h"

#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

struct json {
	struct output output;
	const struct schema *schema;
	FILE *file;
};

/* Text from outside, escaped as everywhere, then quoted for JSON. */
static void string(FILE *f, const char *s, size_t len)
{
	char text[1024];
	size_t i;

	say_escape(text, sizeof(text), s, len);
	putc('"', f);
	for (i = 0; text[i]; i++) {
		if (text[i] == '"' || text[i] == '\\')
			putc('\\', f);
		putc(text[i], f);
	}
	putc('"', f);
}

static void field(FILE *f, const struct schema_field *field,
		  const struct event *e)
{
	char addr[SCHEMA_ADDR_LEN];
	const char *text;
	uint64_t value;
	size_t len;

	switch (field->kind) {
	case SCHEMA_NUMBER:
		if (schema_value(field, e, &value))
			fprintf(f, ",\"%s\":%" PRIu64, field->name, value);
		break;
	case SCHEMA_ENUM:
		if (schema_value(field, e, &value))
			fprintf(f, ",\"%s\":\"%s\"", field->name,
				schema_enum_name(field->values, value));
		break;
	case SCHEMA_ADDR:
		schema_addr(e->family,
			    (const void *)((const char *)e + field->offset),
			    addr);
		fprintf(f, ",\"%s\":\"%s\"", field->name, addr);
		break;
	case SCHEMA_TEXT:
		len = schema_text(field, e, &text);
		if (!len)
			break;
		fprintf(f, ",\"%s\":", field->name);
		string(f, text, len);
		break;
	}
}

static int json_event(struct output *o, const struct event *e,
		      struct flow *flow, bool *shown)
{
	struct json *j = (struct json *)o;
	const struct schema_type *type = &j->schema->types[e->type];
	unsigned int i;

	(void)shown;
	fprintf(j->file, "{\"type\":\"%s\"", type->name);
	for (i = 0; i < type->n; i++)
		if (strcmp(type->fields[i].name, "type"))
			field(j->file, &type->fields[i], e);
	if (flow && flow->pair)
		fprintf(j->file, ",\"pair\":%llu", flow->pair->cookie);
	fputs("}\n", j->file);
	return ferror(j->file) ? -errno : 0;
}

static int json_header(struct output *o, const struct trace_info *info)
{
	struct json *j = (struct json *)o;
	const char *comma = "";
	unsigned int i;

	fprintf(j->file,
		"{\"type\":\"header\",\"schema\":1,\"tcbscope\":\"%s\",\"host\":",
		info->version);
	string(j->file, info->host, strlen(info->host));
	fputs(",\"kernel\":", j->file);
	string(j->file, info->kernel, strlen(info->kernel));
	fprintf(j->file,
		",\"clock\":\"monotonic\",\"start_ns\":%llu,\"wall_offset_ns\":%lld,\"hooks\":[",
		info->start_ns, info->wall_offset_ns);
	for (i = 0; i < info->n_hooks; i++) {
		fprintf(j->file, "%s{\"name\":\"%s\",\"attached\":%s}", comma,
			info->hooks[i].name,
			info->hooks[i].attached ? "true" : "false");
		comma = ",";
	}
	fputs("]}\n", j->file);
	return fflush(j->file) ? -errno : 0;
}

static int json_flush(struct output *o, nsec_t now_ns)
{
	(void)now_ns;
	return fflush(((struct json *)o)->file) ? -errno : 0;
}

/* {"name":total,"by_type":...}: an object with one number for each type. */
static void counts(const struct json *j, const char *name,
		   const __u64 count[EVENT_TYPES])
{
	int i;

	fprintf(j->file, ",\"%s\":{\"total\":%llu", name, account_sum(count));
	for (i = 0; i < EVENT_TYPES; i++)
		if (j->schema->types[i].n)
			fprintf(j->file, ",\"%s\":%llu",
				j->schema->types[i].name, count[i]);
	putc('}', j->file);
}

static int json_footer(struct output *o, const struct account *account)
{
	struct json *j = (struct json *)o;
	const struct account_member *m;

	fputs("{\"type\":\"footer\"", j->file);
	for (m = account_members; m->name; m++) {
		const __u64 *at = (const void *)((char *)account + m->offset);

		if (m->by_type)
			counts(j, m->name, at);
		else
			fprintf(j->file, ",\"%s\":%llu", m->name, *at);
	}
	fputs("}\n", j->file);
	return fflush(j->file) ? -errno : 0;
}

static void json_free(struct output *o)
{
	free(o);
}

static const struct output_ops json_ops = {
	.header = json_header,
	.event = json_event,
	.flush = json_flush,
	.footer = json_footer,
	.free = json_free,
};

struct output *output_json_new(const struct schema *schema, FILE *file)
{
	struct json *j = calloc(1, sizeof(*j));

	if (!j)
		return NULL;
	j->output.ops = &json_ops;
	j->schema = schema;
	j->file = file;
	return &j->output;
}
