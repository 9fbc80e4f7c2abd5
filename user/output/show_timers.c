// SPDX-License-Identifier: GPL-2.0
/* Each timer that runs as a countdown. */
#include "output/show_part.h"

#include <stdio.h>
#include <string.h>

#define KIND_AT 2
#define REMAINING_AT 25 /* where the time ends */
#define BAR_AT 27
#define BAR 24
#define DOC_AT 54
#define DOC_ROOM 70	      /* columns that the longest needs */
#define TIME_WAIT_US 60000000 /* TCP_TIMEWAIT_LEN of the kernel */

/* For how long it was set, in us; 0: nobody tells. */
static uint64_t whole_us(const struct show *s, uint64_t kind)
{
	struct module_list time = module_nest(&s->list, TCBSCOPE_A_SOCKET_TIME);

	switch (kind) {
	case TCBSCOPE_TIMER_KIND_RETRANSMIT:
	case TCBSCOPE_TIMER_KIND_PROBE:
		return module_or(&time, TCBSCOPE_A_TIME_RTO_US, 0);
	case TCBSCOPE_TIMER_KIND_DELAYED_ACK:
		return module_or(&time, TCBSCOPE_A_TIME_ATO_US, 0);
	case TCBSCOPE_TIMER_KIND_TIME_WAIT:
		return TIME_WAIT_US;
	default:
		return 0;
	}
}

static void draw(struct canvas *c, int y, const struct show_page *p,
		 const struct module_list *timer)
{
	const struct module_attr *kind_attr = module_attr(
		module_attr(p->s->set, TCBSCOPE_A_SOCKET_TIMER)->nest,
		TCBSCOPE_A_TIMER_KIND);
	uint64_t kind = module_or(timer, TCBSCOPE_A_TIMER_KIND, ~0ull);
	int64_t remaining = module_or(timer, TCBSCOPE_A_TIMER_REMAINING_US, 0);
	const char *doc = module_word_doc(kind_attr, kind);
	uint64_t whole = whole_us(p->s, kind);
	char text[SHOW_LABEL], number[SHOW_LABEL];
	int doc_at = whole ? DOC_AT : BAR_AT;

	snprintf(number, sizeof(number), "%u", (unsigned int)kind);
	canvas_text(c, KIND_AT, y, REMAINING_AT - 9 - KIND_AT,
		    module_word(kind_attr, kind) ?: number, NULL);
	show_span(remaining, text);
	canvas_text_end(c, REMAINING_AT, y, 8, text,
			remaining < 0 ? "31" : "1");
	if (whole)
		show_bar(c, BAR_AT, y, BAR, remaining > 0 ? remaining : 0,
			 whole, "33");
	if (doc && (int)p->look->width >= doc_at + DOC_ROOM)
		canvas_text(c, doc_at, y, DOC_ROOM, doc, "2");
	else if (doc && !whole)
		canvas_text(c, doc_at, y, (int)p->look->width - doc_at, doc,
			    "2");
}

void show_timers(struct show_page *p)
{
	char name[SHOW_LABEL];
	struct module_list timer;
	unsigned int n = 0;
	struct canvas *c;
	size_t at = 0;

	while (module_next(&p->s->list, TCBSCOPE_A_SOCKET_TIMER, &at, &timer))
		n++;
	if (!n)
		return;
	show_name(p->s->set, TCBSCOPE_A_SOCKET_TIMER, name);
	show_heading(p, name, NULL);
	c = show_sheet(p, n);
	if (!c)
		return;
	at = n = 0;
	while (module_next(&p->s->list, TCBSCOPE_A_SOCKET_TIMER, &at, &timer))
		draw(c, n++, p, &timer);
	show_print(p, c);
}
