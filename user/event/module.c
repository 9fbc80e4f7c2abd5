// SPDX-License-Identifier: GPL-2.0
/* Lists of netlink attributes, which may be anything, and the tables of them. */
#include "event/module.h"

#include <arpa/inet.h>
#include <netlink/attr.h>
#include <stdio.h>
#include <string.h>

#include "decoder.h"

struct module_list module_nest(const struct module_list *list, int type)
{
	struct module_list nest = {};
	size_t at = 0;

	module_next(list, type, &at, &nest);
	return nest;
}

bool module_next(const struct module_list *list, int type, size_t *at,
		 struct module_list *nest)
{
	struct module_list value;
	int found;

	while (module_any(list, at, &found, &value)) {
		if (found != type)
			continue;
		*nest = value;
		return true;
	}
	return false;
}

bool module_any(const struct module_list *list, size_t *at, int *type,
		struct module_list *value)
{
	const struct nlattr *attr;

	if (*at >= list->len)
		return false;
	attr = (const void *)((const char *)list->data + *at);
	if (!nla_ok(attr, list->len - *at))
		return false;
	*type = nla_type(attr);
	value->data = nla_data(attr);
	value->len = nla_len(attr);
	*at += NLA_ALIGN(attr->nla_len);
	if (*at > list->len) /* the last one needs no padding */
		*at = list->len;
	return true;
}

bool module_value(const struct module_list *value, uint64_t *number)
{
	uint32_t four;
	uint16_t two;

	switch (value->len) {
	case 0:
		*number = 1;
		return true;
	case sizeof(two):
		memcpy(&two, value->data, sizeof(two));
		*number = two;
		return true;
	case sizeof(four):
		memcpy(&four, value->data, sizeof(four));
		*number = four;
		return true;
	case sizeof(*number):
		memcpy(number, value->data, sizeof(*number));
		return true;
	default:
		return false;
	}
}

bool module_number(const struct module_list *list, int type, uint64_t *value)
{
	struct module_list found;
	size_t at = 0;

	return module_next(list, type, &at, &found) &&
	       module_value(&found, value);
}

uint64_t module_or(const struct module_list *list, int type, uint64_t absent)
{
	uint64_t value;

	return module_number(list, type, &value) ? value : absent;
}

void module_string(const struct module_list *list, int type, char *to,
		   size_t size)
{
	struct module_list value;
	size_t at = 0;

	to[0] = '\0';
	if (module_next(list, type, &at, &value))
		snprintf(to, size, "%.*s", (int)value.len,
			 (const char *)value.data);
}

bool module_address_text(const struct module_list *value, char *to, size_t size)
{
	if (value->len == 4)
		return inet_ntop(AF_INET, value->data, to, size);
	if (value->len == 16)
		return inet_ntop(AF_INET6, value->data, to, size);
	return false;
}

void module_address(const struct module_list *list, int type, char *to,
		    size_t size)
{
	struct module_list value;
	size_t at = 0;

	if (!module_next(list, type, &at, &value) ||
	    !module_address_text(&value, to, size))
		to[0] = '\0';
}

const struct module_attr *module_attr(const struct module_set *set, int type)
{
	if (type < 0 || (unsigned int)type >= set->n || !set->attr[type].name)
		return NULL;
	return &set->attr[type];
}

static const struct module_word *word_of(const struct module_attr *attr,
					 uint64_t value)
{
	const struct module_enum *words = attr->words;

	if (!words || value < words->first || value - words->first >= words->n)
		return NULL;
	return &words->word[value - words->first];
}

const char *module_word(const struct module_attr *attr, uint64_t value)
{
	const struct module_word *word = word_of(attr, value);

	return word ? word->name : NULL;
}

const char *module_word_doc(const struct module_attr *attr, uint64_t value)
{
	const struct module_word *word = word_of(attr, value);

	return word && *word->doc ? word->doc : NULL;
}
