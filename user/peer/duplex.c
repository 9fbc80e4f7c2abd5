// SPDX-License-Identifier: GPL-2.0
/* Both ways at once: our input to the peer, the peer's to our output. */
#include "peer/duplex.h"
#include "lib/say.h"

#include <errno.h>
#include <limits.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#define DUPLEX_HELLO "tcbpeer\1"
#define DUPLEX_SUM (8 + SHA256_DIGEST_SIZE)

enum { FD_PEER, FD_INPUT, FD_OUTPUT };

void duplex_init(struct duplex *d)
{
	memset(d, 0, sizeof(*d));
	d->fd = d->in = d->out = -1;
	sha256_init(&d->sent_hash);
	sha256_init(&d->received_hash);
}

static bool buffer_empty(const struct duplex_buffer *b)
{
	return b->begin == b->end;
}

/* What the rest of a buffer is, and how much. */
static uint8_t *buffer_at(struct duplex_buffer *b, size_t *len)
{
	*len = b->end - b->begin;
	return b->data + b->begin;
}

static void buffer_take(struct duplex_buffer *b, size_t len)
{
	b->begin += len;
	if (buffer_empty(b))
		b->begin = b->end = 0;
}

/* Add a frame to what goes to the peer, which has always room for a few. */
static void duplex_frame(struct duplex *d, uint8_t type, const void *data,
			 size_t len)
{
	struct duplex_buffer *b = &d->to_peer;

	frame_head(b->data + b->end, type, len);
	memcpy(b->data + b->end + FRAME_HEAD, data, len);
	b->end += FRAME_HEAD + len;
}

/* How much, and its hash: at this point of the stream, which may go on. */
static void duplex_sum(const struct sha256_ctx *hash, uint64_t bytes,
		       uint8_t sum[DUPLEX_SUM])
{
	struct sha256_ctx copy = *hash;

	frame_put(sum, bytes, 8);
	sha256_digest(&copy, SHA256_DIGEST_SIZE, sum + 8);
}

static bool duplex_sum_is(const struct sha256_ctx *hash, uint64_t bytes,
			  const struct frame *frame)
{
	uint8_t sum[DUPLEX_SUM];

	duplex_sum(hash, bytes, sum);
	return frame->len == sizeof(sum) &&
	       !memcmp(sum, frame->data, sizeof(sum));
}

/* What is due to the peer besides data. */
static void duplex_due(struct duplex *d)
{
	uint8_t sum[DUPLEX_SUM];

	if (!buffer_empty(&d->to_peer))
		return;
	if (d->raw) {
		if (d->in_ended && !d->fin)
			shutdown(d->fd, SHUT_WR);
		d->fin = d->in_ended;
		return;
	}
	if (!d->greeted)
		duplex_frame(d, 'H', DUPLEX_HELLO, strlen(DUPLEX_HELLO));
	d->greeted = true;
	if (d->in_ended && !d->end_sent) {
		duplex_sum(&d->sent_hash, d->sent, sum);
		duplex_frame(d, 'E', sum, sizeof(sum));
		d->end_sent = true;
	}
	if (d->peer_ended && !d->verdict_sent) {
		duplex_sum(&d->received_hash, d->received, sum);
		duplex_frame(d, 'V', sum, sizeof(sum));
		d->verdict_sent = true;
	}
}

/* Line by line, for what is escaped in a line are newlines, too. */
static void duplex_escape(struct duplex_buffer *b, const char *s, size_t len)
{
	const char *end;
	size_t n;

	for (; len; s += n, len -= n) {
		end = memchr(s, '\n', len);
		n = end ? (size_t)(end - s) : len;
		b->end += say_escape((char *)b->data + b->end,
				     sizeof(b->data) - b->end, s, n);
		if (end) {
			b->data[b->end++] = '\n';
			n++;
		}
	}
}

