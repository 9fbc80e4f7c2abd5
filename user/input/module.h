/* SPDX-License-Identifier: GPL-2.0 */
/*
 * What the kernel module tells of a socket, over generic netlink.
 *
 * A reply is a list of attributes, each of which may hold such a list. Names,
 * types and help of all of them are in tables that are made of the interface's
 * description, Documentation/netlink/specs/tcbscope.yaml; their numbers are in
 * "uapi.h", made of the same.
 */
#ifndef TCBSCOPE_INPUT_MODULE_H
#define TCBSCOPE_INPUT_MODULE_H

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
	const char *word[];
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

/* A list of attributes. It and what is found in it are valid until the next
 * request; an empty list stands for one that is not there. */
struct module_list {
	const void *data;
	size_t len;
};

/* Which socket; all of it in host byte order but the addresses. */
struct module_identity {
	uint64_t cookie;	       /* 0: the rest says which */
	int family;		       /* AF_INET, AF_INET6; 0: all sockets */
	uint8_t local[16], remote[16]; /* IPv4: the first four bytes */
	uint16_t local_port, remote_port; /* the latter 0: a listener */
	uint32_t device; /* index of the interface it is bound to; 0: none */
};

struct module;

/*
 * Opens a connection to the module, about sockets of the current network
 * namespace. NULL with errno: ENOENT if the module is not loaded.
 */
struct module *module_open(void);
void module_close(struct module *m);

/*
 * Asks for one socket: @cmd is TCBSCOPE_CMD_... The attributes of all messages
 * of the reply become one @list, as if it were one message. 0 or -errno; then
 * module_why() has what the kernel said about it, or is empty. @entries is for
 * listeners only.
 */
int module_get(struct module *m, int cmd, const struct module_identity *id,
	       bool entries, struct module_list *list);

/* Asks for all: each message goes to @sink, which returns 0 to go on, or what
 * module_each() then returns. */
typedef int (*module_sink)(void *ctx, const struct module_list *list);
int module_each(struct module *m, int cmd, module_sink sink, void *ctx);

const char *module_why(const struct module *m);

/* Was the last reply consistent? No: sockets came and went meanwhile. */
bool module_consistent(const struct module *m);

/* The list in the first attribute of this type. */
struct module_list module_nest(const struct module_list *list, int type);

/*
 * The next of several lists: *@at is 0 at first. False: there is none.
 */
bool module_next(const struct module_list *list, int type, size_t *at,
		 struct module_list *nest);

/* A number of any size, or false: it is not there. A flag is 1. */
bool module_number(const struct module_list *list, int type, uint64_t *value);

/* The same for who has a value for what is not there. */
uint64_t module_or(const struct module_list *list, int type, uint64_t absent);

/* A string, or an address as text; "" if it is not there. */
void module_string(const struct module_list *list, int type, char *to,
		   size_t size);
void module_address(const struct module_list *list, int type, char *to,
		    size_t size);

/* The word for a value of this attribute; NULL: it has none. */
const char *module_word(const struct module_attr *attr, uint64_t value);

#endif
