/* SPDX-License-Identifier: GPL-2.0 */
/* Tests of the strict option parsers and of the escaping of foreign text. */
#include <arpa/inet.h>
#include <limits.h>
#include <net/if.h>
#include <netinet/in.h>
#include <sys/socket.h>

#include "lib/opt.h"
#include "lib/say.h"

#include <kselftest_harness.h>

#define ARRAY_SIZE_OF(a) (sizeof(a) / sizeof((a)[0]))
#define UNTOUCHED 0xdeadULL /* no row yields it */

struct row {
	const char *text;
	int err;
	uint64_t value;
};

/*
 * Claim: digits only, within the bounds, the whole string; a number too large
 * for 64 bits is out of range, but with rubbish behind it, ill-formed.
 */
TEST(number)
{
	static const struct row rows[] = {
		{ "10", 0, 10 },
		{ "20", 0, 20 },
		{ "0012", 0, 12 },
		{ "9", -ERANGE, 0 },
		{ "21", -ERANGE, 0 },
		{ "18446744073709551615", -ERANGE, 0 },
		{ "18446744073709551616", -ERANGE, 0 },
		{ "99999999999999999999999999x", -EINVAL, 0 },
		{ "", -EINVAL, 0 },
		{ " 12", -EINVAL, 0 },
		{ "12 ", -EINVAL, 0 },
		{ "12\n", -EINVAL, 0 },
		{ "+12", -EINVAL, 0 },
		{ "-12", -EINVAL, 0 },
		{ "0x12", -EINVAL, 0 },
		{ "1e1", -EINVAL, 0 },
		{ "\xb2", -EINVAL, 0 }, /* superscript two in Latin-1 */
	};
	uint64_t n;
	size_t i;

	for (i = 0; i < ARRAY_SIZE_OF(rows); i++) {
		n = UNTOUCHED;
		EXPECT_EQ(rows[i].err, opt_number(rows[i].text, 10, 20, &n))
		TH_LOG("\"%s\"", rows[i].text);
		EXPECT_EQ(rows[i].err ? UNTOUCHED : rows[i].value, n)
		TH_LOG("\"%s\"", rows[i].text);
	}

	EXPECT_EQ(0, opt_number("18446744073709551615", 0, UINT64_MAX, &n));
	EXPECT_EQ(UINT64_MAX, n);
}

/* Claim: every unit is exact, and a number without one is seconds. */
TEST(duration)
{
	static const struct row rows[] = {
		{ "0", 0, 0 },
		{ "5", 0, 5000000000ULL },
		{ "5s", 0, 5000000000ULL },
		{ "1.5", 0, 1500000000ULL },
		{ "1.5s", 0, 1500000000ULL },
		{ "200ms", 0, 200000000ULL },
		{ "0.25ms", 0, 250000ULL },
		{ "10us", 0, 10000ULL },
		{ "7ns", 0, 7 },
		{ "0.9ns", 0, 0 },
		{ "0.123456789", 0, 123456789ULL },
		{ "0.1234567899", 0, 123456789ULL },
		{ "1.999999999s", 0, 1999999999ULL },
		{ "2m", 0, 120000000000ULL },
		{ "0.01h", 0, 36000000000ULL },
		{ "18446744073s", 0, 18446744073000000000ULL },
		{ "18446744073.709551615", 0, UINT64_MAX },
		{ "18446744073.709551616", -ERANGE, 0 },
		{ "18446744074", -ERANGE, 0 },
		{ "99999999999999999999ns", -ERANGE, 0 },
		{ "99999999999999999999parsec", -EINVAL, 0 },
		{ "", -EINVAL, 0 },
		{ "s", -EINVAL, 0 },
		{ ".5", -EINVAL, 0 },
		{ "5.", -EINVAL, 0 },
		{ "5.s", -EINVAL, 0 },
		{ "1.2.3", -EINVAL, 0 },
		{ "5 s", -EINVAL, 0 },
		{ "-5s", -EINVAL, 0 },
		{ "5S", -EINVAL, 0 },
		{ "5sec", -EINVAL, 0 },
		{ "5msx", -EINVAL, 0 },
	};
	uint64_t ns;
	size_t i;

	for (i = 0; i < ARRAY_SIZE_OF(rows); i++) {
		ns = UNTOUCHED;
		EXPECT_EQ(rows[i].err, opt_duration_ns(rows[i].text, &ns))
		TH_LOG("\"%s\"", rows[i].text);
		EXPECT_EQ(rows[i].err ? UNTOUCHED : rows[i].value, ns)
		TH_LOG("\"%s\"", rows[i].text);
	}
}

