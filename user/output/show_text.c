// SPDX-License-Identifier: GPL-2.0
/*
 * A socket for people, in the groups of RFC 9293: identity and state, the two
 * sequence spaces with their queues, timers, and what else there is to know.
 */
#include "output/show_part.h"

#include "lib/say.h"
#include "lib/width.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#define WIDTH_MIN 40 /* below it, lines are as long as that */
#define BAR 20

static canvas_colour state_colour(uint64_t state)
{
	switch (state) {
	case TCBSCOPE_STATE_ESTABLISHED:
	case TCBSCOPE_STATE_LISTEN:
		return "1;32";
	case TCBSCOPE_STATE_CLOSE:
		return "1;31";
	default:
		return "1;33";
	}
}

static bool is_listener(const struct show *s)
{
	return s->set == &module_set_listener;
}

static void state_text(const struct show *s, uint64_t *state,
		       char to[SHOW_TEXT])
{
	const struct module_attr *attr = module_attr(&module_set_socket,
						     TCBSCOPE_A_SOCKET_STATE);

	*state = TCBSCOPE_STATE_LISTEN;
	if (!is_listener(s))
		*state = module_or(&s->list, TCBSCOPE_A_SOCKET_STATE, 0);
	snprintf(to, SHOW_TEXT, "%s", module_word(attr, *state) ?: "?");
}

/* "10.0.0.1:2000 <-> 10.0.0.2:2001" */
static void ends_text(const struct show *s, bool unicode, char to[SHOW_TEXT])
{
	struct module_list identity = module_nest(&s->list,
						  TCBSCOPE_A_SOCKET_IDENTITY);
	char local[SHOW_TEXT], remote[SHOW_TEXT];

	show_end(&identity, false, local);
	show_end(&identity, true, remote);
	snprintf(to, SHOW_TEXT, "%.64s%s%.64s", local,
		 !*remote ? "" :
		 unicode  ? " ↔ " :
			    " <-> ",
		 remote);
}

/* Who holds it, where, and who says so. */
static void owner_text(const struct show *s, char to[SHOW_TEXT])
{
	struct module_list identity = module_nest(&s->list,
						  TCBSCOPE_A_SOCKET_IDENTITY);
	char comm[4 * 16 + 1] = "";
	int n;

	say_escape(comm, sizeof(comm), s->comm ?: "",
		   s->comm ? strnlen(s->comm, 15) : 0);
	if (s->pid)
		n = snprintf(to, SHOW_TEXT, "%s[%u] fd %u", comm, s->pid,
			     s->fd);
	else
		n = snprintf(to, SHOW_TEXT, "no process is known to hold it");
	if (s->holders > 1)
		n += snprintf(to + n, SHOW_TEXT - n, " and %u more descriptors",
			      s->holders - 1);
	snprintf(to + n, SHOW_TEXT - n,
		 ", cookie %" PRIu64 ", network namespace %" PRIu64,
		 module_or(&identity, TCBSCOPE_A_IDENTITY_COOKIE, 0), s->netns);
}

static void told_text(const struct show *s, char to[SHOW_TEXT])
{
	uint64_t hold = module_or(&s->list, TCBSCOPE_A_SOCKET_HOLD_NS, 0);

	int n = snprintf(to, SHOW_TEXT, "told by %s",
			 s->derived ? s->via : "the kernel module");

	if (!is_listener(s) && hold)
		snprintf(to + n, SHOW_TEXT - n,
			 ", which held its lock for %" PRIu64 ".%" PRIu64 "us",
			 hold / 1000, hold % 1000 / 100);
}

static void head(struct show_page *p)
{
	char ends[SHOW_TEXT], state[SHOW_TEXT], owner[SHOW_TEXT];
	int width = p->look->width, len;
	uint64_t number;
	struct canvas *c;

	ends_text(p->s, p->look->unicode, ends);
	state_text(p->s, &number, state);
	owner_text(p->s, owner);
	len = width_text(state);
	c = show_sheet(p, 1);
	if (!c)
		return;
	canvas_text(c, 0, 0, width - len - 2, ends, "1");
	canvas_text_end(c, width, 0, len, state, state_colour(number));
	show_print(p, c);
	width_print(p->file, owner, width, 0, 0);
	told_text(p->s, owner);
	width_print(p->file, owner, width, 0, 0);
}

/* Shown above all others; or said in the heading. */
static const int socket_skip[] = { TCBSCOPE_A_SOCKET_STATE,
				   TCBSCOPE_A_SOCKET_NOW_NS,
				   TCBSCOPE_A_SOCKET_HOLD_NS,
				   TCBSCOPE_A_SOCKET_TRUNCATED, 0 };
static const int listener_skip[] = { TCBSCOPE_A_LISTENER_TRUNCATED, 0 };

/* There is more than anybody tells. */
static void truncated(struct show_page *p, int type)
{
	char name[SHOW_LABEL];
	uint64_t flag;

	if (!module_number(&p->s->list, type, &flag))
		return;
	show_name(p->s->set, type, name);
	show_heading(p, name, module_attr(p->s->set, type)->doc);
}

