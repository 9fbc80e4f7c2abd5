// SPDX-License-Identifier: GPL-2.0
/*
 * The kernel's BTF says which hooks there are not. In the normal case all the
 * rest is loaded at once, and that is all. If it is refused, the verifier's log
 * says which program it was; if there is none, each program is tried alone.
 */
#include "input/load.h"
#include "input/attach.h"
#include "input/call.h"
#include "input/refusal.h"
#include "input/syscall.h"
#include "input/tier.h"
#include "input/types.h"
#include "lib/priv.h"
#include "lib/room.h"
#include "lib/say.h"
#include "tcbscope.skel.h"

#include <bpf/btf.h>
#include <bpf/libbpf.h>
#include <errno.h>
#include <linux/capability.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

/* The most that any kernel takes; pages are there once it writes to them. */
#define LOG_BYTES (UINT32_MAX >> 8)
#define ARGUMENTS 6	/* that programs of functions get on every kernel */
#define NOTE_BYTES 4096 /* enough to see that there is a log */

#define RING_MAX (1u << 30)

/* The first bytes of what the verifier says of each program that it refuses. */
struct notes {
	char of[PROBE_PROGRAMS][NOTE_BYTES];
};

/* One attempt after the other: what is still to be had. */
struct load {
	const struct input_bpf_options *options;
	struct probe_result *results;
	__u32 events; /* without the types that have been given up */
	const struct probe_program *fatal; /* refused, and not to be spared */
	struct notes *notes;
	struct types *types; /* NULL: the kernel says nothing of its types */
	bool reads_user;     /* config.reads_user */
	bool perf;	     /* programs of system calls hang on perf */
	bool tried;	     /* to load what was opened at first */
	enum probe_weight weight;
};

static struct tcbscope_bpf *open_with(const char *types)
{
	LIBBPF_OPTS(bpf_object_open_opts, opts);

	opts.btf_custom_path = types;
	return tcbscope_bpf__open_opts(&opts);
}

struct tcbscope_bpf *load_open(void)
{
	return open_with(types_path());
}

/* An object to be loaded, which libbpf can only once. */
static struct tcbscope_bpf *reopen(const struct load *l)
{
	return open_with(l->types ? types_path() : NULL);
}

static struct bpf_program *program_of(struct tcbscope_bpf *skel, unsigned int i)
{
	return bpf_object__find_program_by_name(skel->obj,
						probe_programs[i].name);
}

static uint64_t ring_bytes(const struct input_bpf_options *options)
{
	uint64_t bytes = sysconf(_SC_PAGESIZE);

	while (bytes < options->ring_bytes && bytes < RING_MAX)
		bytes *= 2;
	return bytes;
}

/*
 * libbpf 1.1 searches all modules for a function that the kernel lacks, and
 * gives up where it may not, without CAP_SYS_ADMIN. It searches once only: let
 * it, for something that is nowhere, before it matters.
 */
static void search_modules(struct tcbscope_bpf *skel)
{
	static const int caps[] = { CAP_SYS_ADMIN, -1 };

	if (priv_lacks("searching modules", caps))
		bpf_program__set_attach_target(skel->progs.state_first, 0,
					       "nowhere");
}

/* Is this program among those to be loaded? */
static bool works(const struct load *l, const char *name)
{
	unsigned int i = 0;

	while (strcmp(probe_programs[i].name, name))
		i++;
	return l->results[i].status == PROBE_WORKS;
}

/* Everything that must be fixed before loading. */
static int configure(struct tcbscope_bpf *skel, const struct load *l)
{
	struct config *config = (struct config *)&skel->rodata->config;
	unsigned int i;

	search_modules(skel);
	*config = l->options->config;
	config->events = l->events;
	config->in6_addr = types_id(l->types, "in6_addr", BTF_KIND_STRUCT);
	call_configure(config);
	config->reads_user = l->reads_user;
	config->tells_ready = works(l, "queue_ready");
	config->tells_syns = works(l, "queue_segment");
	config->light = l->weight == PROBE_LIGHT;
	if (config->light) /* children get no copy of their listener's */
		bpf_map__set_map_flags(skel->maps.memory, BPF_F_NO_PREALLOC);
	for (i = 0; probe_programs[i].name; i++)
		bpf_program__set_autoload(program_of(skel, i),
					  l->results[i].status == PROBE_WORKS);
	for (i = 0; l->perf && probe_programs[i].name; i++)
		syscall_use_perf(program_of(skel, i));
	return bpf_map__set_max_entries(skel->maps.queue_slots, QUEUE_SLOTS * libbpf_num_possible_cpus()) ?:
		       bpf_map__set_max_entries(skel->maps.ring,
						ring_bytes(l->options));
}

