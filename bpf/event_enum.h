/* SPDX-License-Identifier: GPL-2.0 */
/*
 * The words of events: what a field of bpf/event.h can say, where that is one
 * of a few things.
 */
#ifndef TCBSCOPE_EVENT_ENUM_H
#define TCBSCOPE_EVENT_ENUM_H

#define ENUM8 __attribute__((packed)) /* an enum that takes one byte */

/* How a fact came to be known. */
enum ENUM8 how {
	HOW_observed = 1, /* the kernel said so */
	HOW_derived,	  /* concluded from what the kernel said */
	HOW_sampled,	  /* read at some time after it became true */
	HOW_recovered,	  /* seen by the second copy of the program only */
	HOW_existing,	  /* was so before the trace began */
};

/* Address family on the wire, with the kernel's numbers. */
enum ENUM8 family {
	FAMILY_INET = 2,
	FAMILY_INET6 = 10,
};

/* The kernel's TCP states, with the kernel's numbers. */
enum ENUM8 tcb_state {
	TCB_STATE_ESTABLISHED = 1,
	TCB_STATE_SYN_SENT,
	TCB_STATE_SYN_RECV,
	TCB_STATE_FIN_WAIT1,
	TCB_STATE_FIN_WAIT2,
	TCB_STATE_TIME_WAIT,
	TCB_STATE_CLOSE,
	TCB_STATE_CLOSE_WAIT,
	TCB_STATE_LAST_ACK,
	TCB_STATE_LISTEN,
	TCB_STATE_CLOSING,
	TCB_STATE_NEW_SYN_RECV,
};

/*
 * What made a transition. The first word says what acts, so that outputs
 * need no table: CALL_x is a system call, RX_x_y a segment with the flags x
 * and y, TIMER_x a timer of the socket.
 */
enum ENUM8 cause {
	CAUSE_NONE,
	CAUSE_CALL, /* one that has no name here */
	CAUSE_CALL_CONNECT,
	CAUSE_CALL_LISTEN,
	CAUSE_CALL_CLOSE,
	CAUSE_CALL_SHUTDOWN,
	CAUSE_CALL_SENDTO,
	CAUSE_CALL_SENDMSG,
	CAUSE_CALL_DUP,
	CAUSE_CALL_EXECVE,
	CAUSE_CALL_IO_URING,
	CAUSE_EXIT,
	CAUSE_KERNEL,
	CAUSE_ABORT,
	CAUSE_RX_SYN,
	CAUSE_RX_SYN_ACK,
	CAUSE_RX_ACK,
	CAUSE_RX_FIN,
	CAUSE_RX_RST,
	CAUSE_RX_ICMP,
	CAUSE_RACK,   /* ACKs of what was sent later say that it is lost */
	CAUSE_DUPACK, /* so do three of the same, where there is no SACK */
	CAUSE_TIMER_RETRANSMIT,
	CAUSE_TIMER_PERSIST,
	CAUSE_TIMER_KEEPALIVE,
	CAUSE_TIMER_FIN_WAIT2,
	CAUSE_TIMER_LOSS_PROBE,
	CAUSE_TIMER_RACK,
};

/* What a transition is called when it is a special one. */
enum ENUM8 kind {
	KIND_none,
	KIND_crossed,		 /* SYN_SENT -> SYN_RECV: SYNs crossed here */
	KIND_full,		 /* simultaneous open: both ends crossed */
	KIND_half,		 /* only one of the ends crossed */
	KIND_unknown,		 /* full or half: nothing tells which */
	KIND_self,		 /* the socket connected to itself */
	KIND_simultaneous_close, /* FIN_WAIT1 -> CLOSING: FINs crossed */
	KIND_unread_data,	 /* close() threw received data away: RST */
	KIND_linger,		 /* close() with SO_LINGER 0: RST */
	KIND_disconnect,	 /* connect(AF_UNSPEC) */
	KIND_never_accepted,	 /* closed in the queue of a dying listener */
};

/* The kernel's congestion states, with the kernel's numbers. */
enum ENUM8 ca_state {
	CA_STATE_Open,
	CA_STATE_Disorder,
	CA_STATE_CWR,
	CA_STATE_Recovery,
	CA_STATE_Loss,
};

/* Where a window event was taken. */
enum ENUM8 window_at {
	WINDOW_AT_ack = 1,
	WINDOW_AT_ca_state,
	WINDOW_AT_retransmit,
	WINDOW_AT_state,
	WINDOW_AT_send,
};

