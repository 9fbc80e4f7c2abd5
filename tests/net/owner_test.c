// SPDX-License-Identifier: GPL-2.0
/* Tests of who owns a socket, as every event says it. */
#include <fcntl.h>
#include <json-c/json.h>
#include <netinet/tcp.h>
#include <pthread.h>
#include <sched.h>
#include <sys/prctl.h>
#include <sys/stat.h>

#include "tests/lib/guest.h"
#include "tests/lib/play.h"
#include "tests/lib/prog.h"
#include "tests/lib/route.h"

#include <kselftest_harness.h>

#define SERVER_UID 54321 /* nobody needs to know them */
#define WORKER_UID 54322
#define CPUS 64 /* that are kept busy, if there are more */
#define SOON_MS 20

/* A name that would colour, quote, ring and break out, and is no UTF-8. */
#define EVIL "\033[31m\"\\\n\a'\xff\xc3"
#define EVIL_TEXT "\\x1b[31m\"\\\\\\x0a\\x07'\\xff\\xc3"
#define EVIL_JSON "\033[31m\"\\\n\a'\ufffd\ufffd"

static int do_rename(int arg)
{
	return prctl(PR_SET_NAME, EVIL) ? -errno : 0;
}

static int do_spin(int cpu)
{
	cpu_set_t set;

	CPU_ZERO(&set);
	CPU_SET(cpu, &set);
	if (sched_setaffinity(0, sizeof(set), &set))
		return -errno;
	/* an emulated CPU is slowest at a loop of one instruction */
	for (;;)
		asm volatile(".rept 64\n nop\n .endr");
}

/* What it sends is given up when the timer fires that would send it again. */
static int do_send_in_vain(int bytes)
{
	int ms = 1;

	if (setsockopt(actor_tcp.fd, IPPROTO_TCP, TCP_USER_TIMEOUT, &ms,
		       sizeof(ms)))
		return -errno;
	return actor_send(bytes);
}

static void *connect_in_thread(void *tid)
{
	prctl(PR_SET_NAME, "thread");
	*(int *)tid = gettid();
	return (void *)(long)actor_connect(0);
}

/* Connects in a thread of its own, which ends. Its tid or -errno. */
static int do_connect_in_thread(int arg)
{
	pthread_t thread;
	void *err;
	int tid;

	if (pthread_create(&thread, NULL, connect_in_thread, &tid) ||
	    pthread_join(thread, &err))
		return -EAGAIN;
	return err ? (int)(long)err : tid;
}

/* The cgroup v2 directory of a process, or -errno. */
static int cgroup_dir(pid_t pid, char *dir, size_t size)
{
	char path[64], line[1024], mount[512] = "", own[512] = "";
	FILE *f;

	f = fopen("/proc/mounts", "re");
	while (f && fgets(line, sizeof(line), f))
		if (!*mount)
			sscanf(line, "cgroup2 %511s cgroup2", mount);
	if (f)
		fclose(f);
	snprintf(path, sizeof(path), "/proc/%d/cgroup", pid);
	f = fopen(path, "re");
	while (f && fgets(line, sizeof(line), f))
		sscanf(line, "0::%511[^\n]", own);
	if (f)
		fclose(f);
	if (!*mount || !*own)
		return -ENOENT;
	return snprintf(dir, size, "%s%s", mount, own) < (int)size ? 0 : -E2BIG;
}

/* The number of that directory, 0 if there is none. */
static uint64_t cgroup_inode(pid_t pid)
{
	struct stat st;
	char dir[1024];

	if (cgroup_dir(pid, dir, sizeof(dir)) || stat(dir, &st))
		return 0;
	return st.st_ino;
}

/* Moves a process to a new cgroup below its own. 0 or -errno. */
static int cgroup_move(pid_t pid, char *dir, size_t size)
{
	char procs[1200];
	size_t len;
	int fd, n;

	if (cgroup_dir(pid, dir, size - 64))
		return -ENOENT;
	len = strlen(dir);
	snprintf(dir + len, size - len, "/tcbscope-test-%d", pid);
	if (mkdir(dir, 0755))
		return -errno;
	snprintf(procs, sizeof(procs), "%s/cgroup.procs", dir);
	fd = open(procs, O_WRONLY | O_CLOEXEC);
	n = dprintf(fd, "%d", pid);
	close(fd);
	return n > 0 ? 0 : -EIO;
}

