// SPDX-License-Identifier: GPL-2.0
/* tcbscope lab: makes TCP stories happen under the tracer, and judges them. */
#include "cmd/cmd.h"
#include "lab/guide.h"
#include "lab/lab.h"
#include "lib/json.h"
#include "lib/opt.h"
#include "lib/priv.h"
#include "lib/say.h"
#include "lib/term.h"
#include "lib/width.h"

#include <argp.h>
#include <errno.h>
#include <linux/capability.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define NAMES_MAX 64
#define TIMES_MAX 10000
#define LIST_TITLE 34 /* columns before a title */

struct options {
	bool list, all, racy, control, json, guide, outline;
	const char *group, *svg;
	const char *name[NAMES_MAX];
	unsigned int names, times;
};

enum {
	OPT_SVG = 256,
	OPT_CONTROL,
	OPT_TIMES,
	OPT_ALL,
	OPT_RACY,
	OPT_GUIDE,
	OPT_OUTLINE
};

static const struct argp_option options[] = {
	{ "list", 'l', NULL, 0, "list the scenarios", 0 },
	{ "group", 'g', "GROUP", 0, "all of a group", 0 },
	{ "all", OPT_ALL, NULL, 0, "all there are", 0 },
	{ "racy", OPT_RACY, NULL, 0, "all in which it matters who is first",
	  0 },
	{ "control", OPT_CONTROL, NULL, 0,
	  "with one thing changed: what is expected must not be seen", 0 },
	{ "times", OPT_TIMES, "N", 0, "N times each", 0 },
	{ "json", 'j', NULL, 0, "one line of JSON for each, and no picture",
	  0 },
	{ "guide", OPT_GUIDE, NULL, 0,
	  "with --group: its page of the guide, as reStructuredText", 0 },
	{ "outline", OPT_OUTLINE, NULL, 0, "the same without running anything",
	  0 },
	{ "svg", OPT_SVG, "FILE", 0, "the ladder as a picture, too", 0 },
	{ NULL, 'h', NULL, OPTION_HIDDEN, NULL, 0 },
	{}
};

static unsigned int parse_times(const char *arg, struct argp_state *state)
{
	char *end;
	unsigned long n;

	errno = 0;
	n = strtoul(arg, &end, 10);
	if (*arg < '0' || *arg > '9' || *end || errno || !n || n > TIMES_MAX)
		argp_error(state, "--times is a number from 1 to %d",
			   TIMES_MAX);
	return n;
}

static void check(const struct options *opt, struct argp_state *state)
{
	int ways = (opt->names > 0) + opt->all + opt->racy + !!opt->group +
		   opt->list;

	if (!ways)
		argp_error(state, "which scenario? --list names them");
	if (ways > 1)
		argp_error(state,
			   "names, --group, --all, --racy, --list: one of them");
	if ((opt->guide || opt->outline) && !opt->group)
		argp_error(state, "--guide and --outline are for a --group");
	if (opt->svg && (opt->names != 1 || opt->json || opt->times > 1))
		argp_error(state, "--svg is for one scenario, once");
}

static error_t parse(int key, char *arg, struct argp_state *state)
{
	struct options *opt = state->input;

	switch (key) {
	case 'l':
		opt->list = true;
		break;
	case 'g':
		opt->group = arg;
		break;
	case 'j':
		opt->json = true;
		break;
	case OPT_ALL:
		opt->all = true;
		break;
	case OPT_RACY:
		opt->racy = true;
		break;
	case OPT_GUIDE:
		opt->guide = true;
		break;
	case OPT_OUTLINE:
		opt->outline = true;
		break;
	case OPT_CONTROL:
		opt->control = true;
		break;
	case OPT_TIMES:
		opt->times = parse_times(arg, state);
		break;
	case OPT_SVG:
		opt->svg = arg;
		break;
	case 'h':
		argp_state_help(state, stdout, ARGP_HELP_STD_HELP);
		break;
	case ARGP_KEY_ARG:
		if (opt->names == NAMES_MAX)
			argp_error(state, "%d scenarios at most", NAMES_MAX);
		opt->name[opt->names++] = arg;
		break;
	case ARGP_KEY_END:
		check(opt, state);
		break;
	default:
		return ARGP_ERR_UNKNOWN;
	}
	return 0;
}

__attribute__((format(printf, 1, 2))) static void say(const char *fmt, ...)
{
	va_list args;

	va_start(args, fmt);
	vprintf(fmt, args);
	va_end(args);
	putchar('\n');
	fflush(stdout);
}

/* ------------------------------------------------ one scenario */

static const char *const outcomes[] = {
	[OUTCOME_PROVED] = "proved",
	[OUTCOME_DIFFERS] = "differs",
	[OUTCOME_CANNOT] = "cannot",
	[OUTCOME_FAILED] = "failed",
};

