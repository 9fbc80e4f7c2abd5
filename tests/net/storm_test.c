// SPDX-License-Identifier: GPL-2.0
/*
 * Tests of the account under load: storms of connections, a ring that is too
 * small, a reader that stands still, programs that interrupt each other, and
 * every kind of filter. Whatever happens, each event is accounted for.
 */
#include <json-c/json.h>
#include <sched.h>
#include <signal.h>
#include <netinet/in.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "event/account.h"
#include "lab/netns.h"
#include "lab/witness.h"
#include "lib/clock.h"
#include "tests/lib/storm.h"
#include "tests/lib/stream.h"
#include "tests/lib/trace.h"

#include <kselftest_harness.h>

#define FEW 5
#define BURST 100 /* connections; all their events exceed a ring of 64K */
#define STATES "--events=state" /* these are started sooner than all */
#define WINDOWS "--events=state,window", "--windows"
#define RECOVERED "\"how\":\"recovered\"" /* of an event */
#define ROUNDS 20 /* bursts to wait for what only chance brings about */

FIXTURE(storm)
{
	struct stream stream, other;
	struct storm storm;
};

/* A namespace of our own, for good. */
static int enter_namespace(void)
{
	int netns = netns_create(), err;

	if (netns < 0)
		return netns;
	err = netns_enter(netns);
	close(netns);
	return err;
}

FIXTURE_SETUP(storm)
{
	ASSERT_EQ(0, enter_namespace());
	self->storm = (struct storm){
		.clients = 2,
		.workers = 2,
		.connections = BURST,
	};
}

FIXTURE_TEARDOWN(storm)
{
	stream_free(&self->stream);
	stream_free(&self->other);
	storm_free(&self->storm);
}

/* Claim of every test: the account holds, and nobody saw a gap. */
#define EXPECT_ACCOUNT(stream, each, ctx)                         \
	do {                                                      \
		EXPECT_STREQ("", stream_flaw(stream, each, ctx)); \
		EXPECT_EQ(0, stream_gaps(stream));                \
	} while (0)

/* Claim: a ring too small for a storm loses what it must, and counts it. */
TEST_F(storm, small_ring)
{
	char *args[] = { WINDOWS, "--ring=64K", NULL };
	struct stream *s = &self->stream;

	self->storm.connections = 2 * BURST;
	ASSERT_EQ(0, stream_start(s, args));
	ASSERT_EQ(0, storm_run(&self->storm));
	EXPECT_EQ(0, stream_end(s));
	EXPECT_ACCOUNT(s, NULL, NULL);
	EXPECT_LT(0, stream_of(s, "shown", "window"));
	EXPECT_LE(2 * BURST * STORM_EVENTS - 2,
		  stream_of(s, "generated", "state"));
}

/*
 * Claim: a reader that stands still until its ring has overflowed accounts for
 * all of it when it goes on, and says what is lost.
 */
TEST_F(storm, stopped_reader)
{
	char *args[] = { WINDOWS, "--ring=64K", NULL };
	struct stream *s = &self->stream;
	int status;

	ASSERT_EQ(0, stream_start(s, args));
	ASSERT_EQ(0, kill(s->prog.pid, SIGSTOP));
	ASSERT_EQ(s->prog.pid, waitpid(s->prog.pid, &status, WUNTRACED));
	ASSERT_TRUE(WIFSTOPPED(status));
	ASSERT_EQ(0, storm_run(&self->storm));
	ASSERT_EQ(0, kill(s->prog.pid, SIGCONT));
	EXPECT_EQ(0, stream_end(s));

	EXPECT_ACCOUNT(s, NULL, NULL);
	/* all were made while it stood still, but perhaps the last one's end */
	EXPECT_LE(BURST * STORM_EVENTS - 2, stream_of(s, "generated", "state"));
	EXPECT_LT(0, stream_of(s, "ring_lost", "state"));
	EXPECT_LT(0, stream_of(s, "shown", "state"));
	EXPECT_NE(NULL, strstr(prog_text(&s->prog, PROG_ERR), "--ring"));
}

/* Sums up the counters of one more interval. */
static void add_interval(struct json_object *sum, struct json_object *stats)
{
	json_object_object_foreach(stats, name, value)
	{
		struct json_object *old;
		int64_t n;

		if (json_object_is_type(value, json_type_object))
			json_object_object_get_ex(value, "total", &value);
		n = json_object_get_int64(value);
		if (json_object_object_get_ex(sum, name, &old))
			n += json_object_get_int64(old);
		json_object_object_add(sum, name, json_object_new_int64(n));
	}
}

