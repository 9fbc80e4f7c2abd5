// SPDX-License-Identifier: GPL-2.0
/* All of it is asked of the kernel, or of the trace's own stream. */
#include "queue.h"

#include "lib/clock.h"
#include <errno.h>
#include <json-c/json.h>
#include <stdio.h>
#include <string.h>

/* Those of the listener's side, for the trace may be shared. */
static struct sighting queues(const struct conn *c)
{
	return (struct sighting){ .type = "queue",
				  .netns = c->pair.side[1].inode };
}

int queue_watch(struct conn *c, const char *tiers)
{
	static char options[32];

	snprintf(options, sizeof(options), *tiers ? "--tiers %s" : "%s", tiers);
	shared_with(options);
	return conn_join(c);
}

int queue_listen(struct conn *c, int backlog)
{
	int err = conn_listen(c);

	if (err)
		return err;
	return listen(c->listener, backlog) ? -errno : 0;
}

int queue_join(const struct conn *c, int *client, bool deaf)
{
	int err;

	*client = conn_socket(c, 0);
	if (*client < 0)
		return *client;
	err = deaf ? conn_deafen(*client, true) : 0;
	if (err)
		return err;
	if (connect(*client, (void *)&c->addr[1], c->len) &&
	    errno != EINPROGRESS)
		return -errno;
	return 0;
}

/* What the kernel says of a socket; all 0 if it says nothing. */
static struct tcp_info info_of(int fd)
{
	struct tcp_info info = {};
	socklen_t len = sizeof(info);

	getsockopt(fd, IPPROTO_TCP, TCP_INFO, &info, &len);
	return info;
}

int queue_accept_depth(int listener)
{
	return info_of(listener).tcpi_unacked;
}

int queue_wait_accept(const struct conn *c, int n)
{
	uint64_t begin = clock_now_ns();

	while (queue_accept_depth(c->listener) < n)
		if (!conn_pause(begin))
			return -ETIMEDOUT;
	return 0;
}

int queue_wait_answer(int client)
{
	return conn_wait_lost(client, 1);
}

int queue_wait_state(int fd, int state)
{
	uint64_t begin = clock_now_ns();

	while (info_of(fd).tcpi_state != state)
		if (!conn_pause(begin))
			return -ETIMEDOUT;
	return 0;
}

int queue_wait_counter(const struct conn *c, const char *name, int64_t n)
{
	return conn_wait_counter(c, 1, name, n);
}

static bool is(struct json_object *e, const char *op, const char *rule)
{
	return !strcmp(queue_text(e, "op"), op) &&
	       (!rule || !strcmp(queue_text(e, "rule"), rule));
}

/* As a test: reads what the trace has shown up to now. */
static void read_more(const struct conn *c)
{
	struct sighting nothing = { .type = "nothing" };

	witness_wait(c->trace.witness, &nothing, 1000000);
}

int queue_wait_shown(const struct conn *c, const char *op, const char *rule,
		     int n)
{
	uint64_t begin = clock_now_ns();

	while (queue_count(c, op, rule) < n) {
		if (!conn_pause(begin))
			return -ETIMEDOUT;
		read_more(c);
	}
	return 0;
}

struct json_object *queue_nth(const struct conn *c, const char *op, int n)
{
	struct sighting queue = queues(c);
	struct json_object *e;
	size_t from = 0;

	while ((e = witness_next(c->trace.witness, &queue, &from)))
		if (is(e, op, NULL) && !n--)
			return e;
	return NULL;
}

int queue_count(const struct conn *c, const char *op, const char *rule)
{
	struct sighting queue = queues(c);
	struct json_object *e;
	size_t from = 0;
	int n = 0;

	while ((e = witness_next(c->trace.witness, &queue, &from)))
		n += is(e, op, rule);
	return n;
}

const char *queue_text(struct json_object *e, const char *field)
{
	return witness_string(e, field) ?: "absent";
}
