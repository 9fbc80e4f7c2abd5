// SPDX-License-Identifier: GPL-2.0
#include "tests/lib/member.h"

#include <stdio.h>
#include <string.h>

int64_t member_number(struct json_object *o, const char *path)
{
	char name[64];
	size_t n;

	for (; o && *path; path += n + (path[n] == '.')) {
		n = strcspn(path, ".");
		snprintf(name, sizeof(name), "%.*s", (int)n, path);
		o = json_object_object_get(o, name);
	}
	return o ? json_object_get_int64(o) : -1;
}
