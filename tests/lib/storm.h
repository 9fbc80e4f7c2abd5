/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Very many connections over loopback, by several processes at once:
 *
 *	client 0 .. n, each pinned to a CPU      worker 0 .. n
 *	  connect, one byte there and back         accept, one byte back
 *	  close, the first of both                 end of file, close
 *
 * The listener belongs to none of them but to the stage, a process between
 * them and us. Every worker writes down what it served: the truth to compare a
 * trace with.
 */
#ifndef TCBSCOPE_TESTS_LIB_STORM_H
#define TCBSCOPE_TESTS_LIB_STORM_H

#include <stdint.h>
#include <sys/types.h>

#define STORM_PORT 9000
#define STORM_EVENTS 10 /* state events of one connection, both its ends */
#define STORM_PROCESSES 8

struct storm_served {
	uint64_t cookie; /* of the worker's end */
	pid_t pid;	 /* the worker */
};

struct storm {
	unsigned int clients, workers;
	unsigned int connections; /* of all clients together */

	/* filled in */
	pid_t stage; /* who listened */
	unsigned int n_served;
	struct storm_served *served;
};

/*
 * Makes all connections, in the network namespace of the caller, and returns
 * when all is closed and every process is gone. 0 or -errno; storm_free().
 */
int storm_run(struct storm *storm);
void storm_free(struct storm *storm);

#endif
