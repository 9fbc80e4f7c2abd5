// SPDX-License-Identifier: GPL-2.0
/* Counts what it reads, and compares with what it is told. */
#include "stream.h"

#include <errno.h>
#include <json-c/json.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "lab/witness.h"
#include "lib/clock.h"
#include "tests/lib/trace.h"

#define ARGS_MAX 16

int stream_open(struct stream *s, char *const args[])
{
	char *argv[ARGS_MAX + 1] = { (char *)trace_program("tcbscope"), "trace",
				     "--json" };
	char out[32];
	const struct prog_setup setup = { .argv = argv, .out = out };
	uint64_t begin = clock_now_ns();
	siginfo_t info = {};
	struct stat st = {};
	int i, err;

	memset(s, 0, sizeof(*s));
	for (i = 0; args[i] && 3 + i < ARGS_MAX; i++)
		argv[3 + i] = args[i];
	s->file = memfd_create("json", MFD_CLOEXEC);
	if (s->file < 0)
		return -errno;
	snprintf(out, sizeof(out), "/proc/self/fd/%d", s->file);
	err = prog_start(&s->prog, &setup);
	/* the header is written once the programs are attached */
	while (!err && !st.st_size) {
		clock_pause(begin);
		if (fstat(s->file, &st))
			err = -errno;
		else if (!st.st_size &&
			 !waitid(P_PID, s->prog.pid, &info,
				 WEXITED | WNOHANG | WNOWAIT) &&
			 info.si_pid)
			err = -ENODATA;
	}
	return err;
}

int stream_start(struct stream *s, char *const args[])
{
	char *all[ARGS_MAX + 1] = { "--netns", "self" };
	int i;

	for (i = 0; args[i] && 2 + i < ARGS_MAX; i++)
		all[2 + i] = args[i];
	return stream_open(s, all);
}

void stream_free(struct stream *s)
{
	prog_free(&s->prog);
	json_object_put(s->footer);
	json_object_put(s->stats);
	if (s->file > 0)
		close(s->file);
}

unsigned int stream_count(const struct stream *s, const char *text)
{
	const char *all, *at;
	unsigned int n = 0;
	struct stat st;

	if (fstat(s->file, &st) || !st.st_size)
		return 0;
	all = mmap(NULL, st.st_size, PROT_READ, MAP_SHARED, s->file, 0);
	if (all == MAP_FAILED)
		return 0;
	for (at = all; at; n += !!at) {
		at = memmem(at, all + st.st_size - at, text, strlen(text));
		at = at ? at + strlen(text) : NULL;
	}
	munmap((void *)all, st.st_size);
	return n;
}

unsigned int stream_gaps(const struct stream *s)
{
	return stream_count(s, "\"gap_from\"");
}

int stream_end(struct stream *s)
{
	if (s->prog.pid)
		kill(s->prog.pid, SIGINT);
	return prog_finish(&s->prog);
}

static int64_t number_of(struct json_object *counts, const char *type)
{
	struct json_object *value;

	return json_object_object_get_ex(counts, type, &value) ?
		       json_object_get_int64(value) :
		       -1;
}

int64_t stream_of(const struct stream *s, const char *name, const char *type)
{
	struct json_object *counts;

	if (!json_object_object_get_ex(s->footer, name, &counts))
		return -1;
	return number_of(counts, type);
}

int64_t stream_total(const struct stream *s, const char *name)
{
	struct json_object *counter;

	if (!json_object_object_get_ex(s->footer, name, &counter))
		return -1;
	return json_object_is_type(counter, json_type_object) ?
		       number_of(counter, "total") :
		       json_object_get_int64(counter);
}

static const char *flaw(struct stream *s, const char *what, const char *where)
{
	snprintf(s->flaw, sizeof(s->flaw), "%s: %s", what, where);
	return s->flaw;
}

