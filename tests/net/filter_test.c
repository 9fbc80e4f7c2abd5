// SPDX-License-Identifier: GPL-2.0
/* Tests of filters on real traffic: what the kernel decides is decided well. */
#include <fcntl.h>
#include <json-c/json.h>
#include <linux/sock_diag.h>
#include <stdlib.h>
#include <sys/stat.h>

#include "tests/lib/conn.h"
#include "tests/lib/guest.h"
#include "tests/lib/play.h"

#include <kselftest_harness.h>

#define ROWS(rows) (sizeof(rows) / sizeof(*(rows)))
#define WORKER_UID 54321
#define EVENTS_MAX 256
#define OTHER_PORT 9 /* of the server; no client has it */

/* All that an event says of itself, but for its number and its time. */
struct line {
	char words[320];
};

struct lines {
	unsigned int n;
	struct line line[EVENTS_MAX];
};

static const char *text(struct json_object *e, const char *field)
{
	return witness_string(e, field) ?: "-";
}

static struct line line_of(struct json_object *e)
{
	struct line l = {};

	snprintf(l.words, sizeof(l.words),
		 "%llu %s>%s %s %s %s:%d>%s:%d %s[%d] %s pair %llu",
		 (unsigned long long)witness_number(e, "cookie"),
		 text(e, "old"), text(e, "new"), text(e, "cause"),
		 text(e, "kind"), text(e, "laddr"),
		 (int)witness_number(e, "lport"), text(e, "raddr"),
		 (int)witness_number(e, "rport"), text(e, "comm"),
		 (int)witness_number(e, "pid"), text(e, "owner_how"),
		 (unsigned long long)witness_number(e, "pair"));
	return l;
}

static int compare(const void *a, const void *b)
{
	return strcmp(a, b);
}

/* The events of which @wanted holds, sorted; @wanted NULL: all. */
static void collect(const struct witness *w,
		    bool (*wanted)(struct json_object *e), struct lines *to)
{
	static const struct sighting states = { .type = "state" };
	struct json_object *e;
	size_t from = 0;

	to->n = 0;
	while ((e = witness_next(w, &states, &from)))
		if ((!wanted || wanted(e)) && to->n < EVENTS_MAX)
			to->line[to->n++] = line_of(e);
	qsort(to->line, to->n, sizeof(*to->line), compare);
}

/* What the rows' expressions mean, said once more over the JSON. */
static uint64_t pid_wanted, netns_wanted, cgroup_wanted;
static const char *cgroup_path; /* the same */

static bool is(struct json_object *e, const char *field, const char *value)
{
	return !strcmp(text(e, field), value);
}

static bool by_client(struct json_object *e)
{
	return is(e, "comm", "client");
}

static bool not_by_client(struct json_object *e)
{
	return !by_client(e);
}

static bool by_worker(struct json_object *e)
{
	return is(e, "comm", "worker");
}

static bool by_pid(struct json_object *e)
{
	return witness_number(e, "pid") == pid_wanted;
}

static bool from_2000(struct json_object *e)
{
	return witness_number(e, "lport") == PLAY_CLIENT_PORT;
}

static bool to_2000(struct json_object *e)
{
	return witness_number(e, "rport") == PLAY_CLIENT_PORT;
}

static bool any_2000(struct json_object *e)
{
	return from_2000(e) || to_2000(e);
}

static bool from_10_8(struct json_object *e)
{
	return !strncmp(text(e, "laddr"), "10.8.0.", 7);
}

static bool with_6(struct json_object *e)
{
	return is(e, "laddr", "fd08::1") || is(e, "raddr", "fd08::1");
}

static bool in_netns(struct json_object *e)
{
	return witness_number(e, "netns") == netns_wanted;
}

static bool in_close_wait(struct json_object *e)
{
	return is(e, "old", "CLOSE_WAIT") || is(e, "new", "CLOSE_WAIT");
}

static bool to_time_wait(struct json_object *e)
{
	return is(e, "new", "TIME_WAIT");
}

static bool mixed(struct json_object *e)
{
	return (to_2000(e) || with_6(e)) && !is(e, "new", "LISTEN");
}

