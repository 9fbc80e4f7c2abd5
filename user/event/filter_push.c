// SPDX-License-Identifier: GPL-2.0
/*
 * The kernel's share of a filter: clauses that hold whenever all of it does.
 *
 * The tree is taken apart for each event type, so that a term of which the type
 * decides is none any more. What must hold in any case, the children of an AND
 * at the top, gives a clause each. It is left out if one of its alternatives is
 * nothing that the kernel knows; an AND in it gives one of its children, which
 * is less than the AND says. So the kernel lets pass too much, never too little.
 */
#include "bpf/filter.h"
#include "event/filter_tree.h"

#include <stdlib.h>
#include <string.h>

#define TRIES 64 /* terms looked at: nobody writes more by hand */

/* One clause under construction, and to whom it goes. */
struct push {
	struct kfilter *to;
	int type;
	bool both_ends; /* a clause says the same of the other end */
	bool states; /* those clauses only that look at states, or the others */
	unsigned int tries;
	/* of the clause */
	struct kfilter_test tests[KFILTER_TESTS];
	unsigned int n;
	bool always;	/* it holds: no test needed */
	bool one_end;	/* it says something of one end of a connection */
	bool has_state; /* it looks at states */
};

/* The fields that the kernel knows, where they stand in an event. */
static const struct {
	const char *name;
	enum kfilter_subject subject;
	__u32 types; /* 0: all, it is a field of struct event */
} subjects[] = {
	{ "pid", KFILTER_PID, 0 },
	{ "uid", KFILTER_UID, 0 },
	{ "netns", KFILTER_NETNS, 0 },
	{ "lport", KFILTER_LPORT, 0 },
	{ "rport", KFILTER_RPORT, 0 },
	{ "laddr", KFILTER_LADDR, 0 },
	{ "raddr", KFILTER_RADDR, 0 },
	{ "comm", KFILTER_COMM, 0 },
	{ "cgroup", KFILTER_CGROUP, 0 },
	{ "old", KFILTER_OLD, 1u << EVENT_state },
	{ "new", KFILTER_NEW, 1u << EVENT_state },
	{ "state", KFILTER_NEW,
	  1u << EVENT_window | 1u << EVENT_reset | 1u << EVENT_drop },
};

static int subject_of(const struct filter_term *term, int type)
{
	const struct schema_field *f = term->field[type];
	unsigned int i;

	for (i = 0; i < sizeof(subjects) / sizeof(*subjects); i++)
		if (!strcmp(f->name, subjects[i].name) &&
		    (subjects[i].types ? subjects[i].types & 1u << type :
					 f->offset < sizeof(struct event)))
			return subjects[i].subject;
	return -1;
}

static struct kfilter_test *test_new(struct push *p, int subject)
{
	struct kfilter_test *t;

	if (p->n == KFILTER_TESTS)
		return NULL;
	t = &p->tests[p->n++];
	memset(t, 0, sizeof(*t));
	t->subject = subject;
	return t;
}

static bool add_range(struct push *p, int subject, uint64_t from, uint64_t to)
{
	struct kfilter_test *t;

	if (from > to)
		return true; /* nothing */
	t = test_new(p, subject);
	if (!t)
		return false;
	t->from = from;
	t->to = to;
	return true;
}

struct range {
	uint64_t from, to;
};

/* The numbers for which the term holds, in order. How many ranges; -1: many. */
static int ranges_of(const struct filter_term *term,
		     const struct schema_field *f, struct range *r)
{
	uint64_t v = term->n_values ? term->values[0].number : 0;
	struct range all = { 0, UINT32_MAX }, one;
	unsigned int i;
	int n = 0, k;

	if (f->can_be_absent && f->absent == all.to)
		all.to--;
	else if (f->can_be_absent && f->absent == all.from)
		all.from++;
	else if (f->can_be_absent)
		return -1;
	switch (term->op) {
	case FILTER_EQUAL:
		if (term->n_values > KFILTER_TESTS)
			return -1;
		for (i = 0; i < term->n_values; i++, n++) {
			one.from = one.to = term->values[i].number;
			for (k = n; k && r[k - 1].from > one.from; k--)
				r[k] = r[k - 1];
			r[k] = one;
		}
		return n;
	case FILTER_LESS:
		r[0] = (struct range){ all.from, v - !!v };
		return v > all.from;
	case FILTER_AT_MOST:
		r[0] = (struct range){ all.from, v };
		return v >= all.from;
	case FILTER_MORE:
		r[0] = (struct range){ v + 1, all.to };
		break;
	case FILTER_AT_LEAST:
		r[0] = (struct range){ v, all.to };
		break;
	case FILTER_PRESENT:
		r[0] = all;
		break;
	}
	if (r[0].from < all.from)
		r[0].from = all.from;
	if (r[0].to > all.to)
		r[0].to = all.to;
	return r[0].from <= r[0].to;
}

