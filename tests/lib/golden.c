// SPDX-License-Identifier: GPL-2.0
#include "tests/lib/golden.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define GOLDEN_MAX 65536

bool golden_same(const char *name, const char *text)
{
	const char *write = getenv("TCBSCOPE_GOLDEN");
	char path[512], *have;
	FILE *file;
	size_t n;
	bool same;

	snprintf(path, sizeof(path), "%s/tests/unit/%s",
		 getenv("TCBSCOPE_SOURCE") ?: ".", name);
	file = fopen(path, write ? "we" : "re");
	if (!file)
		return false;
	if (write)
		return fputs(text, file) >= 0 && !fclose(file);
	have = calloc(1, GOLDEN_MAX);
	n = have ? fread(have, 1, GOLDEN_MAX - 1, file) : 0;
	fclose(file);
	same = n == strlen(text) && !memcmp(have, text, n);
	if (!same)
		printf("# %s differs:\n%s\n", name, text);
	free(have);
	return same;
}
