/* SPDX-License-Identifier: GPL-2.0 */
/*
 * What an input is: it yields records of events, in any order, and says up to
 * which time it has yielded all of them.
 */
#ifndef TCBSCOPE_INPUT_INPUT_H
#define TCBSCOPE_INPUT_INPUT_H

#include "event/pipeline.h"

/* Takes a record that is valid during the call only. 0 or -errno: stop. */
typedef int (*input_sink)(void *ctx, const void *data, size_t size);

/* What the kernel is to do; all of it is fixed before the programs load. */
struct input_bpf_options {
	struct config config; /* call[] is filled in by the input;
				 offspring means this process's own; with
				 EVENT_socket existing sockets are yielded */
	__u32 asked; /* 1 << EVENT_x of the events asked for by name: without
			them there is no trace */
	__u32 tiers; /* 1 << tier of the hooks to be used, as tier.h numbers
			them; 0: TIERS_DEFAULT */
	__u32 asked_tiers; /* of these, those without which there is no trace */
	uint64_t ring_bytes; /* rounded up to what the kernel can */
	bool debug;	     /* libbpf's messages on stderr */
};

/* Why input_bpf_open() or _start() failed, in words for the user. */
struct input_error {
	char what[160];
	char why[320];	  /* may be empty */
	const char *then; /* may be NULL */
	int code;	  /* exit code: enum of lib/say.h */
};

/* What a snapshot of all sockets could not look at. */
struct input_blind {
	unsigned int namespaces; /* that could not be entered */
	unsigned int processes;	 /* whose namespace could not be told */
	int err;		 /* -errno: at nothing at all */
};

struct input_bpf;
struct probe_result;

/*
 * Opens the BPF object without loading it: needs no privilege. NULL with
 * errno set. The BTF belongs to the input.
 */
struct input_bpf *input_bpf_open(bool debug);
const struct btf *input_bpf_btf(const struct input_bpf *in);

/*
 * Loads and attaches, all that is mandatory or nothing. 0, or -1 with @error
 * filled in. After it no capability is needed any more.
 */
int input_bpf_start(struct input_bpf *in,
		    const struct input_bpf_options *options,
		    struct input_error *error);

/* For the header: which programs run, and which the kernel refuses. */
const struct hook *input_bpf_hooks(const struct input_bpf *in, unsigned int *n);

/*
 * What became of each program of the table in probe.h, by its index, even if
 * the start has failed.
 */
const struct probe_result *input_bpf_results(const struct input_bpf *in);

/* Does a program of that table run? */
bool input_bpf_works(const struct input_bpf *in, const char *name);

/* What a program of that table hangs on: "tp_btf/tcp_probe". */
const char *input_bpf_section(const struct input_bpf *in, unsigned int i);

/* May programs read what processes write down for their calls? Once started. */
bool input_bpf_reads_user(const struct input_bpf *in);

/*
 * Are there sockets still to be yielded that existed before the trace? Then
 * input_bpf_read() is to be called without waiting: it does some at a time.
 */
bool input_bpf_existing(const struct input_bpf *in);

/* What of such sockets cannot be known; all 0 if they are not wanted. */
const struct input_blind *input_bpf_blind(const struct input_bpf *in);

/*
 * Yields all records there are. *@complete: nothing older than that can come
 * any more (CLOCK_MONOTONIC). 0 or -errno.
 */
int input_bpf_read(struct input_bpf *in, input_sink sink, void *ctx,
		   nsec_t *complete);

/*
 * Looks at a listener, by its cookie, and at up to @children connections that
 * wait in its accept queue: events that say so come out of the next read. 0: at
 * those only that have had drops since this was last done. With queue events
 * asked for by name, of listeners that they or the snapshot have told of.
 */
void input_bpf_look(struct input_bpf *in, __u64 listener,
		    unsigned int children);

/* Detaches: no event is generated any more. What is in the ring stays. */
void input_bpf_stop(struct input_bpf *in);

/* After it: takes what comes late all the same, then the account is exact. */
void input_bpf_settle(struct input_bpf *in);

/* The kernel's share of the account, as it is now. */
void input_bpf_account(struct input_bpf *in, struct account *account);

void input_bpf_free(struct input_bpf *in);

#endif
