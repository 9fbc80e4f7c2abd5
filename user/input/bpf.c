// SPDX-License-Identifier: GPL-2.0
/* The live input: loads the BPF programs, attaches them, reads their ring. */
#include "input/input.h"
#include "input/probe.h"
#include "lib/clock.h"
#include "lib/priv.h"
#include "lib/say.h"
#include "tcbscope.skel.h"

#include <bpf/bpf.h>
#include <bpf/btf.h>
#include <bpf/libbpf.h>
#include <errno.h>
#include <linux/capability.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#define SORT_WINDOW_NS 20000000ull /* what a program may take to finish */
#define DRAIN_MS 200		   /* how long to wait for running programs */

/* The system calls that a state event can name, as this machine numbers them. */
static const struct {
	long nr;
	enum cause cause;
} calls[] = {
	{ SYS_connect, CAUSE_CALL_CONNECT },
	{ SYS_listen, CAUSE_CALL_LISTEN },
	{ SYS_close, CAUSE_CALL_CLOSE },
	{ SYS_close_range, CAUSE_CALL_CLOSE },
	{ SYS_shutdown, CAUSE_CALL_SHUTDOWN },
	{ SYS_sendto, CAUSE_CALL_SENDTO },
	{ SYS_sendmsg, CAUSE_CALL_SENDMSG },
	{ SYS_sendmmsg, CAUSE_CALL_SENDMSG },
#ifdef SYS_dup2
	{ SYS_dup2, CAUSE_CALL_DUP },
#endif
	{ SYS_dup3, CAUSE_CALL_DUP },
	{ SYS_execve, CAUSE_CALL_EXECVE },
	{ SYS_execveat, CAUSE_CALL_EXECVE },
	{ SYS_io_uring_enter, CAUSE_CALL_IO_URING },
};

struct input_bpf {
	struct tcbscope_bpf *skel;
	struct bpf_link *links[PROBE_PROGRAMS];
	struct hook hooks[PROBE_PROGRAMS];
	unsigned int n_hooks;
	struct ring_buffer *ring;
	input_sink sink; /* during a read */
	void *ctx;
	int sink_err;
	uint64_t taken; /* records out of the ring */
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
	in->skel = tcbscope_bpf__open();
	if (in->skel)
		return in;
	free(in);
	return NULL;
}

const struct btf *input_bpf_btf(const struct input_bpf *in)
{
	return bpf_object__btf(in->skel->obj);
}

static struct bpf_program *program_of(struct input_bpf *in, unsigned int i)
{
	return bpf_object__find_program_by_name(in->skel->obj,
						probe_programs[i].name);
}

/* The tracepoint that it hangs on; NULL: on something else. */
static const char *tracepoint_of(struct input_bpf *in, unsigned int i)
{
	const char *section = bpf_program__section_name(program_of(in, i));
	static const char kind[] = "tp_btf/";

	return strncmp(section, kind, strlen(kind)) ? NULL :
						      section + strlen(kind);
}

static bool wanted(const struct probe_program *p, __u32 events)
{
	return !p->events || p->events & events;
}

/* Everything that must be fixed before loading. */
static int configure(struct input_bpf *in,
		     const struct input_bpf_options *options)
{
	struct config *config = (struct config *)&in->skel->rodata->config;
	uint64_t bytes = sysconf(_SC_PAGESIZE);
	unsigned int i;

	*config = options->config;
	for (i = 0; i < sizeof(calls) / sizeof(*calls); i++)
		if (calls[i].nr < CONFIG_CALLS)
			config->call[calls[i].nr] = calls[i].cause;
	while (bytes < options->ring_bytes && bytes < 1u << 30)
		bytes *= 2;
	for (i = 0; probe_programs[i].name; i++)
		bpf_program__set_autoload(
			program_of(in, i),
			wanted(&probe_programs[i], config->events) &&
				!probe_programs[i].stands_in_for);
	return bpf_map__set_max_entries(in->skel->maps.ring, bytes);
}

