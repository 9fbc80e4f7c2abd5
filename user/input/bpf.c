// SPDX-License-Identifier: GPL-2.0
/* The live input: loads the BPF programs, attaches them, reads their ring. */
#include "input/input.h"
#include "input/attach.h"
#include "input/reason.h"
#include "input/load.h"
#include "input/snapshot.h"
#include "input/syscall.h"
#include "input/tier.h"
#include "lib/clock.h"
#include "lib/inode.h"
#include "lib/say.h"
#include "tcbscope.skel.h"

#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <errno.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <time.h>
#include <unistd.h>

#define SORT_WINDOW_NS 20000000ull /* what a program may take to finish */
#define BATCH 16384   /* records in one look: others must have their turn */
#define SEGMENTS_MS 8 /* more than the kernel may take to decide on one */
#define DRAIN_MS 200  /* how long to wait for running programs */
#define EXISTING_NS 5000000ull /* for how long to read a snapshot at once */
#define SOCKET (1u << EVENT_socket)

struct input_bpf {
	struct tcbscope_bpf *skel;
	struct bpf_link *links[PROBE_PROGRAMS];
	struct hook hooks[PROBE_PROGRAMS];
	unsigned int n_hooks;
	struct probe_result results[PROBE_PROGRAMS];
	struct ring_buffer *ring;
	input_sink sink; /* during a read */
	void *ctx;
	int sink_err;
	uint64_t taken;		   /* records out of the ring */
	unsigned int room;	   /* how many more this look may take */
	nsec_t last_ns;		   /* time of the last one */
	struct snapshot *snapshot; /* NULL: none */
	struct input_blind blind;  /* if there is none */
	bool existing;		   /* it has more to yield */
	struct reasons reasons[EVENT_TYPES];
};

static bool debug_messages;

static int on_libbpf(enum libbpf_print_level level, const char *fmt,
		     va_list args)
{
	(void)level;
	return debug_messages ? vfprintf(stderr, fmt, args) : 0;
}

struct input_bpf *input_bpf_open(bool debug)
{
	struct input_bpf *in = calloc(1, sizeof(*in));

	if (!in)
		return NULL;
	debug_messages = debug;
	libbpf_set_print(on_libbpf);
	in->skel = attach_register() ? NULL : load_open();
	if (in->skel)
		return in;
	free(in);
	return NULL;
}

const struct btf *input_bpf_btf(const struct input_bpf *in)
{
	return bpf_object__btf(in->skel->obj);
}

static struct bpf_program *program_of(const struct input_bpf *in,
				      unsigned int i)
{
	return bpf_object__find_program_by_name(in->skel->obj,
						probe_programs[i].name);
}

/* What it hangs on, as "tp_btf/tcp_probe". */
static const char *section_of(const struct input_bpf *in, unsigned int i)
{
	return bpf_program__section_name(program_of(in, i));
}

/* Does it run by itself, whenever something happens? */
static bool hangs(const struct input_bpf *in, unsigned int i)
{
	enum tier_way way = tier_way(section_of(in, i));

	return way == TIER_WAY_TRACE || way == TIER_WAY_CGROUP;
}

/* NULL with errno set. */
static struct bpf_link *attach(const struct input_bpf *in, unsigned int i)
{
	struct bpf_link *link;
	int cgroup;

	if (bpf_program__type(program_of(in, i)) == BPF_PROG_TYPE_TRACEPOINT)
		return syscall_attach(program_of(in, i));
	if (tier_way(section_of(in, i)) != TIER_WAY_CGROUP)
		return bpf_program__attach_trace(program_of(in, i));
	cgroup = inode_cgroup_root();
	if (cgroup < 0) {
		errno = -cgroup;
		return NULL;
	}
	link = bpf_program__attach_cgroup(program_of(in, i), cgroup);
	close(cgroup);
	return link;
}

static int run_setup(struct input_bpf *in, struct setup *setup)
{
	LIBBPF_OPTS(bpf_test_run_opts, opts);
	int fd = bpf_program__fd(in->skel->progs.state_setup);

	if (bpf_prog_test_run_opts(fd, &opts))
		return -errno;
	*setup = in->skel->bss->setup;
	return 0;
}

