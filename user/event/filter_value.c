// SPDX-License-Identifier: GPL-2.0
/* The values of a term: what a word means for each kind of field. */
#include "event/filter_tree.h"
#include "lib/inode.h"
#include "lib/opt.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/socket.h>

/* Names of states that are ss(8)'s or the RFC's, and its groups of them. */
static const struct {
	const char *name;
	uint64_t states;
} state_names[] = {
	{ "closed", 1u << TCB_STATE_CLOSE },
	{ "unconnected", 1u << TCB_STATE_CLOSE },
	{ "listening", 1u << TCB_STATE_LISTEN },
	{ "syn-received", 1u << TCB_STATE_SYN_RECV },
	{ "all", ~0u },
	{ "connected", ~(1u << TCB_STATE_CLOSE | 1u << TCB_STATE_LISTEN) },
	{ "synchronized", ~(1u << TCB_STATE_CLOSE | 1u << TCB_STATE_LISTEN |
			    1u << TCB_STATE_SYN_SENT) },
	{ "bucket", 1u << TCB_STATE_TIME_WAIT | 1u << TCB_STATE_SYN_RECV |
			    1u << TCB_STATE_NEW_SYN_RECV },
	{ "big", ~(1u << TCB_STATE_TIME_WAIT | 1u << TCB_STATE_SYN_RECV |
		   1u << TCB_STATE_NEW_SYN_RECV) },
};

#define STATE_NAMES (sizeof(state_names) / sizeof(*state_names))

/* The field of some event type, by which errors are explained. */
static const struct schema_field *any_field(const struct filter_term *term)
{
	int i;

	for (i = 0; i < EVENT_TYPES; i++)
		if (term->field[i])
			return term->field[i];
	return NULL;
}

static bool is_port(const struct schema_field *f)
{
	return f->offset == offsetof(struct event, lport) ||
	       f->offset == offsetof(struct event, rport);
}

static bool is_states(const struct schema_field *f)
{
	return f->kind == SCHEMA_ENUM && !strcmp(f->values->name, "tcb_state");
}

static uint64_t number_max(const struct schema_field *f)
{
	return UINT64_MAX >> (64 - 8 * f->size);
}

/* A number, in the unit of its field or with one: 10ms, 64K. */
static int number_read(const struct schema_field *f, const char *s, uint64_t *n)
{
	bool us = !strcmp(f->unit, "us");
	int err;

	if (f->offset == offsetof(struct event, netns)) {
		if (!strcmp(s, "self"))
			return inode_netns("/proc/self/ns/net", n);
		if (strchr(s, '/'))
			return inode_netns(s, n);
	}
	if (f->offset == offsetof(struct event, cgroup) &&
	    s[strspn(s, "0123456789")])
		return inode_cgroup(s, n);
	if (f->bits && !schema_bits_value(f->bits, s, n))
		return 0;
	if (is_port(f) && *s == ':')
		s++;
	err = opt_number(s, 0, number_max(f), n);
	if (err == -EINVAL && (us || !strcmp(f->unit, "ns"))) {
		err = opt_duration_ns(s, n);
		*n /= us ? 1000 : 1;
	} else if (err == -EINVAL && !strncmp(f->unit, "bytes", 5)) {
		err = opt_size(s, n);
	}
	return err ? err : *n > number_max(f) ? -ERANGE : 0;
}

/* "one of A, B", or whatever stands @before them. */
static void names_expected(const struct schema_enum *values, const char *before,
			   char *to, size_t size)
{
	unsigned int i;
	size_t n = 0;

	for (i = 0; i < values->n && n < size; i++)
		if (values->names[i])
			n += snprintf(to + n, size - n, "%s%s",
				      n ? ", " : before, values->names[i]);
}

static void bits_expected(const struct schema_enum *bits, char *to, size_t size)
{
	names_expected(bits, "names joined by +: ", to, size);
}

static void numbers_expected(const struct schema_field *f, char *to,
			     size_t size)
{
	if (is_port(f))
		snprintf(to, size,
			 "ports from 1 to 65535, separated by "
			 "commas: 80,443");
	else if (f->offset == offsetof(struct event, netns))
		snprintf(to, size,
			 "inode numbers, paths or self, separated by "
			 "commas");
	else if (f->offset == offsetof(struct event, cgroup))
		snprintf(to, size,
			 "ids above 0, or paths below the mount "
			 "point of cgroup2: /system.slice");
	else if (f->bits)
		bits_expected(f->bits, to, size);
	else
		snprintf(to, size, "a number from %d to %llu%s%s",
			 f->can_be_absent && !f->absent,
			 (unsigned long long)number_max(f) -
				 (f->can_be_absent &&
				  f->absent == number_max(f)),
			 *f->unit ? " " : "", f->unit);
}

/* @s is no value of this term: say what would be one. */
static int value_wrong(const struct filter_term *term, const char *s, size_t at,
		       int err, struct filter_error *error)
{
	const struct schema_field *f = any_field(term);
	char expected[sizeof(error->then)] = "";

	switch (f->kind) {
	case SCHEMA_NUMBER:
		numbers_expected(f, expected, sizeof(expected));
		break;
	case SCHEMA_ENUM:
		names_expected(f->values, "one of ", expected,
			       sizeof(expected));
		break;
	case SCHEMA_ADDR:
		snprintf(expected, sizeof(expected),
			 "addresses, separated by commas: 10.0.0.0/8,::1");
		break;
	case SCHEMA_TEXT:
		snprintf(expected, sizeof(expected),
			 "1 to %u bytes; longer names are cut: use *",
			 f->size - 1);
		break;
	}
	if (err == -ERANGE || err == -EINVAL || !err)
		return filter_error_set(error, at, strlen(s), expected,
					"wrong value: '%s'", s);
	if (err == -ENODEV)
		return filter_error_set(error, at, strlen(s), "mount it",
					"%s: %s is not mounted", s,
					strcmp(f->name, "cgroup") ? "/proc" :
								    "cgroup2");
	return filter_error_set(error, at, strlen(s), expected, "%s: %s", s,
				strerror(-err));
}

