// SPDX-License-Identifier: GPL-2.0
/* Two tcbpeer behind NATs of the lab, and a rendezvous between them. */
#include "tests/lib/natmeet.h"
#include "lab/netns.h"

#include <arpa/inet.h>
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#define PORT_OTHER 7001
#define PATIENCE_MS 10000 /* for the rendezvous to listen */
#define PORT 5000	  /* of end 1, where a stranger has it as well */

#define NAT(m, f, ...)                                               \
	{                                                            \
		.mapping = NAT_##m, .filter = NAT_##f, ##__VA_ARGS__ \
	}
#define ROW(text, m0, f0, m1, f1, ...)                              \
	{                                                           \
		.name = text, .kind = { NAT(m0, f0), NAT(m1, f1) }, \
		##__VA_ARGS__                                       \
	}
#define OPENS(how) .says = { "open", "open" }, .way = how
#define ROW6(text, m, f, ...)                          \
	{                                              \
		.name = text,                          \
		.kind = { NAT(m, f, .route6 = true),   \
			  NAT(m, f, .route6 = true) }, \
		##__VA_ARGS__                          \
	}

/* In the order of the document's tables. */
const struct natmeet_row natmeet_rows[] = {
	ROW("drop, drop", PRESERVING, DROP, PRESERVING, DROP, OPENS("public")),
	ROW("drop, RST", PRESERVING, DROP, PRESERVING, RESET, OPENS("public")),
	ROW("RST, RST", PRESERVING, RESET, PRESERVING, RESET, OPENS("public"),
	    .sample = true),
	ROW("drop, drop; 5 ms", PRESERVING, DROP, PRESERVING, DROP,
	    OPENS("public"), .late = true),
	ROW("drop, RST; 5 ms", PRESERVING, DROP, PRESERVING, RESET,
	    OPENS("public"), .late = true),
	ROW("RST, RST; 5 ms", PRESERVING, RESET, PRESERVING, RESET,
	    OPENS("public"), .late = true),
	ROW("another port, both RST", REMAPPING, RESET, REMAPPING, RESET,
	    OPENS("public")),
	ROW("IPv6 masqueraded, drop", PRESERVING, DROP, PRESERVING, DROP,
	    OPENS("public"), .family = AF_INET6),
	ROW("IPv6 masqueraded, RST", PRESERVING, RESET, PRESERVING, RESET,
	    OPENS("public"), .family = AF_INET6, .sample = true),
	ROW("IPv6 masqueraded, RST; 5 ms", PRESERVING, RESET, PRESERVING, RESET,
	    OPENS("public"), .family = AF_INET6, .late = true),
	ROW6("IPv6 filtered, drop", RANDOM, DROP, OPENS("ipv6")),
	ROW6("IPv6 filtered, RST", RANDOM, RESET, OPENS("ipv6")),
	ROW6("IPv6 filtered, RST; 5 ms", RANDOM, RESET, OPENS("ipv6"),
	     .late = true),
	ROW("one closed, drop", PRESERVING, CLOSED_DROP, PRESERVING, DROP,
	    OPENS("public")),
	ROW("random here", RANDOM, DROP, PRESERVING, DROP,
	    .says = { "symmetric_own", "symmetric_partner" }),
	ROW("fully-random here", FULLY_RANDOM, RESET, PRESERVING, RESET,
	    .says = { "symmetric_own", "symmetric_partner" }),
	ROW("fully-random there", PRESERVING, DROP, FULLY_RANDOM, DROP,
	    .says = { "symmetric_partner", "symmetric_own" }),
	ROW("random, both", RANDOM, RESET, RANDOM, RESET,
	    .says = { "symmetric_own", "symmetric_own" }),
	ROW("closed, RST", PRESERVING, CLOSED_RESET, PRESERVING, CLOSED_RESET,
	    .says = { "refused", "refused" }),
	ROW("closed, drop", PRESERVING, CLOSED_DROP, PRESERVING, CLOSED_DROP,
	    .says = { "filtered", "filtered" }, .sample = true),
	ROW("closed, drop here", PRESERVING, CLOSED_DROP, PRESERVING,
	    CLOSED_RESET, .says = { "refused", "filtered" }),
	ROW("no way out here", PRESERVING, NO_WAY, PRESERVING, CLOSED_DROP,
	    .says = { "unreachable", "filtered" }),
	ROW("somebody else there", PRESERVING, CLOSED_DROP, PRESERVING, NO_WAY,
	    .says = { "stranger", "unreachable" }, .stranger = true),
};

const unsigned int natmeet_row_count = sizeof(natmeet_rows) /
				       sizeof(natmeet_rows[0]);

static int natmeet_secret(char path[64], const char *text)
{
	int fd;

	strcpy(path, "/tmp/natmeet.XXXXXX");
	fd = mkstemp(path);
	if (fd < 0 || dprintf(fd, "%s\n", text) < 0 || close(fd))
		return -errno;
	return 0;
}

/* Somebody who lets in whoever comes, and says nothing. */
static int natmeet_listen(void *arg)
{
	const struct sockaddr_in at = { .sin_family = AF_INET,
					.sin_port = htons(PORT) };
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

	(void)arg;
	if (fd < 0)
		return -errno;
	if (!bind(fd, (const struct sockaddr *)&at, sizeof(at)) &&
	    !listen(fd, 16))
		return fd;
	close(fd);
	return -EADDRINUSE;
}

