/* SPDX-License-Identifier: GPL-2.0 */
/*
 * The kernel as far as we read it: every struct and field, on one page.
 *
 * Written by hand and relocated when loaded (CO-RE), so the build needs no
 * kernel. Sizes and offsets here mean nothing; names do. What differs between
 * kernels is in compat.h.
 */
#ifndef TCBSCOPE_KERNEL_H
#define TCBSCOPE_KERNEL_H

#include <linux/bpf.h>
#include <linux/types.h>

#include <bpf/bpf_helpers.h>
#include <stdbool.h>

#define IPPROTO_TCP 6
#define MAX_ERRNO 4095
#define SOCK_STREAM 1
#define SOCK_TYPE_MASK 0xf

/* tcp_skb_cb: no type in BTF says these */
#define TCPHDR_FIN 0x01 /* of tcp_flags */
#define TCPHDR_SYN 0x02
#define TCPHDR_RST 0x04
#define TCPHDR_ACK 0x10
#define TCPCB_LOST 0x04 /* of sacked */

/* sk_buff.protocol */
#define ETH_P_IP 0x0800
#define ETH_P_IPV6 0x86dd

/* inet_connection_sock.icsk_pending; 0 while the retransmit timer runs out */
#define ICSK_TIME_RETRANS 1
#define ICSK_TIME_PROBE0 3
#define ICSK_TIME_LOSS_PROBE 5
#define ICSK_TIME_REO_TIMEOUT 6

/* task_struct.flags: no type in BTF says these */
#define PF_EXITING 0x00000004
#define PF_IO_WORKER 0x00000010
#define PF_KTHREAD 0x00200000

/* io_kiocb.flags: no type in BTF says these */
#define REQ_F_FIXED_FILE 0x1 /* fd is an index of registered files */

/* io_uring_cqe.flags: more will come of the same request */
#define IORING_CQE_F_MORE 0x2

/* thread_info.status on x86: in a system call of a 32-bit program */
#define TS_COMPAT 0x0002

/* pt_regs.pstate on arm64: a 32-bit program */
#define PSR_MODE32_BIT 0x00000010

#pragma clang attribute push(__attribute__((preserve_access_index)), \
			     apply_to = record)

typedef struct {
	int counter;
} atomic_t;

typedef struct {
	__s64 counter;
} atomic64_t;

typedef struct {
	__u32 val;
} kuid_t;

struct ns_common {
	unsigned int inum;
};

struct local_ports {
	__u32 range; /* highest << 16 | lowest */
};

struct netns_ipv4 {
	struct local_ports ip_local_ports; /* for who does not choose one */
	int sysctl_tcp_fastopen;	   /* 1: as a client, 2: as a server */
	int sysctl_tcp_fin_timeout;	   /* jiffies */
	__u8 sysctl_tcp_syncookies;	   /* 2: always */
	__u8 sysctl_tcp_abort_on_overflow;
	int sysctl_max_syn_backlog;
};

struct hlist_node {
	struct hlist_node **pprev; /* NULL: in no list */
};

struct timer_list {
	struct hlist_node entry;
	unsigned long expires; /* jiffies */
};

struct netns_core {
	int sysctl_somaxconn;
};

struct net {
	struct ns_common ns;
	struct netns_core core;
	struct netns_ipv4 ipv4;
};

typedef struct {
	struct net *net;
} possible_net_t;

struct in6_addr {
	union {
		__u8 u6_addr8[16];
		__be32 u6_addr32[4];
	} in6_u;
};

struct sock_common {
	__be32 skc_daddr;
	__be32 skc_rcv_saddr;
	__be16 skc_dport;
	__u16 skc_num; /* local port, host order; 0 once unhashed */
	unsigned short skc_family;
	volatile unsigned char skc_state;
	possible_net_t skc_net;
	struct in6_addr skc_v6_daddr;
	struct in6_addr skc_v6_rcv_saddr;
	atomic64_t skc_cookie;
	unsigned long skc_flags; /* bits of enum sock_flags */
	int skc_incoming_cpu;	 /* where it was made, or got its last packet */
	__u32 skc_rcv_wnd;	 /* of a request */
};

/* Bits of skc_flags, by number; their values come from the kernel's BTF. */
enum sock_flags {
	SOCK_DEAD, /* no process holds it: closed, or never accepted */
	SOCK_DONE, /* the peer's FIN has been taken */
	SOCK_LINGER,
};

