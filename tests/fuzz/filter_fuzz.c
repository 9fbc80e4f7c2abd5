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

static void judge(const struct filter *f, const struct kfilter *k,
		  const union event_any *e)
{
	struct filter_facts x = events_facts(e);

	if (filter_match(f, &e->ev))
		FUZZ_CLAIM(filter_types(f) & 1u << e->ev.type &&
			   filter_passes(filter_fails(k, &x), &x));
	filter_spared(f, &e->ev);
}

/* The first number of the text wherever it may be asked for. */
static void make_likely(union event_any *e, const char *text)
{
	unsigned long n = strtoul(text + strcspn(text, "0123456789"), NULL, 10);

	e->ev.pid = e->ev.uid = e->ev.netns = n;
	e->ev.lport = e->ev.rport = n;
}

/* Of an event of each type, as it came and so that it is likely to match. */
static void decide(struct filter *f, const union event_any *bytes,
		   const char *text)
{
	static struct kfilter k;
	unsigned int type;

	filter_push(f, &k);
	FUZZ_CLAIM(!(filter_named_types(f) & ~filter_types(f)));
	for (type = 0; type < EVENT_TYPES; type++) {
		union event_any e = *bytes;

		e.ev.type = type;
		events_mend(fuzz_schema(), &e);
		judge(f, &k, &e);
		make_likely(&e, text);
		judge(f, &k, &e);
	}
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
	err = filter_parse(f, text, &error);
	FUZZ_CLAIM(!err || err == -EINVAL);
	if (err)
		explain(text, &error);
	else
		decide(f, &e, text);
	filter_free(f);
	f = filter_new(schema);
	if (!filter_parse_option(f, "comm", text, &error))
		decide(f, &e, text);
	filter_free(f);
	free(text);
	return 0;
}
