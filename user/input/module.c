// SPDX-License-Identifier: GPL-2.0
#include "input/module.h"

#include <errno.h>
#include <linux/genetlink.h>
#include <netlink/genl/ctrl.h>
#include <netlink/genl/family.h>
#include <netlink/genl/genl.h>
#include <netlink/netlink.h>
#include <stdlib.h>
#include <string.h>

struct module {
	struct nl_sock *sock;
	int family; /* the number that the kernel gave the family */
	char why[128];
	bool inconsistent;
	uint8_t *data; /* of the last reply */
	size_t len, room;
	module_sink sink; /* NULL: collect in data */
	void *ctx;
	int err; /* the kernel's answer, or the sink's; 1: go on reading */
};

/* libnl has errors of its own; those that can happen here. */
int module_error(int err)
{
	if (err >= 0)
		return 0;
	switch (-err) {
	case NLE_NOMEM:
		return -ENOMEM;
	case NLE_PERM:
	case NLE_NOACCESS:
		return -EPERM;
	case NLE_OBJ_NOTFOUND:
		return -ENOENT;
	default:
		return -EIO;
	}
}

/* Does the module speak as we do? 0 or -errno. */
static int check_version(struct module *m)
{
	struct genl_family *family;
	struct nl_cache *cache;
	int err = genl_ctrl_alloc_cache(m->sock, &cache);

	if (err)
		return module_error(err);
	family = genl_ctrl_search(cache, m->family);
	if (!family)
		err = -ENOENT;
	else if (genl_family_get_version(family) != TCBSCOPE_FAMILY_VERSION)
		err = -EPROTONOSUPPORT;
	genl_family_put(family);
	nl_cache_free(cache);
	return err;
}

struct module *module_open(void)
{
	struct module *m = calloc(1, sizeof(*m));
	int yes = 1, err = -ENOMEM;

	if (!m)
		return NULL;
	m->sock = nl_socket_alloc();
	if (m->sock) {
		nl_socket_disable_auto_ack(m->sock);
		err = module_error(genl_connect(m->sock));
	}
	if (!err) {
		/* So that the kernel says what it does not like. */
		setsockopt(nl_socket_get_fd(m->sock), SOL_NETLINK,
			   NETLINK_EXT_ACK, &yes, sizeof(yes));
		/* Else unknown attributes of a request would be ignored. */
		setsockopt(nl_socket_get_fd(m->sock), SOL_NETLINK,
			   NETLINK_GET_STRICT_CHK, &yes, sizeof(yes));
		nl_socket_set_msg_buf_size(m->sock, 65536);
		m->family = genl_ctrl_resolve(m->sock, TCBSCOPE_FAMILY_NAME);
		err = m->family < 0 ? module_error(m->family) :
				      check_version(m);
	}
	if (!err)
		return m;
	module_close(m);
	errno = -err;
	return NULL;
}

void module_close(struct module *m)
{
	if (!m)
		return;
	nl_socket_free(m->sock);
	free(m->data);
	free(m);
}

const char *module_why(const struct module *m)
{
	return m->why;
}

bool module_consistent(const struct module *m)
{
	return !m->inconsistent;
}

/* What the kernel says about the request, behind the request's own header. */
static void read_why(struct module *m, const struct nlmsghdr *nlh,
		     const struct nlattr *attrs)
{
	int len = (const char *)nlmsg_tail(nlh) - (const char *)attrs;
	const struct nlattr *text;

	if (!(nlh->nlmsg_flags & NLM_F_ACK_TLVS) || len <= 0)
		return;
	text = nla_find(attrs, len, NLMSGERR_ATTR_MSG);
	if (text)
		snprintf(m->why, sizeof(m->why), "%.*s", nla_len(text),
			 (const char *)nla_data(text));
}

static int append(struct module *m, const struct nlattr *attrs, int len)
{
	size_t room = m->room ? m->room : 16384;
	uint8_t *data;

	while (room < m->len + len)
		room *= 2;
	if (room != m->room) {
		data = realloc(m->data, room);
		if (!data)
			return -ENOMEM;
		m->data = data;
		m->room = room;
	}
	memcpy(m->data + m->len, attrs, len);
	m->len += len;
	return 0;
}

static int on_message(struct nl_msg *msg, void *arg)
{
	struct nlmsghdr *nlh = nlmsg_hdr(msg);
	struct genlmsghdr *header = nlmsg_data(nlh);
	struct module *m = arg;
	struct module_list list;

	if (nlh->nlmsg_flags & NLM_F_DUMP_INTR)
		m->inconsistent = true;
	if (nlh->nlmsg_type != m->family ||
	    nlmsg_datalen(nlh) < (int)GENL_HDRLEN)
		return NL_SKIP;
	list.data = genlmsg_attrdata(header, 0);
	list.len = genlmsg_attrlen(header, 0);
	if (m->err == 1 && !m->sink) {
		m->err = append(m, list.data, list.len) ?: 1;
	} else if (m->err == 1) {
		m->err = m->sink(m->ctx, &list) ?: 1;
	}
	/* The reply to a "do" is one message. */
	if (!(nlh->nlmsg_flags & NLM_F_MULTI) && m->err == 1)
		m->err = 0;
	return NL_OK;
}

