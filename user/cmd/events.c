// SPDX-License-Identifier: GPL-2.0
/* tcbscope events: the schema, as a table, as JSON Schema, as reST. */
#include "cmd/cmd.h"
#include "input/input.h"
#include "lib/opt.h"
#include "lib/say.h"

#include <argp.h>
#include <ctype.h>
#include <errno.h>
#include <json-c/json.h>
#include <string.h>

enum { OPT_SCHEMA = 256, OPT_REST };

enum format { FORMAT_TEXT, FORMAT_SCHEMA, FORMAT_REST };

static const struct argp_option options[] = {
	{ "schema", OPT_SCHEMA, NULL, 0,
	  "JSON Schema of the lines that trace --json writes", 0 },
	{ "json", 'j', NULL, OPTION_ALIAS, NULL, 0 },
	{ "rst", OPT_REST, NULL, 0, "reStructuredText, for the documentation",
	  0 },
	{ NULL, 'h', NULL, OPTION_HIDDEN, NULL, 0 },
	{}
};

static error_t parse(int key, char *arg, struct argp_state *state)
{
	enum format *format = state->input;

	switch (key) {
	case OPT_SCHEMA:
	case 'j':
		*format = FORMAT_SCHEMA;
		break;
	case OPT_REST:
		*format = FORMAT_REST;
		break;
	case 'h':
		argp_state_help(state, stdout, ARGP_HELP_STD_HELP);
		break;
	case ARGP_KEY_ARG:
		opt_wrong(state, "no such argument", arg);
		break;
	default:
		return ARGP_ERR_UNKNOWN;
	}
	return 0;
}

static const char *kind_name(const struct schema_field *f)
{
	switch (f->kind) {
	case SCHEMA_ADDR:
		return "address";
	case SCHEMA_TEXT:
		return "text";
	case SCHEMA_ENUM:
		return "name";
	case SCHEMA_NUMBER:
		break;
	}
	if (f->bits)
		return "bits";
	return *f->unit ? f->unit : "number";
}

/* The @i-th name of a field's values, or bits; NULL: there is none. */
static const char *value_name(const struct schema_field *f, unsigned int i)
{
	if (f->bits)
		return f->bits->names[i];
	return f->can_be_absent && i == f->absent ? NULL : f->values->names[i];
}

static unsigned int n_values(const struct schema_field *f)
{
	return f->bits ? f->bits->n : f->values ? f->values->n : 0;
}

static void print_values(const struct schema_field *f, const char *between)
{
	const char *sep = "", *name;
	unsigned int i;

	for (i = 0; i < n_values(f); i++) {
		name = value_name(f, i);
		if (!name)
			continue;
		printf("%s%s", sep, name);
		sep = between;
	}
}

static void print_fields(const struct schema_type *type, unsigned int from,
			 unsigned int to)
{
	unsigned int i;

	for (i = from; i < to; i++) {
		const struct schema_field *f = &type->fields[i];

		printf("  %-15s %-9s %s", f->name, kind_name(f), f->doc);
		if (n_values(f)) {
			printf(":\n%28s", "");
			print_values(f, " ");
		}
		putchar('\n');
	}
}

static int text(const struct schema *schema)
{
	const struct schema_type *any = NULL;
	int i;

	for (i = 0; i < EVENT_TYPES && !any; i++)
		if (schema->types[i].n)
			any = &schema->types[i];
	printf("every event\n");
	print_fields(any, 0, any->common);
	for (i = 0; i < EVENT_TYPES; i++) {
		const struct schema_type *type = &schema->types[i];

		if (!type->n)
			continue;
		printf("\n%s\n", type->name);
		print_fields(type, type->common, type->n);
	}
	return EXIT_DONE;
}