/* Claim: the intervals of --stats add up to the footer. */
TEST_F(storm, intervals)
{
	char *args[] = { WINDOWS, "--ring=64K", "--stats=10ms", NULL };
	struct json_object *sum = json_object_new_object();
	const struct account_member *m;
	struct stream *s = &self->stream;
	size_t i, n;

	ASSERT_EQ(0, stream_start(s, args));
	/* a fast machine needs more than one storm for it */
	while (stream_count(s, "\"stats\"") < 2) {
		ASSERT_EQ(0, storm_run(&self->storm));
		storm_free(&self->storm);
	}
	EXPECT_EQ(0, stream_end(s));
	EXPECT_ACCOUNT(s, NULL, NULL);

	n = json_object_array_length(s->stats);
	EXPECT_LE(2, n);
	for (i = 0; i < n; i++)
		add_interval(sum, json_object_array_get_idx(s->stats, i));
	for (m = account_members; m->name; m++) {
		EXPECT_EQ((int64_t)witness_number(sum, m->name),
			  stream_total(s, m->name))
		{
			TH_LOG("%s", m->name);
		}
	}
	json_object_put(sum);
}

/* Which of two processes the events are of, and how often that changes. */
struct turns {
	pid_t last;
	unsigned int n;
};

static void count_turn(void *ctx, struct json_object *event)
{
	struct turns *turns = ctx;
	pid_t pid = witness_number(event, "pid");

	turns->n += turns->last != pid;
	turns->last = pid;
}

/*
 * Claim: what processes do on different CPUs at once comes out in the order of
 * time; nothing is late, and nothing is lost in the default ring.
 */
TEST_F(storm, order)
{
	char *args[] = { "--events=state", NULL };
	struct stream *s = &self->stream;
	struct turns turns = {};

	self->storm.connections = 2 * BURST;
	ASSERT_EQ(0, stream_start(s, args));
	ASSERT_EQ(0, storm_run(&self->storm));
	EXPECT_EQ(0, stream_end(s));
	EXPECT_ACCOUNT(s, count_turn, &turns);
	EXPECT_EQ(0, stream_total(s, "late"));
	EXPECT_EQ(0, stream_total(s, "ring_lost"));
	EXPECT_LT(2 * BURST, turns.n);
}

/* Lets packets over loopback be received on these CPUs: they interrupt them. */
static int spread_packets(unsigned int cpus)
{
	char dir[] = "/tmp/tcbscope-XXXXXX", path[64];
	FILE *file;
	int err;

	if (unshare(CLONE_NEWNS) ||
	    mount("none", "/", NULL, MS_REC | MS_PRIVATE, NULL) ||
	    !mkdtemp(dir))
		return -errno;
	if (mount("none", dir, "sysfs", 0, NULL)) {
		rmdir(dir);
		return -errno;
	}
	snprintf(path, sizeof(path), "%s/class/net/lo/queues/rx-0/rps_cpus",
		 dir);
	file = fopen(path, "we");
	err = !file || fprintf(file, "%x", cpus) < 0 || fclose(file) ? -errno :
								       0;
	umount2(dir, MNT_DETACH);
	rmdir(dir);
	return err;
}

static unsigned int all_cpus(void)
{
	long cpus = sysconf(_SC_NPROCESSORS_CONF);

	return cpus < 32 ? (1u << cpus) - 1 : ~0u;
}

/* What a trace has recovered, and the sockets in which it has seen gaps. */
struct holes {
	unsigned int recovered, gaps;
	uint64_t cookies; /* the sum */
};

static void count_hole(void *ctx, struct json_object *event)
{
	const char *how = witness_string(event, "how");
	struct holes *holes = ctx;

	holes->recovered += how && !strcmp(how, "recovered");
	if (!witness_string(event, "gap_from"))
		return;
	holes->gaps++;
	holes->cookies += witness_number(event, "cookie");
}

/*
 * Claim: what the kernel skips because the first copy of the program for states
 * runs already is found by the second, to the last one, and makes no gap. It is
 * provoked, where there are two CPUs: each receives packets of the other.
 *
 * A packet that interrupts a task which the kernel hides from all programs is
 * told to none of them, nor counted as missed: rightly a gap. A second trace
 * has that gap as well. It has none that is the fault of our copies, because
 * what interrupts those of one trace does not interrupt those of the other.
 */
