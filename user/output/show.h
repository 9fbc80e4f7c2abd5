/* SPDX-License-Identifier: GPL-2.0 */
/*
 * One socket, drawn for people or as JSON, from the attributes that the kernel
 * module has of it. Their names and help are those of its description.
 */
#ifndef TCBSCOPE_OUTPUT_SHOW_H
#define TCBSCOPE_OUTPUT_SHOW_H

#include "event/module.h"

#include <stdio.h>

/* A look at a socket. */
struct show {
	const struct module_set *set; /* module_set_socket or _listener */
	struct module_list list;
	struct module_list hash; /* where it lives; may be empty */
	const char *via;	 /* who has told all this */
	bool derived;	/* not by the module: sequence numbers are relative, who
			   waits at a listener is concluded */
	uint64_t netns; /* inode */
	uint32_t pid;	/* of who holds it; 0: nobody is known */
	uint32_t fd, holders;
	const char *comm; /* any bytes */
};

/* How it is drawn. */
struct show_look {
	unsigned int width; /* columns */
	bool unicode, colour;
	bool explain; /* what each attribute is */
	bool all;     /* however many wait in queues */
};

/* 0 or -errno. */
int show_text(const struct show *s, const struct show_look *look, FILE *file);

/* One line: an object, its members named as the attributes. */
void show_json(const struct show *s, FILE *file);

#endif