/* Does the running kernel have what the program needs? Asks its BTF. */
static bool can_load(struct input_bpf *in, unsigned int i,
		     const struct btf *kernel)
{
	const char *tracepoint = tracepoint_of(in, i);
	const char *function = probe_programs[i].calls;
	char type[64];

	snprintf(type, sizeof(type), "btf_trace_%s", tracepoint ?: "");
	if (tracepoint &&
	    btf__find_by_name_kind(kernel, type, BTF_KIND_TYPEDEF) < 0)
		return false;
	return !function ||
	       btf__find_by_name_kind(kernel, function, BTF_KIND_FUNC) > 0;
}

/* @name is not to be had: what can stand in for it is to be loaded. */
static void call_stand_in(struct input_bpf *in, const char *name)
{
	const struct probe_program *p;
	unsigned int i;

	for (i = 0; probe_programs[i].name; i++) {
		p = &probe_programs[i];
		if (p->stands_in_for && !strcmp(p->stands_in_for, name))
			bpf_program__set_autoload(program_of(in, i), true);
	}
}

/*
 * Loading failed: leave out what this kernel has nothing to run on, in a
 * fresh object, and load again. Not done before the first try because reading
 * the kernel's BTF takes longer than all the rest.
 */
static int load_what_exists(struct input_bpf *in,
			    const struct input_bpf_options *options)
{
	struct btf *kernel = btf__load_vmlinux_btf();
	bool missing = false;
	unsigned int i;
	int err = -ENOENT;

	if (!kernel)
		return -errno;
	tcbscope_bpf__destroy(in->skel);
	in->skel = tcbscope_bpf__open();
	if (!in->skel || configure(in, options))
		goto out;
	for (i = 0; probe_programs[i].name; i++) {
		if (probe_programs[i].mandatory ||
		    !bpf_program__autoload(program_of(in, i)) ||
		    can_load(in, i, kernel))
			continue;
		bpf_program__set_autoload(program_of(in, i), false);
		call_stand_in(in, probe_programs[i].name);
		missing = true;
	}
	if (missing)
		err = tcbscope_bpf__load(in->skel);
out:
	btf__free(kernel);
	return err;
}

