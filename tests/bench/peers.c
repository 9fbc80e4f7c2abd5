// SPDX-License-Identifier: GPL-2.0
/* How often two peers find to each other: behind NATs, and over the gate. */
#include "bench.h"
#include "lab/gate.h"
#include "lab/netns.h"
#include "peer/diagnose.h"
#include "peer/peer.h"
#include "tests/lib/natmeet.h"

#include <netinet/tcp.h>
#include <signal.h>
#include <string.h>
#include <unistd.h>

#define MEETINGS 200
#define FAILURES 10 /* of each: they take their deadline */
#define GATED 1000
#define PATIENCE_NS 10000000000ULL

/* Meetings between NATs of one row; both ends' diagnoses are counted. */
struct tally {
	unsigned int opened, count[2][DIAGNOSE_REASONS], right;
	struct spread ms, attempts;
};

static void tally_end(struct tally *t, const struct natmeet *m, int side)
{
	const char *said = natmeet_said(m, side, "diagnosis");
	unsigned int why;

	t->right += !strcmp(said, m->row->says[side]);
	for (why = 0; why < DIAGNOSE_REASONS; why++)
		t->count[side][why] += !strcmp(said, diagnose_name(why));
}

/* Between NATs that have just been set up: they remember no other meeting. */
static void meeting(const struct natmeet_row *row, struct tally *t)
{
	static struct natmeet m;
	int attempts, good;

	if (natmeet_create(&m, row))
		bench_die("cannot set up \"%s\": is there nft?", row->name);
	good = natmeet_run(&m, NULL);
	if (good < 0)
		bench_die("%s: the peers do not meet: %s%s", row->name,
			  m.peer[0].err_text, m.peer[1].err_text);
	tally_end(t, &m, 0);
	tally_end(t, &m, 1);
	if (good == 2) {
		t->opened++;
		spread_add(&t->ms, natmeet_took(&m, &attempts));
		spread_add(&t->attempts, attempts);
	}
	natmeet_destroy(&m);
}

static void meetings(const struct natmeet_row *row, unsigned int n,
		     struct tally *t)
{
	unsigned int i;

	signal(SIGPIPE, SIG_IGN);
	for (i = 0; i < n; i++)
		meeting(row, t);
	bench_note("%s: %u of %u opened", row->name, t->opened, n);
}

static void tally_free(struct tally *t)
{
	spread_free(&t->ms);
	spread_free(&t->attempts);
}

void part_peers(unsigned int rounds)
{
	unsigned int n = rounds ?: MEETINGS, i;
	struct table table = {};

	table_row(&table, "NATs", "opened", "p50", "p99", "slowest",
		  "attempts, p50", NULL);
	for (i = 0; i < natmeet_row_count; i++) {
		const struct natmeet_row *row = &natmeet_rows[i];
		struct tally t = {};

		if (!row->way)
			continue;
		meetings(row, n, &t);
		table_row(&table, row->name, cell("%u of %u", t.opened, n),
			  cell("%.1f ms", spread_median(&t.ms)),
			  cell("%.1f ms", spread_quantile(&t.ms, .99)),
			  cell("%.1f ms", spread_quantile(&t.ms, 1)),
			  cell("%.0f", spread_median(&t.attempts)), NULL);
		tally_free(&t);
	}
	table_print(&table);
}

/* "open 12", or "refused 9, filtered 1". */
static const char *counts(const unsigned int count[DIAGNOSE_REASONS])
{
	const char *text = "";
	unsigned int why;

	for (why = 0; why < DIAGNOSE_REASONS; why++)
		if (count[why])
			text = cell("%s%s%s %u", text, *text ? ", " : "",
				    diagnose_name(why), count[why]);
	return text;
}

void part_reasons(unsigned int rounds)
{
	unsigned int n = rounds ?: FAILURES, i;
	struct table table = {};

	table_row(&table, "NATs", "end 0 said", "end 1 said", "right", NULL);
	for (i = 0; i < natmeet_row_count; i++) {
		struct tally t = {};

		meetings(&natmeet_rows[i], n, &t);
		table_row(&table, natmeet_rows[i].name, counts(t.count[0]),
			  counts(t.count[1]), cell("%u of %u", t.right, 2 * n),
			  NULL);
		tally_free(&t);
	}
	table_print(&table);
}

/* ---------------------------------------------------------------- the gate */

static int step_inside(void *peer)
{
	return peer_step(peer);
}

/* Both SYNs wait in the gate until both are there. Attempts, 0: it failed. */
static unsigned int gated(struct netns_pair *pair, struct gate *gate,
			  unsigned int i, bool *crossed)
{
	struct peer_config config = { .deadline_ns = PATIENCE_NS };
	struct sockaddr_storage end[2];
	unsigned int attempts = 0;
	struct peer peer[2];
	int side, err = 0;

	config.len = gate_endpoints(gate, AF_INET, 20000 + i, 30000 + i, end);
	gate_close(gate);
	for (side = 0; side < 2; side++) {
		config.local = end[side];
		config.remote = end[!side];
		if (peer_init(&peer[side], &config))
			return 0;
		netns_call(pair->side[side].fd, step_inside, &peer[side]);
	}
	for (side = 0; side < 2; side++)
		gate_wait_held(gate, side, AF_INET, PATIENCE_NS);
	gate_open(gate);
	*crossed = true;
	for (side = 0; side < 2; side++) {
		do
			err = netns_call(pair->side[side].fd, step_inside,
					 &peer[side]);
		while (err > 0);
		if (err)
			return 0;
		attempts += peer[side].result.attempts;
		*crossed &= peer[side].result.crossed != PEER_CROSSED_NO;
		close(peer[side].result.fd);
	}
	return attempts;
}

void part_gated(unsigned int rounds)
{
	unsigned int n = rounds ?: GATED, opened = 0, full = 0, once = 0, i;
	struct table table = {};
	struct netns_pair pair;
	struct gate gate;

	if (netns_pair_create(&pair) || gate_init(&gate, &pair))
		bench_die("no namespaces");
	for (i = 0; i < n; i++) {
		bool crossed = false;
		unsigned int attempts = gated(&pair, &gate, i, &crossed);

		opened += attempts > 0;
		once += attempts == 2;
		full += attempts && crossed;
	}
	gate_exit(&gate);
	netns_pair_destroy(&pair);
	table_row(&table, "opened", "one attempt each",
		  "no end had met a SYN+ACK first", NULL);
	table_row(&table, cell("%u of %u", opened, n), cell("%u", once),
		  cell("%u", full), NULL);
	table_print(&table);
	goal("opens over the gate, full and at once", cell("%u of %u", n, n),
	     cell("%u of %u", full, n), full == n && once == n);
}