static bool by_uid(struct json_object *e)
{
	return witness_number(e, "uid") == WORKER_UID;
}

/*
 * A cgroup means its descendants as well, also such that are made after the
 * trace has begun. The client is in one of these.
 */
static const struct row {
	const char *text; /* %llu, %s: known when it runs */
	bool (*wanted)(struct json_object *e);
	uint64_t *number;
	const char **word;
} rows[] = {
	{ "comm = cl*", by_client, NULL, NULL },
	{ "cgroup %s", by_client, NULL, &cgroup_path },
	{ "not cgroup %llu", not_by_client, &cgroup_wanted, NULL },
	{ "netns %llu", in_netns, &netns_wanted, NULL },
	{ "cgroup = %llu", by_client, &cgroup_wanted, NULL },

	{ "comm worker", by_worker, NULL, NULL },
	{ "pid %llu", by_pid, &pid_wanted, NULL },
	{ "new time-wait", to_time_wait, NULL, NULL },
	{ "port 2000", any_2000, NULL, NULL },
	{ "addr fd08::1/128", with_6, NULL, NULL },

	{ "state close-wait", in_close_wait, NULL, NULL },
	{ "uid 54321", by_uid, NULL, NULL },
	{ "sport = :2000", from_2000, NULL, NULL },
	{ "src 10.8.0.0/24", from_10_8, NULL, NULL },
	{ "( dport = :2000 or addr fd08::1 ) and new != listen", mixed, NULL,
	  NULL },
};

/*
 * How many traces have all rows: where one takes long to start, it has one row
 * of each of the three groups above. What these are of has little in common.
 */
static size_t row_traces(void)
{
	return ROWS(rows) / guest_times(1, 3);
}

/* What trace @i shows: its row, or those of the same place further down. */
static void row_words(size_t i, char *text, size_t size)
{
	const struct row *r = &rows[i];
	int n = snprintf(text, size, "( ");

	if (r->word)
		n += snprintf(text + n, size - n, r->text, *r->word);
	else
		n += snprintf(text + n, size - n, r->text,
			      r->number ? (unsigned long long)*r->number : 0);
	n += snprintf(text + n, size - n, " )");
	i += row_traces();
	if (i >= ROWS(rows))
		return;
	n += snprintf(text + n, size - n, " or ");
	row_words(i, text + n, size - n);
}

static size_t row; /* which trace's */

static bool by_row(struct json_object *e)
{
	size_t i;

	for (i = row; i < ROWS(rows); i += row_traces())
		if (rows[i].wanted(e))
			return true;
	return false;
}

FIXTURE(filter)
{
	struct play play;
	struct trace traces[ROWS(rows) + 1]; /* the last: all that happens */
	char expression[ROWS(rows) + 1][1024];
	struct lines all, shown;
	char cgroup[2][600]; /* to be removed; empty: none */
};

FIXTURE_SETUP(filter)
{
	memset(self->traces, 0, sizeof(self->traces));
	ASSERT_EQ(0, play_init(&self->play));
	pid_wanted = self->play.server.pid;
	netns_wanted = self->play.pair.side[1].inode;
}

FIXTURE_TEARDOWN(filter)
{
	size_t i;

	for (i = 0; i < ROWS(self->traces); i++)
		trace_free(&self->traces[i]);
	play_free(&self->play);
	for (i = 0; i < 2; i++)
		if (*self->cgroup[i])
			rmdir(self->cgroup[i]);
}

/* Starts trace number @i of these events in both namespaces. */
static int start(FIXTURE_DATA(filter) * self, size_t i, const char *words)
{
	const struct netns_side *side = self->play.pair.side;
	char *args[] = { "--events", "state", self->expression[i], NULL };

	snprintf(self->expression[i], sizeof(self->expression[i]),
		 "( %s ) and ( netns %llu,%llu or err 4095 )", words,
		 (unsigned long long)side[0].inode,
		 (unsigned long long)side[1].inode);
	return trace_start(&self->traces[i], args);
}

