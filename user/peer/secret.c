// SPDX-License-Identifier: GPL-2.0
/* What two peers share, and how each proves to the other that it has it. */
#include "peer/secret.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include <nettle/hmac.h>
#include <nettle/memops.h>
#include <nettle/pbkdf2.h>

#define SECRET_ROUNDS 100000

void secret_derive(struct secret *secret, const void *text, size_t len,
		   const char *name)
{
	char salt[256];
	int n = snprintf(salt, sizeof(salt), "tcbpeer 1 %s", name);

	if (n >= (int)sizeof(salt))
		n = sizeof(salt) - 1;
	pbkdf2_hmac_sha256(len, text, SECRET_ROUNDS, n, (uint8_t *)salt,
			   sizeof(secret->key), secret->key);
}

int secret_read(const char *path, uint8_t text[SECRET_MAX])
{
	size_t len = 0;
	ssize_t n;
	int fd;

	fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		return -errno;
	while (len < SECRET_MAX) {
		n = read(fd, text + len, SECRET_MAX - len);
		if (n < 0 && errno == EINTR)
			continue;
		if (n <= 0)
			break;
		len += n;
	}
	n = len < SECRET_MAX ? n : 0;
	if (n < 0)
		n = -errno;
	close(fd);
	if (n < 0)
		return n;
	if (len && text[len - 1] == '\n')
		len--;
	return len < SECRET_MIN || len == SECRET_MAX ? -EMSGSIZE : (int)len;
}

void secret_prove(const struct secret *secret, const char *what, uint8_t role,
		  const uint8_t nonce[2][SECRET_NONCE], const void *data,
		  size_t len, uint8_t proof[SECRET_PROOF])
{
	struct hmac_sha256_ctx ctx;

	hmac_sha256_set_key(&ctx, sizeof(secret->key), secret->key);
	hmac_sha256_update(&ctx, strlen(what) + 1, (const uint8_t *)what);
	hmac_sha256_update(&ctx, 1, &role);
	hmac_sha256_update(&ctx, SECRET_NONCE, nonce[0]);
	hmac_sha256_update(&ctx, SECRET_NONCE, nonce[1]);
	hmac_sha256_update(&ctx, len, data);
	hmac_sha256_digest(&ctx, SECRET_PROOF, proof);
}

bool secret_proves(const struct secret *secret, const char *what, uint8_t role,
		   const uint8_t nonce[2][SECRET_NONCE], const void *data,
		   size_t len, const uint8_t proof[SECRET_PROOF])
{
	uint8_t want[SECRET_PROOF];

	secret_prove(secret, what, role, nonce, data, len, want);
	return memeql_sec(want, proof, sizeof(want));
}
