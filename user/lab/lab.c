// SPDX-License-Identifier: GPL-2.0
/* A trace is of namespaces that are there when it begins: they are kept ready. */
#include "lab/lab.h"

#include <arpa/inet.h>
#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#define LAB_NETNS 24 /* bytes for the number of one, in decimal */

static int lab_trace(struct lab *lab, const struct scenario *scenario)
{
	char netns[2 * LAB_RUNS * LAB_NETNS] = "", svg[PATH_MAX + 8];
	char *args[] = {
		"-q",	    "--netns",
		netns,	    "--windows",
		"--tiers",  "1,2,3,4",
		"--events", stage_events(lab->ladder ? scenario : NULL),
		NULL,	    NULL,
		NULL,	    NULL
	};
	int i = 8, k, n = 0;

	for (k = 0; k < 2 * (int)lab->n; k++)
		n += snprintf(
			netns + n, sizeof(netns) - n, "%s%llu", n ? "," : "",
			(unsigned long long)lab->pair[k / 2].side[k % 2].inode);
	if (lab->ladder) {
		args[i++] = "--ladder";
		args[i++] = "--explain";
	}
	snprintf(svg, sizeof(svg), "--svg=%s", lab->svg ?: "");
	if (lab->svg)
		args[i++] = svg;
	if (lab->ladder && lab->say)
		lab->say("$ tcbscope trace --ladder --explain --netns %s",
			 netns);
	return tracer_start(&lab->tracer, lab->tcbscope, args,
			    lab->ladder ? lab->text : -1);
}

/*
 * Addresses that no other lab has at the same time: a trace knows the two ends
 * of a connection by their addresses and ports alone.
 */
static void lab_address(struct netns_pair *pair, unsigned int n)
{
	unsigned int lab = getpid() % 10000, i;
	char text[INET6_ADDRSTRLEN];

	for (i = 0; i < 2; i++) {
		snprintf(text, sizeof(text), "10.%u.%u.%u", 100 + lab % 100, n,
			 1 + i);
		inet_pton(AF_INET, text, &pair->side[i].addr4);
		snprintf(text, sizeof(text), "fd08:%u:%u::%u", lab, n, 1 + i);
		inet_pton(AF_INET6, text, &pair->side[i].addr6);
	}
}

/* Namespaces for @runs scenarios, and their trace. */
static int lab_open(struct lab *lab, unsigned int runs,
		    const struct scenario *scenario)
{
	int err = 0;

	while (lab->n < runs && lab->n < LAB_RUNS && !err) {
		err = netns_pair_create_apart(&lab->pair[lab->n]);
		if (!lab->ladder)
			lab_address(&lab->pair[lab->n], lab->n);
		lab->n += !err;
	}
	if (!err)
		err = lab_trace(lab, scenario);
	if (err)
		lab_close(lab);
	return err;
}

/* One run. */
static int lab_once(struct lab *lab, unsigned int runs,
		    const struct scenario *scenario, bool control,
		    struct report *report)
{
	int err = 0;

	if (lab->used == lab->n) {
		err = lab_close(lab);
		if (!err)
			err = lab_open(lab, runs, scenario);
	}
	if (err)
		return err;
	stage_play(scenario, control, &lab->pair[lab->used++], &lab->tracer,
		   lab->ladder, lab->say, report);
	return 0;
}

int lab_play(struct lab *lab, unsigned int runs,
	     const struct scenario *scenario, bool control,
	     struct report *report)
{
	unsigned int repeated = 0;
	int err;

	while (!(err = lab_once(lab, runs, scenario, control, report))) {
		report->repeated = repeated;
		if (control || !report->missed || repeated++ == LAB_REPEATS)
			break;
		if (lab->say)
			lab->say("again, for the trace has missed something: "
				 "%s",
				 report->lacks);
		judge_free(report);
	}
	return err;
}

/* Not before: else others may get the numbers of namespaces that are traced. */
int lab_close(struct lab *lab)
{
	int err = 0;

	if (lab->tracer.pid)
		err = tracer_stop(&lab->tracer);
	tracer_free(&lab->tracer);
	while (lab->n)
		netns_pair_destroy(&lab->pair[--lab->n]);
	lab->used = 0;
	return err > 0 ? -EPIPE : err;
}
