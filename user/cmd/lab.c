// SPDX-License-Identifier: GPL-2.0
/* tcbscope lab: makes a TCP story happen under the tracer, and judges it. */
#include "cmd/cmd.h"
#include "lab/scenario.h"
#include "lib/priv.h"
#include "lib/say.h"

#include <argp.h>
#include <errno.h>
#include <linux/capability.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

static const struct scenario *const scenarios[] = {
	&scenario_simultaneous_open,
};

#define SCENARIOS (sizeof(scenarios) / sizeof(*scenarios))

struct options {
	bool list;
	const char *name, *svg;
};

enum { OPT_SVG = 256 };

static const struct argp_option options[] = {
	{ "list", 'l', NULL, 0, "list the scenarios", 0 },
	{ "svg", OPT_SVG, "FILE", 0, "the ladder as a picture, too", 0 },
	{ NULL, 'h', NULL, OPTION_HIDDEN, NULL, 0 },
	{}
};

static error_t parse(int key, char *arg, struct argp_state *state)
{
	struct options *opt = state->input;

	switch (key) {
	case 'l':
		opt->list = true;
		break;
	case OPT_SVG:
		opt->svg = arg;
		break;
	case 'h':
		argp_state_help(state, stdout, ARGP_HELP_STD_HELP);
		break;
	case ARGP_KEY_ARG:
		if (opt->name)
			argp_error(state, "one scenario at a time");
		opt->name = arg;
		break;
	case ARGP_KEY_END:
		if (!opt->name && !opt->list)
			argp_error(state, "which scenario? --list names them");
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

/* tcbpeer lives beside this program. */
static int find_programs(char *tcbscope, char *tcbpeer, size_t size)
{
	ssize_t n = readlink("/proc/self/exe", tcbscope, size - 1);
	const char *slash;

	if (n < 0)
		return errno == ENOENT ? -ENODEV : -errno;
	tcbscope[n] = '\0';
	slash = strrchr(tcbscope, '/');
	if (snprintf(tcbpeer, size, "%.*s/tcbpeer%s", (int)(slash - tcbscope),
		     tcbscope, strstr(slash, "-static") ?: "") >= (int)size)
		return -ENAMETOOLONG;
	return access(tcbpeer, X_OK) ? -errno : 0;
}

static int run(const struct scenario *scenario, const char *svg)
{
	static const int caps[] = { CAP_SYS_ADMIN, CAP_NET_ADMIN, -1 };
	char tcbscope[4096], tcbpeer[4096];
	struct stage stage = {
		.say = say,
		.tcbscope = tcbscope,
		.tcbpeer = tcbpeer,
		.svg = svg,
	};
	int err;

	err = find_programs(tcbscope, tcbpeer, sizeof(tcbscope));
	if (err == -ENODEV)
		return say_fail(EXIT_FAILED, "/proc is not mounted",
				"mount -t proc proc /proc",
				"cannot find tcbscope itself");
	if (err && err != -EACCES)
		return say_fail(EXIT_FAILED, "the lab runs it as a peer",
				"install tcbpeer beside tcbscope",
				"cannot find tcbpeer: %s", strerror(-err));
	say("%s: %s", scenario->name, scenario->title);
	if (!err)
		err = scenario->run(&stage);
	if (err == -EPERM || err == -EACCES)
		return say_fail(EXIT_KERNEL,
				priv_lacks("making network namespaces", caps),
				"run it with sudo", "cannot set up %s: %s",
				scenario->name, strerror(-err));
	if (err < 0)
		return say_fail(EXIT_FAILED, NULL, NULL, "cannot set up %s: %s",
				scenario->name, strerror(-err));
	return err ? EXIT_FAILED : EXIT_DONE;
}

int cmd_lab(int argc, char **argv)
{
	static const struct argp argp = {
		.options = options,
		.parser = parse,
		.args_doc = "SCENARIO",
		.doc = "Makes a TCP story happen between network namespaces of "
		       "its own, shows it live, and judges it by the trace.\n\n"
		       "  tcbscope lab --list\n"
		       "  tcbscope lab simultaneous-open\n"
		       "\v"
		       "Exit status 0 only if the trace proved what was expected.",
	};
	struct options opt = {};
	unsigned int i;

	argp_parse(&argp, argc, argv, 0, NULL, &opt);
	for (i = 0; i < SCENARIOS; i++) {
		if (opt.list)
			printf("%-20s %s\n", scenarios[i]->name,
			       scenarios[i]->title);
		else if (!strcmp(opt.name, scenarios[i]->name))
			return run(scenarios[i], opt.svg);
	}
	if (opt.list)
		return EXIT_DONE;
	return say_fail(EXIT_USAGE, NULL, "'tcbscope lab --list' lists them",
			"no such scenario: %s", opt.name);
}
