// SPDX-License-Identifier: GPL-2.0
/* Turns the BTF of bpf/event.h into the table that everything else uses. */
#include "event/schema.h"

#include <arpa/inet.h>
#include <bpf/btf.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#define DOC_TAG "doc:"
#define ABSENT_TAG "absent:"
#define WITHOUT_TAG "without:"
#define BITS_TAG "bits"
#define ENUM_VALUES_MAX 256

/* The unit of a number is its typedef. */
static const struct {
	const char *type, *unit;
} units[] = {
	{ "nsec_t", "ns" },	  { "usec_t", "us" },
	{ "bytes_t", "bytes" },	  { "bytes32_t", "bytes" },
	{ "segs_t", "segments" }, { "bytes_per_sec_t", "bytes/s" },
};

static const char *type_name(const struct schema *schema,
			     const struct btf_type *t)
{
	return btf__name_by_offset(schema->btf, t->name_off);
}

/* Notes which tags each type has; there are many types, and most have none. */
static int tags_note(struct schema *schema)
{
	unsigned int i, n = btf__type_cnt(schema->btf);

	schema->tags = calloc(n, sizeof(*schema->tags));
	if (!schema->tags)
		return -ENOMEM;
	for (i = n - 1; i; i--) {
		const struct btf_type *t = btf__type_by_id(schema->btf, i);

		if (!btf_is_decl_tag(t) || t->type >= n)
			continue;
		schema->tags[i] = schema->tags[t->type];
		schema->tags[t->type] = i;
	}
	return 0;
}

/* The text of the tag that begins with @prefix on a member, or NULL. */
static const char *tag_find(const struct schema *schema, unsigned int id,
			    int member, const char *prefix)
{
	size_t len = strlen(prefix);
	unsigned int i;

	for (i = schema->tags[id]; i; i = schema->tags[i]) {
		const struct btf_type *t = btf__type_by_id(schema->btf, i);
		const char *text;

		if (btf_decl_tag(t)->component_idx != member)
			continue;
		text = type_name(schema, t);
		if (!strncmp(text, prefix, len))
			return text + len;
	}
	return NULL;
}

/* How much all names of an enum have in common, up to an underscore. */
static size_t enum_prefix(const struct schema *schema, const struct btf_type *t)
{
	const struct btf_enum *v = btf_enum(t);
	const char *first = btf__name_by_offset(schema->btf, v->name_off);
	size_t common = strlen(first);
	int i;

	for (i = 1; i < btf_vlen(t); i++) {
		const char *name;
		size_t same = 0;

		name = btf__name_by_offset(schema->btf, v[i].name_off);
		while (same < common && name[same] == first[same])
			same++;
		common = same;
	}
	while (common && first[common - 1] != '_')
		common--;
	return common;
}

/* Where the name of an enumerator stands; one below 0 does not fit. */
static unsigned int enum_index(const struct btf_enum *v, bool bits)
{
	__u32 value = v->val;

	if (!bits)
		return v->val < 0 ? ENUM_VALUES_MAX : value;
	return value && !(value & (value - 1)) ? __builtin_ctz(value) :
						 ENUM_VALUES_MAX;
}

static const struct schema_enum *enum_read(struct schema *schema,
					   const struct btf_type *t, bool bits)
{
	const struct btf_enum *v = btf_enum(t);
	struct schema_enum *e;
	unsigned int i, max = 0;
	size_t prefix;

	for (i = 0; i < schema->n_enums; i++)
		if (!strcmp(schema->enums[i].name, type_name(schema, t)))
			return &schema->enums[i];
	for (i = 0; i < btf_vlen(t); i++)
		if (enum_index(&v[i], bits) > max)
			max = enum_index(&v[i], bits);
	if (!btf_vlen(t) || max >= ENUM_VALUES_MAX) {
		errno = EPROTO;
		return NULL;
	}
	e = &schema->enums[schema->n_enums];
	e->names = calloc(max + 1, sizeof(*e->names));
	if (!e->names)
		return NULL;
	schema->n_enums++;
	e->name = type_name(schema, t);
	e->n = max + 1;
	prefix = enum_prefix(schema, t);
	for (i = 0; i < btf_vlen(t); i++)
		e->names[enum_index(&v[i], bits)] =
			prefix +
			btf__name_by_offset(schema->btf, v[i].name_off);
	return e;
}

