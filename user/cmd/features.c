// SPDX-License-Identifier: GPL-2.0
/* tcbscope features: what this kernel lets us see, by trying each program. */
#include "cmd/cmd.h"
#include "event/schema.h"
#include "input/input.h"
#include "input/module.h"
#include "input/probe.h"
#include "input/tier.h"
#include "lib/opt.h"
#include "lib/say.h"

#include <argp.h>
#include <errno.h>
#include <json-c/json.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/utsname.h>

#define ENOTSUPP 524 /* the kernel's own; libc has no word for it */

struct options {
	bool json, strict, debug;
};

/* What has been found out. */
struct features {
	struct input_bpf *in;
	struct schema *schema;
	struct utsname uts;
	bool works; /* a trace of everything has been started */
	struct input_error error;
	struct probe_result programs[PROBE_PROGRAMS]; /* of probe_programs[] */
	struct probe_result hooks[TIER_HOOKS];	      /* of tier_hooks[] */
};

static const char *const quality_names[] = { "exact", "derived", "absent" };

enum { OPT_STRICT = 256, OPT_DEBUG };

static const struct argp_option options[] = {
	{ "json", 'j', NULL, 0, "one JSON document instead of tables", 0 },
	{ "strict", OPT_STRICT, NULL, 0,
	  "exit status 3 if anything is missing, and not only if a trace cannot "
	  "be had at all",
	  0 },
	{ "debug", OPT_DEBUG, NULL, 0, "show what libbpf says", 0 },
	{ NULL, 'h', NULL, OPTION_HIDDEN, NULL, 0 },
	{}
};

static error_t parse(int key, char *arg, struct argp_state *state)
{
	struct options *opt = state->input;

	switch (key) {
	case 'j':
		opt->json = true;
		break;
	case OPT_STRICT:
		opt->strict = true;
		break;
	case OPT_DEBUG:
		opt->debug = true;
		break;
	case 'h':
		argp_state_help(state, stdout, ARGP_HELP_STD_HELP);
		break;
	case ARGP_KEY_ARG:
		opt_wrong(state, "no such argument", arg);
		break;
	default:
		return ARGP_ERR_UNKNOWN;
	}
	return 0;
}

/* ---------------------------------------------------------- finding out */

static bool anything_missing(const struct features *f)
{
	unsigned int i;

	for (i = 0; probe_programs[i].name; i++)
		if (probe_missing(f->programs, i))
			return true;
	return false;
}

static void examine(struct features *f, bool debug)
{
	struct input_bpf_options opt = {
		.config.named = ~0u,
		.tiers = ~0u,
		.ring_bytes = RING_DEFAULT,
		.debug = debug,
	};
	unsigned int i;

	for (i = 0; i < EVENT_TYPES; i++)
		if (f->schema->types[i].n)
			opt.config.events |= 1u << i;
	f->works = !input_bpf_start(f->in, &opt, &f->error);
	memcpy(f->programs, input_bpf_results(f->in), sizeof(f->programs));
	input_bpf_stop(f->in);
	tier_try_all(f->hooks);
}

static struct probe_quality quality(const struct features *f, unsigned int type)
{
	const struct probe_quality none = { .events = PROBE_ABSENT };

	return f->works ? probe_judge(f->programs, f->schema, type) : none;
}

/* Of the kernel module, which no trace needs. */
static const char *module_status(void)
{
	struct module *m = module_open();
	const char *status = m			      ? "loaded" :
			     errno == EPROTONOSUPPORT ? "another version" :
							"absent";

	module_close(m);
	return status;
}

static bool tier_works(const struct features *f, unsigned int tier)
{
	unsigned int i;

	for (i = 0; tier_hooks[i].name; i++)
		if (tier_hooks[i].tier == tier &&
		    f->hooks[i].status != PROBE_WORKS)
			return false;
	return true;
}

static const char *status(const struct features *f, unsigned int i)
{
	enum tier_way way;

	switch (f->programs[i].status) {
	case PROBE_REFUSED:
		return "refused";
	case PROBE_UNNEEDED:
		return "unneeded";
	case PROBE_UNWANTED: /* its events cannot be had, or another weighs */
		return probe_programs[i].weight ? "unneeded" : "useless";
	case PROBE_UNTRIED:
		return "untried";
	case PROBE_WORKS:
		break;
	}
	way = tier_way(input_bpf_section(f->in, i));
	return way == TIER_WAY_ITER || way == TIER_WAY_RUN ? "loaded" :
							     "attached";
}

/* ----------------------------------------------------------------- text */

