// SPDX-License-Identifier: GPL-2.0
/*
 * Any text as a filter expression, up to a NUL, and what is behind it as an
 * event. Claims: an error stands within the text, says something, and steers no
 * terminal; what the whole filter lets pass, the kernel's share lets pass too.
 */
#include "fuzz.h"
#include "event/filter.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static void decide(struct filter *f, union event_any *e)
{
	static struct kfilter k;
	struct filter_facts x;

	filter_push(f, &k);
	x = events_facts(e);
	if (filter_match(f, &e->ev))
		FUZZ_CLAIM(filter_types(f) & 1u << e->ev.type &&
			   filter_passes(filter_fails(&k, &x), &x));
	FUZZ_CLAIM(!(filter_named_types(f) & ~filter_types(f)));
	filter_spared(f, &e->ev);
}

/* What a user would be told, written to memory instead. */
static void explain(const char *text, const struct filter_error *error)
{
	FILE *to_user = stderr;
	char *said;
	size_t n;

	FUZZ_CLAIM(*error->what && error->at + error->len <= strlen(text));
	stderr = open_memstream(&said, &n);
	say_fail(EXIT_USAGE, NULL, error->then, "%s", error->what);
	say_where(text, error->at, error->len);
	fclose(stderr);
	stderr = to_user;
	fuzz_harmless(said, n);
	free(said);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	const struct schema *schema = fuzz_schema();
	struct filter *f = filter_new(schema);
	struct filter_error error = {};
	union event_any e = {};
	size_t len = strnlen((const char *)data, size), room;
	char *text = strndup((const char *)data, len);
	int err;

	room = size - len < sizeof(e) ? size - len : sizeof(e);
	memcpy(&e, data + len, room);
	events_mend(schema, &e);
	err = filter_parse(f, text, &error);
	FUZZ_CLAIM(!err || err == -EINVAL);
	if (err)
		explain(text, &error);
	else
		decide(f, &e);
	filter_free(f);
	f = filter_new(schema);
	if (!filter_parse_option(f, "comm", text, &error))
		decide(f, &e);
	filter_free(f);
	free(text);
	return 0;
}
