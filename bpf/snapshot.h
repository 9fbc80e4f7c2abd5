/* SPDX-License-Identifier: GPL-2.0 */
/* What the iterators write beside events: who holds a socket. */
#ifndef TCBSCOPE_SNAPSHOT_H
#define TCBSCOPE_SNAPSHOT_H

#include "bpf/event.h"

/* One file descriptor of a socket. */
struct snapshot_holder {
	__u64 cookie;
	__u32 pid;
	__u32 tid;
	__u32 fd;
	__u32 netns;
	char comm[16];
};

/* What an iterator over file descriptors is to write. */
enum snapshot_what {
	SNAPSHOT_HOLDERS,
	SNAPSHOT_CLOSED, /* events of sockets that are in no hash table */
	SNAPSHOT_ALL,	 /* events of all sockets */
};

#endif
