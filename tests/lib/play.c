// SPDX-License-Identifier: GPL-2.0
/* Sets the stage; every step returns the first error. */
#include "play.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

static int start_actors(struct play *play)
{
	int err = actor_open(&play->client);

	if (!err)
		err = actor_open(&play->server);
	if (!err)
		err = actor_open(&play->worker);
	if (!err)
		err = actor_start(&play->client, "client");
	if (!err)
		err = actor_start(&play->server, "server");
	if (!err)
		err = actor_call(&play->client, actor_enter,
				 play->pair.side[0].fd);
	if (!err)
		err = actor_call(&play->server, actor_enter,
				 play->pair.side[1].fd);
	return err;
}

int play_init(struct play *play)
{
	int err;

	memset(play, 0, sizeof(*play));
	err = netns_pair_create(&play->pair);
	if (err)
		return err;
	err = gate_init(&play->gate, &play->pair);
	if (err) {
		netns_pair_destroy(&play->pair);
		return err;
	}
	snprintf(play->netns, sizeof(play->netns), "%llu,%llu",
		 (unsigned long long)play->pair.side[0].inode,
		 (unsigned long long)play->pair.side[1].inode);
	play->at_client.netns = play->pair.side[0].inode;
	play->at_client.lport = PLAY_CLIENT_PORT;
	play->at_server.netns = play->pair.side[1].inode;
	play->at_server.lport = PLAY_SERVER_PORT;
	actor_tcp.len = gate_endpoints(&play->gate, AF_INET, PLAY_CLIENT_PORT,
				       PLAY_SERVER_PORT, actor_tcp.end);
	err = gate_open(&play->gate);
	return err ? err : start_actors(play);
}

void play_free(struct play *play)
{
	actor_end(&play->worker);
	actor_end(&play->server);
	actor_end(&play->client);
	trace_free(&play->trace);
	if (!play->gate.pair)
		return;
	gate_exit(&play->gate);
	netns_pair_destroy(&play->pair);
}

int play_trace(struct play *play, char *option, char *value)
{
	char *args[] = { "--netns", play->netns, option, value, NULL };

	return trace_start(&play->trace, args);
}

int play_join(struct play *play)
{
	return shared_join(&play->trace);
}

int play_wait(struct play *play, const struct sighting *side, const char *old,
	      const char *new)
{
	struct sighting what = *side;

	what.type = "state";
	what.old = old;
	what.new = new;
	return witness_wait(play->trace.witness, &what, TRACE_PATIENCE_NS);
}

int play_wait_tcp(const struct play *play, int side, int state)
{
	int err = gate_wait_tcp(&play->gate, side, &actor_tcp.end[side],
				&actor_tcp.end[!side], GATE_STATE(state),
				TRACE_PATIENCE_NS);

	return err < 0 ? err : 0;
}

struct json_object *play_transition(const struct play *play,
				    const struct sighting *side,
				    const char *new)
{
	struct sighting what = *side;
	size_t from = 0;

	what.type = "state";
	what.new = new;
	return witness_next(play->trace.witness, &what, &from);
}

int play_connect(struct play *play)
{
	int err = actor_call(&play->server, actor_listen, 1);

	if (!err)
		err = actor_call(&play->client, actor_connect, 0);
	return err ? err : actor_call(&play->server, actor_accept, 0);
}

int play_close(struct play *play, struct actor *server)
{
	int err = actor_call(&play->client, actor_close, 0);

	if (!err)
		err = play_wait(play, &play->at_server, NULL, "CLOSE_WAIT");
	if (!err)
		err = actor_call(server, actor_close, 0);
	if (!err)
		err = play_wait(play, &play->at_server, "LAST_ACK", "CLOSE");
	if (!err)
		err = play_wait(play, &play->at_client, NULL, "TIME_WAIT");
	return err;
}
