// SPDX-License-Identifier: GPL-2.0
/* Tests of tcbscope trace on a terminal: its width, colours, its patience. */
#include <arpa/inet.h>
#include <net/if.h>
#include <signal.h>
#include <sys/ioctl.h>
#include <sys/prctl.h>

#include "lib/say.h"
#include "tests/lib/cli.h"
#include "tests/lib/guest.h"

#include <kselftest_harness.h>

#define FLOOD 1000 /* connections, in much less than ten seconds */
#define FEW 300	   /* on an emulated CPU */

FIXTURE(terminal)
{
	struct cli cli;
};

FIXTURE_SETUP(terminal)
{
	self->cli.listener = self->cli.file = -1; /* until cli_init() */
}

FIXTURE_TEARDOWN(terminal)
{
	cli_free(&self->cli);
}

#define EUROS "\xe2\x82\xac\xe2\x82\xac\xe2\x82\xac\xe2\x82\xac\xe2\x82\xac"
#define LONG_ADDRESS "fd08:1111:2222:3333:4444:5555:6666:7777"

/*
 * What is shown is for user space alone to make fit: where a trace takes long
 * to start the first of these will do.
 */
static const struct terminal {
	unsigned int columns;
	int family;
	const char *address, *comm;
	char *time;
	char *only;	     /* another option, or NULL ... */
	unsigned int events; /* ... with so many of a connection */
} terminals[] = {
	{
		.columns = 80,
		.family = AF_INET6,
		.address = LONG_ADDRESS,
		.comm = "\001\002\003\004\005\006\007\b\v\f\016\017\020\021\022",
		.time = "--time=wall",
		.only = CLI_STATES_ONLY,
		.events = CLI_STATES,
	},
	{
		.columns = 80,
		.family = AF_INET,
		.address = "127.0.0.1",
		.comm = "client",
		.time = "--time=wall",
		.events = CLI_EVENTS,
	},
	{
		.columns = 140,
		.family = AF_INET6,
		.address = LONG_ADDRESS,
		.comm = EUROS,
		.time = "--time=mono",
		.only = CLI_STATES_ONLY,
		.events = CLI_STATES,
	},
	{
		.columns = 14,
		.family = AF_INET,
		.address = "127.0.0.1",
		.comm = EUROS,
		.time = "--time=rel",
		.only = CLI_STATES_ONLY,
		.events = CLI_STATES,
	},
};

static int add_address6(const void *address)
{
	struct {
		struct in6_addr addr;
		uint32_t prefix;
		int ifindex;
	} request = { .prefix = 128, .ifindex = if_nametoindex("lo") };
	int fd = socket(AF_INET6, SOCK_DGRAM | SOCK_CLOEXEC, 0), err;

	memcpy(&request.addr, address, sizeof(request.addr));
	err = ioctl(fd, SIOCSIFADDR, &request) ? -errno : 0;
	close(fd);
	return err;
}

/* Of UTF-8; none that is used here takes two columns. */
static unsigned int characters(const char *line)
{
	unsigned int n = 0;

	for (; *line; line++)
		n += (*line & 0xc0) != 0x80;
	return n;
}

/* Is no character cut in two? */
static bool whole(const char *line)
{
	size_t n;

	for (; *line; line += n) {
		n = say_printable(line, strlen(line));
		if (!n)
			return false;
	}
	return true;
}

/*
 * Claim: on a terminal no line is longer than that is wide, nothing of it is
 * lost, and each socket is introduced by a "+" line before its first line.
 */
static void expect_fits(struct __test_metadata *_metadata, struct cli *cli,
			const struct terminal *t)
{
	char introduced[64] = "", sock[16];
	char *text, *line, *rest;
	unsigned int n = 0, lines = 0;

	text = rest = strdup(prog_text(&cli->prog, PROG_OUT));
	while ((line = strsep(&rest, "\n"))) {
		EXPECT_LE(characters(line), t->columns)
		{
			TH_LOG("%s", line);
		}
		EXPECT_TRUE(whole(line))
		{
			TH_LOG("%s", line);
		}
		if (sscanf(line, " + %15s", sock) == 1) {
			ASSERT_GT(sizeof(introduced) - sizeof(sock),
				  strlen(introduced));
			strcat(introduced, sock);
			n++;
		} else if (sscanf(line, " %*[0-9.:] %15[L#0-9]", sock) == 1) {
			EXPECT_NE(NULL, strstr(introduced, sock));
			lines++;
		}
	}
	free(text);
	EXPECT_LE(2, n); /* of the two ends; again if the owner changes */
	EXPECT_EQ(t->events, lines)
	{
		TH_LOG("\n%s", prog_text(&cli->prog, PROG_OUT));
	}
	EXPECT_EQ(t->events, cli_closing_line(cli).shown);
}

