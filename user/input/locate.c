// SPDX-License-Identifier: GPL-2.0
/* Asks every network namespace, or takes the socket from its process. */
#include "input/locate.h"
#include "input/namespaces.h"
#include "lib/opt.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/sockios.h>
#include <linux/tcp.h>
#define _NETINET_TCP_H /* the kernel's header says it all */
#include <netinet/in.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#define OUR_NETNS "/proc/thread-self/ns/net"

/* Hexadecimal digits and nothing else. */
static int parse_hex(const char *text, uint64_t *out)
{
	size_t n = strspn(text, "0123456789abcdefABCDEF");

	if (!n || n > 16 || text[n])
		return -EINVAL;
	*out = strtoull(text, NULL, 16);
	return 0;
}

static int parse_cookie(const char *text, uint64_t *cookie)
{
	if (!strncmp(text, "0x", 2))
		return parse_hex(text + 2, cookie);
	if (!strncmp(text, "sk:", 3))
		return parse_hex(text + 3, cookie);
	return opt_number(text, 1, UINT64_MAX, cookie);
}

/* An IPv4 address takes the first four bytes, also as ::ffff:192.0.2.1. */
static int take_end(const struct sockaddr_storage *from, uint8_t addr[16],
		    uint16_t *port)
{
	const struct sockaddr_in6 *in6 = (const void *)from;
	const struct sockaddr_in *in = (const void *)from;

	memset(addr, 0, 16);
	if (from->ss_family == AF_INET) {
		memcpy(addr, &in->sin_addr, 4);
		*port = ntohs(in->sin_port);
		return AF_INET;
	}
	*port = ntohs(in6->sin6_port);
	if (IN6_IS_ADDR_V4MAPPED(&in6->sin6_addr)) {
		memcpy(addr, &in6->sin6_addr.s6_addr[12], 4);
		return AF_INET;
	}
	memcpy(addr, &in6->sin6_addr, 16);
	return AF_INET6;
}

/* The family, or -EINVAL. A scope is no part of an address, but a device. */
static int parse_end(const char *text, size_t len, uint8_t addr[16],
		     uint16_t *port, uint32_t *device)
{
	struct sockaddr_storage end;
	char copy[128];
	socklen_t size;

	if (len >= sizeof(copy))
		return -EINVAL;
	memcpy(copy, text, len);
	copy[len] = '\0';
	if (opt_endpoint(copy, &end, &size))
		return -EINVAL;
	if (end.ss_family == AF_INET6)
		*device = ((struct sockaddr_in6 *)&end)->sin6_scope_id;
	return take_end(&end, addr, port);
}

static int parse_pair(const char *text, const char *comma, struct locate *what)
{
	struct module_identity *id = &what->id;
	uint32_t device;
	int remote;

	what->by = LOCATE_BY_PAIR;
	id->family = parse_end(text, comma - text, id->local, &id->local_port,
			       &device);
	remote = parse_end(comma + 1, strlen(comma + 1), id->remote,
			   &id->remote_port, &device);
	return id->family > 0 && id->family == remote ? 0 : -EINVAL;
}

static int parse_listener(const char *text, struct locate *what)
{
	struct module_identity *id = &what->id;
	uint32_t device;
	uint64_t port;

	what->by = LOCATE_BY_LISTENER;
	text += *text == '*';
	if (*text == ':') {
		if (opt_number(text + 1, 1, UINT16_MAX, &port))
			return -EINVAL;
		id->local_port = port;
		return 0;
	}
	id->family = parse_end(text, strlen(text), id->local, &id->local_port,
			       &device);
	return id->family > 0 ? 0 : -EINVAL;
}

static int parse_fd(const char *text, const char *slash, struct locate *what)
{
	uint64_t pid, fd;
	char copy[16];

	what->by = LOCATE_BY_FD;
	if (slash - text >= (int)sizeof(copy))
		return -EINVAL;
	memcpy(copy, text, slash - text);
	copy[slash - text] = '\0';
	if (opt_number(copy, 1, INT32_MAX, &pid) ||
	    opt_number(slash + 1, 0, INT32_MAX, &fd))
		return -EINVAL;
	what->pid = pid;
	what->fd = fd;
	return 0;
}