/* Claim: suffixes are powers of 1024, and nothing wraps around. */
TEST(size)
{
	static const struct row rows[] = {
		{ "0", 0, 0 },
		{ "4096", 0, 4096 },
		{ "64K", 0, 65536 },
		{ "64k", 0, 65536 },
		{ "8M", 0, 8388608 },
		{ "2G", 0, 2147483648ULL },
		{ "18014398509481983K", 0, 18446744073709550592ULL },
		{ "18014398509481984K", -ERANGE, 0 },
		{ "17179869183G", 0, 18446744072635809792ULL },
		{ "17179869184G", -ERANGE, 0 },
		{ "18446744073709551616", -ERANGE, 0 },
		{ "18446744073709551616T", -EINVAL, 0 },
		{ "", -EINVAL, 0 },
		{ "K", -EINVAL, 0 },
		{ "1.5K", -EINVAL, 0 },
		{ "1KB", -EINVAL, 0 },
		{ "1KiB", -EINVAL, 0 },
		{ "1KK", -EINVAL, 0 },
		{ "-1K", -EINVAL, 0 },
	};
	uint64_t n;
	size_t i;

	for (i = 0; i < ARRAY_SIZE_OF(rows); i++) {
		n = UNTOUCHED;
		EXPECT_EQ(rows[i].err, opt_size(rows[i].text, &n))
		TH_LOG("\"%s\"", rows[i].text);
		EXPECT_EQ(rows[i].err ? UNTOUCHED : rows[i].value, n)
		TH_LOG("\"%s\"", rows[i].text);
	}
}

/* Claim: a set has each number that is named, and no other. */
TEST(set)
{
	static const struct {
		const char *text;
		int err;
		uint32_t value;
	} rows[] = {
		{ "1", 0, 1u << 1 },
		{ "1,2,4", 0, 1u << 1 | 1u << 2 | 1u << 4 },
		{ "4,4", 0, 1u << 4 },
		{ "", -EINVAL, 0 },
		{ "1,", -EINVAL, 0 },
		{ ",1", -EINVAL, 0 },
		{ "1 2", -EINVAL, 0 },
		{ "1-3", -EINVAL, 0 },
		{ "0", -ERANGE, 0 },
		{ "5", -ERANGE, 0 },
		{ "99999999999999999999", -ERANGE, 0 },
	};
	uint32_t set;
	size_t i;

	for (i = 0; i < ARRAY_SIZE_OF(rows); i++) {
		set = 77;
		EXPECT_EQ(rows[i].err, opt_set(rows[i].text, 1, 4, &set))
		TH_LOG("\"%s\"", rows[i].text);
		EXPECT_EQ(rows[i].err ? 77 : rows[i].value, set)
		TH_LOG("\"%s\"", rows[i].text);
	}
}

