// SPDX-License-Identifier: GPL-2.0
/* Asks the terminal and the environment, never guesses beyond 80 columns. */
#include "lib/term.h"
#include "lib/opt.h"

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

bool term_colour(int fd)
{
	const char *term = getenv("TERM"), *no = getenv("NO_COLOR");

	return isatty(fd) && !(no && *no) && term && strcmp(term, "dumb");
}
