/* SPDX-License-Identifier: GPL-2.0 */
/* tcbpeer as a program under test, in a namespace, with pipes to it. */
#ifndef TCBSCOPE_TESTS_LIB_PEERPROG_H
#define TCBSCOPE_TESTS_LIB_PEERPROG_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include <json-c/json.h>

#define PEERPROG_ARGS 16

/* A program under test with its output. */
struct peerprog {
	pid_t pid;
	int in, out, err; /* our ends of the pipes, or -1 */
	int status;	  /* as of waitpid(), after peerprog_end() */
	char out_text[16384], err_text[16384];
};

/* The path of tcbpeer, or NULL. */
const char *peerprog_path(void);

/* Start it inside @fd. @args ends with NULL. Returns 0 or -errno. */
int peerprog_start(struct peerprog *program, int fd, const char *const args[]);

/* The same with descriptors of ours for its own three; -1: a pipe. */
int peerprog_start_on(struct peerprog *program, int fd,
		      const char *const args[], const int own[3]);

/* Add what the fd has to @text. Returns false at its end. */
bool peerprog_read(int fd, char *text, size_t size);

/* Read on until standard output has @word. Returns false if it ends before. */
bool peerprog_until(struct peerprog *program, const char *word);

/* Close its standard input, read all it says. Returns its exit status or -1. */
int peerprog_end(struct peerprog *program);

/*
 * The object of type @type in the program's lines of JSON, or NULL. Every line
 * has to be one object of some type, strictly. To be put by the caller.
 */
struct json_object *peerprog_json(const struct peerprog *program,
				  const char *type);

/* The number @name of an object, or -1; the string, or "". */
int64_t peerprog_number(struct json_object *object, const char *name);
const char *peerprog_text(struct json_object *object, const char *name);

#endif