/* A text field, which may be absent. */
static const char *text(struct json_object *event, const char *field)
{
	return witness_string(event, field) ?: "absent";
}

/* All that an event says about its owner, in a line. */
struct owner {
	char words[256];
};

static struct owner owner_is(pid_t pid, pid_t tid, const char *comm, uid_t uid,
			     uint64_t cgroup, uint64_t netns)
{
	struct owner owner;

	snprintf(owner.words, sizeof(owner.words),
		 "pid %d tid %d comm %s uid %u cgroup %llu netns %llu", pid,
		 tid, comm, uid, (unsigned long long)cgroup,
		 (unsigned long long)netns);
	return owner;
}

static struct owner owner_of(struct json_object *event)
{
	return owner_is(witness_number(event, "pid"),
			witness_number(event, "tid"), text(event, "comm"),
			witness_number(event, "uid"),
			witness_number(event, "cgroup"),
			witness_number(event, "netns"));
}

/* What the system says about an actor. */
static struct owner owner_actor(const struct actor *actor, const char *comm,
				uid_t uid, uint64_t netns)
{
	return owner_is(actor->pid, actor->pid, comm, uid,
			cgroup_inode(actor->pid), netns);
}

/* Every event of that side, and there are at least @least, has this owner. */
static void expect_owner(struct __test_metadata *_metadata,
			 const struct play *play, const struct sighting *side,
			 const struct owner *owner, size_t least)
{
	struct json_object *event;
	size_t from = 0, n = 0;

	while ((event = witness_next(play->trace.witness, side, &from))) {
		EXPECT_STREQ(owner->words, owner_of(event).words)
		{
			TH_LOG("%s", json_object_to_json_string(event));
		}
		n++;
	}
	EXPECT_LE(least, n);
}

FIXTURE(owner)
{
	struct play play;
	char cgroup[1100]; /* to be removed at the end; empty: none */
};

FIXTURE_SETUP(owner)
{
	ASSERT_EQ(0, play_init(&self->play));
}

FIXTURE_TEARDOWN(owner)
{
	play_free(&self->play);
	if (*self->cgroup)
		rmdir(self->cgroup);
}

/*
 * Claim: with two processes that differ in all that can differ, each event
 * names its own. Half of the transitions happen while the other one runs: the
 * packets are processed in the context of the process that sent them.
 */
TEST_F(owner, both_ends)
{
	struct play *play = &self->play;
	struct sighting windows = {
		.type = "window",
		.netns = play->pair.side[0].inode,
	};
	struct owner client, server;

	ASSERT_EQ(0, cgroup_move(play->server.pid, self->cgroup,
				 sizeof(self->cgroup)));
	ASSERT_EQ(0, actor_call(&play->server, actor_become, SERVER_UID));
	client = owner_actor(&play->client, "client", 0,
			     play->pair.side[0].inode);
	server = owner_actor(&play->server, "server", SERVER_UID,
			     play->pair.side[1].inode);
	EXPECT_NE(0, cgroup_inode(play->client.pid));
	EXPECT_NE(cgroup_inode(play->client.pid),
		  cgroup_inode(play->server.pid));

	ASSERT_EQ(0, play_join(play));
	ASSERT_EQ(0, play_connect(play));
	ASSERT_EQ(0, actor_call(&play->client, actor_send, 4096));
	ASSERT_EQ(0, actor_call(&play->server, actor_receive, 4096));
	ASSERT_EQ(0, actor_call(&play->server, actor_send, 4096));
	ASSERT_EQ(0, actor_call(&play->client, actor_receive, 4096));
	ASSERT_EQ(0, play_close(play, &play->server));
	ASSERT_EQ(0, actor_call(&play->server, actor_unlisten, 0));
	ASSERT_EQ(0, trace_stop(&play->trace));

	/* 5 and 7 transitions, and what there was of windows */
	expect_owner(_metadata, play, &play->at_client, &client, 5);
	expect_owner(_metadata, play, &play->at_server, &server, 7);
	EXPECT_LE(1, witness_count(play->trace.witness, &windows));
}

