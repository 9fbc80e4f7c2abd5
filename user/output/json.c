// SPDX-License-Identifier: GPL-2.0
/*
 * JSON lines: a header, one object an event, a footer. Every name comes from
 * the schema; a field that is absent in an event is absent in its object.
 */
#include "lib/say.h"
#include "output/output.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#define LINE_LEN 4096 /* what is collected before it is written */

/* A field's name as it stands in an object: ,"name": */
struct json_name {
	unsigned char len;
	char text[63];
};

struct json {
	struct output output;
	const struct schema *schema;
	struct json_name *names[EVENT_TYPES]; /* one for each field */
	FILE *file;
	char line[LINE_LEN];
	size_t n; /* bytes of it that are used */
};

static void write_out(struct json *j)
{
	fwrite(j->line, 1, j->n, j->file);
	j->n = 0;
}

static inline void put(struct json *j, const char *s, size_t len)
{
	if (j->n + len > LINE_LEN)
		write_out(j);
	if (len > LINE_LEN)
		return; /* nothing is: names are short, texts cut */
	memcpy(j->line + j->n, s, len);
	j->n += len;
}

static void put_text(struct json *j, const char *s)
{
	put(j, s, strlen(s));
}

/* printf() would take half of the time that an event costs. */
static void put_number(struct json *j, uint64_t value)
{
	static const char pairs[] = "0001020304050607080910111213141516171819"
				    "2021222324252627282930313233343536373839"
				    "4041424344454647484950515253545556575859"
				    "6061626364656667686970717273747576777879"
				    "8081828384858687888990919293949596979899";
	char digits[20];
	size_t at = sizeof(digits);

	for (; value >= 100; value /= 100) {
		at -= 2;
		memcpy(digits + at, &pairs[value % 100 * 2], 2);
	}
	at--;
	digits[at] = pairs[value * 2 + 1];
	if (value >= 10)
		digits[--at] = pairs[value * 2];
	put(j, digits + at, sizeof(digits) - at);
}

/* Text from outside. */
static void put_string(struct json *j, const char *s, size_t len)
{
	char text[1024];

	put(j, "\"", 1);
	put(j, text, say_json(text, sizeof(text), s, len));
	put(j, "\"", 1);
}

static void put_name(struct json *j, const char *name)
{
	put(j, ",\"", 2);
	put_text(j, name);
	put(j, "\":", 2);
}

static void put_field(struct json *j, const struct schema_field *f,
		      const struct json_name *name, const struct event *e)
{
	char addr[SCHEMA_ADDR_LEN];
	const char *text;
	uint64_t value;
	size_t len;

	switch (f->kind) {
	case SCHEMA_NUMBER:
		if (!schema_value(f, e, &value))
			break;
		put(j, name->text, name->len);
		put_number(j, value);
		break;
	case SCHEMA_ENUM:
		if (!schema_value(f, e, &value))
			break;
		put(j, name->text, name->len);
		put(j, "\"", 1);
		put_text(j, schema_enum_name(f->values, value));
		put(j, "\"", 1);
		break;
	case SCHEMA_ADDR:
		put(j, name->text, name->len);
		put(j, "\"", 1);
		put_text(j, schema_addr(e->family,
					(const void *)((const char *)e +
						       f->offset),
					addr));
		put(j, "\"", 1);
		break;
	case SCHEMA_TEXT:
		len = schema_text(f, e, &text);
		if (!len)
			break;
		put(j, name->text, name->len);
		put_string(j, text, len);
		break;
	}
}

static int json_event(struct output *o, const struct event *e,
		      struct flow *flow, bool *shown)
{
	struct json *j = (struct json *)o;
	const struct schema_type *type = &j->schema->types[e->type];
	const struct json_name *name = j->names[e->type];
	const struct schema_field *f;

	(void)shown;
	put_text(j, "{\"type\":\"");
	put_text(j, type->name);
	put(j, "\"", 1);
	for (f = type->fields; f < type->fields + type->n; f++, name++)
		if (f->offset != offsetof(struct event, type))
			put_field(j, f, name, e);
	if (flow && flow->pair) {
		put_name(j, "pair");
		put_number(j, flow->pair->cookie);
	}
	put(j, "}\n", 2);
	write_out(j);
	return ferror(j->file) ? -errno : 0;
}

