// SPDX-License-Identifier: GPL-2.0
/*
 * Any bytes as records, through the whole pipeline to text and JSON. Claims: no
 * byte of what is written steers a terminal, each line of JSON is an object,
 * and every record is in the account.
 */
#include "fuzz.h"
#include "output/output.h"

#include <json-c/json.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const unsigned int widths[] = { 0, 20, 80, 140 };

#define TEXTS (sizeof(widths) / sizeof(*widths))

static void add_outputs(struct pipeline *p, FILE *json, FILE *text)
{
	static const struct trace_info info = { .version = "",
						.host = "",
						.kernel = "" };
	struct output_text_options options = { .file = text, .all = true };
	unsigned int i;

	pipeline_add_output(p, output_json_new(fuzz_schema(), json));
	for (i = 0; i < TEXTS && i + 1 < PIPELINE_OUTPUTS; i++) {
		options.width = widths[i];
		options.terminal = widths[i];
		pipeline_add_output(p,
				    output_text_new(fuzz_schema(), &options));
	}
	pipeline_header(p, &info);
}

/* Records: a byte that says how to make one of the bytes behind it. */
static size_t push(struct pipeline *p, const uint8_t *data, size_t size)
{
	union event_any e = {};
	size_t n = 0;

	while (size) {
		uint8_t how = *data++;
		size_t room = --size < sizeof(e) ? size : sizeof(e);

		memcpy(&e, data, room);
		if (how & 1)
			events_mend(fuzz_schema(), &e);
		pipeline_push(p, &e, how & 2 ? room : sizeof(e));
		if (how & 4)
			pipeline_release(p, e.ev.ts_ns);
		data += room;
		size -= room;
		n++;
	}
	return n;
}

static void check_json(char *text)
{
	struct json_object *line;
	char *s;

	while ((s = strsep(&text, "\n"))) {
		line = *s ? json_tokener_parse(s) : NULL;
		FUZZ_CLAIM(!*s || json_object_is_type(line, json_type_object));
		json_object_put(line);
	}
}

static void check_account(const struct account *a, size_t records)
{
	FUZZ_CLAIM(account_sum(a->delivered) + a->malformed == records);
	FUZZ_CLAIM(account_sum(a->shown) + account_sum(a->filtered) ==
		   account_sum(a->delivered));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct pipeline *p = pipeline_new(fuzz_schema(), NULL, 0);
	char *json, *text;
	size_t n_json, n_text, n;
	FILE *to_json = open_memstream(&json, &n_json);
	FILE *to_text = open_memstream(&text, &n_text);

	add_outputs(p, to_json, to_text);
	n = push(p, data, size);
	FUZZ_CLAIM(!pipeline_footer(p));
	check_account(pipeline_account(p), n);
	pipeline_free(p);
	fclose(to_json);
	fclose(to_text);
	fuzz_harmless(text, n_text);
	fuzz_harmless(json, n_json);
	check_json(json);
	free(json);
	free(text);
	return 0;
}
