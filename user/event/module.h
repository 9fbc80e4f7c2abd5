/* SPDX-License-Identifier: GPL-2.0 */
/*
 * What is inside a socket, in the words of the kernel module: lists of
 * attributes, each of which may hold such a list.
 *
 * Names, types and help of all of them are in tables that are made of the
 * interface's description, Documentation/netlink/specs/tcbscope.yaml; their
 * numbers are in "uapi.h", made of the same.
 */
#ifndef TCBSCOPE_EVENT_MODULE_H
#define TCBSCOPE_EVENT_MODULE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "uapi.h"

enum module_type {
	MODULE_PAD,
	MODULE_FLAG,
	MODULE_BINARY,
	MODULE_STRING,
	MODULE_NEST,
	MODULE_U16,
	MODULE_U32,
	MODULE_U64,
	MODULE_S64,
};

/* Words for a number, or for each of its bits if they are flags. */
struct module_enum {
	bool flags;
	unsigned int first, n;
	struct module_word {
		const char *name, *doc;
	} word[];
};

struct module_attr {
	const char *name; /* as in JSON; NULL: there is no such attribute */
	enum module_type type;
	bool many;			 /* may be there several times */
	bool address;			 /* binary: of IPv4 or IPv6 */
	const struct module_enum *words; /* NULL: a plain number */
	const struct module_set *nest;
	const char *doc;
};

struct module_set {
	const char *name;
	unsigned int n; /* of attributes, that of number 0 included */
	const struct module_attr *attr;
};

extern const struct module_set module_set_socket, module_set_listener,
	module_set_hash;

/* A list of attributes, of whoever has them; what is found in it is valid as
 * long as it is. An empty list stands for one that is not there. */
struct module_list {
	const void *data;
	size_t len;
};

/* The list in the first attribute of this type. */
struct module_list module_nest(const struct module_list *list, int type);

/*
 * The next of several lists: *@at is 0 at first. False: there is none.
 */
bool module_next(const struct module_list *list, int type, size_t *at,
		 struct module_list *nest);

/*
 * The next attribute of whatever type, as it is. False: there is none, or what
 * is left is none.
 */
bool module_any(const struct module_list *list, size_t *at, int *type,
		struct module_list *value);

/* A number of any size, or false: it is not there. A flag is 1. */
bool module_number(const struct module_list *list, int type, uint64_t *value);

/* The same for who has a value for what is not there. */
uint64_t module_or(const struct module_list *list, int type, uint64_t absent);

/* A string, or an address as text; "" if it is not there. */
void module_string(const struct module_list *list, int type, char *to,
		   size_t size);
void module_address(const struct module_list *list, int type, char *to,
		    size_t size);

/* An address that is all of a list's bytes. False: it is none. */
bool module_address_text(const struct module_list *value, char *to,
			 size_t size);

/* The number that is all of a list's bytes: the value of an attribute. */
bool module_value(const struct module_list *value, uint64_t *number);

/* The attribute of this number; NULL: the description has none. */
const struct module_attr *module_attr(const struct module_set *set, int type);

/* The word for a value of this attribute, and its help; NULL: it has none. */
const char *module_word(const struct module_attr *attr, uint64_t value);
const char *module_word_doc(const struct module_attr *attr, uint64_t value);

#endif
