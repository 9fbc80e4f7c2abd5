// SPDX-License-Identifier: GPL-2.0
/* Stories are compared as text, by the regular expressions of the C library. */
#include "lab/judge.h"
#include "lab/need.h"
#include "lab/spell.h"
#include "lab/stage.h"
#include "lab/witness.h"

#include <errno.h>
#include <regex.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define STORY_MAX 4096 /* bytes of an expected story, made an expression */

/* What happened to one socket, of one type: "A, B, C". */
struct tale {
	uint64_t cookie; /* 0: there is no socket */
	char *text;
	size_t len;
	char last[256];
	bool expected;
};

struct tales {
	struct tale *tale;
	size_t n;
};

/* ------------------------------------------------ comparing */

static bool matches(const char *expression, const char *text)
{
	regex_t regex;
	bool match;

	if (regcomp(&regex, expression, REG_EXTENDED | REG_NOSUB))
		return false;
	match = !regexec(&regex, text, 0, NULL, 0);
	regfree(&regex);
	return match;
}

bool judge_item(const char *item, const char *words)
{
	char expression[512];

	if (!*words || snprintf(expression, sizeof(expression), "^(%s)( .*)?$",
				item) >= (int)sizeof(expression))
		return false;
	return matches(expression, words);
}

/* Does the last item have its comma, in parentheses: "(A, )*"? */
static bool ends_repeated(const char *story)
{
	const char *close = strrchr(story, ')');

	return close && close - story > 2 && !strncmp(close - 2, ", ", 2) &&
	       !close[1 + strspn(close + 1, "*+?{},0123456789")];
}

/* Each item may have more words than the story says of it. */
bool judge_story(const char *story, const char *events)
{
	static const char rest[] = "( [^,]*)?, ";
	char expression[STORY_MAX], *text = NULL;
	size_t n = 0;
	bool match;

	n += snprintf(expression, sizeof(expression), "^(");
	for (; *story && n + sizeof(rest) + 4 < sizeof(expression); story++) {
		if (!strncmp(story, ", ", 2)) {
			n += sprintf(expression + n, "%s", rest);
			story++;
		} else {
			expression[n++] = *story;
		}
	}
	expression[n] = '\0';
	n += sprintf(expression + n, "%s)$",
		     ends_repeated(expression + 2) ? "" : rest);
	if (*story || asprintf(&text, "%s, ", events) < 0)
		return false;
	match = matches(expression, text);
	free(text);
	return match;
}

/* The next item of a list, which is cut off; NULL at its end. */
static char *next_item(char **list)
{
	char *item = *list, *end;

	if (!item || !*item)
		return NULL;
	end = strstr(item, ", ");
	*list = end ? end + 2 : NULL;
	if (end)
		*end = '\0';
	return item;
}

/* All items of @story are in @events, in order. */
static bool has_story(const char *story, const char *events)
{
	char *wanted = strdup(story), *seen = strdup(events);
	char *w = wanted, *s = seen, *item, *event = seen;

	while (wanted && seen && event && (item = next_item(&w))) {
		do
			event = next_item(&s);
		while (event && !judge_item(item, event));
	}
	free(wanted);
	free(seen);
	return event;
}

/* How many events of it match. */
static unsigned int count_items(const char *item, const char *events)
{
	char *seen = strdup(events), *s = seen, *event;
	unsigned int n = 0;

	while (seen && (event = next_item(&s)))
		n += !item || judge_item(item, event);
	free(seen);
	return n;
}

/* ------------------------------------------------ what was seen */

static struct tale *tale_of(struct tales *t, uint64_t cookie)
{
	struct tale *more;
	size_t i;

	for (i = t->n; i; i--) /* mostly it is the last one */
		if (t->tale[i - 1].cookie == cookie)
			return &t->tale[i - 1];
	more = reallocarray(t->tale, t->n + 1, sizeof(*more));
	if (!more)
		return NULL;
	t->tale = more;
	memset(&more[t->n], 0, sizeof(*more));
	more[t->n].cookie = cookie;
	return &more[t->n++];
}

static int add_words(struct tales *t, uint64_t cookie, const char *words,
		     bool once)
{
	struct tale *tale = tale_of(t, cookie);
	size_t len = strlen(words);
	char *text;

	if (!tale)
		return -ENOMEM;
	if (once && !strcmp(tale->last, words))
		return 0;
	text = realloc(tale->text, tale->len + len + 3);
	if (!text)
		return -ENOMEM;
	tale->text = text;
	tale->len += sprintf(text + tale->len, "%s%s", tale->len ? ", " : "",
			     words);
	snprintf(tale->last, sizeof(tale->last), "%s", words);
	return 0;
}

/* All events of a type and of an end, socket by socket. */
static int collect(struct stage *s, int side, const char *type, struct tales *t)
{
	struct sighting what = { .type = type };
	bool phases = !strcmp(type, "window");
	struct json_object *event;
	size_t from = 0;
	char words[256];
	unsigned int i;
	int err = 0;

	for (i = 0; i < s->n_facts && !strcmp(type, "fact") && !err; i++)
		if (s->facts[i].side & side)
			err = add_words(t, 0, s->facts[i].text, false);
	while (!err &&
	       (event = witness_next(s->tracer->witness, &what, &from))) {
		if (!stage_has(s, side, event))
			continue;
		spell(event, false, words, sizeof(words));
		if (*words)
			err = add_words(t, witness_number(event, "cookie"),
					words, phases);
	}
	return err;
}

