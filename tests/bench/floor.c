// SPDX-License-Identifier: GPL-2.0
/* Tracers that do as little as can be: what any tracer has to pay. */
#include "bench.h"
#include "lib/inode.h"
#include "tests/bench/floor.skel.h"

#include <bpf/libbpf.h>
#include <poll.h>
#include <string.h>
#include <unistd.h>

#define POLL_MS 10 /* as tcbscope's */
#define PROGRAMS 10

#define EMPTY_QUEUES                                                     \
	"empty_first", "empty_exit", "empty_ready", "empty_ready_again", \
		"empty_goes", "empty_drop"

static const struct floor {
	const char *name;
	const char *programs[PROGRAMS];
} floors[] = {
	{ "one", { "empty_first" } },
	{ "two", { "empty_first", "empty_second" } },
	{ "ring", { "ring_only" } },
	{ "calls", { "empty_enter", "empty_exit" } },
	{ "lean", { "lean_first", "lean_second" } },
	{ "queues", { EMPTY_QUEUES } },
	{ "syns", { EMPTY_QUEUES, "empty_segment", "empty_request" } },
};

static int ignore(void *ctx, void *data, size_t size)
{
	(void)ctx;
	(void)data;
	(void)size;
	return 0;
}

static bool wanted(const struct floor *f, const struct bpf_program *program)
{
	int i;

	for (i = 0; i < PROGRAMS && f->programs[i]; i++)
		if (!strcmp(f->programs[i], bpf_program__name(program)))
			return true;
	return false;
}

static const struct floor *find(const char *name)
{
	unsigned int i;

	for (i = 0; i < sizeof(floors) / sizeof(*floors); i++)
		if (!strcmp(floors[i].name, name))
			return &floors[i];
	bench_die("no floor is called %s", name);
}

/* What libbpf does not attach by itself: programs of a cgroup. */
static void attach_cgroup(const struct bpf_program *p)
{
	int root = inode_cgroup_root();

	if (root < 0 || !bpf_program__attach_cgroup(p, root))
		bench_die("cannot attach a program to the root cgroup");
	close(root);
}

/* Runs until it is killed; libbpf's messages are wanted if it fails. */
int floor_main(const char *name)
{
	const struct floor *f = find(name);
	struct floor_bpf *skel = floor_bpf__open();
	struct ring_buffer *ring;
	struct bpf_program *p;

	if (!skel)
		bench_die("cannot open the floor's programs");
	bpf_object__for_each_program(p, skel->obj)
		bpf_program__set_autoload(p, wanted(f, p));
	if (floor_bpf__load(skel) || floor_bpf__attach(skel))
		bench_die("cannot load or attach floor %s", name);
	bpf_object__for_each_program(
		p, skel->obj) if (wanted(f, p) &&
				  strncmp(bpf_program__section_name(p),
					  "tp_btf/", 7)) attach_cgroup(p);
	ring = ring_buffer__new(bpf_map__fd(skel->maps.ring), ignore, NULL,
				NULL);
	if (!ring)
		bench_die("cannot map the floor's ring");
	for (;;) {
		poll(NULL, 0, POLL_MS);
		ring_buffer__consume(ring);
	}
}
