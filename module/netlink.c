// SPDX-License-Identifier: GPL-2.0
/*
 * The generic netlink family: which operations there are, and who may ask.
 *
 * Requests run in parallel (parallel_ops): one that waits for a socket keeps
 * nobody else's waiting.
 */
#include <linux/module.h>

#include "compat.h"
#include "tcbscope.h"

#include "policy.h"

static const struct genl_ops tcbscope_ops[] = {
	{
		.cmd = TCBSCOPE_CMD_SOCKET_GET,
		.flags = GENL_UNS_ADMIN_PERM,
		.start = tcbscope_socket_start,
		.dumpit = tcbscope_socket_dump,
		.done = tcbscope_dump_done,
		.policy = tcbscope_socket_get_policy,
		.maxattr = ARRAY_SIZE(tcbscope_socket_get_policy) - 1,
	},
	{
		.cmd = TCBSCOPE_CMD_LISTENER_GET,
		.flags = GENL_UNS_ADMIN_PERM,
		.doit = tcbscope_listener_get,
		.start = tcbscope_listener_start,
		.dumpit = tcbscope_listener_dump,
		.done = tcbscope_dump_done,
		.policy = tcbscope_listener_get_policy,
		.maxattr = ARRAY_SIZE(tcbscope_listener_get_policy) - 1,
	},
	{
		.cmd = TCBSCOPE_CMD_HASH_GET,
		.flags = GENL_ADMIN_PERM,
		.doit = tcbscope_hash_get,
		.policy = tcbscope_hash_get_policy,
		.maxattr = ARRAY_SIZE(tcbscope_hash_get_policy) - 1,
	},
};

struct genl_family tcbscope_family __ro_after_init = {
	.name = TCBSCOPE_FAMILY_NAME,
	.version = TCBSCOPE_FAMILY_VERSION,
	.netnsok = true,
	.parallel_ops = true,
	.ops = tcbscope_ops,
	.n_ops = ARRAY_SIZE(tcbscope_ops),
	COMPAT_RESV_START_OP(TCBSCOPE_CMD_SOCKET_GET)
	.module = THIS_MODULE,
};

/**
 * tcbscope_message() - begin a message of a dump
 * @skb: to be appended to
 * @cb: the dump
 * @cmd: the operation
 *
 * Return: what genlmsg_end() takes, or NULL if there is no room.
 */
void *tcbscope_message(struct sk_buff *skb, struct netlink_callback *cb, u8 cmd)
{
	void *header = genlmsg_put(skb, NETLINK_CB(cb->skb).portid,
				   cb->nlh->nlmsg_seq, &tcbscope_family,
				   NLM_F_MULTI, cmd);

	if (header)
		genl_dump_check_consistent(cb, header);
	return header;
}
