/* SPDX-License-Identifier: GPL-2.0 */
/* One trace for all tests of a program: to start one costs most of a test. */
#ifndef TCBSCOPE_TESTS_LIB_SHARED_H
#define TCBSCOPE_TESTS_LIB_SHARED_H

#include "trace.h"

/*
 * It sees a range of ports in every namespace, and nothing else that happens on
 * this machine. Each test has two of them, shared_port() and the next one, and
 * looks for its own sockets, by cookie or namespace. The first test that wants
 * it finds it started. In place of TEST_HARNESS_MAIN, with options as needed;
 * the events of states or of queues must be among those traced:
 *
 *	SHARED_HARNESS_MAIN("--events", "state,reset")
 *
 * When all tests have ended its account is judged (stream_flaw), and that
 * nothing was lost and no transition missed. If not, the program fails.
 */
#define SHARED_HARNESS_MAIN(...) SHARED_MAIN(SHARED_PORTS, __VA_ARGS__)

/*
 * It sees one namespace instead, and all sockets there, also those that have no
 * port yet: for tests that are in it, shared_enter().
 */
#define SHARED_NETNS_HARNESS_MAIN(...) SHARED_MAIN(SHARED_NETNS, __VA_ARGS__)

enum shared_sight { SHARED_PORTS, SHARED_NETNS };

#define SHARED_MAIN(sight_, ...)                                          \
	int main(int argc, char *argv[])                                  \
	{                                                                 \
		char *const args_[] = { __VA_ARGS__, NULL };              \
                                                                          \
		return shared_main(sight_, args_, test_harness_run, argc, \
				   argv);                                 \
	}

int shared_main(enum shared_sight sight, char *const args[],
		int (*tests)(int argc, char *argv[]), int argc, char *argv[]);

/* Is there one? */
bool shared_runs(void);

/* The first of a test's two ports; 2000 if there is none. */
unsigned short shared_port(void);

/*
 * Moves this thread to the namespace of SHARED_NETNS_HARNESS_MAIN. What other
 * tests have left there is still there. 0 or -errno.
 */
int shared_enter(void);

/*
 * The test wants a trace with these options as well, as "--tiers 1,2,3"; "":
 * with no more, as before the first call. That is another trace: tests that
 * want the same should follow one another.
 */
void shared_with(const char *options);

/*
 * Programs that this process executes from now on have this trace in place of
 * their own, whatever its options. 0 or -errno.
 */
int shared_lend(void);

/*
 * Looks at it as if it had just been started: its header, then what happens
 * from now on. trace_stop() waits until it has shown all that has happened up
 * to then. 0; -EOPNOTSUPP if this kernel has no such hooks; or -errno.
 * trace_free() in any case.
 */
int shared_join(struct trace *trace);

/* Waits until the trace has shown all that has happened up to now. 0, -errno. */
int shared_settle(struct trace *trace);

/* For trace_stop(). */
int shared_leave(struct trace *trace);

#endif