TEST_F(storm, recursion)
{
	char *args[] = { "--events=state", "--ring=64M", NULL };
	struct holes mine = {}, others = {};
	struct stream *s = &self->stream, *other = &self->other;
	bool possible = sysconf(_SC_NPROCESSORS_ONLN) > 1;
	int i, rounds = possible ? ROUNDS : 1;

	ASSERT_EQ(0, spread_packets(all_cpus()));
	ASSERT_EQ(0, stream_start(s, args));
	if (possible)
		ASSERT_EQ(0, stream_start(other, args));
	for (i = 0; i < rounds && !stream_count(s, RECOVERED); i++) {
		ASSERT_EQ(0, storm_run(&self->storm));
		storm_free(&self->storm);
	}
	EXPECT_EQ(0, stream_end(s));
	EXPECT_STREQ("", stream_flaw(s, count_hole, &mine));
	EXPECT_EQ(0, stream_total(s, "ring_lost"));
	EXPECT_EQ(stream_of(s, "missed_runs", "state_first"),
		  stream_total(s, "recovered"));
	EXPECT_LE(mine.gaps, stream_total(s, "gaps"));
	if (possible) {
		EXPECT_LT(0, mine.recovered);
		EXPECT_EQ(0, stream_end(other));
		EXPECT_STREQ("", stream_flaw(other, count_hole, &others));
	}
	EXPECT_EQ(others.gaps, mine.gaps);
	EXPECT_EQ(others.cookies, mine.cookies);
}

static int pin(int cpu)
{
	cpu_set_t set;

	CPU_ZERO(&set);
	CPU_SET(cpu, &set);
	return sched_setaffinity(0, sizeof(set), &set) ? -errno : 0;
}

/* A process that does nothing but write from one socket to another. */
static pid_t chatter(int cpu)
{
	pid_t pid = fork();
	int fd[2];
	char c = 'x';

	if (pid)
		return pid;
	prctl(PR_SET_PDEATHSIG, SIGKILL);
	if (pin(cpu) || socketpair(AF_UNIX, SOCK_DGRAM, 0, fd))
		_exit(1);
	while (write(fd[0], &c, 1) == 1 && read(fd[1], &c, 1) == 1)
		;
	_exit(1);
}

/* Connections over loopback, one after the other, reset at once. 0 or -errno. */
static int come_and_go(int listener, const struct sockaddr_in *addr, int n)
{
	const struct linger now = { .l_onoff = 1 };
	int fd[2], err = 0;

	while (n-- && !err) {
		fd[0] = socket(AF_INET, SOCK_STREAM, 0);
		if (fd[0] < 0 ||
		    setsockopt(fd[0], SOL_SOCKET, SO_LINGER, &now,
			       sizeof(now)) ||
		    connect(fd[0], (void *)addr, sizeof(*addr)))
			err = -errno;
		fd[1] = err ? -1 : accept(listener, NULL, NULL);
		if (!err && fd[1] < 0)
			err = -errno;
		close(fd[0]);
		close(fd[1]);
	}
	return err;
}

/* What is told of children. */
struct children {
	int came, accepted;
	int recovered; /* with the depth that the queue had */
};

static void count_child(void *ctx, struct json_object *event)
{
	const char *op = witness_string(event, "op");
	const char *how = witness_string(event, "how");
	struct children *children = ctx;

	if (!op || !how)
		return;
	children->came += !strcmp(op, "completed");
	children->accepted += !strcmp(op, "accepted");
	children->recovered += !strcmp(how, "recovered") &&
			       witness_number(event, "accept") == 1;
}

/*
 * Claim: so it is with the program for listeners where only queues are traced.
 * Who writes to any socket runs it, too: of a child that a packet brings just
 * then only the second copy tells. It takes some hundred tries.
 */
TEST_F(storm, recursion_of_listeners)
{
	char *args[] = { "--events=queue", "--tiers=1,2", NULL };
	struct sockaddr_in addr = {
		.sin_family = AF_INET,
		.sin_addr.s_addr = htonl(INADDR_LOOPBACK),
	};
	socklen_t len = sizeof(addr);
	struct children children = {};
	struct stream *s = &self->stream;
	uint64_t begin = clock_now_ns();
	int listener, n = 0;
	pid_t pid;

	if (sysconf(_SC_NPROCESSORS_ONLN) < 2)
		SKIP(return, "one CPU is not interrupted by another");
	ASSERT_EQ(0, spread_packets(1u << 1));
	ASSERT_EQ(0, stream_start(s, args));
	listener = socket(AF_INET, SOCK_STREAM, 0);
	ASSERT_EQ(0, bind(listener, (void *)&addr, sizeof(addr)));
	ASSERT_EQ(0, getsockname(listener, (void *)&addr, &len));
	ASSERT_EQ(0, listen(listener, 8));
	ASSERT_EQ(0, pin(0));
	pid = chatter(1);
	ASSERT_LT(0, pid);
	do {
		ASSERT_EQ(0, come_and_go(listener, &addr, BURST));
		n += BURST;
	} while (!stream_count(s, RECOVERED) &&
		 clock_now_ns() - begin < TRACE_PATIENCE_NS);
	kill(pid, SIGKILL);
	waitpid(pid, NULL, 0);
	close(listener);
	EXPECT_EQ(0, stream_end(s));
	EXPECT_STREQ("", stream_flaw(s, count_child, &children));
	EXPECT_LT(0, children.recovered);
	EXPECT_EQ(n, children.came);
	EXPECT_EQ(n, children.accepted);
}

