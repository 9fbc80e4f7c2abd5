// SPDX-License-Identifier: GPL-2.0
/* The progress of a file that is sent, on standard error if it is a terminal. */
#include "peer/progress.h"
#include "lib/clock.h"
#include "lib/say.h"
#include "lib/term.h"
#include "lib/width.h"

#include <stdio.h>
#include <string.h>
#include <unistd.h>

#define PROGRESS_EVERY_NS 100000000ULL
#define PROGRESS_BAR 30 /* columns, if there is room */
#define PROGRESS_NAME 24

void progress_init(struct progress *progress, uint64_t size, const char *name,
		   bool quiet)
{
	*progress = (struct progress){
		.name = strrchr(name, '/') ? strrchr(name, '/') + 1 : name,
		.size = size,
		.on = !quiet && isatty(STDERR_FILENO),
		.start_ns = clock_now_ns(),
	};
}

/*
 * As much as the terminal has room for: the numbers, the name, the bar. Each
 * line is as long as the one before, which it replaces.
 */
static void progress_print(struct progress *progress, uint64_t done)
{
	double seconds = (clock_now_ns() - progress->start_ns) / 1e9;
	int room = term_width(STDERR_FILENO) - 1, part = 0;
	char name[128], percent[8] = "", numbers[64], bar[PROGRESS_BAR + 1];
	int bars = 0, names;

	say_escape(name, sizeof(name), progress->name, strlen(progress->name));
	/* A file may grow meanwhile. */
	if (progress->size && done > progress->size)
		progress->size = done;
	if (progress->size)
		snprintf(percent, sizeof(percent), "%3d%% ",
			 (int)(100 * ((double)done / progress->size)));
	snprintf(numbers, sizeof(numbers), "%s%8.1f MB %7.1f MB/s", percent,
		 done / 1e6, seconds > 0 ? done / 1e6 / seconds : 0);
	room -= strlen(numbers);
	names = room > PROGRESS_NAME ? PROGRESS_NAME : room > 2 ? room - 1 : 1;
	name[width_fit(name, names)] = '\0';
	room -= width_text(name) + 1;
	if (progress->size)
		bars = room > PROGRESS_BAR + 3 ? PROGRESS_BAR : room - 3;
	if (bars > 0)
		part = bars * ((double)done / progress->size);
	memset(bar, '#', sizeof(bar));
	fprintf(stderr, "\r%s ", name);
	if (bars > 0)
		fprintf(stderr, "[%.*s%*s] ", part, bar, bars - part, "");
	fputs(numbers, stderr);
}

void progress_show(struct progress *progress, uint64_t done)
{
	uint64_t now = clock_now_ns();

	if (!progress->on || now - progress->shown_ns < PROGRESS_EVERY_NS)
		return;
	progress->shown_ns = now;
	progress_print(progress, done);
}

void progress_end(struct progress *progress, uint64_t done)
{
	if (!progress->on)
		return;
	progress_print(progress, done);
	putc('\n', stderr);
}
