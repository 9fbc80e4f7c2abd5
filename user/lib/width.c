// SPDX-License-Identifier: GPL-2.0
/*
 * Asks the C library, in its own C.UTF-8, which every glibc from 2.35 on has
 * built in: the locale of the process may know other characters, or none.
 */
#include "lib/width.h"
#include "lib/say.h"

#include <locale.h>
#include <stdlib.h>
#include <string.h>
#include <wchar.h>

/* The code point of a well-formed character of @n bytes. */
static wchar_t code_point(const char *s, size_t n)
{
	wchar_t code = n == 1 ? (unsigned char)*s :
				(unsigned char)*s & (0x7f >> n);
	size_t i;

	for (i = 1; i < n; i++)
		code = code << 6 | (s[i] & 0x3f);
	return code;
}

/* wcwidth() in a locale that knows all of Unicode. */
static int columns(wchar_t code)
{
	static locale_t utf8;
	locale_t before;
	int n;

	if (!utf8)
		utf8 = newlocale(LC_CTYPE_MASK, "C.UTF-8", NULL);
	if (!utf8)
		return 1;
	before = uselocale(utf8);
	n = wcwidth(code);
	uselocale(before);
	return n < 0 ? 1 : n;
}

int width_next(const char *s, size_t *bytes)
{
	*bytes = say_printable(s, strnlen(s, 4));
	if (*bytes < 2) {
		*bytes = !!*s;
		return *bytes;
	}
	return columns(code_point(s, *bytes));
}

size_t width_text(const char *s)
{
	size_t n = 0, bytes;

	for (; *s; s += bytes)
		n += width_next(s, &bytes);
	return n;
}

size_t width_fit(const char *s, unsigned int room)
{
	size_t n = 0, blank = 0, bytes;
	unsigned int used = 0;

	while (s[n]) {
		used += width_next(s + n, &bytes);
		if (used > room)
			return blank ? blank : n ? n : bytes;
		n += bytes;
		if (s[n] == ' ')
			blank = n;
	}
	return n;
}

void width_print(FILE *file, const char *text, unsigned int columns,
		 unsigned int at, unsigned int indent)
{
	size_t n;

	if (indent >= columns)
		indent = 0;
	for (;;) {
		n = columns > at ? width_fit(text, columns - at) :
		    columns	 ? 0 :
				   strlen(text);
		fprintf(file, "%.*s\n", (int)n, text);
		text += n;
		text += strspn(text, " ");
		if (!*text)
			return;
		fprintf(file, "%*s", (int)indent, "");
		at = indent;
	}
}

bool width_unicode(void)
{
	static const char *const names[] = { "LC_ALL", "LC_CTYPE", "LANG" };
	const char *term = getenv("TERM"), *name;
	size_t i;

	if (term && !strcmp(term, "dumb"))
		return false;
	for (i = 0; i < sizeof(names) / sizeof(*names); i++) {
		name = getenv(names[i]);
		if (name && *name)
			return strcasestr(name, "UTF-8") ||
			       strcasestr(name, "UTF8");
	}
	return false;
}
