/* SPDX-License-Identifier: GPL-2.0 */
/*
 * The events: what the BPF programs write and everything else reads.
 *
 * This, with its words in event_enum.h, is the only description of an event.
 * Names, types, units, help texts and enum names are read at run time from the
 * BTF that clang makes of it (user/event/schema.c), so that a new event is one
 * struct here, one handler in bpf/ and one test.
 *
 * Rules that the schema reader relies on:
 *   - enum event_type's EVENT_x belongs to struct event_x;
 *   - the first member of every event struct is struct event; the members of
 *     it and of other structs are fields as if they were the event's own;
 *   - the unit of a number is its typedef (nsec_t, bytes_t, ...);
 *   - of an enum's names the common prefix is not shown, the rest as written;
 *   - an enum that is marked BITS is a number, and its names are those of bits;
 *   - DOC() is the help text, ABSENT_IF() the value that means "unknown";
 *     a member with neither text is padding and is not shown;
 *   - ABSENT_WITHOUT() on a struct names one of its numbers: when that is 0,
 *     all fields of the struct are absent; on a field, a number before it;
 *   - a number of a signed type may be below 0.
 */
#ifndef TCBSCOPE_EVENT_H
#define TCBSCOPE_EVENT_H

#include "bpf/event_enum.h"
#include <linux/types.h>

#ifdef __bpf__
#define DOC(text) __attribute__((btf_decl_tag("doc:" text)))
#define ABSENT_IF(value) __attribute__((btf_decl_tag("absent:" #value)))
#define ABSENT_WITHOUT(field) __attribute__((btf_decl_tag("without:" #field)))
#define BITS __attribute__((btf_decl_tag("bits")))
#else
#define DOC(text)
#define ABSENT_IF(value)
#define ABSENT_WITHOUT(field)
#define BITS
#endif

typedef __u64 nsec_t;
typedef __u32 usec_t;
typedef __u64 bytes_t;
typedef __u32 bytes32_t;
typedef __u64 bytes_per_sec_t;
typedef __u32 segs_t;
typedef __u16 port_t; /* host byte order */

/* IPv6, or IPv4 in the first four bytes: struct event's family tells. */
typedef struct {
	__u8 byte[16];
} addr_t;

enum ENUM8 event_type {
	EVENT_state = 1,
	EVENT_window = 2,
	EVENT_retransmit = 3,
	EVENT_reset = 4,
	EVENT_drop = 5,
	EVENT_socket = 6,
	EVENT_queue = 7,
	EVENT_call = 8,
	EVENT_segment = 9,
};

/*
 * Common to all events. seq is the order in which the events of a socket were
 * made, held ones included; their times follow it but where two CPUs worked on
 * the socket at once.
 */
struct event {
	nsec_t ts_ns DOC("CLOCK_MONOTONIC time of the event");
	__u64 cookie DOC("socket cookie, as SO_COOKIE gives it") ABSENT_IF(0);
	__u64 cgroup DOC("id of the socket's cgroup v2") ABSENT_IF(0);
	__u32 seq DOC("number of the event among those of its socket");
	__u32 netns DOC("inode number of the socket's network namespace");
	__u32 pid DOC("process that owns the socket") ABSENT_IF(0);
	__u32 tid DOC("thread that owns the socket") ABSENT_IF(0);
	__u32 uid DOC("user that owns the socket") ABSENT_IF(0xffffffff);
	port_t lport DOC("local port") ABSENT_IF(0);
	port_t rport DOC("remote port") ABSENT_IF(0);
	addr_t laddr DOC("local address");
	addr_t raddr DOC("remote address");
	char comm[16] DOC("name of the owner's thread") ABSENT_IF(0);
	enum event_type type DOC("event type");
	enum family family DOC("protocol on the wire");
	enum how how DOC("how the event came to be known");
	enum how owner_how DOC("how the owner came to be known") ABSENT_IF(0);
	__u8 late DOC("1: came after later events were shown") ABSENT_IF(0);
	__u8 within;  /* bits: which of the cgroups asked for it is in */
	__u8 foreign; /* not of the traced command; of a peer, it may be */
	__u8 pad[1];
};