int locate_parse(const char *text, struct locate *what)
{
	const char *comma = strchr(text, ','), *slash = strchr(text, '/');

	memset(what, 0, sizeof(*what));
	if (!parse_cookie(text, &what->id.cookie))
		return what->id.cookie ? 0 : -EINVAL;
	if (comma)
		return parse_pair(text, comma, what);
	if (slash)
		return parse_fd(text, slash, what);
	return parse_listener(text, what);
}

struct search {
	const struct locate *what;
	uint64_t inode; /* LOCATE_BY_FD: of the socket */
	struct locate_result *r;
	uint64_t netns;
	unsigned int visited; /* namespaces */
};

static bool is_meant(const struct search *s, const struct diag_socket *socket)
{
	const struct module_identity *id = &socket->id, *want = &s->what->id;
	size_t size = sizeof(id->local);

	switch (s->what->by) {
	case LOCATE_BY_COOKIE:
		return id->cookie == want->cookie;
	case LOCATE_BY_PAIR:
		return id->family == want->family &&
		       id->local_port == want->local_port &&
		       id->remote_port == want->remote_port &&
		       !memcmp(id->local, want->local, size) &&
		       !memcmp(id->remote, want->remote, size);
	case LOCATE_BY_LISTENER:
		return socket->state == TCBSCOPE_STATE_LISTEN &&
		       id->local_port == want->local_port &&
		       (!want->family ||
			(id->family == want->family &&
			 !memcmp(id->local, want->local, size)));
	default:
		return s->inode && socket->inode == s->inode;
	}
}

static void keep(struct locate_result *r, const struct diag_socket *socket,
		 uint64_t netns)
{
	if (r->n < LOCATE_MAX)
		r->found[r->n++] = (struct located){ *socket, netns };
	if (r->netns < 0)
		r->netns = open(OUR_NETNS, O_RDONLY | O_CLOEXEC);
}

static int on_socket(void *ctx, const struct diag_socket *socket)
{
	const struct search *s = ctx;

	if (is_meant(s, socket))
		keep(s->r, socket, s->netns);
	return 0;
}

/*
 * All of the namespace that we are in. 1: it is found. What is in our own one
 * is meant, whatever there is in others; and of a cookie there is only one.
 */
static int look_here(void *ctx, uint64_t inode)
{
	struct search *s = ctx;
	const struct module_identity *id = &s->what->id;
	bool enough = !s->visited++ || s->what->by == LOCATE_BY_COOKIE ||
		      s->what->by == LOCATE_BY_FD;
	struct diag *d = diag_open();
	int err;

	s->netns = inode;
	if (!d)
		return -errno;
	err = diag_each(d, id->local_port, id->remote_port, on_socket, s);
	diag_close(d);
	return err ?: enough && s->r->n;
}

static int look_everywhere(struct search *s)
{
	int err = namespaces_visit(look_here, s, &s->r->blind);

	if (err < 0)
		return err;
	if (s->r->n)
		return s->r->netns < 0 ? -EIO : 0;
	return -ENOENT;
}

/* The inode behind the link of a descriptor. 0 or -errno. */
static int read_inode(const struct locate *what, uint64_t *inode)
{
	char path[64], target[64] = "";
	unsigned long long n;

	snprintf(path, sizeof(path), "/proc/%d/fd/%d", (int)what->pid,
		 what->fd);
	if (readlink(path, target, sizeof(target) - 1) < 0)
		return errno == EACCES ? -EPERM :
		       errno == ENOENT ? -EBADF :
					 -errno;
	if (sscanf(target, "socket:[%llu]", &n) != 1)
		return -ENOTSOCK;
	*inode = n;
	return 0;
}

/* A descriptor of ours for that of the process, or -errno. */
static int borrow(const struct locate *what)
{
	int pidfd = syscall(SYS_pidfd_open, what->pid, 0), fd, err;

	if (pidfd < 0)
		return errno == EINVAL ? -ESRCH : -errno;
	fd = syscall(SYS_pidfd_getfd, pidfd, what->fd, 0);
	err = -errno;
	close(pidfd);
	return fd < 0 ? err : fd;
}