static void explain_load(struct input_error *error, int err)
{
	static const int caps[] = { CAP_BPF, CAP_PERFMON, -1 };
	const char *lacks = priv_lacks("loading BPF programs", caps);

	snprintf(error->what, sizeof(error->what),
		 "cannot load the BPF programs: %s", strerror(-err));
	error->code = EXIT_KERNEL;
	if (access("/sys/kernel/btf/vmlinux", R_OK)) {
		error->why = "this kernel has no type information "
			     "(/sys/kernel/btf/vmlinux)";
		error->then = "boot a kernel built with CONFIG_DEBUG_INFO_BTF";
	} else if ((err == -EPERM || err == -EACCES) && lacks) {
		error->why = lacks;
		error->then = "run it with sudo";
	} else if (err == -EPERM) {
		error->why = "not for want of capabilities, unless this is a "
			     "user namespace: the kernel forbids it";
		error->then = "--debug shows what it said";
	} else {
		error->why = "this kernel refused a program; Linux 6.1 and "
			     "later should take all of them";
		error->then = "--debug shows what it said";
	}
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

static int attach_all(struct input_bpf *in, __u32 events,
		      struct input_error *error)
{
	unsigned int i;

	for (i = 0; probe_programs[i].name; i++) {
		const struct probe_program *p = &probe_programs[i];
		struct hook *hook = &in->hooks[in->n_hooks];

		if (!wanted(p, events) || !tracepoint_of(in, i))
			continue;
		if (p->stands_in_for &&
		    !bpf_program__autoload(program_of(in, i)))
			continue; /* not needed here */
		if (bpf_program__autoload(program_of(in, i)))
			in->links[i] = bpf_program__attach(program_of(in, i));
		if (!in->links[i] && p->mandatory) {
			snprintf(error->what, sizeof(error->what),
				 "cannot attach %s to %s: %s", p->name,
				 tracepoint_of(in, i), strerror(errno));
			error->why = "this kernel refuses a tracepoint that "
				     "nothing can stand in for";
			error->then = "--debug shows what it said";
			error->code = EXIT_KERNEL;
			return -1;
		}
		hook->name = p->name;
		hook->attached = in->links[i];
		hook->without = p->without;
		in->n_hooks++;
	}
	return 0;
}

static int on_record(void *ctx, void *data, size_t size)
{
	struct input_bpf *in = ctx;

	in->taken++;
	in->sink_err = in->sink(in->ctx, data, size);
	return in->sink_err;
}

int input_bpf_start(struct input_bpf *in,
		    const struct input_bpf_options *options,
		    struct input_error *error)
{
	int err;

	memset(error, 0, sizeof(*error));
	err = configure(in, options);
	if (!err)
		err = tcbscope_bpf__load(in->skel);
	if (err && err != -EPERM && err != -EACCES) {
		int again = load_what_exists(in, options);

		err = again == -ENOENT ? err : again;
	}
	if (!err)
		err = setup(in);
	if (err) {
		explain_load(error, err);
		return -1;
	}
	in->ring = ring_buffer__new(bpf_map__fd(in->skel->maps.ring), on_record,
				    in, NULL);
	if (!in->ring) {
		explain_load(error, -errno);
		return -1;
	}
	if (!attach_all(in, options->config.events, error))
		return 0;
	input_bpf_stop(in);
	return -1;
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
	if (fd < 0)
		fd = bpf_program__fd(in->skel->progs.hold_collect_read);
	return fd >= 0 && !bpf_prog_test_run_opts(fd, &opts);
}

int input_bpf_read(struct input_bpf *in, input_sink sink, void *ctx,
		   nsec_t *complete)
{
	nsec_t begin = clock_now_ns();
	int err;

	collect_held(in);
	in->sink = sink;
	in->ctx = ctx;
	in->sink_err = 0;
	err = ring_buffer__consume(in->ring);
	*complete = begin - SORT_WINDOW_NS;
	return in->sink_err ? in->sink_err : err < 0 ? err : 0;
}

/* In the reverse order of attaching; then what is held is collected. */
void input_bpf_stop(struct input_bpf *in)
{
	struct timespec ms = { .tv_nsec = 1000000 };
	unsigned int i = PROBE_PROGRAMS;
	int tries = DRAIN_MS;

	while (i--) {
		bpf_link__destroy(in->links[i]);
		in->links[i] = NULL;
	}
	while (in->ring && tries-- && collect_held(in))
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

static uint64_t read_missed(struct input_bpf *in)
{
	uint64_t missed = 0;
	unsigned int i;

	for (i = 0; probe_programs[i].name; i++) {
		struct bpf_prog_info info = {};
		__u32 len = sizeof(info);
		int fd = bpf_program__fd(program_of(in, i));

		if (fd >= 0 && !bpf_obj_get_info_by_fd(fd, &info, &len))
			missed += info.recursion_misses;
	}
	return missed;
}

/*
 * After stop() a program may still be running on another CPU, with its event
 * counted but not yet in the ring: the account is complete when both agree.
 */
void input_bpf_account(struct input_bpf *in, struct account *account)
{
	struct timespec ms = { .tv_nsec = 1000000 };
	struct counters *k = &account->kernel;
	int tries = DRAIN_MS;

	for (;;) {
		read_counters(in, k);
		if (in->sink && !in->sink_err)
			ring_buffer__consume(in->ring);
		if (account_sum(k->generated) - account_sum(k->ring_lost) ==
			    in->taken ||
		    !tries--)
			break;
		nanosleep(&ms, NULL);
	}
	account->missed_runs = read_missed(in);
}

void input_bpf_free(struct input_bpf *in)
{
	if (!in)
		return;
	input_bpf_stop(in);
	ring_buffer__free(in->ring);
	tcbscope_bpf__destroy(in->skel);
	free(in);
}
