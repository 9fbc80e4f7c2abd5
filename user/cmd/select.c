// SPDX-License-Identifier: GPL-2.0
/* Each option is a term over schema fields; the kernel does what it can. */
#include "cmd/select.h"
#include "lib/opt.h"
#include "lib/say.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/nsfs.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <unistd.h>

#define VALUES_LEN 1024 /* of one option, namespaces resolved */

enum { KEY_FIRST = 0x1000, KEY_NETNS = KEY_FIRST + 100 };

struct select_option {
	struct argp_option argp;
	const char *fields; /* that may have the values */
	const char *values; /* what they are, for an error message */
};

#define PORTS "ports from 1 to 65535, separated by commas: 80,443"
#define NAMES NULL /* the schema knows them */

/* The rows of --help, and what they mean; one key each, in this order. */
static const struct select_option select_options[] = {
	{ { "pid", 'p', "PID", 0, "sockets that these processes own", 1 },
	  "pid",
	  "process ids above 0, separated by commas" },
	{ { "comm", KEY_FIRST, "NAME", 0,
	    "sockets whose owner is called so; * and ? as in the shell", 1 },
	  "comm",
	  NAMES },
	{ { "port", KEY_FIRST + 1, "PORT", 0, "this port at either end", 1 },
	  "lport,rport",
	  PORTS },
	{ { "sport", KEY_FIRST + 2, "PORT", 0, "this local port", 1 },
	  "lport",
	  PORTS },
	{ { "dport", KEY_FIRST + 3, "PORT", 0, "this remote port", 1 },
	  "rport",
	  PORTS },
	{ { "addr", KEY_FIRST + 4, "ADDR[/BITS]", 0,
	    "this address at either end", 1 },
	  "laddr,raddr",
	  "addresses, separated by commas: 10.0.0.0/8,::1" },
	{ { "netns", KEY_NETNS, "NETNS", 0,
	    "this network namespace: inode number, path, or self", 1 },
	  "netns",
	  "inode numbers, paths or self, separated by commas" },
	{ { "state", KEY_FIRST + 5, "STATE", 0,
	    "transitions from or to these states; windows in them", 1 },
	  "old,new,state",
	  NAMES },
	{ { "events", KEY_FIRST + 6, "TYPE", 0, "these event types only", 1 },
	  "type",
	  NAMES },
};

#define OPTIONS (sizeof(select_options) / sizeof(*select_options))

static struct argp_option argp_rows[OPTIONS + 1];

__attribute__((constructor)) static void fill_rows(void)
{
	unsigned int i;

	for (i = 0; i < OPTIONS; i++)
		argp_rows[i] = select_options[i].argp;
}

static error_t parse(int key, char *arg, struct argp_state *state)
{
	struct select *select = state->input;
	unsigned int i;

	for (i = 0; i < OPTIONS; i++) {
		if (key != select_options[i].argp.key)
			continue;
		if (select->n == SELECT_TERMS)
			argp_error(state, "more than %d filter options",
				   SELECT_TERMS);
		select->terms[select->n].option = &select_options[i];
		select->terms[select->n++].values = arg;
		return 0;
	}
	return ARGP_ERR_UNKNOWN;
}

const struct argp select_argp = {
	.options = argp_rows,
	.parser = parse,
};

/* The schema's names for a field's values: "one of state, window". */
static const char *value_names(const struct schema *schema, const char *fields,
			       char *to, size_t size)
{
	const struct schema_field *f = NULL;
	char first[32];
	unsigned int i;
	size_t n = 0;

	snprintf(first, sizeof(first), "%.*s", (int)strcspn(fields, ","),
		 fields);
	for (i = 0; i < EVENT_TYPES && !f; i++)
		if (schema->types[i].n)
			f = schema_field_find(&schema->types[i], first);
	if (!f || f->kind != SCHEMA_ENUM)
		return NULL;
	for (i = 0; i < f->values->n && n < size; i++)
		if (f->values->names[i])
			n += snprintf(to + n, size - n, "%s%s",
				      n ? ", " : "one of ",
				      f->values->names[i]);
	return to;
}

static int fail(const struct schema *schema, const struct select_option *option,
		const char *values)
{
	char names[256];
	const char *then = option->values;

	if (!then)
		then = value_names(schema, option->fields, names,
				   sizeof(names));
	return say_fail(EXIT_USAGE, NULL, then, "--%s: wrong value: %s",
			option->argp.name, values);
}

