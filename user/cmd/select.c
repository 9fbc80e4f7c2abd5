// SPDX-License-Identifier: GPL-2.0
/* Each option says a part of the filter's expression; so do the arguments. */
#include "cmd/select.h"
#include "lib/say.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define KEY_FIRST 0x1000

struct select_option {
	struct argp_option argp;
	const char *head; /* "pid": the expression is "pid = ARGUMENT" */
};

/* The rows of --help, and what they mean; one key each. */
static const struct select_option select_options[] = {
	{ { "pid", 'p', "PID", 0, "sockets that these processes own", 1 },
	  "pid" },
	{ { "comm", KEY_FIRST, "NAME", 0,
	    "sockets whose owner is called so; * and ? as in the shell", 1 },
	  "comm" },
	{ { "uid", KEY_FIRST + 1, "UID", 0, "sockets of these users", 1 },
	  "uid" },
	{ { "cgroup", KEY_FIRST + 2, "CGROUP", 0,
	    "sockets of this cgroup and those below: id or path", 1 },
	  "cgroup" },
	{ { "port", KEY_FIRST + 3, "PORT", 0, "this port at either end", 1 },
	  "port" },
	{ { "sport", KEY_FIRST + 4, "PORT", 0, "this local port", 1 },
	  "sport" },
	{ { "dport", KEY_FIRST + 5, "PORT", 0, "this remote port", 1 },
	  "dport" },
	{ { "addr", KEY_FIRST + 6, "ADDR[/BITS]", 0,
	    "this address at either end", 1 },
	  "addr" },
	{ { "netns", KEY_FIRST + 7, "NETNS", 0,
	    "this network namespace: inode number, path, or self", 1 },
	  "netns" },
	{ { "state", KEY_FIRST + 8, "STATE", 0,
	    "transitions from or to these states; windows in them", 1 },
	  "state" },
	{ { "events", KEY_FIRST + 9, "TYPE", 0, "these event types only", 1 },
	  "type" },
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

	if (key == ARGP_KEY_ARGS) {
		select->words = state->argv + state->next;
		select->n_words = state->argc - state->next;
		return 0;
	}
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

/* What is wrong, what would be right, and where it stands in @text. */
static int fail(const struct select_option *option, const char *hint,
		const char *text, const struct filter_error *error)
{
	char then[sizeof(error->then) + 64];

	snprintf(then, sizeof(then), "%s%s%s", error->then,
		 hint && *error->then ? "; " : "", hint ? hint : "");
	say_fail(EXIT_USAGE, NULL, *then ? then : NULL, "%s%s%s%s",
		 option ? "--" : "", option ? option->argp.name : "",
		 option ? ": " : "", error->what);
	say_where(text, error->at, error->len);
	return EXIT_USAGE;
}

static int apply(struct filter *filter, const struct select_option *option,
		 const char *hint, const char *text)
{
	struct filter_error error;
	int err;

	err = option ? filter_parse_option(filter, option->head, text, &error) :
		       filter_parse(filter, text, &error);
	if (err == -EINVAL)
		return fail(option, hint, text, &error);
	return err ? say_fail(EXIT_FAILED, NULL, NULL, "out of memory") :
		     EXIT_DONE;
}

/* The arguments joined by blanks, the caller's to free. NULL: no memory. */
static char *join(char *const *words, unsigned int n)
{
	size_t size = 1;
	unsigned int i;
	char *text, *end;

	for (i = 0; i < n; i++)
		size += strlen(words[i]) + 1;
	text = end = malloc(size);
	for (i = 0; text && i < n; i++) {
		end = stpcpy(end, words[i]);
		*end++ = ' ';
	}
	if (text)
		end[n ? -1 : 0] = '\0';
	return text;
}

static int apply_words(struct filter *filter, const struct select *select)
{
	char *text = join(select->words, select->n_words);
	int code;

	if (!text)
		return say_fail(EXIT_FAILED, NULL, NULL, "out of memory");
	code = apply(filter, NULL, select->hint, text);
	free(text);
	return code;
}

/* Which event types can pass; some only do if they are asked for. */
static __u32 types_of(const struct select *select, const struct filter *filter)
{
	return (filter_types(filter) & (~EVENTS_OPT_IN | select->also)) |
	       (filter_named_types(filter) & EVENTS_OPT_IN);
}

static int say_nothing_passes(void)
{
	return say_fail(EXIT_USAGE, "no event has all of what it asks for",
			"'tcbscope events' lists the fields of each type; drop "
			"must be asked for by name: type = drop",
			"nothing can pass this filter");
}

int select_apply(const struct select *select, const struct schema *schema,
		 __u32 types, struct filter **filter, struct config *config)
{
	int code = EXIT_DONE;
	unsigned int i;

	*filter = filter_new(schema);
	if (!*filter)
		return say_fail(EXIT_FAILED, NULL, NULL, "out of memory");
	for (i = 0; i < select->n && !code; i++)
		code = apply(*filter, select->terms[i].option, NULL,
			     select->terms[i].values);
	if (select->n_words && !code)
		code = apply_words(*filter, select);
	if (!code && !(types_of(select, *filter) & types))
		code = say_nothing_passes();
	if (code) {
		filter_free(*filter);
		*filter = NULL;
		return code;
	}
	config->events |= types_of(select, *filter);
	filter_push(*filter, &config->filter);
	return EXIT_DONE;
}