FIXTURE(optmem)
{
	struct stream stream;
	struct storm storm;
};

FIXTURE_VARIANT(optmem)
{
	const char *max; /* bytes of memory for a socket's options */
	bool refused;	 /* it is too little for any of what we remember */
};

FIXTURE_VARIANT_ADD(optmem, none){ .max = "0", .refused = true };
FIXTURE_VARIANT_ADD(optmem, little){ .max = "128", .refused = true };
FIXTURE_VARIANT_ADD(optmem, enough){ .max = "1024" };

FIXTURE_SETUP(optmem)
{
	ASSERT_EQ(0, enter_namespace());
	self->storm = (struct storm){
		.clients = 1,
		.workers = 1,
		.connections = FEW,
	};
}

FIXTURE_TEARDOWN(optmem)
{
	stream_free(&self->stream);
	storm_free(&self->storm);
}

/* In the namespace of the caller. */
static int write_optmem_max(const char *max)
{
	FILE *file = fopen("/proc/sys/net/core/optmem_max", "we");
	int err;

	if (!file)
		return -errno;
	err = fputs(max, file) < 0 ? -EIO : 0;
	return fclose(file) ? -errno : err;
}

/*
 * Claim: where the kernel refuses memory for what is remembered of a socket,
 * its connection is not hurt, its changes of state are all shown, and what is
 * not known is said.
 */
TEST_F(optmem, hurts_nobody)
{
	char *args[] = { "--events=state", NULL };
	struct stream *s = &self->stream;
	int err = write_optmem_max(variant->max);

	if (err == -ENOENT)
		SKIP(return, "optmem_max is not per namespace before 6.8");
	ASSERT_EQ(0, err);
	ASSERT_EQ(0, stream_start(s, args));
	ASSERT_EQ(0, storm_run(&self->storm));
	EXPECT_EQ(0, stream_end(s));
	EXPECT_EQ(FEW, (int)self->storm.n_served);

	EXPECT_ACCOUNT(s, NULL, NULL);
	EXPECT_LE(FEW * STORM_EVENTS, stream_of(s, "shown", "state"));
	if (!variant->refused)
		return;
	EXPECT_LT(0, stream_total(s, "no_storage"));
	EXPECT_NE(NULL,
		  strstr(prog_text(&s->prog, PROG_ERR), " without memory"));
}

FIXTURE(filter)
{
	struct stream stream;
	struct storm storm;
};

FIXTURE_VARIANT(filter)
{
	char *args[3];
	bool all; /* nothing is withheld */
};

/* Of all that is shown unasked, and of states only: that is started sooner. */
FIXTURE_VARIANT_ADD(filter, unasked){ .args = { "--sport=9000" } };
FIXTURE_VARIANT_ADD(filter, comm){ .args = { STATES, "--comm=work*" } };
FIXTURE_VARIANT_ADD(filter, state){ .args = { STATES, "--state=CLOSE_WAIT" } };
/* that the kernel decides, each of them alone by filter_test */
FIXTURE_VARIANT_ADD(filter, others){
	.args = { STATES, "port 9001 or pid 1 or addr 10.0.0.0/8 or uid 12345" }
};
FIXTURE_VARIANT_ADD(filter, expression){
	.args = { STATES, "new != LISTEN and ( pid = 1 or lport > 9000 )" }
};
FIXTURE_VARIANT_ADD(filter, window){ .args = { "--events=window" },
				     .all = true };

FIXTURE_SETUP(filter)
{
	ASSERT_EQ(0, enter_namespace());
	self->storm = (struct storm){
		.clients = 1,
		.workers = 1,
		.connections = FEW,
	};
}

FIXTURE_TEARDOWN(filter)
{
	stream_free(&self->stream);
	storm_free(&self->storm);
}

/* Claim: what a filter withholds, here or in the kernel, is no gap. */
TEST_F(filter, makes_no_gap)
{
	struct stream *s = &self->stream;

	ASSERT_EQ(0, stream_start(s, (char *const *)variant->args));
	ASSERT_EQ(0, storm_run(&self->storm));
	EXPECT_EQ(0, stream_end(s));
	EXPECT_ACCOUNT(s, NULL, NULL);
	EXPECT_EQ(0, stream_total(s, "gaps")); /* nor in what is not shown */
	if (!variant->all)
		EXPECT_LT(0, stream_total(s, "filtered") +
				     stream_total(s, "kernel_filtered"));
}

TEST_HARNESS_MAIN
