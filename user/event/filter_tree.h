/* SPDX-License-Identifier: GPL-2.0 */
/* The tree of an expression, for the filter's own files only. */
#ifndef TCBSCOPE_EVENT_FILTER_TREE_H
#define TCBSCOPE_EVENT_FILTER_TREE_H

#include "event/filter.h"

enum filter_node_kind { FILTER_AND, FILTER_OR, FILTER_NOT, FILTER_TERM };

enum filter_op {
	FILTER_EQUAL, /* to any of the values */
	FILTER_LESS,
	FILTER_AT_MOST,
	FILTER_MORE,
	FILTER_AT_LEAST,
	FILTER_PRESENT, /* no value: the field is not absent */
};

/* One value, read as each kind that the field has in some event type. */
struct filter_value {
	uint64_t number;
	int named[EVENT_TYPES]; /* enum value by event type; -1: none */
	addr_t addr;
	enum family family;
	unsigned int prefix; /* bits of addr that count */
	unsigned int cgroup; /* index of number in filter->cgroups */
	char *text;
};

/* One field compared with values. A type without the field has NULL. */
struct filter_term {
	enum filter_op op;
	const struct schema_field *field[EVENT_TYPES];
	unsigned int n_values;
	struct filter_value *values;
};

/* AND and OR have any number of children, NOT has one, TERM none. */
struct filter_node {
	enum filter_node_kind kind;
	bool both_ends; /* OR that says of one end what it says of the other */
	struct filter_node *child, *next;
	struct filter_term *term;
};

struct filter {
	const struct schema *schema;
	struct filter_node *root; /* AND */
	unsigned int n_cgroups;
	__u64 cgroups[FILTER_CGROUPS]; /* ids that terms name */
	struct kfilter *pushed;	       /* NULL: nothing */
};

struct filter_node *filter_node_new(enum filter_node_kind kind);
void filter_node_free(struct filter_node *node);

/* Does the term hold for the event? */
bool filter_term_match(const struct filter_term *term, const struct event *e);

enum filter_maybe {
	FILTER_NEVER = 1,
	FILTER_ALWAYS = 2,
	FILTER_MAYBE = FILTER_NEVER | FILTER_ALWAYS,
};

/* Does it hold for an event of which only the type is known? */
enum filter_maybe filter_maybe(const struct filter_node *node, int type);

#define FILTER_WORD_FIELDS 3

/* Names that are ss(8)'s, or stand for several fields. */
struct filter_word {
	const char *name;
	const char *fields[FILTER_WORD_FIELDS];
	bool both_ends; /* the same of either end */
	bool endpoint;	/* its values may have a port: 10.0.0.1:80 */
	bool negated;
};

/* NULL: it has no meaning of its own. */
const struct filter_word *filter_word_find(const char *name);

/* What may have been meant by @wrong, for an error: "dport or sport? ..." */
void filter_word_guess(const struct schema *schema, const char *wrong, char *to,
		       size_t size);

/* One word of an expression, or an operator. */
enum filter_token_kind {
	TOKEN_WORD,
	TOKEN_OPEN,
	TOKEN_CLOSE,
	TOKEN_AND,
	TOKEN_OR,
	TOKEN_NOT,
	TOKEN_EQUAL,
	TOKEN_DIFFERS,
	TOKEN_LESS,
	TOKEN_AT_MOST,
	TOKEN_MORE,
	TOKEN_AT_LEAST,
	TOKEN_END,
};

struct filter_token {
	enum filter_token_kind kind;
	bool quoted;	/* a word that is no list and no keyword */
	size_t at, len; /* where it stands in the text */
	const char *s;	/* its text without quotes, terminated */
	size_t inner;	/* where s begins in the text */
};

/*
 * Cuts @text into words; the last token is TOKEN_END. *@tokens and *@texts are
 * the caller's to free. 0, -EINVAL, -ENOMEM.
 */
int filter_lex(const char *text, struct filter_token **tokens, char **texts,
	       struct filter_error *error);

/*
 * Reads @list into the term's values, as the kinds of the term's fields want
 * it. 0, -EINVAL, -ENOMEM. What has been read is the term's.
 */
int filter_value_read(struct filter *filter, struct filter_term *term,
		      const struct filter_token *list,
		      struct filter_error *error);

/* Says what is wrong with @len bytes at @at of the text. Returns -EINVAL. */
int filter_error_set(struct filter_error *error, size_t at, size_t len,
		     const char *then, const char *fmt, ...)
	__attribute__((format(printf, 5, 6)));

#endif
