// SPDX-License-Identifier: GPL-2.0
/* tcbscope sockets: all TCP sockets there are, as a table or JSON. */
#include "cmd/cmd.h"
#include "cmd/columns.h"
#include "cmd/live.h"
#include "cmd/pile.h"
#include "cmd/select.h"
#include "lib/json.h"
#include "lib/opt.h"
#include "lib/say.h"
#include "output/table.h"

#include <argp.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

struct options {
	struct select select;
	const char *columns; /* of -o, as written; NULL: the default */
	bool json, piles, raw, no_headings;
};

struct sockets {
	struct options opt;
	struct live live;
	struct filter *filter;
	struct columns columns;
	struct event_socket *rows;
	size_t n, room;
	size_t malformed;
	bool blind;
};

enum { OPT_PILES = 256 };

static const struct argp_option options[] = {
	{ "output", 'o', "COLUMNS", 0,
	  "these columns, separated by commas; +COLUMN adds one", 2 },
	{ "piles", OPT_PILES, NULL, 0,
	  "who lets sockets pile up in CLOSE_WAIT, FIN_WAIT2, TIME_WAIT", 2 },
	{ "json", 'j', NULL, 0, "JSON instead of a table", 3 },
	{ "noheadings", 'n', NULL, 0, "no line of headings", 3 },
	{ "raw", 'r', NULL, 0, "one blank between columns", 3 },
	{}
};

static const char doc[] =
	"Shows all TCP sockets of this machine as they are now.\n"
	"\n"
	"  tcbscope sockets                       in all network namespaces\n"
	"  tcbscope sockets state = LISTEN        listeners only\n"
	"  tcbscope sockets -o +QUEUES,AGE        two more columns\n"
	"  tcbscope sockets -o OWNER,FD,CWND      these only\n"
	"  tcbscope sockets --piles               what is not closed, and by whom\n"
	"  tcbscope sockets -j | jq .             for programs\n"
	"\v"
	"Columns are LOCAL, REMOTE, OWNER, AGE, IDLE, QUEUES and all fields that "
	"'tcbscope events' lists for every event and for socket. ~ marks what is "
	"derived, not seen.";

static error_t parse(int key, char *arg, struct argp_state *state)
{
	struct sockets *t = state->input;
	struct options *opt = &t->opt;

	switch (key) {
	case ARGP_KEY_INIT:
		state->child_inputs[0] = &opt->select;
		state->child_inputs[1] = &t->live;
		break;
	case 'o':
		opt->columns = arg;
		break;
	case OPT_PILES:
		opt->piles = true;
		break;
	case 'j':
		opt->json = true;
		break;
	case 'n':
		opt->no_headings = true;
		break;
	case 'r':
		opt->raw = true;
		break;
	default:
		return ARGP_ERR_UNKNOWN;
	}
	return 0;
}

static int no_memory(void)
{
	return say_fail(EXIT_FAILED, NULL, NULL, "out of memory");
}

/* Which columns; errors before anything is loaded. */
static int choose_columns(struct sockets *t)
{
	char bad[32];
	int err;

	if (t->opt.json)
		columns_all(&t->columns, t->live.schema);
	else
		columns_default(&t->columns, t->live.schema);
	if (!t->opt.columns)
		return EXIT_DONE;
	if (t->opt.piles)
		return say_fail(EXIT_USAGE, NULL, NULL,
				"--piles has columns of its own");
	err = columns_parse(&t->columns, t->live.schema, t->opt.columns, bad);
	switch (err) {
	case 0:
		return EXIT_DONE;
	case -ENOMEM:
		return no_memory();
	case -E2BIG:
		return say_fail(EXIT_USAGE, NULL, NULL,
				"-o: more than %d columns", COLUMNS_MAX);
	default:
		return say_fail(EXIT_USAGE, NULL,
				"'tcbscope sockets --help' says which there are",
				"-o: no such column: '%s'", bad);
	}
}

