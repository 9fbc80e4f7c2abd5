// SPDX-License-Identifier: GPL-2.0
/*
 * Walks over all sockets: first over the descriptors of all processes, to know
 * who holds what; then over each network namespace; then, for what no hash
 * table has, over the descriptors once more.
 */
#include "input/snapshot.h"
#include "bpf/snapshot.h"
#include "input/namespaces.h"
#include "lib/clock.h"
#include "tcbscope.skel.h"

#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* The kernel hands out 32 KiB at a time. */
#define BUFFER 65536

/* A socket that processes hold, as first found: the lowest process id. */
struct held {
	struct snapshot_holder first;
	__u32 holders;
	bool shared; /* by several processes */
	bool told;
};

struct snapshot {
	struct tcbscope_bpf *skel;
	struct bpf_link *files, *tcp;
	struct namespaces *namespaces;
	int last; /* the iterator over descriptors that comes last; -1: none */
	bool asked;   /* it has been told what to look for */
	nsec_t since; /* minisockets that are younger belong to the trace */

	struct held *held;
	size_t n_held, room, told;
	__u32 *index; /* of held[], + 1; by the hash of the cookie */
	size_t slots; /* a power of 2, more than n_held */

	uint64_t count;
	size_t filled; /* bytes of the buffer */
	char buffer[BUFFER];
};

static size_t slot_of(const struct snapshot *s, __u64 cookie)
{
	return cookie * 0x9e3779b97f4a7c15ull >> 32 & (s->slots - 1);
}

static struct held *held_find(const struct snapshot *s, __u64 cookie)
{
	size_t i = slot_of(s, cookie);

	for (; s->index[i]; i = (i + 1) & (s->slots - 1))
		if (s->held[s->index[i] - 1].first.cookie == cookie)
			return &s->held[s->index[i] - 1];
	return NULL;
}

static void index_put(struct snapshot *s, size_t which)
{
	size_t i = slot_of(s, s->held[which].first.cookie);

	while (s->index[i])
		i = (i + 1) & (s->slots - 1);
	s->index[i] = which + 1;
}

static int held_grow(struct snapshot *s)
{
	size_t room = s->room ? s->room * 2 : 512, i;
	struct held *held;
	__u32 *index;

	if (s->n_held < s->room)
		return 0;
	held = reallocarray(s->held, room, sizeof(*held));
	if (!held)
		return -ENOMEM;
	s->held = held;
	s->room = room;
	index = calloc(room * 2, sizeof(*index));
	if (!index)
		return -ENOMEM;
	free(s->index);
	s->index = index;
	s->slots = room * 2;
	for (i = 0; i < s->n_held; i++)
		index_put(s, i);
	return 0;
}

static int holder_add(struct snapshot *s, const struct snapshot_holder *h)
{
	struct held *held;
	int err = held_grow(s);

	if (err)
		return err;
	held = held_find(s, h->cookie);
	if (!held) {
		held = &s->held[s->n_held];
		memset(held, 0, sizeof(*held));
		held->first = *h;
		index_put(s, s->n_held++);
	}
	held->holders++;
	held->shared |= held->first.pid != h->pid;
	return 0;
}

/*
 * Reads once from an iterator. The buffer then has whole records of @size
 * from its beginning: *@n. 1: there may be more; 0: that was all; -errno.
 */
static int read_records(struct snapshot *s, int fd, size_t size, size_t *n)
{
	ssize_t got;

	do
		got = read(fd, s->buffer + s->filled, BUFFER - s->filled);
	while (got < 0 && (errno == EAGAIN || errno == EINTR));
	if (got < 0)
		return -errno;
	s->filled += got;
	*n = s->filled / size;
	return got > 0;
}

/* Keeps what is behind the last whole record for the next read. */
static void drop_records(struct snapshot *s, size_t size, size_t n)
{
	s->filled -= n * size;
	memmove(s->buffer, s->buffer + n * size, s->filled);
}

static int read_holders(struct snapshot *s)
{
	const struct snapshot_holder *h = (const void *)s->buffer;
	int fd = bpf_iter_create(bpf_link__fd(s->files)), err;
	size_t n = 0, i;

	if (fd < 0)
		return -errno;
	s->skel->bss->snapshot_what = SNAPSHOT_HOLDERS;
	do {
		err = read_records(s, fd, sizeof(*h), &n);
		for (i = 0; i < n && err >= 0; i++)
			if (holder_add(s, &h[i]))
				err = -ENOMEM;
		drop_records(s, sizeof(*h), n);
	} while (err > 0);
	close(fd);
	return err;
}

