/* SPDX-License-Identifier: GPL-2.0 */
/*
 * The one way through for events:
 *
 *	input -> schema check -> sort -> causes -> flow table
 *	      -> filter -> outputs
 *
 * and the account of where each of them went.
 */
#ifndef TCBSCOPE_EVENT_PIPELINE_H
#define TCBSCOPE_EVENT_PIPELINE_H

#include "event/account.h"
#include "event/filter.h"
#include "event/flow.h"
#include "event/schema.h"

/* A program of the kernel's side, for the header: is it there? */
struct hook {
	const char *name;
	bool attached;
};

/* What is known when a trace begins. Strings are the caller's. */
struct trace_info {
	const char *version, *host, *kernel;
	nsec_t start_ns;      /* CLOCK_MONOTONIC */
	__s64 wall_offset_ns; /* to add for CLOCK_REALTIME */
	const struct hook *hooks;
	unsigned int n_hooks;
};

struct output {
	const struct output_ops *ops;
};

/* header, event and footer return 0 or -errno; -EPIPE ends a trace quietly. */
struct output_ops {
	int (*header)(struct output *o, const struct trace_info *info);
	/* @flow may be NULL. *@shown: false if it only went into a sum. */
	int (*event)(struct output *o, const struct event *e, struct flow *flow,
		     bool *shown);
	/* Called when the input pauses, at @now_ns: let lines be seen. */
	int (*flush)(struct output *o, nsec_t now_ns);
	/* What has come since the last call, or the header; may be NULL. */
	int (*stats)(struct output *o, const struct account *interval,
		     nsec_t now_ns);
	int (*footer)(struct output *o, const struct account *account);
	void (*free)(struct output *o);
};

#define PIPELINE_OUTPUTS 4
#define PIPELINE_FLOWS 65536

struct pipeline;

/*
 * @filter may be NULL; filter and outputs belong to the pipeline from now on.
 * @max: after so many shown events all others are filtered; 0: no limit.
 */
struct pipeline *pipeline_new(const struct schema *schema,
			      struct filter *filter, uint64_t max);
void pipeline_free(struct pipeline *p);
int pipeline_add_output(struct pipeline *p, struct output *o);

/*
 * Existing sockets, one EVENT_socket each, are never shown: they only serve the
 * flow table, and are counted by themselves.
 */
void pipeline_hide_existing(struct pipeline *p);

/*
 * Of a command's connections the changes of state of the other end are shown as
 * well, if it is on this machine; what came before that was known is late. 0 or
 * -ENOMEM.
 */
int pipeline_show_peers(struct pipeline *p);

int pipeline_header(struct pipeline *p, const struct trace_info *info);

/*
 * Takes one record from an input; broken ones are counted as malformed. A
 * sink for input_read(): @pipeline is a struct pipeline. 0 or -errno.
 */
int pipeline_push(void *pipeline, const void *data, size_t size);

/*
 * Shows all events up to @until, which the input says is complete. 0, or
 * -errno of an output.
 */
int pipeline_release(struct pipeline *p, nsec_t until);
int pipeline_flush(struct pipeline *p, nsec_t now_ns);

int pipeline_stats(struct pipeline *p, const struct account *interval,
		   nsec_t now_ns);

/* Has the limit been reached? */
bool pipeline_done(const struct pipeline *p);

/* The account so far, but for the kernel's share, which the caller adds. */
struct account *pipeline_account(struct pipeline *p);

/* All that still waits is shown or filtered, then the footer is written. */
int pipeline_footer(struct pipeline *p);

/* After an error instead: all that still waits counts as filtered. */
void pipeline_drop(struct pipeline *p);

#endif
