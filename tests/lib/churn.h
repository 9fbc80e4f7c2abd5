/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Sockets that come and go on loopback of the current network namespace, IPv4,
 * and processes that have them do so.
 */
#ifndef TCBSCOPE_TESTS_LIB_CHURN_H
#define TCBSCOPE_TESTS_LIB_CHURN_H

#include <stdint.h>
#include <sys/types.h>

/* A listener on a port that may have several; 0: that the kernel chooses. Its
 * fd or -1. */
int churn_listener(uint16_t port);

/* A connection to a listener, which nobody accepts. Its fd or -1. */
int churn_client(int listener);

/* Opens and closes a listener and a connection to it, for ever. */
void churn(void);

/* A process that does this until churn_stop(); its pid, or -1. */
pid_t churn_start(void (*fn)(void));
void churn_stop(pid_t pid);

#endif
