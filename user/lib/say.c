/* SPDX-License-Identifier: GPL-2.0 */
/* How the programs speak to a person: exit codes, errors, notes, escaping. */
#include <errno.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include "lib/say.h"

#define SAY_LINE 1024 /* bytes of one line before escaping */

static void say_line(FILE *out, const char *head, const char *text)
{
	char line[4 * SAY_LINE + 1];

	say_escape(line, sizeof(line), text, strnlen(text, SAY_LINE));
	fprintf(out, "%s%s\n", head, line);
}

static void say_headed(FILE *out, const char *fmt, va_list ap)
{
	char text[SAY_LINE], head[64];
	size_t len;

	len = say_escape(head, sizeof(head) - 2, program_invocation_short_name,
			 strlen(program_invocation_short_name));
	memcpy(head + len, ": ", sizeof(": "));

	if (vsnprintf(text, sizeof(text), fmt, ap) < 0)
		text[0] = '\0';
	say_line(out, head, text);
}

int say_fail(int code, const char *why, const char *then, const char *fmt, ...)
{
	int saved = errno;
	va_list ap;

	va_start(ap, fmt);
	say_headed(stderr, fmt, ap);
	va_end(ap);

	if (why)
		say_line(stderr, "  why:  ", why);
	if (then)
		say_line(stderr, "  then: ", then);

	errno = saved;
	return code;
}

void say_note(const char *fmt, ...)
{
	int saved = errno;
	va_list ap;

	va_start(ap, fmt);
	say_headed(stderr, fmt, ap);
	va_end(ap);
	errno = saved;
}

size_t say_printable(const char *s, size_t len)
{
	/* The least code point of 2, 3 and 4 bytes: less is overlong. */
	static const uint32_t least[] = { 0, 0, 0x80, 0x800, 0x10000 };
	const unsigned char *u = (const unsigned char *)s;
	uint32_t code;
	size_t n, i;

	if (!len)
		return 0;
	if (u[0] < 0x80)
		return u[0] >= 0x20 && u[0] != 0x7f;

	if (u[0] >= 0xc2 && u[0] <= 0xdf)
		n = 2;
	else if (u[0] >= 0xe0 && u[0] <= 0xef)
		n = 3;
	else if (u[0] >= 0xf0 && u[0] <= 0xf4)
		n = 4;
	else
		return 0;
	if (n > len)
		return 0;

	code = u[0] & (0x7f >> n);
	for (i = 1; i < n; i++) {
		if ((u[i] & 0xc0) != 0x80)
			return 0;
		code = code << 6 | (u[i] & 0x3f);
	}

	if (code < least[n] || code > 0x10ffff)
		return 0;
	if (code >= 0xd800 && code <= 0xdfff) /* surrogates */
		return 0;
	if (code >= 0x80 && code <= 0x9f) /* C1: U+009B is a CSI */
		return 0;
	return n;
}

size_t say_escape(char *dst, size_t size, const char *src, size_t len)
{
	static const char hex[] = "0123456789abcdef";
	size_t out = 0;

	while (len) {
		unsigned char c = *src;
		size_t n = say_printable(src, len), used = n ? n : 1;
		char text[4];

		if (c == '\\') {
			memcpy(text, "\\\\", 2);
			n = 2;
		} else if (n) {
			memcpy(text, src, n);
		} else {
			memcpy(text, "\\x", 2);
			text[2] = hex[c >> 4];
			text[3] = hex[c & 0xf];
			n = 4;
		}

		if (out + n >= size)
			break;
		memcpy(dst + out, text, n);
		out += n;
		src += used;
		len -= used;
	}

	dst[out] = '\0';
	return out;
}
