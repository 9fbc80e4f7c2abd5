/* SPDX-License-Identifier: GPL-2.0 */
/* What two peers share, and how each proves to the other that it has it. */
#ifndef TCBSCOPE_PEER_SECRET_H
#define TCBSCOPE_PEER_SECRET_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define SECRET_KEY 32
#define SECRET_NONCE 16
#define SECRET_PROOF 32
#define SECRET_MIN 8	/* bytes of a secret */
#define SECRET_MAX 1024 /* of which more are not read */

struct secret {
	uint8_t key[SECRET_KEY];
};

/*
 * The key of a pair: PBKDF2 with HMAC-SHA-256 of the secret, salted with the
 * name. Slow by intent, since who meets a peer by its name may try secrets
 * afterwards against the proof that it was shown.
 */
void secret_derive(struct secret *secret, const void *text, size_t len,
		   const char *name);

/*
 * Read a secret from a file, without the newline at its end. Returns its length
 * or -errno; -EMSGSIZE if it is shorter than SECRET_MIN or longer than
 * SECRET_MAX.
 */
int secret_read(const char *path, uint8_t text[SECRET_MAX]);

/*
 * HMAC-SHA-256 of what a proof is for, whose it is and for which meeting, and
 * of @len bytes of @data. Each meeting has a new nonce of either end, so that
 * no proof is good for another one; the role keeps it from being sent back.
 */
void secret_prove(const struct secret *secret, const char *what, uint8_t role,
		  const uint8_t nonce[2][SECRET_NONCE], const void *data,
		  size_t len, uint8_t proof[SECRET_PROOF]);

/* Is @proof the one? In a time that does not tell where it differs. */
bool secret_proves(const struct secret *secret, const char *what, uint8_t role,
		   const uint8_t nonce[2][SECRET_NONCE], const void *data,
		   size_t len, const uint8_t proof[SECRET_PROOF]);

#endif
