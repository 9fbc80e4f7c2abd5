// SPDX-License-Identifier: GPL-2.0
/* What is said of a scenario is its data; what it prints goes through a file. */
#include "lab/guide.h"
#include "lab/guide_text.h"
#include "lab/lab.h"
#include "lib/say.h"

#include <errno.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#define GUIDE_TRIES 3 /* a page is no place for what was seen only once */

static int guide_steps = -1; /* what the lab says of what it does */

static void __attribute__((format(printf, 1, 2)))
guide_say(const char *fmt, ...)
{
	va_list args;

	va_start(args, fmt);
	vdprintf(guide_steps, fmt, args);
	va_end(args);
	dprintf(guide_steps, "\n");
}

static void guide_heading(FILE *out, const char *text, char line)
{
	size_t n = strlen(text);

	fprintf(out, "%s\n", text);
	while (n--)
		fputc(line, out);
	fprintf(out, "\n\n");
}

/* The characters that mean something there get a backslash. */
static void guide_paragraph(FILE *out, const char *text)
{
	char plain[4096];
	size_t n = 0;

	for (; *text && n + 2 < sizeof(plain); text++) {
		if (strchr("*`_|\\", *text))
			plain[n++] = '\\';
		plain[n++] = *text;
	}
	plain[n] = '\0';
	say_wrapped(out, "", plain);
	fputc('\n', out);
}

static void guide_told(FILE *out, const char *head, const char *text)
{
	if (!text)
		return;
	fprintf(out, "**%s**\n", head);
	guide_paragraph(out, text);
}

/* All that was written to the file. The caller frees it. */
static char *guide_read(int fd)
{
	off_t size = lseek(fd, 0, SEEK_END);
	char *text = size < 0 ? NULL : malloc(size + 1);
	ssize_t n = text ? pread(fd, text, size, 0) : 0;

	if (text)
		text[n < 0 ? 0 : n] = '\0';
	return text;
}

/* Plays it: what the lab says goes to one file, the trace's text to another. */
static int guide_play(const struct scenario *s, const char *tcbscope,
		      struct guide_said *said, FILE *out)
{
	struct lab lab = { .tcbscope = tcbscope,
			   .ladder = true,
			   .say = guide_say };
	char *steps = NULL, *stories = NULL;
	struct report report = {};
	int err;

	guide_steps = memfd_create("steps", MFD_CLOEXEC);
	lab.text = memfd_create("stories", MFD_CLOEXEC);
	err = guide_steps < 0 || lab.text < 0 ? -errno : 0;
	if (!err)
		err = lab_play(&lab, 1, s, false, &report);
	if (!err && report.outcome != OUTCOME_PROVED) {
		fprintf(stderr, "%s: %s\n", s->name, report.why);
		err = report.outcome == OUTCOME_CANNOT ? -EOPNOTSUPP : -EIO;
	}
	lab_close(&lab);
	if (!err) {
		steps = guide_read(guide_steps);
		stories = guide_read(lab.text);
	}
	if (steps && stories)
		guide_block(said, steps, stories, out);
	free(steps);
	free(stories);
	judge_free(&report);
	close(guide_steps);
	close(lab.text);
	return err;
}

static int guide_scenario(const struct scenario *s, const char *tcbscope,
			  struct guide_said *said, FILE *out)
{
	int err = 0, tries;

	guide_heading(out, s->title, '-');
	guide_told(out, "What is taught:", s->textbook);
	guide_told(out, s->textbook ? "What Linux does:" : "What happens:",
		   s->truth);
	guide_told(out, "What to notice:", s->notice);
	fprintf(out, "``sudo tcbscope lab %s``", s->name);
	if (!tcbscope)
		fprintf(out, "\n\n");
	else
		fprintf(out, "::\n\n");
	for (tries = tcbscope ? GUIDE_TRIES : 0; tries; tries--) {
		err = guide_play(s, tcbscope, said, out);
		if (err != -EIO)
			break;
	}
	if (err)
		return err;
	fprintf(out, "With ``--control`` one thing is changed, and all this is "
		     "not seen:\n");
	guide_paragraph(out, s->control.what);
	return 0;
}

int guide_write(const struct scenario_group *group, const char *tcbscope,
		FILE *out)
{
	struct guide_said said = {};
	const struct scenario *s;
	int err = 0;

	fprintf(out, ".. SPDX-License-Identifier: GPL-2.0\n"
		     ".. Written by \"make guide\" from runs of the lab: do "
		     "not edit.\n\n");
	guide_heading(out, group->title, '=');
	for (s = group->scenarios; s->name && !err; s++)
		err = guide_scenario(s, tcbscope, &said, out);
	guide_forget(&said);
	if (!err && (fflush(out) || ferror(out)))
		err = -EIO;
	return err;
}