static int option(int fd, int level, int name, void *value, socklen_t size)
{
	return getsockopt(fd, level, name, value, &size) ? -errno : 0;
}

/* What a TCP socket says of itself. 0 or -errno. */
static int describe(int fd, struct diag_socket *s)
{
	struct sockaddr_storage end;
	struct tcp_info info = {};
	socklen_t len = sizeof(end);
	int protocol = 0, err;
	struct stat st;

	memset(s, 0, sizeof(*s));
	if (fstat(fd, &st))
		return -errno;
	if (!S_ISSOCK(st.st_mode) ||
	    option(fd, SOL_SOCKET, SO_PROTOCOL, &protocol, sizeof(protocol)) ||
	    protocol != IPPROTO_TCP ||
	    option(fd, IPPROTO_TCP, TCP_INFO, &info, sizeof(info)))
		return -ENOTSOCK;
	s->inode = st.st_ino;
	s->state = info.tcpi_state;
	err = option(fd, SOL_SOCKET, SO_COOKIE, &s->id.cookie,
		     sizeof(s->id.cookie));
	if (err)
		return err;
	if (getsockname(fd, (struct sockaddr *)&end, &len))
		return -errno;
	s->id.family = take_end(&end, s->id.local, &s->id.local_port);
	len = sizeof(end);
	if (!getpeername(fd, (struct sockaddr *)&end, &len))
		take_end(&end, s->id.remote, &s->id.remote_port);
	option(fd, SOL_SOCKET, SO_BINDTOIFINDEX, &s->id.device,
	       sizeof(s->id.device));
	return 0;
}

/* The socket's namespace; without CAP_NET_ADMIN there, its process's. */
static int netns_of(const struct locate *what, int fd)
{
	int netns = ioctl(fd, SIOCGSKNS);
	char path[64];

	if (netns >= 0)
		return netns;
	snprintf(path, sizeof(path), "/proc/%d/ns/net", (int)what->pid);
	netns = open(path, O_RDONLY | O_CLOEXEC);
	return netns < 0 ? -errno : netns;
}

/* What has no port is in no table; nor is what is closed. */
static bool in_no_table(const struct diag_socket *s)
{
	return s->state == TCBSCOPE_STATE_CLOSE || !s->id.local_port;
}

static int look_at_fd(const struct locate *what, struct locate_result *r)
{
	struct search s = { .what = what, .r = r };
	struct located *found = &r->found[0];
	int fd = borrow(what), err;
	struct stat st;

	if (fd == -EPERM) { /* as whoever may read /proc only */
		err = read_inode(what, &s.inode);
		return err ?: look_everywhere(&s);
	}
	if (fd < 0)
		return fd;
	err = describe(fd, &found->socket);
	if (!err) {
		r->netns = netns_of(what, fd);
		err = r->netns < 0 ? r->netns : 0;
	}
	if (!err && !fstat(r->netns, &st))
		found->netns = st.st_ino;
	if (!err)
		r->n = 1;
	if (!err && in_no_table(&found->socket))
		r->socket = fd;
	else
		close(fd); /* held no longer: the process may close it */
	return err;
}

int locate_find(const struct locate *what, struct locate_result *r)
{
	struct search s = { .what = what, .r = r };

	memset(r, 0, sizeof(*r));
	r->netns = r->socket = -1;
	if (what->by == LOCATE_BY_FD)
		return look_at_fd(what, r);
	return look_everywhere(&s);
}

void locate_close(struct locate_result *r)
{
	if (r->netns >= 0)
		close(r->netns);
	if (r->socket >= 0)
		close(r->socket);
	r->netns = r->socket = -1;
}

int locate_enter(const struct locate_result *r)
{
	struct stat here, there;

	/* Who is there already needs no privilege for it. */
	if (!stat(OUR_NETNS, &here) && !fstat(r->netns, &there) &&
	    here.st_ino == there.st_ino)
		return 0;
	return setns(r->netns, CLONE_NEWNET) ? -errno : 0;
}
