// SPDX-License-Identifier: GPL-2.0
/*
 * The parser of expressions, a recursive descent:
 *
 *	any  := all { "or" all }
 *	all  := one { [ "and" ] one }
 *	one  := { "not" } ( "(" any ")" | comparison )
 *	comparison := NAME [ OPERATOR ] VALUE { "," VALUE }  |  FIELD
 *
 * What says several things at once becomes a tree of terms of one field each:
 * "port 80" is "lport = 80 or rport = 80", "a != b" is "a and not a = b".
 */
#include "event/filter_tree.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#define DEPTH_MAX 64 /* of parentheses; bounds all that walks the tree */

struct parser {
	struct filter *filter;
	const struct filter_token *token; /* the next one */
	struct filter_error *error;
	unsigned int depth;
	int err; /* set where a node is NULL */
};

/* No node: why, and where. */
#define WRONG(p, at, len, then, ...)                                          \
	((p)->err = filter_error_set((p)->error, at, len, then, __VA_ARGS__), \
	 (struct filter_node *)NULL)

static struct filter_node *node_new(struct parser *p,
				    enum filter_node_kind kind)
{
	struct filter_node *node = filter_node_new(kind);

	if (!node)
		p->err = -ENOMEM;
	return node;
}

/* @child, which may be NULL, becomes @parent's last; NULL frees @parent. */
static struct filter_node *adopt(struct filter_node *parent,
				 struct filter_node ***end,
				 struct filter_node *child)
{
	if (parent && child) {
		**end = child;
		*end = &child->next;
		return parent;
	}
	filter_node_free(child);
	filter_node_free(parent);
	return NULL;
}

/* AND and OR of one thing are that thing. @node may be NULL. */
static struct filter_node *only_child(struct filter_node *node)
{
	struct filter_node *child = node ? node->child : NULL;

	if (!child || child->next)
		return node;
	node->child = NULL;
	filter_node_free(node);
	return child;
}

static struct filter_node *node_not(struct parser *p, struct filter_node *child)
{
	struct filter_node *node = child ? node_new(p, FILTER_NOT) : NULL;
	struct filter_node **end = node ? &node->child : NULL;

	return adopt(node, &end, child);
}

static bool exists(const struct schema *schema, const char *name)
{
	int i;

	for (i = 0; i < EVENT_TYPES; i++)
		if (schema->types[i].n &&
		    schema_field_find(&schema->types[i], name))
			return true;
	return false;
}

/* One field compared with what @value says; it is checked that they go. */
static struct filter_node *term(struct parser *p, const char *name,
				enum filter_op op,
				const struct filter_token *value)
{
	const struct schema *schema = p->filter->schema;
	struct filter_node *node = node_new(p, FILTER_TERM);
	int i;

	if (!node)
		return NULL;
	node->term->op = op;
	for (i = 0; i < EVENT_TYPES; i++)
		if (schema->types[i].n)
			node->term->field[i] =
				schema_field_find(&schema->types[i], name);
	if (op != FILTER_PRESENT)
		p->err = filter_value_read(p->filter, node->term, value,
					   p->error);
	if (!p->err)
		return node;
	filter_node_free(node);
	return NULL;
}

/* The fields that a word stands for: any of them. */
static struct filter_node *terms(struct parser *p,
				 const struct filter_word *word,
				 enum filter_op op,
				 const struct filter_token *value)
{
	struct filter_node *node = node_new(p, FILTER_OR), **end;
	unsigned int i;

	end = node ? &node->child : NULL;
	for (i = 0; node && i < FILTER_WORD_FIELDS && word->fields[i]; i++)
		if (exists(p->filter->schema, word->fields[i]))
			node = adopt(node, &end,
				     term(p, word->fields[i], op, value));
	if (node)
		node->both_ends = word->both_ends;
	return only_child(node);
}

/* "10.0.0.0/8:80", "[::1]:80", "::1", ":80", "*:80" taken apart. */
struct endpoint {
	char *addr, *port; /* NULL: any */
	size_t port_at;	   /* from the beginning */
};

static bool endpoint_cut(char *s, struct endpoint *to)
{
	char *bracket = *s == '[' ? strchr(s, ']') : NULL;
	char *colon = strchr(bracket ? bracket : s, ':');

	*to = (struct endpoint){ .addr = s };
	if (*s == '[' && !bracket)
		return false;
	if (colon && !bracket && strchr(colon + 1, ':'))
		colon = NULL; /* IPv6 */
	if (colon) {
		*colon = '\0';
		to->port = colon + 1;
		to->port_at = to->port - s;
	}
	if (bracket) { /* a prefix may stand behind it */
		memmove(bracket, bracket + 1, strlen(bracket));
		to->addr++;
	}
	if (!*to->addr || !strcmp(to->addr, "*"))
		to->addr = NULL;
	if (to->port && !strcmp(to->port, "*"))
		to->port = NULL;
	return to->addr || to->port;
}