/* Why, if that is not what the line before it said: one reason may hit all. */
static void print_reason(const struct probe_result *r, unsigned int indent,
			 const char **last)
{
	if (r->status != PROBE_REFUSED)
		return;
	if (!*last || strcmp(*last, r->reason))
		printf("%*s %s\n", indent, "", r->reason);
	*last = r->reason;
}

static void print_programs(const struct features *f)
{
	const struct probe_program *p;
	const char *last = NULL;
	unsigned int i;

	printf("%-18s %-34s %s\n", "PROGRAM", "HOOK", "STATUS");
	for (i = 0; probe_programs[i].name; i++) {
		p = &probe_programs[i];
		printf("%-18s %-34s %s\n", p->name, input_bpf_section(f->in, i),
		       status(f, i));
		print_reason(&f->programs[i], 18, &last);
		if (f->programs[i].status == PROBE_UNNEEDED)
			printf("%18s %s is there\n", "", p->stands_in_for);
		if (f->programs[i].status != PROBE_REFUSED)
			continue;
		if (probe_stand_in(f->programs, i))
			printf("%18s instead: %s\n", "",
			       probe_stand_in(f->programs, i));
		else if (p->without && f->works)
			printf("%18s lost: %s\n", "", p->without);
	}
}

static void print_hooks(const struct features *f)
{
	const char *last = NULL;
	unsigned int i, tier;

	for (i = 0; tier_hooks[i].name; i++) {
		tier = tier_hooks[i].tier;
		if (!i || tier != tier_hooks[i - 1].tier)
			printf(tier ? "\nTIER %u: %s\n" : "\nFUNCTIONS\n", tier,
			       tier_names[tier]);
		printf("%-28s %-8s %s\n", tier_hooks[i].name,
		       f->hooks[i].status == PROBE_WORKS ? "works" : "refused",
		       tier_hooks[i].gives);
		print_reason(&f->hooks[i], 28, &last);
	}
}

static void print_events(const struct features *f)
{
	unsigned int i;

	puts("\nEVENTS");
	for (i = 0; i < EVENT_TYPES; i++) {
		struct probe_quality q;

		if (!f->schema->types[i].n)
			continue;
		q = quality(f, i);
		printf("%-18s %s%s%s\n", f->schema->types[i].name,
		       quality_names[q.events], *q.derived ? "; derived: " : "",
		       q.derived);
	}
}

static void print_text(const struct features *f)
{
	printf("%s %s %s, tcbscope " TCBSCOPE_VERSION "\n\n", f->uts.sysname,
	       f->uts.release, f->uts.machine);
	print_programs(f);
	print_hooks(f);
	print_events(f);
	printf("\nMODULE\n%-18s %s\n", "tcbscope.ko", module_status());
}

/* ----------------------------------------------------------------- JSON */

static void add_text(struct json_object *to, const char *name, const char *text)
{
	if (text && *text)
		json_object_object_add(to, name, json_object_new_string(text));
}

static void add_refusal(struct json_object *to, const struct probe_result *r)
{
	if (r->status != PROBE_REFUSED)
		return;
	add_text(to, "errno",
		 r->err == -ENOTSUPP ? "ENOTSUPP" : strerrorname_np(-r->err));
	add_text(to, "reason", r->reason);
}

static struct json_object *json_types(const struct features *f,
				      const struct probe_program *p)
{
	struct json_object *array = json_object_new_array();
	unsigned int i;

	for (i = 0; i < EVENT_TYPES; i++)
		if (f->schema->types[i].n && probe_serves(p, 1u << i))
			json_object_array_add(
				array, json_object_new_string(
					       f->schema->types[i].name));
	return array;
}

static struct json_object *json_program(const struct features *f,
					unsigned int i)
{
	const struct probe_program *p = &probe_programs[i];
	struct json_object *o = json_object_new_object();

	add_text(o, "name", p->name);
	add_text(o, "hook", input_bpf_section(f->in, i));
	add_text(o, "status", status(f, i));
	add_refusal(o, &f->programs[i]);
	if (f->programs[i].status == PROBE_REFUSED)
		add_text(o, "stands_in", probe_stand_in(f->programs, i));
	add_text(o, "stands_in_for", p->stands_in_for);
	json_object_object_add(o, "mandatory",
			       json_object_new_boolean(p->mandatory));
	json_object_object_add(o, "events", json_types(f, p));
	add_text(o, "without", p->without);
	return o;
}

static struct json_object *json_programs(const struct features *f)
{
	struct json_object *array = json_object_new_array();
	unsigned int i;

	for (i = 0; probe_programs[i].name; i++)
		json_object_array_add(array, json_program(f, i));
	return array;
}

static struct json_object *json_hooks(const struct features *f)
{
	struct json_object *array = json_object_new_array(), *o;
	unsigned int i;

