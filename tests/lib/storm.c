// SPDX-License-Identifier: GPL-2.0
/* Processes share one page of truth; a worker ends when all is served. */
#include "storm.h"
#include "lib/clock.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <sched.h>
#include <signal.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

struct shared {
	unsigned int begun, served; /* connections */
	int error;
	struct storm_served list[];
};

static size_t shared_size(const struct storm *storm)
{
	return sizeof(struct shared) +
	       storm->connections * sizeof(struct storm_served);
}

static struct sockaddr_in address(void)
{
	return (struct sockaddr_in){
		.sin_family = AF_INET,
		.sin_addr.s_addr = htonl(INADDR_LOOPBACK),
		.sin_port = htons(STORM_PORT),
	};
}

static void pin(unsigned int number)
{
	cpu_set_t all, one;
	int cpu, n;

	if (sched_getaffinity(0, sizeof(all), &all))
		return;
	n = number % CPU_COUNT(&all);
	for (cpu = 0; cpu < CPU_SETSIZE; cpu++)
		if (CPU_ISSET(cpu, &all) && !n--)
			break;
	CPU_ZERO(&one);
	CPU_SET(cpu, &one);
	sched_setaffinity(0, sizeof(one), &one);
}

static int connect_once(void)
{
	const struct sockaddr_in to = address();
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0), err = 0;
	char byte = 1;

	if (fd < 0)
		return -errno;
	if (connect(fd, (void *)&to, sizeof(to)) ||
	    send(fd, &byte, 1, MSG_NOSIGNAL) != 1)
		err = -errno;
	else if (recv(fd, &byte, 1, 0) != 1)
		err = -EPROTO;
	close(fd);
	return err;
}

static int client(const struct storm *storm, struct shared *shared)
{
	int err = 0;

	while (!err && __atomic_fetch_add(&shared->begun, 1, __ATOMIC_RELAXED) <
			       storm->connections)
		err = connect_once();
	return err;
}

static int worker(int listener, struct shared *shared)
{
	struct storm_served *served;
	uint64_t cookie;
	socklen_t len;
	char byte;
	int fd;

	for (;;) {
		fd = accept4(listener, NULL, NULL, SOCK_CLOEXEC);
		if (fd < 0)
			return -errno;
		len = sizeof(cookie);
		if (recv(fd, &byte, 1, 0) != 1 ||
		    send(fd, &byte, 1, MSG_NOSIGNAL) != 1 ||
		    recv(fd, &byte, 1, 0) || /* not its FIN */
		    getsockopt(fd, SOL_SOCKET, SO_COOKIE, &cookie, &len))
			return -EPROTO;
		close(fd);
		served = &shared->list[__atomic_fetch_add(&shared->served, 1,
							  __ATOMIC_RELAXED)];
		served->cookie = cookie;
		__atomic_store_n(&served->pid, getpid(), __ATOMIC_RELEASE);
	}
}

static int all_served(const struct storm *storm, struct shared *shared)
{
	unsigned int i;

	for (i = 0; i < storm->connections; i++)
		if (!__atomic_load_n(&shared->list[i].pid, __ATOMIC_ACQUIRE))
			return 0;
	return 1;
}

/* All processes of one kind; they report errors, and die with the stage. */
static int start(const struct storm *storm, struct shared *shared, int listener,
		 unsigned int n, pid_t *pids)
{
	unsigned int i;
	int err;

	for (i = 0; i < n && i < STORM_PROCESSES; i++) {
		pids[i] = fork();
		if (pids[i] < 0)
			return -errno;
		if (pids[i])
			continue;
		prctl(PR_SET_PDEATHSIG, SIGKILL);
		prctl(PR_SET_NAME, listener < 0 ? "client" : "worker");
		pin(i);
		err = listener < 0 ? client(storm, shared) :
				     worker(listener, shared);
		if (err)
			__atomic_store_n(&shared->error, err, __ATOMIC_RELAXED);
		_exit(!!err);
	}
	return 0;
}

static int stage(const struct storm *storm, struct shared *shared)
{
	int listener = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0), err, i;
	pid_t clients[STORM_PROCESSES] = {}, workers[STORM_PROCESSES] = {};
	uint64_t begin = clock_now_ns();
	const struct sockaddr_in at = address();

	prctl(PR_SET_PDEATHSIG, SIGKILL);
	prctl(PR_SET_NAME, "stage");
	if (listener < 0 || bind(listener, (void *)&at, sizeof(at)) ||
	    listen(listener, 128))
		return -errno;
	err = start(storm, shared, listener, storm->workers, workers);
	if (!err)
		err = start(storm, shared, -1, storm->clients, clients);
	for (i = 0; i < STORM_PROCESSES && clients[i]; i++)
		waitpid(clients[i], NULL, 0);
	while (!err && !all_served(storm, shared)) {
		clock_pause(begin);
		err = shared->error;
	}
	for (i = 0; i < STORM_PROCESSES && workers[i]; i++) {
		kill(workers[i], SIGKILL);
		waitpid(workers[i], NULL, 0);
	}
	return err;
}

int storm_run(struct storm *storm)
{
	struct shared *shared = mmap(NULL, shared_size(storm),
				     PROT_READ | PROT_WRITE,
				     MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	int status, err;

	if (shared == MAP_FAILED)
		return -errno;
	storm->stage = fork();
	if (!storm->stage) {
		err = stage(storm, shared);
		if (err)
			shared->error = err;
		_exit(0);
	}
	storm->served = shared->list;
	if (storm->stage < 0 || waitpid(storm->stage, &status, 0) < 0)
		return -errno;
	storm->n_served = shared->served;
	return shared->error;
}

void storm_free(struct storm *storm)
{
	struct shared *shared;

	if (!storm->served)
		return;
	shared = (void *)((char *)storm->served -
			  offsetof(struct shared, list));
	munmap(shared, shared_size(storm));
	storm->served = NULL;
}