/* Data of the peer, which to_out has room for: it is empty. */
static void duplex_show(struct duplex *d, const uint8_t *data, size_t len)
{
	static const char head[] = "{\"type\":\"message\",\"message\":\"";
	struct duplex_buffer *b = &d->to_out;

	d->received += len;
	sha256_update(&d->received_hash, len, data);
	switch (d->form) {
	case DUPLEX_BYTES:
		memcpy(b->data, data, len);
		b->end = len;
		break;
	case DUPLEX_TERMINAL:
		duplex_escape(b, (const char *)data, len);
		break;
	case DUPLEX_JSON:
		memcpy(b->data, head, sizeof(head) - 1);
		b->end = sizeof(head) - 1;
		b->end += say_json((char *)b->data + b->end,
				   sizeof(b->data) - b->end, (const char *)data,
				   len);
		memcpy(b->data + b->end, "\"}\n", 3);
		b->end += 3;
		break;
	}
}

/*
 * The peer's greeting, as much of it as there is: who says something else is
 * told so at once, however little it is. Returns 0 or -EPROTO.
 */
static int duplex_greet(struct duplex *d)
{
	uint8_t hello[FRAME_HEAD + sizeof(DUPLEX_HELLO) - 1];
	size_t len;
	const uint8_t *at = buffer_at(&d->from_peer, &len);

	frame_head(hello, 'H', strlen(DUPLEX_HELLO));
	memcpy(hello + FRAME_HEAD, DUPLEX_HELLO, strlen(DUPLEX_HELLO));
	d->heard = len >= sizeof(hello);
	if (memcmp(hello, at, d->heard ? sizeof(hello) : len))
		return -EPROTO;
	if (d->heard)
		buffer_take(&d->from_peer, sizeof(hello));
	return 0;
}

/* One frame of the peer behind its greeting. Returns 0 or -errno. */
static int duplex_hear(struct duplex *d, const struct frame *frame)
{
	switch (frame->type) {
	case 'D':
		if (d->peer_ended || !frame->len)
			return -EPROTO;
		duplex_show(d, frame->data, frame->len);
		return 0;
	case 'E':
		if (d->peer_ended)
			return -EPROTO;
		d->peer_ended = true;
		return duplex_sum_is(&d->received_hash, d->received, frame) ?
			       0 :
			       -EBADMSG;
	case 'V':
		if (!d->end_sent || d->verified)
			return -EPROTO;
		d->verified = duplex_sum_is(&d->sent_hash, d->sent, frame);
		return d->verified ? 0 : -EBADMSG;
	}
	return -EPROTO;
}

/* Frames that are whole, as long as the output takes more. */
static int duplex_hear_all(struct duplex *d)
{
	struct frame frame;
	size_t len;
	int n, err;

	err = d->heard ? 0 : duplex_greet(d);
	if (err)
		return err;
	while (d->heard && buffer_empty(&d->to_out)) {
		const uint8_t *at = buffer_at(&d->from_peer, &len);

		n = frame_parse(at, len, DUPLEX_CHUNK, &frame);
		if (n <= 0)
			return n ? -EPROTO : 0;
		err = duplex_hear(d, &frame);
		if (err)
			return err;
		buffer_take(&d->from_peer, n);
	}
	return 0;
}

static int duplex_receive(struct duplex *d)
{
	struct duplex_buffer *b = &d->from_peer;
	size_t room = FRAME_HEAD + DUPLEX_CHUNK, len;
	uint8_t *at = buffer_at(b, &len);
	ssize_t n;

	memmove(b->data, at, len);
	b->begin = 0;
	b->end = len;
	n = recv(d->fd, b->data + len, (d->raw ? DUPLEX_CHUNK : room) - len, 0);
	if (n < 0)
		return errno == EAGAIN || errno == EINTR ? 0 : -errno;
	if (!n && !d->raw)
		return -ENODATA;
	if (!d->raw) {
		b->end += n;
		return 0;
	}
	d->peer_ended = !n;
	if (n)
		duplex_show(d, b->data, n);
	return 0;
}

/* Send what there is. Returns 0 or -errno. */
static int duplex_send(struct duplex *d)
{
	size_t len;
	const uint8_t *at = buffer_at(&d->to_peer, &len);
	ssize_t n = send(d->fd, at, len, MSG_NOSIGNAL);

	if (n < 0)
		return errno == EAGAIN || errno == EINTR ? 0 : -errno;
	buffer_take(&d->to_peer, n);
	return 0;
}

