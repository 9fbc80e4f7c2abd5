/* SPDX-License-Identifier: GPL-2.0 */
/* A pipeline whose outputs write into memory. */
#ifndef TCBSCOPE_TESTS_LIB_PAGE_H
#define TCBSCOPE_TESTS_LIB_PAGE_H

#include "event/pipeline.h"
#include <stdio.h>

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

#endif
