// SPDX-License-Identifier: GPL-2.0
/* Forks and executes; reads with poll(), never longer than its patience. */
#include "caps.h"
#include "prog.h"

#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <poll.h>
#include <pty.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <termios.h>
#include <time.h>
#include <unistd.h>

#define PATIENCE_MS 30000

static int milliseconds(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return ts.tv_sec % 1000000 * 1000 + ts.tv_nsec / 1000000;
}

/* A terminal that passes bytes on as they are written. */
static int open_terminal(unsigned int columns, int fds[2])
{
	struct winsize size = { .ws_row = 24, .ws_col = columns };
	struct termios raw;

	if (openpty(&fds[0], &fds[1], NULL, NULL, &size))
		return -errno;
	if (tcgetattr(fds[1], &raw))
		return -errno;
	cfmakeraw(&raw);
	if (tcsetattr(fds[1], TCSANOW, &raw) ||
	    fcntl(fds[0], F_SETFD, FD_CLOEXEC) ||
	    fcntl(fds[1], F_SETFD, FD_CLOEXEC))
		return -errno;
	return 0;
}

static int open_streams(const struct prog_setup *setup, int out[2], int err[2])
{
	int ret;

	if (pipe2(err, O_CLOEXEC))
		return -errno;
	if (setup->columns)
		ret = open_terminal(setup->columns, out);
	else
		ret = pipe2(out, O_CLOEXEC) ? -errno : 0;
	if (!ret && setup->out) {
		close(out[1]);
		out[1] = open(setup->out, O_WRONLY | O_CLOEXEC);
		ret = out[1] < 0 ? -errno : 0;
	}
	return ret;
}

static void set_env(char *const *env)
{
	size_t i;

	for (i = 0; env && env[i]; i++) {
		if (strchr(env[i], '='))
			putenv(env[i]);
		else
			unsetenv(env[i]);
	}
}

/* The program's file is opened first: @uid may not get through to its path. */
static void __attribute__((noreturn))
execute(const struct prog_setup *setup, int out, int err)
{
	int program = open(setup->argv[0], O_PATH | O_CLOEXEC);
	int null = open("/dev/null", O_RDONLY | O_CLOEXEC);

	dup2(null, STDIN_FILENO);
	dup2(out, STDOUT_FILENO);
	dup2(err, STDERR_FILENO);
	set_env(setup->env);
	if (setup->caps && caps_become(setup->uid, setup->caps))
		_exit(126);
	if (setup->uid && !setup->caps &&
	    (setgroups(0, NULL) || setgid(setup->uid) || setuid(setup->uid)))
		_exit(126);
	prctl(PR_SET_PDEATHSIG, SIGKILL);
	execveat(program, "", setup->argv, environ, AT_EMPTY_PATH);
	_exit(127);
}

int prog_start(struct prog *prog, const struct prog_setup *setup)
{
	int out[2] = { -1, -1 }, err[2] = { -1, -1 }, ret;

	memset(prog, 0, sizeof(*prog));
	ret = open_streams(setup, out, err);
	prog->stream[PROG_OUT].fd = out[0];
	prog->stream[PROG_ERR].fd = err[0];
	if (setup->no_reader)
		prog_hang_up(prog, PROG_OUT);
	if (!ret) {
		prog->pid = fork();
		if (!prog->pid)
			execute(setup, out[1], err[1]);
		if (prog->pid < 0) {
			ret = -errno;
			prog->pid = 0;
		}
	}
	close(out[1]);
	close(err[1]);
	return ret;
}

/* A terminal whose other side is closed says EIO. 1, 0 at the end, -errno. */
static int read_some(struct prog *prog, int stream)
{
	size_t room = prog->stream[stream].len + 65536;
	ssize_t n;

	if (room > prog->stream[stream].room) {
		char *more = realloc(prog->stream[stream].text, 2 * room);

		if (!more)
			return -ENOMEM;
		prog->stream[stream].text = more;
		prog->stream[stream].room = 2 * room;
		more[prog->stream[stream].len] = '\0';
	}
	n = read(prog->stream[stream].fd,
		 prog->stream[stream].text + prog->stream[stream].len, 65535);
	if (n < 0 && errno == EINTR)
		return 1;
	if (n <= 0) {
		int err = n && errno != EIO ? -errno : 0;

		prog_hang_up(prog, stream);
		return err;
	}
	prog->stream[stream].len += n;
	prog->stream[stream].text[prog->stream[stream].len] = '\0';
	return 1;
}

