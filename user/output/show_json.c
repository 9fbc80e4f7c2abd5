// SPDX-License-Identifier: GPL-2.0
/* A socket as JSON: each list of attributes an object, whatever it has in it. */
#include "output/show.h"

#include "lib/json.h"
#include "output/show_algorithm.h"

#include <string.h>

#define DEPTH 8 /* of lists in lists, so that no table can make us run away */

struct object {
	struct json *j;
	bool first;
};

static void name(struct object *o, const char *s)
{
	if (!o->first) {
		json_name(o->j, s);
		return;
	}
	json_text(o->j, "\"");
	json_text(o->j, s);
	json_text(o->j, "\":");
	o->first = false;
}

static void signed_number(struct json *j, int64_t value)
{
	if (value < 0)
		json_text(j, "-");
	json_number(j, value < 0 ? -(uint64_t)value : (uint64_t)value);
}

static void hex(struct json *j, const struct module_list *value)
{
	static const char digits[] = "0123456789abcdef";
	const uint8_t *byte = value->data;
	size_t i;

	json_text(j, "\"");
	for (i = 0; i < value->len; i++) {
		char text[2] = { digits[byte[i] >> 4], digits[byte[i] & 15] };

		json_put(j, text, sizeof(text));
	}
	json_text(j, "\"");
}

/* An array of the names of bits. */
static void flags(struct json *j, const struct module_attr *attr,
		  uint64_t value)
{
	bool first = true;
	unsigned int bit;
	char text[16];

	json_text(j, "[");
	for (bit = 0; bit < 64; bit++) {
		const char *word = module_word(attr, bit);

		if (!(value >> bit & 1))
			continue;
		if (!first)
			json_text(j, ",");
		first = false;
		snprintf(text, sizeof(text), "bit_%u", bit);
		json_string(j, word ?: text, strlen(word ?: text));
	}
	json_text(j, "]");
}

static void number(struct json *j, const struct module_attr *attr,
		   uint64_t value)
{
	const char *word = module_word(attr, value);

	if (attr->words && attr->words->flags)
		flags(j, attr, value);
	else if (word)
		json_string(j, word, strlen(word));
	else if (attr->type == MODULE_S64)
		signed_number(j, value);
	else
		json_number(j, value);
}

static void object(struct json *j, const struct module_set *set,
		   const struct module_list *list, unsigned int depth,
		   bool open);

static void value_of(struct json *j, const struct module_attr *attr,
		     const struct module_list *value, unsigned int depth)
{
	const char *text = value->data;
	char address[64];
	uint64_t n;

	if (attr->type == MODULE_NEST && depth < DEPTH)
		object(j, attr->nest, value, depth + 1, false);
	else if (attr->type == MODULE_STRING)
		json_string(j, text ?: "",
			    value->len ? strnlen(text, value->len) : 0);
	else if (attr->type == MODULE_FLAG)
		json_text(j, "true");
	else if (attr->address &&
		 module_address_text(value, address, sizeof(address)))
		json_string(j, address, strlen(address));
	else if (attr->type >= MODULE_U16 && module_value(value, &n))
		number(j, attr, n);
	else
		hex(j, value);
}

/* The numbers of what is only bytes, beside it. */
static void algorithm(struct object *o, const struct module_attr *attr,
		      const struct module_list *list)
{
	struct show_algorithm number[SHOW_ALGORITHM_MAX];
	unsigned int n = show_algorithm(attr, list, number), i;
	char text[32];

	for (i = 0; i < n; i++) {
		name(o, number[i].name);
		snprintf(text, sizeof(text), "%.4f",
			 (double)number[i].value / number[i].of);
		if (number[i].of > 1)
			json_text(o->j, text);
		else
			json_number(o->j, number[i].value);
	}
}

/* All attributes of one type: a member. */
static void member(struct object *o, const struct module_attr *attr, int type,
		   const struct module_list *list, unsigned int depth)
{
	struct module_list value;
	bool first = true;
	size_t at = 0;

	if (!module_next(list, type, &at, &value))
		return;
	name(o, attr->name);
	if (!attr->many) {
		value_of(o->j, attr, &value, depth);
		algorithm(o, attr, list);
		return;
	}
	json_text(o->j, "[");
	do {
		if (!first)
			json_text(o->j, ",");
		first = false;
		value_of(o->j, attr, &value, depth);
	} while (module_next(list, type, &at, &value));
	json_text(o->j, "]");
}

/* What the description does not have: its number, and its bytes. */
static void unknown(struct object *o, const struct module_set *set,
		    const struct module_list *list)
{
	struct module_list value;
	bool any = false;
	size_t at = 0;
	int type;

	while (module_any(list, &at, &type, &value)) {
		if (module_attr(set, type))
			continue;
		if (!any)
			name(o, "unknown");
		json_text(o->j, any ? ",{\"attribute\":" : "[{\"attribute\":");
		any = true;
		json_number(o->j, type);
		json_name(o->j, "bytes");
		hex(o->j, &value);
		json_text(o->j, "}");
	}
	if (any)
		json_text(o->j, "]");
}

/* @open: more members follow, and the end is the caller's. */
static void object(struct json *j, const struct module_set *set,
		   const struct module_list *list, unsigned int depth,
		   bool open)
{
	struct object o = { .j = j, .first = true };
	const struct module_attr *attr;
	unsigned int type;

	json_text(j, "{");
	for (type = 0; type < set->n; type++) {
		attr = module_attr(set, type);
		if (attr && attr->type != MODULE_PAD)
			member(&o, attr, type, list, depth);
	}
	unknown(&o, set, list);
	if (!open)
		json_text(j, "}");
	else if (!o.first)
		json_text(j, ",");
}

void show_json(const struct show *s, FILE *file)
{
	struct json j = { .file = file };

	object(&j, s->set, &s->list, 0, true);
	json_text(&j, "\"via\":");
	json_string(&j, s->via, strlen(s->via));
	json_member(&j, "netns", s->netns);
	if (s->derived)
		json_text(&j, ",\"derived\":true");
	if (s->pid) {
		json_member(&j, "pid", s->pid);
		json_member(&j, "fd", s->fd);
		json_member(&j, "holders", s->holders);
		json_name(&j, "comm");
		json_string(&j, s->comm, strnlen(s->comm, 16));
	}
	if (s->hash.len) {
		json_name(&j, "hash");
		object(&j, &module_set_hash, &s->hash, 0, false);
	}
	json_text(&j, "}\n");
	json_write(&j);
}
