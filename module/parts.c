// SPDX-License-Identifier: GPL-2.0
/*
 * Messages that are made when a dump starts, and emitted as the reader comes for
 * them: so all of it is of one time, and no reference is kept meanwhile.
 */
#include "tcbscope.h"

/**
 * tcbscope_part_new() - begin another message
 * @parts: gets it at its end
 *
 * Return: to be appended to, not beyond TCBSCOPE_ROOM bytes; it belongs to
 * @parts. NULL: no memory.
 */
struct sk_buff *tcbscope_part_new(struct sk_buff_head *parts)
{
	struct sk_buff *part = alloc_skb(TCBSCOPE_ROOM, GFP_KERNEL);

	if (part)
		__skb_queue_tail(parts, part);
	return part;
}

/**
 * tcbscope_part_for() - where there is room for an entry of a queue
 * @parts: gets another message if the last is full, or if it is the first, which
 *	describes the socket
 * @first: is this the first entry?
 * @sk: whose queue it is; said at the beginning of each message
 *
 * Return: to be appended to, TCBSCOPE_ENTRY bytes; NULL: no memory.
 */
struct sk_buff *tcbscope_part_for(struct sk_buff_head *parts, bool first,
				  struct sock *sk)
{
	struct sk_buff *part = skb_peek_tail(parts);

	if (!first && part->len <= TCBSCOPE_ROOM - TCBSCOPE_ENTRY)
		return part;
	part = tcbscope_part_new(parts);
	/* Its type is the same for every operation. */
	if (!part ||
	    tcbscope_identity_put(part, TCBSCOPE_A_SOCKET_IDENTITY, sk))
		return NULL;
	cond_resched();
	return part;
}

/**
 * tcbscope_parts_emit() - emit what there is room for
 * @skb: of the dump
 * @cb: the dump
 * @cmd: the operation
 * @parts: what was emitted is freed
 *
 * Return: 0 if nothing is left, or -EMSGSIZE if there was no room for the next.
 */
int tcbscope_parts_emit(struct sk_buff *skb, struct netlink_callback *cb,
			u8 cmd, struct sk_buff_head *parts)
{
	struct sk_buff *part;
	void *header;

	while ((part = skb_peek(parts))) {
		header = tcbscope_message(skb, cb, cmd);
		if (!header)
			return -EMSGSIZE;
		if (skb_tailroom(skb) < part->len) {
			genlmsg_cancel(skb, header);
			return -EMSGSIZE;
		}
		skb_put_data(skb, part->data, part->len);
		genlmsg_end(skb, header);
		__skb_unlink(part, parts);
		kfree_skb(part);
	}
	return 0;
}