/* One end: its address and its port, as far as they are said. */
static struct filter_node *end_terms(struct parser *p, const char *addr_field,
				     const struct filter_token *value,
				     const struct endpoint *e)
{
	const char *port_field = *addr_field == 'l' ? "lport" : "rport";
	struct filter_node *node = node_new(p, FILTER_AND), **end;
	struct filter_token part = *value;

	end = node ? &node->child : NULL;
	part.quoted = true; /* no list */
	if (node && e->addr) {
		part.s = e->addr;
		node = adopt(node, &end,
			     term(p, addr_field, FILTER_EQUAL, &part));
	}
	if (node && e->port) {
		part.s = e->port;
		part.inner = value->inner + e->port_at;
		node = adopt(node, &end,
			     term(p, port_field, FILTER_EQUAL, &part));
	}
	return only_child(node);
}

static struct filter_node *endpoint(struct parser *p,
				    const struct filter_word *word,
				    const struct filter_token *value)
{
	struct filter_node *node, **end;
	char *copy = strdup(value->s);
	struct endpoint e;
	unsigned int i;

	if (!copy) {
		p->err = -ENOMEM;
		return NULL;
	}
	node = endpoint_cut(copy, &e) ?
		       node_new(p, FILTER_OR) :
		       WRONG(p, value->inner, strlen(value->s),
			     "an address, a port, or both: 10.0.0.0/8, :443, "
			     "[::1]:443",
			     "wrong value: '%s'", value->s);
	end = node ? &node->child : NULL;
	for (i = 0; node && i < FILTER_WORD_FIELDS && word->fields[i]; i++)
		node = adopt(node, &end,
			     end_terms(p, word->fields[i], value, &e));
	if (node)
		node->both_ends = word->both_ends;
	free(copy);
	return only_child(node);
}

/* A list of endpoints: any of them. */
static struct filter_node *endpoints(struct parser *p,
				     const struct filter_word *word,
				     const struct filter_token *value)
{
	struct filter_node *node = node_new(p, FILTER_OR), **end;
	char *copy = strdup(value->s), *rest = copy, *s;
	struct filter_token one = *value;

	if (!copy)
		p->err = -ENOMEM;
	end = node ? &node->child : NULL;
	while (node && (s = strsep(&rest, ","))) {
		one.s = s;
		one.inner = value->inner + (s - copy);
		node = adopt(node, &end, endpoint(p, word, &one));
	}
	if (node && !copy)
		node = adopt(node, &end, NULL);
	if (node)
		node->both_ends = word->both_ends;
	free(copy);
	return only_child(node);
}

/* There is no such field. What may have been meant? */
static struct filter_node *unknown(struct parser *p,
				   const struct filter_token *name)
{
	char then[256];

	filter_word_guess(p->filter->schema, name->s, then, sizeof(then));
	return WRONG(p, name->at, name->len, then, "'%s' is no field", name->s);
}

/* The operator, if one is written; *@differs for those that say "not". */
static enum filter_op take_operator(struct parser *p, bool *differs)
{
	enum filter_token_kind kind = p->token->kind;

	*differs = kind == TOKEN_DIFFERS;
	if (kind >= TOKEN_EQUAL && kind <= TOKEN_AT_LEAST)
		p->token++;
	switch (kind) {
	case TOKEN_LESS:
		return FILTER_LESS;
	case TOKEN_AT_MOST:
		return FILTER_AT_MOST;
	case TOKEN_MORE:
		return FILTER_MORE;
	case TOKEN_AT_LEAST:
		return FILTER_AT_LEAST;
	default:
		return FILTER_EQUAL;
	}
}

/* Can the fields be put in order, so that < says something? */
static bool ordered(const struct parser *p, const struct filter_word *word)
{
	const struct schema *schema = p->filter->schema;
	const struct schema_field *f;
	int i;

	for (i = 0; i < EVENT_TYPES; i++) {
		f = schema->types[i].n ? schema_field_find(&schema->types[i],
							   word->fields[0]) :
					 NULL;
		if (f && (f->kind != SCHEMA_NUMBER ||
			  f->offset == offsetof(struct event, cgroup)))
			return false;
	}
	return true;
}

/* "a != b" is "a and not a = b": false if it is absent, too. */
static struct filter_node *differ(struct parser *p,
				  const struct filter_word *word,
				  struct filter_node *equal)
{
	struct filter_node *node = node_new(p, FILTER_AND), **end;

	end = node ? &node->child : NULL;
	equal = node_not(p, equal);
	if (!node || !equal) {
		filter_node_free(node);
		filter_node_free(equal);
		return NULL;
	}
	node = adopt(node, &end, terms(p, word, FILTER_PRESENT, NULL));
	if (node)
		return adopt(node, &end, equal);
	filter_node_free(equal);
	return NULL;
}