/*
 * Adds what is known of the holders. False: the socket has been yielded
 * already, or it began after the trace, which then has the whole of it.
 */
static bool complete(struct snapshot *s, struct event_socket *e)
{
	struct held *held = held_find(s, e->ev.cookie);
	bool mini = e->state == TCB_STATE_TIME_WAIT ||
		    e->state == TCB_STATE_NEW_SYN_RECV;

	if (mini && e->age_ns != ~0ull && e->ev.ts_ns - e->age_ns > s->since)
		return false;
	if (!held)
		return true;
	if (held->told)
		return false;
	held->told = true;
	s->told++;
	if (e->inode) {
		e->fd = held->first.fd;
		e->holders = held->holders;
	}
	if (e->ev.owner_how == HOW_observed)
		return true;
	e->ev.pid = held->first.pid;
	e->ev.tid = held->first.tid;
	memcpy(e->ev.comm, held->first.comm, sizeof(e->ev.comm));
	/* closed since, it is still that one's that held it */
	e->ev.owner_how = held->shared || !e->inode ? HOW_derived :
						      HOW_existing;
	return true;
}

static int yield(struct snapshot *s, int fd, input_sink sink, void *ctx)
{
	struct event_socket *e = (void *)s->buffer;
	int more, err = 0;
	size_t n = 0, i;

	more = read_records(s, fd, sizeof(*e), &n);
	for (i = 0; i < n && !err; i++) {
		if (!complete(s, &e[i]))
			continue;
		s->count++;
		err = sink(ctx, &e[i], sizeof(e[i]));
	}
	drop_records(s, sizeof(*e), n);
	return err ? err : more;
}

/*
 * Which sockets to look for in the last walk: of a namespace that was not
 * entered all of them, else only those that are in no hash table.
 */
static enum snapshot_what last_what(const struct snapshot *s)
{
	size_t i;

	for (i = 0; i < s->n_held; i++)
		if (!s->held[i].told &&
		    !namespaces_has(s->namespaces, s->held[i].first.netns))
			return SNAPSHOT_ALL;
	return SNAPSHOT_CLOSED;
}

int snapshot_read(struct snapshot *s, input_sink sink, void *ctx)
{
	int fd = namespaces_current(s->namespaces), more;

	if (fd >= 0) {
		more = yield(s, fd, sink, ctx);
		if (!more)
			namespaces_next(s->namespaces);
		return more < 0 ? more : 1;
	}
	if (s->last < 0)
		return 0;
	if (s->told < s->n_held) {
		if (!s->asked) {
			s->skel->bss->snapshot_what = last_what(s);
			s->asked = true;
		}
		more = yield(s, s->last, sink, ctx);
		if (more)
			return more;
	}
	close(s->last);
	s->last = -1;
	return 0;
}

struct snapshot *snapshot_open(struct tcbscope_bpf *skel, bool remember)
{
	struct snapshot *s = calloc(1, sizeof(*s));
	int err = -ENOMEM;

	if (!s)
		return NULL;
	s->skel = skel;
	s->last = -1;
	s->since = remember ? clock_now_ns() : ~0ull;
	s->skel->bss->snapshot_remembers = remember;
	if (held_grow(s))
		goto fail;
	s->files = bpf_program__attach_iter(skel->progs.snapshot_files, NULL);
	s->tcp = bpf_program__attach_iter(skel->progs.snapshot_tcp, NULL);
	if (!s->files || !s->tcp) {
		err = -errno;
		goto fail;
	}
	s->last = bpf_iter_create(bpf_link__fd(s->files));
	err = s->last < 0 ? -errno : read_holders(s);
	if (err)
		goto fail;
	s->namespaces = namespaces_open(bpf_link__fd(s->tcp));
	if (s->namespaces)
		return s;
	err = -errno;
fail:
	snapshot_free(s);
	errno = -err;
	return NULL;
}

void snapshot_free(struct snapshot *s)
{
	if (!s)
		return;
	namespaces_free(s->namespaces);
	if (s->last >= 0)
		close(s->last);
	bpf_link__destroy(s->tcp);
	bpf_link__destroy(s->files);
	free(s->held);
	free(s->index);
	free(s);
}

uint64_t snapshot_count(const struct snapshot *s)
{
	return s->count;
}

const struct input_blind *snapshot_blind(const struct snapshot *s)
{
	return namespaces_blind(s->namespaces);
}