struct event_state {
	struct event ev;
	enum tcb_state old DOC("state before");
	enum tcb_state new DOC("state after");
	enum cause cause DOC("what made the transition") ABSENT_IF(0);
	enum how cause_how DOC("how the cause came to be known") ABSENT_IF(0);
	enum kind kind DOC("name of a special transition") ABSENT_IF(0);
	enum how kind_how DOC("how the kind came to be known") ABSENT_IF(0);
	enum tcb_state tw_substate
		DOC("state that the TIME_WAIT minisocket stands in for")
			ABSENT_IF(0);
	enum tcb_state gap_from DOC(
		"transitions were missed: state last seen before") ABSENT_IF(0);
	__u32 err DOC("errno in sk_err") ABSENT_IF(0);
	__u32 pad;
	__u64 cause_call DOC("number of the call that made it") ABSENT_IF(0);
	__u64 cause_segment DOC("number of the segment that made it")
		ABSENT_IF(0);
};

/* The congestion window and all that explains it. */
struct window {
	segs_t cwnd DOC("congestion window");
	segs_t ssthresh DOC("slow start threshold; absent: none yet")
		ABSENT_IF(0x7fffffff);
	segs_t in_flight DOC("segments sent and neither acked nor lost");
	segs_t retrans DOC("segments retransmitted so far");
	usec_t srtt_us DOC("smoothed round-trip time") ABSENT_IF(0);
	usec_t rttvar_us DOC("mean deviation of the round-trip time")
		ABSENT_IF(0);
	usec_t min_rtt_us DOC("least round-trip time of the last minutes")
		ABSENT_IF(0xffffffff);
	usec_t rto_us DOC("retransmission timeout") ABSENT_IF(0);
	bytes32_t mss DOC("bytes that a segment may carry");
	bytes32_t snd_wnd DOC("bytes that the peer offers to take");
	bytes32_t rcv_wnd DOC("bytes that this end offers to take");
	enum ca_state ca_state DOC("congestion state");
	__u8 pad[3];
	bytes_per_sec_t pacing_rate DOC("pacing rate; absent: unlimited")
		ABSENT_IF(0xffffffffffffffff);
	bytes_per_sec_t delivery_rate DOC("last measured delivery rate")
		ABSENT_IF(0);
	bytes_t bytes_acked DOC("bytes that the peer has acked");
	bytes_t bytes_received DOC("bytes received in order");
	char ca_name[16] DOC("congestion control algorithm");
};

#define NOT_UNDONE 0xffffffff /* event_window.undone */

struct event_window {
	struct event ev;
	struct window w;
	segs_t old_cwnd DOC("congestion window of the event before")
		ABSENT_IF(0);
	segs_t undone DOC("a loss turned out to be none and the window is "
			  "given back: segments retransmitted in vain")
		ABSENT_IF(0xffffffff);
	enum ca_state old_ca_state DOC("congestion state of the event before");
	enum window_at at DOC("where it was measured");
	enum tcb_state state DOC("TCP state");
	__u8 pad[5];
};

struct event_retransmit {
	struct event ev;
	__u32 start DOC("first sequence number, relative to the initial one: "
			"0 is the SYN, 1 the first byte of data");
	__u32 end DOC("sequence number after the last");
	bytes32_t len DOC("bytes of data");
	segs_t segs DOC("segments that carry them");
	segs_t retrans DOC("segments retransmitted so far, with these")
		ABSENT_IF(0);
	usec_t rto_us DOC("retransmission timeout") ABSENT_IF(0);
	segs_t cwnd DOC("congestion window") ABSENT_IF(0);
	enum retransmit_kind kind DOC("what the retransmission is");
	enum how kind_how DOC("how the kind came to be known");
	enum cause cause DOC("what made it") ABSENT_IF(0);
	enum how cause_how DOC("how the cause came to be known") ABSENT_IF(0);
	enum ca_state ca_state DOC("congestion state");
	enum tcb_state state DOC("TCP state");
	__u8 nth DOC("how many timeouts there were in a row, with this one; "
		     "of a SYN-ACK: how many times it was sent again")
		ABSENT_IF(0);
	__u8 pad[5];
};

