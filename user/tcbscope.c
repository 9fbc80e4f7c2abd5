// SPDX-License-Identifier: GPL-2.0
/* tcbscope: shows what the kernel's TCP control blocks really do. */
#include "cmd/cmd.h"
#include "lib/say.h"

#include <argp.h>
#include <stdio.h>
#include <string.h>

static const struct verb {
	const char *name;
	int (*run)(int argc, char **argv);
	const char *help;
} verbs[] = {
	{ "trace", cmd_trace, "show state changes and windows as they happen" },
	{ "sockets", cmd_sockets, "show all sockets as they are now" },
	{ "listeners", cmd_listeners, "watch the queues of all listeners" },
	{ "show", cmd_show, "show what is inside one socket" },
	{ "events", cmd_events, "describe the events and their fields" },
	{ "features", cmd_features, "try what this kernel lets us see" },
	{ "lab", cmd_lab, "make a TCP story happen, and show it" },
};

#define VERBS (sizeof(verbs) / sizeof(*verbs))

static void usage(FILE *file)
{
	unsigned int i;

	fprintf(file,
		"Usage: tcbscope VERB [OPTION...]\n"
		"\n"
		"  sudo tcbscope trace                  every TCP socket of this machine\n"
		"  sudo tcbscope trace --port 443       one port, at either end\n"
		"  sudo tcbscope trace -- curl URL      one command and its children\n"
		"  sudo tcbscope lab simultaneous-open  two peers, no listener\n"
		"\n"
		"Verbs:\n");
	for (i = 0; i < VERBS; i++)
		fprintf(file, "  %-9s %s\n", verbs[i].name, verbs[i].help);
	fprintf(file,
		"\n"
		"'tcbscope VERB --help' lists a verb's options; -V prints the version.\n"
		"Exit status: 0 done, 1 failed, 2 wrong usage, 3 this kernel or its\n"
		"permissions cannot.\n");
}

int main(int argc, char **argv)
{
	char name[64];
	unsigned int i;

	say_init();
	argp_err_exit_status = EXIT_USAGE;
	argp_program_version = "tcbscope " TCBSCOPE_VERSION;
	if (argc < 2) {
		usage(stderr);
		return EXIT_USAGE;
	}
	if (!strcmp(argv[1], "-h") || !strcmp(argv[1], "--help") ||
	    !strcmp(argv[1], "help")) {
		usage(stdout);
		return say_written();
	}
	if (!strcmp(argv[1], "-V") || !strcmp(argv[1], "--version")) {
		puts(argp_program_version);
		return say_written();
	}
	for (i = 0; i < VERBS; i++) {
		if (strcmp(argv[1], verbs[i].name))
			continue;
		snprintf(name, sizeof(name), "tcbscope %s", verbs[i].name);
		argv[1] = name; /* what argp calls the program */
		return verbs[i].run(argc - 1, argv + 1);
	}
	return say_fail(EXIT_USAGE, NULL, "'tcbscope --help' lists the verbs",
			"no such verb: %s", argv[1]);
}