/* Claim: numeric endpoints of both families come back as they were written. */
TEST(endpoint)
{
	struct sockaddr_storage ss;
	struct sockaddr_in6 *sin6 = (struct sockaddr_in6 *)&ss;
	struct sockaddr_in *sin = (struct sockaddr_in *)&ss;
	unsigned int lo = if_nametoindex("lo");
	struct in6_addr addr6;
	socklen_t len;

	ASSERT_EQ(0, opt_endpoint("192.0.2.1:80", &ss, &len));
	EXPECT_EQ(sizeof(*sin), len);
	EXPECT_EQ(AF_INET, sin->sin_family);
	EXPECT_EQ(80, ntohs(sin->sin_port));
	EXPECT_EQ(0xc0000201, ntohl(sin->sin_addr.s_addr));

	ASSERT_EQ(0, opt_endpoint("[2001:db8::1]:65535", &ss, &len));
	EXPECT_EQ(sizeof(*sin6), len);
	EXPECT_EQ(AF_INET6, sin6->sin6_family);
	EXPECT_EQ(65535, ntohs(sin6->sin6_port));
	EXPECT_EQ(0, sin6->sin6_scope_id);
	ASSERT_EQ(1, inet_pton(AF_INET6, "2001:db8::1", &addr6));
	EXPECT_EQ(0, memcmp(&addr6, &sin6->sin6_addr, sizeof(addr6)));

	ASSERT_NE(0, lo);
	ASSERT_EQ(0, opt_endpoint("[fe80::1%lo]:1", &ss, &len));
	EXPECT_EQ(lo, sin6->sin6_scope_id);
	ASSERT_EQ(0, opt_endpoint("[fe80::1%77]:1", &ss, &len));
	EXPECT_EQ(77, sin6->sin6_scope_id);
}

/* Claim: everything else is refused, and the results are left alone. */
TEST(endpoint_refused)
{
	static const struct row rows[] = {
		{ "", -EINVAL, 0 },
		{ "192.0.2.1", -EINVAL, 0 },
		{ "192.0.2.1:", -EINVAL, 0 },
		{ ":80", -EINVAL, 0 },
		{ "192.0.2:80", -EINVAL, 0 },
		{ "192.0.2.256:80", -EINVAL, 0 },
		{ "192.0.2.1:80 ", -EINVAL, 0 },
		{ " 192.0.2.1:80", -EINVAL, 0 },
		{ "192.0.2.1:+80", -EINVAL, 0 },
		{ "192.0.2.1:http", -EINVAL, 0 },
		{ "localhost:80", -EINVAL, 0 },
		{ "192.0.2.1:0", -ERANGE, 0 },
		{ "192.0.2.1:65536", -ERANGE, 0 },
		{ "192.0.2.1:99999999999999999999", -ERANGE, 0 },
		{ "192.0.2.1.192.0.2.1.192.0.2.1:80", -EINVAL, 0 },
		{ "::1:80", -EINVAL, 0 },
		{ "[::1]", -EINVAL, 0 },
		{ "[::1]80", -EINVAL, 0 },
		{ "[::1]:", -EINVAL, 0 },
		{ "[::1]:0", -ERANGE, 0 },
		{ "[::1:80", -EINVAL, 0 },
		{ "[192.0.2.1]:80", -EINVAL, 0 },
		{ "[::1%lo]:80", -EINVAL, 0 },
		{ "[fe80::1%]:80", -EINVAL, 0 },
		{ "[fe80::1%no-such-if]:80", -EINVAL, 0 },
		{ "[fe80::1%0]:80", -ERANGE, 0 },
		{ "[fe80::1%0]:x", -EINVAL, 0 },
	};
	struct sockaddr_storage ss, clean;
	socklen_t len;
	size_t i;

	memset(&clean, 0x5a, sizeof(clean));
	for (i = 0; i < ARRAY_SIZE_OF(rows); i++) {
		memset(&ss, 0x5a, sizeof(ss));
		len = 77;
		EXPECT_EQ(rows[i].err, opt_endpoint(rows[i].text, &ss, &len))
		TH_LOG("\"%s\"", rows[i].text);
		EXPECT_EQ(0, memcmp(&clean, &ss, sizeof(ss)))
		TH_LOG("\"%s\"", rows[i].text);
		EXPECT_EQ(77, len);
	}
}

