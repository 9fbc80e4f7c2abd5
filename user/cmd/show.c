// SPDX-License-Identifier: GPL-2.0
/* tcbscope show: what is inside one socket, once or again and again. */
#include "cmd/cmd.h"
#include "cmd/pick.h"
#include "lib/clock.h"
#include "lib/opt.h"
#include "lib/priv.h"
#include "lib/say.h"
#include "lib/term.h"
#include "lib/width.h"
#include "output/cell.h"
#include "output/show.h"

#include <argp.h>
#include <errno.h>
#include <inttypes.h>
#include <linux/capability.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define HASH_BYTES 128 /* of the few numbers that there are */

struct options {
	uint64_t watch_ns;
	bool json, ascii, explain, all, quiet;
};

struct one {
	struct options opt;
	struct pick pick;
	struct module *module; /* NULL: there is none, or not for us */
	struct diag *diag;
	char hash[HASH_BYTES]; /* attributes; it stays where it lives */
	size_t hash_len;
	char why[160]; /* what the module said last */
	uint64_t looks, begin;
	uint64_t state, retrans, retrans_first; /* for the closing line */
};

enum { OPT_WATCH = 256, OPT_ASCII, OPT_EXPLAIN, OPT_ALL };

static const struct argp_option options[] = {
	{ "watch", OPT_WATCH, "TIME", 0,
	  "look again and again, until the socket is gone (1s, 100ms)", 2 },
	{ "json", 'j', NULL, 0, "JSON instead of a drawing: a line a look", 3 },
	{ "explain", OPT_EXPLAIN, NULL, 0, "say what each number is", 3 },
	{ "all", OPT_ALL, NULL, 0, "draw queues whole, however long", 3 },
	{ "ascii", OPT_ASCII, NULL, 0, "no characters beyond ASCII", 3 },
	{ "quiet", 'q', NULL, 0, "no notes on standard error", 3 },
	{ NULL, 'h', NULL, OPTION_HIDDEN, NULL, 0 },
	{}
};

static const char doc[] =
	"Shows what is inside one socket.\n"
	"\n"
	"  tcbscope show 10.0.0.1:2000,10.0.0.2:443   local end, remote end\n"
	"  tcbscope show 812/7             file descriptor 7 of process 812\n"
	"  tcbscope show 4711              by its cookie\n"
	"  tcbscope show :8080             a listener, with both its queues\n"
	"  tcbscope show --watch 1s 812/7  again and again\n"
	"\v"
	"Cookies stand in what trace and sockets print as JSON, and in "
	"'tcbscope sockets -o +COOKIE'. The kernel module tells most; without it "
	"there is what sock_diag(7) has.";

static volatile sig_atomic_t ended;

static void on_signal(int number)
{
	ended = number;
}

static error_t parse(int key, char *arg, struct argp_state *state)
{
	struct one *o = state->input;
	struct options *opt = &o->opt;

	switch (key) {
	case OPT_WATCH:
		opt_time_ns(state, "--watch: not a time", arg, &opt->watch_ns);
		break;
	case 'j':
		opt->json = true;
		break;
	case OPT_EXPLAIN:
		opt->explain = true;
		break;
	case OPT_ALL:
		opt->all = true;
		break;
	case OPT_ASCII:
		opt->ascii = true;
		break;
	case 'q':
		opt->quiet = true;
		break;
	case 'h':
		argp_state_help(state, stdout, ARGP_HELP_STD_HELP);
		break;
	case ARGP_KEY_ARG:
		if (o->pick.text)
			argp_error(state, "one socket at a time");
		o->pick.text = arg;
		break;
	case ARGP_KEY_NO_ARGS:
		argp_error(state, "which socket?");
		break;
	default:
		return ARGP_ERR_UNKNOWN;
	}
	return 0;
}

/* What the module would add, and how to have it, in one line. */
static void say_without(const struct one *o, const char *why, const char *how)
{
	if (!o->opt.quiet)
		say_note("%s; it adds sequence numbers, queues segment by "
			 "segment and all timers: %s",
			 why, how);
}

#define LOAD_IT "'make module-install', then 'modprobe tcbscope'"

/* By addresses, which is faster; a listener's may be those of others, too. */
static struct module_identity identity_of(const struct one *o)
{
	struct module_identity id = o->pick.socket->id;

	if (id.remote_port)
		id.cookie = 0;
	return id;
}

/* Where it lives; only who may gets to know, and nobody else needs to. */
static void find_bucket(struct one *o)
{
	struct module_identity id = identity_of(o);
	struct module_list list;

	if (module_get(o->module, TCBSCOPE_CMD_HASH_GET, &id, false, &list) ||
	    list.len > sizeof(o->hash))
		return;
	memcpy(o->hash, list.data, list.len);
	o->hash_len = list.len;
}