typedef struct {
	int owned; /* a process holds the lock; 0 in softirq */
} socket_lock_t;

struct kernfs_node {
	__u64 id;
};

struct cgroup_subsys_state {
	struct cgroup *cgroup;
	struct cgroup_subsys_state *parent; /* NULL: the root's */
};

struct cgroup {
	struct cgroup_subsys_state self;
	struct kernfs_node *kn;
};

struct sock_cgroup_data {
	struct cgroup *cgroup;
};

struct inode {
	unsigned long i_ino;
};

struct file {
	struct inode *f_inode;
	void *private_data; /* of a socket: its struct socket */
};

struct fdtable {
	unsigned int max_fds;
	struct file **fd;
};

struct files_struct {
	struct fdtable *fdt;
};

struct socket {
	struct file *file;
	struct sock *sk;
};

struct sock {
	struct sock_common __sk_common;
	socket_lock_t sk_lock;
	__u16 sk_type;
	__u16 sk_protocol;
	__u8 sk_shutdown;
	int sk_err;
	unsigned long sk_lingertime;
	unsigned long sk_pacing_rate;
	kuid_t sk_uid;
	struct sock_cgroup_data sk_cgrp_data;
	struct socket *sk_socket; /* NULL: not accepted yet, or orphaned */
	__u32 sk_ack_backlog;	  /* of a listener: its accept queue ... */
	__u32 sk_max_ack_backlog; /* ... and the limit of it */
	atomic_t sk_drops;	  /* of a listener: more than what it dropped */
};

struct inet_sock {
	struct sock sk;
	__be16 inet_sport; /* local port, kept after skc_num is gone */
};

struct tcp_congestion_ops {
	char name[16];
};

struct request_sock_queue {
	__u8 rskq_defer_accept; /* not 0: a bare ACK does not complete it */
	atomic_t young;		/* in the SYN queue with one SYN-ACK sent */
	atomic_t qlen;		/* the SYN queue */
	struct request_sock *rskq_accept_head; /* the accept queue ... */
	struct request_sock *rskq_accept_tail; /* ... and who came last */
};

struct inet_connection_sock {
	struct inet_sock icsk_inet;
	struct request_sock_queue icsk_accept_queue;
	const struct tcp_congestion_ops *icsk_ca_ops;
	__u32 icsk_rto; /* jiffies */
	__u8 icsk_ca_state : 5;
	__u8 icsk_retransmits; /* timeouts in a row */
	__u8 icsk_pending;
	struct {
		__u32 lrcvtime; /* jiffies when data came last */
	} icsk_ack;
};

/* A connection that its listener has not taken for one yet. */
struct request_sock {
	struct sock_common __req_common;
	struct request_sock *dl_next; /* in the accept queue */
	struct sock *sk;	      /* the child, once it is there */
	__u8 num_retrans;
	struct timer_list rsk_timer;
};

/* What TCP keeps of a segment, in sk_buff.cb. */
struct tcp_skb_cb {
	__u32 seq;
	__u32 end_seq;
	__u32 ack_seq;
	__u16 tcp_gso_segs;
	__u16 tcp_flags;
	__u8 sacked;
};

struct net_device {
	possible_net_t nd_net;
};

struct sk_buff {
	struct net_device *dev;
	char cb[48];
	unsigned int len;
	unsigned int data_len; /* of it, what is in other pages */
	unsigned char *head, *data;
	__be16 protocol;
	__u16 network_header; /* offset from head */
	__u16 transport_header;
	int skb_iif; /* where it came in; 0: it comes from here */
	struct sock *sk;
};

enum skb_drop_reason {
	SKB_NOT_DROPPED_YET,
	/* from here on the values are the kernel's */
	SKB_DROP_REASON_NOT_SPECIFIED,
	SKB_DROP_REASON_TCP_LISTEN_OVERFLOW,
	SKB_DROP_REASON_QUEUE_PURGE,
};

enum sk_rst_reason {
	SK_RST_REASON_NOT_SPECIFIED,
};

struct tcp_options_received {
	__u16 sack_ok : 3;
	__u16 wscale_ok : 1;  /* both ends scale their windows: */
	__u16 snd_wscale : 4; /* the peer by so much, */
	__u16 rcv_wscale : 4; /* this end by so much */
};

struct minmax_sample {
	__u32 v;
};

