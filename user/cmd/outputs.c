// SPDX-License-Identifier: GPL-2.0
/* Reads how a trace is to be shown, opens the files, makes the outputs. */
#include "cmd/outputs.h"
#include "lib/opt.h"
#include "lib/say.h"
#include "lib/term.h"
#include "lib/width.h"

#include <errno.h>
#include <string.h>
#include <unistd.h>

#define LADDERS 100 /* connections that get one, if no number is said */

enum {
	OPT_TIME = 0x3000,
	OPT_ALL,
	OPT_EXPLAIN,
	OPT_LADDER,
	OPT_LINES,
	OPT_SVG,
	OPT_COLOUR,
};

static const struct argp_option options[] = {
	{ "json", 'j', "FILE", OPTION_ARG_OPTIONAL,
	  "JSON lines instead of text; with =FILE beside it", 3 },
	{ "time", OPT_TIME, "rel|delta|wall|mono", 0, "what to show [rel]", 3 },
	{ "explain", OPT_EXPLAIN, NULL, 0,
	  "say below each event what has happened, and what to look at", 3 },
	{ "ladder", OPT_LADDER, "N", OPTION_ARG_OPTIONAL,
	  "instead of lines a picture of each connection, of N at most [100]",
	  3 },
	{ "lines", OPT_LINES, NULL, 0, "with --ladder: lines as well", 3 },
	{ "svg", OPT_SVG, "FILE", 0,
	  "beside what is shown: the ladders as a picture", 3 },
	{ "all", OPT_ALL, NULL, 0,
	  "never sum up, however many lines a terminal gets", 3 },
	{ "color", OPT_COLOUR, "auto|always|never", 0, "colour by state [auto]",
	  3 },
	{}
};

static int word(struct argp_state *state, const char *what, const char *arg,
		const char *const *words)
{
	int i;

	for (i = 0; words[i]; i++)
		if (!strcmp(arg, words[i]))
			return i;
	opt_wrong(state, what, arg);
	return 0;
}

/* Options that take a word or a number. */
static void parse_value(int key, const char *arg, struct argp_state *state)
{
	static const char *const times[] = { "rel", "delta", "wall", "mono",
					     NULL };
	static const char *const colours[] = { "auto", "always", "never",
					       NULL };
	struct outputs *o = state->input;
	int n;

	switch (key) {
	case OPT_TIME:
		o->time = word(state, "--time: no such word", arg, times);
		break;
	case OPT_COLOUR:
		n = word(state, "--color: no such word", arg, colours);
		if (n)
			o->colour = n == 1;
		break;
	case OPT_LADDER:
		o->ladders = LADDERS;
		if (arg && opt_number(arg, 1, 10000, &o->ladders))
			opt_wrong(state,
				  "--ladder: not a number from 1 to 10000",
				  arg);
		break;
	}
}

static error_t parse(int key, char *arg, struct argp_state *state)
{
	struct outputs *o = state->input;

	switch (key) {
	case ARGP_KEY_INIT:
		o->colour = term_colour(STDOUT_FILENO);
		break;
	case 'j':
		if (arg && !*arg)
			argp_error(state, "--json= lacks the name of a file");
		o->json = o->json || !arg;
		o->json_name = arg ? arg : o->json_name;
		break;
	case OPT_ALL:
		o->all = true;
		break;
	case OPT_EXPLAIN:
		o->explain = true;
		break;
	case OPT_LINES:
		o->lines = true;
		break;
	case OPT_SVG:
		o->svg_name = arg;
		break;
	case OPT_TIME:
	case OPT_COLOUR:
	case OPT_LADDER:
		parse_value(key, arg, state);
		break;
	case ARGP_KEY_END:
		if (o->ladders && o->json)
			argp_error(state,
				   "--ladder and --json both take standard "
				   "output; --json=FILE does not");
		break;
	default:
		return ARGP_ERR_UNKNOWN;
	}
	return 0;
}

const struct argp outputs_argp = {
	.options = options,
	.parser = parse,
};

bool outputs_draws(const struct outputs *o)
{
	return o->ladders || o->svg_name;
}

__u32 outputs_wish(const struct outputs *o)
{
	return outputs_draws(o) ? 1u << EVENT_call | 1u << EVENT_segment : 0;
}

static int open_beside(const char *name, FILE **file)
{
	if (!name)
		return EXIT_DONE;
	*file = fopen(name, "we");
	if (*file)
		return EXIT_DONE;
	return say_fail(EXIT_FAILED, NULL, NULL, "cannot write %s: %s", name,
			strerror(errno));
}

/* Files beside standard output. */
static int open_files(struct outputs *o)
{
	int code = open_beside(o->json_name, &o->json_file);

	if (!code)
		code = open_beside(o->svg_name, &o->svg_file);
	if (code || !o->svg_file || !fseek(o->svg_file, 0, SEEK_SET))
		return code;
	return say_fail(EXIT_FAILED,
			"its size goes to the head, and is known last",
			"name a file that can be gone back in",
			"cannot write a picture to %s: %s", o->svg_name,
			strerror(errno));
}

static struct output *make_text(const struct outputs *o,
				const struct schema *schema)
{
	const struct output_text_options text = {
		.file = stdout,
		.terminal = isatty(STDOUT_FILENO),
		.colour = o->colour,
		.all = o->all,
		.explain = o->explain,
		.width = term_width(STDOUT_FILENO),
		.time = o->time,
	};

	return output_text_new(schema, &text);
}

/* Ladders on standard output, or as a picture if there is a @svg. */
static struct output *make_ladders(const struct outputs *o,
				   const struct schema *schema, FILE *svg)
{
	const struct output_ladder_options ladder = {
		.file = svg ? svg : stdout,
		.svg = svg,
		.width = term_width(STDOUT_FILENO),
		.max = o->ladders ? o->ladders : LADDERS,
		.unicode = width_unicode(),
		.colour = o->colour,
		.explain = o->explain,
	};

	return output_ladder_new(schema, &ladder);
}

int outputs_make(struct outputs *o, struct pipeline *p,
		 const struct schema *schema)
{
	int code = open_files(o), err = 0;

	if (code)
		return code;
	if (o->json)
		err = pipeline_add_output(p, output_json_new(schema, stdout));
	else if (!o->ladders || o->lines)
		err = pipeline_add_output(p, make_text(o, schema));
	if (!err && o->ladders)
		err = pipeline_add_output(p, make_ladders(o, schema, NULL));
	if (!err && o->json_file)
		err = pipeline_add_output(p, output_json_new(schema,
							     o->json_file));
	if (!err && o->svg_file)
		err = pipeline_add_output(p,
					  make_ladders(o, schema, o->svg_file));
	return err ? say_fail(EXIT_FAILED, NULL, NULL, "out of memory") :
		     EXIT_DONE;
}

const char *outputs_failed(const struct outputs *o)
{
	if (o->json_file && ferror(o->json_file))
		return o->json_name;
	return o->svg_file && ferror(o->svg_file) ? o->svg_name : NULL;
}

void outputs_close(struct outputs *o)
{
	if (o->json_file)
		fclose(o->json_file);
	if (o->svg_file)
		fclose(o->svg_file);
}
