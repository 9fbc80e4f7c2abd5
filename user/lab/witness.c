// SPDX-License-Identifier: GPL-2.0
/* Keeps every line of a trace as a JSON object; searches are linear. */
#include "lab/witness.h"
#include "lib/clock.h"

#include <errno.h>
#include <json-c/json.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define LINE_MAX_BYTES 65536

struct witness {
	int fd;
	bool ended;
	char *line; /* what has been read of the current line */
	size_t len;
	struct json_object **events;
	size_t n, room;
};

struct witness *witness_new(int fd)
{
	struct witness *w = calloc(1, sizeof(*w));

	if (w)
		w->line = malloc(LINE_MAX_BYTES);
	if (!w || !w->line) {
		free(w);
		return NULL;
	}
	w->fd = fd;
	return w;
}

void witness_free(struct witness *w)
{
	size_t i;

	if (!w)
		return;
	for (i = 0; i < w->n; i++)
		json_object_put(w->events[i]);
	free(w->events);
	free(w->line);
	close(w->fd);
	free(w);
}

static int keep_line(struct witness *w, const char *line)
{
	struct json_object *o = json_tokener_parse(line), *type;

	if (!o || !json_object_is_type(o, json_type_object) ||
	    !json_object_object_get_ex(o, "type", &type)) {
		json_object_put(o);
		return -EBADMSG;
	}
	if (w->n == w->room) {
		size_t room = w->room ? w->room * 2 : 64;
		struct json_object **more;

		more = reallocarray(w->events, room, sizeof(*more));
		if (!more) {
			json_object_put(o);
			return -ENOMEM;
		}
		w->events = more;
		w->room = room;
	}
	w->events[w->n++] = o;
	return 0;
}

/* Takes whole lines out of the buffer. */
static int keep_lines(struct witness *w)
{
	size_t used = 0;
	char *end;
	int err;

	while ((end = memchr(w->line + used, '\n', w->len - used))) {
		*end = '\0';
		err = keep_line(w, w->line + used);
		if (err)
			return err;
		used = end - w->line + 1;
	}
	w->len -= used;
	memmove(w->line, w->line + used, w->len);
	return w->len == LINE_MAX_BYTES ? -EBADMSG : 0;
}

/* One read(). */
int witness_more(struct witness *w, uint64_t deadline_ns)
{
	struct pollfd pfd = { .fd = w->fd, .events = POLLIN };
	uint64_t now = clock_now_ns();
	ssize_t n;

	if (w->ended)
		return -ENODATA;
	n = poll(&pfd, 1,
		 now < deadline_ns ? (deadline_ns - now) / 1000000 + 1 : 0);
	if (n <= 0)
		return n < 0 && errno != EINTR ? -errno :
		       n < 0		       ? 0 :
						 -ETIMEDOUT;
	n = read(w->fd, w->line + w->len, LINE_MAX_BYTES - w->len);
	if (n < 0)
		return errno == EINTR ? 0 : -errno;
	if (!n) {
		w->ended = true;
		return w->len ? -EBADMSG : -ENODATA;
	}
	w->len += n;
	return keep_lines(w);
}

const char *witness_string(struct json_object *event, const char *field)
{
	struct json_object *o;

	return json_object_object_get_ex(event, field, &o) &&
			       json_object_is_type(o, json_type_string) ?
		       json_object_get_string(o) :
		       NULL;
}

uint64_t witness_number(struct json_object *event, const char *field)
{
	struct json_object *o;

	return json_object_object_get_ex(event, field, &o) ?
		       json_object_get_uint64(o) :
		       0;
}

bool witness_has(struct json_object *event, const char *field)
{
	return json_object_object_get_ex(event, field, NULL);
}

static bool same_string(struct json_object *event, const char *field,
			const char *want)
{
	const char *is = want ? witness_string(event, field) : NULL;

	return !want || (is && !strcmp(is, want));
}

static bool same_number(struct json_object *event, const char *field,
			uint64_t want)
{
	return !want || witness_number(event, field) == want;
}

static bool matches(struct json_object *event, const struct sighting *what)
{
	return same_string(event, "type", what->type) &&
	       same_number(event, "netns", what->netns) &&
	       same_number(event, "cookie", what->cookie) &&
	       same_number(event, "lport", what->lport) &&
	       same_number(event, "rport", what->rport) &&
	       same_string(event, "old", what->old) &&
	       same_string(event, "new", what->new) &&
	       same_string(event, "cause", what->cause) &&
	       same_string(event, "kind", what->kind);
}