/*
 * The kernel's reasons have names that are the same in all kernels, and numbers
 * that are not: the reader puts the name that the running kernel gives to
 * reason_nr into reason.
 */
#define NO_REASON 0xffffffff /* the kernel has not given any */
#define REASON_LEN 32

struct reason {
	__u32 reason_nr;
	char reason[REASON_LEN] DOC("why, in the kernel's words: of its enum "
				    "sk_rst_reason or skb_drop_reason")
		ABSENT_IF(0);
};

struct event_reset {
	struct event ev;
	enum direction direction DOC("which way it went");
	enum cause cause DOC("what made it") ABSENT_IF(0);
	enum how cause_how DOC("how the cause came to be known") ABSENT_IF(0);
	enum kind kind DOC("what a process did to the connection") ABSENT_IF(0);
	enum how kind_how DOC("how the kind came to be known") ABSENT_IF(0);
	enum tcb_state state DOC("state of the socket before; absent: no "
				 "socket") ABSENT_IF(0);
	__u8 pad[2];
	bytes32_t unread DOC("bytes received that nobody has read")
		ABSENT_IF(0);
	struct reason why;
};

/* A segment that the kernel threw away, whether it came or was to go. */
struct event_drop {
	struct event ev;
	enum direction direction DOC("which way it went");
	enum tcb_state state DOC("state of the socket; absent: no socket, or "
				 "none that is known") ABSENT_IF(0);
	enum segment_flag flags BITS DOC("TCP flags");
	__u8 pad[5];
	__u32 tcp_seq DOC("sequence number, as in the header");
	bytes32_t len DOC("bytes of data");
	struct reason why;
	__u32 pad2;
};

/*
 * Of the connection, if there is a socket for it, else of the listener, with
 * the connection's peer. The SYN queue has the requests whose handshake is not
 * complete, the accept queue the connections that no process has accepted; the
 * limit is of each of them, and each holds one more.
 */
struct event_queue {
	struct event ev;
	__u64 listener DOC("socket cookie of the listener") ABSENT_IF(0);
	nsec_t wait_ns DOC("time in the accept queue; of the first that waits, "
			   "if op is looked") ABSENT_IF(0xffffffffffffffff);
	usec_t syn_wait_us DOC("time in the SYN queue") ABSENT_IF(0);
	__u32 syn DOC("requests in the SYN queue, after this")
		ABSENT_IF(0xffffffff);
	__u32 young DOC("of them, those whose SYN-ACK was sent but once")
		ABSENT_IF(0xffffffff);
	__u32 accept DOC("connections in the accept queue, after this")
		ABSENT_IF(0xffffffff);
	__u32 limit DOC("what listen() was asked for, at most somaxconn");
	__u32 asked DOC("what listen() was asked for") ABSENT_IF(0xffffffff);
	__u32 fd DOC("file descriptor that accept() returned")
		ABSENT_IF(0xffffffff);
	enum queue_op op DOC("what happened");
	enum how depth_how DOC("how the depths came to be known") ABSENT_IF(0);
	enum how wait_how DOC("how the times came to be known") ABSENT_IF(0);
	__u8 nth DOC("how many times the SYN-ACK was sent again") ABSENT_IF(0);
	enum queue_rule rule DOC("the kernel's rule that decided") ABSENT_IF(0);
	enum how rule_how DOC("how the rule came to be known") ABSENT_IF(0);
	enum tcb_state state DOC("state of the connection that waits")
		ABSENT_IF(0);
	__u8 pad[1];
	bytes32_t unread DOC("bytes received of the connection that waits")
		ABSENT_IF(0xffffffff);
	__u32 drops DOC("drops that the kernel has counted for the listener, "
			"some of them twice") ABSENT_IF(0xffffffff);
	__u32 somaxconn DOC("net.core.somaxconn of the listener's namespace")
		ABSENT_IF(0xffffffff);
};