static int json_header(struct output *o, const struct trace_info *info)
{
	struct json *j = (struct json *)o;
	unsigned int i;

	put_text(j, "{\"type\":\"header\",\"schema\":1");
	put_name(j, "tcbscope");
	put_string(j, info->version, strlen(info->version));
	put_name(j, "host");
	put_string(j, info->host, strlen(info->host));
	put_name(j, "kernel");
	put_string(j, info->kernel, strlen(info->kernel));
	put_text(j, ",\"clock\":\"monotonic\"");
	put_name(j, "start_ns");
	put_number(j, info->start_ns);
	put_name(j, "wall_offset_ns");
	if (info->wall_offset_ns < 0)
		put(j, "-", 1);
	put_number(j, llabs(info->wall_offset_ns));
	put_text(j, ",\"hooks\":[");
	for (i = 0; i < info->n_hooks; i++) {
		put_text(j, i ? ",{\"name\":" : "{\"name\":");
		put_string(j, info->hooks[i].name, strlen(info->hooks[i].name));
		put_name(j, "attached");
		put_text(j, info->hooks[i].attached ? "true}" : "false}");
	}
	put_text(j, "]}\n");
	write_out(j);
	return fflush(j->file) ? -errno : 0;
}

static int json_flush(struct output *o, nsec_t now_ns)
{
	(void)now_ns;
	return fflush(((struct json *)o)->file) ? -errno : 0;
}

/* An object with one number for each type, and their sum. */
static void put_counts(struct json *j, const __u64 count[EVENT_TYPES])
{
	int i;

	put_text(j, "{\"total\":");
	put_number(j, account_sum(count));
	for (i = 0; i < EVENT_TYPES; i++) {
		if (!j->schema->types[i].n)
			continue;
		put_name(j, j->schema->types[i].name);
		put_number(j, count[i]);
	}
	put(j, "}", 1);
}

/* The same for the programs. */
static void put_programs(struct json *j, const struct account *account)
{
	int i;

	put_text(j, "{\"total\":");
	put_number(j, account_missed(account));
	for (i = 0; i < ACCOUNT_ROOM && account->program[i]; i++) {
		put_name(j, account->program[i]);
		put_number(j, account->missed_runs[i]);
	}
	put(j, "}", 1);
}

static int put_account(struct json *j, const struct account *account)
{
	const struct account_member *m;

	for (m = account_members; m->name; m++) {
		const __u64 *at = (const void *)((char *)account + m->offset);

		put_name(j, m->name);
		if (m->by == ACCOUNT_BY_TYPE)
			put_counts(j, at);
		else if (m->by == ACCOUNT_BY_PROGRAM)
			put_programs(j, account);
		else
			put_number(j, *at);
	}
	put_text(j, "}\n");
	write_out(j);
	return fflush(j->file) ? -errno : 0;
}

static int json_stats(struct output *o, const struct account *interval,
		      nsec_t now_ns)
{
	struct json *j = (struct json *)o;

	put_text(j, "{\"type\":\"stats\"");
	put_name(j, "ts_ns");
	put_number(j, now_ns);
	return put_account(j, interval);
}

static int json_footer(struct output *o, const struct account *account)
{
	struct json *j = (struct json *)o;

	put_text(j, "{\"type\":\"footer\"");
	return put_account(j, account);
}

static void json_free(struct output *o)
{
	struct json *j = (struct json *)o;
	int i;

	for (i = 0; i < EVENT_TYPES; i++)
		free(j->names[i]);
	free(j);
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
	struct json *j = calloc(1, sizeof(*j));
	int i;

	if (!j)
		return NULL;
	j->output.ops = &json_ops;
	j->schema = schema;
	j->file = file;
	for (i = 0; i < EVENT_TYPES; i++) {
		if (!schema->types[i].n)
			continue;
		j->names[i] = names_new(&schema->types[i]);
		if (!j->names[i]) {
			json_free(&j->output);
			return NULL;
		}
	}
	return &j->output;
}
