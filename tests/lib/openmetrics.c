// SPDX-License-Identifier: GPL-2.0
/* Reads line by line: a family's TYPE, UNIT and HELP, then its samples. */
#include "tests/lib/openmetrics.h"

#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define LETTERS "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz_"
#define DIGITS "0123456789"
#define NAME_LEN 128

struct reader {
	const char *at; /* in the line */
	const char *flaw;
	char family[NAME_LEN]; /* of the lines above; empty: none yet */
	bool has_type, has_unit, has_help;
	int in_family; /* samples so far */
};

/* Takes it if it comes next. */
static bool take(struct reader *r, const char *word)
{
	size_t n = strlen(word);

	if (strncmp(r->at, word, n))
		return false;
	r->at += n;
	return true;
}

static bool ends_in(const char *name, const char *word)
{
	size_t n = strlen(name), k = strlen(word);

	return n > k && !strcmp(name + n - k, word);
}

static bool wrong(struct reader *r, const char *flaw)
{
	r->flaw = r->flaw ?: flaw;
	return false;
}

/* A name, of a metric with @colons or of a label. */
static bool name(struct reader *r, char to[NAME_LEN], bool colons)
{
	size_t n = strspn(r->at, colons ? LETTERS DIGITS ":" : LETTERS DIGITS);

	if (!n || n >= NAME_LEN || strchr(DIGITS, *r->at))
		return wrong(r, "no name");
	memcpy(to, r->at, n);
	to[n] = '\0';
	r->at += n;
	return true;
}

/* Text in which only what must be is escaped, up to @end, which is not taken. */
static bool escaped(struct reader *r, const char *may, char end)
{
	for (; *r->at != end; r->at++) {
		if (*r->at == '\n')
			return wrong(r, "the line ends in a text");
		if (*r->at == '\\' && !strchr(may, *++r->at))
			return wrong(r, "what is escaped need not be");
	}
	return true;
}

/* A number, the whole rest of the line: no timestamp is wanted here. */
static bool number(struct reader *r)
{
	char *end;

	if (!strchr(DIGITS "+-.", *r->at))
		return wrong(r, "no number");
	strtod(r->at, &end);
	if (end == r->at || *end != '\n')
		return wrong(r, "no number");
	r->at = end;
	return true;
}

static bool labels(struct reader *r)
{
	char seen[1024] = ",", label[NAME_LEN + 2] = ",";
	size_t n;

	do {
		if (!name(r, label + 1, false))
			return false;
		strcat(label, ",");
		if (strstr(seen, label))
			return wrong(r, "a label stands there twice");
		n = strlen(seen);
		snprintf(seen + n, sizeof(seen) - n, "%s", label + 1);
		if (!take(r, "=\"") || !escaped(r, "\\\"n", '"') ||
		    !take(r, "\""))
			return wrong(r, "no value of a label");
	} while (take(r, ","));
	return true;
}

static bool sample(struct reader *r)
{
	char metric[NAME_LEN];

	if (!name(r, metric, true))
		return false;
	if (strcmp(metric, r->family))
		return wrong(r, "a sample of another family");
	if (take(r, "{") && (!labels(r) || !take(r, "}")))
		return wrong(r, "the labels do not end");
	if (!take(r, " "))
		return wrong(r, "no space before the number");
	r->in_family++;
	return number(r);
}

/* A family begins with its type, and once only in the text from @text on. */
static bool begins(struct reader *r, const char *text, const char *line)
{
	char type[NAME_LEN + 16], family[NAME_LEN];

	if (!name(r, family, true))
		return false;
	snprintf(type, sizeof(type), "# TYPE %s ", family);
	if (memmem(text, line - text, type, strlen(type)))
		return wrong(r, "a family begins twice");
	*r = (struct reader){ .at = r->at, .has_type = true };
	strcpy(r->family, family);
	return take(r, " gauge") || wrong(r, "no gauge");
}

/* "# UNIT name unit" or "# HELP name text", once, and before its samples. */
static bool about(struct reader *r)
{
	bool unit = take(r, "UNIT "), *had = unit ? &r->has_unit : &r->has_help;
	char family[NAME_LEN], text[NAME_LEN + 1] = "_";

	if (!unit && !take(r, "HELP "))
		return wrong(r, "no TYPE, UNIT or HELP");
	if (!name(r, family, true) || strcmp(family, r->family) ||
	    !take(r, " "))
		return wrong(r, "of another family");
	if (*had || r->in_family)
		return wrong(r, "too late, or twice");
	*had = true;
	if (!unit)
		return escaped(r, "\\\"n", '\n');
	return name(r, text + 1, false) &&
	       (ends_in(r->family, text) ||
		wrong(r, "the name does not end in the unit"));
}

/* The same sample twice: all but its number. */
static bool repeated(const char *text, const char *line)
{
	const char *end = strchr(line, '\n'), *at = text;
	size_t n;

	while (end[-1] != ' ')
		end--;
	n = end - line;
	for (; at < line; at = strchr(at, '\n') + 1)
		if (!strncmp(at, line, n))
			return true;
	return false;
}

static bool line(struct reader *r, const char *text)
{
	const char *begin = r->at;

	if (take(r, "# TYPE ")) {
		if (!begins(r, text, begin))
			return false;
	} else if (take(r, "# ")) {
		if (!about(r))
			return false;
	} else if (!sample(r)) {
		return false;
	} else if (repeated(text, begin)) {
		return wrong(r, "a sample stands there twice");
	}
	return *r->at == '\n' || wrong(r, "the line does not end");
}

int openmetrics_read(const char *text, char flaw[OPENMETRICS_FLAW])
{
	struct reader r = { .at = text };
	const char *begin = text;
	int samples = 0;

	if (!*text || text[strlen(text) - 1] != '\n') {
		snprintf(flaw, OPENMETRICS_FLAW, "the last line does not end");
		return -1;
	}
	while (strcmp(r.at, "# EOF\n")) {
		begin = r.at;
		if (!*begin)
			r.flaw = "no EOF";
		if (!*begin || !line(&r, text))
			break;
		samples += *begin != '#';
		r.at++;
	}
	if (!r.flaw)
		return samples;
	snprintf(flaw, OPENMETRICS_FLAW, "%s: %.*s", r.flaw,
		 (int)strcspn(begin, "\n"), begin);
	return -1;
}
