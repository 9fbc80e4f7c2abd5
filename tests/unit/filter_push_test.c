// SPDX-License-Identifier: GPL-2.0
/* The kernel's share of a filter lets pass all that the whole lets pass. */
#include "bpf/filter.h"
#include "event/filter.h"
#include "tests/lib/events.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <kselftest_harness.h>

#define ROWS(rows) (sizeof(rows) / sizeof(*(rows)))

FIXTURE(push)
{
	struct schema *schema;
	struct kfilter *k;
};

FIXTURE_SETUP(push)
{
	self->schema = events_schema();
	ASSERT_NE(NULL, self->schema);
	self->k = calloc(1, sizeof(*self->k));
	ASSERT_NE(NULL, self->k);
}

FIXTURE_TEARDOWN(push)
{
	schema_free(self->schema);
	free(self->k);
}

static bool kernel_passes(const struct kfilter *k, const union event_any *e)
{
	struct filter_facts x = events_facts(e);

	return filter_passes(filter_fails(k, &x), &x);
}

static struct filter *push(const struct schema *schema, const char *text,
			   struct kfilter *k)
{
	struct filter *f = filter_new(schema);
	struct filter_error error;

	if (f && filter_parse(f, text, &error)) {
		fprintf(stderr, "# %s: %s\n", text, error.what);
		filter_free(f);
		return NULL;
	}
	if (f)
		filter_push(f, k);
	return f;
}

static const struct {
	const char *text;
	unsigned int n, clauses;
	enum kfilter_spares spares; /* of the last clause */
} shares[] = {
	{ "cwnd < 10", 0, 0, 0 },
	{ "pid 5", 1, 1, KFILTER_SPARES_PAIRS },
	{ "pid 5,6,7", 3, 1, KFILTER_SPARES_PAIRS },
	{ "pid 5 or pid 6", 2, 1, KFILTER_SPARES_PAIRS },
	{ "pid > 5", 1, 1, KFILTER_SPARES_PAIRS },
	{ "pid 5 uid 6", 2, 2, KFILTER_SPARES_PAIRS },
	{ "pid 5 and cwnd < 10", 1, 1, KFILTER_SPARES_PAIRS },
	/* a window has no err, a transition no cwnd */
	{ "pid 5 or err", 1, 1, KFILTER_SPARES_PAIRS },
	{ "( pid 5 and cwnd < 10 ) or pid 6", 3, 2, KFILTER_SPARES_PAIRS },
	{ "( cwnd < 10 and pid 5 ) or uid 6", 3, 2, KFILTER_SPARES_PAIRS },
	{ "not ( pid 5 or cause call )", 2, 1, KFILTER_SPARES_PAIRS },
	{ "not pid 5,7", 3, 1, KFILTER_SPARES_PAIRS },
	{ "pid != 5", 3, 2, KFILTER_SPARES_PAIRS },
	{ "comm nginx", 1, 1, KFILTER_SPARES_PAIRS },
	{ "comm ng*", 1, 1, KFILTER_SPARES_PAIRS },
	{ "comm *x", 0, 0, 0 },
	{ "comm a,*x", 0, 0, 0 },
	{ "not comm a", 1, 1, KFILTER_SPARES_PAIRS },
	{ "not comm a,*x", 1, 1, KFILTER_SPARES_PAIRS },
	{ "port 80", 2, 1, KFILTER_SPARES_NONE },
	{ "port 80,443", 2, 1, KFILTER_SPARES_NONE },
	{ "not port 80", 2, 2, KFILTER_SPARES_NONE },
	{ "sport >= 1024", 1, 1, KFILTER_SPARES_PAIRS },
	{ "dport 1 and sport 2 and dport 3 and sport 4 and dport 5", 4, 4,
	  KFILTER_SPARES_PAIRS },
	{ "addr 10.0.0.0/8", 2, 1, KFILTER_SPARES_NONE },
	{ "addr 10.0.0.0/8:80", 2, 1, KFILTER_SPARES_NONE },
	{ "src 10.0.0.0/8", 1, 1, KFILTER_SPARES_PAIRS },
	{ "dst ::1,10.0.0.1", 2, 1, KFILTER_SPARES_PAIRS },
	{ "netns 5", 1, 1, KFILTER_SPARES_PAIRS },
	{ "cgroup 5,6", 1, 1, KFILTER_SPARES_PAIRS },
	{ "not cgroup 5", 1, 1, KFILTER_SPARES_PAIRS },
	/* old or new of a transition, state of all others */
	{ "state listen", 3, 2, KFILTER_SPARES_OPENING },
	{ "exclude listen", 2, 2, KFILTER_SPARES_OPENING },
	{ "state listen and pid 5", 4, 3, KFILTER_SPARES_OPENING },
	{ "type = state", 0, 0, 0 },
	{ "type = state and pid 5", 1, 1, KFILTER_SPARES_PAIRS },
	{ "old close or type = window", 1, 1, KFILTER_SPARES_OPENING },
	{ "port 443 or src 10.0.0.0/8", 3, 1, KFILTER_SPARES_PAIRS },
	{ "pid 1,2,3,4,5,6,7,8,9,10,11,12", 12, 1, KFILTER_SPARES_PAIRS },
	/* too many: a set of their lowest bits, or nothing */
	{ "pid 1,2,3,4,5,6,7,8,9,10,11,12,13 and uid 1", 2, 2,
	  KFILTER_SPARES_PAIRS },
	{ "not pid 1,2,3,4,5,6,7,8,9,10,11,12,13 and uid 1", 1, 1,
	  KFILTER_SPARES_PAIRS },
};

