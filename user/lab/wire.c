// SPDX-License-Identifier: GPL-2.0
/* The wire: two TUN devices, and a process that takes its time between them. */
#include "lab/wire.h"
#include "lib/clock.h"

#include <errno.h>
#include <fcntl.h>
#include <net/if.h>
#include <poll.h>
#include <signal.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

/* Only behind <net/if.h>, which has struct ifreq as well. */
#include <linux/if_tun.h>

#define WIRE_PACKET 2048 /* more than the MTU of a TUN device, 1500 */
#define WIRE_QUEUE 4096	 /* packets under way; what comes then is dropped */

struct wire_packet {
	uint64_t due_ns;
	int to; /* index of the side */
	size_t len;
	uint8_t bytes[WIRE_PACKET];
};

/* All have the same delay, so what came first is due first. */
struct wire_queue {
	unsigned int begin, n;
	struct wire_packet packet[WIRE_QUEUE];
};

/* Inside: the fd of a new device, or -errno. */
static int wire_tun(void *arg)
{
	struct netns_side *side = arg;
	struct ifreq ifr = { .ifr_flags = IFF_TUN | IFF_NO_PI };
	int fd, err;

	fd = open("/dev/net/tun", O_RDWR | O_CLOEXEC | O_NONBLOCK);
	if (fd < 0)
		return -errno;
	memcpy(ifr.ifr_name, side->ifname, IFNAMSIZ);
	if (ioctl(fd, TUNSETIFF, &ifr)) {
		err = -errno;
		close(fd);
		return err;
	}
	side->ifindex = if_nametoindex(side->ifname);
	return fd;
}

/* Take in what one side has sent. */
static void wire_take(struct wire_queue *q, const int tun[2], int side,
		      uint64_t delay_ns)
{
	struct wire_packet *p;
	ssize_t n;

	while (q->n < WIRE_QUEUE) {
		p = &q->packet[(q->begin + q->n) % WIRE_QUEUE];
		n = read(tun[side], p->bytes, sizeof(p->bytes));
		if (n <= 0)
			return;
		p->len = n;
		p->to = !side;
		p->due_ns = clock_now_ns() + delay_ns;
		q->n++;
	}
}

/* Hand over what is due. Returns the time until more is. */
static struct timespec wire_give(struct wire_queue *q, const int tun[2])
{
	uint64_t left_ns = NSEC_PER_SEC, now_ns = clock_now_ns();
	const struct wire_packet *p;

	for (; q->n; q->n--, q->begin = (q->begin + 1) % WIRE_QUEUE) {
		p = &q->packet[q->begin];
		if (p->due_ns > now_ns) {
			left_ns = p->due_ns - now_ns;
			break;
		}
		/* A device that takes no more drops, as a wire would. */
		if (write(tun[p->to], p->bytes, p->len) < 0)
			continue;
	}
	return (struct timespec){ .tv_sec = left_ns / NSEC_PER_SEC,
				  .tv_nsec = left_ns % NSEC_PER_SEC };
}

static void __attribute__((noreturn))
wire_relay(const int tun[2], uint64_t delay_ns, pid_t parent)
{
	struct wire_queue *q = calloc(1, sizeof(*q));
	struct pollfd pfds[2] = {
		{ .fd = tun[0], .events = POLLIN },
		{ .fd = tun[1], .events = POLLIN },
	};
	struct timespec left;
	int i;

	if (!q || prctl(PR_SET_PDEATHSIG, SIGKILL) || getppid() != parent)
		_exit(1);
	for (;;) {
		left = wire_give(q, tun);
		if (ppoll(pfds, 2, &left, NULL) < 0)
			_exit(1);
		for (i = 0; i < 2; i++) {
			if (pfds[i].revents)
				wire_take(q, tun, i, delay_ns);
		}
	}
}

int wire_create(struct wire *wire, struct netns_pair *pair, uint64_t delay_ns)
{
	int tun[2] = { -1, -1 }, i, err = 0;
	pid_t parent = getpid();

	wire->pid = 0;
	for (i = 0; i < 2 && err >= 0; i++)
		err = tun[i] = netns_call(pair->side[i].fd, wire_tun,
					  &pair->side[i]);
	for (i = 0; i < 2 && err >= 0; i++)
		err = netns_setup(&pair->side[i]);
	if (err >= 0) {
		wire->pid = fork();
		if (!wire->pid)
			wire_relay(tun, delay_ns, parent);
		err = wire->pid < 0 ? -errno : 0;
	}
	/* The devices live as long as the process has them. */
	for (i = 0; i < 2; i++) {
		if (tun[i] >= 0)
			close(tun[i]);
	}
	return err;
}

void wire_destroy(struct wire *wire)
{
	if (wire->pid > 0) {
		kill(wire->pid, SIGKILL);
		waitpid(wire->pid, NULL, 0);
	}
	wire->pid = 0;
}