/* A sink: keeps what the filter lets pass. */
static int keep(void *ctx, const void *data, size_t size)
{
	struct sockets *t = ctx;
	const struct event_socket *s = data;
	size_t room = t->room ? t->room * 2 : 1024;
	struct event_socket *more;

	if (schema_check(t->live.schema, data, size) ||
	    s->ev.type != EVENT_socket) {
		t->malformed++;
		return 0;
	}
	/* listeners are in no pile, but tell a server's end of a connection */
	if (!filter_match(t->filter, &s->ev) &&
	    !(t->opt.piles && s->state == TCB_STATE_LISTEN))
		return 0;
	if (t->n == t->room) {
		more = reallocarray(t->rows, room, sizeof(*more));
		if (!more)
			return -ENOMEM;
		t->rows = more;
		t->room = room;
	}
	t->rows[t->n++] = *s;
	return 0;
}

static int collect(struct sockets *t)
{
	struct input_bpf_options input = {
		.config.events = 1u << EVENT_socket,
		.asked = 1u << EVENT_socket,
		.ring_bytes = 4096, /* nothing comes through it */
	};
	const struct input_blind *blind;
	nsec_t complete;
	int err;

	err = live_start(&t->live, &input);
	if (err)
		return err;
	blind = input_bpf_blind(t->live.in);
	t->blind = blind->namespaces || blind->processes;
	while (!err && input_bpf_existing(t->live.in))
		err = input_bpf_read(t->live.in, keep, t, &complete);
	if (err == -ENOMEM)
		return no_memory();
	if (err)
		return say_fail(EXIT_FAILED, NULL, NULL,
				"cannot read the sockets: %s", strerror(-err));
	if (t->malformed)
		say_note("%zu sockets broke the schema and are left out",
			 t->malformed);
	return EXIT_DONE;
}

/* Listeners first, then by port, so that a service stays together. */
static int by_place(const void *a, const void *b)
{
	const struct event_socket *x = a, *y = b;
	bool x_listens = x->state == TCB_STATE_LISTEN;
	bool y_listens = y->state == TCB_STATE_LISTEN;
	int order;

	if (x->ev.netns != y->ev.netns)
		return x->ev.netns < y->ev.netns ? -1 : 1;
	if (x_listens != y_listens)
		return x_listens ? -1 : 1;
	if (x->ev.lport != y->ev.lport)
		return (int)x->ev.lport - y->ev.lport;
	if (x->state != y->state)
		return (int)x->state - y->state;
	order = memcmp(&x->ev.raddr, &y->ev.raddr, sizeof(addr_t));
	if (order)
		return order;
	if (x->ev.rport != y->ev.rport)
		return (int)x->ev.rport - y->ev.rport;
	return x->ev.cookie < y->ev.cookie ? -1 : x->ev.cookie > y->ev.cookie;
}

/* Says why there is no table, or no more of it. */
static int table_failed(int err)
{
	if (err == ENOSYS)
		return say_fail(EXIT_FAILED, "this is a static program",
				"use --json", "there are no tables here");
	return say_fail(EXIT_FAILED, NULL, NULL, "cannot print the table: %s",
			strerror(err));
}

static int print_table(struct sockets *t)
{
	struct table *table = table_new(stdout, t->opt.raw,
					!t->opt.no_headings);
	char text[CELL_TEXT];
	const struct column *c;
	unsigned int i;
	int err = 0;
	size_t row;

	if (!table)
		return table_failed(errno);
	for (i = 0; i < t->columns.n && !err; i++) {
		c = &t->columns.column[i];
		snprintf(text, sizeof(text), "%s", c->name);
		for (char *s = text; *s; s++)
			*s -= *s >= 'a' && *s <= 'z' ? 'a' - 'A' : 0;
		err = table_column(table, text,
				   (c->right ? TABLE_RIGHT : 0) |
					   (c->cut ? TABLE_CUT : 0));
	}
	for (row = 0; row < t->n && !err; row++)
		for (i = 0; i < t->columns.n && !err; i++)
			err = table_cell(table,
					 column_text(&t->columns.column[i],
						     &t->rows[row], text));
	if (!err)
		err = table_print(table);
	table_free(table);
	return err ? table_failed(-err) : EXIT_DONE;
}

