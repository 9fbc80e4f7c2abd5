// SPDX-License-Identifier: GPL-2.0
/* The tree of an expression, and whether it holds for an event. */
#include "event/filter_tree.h"

#include <errno.h>
#include <fnmatch.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define TEXT_MAX 64

struct filter_node *filter_node_new(enum filter_node_kind kind)
{
	struct filter_node *node = calloc(1, sizeof(*node));

	if (!node)
		return NULL;
	node->kind = kind;
	if (kind != FILTER_TERM)
		return node;
	node->term = calloc(1, sizeof(*node->term));
	if (node->term)
		return node;
	free(node);
	return NULL;
}

/* As deep as the tree, which the parser bounds; so is all that walks it. */
void filter_node_free(struct filter_node *node)
{
	struct filter_node *child, *next;
	unsigned int i;

	if (!node)
		return;
	for (child = node->child; child; child = next) {
		next = child->next;
		filter_node_free(child);
	}
	for (i = 0; node->term && i < node->term->n_values; i++)
		free(node->term->values[i].text);
	if (node->term)
		free(node->term->values);
	free(node->term);
	free(node);
}

struct filter *filter_new(const struct schema *schema)
{
	struct filter *filter = calloc(1, sizeof(*filter));

	if (!filter)
		return NULL;
	filter->schema = schema;
	filter->root = filter_node_new(FILTER_AND);
	if (filter->root)
		return filter;
	free(filter);
	return NULL;
}

void filter_free(struct filter *filter)
{
	if (!filter)
		return;
	filter_node_free(filter->root);
	free(filter->pushed);
	free(filter);
}

int filter_error_set(struct filter_error *error, size_t at, size_t len,
		     const char *then, const char *fmt, ...)
{
	va_list ap;

	error->at = at;
	error->len = len;
	va_start(ap, fmt);
	vsnprintf(error->what, sizeof(error->what), fmt, ap);
	va_end(ap);
	snprintf(error->then, sizeof(error->then), "%s", then ? then : "");
	return -EINVAL;
}

static bool addr_matches(const addr_t *a, enum family family,
			 const struct filter_value *v)
{
	unsigned int bytes = v->prefix / 8, bits = v->prefix % 8;

	if (family != v->family || memcmp(a, &v->addr, bytes))
		return false;
	return !bits || !((a->byte[bytes] ^ v->addr.byte[bytes]) >> (8 - bits));
}

static bool text_matches(const struct schema_field *f, const struct event *e,
			 const struct filter_value *v)
{
	char text[TEXT_MAX];
	const char *bytes;
	size_t n = schema_text(f, e, &bytes);

	if (!n || n >= sizeof(text))
		return false;
	memcpy(text, bytes, n);
	text[n] = '\0';
	return !fnmatch(v->text, text, 0);
}

/* All of these bits are set; of none: no bit is. */
static bool bits_match(uint64_t bits, uint64_t wanted)
{
	return wanted ? (bits & wanted) == wanted : !bits;
}

/* Numbers that say where the socket's cgroup is compare by its ancestors. */
static bool cgroup_matches(const struct event *e, const struct filter_value *v)
{
	return e->cgroup == v->number || e->within & 1u << v->cgroup;
}

static bool value_matches(const struct filter_term *term,
			  const struct schema_field *f, const struct event *e,
			  const struct filter_value *v)
{
	const addr_t *addr;
	uint64_t n;

	switch (f->kind) {
	case SCHEMA_ADDR:
		addr = schema_address(f, e);
		return addr && addr_matches(addr, e->family, v);
	case SCHEMA_TEXT:
		return text_matches(f, e, v);
	case SCHEMA_ENUM:
		return schema_value(f, e, &n) && (int)n == v->named[e->type];
	case SCHEMA_NUMBER:
		break;
	}
	if (!schema_value(f, e, &n))
		return false;
	if (f->is_signed && (int64_t)n < 0) /* less than what can be written */
		return term->op == FILTER_LESS || term->op == FILTER_AT_MOST;
	switch (term->op) {
	case FILTER_LESS:
		return n < v->number;
	case FILTER_AT_MOST:
		return n <= v->number;
	case FILTER_MORE:
		return n > v->number;
	case FILTER_AT_LEAST:
		return n >= v->number;
	default:
		if (f->bits)
			return bits_match(n, v->number);
		return f->offset == offsetof(struct event, cgroup) ?
			       cgroup_matches(e, v) :
			       n == v->number;
	}
}

