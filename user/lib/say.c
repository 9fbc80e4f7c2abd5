/* SPDX-License-Identifier: GPL-2.0 */
/* How the programs speak to a person: exit codes, errors, notes, escaping. */
#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "lib/say.h"

#define SAY_LINE 1024 /* bytes of one line before escaping */
#define WRAP 78	      /* columns of a line that is wrapped */
#define SAY_WHERE 70  /* bytes of a text that has an error ... */
#define SAY_BEFORE 40 /* ... and, of these, at most before it */

void say_init(void)
{
	int fd;

	/* the lowest that is free is the one that is closed */
	for (fd = STDIN_FILENO; fd <= STDERR_FILENO; fd++)
		if (fcntl(fd, F_GETFD) < 0)
			open("/dev/null",
			     fd == STDIN_FILENO ? O_WRONLY : O_RDONLY);
}

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

	if (why && *why)
		say_line(stderr, "  why:  ", why);
	if (then && *then)
		say_line(stderr, "  then: ", then);

	errno = saved;
	return code;
}

/* Prints @len bytes, escaped; returns the columns they take. */
static int say_piece(const char *s, size_t len)
{
	char text[4 * SAY_WHERE + 1], *c;
	int columns = 0;

	if (len > SAY_WHERE)
		len = SAY_WHERE;
	say_escape(text, sizeof(text), s, len);
	for (c = text; *c; c++)
		columns += (*c & 0xc0) != 0x80; /* bytes of UTF-8 that follow */
	fputs(text, stderr);
	return columns;
}

void say_where(const char *text, size_t at, size_t len)
{
	size_t from = at > SAY_BEFORE ? at - SAY_BEFORE : 0;
	size_t shown = strnlen(text + from, SAY_WHERE);
	int saved = errno, before, marked;

	while (from && (text[from] & 0xc0) == 0x80) {
		from--;
		shown++;
	}
	if (at - from + len > shown)
		len = shown - (at - from);
	fputs("  here: ", stderr);
	before = from ? fprintf(stderr, "...") : 0;
	before += say_piece(text + from, at - from);
	marked = say_piece(text + at, len);
	say_piece(text + at + len, shown - (at - from) - len);
	fputs(text[from + shown] ? "...\n" : "\n", stderr);
	fprintf(stderr, "%*s^", before + (int)strlen("  here: "), "");
	while (marked-- > 1)
		putc('~', stderr);
	putc('\n', stderr);
	errno = saved;
}

int say_written(void)
{
	/* if it failed before, errno is mostly what it was then */
	if ((!fflush(stdout) && !ferror(stdout)) || errno == EPIPE)
		return EXIT_DONE;
	return say_fail(EXIT_FAILED, NULL, NULL, "cannot write: %s",
			strerror(errno));
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

/* Writes the next of @len bytes as @text; returns its length, *@used of @s. */
typedef size_t (*escape_one)(char text[6], const char *s, size_t len,
			     size_t *used);

static size_t escape(escape_one one, char *dst, size_t size, const char *src,
		     size_t len)
{
	size_t out = 0, used, n;
	char text[6];

	while (len) {
		n = one(text, src, len, &used);
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

static size_t hex_escape(char *text, const char *head, unsigned char c)
{
	static const char hex[] = "0123456789abcdef";
	size_t n = strlen(head);

	memcpy(text, head, n);
	text[n] = hex[c >> 4];
	text[n + 1] = hex[c & 0xf];
	return n + 2;
}

static size_t text_one(char text[6], const char *s, size_t len, size_t *used)
{
	size_t n = say_printable(s, len);

	*used = n ? n : 1;
	if (*s == '\\') {
		memcpy(text, "\\\\", 2);
		return 2;
	}
	if (!n)
		return hex_escape(text, "\\x", *s);
	memcpy(text, s, n);
	return n;
}

static size_t json_one(char text[6], const char *s, size_t len, size_t *used)
{
	size_t n = say_printable(s, len);
	unsigned char c = *s;

	*used = n ? n : 1;
	if (c == '"' || c == '\\') {
		text[0] = '\\';
		text[1] = c;
		return 2;
	}
	if (n) {
		memcpy(text, s, n);
		return n;
	}
	if (c < 0x80)
		return hex_escape(text, "\\u00", c);
	if (c == 0xc2 && len > 1 && (s[1] & 0xe0) == 0x80) { /* C1 */
		*used = 2;
		return hex_escape(text, "\\u00", s[1]);
	}
	memcpy(text, "\\ufffd", 6);
	return 6;
}

size_t say_escape(char *dst, size_t size, const char *src, size_t len)
{
	return escape(text_one, dst, size, src, len);
}

size_t say_json(char *dst, size_t size, const char *src, size_t len)
{
	return escape(json_one, dst, size, src, len);
}

void say_wrapped(FILE *file, const char *indent, const char *text)
{
	const size_t width = WRAP - strlen(indent);
	const char *end;

	while (strlen(text) > width) {
		for (end = text + width; end > text && *end != ' '; end--)
			;
		if (end == text) /* a word that no line takes */
			end = strchrnul(text, ' ');
		fprintf(file, "%s%.*s\n", indent, (int)(end - text), text);
		text = end + (*end == ' ');
	}
	if (*text)
		fprintf(file, "%s%s\n", indent, text);
}