static void rest_fields(const struct schema_type *type, unsigned int from,
			unsigned int to)
{
	unsigned int i;

	for (i = from; i < to; i++) {
		const struct schema_field *f = &type->fields[i];

		printf("``%s`` (%s%s)\n    %c%s.\n", f->name, kind_name(f),
		       schema_may_lack(f) ? ", may be absent" : "",
		       toupper((unsigned char)f->doc[0]), f->doc + 1);
		if (n_values(f)) {
			if (f->bits)
				printf("    In JSON also ``%s_names``, of ``",
				       f->name);
			else
				printf("    One of ``");
			print_values(f, "``, ``");
			printf("``.\n");
		}
		putchar('\n');
	}
}

static void rest_title(const char *title, char line)
{
	size_t i;

	printf("%s\n", title);
	for (i = 0; title[i]; i++)
		putchar(line);
	printf("\n\n");
}

static int rest(const struct schema *schema)
{
	bool common = false;
	int i;

	printf(".. SPDX-License-Identifier: GPL-2.0\n"
	       ".. Written by \"tcbscope events --rst\" from bpf/event.h: do not edit.\n\n");
	rest_title("Events", '=');
	printf("What ``tcbscope trace`` shows, field by field; ``tcbscope trace --json``\n"
	       "uses these names. A field that is unknown in an event is absent from it.\n\n");
	for (i = 0; i < EVENT_TYPES; i++) {
		const struct schema_type *type = &schema->types[i];

		if (!type->n)
			continue;
		if (!common) {
			rest_title("Every event", '-');
			rest_fields(type, 0, type->common);
			common = true;
		}
		rest_title(type->name, '-');
		rest_fields(type, type->common, type->n);
	}
	return EXIT_DONE;
}

static struct json_object *names_json(const struct schema_field *f)
{
	struct json_object *names = json_object_new_array();
	unsigned int i;

	for (i = 0; i < n_values(f); i++)
		if (value_name(f, i))
			json_object_array_add(names, json_object_new_string(
							     value_name(f, i)));
	return names;
}

static struct json_object *field_json(const struct schema_field *f)
{
	struct json_object *o = json_object_new_object();

	json_object_object_add(o, "description",
			       json_object_new_string(f->doc));
	if (f->kind == SCHEMA_NUMBER) {
		json_object_object_add(o, "type",
				       json_object_new_string("integer"));
		json_object_object_add(o, "minimum", json_object_new_int(0));
		if (*f->unit)
			json_object_object_add(o, "unit",
					       json_object_new_string(f->unit));
		return o;
	}
	json_object_object_add(o, "type", json_object_new_string("string"));
	if (f->kind == SCHEMA_ENUM)
		json_object_object_add(o, "enum", names_json(f));
	return o;
}

static struct json_object *described(const char *type, const char *what)
{
	struct json_object *o = json_object_new_object();

	json_object_object_add(o, "description", json_object_new_string(what));
	json_object_object_add(o, "type", json_object_new_string(type));
	return o;
}

/* {"type":"object"} whose "type" has one value, and @properties besides. */
static struct json_object *line_json(const char *type,
				     struct json_object *properties,
				     struct json_object *required)
{
	struct json_object *o = json_object_new_object();
	struct json_object *constant = json_object_new_object();

	json_object_object_add(constant, "const", json_object_new_string(type));
	json_object_object_add(properties, "type", constant);
	json_object_array_add(required, json_object_new_string("type"));
	json_object_object_add(o, "type", json_object_new_string("object"));
	json_object_object_add(o, "properties", properties);
	json_object_object_add(o, "required", required);
	return o;
}

/* Beside the number, as output/json.c writes them. */
static void add_names_json(struct json_object *properties,
			   const struct schema_field *f)
{
	struct json_object *items = json_object_new_object();
	struct json_object *o = described("array", "names of the bits");
	char name[64];

	json_object_object_add(items, "enum", names_json(f));
	json_object_object_add(o, "items", items);
	snprintf(name, sizeof(name), "%s_names", f->name);
	json_object_object_add(properties, name, o);
}

static struct json_object *type_json(const struct schema_type *type)
{
	struct json_object *properties = json_object_new_object();
	struct json_object *required = json_object_new_array();
	unsigned int i;

