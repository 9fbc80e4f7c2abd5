// SPDX-License-Identifier: GPL-2.0
/* The table of the BPF programs. */
#include "input/probe.h"
#include "bpf/event.h"

#define WINDOW (1u << EVENT_window)

const struct probe_program probe_programs[] = {
	/* the second copy must come after the first */
	{ .name = "state_first", .mandatory = true },
	{ .name = "state_second", .mandatory = true },
	{ .name = "state_reset",
	  .without = "a reset is not told from other ends of a connection" },
	{ .name = "hold_collect", .calls = "bpf_rdonly_cast" },
	{ .name = "hold_collect_read",
	  .stands_in_for = "hold_collect",
	  .without = "a connect() is shown when it is answered" },
	{ .name = "state_setup", .mandatory = true },

	{ .name = "owner_sends",
	  .without = "a child that only sends is its listener's until it is "
		     "closed" },
	{ .name = "owner_receives" },
	{ .name = "owner_reads",
	  .stands_in_for = "owner_receives",
	  .without = "a child is its listener's until it is closed" },

	{ .name = "window_ack", .events = WINDOW, .mandatory = true },
	{ .name = "window_ca_state",
	  .events = WINDOW,
	  .without = "congestion states are seen at the next ACK" },
	{ .name = "window_retransmit",
	  .events = WINDOW,
	  .without = "changes at a retransmission are seen at the next ACK" },
	{ .name = "window_state",
	  .events = WINDOW,
	  .without = "changes outside ESTABLISHED are not seen" },
	{ .name = "window_send",
	  .events = WINDOW,
	  .without = "a window restarted after idleness is seen at the next "
		     "ACK" },
	{}
};

_Static_assert(sizeof(probe_programs) / sizeof(*probe_programs) <=
		       PROBE_PROGRAMS,
	       "PROBE_PROGRAMS");
