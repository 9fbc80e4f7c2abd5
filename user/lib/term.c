// SPDX-License-Identifier: GPL-2.0
/* Asks the terminal and the environment, never guesses beyond 80 columns. */
#include "lib/term.h"
#include "lib/opt.h"
#include "lib/width.h"

#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

unsigned int term_width(int fd)
{
	const char *columns = getenv("COLUMNS");
	struct winsize size;
	uint64_t n;

	if (!ioctl(fd, TIOCGWINSZ, &size) && size.ws_col)
		return size.ws_col;
	if (columns && !opt_number(columns, 1, 10000, &n))
		return n;
	return 80;
}

bool term_replaces(int fd)
{
	const char *term = getenv("TERM");

	return isatty(fd) && term && strcmp(term, "dumb");
}

static unsigned int count_lines(const char *text)
{
	unsigned int n = 0;

	for (; *text; text++)
		n += *text == '\n';
	return n;
}

/*
 * A line as far as there is room for: one that goes on below would push the
 * others down. Colours take no room, and end with what is cut off.
 */
static void put_line(FILE *file, const char *line, const char *end,
		     unsigned int columns)
{
	const char *at = line;
	size_t bytes;
	int width;

	for (; at < end; at += bytes) {
		if (*at == '\033') {
			bytes = strcspn(at, "m\n") + 1;
			continue;
		}
		width = width_next(at, &bytes);
		if (width > (int)columns)
			break;
		columns -= width;
	}
	fprintf(file, "%.*s%s\033[K\n", (int)(at - line), line,
		at < end ? "\033[m" : "");
}

void term_replace(FILE *file, const char *text)
{
	unsigned int lines = count_lines(text), rows = 24, n;
	unsigned int columns = term_width(fileno(file));
	struct winsize size;

	if (!ioctl(fileno(file), TIOCGWINSZ, &size) && size.ws_row > 2)
		rows = size.ws_row;
	/* the cursor stands on a row of its own */
	n = lines < rows ? lines : rows - 2;
	lines -= n;
	fputs("\033[H",
	      file); /* home; then each line to its end, and the rest */
	for (; n; n--) {
		const char *end = strchrnul(text, '\n');

		put_line(file, text, end, columns);
		text = end + 1;
	}
	if (lines)
		fprintf(file, "... %u more lines\033[K\n", lines);
	fputs("\033[J", file);
}

bool term_colour(int fd)
{
	const char *no = getenv("NO_COLOR");

	return term_replaces(fd) && !(no && *no);
}
