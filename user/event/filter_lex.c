// SPDX-License-Identifier: GPL-2.0
/* Cuts the text of an expression into words and operators. */
#include "event/filter_tree.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#define SIZE(array) (sizeof(array) / sizeof(*(array)))

/* What stands for itself, longer ones first. */
static const struct {
	const char *text;
	enum filter_token_kind kind;
} operators[] = {
	{ "&&", TOKEN_AND },	 { "||", TOKEN_OR },
	{ "==", TOKEN_EQUAL },	 { "!=", TOKEN_DIFFERS },
	{ "<=", TOKEN_AT_MOST }, { ">=", TOKEN_AT_LEAST },
	{ "&", TOKEN_AND },	 { "|", TOKEN_OR },
	{ "=", TOKEN_EQUAL },	 { "<", TOKEN_LESS },
	{ ">", TOKEN_MORE },	 { "(", TOKEN_OPEN },
	{ ")", TOKEN_CLOSE },	 { "!", TOKEN_NOT },
};

/* Words that mean the same, as ss(8) has them. */
static const struct {
	const char *text;
	enum filter_token_kind kind;
} keywords[] = {
	{ "and", TOKEN_AND },	  { "or", TOKEN_OR },
	{ "not", TOKEN_NOT },	  { "eq", TOKEN_EQUAL },
	{ "ne", TOKEN_DIFFERS },  { "neq", TOKEN_DIFFERS },
	{ "lt", TOKEN_LESS },	  { "le", TOKEN_AT_MOST },
	{ "leq", TOKEN_AT_MOST }, { "gt", TOKEN_MORE },
	{ "ge", TOKEN_AT_LEAST }, { "geq", TOKEN_AT_LEAST },
};

static bool blank(char c)
{
	return c == ' ' || c == '\t' || c == '\n' || c == '\r';
}

/* The operator at @s, as an index; -1: none. */
static int operator_at(const char *s)
{
	unsigned int i;

	for (i = 0; i < SIZE(operators); i++)
		if (!strncmp(s, operators[i].text, strlen(operators[i].text)))
			return i;
	return -1;
}

/* A word goes up to a blank or an operator; "[!a]*" is one. */
static size_t word_len(const char *s)
{
	size_t n = 0;

	while (s[n] && !blank(s[n]) &&
	       (operator_at(s + n) < 0 ||
		(n && s[n] == '!' && s[n + 1] != '=')))
		n++;
	return n;
}

static void keyword(struct filter_token *token)
{
	unsigned int i;

	for (i = 0; i < SIZE(keywords); i++)
		if (!strcasecmp(token->s, keywords[i].text))
			token->kind = keywords[i].kind;
}

/* The token at @s; *@texts has room for its text and moves on. */
static int token_read(const char *s, size_t at, char **texts,
		      struct filter_token *token, struct filter_error *error)
{
	int op = operator_at(s);
	const char *end, *from = s;
	size_t n;

	token->at = token->inner = at;
	if (op >= 0) {
		token->kind = operators[op].kind;
		token->len = n = strlen(operators[op].text);
	} else if (*s == '"' || *s == '\'') {
		end = strchr(s + 1, *s);
		if (!end)
			return filter_error_set(error, at, 1, NULL,
						"this quote has no end");
		token->quoted = true;
		token->len = end + 1 - s;
		token->inner++;
		from++;
		n = end - from;
	} else {
		token->len = n = word_len(s);
	}
	memcpy(*texts, from, n);
	(*texts)[n] = '\0';
	token->s = *texts;
	*texts += n + 1;
	if (op < 0 && !token->quoted)
		keyword(token);
	return 0;
}

int filter_lex(const char *text, struct filter_token **tokens, char **texts,
	       struct filter_error *error)
{
	size_t len = strlen(text), n = 0, at = 0;
	struct filter_token *list;
	char *s;
	int err = 0;

	/* no token is shorter than one byte, and each text gets a NUL */
	*tokens = list = calloc(len + 1, sizeof(*list));
	*texts = s = malloc(2 * len + 1);
	if (!list || !s)
		err = -ENOMEM;
	while (!err) {
		while (blank(text[at]))
			at++;
		if (!text[at])
			break;
		err = token_read(text + at, at, &s, &list[n], error);
		at += list[n++].len;
	}
	if (!err) {
		*s = '\0';
		list[n].kind = TOKEN_END;
		list[n].s = s;
		list[n].at = list[n].inner = len;
		return 0;
	}
	free(*tokens);
	free(*texts);
	*tokens = NULL;
	*texts = NULL;
	return err;
}
