// SPDX-License-Identifier: GPL-2.0
/* The process of an end, and how it is told to make a call. */
#include "lab/end.h"
#include "lab/stage.h"
#include "lab/witness.h"
#include "lib/clock.h"

#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

/* In an end's process: what it is told. */
static struct end *me;

static int do_enter(int netns)
{
	int err = netns_enter(netns);

	signal(SIGPIPE, SIG_IGN); /* send() returns EPIPE */
	/* what the lab has open is not its own */
	return err ? err : close_range(3, ACTOR_FDS - 1, 0) ? -errno : 0;
}

/* A child of another end has its variables: it becomes its own. */
static int do_become(int i)
{
	me = &me->stage->end[i];
	return 0;
}

static int do_call(int arg)
{
	(void)arg;
	return me->call.fn(me);
}

int end_start(struct end *e, struct stage *stage, int side, const char *comm)
{
	int err = actor_open(&e->actor);

	e->stage = stage;
	e->side = side;
	if (err)
		return err;
	me = e; /* there, as of the fork */
	err = actor_start(&e->actor, comm);
	if (!err)
		err = actor_call(&e->actor, do_enter,
				 stage->pair.side[stage_side(side)].fd);
	return err;
}

void end_stop(struct end *e)
{
	actor_end(&e->actor);
}

/* What a call returned, as C has it. */
static void end_say(struct end *e, int ret)
{
	if (ret < 0)
		stage_say(e->stage, "%c  %s = -1 %s", '@' + e->side, e->said,
			  strerrorname_np(-ret) ?: "?");
	else
		stage_say(e->stage, "%c  %s = %d", '@' + e->side, e->said, ret);
}

/* Waits for the answer, and takes from the trace what it has meanwhile. */
int end_finish(struct end *e)
{
	struct stage *s = e->stage;
	struct pollfd pfds[2] = {
		{ .fd = e->actor.fd, .events = POLLIN },
		{ .fd = witness_fd(s->tracer->witness), .events = POLLIN },
	};
	uint64_t deadline_ns = clock_now_ns() + stage_patience_ns(s);
	int ret;

	if (stage_failed(s) || !e->busy)
		return -ECANCELED;
	e->busy = false;
	while (!pfds[0].revents && clock_now_ns() < deadline_ns) {
		if (poll(pfds, 2, 100) > 0 && pfds[1].revents &&
		    witness_read(s->tracer->witness))
			pfds[1].fd = -1;
		if (pfds[1].revents & POLLHUP)
			pfds[1].fd = -1;
	}
	if (!pfds[0].revents) {
		stage_fail(s, "%c: %s did not return", '@' + e->side, e->said);
		return -ECANCELED;
	}
	ret = actor_answer(&e->actor);
	end_say(e, ret);
	return ret;
}

int end_tell(struct end *e, int (*fn)(struct end *me), struct end_call call,
	     const char *fmt, ...)
{
	bool begins = e->begins;
	va_list args;
	int err;

	e->begins = false;
	if (stage_failed(e->stage))
		return -ECANCELED;
	e->call = call;
	e->call.fn = fn;
	va_start(args, fmt);
	vsnprintf(e->said, sizeof(e->said), fmt, args);
	va_end(args);
	err = actor_tell(&e->actor, do_call, 0);
	if (err) {
		stage_fail(e->stage, "%c: %s: %s", '@' + e->side, e->said,
			   strerror(-err));
		return -ECANCELED;
	}
	e->busy = true;
	if (!begins)
		return end_finish(e);
	stage_say(e->stage, "%c  %s ...", '@' + e->side, e->said);
	return 0;
}

struct end *end_begin(struct end *e)
{
	e->begins = true;
	return e;
}

struct end *end_fork(struct end *e)
{
	struct stage *s = e->stage;
	struct end *child = &s->end[2];
	int err;

	if (child->actor.pid)
		child++;
	if (!stage_failed(s)) {
		err = actor_fork(&e->actor, &child->actor, "child");
		if (!err)
			err = actor_call(&child->actor, do_become,
					 child - s->end);
		if (err)
			stage_fail(s, "cannot fork: %s", strerror(-err));
		stage_say(s, "%c  fork() = %d", '@' + e->side,
			  child->actor.pid);
	}
	child->side = e->side;
	strcpy(child->ip, e->ip);
	return child;
}

void end_kill(struct end *e)
{
	if (stage_failed(e->stage))
		return;
	stage_say(e->stage, "   kill -9 %d, which is %c", e->actor.pid,
		  '@' + e->side);
	actor_end(&e->actor);
}
