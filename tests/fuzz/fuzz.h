/* SPDX-License-Identifier: GPL-2.0 */
/* What the fuzz targets share. libFuzzer has the main(). */
#ifndef TCBSCOPE_TESTS_FUZZ_H
#define TCBSCOPE_TESTS_FUZZ_H

#include "lib/say.h"
#include "tests/lib/events.h"

#include <stdint.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* What must hold for any input: libFuzzer keeps one for which it does not. */
#define FUZZ_CLAIM(condition)             \
	do {                              \
		if (!(condition))         \
			__builtin_trap(); \
	} while (0)

/* The schema of the programs under test, read once. */
static inline const struct schema *fuzz_schema(void)
{
	static struct schema *schema;

	if (!schema)
		schema = events_schema();
	FUZZ_CLAIM(schema);
	return schema;
}

/* No byte of what is written for people or programs steers a terminal. */
static inline void fuzz_harmless(const char *text, size_t size)
{
	size_t n;

	for (; size; text += n, size -= n) {
		n = *text == '\n' ? 1 : say_printable(text, size);
		FUZZ_CLAIM(n);
	}
}

#endif
