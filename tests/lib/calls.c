// SPDX-License-Identifier: GPL-2.0
/* One trace, and the stream of it looked through by call and phase. */
#include "calls.h"

#include "lab/netns.h"
#include "lib/clock.h"

#include <errno.h>
#include <json-c/json.h>
#include <netinet/in.h>
#include <string.h>
#include <unistd.h>

#define ARGS_MAX 16

static void set_address(struct calls *c, int family)
{
	struct sockaddr_in6 *v6 = (void *)&c->addr;
	struct sockaddr_in *v4 = (void *)&c->addr;

	v4->sin_family = family;
	v4->sin_port = htons(CALLS_PORT);
	c->len = sizeof(*v4);
	if (family == AF_INET6) {
		v6->sin6_addr = in6addr_loopback;
		c->len = sizeof(*v6);
	} else {
		v4->sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	}
}

static void init(struct calls *c, int family)
{
	memset(c, 0, sizeof(*c));
	c->listener = c->client = c->server = -1;
	set_address(c, family);
}

int calls_join(struct calls *c, int family)
{
	int err;

	init(c, family);
	err = shared_enter();
	if (!err)
		err = shared_join(&c->trace);
	c->begin = clock_now_ns();
	return err;
}

int calls_start(struct calls *c, int family, char *const also[])
{
	char *args[ARGS_MAX] = { "--netns", "self" };
	int netns, err, n = 2;

	init(c, family);
	while (*also && n < ARGS_MAX - 3)
		args[n++] = *also++;
	if (strcmp(args[2] ?: "", "--events")) {
		args[n++] = "--events";
		args[n++] = "call";
	}
	netns = netns_create();
	if (netns < 0)
		return netns;
	err = netns_enter(netns);
	close(netns);
	return err ? err : trace_start(&c->trace, args);
}

void calls_free(struct calls *c)
{
	close(c->listener);
	close(c->client);
	close(c->server);
	trace_free(&c->trace);
}

int calls_open(struct calls *c, int nonblock)
{
	int family = c->addr.ss_family;

	c->listener = socket(family, SOCK_STREAM, 0);
	if (c->listener < 0 || bind(c->listener, (void *)&c->addr, c->len) ||
	    listen(c->listener, 7))
		return -errno;
	c->client = socket(family, SOCK_STREAM | nonblock, 0);
	if (c->client < 0 || (connect(c->client, (void *)&c->addr, c->len) &&
			      errno != EINPROGRESS))
		return -errno;
	c->server = accept4(c->listener, NULL, NULL, SOCK_CLOEXEC | nonblock);
	return c->server < 0 ? -errno : 0;
}

int calls_stop(struct calls *c)
{
	bool shared = c->trace.shared;
	int err;

	c->end = clock_now_ns();
	err = trace_stop(&c->trace);
	if (err || shared)
		return err;
	return witness_complete(c->trace.witness) ? 0 : -EBADMSG;
}

struct json_object *calls_nth(const struct calls *c, const char *op,
			      const char *phase, int n)
{
	static const struct sighting call = { .type = "call" };
	struct json_object *e;
	size_t from = 0;

	while ((e = witness_next(c->trace.witness, &call, &from)))
		if (calls_number(e, "ts_ns") >= c->begin &&
		    (!c->end || calls_number(e, "ts_ns") <= c->end) &&
		    !strcmp(witness_string(e, "op"), op) &&
		    !strcmp(witness_string(e, "phase"), phase) && !n--)
			return e;
	return NULL;
}

int calls_count(const struct calls *c, const char *op, const char *phase)
{
	int n = 0;

	while (calls_nth(c, op, phase, n))
		n++;
	return n;
}

const char *calls_text(struct json_object *e, const char *field)
{
	return witness_string(e, field) ?: "absent";
}

int64_t calls_number(struct json_object *e, const char *field)
{
	struct json_object *value;

	return json_object_object_get_ex(e, field, &value) ?
		       json_object_get_int64(value) :
		       INT64_MIN;
}
