// SPDX-License-Identifier: GPL-2.0
/* tcbpeer as a program under test, in a namespace, with pipes to it. */
#include "tests/lib/peerprog.h"
#include "lab/netns.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

const char *peerprog_path(void)
{
	static char path[4096];
	const char *dir = getenv("TCBSCOPE_BUILD");

	if (!dir)
		return NULL;
	snprintf(path, sizeof(path), "%s/tcbpeer", dir);
	return access(path, X_OK) ? NULL : path;
}

int peerprog_start_on(struct peerprog *program, int fd,
		      const char *const args[], const int own[3])
{
	const char *argv[PEERPROG_ARGS + 2] = {};
	int ours[3] = { -1, -1, -1 }, stdio[3], ends[2], i;

	argv[0] = peerprog_path();
	if (!argv[0])
		return -ENOENT;
	for (i = 0; args[i] && i < PEERPROG_ARGS; i++)
		argv[i + 1] = args[i];

	for (i = 0; i < 3; i++) {
		stdio[i] = own[i];
		if (own[i] >= 0)
			continue;
		if (pipe2(ends, O_CLOEXEC))
			return -errno;
		stdio[i] = ends[!!i]; /* it reads only the first */
		ours[i] = ends[!i];
	}
	memset(program, 0, sizeof(*program));
	program->in = ours[0];
	program->out = ours[1];
	program->err = ours[2];
	program->pid = netns_spawn(fd, (char *const *)argv, stdio);
	for (i = 0; i < 3; i++) {
		if (own[i] < 0)
			close(stdio[i]);
	}
	return program->pid < 0 ? program->pid : 0;
}

int peerprog_start(struct peerprog *program, int fd, const char *const args[])
{
	static const int none[] = { -1, -1, -1 };

	return peerprog_start_on(program, fd, args, none);
}

bool peerprog_read(int fd, char *text, size_t size)
{
	size_t len = strlen(text);
	ssize_t n = read(fd, text + len, size - 1 - len);

	if (n > 0)
		text[len + n] = '\0';
	return n > 0;
}

bool peerprog_until(struct peerprog *program, const char *word)
{
	while (!strstr(program->out_text, word)) {
		if (!peerprog_read(program->out, program->out_text,
				   sizeof(program->out_text)))
			return false;
	}
	return true;
}

int peerprog_end(struct peerprog *program)
{
	close(program->in);
	while (peerprog_read(program->out, program->out_text,
			     sizeof(program->out_text)))
		;
	while (peerprog_read(program->err, program->err_text,
			     sizeof(program->err_text)))
		;
	close(program->out);
	close(program->err);
	if (waitpid(program->pid, &program->status, 0) != program->pid)
		return -1;
	return WIFEXITED(program->status) ? WEXITSTATUS(program->status) : -1;
}

struct json_object *peerprog_json(const struct peerprog *program,
				  const char *type)
{
	struct json_object *found = NULL, *object, *member;
	const char *line = program->out_text, *end;
	struct json_tokener *tokener;

	for (; (end = strchr(line, '\n')); line = end + 1) {
		tokener = json_tokener_new();
		json_tokener_set_flags(tokener,
				       JSON_TOKENER_STRICT |
					       JSON_TOKENER_VALIDATE_UTF8);
		object = json_tokener_parse_ex(tokener, line, end - line);
		if (object && json_tokener_get_parse_end(tokener) !=
				      (size_t)(end - line)) {
			json_object_put(object);
			object = NULL;
		}
		json_tokener_free(tokener);
		if (!object ||
		    !json_object_object_get_ex(object, "type", &member)) {
			json_object_put(object);
			json_object_put(found);
			return NULL;
		}
		if (!strcmp(json_object_get_string(member), type) && !found)
			found = object;
		else
			json_object_put(object);
	}

	if (*line) { /* a line without an end */
		json_object_put(found);
		return NULL;
	}
	return found;
}

int64_t peerprog_number(struct json_object *object, const char *name)
{
	struct json_object *member;

	if (!json_object_object_get_ex(object, name, &member) ||
	    !json_object_is_type(member, json_type_int))
		return -1;
	return json_object_get_int64(member);
}

const char *peerprog_text(struct json_object *object, const char *name)
{
	struct json_object *member;

	if (!json_object_object_get_ex(object, name, &member) ||
	    !json_object_is_type(member, json_type_string))
		return "";
	return json_object_get_string(member);
}