static struct filter_node *compare(struct parser *p,
				   const struct filter_word *word)
{
	const struct filter_token *at = p->token;
	const struct filter_token *value;
	struct filter_node *node;
	enum filter_op op;
	bool differs;

	op = take_operator(p, &differs);
	if (op != FILTER_EQUAL && !ordered(p, word))
		return WRONG(p, at->at, at->len, "= and !=", "%s has no order",
			     word->name);
	value = p->token;
	if (value->kind != TOKEN_WORD)
		return WRONG(p, value->at, value->len,
			     value->kind == TOKEN_END ?
				     NULL :
				     "a word that means something else goes "
				     "into quotes",
			     "the value of %s is missing", word->name);
	p->token++;
	node = word->endpoint && strpbrk(value->s, ":*[") && !value->quoted ?
		       endpoints(p, word, value) :
		       terms(p, word, op, value);
	if (word->negated != differs && node)
		return differs ? differ(p, word, node) : node_not(p, node);
	return node;
}

static struct filter_node *comparison(struct parser *p)
{
	const struct filter_token *name = p->token++;
	struct filter_word word = { .name = name->s, .fields = { name->s } };
	enum filter_token_kind next = p->token->kind;
	const struct filter_word *known = filter_word_find(name->s);

	if (known)
		return compare(p, known);
	if (name->quoted || !exists(p->filter->schema, name->s))
		return unknown(p, name);
	if (next != TOKEN_WORD &&
	    !(next >= TOKEN_EQUAL && next <= TOKEN_AT_LEAST))
		return terms(p, &word, FILTER_PRESENT, NULL);
	return compare(p, &word);
}

static struct filter_node *parse_any(struct parser *p);

static struct filter_node *parenthesis(struct parser *p)
{
	const struct filter_token *open = p->token++;
	struct filter_node *node;

	if (p->depth == DEPTH_MAX)
		return WRONG(p, open->at, open->len, NULL,
			     "more than %d parentheses in each other",
			     DEPTH_MAX);
	p->depth++;
	node = parse_any(p);
	p->depth--;
	if (!node)
		return NULL;
	if (p->token->kind == TOKEN_CLOSE) {
		p->token++;
		return node;
	}
	filter_node_free(node);
	return WRONG(p, open->at, open->len, NULL,
		     "this parenthesis is not closed");
}

static bool begins_one(const struct parser *p)
{
	return p->token->kind == TOKEN_WORD || p->token->kind == TOKEN_OPEN ||
	       p->token->kind == TOKEN_NOT;
}

static struct filter_node *parse_one(struct parser *p)
{
	const struct filter_token *at;
	struct filter_node *node;
	bool not = false;

	for (; p->token->kind == TOKEN_NOT; p->token++)
		not = !not ;
	at = p->token;
	if (at->kind == TOKEN_WORD)
		node = comparison(p);
	else if (at->kind == TOKEN_OPEN)
		node = parenthesis(p);
	else if (at->kind == TOKEN_END)
		node = WRONG(p, at->at, 0, "a field, state, src, not, (",
			     "something is missing at the end");
	else
		node = WRONG(p, at->at, at->len, "a field, state, src, not, (",
			     "'%s' cannot stand here", at->s);
	return not ? node_not(p, node) : node;
}

static struct filter_node *parse_all(struct parser *p)
{
	struct filter_node *node = node_new(p, FILTER_AND), **end;

	end = node ? &node->child : NULL;
	while (node) {
		node = adopt(node, &end, parse_one(p));
		if (node && p->token->kind == TOKEN_AND)
			p->token++;
		else if (!begins_one(p))
			break;
	}
	return only_child(node);
}

static struct filter_node *parse_any(struct parser *p)
{
	struct filter_node *node = node_new(p, FILTER_OR), **end;

	end = node ? &node->child : NULL;
	while (node) {
		node = adopt(node, &end, parse_all(p));
		if (p->token->kind != TOKEN_OR)
			break;
		p->token++;
	}
	return only_child(node);
}

/* All of the tokens; then what they say must hold as well as the rest. */
static int parse(struct filter *filter, const struct filter_token *tokens,
		 struct filter_error *error)
{
	struct parser p = {
		.filter = filter,
		.token = tokens,
		.error = error,
	};
	unsigned int n_cgroups = filter->n_cgroups;
	struct filter_node *node = parse_any(&p);

	if (node && p.token->kind != TOKEN_END) {
		filter_node_free(node);
		node = WRONG(&p, p.token->at, p.token->len, "and, or",
			     "'%s' cannot stand here", p.token->s);
	}
	if (!node) {
		filter->n_cgroups = n_cgroups;
		return p.err;
	}
	node->next = filter->root->child;
	filter->root->child = node;
	return 0;
}

int filter_parse(struct filter *filter, const char *text,
		 struct filter_error *error)
{
	struct filter_token *tokens;
	char *texts;
	int err = filter_lex(text, &tokens, &texts, error);

	if (err)
		return err;
	err = parse(filter, tokens, error);
	free(tokens);
	free(texts);
	return err;
}

int filter_parse_option(struct filter *filter, const char *head,
			const char *value, struct filter_error *error)
{
	struct filter_token tokens[] = {
		{ .kind = TOKEN_WORD, .s = head },
		{ .kind = TOKEN_EQUAL, .s = "=" },
		{ .kind = TOKEN_WORD, .s = value, .len = strlen(value) },
		{ .kind = TOKEN_END, .s = "", .at = strlen(value) },
	};

	return parse(filter, tokens, error);
}