/* The ports for which the term holds. */
static void ports_of(const struct filter_term *term,
		     const struct schema_field *f, __u32 set[CONFIG_PORTS])
{
	unsigned int i, port;
	struct range r;

	memset(set, 0, CONFIG_PORTS * sizeof(*set));
	for (i = 0; i < term->n_values && term->op == FILTER_EQUAL; i++) {
		port = term->values[i].number;
		set[port / 32] |= 1u << port % 32;
	}
	if (term->op == FILTER_EQUAL || ranges_of(term, f, &r) <= 0)
		return;
	for (port = r.from; port <= r.to && port <= UINT16_MAX; port++)
		set[port / 32] |= 1u << port % 32;
}

static bool in_set(const __u32 *set, unsigned int port)
{
	return set[port / 32] & 1u << port % 32;
}

/* The test looks at a set, which may be there already. */
static bool use_set(struct push *p, struct kfilter_test *t, const __u32 *set)
{
	static const __u32 none[CONFIG_PORTS];
	unsigned int i;

	for (i = 0; i < KFILTER_SETS; i++) {
		__u32 *to = p->to->sets[i];

		if (!memcmp(to, none, sizeof(none)))
			memcpy(to, set, sizeof(none));
		if (memcmp(to, set, sizeof(none)))
			continue;
		t->set = i;
		return true;
	}
	return false;
}

static bool add_ports(struct push *p, const struct filter_term *term,
		      int subject, bool negated)
{
	struct kfilter_test *t = test_new(p, subject);
	static const __u32 none[CONFIG_PORTS];
	__u32 set[CONFIG_PORTS];
	unsigned int i;

	if (!t)
		return false;
	ports_of(term, term->field[p->type], set);
	for (i = 0; i < CONFIG_PORTS && negated; i++)
		set[i] = ~set[i];
	if (!memcmp(set, none, sizeof(none))) {
		p->n--; /* nothing */
		return true;
	}
	t->highest = UINT16_MAX;
	while (!in_set(set, t->lowest))
		t->lowest++;
	while (!in_set(set, t->highest))
		t->highest--;
	return use_set(p, t, set);
}

/* More values than there may be tests: by their lowest bits. */
static bool add_many(struct push *p, const struct filter_term *term,
		     int subject)
{
	struct kfilter_test *t = test_new(p, subject);
	__u32 set[CONFIG_PORTS] = {};
	unsigned int i;

	if (!t)
		return false;
	for (i = 0; i < term->n_values; i++) {
		__u16 low = term->values[i].number;

		set[low / 32] |= 1u << low % 32;
	}
	t->in_set = 1;
	return use_set(p, t, set);
}

static bool add_numbers(struct push *p, const struct filter_term *term,
			int subject, bool negated)
{
	struct range r[KFILTER_TESTS];
	uint64_t next = 0;
	int i, n;

	if (term->op == FILTER_EQUAL && term->n_values > KFILTER_TESTS)
		return !negated && add_many(p, term, subject);
	n = ranges_of(term, term->field[p->type], r);
	if (n < 0)
		return false;
	for (i = 0; i < n; i++) {
		if (!negated && !add_range(p, subject, r[i].from, r[i].to))
			return false;
		if (negated && r[i].from > next &&
		    !add_range(p, subject, next, r[i].from - 1))
			return false;
		next = r[i].to + 1;
	}
	return !negated || add_range(p, subject, next, UINT32_MAX);
}

/* Does the term hold for an event of the type in which the field is @state? */
static bool holds_for(const struct filter_term *term, int type, __u8 state)
{
	const struct schema_field *f = term->field[type];
	union event_any e;

	memset(&e, 0, sizeof(e));
	e.ev.type = type;
	*((__u8 *)&e + f->offset) = state;
	return filter_term_match(term, &e.ev);
}

static bool add_states(struct push *p, const struct filter_term *term,
		       int subject, bool negated)
{
	struct kfilter_test *t = test_new(p, subject);
	unsigned int state;

	if (!t)
		return false;
	for (state = 0; state < 32; state++)
		if (holds_for(term, p->type, state) != negated)
			t->bits |= 1u << state;
	p->has_state = true;
	return true;
}