/* IPv6 and other ports from now on, for one of the actors. */
static int do_ipv6(int arg)
{
	struct sockaddr_in6 end = { .sin6_family = AF_INET6 };
	int i;

	for (i = 0; i < 2; i++) {
		end.sin6_addr.s6_addr[0] = 0xfd;
		end.sin6_addr.s6_addr[1] = 0x08;
		end.sin6_addr.s6_addr[15] = 1 + i;
		end.sin6_port = htons(3000 + i);
		memcpy(&actor_tcp.end[i], &end, sizeof(end));
	}
	actor_tcp.len = sizeof(end);
	return 0;
}

/* What comes after accept(): a byte, and both ends close. */
static int use(struct play *play, struct actor *server)
{
	int err = actor_call(&play->client, actor_send, 1);

	if (!err)
		err = actor_call(server, actor_receive, 1);
	if (!err)
		err = actor_call(&play->client, actor_close, 0);
	if (!err)
		err = actor_call(server, actor_close, 0);
	return err ? err : actor_call(server, actor_unlisten, 0);
}

/* A connection that a worker of the server uses. */
static int connection_of_worker(struct play *play)
{
	int err = play_connect(play);

	if (!err)
		err = actor_fork(&play->server, &play->worker, "worker");
	if (!err)
		err = actor_call(&play->server, actor_close, 0);
	if (!err)
		err = actor_call(&play->server, actor_unlisten, 0);
	return err ? err : use(play, &play->worker);
}

static int connection(struct play *play)
{
	int err = play_connect(play);

	return err ? err : use(play, &play->server);
}

/* The last that happens: both ends are closed, the listener before them. */
static int wait_for_end(struct witness *w, unsigned int port)
{
	struct sighting last = { .type = "state", .rport = port };
	int err;

	last.new = "CLOSE";
	err = witness_wait(w, &last, TRACE_PATIENCE_NS);
	last.lport = port;
	last.rport = 0;
	last.new = "TIME_WAIT";
	return err ? err : witness_wait(w, &last, TRACE_PATIENCE_NS);
}

static int traffic(FIXTURE_DATA(filter) * self)
{
	struct witness *w = self->traces[ROWS(rows)].witness;
	struct play *play = &self->play;
	int err;

	err = connection_of_worker(play);
	if (!err)
		err = wait_for_end(w, PLAY_CLIENT_PORT);
	if (!err)
		err = actor_call(&play->client, do_ipv6, 0);
	if (!err)
		err = actor_call(&play->server, do_ipv6, 0);
	if (!err)
		err = actor_call(&play->client, actor_become, WORKER_UID);
	if (!err)
		err = connection(play);
	return err ? err : wait_for_end(w, 3000);
}

/* One trace against what should be of the one that has all. */
static void expect_row(struct __test_metadata *_metadata,
		       FIXTURE_DATA(filter) * self, size_t i,
		       bool (*wanted)(struct json_object *e))
{
	const struct witness *w = self->traces[i].witness;
	unsigned int k;

	collect(self->traces[ROWS(rows)].witness, wanted, &self->all);
	collect(w, NULL, &self->shown);
	EXPECT_LT(0, self->all.n);
	EXPECT_EQ(self->all.n, self->shown.n)
	{
		TH_LOG("%s", self->expression[i]);
	}
	for (k = 0; k < self->all.n && k < self->shown.n; k++)
		EXPECT_STREQ(self->all.line[k].words, self->shown.line[k].words)
		{
			TH_LOG("%s", self->expression[i]);
		}
	EXPECT_TRUE(witness_complete(w));
	EXPECT_LT(0, witness_counter(w, "kernel_filtered"))
	{
		TH_LOG("%s", self->expression[i]);
	}
}

