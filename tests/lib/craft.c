// SPDX-License-Identifier: GPL-2.0
/* The sequence numbers come out of TCP_REPAIR, the segment into a raw socket. */
#include "craft.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/ip.h>
#include <stdint.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#define BYTES 10
#define REPAIR_OFF (-1) /* without a window probe */

struct segment {
	struct tcphdr th;
	uint8_t rest[CRAFT_BYTES];
};

static int sequence(int fd, int queue, uint32_t *seq)
{
	socklen_t len = sizeof(*seq);

	if (setsockopt(fd, IPPROTO_TCP, TCP_REPAIR_QUEUE, &queue,
		       sizeof(queue)) ||
	    getsockopt(fd, IPPROTO_TCP, TCP_QUEUE_SEQ, seq, &len))
		return -errno;
	return 0;
}

/* The next to be sent and to be received. */
static int sequences(int fd, uint32_t *seq, uint32_t *ack)
{
	int on = 1, off = REPAIR_OFF, err;

	if (setsockopt(fd, IPPROTO_TCP, TCP_REPAIR, &on, sizeof(on)))
		return -errno;
	err = sequence(fd, TCP_SEND_QUEUE, seq);
	if (!err)
		err = sequence(fd, TCP_RECV_QUEUE, ack);
	setsockopt(fd, IPPROTO_TCP, TCP_REPAIR, &off, sizeof(off));
	return err;
}

static uint32_t add_words(uint32_t sum, const void *bytes, size_t n)
{
	const uint16_t *words = bytes;
	size_t i;

	for (i = 0; i < n / 2; i++)
		sum += words[i];
	return sum;
}

static uint16_t checksum(const struct segment *s, size_t size,
			 const struct sockaddr_in *from,
			 const struct sockaddr_in *to)
{
	uint32_t sum = htons(IPPROTO_TCP) + htons(size);

	sum = add_words(sum, &from->sin_addr, 4);
	sum = add_words(sum, &to->sin_addr, 4);
	sum = add_words(sum, s, size);
	while (sum >> 16)
		sum = (sum & 0xffff) + (sum >> 16);
	return ~sum;
}

static int raw_socket(void *arg)
{
	int fd = socket(AF_INET, SOCK_RAW | SOCK_CLOEXEC, IPPROTO_TCP);

	(void)arg;
	return fd < 0 ? -errno : fd;
}

int craft_send(struct conn *c, int from, const struct craft *craft)
{
	const struct sockaddr_in *a = (void *)&c->addr[from];
	const struct sockaddr_in *b = (void *)&c->addr[!from];
	const size_t size = sizeof(struct tcphdr) + craft->options + craft->len;
	struct segment s = {
		.th.source = a->sin_port,
		.th.dest = b->sin_port,
		.th.doff = (sizeof(s.th) + craft->options) / 4 + craft->lie,
		.th.ack = 1,
		.th.psh = 1,
		.th.window = htons(1000),
	};
	struct sockaddr_in to = *b;
	uint32_t seq, ack;
	int fd, err;

	if (size > sizeof(s) || size % 2)
		return -EINVAL;
	err = sequences(c->fd[from], &seq, &ack);
	if (err)
		return err;
	memcpy(s.rest, craft->option, craft->options);
	s.th.seq = htonl(seq + craft->ahead);
	s.th.ack_seq = htonl(ack);
	s.th.check = checksum(&s, size, a, b);
	fd = netns_call(c->pair.side[from].fd, raw_socket, NULL);
	if (fd < 0)
		return fd;
	to.sin_port = 0;
	if (craft->ce)
		setsockopt(fd, IPPROTO_IP, IP_TOS, &(int){ IPTOS_ECN_CE },
			   sizeof(int));
	err = sendto(fd, &s, size, 0, (void *)&to, sizeof(to)) ==
			      (ssize_t)size ?
		      0 :
		      -errno;
	close(fd);
	return err;
}

int craft_data_behind_fin(struct conn *c, int from)
{
	const struct craft behind = { .ahead = -1, .len = BYTES };

	return craft_send(c, from, &behind);
}

/* The coarse clock moves with the jiffies. */
void craft_next_jiffy(void)
{
	struct timespec then, now;
	int i;

	for (i = 0; i < 2; i++) {
		clock_gettime(CLOCK_MONOTONIC_COARSE, &then);
		do
			clock_gettime(CLOCK_MONOTONIC_COARSE, &now);
		while (now.tv_nsec == then.tv_nsec);
	}
}