static bool add_cgroups(struct push *p, const struct filter_term *term,
			bool negated)
{
	struct kfilter_test *t = test_new(p, KFILTER_CGROUP);
	unsigned int i;

	if (!t || term->op == FILTER_PRESENT)
		return false;
	for (i = 0; i < term->n_values; i++)
		t->bits |= 1u << term->values[i].cgroup;
	t->negate = negated;
	return true;
}

static bool test_addr(struct kfilter_test *t, const struct filter_value *v)
{
	unsigned char mask[16] = {}, value[16];
	unsigned int i;

	for (i = 0; i < v->prefix; i++)
		mask[i / 8] |= 0x80 >> i % 8;
	for (i = 0; i < sizeof(value); i++)
		value[i] = v->addr.byte[i] & mask[i];
	memcpy(t->mask, mask, sizeof(mask));
	memcpy(t->value, value, sizeof(value));
	t->family = v->family;
	return true;
}

/* A name, or the beginning of one and "*". */
static bool test_comm(struct kfilter_test *t, const struct filter_value *v)
{
	size_t n = strcspn(v->text, "*?[\\");
	bool open = v->text[n] == '*';

	if (!n || v->text[n + open] || n >= sizeof(t->mask))
		return false;
	memset(t->mask, 0xff, n + !open); /* a name goes up to its NUL */
	memcpy(t->value, v->text, n);
	return true;
}

/*
 * Each value is an alternative. Negated none of them may hold, of which one is
 * said here.
 */
static bool add_bytes(struct push *p, const struct filter_term *term,
		      int subject, bool negated)
{
	struct kfilter_test *t;
	unsigned int i;
	bool done;

	if (term->op == FILTER_PRESENT)
		return false;
	for (i = 0; i < term->n_values; i++) {
		t = test_new(p, subject);
		if (!t)
			return false;
		t->negate = negated;
		done = subject == KFILTER_COMM ?
			       test_comm(t, &term->values[i]) :
			       test_addr(t, &term->values[i]);
		if (negated && done)
			return true;
		if (!negated && !done)
			return false;
		p->n -= !done;
	}
	return !negated;
}

static bool add_term(struct push *p, const struct filter_term *term,
		     bool negated)
{
	int subject = subject_of(term, p->type);

	if (!p->tries)
		return false;
	p->tries--;
	p->one_end = true;
	switch (subject) {
	case KFILTER_PID:
	case KFILTER_UID:
	case KFILTER_NETNS:
		return add_numbers(p, term, subject, negated);
	case KFILTER_LPORT:
	case KFILTER_RPORT:
		return add_ports(p, term, subject, negated);
	case KFILTER_LADDR:
	case KFILTER_RADDR:
	case KFILTER_COMM:
		return add_bytes(p, term, subject, negated);
	case KFILTER_CGROUP:
		return add_cgroups(p, term, negated);
	case KFILTER_OLD:
	case KFILTER_NEW:
		return add_states(p, term, subject, negated);
	}
	return false;
}

static enum filter_maybe maybe(const struct push *p,
			       const struct filter_node *node, bool negated)
{
	enum filter_maybe is = filter_maybe(node, p->type);

	if (!negated || is == FILTER_MAYBE)
		return is;
	return is == FILTER_NEVER ? FILTER_ALWAYS : FILTER_NEVER;
}

/* Adds alternatives to the clause: at least what the node says. */
static bool add(struct push *p, const struct filter_node *node, bool negated)
{
	bool alternatives = (node->kind == FILTER_OR) != negated;
	const struct filter_node *child;
	bool one_end = p->one_end, has_state;
	unsigned int n;

	switch (maybe(p, node, negated)) {
	case FILTER_NEVER:
		return true;
	case FILTER_ALWAYS:
		p->always = true;
		return true;
	case FILTER_MAYBE:
		break;
	}
	if (node->kind == FILTER_TERM)
		return add_term(p, node->term, negated);
	if (node->kind == FILTER_NOT)
		return add(p, node->child, !negated);
	for (child = node->child; child; child = child->next) {
		if (maybe(p, child, negated) == FILTER_ALWAYS && !alternatives)
			continue;
		n = p->n;
		has_state = p->has_state;
		if (!add(p, child, negated)) {
			if (alternatives)
				return false;
			p->n = n; /* the next one */
			p->has_state = has_state;
			p->one_end = one_end;
		} else if (!alternatives) {
			return true;
		}
	}
	if (node->both_ends)
		p->one_end = one_end;
	return alternatives;
}