/* A value of a limit, as a bar. */
static void fullness(struct show_page *p, const char *name, uint64_t value,
		     uint64_t limit, canvas_colour colour)
{
	struct canvas *c = show_sheet(p, 1);
	char text[64];

	if (!c)
		return;
	canvas_text(c, 2, 0, 16, name, "2");
	show_bar(c, 19, 0, BAR, value, limit, colour);
	snprintf(text, sizeof(text), "%" PRIu64 " of %" PRIu64, value, limit);
	canvas_text(c, 20 + BAR, 0, p->look->width, text, NULL);
	show_print(p, c);
}

static void used(struct show_page *p, const struct module_list *list,
		 const struct module_set *set, int value, int limit)
{
	uint64_t n, of;
	char name[SHOW_LABEL];

	if (!module_number(list, value, &n) || !module_number(list, limit, &of))
		return;
	show_label(module_attr(set, value), value, name);
	fullness(p, name, n, of, n > of ? "31" : "34");
}

/* Packets under way, RFC 6675's pipe, of those that may be. */
static void window(struct show_page *p, const struct module_list *list)
{
	uint64_t out = module_or(list, TCBSCOPE_A_CONGESTION_PACKETS_OUT, 0);
	uint64_t gone = module_or(list, TCBSCOPE_A_CONGESTION_SACKED_OUT, 0) +
			module_or(list, TCBSCOPE_A_CONGESTION_LOST_OUT, 0);
	uint64_t again = module_or(list, TCBSCOPE_A_CONGESTION_RETRANS_OUT, 0);
	uint64_t cwnd;

	if (module_number(list, TCBSCOPE_A_CONGESTION_CWND, &cwnd))
		fullness(p, "in flight",
			 out + again > gone ? out + again - gone : 0, cwnd,
			 "32");
}

/* A nest as a part of its own: heading, drawings, then all numbers. */
static void group(struct show_page *p, int type, const char *words)
{
	const struct module_set *set = module_attr(p->s->set, type)->nest;
	struct module_list list = module_nest(&p->s->list, type);
	char name[SHOW_LABEL];

	if (!list.len)
		return;
	show_name(p->s->set, type, name);
	show_heading(p, name, words);
	if (type == TCBSCOPE_A_SOCKET_SEND) {
		show_send(p);
	} else if (type == TCBSCOPE_A_SOCKET_RECEIVE) {
		show_receive(p);
	} else if (type == TCBSCOPE_A_SOCKET_CONGESTION) {
		window(p, &list);
	} else if (type == TCBSCOPE_A_SOCKET_MEMORY) {
		used(p, &list, set, TCBSCOPE_A_MEMORY_RECEIVE_USED,
		     TCBSCOPE_A_MEMORY_RECEIVE_LIMIT);
		used(p, &list, set, TCBSCOPE_A_MEMORY_SEND_QUEUED,
		     TCBSCOPE_A_MEMORY_SEND_LIMIT);
	}
	show_grid(p, set, &list, NULL);
}

/* From where the rulers count. */
static void base_words(const struct show *s, int nest, int type,
		       const char *name, uint32_t base, char to[SHOW_TEXT])
{
	struct module_list list = module_nest(&s->list, nest);
	uint64_t number;

	if (s->derived)
		snprintf(to, SHOW_TEXT, "~ counted from %s, which nobody tells",
			 name);
	else if (module_number(&list, type, &number))
		snprintf(to, SHOW_TEXT, "counted from %s %" PRIu64, name,
			 number);
	else
		snprintf(to, SHOW_TEXT, "counted from %u", base);
}

static void socket_parts(struct show_page *p)
{
	char words[SHOW_TEXT];

	base_words(p->s, TCBSCOPE_A_SOCKET_SEND, TCBSCOPE_A_SEND_ISS, "iss",
		   show_send_base(p->s), words);
	group(p, TCBSCOPE_A_SOCKET_SEND, words);
	show_segments(p);
	base_words(p->s, TCBSCOPE_A_SOCKET_RECEIVE, TCBSCOPE_A_RECEIVE_IRS,
		   "irs", show_receive_base(p->s), words);
	group(p, TCBSCOPE_A_SOCKET_RECEIVE, words);
	show_received(p);
	truncated(p, TCBSCOPE_A_SOCKET_TRUNCATED);
	show_timers(p);
	group(p, TCBSCOPE_A_SOCKET_CONGESTION, NULL);
	group(p, TCBSCOPE_A_SOCKET_TIME, NULL);
	group(p, TCBSCOPE_A_SOCKET_MEMORY, NULL);
	group(p, TCBSCOPE_A_SOCKET_OPTIONS, NULL);
	show_heading(p, "SOCKET", NULL);
	show_grid(p, p->s->set, &p->s->list, socket_skip);
}

int show_text(const struct show *s, const struct show_look *look, FILE *file)
{
	struct show_look l = *look;
	struct show_page p = { .s = s, .look = &l, .file = file };

	if (l.width < WIDTH_MIN)
		l.width = WIDTH_MIN;
	head(&p);
	if (is_listener(s)) {
		show_queues(&p);
		truncated(&p, TCBSCOPE_A_LISTENER_TRUNCATED);
		show_heading(&p, "LISTENER", NULL);
		show_grid(&p, s->set, &s->list, listener_skip);
	} else {
		socket_parts(&p);
	}
	if (s->hash.len) {
		show_heading(&p, "HASH", NULL);
		show_grid(&p, &module_set_hash, &s->hash, NULL);
	}
	return p.err;
}