	for (i = 0; i < type->n; i++) {
		const struct schema_field *f = &type->fields[i];

		if (!strcmp(f->name, "type"))
			continue;
		json_object_object_add(properties, f->name, field_json(f));
		if (f->bits)
			add_names_json(properties, f);
		if (!schema_may_lack(f))
			json_object_array_add(required,
					      json_object_new_string(f->name));
	}
	json_object_object_add(
		properties, "pair",
		described("integer", "cookie of the other end, if it is here"));
	return line_json(type->name, properties, required);
}

/* A member that is always there. */
static void add_member(struct json_object *properties,
		       struct json_object *required, const char *name,
		       const char *type, const char *what)
{
	json_object_object_add(properties, name, described(type, what));
	json_object_array_add(required, json_object_new_string(name));
}

/* The first line of a stream. */
static struct json_object *header_json(void)
{
	static const char *const members[][3] = {
		{ "schema", "integer", "version of this description" },
		{ "tcbscope", "string", "version of the tracer" },
		{ "host", "string", "name of the machine" },
		{ "kernel", "string", "release of its kernel" },
		{ "clock", "string", "what ts_ns is taken from" },
		{ "start_ns", "integer", "when the trace began, by it" },
		{ "wall_offset_ns", "integer", "to add for CLOCK_REALTIME" },
		{ "hooks", "array", "programs: name, and whether attached" },
	};
	struct json_object *properties = json_object_new_object();
	struct json_object *required = json_object_new_array();
	unsigned int i;

	for (i = 0; i < sizeof(members) / sizeof(*members); i++)
		add_member(properties, required, members[i][0], members[i][1],
			   members[i][2]);
	return line_json("header", properties, required);
}

/* The account: of the whole trace in the last line, else of an interval. */
static struct json_object *account_json(const char *type)
{
	struct json_object *properties = json_object_new_object();
	struct json_object *required = json_object_new_array();
	const struct account_member *m;

	if (strcmp(type, "footer"))
		add_member(properties, required, "ts_ns", "integer",
			   "when the interval ended");
	for (m = account_members; m->name; m++)
		add_member(properties, required, m->name,
			   m->by == ACCOUNT_ONE ? "integer" : "object", m->doc);
	return line_json(type, properties, required);
}

static int json_schema(const struct schema *schema)
{
	struct json_object *o = json_object_new_object();
	struct json_object *any = json_object_new_array();
	int i;

	json_object_object_add(
		o, "$schema",
		json_object_new_string(
			"https://json-schema.org/draft/2020-12/schema"));
	json_object_object_add(o, "title",
			       json_object_new_string("tcbscope trace --json"));
	json_object_array_add(any, header_json());
	for (i = 0; i < EVENT_TYPES; i++)
		if (schema->types[i].n)
			json_object_array_add(any,
					      type_json(&schema->types[i]));
	json_object_array_add(any, account_json("stats"));
	json_object_array_add(any, account_json("footer"));
	json_object_object_add(o, "oneOf", any);
	puts(json_object_to_json_string_ext(
		o, JSON_C_TO_STRING_PRETTY | JSON_C_TO_STRING_NOSLASHESCAPE));
	json_object_put(o);
	return EXIT_DONE;
}

int cmd_events(int argc, char **argv)
{
	static const struct argp argp = {
		.options = options,
		.parser = parse,
		.doc = "Describes the events and their fields.\n\n"
		       "  tcbscope events            a table\n"
		       "  tcbscope events --schema   for validators\n",
	};
	enum format format = FORMAT_TEXT;
	struct input_bpf *in;
	struct schema *schema;
	int code;

	opt_parse(&argp, argc, argv, 0, &format);
	in = input_bpf_open(false);
	schema = in ? schema_new(input_bpf_btf(in)) : NULL;
	if (!schema) {
		input_bpf_free(in);
		return say_fail(EXIT_FAILED, NULL, NULL,
				"cannot read the schema: %s", strerror(errno));
	}
	code = format == FORMAT_REST   ? rest(schema) :
	       format == FORMAT_SCHEMA ? json_schema(schema) :
					 text(schema);
	if (!code)
		code = say_written();
	schema_free(schema);
	input_bpf_free(in);
	return code;
}