/* Wildcards aside, is it too long for the field? Then it never matches. */
static bool text_fits(const struct schema_field *f, const char *s)
{
	return *s && (strpbrk(s, "*[\\") || strlen(s) < f->size);
}

/* One word, for the field of one event type. */
static int value_read(const struct filter_term *term, int type, const char *s,
		      struct filter_value *v)
{
	const struct schema_field *f = term->field[type];
	int family, err;

	switch (f->kind) {
	case SCHEMA_NUMBER:
		err = number_read(f, s, &v->number);
		/* what means "unknown" is no value to look for */
		if (!err && term->op == FILTER_EQUAL && f->can_be_absent &&
		    v->number == f->absent)
			return -ERANGE;
		return err;
	case SCHEMA_ENUM:
		v->named[type] = schema_enum_value(f->values, s);
		return v->named[type] < 0 ? -EINVAL : 0;
	case SCHEMA_ADDR:
		err = opt_addr(s, &family, v->addr.byte, &v->prefix);
		if (!err)
			v->family = family == AF_INET6 ? FAMILY_INET6 :
							 FAMILY_INET;
		return err;
	case SCHEMA_TEXT:
		if (!text_fits(f, s))
			return -EINVAL;
		if (!v->text)
			v->text = strdup(s);
		return v->text ? 0 : -ENOMEM;
	}
	return -EINVAL;
}

static struct filter_value *value_new(struct filter_term *term)
{
	struct filter_value *more, *v;
	int i;

	more = reallocarray(term->values, term->n_values + 1, sizeof(*more));
	if (!more)
		return NULL;
	term->values = more;
	v = &more[term->n_values++];
	memset(v, 0, sizeof(*v));
	for (i = 0; i < EVENT_TYPES; i++)
		v->named[i] = -1;
	return v;
}

/* Names a cgroup by a bit of struct event's `within'. */
static int cgroup_note(struct filter *filter, struct filter_value *v)
{
	unsigned int i;

	for (i = 0; i < filter->n_cgroups; i++)
		if (filter->cgroups[i] == v->number)
			break;
	if (i == FILTER_CGROUPS)
		return -E2BIG;
	v->cgroup = i;
	filter->cgroups[i] = v->number;
	if (i == filter->n_cgroups)
		filter->n_cgroups++;
	return 0;
}

/* One word of a list: it must be a value in some event type. */
static int word_read(struct filter *filter, struct filter_term *term,
		     const char *s, size_t at, struct filter_error *error)
{
	struct filter_value *v = value_new(term);
	const struct schema_field *f;
	int type, err = -EINVAL, one;
	bool fits = false;

	if (!v)
		return -ENOMEM;
	for (type = 0; type < EVENT_TYPES; type++) {
		if (!term->field[type])
			continue;
		one = value_read(term, type, s, v);
		if (one == -ENOMEM)
			return one;
		if (!one)
			fits = true;
		else
			err = one;
	}
	if (!fits)
		return value_wrong(term, s, at, err, error);
	f = any_field(term);
	if (f->offset == offsetof(struct event, cgroup) &&
	    cgroup_note(filter, v))
		return filter_error_set(error, at, strlen(s), NULL,
					"more than %d cgroups", FILTER_CGROUPS);
	return 0;
}

/* A name that stands for several states, or for one of another name. */
static int states_read(struct filter_term *term, const char *s)
{
	struct filter_value *v;
	unsigned int i, state;
	int type;

	for (i = 0; i < STATE_NAMES; i++)
		if (!strcasecmp(s, state_names[i].name))
			break;
	if (i == STATE_NAMES)
		return -ENOENT;
	for (state = 1; state <= TCB_STATE_NEW_SYN_RECV; state++) {
		if (!(state_names[i].states & 1u << state))
			continue;
		v = value_new(term);
		if (!v)
			return -ENOMEM;
		for (type = 0; type < EVENT_TYPES; type++)
			v->named[type] = state;
	}
	return 0;
}

static int words_read(struct filter *filter, struct filter_term *term,
		      char *list, size_t at, struct filter_error *error)
{
	bool states = is_states(any_field(term));
	char *rest = list, *s;
	int err = 0;

	while (!err && (s = strsep(&rest, ","))) {
		err = states ? states_read(term, s) : -ENOENT;
		if (err == -ENOENT)
			err = word_read(filter, term, s, at + (s - list),
					error);
	}
	return err;
}

int filter_value_read(struct filter *filter, struct filter_term *term,
		      const struct filter_token *list,
		      struct filter_error *error)
{
	char *copy;
	int err;

	if (list->quoted)
		return word_read(filter, term, list->s, list->inner, error);
	copy = strdup(list->s);
	if (!copy)
		return -ENOMEM;
	err = words_read(filter, term, copy, list->inner, error);
	free(copy);
	if (!err && term->op != FILTER_EQUAL && term->n_values > 1)
		return filter_error_set(error, list->at, list->len,
					"a list goes with = and != only",
					"one value is wanted, not a list");
	return err;
}
