// SPDX-License-Identifier: GPL-2.0
/* The words of expressions that are no fields, and guesses at wrong ones. */
#include "event/filter_tree.h"

#include <stdio.h>
#include <string.h>
#include <strings.h>

#define NAME_LEN 32   /* of a field, with NUL */
#define CLOSE_NAMES 3 /* that are proposed */

static const struct filter_word words[] = {
	{ .name = "port", .fields = { "lport", "rport" }, .both_ends = true },
	{ .name = "sport", .fields = { "lport" } },
	{ .name = "dport", .fields = { "rport" } },
	{ .name = "addr",
	  .fields = { "laddr", "raddr" },
	  .both_ends = true,
	  .endpoint = true },
	{ .name = "src", .fields = { "laddr" }, .endpoint = true },
	{ .name = "dst", .fields = { "raddr" }, .endpoint = true },
	{ .name = "state", .fields = { "old", "new", "state" } },
	{ .name = "exclude",
	  .fields = { "old", "new", "state" },
	  .negated = true },
};

#define WORDS (sizeof(words) / sizeof(*words))

const struct filter_word *filter_word_find(const char *name)
{
	unsigned int i;

	for (i = 0; i < WORDS; i++)
		if (!strcmp(name, words[i].name))
			return &words[i];
	return NULL;
}

/*
 * How many letters have to be changed, added, left out or swapped with the next
 * one; NAME_LEN for names that are too long.
 */
static unsigned int distance(const char *a, const char *b)
{
	unsigned int d[NAME_LEN][NAME_LEN], i, k;
	size_t n = strlen(a), m = strlen(b);

	if (n >= NAME_LEN || m >= NAME_LEN)
		return NAME_LEN;
	for (i = 0; i <= n; i++)
		for (k = 0; k <= m; k++) {
			if (!i || !k) {
				d[i][k] = i + k;
				continue;
			}
			d[i][k] = d[i - 1][k - 1] +
				  !!strncasecmp(a + i - 1, b + k - 1, 1);
			if (d[i][k] > d[i - 1][k] + 1)
				d[i][k] = d[i - 1][k] + 1;
			if (d[i][k] > d[i][k - 1] + 1)
				d[i][k] = d[i][k - 1] + 1;
			if (i > 1 && k > 1 && a[i - 1] == b[k - 2] &&
			    a[i - 2] == b[k - 1] &&
			    d[i][k] > d[i - 2][k - 2] + 1)
				d[i][k] = d[i - 2][k - 2] + 1;
		}
	return d[n][m];
}

/* The names that are closest to a wrong one, if any is close. */
struct proposal {
	const char *wrong;
	const char *names[CLOSE_NAMES];
	unsigned int n, distance;
};

static void propose(struct proposal *to, const char *name)
{
	unsigned int d = distance(to->wrong, name), i;

	if (d > to->distance)
		return;
	if (d < to->distance)
		to->n = 0;
	to->distance = d;
	for (i = 0; i < to->n; i++)
		if (!strcmp(to->names[i], name))
			return;
	if (to->n < CLOSE_NAMES)
		to->names[to->n++] = name;
}

void filter_word_guess(const struct schema *schema, const char *wrong, char *to,
		       size_t size)
{
	struct proposal close = {
		.wrong = wrong,
		.distance = strlen(wrong) > 4 ? 2 : 1,
	};
	const struct schema_field *f;
	unsigned int i, k;
	size_t n = 0;

	for (i = 0; i < WORDS; i++)
		propose(&close, words[i].name);
	for (i = 0; i < EVENT_TYPES; i++)
		for (k = 0; k < schema->types[i].n; k++)
			propose(&close, schema->types[i].fields[k].name);
	for (i = 0; i < close.n; i++)
		n += snprintf(to + n, size - n, "%s%s", i ? " or " : "",
			      close.names[i]);
	f = schema_field_find(&schema->types[EVENT_state], "new");
	if (!n && f && schema_enum_value(f->values, wrong) >= 0)
		n = snprintf(to, size, "state %s", wrong);
	snprintf(to + n, size - n, "%stcbscope events lists the fields",
		 n ? "? " : "");
}
