/* SPDX-License-Identifier: GPL-2.0 */
/* Members of JSON objects, by their path. */
#ifndef TCBSCOPE_TESTS_LIB_MEMBER_H
#define TCBSCOPE_TESTS_LIB_MEMBER_H

#include <json-c/json.h>
#include <stdint.h>

/* "send.una" of an object; -1: there is none. */
int64_t member_number(struct json_object *o, const char *path);

#endif
