/* SPDX-License-Identifier: GPL-2.0 */
/* Connected sockets that have no peer: cheap by the thousand. */
#ifndef TCBSCOPE_TESTS_LIB_LONE_H
#define TCBSCOPE_TESTS_LIB_LONE_H

/*
 * The @i-th socket of its kind, ESTABLISHED on loopback in the current network
 * namespace, by TCP_REPAIR: nothing is sent when it comes or goes, and nothing
 * is left of it. Each @i has another peer: i < 4 million for AF_INET, 60000 for
 * AF_INET6. Returns its fd or -errno; needs CAP_NET_ADMIN.
 */
int lone_open(int family, unsigned int i);

/* @n of them from the 0th on in @fd; those made when one fails stay. 0 or
 * -errno. */
int lone_open_all(int family, int *fd, unsigned int n);
void lone_close_all(int *fd, unsigned int n);

/* Lets the process have @n files. 0 or -errno. */
int lone_allow(unsigned int n);

#endif