/* Claim: the owning thread is the one that acted, the process is its own. */
TEST_F(owner, thread)
{
	struct play *play = &self->play;
	struct owner owner;
	int tid;

	ASSERT_EQ(0, play_join(play));
	ASSERT_EQ(0, actor_call(&play->server, actor_listen, 1));
	tid = actor_call(&play->client, do_connect_in_thread, 0);
	ASSERT_LT(0, tid);
	ASSERT_NE(play->client.pid, tid);
	ASSERT_EQ(0, actor_call(&play->server, actor_accept, 0));
	ASSERT_EQ(0, play_close(play, &play->server));
	ASSERT_EQ(0, trace_stop(&play->trace));
	owner = owner_is(play->client.pid, tid, "thread", 0,
			 cgroup_inode(play->client.pid),
			 play->pair.side[0].inode);
	expect_owner(_metadata, play, &play->at_client, &owner, 5);
}

/* One that never sleeps, on every CPU: how many there are, or -errno. */
static int start_spinners(struct actor spinner[CPUS])
{
	int cpu, n = 0, err;
	cpu_set_t set;

	if (sched_getaffinity(0, sizeof(set), &set))
		return -errno;
	for (cpu = 0; cpu < CPU_SETSIZE && n < CPUS; cpu++) {
		if (!CPU_ISSET(cpu, &set))
			continue;
		err = actor_open(&spinner[n]);
		if (!err)
			err = actor_start(&spinner[n], "busy");
		if (!err)
			err = actor_tell(&spinner[n++], do_spin, cpu);
		if (err)
			return err;
	}
	return n;
}

/*
 * Claim: transitions that packets and timers make never go to the process that
 * happens to run: here one that never sleeps, on every CPU, and this one, out
 * of which the gate lets the packets go.
 */
TEST_F(owner, busy)
{
	struct play *play = &self->play;
	struct sighting at_client = play->at_client;
	struct sighting at_server = play->at_server;
	struct actor spinner[CPUS];
	struct owner client, server;
	int n = start_spinners(spinner);

	ASSERT_LT(0, n);
	client = owner_actor(&play->client, "client", 0,
			     play->pair.side[0].inode);
	server = owner_actor(&play->server, "server", 0,
			     play->pair.side[1].inode);
	ASSERT_EQ(0, play_join(play));
	ASSERT_EQ(0, route_rto_min(&play->pair, 0, AF_INET, SOON_MS));
	ASSERT_EQ(0, play_connect(play));

	/*
	 * CLOSE out of a timer, which interrupts whatever runs, and out of this
	 * process: the other end is reset when the data come after all. The
	 * timer is that of data, and soon, for the spinners take all the time
	 * till then.
	 */
	ASSERT_EQ(0, gate_close(&play->gate));
	ASSERT_EQ(0, actor_call(&play->client, do_send_in_vain, 1));
	ASSERT_EQ(0, play_wait(play, &play->at_client, "ESTABLISHED", "CLOSE"));
	ASSERT_EQ(0, gate_open(&play->gate));
	ASSERT_EQ(0, play_wait(play, &play->at_server, "ESTABLISHED", "CLOSE"));
	ASSERT_EQ(0, actor_call(&play->client, actor_close, 0));
	ASSERT_EQ(0, actor_call(&play->server, actor_close, 0));
	ASSERT_EQ(0, actor_call(&play->client, actor_connect, 0));
	ASSERT_EQ(0, actor_call(&play->server, actor_accept, 0));

	/* CLOSE_WAIT and FIN_WAIT2 out of this process */
	ASSERT_EQ(0, gate_close(&play->gate));
	ASSERT_EQ(0, actor_call(&play->client, actor_close, 0));
	ASSERT_EQ(0, gate_open(&play->gate));
	ASSERT_EQ(0, play_wait_tcp(play, 1, TCP_CLOSE_WAIT));

	/* CLOSE and TIME_WAIT as well */
	ASSERT_EQ(0, gate_close(&play->gate));
	ASSERT_EQ(0, actor_call(&play->server, actor_close, 0));
	ASSERT_EQ(0, gate_open(&play->gate));
	ASSERT_EQ(0, play_wait_tcp(play, 0, TCP_TIME_WAIT));
	while (n)
		actor_end(&spinner[--n]);
	ASSERT_EQ(0, play_wait(play, &play->at_server, "LAST_ACK", "CLOSE"));

	ASSERT_EQ(0, actor_call(&play->server, actor_unlisten, 0));
	ASSERT_EQ(0, trace_stop(&play->trace));

	at_client.type = at_server.type = "state"; /* the RST is of no socket */
	expect_owner(_metadata, play, &at_client, &client, 8);
	expect_owner(_metadata, play, &at_server, &server, 10);
}