/*
 * A segment that goes from one TCP to another: one for each that the kernel
 * handles as one, which may travel as several. Its ends are those of its
 * header, seen from this machine. Sequence numbers are relative to the initial
 * one of who sends them: 0 is the SYN, 1 the first byte of data.
 */
#define SEGMENT_UNKNOWN 0xffffffff /* of a number of event_segment: absent */

struct event_segment {
	struct event ev;
	__u64 segment DOC("number of the segment in this trace");
	__u64 listener
		DOC("socket cookie of the listener that it came to or is of")
			ABSENT_IF(0);
	__u32 tcp_seq DOC("sequence number, relative to the initial one")
		ABSENT_IF(0xffffffff);
	__u32 end DOC("sequence number after the last; a SYN and a FIN are one")
		ABSENT_IF(0xffffffff);
	__u32 ack DOC("sequence number that is expected next, relative to the "
		      "initial one of the other end") ABSENT_IF(0xffffffff);
	bytes32_t len DOC("bytes of data");
	segs_t segs DOC("segments that it travels as");
	bytes32_t window DOC("bytes that its sender offers to take")
		ABSENT_IF(0xffffffff);
	bytes32_t mss DOC("option: bytes that a segment to its sender may have")
		ABSENT_IF(0);
	__u32 tsval DOC("option: timestamp of its sender") ABSENT_IF(0);
	__u32 tsecr DOC("option: timestamp that it echoes") ABSENT_IF(0);
	__u32 sack1_start DOC("option: first SACK block, its first number")
		ABSENT_IF(0xffffffff);
	__u32 sack1_end DOC("number after its last") ABSENT_IF(0xffffffff);
	__u32 sack2_start DOC("second SACK block") ABSENT_IF(0xffffffff);
	__u32 sack2_end DOC("number after its last") ABSENT_IF(0xffffffff);
	__u32 sack3_start DOC("third SACK block") ABSENT_IF(0xffffffff);
	__u32 sack3_end DOC("number after its last") ABSENT_IF(0xffffffff);
	__u32 sack4_start DOC("fourth SACK block") ABSENT_IF(0xffffffff);
	__u32 sack4_end DOC("number after its last") ABSENT_IF(0xffffffff);
	enum direction direction DOC("which way it went");
	enum tcb_state state DOC("state of the socket before; absent: no "
				 "socket") ABSENT_IF(0);
	enum segment_flag flags BITS DOC("TCP flags");
	__u8 wscale DOC("option: how far its sender's windows are to be "
			"shifted, those of SYNs excepted") ABSENT_IF(0xff);
	__u8 sack_permitted DOC("option: 1, its sender takes SACK blocks")
		ABSENT_IF(0);
	__u8 retransmitted DOC("1: its first byte was sent before; of segments "
			       "that are sent") ABSENT_IF(0);
	__u8 malformed DOC("1: its options are no list of options; what stands "
			   "before the fault is told") ABSENT_IF(0);
	__u8 pad[5];
};

/*
 * A socket that was there when the trace began. Its seq is that of its next
 * event, because it is none itself.
 */