static void print_name(struct json *j, const struct column *c, bool first)
{
	if (first) {
		json_text(j, "\"");
		json_text(j, c->name);
		json_text(j, "\":");
	} else {
		json_name(j, c->name);
	}
}

/* A column of a socket as a member of an object; false: it is absent. */
static bool print_member(struct json *j, const struct column *c,
			 const struct event_socket *s, bool first)
{
	char text[CELL_TEXT];
	const char *bytes = text;
	uint64_t value;
	size_t len = 0;

	if (c->field && c->field->kind == SCHEMA_NUMBER) {
		if (!schema_value(c->field, &s->ev, &value))
			return false;
		print_name(j, c, first);
		json_number(j, value);
		return true;
	}
	if (c->field && c->field->kind == SCHEMA_TEXT)
		len = schema_text(c->field, &s->ev, &bytes);
	else if (column_text(c, s, text) == text)
		len = strlen(text);
	if (!len)
		return false;
	print_name(j, c, first);
	json_string(j, bytes, len);
	return true;
}

static void print_json(const struct sockets *t)
{
	struct json j = { .file = stdout };
	bool first;
	unsigned int i;
	size_t row;

	json_text(&j, "{\"sockets\":[");
	for (row = 0; row < t->n; row++) {
		json_text(&j, row ? ",\n{" : "\n{");
		first = true;
		for (i = 0; i < t->columns.n; i++)
			if (print_member(&j, &t->columns.column[i],
					 &t->rows[row], first))
				first = false;
		json_text(&j, "}");
	}
	json_text(&j, "\n],\"complete\":");
	json_text(&j, t->blind ? "false}\n" : "true}\n");
	json_write(&j);
}

static int print_sockets(struct sockets *t)
{
	if (t->n) /* qsort() takes no NULL */
		qsort(t->rows, t->n, sizeof(*t->rows), by_place);
	if (!t->opt.json)
		return print_table(t);
	print_json(t);
	return EXIT_DONE;
}

static int print_piles(const struct sockets *t)
{
	const struct pile_options o = {
		.schema = t->live.schema,
		.json = t->opt.json,
		.raw = t->opt.raw,
		.headings = !t->opt.no_headings,
		.complete = !t->blind,
	};
	int err = pile_print(t->rows, t->n, &o);

	return err ? table_failed(-err) : EXIT_DONE;
}

static int prepare(struct sockets *t)
{
	struct config config = {};
	int code;

	code = live_open(&t->live);
	if (!code)
		code = choose_columns(t);
	if (!code)
		code = select_apply(&t->opt.select, t->live.schema,
				    1u << EVENT_socket, &t->filter, &config);
	return code;
}

int cmd_sockets(int argc, char **argv)
{
	static const struct argp_child children[] = {
		{ &select_argp, 0, "Which sockets:", 1 },
		{ &live_argp, 0, NULL, 0 },
		{},
	};
	static const struct argp argp = {
		.options = options,
		.parser = parse,
		.args_doc = "[EXPRESSION...]",
		.doc = doc,
		.children = children,
	};
	struct sockets t = {};
	int code;

	opt_parse(&argp, argc, argv, 0, &t);
	code = prepare(&t);
	if (!code)
		code = collect(&t);
	if (!code)
		code = t.opt.piles ? print_piles(&t) : print_sockets(&t);
	if (!code)
		code = say_written();
	filter_free(t.filter);
	live_close(&t.live);
	free(t.rows);
	return code;
}
