// SPDX-License-Identifier: GPL-2.0
/* Connections are made by the calling process, step by step, blocking. */
#include "cli.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <unistd.h>

#include "lab/netns.h"
#include "trace.h"

#define ARGS_MAX 16

int cli_init(struct cli *cli, int family)
{
	struct sockaddr_in6 any = { .sin6_family = family,
				    .sin6_port = htons(CLI_PORT) };
	int netns, err;

	memset(cli, 0, sizeof(*cli));
	cli->listener = cli->file = -1;
	netns = netns_create();
	if (netns < 0)
		return netns;
	err = netns_enter(netns);
	close(netns);
	if (err)
		return err;
	cli->listener = socket(family, SOCK_STREAM | SOCK_CLOEXEC, 0);
	if (bind(cli->listener, (void *)&any, sizeof(any)) ||
	    listen(cli->listener, 8))
		return -errno;
	cli->file = memfd_create("json", MFD_CLOEXEC);
	if (cli->file < 0)
		return -errno;
	snprintf(cli->beside, sizeof(cli->beside), "--json=/proc/%d/fd/%d",
		 getpid(), cli->file);
	return 0;
}

void cli_free(struct cli *cli)
{
	prog_free(&cli->prog);
	witness_free(cli->witness);
	close(cli->file);
	close(cli->listener);
}

int cli_start(struct cli *cli, const struct prog_setup *how)
{
	char *argv[ARGS_MAX + 1] = { (char *)trace_program("tcbscope"), "trace",
				     "--netns", "self" };
	struct prog_setup setup = *how;
	int i, err;

	for (i = 0; how->argv && how->argv[i] && 4 + i < ARGS_MAX; i++)
		argv[4 + i] = how->argv[i];
	setup.argv = argv;
	prog_free(&cli->prog);
	err = prog_start(&cli->prog, &setup);
	return err ? err : prog_wait(&cli->prog, PROG_OUT, "\n");
}

int cli_end(struct cli *cli, int signal)
{
	if (cli->prog.pid)
		kill(cli->prog.pid, signal);
	return prog_finish(&cli->prog);
}

int cli_connection(struct cli *cli, int family, const void *address)
{
	struct sockaddr_in6 to6 = { .sin6_family = AF_INET6,
				    .sin6_port = htons(CLI_PORT) };
	struct sockaddr_in to4 = { .sin_family = AF_INET,
				   .sin_port = htons(CLI_PORT) };
	int client = socket(family, SOCK_STREAM | SOCK_CLOEXEC, 0), server;
	bool v6 = family == AF_INET6;
	char byte;

	memcpy(v6 ? (void *)&to6.sin6_addr : (void *)&to4.sin_addr, address,
	       v6 ? 16 : 4);
	if (connect(client, v6 ? (void *)&to6 : (void *)&to4,
		    v6 ? sizeof(to6) : sizeof(to4)))
		return -errno;
	server = accept4(cli->listener, NULL, NULL, SOCK_CLOEXEC);
	if (server < 0)
		return -errno;
	close(client);
	if (recv(server, &byte, 1, 0)) /* not the client's FIN */
		return -EPROTO;
	close(server);
	return 0;
}

int cli_connections(struct cli *cli, int n)
{
	const struct in_addr localhost = { htonl(INADDR_LOOPBACK) };
	int err = 0;

	while (n-- && !err)
		err = cli_connection(cli, AF_INET, &localhost);
	return err;
}

int cli_read_beside(struct cli *cli)
{
	int fd = fcntl(cli->file, F_DUPFD_CLOEXEC, 3);

	if (fd < 0 || lseek(fd, 0, SEEK_SET))
		return -errno;
	cli->witness = witness_new(fd);
	return cli->witness ? witness_finish(cli->witness, TRACE_PATIENCE_NS) :
			      -ENOMEM;
}

struct cli_counts cli_closing_line(const struct cli *cli)
{
	const char *line = prog_text(&cli->prog, PROG_ERR), *next;
	struct cli_counts n;

	while ((next = strchr(line, '\n')) && next[1])
		line = next + 1;
	if (sscanf(line, "%u generated - 0 lost = %u shown + %u filtered",
		   &n.delivered, &n.shown, &n.filtered) == 3)
		return n;
	return (struct cli_counts){};
}

static bool is_kernel_note(const char *line)
{
	static const char begin[] = "tcbscope: no ";
	static const char then[] = " on this kernel: ";
	const char *end = strchr(line, '\n'), *at = strstr(line, then);

	return !strncmp(line, begin, strlen(begin)) && end && at && at < end;
}

size_t cli_lines_said(const struct cli *cli)
{
	const char *line = prog_text(&cli->prog, PROG_ERR);
	size_t n = prog_lines(&cli->prog, PROG_ERR);

	while (line) {
		n -= is_kernel_note(line);
		line = strchr(line, '\n');
		line = line ? line + 1 : NULL;
	}
	return n;
}
