/* SPDX-License-Identifier: GPL-2.0 */
/*
 * The schema: what events look like, read from the BTF of bpf/event.h.
 *
 * Outputs, filters and the documentation know events only through it, so that
 * a new field appears everywhere by being declared. The rules by which a C
 * struct becomes a schema stand in bpf/event.h.
 */
#ifndef TCBSCOPE_EVENT_SCHEMA_H
#define TCBSCOPE_EVENT_SCHEMA_H

#include "bpf/config.h"
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct btf;

enum schema_kind {
	SCHEMA_NUMBER,
	SCHEMA_ENUM,
	SCHEMA_ADDR, /* addr_t: the event's family says how to read it */
	SCHEMA_TEXT, /* char[]: bytes up to NUL or the end, from outside */
};

struct schema_enum {
	const char *name; /* of the C enum */
	unsigned int n;
	const char **names; /* by value, or number of a bit; NULL: none such */
};

struct schema_field {
	const char *name;
	const char *unit; /* "" if it has none */
	const char *doc;
	enum schema_kind kind;
	unsigned int offset; /* bytes from the start of the event */
	unsigned int size;   /* bytes */
	bool is_signed;	     /* a number that may be below 0 */
	bool can_be_absent;
	uint64_t absent;		    /* the value that means so */
	const struct schema_field *without; /* absent while that is 0; or NULL */
	const struct schema_enum *values;   /* of SCHEMA_ENUM */
	const struct schema_enum *bits; /* names of a number's bits; or NULL */
};

#define SCHEMA_FIELDS 96 /* more than any event has */

struct schema_type {
	const char *name;  /* "state" */
	unsigned int size; /* bytes of the whole event */
	unsigned int n;
	unsigned int common; /* the first so many fields are struct event's */
	struct schema_field *fields;
	unsigned int n_enums; /* fields that are, by their index: */
	unsigned char enums[SCHEMA_FIELDS];
};

struct schema {
	struct btf *btf; /* names and docs point into it */
	/* while it is read: a type's first tag; a tag's next of its type; 0 */
	__u32 *tags;
	unsigned int n_enums;
	struct schema_enum *enums;
	struct schema_type types[EVENT_TYPES]; /* [enum event_type]; n 0: none */
};

/*
 * Reads the schema out of @btf, which may be freed afterwards. Returns NULL
 * with errno set: EPROTO if the BTF breaks the rules, ENOMEM.
 */
struct schema *schema_new(const struct btf *btf);
void schema_free(struct schema *schema);

/* Are there events of its type that lack the field? */
bool schema_may_lack(const struct schema_field *field);

/* The type called @name, or NULL. */
const struct schema_type *schema_type_find(const struct schema *schema,
					   const char *name);
const struct schema_field *schema_field_find(const struct schema_type *type,
					     const char *name);

/*
 * 0 if the @size bytes at @data are an event of a known type and no shorter
 * than that type, its family is known and its enums are in range; -EBADMSG
 * if not. Everything behind the input relies on this check.
 */
int schema_check(const struct schema *schema, const void *data, size_t size);

/*
 * The number or enum value of a field, of a signed one with the bits of its
 * int64_t; false if it is absent.
 */
bool schema_value(const struct schema_field *field, const struct event *e,
		  uint64_t *value);

/* An address; NULL if it is absent. */
const addr_t *schema_address(const struct schema_field *field,
			     const struct event *e);

/* The text of a field: its length in bytes, 0 if absent. Not terminated. */
size_t schema_text(const struct schema_field *field, const struct event *e,
		   const char **text);

/* The name of an enum's value, or NULL. */
const char *schema_enum_name(const struct schema_enum *values, uint64_t value);

/*
 * The value of a name of this enum, in any case and whatever - and _ it has;
 * -ENOENT if there is none.
 */
int schema_enum_value(const struct schema_enum *values, const char *name);

/*
 * The value of names of bits, "SYN+ACK", each written as above; -EINVAL if one
 * is none.
 */
int schema_bits_value(const struct schema_enum *bits, const char *names,
		      uint64_t *value);

/* "SYN+ACK", or with @between whatever else; bits without a name: 0x40000. */
#define SCHEMA_BITS_LEN 200
const char *schema_bits(const struct schema *schema, enum event_type type,
			const char *field, uint64_t value, const char *between,
			char text[SCHEMA_BITS_LEN]);

/* Shortcut: the name of a value of the enum of a field of a type. */
const char *schema_name(const struct schema *schema, enum event_type type,
			const char *field, uint64_t value);

/* A printed address: room for IPv6 with NUL. */
#define SCHEMA_ADDR_LEN 46
const char *schema_addr(enum family family, const addr_t *addr,
			char text[SCHEMA_ADDR_LEN]);

#endif
