// SPDX-License-Identifier: GPL-2.0
/* Those who connect one after the other, and those who do so at once. */
#include "lab/clients.h"
#include "lab/end.h"
#include "lab/stage.h"

#include <arpa/inet.h>
#include <errno.h>
#include <stdio.h>

/* In one call of the end, so that no timer runs out in between. */
static int clients_call(struct end *me, int n)
{
	struct sockaddr_in server = { .sin_family = AF_INET,
				      .sin_port = htons(2001) };
	int i, fd;

	inet_pton(AF_INET, me->data, &server.sin_addr);
	for (i = 0; i < n; i++) {
		fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC,
			    IPPROTO_TCP);
		if (fd < 0 ||
		    (connect(fd, (struct sockaddr *)&server, sizeof(server)) &&
		     errno != EINPROGRESS))
			return -errno;
	}
	return n;
}

void clients_connect(struct stage *s, int n)
{
	struct end *a = stage_end(s, A), *b = stage_end(s, B);
	int i;

	for (i = 0; i < n; i++)
		end_connect(a, end_socket(a, 0), b->ip, 2001);
}

void clients_begin(struct stage *s, int n)
{
	struct end *a = stage_end(s, A), *b = stage_end(s, B);

	snprintf(a->data, sizeof(a->data), "%s", b->ip);
	if (end_do(a, clients_call, n) != n)
		stage_fail(s, "A cannot make %d sockets", n);
}