/*
 * Claim: a socket that is older than the trace is its holder's, and "existing"
 * says so until a process acts on it; from then on it is that process's.
 */
TEST_F(owner, existing)
{
	struct play *play = &self->play;
	struct json_object *event;
	struct owner owner;

	ASSERT_EQ(0, play_connect(play));
	ASSERT_EQ(0, play_trace(play, "--events", "state"));
	ASSERT_EQ(0, play_close(play, &play->server));
	ASSERT_EQ(0, trace_stop(&play->trace));

	event = play_transition(play, &play->at_server, "CLOSE_WAIT");
	ASSERT_NE(NULL, event);
	owner = owner_actor(&play->server, "server", 0,
			    play->pair.side[1].inode);
	EXPECT_STREQ(owner.words, owner_of(event).words);
	EXPECT_STREQ("existing", text(event, "owner_how"));

	event = play_transition(play, &play->at_server, "CLOSE");
	ASSERT_NE(NULL, event);
	EXPECT_EQ(play->server.pid, (pid_t)witness_number(event, "pid"));
	EXPECT_STREQ("observed", text(event, "owner_how"));
	owner = owner_actor(&play->client, "client", 0,
			    play->pair.side[0].inode);
	expect_owner(_metadata, play, &play->at_client, &owner, 2);
}

/* Claim: out of JSON an evil name comes as it is, but for what is no UTF-8. */
TEST_F(owner, evil_name)
{
	struct play *play = &self->play;
	struct json_object *event;

	ASSERT_EQ(0, play_join(play));
	ASSERT_EQ(0, actor_call(&play->client, do_rename, 0));
	ASSERT_EQ(0, play_connect(play));
	ASSERT_EQ(0, play_wait(play, &play->at_client, NULL, "ESTABLISHED"));
	ASSERT_EQ(0, trace_stop(&play->trace));
	event = play_transition(play, &play->at_client, "SYN_SENT");
	ASSERT_NE(NULL, event);
	EXPECT_STREQ(EVIL_JSON, text(event, "comm"));
}

FIXTURE(worker)
{
	struct play play;
};

FIXTURE_VARIANT(worker)
{
	int (*client_before)(int bytes);
	int (*worker)(int bytes); /* how it uses the child; NULL: not at all */
	int (*client_after)(int bytes);
	bool old_listener; /* from before the trace */
};

FIXTURE_VARIANT_ADD(worker, reads){
	.client_before = actor_send,
	.worker = actor_receive,
};

FIXTURE_VARIANT_ADD(worker, writes){
	.worker = actor_send,
	.client_after = actor_receive,
};

FIXTURE_VARIANT_ADD(worker, closes){};

FIXTURE_VARIANT_ADD(worker, old_listener_reads){
	.client_before = actor_send,
	.worker = actor_receive,
	.old_listener = true,
};

FIXTURE_VARIANT_ADD(worker, old_listener_writes){
	.worker = actor_send,
	.client_after = actor_receive,
	.old_listener = true,
};

FIXTURE_SETUP(worker)
{
	ASSERT_EQ(0, play_init(&self->play));
}

FIXTURE_TEARDOWN(worker)
{
	play_free(&self->play);
}

/*
 * Claim: a child is its listener's, as derived, until another process uses it;
 * from then on it is that one's, as observed. The user is the listener's until
 * it is accepted.
 */
