// SPDX-License-Identifier: GPL-2.0
/*
 * The clock of an emulated guest: preloaded into QEMU, it makes the processor
 * time that QEMU has used its time. While the guest is idle, time goes straight
 * on to what the guest waits for. So a busy host makes a guest slower, but not
 * later than it thinks, and a minute of TIME_WAIT takes no time.
 *
 * What is known of QEMU: its timers go by CLOCK_MONOTONIC; its main thread
 * sleeps until the next one in ppoll(); the thread that runs the guest's
 * processors calls pthread_cond_wait() when all are halted and is woken by a
 * broadcast.
 */
#include <dlfcn.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdint.h>
#include <string.h>
#include <sys/eventfd.h>
#include <time.h>
#include <unistd.h>

#define NSEC_PER_SEC 1000000000LL
#define SLOWER 16   /* nanoseconds of QEMU for one of the guest */
#define FDS_MAX 256 /* that QEMU polls; it has a handful */

static int (*real_gettime)(clockid_t, struct timespec *);
static int (*real_ppoll)(struct pollfd *, nfds_t, const struct timespec *,
			 const sigset_t *);
static int (*real_wait)(pthread_cond_t *, pthread_mutex_t *);
static int (*real_broadcast)(pthread_cond_t *);

static _Atomic int64_t skipped;	       /* ns of the guest, while it was idle */
static _Atomic(pthread_cond_t *) idle; /* what halted processors wait for */
static int idle_fd; /* wakes the main thread when they halt */

__attribute__((constructor)) static void clock_init(void)
{
	real_gettime = dlsym(RTLD_NEXT, "clock_gettime");
	real_ppoll = dlsym(RTLD_NEXT, "ppoll");
	/* By version: there are older ones, of another pthread_cond_t. */
	real_wait = dlvsym(RTLD_NEXT, "pthread_cond_wait", "GLIBC_2.3.2");
	real_broadcast = dlvsym(RTLD_NEXT, "pthread_cond_broadcast",
				"GLIBC_2.3.2");
	idle_fd = eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);
}

static int64_t clock_now(void)
{
	struct timespec used;

	real_gettime(CLOCK_PROCESS_CPUTIME_ID, &used);
	return (used.tv_sec * NSEC_PER_SEC + used.tv_nsec) / SLOWER + skipped;
}

static struct timespec clock_timespec(int64_t ns)
{
	return (struct timespec){ ns / NSEC_PER_SEC, ns % NSEC_PER_SEC };
}

int clock_gettime(clockid_t id, struct timespec *now)
{
	if (id != CLOCK_MONOTONIC)
		return real_gettime(id, now);
	*now = clock_timespec(clock_now());
	return 0;
}

int pthread_cond_wait(pthread_cond_t *cond, pthread_mutex_t *mutex)
{
	int err;

	if (getpid() == gettid())
		return real_wait(cond, mutex);
	idle = cond;
	eventfd_write(idle_fd, 1);
	err = real_wait(cond, mutex);
	idle = NULL;
	return err;
}

/* Who is woken is not idle any more, even if it has not run yet. */
int pthread_cond_broadcast(pthread_cond_t *cond)
{
	if (cond == idle)
		idle = NULL;
	return real_broadcast(cond);
}

/* Until an event, until they halt, or as long as @ns of the guest may take. */
static int poll_once(struct pollfd *fds, nfds_t n, int64_t ns,
		     const sigset_t *mask)
{
	struct timespec timeout = clock_timespec(
		ns < NSEC_PER_SEC ? ns * SLOWER : NSEC_PER_SEC);
	struct pollfd all[FDS_MAX];
	eventfd_t count;
	int ready;

	memcpy(all, fds, n * sizeof(*fds));
	all[n] = (struct pollfd){ .fd = idle_fd, .events = POLLIN };
	ready = real_ppoll(all, n + 1, &timeout, mask);
	if (ready <= 0)
		return ready;
	memcpy(fds, all, n * sizeof(*fds));
	if (!all[n].revents)
		return ready;
	eventfd_read(idle_fd, &count);
	return ready - 1;
}

int ppoll(struct pollfd *fds, nfds_t n, const struct timespec *timeout,
	  const sigset_t *mask)
{
	int64_t end, left;
	int ready;

	if (getpid() != gettid() || !timeout || n >= FDS_MAX)
		return real_ppoll(fds, n, timeout, mask);
	end = clock_now() + timeout->tv_sec * NSEC_PER_SEC + timeout->tv_nsec;
	for (;;) {
		left = end - clock_now();
		if (left <= 0)
			return poll_once(fds, n, 0, mask);
		ready = poll_once(fds, n, idle ? 0 : left, mask);
		if (ready)
			return ready;
		left = end - clock_now();
		if (idle && left > 0)
			skipped += left;
	}
}