/* Was the file cut while it was read? What was sent is no state it ever had. */
static bool duplex_was_cut(const struct duplex *d)
{
	struct stat st;

	return d->size && !fstat(d->in, &st) && (uint64_t)st.st_size < d->size;
}

/* Read once; to_peer is empty. Returns 0 or -errno. */
static int duplex_read(struct duplex *d)
{
	struct duplex_buffer *b = &d->to_peer;
	size_t head = d->raw ? 0 : FRAME_HEAD;
	ssize_t n = read(d->in, b->data + head, DUPLEX_CHUNK);

	if (n < 0)
		return errno == EAGAIN || errno == EINTR ? 0 : -errno;
	if (!n || (d->chat && n == 5 && !memcmp(b->data + head, "quit\n", 5))) {
		d->in_ended = true;
		return duplex_was_cut(d) ? -ESTALE : 0;
	}
	sha256_update(&d->sent_hash, n, b->data + head);
	d->sent += n;
	if (!d->raw)
		frame_head(b->data, 'D', n);
	b->end = head + n;
	return 0;
}

/* Write as much as a pipe that is ready always takes. Returns 0 or -errno. */
static int duplex_write(struct duplex *d)
{
	size_t len;
	const uint8_t *at = buffer_at(&d->to_out, &len);
	ssize_t n = write(d->out, at, len < PIPE_BUF ? len : PIPE_BUF);

	if (n < 0)
		return errno == EAGAIN || errno == EINTR ? 0 : -errno;
	buffer_take(&d->to_out, n);
	return 0;
}

static bool duplex_listens(const struct duplex *d)
{
	return buffer_empty(&d->to_out) &&
	       !(d->peer_ended && (d->raw || d->verified));
}

void duplex_poll(const struct duplex *d, struct pollfd pfds[DUPLEX_FDS])
{
	bool sends = !buffer_empty(&d->to_peer) || (!d->raw && !d->greeted);
	bool reads = !sends && !d->in_ended && d->in >= 0;
	short events = (sends ? POLLOUT : 0) | (duplex_listens(d) ? POLLIN : 0);

	/* Not with no events: a hang-up would be told again and again. */
	pfds[FD_PEER] = (struct pollfd){
		.fd = events ? d->fd : -1,
		.events = events,
	};
	pfds[FD_INPUT] = (struct pollfd){
		.fd = reads ? d->in : -1,
		.events = POLLIN,
	};
	pfds[FD_OUTPUT] = (struct pollfd){
		.fd = buffer_empty(&d->to_out) ? -1 : d->out,
		.events = POLLOUT,
	};
}

/* What poll() found, in the order of the descriptors. Returns 0 or -errno. */
static int duplex_io(struct duplex *d, const struct pollfd pfds[DUPLEX_FDS])
{
	int err = 0;

	d->where = DUPLEX_PEER;
	if (pfds[FD_PEER].revents & ~POLLOUT && duplex_listens(d))
		err = duplex_receive(d);
	if (!err && pfds[FD_PEER].revents & ~POLLIN &&
	    !buffer_empty(&d->to_peer))
		err = duplex_send(d);
	if (!err && pfds[FD_INPUT].revents && buffer_empty(&d->to_peer)) {
		d->where = DUPLEX_INPUT;
		err = duplex_read(d);
	}
	if (!err && pfds[FD_OUTPUT].revents) {
		d->where = DUPLEX_OUTPUT;
		err = duplex_write(d);
	}
	return err;
}

int duplex_step(struct duplex *d, const struct pollfd pfds[DUPLEX_FDS])
{
	int err;

	if (d->in < 0)
		d->in_ended = true;
	err = duplex_io(d, pfds);
	if (err)
		return err;
	d->where = DUPLEX_PEER;
	if (!d->raw) {
		err = duplex_hear_all(d);
		if (err)
			return err;
	}
	duplex_due(d);
	if (!buffer_empty(&d->to_peer) || !buffer_empty(&d->to_out) ||
	    !d->peer_ended)
		return 1;
	return d->raw ? !d->fin :
			!(d->end_sent && d->verdict_sent && d->verified);
}
