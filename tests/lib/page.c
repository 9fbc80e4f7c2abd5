// SPDX-License-Identifier: GPL-2.0
/* The pipeline goes first: its outputs may still write. */
#include "page.h"

#include "output/output.h"
#include "tests/lib/events.h"

#include <stdlib.h>
#include <string.h>

int page_init(struct page *page)
{
	memset(page, 0, sizeof(*page));
	page->schema = events_schema();
	if (page->schema)
		page->pipeline = pipeline_new(page->schema, NULL, 0);
	page->file = open_memstream(&page->text, &page->size);
	return page->pipeline && page->file ? 0 : -1;
}

void page_free(struct page *page)
{
	pipeline_free(page->pipeline);
	schema_free(page->schema);
	if (page->file)
		fclose(page->file);
	free(page->text);
}

int page_json(struct page *page)
{
	return pipeline_add_output(page->pipeline,
				   output_json_new(page->schema, page->file));
}

int page_header(struct page *page)
{
	static const struct hook hooks[] = {
		{ "state_first", true },
		{ "owner_sends", false },
	};
	static const struct trace_info info = {
		.version = "0.1",
		.host = "a\"host",
		.kernel = "6.x",
		.start_ns = PAGE_START,
		.wall_offset_ns = -5,
		.hooks = hooks,
		.n_hooks = 2,
	};

	return pipeline_header(page->pipeline, &info);
}

int page_text(struct page *page, unsigned int width, bool colour)
{
	struct output_text_options options = {
		.file = page->file,
		.terminal = width,
		.colour = colour,
		.width = width,
	};

	return pipeline_add_output(page->pipeline, output_text_new(page->schema, &options)) ?:
		       page_header(page);
}

const char *page_finish(struct page *page)
{
	if (pipeline_footer(page->pipeline) || fflush(page->file))
		return NULL;
	return page->text;
}
