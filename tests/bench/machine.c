// SPDX-License-Identifier: GPL-2.0
/* Where and when it was measured. */
#include "bench.h"

#include <stdlib.h>
#include <string.h>
#include <sys/utsname.h>
#include <time.h>
#include <unistd.h>

/* The first line of what a command or a file says; "-" if nothing. */
static const char *first_line(FILE *from, int (*end)(FILE *))
{
	char line[100] = "";

	if (from && fgets(line, sizeof(line), from))
		line[strcspn(line, "\n")] = '\0';
	if (from)
		end(from);
	return cell("%s", *line ? line : "-");
}

static const char *said_by(const char *command)
{
	return first_line(popen(command, "r"), pclose);
}

static const char *cpu(void)
{
	return said_by("sed -n 's/^model name[^:]*: //p' /proc/cpuinfo");
}

static const char *package(const char *name)
{
	return said_by(cell("dpkg-query -W -f '${Package} ${Version}' %s "
			    "2>/dev/null",
			    name));
}

void part_machine(unsigned int rounds)
{
	static const char *const packages[] = { "libbpf-tools", "bpftrace",
						"linux-perf", "iproute2" };
	struct table t = {};
	time_t now = time(NULL);
	struct utsname uts;
	char date[32];
	unsigned int i;

	(void)rounds;
	uname(&uts);
	strftime(date, sizeof(date), "%Y-%m-%d %H:%M UTC", gmtime(&now));
	table_row(&t, "What", "Which", NULL);
	table_row(&t, "Date", date, NULL);
	table_row(&t, "Kernel", cell("%s %s", uts.sysname, uts.release), NULL);
	table_row(&t, "CPU",
		  cell("%ld of %s", sysconf(_SC_NPROCESSORS_ONLN), cpu()),
		  NULL);
	table_row(&t, "Load of the machine, 1, 5, 15 minutes",
		  said_by("cut -d' ' -f1-3 /proc/loadavg"), NULL);
	for (i = 0; i < sizeof(packages) / sizeof(*packages); i++)
		table_row(&t, i ? "\\" : "Other tools", package(packages[i]),
			  NULL);
	table_print(&t);
}