/* Are its hooks of a kind that is to be used? */
static bool allowed(const struct load *l, const struct probe_program *p)
{
	__u32 tiers = l->options->tiers ?: TIERS_DEFAULT;

	return !p->tier || tiers & 1u << p->tier;
}

/*
 * What can stand in for a program that cannot be had is to be loaded now; or
 * what stands in for that.
 */
static void call_stand_ins(struct load *l, const char *name)
{
	const struct probe_program *p;
	unsigned int i;

	for (i = 0; probe_programs[i].name; i++) {
		p = &probe_programs[i];
		if (!p->stands_in_for || strcmp(p->stands_in_for, name) ||
		    l->results[i].status != PROBE_UNNEEDED)
			continue;
		l->results[i].status = PROBE_WORKS;
		if (allowed(l, p))
			continue;
		l->results[i].status = PROBE_UNWANTED;
		call_stand_ins(l, p->name);
	}
}

/* Does it serve what is wanted, and is that worth it? */
static bool serves(const struct load *l, const struct probe_program *p)
{
	return probe_serves(p, l->events) &&
	       (!p->named || p->events & l->options->config.named) &&
	       (!p->weight || p->weight == l->weight);
}

/* Programs of this weight are to be loaded, and not those of the other. */
static void weigh(struct load *l, enum probe_weight weight)
{
	struct probe_result *r = l->results;
	const struct probe_program *p;

	l->weight = weight;
	for (p = probe_programs; p->name; p++, r++) {
		if (p->weight == weight && r->status == PROBE_UNWANTED)
			r->status = PROBE_WORKS;
		else if (p->weight && p->weight != weight &&
			 r->status == PROBE_WORKS)
			r->status = PROBE_UNWANTED;
	}
}

/* May children do without a memory? Only if nothing else asks for it. */
static bool light_will_do(const struct load *l)
{
	const __u32 queue = 1u << EVENT_queue, socket = 1u << EVENT_socket;
	const struct probe_program *p;

	for (p = probe_programs; p->name; p++)
		if (p->tier == 4 &&
		    l->results[p - probe_programs].status == PROBE_WORKS)
			return false;
	return !(l->events & ~(queue | socket)) &&
	       l->events & l->options->config.named & queue &&
	       works(l, "queue_ready") && works(l, "queue_accepts");
}

/* In the beginning everything works that was asked for. */
static void choose(struct load *l)
{
	const struct probe_program *p;
	unsigned int i;

	for (i = 0; probe_programs[i].name; i++) {
		struct probe_result *r = &l->results[i];

		p = &probe_programs[i];
		memset(r, 0, sizeof(*r));
		if (serves(l, p))
			r->status = p->stands_in_for ? PROBE_UNNEEDED :
						       PROBE_WORKS;
	}
	for (i = 0; probe_programs[i].name; i++) {
		p = &probe_programs[i];
		if (l->results[i].status == PROBE_WORKS && !allowed(l, p))
			l->results[i].status = PROBE_UNWANTED;
		else if (serves(l, p) || p->stands_in_for)
			continue;
		call_stand_ins(l, p->name);
	}
}

/* These events are not to be had; nobody has asked for them by name. */
static void give_up(struct load *l, __u32 events)
{
	unsigned int i;

	l->events &= ~events;
	for (i = 0; probe_programs[i].name; i++)
		if (l->results[i].status != PROBE_REFUSED &&
		    !serves(l, &probe_programs[i]))
			l->results[i].status = PROBE_UNWANTED;
}

static void refuse(struct load *l, unsigned int i, const char *section, int err,
		   const char *log)
{
	const struct probe_program *p = &probe_programs[i];

	probe_refuse(&l->results[i], section, err, log);
	if (p->weight == PROBE_LIGHT)
		weigh(l, PROBE_HEAVY);
	call_stand_ins(l, p->name);
	if (!p->mandatory)
		return;
	if (!p->events || p->events & l->options->asked ||
	    !(l->events & ~p->events)) /* nothing would be left */
		l->fatal = l->fatal ?: p;
	else
		give_up(l, p->events);
}

