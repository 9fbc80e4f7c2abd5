// SPDX-License-Identifier: GPL-2.0
/* Opens and starts the live input, and says what it cannot see. */
#include "cmd/live.h"
#include "input/tier.h"
#include "lib/opt.h"
#include "lib/priv.h"
#include "lib/say.h"

#include <errno.h>
#include <linux/capability.h>
#include <string.h>

enum { OPT_DEBUG = 0x2000, OPT_TIERS, OPT_RING };

static const struct argp_option options[] = {
	{ "quiet", 'q', NULL, 0, "no notes on standard error", 3 },
	{ "debug", OPT_DEBUG, NULL, 0, "show what libbpf says", 4 },
	{ NULL, 'h', NULL, OPTION_HIDDEN, NULL, 0 },
	{}
};

static error_t parse(int key, char *arg, struct argp_state *state)
{
	struct live *live = state->input;

	(void)arg;
	switch (key) {
	case 'q':
		live->quiet = true;
		break;
	case OPT_DEBUG:
		live->debug = true;
		break;
	case 'h':
		argp_state_help(state, stdout, ARGP_HELP_STD_HELP);
		break;
	default:
		return ARGP_ERR_UNKNOWN;
	}
	return 0;
}

const struct argp live_argp = {
	.options = options,
	.parser = parse,
};

static const struct argp_option events_options[] = {
	{ "ring", OPT_RING, "BYTES", 0, "size of the ring buffer [8M]", 2 },
	{ "tiers", OPT_TIERS, "LIST", 0,
	  "which kinds of hooks to use, as 'tcbscope features' numbers them; 3 "
	  "looks at each packet [1,2,4]",
	  4 },
	{}
};

static error_t parse_events(int key, char *arg, struct argp_state *state)
{
	struct live *live = state->input;

	switch (key) {
	case OPT_RING:
		if (opt_size(arg, &live->ring_bytes) ||
		    live->ring_bytes < 4096 || live->ring_bytes > 1u << 30)
			opt_wrong(state, "--ring: not a size from 4K to 1G",
				  arg);
		break;
	case OPT_TIERS:
		if (opt_set(arg, 1, TIERS, &live->tiers))
			opt_wrong(state, "--tiers: not numbers as 1,2,3", arg);
		live->tiers |= 1u << 1;
		break;
	default:
		return ARGP_ERR_UNKNOWN;
	}
	return 0;
}

const struct argp live_events_argp = {
	.options = events_options,
	.parser = parse_events,
};

int live_open(struct live *live)
{
	live->in = input_bpf_open(live->debug);
	if (live->in)
		live->schema = schema_new(input_bpf_btf(live->in));
	return live->schema ? EXIT_DONE :
			      say_fail(EXIT_FAILED, NULL, "--debug shows more",
				       "cannot open the BPF object: %s",
				       strerror(errno));
}

/* Only while the process has the capabilities that it took the snapshot with. */
static void say_blind(const struct input_blind *blind)
{
	static const int caps[] = { CAP_SYS_ADMIN, CAP_SYS_PTRACE, -1 };
	const char *lacks;

	if (blind->err)
		say_note("existing sockets are not known: %s%s",
			 strerror(-blind->err),
			 blind->err == -ENOENT ? "; is /proc mounted?" : "");
	if (!blind->namespaces && !blind->processes)
		return;
	lacks = priv_lacks("seeing them", caps);
	if (lacks)
		say_note("existing sockets of other network namespaces are "
			 "only known if a process holds them: %s",
			 lacks);
	else if (blind->namespaces)
		say_note("existing sockets of %u network namespaces, which "
			 "cannot be entered, are only known if a process holds "
			 "them",
			 blind->namespaces);
	/* else a process is more privileged than this one, as init may be */
}

int live_start(struct live *live, struct input_bpf_options *input)
{
	struct input_error error;

	input->debug = live->debug;
	input->ring_bytes = live->ring_bytes	      ?:
				    input->ring_bytes ?:
							RING_DEFAULT;
	input->tiers = input->asked_tiers = live->tiers;
	if (input_bpf_start(live->in, input, &error))
		return say_fail(error.code, error.why, error.then, "%s",
				error.what);
	if (!live->quiet)
		say_blind(input_bpf_blind(live->in));
	if (priv_drop() && !live->quiet)
		say_note("cannot drop capabilities; going on with them");
	return EXIT_DONE;
}

void live_close(struct live *live)
{
	input_bpf_free(live->in);
	schema_free(live->schema);
}