static bool field_present(const struct schema_field *f, const struct event *e)
{
	const char *text;
	uint64_t n;

	switch (f->kind) {
	case SCHEMA_ADDR:
		return schema_address(f, e);
	case SCHEMA_TEXT:
		return schema_text(f, e, &text);
	default:
		return schema_value(f, e, &n);
	}
}

bool filter_term_match(const struct filter_term *term, const struct event *e)
{
	const struct schema_field *f = term->field[e->type];
	unsigned int i;

	if (!f)
		return false;
	if (term->op == FILTER_PRESENT)
		return field_present(f, e);
	for (i = 0; i < term->n_values; i++)
		if (value_matches(term, f, e, &term->values[i]))
			return true;
	return false;
}

static bool node_match(const struct filter_node *node, const struct event *e)
{
	const struct filter_node *child;

	switch (node->kind) {
	case FILTER_TERM:
		return filter_term_match(node->term, e);
	case FILTER_NOT:
		return !node_match(node->child, e);
	case FILTER_AND:
		for (child = node->child; child; child = child->next)
			if (!node_match(child, e))
				return false;
		return true;
	case FILTER_OR:
		break;
	}
	for (child = node->child; child; child = child->next)
		if (node_match(child, e))
			return true;
	return false;
}

bool filter_match(const struct filter *filter, const struct event *e)
{
	return node_match(filter->root, e);
}

/* Of an event of which only the type is known. */
static enum filter_maybe term_maybe(const struct filter_term *term, int type)
{
	const struct schema_field *f = term->field[type];
	const struct event e = { .type = type };

	if (!f)
		return FILTER_NEVER;
	if (f->offset == offsetof(struct event, type))
		return filter_term_match(term, &e) ? FILTER_ALWAYS :
						     FILTER_NEVER;
	if (term->op == FILTER_PRESENT && f->kind != SCHEMA_TEXT &&
	    !schema_may_lack(f))
		return FILTER_ALWAYS;
	return FILTER_MAYBE;
}

enum filter_maybe filter_maybe(const struct filter_node *node, int type)
{
	const struct filter_node *child;
	enum filter_maybe all, any, is;

	switch (node->kind) {
	case FILTER_TERM:
		return term_maybe(node->term, type);
	case FILTER_NOT:
		is = filter_maybe(node->child, type);
		return (is & FILTER_NEVER ? FILTER_ALWAYS : 0) |
		       (is & FILTER_ALWAYS ? FILTER_NEVER : 0);
	default:
		break;
	}
	all = FILTER_ALWAYS;
	any = FILTER_NEVER;
	for (child = node->child; child; child = child->next) {
		is = filter_maybe(child, type);
		all = (all & is & FILTER_ALWAYS) | ((all | is) & FILTER_NEVER);
		any = (any & is & FILTER_NEVER) | ((any | is) & FILTER_ALWAYS);
	}
	return node->kind == FILTER_AND ? all : any;
}

__u32 filter_types(const struct filter *filter)
{
	__u32 mask = 0;
	int i;

	for (i = 0; i < EVENT_TYPES; i++)
		if (filter->schema->types[i].n &&
		    filter_maybe(filter->root, i) != FILTER_NEVER)
			mask |= 1u << i;
	return mask;
}

static bool node_names(const struct filter_node *node, int type)
{
	const struct filter_node *child;
	const struct event e = { .type = type };
	const struct schema_field *f;

	if (node->kind == FILTER_TERM) {
		f = node->term->field[type];
		return f && f->offset == offsetof(struct event, type) &&
		       filter_term_match(node->term, &e);
	}
	for (child = node->child; child; child = child->next)
		if (node_names(child, type))
			return true;
	return false;
}

__u32 filter_named_types(const struct filter *filter)
{
	__u32 mask = filter_types(filter);
	int i;

	for (i = 0; i < EVENT_TYPES; i++)
		if (mask & 1u << i && !node_names(filter->root, i))
			mask &= ~(1u << i);
	return mask;
}