static int natmeet_nats(struct natmeet *m)
{
	int i, err = 0;

	for (i = 0; i < 2 && !err; i++) {
		struct nat_kind kind = m->row->kind[i];

		if (i && m->row->stranger)
			kind.serves = PORT;
		err = nat_set(&m->lab, i, kind);
	}
	if (err || !m->row->stranger)
		return err;
	m->stranger = netns_call(m->lab.nat[1], natmeet_listen, NULL);
	return m->stranger < 0 ? m->stranger : 0;
}

/* Inside: is there a listener at the later one of its ports? */
static int natmeet_look(void *family)
{
	char line[256], want[16];
	bool found = false;
	FILE *file;

	file = fopen(*(const int *)family == AF_INET6 ?
			     "/proc/thread-self/net/tcp6" :
			     "/proc/thread-self/net/tcp",
		     "re");
	if (!file)
		return -errno;
	snprintf(want, sizeof(want), ":%04X ", PORT_OTHER);
	while (fgets(line, sizeof(line), file))
		found |= strstr(line, want) && strstr(line, " 0A ");
	fclose(file);
	return found;
}

static int natmeet_listens(struct natmeet *m)
{
	const struct timespec pause = { .tv_nsec = 1000000 };
	int family = m->row->family, tries, ret = 0;

	for (tries = 0; !ret && tries < PATIENCE_MS; tries++) {
		nanosleep(&pause, NULL);
		ret = netns_call(m->lab.middle, natmeet_look, &family);
	}
	return ret < 0 ? ret : ret ? 0 : -ETIMEDOUT;
}

int natmeet_create(struct natmeet *m, const struct natmeet_row *row)
{
	static const char *const at[][2] = {
		{ NAT_RENDEZVOUS ":7000", NAT_RENDEZVOUS ":7001" },
		{ "[" NAT_RENDEZVOUS6 "]:7000", "[" NAT_RENDEZVOUS6 "]:7001" },
	};
	static const struct wire_config late = {
		.link.delay_ns = NATMEET_DELAY_NS,
	};
	const char *const *two = at[row->family == AF_INET6];
	const char *args[] = { "rendezvous", "-l", two[0], "-l", two[1], NULL };
	int err;

	memset(m, 0, sizeof(*m));
	m->row = row;
	m->address = two[0];
	m->stranger = -1;
	err = nat_create(&m->lab, NULL, row->late ? &late : NULL);
	if (err)
		return err;
	err = natmeet_nats(m);
	if (!err)
		err = natmeet_secret(m->secret[0], "a secret of both");
	if (!err)
		err = natmeet_secret(m->secret[1], "another one");
	if (!err)
		err = peerprog_start(&m->rendezvous, m->lab.middle, args);
	if (!err)
		err = natmeet_listens(m);
	if (err)
		natmeet_destroy(m);
	return err;
}

int natmeet_destroy(struct natmeet *m)
{
	int i, status = -1;

	if (m->rendezvous.pid > 0) {
		kill(m->rendezvous.pid, SIGTERM);
		status = peerprog_end(&m->rendezvous);
	}
	for (i = 0; i < 2; i++) {
		if (m->secret[i][0])
			unlink(m->secret[i]);
	}
	if (m->stranger >= 0)
		close(m->stranger);
	nat_destroy(&m->lab);
	m->row = NULL;
	return status;
}

int natmeet_start(struct natmeet *m, int side, int secret,
		  const char *const more[])
{
	const char *args[PEERPROG_ARGS + 1] = {
		"--rendezvous", m->address,  "--name",
		"us",		"--secret",  m->secret[secret],
		"--json",	"--message", side ? "from 1" : "from 0",
	};
	int n = 9;

	if (side && m->row->stranger) {
		args[n++] = "-l";
		args[n++] = "0.0.0.0:5000";
	}
	while (more && *more && n < PEERPROG_ARGS)
		args[n++] = *more++;
	return peerprog_start(&m->peer[side], m->lab.host[side], args);
}

bool natmeet_waits(struct peerprog *peer)
{
	while (!strstr(peer->err_text, "waiting")) {
		if (!peerprog_read(peer->err, peer->err_text,
				   sizeof(peer->err_text)))
			return false;
	}
	return true;
}

int natmeet_run(struct natmeet *m, const char *const more[])
{
	int side, good = 0;

	for (side = 0; side < 2; side++) {
		if (natmeet_start(m, side, 0, more) ||
		    !natmeet_waits(&m->peer[side]))
			return -1;
	}
	for (side = 0; side < 2; side++)
		good += !peerprog_end(&m->peer[side]);
	return good;
}

const char *natmeet_said(const struct natmeet *m, int side, const char *field)
{
	struct json_object *punch = peerprog_json(&m->peer[side], "punch");
	static char text[64];

	snprintf(text, sizeof(text), "%s", peerprog_text(punch, field));
	json_object_put(punch);
	return text;
}

double natmeet_took(const struct natmeet *m, int *attempts)
{
	struct json_object *open = peerprog_json(&m->peer[0], "open");
	double ms = peerprog_number(open, "elapsed_ns") / 1e6;

	*attempts = peerprog_number(open, "attempts");
	json_object_put(open);
	return ms;
}