/* Is that what it is to be? */
static bool is_good(const struct report *r, bool control)
{
	return control ? judge_differs(r) : r->outcome == OUTCOME_PROVED;
}

static void say_wrapped_after(const char *head, const char *text)
{
	if (!text)
		return;
	say("%s", head);
	say_wrapped(stdout, "  ", text);
	fflush(stdout);
}

static void introduce(const struct scenario *s)
{
	say("%s: %s", s->name, s->title);
	say_wrapped_after("What is taught:", s->textbook);
	say_wrapped_after("What Linux does:", s->truth);
	say("%s", "");
}

static void conclude(const struct scenario *s, const struct report *r,
		     bool control)
{
	unsigned int i;

	say("%s", "");
	for (i = 0; i < r->n_facts; i++)
		say("measured: %s", r->facts[i]);
	judge_say(r, say);
	if (s->notice)
		say_wrapped_after("What to notice:", s->notice);
	if (*r->why)
		say("%s: %s",
		    r->outcome == OUTCOME_CANNOT ? "cannot" : "failed", r->why);
	if (control)
		say("%s: %s when %s", s->name,
		    is_good(r, true) ? "differs, as it must," :
				       "is as expected even",
		    s->control.what);
	else
		say("%s: %s", s->name, outcomes[r->outcome]);
}

static void write_finding(struct json *j, const struct finding *f,
			  const char *before)
{
	char end[2] = { '@' + f->side };

	json_text(j, before);
	json_text(j, "{\"end\":");
	json_string(j, end, 1);
	json_member_text(j, "type", f->type);
	if (f->expect && f->expect->story)
		json_member_text(j, "expected", f->expect->story);
	json_member_text(j, "seen", f->seen);
	json_member(j, "found", f->found);
	json_name(j, "met");
	json_text(j, f->met ? "true}" : "false}");
}

static void write_report(const struct scenario *s, const struct report *r,
			 bool control)
{
	struct json j = { .file = stdout };
	unsigned int i;

	json_text(&j, "{\"scenario\":");
	json_string(&j, s->name, strlen(s->name));
	json_name(&j, "control");
	json_text(&j, control ? "true" : "false");
	json_member_text(&j, "outcome", outcomes[r->outcome]);
	json_name(&j, "good");
	json_text(&j, is_good(r, control) ? "true" : "false");
	if (*r->why)
		json_member_text(&j, "why", r->why);
	json_member(&j, "duration_us", r->duration_ns / 1000);
	json_member(&j, "repeated", r->repeated);
	if (r->missed)
		json_member_text(&j, "missed", r->lacks);
	json_name(&j, "facts");
	json_text(&j, "[");
	for (i = 0; i < r->n_facts; i++) {
		json_text(&j, i ? "," : "");
		json_string(&j, r->facts[i], strlen(r->facts[i]));
	}
	json_text(&j, "]");
	json_name(&j, "findings");
	json_text(&j, "[");
	for (i = 0; i < r->n; i++)
		write_finding(&j, &r->findings[i], i ? "," : "");
	json_text(&j, "]}\n");
	json_write(&j);
	fflush(stdout);
}

/* ------------------------------------------------ all of them */

struct run {
	const struct options *opt;
	struct lab lab;
	unsigned int n, played, good, cannot;
	int err;
};

/* One line of a scenario among others, more if it is not as it must be. */
static void tell(const struct scenario *s, const struct report *r, bool control)
{
	if (r->repeated)
		say("%s: the trace had missed something, so it is number %u",
		    s->name, r->repeated + 1);
	if (r->missed)
		say("%s: the trace has missed something: %s", s->name,
		    r->lacks);
	say("%-24s %-8s %5.1f s%s%s", s->name, outcomes[r->outcome],
	    r->duration_ns / 1e9, *r->why ? "  " : "", r->why);
	if (!control && r->outcome != OUTCOME_PROVED)
		judge_say(r, say);
}

static void play(struct run *run, const struct scenario *s)
{
	bool control = run->opt->control;
	struct report r;
	unsigned int i;

	for (i = 0; i < run->opt->times && !run->err; i++) {
		if (run->lab.ladder)
			introduce(s);
		run->err = lab_play(&run->lab, run->n - run->played, s, control,
				    &r);
		if (run->err)
			return;
		if (run->opt->json)
			write_report(s, &r, control);
		else if (run->lab.ladder)
			conclude(s, &r, control);
		else
			tell(s, &r, control);
		run->played++;
		run->good += is_good(&r, control);
		run->cannot += r.outcome == OUTCOME_CANNOT;
		judge_free(&r);
	}
}

static bool is_chosen(const struct options *opt,
		      const struct scenario_group *group,
		      const struct scenario *s)
{
	unsigned int i;

	if (opt->all || (opt->racy && s->racy) ||
	    (opt->group && !strcmp(opt->group, group->name)))
		return true;
	for (i = 0; i < opt->names; i++)
		if (!strcmp(opt->name[i], s->name))
			return true;
	return false;
}