/* The rate that kernels are built with which is nearest to a measured one; 0. */
static __u32 nearest_hz(int64_t hz)
{
	static const int rates[] = { 100, 250, 300, 1000 };
	unsigned int i;

	for (i = 0; i < sizeof(rates) / sizeof(*rates); i++)
		if (hz * 100 > rates[i] * 91 && hz * 100 < rates[i] * 109)
			return rates[i];
	return 0;
}

/*
 * Jiffies a second. They begin at 2^32 - 300 * HZ, so what has passed since
 * they wrapped, divided by the clock, says it, give or take ticks lost while
 * booting. Too close to the wrap they have to be watched for a moment.
 */
static int find_hz(struct input_bpf *in, __u32 *hz)
{
	struct timespec moment = { .tv_nsec = 100000000 };
	struct setup first, now;
	int64_t jiffies, ms;
	int err;

	err = run_setup(in, &now);
	if (err)
		return err;
	jiffies = now.jiffies - (1ull << 32);
	ms = (int64_t)(now.now_ns / 1000000) - 300000;
	if (ms > -30000 && ms < 30000) {
		first = now;
		nanosleep(&moment, NULL);
		err = run_setup(in, &now);
		jiffies = now.jiffies - first.jiffies;
		ms = (now.now_ns - first.now_ns) / 1000000;
	}
	if (!err)
		*hz = nearest_hz((jiffies * 1000 + ms / 2) / ms);
	return err;
}

/* What only a BPF program can read: how fast jiffies go, our global pid. */
static int setup(struct input_bpf *in)
{
	__u32 hz;
	int err = find_hz(in, &hz);

	if (err)
		return err;
	in->skel->bss->hz = hz;
	in->skel->bss->tree = in->skel->bss->setup.tgid;
	return 0;
}

/*
 * All that were loaded and run by themselves. NULL, or the one that the
 * kernel refuses though a trace is nothing without it.
 */
static const struct probe_program *attach_all(struct input_bpf *in, __u32 asked)
{
	const struct probe_program *p;
	unsigned int i;

	for (i = 0; probe_programs[i].name; i++) {
		p = &probe_programs[i];
		if (in->results[i].status != PROBE_WORKS || !hangs(in, i))
			continue;
		in->links[i] = attach(in, i);
		if (in->links[i])
			continue;
		probe_refuse(&in->results[i], section_of(in, i), -errno, "");
		if (p->mandatory && (!p->events || p->events & asked))
			return p;
	}
	return NULL;
}

static void explain_attach(struct input_bpf *in, const struct probe_program *p,
			   struct input_error *error)
{
	const struct probe_result *r = &in->results[p - probe_programs];

	snprintf(error->what, sizeof(error->what), "cannot attach %s to %s: %s",
		 p->name, section_of(in, p - probe_programs),
		 strerror(-r->err));
	snprintf(error->why, sizeof(error->why), "%s", r->reason);
	error->then = "'tcbscope features' shows what this kernel can";
	error->code = EXIT_KERNEL;
}

/* For the header: what runs by itself, and what is refused. */
static void list_hooks(struct input_bpf *in)
{
	const struct probe_result *r;
	struct hook *hook;
	unsigned int i;

	for (i = 0; probe_programs[i].name; i++) {
		r = &in->results[i];
		if (r->status != PROBE_REFUSED &&
		    (r->status != PROBE_WORKS || !hangs(in, i)))
			continue;
		hook = &in->hooks[in->n_hooks++];
		hook->name = probe_programs[i].name;
		hook->attached = r->status == PROBE_WORKS;
	}
}

static void explain(struct input_error *error, const char *what, int err,
		    const char *then)
{
	snprintf(error->what, sizeof(error->what), "%s: %s", what,
		 strerror(-err));
	error->then = then;
	error->code = EXIT_KERNEL;
}

/*
 * Once all is attached. 0, also if the kernel has refused its programs, of
 * which load_programs() has said what is lost; or -errno.
 */
static int start_snapshot(struct input_bpf *in, __u32 events)
{
	bool works = true;
	unsigned int i;

	for (i = 0; probe_programs[i].name; i++)
		if (probe_programs[i].events == SOCKET)
			works &= in->results[i].status == PROBE_WORKS;
	if (!(events & SOCKET) || !works)
		return 0;
	in->snapshot = snapshot_open(in->skel, events != SOCKET);
	in->existing = in->snapshot;
	return in->snapshot ? 0 : -errno;
}