struct json_object *witness_next(const struct witness *w,
				 const struct sighting *what, size_t *from)
{
	while (*from < w->n) {
		struct json_object *event = w->events[(*from)++];

		if (matches(event, what))
			return event;
	}
	return NULL;
}

static bool is_kept(struct json_object *event)
{
	const char *type = witness_string(event, "type");

	return type && (!strcmp(type, "header") || !strcmp(type, "footer"));
}

void witness_forget(struct witness *w)
{
	size_t i, n = 0;

	for (i = 0; i < w->n; i++) {
		if (is_kept(w->events[i]))
			w->events[n++] = w->events[i];
		else
			json_object_put(w->events[i]);
	}
	w->n = n;
}

int witness_fd(const struct witness *w)
{
	return w->fd;
}

int witness_read(struct witness *w)
{
	int err;

	do
		err = witness_more(w, 0);
	while (!err);
	return err == -ETIMEDOUT || err == -ENODATA ? 0 : err;
}

size_t witness_count(const struct witness *w, const struct sighting *what)
{
	size_t from = 0, n = 0;

	while (witness_next(w, what, &from))
		n++;
	return n;
}

int witness_wait(struct witness *w, const struct sighting *what,
		 uint64_t timeout_ns)
{
	uint64_t deadline = clock_now_ns() + timeout_ns;
	size_t from = 0;
	int err = 0;

	for (;;) {
		if (witness_next(w, what, &from))
			return 0;
		if (err)
			return err;
		err = witness_more(w, deadline);
	}
}

int witness_finish(struct witness *w, uint64_t timeout_ns)
{
	uint64_t deadline = clock_now_ns() + timeout_ns;
	int err;

	do
		err = witness_more(w, deadline);
	while (!err);
	return err == -ENODATA ? 0 : err;
}

static void add_state(char *path, size_t size, const char *state)
{
	size_t n = strlen(path);

	if (n + strlen(state) + 2 > size)
		return;
	if (n)
		path[n++] = ' ';
	strcpy(path + n, state);
}

char *witness_path(const struct witness *w, const struct sighting *socket,
		   char *path, size_t size)
{
	struct sighting what = *socket;
	struct json_object *event;
	size_t from = 0;

	what.type = "state";
	*path = '\0';
	while ((event = witness_next(w, &what, &from))) {
		const char *old = witness_string(event, "old");
		const char *new = witness_string(event, "new");

		if (!old || !new)
			continue;
		if (!*path)
			add_state(path, size, old);
		add_state(path, size, new);
	}
	return path;
}

bool witness_has_hook(const struct witness *w, const char *name)
{
	struct sighting header = { .type = "header" };
	struct json_object *hooks, *hook, *attached;
	const char *is;
	size_t from = 0, i;

	hooks = witness_next(w, &header, &from);
	if (!json_object_object_get_ex(hooks, "hooks", &hooks))
		return false;
	for (i = 0; i < json_object_array_length(hooks); i++) {
		hook = json_object_array_get_idx(hooks, i);
		is = witness_string(hook, "name");
		if (is && !strcmp(is, name))
			return json_object_object_get_ex(hook, "attached",
							 &attached) &&
			       json_object_get_boolean(attached);
	}
	return false;
}

int64_t witness_counter(const struct witness *w, const char *name)
{
	struct sighting what = { .type = "footer" };
	struct json_object *footer, *counter, *total;
	size_t from = 0;

	footer = witness_next(w, &what, &from);
	if (!footer || !json_object_object_get_ex(footer, name, &counter))
		return -1;
	if (json_object_object_get_ex(counter, "total", &total))
		counter = total;
	return json_object_get_int64(counter);
}

unsigned int witness_gaps(const struct witness *w)
{
	struct sighting what = { .type = "state" };
	struct json_object *event;
	unsigned int n = 0;
	size_t from = 0;

	while ((event = witness_next(w, &what, &from)))
		n += !!witness_string(event, "gap_from");
	return n;
}

bool witness_complete(const struct witness *w)
{
	int64_t delivered = witness_counter(w, "delivered");

	return delivered >= 0 && !witness_counter(w, "ring_lost") &&
	       !witness_gaps(w) && !witness_counter(w, "malformed") &&
	       witness_counter(w, "generated") == delivered &&
	       witness_counter(w, "shown") + witness_counter(w, "filtered") ==
		       delivered;
}