/* A directory below the mount point of cgroup2 for @pid; 0 or -errno. */
static int cgroup_make(char *dir, size_t size, const char *below, pid_t pid)
{
	char line[1024], mount[512] = "", path[700];
	FILE *f = fopen("/proc/mounts", "re");
	int fd, n;

	while (f && fgets(line, sizeof(line), f))
		if (!*mount)
			sscanf(line, "cgroup2 %511s cgroup2", mount);
	if (f)
		fclose(f);
	if (!*mount)
		return -ENOENT;
	snprintf(dir, size, "%s", *below ? below : mount);
	snprintf(dir + strlen(dir), size - strlen(dir), "/tcbscope-%d",
		 getpid());
	if (mkdir(dir, 0755))
		return -errno;
	if (!pid)
		return 0;
	snprintf(path, sizeof(path), "%s/cgroup.procs", dir);
	fd = open(path, O_WRONLY | O_CLOEXEC);
	n = dprintf(fd, "%d", pid);
	close(fd);
	return n > 0 ? 0 : -EIO;
}

/*
 * Claim: with each filter that the kernel can decide exactly those events are
 * shown, with cause, owner and other end, that are shown without it and fit.
 * Some of them the kernel has not even made; that is counted, and is no gap.
 */
TEST_F_TIMEOUT(filter, same_as_without, 240)
{
	char words[900];
	struct stat st;
	size_t i;

	ASSERT_EQ(0,
		  cgroup_make(self->cgroup[1], sizeof(self->cgroup[1]), "", 0));
	ASSERT_EQ(0, stat(self->cgroup[1], &st));
	cgroup_path = self->cgroup[1];
	cgroup_wanted = st.st_ino;
	/* "err" is nothing that the kernel knows: it decides nothing */
	ASSERT_EQ(0, start(self, ROWS(rows), "pid or not pid"));
	for (i = 0; i < row_traces(); i++) {
		row_words(i, words, sizeof(words));
		ASSERT_EQ(0, start(self, i, words));
	}
	ASSERT_EQ(0, cgroup_make(self->cgroup[0], sizeof(self->cgroup[0]),
				 self->cgroup[1], self->play.client.pid));
	ASSERT_EQ(0, traffic(self));
	for (i = 0; i < row_traces(); i++)
		ASSERT_EQ(0, trace_stop(&self->traces[i]));
	ASSERT_EQ(0, trace_stop(&self->traces[ROWS(rows)]));
	EXPECT_EQ(0, witness_counter(self->traces[ROWS(rows)].witness,
				     "kernel_filtered"));
	for (row = 0; row < row_traces(); row++)
		expect_row(_metadata, self, row, by_row);
}

FIXTURE(crossing)
{
	struct conn c;
	struct trace one;
	struct lines all, shown;
};

FIXTURE_SETUP(crossing)
{
	memset(&self->one, 0, sizeof(self->one));
	ASSERT_EQ(0, conn_start(&self->c, AF_INET));
}

FIXTURE_TEARDOWN(crossing)
{
	trace_free(&self->one);
	conn_free(&self->c);
}

/*
 * Claim: whether an open was simultaneous at both ends is known, not guessed,
 * also if the filter lets only one of them pass.
 */
TEST_F(crossing, one_end)
{
	char netns[64];
	char *args[] = { "--events", "state", "--sport", "2000",
			 "--netns",  netns,   NULL };
	struct sighting full = { .new = "ESTABLISHED", .kind = "full" };
	struct conn *c = &self->c;
	struct json_object *e;
	size_t from = 0;

	snprintf(netns, sizeof(netns), "%llu,%llu",
		 (unsigned long long)c->pair.side[0].inode,
		 (unsigned long long)c->pair.side[1].inode);
	ASSERT_EQ(0, trace_start(&self->one, args));
	ASSERT_EQ(0, conn_cross(c));
	ASSERT_EQ(0, gate_open_side(&c->gate, 0));
	ASSERT_EQ(0, conn_wait(c, 1, TCP_SYN_RECV));
	ASSERT_EQ(0, gate_open(&c->gate));
	ASSERT_EQ(0, conn_wait(c, 0, TCP_ESTABLISHED));
	ASSERT_EQ(0, conn_wait(c, 1, TCP_ESTABLISHED));
	ASSERT_EQ(0, conn_stop(c));
	ASSERT_EQ(0, trace_stop(&self->one));

	collect(c->trace.witness, from_2000, &self->all);
	collect(self->one.witness, NULL, &self->shown);
	EXPECT_LT(0, self->shown.n);
	EXPECT_EQ(self->all.n, self->shown.n);
	EXPECT_EQ(0, memcmp(self->all.line, self->shown.line,
			    self->shown.n * sizeof(struct line)));
	e = witness_next(self->one.witness, &full, &from);
	ASSERT_NE(NULL, e);
	EXPECT_STREQ("observed", witness_string(e, "kind_how"));
	EXPECT_NE(0, witness_number(e, "pair"));
	EXPECT_TRUE(witness_complete(self->one.witness));
}

