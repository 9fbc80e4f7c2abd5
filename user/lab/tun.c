// SPDX-License-Identifier: GPL-2.0
/* Made inside of the namespace that it is to be in. */
#include "lab/tun.h"

#include <errno.h>
#include <fcntl.h>
#include <net/if.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <unistd.h>

/* Only behind <net/if.h>, which has struct ifreq as well. */
#include <linux/if_tun.h>

#define TUN_BURST 4096 /* packets that it keeps until they are taken */

struct tun {
	struct netns_side *side;
	unsigned int mtu;
};

/* Inside: no offloads, the MTU, room for bursts. */
static int tun_setup(int fd, struct ifreq *ifr, unsigned int mtu)
{
	int sock, err = 0;

	if (ioctl(fd, TUNSETOFFLOAD, 0))
		return -errno;
	sock = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	if (sock < 0)
		return -errno;
	ifr->ifr_mtu = mtu;
	if (ioctl(sock, SIOCSIFMTU, ifr))
		err = -errno;
	ifr->ifr_qlen = TUN_BURST;
	if (!err && ioctl(sock, SIOCSIFTXQLEN, ifr))
		err = -errno;
	close(sock);
	return err;
}

/* Inside: the fd of a new device, or -errno. */
static int tun_new(void *arg)
{
	const struct tun *tun = arg;
	struct ifreq ifr = { .ifr_flags = IFF_TUN | IFF_NO_PI };
	int fd, err = 0;

	fd = open("/dev/net/tun", O_RDWR | O_CLOEXEC | O_NONBLOCK);
	if (fd < 0)
		return -errno;
	memcpy(ifr.ifr_name, tun->side->ifname, IFNAMSIZ);
	if (ioctl(fd, TUNSETIFF, &ifr))
		err = -errno;
	if (!err)
		err = tun_setup(fd, &ifr, tun->mtu);
	if (err) {
		close(fd);
		return err;
	}
	tun->side->ifindex = if_nametoindex(tun->side->ifname);
	return fd;
}

int tun_create(struct netns_side *side, unsigned int mtu)
{
	struct tun tun = { .side = side, .mtu = mtu };

	return netns_call(side->fd, tun_new, &tun);
}
