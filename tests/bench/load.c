// SPDX-License-Identifier: GPL-2.0
/*
 * The loads. Client and server are two processes on one CPU, so that they run
 * in turns and nothing waits for another CPU to wake up. What loopback does in
 * softirq runs in whichever of them sent, and is charged to it; what is left
 * to the CPU's ksoftirqd is added.
 */
#include "bench.h"
#include "lab/netns.h"

#include <arpa/inet.h>
#include <dirent.h>
#include <errno.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#define PORT 18080
#define ADDRESSES 64 /* of 127.0.0.0/8 that the client connects to */
#define WARM_UP 64   /* connections, or MiB, before the measurement */
#define CHUNK (64 << 10)

/* Between the processes of a load. */
struct shared {
	uint64_t client_ns, server_ns;
};

static struct sockaddr_in address(unsigned int i)
{
	struct sockaddr_in addr = {
		.sin_family = AF_INET,
		.sin_port = htons(PORT),
		.sin_addr.s_addr = htonl(INADDR_LOOPBACK + i % ADDRESSES),
	};

	return addr;
}

static int listen_any(void)
{
	struct sockaddr_in any = {
		.sin_family = AF_INET,
		.sin_port = htons(PORT),
	};
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0), one = 1;

	if (fd < 0 ||
	    setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &one, sizeof(one)) ||
	    bind(fd, (struct sockaddr *)&any, sizeof(any)) || listen(fd, 1024))
		bench_die("cannot listen: %s", strerror(errno));
	return fd;
}

static int connect_to(unsigned int i)
{
	struct sockaddr_in addr = address(i);
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

	if (fd < 0 || connect(fd, (struct sockaddr *)&addr, sizeof(addr)))
		bench_die("cannot connect: %s", strerror(errno));
	return fd;
}

/* Ten changes of state: the client closes first, the server when it sees so. */
static void connect_client(int listener, unsigned int from, unsigned int n)
{
	unsigned int i;
	char byte = 'x';

	(void)listener;
	for (i = from; i < from + n; i++) {
		int fd = connect_to(i);

		if (write(fd, &byte, 1) != 1 || read(fd, &byte, 1) != 1)
			bench_die("no byte came back: %s", strerror(errno));
		close(fd);
	}
}

static void connect_server(int listener, unsigned int from, unsigned int n)
{
	char byte;

	(void)from;
	while (n--) {
		int fd = accept(listener, NULL, NULL);

		if (fd < 0 || read(fd, &byte, 1) != 1 ||
		    write(fd, &byte, 1) != 1 || read(fd, &byte, 1))
			bench_die("a connection broke: %s", strerror(errno));
		close(fd);
	}
}

/* One connection for the warm-up, another one that is measured. */
static void bulk_client(int listener, unsigned int from, unsigned int mib)
{
	static char chunk[CHUNK];
	size_t left = (size_t)mib << 20;
	int fd = connect_to(from);

	(void)listener;
	while (left) {
		ssize_t n = write(fd, chunk, CHUNK);

		if (n <= 0)
			bench_die("cannot write: %s", strerror(errno));
		left -= n;
	}
	close(fd);
}

static void bulk_server(int listener, unsigned int from, unsigned int mib)
{
	static char chunk[CHUNK];
	int fd = accept(listener, NULL, NULL);
	ssize_t n;

	(void)from;
	(void)mib;
	while ((n = read(fd, chunk, CHUNK)) > 0)
		;
	if (fd < 0 || n < 0)
		bench_die("cannot read: %s", strerror(errno));
	close(fd);
}

typedef void side_fn(int listener, unsigned int from, unsigned int n);

/* The CPU time of one side. */
static uint64_t measure(side_fn *side, int listener, unsigned int amount)
{
	uint64_t begin;

	bench_pin(BENCH_LOAD_CPU);
	side(listener, 0, WARM_UP);
	begin = bench_cpu_ns();
	side(listener, WARM_UP, amount);
	return bench_cpu_ns() - begin;
}

/* CPU time of the thread that runs what softirqs leave over; 0 if unknown. */
static uint64_t softirqd_ns(void)
{
	static char path[64];
	unsigned long long ns = 0;
	char name[32], is[32] = "";
	struct dirent *entry;
	FILE *file;
	DIR *proc;

	snprintf(name, sizeof(name), "ksoftirqd/%d\n", BENCH_LOAD_CPU);
	proc = *path ? NULL : opendir("/proc");
	while (proc && strcmp(is, name) && (entry = readdir(proc))) {
		snprintf(path, sizeof(path), "/proc/%.16s/comm", entry->d_name);
		file = fopen(path, "r");
		if (!file)
			continue;
		if (!fgets(is, sizeof(is), file))
			*is = '\0';
		fclose(file);
		snprintf(path, sizeof(path), "/proc/%.16s/schedstat",
			 entry->d_name);
	}
	if (proc)
		closedir(proc);
	file = fopen(path, "r");
	if (file && fscanf(file, "%llu", &ns) != 1)
		ns = 0;
	if (file)
		fclose(file);
	return ns;
}

static void wait_for(pid_t pid)
{
	int status;

	if (waitpid(pid, &status, 0) != pid || status)
		bench_die("a process of the load has failed");
}

/* In a process of its own: it leaves the machine's namespace for good. */
static void __attribute__((noreturn))
run(side_fn *client, side_fn *server, unsigned int amount, struct shared *s)
{
	int listener;
	pid_t pid;

	prctl(PR_SET_PDEATHSIG, SIGKILL);
	if (netns_enter(netns_create()))
		bench_die("cannot make a network namespace");
	listener = listen_any();
	pid = fork();
	if (pid < 0)
		bench_die("cannot fork: %s", strerror(errno));
	if (!pid) {
		prctl(PR_SET_PDEATHSIG, SIGKILL);
		s->client_ns = measure(client, -1, amount);
		_exit(0);
	}
	s->server_ns = measure(server, listener, amount);
	wait_for(pid);
	_exit(0);
}

static uint64_t load(side_fn *client, side_fn *server, unsigned int amount)
{
	struct shared *s = mmap(NULL, sizeof(*s), PROT_READ | PROT_WRITE,
				MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	uint64_t ns = softirqd_ns();
	pid_t pid;

	if (s == MAP_FAILED)
		bench_die("out of memory");
	pid = fork();
	if (pid < 0)
		bench_die("cannot fork: %s", strerror(errno));
	if (!pid)
		run(client, server, amount, s);
	wait_for(pid);
	ns = softirqd_ns() - ns + s->client_ns + s->server_ns;
	munmap(s, sizeof(*s));
	return ns;
}

uint64_t load_connect(unsigned int amount)
{
	return load(connect_client, connect_server, amount);
}

uint64_t load_bulk(unsigned int amount)
{
	return load(bulk_client, bulk_server, amount);
}

pid_t load_trickle(void)
{
	const struct timespec pause = { .tv_nsec = 1000000 };
	pid_t pid = fork();
	int listener;

	if (pid < 0)
		bench_die("cannot fork: %s", strerror(errno));
	if (pid)
		return pid;
	prctl(PR_SET_PDEATHSIG, SIGKILL);
	if (netns_enter(netns_create()))
		bench_die("cannot make a network namespace");
	bench_pin(BENCH_LOAD_CPU);
	listener = listen_any();
	for (;;) {
		int fd = connect_to(0);

		close(accept(listener, NULL, NULL));
		close(fd);
		nanosleep(&pause, NULL);
	}
}