static int attempt(struct tcbscope_bpf **skel, struct load *l)
{
	unsigned int i;
	int err;

	if (l->tried || !l->types) {
		tcbscope_bpf__destroy(*skel);
		*skel = reopen(l);
	}
	l->tried = true;
	err = *skel && l->notes ? configure(*skel, l) : -ENOMEM;
	for (i = 0; !err && probe_programs[i].name; i++)
		bpf_program__set_log_buf(program_of(*skel, i), l->notes->of[i],
					 NOTE_BYTES);
	return err ?: tcbscope_bpf__load(*skel);
}

/* Refuses what this kernel has no hook for; a stand-in may be one of them. */
static void refuse_missing(struct load *l, struct tcbscope_bpf *skel)
{
	const char *section;
	bool more = true;
	unsigned int i;

	while (more) {
		more = false;
		for (i = 0; probe_programs[i].name; i++) {
			section = bpf_program__section_name(
				program_of(skel, i));
			if (l->results[i].status != PROBE_WORKS ||
			    types_has_hook(l->types, section))
				continue;
			refuse(l, i, section, -ESRCH, "");
			more = true;
		}
	}
}

/*
 * The hook that is tried for a program, since all of its kind may be refused;
 * @own: that of a function with more arguments than some kernels can pass on,
 * which they say only when a program is to be attached. NULL: none is tried.
 */
static const struct tier_hook *hook_of(const struct types *types,
				       const char *section,
				       struct tier_hook *own)
{
	if (types_arguments(types, section) <= ARGUMENTS)
		return tier_hook_of(section);
	own->name = section;
	return own;
}

/* Refuses what hangs on hooks of which all are refused, whatever is there. */
static void refuse_kinds(struct load *l, struct tcbscope_bpf *skel,
			 const struct btf *kernel)
{
	struct probe_result tried[TIER_HOOKS] = {}, *r, alone;
	struct tier_hook own = { .tier = 4, .gives = "" };
	const struct tier_hook *hook;
	const char *section;
	unsigned int i;

	for (i = 0; probe_programs[i].name; i++) {
		section = bpf_program__section_name(program_of(skel, i));
		if (l->results[i].status != PROBE_WORKS)
			continue;
		hook = hook_of(l->types, section, &own);
		if (!hook)
			continue;
		r = hook == &own ? &alone : &tried[hook - tier_hooks];
		alone.status = PROBE_UNWANTED;
		if (r->status == PROBE_UNWANTED) /* not tried yet */
			tier_try(kernel, l->types, hook, r);
		if (r->status == PROBE_WORKS)
			continue;
		refuse(l, i, section, r->err, "");
		l->results[i] = *r;
		i = -1; /* a stand-in may stand before */
	}
}

/* What the kernel's BTF says, if it is to be had. */
static void look(struct load *l, struct tcbscope_bpf *skel)
{
	struct btf *kernel = types_kernel();
	struct probe_result user = {};

	if (kernel)
		l->types = types_new(kernel, skel->obj);
	attach_by(l->types);
	/* where lockdown forbids this, libbpf does not let us read processes */
	if (l->events & 1u << EVENT_call)
		tier_try(kernel, l->types, tier_hook_named(TIER_READ), &user);
	l->reads_user = user.status == PROBE_WORKS;
	if (l->types) {
		refuse_kinds(l, skel, kernel);
		refuse_missing(l, skel);
		l->perf = (works(l, "call_exit") ||
			   works(l, "queue_accepts")) &&
			  syscall_preempts(kernel, l->types);
		if (light_will_do(l))
			weigh(l, PROBE_LIGHT);
	}
	types_leave(kernel);
}

/* Loads one program alone, with a log that has room for all. 0 or -errno. */
static int load_alone(const struct load *l, struct tcbscope_bpf *skel,
		      unsigned int i, char *log)
{
	int err = configure(skel, l);
	unsigned int other;

	for (other = 0; probe_programs[other].name; other++)
		bpf_program__set_autoload(program_of(skel, other), other == i);
	bpf_program__set_log_buf(program_of(skel, i), log, LOG_BYTES);
	return err ? err : tcbscope_bpf__load(skel);
}