/* Claim: addresses with and without a prefix, host bits as written. */
TEST(addr)
{
	static const struct {
		const char *text;
		int err, family;
		unsigned int prefix;
		uint8_t first, last; /* of the 16 bytes */
	} rows[] = {
		{ "10.0.0.0/8", 0, AF_INET, 8, 10, 0 },
		{ "10.1.2.3/8", 0, AF_INET, 8, 10, 0 },
		{ "192.0.2.1", 0, AF_INET, 32, 192, 0 },
		{ "0.0.0.0/0", 0, AF_INET, 0, 0, 0 },
		{ "::1", 0, AF_INET6, 128, 0, 1 },
		{ "2001:db8::7/32", 0, AF_INET6, 32, 0x20, 7 },
		{ "::/0", 0, AF_INET6, 0, 0, 0 },
		{ "10.0.0.0/33", -ERANGE, 0, 0, 0, 0 },
		{ "::/129", -ERANGE, 0, 0, 0, 0 },
		{ "10.0.0.0/", -EINVAL, 0, 0, 0, 0 },
		{ "10.0.0.0/8/8", -EINVAL, 0, 0, 0, 0 },
		{ "10/8", -EINVAL, 0, 0, 0, 0 },
		{ "/8", -EINVAL, 0, 0, 0, 0 },
		{ "", -EINVAL, 0, 0, 0, 0 },
		{ "[::1]", -EINVAL, 0, 0, 0, 0 },
		{ "::1%lo", -EINVAL, 0, 0, 0, 0 },
	};
	uint8_t bytes[16];
	unsigned int prefix;
	int family;
	size_t i;

	for (i = 0; i < ARRAY_SIZE_OF(rows); i++) {
		family = -1;
		EXPECT_EQ(rows[i].err,
			  opt_addr(rows[i].text, &family, bytes, &prefix))
		TH_LOG("\"%s\"", rows[i].text);
		EXPECT_EQ(rows[i].err ? -1 : rows[i].family, family)
		TH_LOG("\"%s\"", rows[i].text);
		if (rows[i].err)
			continue;
		EXPECT_EQ(rows[i].prefix, prefix);
		EXPECT_EQ(rows[i].first, bytes[0]);
		EXPECT_EQ(rows[i].last, bytes[15]);
	}
}

/* Claim: nothing that could steer a terminal gets through. */
TEST(escape)
{
	static const struct {
		const char *in, *out;
	} rows[] = {
		{ "plain text", "plain text" },
		{ "\x1b[2J\r\n\t", "\\x1b[2J\\x0d\\x0a\\x09" },
		{ "\x7f\\", "\\x7f\\\\" },
		{ "gr\xc3\xbc\xc3\x9f", "gr\xc3\xbc\xc3\x9f" },
		{ "\xe2\x82\xac\xf0\x9f\x99\x82",
		  "\xe2\x82\xac\xf0\x9f\x99\x82" },
		{ "\xc2\x9b[m", "\\xc2\\x9b[m" }, /* U+009B, CSI */
		{ "\x9b", "\\x9b" },		  /* the same, bare */
		{ "\xc3", "\\xc3" },		  /* cut off */
		{ "\xc3(", "\\xc3(" },
		{ "\xc0\x9b", "\\xc0\\x9b" }, /* overlong */
		{ "\xe0\x80\x9b", "\\xe0\\x80\\x9b" },
		{ "\xf0\x80\x80\x9b", "\\xf0\\x80\\x80\\x9b" },
		{ "\xed\xa0\x80", "\\xed\\xa0\\x80" }, /* surrogate */
		{ "\xf4\x90\x80\x80", "\\xf4\\x90\\x80\\x80" },
		{ "\xff", "\\xff" },
	};
	char out[64];
	size_t i;

	for (i = 0; i < ARRAY_SIZE_OF(rows); i++) {
		size_t len = strlen(rows[i].in);

		EXPECT_EQ(strlen(rows[i].out),
			  say_escape(out, sizeof(out), rows[i].in, len));
		EXPECT_STREQ(rows[i].out, out);
	}

	EXPECT_EQ(5, say_escape(out, sizeof(out), "a\0b", 3) - 1);
	EXPECT_STREQ("a\\x00b", out);
}