static void for_each_chosen(struct run *run,
			    void (*fn)(struct run *run,
				       const struct scenario *s))
{
	const struct scenario_group *g;
	const struct scenario *s;

	for (g = scenario_groups; g->name; g++)
		for (s = g->scenarios; s->name; s++)
			if (is_chosen(run->opt, g, s))
				fn(run, s);
}

static void count(struct run *run, const struct scenario *s)
{
	(void)s;
	run->n += run->opt->times;
}

/* "title [needs]", of which a terminal gets no more columns than it has. */
static void list_title(const struct scenario *s, unsigned int width)
{
	bool tun = s->place == PLACE_WIRE;
	char text[256];

	snprintf(text, sizeof(text), "%s%s%s%s%s%s", s->title,
		 tun || s->needs ? " [" : "", tun ? "tun" : "",
		 tun && s->needs ? " " : "", s->needs ?: "",
		 tun || s->needs ? "]" : "");
	width_print(stdout, text, width, LIST_TITLE, LIST_TITLE);
}

static int list(void)
{
	unsigned int width = isatty(STDOUT_FILENO) ? term_width(STDOUT_FILENO) :
						     0;
	const struct scenario_group *g;
	const struct scenario *s;

	printf("%-8s %-24s %s\n", "GROUP", "SCENARIO", "WHAT [NEEDS]");
	for (g = scenario_groups; g->name; g++)
		for (s = g->scenarios; s->name; s++) {
			printf("%-8s %-24s ", g->name, s->name);
			list_title(s, width);
		}
	return say_written();
}

/* NULL if all that is named is there. */
static const char *unknown_name(const struct options *opt)
{
	unsigned int i;

	if (opt->group && !scenario_group_find(opt->group))
		return opt->group;
	for (i = 0; i < opt->names; i++)
		if (!scenario_find(opt->name[i]))
			return opt->name[i];
	return NULL;
}

static int fail(int err)
{
	static const int caps[] = { CAP_SYS_ADMIN, CAP_NET_ADMIN, -1 };

	if (err == -EPERM || err == -EACCES || err == -EOPNOTSUPP)
		return say_fail(EXIT_KERNEL,
				priv_lacks("making network namespaces", caps),
				"run it with sudo", "cannot start the lab: %s",
				strerror(-err));
	return say_fail(EXIT_FAILED, NULL, NULL, "the lab has failed: %s",
			strerror(-err));
}

static int perform(struct run *run)
{
	const struct options *opt = run->opt;
	int err;

	for_each_chosen(run, count);
	run->lab.ladder = run->n == 1 && !opt->json;
	run->lab.say = run->lab.ladder ? say : NULL;
	for_each_chosen(run, play);
	err = lab_close(&run->lab);
	if (run->err || err)
		return fail(run->err ?: err);
	if (!opt->json && run->n > 1)
		say("%u of %u are as they must be%s", run->good, run->played,
		    opt->control ? ": they differ" : "");
	if (run->good == run->played)
		return say_written();
	return run->good + run->cannot == run->played ? EXIT_KERNEL :
							EXIT_FAILED;
}

int cmd_lab(int argc, char **argv)
{
	static const struct argp argp = {
		.options = options,
		.parser = parse,
		.args_doc = "[SCENARIO...]",
		.doc = "Makes TCP stories happen between network namespaces of "
		       "its own, shows them, and judges them by the trace.\n\n"
		       "  tcbscope lab --list\n"
		       "  tcbscope lab simultaneous-open\n"
		       "  tcbscope lab --group close\n"
		       "\v"
		       "Exit status 0 only if the trace showed what was expected.",
	};
	static char tcbscope[4096];
	static struct run run;
	struct options opt = { .times = 1 };
	ssize_t n;

	opt_parse(&argp, argc, argv, 0, &opt);
	if (opt.list)
		return list();
	if (unknown_name(&opt))
		return say_fail(EXIT_USAGE, NULL,
				"'tcbscope lab --list' lists them",
				"no such scenario or group: %s",
				unknown_name(&opt));
	if (opt.outline)
		return guide_write(scenario_group_find(opt.group), NULL,
				   stdout) ?
			       EXIT_FAILED :
			       EXIT_DONE;
	n = readlink("/proc/self/exe", tcbscope, sizeof(tcbscope) - 1);
	if (n < 0)
		return say_fail(EXIT_FAILED, "/proc is not mounted",
				"mount -t proc proc /proc",
				"cannot find tcbscope itself");
	if (opt.guide) {
		int err = guide_write(scenario_group_find(opt.group), tcbscope,
				      stdout);

		return err ? fail(err) : EXIT_DONE;
	}
	run.opt = &opt;
	run.lab.text = STDOUT_FILENO;
	run.lab.tcbscope = tcbscope;
	run.lab.svg = opt.svg;
	return perform(&run);
}
