// SPDX-License-Identifier: GPL-2.0
/*
 * Any bytes as the attributes that the kernel module, or whoever has taken its
 * name, sends: as a socket and as a listener, to all drawings and to JSON.
 * Claims: no byte of what is written steers a terminal, no line is wider than
 * asked for, and what is JSON is an object.
 */
#include "fuzz.h"
#include "lib/width.h"
#include "output/show.h"

#include <json-c/json.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const struct show_look looks[] = {
	{ .width = 80, .unicode = true },
	{ .width = 41, .all = true },
	{ .width = 200, .unicode = true },
	{ .width = 80, .explain = true },
};

#define LOOKS (sizeof(looks) / sizeof(*looks))

static void check_width(char *text, unsigned int width)
{
	char *line;

	while ((line = strsep(&text, "\n")))
		FUZZ_CLAIM(width_text(line) <= width);
}

static void draw(const struct show *s, const struct show_look *look)
{
	char *text;
	size_t size;
	FILE *file = open_memstream(&text, &size);

	FUZZ_CLAIM(!show_text(s, look, file));
	fclose(file);
	fuzz_harmless(text, size);
	check_width(text, look->width);
	free(text);
}

static void write_json(const struct show *s)
{
	struct json_object *o;
	char *text;
	size_t size;
	FILE *file = open_memstream(&text, &size);

	show_json(s, file);
	fclose(file);
	fuzz_harmless(text, size);
	o = json_tokener_parse(text);
	FUZZ_CLAIM(json_object_is_type(o, json_type_object));
	json_object_put(o);
	free(text);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static const struct module_set *const sets[] = { &module_set_socket,
							 &module_set_listener };
	void *copy = malloc(size ?: 1); /* aligned, and nothing behind it */
	struct show s = { .via = "module", .pid = 1, .comm = "x" };
	size_t i, k;

	memcpy(copy, data, size);
	s.list = (struct module_list){ copy, size };
	s.hash = s.list;
	for (i = 0; i < 2; i++) {
		s.set = sets[i];
		s.derived = size & 1;
		for (k = 0; k < LOOKS; k++)
			draw(&s, &looks[k]);
		write_json(&s);
	}
	free(copy);
	return 0;
}
