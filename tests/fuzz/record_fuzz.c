// SPDX-License-Identifier: GPL-2.0
/*
 * Any bytes as records, through the whole pipeline to text, JSON and ladders.
 * Claims: no byte of what is written steers a terminal, each line of JSON is an
 * object, no line of a ladder is wider than asked for, and every record is in
 * the account.
 */
#include "fuzz.h"
#include "lib/width.h"
#include "output/output.h"

#include <json-c/json.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const unsigned int widths[] = { 0, 20, 80, 140 };

#define TEXTS (sizeof(widths) / sizeof(*widths))

static const struct trace_info info = { .version = "",
					.host = "",
					.kernel = "" };

static void add_lines(struct pipeline *p, FILE *json, FILE *text)
{
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

#define LADDER_WIDTH 60

static void add_ladders(struct pipeline *p, FILE *svg, FILE *text)
{
	struct output_ladder_options options = {
		.file = text,
		.width = LADDER_WIDTH,
		.max = 8,
		.unicode = true,
		.explain = true,
	};

	pipeline_add_output(p, output_ladder_new(fuzz_schema(), &options));
	options.file = svg;
	options.svg = true;
	pipeline_add_output(p, output_ladder_new(fuzz_schema(), &options));
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

static void check_width(char *text)
{
	char *s;

	while ((s = strsep(&text, "\n")))
		FUZZ_CLAIM(width_text(s) <= LADDER_WIDTH);
}

/* One pipeline with two files that are written; the texts are the caller's. */
static void write_both(const uint8_t *data, size_t size,
		       void (*add)(struct pipeline *p, FILE *one, FILE *two),
		       char *text[2])
{
	struct pipeline *p = pipeline_new(fuzz_schema(), NULL, 0);
	size_t n[2], records;
	FILE *file[2];
	int i;

	for (i = 0; i < 2; i++)
		file[i] = open_memstream(&text[i], &n[i]);
	add(p, file[0], file[1]);
	records = push(p, data, size);
	FUZZ_CLAIM(!pipeline_footer(p));
	check_account(pipeline_account(p), records);
	pipeline_free(p);
	for (i = 0; i < 2; i++) {
		fclose(file[i]);
		fuzz_harmless(text[i], n[i]);
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	char *text[2];

	write_both(data, size, add_lines, text);
	check_json(text[0]);
	free(text[0]);
	free(text[1]);
	write_both(data, size, add_ladders, text);
	check_width(text[1]);
	free(text[0]);
	free(text[1]);
	return 0;
}