/* Claim: what the kernel can decide it does, with a test each, and no more. */
TEST_F(push, tests)
{
	unsigned int i, k, clauses;

	for (i = 0; i < ROWS(shares); i++) {
		struct filter *f = push(self->schema, shares[i].text, self->k);

		ASSERT_NE(NULL, f);
		EXPECT_EQ(shares[i].n, self->k->n)
		{
			TH_LOG("%s", shares[i].text);
		}
		for (clauses = 0, k = 0; k < self->k->n; k++)
			clauses += self->k->tests[k].last;
		EXPECT_EQ(shares[i].clauses, clauses)
		{
			TH_LOG("%s", shares[i].text);
		}
		if (self->k->n)
			EXPECT_EQ(shares[i].spares,
				  self->k->tests[self->k->n - 1].spares)
			{
				TH_LOG("%s", shares[i].text);
			}
		filter_free(f);
	}
}

/* Claim: the kernel alone lets pass what it should, and what it spares. */
TEST_F(push, decides)
{
	static const struct {
		const char *text;
		bool open, close; /* -> ESTABLISHED, and FIN_WAIT1 -> CLOSE */
	} rows[] = {
		{ "pid 100", true, true },
		{ "pid 101", true, false }, /* it may be the other end of one */
		{ "port 443", true, true },
		{ "port 444", false, false },
		{ "addr 10.0.0.2", true, true },
		{ "addr 10.0.0.4/30", false, false },
		{ "addr ::/0", false, false },
		{ "src 10.0.0.2", true, false },
		{ "state close", true, true },
		{ "state listen", true, false },
		{ "state listen and port 444", false, false },
		{ "comm app", true, true },
		{ "comm ap*", true, true },
		{ "comm ap", true, false },
		{ "comm appl*", true, false },
		{ "not comm app", true, false },
		{ "netns 1", true, true },
		{ "netns 2", true, false },
		{ "uid 1000", true, true },
		{ "uid != 1000", true, false },
		{ "cgroup 5", true, false },
		{ "not cgroup 5", true, true },
	};
	union event_any open = { .state = events_state(1, 5, 2000, 443,
						       TCB_STATE_SYN_SENT,
						       TCB_STATE_ESTABLISHED) };
	union event_any close = { .state = events_state(1, 5, 2000, 443,
							TCB_STATE_FIN_WAIT1,
							TCB_STATE_CLOSE) };
	unsigned int i;

	for (i = 0; i < ROWS(rows); i++) {
		struct filter *f = push(self->schema, rows[i].text, self->k);

		ASSERT_NE(NULL, f);
		EXPECT_EQ(rows[i].open, kernel_passes(self->k, &open))
		{
			TH_LOG("%s", rows[i].text);
		}
		EXPECT_EQ(rows[i].close, kernel_passes(self->k, &close))
		{
			TH_LOG("%s", rows[i].text);
		}
		filter_free(f);
	}
}

/* Claim: resets and drops are of a state, or of no socket. */
TEST_F(push, state_of_others)
{
	static const struct {
		const char *text;
		bool known, absent;
	} rows[] = {
		{ "state fin-wait-2", true, false },
		{ "state listen", false, false },
		{ "not state = fin-wait-2", false, true },
	};
	union event_any known[2] = { { .reset = events_reset(1, 5) },
				     { .drop = events_drop(1, 5) } };
	union event_any absent;
	unsigned int i, k;

	known[0].reset.state = known[1].drop.state = TCB_STATE_FIN_WAIT2;
	for (i = 0; i < ROWS(rows); i++) {
		struct filter *f = push(self->schema, rows[i].text, self->k);

		ASSERT_NE(NULL, f);
		for (k = 0; k < 2; k++) {
			absent = known[k];
			*(k ? &absent.drop.state : &absent.reset.state) = 0;
			EXPECT_EQ(rows[i].known,
				  kernel_passes(self->k, &known[k]))
			{
				TH_LOG("%s", rows[i].text);
			}
			EXPECT_EQ(rows[i].absent,
				  kernel_passes(self->k, &absent))
			{
				TH_LOG("%s", rows[i].text);
			}
		}
		filter_free(f);
	}
}

