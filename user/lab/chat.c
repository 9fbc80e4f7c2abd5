// SPDX-License-Identifier: GPL-2.0
/* The persons are in the ends' processes, and note down what they do. */
#include "lab/chat.h"
#include "lab/stage.h"
#include "lab/witness.h"
#include "lib/clock.h"
#include "peer/duplex.h"
#include "peer/peer.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define CHAT_DEADLINE_NS (STAGE_PATIENCE_NS - 1000000000ull)
#define CHAT_ROWS 64 /* of both ends: lines, and states */
#define CHAT_TEXT 80 /* bytes of one */

/* In an end's process. */
struct chat {
	struct end *me; /* in me->data: "TIME > typed", "TIME < read" */
	const char *const *next;    /* of what is to be typed */
	int keyboard[2], screen[2]; /* pipes */
};

static const char *const lines[2][4] = {
	{ "nobody. And you?\n", "That makes two clients.\n", "quit\n" },
	{ "Who listens there?\n", "Nor do I: we both connect.\n", "quit\n" },
};

static void note(struct end *me, char how, const char *text)
{
	size_t n = strlen(me->data);

	snprintf(me->data + n, sizeof(me->data) - n, "%" PRIu64 " %c %s",
		 clock_now_ns(), how, text);
}

static int type(struct chat *chat)
{
	const char *line = *chat->next++;

	if (!line)
		return -ENODATA;
	note(chat->me, '>', line);
	return write(chat->keyboard[1], line, strlen(line)) < 0 ? -errno : 0;
}

/* Looks at the screen: a line there is noted down, and answered. */
static int look(struct chat *chat)
{
	char line[CHAT_TEXT];
	ssize_t n = read(chat->screen[0], line, sizeof(line) - 1);

	if (n <= 0)
		return 0;
	line[n] = '\0';
	note(chat->me, '<', line);
	return type(chat);
}

static int converse(struct chat *chat, struct duplex *duplex)
{
	struct pollfd pfds[DUPLEX_FDS];
	bool hung_up = false;
	int err;

	do {
		duplex_poll(duplex, pfds);
		if (poll(pfds, DUPLEX_FDS, -1) < 0)
			return -errno;
		err = duplex_step(duplex, pfds);
		if (err > 0 && look(chat))
			return -EPIPE;
		if (err > 0 && duplex->peer_ended && !hung_up) {
			hung_up = true;
			type(chat);
		}
	} while (err > 0);
	return err;
}

/* The connection, or -errno. */
static int meet(struct end *me)
{
	struct end *other = stage_end(me->stage, me->side == A ? B : A);
	struct peer_config config = {
		.len = sizeof(struct sockaddr_in),
		.deadline_ns = CHAT_DEADLINE_NS,
	};
	struct sockaddr_in *local = (struct sockaddr_in *)&config.local;
	struct sockaddr_in *remote = (struct sockaddr_in *)&config.remote;
	struct peer peer;
	int err;

	local->sin_family = remote->sin_family = AF_INET;
	local->sin_port = remote->sin_port = htons(CHAT_PORT);
	inet_pton(AF_INET, me->ip, &local->sin_addr);
	inet_pton(AF_INET, other->ip, &remote->sin_addr);
	err = peer_init(&peer, &config);
	if (err)
		return err;
	do
		err = peer_step(&peer);
	while (err > 0);
	peer_exit(&peer);
	return err ? err : peer.result.fd;
}

int chat(struct end *me, int first)
{
	static struct duplex duplex; /* a process has one chat */
	struct chat chat = { .me = me, .next = lines[first] };
	int err = 0;

	me->data[0] = '\0';
	duplex_init(&duplex);
	duplex.fd = meet(me);
	if (duplex.fd < 0)
		return duplex.fd;
	if (pipe2(chat.keyboard, O_CLOEXEC) ||
	    pipe2(chat.screen, O_CLOEXEC | O_NONBLOCK))
		return -errno;
	duplex.in = chat.keyboard[0];
	duplex.out = chat.screen[1];
	duplex.raw = duplex.chat = true;
	if (first)
		err = type(&chat);
	if (!err)
		err = converse(&chat, &duplex);
	close(duplex.fd);
	return err;
}

/* ------------------------------------------------ telling */

struct row {
	uint64_t ts_ns;
	int side;
	char text[CHAT_TEXT];
};

struct table {
	struct row row[CHAT_ROWS];
	unsigned int n;
};

static void add(struct table *t, uint64_t ts_ns, int side, const char *text)
{
	if (t->n == CHAT_ROWS)
		return;
	t->row[t->n] = (struct row){ .ts_ns = ts_ns, .side = side };
	snprintf(t->row[t->n++].text, CHAT_TEXT, "%s", text);
}

/* What the person of that end has noted down. */
static void add_lines(struct stage *s, struct table *t, int side)
{
	char *line, *rest = stage_end(s, side)->data;
	uint64_t ts_ns;
	int at;

	while ((line = strsep(&rest, "\n"))) {
		if (sscanf(line, "%" SCNu64 " %n", &ts_ns, &at) < 1)
			continue;
		add(t, ts_ns, side, line + at);
		if (line[at] == '<')
			stage_fact(s, side, "read: %s", line + at + 2);
	}
}

/* The states of the socket of that end that was connected. */
static void add_states(struct stage *s, struct table *t, int side)
{
	const struct witness *w = s->tracer->witness;
	struct sighting what = { .type = "state", .new = "ESTABLISHED" };
	struct json_object *event;
	char text[CHAT_TEXT];
	size_t from = 0;

	what.netns = s->pair.side[stage_side(side)].inode;
	event = witness_next(w, &what, &from);
	if (!event)
		return;
	what.cookie = witness_number(event, "cookie");
	what.new = NULL;
	from = 0;
	while ((event = witness_next(w, &what, &from))) {
		snprintf(text, sizeof(text), "%s  %s",
			 witness_string(event, "new") ?: "?",
			 witness_string(event, "cause") ?: "");
		add(t, witness_number(event, "ts_ns"), side, text);
	}
}

static int earlier(const void *a, const void *b)
{
	const struct row *x = a, *y = b;

	return x->ts_ns < y->ts_ns ? -1 : x->ts_ns > y->ts_ns;
}

void chat_tell(struct stage *s)
{
	struct table t = {};
	unsigned int i;
	int side;

	for (side = A; side <= B && !stage_failed(s); side++) {
		add_lines(s, &t, side);
		add_states(s, &t, side);
	}
	qsort(t.row, t.n, sizeof(*t.row), earlier);
	stage_say(s, "%9s  %-33s  %s", "ms", "A", "B");
	for (i = 0; i < t.n; i++)
		stage_say(s, "%9.3f  %*s%s",
			  (t.row[i].ts_ns - t.row[0].ts_ns) / 1e6,
			  t.row[i].side == B ? 35 : 0, "", t.row[i].text);
}