/* Kind, unit and size of a field from the C type of its member. */
static int field_type(struct schema *schema, unsigned int id, bool bits,
		      struct schema_field *f)
{
	const struct btf_type *t = btf__type_by_id(schema->btf, id);
	int size = btf__resolve_size(schema->btf, id);
	unsigned int i;

	if (size <= 0)
		return -EPROTO;
	f->size = size;
	f->unit = "";
	while (btf_is_typedef(t)) {
		const char *name = type_name(schema, t);

		for (i = 0; i < sizeof(units) / sizeof(*units); i++)
			if (!strcmp(name, units[i].type))
				f->unit = units[i].unit;
		if (!strcmp(name, "addr_t")) {
			f->kind = SCHEMA_ADDR;
			return f->size == sizeof(addr_t) ? 0 : -EPROTO;
		}
		t = btf__type_by_id(schema->btf, t->type);
	}
	if (btf_is_array(t)) {
		f->kind = SCHEMA_TEXT;
		return 0;
	}
	if (btf_is_enum(t) && bits) {
		f->kind = SCHEMA_NUMBER;
		f->bits = enum_read(schema, t, true);
		return f->bits ? 0 : -errno;
	}
	if (btf_is_enum(t)) {
		f->kind = SCHEMA_ENUM;
		f->values = enum_read(schema, t, false);
		return !f->values ? -errno : f->size == 1 ? 0 : -EPROTO;
	}
	f->kind = SCHEMA_NUMBER;
	if (!btf_is_int(t) || f->size > sizeof(uint64_t))
		return -EPROTO;
	f->is_signed = btf_int_encoding(t) & BTF_INT_SIGNED;
	return f->is_signed && f->size != sizeof(int64_t) ? -EPROTO : 0;
}

static int fields_read(struct schema *schema, unsigned int id,
		       unsigned int base, struct schema_type *type);

/* The fields of a struct within the event; @without: see bpf/event.h. */
static int struct_read(struct schema *schema, unsigned int id,
		       unsigned int base, struct schema_type *type,
		       const char *without)
{
	const struct schema_field *field = NULL;
	unsigned int first = type->n, i;
	int err = fields_read(schema, id, base, type);

	if (err)
		return err;
	if (!base)
		type->common = type->n;
	for (i = first; without && i < type->n; i++)
		if (!strcmp(type->fields[i].name, without))
			field = &type->fields[i];
	if (without && !field)
		return -EPROTO;
	for (i = first; field && i < type->n; i++)
		type->fields[i].without = field;
	return 0;
}

/* Those that schema_check() has to look at. */
static void enums_note(struct schema_type *type)
{
	unsigned int i;

	for (i = 0; i < type->n; i++)
		if (type->fields[i].kind == SCHEMA_ENUM)
			type->enums[type->n_enums++] = i;
}

static int field_read(struct schema *schema, unsigned int id, int i,
		      unsigned int base, struct schema_type *type)
{
	const struct btf_type *t = btf__type_by_id(schema->btf, id);
	const struct btf_member *m = btf_members(t) + i;
	struct schema_field *f = &type->fields[type->n];
	const char *absent, *without;
	int err;

	f->offset = base + btf_member_bit_offset(t, i) / 8;
	f->name = btf__name_by_offset(schema->btf, m->name_off);
	if (btf_is_struct(btf__type_by_id(schema->btf, m->type)))
		return struct_read(schema, m->type, f->offset, type,
				   tag_find(schema, id, i, WITHOUT_TAG));
	f->doc = tag_find(schema, id, i, DOC_TAG);
	if (!f->doc)
		return 0;
	err = field_type(schema, m->type, tag_find(schema, id, i, BITS_TAG), f);
	if (err)
		return err;
	absent = tag_find(schema, id, i, ABSENT_TAG);
	if (absent) {
		f->can_be_absent = true;
		f->absent = strtoull(absent, NULL, 0);
	}
	without = tag_find(schema, id, i, WITHOUT_TAG);
	f->without = without ? schema_field_find(type, without) : NULL;
	if (without && !f->without)
		return -EPROTO;
	type->n++;
	return 0;
}

static int fields_read(struct schema *schema, unsigned int id,
		       unsigned int base, struct schema_type *type)
{
	int i, n = btf_vlen(btf__type_by_id(schema->btf, id));
	int err;

	for (i = 0; i < n; i++) {
		if (type->n >= SCHEMA_FIELDS)
			return -EPROTO;
		err = field_read(schema, id, i, base, type);
		if (err)
			return err;
	}
	return 0;
}