/* What a retransmission is. */
enum ENUM8 retransmit_kind {
	RETRANSMIT_fast = 1,   /* known to be lost: sent again at once */
	RETRANSMIT_RTO,	       /* the retransmit timer ran out: the first one */
	RETRANSMIT_slow_start, /* after a timeout, as ACKs come; too long */
	RETRANSMIT_TLP, /* the last one, to make the peer say something */
	RETRANSMIT_SYN,
	RETRANSMIT_SYN_ACK,
	RETRANSMIT_window_probe, /* the peer has shrunk its window to 0 */
};

/* Which way a segment went. */
enum ENUM8 direction {
	DIRECTION_sent = 1,
	DIRECTION_received,
};

/* Flags of a segment, as in its header. */
enum ENUM8 segment_flag {
	SEGMENT_FLAG_FIN = 1,
	SEGMENT_FLAG_SYN = 2,
	SEGMENT_FLAG_RST = 4,
	SEGMENT_FLAG_PSH = 8,
	SEGMENT_FLAG_ACK = 16,
	SEGMENT_FLAG_URG = 32,
	SEGMENT_FLAG_ECE = 64,
	SEGMENT_FLAG_CWR = 128,
};

/* A timer of a socket. */
enum ENUM8 timer {
	TIMER_RETRANSMIT = 1,
	TIMER_PERSIST,	  /* to ask a peer whose window is closed */
	TIMER_LOSS_PROBE, /* to make a peer say what it has got */
	TIMER_RACK,	  /* until what is missing counts as lost */
	TIMER_KEEPALIVE,
	TIMER_FIN_WAIT2, /* the end of a closed socket that waits for a FIN */
	TIMER_TIME_WAIT, /* the end of TIME_WAIT */
	TIMER_SYN_ACK,	 /* to send the SYN-ACK once more */
};

/* What happens to a listener's queues. */
enum ENUM8 queue_op {
	QUEUE_listen = 1,      /* a socket begins to listen */
	QUEUE_SYN_ACK_resent,  /* to one that waits in the SYN queue */
	QUEUE_completed,       /* the handshake: into the accept queue */
	QUEUE_accepted,	       /* out of it, by a process */
	QUEUE_unlisten,	       /* it is closed, with all that wait */
	QUEUE_SYN_queued,      /* a request: into the SYN queue */
	QUEUE_expired,	       /* out of it: no SYN-ACK was answered */
	QUEUE_reset,	       /* out of it: by an RST, either way, or ICMP */
	QUEUE_SYN_dropped,     /* no request is made of it */
	QUEUE_cookie_sent,     /* no request: what is in the SYN-ACK will do */
	QUEUE_cookie_accepted, /* it came back: into the accept queue */
	QUEUE_accept_overflow, /* the last ACK came, and there was no room */
	QUEUE_looked,	       /* nothing: the listener was looked at */
	QUEUE_waiting,	       /* nothing: who waits in the accept queue was */
	QUEUE_fast_opened, /* a SYN with data: into the accept queue at once,
			      before its handshake (TCP Fast Open) */
};

/* By which of its rules the kernel decided so, in the order of its tests. */
enum ENUM8 queue_rule {
	QUEUE_RULE_NONE,
	QUEUE_RULE_cookies_always,	  /* tcp_syncookies is 2 */
	QUEUE_RULE_SYN_queue_full_cookie, /* more requests than the limit ... */
	QUEUE_RULE_SYN_queue_full_drop,	  /* ... and tcp_syncookies is 0 */
	QUEUE_RULE_accept_queue_full,	  /* the SYN is not looked at */
	QUEUE_RULE_last_quarter,	  /* of tcp_max_syn_backlog, without
					     cookies, is for known peers */
	QUEUE_RULE_third_ACK_overflow, /* the accept queue is full: ignored */
	QUEUE_RULE_abort_on_overflow,  /* ... and answered by an RST */
};

/* What a process calls the kernel for: the system call's own name. */
enum ENUM8 call_op {
	CALL_socket = 1,
	CALL_bind,
	CALL_listen,
	CALL_connect,
	CALL_accept,
	CALL_accept4,
	CALL_sendto,
	CALL_sendmsg,
	CALL_sendmmsg,
	CALL_write,
	CALL_writev,
	CALL_sendfile,
	CALL_splice,
	CALL_recvfrom,
	CALL_recvmsg,
	CALL_recvmmsg,
	CALL_read,
	CALL_readv,
	CALL_shutdown,
	CALL_close,
	CALL_poll,
	CALL_ppoll,
	CALL_select,
	CALL_pselect6,
	CALL_epoll_ctl,
	CALL_epoll_wait,
	CALL_epoll_pwait,
	CALL_epoll_pwait2,
	CALL_getsockopt,
	CALL_setsockopt,
	CALL_dup,
	CALL_dup2,
	CALL_dup3,
	CALL_fcntl,
};