	for (i = 0; tier_hooks[i].name; i++) {
		o = json_object_new_object();
		add_text(o, "name", tier_hooks[i].name);
		if (tier_hooks[i].tier)
			json_object_object_add(o, "tier",
					       json_object_new_int(
						       tier_hooks[i].tier));
		json_object_object_add(o, "works",
				       json_object_new_boolean(
					       f->hooks[i].status ==
					       PROBE_WORKS));
		add_refusal(o, &f->hooks[i]);
		add_text(o, "gives", tier_hooks[i].gives);
		json_object_array_add(array, o);
	}
	return array;
}

static struct json_object *json_tiers(const struct features *f)
{
	struct json_object *array = json_object_new_array(), *o;
	int tier;

	for (tier = 1; tier <= TIERS; tier++) {
		o = json_object_new_object();
		json_object_object_add(o, "tier", json_object_new_int(tier));
		add_text(o, "name", tier_names[tier]);
		json_object_object_add(o, "works",
				       json_object_new_boolean(
					       tier_works(f, tier)));
		json_object_array_add(array, o);
	}
	return array;
}

static struct json_object *json_events(const struct features *f)
{
	struct json_object *array = json_object_new_array(), *o, *fields;
	unsigned int i;

	for (i = 0; i < EVENT_TYPES; i++) {
		struct probe_quality q;
		char *rest, *s;

		if (!f->schema->types[i].n)
			continue;
		q = quality(f, i);
		o = json_object_new_object();
		add_text(o, "type", f->schema->types[i].name);
		add_text(o, "status", quality_names[q.events]);
		fields = json_object_new_object();
		rest = q.derived;
		while ((s = strsep(&rest, ",")))
			add_text(fields, s, *s ? "derived" : NULL);
		json_object_object_add(o, "fields", fields);
		json_object_array_add(array, o);
	}
	return array;
}

static struct json_object *json_trace(const struct features *f)
{
	struct json_object *o = json_object_new_object();

	json_object_object_add(o, "works", json_object_new_boolean(f->works));
	if (!f->works) {
		add_text(o, "what", f->error.what);
		add_text(o, "why", f->error.why);
		add_text(o, "then", f->error.then);
	}
	return o;
}

static void print_json(const struct features *f)
{
	struct json_object *o = json_object_new_object();

	json_object_object_add(o, "schema", json_object_new_int(1));
	add_text(o, "tcbscope", TCBSCOPE_VERSION);
	add_text(o, "kernel", f->uts.release);
	add_text(o, "machine", f->uts.machine);
	json_object_object_add(o, "trace", json_trace(f));
	json_object_object_add(o, "programs", json_programs(f));
	json_object_object_add(o, "tiers", json_tiers(f));
	json_object_object_add(o, "hooks", json_hooks(f));
	json_object_object_add(o, "events", json_events(f));
	add_text(o, "module", module_status());
	puts(json_object_to_json_string_ext(
		o, JSON_C_TO_STRING_PRETTY | JSON_C_TO_STRING_SPACED |
			   JSON_C_TO_STRING_NOSLASHESCAPE));
	json_object_put(o);
}

/* ----------------------------------------------------------------- verb */

static int run(struct features *f, const struct options *opt)
{
	examine(f, opt->debug);
	uname(&f->uts);
	if (opt->json)
		print_json(f);
	else
		print_text(f);
	if (say_written())
		return EXIT_FAILED;
	if (!f->works)
		return say_fail(f->error.code, f->error.why, f->error.then,
				"%s", f->error.what);
	return opt->strict && anything_missing(f) ? EXIT_KERNEL : EXIT_DONE;
}

int cmd_features(int argc, char **argv)
{
	static const struct argp argp = {
		.options = options,
		.parser = parse,
		.doc = "Tries every program that a trace uses, and every kind of "
		       "hook, and says what this kernel refuses, why, and what "
		       "is lost by it.\n\n"
		       "  tcbscope features\n"
		       "  tcbscope features --json | jq .events\n"
		       "\v"
		       "Exit status 3 if a trace is not possible here.",
	};
	struct features *f = calloc(1, sizeof(*f));
	struct options opt = {};
	int code;

	opt_parse(&argp, argc, argv, 0, &opt);
	if (f)
		f->in = input_bpf_open(opt.debug);
	if (f && f->in)
		f->schema = schema_new(input_bpf_btf(f->in));
	if (f && f->schema)
		code = run(f, &opt);
	else
		code = say_fail(EXIT_FAILED, NULL, "--debug shows more",
				"cannot open the BPF object: %s",
				strerror(errno));
	if (f) {
		input_bpf_free(f->in);
		schema_free(f->schema);
	}
	free(f);
	return code;
}