/* Each enumerator of enum event_type has its struct. */
static int types_read(struct schema *schema)
{
	const struct btf_type *t;
	const struct btf_enum *v;
	int id, i, err;

	id = btf__find_by_name_kind(schema->btf, "event_type", BTF_KIND_ENUM);
	if (id < 0)
		return -EPROTO;
	t = btf__type_by_id(schema->btf, id);
	v = btf_enum(t);
	schema->enums = calloc(btf__type_cnt(schema->btf),
			       sizeof(*schema->enums));
	if (!schema->enums)
		return -ENOMEM;
	for (i = 0; i < btf_vlen(t); i++) {
		const char *name = btf__name_by_offset(schema->btf,
						       v[i].name_off);
		struct schema_type *type;
		char lower[64];
		size_t k;

		if (v[i].val <= 0 || v[i].val >= EVENT_TYPES ||
		    strncmp(name, "EVENT_", 6) || strlen(name) >= sizeof(lower))
			return -EPROTO;
		strcpy(lower, name);
		for (k = 0; k < 6; k++)
			lower[k] |= lower[k] == '_' ? 0 : 0x20;
		id = btf__find_by_name_kind(schema->btf, lower,
					    BTF_KIND_STRUCT);
		if (id < 0)
			return -EPROTO;
		type = &schema->types[v[i].val];
		type->name = name + 6;
		type->size = btf__type_by_id(schema->btf, id)->size;
		type->fields = calloc(SCHEMA_FIELDS, sizeof(*type->fields));
		if (!type->fields)
			return -ENOMEM;
		err = fields_read(schema, id, 0, type);
		if (err)
			return err;
		enums_note(type);
		if (type->size > sizeof(union event_any) || !type->common)
			return -EPROTO;
	}
	return 0;
}

struct schema *schema_new(const struct btf *btf)
{
	struct schema *schema = calloc(1, sizeof(*schema));
	const void *raw;
	__u32 size;
	int err;

	if (!schema)
		return NULL;
	raw = btf__raw_data(btf, &size);
	schema->btf = raw ? btf__new(raw, size) : NULL;
	err = !schema->btf ? -EPROTO : tags_note(schema) ?: types_read(schema);
	free(schema->tags);
	schema->tags = NULL;
	if (!err)
		return schema;
	schema_free(schema);
	errno = -err;
	return NULL;
}

void schema_free(struct schema *schema)
{
	unsigned int i;

	if (!schema)
		return;
	for (i = 0; i < schema->n_enums; i++)
		free(schema->enums[i].names);
	for (i = 0; i < EVENT_TYPES; i++)
		free(schema->types[i].fields);
	free(schema->enums);
	btf__free(schema->btf);
	free(schema);
}

const struct schema_type *schema_type_find(const struct schema *schema,
					   const char *name)
{
	int i;

	for (i = 0; i < EVENT_TYPES; i++)
		if (schema->types[i].n && !strcmp(schema->types[i].name, name))
			return &schema->types[i];
	return NULL;
}

const struct schema_field *schema_field_find(const struct schema_type *type,
					     const char *name)
{
	unsigned int i;

	for (i = 0; i < type->n; i++)
		if (!strcmp(type->fields[i].name, name))
			return &type->fields[i];
	return NULL;
}

static uint64_t field_number(const struct schema_field *f,
			     const struct event *e)
{
	const char *at = (const char *)e + f->offset;
	uint64_t u64;
	uint32_t u32;
	uint16_t u16;

	switch (f->size) {
	case 8:
		memcpy(&u64, at, sizeof(u64));
		return u64;
	case 4:
		memcpy(&u32, at, sizeof(u32));
		return u32;
	case 2:
		memcpy(&u16, at, sizeof(u16));
		return u16;
	default:
		return (uint8_t)*at;
	}
}

/* Is another field 0 that this one makes no sense without? */
static bool withheld(const struct schema_field *f, const struct event *e)
{
	return f->without && !field_number(f->without, e);
}

bool schema_may_lack(const struct schema_field *f)
{
	return f->can_be_absent || f->without;
}

bool schema_value(const struct schema_field *f, const struct event *e,
		  uint64_t *value)
{
	if (f->kind != SCHEMA_NUMBER && f->kind != SCHEMA_ENUM)
		return false;
	if (withheld(f, e))
		return false;
	*value = field_number(f, e);
	return !f->can_be_absent || *value != f->absent;
}