/*
 * The events of one call: what it is about to do, the sockets that it finds
 * ready, and what has become of it.
 */
enum ENUM8 call_phase {
	CALL_PHASE_enter = 1,
	CALL_PHASE_ready,
	CALL_PHASE_exit,
};

/* The way into the kernel. */
enum ENUM8 call_via {
	CALL_VIA_syscall = 1,
	CALL_VIA_io_uring,
};

/* What shutdown() ends, with the kernel's numbers. */
enum ENUM8 shut_how {
	SHUT_HOW_RD,
	SHUT_HOW_WR,
	SHUT_HOW_RDWR,
};

/* What epoll_ctl() does, with the kernel's numbers. */
enum ENUM8 epoll_op {
	EPOLL_OP_ADD = 1,
	EPOLL_OP_DEL,
	EPOLL_OP_MOD,
};

/* What poll() and epoll_ctl() ask for; the last three only the latter. */
enum poll_bit {
	POLL_BIT_IN = 1,
	POLL_BIT_PRI = 2,
	POLL_BIT_OUT = 4,
	POLL_BIT_ERR = 8,
	POLL_BIT_HUP = 0x10,
	POLL_BIT_NVAL = 0x20,
	POLL_BIT_RDNORM = 0x40,
	POLL_BIT_RDBAND = 0x80,
	POLL_BIT_WRNORM = 0x100,
	POLL_BIT_WRBAND = 0x200,
	POLL_BIT_RDHUP = 0x2000,
	POLL_BIT_EXCLUSIVE = 1 << 28,
	POLL_BIT_ONESHOT = 1 << 30,
	POLL_BIT_ET = 1u << 31,
};

/* What fcntl() is asked for, of what is told here. */
enum ENUM8 fcntl_cmd {
	FCNTL_F_DUPFD = 1,
	FCNTL_F_DUPFD_CLOEXEC,
	FCNTL_F_SETFL,
};

/* Options of sockets that have a name here. */
enum ENUM8 sockopt {
	SOCKOPT_SO_ACCEPTCONN = 1,
	SOCKOPT_SO_BINDTODEVICE,
	SOCKOPT_SO_BUSY_POLL,
	SOCKOPT_SO_COOKIE,
	SOCKOPT_SO_ERROR,
	SOCKOPT_SO_INCOMING_CPU,
	SOCKOPT_SO_KEEPALIVE,
	SOCKOPT_SO_LINGER,
	SOCKOPT_SO_MARK,
	SOCKOPT_SO_MAX_PACING_RATE,
	SOCKOPT_SO_PRIORITY,
	SOCKOPT_SO_RCVBUF,
	SOCKOPT_SO_RCVLOWAT,
	SOCKOPT_SO_RCVTIMEO,
	SOCKOPT_SO_REUSEADDR,
	SOCKOPT_SO_REUSEPORT,
	SOCKOPT_SO_SNDBUF,
	SOCKOPT_SO_SNDTIMEO,
	SOCKOPT_SO_TYPE,
	SOCKOPT_SO_ZEROCOPY,
	SOCKOPT_TCP_CONGESTION,
	SOCKOPT_TCP_CORK,
	SOCKOPT_TCP_DEFER_ACCEPT,
	SOCKOPT_TCP_FASTOPEN,
	SOCKOPT_TCP_FASTOPEN_CONNECT,
	SOCKOPT_TCP_INFO,
	SOCKOPT_TCP_KEEPCNT,
	SOCKOPT_TCP_KEEPIDLE,
	SOCKOPT_TCP_KEEPINTVL,
	SOCKOPT_TCP_LINGER2,
	SOCKOPT_TCP_MAXSEG,
	SOCKOPT_TCP_NODELAY,
	SOCKOPT_TCP_NOTSENT_LOWAT,
	SOCKOPT_TCP_QUICKACK,
	SOCKOPT_TCP_REPAIR,
	SOCKOPT_TCP_SYNCNT,
	SOCKOPT_TCP_ULP,
	SOCKOPT_TCP_USER_TIMEOUT,
	SOCKOPT_TCP_WINDOW_CLAMP,
};

#endif