/* Maps, programs and links take some files, and each namespace takes one. */
static void allow_files(void)
{
	struct rlimit limit;

	if (getrlimit(RLIMIT_NOFILE, &limit))
		return;
	limit.rlim_cur = limit.rlim_max;
	setrlimit(RLIMIT_NOFILE, &limit);
}

static int on_record(void *ctx, void *data, size_t size)
{
	struct input_bpf *in = ctx;

	union event_any e;

	in->taken++;
	if (size >= sizeof(e.ev) && size <= sizeof(e) && reason_wanted(data)) {
		memcpy(&e, data, size); /* the ring is not to be written */
		reason_fill(in->reasons, &e);
		data = &e;
	}
	if (size >= sizeof(e.ev))
		in->last_ns = ((const struct event *)data)->ts_ns;
	in->sink_err = in->sink(in->ctx, data, size);
	return in->sink_err ? in->sink_err : --in->room ? 0 : -EAGAIN;
}

int input_bpf_start(struct input_bpf *in,
		    const struct input_bpf_options *options,
		    struct input_error *error)
{
	const struct probe_program *refused;
	int err;

	allow_files();
	if (load_programs(&in->skel, options, in->results, error))
		return -1;
	err = setup(in);
	if (err) {
		explain(error, "cannot run state_setup", err,
			"--debug shows more");
		return -1;
	}
	in->ring = ring_buffer__new(bpf_map__fd(in->skel->maps.ring), on_record,
				    in, NULL);
	if (!in->ring) {
		explain(error, "cannot map the ring", -errno,
			"try a smaller one: --ring 1M");
		return -1;
	}
	refused = attach_all(in, options->asked);
	list_hooks(in);
	if (refused) {
		input_bpf_stop(in);
		explain_attach(in, refused, error);
		return -1;
	}
	in->blind.err = start_snapshot(in, options->config.events);
	if (!in->blind.err || !(options->asked & SOCKET))
		return 0;
	input_bpf_stop(in);
	explain(error, "cannot look at existing sockets", in->blind.err,
		in->blind.err == -ENOENT ? "mount -t proc proc /proc" :
					   "--debug shows more");
	return -1;
}

bool input_bpf_reads_user(const struct input_bpf *in)
{
	return in->skel->rodata->config.reads_user;
}

bool input_bpf_existing(const struct input_bpf *in)
{
	return in->existing;
}

const struct input_blind *input_bpf_blind(const struct input_bpf *in)
{
	return in->snapshot ? snapshot_blind(in->snapshot) : &in->blind;
}

/* A part of the snapshot, so that the trace goes on in between. */
static int read_existing(struct input_bpf *in, nsec_t begin)
{
	int more = in->existing;

	while (more > 0 && clock_now_ns() - begin < EXISTING_NS)
		more = snapshot_read(in->snapshot, in->sink, in->ctx);
	in->existing = more > 0;
	return more < 0 ? more : 0;
}

const char *input_bpf_section(const struct input_bpf *in, unsigned int i)
{
	return in->skel ? section_of(in, i) : "";
}

const struct probe_result *input_bpf_results(const struct input_bpf *in)
{
	return in->results;
}

bool input_bpf_works(const struct input_bpf *in, const char *name)
{
	unsigned int i;

	for (i = 0; probe_programs[i].name; i++)
		if (!strcmp(probe_programs[i].name, name))
			return in->results[i].status == PROBE_WORKS;
	return false;
}

const struct hook *input_bpf_hooks(const struct input_bpf *in, unsigned int *n)
{
	*n = in->n_hooks;
	return in->hooks;
}

/*
 * Transitions that are held until their socket has a port, which it has by
 * now, unless connect() is just running. False: none is left.
 */
static bool collect_held(struct input_bpf *in)
{
	LIBBPF_OPTS(bpf_test_run_opts, opts);
	struct tcbscope_bpf__data *data = in->skel->data;
	int fd = bpf_program__fd(in->skel->progs.hold_collect);

	if (__atomic_load_n(&data->hold_next, __ATOMIC_ACQUIRE) ==
	    data->hold_from)
		return false;
	return fd >= 0 && !bpf_prog_test_run_opts(fd, &opts);
}

void input_bpf_look(struct input_bpf *in, __u64 listener, unsigned int children)
{
	struct look look = { .listener = listener, .children = children };
	int fd = bpf_program__fd(in->skel->progs.listener_look);
	LIBBPF_OPTS(bpf_test_run_opts, opts);

	if (fd < 0)
		return;
	opts.ctx_in = &look;
	opts.ctx_size_in = sizeof(look);
	bpf_prog_test_run_opts(fd, &opts);
}

