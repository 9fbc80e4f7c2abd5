// SPDX-License-Identifier: GPL-2.0
/*
 * Claim: of very many connections, served at once by several workers that share
 * a listener of another process, each is its worker's from its first use on,
 * all of them; before that it is the listener's, as derived.
 */
#include <json-c/json.h>
#include <search.h>
#include <stdio.h>
#include <string.h>

#include "lab/netns.h"
#include "lab/witness.h"
#include "tests/lib/guest.h"
#include "tests/lib/storm.h"
#include "tests/lib/stream.h"

#include <kselftest_harness.h>

FIXTURE(owner)
{
	struct stream stream;
	struct storm storm;
};

FIXTURE_VARIANT(owner)
{
	unsigned int connections;
	bool fast; /* too many for an emulated CPU */
};

FIXTURE_VARIANT_ADD(owner, few){ .connections = 500 };
FIXTURE_VARIANT_ADD(owner, many){ .connections = 10000, .fast = true };

FIXTURE_SETUP(owner)
{
	int netns = netns_create();

	ASSERT_LE(0, netns);
	ASSERT_EQ(0, netns_enter(netns));
	close(netns);
	self->storm = (struct storm){
		.clients = 2,
		.workers = 4,
		.connections = variant->connections,
	};
}

FIXTURE_TEARDOWN(owner)
{
	stream_free(&self->stream);
	storm_free(&self->storm);
}

/* What the trace says of the workers' sockets, compared with the truth. */
struct verdict {
	const struct storm *storm;
	unsigned int before, after;  /* events of either, all right */
	unsigned int wrong, unknown; /* owner; cookie that nobody served */
	char sample[512];	     /* of what is wrong */
};

static int compare(const void *a, const void *b)
{
	const struct storm_served *x = a, *y = b;

	return x->cookie < y->cookie ? -1 : x->cookie > y->cookie;
}

static void judge(void *ctx, struct json_object *event)
{
	struct storm_served key = { .cookie = witness_number(event, "cookie") };
	const char *how = witness_string(event, "owner_how") ?: "";
	const char *old = witness_string(event, "old");
	pid_t pid = witness_number(event, "pid");
	struct verdict *v = ctx;
	const struct storm_served *served;
	bool used = !strcmp(old, "ESTABLISHED") || !strcmp(old, "CLOSE_WAIT") ||
		    !strcmp(old, "LAST_ACK");
	bool right;

	if (!strcmp(witness_string(event, "new"), "LISTEN") ||
	    (!strcmp(old, "LISTEN") &&
	     !strcmp(witness_string(event, "new"), "CLOSE")))
		return;
	served = bsearch(&key, v->storm->served, v->storm->n_served,
			 sizeof(key), compare);
	if (!served) {
		v->unknown++;
		return;
	}
	if (used)
		right = pid == served->pid && !strcmp(how, "observed");
	else
		right = pid == v->storm->stage && !strcmp(how, "derived");
	v->before += right && !used;
	v->after += right && used;
	if (!right && !v->wrong++)
		snprintf(v->sample, sizeof(v->sample), "%s",
			 json_object_to_json_string(event));
}

TEST_F(owner, of_each_connection)
{
	char *args[] = { "--events=state", "--sport=9000", "--ring=64M", NULL };
	struct verdict v = { .storm = &self->storm };
	struct stream *s = &self->stream;
	unsigned int n = variant->connections;

	if (variant->fast && guest_is_emulated())
		SKIP(return, "an emulated CPU is too slow");
	ASSERT_EQ(0, stream_start(s, args));
	ASSERT_EQ(0, storm_run(&self->storm));
	EXPECT_EQ(0, stream_end(s));
	ASSERT_EQ(n, self->storm.n_served);
	qsort(self->storm.served, n, sizeof(*self->storm.served), compare);
	EXPECT_STREQ("", stream_flaw(s, judge, &v));
	EXPECT_EQ(0, stream_total(s, "ring_lost"));
	EXPECT_EQ(0, stream_gaps(s));

	EXPECT_EQ(0, v.wrong)
	{
		TH_LOG("%s", v.sample);
	}
	EXPECT_EQ(0, v.unknown);
	/* LISTEN, SYN_RECV; then three, of which the last one may be missing */
	EXPECT_EQ(2 * n, v.before);
	EXPECT_LE(3 * n - self->storm.workers, v.after);
}

TEST_HARNESS_MAIN