TEST_F(terminal, fits)
{
	char *env[] = { "NO_COLOR=1", NULL };
	struct cli *cli = &self->cli;
	unsigned int i;

	for (i = 0; i < guest_times(ARRAY_SIZE(terminals), 1); i++) {
		const struct terminal *t = &terminals[i];
		char *args[] = { t->time, t->only, NULL };
		const struct prog_setup setup = { .argv = args,
						  .env = env,
						  .columns = t->columns };
		struct in6_addr address;

		if (i)
			cli_free(cli);
		ASSERT_EQ(0, cli_init(cli, t->family));
		ASSERT_EQ(1, inet_pton(t->family, t->address, &address));
		if (t->family == AF_INET6)
			ASSERT_EQ(0, add_address6(&address));
		ASSERT_EQ(0, prctl(PR_SET_NAME, t->comm));
		ASSERT_EQ(0, cli_start(cli, &setup));
		ASSERT_EQ(0, cli_connection(cli, t->family, &address));
		EXPECT_EQ(0, cli_end(cli, SIGINT));
		expect_fits(_metadata, cli, t);
	}
}

/*
 * Claim: colour on a terminal; outputs_test has all that decides it, cli_test a
 * pipe.
 */
TEST_F(terminal, colour)
{
	char *args[] = { CLI_STATES_ONLY, NULL };
	char *env[] = { "TERM=xterm", "NO_COLOR", NULL };
	const struct prog_setup setup = { .argv = args,
					  .env = env,
					  .columns = 80 };
	struct cli *cli = &self->cli;

	ASSERT_EQ(0, cli_init(cli, AF_INET));
	ASSERT_EQ(0, cli_start(cli, &setup));
	ASSERT_EQ(0, cli_connections(cli, 1));
	EXPECT_EQ(0, cli_end(cli, SIGINT));
	EXPECT_EQ(CLI_STATES, cli_closing_line(cli).shown);
	EXPECT_NE(NULL, strstr(prog_text(&cli->prog, PROG_OUT), "\033[32m"));
}

FIXTURE(flood)
{
	struct cli cli;
};

FIXTURE_SETUP(flood)
{
	ASSERT_EQ(0, cli_init(&self->cli, AF_INET));
}

FIXTURE_TEARDOWN(flood)
{
	cli_free(&self->cli);
}

/* The lines of events on a terminal, and what the sums say was left out. */
static struct cli_counts count_flood(const char *text)
{
	struct cli_counts n = {};
	unsigned int more;

	for (; *text; text = strchr(text, '\n') + 1) {
		if (sscanf(text, " ... %u more events", &more) == 1)
			n.filtered += more;
		else
			n.shown += strstr(text, "->") &&
				   strstr(text, "->") < strchr(text, '\n');
	}
	return n;
}

/* Many connections to a terminal. What it then shows. */
static struct cli_counts flood(struct __test_metadata *_metadata,
			       struct cli *cli, char *option)
{
	char *args[] = { CLI_STATES_ONLY, option, NULL };
	char *env[] = { "NO_COLOR=1", NULL };
	const struct prog_setup setup = { .argv = args,
					  .env = env,
					  .columns = 80 };
	unsigned int n = guest_times(FLOOD, FEW);
	struct cli_counts seen;

	EXPECT_EQ(0, cli_start(cli, &setup));
	EXPECT_EQ(0, cli_connections(cli, n));
	EXPECT_EQ(0, cli_end(cli, SIGINT));
	seen = count_flood(prog_text(&cli->prog, PROG_OUT));
	EXPECT_EQ(n * CLI_STATES, seen.shown + seen.filtered);
	return seen;
}

/*
 * Claim: what a terminal gets too fast is summed up. Each event is a line or in
 * a sum, and the closing line says how many of each. --all never sums up; that
 * is nothing to a kernel.
 */
TEST_F(flood, summed_up)
{
	struct cli_counts seen = flood(_metadata, &self->cli, NULL);
	struct cli_counts said = cli_closing_line(&self->cli);

	EXPECT_LT(0, seen.filtered);
	EXPECT_LE(500, seen.shown); /* of 1000 lines, many are "+" lines */
	EXPECT_EQ(seen.shown, said.shown);
	EXPECT_LE(seen.filtered, said.filtered); /* and other namespaces' */
	EXPECT_EQ(said.delivered, said.shown + said.filtered);
	if (guest_times(true, false))
		EXPECT_EQ(0, flood(_metadata, &self->cli, "--all").filtered);
}

/* Claim: all of it is in the file beside, and there it counts as shown. */
TEST_F(flood, beside)
{
	struct cli_counts seen = flood(_metadata, &self->cli, self->cli.beside);
	struct sighting states = { .type = "state" };
	unsigned int n = guest_times(FLOOD, FEW) * CLI_STATES;
	struct witness *witness;

	ASSERT_EQ(0, cli_read_beside(&self->cli));
	witness = self->cli.witness;
	EXPECT_LT(0, seen.filtered);
	EXPECT_EQ(n, witness_count(witness, &states));
	EXPECT_EQ(n, witness_counter(witness, "shown"));
	EXPECT_EQ(witness_counter(witness, "delivered"),
		  witness_counter(witness, "shown") +
			  witness_counter(witness, "filtered"));
}

TEST_HARNESS_MAIN