TEST_F(worker, takes_over)
{
	struct play *play = &self->play;
	struct owner server, worker;
	struct json_object *event;

	if (!variant->old_listener)
		ASSERT_EQ(0, play_join(play));
	ASSERT_EQ(0, actor_call(&play->server, actor_listen, 1));
	if (variant->old_listener)
		ASSERT_EQ(0, play_trace(play, "--events", "state"));
	if (variant->worker == actor_send &&
	    !trace_has_hook(&play->trace, "owner_sends"))
		SKIP(return, "no sock_send_length before Linux 6.3");
	ASSERT_EQ(0, actor_fork(&play->server, &play->worker, "worker"));
	ASSERT_EQ(0, actor_call(&play->worker, actor_become, WORKER_UID));
	server = owner_actor(&play->server, "server", 0,
			     play->pair.side[1].inode);
	worker = owner_actor(&play->worker, "worker", WORKER_UID,
			     play->pair.side[1].inode);

	ASSERT_EQ(0, actor_call(&play->client, actor_connect, 0));
	ASSERT_EQ(0,
		  play_wait(play, &play->at_server, "SYN_RECV", "ESTABLISHED"));
	ASSERT_EQ(0, actor_call(&play->worker, actor_accept, 0));
	if (variant->client_before)
		ASSERT_EQ(0,
			  actor_call(&play->client, variant->client_before, 9));
	if (variant->worker)
		ASSERT_EQ(0, actor_call(&play->worker, variant->worker, 9));
	if (variant->client_after)
		ASSERT_EQ(0,
			  actor_call(&play->client, variant->client_after, 9));
	ASSERT_EQ(0, play_close(play, &play->worker));
	ASSERT_EQ(0, trace_stop(&play->trace));

	event = play_transition(play, &play->at_server, "ESTABLISHED");
	ASSERT_NE(NULL, event);
	EXPECT_STREQ(server.words, owner_of(event).words);
	EXPECT_STREQ("derived", text(event, "owner_how"));

	event = play_transition(play, &play->at_server, "CLOSE_WAIT");
	ASSERT_NE(NULL, event);
	EXPECT_EQ(variant->worker ? play->worker.pid : play->server.pid,
		  (pid_t)witness_number(event, "pid"));
	EXPECT_STREQ(variant->worker ? "observed" : "derived",
		     text(event, "owner_how"));
	EXPECT_EQ(WORKER_UID, witness_number(event, "uid"));

	event = play_transition(play, &play->at_server, "LAST_ACK");
	ASSERT_NE(NULL, event);
	EXPECT_STREQ(worker.words, owner_of(event).words);
	EXPECT_STREQ("observed", text(event, "owner_how"));
	event = play_transition(play, &play->at_server, "CLOSE");
	ASSERT_NE(NULL, event);
	EXPECT_STREQ(worker.words, owner_of(event).words);
}

FIXTURE(name)
{
	struct play play;
	struct prog trace;
};

FIXTURE_SETUP(name)
{
	ASSERT_EQ(0, play_init(&self->play));
}

FIXTURE_TEARDOWN(name)
{
	prog_free(&self->trace);
	play_free(&self->play);
}

/* What a trace shows of a client with an evil name. */
static void expect_no_evil(struct __test_metadata *_metadata, const char *out)
{
	const char *s;

	EXPECT_NE(NULL, strstr(out, EVIL_TEXT "["))
	{
		TH_LOG("%s", out);
	}
	for (s = out; *s; s++) {
		EXPECT_TRUE(*s == '\n' || (*s >= ' ' && *s <= '~'))
		{
			TH_LOG("byte %02x", (unsigned char)*s);
		}
	}
}

/*
 * Claim: nor does any byte of an evil name reach a terminal, narrow or wide, or
 * a pipe. What takes them out is user space: once, where a trace takes long to
 * start.
 */
TEST_F(name, evil_in_text)
{
	static const unsigned int columns[] = { 80, 200, 0 }; /* 0: a pipe */
	struct play *play = &self->play;
	char *argv[] = { (char *)trace_program("tcbscope"),
			 "trace",
			 "--events=state",
			 "--netns",
			 play->netns,
			 NULL };
	char *env[] = { "NO_COLOR=1", NULL };
	struct prog_setup setup = { .argv = argv, .env = env };
	size_t i, n = guest_times(3, 1);

	for (i = 0; i < n; i++) {
		if (i) {
			prog_free(&self->trace);
			play_free(play);
			ASSERT_EQ(0, play_init(play));
		}
		setup.columns = columns[i];
		ASSERT_EQ(0, prog_start(&self->trace, &setup));
		ASSERT_EQ(0, prog_wait(&self->trace, PROG_OUT, "DETAIL\n"));
		ASSERT_EQ(0, actor_call(&play->client, do_rename, 0));
		ASSERT_EQ(0, play_connect(play));
		EXPECT_EQ(0,
			  prog_wait(&self->trace, PROG_OUT, "> ESTABLISHED"));
		EXPECT_EQ(0, kill(self->trace.pid, SIGINT));
		EXPECT_EQ(0, prog_finish(&self->trace));
		expect_no_evil(_metadata, prog_text(&self->trace, PROG_OUT));
	}
}

SHARED_HARNESS_MAIN("--windows")