/* In the socket's namespace. */
static int open_inputs(struct one *o)
{
	static const int net_admin[] = { CAP_NET_ADMIN, -1 };
	const char *lacks;

	o->diag = diag_open();
	if (!o->diag)
		return say_fail(EXIT_FAILED, NULL, NULL,
				"cannot ask the kernel by sock_diag: %s",
				strerror(errno));
	if (o->pick.where.socket >= 0) /* it is nowhere to be found */
		return EXIT_DONE;
	o->module = module_open();
	if (!o->module && errno == EPROTONOSUPPORT)
		return say_fail(EXIT_FAILED,
				"its protocol is of another version than this "
				"program's",
				"install and load the one that came with it: "
				"make module-install, rmmod tcbscope, "
				"modprobe tcbscope",
				"cannot ask the kernel module");
	if (!o->module && errno != ENOENT)
		return say_fail(EXIT_FAILED, NULL, NULL,
				"cannot ask the kernel module: %s",
				strerror(errno));
	lacks = priv_lacks("asking the kernel module", net_admin);
	if (o->module && lacks) {
		say_without(o, lacks, "run it with sudo");
		module_close(o->module);
		o->module = NULL;
	} else if (!o->module) {
		say_without(o, "the kernel module is not loaded", LOAD_IT);
	}
	if (o->module)
		find_bucket(o);
	return EXIT_DONE;
}

static bool listens(const struct one *o)
{
	return o->pick.socket->state == TCBSCOPE_STATE_LISTEN;
}

/* Asks, and makes sure that it is still the same socket. */
static int ask_module(struct one *o, struct module_list *list)
{
	struct module_identity id = identity_of(o);
	struct module_list identity;
	int err;

	err = module_get(o->module,
			 listens(o) ? TCBSCOPE_CMD_LISTENER_GET :
				      TCBSCOPE_CMD_SOCKET_GET,
			 &id, listens(o), list);
	snprintf(o->why, sizeof(o->why), "%s", module_why(o->module));
	if (err)
		return err;
	identity = module_nest(list, TCBSCOPE_A_SOCKET_IDENTITY);
	return module_or(&identity, TCBSCOPE_A_IDENTITY_COOKIE, 0) ==
			       o->pick.socket->id.cookie ?
		       0 :
		       -ENOENT;
}

/* 0; -ENOENT: it is gone; or another -errno. */
static int ask(struct one *o, struct show *s)
{
	int err = -ENOENT;

	s->set = listens(o) ? &module_set_listener : &module_set_socket;
	if (o->module) {
		s->via = "module";
		err = ask_module(o, &s->list);
		if (err != -ENOENT && err != -EINVAL)
			return err;
	}
	/* It may be the module that is gone. */
	s->via = "sock_diag";
	s->derived = true;
	if (o->pick.where.socket >= 0) { /* once: else it would live on by us */
		err = diag_of_fd(o->diag, o->pick.where.socket, o->pick.socket,
				 &s->list);
		locate_close(&o->pick.where);
		return err;
	}
	err = diag_get(o->diag, o->pick.socket, &s->list);
	if (!err && o->module) {
		module_close(o->module);
		o->module = NULL;
		say_without(o, "the kernel module is gone", LOAD_IT);
	}
	return err;
}

static void note_numbers(struct one *o, const struct show *s)
{
	struct module_list congestion;

	if (listens(o))
		return;
	o->state = module_or(&s->list, TCBSCOPE_A_SOCKET_STATE, 0);
	congestion = module_nest(&s->list, TCBSCOPE_A_SOCKET_CONGESTION);
	o->retrans = module_or(&congestion, TCBSCOPE_A_CONGESTION_RETRANS,
			       o->retrans);
	if (!o->looks)
		o->retrans_first = o->retrans;
}

/* On a terminal each drawing takes the place of the one before. */
static int draw(const struct one *o, const struct show *s)
{
	const struct show_look look = {
		.width = term_width(STDOUT_FILENO),
		.unicode = !o->opt.ascii && width_unicode(),
		.colour = term_colour(STDOUT_FILENO),
		.explain = o->opt.explain,
		.all = o->opt.all,
	};
	char *text = NULL;
	size_t size;
	FILE *file;
	int err;

	if (!o->opt.watch_ns)
		return show_text(s, &look, stdout);
	file = open_memstream(&text, &size);
	err = file ? show_text(s, &look, file) : -errno;
	if (file && fclose(file))
		err = -errno;
	if (!err)
		term_replace(stdout, text);
	free(text);
	return err;
}