/*
 * Claim: a JSON string is ASCII controls escaped, printable UTF-8 as it is, and
 * U+FFFD for each byte that is none; so any parser gives the bytes back.
 */
TEST(json)
{
	static const struct {
		const char *in, *out;
	} rows[] = {
		{ "plain text", "plain text" },
		{ "\x1b[2J\r\n\t\x7f",
		  "\\u001b[2J\\u000d\\u000a\\u0009\\u007f" },
		{ "\\x1b \"", "\\\\x1b \\\"" },
		{ "gr\xc3\xbc\xc3\x9f", "gr\xc3\xbc\xc3\x9f" },
		{ "\xe2\x82\xac\xf0\x9f\x99\x82",
		  "\xe2\x82\xac\xf0\x9f\x99\x82" },
		{ "\xc2\x80\xc2\x9b[m\xc2\x9f\xc2\xa0",
		  "\\u0080\\u009b[m\\u009f\xc2\xa0" },
		{ "\x9b", "\\ufffd" },
		{ "\xc2", "\\ufffd" }, /* cut off */
		{ "\xc3(", "\\ufffd(" },
		{ "\xc0\x9b", "\\ufffd\\ufffd" },	     /* overlong */
		{ "\xed\xa0\x80", "\\ufffd\\ufffd\\ufffd" }, /* surrogate */
		{ "\xf4\x90\x80\x80", "\\ufffd\\ufffd\\ufffd\\ufffd" },
	};
	char out[64];
	size_t i;

	for (i = 0; i < ARRAY_SIZE_OF(rows); i++) {
		size_t len = strlen(rows[i].in);

		EXPECT_EQ(strlen(rows[i].out),
			  say_json(out, sizeof(out), rows[i].in, len));
		EXPECT_STREQ(rows[i].out, out);
	}

	EXPECT_EQ(8, say_json(out, sizeof(out), "a\0b", 3));
	EXPECT_STREQ("a\\u0000b", out);
	EXPECT_EQ(1, say_json(out, 7, "a\x01", 2));
	EXPECT_STREQ("a", out);
}

/* Claim: a result that does not fit is cut between two characters. */
TEST(escape_cut)
{
	char out[8];

	EXPECT_EQ(7, say_escape(out, 8, "1234567890", 10));
	EXPECT_STREQ("1234567", out);
	EXPECT_EQ(4, say_escape(out, 8, "\x01\x02", 2));
	EXPECT_STREQ("\\x01", out);
	EXPECT_EQ(1, say_escape(out, 3, "a\xc3\xbc", 3));
	EXPECT_STREQ("a", out);
	EXPECT_EQ(0, say_escape(out, 1, "abc", 3));
	EXPECT_STREQ("", out);
}

/*
 * Claim: an error has the agreed shape on stderr, foreign bytes in it are
 * escaped, errno survives, and the exit code comes back.
 */
TEST(fail_shape)
{
	char text[256], want[256];
	int fds[2], saved = dup(STDERR_FILENO);
	ssize_t len;
	int code;

	ASSERT_LE(0, saved);
	ASSERT_EQ(0, pipe(fds));
	ASSERT_EQ(STDERR_FILENO, dup2(fds[1], STDERR_FILENO));
	errno = ENOENT;
	code = say_fail(EXIT_KERNEL, "because", "do it", "no %s", "\x1b[2J");
	say_note("note %d", 7);
	dup2(saved, STDERR_FILENO);

	EXPECT_EQ(ENOENT, errno);
	EXPECT_EQ(3, code);
	len = read(fds[0], text, sizeof(text) - 1);
	ASSERT_LT(0, len);
	text[len] = '\0';
	snprintf(want, sizeof(want),
		 "%s: no \\x1b[2J\n  why:  because\n  then: do it\n%s: note 7\n",
		 program_invocation_short_name, program_invocation_short_name);
	EXPECT_STREQ(want, text);
}

TEST_HARNESS_MAIN
