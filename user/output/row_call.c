// SPDX-License-Identifier: GPL-2.0
/* Arguments in the order of the system call, those that are known. */
#include "output/row_call.h"

#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>

struct word {
	__u32 bits;
	const char *text;
};

static const struct word msg_words[] = { { MSG_CMSG_CLOEXEC,
					   "MSG_CMSG_CLOEXEC" },
					 { MSG_DONTROUTE, "MSG_DONTROUTE" },
					 { MSG_DONTWAIT, "MSG_DONTWAIT" },
					 { MSG_ERRQUEUE, "MSG_ERRQUEUE" },
					 { MSG_FASTOPEN, "MSG_FASTOPEN" },
					 { MSG_MORE, "MSG_MORE" },
					 { MSG_NOSIGNAL, "MSG_NOSIGNAL" },
					 { MSG_OOB, "MSG_OOB" },
					 { MSG_PEEK, "MSG_PEEK" },
					 { MSG_TRUNC, "MSG_TRUNC" },
					 { MSG_WAITALL, "MSG_WAITALL" },
					 { MSG_WAITFORONE, "MSG_WAITFORONE" },
					 { MSG_ZEROCOPY, "MSG_ZEROCOPY" },
					 {} };

static const struct word sock_words[] = { { SOCK_NONBLOCK, "SOCK_NONBLOCK" },
					  { SOCK_CLOEXEC, "SOCK_CLOEXEC" },
					  {} };

static const struct word file_words[] = { { O_RDWR, "O_RDWR" },
					  { O_NONBLOCK, "O_NONBLOCK" },
					  { O_ASYNC, "O_ASYNC" },
					  { O_CLOEXEC, "O_CLOEXEC" },
					  {} };

static const struct word splice_words[] = { { SPLICE_F_MOVE, "SPLICE_F_MOVE" },
					    { SPLICE_F_NONBLOCK,
					      "SPLICE_F_NONBLOCK" },
					    { SPLICE_F_MORE, "SPLICE_F_MORE" },
					    {} };

/* Adds to the text under EVENT, which is cut if it does not fit. */
__attribute__((format(printf, 2, 3))) static void put(struct row *row,
						      const char *fmt, ...)
{
	size_t n = strlen(row->event);
	va_list args;

	va_start(args, fmt);
	vsnprintf(row->event + n, sizeof(row->event) - n, fmt, args);
	va_end(args);
}

/* The next argument. */
#define ARG(row, fmt, ...)                                             \
	put(row, "%s" fmt,                                             \
	    (row)->event[strlen((row)->event) - 1] == '(' ? "" : ", ", \
	    __VA_ARGS__)

/* A|B|0x10 */
static const char *bits_text(const struct word *w, __u32 bits, char text[200])
{
	size_t n = 0;

	*text = '\0';
	for (; w->text; w++) {
		if (!(bits & w->bits))
			continue;
		n += snprintf(text + n, 200 - n, "%s%s", n ? "|" : "", w->text);
		bits &= ~w->bits;
	}
	if (bits)
		snprintf(text + n, 200 - n, "%s%#x", n ? "|" : "", bits);
	return text;
}

static void arg_bits(struct row *row, const struct word *words, __u32 bits)
{
	char text[200];

	if (bits)
		ARG(row, "%s", bits_text(words, bits, text));
}

static const struct word *flag_words(enum call_op op)
{
	switch (op) {
	case CALL_socket:
	case CALL_accept4:
		return sock_words;
	case CALL_fcntl:
	case CALL_dup3:
		return file_words;
	case CALL_splice:
		return splice_words;
	default:
		return msg_words;
	}
}

static void arg_option(const struct schema *schema, struct row *row,
		       const struct event_call *c)
{
	if (c->option)
		ARG(row, "%s",
		    schema_name(schema, EVENT_call, "option", c->option));
	else
		ARG(row, "%u, %u", c->level, c->optname);
	if (c->optval != CALL_NO_VALUE)
		ARG(row, "%lld", (long long)c->optval);
}

static void row_args(const struct schema *schema, const struct event_call *c,
		     struct row *row)
{
	char end[CELL_TEXT], bits[SCHEMA_BITS_LEN];

	if (c->op == CALL_socket)
		ARG(row, "%s",
		    c->ev.family == FAMILY_INET6 ? "AF_INET6" : "AF_INET");
	if (c->epfd != ~0u)
		ARG(row, "%d", (int)c->epfd);
	if (c->epoll_op)
		ARG(row, "%s",
		    schema_name(schema, EVENT_call, "epoll_op", c->epoll_op));
	if (c->fd != ~0u || (c->phase != CALL_PHASE_ready &&
			     c->op < CALL_poll && c->op != CALL_socket))
		ARG(row, "%d", (int)c->fd);
	if (c->cmd)
		ARG(row, "F_%s",
		    schema_name(schema, EVENT_call, "cmd", c->cmd));
	if (c->to_family) {
		cell_end(c->to_family, &c->to, c->to_port, end);
		ARG(row, "%s", end);
	}
	if (c->backlog != ~0u)
		ARG(row, "%d", (int)c->backlog);
	if (c->shut != 255)
		ARG(row, "%s",
		    schema_name(schema, EVENT_call, "shut", c->shut));
	if (c->level != ~0u)
		arg_option(schema, row, c);
	if (c->len != ~0ull)
		ARG(row, "%llu", (unsigned long long)c->len);
	arg_bits(row, flag_words(c->op), c->flags);
	if (c->wanted)
		ARG(row, "%s",
		    schema_bits(schema, EVENT_call, "wanted", c->wanted, "|",
				bits));
}

static void row_result(const struct event_call *c, struct row *row)
{
	char span[CELL_TEXT];

	if (c->err && strerrorname_np(c->err))
		put(row, " = -1 %s", strerrorname_np(c->err));
	else if (c->err) /* the kernel's own: it may go on by itself */
		put(row, " = ? interrupted");
	else
		put(row, " = %lld", (long long)c->result);
	row->colour = c->err ? "31" : "2";
	if (c->duration_ns < 1000)
		return;
	cell_span(c->duration_ns, false, span);
	row_add(row, "%s", span);
}

void row_call(const struct schema *schema, const struct event_call *c,
	      struct row *row)
{
	char bits[SCHEMA_BITS_LEN];

	put(row, "%s(", schema_name(schema, EVENT_call, "op", c->op));
	row_args(schema, c, row);
	put(row, ")");
	row->colour = "2";
	if (c->phase == CALL_PHASE_exit)
		row_result(c, row);
	else
		put(row, c->phase == CALL_PHASE_ready ? " ready" : " ...");
	if (c->ready)
		row_add(row, "ready: %s",
			schema_bits(schema, EVENT_call, "ready", c->ready, "|",
				    bits));
	if (c->via == CALL_VIA_io_uring)
		row_add(row, "io_uring");
	if (c->ev.tid != c->ev.pid)
		row_add(row, "thread %u", c->ev.tid);
}

void row_call_goes_on(struct row *row)
{
	char event[sizeof(row->event)];

	snprintf(event, sizeof(event), "... %.*s", (int)sizeof(event) - 5,
		 row->event);
	strcpy(row->event, event);
}
