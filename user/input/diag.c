// SPDX-License-Identifier: GPL-2.0
/* Asks sock_diag(7), and gathers of its answers who waits at a listener. */
#include "input/diag.h"
#include "input/diag_queues.h"

#include <errno.h>
#include <netinet/in.h>
#include <netlink/msg.h>
#include <netlink/netlink.h>
#include <stdlib.h>
#include <string.h>

#define STATE(name) (1u << TCBSCOPE_STATE_##name)
#define ANY_STATE 0x1fffu
#define WAITING_MAX 4096 /* entries of a listener that are kept */

/* A message of the kernel's, with the attributes behind it. */
typedef int (*message_fn)(void *ctx, const struct inet_diag_msg *m,
			  const struct module_list *attrs);

struct diag {
	struct nl_sock *sock;
	struct nl_msg *reply; /* the last list */
	message_fn fn;
	void *ctx;
	int err; /* the kernel's answer, or the function's; 1: go on reading */
};

struct diag *diag_open(void)
{
	struct diag *d = calloc(1, sizeof(*d));
	int err = -ENOMEM;

	if (!d)
		return NULL;
	d->sock = nl_socket_alloc();
	if (d->sock) {
		nl_socket_disable_auto_ack(d->sock);
		nl_socket_set_msg_buf_size(d->sock, 65536);
		err = module_error(nl_connect(d->sock, NETLINK_SOCK_DIAG));
	}
	if (!err)
		return d;
	diag_close(d);
	errno = -err;
	return NULL;
}

void diag_close(struct diag *d)
{
	if (!d)
		return;
	nl_socket_free(d->sock);
	nlmsg_free(d->reply);
	free(d);
}

static int on_message(struct nl_msg *msg, void *arg)
{
	struct nlmsghdr *nlh = nlmsg_hdr(msg);
	const struct inet_diag_msg *m = nlmsg_data(nlh);
	struct module_list attrs;
	struct diag *d = arg;

	if (nlh->nlmsg_type != SOCK_DIAG_BY_FAMILY ||
	    nlmsg_datalen(nlh) < (int)sizeof(*m))
		return NL_SKIP;
	attrs.data = nlmsg_attrdata(nlh, sizeof(*m));
	attrs.len = nlmsg_attrlen(nlh, sizeof(*m));
	if (d->err == 1)
		d->err = d->fn(d->ctx, m, &attrs) ?: 1;
	if (!(nlh->nlmsg_flags & NLM_F_MULTI) && d->err == 1)
		d->err = 0;
	return NL_OK;
}

static int on_done(struct nl_msg *msg, void *arg)
{
	struct diag *d = arg;

	(void)msg;
	if (d->err == 1)
		d->err = 0;
	return NL_STOP;
}

static int on_error(struct sockaddr_nl *from, struct nlmsgerr *error, void *arg)
{
	struct diag *d = arg;

	(void)from;
	d->err = error->error;
	return NL_STOP;
}

/* Sends what is asked and reads until all has come. */
static int converse(struct diag *d, struct nl_msg *msg)
{
	struct nl_cb *cb = nl_cb_alloc(NL_CB_CUSTOM);
	int err;

	if (!cb)
		return -ENOMEM;
	d->err = 1;
	nl_cb_set(cb, NL_CB_VALID, NL_CB_CUSTOM, on_message, d);
	nl_cb_set(cb, NL_CB_FINISH, NL_CB_CUSTOM, on_done, d);
	nl_cb_err(cb, NL_CB_CUSTOM, on_error, d);
	err = nl_send_auto(d->sock, msg);
	while (err >= 0 && d->err == 1) {
		err = nl_recvmsgs(d->sock, cb);
		if (err == -NLE_DUMP_INTR) /* some may have come or gone */
			err = 0;
	}
	nl_cb_put(cb);
	return d->err != 1 ? d->err : module_error(err);
}

static int ask(struct diag *d, const struct inet_diag_req_v2 *req, int flags,
	       message_fn fn, void *ctx)
{
	struct nl_msg *msg = nlmsg_alloc_simple(SOCK_DIAG_BY_FAMILY,
						NLM_F_REQUEST | flags);
	int err = -ENOMEM;

	d->fn = fn;
	d->ctx = ctx;
	if (msg && !nlmsg_append(msg, (void *)req, sizeof(*req), NLMSG_ALIGNTO))
		err = converse(d, msg);
	nlmsg_free(msg);
	return err;
}

/* Both families, as a socket for IPv6 can have IPv4 addresses. */
static int ask_all(struct diag *d, struct inet_diag_req_v2 *req, message_fn fn,
		   void *ctx)
{
	int err;

	req->sdiag_protocol = IPPROTO_TCP;
	req->sdiag_family = AF_INET;
	err = ask(d, req, NLM_F_DUMP, fn, ctx);
	req->sdiag_family = AF_INET6;
	if (!err)
		err = ask(d, req, NLM_F_DUMP, fn, ctx);
	return err;
}

struct each {
	diag_sink sink;
	void *ctx;
};