static void forget(struct tales *t)
{
	size_t i;

	for (i = 0; i < t->n; i++)
		free(t->tale[i].text);
	free(t->tale);
	memset(t, 0, sizeof(*t));
}

/* ------------------------------------------------ judging */

static unsigned int fits(const struct expect *e, const char *events)
{
	switch (e->how) {
	case STORY_IS:
		return judge_story(e->story, events);
	case STORY_HAS:
		return has_story(e->story, events);
	case STORY_NEVER:
		return count_items(e->story, events);
	}
	return 0;
}

static bool is_met(const struct expect *e, unsigned int found)
{
	unsigned int least = e->least ?: e->most ? e->least : 1;
	unsigned int most = e->most ?: e->how == STORY_HAS ? ~0u : least;

	if (e->how == STORY_NEVER)
		return !found;
	return found >= least && found <= most;
}

/* How many items of the story the events have, at the best. */
static unsigned int closeness(const char *story, const char *events)
{
	char *wanted = strdup(story ?: ""), *w = wanted, *item;
	unsigned int n = 0;

	while (wanted && (item = next_item(&w)))
		n += count_items(item, events) > 0;
	free(wanted);
	return n;
}

static struct finding *add_finding(struct report *r)
{
	struct finding *more = reallocarray(r->findings, r->n + 1,
					    sizeof(*more));

	if (!more)
		return NULL;
	r->findings = more;
	return memset(&more[r->n++], 0, sizeof(*more));
}

static int judge_one(const struct expect *e, int side, struct tales *t,
		     struct report *r)
{
	struct finding *f = add_finding(r);
	struct tale *best = NULL;
	unsigned int close, closest = 0;
	size_t i;

	if (!f)
		return -ENOMEM;
	*f = (struct finding){ .expect = e, .type = e->type, .side = side };
	for (i = 0; i < t->n; i++) {
		struct tale *tale = &t->tale[i];
		unsigned int n = fits(e, tale->text);

		f->found += n;
		tale->expected |= n && e->how == STORY_IS;
		close = n ? ~0u : closeness(e->story, tale->text) + 1;
		if (close > closest) {
			closest = close;
			best = tale;
		}
	}
	f->met = is_met(e, f->found);
	if (best && !f->met && e->how == STORY_IS)
		best->expected = true; /* it is shown here */
	f->seen = strdup(best ? best->text : "");
	return f->seen ? 0 : -ENOMEM;
}

/* Sockets of which nobody has said what is to happen to them. */
static int judge_rest(const char *type, int side, struct tales *t,
		      struct report *r)
{
	struct finding *f;
	size_t i;

	for (i = 0; i < t->n; i++) {
		if (t->tale[i].expected)
			continue;
		f = add_finding(r);
		if (!f)
			return -ENOMEM;
		*f = (struct finding){ .type = type, .side = side };
		f->seen = strdup(t->tale[i].text);
		if (!f->seen)
			return -ENOMEM;
	}
	return 0;
}

static bool applies(const struct stage *s, const struct expect *e)
{
	const char *unmet;

	return need_met(e->when, s->tracer->witness, &unmet);
}

/* Was the type judged with an expectation before this one? */
static bool judged(const struct stage *s, const struct expect *e)
{
	const struct expect *before = s->scenario->expect;

	while (before < e && strcmp(before->type, e->type))
		before++;
	return before < e;
}

/* All expectations of one type and one end. */
static int judge_type(struct stage *s, const char *type, int side,
		      struct report *r)
{
	struct tales t = {};
	const struct expect *e;
	bool all_told = false;
	int err = collect(s, side, type, &t);

	for (e = s->scenario->expect; e->ends && !err; e++) {
		if (!(e->ends & side) || strcmp(e->type, type) ||
		    !applies(s, e))
			continue;
		all_told |= e->how == STORY_IS;
		err = judge_one(e, side, &t, r);
	}
	if (!err && all_told)
		err = judge_rest(type, side, &t, r);
	forget(&t);
	return err;
}

int judge(struct stage *s, struct report *report)
{
	const struct expect *e;
	unsigned int i;
	int side, err = 0;

	for (e = s->scenario->expect; e->ends && !err; e++)
		for (side = A; side <= B && !err && !judged(s, e); side++)
			err = judge_type(s, e->type, side, report);
	report->outcome = judge_differs(report) ? OUTCOME_DIFFERS :
						  OUTCOME_PROVED;
	for (i = 0; i < s->n_facts && !err; i++)
		if (asprintf(&report->facts[report->n_facts++], "%c: %s",
			     '@' + s->facts[i].side, s->facts[i].text) < 0)
			err = -ENOMEM;
	return err;
}

bool judge_differs(const struct report *report)
{
	size_t i;

	for (i = 0; i < report->n; i++)
		if (!report->findings[i].met)
			return report->played;
	return false;
}

void judge_free(struct report *report)
{
	size_t i;

	for (i = 0; i < report->n; i++)
		free(report->findings[i].seen);
	free(report->findings);
	for (i = 0; i < report->n_facts; i++)
		free(report->facts[i]);
	memset(report, 0, sizeof(*report));
}
