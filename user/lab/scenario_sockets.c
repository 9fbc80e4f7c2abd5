// SPDX-License-Identifier: GPL-2.0
/* Sockets: what a socket is before, beside and without a connection. */
#include "lab/end.h"
#include "lab/scenario.h"
#include "lab/stage.h"

#include <stddef.h>

/* ------------------------------------------------ connect() on a listener */

static void connect_on_listener(struct stage *s)
{
	struct end *a = stage_end(s, A), *b = stage_end(s, B);
	int listener = end_listen(a, 2000, 5), other = end_listen(b, 2001, 5);

	if (s->control)
		end_disconnect(a, listener);
	end_connect(a, listener, b->ip, 2001);
	end_close(a, listener);
	end_close(b, other);
	end_seen(a, "state", "(LISTEN|ESTABLISHED)>.*");
}

static const struct expect connect_on_listener_expect[] = {
	HAS(A, "call", "listen 0, connect EISCONN, close 0"),
	IS(A, "state", "CLOSE>LISTEN CALL_LISTEN, LISTEN>CLOSE CALL_CLOSE"),
	NEVER(BOTH, "segment", NULL),
	{}
};

const struct scenario scenarios_sockets[] = {
	{
		.name = "connect-on-listener",
		.title = "a listener cannot connect",
		.textbook = "A socket is either active or passive.",
		.truth = "connect() on a listening socket fails with EISCONN, "
			 "\"Transport endpoint is already connected\", although "
			 "it is not: every state but CLOSE counts as connected "
			 "there. Nothing is sent, and the listener goes on.",
		.run = connect_on_listener,
		.expect = connect_on_listener_expect,
		.control = { .what = "connect() to AF_UNSPEC has made the "
				     "listener a plain socket again" },
	},
	{},
};