static int each_message(void *ctx, const struct inet_diag_msg *m,
			const struct module_list *attrs)
{
	const struct each *each = ctx;
	struct diag_socket s = {
		.state = m->idiag_state,
		.inode = m->idiag_inode,
	};

	(void)attrs;
	diag_attrs_identity(m, &s.id);
	return each->sink(each->ctx, &s);
}

int diag_each(struct diag *d, uint16_t local_port, uint16_t remote_port,
	      diag_sink sink, void *ctx)
{
	struct each each = { sink, ctx };
	struct inet_diag_req_v2 req = {
		.idiag_states = ANY_STATE,
		.id.idiag_sport = htons(local_port),
		.id.idiag_dport = htons(remote_port),
	};

	return ask_all(d, &req, each_message, &each);
}

/* What a look at one socket finds. */
struct look {
	const struct diag_socket *s;
	struct nl_msg *reply;
	bool found;
	struct diag_waiting *waiting;
	size_t n;
	bool truncated;
};

/* Could it have come through this listener, and does nobody hold it? */
static bool waits_at(const struct inet_diag_msg *m, const struct look *l)
{
	static const uint8_t any[16];
	const struct module_identity *at = &l->s->id;
	struct module_identity id;

	diag_attrs_identity(m, &id);
	return !m->idiag_inode && id.remote_port &&
	       id.local_port == at->local_port &&
	       (!memcmp(at->local, any, sizeof(any)) ||
		!memcmp(at->local, id.local, sizeof(any)));
}

static int look_message(void *ctx, const struct inet_diag_msg *m,
			const struct module_list *attrs)
{
	struct look *l = ctx;
	struct module_identity id;

	diag_attrs_identity(m, &id);
	if (id.cookie == l->s->id.cookie) {
		l->found = true;
		return l->waiting ? diag_queues_listener(l->reply, m, attrs) :
				    diag_attrs_socket(l->reply, m, attrs);
	}
	if (!l->waiting || !waits_at(m, l))
		return 0;
	if (l->n == WAITING_MAX)
		l->truncated = true;
	else
		diag_queues_take(&l->waiting[l->n++], m, attrs);
	return 0;
}

static void request_exactly(struct inet_diag_req_v2 *req,
			    const struct module_identity *id)
{
	req->sdiag_family = id->family;
	req->sdiag_protocol = IPPROTO_TCP;
	req->id.idiag_dport = htons(id->remote_port);
	memcpy(req->id.idiag_src, id->local, sizeof(id->local));
	memcpy(req->id.idiag_dst, id->remote, sizeof(id->remote));
	req->id.idiag_if = id->device;
	req->id.idiag_cookie[0] = id->cookie;
	req->id.idiag_cookie[1] = id->cookie >> 32;
}

static int look(struct diag *d, struct look *l)
{
	const struct module_identity *id = &l->s->id;
	struct inet_diag_req_v2 req = {
		.idiag_ext = DIAG_ATTRS_WANTED,
		.id.idiag_sport = htons(id->local_port),
	};
	int err;

	if (!l->waiting) {
		request_exactly(&req, id);
		return ask(d, &req, 0, look_message, l);
	}
	req.idiag_states = STATE(LISTEN) | STATE(SYN_RECV) |
			   STATE(ESTABLISHED) | STATE(CLOSE_WAIT);
	err = ask_all(d, &req, look_message, l);
	if (err || !l->found)
		return err;
	return diag_queues_waiting(l->reply, l->waiting, l->n, l->truncated);
}

/* An empty message in the place of the last one. 0 or -ENOMEM. */
static int new_reply(struct diag *d)
{
	nlmsg_free(d->reply);
	d->reply = nlmsg_alloc_size(65536 + WAITING_MAX * DIAG_QUEUES_ENTRY);
	return d->reply && nlmsg_put(d->reply, 0, 0, 0, 0, 0) ? 0 : -ENOMEM;
}

static void give_reply(struct diag *d, struct module_list *list)
{
	list->data = nlmsg_attrdata(nlmsg_hdr(d->reply), 0);
	list->len = nlmsg_attrlen(nlmsg_hdr(d->reply), 0);
}

int diag_get(struct diag *d, const struct diag_socket *s,
	     struct module_list *list)
{
	struct look l = { .s = s };
	int err = new_reply(d);

	l.reply = d->reply;
	if (!err && s->state == TCBSCOPE_STATE_LISTEN) {
		l.waiting = calloc(WAITING_MAX, sizeof(*l.waiting));
		err = l.waiting ? 0 : -ENOMEM;
	}
	if (!err)
		err = look(d, &l);
	free(l.waiting);
	if (!err && !l.found)
		err = -ENOENT;
	if (!err)
		give_reply(d, list);
	return err == -ESTALE ? -ENOENT : err;
}

int diag_of_fd(struct diag *d, int fd, const struct diag_socket *s,
	       struct module_list *list)
{
	int err = new_reply(d);

	if (!err)
		err = diag_attrs_fd(d->reply, fd, s);
	if (!err)
		give_reply(d, list);
	return err;
}
