// SPDX-License-Identifier: GPL-2.0
/*
 * Bytes for a peer and for the rendezvous, from whoever can reach them. Claims:
 * without the secret nobody gets a peer to believe an address, or to begin; a
 * rendezvous passes on no more than it was given, to nobody but the partner,
 * and keeps nothing of those who have gone.
 */
#include "peer/duplex.h"
#include "peer/rendezvous.h"
#include "tests/fuzz/fuzz.h"

#include <netinet/in.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#define CLIENTS 3

/* A rendezvous, or somebody who plays one, has no secret. */
static void fuzz_peer(const uint8_t *data, size_t size)
{
	static const struct secret secret = { "not what the input can know" };
	struct meet meet;
	size_t room;
	void *at;
	int ret = 1;

	FUZZ_CLAIM(!meet_init(&meet, &secret, "us"));
	while (size && ret > 0) {
		at = meet_room(&meet, &room);
		if (room > size)
			room = size;
		memcpy(at, data, room);
		meet_add(&meet, room);
		data += room;
		size -= room;
		while ((ret = meet_next(&meet)) > 0) {
			FUZZ_CLAIM(ret != MEET_START);
			FUZZ_CLAIM(ret != MEET_CANDIDATES);
			FUZZ_CLAIM(!meet.sent_candidates);
			meet.out_len = 0; /* it was sent */
		}
		if (!ret)
			ret = 1;
	}
	FUZZ_CLAIM(!meet.partner.n);
}

/* Two bytes: whose turn it is, and how much of what follows is said. */
static void fuzz_rendezvous(const uint8_t *data, size_t size)
{
	struct rendezvous_client client[CLIENTS] = {};
	struct rendezvous r = {};
	uint64_t now_ns = 1, taken = 0, given = 0;
	unsigned int i;
	size_t room;
	void *at;

	for (i = 0; i < CLIENTS; i++) {
		client[i].from.ss_family = AF_INET;
		rendezvous_add(&r, &client[i], now_ns);
	}
	while (size > 2) {
		struct rendezvous_client *c = &client[data[0] % CLIENTS];

		at = rendezvous_room(c, &room);
		if (room > data[1])
			room = data[1];
		data += 2;
		size -= 2;
		if (room > size)
			room = size;
		memcpy(at, data, room);
		data += room;
		size -= room;
		now_ns += 1000000;
		FUZZ_CLAIM(!rendezvous_take(&r, c, room, now_ns));
		taken += room;
		for (i = 0; i < CLIENTS; i++) {
			FUZZ_CLAIM(client[i].out_len <= sizeof(client[i].out));
			FUZZ_CLAIM(client[i].partner != &client[i]);
			given += client[i].out_len;
			client[i].out_len = 0;
		}
	}
	/* An answer, a few words of its own for each message, no flood. */
	FUZZ_CLAIM(given <= 8 * taken + 64 * CLIENTS);
	for (i = 0; i < CLIENTS; i++)
		rendezvous_remove(&r, &client[i], now_ns);
	FUZZ_CLAIM(!r.pairs);
}

/* Bytes of a connection, for a terminal: nothing of it steers it. */
static void fuzz_duplex(const uint8_t *data, size_t size)
{
	static struct duplex duplex;
	struct pollfd pfds[DUPLEX_FDS];
	static char text[1 << 18];
	size_t len = 0;
	int fds[2], out[2], ret;
	ssize_t n;

	FUZZ_CLAIM(!socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0, fds));
	FUZZ_CLAIM(!pipe(out));
	duplex_init(&duplex);
	duplex.fd = fds[0];
	duplex.out = out[1];
	duplex.form = DUPLEX_TERMINAL;
	send(fds[1], "H\0\0\0\10tcbpeer\1", 13, MSG_NOSIGNAL);
	send(fds[1], data, size, MSG_NOSIGNAL);
	shutdown(fds[1], SHUT_WR);
	do {
		duplex_poll(&duplex, pfds);
		FUZZ_CLAIM(poll(pfds, DUPLEX_FDS, 0) >= 0);
		ret = duplex_step(&duplex, pfds);
		if (pfds[2].revents) {
			n = read(out[0], text + len, sizeof(text) - len);
			len += n > 0 ? n : 0;
		}
	} while (ret > 0);
	/* Nobody has answered, so nothing can have been verified. */
	FUZZ_CLAIM(ret < 0);
	fuzz_harmless(text, len);
	close(fds[0]);
	close(fds[1]);
	close(out[0]);
	close(out[1]);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	fuzz_peer(data, size);
	fuzz_rendezvous(data, size);
	fuzz_duplex(data, size < 32768 ? size : 32768);
	return 0;
}