struct event_socket {
	struct event ev;
	struct window w ABSENT_WITHOUT(cwnd);
	__u64 inode DOC("inode number of the socket, as in /proc/PID/fd")
		ABSENT_IF(0);
	nsec_t age_ns DOC("for how long it has been in this state, at least")
		ABSENT_IF(0xffffffffffffffff);
	nsec_t idle_ns DOC("since it last sent data, received any, or an ACK")
		ABSENT_IF(0xffffffffffffffff);
	nsec_t timer_ns DOC("until the timer runs out")
		ABSENT_IF(0xffffffffffffffff);
	__u32 fd DOC("file descriptor of the owner") ABSENT_IF(0xffffffff);
	__u32 holders DOC("file descriptors of all processes that hold it")
		ABSENT_IF(0);
	bytes32_t unread DOC("bytes received that the owner has not read")
		ABSENT_IF(0xffffffff);
	bytes32_t unacked DOC("bytes to send that the peer has not acked")
		ABSENT_IF(0xffffffff);
	__u32 syn DOC("connections in the SYN queue of a listener")
		ABSENT_IF(0xffffffff);
	__u32 accept DOC("connections in the accept queue of a listener")
		ABSENT_IF(0xffffffff);
	__u32 limit DOC("limit of the accept queue, which holds one more")
		ABSENT_IF(0xffffffff);
	__u32 drops DOC("drops that the kernel has counted for a listener, "
			"some of them twice") ABSENT_IF(0xffffffff);
	enum tcb_state state DOC("TCP state");
	enum tcb_state tw_substate
		DOC("state that the TIME_WAIT minisocket stands in for")
			ABSENT_IF(0);
	enum timer timer DOC("timer that runs") ABSENT_IF(0);
	enum how age_how DOC("how the age came to be known") ABSENT_IF(0);
	__u8 pad[4];
};

#define CALL_NO_VALUE ((__s64)(1ull << 63)) /* absent, where -1 is a value */

/*
 * What a process asks of a socket. Its pid, tid, comm are those of the caller,
 * who is not always the owner that other events know. Of a call that makes a
 * socket, the exit is of that one: of accept() the connection, with the file
 * descriptor of the listener.
 */
struct event_call {
	struct event ev;
	__u64 call DOC("number of the call in this trace: the same in all its "
		       "events");
	nsec_t duration_ns DOC("how long it took")
		ABSENT_IF(0xffffffffffffffff);
	__s64 result DOC("what it returned; -1: it failed")
		ABSENT_IF(0x8000000000000000);
	bytes_t len DOC("bytes that it may send or receive")
		ABSENT_IF(0xffffffffffffffff);
	__s64 optval DOC("value of the option, if it is a number; of SO_LINGER "
			 "seconds, -1: off; of times out milliseconds")
		ABSENT_IF(0x8000000000000000);
	__u64 inode DOC("inode number of the socket, as in /proc/PID/fd")
		ABSENT_IF(0);
	enum family to_family DOC("there is an address") ABSENT_IF(0);
	enum call_op op DOC("which call");
	enum call_phase phase DOC("where in the call");
	enum call_via via DOC("how the kernel was called");
	enum shut_how shut DOC("what shutdown() ends") ABSENT_IF(255);
	enum epoll_op epoll_op DOC("what epoll_ctl() does") ABSENT_IF(0);
	enum fcntl_cmd cmd DOC("what fcntl() does") ABSENT_IF(0);
	enum sockopt option DOC("name of the option") ABSENT_IF(0);
	__u8 pad[2];
	port_t to_port DOC("port given to it, or by it")
		ABSENT_WITHOUT(to_family);
	addr_t to DOC("address given to it, or by it")
		ABSENT_WITHOUT(to_family);
	__u32 fd DOC("file descriptor") ABSENT_IF(0xffffffff);
	__u32 epfd DOC("file descriptor of the epoll instance")
		ABSENT_IF(0xffffffff);
	__u32 flags DOC("flags, in the kernel's numbers") ABSENT_IF(0);
	__u32 err DOC("errno of what failed") ABSENT_IF(0);
	__u32 backlog DOC("what listen() asks for") ABSENT_IF(0xffffffff);
	__u32 level DOC("level of the option") ABSENT_IF(0xffffffff);
	__u32 optname DOC("number of the option") ABSENT_IF(0xffffffff);
	enum poll_bit wanted BITS DOC("what is waited for") ABSENT_IF(0);
	enum poll_bit ready BITS DOC("what it is ready for") ABSENT_IF(0);
};

/* The largest event: size of buffers that hold any of them. */
union event_any {
	struct event ev;
	struct event_state state;
	struct event_window window;
	struct event_retransmit retransmit;
	struct event_reset reset;
	struct event_drop drop;
	struct event_socket socket;
	struct event_queue queue;
	struct event_segment segment;
	struct event_call call;
};

#endif