/* Refuses one program if the kernel does. Has it? */
static bool try_alone(struct load *l, unsigned int i)
{
	struct tcbscope_bpf *skel = reopen(l);
	char *log = mmap(NULL, LOG_BYTES, PROT_READ | PROT_WRITE,
			 MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
	int err = 0;

	if (skel && log != MAP_FAILED)
		err = load_alone(l, skel, i, log);
	if (err)
		refuse(l, i, bpf_program__section_name(program_of(skel, i)),
		       err, log);
	if (log != MAP_FAILED)
		munmap(log, LOG_BYTES);
	tcbscope_bpf__destroy(skel);
	return err;
}

/* Refuses what the kernel has just refused. False: nothing to be found. */
static bool refuse_some(struct load *l)
{
	bool any = false;
	unsigned int i;

	if (l->fatal)
		return false;
	for (i = 0; probe_programs[i].name; i++) {
		if (!*l->notes->of[i])
			continue;
		*l->notes->of[i] = '\0';
		if (try_alone(l, i))
			return true;
	}
	for (i = 0; probe_programs[i].name && !l->fatal; i++)
		if (l->results[i].status == PROBE_WORKS)
			any |= try_alone(l, i);
	return any;
}

static void refuse_all(struct load *l, int err, const char *why)
{
	unsigned int i;

	for (i = 0; probe_programs[i].name; i++) {
		if (!probe_serves(&probe_programs[i],
				  l->options->config.events) ||
		    !allowed(l, &probe_programs[i]))
			continue; /* it was not asked for */
		l->results[i].status = PROBE_REFUSED;
		l->results[i].err = err;
		snprintf(l->results[i].reason, PROBE_REASON, "%s", why);
	}
}

/* Nothing more is tried after a fatal one. */
static void leave_rest(struct load *l)
{
	unsigned int i;

	for (i = 0; probe_programs[i].name; i++)
		if (l->results[i].status == PROBE_WORKS ||
		    l->results[i].status == PROBE_UNNEEDED)
			l->results[i].status = PROBE_UNTRIED;
}

/* One of a tier's programs, if that was asked for and none is to be had. */
static const struct probe_program *tier_missing(const struct load *l,
						unsigned int tier)
{
	const struct probe_program *p, *missing = NULL;
	unsigned int i;

	if (!(l->options->asked_tiers & 1u << tier))
		return NULL;
	for (i = 0; probe_programs[i].name; i++) {
		p = &probe_programs[i];
		if (p->tier != tier)
			continue;
		if (l->results[i].status != PROBE_REFUSED)
			return NULL; /* or not needed, or not wanted */
		missing = missing ?: p;
	}
	return missing;
}

/* Of the tiers that can stand in for each other the one or the other will do. */
static const struct probe_program *missing_tier(const struct load *l)
{
	const struct probe_program *third = tier_missing(l, 3);
	const struct probe_program *fourth = tier_missing(l, 4);
	const __u32 both = 1u << 3 | 1u << 4;

	if ((l->options->asked_tiers & both) == both && !(third && fourth))
		third = fourth = NULL;
	return tier_missing(l, 2) ?: third ?: fourth;
}

int load_programs(struct tcbscope_bpf **skel,
		  const struct input_bpf_options *options,
		  struct probe_result *results, struct input_error *error)
{
	struct load l = {
		.options = options,
		.results = results,
		.events = options->config.events,
		.weight = PROBE_HEAVY,
	};
	bool general = false, missing = false;
	int err;

	memset(error, 0, sizeof(*error));
	error->code = EXIT_KERNEL;
	l.notes = calloc(1, sizeof(*l.notes));
	choose(&l);
	room_begin();
	look(&l, *skel);
	do {
		err = attempt(skel, &l);
		general = err &&
			  refusal_general(ring_bytes(options), err, error);
	} while (err && !general && refuse_some(&l) && !l.fatal);
	free(l.notes);
	if (!err && !l.fatal) {
		l.fatal = missing_tier(&l);
		missing = l.fatal;
	}
	if (!err && l.fatal)
		err = results[l.fatal - probe_programs].err;
	if (general) {
		refuse_all(&l, err, error->why);
	} else if (missing) {
		refusal_tier(l.fatal, results, error);
		leave_rest(&l);
	} else if (l.fatal) {
		refusal_program(l.fatal, results, error);
		leave_rest(&l);
	} else if (err) {
		refusal_unknown(err, error);
	}
	attach_by(NULL);
	types_free(l.types);
	types_leave(NULL);
	if (err) {
		tcbscope_bpf__destroy(*skel);
		*skel = load_open();
	}
	room_end();
	return err;
}