const addr_t *schema_address(const struct schema_field *f,
			     const struct event *e)
{
	return f->kind == SCHEMA_ADDR && !withheld(f, e) ?
		       (const addr_t *)((const char *)e + f->offset) :
		       NULL;
}

size_t schema_text(const struct schema_field *f, const struct event *e,
		   const char **text)
{
	*text = (const char *)e + f->offset;
	if (f->kind != SCHEMA_TEXT || withheld(f, e))
		return 0;
	return strnlen(*text, f->size);
}

int schema_check(const struct schema *schema, const void *data, size_t size)
{
	const struct schema_type *type;
	const struct event *e = data;
	unsigned int i;

	if (size < sizeof(*e) || e->type >= EVENT_TYPES)
		return -EBADMSG;
	type = &schema->types[e->type];
	if (!type->n || size < type->size)
		return -EBADMSG;
	for (i = 0; i < type->n_enums; i++) {
		const struct schema_field *f = &type->fields[type->enums[i]];
		uint64_t value;

		if (schema_value(f, e, &value) &&
		    !schema_enum_name(f->values, value))
			return -EBADMSG;
	}
	return 0;
}

const char *schema_enum_name(const struct schema_enum *values, uint64_t value)
{
	return value < values->n ? values->names[value] : NULL;
}

/* "fin-wait-1" is FIN_WAIT1: ss(8) and the RFC write names in other ways. */
static bool same_name(const char *a, const char *b)
{
	for (;; a++, b++) {
		while (*a == '-' || *a == '_')
			a++;
		while (*b == '-' || *b == '_')
			b++;
		if (strncasecmp(a, b, 1))
			return false;
		if (!*a)
			return true;
	}
}

int schema_enum_value(const struct schema_enum *values, const char *name)
{
	unsigned int i;

	for (i = 0; i < values->n; i++)
		if (values->names[i] && same_name(values->names[i], name))
			return i;
	return -ENOENT;
}

int schema_bits_value(const struct schema_enum *bits, const char *names,
		      uint64_t *value)
{
	char copy[SCHEMA_BITS_LEN], *rest = copy, *name;
	int bit;

	if (strlen(names) >= sizeof(copy))
		return -EINVAL;
	strcpy(copy, names);
	*value = 0;
	while ((name = strsep(&rest, "+"))) {
		bit = schema_enum_value(bits, name);
		if (bit < 0)
			return -EINVAL;
		*value |= 1ull << bit;
	}
	return 0;
}

const char *schema_bits(const struct schema *schema, enum event_type type,
			const char *field, uint64_t value, const char *between,
			char text[SCHEMA_BITS_LEN])
{
	const struct schema_field *f;
	size_t n = 0;
	unsigned int i;

	f = schema_field_find(&schema->types[type], field);
	*text = '\0';
	for (i = 0; f && f->bits && i < f->bits->n; i++) {
		if (!(value & 1ull << i) || !f->bits->names[i])
			continue;
		n += snprintf(text + n, SCHEMA_BITS_LEN - n, "%s%s",
			      n ? between : "", f->bits->names[i]);
		value &= ~(1ull << i);
	}
	if (value)
		snprintf(text + n, SCHEMA_BITS_LEN - n, "%s%#llx",
			 n ? between : "", (unsigned long long)value);
	return text;
}

const char *schema_name(const struct schema *schema, enum event_type type,
			const char *field, uint64_t value)
{
	const struct schema_field *f;
	const char *name = NULL;

	f = schema_field_find(&schema->types[type], field);
	if (f && f->kind == SCHEMA_ENUM)
		name = schema_enum_name(f->values, value);
	return name ? name : "?";
}

/* inet_ntop() would print four numbers by sprintf(): half of an event's time. */
static char *put_byte(char *at, uint8_t byte)
{
	if (byte >= 100)
		*at++ = '0' + byte / 100;
	if (byte >= 10)
		*at++ = '0' + byte / 10 % 10;
	*at++ = '0' + byte % 10;
	return at;
}

const char *schema_addr(enum family family, const addr_t *addr,
			char text[SCHEMA_ADDR_LEN])
{
	char *at = text;
	int i;

	if (family == FAMILY_INET6)
		return inet_ntop(AF_INET6, addr->byte, text, SCHEMA_ADDR_LEN);
	for (i = 0; i < 4; i++) {
		at = put_byte(at, addr->byte[i]);
		*at++ = i < 3 ? '.' : '\0';
	}
	return text;
}