/* One more line of this type in @lines, an object of numbers. */
static void count_line(struct json_object *lines, const char *type)
{
	int64_t n = number_of(lines, type);

	json_object_object_add(lines, type,
			       json_object_new_int64(n < 0 ? 1 : n + 1));
}

static const char *read_lines(
	struct stream *s, FILE *file, struct json_object *lines,
	void (*each)(void *ctx, struct json_object *event), void *ctx)
{
	const char *wrong = NULL, *type;
	struct json_object *o;
	uint64_t last = 0, ts;
	char *line = NULL;
	size_t room = 0;

	while (!wrong && getline(&line, &room, file) > 0) {
		o = json_tokener_parse(line);
		type = o ? witness_string(o, "type") : NULL;
		if (!type) {
			wrong = flaw(s, "not an event", line);
		} else if (!strcmp(type, "footer")) {
			s->footer = json_object_get(o);
		} else if (!strcmp(type, "stats")) {
			json_object_array_add(s->stats, json_object_get(o));
		} else if (strcmp(type, "header")) {
			ts = witness_number(o, "ts_ns");
			if (ts < last && !witness_number(o, "late"))
				wrong = flaw(s, "time runs back", line);
			last = ts;
			count_line(lines, type);
			if (each)
				each(ctx, o);
		}
		json_object_put(o);
	}
	free(line);
	return wrong;
}

static const char *check_type(struct stream *s, const char *type,
			      struct json_object *lines)
{
	int64_t generated = stream_of(s, "generated", type);
	int64_t delivered = stream_of(s, "delivered", type);
	int64_t shown = stream_of(s, "shown", type);
	int64_t seen = number_of(lines, type);

	if (generated != delivered + stream_of(s, "ring_lost", type))
		return flaw(s, "generated != delivered + ring_lost", type);
	if (delivered != shown + stream_of(s, "filtered", type))
		return flaw(s, "delivered != shown + filtered", type);
	if (strcmp(type, "total") && shown != (seen < 0 ? 0 : seen))
		return flaw(s, "shown is not the number of lines", type);
	return NULL;
}

/* "2000 generated - 3 lost = 1997 shown + 0 filtered", and all the rest. */
static const char *check_closing_line(struct stream *s)
{
	const char *text = prog_text(&s->prog, PROG_ERR);
	char want[128];

	snprintf(want, sizeof(want),
		 "%lld generated - %lld lost = %lld shown + %lld filtered",
		 (long long)stream_total(s, "generated"),
		 (long long)stream_total(s, "ring_lost"),
		 (long long)stream_total(s, "shown"),
		 (long long)stream_total(s, "filtered"));
	if (!strstr(text, want))
		return flaw(s, "the closing line is another", text);
	snprintf(want, sizeof(want), "; %lld missed, %lld recovered, %lld gaps",
		 (long long)stream_total(s, "missed_runs"),
		 (long long)stream_total(s, "recovered"),
		 (long long)stream_total(s, "gaps"));
	return strstr(text, want) ?
		       NULL :
		       flaw(s, "the closing line is another", text);
}

const char *stream_flaw(struct stream *s,
			void (*each)(void *ctx, struct json_object *event),
			void *ctx)
{
	struct json_object *lines = json_object_new_object(), *generated;
	FILE *file = fdopen(dup(s->file), "r");
	const char *wrong = file ? NULL : "no file";

	s->stats = json_object_new_array();
	if (!wrong) {
		rewind(file);
		wrong = read_lines(s, file, lines, each, ctx);
		fclose(file);
	}
	if (!wrong &&
	    !json_object_object_get_ex(s->footer, "generated", &generated))
		wrong = "no footer";
	if (!wrong && stream_total(s, "malformed"))
		wrong = "malformed records";
	if (!wrong) {
		json_object_object_foreach(generated, type, number)
		{
			(void)number;
			wrong = wrong ?: check_type(s, type, lines);
		}
	}
	json_object_put(lines);
	wrong = wrong ?: check_closing_line(s);
	return wrong ?: "";
}
