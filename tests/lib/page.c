// SPDX-License-Identifier: GPL-2.0
/* The pipeline goes first: its outputs may still write. */
#include "page.h"

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
