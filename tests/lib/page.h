/* SPDX-License-Identifier: GPL-2.0 */
/* A pipeline whose outputs write into memory. */
#ifndef TCBSCOPE_TESTS_LIB_PAGE_H
#define TCBSCOPE_TESTS_LIB_PAGE_H

#include "event/pipeline.h"
#include <stdio.h>

#define PAGE_START 1000000000ull /* when its trace began, in ns */

struct page {
	struct schema *schema;
	struct pipeline *pipeline; /* no filter, and no output yet */
	FILE *file;
	char *text; /* what was written to file, after fflush() */
	size_t size;
};

/* 0 or -1; page_free() in any case. */
int page_init(struct page *page);
void page_free(struct page *page);

/* It is also to be written as JSON. 0 or -errno. */
int page_json(struct page *page);

/* The header of a trace. 0 or -errno. */
int page_header(struct page *page);

/* Text, for a terminal of so many columns or, if 0, a pipe; with the header. */
int page_text(struct page *page, unsigned int width, bool colour);

/* Ends the trace: all that was written, or NULL. */
const char *page_finish(struct page *page);

#endif
