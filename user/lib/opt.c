/* SPDX-License-Identifier: GPL-2.0 */
/* Options, and strict parsers for what they take: the whole string or nothing. */
#include <arpa/inet.h>
#include <errno.h>
#include <net/if.h>
#include <netinet/in.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "lib/opt.h"
#include "lib/clock.h"
#include "lib/say.h"

static bool parsing;

static void opt_at_exit(void)
{
	if (parsing && say_written())
		_exit(EXIT_FAILED);
}

error_t opt_parse(const struct argp *argp, int argc, char **argv,
		  unsigned int flags, void *input)
{
	error_t err;

	atexit(opt_at_exit);
	parsing = true;
	err = argp_parse(argp, argc, argv, flags, NULL, input);
	parsing = false;
	return err;
}

/* Not isdigit(): that one asks the locale and dislikes negative chars. */
static bool opt_digit(char c)
{
	return c >= '0' && c <= '9';
}

/* Read digits at *@s, at least one, and leave *@s behind the last. */
static int opt_digits(const char **s, uint64_t *out)
{
	const char *p = *s;
	uint64_t n = 0;
	int err = 0;

	if (!opt_digit(*p))
		return -EINVAL;

	/* On overflow read on: behind it may be what makes it -EINVAL. */
	for (; opt_digit(*p); p++) {
		if (__builtin_mul_overflow(n, 10, &n) ||
		    __builtin_add_overflow(n, *p - '0', &n))
			err = -ERANGE;
	}

	*s = p;
	*out = n;
	return err;
}

int opt_number(const char *s, uint64_t min, uint64_t max, uint64_t *out)
{
	uint64_t n;
	int err;

	err = opt_digits(&s, &n);
	if (*s)
		return -EINVAL;
	if (err)
		return err;
	if (n < min || n > max)
		return -ERANGE;

	*out = n;
	return 0;
}

int opt_set(const char *s, unsigned int min, unsigned int max, uint32_t *set)
{
	uint32_t bits = 0;
	uint64_t n;
	int err;

	do {
		err = opt_digits(&s, &n);
		if (err || n < min || n > max)
			return err ? err : -ERANGE;
		bits |= 1u << n;
	} while (*s++ == ',');
	if (s[-1])
		return -EINVAL;
	*set = bits;
	return 0;
}

int opt_duration_ns(const char *s, uint64_t *ns)
{
	static const struct {
		const char *name;
		uint64_t ns;
	} units[] = {
		{ "", NSEC_PER_SEC },
		{ "s", NSEC_PER_SEC },
		{ "ms", 1000000 },
		{ "us", 1000 },
		{ "ns", 1 },
		{ "m", 60 * NSEC_PER_SEC },
		{ "h", 3600 * NSEC_PER_SEC },
	};
	const char *fraction = NULL;
	uint64_t n, scale, unit = 0;
	int err;
	size_t i;

	err = opt_digits(&s, &n);
	if (err == -EINVAL)
		return err;
	if (*s == '.') {
		fraction = ++s;
		if (!opt_digit(*s))
			return -EINVAL;
		while (opt_digit(*s))
			s++;
	}

	for (i = 0; i < sizeof(units) / sizeof(units[0]); i++) {
		if (!strcmp(s, units[i].name))
			unit = units[i].ns;
	}
	if (!unit)
		return -EINVAL;
	if (err || __builtin_mul_overflow(n, unit, &n))
		return -ERANGE;

	/* Digit by digit: fraction * unit as a whole would need 72 bits. */
	for (scale = 10;
	     fraction && opt_digit(*fraction) && scale <= NSEC_PER_SEC;
	     scale *= 10, fraction++) {
		if (__builtin_add_overflow(n, (*fraction - '0') * unit / scale,
					   &n))
			return -ERANGE;
	}

	*ns = n;
	return 0;
}

int opt_size(const char *s, uint64_t *bytes)
{
	unsigned int shift = 0;
	uint64_t n;
	int err;

	err = opt_digits(&s, &n);
	if (err == -EINVAL)
		return err;

	switch (*s) {
	case 'G':
	case 'g':
		shift += 10;
		/* fallthrough */
	case 'M':
	case 'm':
		shift += 10;
		/* fallthrough */
	case 'K':
	case 'k':
		shift += 10;
		s++;
	}
	if (*s)
		return -EINVAL;
	if (err || n > UINT64_MAX >> shift)
		return -ERANGE;

	*bytes = n << shift;
	return 0;
}