/* Claim: what is not known yet may be anything. */
TEST_F(push, unknown)
{
	union event_any e = { .state = events_state(1, 5, 0, 443,
						    TCB_STATE_CLOSE,
						    TCB_STATE_SYN_SENT) };
	struct filter_facts x = events_facts(&e);
	struct filter *f = push(self->schema, "sport 5", self->k);

	EXPECT_FALSE(filter_passes(filter_fails(self->k, &x), &x));
	x.lport = (struct filter_ports){ 1, 4 };
	EXPECT_FALSE(filter_passes(filter_fails(self->k, &x), &x));
	x.lport = (struct filter_ports){ 6, 65535 };
	EXPECT_FALSE(filter_passes(filter_fails(self->k, &x), &x));
	x.lport = (struct filter_ports){ 4, 5 };
	EXPECT_TRUE(filter_passes(filter_fails(self->k, &x), &x));
	filter_free(f);
	f = push(self->schema, "dport 5 and not dst 10.0.0.2", self->k);
	EXPECT_FALSE(filter_passes(filter_fails(self->k, &x), &x));
	x.unknown = FACTS_NO_ADDRS;
	x.rport = FILTER_ANY_PORT;
	EXPECT_TRUE(filter_passes(filter_fails(self->k, &x), &x));
	filter_free(f);
}

/*
 * Claim: an end of which nothing that is shown can pass is known as such, also
 * where sockets are looked at that are not to be shown.
 */
TEST_F(push, excludes)
{
	static const struct {
		const char *text;
		bool excluded;
	} rows[] = {
		{ "port 9", true },
		{ "type = state and port 9", true },
		{ "not type = socket and port 9", true },
		{ "( type = state and port 9 ) or type = socket", false },
		{ "type = state and sport 9", false },
	};
	unsigned int i;

	for (i = 0; i < ROWS(rows); i++) {
		struct filter *f = push(self->schema, rows[i].text, self->k);
		struct filter_facts x = {
			.types = f ? filter_types(f) | 1u << EVENT_socket : 0,
			.unknown = FACTS_ENDS_ONLY,
			.lport = FILTER_PORT(2000),
			.rport = FILTER_PORT(443),
		};

		ASSERT_NE(NULL, f);
		EXPECT_EQ(rows[i].excluded,
			  filter_fails(self->k, &x) == 1 + KFILTER_SPARES_NONE)
		{
			TH_LOG("%s", rows[i].text);
		}
		filter_free(f);
	}
}

static const char *any(const char *const *of, size_t n)
{
	return of[rand() % n];
}

#define ANY(...)                                  \
	any((const char *const[]){ __VA_ARGS__ }, \
	    sizeof((const char *const[]){ __VA_ARGS__ }) / sizeof(char *))

/* A comparison of any kind, of values that events below often have. */
static const char *comparison(void)
{
	return ANY("pid 1", "pid < 2", "pid >= 2", "pid != 1", "pid 2,3", "pid",
		   "uid 0", "uid > 0", "uid != 1", "uid <= 1", "not uid 0,2",
		   "netns 1", "netns > 1", "netns != 2,1", "netns", "lport 1",
		   "rport 1,2", "sport < 2", "dport > 1", "port 1", "port != 2",
		   "dport != 1", "rport", "lport <= 0", "port > 9",
		   "src 10.0.0.1", "dst 10.0.0.0/30", "addr 10.0.0.2",
		   "src ::1", "addr ::/0", "dst != 10.0.0.1", "addr :1",
		   "src 10.0.0.1:1,:2", "addr 10.0.0.1:2", "addr != ::1",
		   "src 0.0.0.0/0", "dst ::2/127,10.0.0.2/31", "comm a",
		   "comm a*", "comm != b", "comm ab,b*", "comm ?b", "comm",
		   "comm *b,a", "cgroup 1", "cgroup 2,1", "cgroup != 3",
		   "cgroup", "state close", "state listen,established",
		   "state connected", "exclude close", "old close",
		   "new != close", "new established,syn-sent", "state != close",
		   "state all", "type = state", "type = window",
		   "type != state", "cwnd < 2", "cwnd != 1", "err",
		   "cause call", "kind full", "how = observed", "ssthresh > 1");
}

static size_t expression(char *to, size_t size, int depth)
{
	size_t n = 0;
	int i, parts = 1 + rand() % 3;

	if (!depth || rand() % 4 == 0)
		return snprintf(to, size, "%s%s", rand() % 4 ? "" : "not ",
				comparison());
	for (i = 0; i < parts; i++) {
		n += snprintf(to + n, size - n, "%s%s( ",
			      i ? ANY(" and ", " or ", " ") : "",
			      rand() % 4 ? "" : "not ");
		n += expression(to + n, size - n, depth - 1);
		n += snprintf(to + n, size - n, " )");
	}
	return n;
}

