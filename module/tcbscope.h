/* SPDX-License-Identifier: GPL-2.0 */
/* What the files of the module know of each other, and its bounds. */
#ifndef TCBSCOPE_H
#define TCBSCOPE_H

#include <linux/in6.h>
#include <linux/ktime.h>
#include <net/genetlink.h>
#include <net/sock.h>

#include "uapi.h"

/* Bounds */
#define TCBSCOPE_HOLD 200	     /* entries of a queue or chain in one hold */
#define TCBSCOPE_SEGMENTS_MAX 16384 /* of one socket; more is "truncated" */
#define TCBSCOPE_WAITING_MAX 65536   /* requests or children of one listener */
#define TCBSCOPE_LOCK_MS 100	     /* how long a process may keep a socket */
#define TCBSCOPE_ROOM 3072	     /* bytes of a part; a socket has 1500 */
#define TCBSCOPE_ENTRY 256	     /* bytes; no entry of a queue has more */
#define TCBSCOPE_IDENTITY 96	     /* bytes; no identity has more */
#define TCBSCOPE_SHORT 128	     /* nor a socket's short form */

/*
 * As nla_put(), but inline and without looking for room: a dump of all sockets
 * makes several for each, and is not to cost more than the kernel's own.
 */
static inline void tcbscope_put(struct sk_buff *skb, int type, const void *data,
				int len)
{
	struct nlattr *attr = __skb_put(skb, nla_total_size(len));

	attr->nla_type = type;
	attr->nla_len = nla_attr_size(len);
	memcpy(nla_data(attr), data, len);
	memset((char *)attr + attr->nla_len, 0, nla_padlen(len));
}

static inline void tcbscope_put_u32(struct sk_buff *skb, int type, u32 value)
{
	tcbscope_put(skb, type, &value, sizeof(value));
}

static inline void tcbscope_put_u16(struct sk_buff *skb, int type, u16 value)
{
	tcbscope_put(skb, type, &value, sizeof(value));
}

/* netlink.c */
extern struct genl_family tcbscope_family;

void *tcbscope_message(struct sk_buff *skb, struct netlink_callback *cb,
		       u8 cmd);

/* identity.c: which socket is meant */
struct tcbscope_identity {
	u64 cookie;   /* 0: the rest says which */
	bool any;     /* nothing was said */
	bool has_peer;
	bool is_ipv6;
	struct in6_addr local, remote; /* IPv4: the first four bytes */
	u16 local_port, remote_port;   /* host byte order */
	int device;
};

int tcbscope_identity_parse(struct tcbscope_identity *id,
			    const struct nlattr *nest,
			    struct netlink_ext_ack *extack);
int tcbscope_identity_put(struct sk_buff *skb, int type, struct sock *sk);
bool tcbscope_identity_is(const struct tcbscope_identity *id,
			  const struct sock *sk);

/* The longest hold of a lock. */
struct tcbscope_hold {
	u32 entries;
	u64 ns;
};

static inline void tcbscope_hold_note(struct tcbscope_hold *hold, u32 entries,
				      u64 began_ns)
{
	u64 ns = ktime_get_ns() - began_ns;

	if (ns > hold->ns)
		*hold = (struct tcbscope_hold){ .entries = entries, .ns = ns };
}

/* walk.c: all sockets of a namespace, or those that match */
struct tcbscope_walk {
	struct net *net;
	bool (*match)(const struct sock *sk, const void *ctx); /* NULL: all */
	const void *ctx;
	struct tcbscope_hold *hold; /* NULL: nobody asks */
	bool established;    /* the second table; the first has the listeners */
	bool no_established; /* stop before it */
	bool is_incomplete;  /* the rest of a chain was left out */
	bool has_more;	     /* the chain goes on behind the batch, or last */
	unsigned int bucket;
	unsigned int seen; /* sockets in the last hold */
	unsigned int n, next;
	struct sock *batch[TCBSCOPE_HOLD]; /* each with a reference */
	struct sock *last; /* leads on, if not NULL; with a reference */
};

struct sock *tcbscope_walk_next(struct tcbscope_walk *walk);
void tcbscope_walk_end(struct tcbscope_walk *walk);

/* find.c */
struct sock *tcbscope_find(struct net *net, const struct tcbscope_identity *id,
			   struct netlink_ext_ack *extack);
int tcbscope_lock(struct sock *sk, struct netlink_ext_ack *extack);

/* tcb.c: everything but the queues, as attributes */
int tcbscope_tcb_short(struct sk_buff *skb, struct sock *sk);
int tcbscope_tcb_put(struct sk_buff *skb, struct sock *sk,
		     struct user_namespace *userns);
u32 tcbscope_unread(const struct sock *sk);

/* parts.c: messages that are made when a dump starts, to be emitted later */
struct sk_buff *tcbscope_part_new(struct sk_buff_head *parts);
struct sk_buff *tcbscope_part_for(struct sk_buff_head *parts, bool first,
				  struct sock *sk);
int tcbscope_parts_emit(struct sk_buff *skb, struct netlink_callback *cb,
			u8 cmd, struct sk_buff_head *parts);

/* dump.c: of one socket or of all */
struct tcbscope_dump {
	bool has_begun, all;
	struct sk_buff_head parts; /* of the one socket */
	struct sock *pending;	   /* of all; did not fit; the walk's */
	struct tcbscope_walk walk;
	struct user_namespace *userns; /* of who asks, who keeps it */
};

struct tcbscope_dump_kind {
	u8 cmd;
	/* Sets all, or makes the parts. 0 or what is wrong. */
	int (*begin)(struct tcbscope_dump *dump, struct netlink_callback *cb);
	/* One of all. 0 or -EMSGSIZE. */
	int (*put)(struct sk_buff *skb, struct sock *sk,
		   struct user_namespace *userns);
};

int tcbscope_dump_start(struct netlink_callback *cb, bool no_established);
int tcbscope_dump(struct sk_buff *skb, struct netlink_callback *cb,
		  const struct tcbscope_dump_kind *kind);
int tcbscope_dump_done(struct netlink_callback *cb);

/* segments.c: the queues of a socket */
struct tcbscope_segment {
	u64 sent_ns; /* 0: it was not */
	u32 seq, end;
	u32 packets; /* 0: received */
	u8 queue, marks;
};

struct tcbscope_segments {
	struct tcbscope_segment *segment;
	unsigned int n, room;
	bool truncated;
};

int tcbscope_segments_room(struct tcbscope_segments *s, const struct sock *sk);
void tcbscope_segments_copy(struct tcbscope_segments *s, struct sock *sk);
int tcbscope_segments_put(struct sk_buff_head *parts, struct sock *sk,
			  const struct tcbscope_segments *s);

/* waiting.c: who waits in the queues of a listener */
int tcbscope_waiting_put(struct sk_buff_head *parts, struct sock *listener,
			 struct sk_buff *head, struct netlink_ext_ack *extack);

/* The operations: socket.c, listener.c, hash.c */
int tcbscope_socket_start(struct netlink_callback *cb);
int tcbscope_socket_dump(struct sk_buff *skb, struct netlink_callback *cb);

int tcbscope_listener_get(struct sk_buff *skb, struct genl_info *info);
int tcbscope_listener_start(struct netlink_callback *cb);
int tcbscope_listener_dump(struct sk_buff *skb, struct netlink_callback *cb);

int tcbscope_hash_get(struct sk_buff *skb, struct genl_info *info);

#endif
