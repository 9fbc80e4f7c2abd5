// SPDX-License-Identifier: GPL-2.0
/* Terms over schema fields, resolved when added and evaluated per event. */
#include "event/filter.h"
#include "lib/opt.h"

#include <errno.h>
#include <fnmatch.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#define FIELDS_MAX 4 /* of one term */
#define TEXT_MAX 64

struct value {
	uint64_t number;
	addr_t addr;
	enum family family;
	unsigned int prefix; /* bits of addr that count */
	char *text;
};

struct term {
	struct term *next;
	enum schema_kind kind;
	/* NULL where a type has no such field */
	const struct schema_field *fields[EVENT_TYPES][FIELDS_MAX];
	unsigned int n_fields, n_values;
	struct value *values;
};

struct filter {
	const struct schema *schema;
	struct term *terms;
};

struct filter *filter_new(const struct schema *schema)
{
	struct filter *filter = calloc(1, sizeof(*filter));

	if (filter)
		filter->schema = schema;
	return filter;
}

static void term_free(struct term *term)
{
	unsigned int i;

	for (i = 0; i < term->n_values; i++)
		free(term->values[i].text);
	free(term->values);
	free(term);
}

void filter_free(struct filter *filter)
{
	struct term *term, *next;

	if (!filter)
		return;
	for (term = filter->terms; term; term = next) {
		next = term->next;
		term_free(term);
	}
	free(filter);
}

/* Resolves one field name in every event type; returns its description. */
static const struct schema_field *field_resolve(const struct schema *schema,
						struct term *term,
						const char *name)
{
	const struct schema_field *any = NULL, *f;
	int i;

	for (i = 0; i < EVENT_TYPES; i++) {
		if (!schema->types[i].n)
			continue;
		f = schema_field_find(&schema->types[i], name);
		term->fields[i][term->n_fields] = f;
		if (f)
			any = f;
	}
	return any;
}

static int value_parse(const struct schema_field *field, const char *s,
		       struct value *v)
{
	int n, family;

	switch (field->kind) {
	case SCHEMA_NUMBER:
		if (opt_number(s, 0, UINT64_MAX >> (64 - 8 * field->size),
			       &v->number))
			return -EINVAL;
		/* what means "unknown" is no value to look for */
		return field->can_be_absent && v->number == field->absent ?
			       -EINVAL :
			       0;
	case SCHEMA_ENUM:
		n = schema_enum_value(field->values, s);
		v->number = n;
		return n < 0 ? -EINVAL : 0;
	case SCHEMA_ADDR:
		if (opt_addr(s, &family, v->addr.byte, &v->prefix))
			return -EINVAL;
		v->family = family == AF_INET6 ? FAMILY_INET6 : FAMILY_INET;
		return 0;
	case SCHEMA_TEXT:
		v->text = strdup(s);
		return v->text ? 0 : -ENOMEM;
	}
	return -EINVAL;
}

static int values_parse(struct term *term, const struct schema_field *field,
			const char *list)
{
	char *copy = strdup(list), *rest = copy, *s;
	int err = copy ? 0 : -ENOMEM;

	while (!err && (s = strsep(&rest, ","))) {
		struct value *more;

		more = reallocarray(term->values, term->n_values + 1,
				    sizeof(*more));
		if (!more) {
			err = -ENOMEM;
			break;
		}
		term->values = more;
		memset(&more[term->n_values], 0, sizeof(*more));
		err = value_parse(field, s, &more[term->n_values++]);
	}
	free(copy);
	return err;
}

static int fields_parse(const struct schema *schema, struct term *term,
			const char *list, const struct schema_field **out)
{
	char *copy = strdup(list), *rest = copy, *s;
	int err = copy ? 0 : -ENOMEM;

	*out = NULL;
	while (!err && (s = strsep(&rest, ","))) {
		const struct schema_field *f = NULL;

		if (term->n_fields < FIELDS_MAX)
			f = field_resolve(schema, term, s);
		if (!f || (*out && f->kind != (*out)->kind))
			err = -ENOENT;
		*out = f;
		term->n_fields++;
	}
	free(copy);
	return err;
}

int filter_add(struct filter *filter, const char *fields, const char *values)
{
	struct term *term = calloc(1, sizeof(*term));
	const struct schema_field *field;
	int err;

	if (!term)
		return -ENOMEM;
	err = fields_parse(filter->schema, term, fields, &field);
	if (!err) {
		term->kind = field->kind;
		err = values_parse(term, field, values);
	}
	if (err) {
		term_free(term);
		return err;
	}
	term->next = filter->terms;
	filter->terms = term;
	return 0;
}

static bool addr_matches(const addr_t *a, enum family family,
			 const struct value *v)
{
	unsigned int bytes = v->prefix / 8, bits = v->prefix % 8;

	if (family != v->family || memcmp(a, &v->addr, bytes))
		return false;
	return !bits || !((a->byte[bytes] ^ v->addr.byte[bytes]) >> (8 - bits));
}

static bool text_matches(const struct schema_field *f, const struct event *e,
			 const struct value *v)
{
	char text[TEXT_MAX];
	const char *bytes;
	size_t n = schema_text(f, e, &bytes);

	if (n >= sizeof(text))
		return false;
	memcpy(text, bytes, n);
	text[n] = '\0';
	return !fnmatch(v->text, text, 0);
}

static bool value_matches(const struct schema_field *f, const struct event *e,
			  const struct value *v)
{
	const addr_t *addr = (const void *)((const char *)e + f->offset);
	uint64_t number;

	switch (f->kind) {
	case SCHEMA_ADDR:
		return addr_matches(addr, e->family, v);
	case SCHEMA_TEXT:
		return text_matches(f, e, v);
	default:
		return schema_value(f, e, &number) && number == v->number;
	}
}

static bool term_matches(const struct term *term, const struct event *e)
{
	unsigned int i, k;

	for (i = 0; i < term->n_fields; i++) {
		const struct schema_field *f = term->fields[e->type][i];

		for (k = 0; f && k < term->n_values; k++)
			if (value_matches(f, e, &term->values[k]))
				return true;
	}
	return false;
}

bool filter_match(const struct filter *filter, const struct event *e)
{
	const struct term *term;

	for (term = filter->terms; term; term = term->next)
		if (!term_matches(term, e))
			return false;
	return true;
}