/* Reads what there is on either stream. 0, -ENODATA if both ended, -errno. */
static int read_streams(struct prog *prog, int deadline)
{
	struct pollfd pfds[PROG_STREAMS];
	int i, n, left = deadline - milliseconds();

	for (i = 0; i < PROG_STREAMS; i++) {
		pfds[i].fd = prog->stream[i].fd;
		pfds[i].events = POLLIN;
	}
	if (pfds[0].fd < 0 && pfds[1].fd < 0)
		return -ENODATA;
	n = poll(pfds, PROG_STREAMS, left > 0 ? left : 0);
	if (n < 0)
		return errno == EINTR ? 0 : -errno;
	if (!n)
		return -ETIMEDOUT;
	for (i = 0; i < PROG_STREAMS; i++) {
		if (pfds[i].fd < 0 || !pfds[i].revents)
			continue;
		n = read_some(prog, i);
		if (n < 0)
			return n;
	}
	return 0;
}

/* Until @text is there and so many lines are. */
static int wait_for(struct prog *prog, int stream, const char *text,
		    size_t lines)
{
	int deadline = milliseconds() + PATIENCE_MS, err = 0;

	while (!strstr(prog_text(prog, stream), text) ||
	       prog_lines(prog, stream) < lines) {
		if (err)
			return err;
		err = read_streams(prog, deadline);
		if (prog->stream[stream].fd < 0)
			err = -ENODATA;
	}
	return 0;
}

int prog_wait(struct prog *prog, int stream, const char *text)
{
	return wait_for(prog, stream, text, 0);
}

int prog_read(struct prog *prog)
{
	int err;

	do
		err = read_streams(prog, milliseconds());
	while (!err);
	return err == -ETIMEDOUT ? 0 : err;
}

int prog_wait_lines(struct prog *prog, int stream, size_t more)
{
	return wait_for(prog, stream, "", prog_lines(prog, stream) + more);
}

void prog_hang_up(struct prog *prog, int stream)
{
	close(prog->stream[stream].fd);
	prog->stream[stream].fd = -1;
}

int prog_finish(struct prog *prog)
{
	int deadline = milliseconds() + PATIENCE_MS, err, status;

	do
		err = read_streams(prog, deadline);
	while (!err);
	if (err != -ENODATA)
		kill(prog->pid, SIGKILL);
	if (!prog->pid || waitpid(prog->pid, &status, 0) < 0)
		return -ESRCH;
	prog->pid = 0;
	if (err != -ENODATA)
		return err;
	return WIFSIGNALED(status) ? 128 + WTERMSIG(status) :
				     WEXITSTATUS(status);
}

int prog_run(struct prog *prog, const struct prog_setup *setup)
{
	int err = prog_start(prog, setup);

	return err ? err : prog_finish(prog);
}

void prog_free(struct prog *prog)
{
	int i;

	if (prog->pid) {
		kill(prog->pid, SIGKILL);
		waitpid(prog->pid, NULL, 0);
	}
	for (i = 0; i < PROG_STREAMS; i++) {
		/* 0 is no stream's: it was never started */
		if (prog->stream[i].fd > 0)
			close(prog->stream[i].fd);
		free(prog->stream[i].text);
	}
	memset(prog, 0, sizeof(*prog));
}

const char *prog_text(const struct prog *prog, int stream)
{
	return prog->stream[stream].text ? prog->stream[stream].text : "";
}

size_t prog_lines(const struct prog *prog, int stream)
{
	const char *s = prog_text(prog, stream);
	size_t n = 0;

	for (; *s; s++)
		n += *s == '\n';
	return n;
}
