// SPDX-License-Identifier: GPL-2.0
#include "tests/lib/scope.h"

#include <errno.h>
#include <linux/sock_diag.h>
#include <linux/sockios.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

int scope_start(struct scope *s, int family)
{
	int err, i;

	memset(s, 0, sizeof(*s));
	err = conn_stage(&s->conn, family);
	if (!err)
		err = kmod_load();
	for (i = 0; i < 2 && !err; i++) {
		s->at[i] = kmod_open(s->conn.pair.side[i].fd);
		err = s->at[i] ? 0 : -errno;
	}
	return err;
}

int scope_stop(struct scope *s)
{
	int i;

	for (i = 0; i < SCOPE_CLIENTS; i++)
		if (s->client[i] > 0)
			close(s->client[i]);
	module_close(s->at[0]);
	module_close(s->at[1]);
	conn_free(&s->conn);
	return kmod_unload();
}

int scope_show(struct scope *s, int side, struct module_list *list)
{
	struct module_identity id = kmod_identity(s->conn.fd[side]);

	return module_get(s->at[side], TCBSCOPE_CMD_SOCKET_GET, &id, false,
			  list);
}

int scope_show_cookie(struct scope *s, int side, uint64_t cookie,
		      struct module_list *list)
{
	struct module_identity id = kmod_cookie(cookie);

	return module_get(s->at[side], TCBSCOPE_CMD_SOCKET_GET, &id, false,
			  list);
}

struct module_list scope_listener(struct scope *s, bool entries)
{
	struct module_identity id = kmod_identity(s->conn.listener);
	struct module_list list = {};

	if (module_get(s->at[1], TCBSCOPE_CMD_LISTENER_GET, &id, entries,
		       &list))
		fprintf(stderr, "listener-get: %s\n", module_why(s->at[1]));
	return list;
}

struct told {
	struct tcp_info info;
	uint32_t memory[SK_MEMINFO_VARS];
};

static int tell(int fd, struct told *t)
{
	socklen_t info = sizeof(t->info), memory = sizeof(t->memory);

	memset(t, 0, sizeof(*t));
	if (getsockopt(fd, IPPROTO_TCP, TCP_INFO, &t->info, &info) ||
	    getsockopt(fd, SOL_SOCKET, SO_MEMINFO, t->memory, &memory))
		return -errno;
	/* These go on whatever happens. */
	t->info.tcpi_last_data_sent = t->info.tcpi_last_ack_sent = 0;
	t->info.tcpi_last_data_recv = t->info.tcpi_last_ack_recv = 0;
	t->info.tcpi_busy_time = t->info.tcpi_rwnd_limited = 0;
	t->info.tcpi_sndbuf_limited = 0;
	return 0;
}

int scope_compare(struct scope *s, int side, struct module_list *list,
		  struct tcp_info *info, uint32_t *memory)
{
	uint64_t deadline = clock_now_ns() + SCOPE_PATIENCE_NS;
	struct told before, after;
	int err;

	do {
		err = tell(s->conn.fd[side], &before);
		if (!err)
			err = scope_show(s, side, list);
		if (!err)
			err = tell(s->conn.fd[side], &after);
		if (!err && clock_now_ns() > deadline)
			err = -ETIMEDOUT;
	} while (!err && memcmp(&before, &after, sizeof(before)));
	*info = after.info;
	memcpy(memory, after.memory, sizeof(after.memory));
	return err;
}

int scope_settle(struct scope *s, int side)
{
	uint64_t deadline = clock_now_ns() + SCOPE_PATIENCE_NS;
	int left;

	for (;;) {
		if (ioctl(s->conn.fd[side], SIOCOUTQ, &left))
			return -errno;
		if (!left)
			return 0;
		if (clock_now_ns() > deadline)
			return -ETIMEDOUT;
		poll(NULL, 0, 1);
	}
}

uint64_t scope_in(const struct module_list *list, int nest, int type)
{
	struct module_list inner = module_nest(list, nest);

	return module_or(&inner, type, -1);
}

int64_t scope_timer(const struct module_list *list, uint64_t kind)
{
	struct module_list t;
	size_t at = 0;

	while (module_next(list, TCBSCOPE_A_SOCKET_TIMER, &at, &t))
		if (module_or(&t, TCBSCOPE_A_TIMER_KIND, -1) == kind)
			return module_or(&t, TCBSCOPE_A_TIMER_REMAINING_US, -1);
	return -1;
}

int scope_segments(const struct module_list *list, uint64_t queue, int n,
		   struct module_list *nth)
{
	struct module_list segment;
	size_t at = 0;
	int count = 0;

	while (module_next(list, TCBSCOPE_A_SOCKET_SEGMENT, &at, &segment)) {
		if (module_or(&segment, TCBSCOPE_A_SEGMENT_QUEUE, -1) != queue)
			continue;
		if (count++ == n)
			*nth = segment;
	}
	return count;
}