/*
 * Segments that the kernel has decided on for a while. False: none is watched.
 */
static bool collect_segments(struct input_bpf *in)
{
	LIBBPF_OPTS(bpf_test_run_opts, opts);
	int fd = bpf_program__fd(in->skel->progs.queue_collect);

	return fd >= 0 && !bpf_prog_test_run_opts(fd, &opts);
}

/*
 * Not more than a batch: while events come as fast as they are taken there
 * would be no end, and all that waits to be sorted takes memory. What is left
 * in the ring is about as old as what was taken last, or younger.
 */
int input_bpf_read(struct input_bpf *in, input_sink sink, void *ctx,
		   nsec_t *complete)
{
	nsec_t begin = clock_now_ns();
	int err;

	collect_held(in);
	collect_segments(in);
	in->sink = sink;
	in->ctx = ctx;
	in->sink_err = 0;
	in->room = BATCH;
	*complete = begin - SORT_WINDOW_NS;
	err = ring_buffer__consume(in->ring);
	if (err == -EAGAIN && !in->sink_err) {
		if (in->last_ns < begin)
			*complete = in->last_ns - SORT_WINDOW_NS;
		err = 0;
	}
	if (err >= 0)
		err = read_existing(in, begin);
	return in->sink_err ? in->sink_err : err < 0 ? err : 0;
}

/* In the reverse order of attaching; then what is held is collected. */
void input_bpf_stop(struct input_bpf *in)
{
	struct timespec ms = { .tv_nsec = 1000000 };
	unsigned int i = PROBE_PROGRAMS;
	int tries = DRAIN_MS, segments = SEGMENTS_MS;

	in->existing = false;
	while (i--) {
		bpf_link__destroy(in->links[i]);
		in->links[i] = NULL;
	}
	while (in->ring && tries-- && collect_held(in))
		nanosleep(&ms, NULL);
	while (in->ring && segments-- && collect_segments(in))
		nanosleep(&ms, NULL);
}

static void add_counters(struct counters *sum, const struct counters *c)
{
	const __u64 *from = (const __u64 *)c;
	__u64 *to = (__u64 *)sum;
	size_t i;

	for (i = 0; i < sizeof(*c) / sizeof(*from); i++)
		to[i] += from[i];
}

static void read_counters(struct input_bpf *in, struct counters *sum)
{
	int i;

	memset(sum, 0, sizeof(*sum));
	for (i = 0; i < COUNTERS; i++)
		add_counters(sum, &in->skel->bss->counters[i]);
}

static void read_missed(struct input_bpf *in, struct account *account)
{
	unsigned int i, n = 0;

	for (i = 0; probe_programs[i].name && n < ACCOUNT_ROOM; i++) {
		struct bpf_prog_info info = {};
		__u32 len = sizeof(info);
		int fd = bpf_program__fd(program_of(in, i));

		if (fd < 0 || bpf_obj_get_info_by_fd(fd, &info, &len))
			continue;
		account->program[n] = probe_programs[i].name;
		account->missed_runs[n++] = info.recursion_misses;
	}
}

/*
 * After stop() a program may still be running on another CPU, with its event
 * counted but not yet in the ring: the account is complete when both agree.
 */
void input_bpf_settle(struct input_bpf *in)
{
	struct timespec ms = { .tv_nsec = 1000000 };
	struct counters k;
	int tries = DRAIN_MS;

	in->room = UINT_MAX;
	while (tries--) {
		read_counters(in, &k);
		if (in->sink && !in->sink_err)
			ring_buffer__consume(in->ring);
		if (account_sum(k.generated) - account_sum(k.ring_lost) ==
		    in->taken)
			break;
		nanosleep(&ms, NULL);
	}
}

void input_bpf_account(struct input_bpf *in, struct account *account)
{
	read_counters(in, &account->kernel);
	if (in->snapshot)
		account->kernel.generated[EVENT_socket] = snapshot_count(
			in->snapshot);
	read_missed(in, account);
}

void input_bpf_free(struct input_bpf *in)
{
	if (!in)
		return;
	input_bpf_stop(in);
	snapshot_free(in->snapshot);
	ring_buffer__free(in->ring);
	tcbscope_bpf__destroy(in->skel);
	reason_free(in->reasons);
	free(in);
}