/* The inode number of a network namespace, and of nothing else. */
static int netns_number(const char *path, unsigned long long *number)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK), err = 0;
	struct stat st;

	if (fd < 0)
		return -errno;
	if (ioctl(fd, NS_GET_NSTYPE) != CLONE_NEWNET || fstat(fd, &st))
		err = -EINVAL;
	else
		*number = st.st_ino;
	close(fd);
	return err;
}

/* Namespaces by path or as "self" become inode numbers. */
static int resolve_netns(const char *list, char *to, size_t size)
{
	char *copy = strdup(list), *rest = copy, *s;
	size_t n = 0;
	int err = copy ? 0 : -ENOMEM;

	*to = '\0';
	while (!err && (s = strsep(&rest, ","))) {
		const char *path = strcmp(s, "self") ? s : "/proc/self/ns/net";
		unsigned long long number = 0;

		if (!strchr(path, '/'))
			n += snprintf(to + n, size - n, "%s%s", n ? "," : "",
				      path);
		else if (!(err = netns_number(path, &number)))
			n += snprintf(to + n, size - n, "%s%llu", n ? "," : "",
				      number);
		if (n >= size)
			err = -E2BIG;
	}
	free(copy);
	return err;
}

/*
 * The kernel's share: a port that must be at one of the ends. Both ends of a
 * local connection pass it, so that they still find each other. One such
 * option is enough: user space applies all of them anyway.
 */
static void push_ports(struct config *config, const char *values)
{
	char *copy, *rest, *s;
	uint64_t port;

	if (config->some_ports)
		return;
	config->some_ports = 1;
	copy = rest = strdup(values);
	while (copy && (s = strsep(&rest, ",")))
		if (!opt_number(s, 0, UINT16_MAX, &port))
			config->ports[port / 32] |= 1u << port % 32;
	free(copy);
}

/* The event types of a list that the filter has accepted already. */
static void push_events(struct config *config, const struct schema *schema,
			const char *values)
{
	char *copy = strdup(values), *rest = copy, *s;
	__u32 mask = 0;
	int i;

	while (copy && (s = strsep(&rest, ",")))
		for (i = 0; i < EVENT_TYPES; i++)
			if (schema->types[i].n &&
			    !strcasecmp(s, schema->types[i].name))
				mask |= 1u << i;
	config->events &= mask;
	free(copy);
}

static int apply_term(const struct select_option *option, const char *values,
		      const struct schema *schema, struct filter *filter,
		      struct config *config)
{
	char numbers[VALUES_LEN];

	int err;

	if (option->argp.key == KEY_NETNS) {
		err = resolve_netns(values, numbers, sizeof(numbers));
		if (err)
			return say_fail(EXIT_USAGE, NULL, option->values,
					"--netns: %s: %s", values,
					strerror(-err));
		values = numbers;
	}
	switch (filter_add(filter, option->fields, values)) {
	case 0:
		break;
	case -ENOMEM:
		return say_fail(EXIT_FAILED, NULL, NULL, "out of memory");
	default:
		return fail(schema, option, values);
	}
	if (strstr(option->fields, "port"))
		push_ports(config, values);
	if (!strcmp(option->fields, "type"))
		push_events(config, schema, values);
	return EXIT_DONE;
}

int select_apply(const struct select *select, const struct schema *schema,
		 struct filter **filter, struct config *config)
{
	int code = EXIT_DONE;
	unsigned int i;

	for (i = 0; i < EVENT_TYPES; i++)
		if (schema->types[i].n)
			config->events |= 1u << i;
	*filter = filter_new(schema);
	if (!*filter)
		return say_fail(EXIT_FAILED, NULL, NULL, "out of memory");
	for (i = 0; i < select->n && !code; i++)
		code = apply_term(select->terms[i].option,
				  select->terms[i].values, schema, *filter,
				  config);
	if (code) {
		filter_free(*filter);
		*filter = NULL;
	}
	return code;
}

bool select_names_events(const struct select *select)
{
	unsigned int i;

	for (i = 0; i < select->n; i++)
		if (!strcmp(select->terms[i].option->fields, "type"))
			return true;
	return false;
}