FIXTURE(memory)
{
	struct play play;
};

FIXTURE_SETUP(memory)
{
	ASSERT_EQ(0, play_init(&self->play));
}

FIXTURE_TEARDOWN(memory)
{
	play_free(&self->play);
}

/* From a port that is chosen when it binds, or not before it connects. */
static int do_connect_from(int unbound)
{
	struct sockaddr_in *end = (void *)&actor_tcp.end[0];

	end->sin_port = 0;
	if (!unbound)
		return actor_connect(0);
	actor_tcp.fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	if (actor_tcp.fd < 0 ||
	    connect(actor_tcp.fd, (void *)&actor_tcp.end[1], actor_tcp.len))
		return -errno;
	return 0;
}

/* Bytes of option memory that the actor's socket is charged for. */
static int do_charge(int of_listener)
{
	__u32 info[SK_MEMINFO_VARS];
	socklen_t len = sizeof(info);

	if (getsockopt(of_listener ? actor_tcp.listener : actor_tcp.fd,
		       SOL_SOCKET, SO_MEMINFO, info, &len))
		return -errno;
	return info[SK_MEMINFO_OPTMEM];
}

/* Connections are to another port of the server from now on. */
static int do_move(int arg)
{
	struct sockaddr_in *end = (void *)&actor_tcp.end[1];

	(void)arg;
	end->sin_port = htons(OTHER_PORT);
	return 0;
}

/* A connection, while it lasts: what client and listener are charged for. */
static int charge(struct play *play, bool unbound, int of[2])
{
	int err = actor_call(&play->server, actor_listen, 1);

	if (!err)
		err = actor_call(&play->client, do_connect_from, unbound);
	if (!err)
		err = actor_call(&play->server, actor_accept, 0);
	of[0] = actor_call(&play->client, do_charge, 0);
	of[1] = actor_call(&play->server, do_charge, 1);
	if (!err)
		err = actor_call(&play->client, actor_close, 0);
	if (!err)
		err = actor_call(&play->server, actor_close, 0);
	return err ? err : actor_call(&play->server, actor_unlisten, 0);
}

/*
 * Claim: a socket that the filter excludes costs no memory, whether its port is
 * known before it connects or not; one that it does not exclude does. Existing
 * sockets, which are looked at also if none is to be shown, change nothing.
 */
TEST_F(memory, is_of_followed_sockets)
{
	char *args[] = { "--port", "9", "not type = socket", NULL };
	int before[2][2], with[2][2], of_others[2][2], unbound, i;
	struct play *play = &self->play;

	for (unbound = 0; unbound < 2; unbound++)
		ASSERT_EQ(0, charge(play, unbound, before[unbound]));
	ASSERT_EQ(0, trace_start(&play->trace, args));
	for (unbound = 0; unbound < 2; unbound++)
		ASSERT_EQ(0, charge(play, unbound, of_others[unbound]));
	ASSERT_EQ(0, actor_call(&play->server, do_move, 0));
	ASSERT_EQ(0, actor_call(&play->client, do_move, 0));
	for (unbound = 0; unbound < 2; unbound++)
		ASSERT_EQ(0, charge(play, unbound, with[unbound]));
	ASSERT_EQ(0, trace_stop(&play->trace));
	for (i = 0; i < 4; i++) {
		ASSERT_LE(0, before[i / 2][i % 2]);
		EXPECT_LT(before[i / 2][i % 2], with[i / 2][i % 2]);
		EXPECT_EQ(before[i / 2][i % 2], of_others[i / 2][i % 2]);
	}
}

TEST_HARNESS_MAIN