/* Copy the bytes from @s up to @end into @dst[size] as a string. */
static int opt_cut(char *dst, size_t size, const char *s, const char *end)
{
	size_t len = end - s;

	if (len >= size)
		return -EINVAL;
	memcpy(dst, s, len);
	dst[len] = '\0';
	return 0;
}

/* The part behind "%": the index of an interface, or its name. */
static int opt_scope(const char *s, const struct in6_addr *addr, uint32_t *out)
{
	uint64_t n;

	if (!IN6_IS_ADDR_LINKLOCAL(addr) && !IN6_IS_ADDR_MC_LINKLOCAL(addr))
		return -EINVAL;

	/* An interface may be called "7", but then it is asked for by index. */
	if (opt_digit(*s)) {
		int err = opt_number(s, 1, INT32_MAX, &n);

		if (err != -EINVAL) {
			if (!err)
				*out = n;
			return err;
		}
	}

	n = if_nametoindex(s);
	if (!n)
		return -EINVAL;
	*out = n;
	return 0;
}

static int opt_endpoint6(const char *s, const char *end,
			 struct sockaddr_in6 *sin6)
{
	char text[INET6_ADDRSTRLEN + 1 + IF_NAMESIZE];
	char *scope;

	if (opt_cut(text, sizeof(text), s, end))
		return -EINVAL;
	scope = strchr(text, '%');
	if (scope)
		*scope++ = '\0';
	if (inet_pton(AF_INET6, text, &sin6->sin6_addr) != 1)
		return -EINVAL;

	sin6->sin6_family = AF_INET6;
	if (!scope)
		return 0;
	return opt_scope(scope, &sin6->sin6_addr, &sin6->sin6_scope_id);
}

static int opt_endpoint4(const char *s, const char *end,
			 struct sockaddr_in *sin)
{
	char text[INET_ADDRSTRLEN];

	if (opt_cut(text, sizeof(text), s, end) ||
	    inet_pton(AF_INET, text, &sin->sin_addr) != 1)
		return -EINVAL;

	sin->sin_family = AF_INET;
	return 0;
}

int opt_endpoint(const char *s, struct sockaddr_storage *addr, socklen_t *len)
{
	/* Each family in a type of its own, copied: no aliasing. */
	struct sockaddr_in6 sin6 = {};
	struct sockaddr_in sin = {};
	bool v6 = *s == '[';
	const char *end;
	uint64_t port;
	int err, perr;

	end = v6 ? strstr(s, "]:") : strchr(s, ':');
	if (!end)
		return -EINVAL;

	if (v6)
		err = opt_endpoint6(s + 1, end, &sin6);
	else
		err = opt_endpoint4(s, end, &sin);

	perr = opt_number(end + (v6 ? 2 : 1), 1, UINT16_MAX, &port);
	if (err == -EINVAL || perr == -EINVAL)
		return -EINVAL;
	if (err || perr)
		return -ERANGE;

	sin6.sin6_port = sin.sin_port = htons(port);
	*len = v6 ? sizeof(sin6) : sizeof(sin);
	memset(addr, 0, sizeof(*addr));
	memcpy(addr, v6 ? (void *)&sin6 : (void *)&sin, *len);
	return 0;
}

int opt_addr(const char *s, int *family, uint8_t addr[16], unsigned int *prefix)
{
	const char *end = strchr(s, '/');
	char text[INET6_ADDRSTRLEN];
	uint8_t bytes[16] = {};
	uint64_t bits;
	int af, err;

	if (opt_cut(text, sizeof(text), s, end ? end : s + strlen(s)))
		return -EINVAL;
	af = strchr(text, ':') ? AF_INET6 : AF_INET;
	if (inet_pton(af, text, bytes) != 1)
		return -EINVAL;

	bits = af == AF_INET6 ? 128 : 32;
	if (end) {
		err = opt_number(end + 1, 0, bits, &bits);
		if (err)
			return err;
	}

	memcpy(addr, bytes, sizeof(bytes));
	*family = af;
	*prefix = bits;
	return 0;
}

void opt_wrong(const struct argp_state *state, const char *what,
	       const char *value)
{
	char text[256];

	say_escape(text, sizeof(text), value, strlen(value));
	argp_error(state, "%s: '%s'", what, text);
}

void opt_time_ns(const struct argp_state *state, const char *what,
		 const char *arg, uint64_t *ns)
{
	if (opt_duration_ns(arg, ns) || !*ns)
		opt_wrong(state, what, arg);
}
