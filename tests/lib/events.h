/* SPDX-License-Identifier: GPL-2.0 */
/* Events made by hand, for tests without a kernel. */
#ifndef TCBSCOPE_TESTS_LIB_EVENTS_H
#define TCBSCOPE_TESTS_LIB_EVENTS_H

#include "bpf/filter.h"
#include "event/schema.h"

/* The schema of the programs under test; the caller frees it. NULL: none. */
struct schema *events_schema(void);

/*
 * A transition of socket @cookie of process "app" 100: 10.0.0.1:@lport to
 * 10.0.0.2:@rport in namespace 1, at @ts nanoseconds.
 */
struct event_state events_state(nsec_t ts, __u64 cookie, port_t lport,
				port_t rport, enum tcb_state old,
				enum tcb_state new);

/* The same as seen from 10.0.0.2: the other end, in namespace 2. */
struct event_state events_other_end(nsec_t ts, __u64 cookie, port_t lport,
				    port_t rport, enum tcb_state old,
				    enum tcb_state new);

/* Its first byte of data, sent again by the first timeout. */
struct event_retransmit events_retransmit(nsec_t ts, __u64 cookie);

/* The reset that it sends when it is closed with data unread. */
struct event_reset events_reset(nsec_t ts, __u64 cookie);

/* A segment with data for it that is thrown away. */
struct event_drop events_drop(nsec_t ts, __u64 cookie);

/* The window of that socket in ESTABLISHED. */
struct event_window events_window(nsec_t ts, __u64 cookie, segs_t old_cwnd,
				  segs_t cwnd);

/* What the programs know of an event before they make it. */
struct filter_facts events_facts(const union event_any *e);

/* Makes of any bytes an event that passes the schema check. */
void events_mend(const struct schema *schema, union event_any *e);

#endif
