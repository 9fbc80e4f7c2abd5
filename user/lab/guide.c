// SPDX-License-Identifier: GPL-2.0
/* What is said of a scenario is its data; what it prints goes through a file. */
#include "lab/guide.h"
#include "lab/lab.h"
#include "lib/say.h"

#include <errno.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#define GUIDE_TRIES 3 /* a page is no place for what was seen only once */

static int guide_text = -1; /* what the scenario that is played has printed */

static void __attribute__((format(printf, 1, 2)))
guide_say(const char *fmt, ...)
{
	va_list args;

	va_start(args, fmt);
	vdprintf(guide_text, fmt, args);
	va_end(args);
	dprintf(guide_text, "\n");
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

/* Of @text, line by line, behind two blanks: no literal block without. */
static void guide_literal(FILE *out, const char *text)
{
	unsigned int lines = 0, left = 0;
	const char *end;
	size_t n;

	for (; *text; text = end + !!*end) {
		end = strchrnul(text, '\n');
		if (lines++ >= GUIDE_LINES) {
			left++;
			continue;
		}
		for (n = end - text; n && text[n - 1] == ' ';)
			n--;
		fprintf(out, n ? "  %.*s\n" : "%.*s\n", (int)n, text);
	}
	if (left)
		fprintf(out, "  ... %u lines more\n", left);
	fputc('\n', out);
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

/* Plays it, with the trace's text and all that is said in one file. */
static int guide_play(const struct scenario *s, const char *tcbscope, FILE *out)
{
	struct lab lab = { .tcbscope = tcbscope,
			   .ladder = true,
			   .say = guide_say };
	struct report report = {};
	char *text;
	int err;

	lab.text = guide_text = memfd_create("guide", MFD_CLOEXEC);
	if (guide_text < 0)
		return -errno;
	err = lab_play(&lab, 1, s, false, &report);
	if (!err && report.outcome != OUTCOME_PROVED) {
		fprintf(stderr, "%s: %s\n", s->name, report.why);
		err = report.outcome == OUTCOME_CANNOT ? -EOPNOTSUPP : -EIO;
	}
	lab_close(&lab);
	text = err ? NULL : guide_read(guide_text);
	if (text)
		guide_literal(out, text);
	free(text);
	judge_free(&report);
	close(guide_text);
	return err;
}

static int guide_scenario(const struct scenario *s, const char *tcbscope,
			  FILE *out)
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
		err = guide_play(s, tcbscope, out);
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
	const struct scenario *s;
	int err = 0;

	fprintf(out, ".. SPDX-License-Identifier: GPL-2.0\n"
		     ".. Written by \"make guide\" from runs of the lab: do "
		     "not edit.\n\n");
	guide_heading(out, group->title, '=');
	for (s = group->scenarios; s->name && !err; s++)
		err = guide_scenario(s, tcbscope, out);
	if (!err && (fflush(out) || ferror(out)))
		err = -EIO;
	return err;
}
