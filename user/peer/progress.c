// SPDX-License-Identifier: GPL-2.0
/* The progress of a file that is sent, on standard error if it is a terminal. */
#include "peer/progress.h"
#include "lib/clock.h"
#include "lib/say.h"

#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define PROGRESS_EVERY_NS 100000000ULL
#define PROGRESS_BAR 30

void progress_init(struct progress *progress, int fd, const char *name,
		   bool quiet)
{
	struct stat st;

	*progress = (struct progress){
		.name = strrchr(name, '/') ? strrchr(name, '/') + 1 : name,
		.on = !quiet && isatty(STDERR_FILENO),
		.start_ns = clock_now_ns(),
	};
	if (!fstat(fd, &st) && S_ISREG(st.st_mode))
		progress->size = st.st_size;
}

static void progress_print(struct progress *progress, uint64_t done)
{
	double seconds = (clock_now_ns() - progress->start_ns) / 1e9;
	static const char full[] = "##############################";
	char name[128];
	int part;

	say_escape(name, sizeof(name), progress->name, strlen(progress->name));
	fprintf(stderr, "\r%.24s ", name);
	if (progress->size) {
		/* A file may grow meanwhile. */
		if (done > progress->size)
			progress->size = done;
		part = PROGRESS_BAR * ((double)done / progress->size);
		fprintf(stderr, "[%.*s%*s] %3d%% ", part, full,
			PROGRESS_BAR - part, "",
			(int)(100 * ((double)done / progress->size)));
	}
	fprintf(stderr, "%.1f MB %.1f MB/s ", done / 1e6,
		seconds > 0 ? done / 1e6 / seconds : 0);
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