/* Small numbers, so that comparisons hold as often as they do not. */
static union event_any random_event(void)
{
	static const addr_t addrs[][4] = {
		{ { .byte = { 10, 0, 0, 1 } },
		  { .byte = { 10, 0, 0, 2 } },
		  { .byte = { 10, 0, 0, 5 } },
		  { .byte = { 0 } } },
		{ { .byte = { [15] = 1 } },
		  { .byte = { [15] = 2 } },
		  { .byte = { [15] = 5 } },
		  { .byte = { 0 } } },
	};
	static const char *const comms[] = { "", "a", "ab", "b" };
	union event_any e;
	bool six = rand() % 2;

	if (rand() % 2)
		e.state = events_state(1, 1, rand() % 4, rand() % 4,
				       1 + rand() % 12, 1 + rand() % 12);
	else
		e.window = events_window(1, 1, rand() % 4, rand() % 4);
	if (e.ev.type == EVENT_window) {
		e.window.w.ssthresh = rand() % 3 ? rand() % 4 : 0x7fffffff;
		e.window.state = 1 + rand() % 12;
	} else {
		e.state.err = rand() % 2;
		e.state.cause = rand() % 4;
		e.state.kind = rand() % 4;
	}
	e.ev.lport = rand() % 4;
	e.ev.rport = rand() % 4;
	e.ev.family = six ? FAMILY_INET6 : FAMILY_INET;
	e.ev.laddr = addrs[six][rand() % 4];
	e.ev.raddr = addrs[six][rand() % 4];
	e.ev.pid = rand() % 4;
	e.ev.uid = rand() % 4 ? (unsigned int)rand() % 4 : 0xffffffff;
	e.ev.netns = 1 + rand() % 3;
	strcpy(e.ev.comm, comms[rand() % 4]);
	return e;
}

/* As the kernel does: a cgroup 9 below 1 below 2, and 3 beside them. */
static void set_cgroup(union event_any *e, const struct kfilter *k)
{
	static const __u64 chains[][4] = { { 9, 1, 2 }, { 2 }, { 3 }, { 0 } };
	const __u64 *chain = chains[rand() % 4];
	unsigned int i, c;

	e->ev.cgroup = chain[0];
	for (i = 0; i < 4 && chain[i]; i++)
		for (c = 0; c < k->n_cgroups; c++)
			if (k->cgroups[c] == chain[i])
				e->ev.within |= 1u << c;
}

/*
 * Claim: whatever the expression and the event, what the filter lets pass
 * neither the kernel's tests nor its choice of types stop.
 */
TEST_F(push, implied)
{
	unsigned int i, k, pushed = 0, stopped = 0, passed = 0;
	char text[4096];

	srand(4);
	for (i = 0; i < 1000; i++) {
		struct filter *f;

		expression(text, sizeof(text), rand() % 4);
		f = push(self->schema, text, self->k);
		ASSERT_NE(NULL, f);
		pushed += self->k->n > 0;
		for (k = 0; k < 200; k++) {
			union event_any e = random_event();
			bool types, whole, kernel;

			set_cgroup(&e, self->k);
			types = filter_types(f) & 1u << e.ev.type;
			whole = filter_match(f, &e.ev);
			kernel = kernel_passes(self->k, &e);
			stopped += !kernel;
			passed += whole;
			ASSERT_TRUE(!whole || (types && kernel))
			{
				TH_LOG("%s", text);
			}
		}
		filter_free(f);
	}
	/* and the test does see something */
	EXPECT_LT(250, pushed);
	EXPECT_LT(25000, stopped);
	EXPECT_LT(25000, passed);
}

/* Claim: long expressions are taken apart in no time, or not at all. */
TEST_F(push, large)
{
	static const char *const units[] = { "dport 1 ", "dport 1 or ",
					     "( dport 1 or pid 2 ) ",
					     "( err and dport 1 ) or ",
					     "not ( pid 5 and dport 2 ) and " };
	char *text = malloc(1 << 20);
	unsigned int i, k;

	ASSERT_NE(NULL, text);
	for (i = 0; i < ROWS(units); i++) {
		struct filter *f;
		char *end = text;

		for (k = 0; k < 10000; k++)
			end = stpcpy(end, units[i]);
		strcpy(end, "pid 1");
		f = push(self->schema, text, self->k);
		ASSERT_NE(NULL, f);
		EXPECT_LE(self->k->n, KFILTER_TESTS);
		filter_free(f);
	}
	free(text);
}

TEST_HARNESS_MAIN
