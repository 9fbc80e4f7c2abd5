// SPDX-License-Identifier: GPL-2.0
/* One function for each kind of condition. */
#include "lab/need.h"
#include "lab/nat.h"
#include "lab/witness.h"

#include <fcntl.h>
#include <json-c/json.h>
#include <sched.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

static bool need_tun(const char *name, const struct witness *w)
{
	int fd = open("/dev/net/tun", O_RDWR | O_CLOEXEC);

	(void)name;
	(void)w;
	if (fd >= 0)
		close(fd);
	return fd >= 0;
}

static bool need_nft(const char *name, const struct witness *w)
{
	(void)name;
	(void)w;
	return !access(NAT_NFT, X_OK);
}

static bool need_cpus2(const char *name, const struct witness *w)
{
	cpu_set_t cpus;

	(void)name;
	(void)w;
	return !sched_getaffinity(0, sizeof(cpus), &cpus) &&
	       CPU_COUNT(&cpus) >= 2;
}

/* What is free, for sockets by the ten thousand. */
static bool need_memory(const char *name, const struct witness *w)
{
	FILE *f = fopen("/proc/meminfo", "re");
	unsigned long kb = 0;
	char line[128];

	(void)name;
	(void)w;
	while (f && !kb && fgets(line, sizeof(line), f))
		if (sscanf(line, "MemAvailable: %lu kB", &kb) != 1)
			kb = 0;
	if (f)
		fclose(f);
	return kb >= 2UL << 20;
}

static bool need_hook(const char *name, const struct witness *w)
{
	return w && witness_has_hook(w, strchr(name, ':') + 1);
}

static bool need_sysctl(const char *name, const struct witness *w)
{
	char path[128];

	(void)w;
	snprintf(path, sizeof(path), "/proc/sys/%s", strchr(name, ':') + 1);
	return !access(path, F_OK);
}

/* The file has names, separated by spaces. */
static bool need_congestion(const char *name, const struct witness *w)
{
	FILE *f = fopen("/proc/sys/net/ipv4/tcp_available_congestion_control",
			"re");
	bool found = false;
	char word[32];

	(void)w;
	while (f && !found && fscanf(f, "%31s", word) == 1)
		found = !strcmp(word, name);
	if (f)
		fclose(f);
	return found;
}

/* The last one fits every name. */
static const struct need {
	const char *begins;
	bool (*met)(const char *name, const struct witness *w);
	const char *unmet;
} needs_known[] = {
	{ "tun", need_tun, "this kernel has no TUN devices" },
	{ "nft", need_nft, "there is no nft: install nftables" },
	{ "cpus2", need_cpus2, "this machine has one CPU only" },
	{ "memory2G", need_memory,
	  "this machine has not 2 GiB of free memory" },
	{ "hook:", need_hook, "the trace has no such program here" },
	{ "sysctl:", need_sysctl, "this kernel has no such sysctl" },
	{ "", need_congestion, "this kernel has no such congestion control" },
};

static const struct need *need_find(const char *name)
{
	const struct need *n = needs_known;

	while (strncmp(name, n->begins, strlen(n->begins)))
		n++;
	return n;
}

bool need_met(const char *needs, const struct witness *w, const char **unmet)
{
	char name[96];
	bool want;
	size_t len;

	for (; needs && *needs; needs += len + strspn(needs + len, " ")) {
		const struct need *n;

		len = strcspn(needs, " ");
		want = *needs != '!';
		snprintf(name, sizeof(name), "%.*s", (int)(len - !want),
			 needs + !want);
		n = need_find(name);
		if (n->met(name, w) != want) {
			*unmet = n->unmet;
			return false;
		}
	}
	return true;
}
