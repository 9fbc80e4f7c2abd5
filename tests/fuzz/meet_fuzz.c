// SPDX-License-Identifier: GPL-2.0
/*
 * Bytes for a peer and for the rendezvous, from whoever can reach them. Claims:
 * without the secret nobody gets a peer to believe an address, or to begin; who
 * has it gets no further than to addresses that are some; a rendezvous passes
 * on no more than it was given, to nobody but the partner, and keeps nothing of
 * those who have gone.
 */
#include "peer/duplex.h"
#include "peer/peer.h"
#include "peer/rendezvous.h"
#include "tests/fuzz/fuzz.h"

#include <errno.h>
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

/* Say a frame to a peer; what it answers is of no interest. */
static int fuzz_say(struct meet *meet, uint8_t type, const void *data,
		    size_t len)
{
	size_t room;
	uint8_t *at = meet_room(meet, &room);

	FUZZ_CLAIM(room >= FRAME_HEAD + len);
	frame_head(at, type, len);
	memcpy(at + FRAME_HEAD, data, len);
	meet_add(meet, FRAME_HEAD + len);
	meet->out_len = 0;
	return meet_next(meet);
}

/* A partner that has the secret, and says where it is by what the input has. */
static void fuzz_partner(const uint8_t *data, size_t size)
{
	static const struct secret secret = { "what the partner has as well" };
	uint8_t said[MEET_PAYLOAD] = "", role = 0;
	struct meet meet;
	size_t len = size < sizeof(said) - SECRET_PROOF ?
			     size :
			     sizeof(said) - SECRET_PROOF;
	unsigned int i;
	int ret;

	FUZZ_CLAIM(!meet_init(&meet, &secret, "us"));
	FUZZ_CLAIM(fuzz_say(&meet, MEET_PAIR, &role, 1) == MEET_PAIR);
	FUZZ_CLAIM(fuzz_say(&meet, MEET_NONCE, said, SECRET_NONCE) ==
		   MEET_NONCE);
	secret_prove(&secret, "meet", 1, meet.nonce, NULL, 0, said);
	FUZZ_CLAIM(fuzz_say(&meet, MEET_PROOF, said, SECRET_PROOF) ==
		   MEET_PROOF);
	memset(said, 0, sizeof(said));
	said[0] = 4;
	said[2] = 80;
	said[3] = 192;
	FUZZ_CLAIM(fuzz_say(&meet, MEET_FROM, said, MEET_ENDPOINT) ==
		   MEET_FROM);

	memcpy(said, data, len);
	secret_prove(&secret, "candidates", 1, meet.nonce, said, len,
		     said + len);
	ret = fuzz_say(&meet, MEET_CANDIDATES, said, len + SECRET_PROOF);
	FUZZ_CLAIM(ret == MEET_CANDIDATES || ret == -EPROTO);
	FUZZ_CLAIM(meet.partner.n <= MEET_CANDIDATE_MAX);
	FUZZ_CLAIM(meet.partner.mapping < MEET_MAPPINGS);
	for (i = 0; i < meet.partner.n; i++) {
		struct sockaddr_storage again;

		meet_put_endpoint(said, &meet.partner.at[i]);
		FUZZ_CLAIM(meet_get_endpoint(said, &again));
		FUZZ_CLAIM(peer_same_endpoint(&again, &meet.partner.at[i]));
	}
}

/*
 * Two bytes: whose turn it is, or that time passes, and how much of what
 * follows is said.
 */
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

		if (data[0] & 0x80)
			now_ns += (data[0] & 0x7f) * RENDEZVOUS_HELLO_NS;
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
			rendezvous_tick(&r, &client[i], now_ns);
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
	fuzz_partner(data, size);
	fuzz_rendezvous(data, size);
	fuzz_duplex(data, size < 32768 ? size : 32768);
	return 0;
}
