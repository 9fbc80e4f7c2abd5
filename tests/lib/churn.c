// SPDX-License-Identifier: GPL-2.0
#include "tests/lib/churn.h"

#include <arpa/inet.h>
#include <signal.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

int churn_listener(uint16_t port)
{
	struct sockaddr_in at = {
		.sin_family = AF_INET,
		.sin_port = htons(port),
	};
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0), yes = 1;

	if (fd >= 0 &&
	    (setsockopt(fd, SOL_SOCKET, SO_REUSEPORT, &yes, sizeof(yes)) ||
	     bind(fd, (struct sockaddr *)&at, sizeof(at)) || listen(fd, 8))) {
		close(fd);
		return -1;
	}
	return fd;
}

int churn_client(int listener)
{
	struct sockaddr_in to = {};
	socklen_t len = sizeof(to);
	int client = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

	getsockname(listener, (struct sockaddr *)&to, &len);
	to.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	if (connect(client, (struct sockaddr *)&to, sizeof(to))) {
		close(client);
		return -1;
	}
	return client;
}

void churn(void)
{
	int fd;

	for (;;) {
		fd = churn_listener(0);
		close(churn_client(fd));
		close(fd);
	}
}

pid_t churn_start(void (*fn)(void))
{
	pid_t pid = fork();

	if (!pid) {
		fn();
		_exit(1);
	}
	return pid;
}

void churn_stop(pid_t pid)
{
	kill(pid, SIGKILL);
	waitpid(pid, NULL, 0);
}