/* NLMSG_DONE of a dump has an error, too, if it ends in one. */
static int on_done(struct nl_msg *msg, void *arg)
{
	struct nlmsghdr *nlh = nlmsg_hdr(msg);
	struct module *m = arg;
	int err = 0;

	if (nlmsg_datalen(nlh) >= (int)sizeof(err))
		memcpy(&err, nlmsg_data(nlh), sizeof(err));
	if (err < 0)
		read_why(m, nlh,
			 (struct nlattr *)((char *)nlmsg_data(nlh) +
					   NLMSG_ALIGN(sizeof(err))));
	if (nlh->nlmsg_flags & NLM_F_DUMP_INTR)
		m->inconsistent = true;
	if (m->err == 1)
		m->err = err;
	return NL_STOP;
}

static int on_error(struct sockaddr_nl *from, struct nlmsgerr *error, void *arg)
{
	const struct nlmsghdr *nlh = (struct nlmsghdr *)((char *)error -
							 NLMSG_HDRLEN);
	const char *end = (char *)error + sizeof(*error);
	struct module *m = arg;

	(void)from;
	/* The payload of the request comes back, too, unless it is capped. */
	if (!(nlh->nlmsg_flags & NLM_F_CAPPED))
		end += NLMSG_ALIGN(error->msg.nlmsg_len) - NLMSG_HDRLEN;
	read_why(m, nlh, (const struct nlattr *)end);
	m->err = error->error;
	return NL_STOP;
}

/* Sends what is asked and reads until all has come. */
static int converse(struct module *m, struct nl_msg *msg)
{
	struct nl_cb *cb = nl_cb_alloc(NL_CB_CUSTOM);
	int err;

	if (!cb)
		return -ENOMEM;
	m->why[0] = '\0';
	m->inconsistent = false;
	m->len = 0;
	m->err = 1;
	nl_cb_set(cb, NL_CB_VALID, NL_CB_CUSTOM, on_message, m);
	nl_cb_set(cb, NL_CB_FINISH, NL_CB_CUSTOM, on_done, m);
	nl_cb_err(cb, NL_CB_CUSTOM, on_error, m);
	err = nl_send_auto(m->sock, msg);
	while (err >= 0 && m->err == 1) {
		err = nl_recvmsgs(m->sock, cb);
		/* It is what on_message() has noted. */
		if (err == -NLE_DUMP_INTR)
			err = 0;
	}
	nl_cb_put(cb);
	return m->err != 1 ? m->err : module_error(err);
}

static int put_identity(struct nl_msg *msg, const struct module_identity *id)
{
	size_t size = id->family == AF_INET ? 4 : 16;
	struct nlattr *nest = nla_nest_start(msg, TCBSCOPE_A_SOCKET_IDENTITY);

	if (!nest)
		return -ENOMEM;
	if (id->cookie)
		NLA_PUT_U64(msg, TCBSCOPE_A_IDENTITY_COOKIE, id->cookie);
	if (!id->cookie) {
		NLA_PUT(msg, TCBSCOPE_A_IDENTITY_LOCAL_ADDR, size, id->local);
		NLA_PUT_U16(msg, TCBSCOPE_A_IDENTITY_LOCAL_PORT,
			    id->local_port);
	}
	if (!id->cookie && id->remote_port) {
		NLA_PUT(msg, TCBSCOPE_A_IDENTITY_REMOTE_ADDR, size, id->remote);
		NLA_PUT_U16(msg, TCBSCOPE_A_IDENTITY_REMOTE_PORT,
			    id->remote_port);
	}
	if (!id->cookie && id->device)
		NLA_PUT_U32(msg, TCBSCOPE_A_IDENTITY_DEVICE, id->device);
	nla_nest_end(msg, nest);
	return 0;
nla_put_failure:
	return -ENOMEM;
}

/* Its number is the same in each set; else a request would mean nothing. */
_Static_assert((int)TCBSCOPE_A_SOCKET_IDENTITY ==
			       (int)TCBSCOPE_A_LISTENER_IDENTITY &&
		       (int)TCBSCOPE_A_SOCKET_IDENTITY ==
			       (int)TCBSCOPE_A_HASH_IDENTITY,
	       "one number for the identity");

static int ask(struct module *m, int cmd, const struct module_identity *id,
	       bool entries)
{
	int flags = NLM_F_REQUEST |
		    (cmd == TCBSCOPE_CMD_HASH_GET ? 0 : NLM_F_DUMP);
	struct nl_msg *msg = nlmsg_alloc();
	int err = 0;

	if (!msg || !genlmsg_put(msg, NL_AUTO_PORT, NL_AUTO_SEQ, m->family, 0,
				 flags, cmd, TCBSCOPE_FAMILY_VERSION))
		err = -ENOMEM;
	if (!err && id)
		err = put_identity(msg, id);
	if (!err && entries &&
	    nla_put_flag(msg, TCBSCOPE_A_LISTENER_ENTRIES) < 0)
		err = -ENOMEM;
	if (!err)
		err = converse(m, msg);
	nlmsg_free(msg);
	return err;
}

int module_get(struct module *m, int cmd, const struct module_identity *id,
	       bool entries, struct module_list *list)
{
	int err;

	m->sink = NULL;
	err = ask(m, cmd, id, entries);
	list->data = m->data;
	list->len = err ? 0 : m->len;
	return err;
}

int module_each(struct module *m, int cmd, module_sink sink, void *ctx)
{
	m->sink = sink;
	m->ctx = ctx;
	return ask(m, cmd, NULL, false);
}
