/* SPDX-License-Identifier: GPL-2.0 */
/* Options, and strict parsers for what they take: the whole string or nothing. */
#ifndef TCBSCOPE_LIB_OPT_H
#define TCBSCOPE_LIB_OPT_H

#include <argp.h>
#include <stdint.h>
#include <sys/socket.h>

/*
 * As argp_parse(), where options such as --help end the program: if what they
 * print cannot be written, with EXIT_FAILED.
 */
error_t opt_parse(const struct argp *argp, int argc, char **argv,
		  unsigned int flags, void *input);

/*
 * All the others take the whole string: no blanks, no sign, no rest. They return
 *
 *	0	*out and its like are set
 *	-EINVAL	it is not written the way it must be
 *	-ERANGE	it is, but the value is too small or too large
 *
 * and leave the results alone unless they return 0.
 */

/* A decimal number from @min to @max, both included. */
int opt_number(const char *s, uint64_t min, uint64_t max, uint64_t *out);

/* "1,2,4": of numbers from @min to @max, 31 at most, the bits in *@set. */
int opt_set(const char *s, unsigned int min, unsigned int max, uint32_t *set);

/*
 * A duration as "5", "1.5s", "200ms", "10us", "7ns", "2m", "1h"; a number
 * without a unit is seconds. *@ns is in nanoseconds; what is finer is dropped.
 */
int opt_duration_ns(const char *s, uint64_t *ns);

/* A size as "4096", "64K", "8M" or "1g", in powers of 1024; *@bytes of it. */
int opt_size(const char *s, uint64_t *bytes);

/*
 * "192.0.2.1:80", "[2001:db8::1]:80" or "[fe80::1%eth0]:80"; numbers only, no
 * name is ever looked up. Ports are 1 to 65535. A scope, the name or the index
 * of an interface here, is taken with link-local addresses only.
 */
int opt_endpoint(const char *s, struct sockaddr_storage *addr, socklen_t *len);

/*
 * "10.0.0.0/8", "192.0.2.1", "2001:db8::/32", "::1". *@family is AF_INET or
 * AF_INET6; an IPv4 address takes the first 4 of the 16 bytes and the others
 * are 0. *@prefix is in bits, the whole address without a "/". Bits beyond the
 * prefix stay as written.
 */
int opt_addr(const char *s, int *family, uint8_t addr[16],
	     unsigned int *prefix);

/*
 * Ends the program as argp_error() does, saying "@what: '@value'"; the value is
 * escaped.
 */
void opt_wrong(const struct argp_state *state, const char *what,
	       const char *value);

/* The duration that @arg is, or that end, saying "@what: '@arg'"; 0 is none. */
void opt_time_ns(const struct argp_state *state, const char *what,
		 const char *arg, uint64_t *ns);

#endif /* TCBSCOPE_LIB_OPT_H */