static bool same_clause(const struct kfilter_test *a,
			const struct kfilter_test *b, unsigned int n)
{
	struct kfilter_test x;
	unsigned int i;

	for (i = 0; i < n; i++) {
		x = b[i];
		x.types = a[i].types;
		if (memcmp(&a[i], &x, sizeof(x)))
			return false;
	}
	return true;
}

/* The clause goes to the kernel, or its type to one that says the same. */
static void commit(struct push *p)
{
	struct kfilter *to = p->to;
	unsigned int i, k;

	p->tests[p->n - 1].last = 1;
	for (i = 0; i < p->n; i++)
		p->tests[i].spares = p->has_state ? KFILTER_SPARES_OPENING :
				     p->one_end && !p->both_ends ?
						    KFILTER_SPARES_PAIRS :
						    KFILTER_SPARES_NONE;
	for (i = 0; i + p->n <= to->n; i++)
		if ((!i || to->tests[i - 1].last) &&
		    same_clause(p->tests, &to->tests[i], p->n))
			break;
	if (i + p->n > to->n) {
		i = to->n;
		if (i + p->n > KFILTER_TESTS)
			return;
		memcpy(&to->tests[i], p->tests, p->n * sizeof(*p->tests));
		to->n += p->n;
	}
	for (k = 0; k < p->n; k++)
		to->tests[i + k].types |= 1u << p->type;
}

static void clause(struct push *p, const struct filter_node *node, bool negated)
{
	p->n = 0;
	p->always = p->one_end = p->has_state = false;
	if (add(p, node, negated) && !p->always && p->n &&
	    p->has_state == p->states)
		commit(p);
}

/* What must hold in any case. */
static void conjuncts(struct push *p, const struct filter_node *node,
		      bool negated)
{
	const struct filter_node *child;
	bool both_ends = p->both_ends;

	if (maybe(p, node, negated) != FILTER_MAYBE)
		return;
	p->both_ends |= node->both_ends;
	if (node->kind == FILTER_NOT)
		conjuncts(p, node->child, !negated);
	else if (node->kind == FILTER_TERM ||
		 (node->kind == FILTER_OR) != negated)
		clause(p, node, negated);
	else
		for (child = node->child; child; child = child->next)
			conjuncts(p, child, negated);
	p->both_ends = both_ends;
}

/*
 * Clauses that look at states come last: what fails the others does not get
 * the wider exception of those. Of some types nothing can pass: these are of
 * each clause, so that a socket of which no event passes is known by any.
 */
void filter_push(struct filter *filter, struct kfilter *to)
{
	struct push p = { .to = to };
	unsigned int i;

	memset(to, 0, sizeof(*to));
	to->n_cgroups = filter->n_cgroups;
	memcpy(to->cgroups, filter->cgroups, sizeof(to->cgroups));
	for (i = 0; i < 2 * EVENT_TYPES; i++) {
		p.type = i % EVENT_TYPES;
		p.states = i >= EVENT_TYPES;
		p.tries = TRIES;
		if (filter->schema->types[p.type].n)
			conjuncts(&p, filter->root, false);
	}
	to->needs = 0;
	for (i = 0; i < to->n; i++) {
		to->tests[i].types |= ~filter_types(filter);
		to->needs |= KFILTER_NEEDS(to->tests[i].subject);
	}
	free(filter->pushed);
	filter->pushed = to->n ? malloc(sizeof(*to)) : NULL;
	if (filter->pushed)
		*filter->pushed = *to;
}

bool filter_spared(const struct filter *filter, const struct event *e)
{
	const struct event_state *s = (const void *)e;
	struct filter_facts x = {
		.pid = e->pid,
		.uid = e->uid,
		.netns = e->netns,
		.types = 1u << e->type,
		.lport = FILTER_PORT(e->lport),
		.rport = FILTER_PORT(e->rport),
		.family = e->family,
		.within = e->within,
		.laddr.addr = e->laddr,
		.raddr.addr = e->raddr,
	};

	if (!filter->pushed || e->type != EVENT_state)
		return false;
	x.old = 1u << s->old % 32;
	x.new = 1u << s->new % 32;
	memcpy(x.comm.u8, e->comm, sizeof(x.comm));
	return filter_fails(filter->pushed, &x) == 1 + KFILTER_SPARES_PAIRS;
}
