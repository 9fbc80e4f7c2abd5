/* SPDX-License-Identifier: GPL-2.0 */
/* Which processes hold a socket, as /proc tells. */
#ifndef TCBSCOPE_INPUT_HOLDER_H
#define TCBSCOPE_INPUT_HOLDER_H

#include <stdint.h>
#include <sys/types.h>

struct holder {
	pid_t pid;	      /* the lowest; 0: nobody is known to hold it */
	int fd;		      /* its lowest */
	unsigned int holders; /* descriptors of all processes */
	char comm[16];	      /* its name: any bytes */
};

/*
 * Looks through the descriptors of all processes for the socket with this
 * inode; those of others need CAP_SYS_PTRACE and count as not there without.
 */
void holder_find(uint64_t inode, struct holder *h);

/* Of one process, what holder_find() would say of it. */
void holder_is(pid_t pid, int fd, struct holder *h);

#endif
