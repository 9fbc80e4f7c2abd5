/* SPDX-License-Identifier: GPL-2.0 */
/* The kernel module, asked over generic netlink; event/module.h: its answers. */
#ifndef TCBSCOPE_INPUT_MODULE_H
#define TCBSCOPE_INPUT_MODULE_H

#include "event/module.h"

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
 * namespace. NULL with errno: ENOENT if the module is not loaded, and cannot be
 * found by the kernel; EPROTONOSUPPORT if it is of another version.
 */
struct module *module_open(void);
void module_close(struct module *m);

/*
 * Asks for one socket: @cmd is TCBSCOPE_CMD_... The attributes of all messages
 * of the reply become one @list, as if it were one message; it is valid until
 * the next request. 0 or -errno; then module_why() has what the kernel said
 * about it, or is empty. @entries is for listeners only.
 */
int module_get(struct module *m, int cmd, const struct module_identity *id,
	       bool entries, struct module_list *list);

/* Asks for all: each message goes to @sink, which returns 0 to go on, or what
 * module_each() then returns. */
typedef int (*module_sink)(void *ctx, const struct module_list *list);
int module_each(struct module *m, int cmd, module_sink sink, void *ctx);

/* The error of a libnl function as -errno; 0 of what is none. */
int module_error(int err);

const char *module_why(const struct module *m);

/* Was the last reply consistent? No: sockets came and went meanwhile. */
bool module_consistent(const struct module *m);

#endif