/* 0; 1: it is gone; -errno: standard output fails; or what asking says. */
static int look(struct one *o, int *asked)
{
	struct show s = {
		.hash = { o->hash, o->hash_len },
		.netns = o->pick.where.found[0].netns,
		.pid = o->pick.holder.pid,
		.fd = o->pick.holder.fd,
		.holders = o->pick.holder.holders,
		.comm = o->pick.holder.comm,
	};
	bool json = o->opt.json ||
		    (o->opt.watch_ns && !term_replaces(STDOUT_FILENO));
	int err = 0;

	*asked = ask(o, &s);
	if (*asked)
		return 0;
	note_numbers(o, &s);
	o->looks++;
	if (json)
		show_json(&s, stdout);
	else
		err = draw(o, &s);
	if (!err && fflush(stdout))
		err = -errno;
	return err;
}

static int asking_failed(const struct one *o, int err)
{
	if (err == -EBUSY)
		return say_fail(EXIT_FAILED, o->why, "try again",
				"cannot look into %s", o->pick.text);
	return say_fail(err == -EPERM ? EXIT_KERNEL : EXIT_FAILED, o->why, NULL,
			"cannot look into %s: %s", o->pick.text,
			strerror(-err));
}

/* How it ended, and what was seen. */
static void say_end(const struct one *o, bool gone)
{
	char span[CELL_TEXT], state[96] = "", retrans[64] = "";

	cell_span(clock_now_ns() - o->begin, false, span);
	if (o->state)
		snprintf(
			state, sizeof(state), ", last in %s",
			module_word(module_attr(&module_set_socket, TCBSCOPE_A_SOCKET_STATE), o->state) ?:
				"?");
	if (o->retrans != o->retrans_first)
		snprintf(retrans, sizeof(retrans),
			 ", %" PRIu64 " packets sent again meanwhile",
			 o->retrans - o->retrans_first);
	if (!o->opt.quiet)
		say_note("%s%s%" PRIu64 " look%s in %s%s%s",
			 gone ? o->pick.text : "", gone ? " is gone: " : "",
			 o->looks, o->looks == 1 ? "" : "s", span, state,
			 retrans);
}

/* Signals come here and nowhere else: none is missed. */
static void wait_until(uint64_t time, const sigset_t *signals)
{
	uint64_t now = clock_now_ns(), left = time > now ? time - now : 0;
	const struct timespec ts = { .tv_sec = left / NSEC_PER_SEC,
				     .tv_nsec = left % NSEC_PER_SEC };

	ppoll(NULL, 0, &ts, signals);
}

static int watch(struct one *o)
{
	const struct sigaction action = { .sa_handler = on_signal };
	uint64_t next = o->begin;
	sigset_t block, before;
	int err, asked;

	sigemptyset(&block);
	sigaddset(&block, SIGINT);
	sigaddset(&block, SIGTERM);
	sigprocmask(SIG_BLOCK, &block, &before);
	sigaction(SIGINT, &action, NULL);
	sigaction(SIGTERM, &action, NULL);
	do {
		err = look(o, &asked);
		if (err || (asked && asked != -EBUSY))
			break;
		next += o->opt.watch_ns;
		wait_until(next, &before);
		if (next < clock_now_ns()) /* one that was late is skipped */
			next = clock_now_ns();
	} while (!ended);
	if (err == -EPIPE)
		return EXIT_DONE;
	if (err)
		return say_fail(EXIT_FAILED, NULL, NULL, "cannot go on: %s",
				strerror(-err));
	if (asked && asked != -ENOENT && asked != -EBUSY)
		return asking_failed(o, asked);
	if (asked == -ENOENT && !o->looks)
		return pick_none(&o->pick);
	say_end(o, asked == -ENOENT);
	return EXIT_DONE;
}

static int once(struct one *o)
{
	int asked, err = look(o, &asked);

	if (asked == -ENOENT)
		return pick_none(&o->pick);
	if (asked)
		return asking_failed(o, asked);
	return err && err != -EPIPE ?
		       say_fail(EXIT_FAILED, NULL, NULL, "cannot write: %s",
				strerror(-err)) :
		       say_written();
}

static int run(struct one *o)
{
	int code;

	code = pick_socket(&o->pick);
	if (!code)
		code = open_inputs(o);
	if (code)
		return code;
	if (priv_keep(CAP_NET_ADMIN) && !o->opt.quiet)
		say_note("cannot drop capabilities; going on with them");
	o->begin = clock_now_ns();
	return o->opt.watch_ns ? watch(o) : once(o);
}

int cmd_show(int argc, char **argv)
{
	static const struct argp argp = {
		.options = options,
		.parser = parse,
		.args_doc = "SOCKET",
		.doc = doc,
	};
	struct one o = {};
	int code;

	opt_parse(&argp, argc, argv, 0, &o);
	signal(SIGPIPE, SIG_IGN);
	code = run(&o);
	module_close(o.module);
	diag_close(o.diag);
	pick_close(&o.pick);
	return code;
}
