/* SPDX-License-Identifier: GPL-2.0 */
/* How the programs speak to a person: exit codes, errors, notes, escaping. */
#ifndef TCBSCOPE_LIB_SAY_H
#define TCBSCOPE_LIB_SAY_H

#include <stddef.h>
#include <stdio.h>

enum {
	EXIT_DONE = 0,
	EXIT_FAILED = 1,
	EXIT_USAGE = 2,
	EXIT_KERNEL = 3, /* this kernel, or its permissions, cannot */
};

/*
 * To be called before anything is opened: else a standard stream that is closed
 * lends its number to the next file or socket, and what is said goes there.
 * Writing to it fails with EBADF instead.
 */
void say_init(void);

/*
 * Print an error on stderr, headed by the program's name:
 *
 *	tcbscope: cannot attach inet_sock_set_state: Operation not permitted
 *	  why:  loading BPF programs needs CAP_BPF and CAP_PERFMON
 *	  then: run it with sudo
 *
 * @why and @then are one line each; NULL or empty: no such line. All three are
 * escaped as by say_escape() and cut at about 1,000 bytes. errno is kept.
 * Returns @code, so that a main can "return say_fail(EXIT_FAILED, ...)".
 */
int say_fail(int code, const char *why, const char *then, const char *fmt, ...)
	__attribute__((format(printf, 4, 5)));

/*
 * Print on stderr where something is wrong in @text, a line of about 70 columns
 * of it and a mark below @len bytes at @at. errno is kept.
 *
 *	  here: dport = :443 and cnwd < 10
 *	                         ^~~~
 */
void say_where(const char *text, size_t at, size_t len);

/*
 * At the end: has all gone out that was printed on stdout? EXIT_DONE, also if
 * its reader has gone, which knows it; else says what is wrong: EXIT_FAILED.
 */
int say_written(void);

/* Print one line on stderr, headed by the program's name. errno is kept. */
void say_note(const char *fmt, ...) __attribute__((format(printf, 1, 2)));

/*
 * Print a text in lines that a terminal of 80 columns takes, @indent before
 * each; nothing is escaped.
 */
void say_wrapped(FILE *file, const char *indent, const char *text);

/*
 * Number of bytes of the character at @s that may go to a terminal or into
 * JSON as it is: 1 for printable ASCII, 2 to 4 for well-formed UTF-8 that is
 * not a C1 control character; 0 for everything else and for @len == 0.
 */
size_t say_printable(const char *s, size_t len);

/*
 * Copy @len bytes of @src to @dst so that no byte of it can steer a terminal:
 * what say_printable() refuses becomes \xNN, a backslash becomes \\. The result
 * is terminated, and cut between two characters if it exceeds @size (at least
 * 1). Returns the length of the result, without the terminator. A buffer of
 * 4 * @len + 1 bytes always holds the whole.
 */
size_t say_escape(char *dst, size_t size, const char *src, size_t len);

/*
 * The same for what stands between the quotes of a JSON string, which is valid
 * UTF-8 and decodes to the bytes of @src: control characters become \u00NN,
 * quotes and backslashes get a backslash. Only a byte that is no UTF-8 cannot
 * be in JSON: each becomes U+FFFD. 6 * @len + 1 bytes always hold the whole.
 */
size_t say_json(char *dst, size_t size, const char *src, size_t len);

#endif /* TCBSCOPE_LIB_SAY_H */