struct minmax {
	struct minmax_sample s[3];
};

struct tcp_sock {
	struct inet_connection_sock inet_conn;
	__u32 rcv_nxt;
	__u32 data_segs_in; /* segments with data that came */
	__u32 copied_seq;
	__u32 snd_una;
	__u32 snd_nxt;
	__u32 write_seq;
	__u32 snd_wl1; /* sequence number of the last window update */
	__u32 snd_wnd;
	__u32 rcv_wnd;
	__u32 snd_cwnd;
	__u32 snd_ssthresh;
	__u32 srtt_us; /* << 3 */
	__u32 mdev_us; /* << 2 */
	struct minmax rtt_min;
	__u32 packets_out;
	__u32 sacked_out;
	__u32 lost_out;
	__u32 retrans_out;
	__u32 total_retrans;
	__u32 undo_marker; /* snd_una when the loss was found; 0: no undo */
	__u32 mss_cache;
	__u32 rate_delivered;
	__u32 rate_interval_us;
	__u64 bytes_sent; /* retransmitted ones included */
	__u64 bytes_retrans;
	__u64 bytes_acked;
	__u64 bytes_received;
	__u32 lsndtime;	     /* jiffies when data was sent last */
	__u32 rcv_tstamp;    /* jiffies when an ACK came last */
	__u32 retrans_stamp; /* in SYN_SENT: ms when the first SYN was sent */
	struct tcp_options_received rx_opt;
	struct request_sock *fastopen_rsk; /* of a child in SYN_RECV */
	int linger2; /* jiffies; < 0: no FIN_WAIT2 for orphans */
	__u8 repair : 1;
	__u8 syn_data_acked : 1; /* data came with the SYN (Fast Open) */
};

struct inet_timewait_sock {
	struct sock_common __tw_common;
	unsigned char tw_substate;
	struct timer_list tw_timer;
};

struct tcp_timewait_sock {
	struct inet_timewait_sock tw_sk;
};

struct inet_request_sock {
	struct request_sock req;
};

struct tcp_request_sock {
	struct inet_request_sock req;
	__u64 snt_synack; /* us when the SYN-ACK was first sent */
	__u32 snt_isn;
	__u32 rcv_nxt;
	bool tfo_listener; /* it comes by Fast Open */
};

struct thread_info {
	__u32 status; /* x86 only */
};

struct signal_struct {
	struct task_struct *curr_target; /* one of the process's threads */
};

struct nsproxy {
	struct net *net_ns;
};

struct task_struct {
	struct thread_info thread_info;
	unsigned int flags;
	int pid;
	int tgid;
	char comm[16];
	struct task_struct *real_parent;
	struct files_struct *files;
	struct signal_struct *signal;
	struct nsproxy *nsproxy; /* NULL: it has ended */
};

/* What io_uring is asked for: of each operation, what it is given. */
struct io_cqe {
	__s32 res;
	int fd; /* until it is resolved; where res is later */
};

struct io_kiocb {
	struct file *file; /* NULL: not resolved yet */
	__u8 opcode;
	__u64 flags; /* REQ_F_x */
	struct io_cqe cqe;
};

struct io_uring_cqe {
	__s32 res;
	__u32 flags;
};

struct io_ring_ctx {
};

struct io_sr_msg {
	void *umsg;
	__u32 len;
	__u32 msg_flags;
};

struct io_rw {
	__u32 len;
};

struct io_connect {
	void *addr;
	int addr_len;
};

struct io_accept {
	int flags;
};

struct io_shutdown {
	int how;
};

struct io_socket {
	int domain;
	int type;
	int protocol;
};

struct io_close {
	int fd;
};

struct io_listen {
	int backlog;
};

struct seq_file;

struct bpf_iter_meta {
	struct seq_file *seq;
} __attribute__((aligned(8)));

struct bpf_iter__task_file {
	struct bpf_iter_meta *meta;
	struct task_struct *task;
	__u32 fd __attribute__((aligned(8)));
	struct file *file;
};

struct bpf_iter__tcp {
	struct bpf_iter_meta *meta;
	struct sock_common *sk_common;
	__u32 uid __attribute__((aligned(8)));
};

#pragma clang attribute pop

/* Absent before Linux 6.2, hence weak. */
extern void *bpf_rdonly_cast(const void *obj, __u32 btf_id) __ksym __weak;

#endif
