// SPDX-License-Identifier: GPL-2.0
/* What sock_diag(7) and TCP_INFO give, put into the attributes of the module. */
#include "input/diag_attrs.h"

#include <errno.h>
#include <linux/tcp.h>
#define _NETINET_TCP_H /* the kernel's header says it all */
#include <netinet/in.h>
#include <netlink/attr.h>
#include <netlink/msg.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

/* tcpi_rcv_wnd came with Linux 6.2, behind the last field of older headers. */
struct info {
	struct tcp_info tcp;
	uint32_t newer[8];
};

#define RCV_WND_AT (offsetof(struct tcp_info, tcpi_snd_wnd) + 4)

/* Of what was not measured there is nothing. */
static void put_measured(struct attrs *to, int type, uint32_t value)
{
	if (value && value != ~0u)
		attrs_u32(to, type, value);
}

static void take_address(int family, const __be32 *from, uint8_t to[16],
			 bool mapped)
{
	if (mapped)
		from += 3;
	memcpy(to, from, family == AF_INET ? 4 : 16);
}

static bool is_mapped(const __be32 *addr)
{
	return IN6_IS_ADDR_V4MAPPED(
		(const struct in6_addr *)(const void *)addr);
}

void diag_attrs_identity(const struct inet_diag_msg *m,
			 struct module_identity *id)
{
	bool mapped = m->idiag_family == AF_INET6 && is_mapped(m->id.idiag_src);
	int family = mapped ? AF_INET : m->idiag_family;

	*id = (struct module_identity){
		.cookie = m->id.idiag_cookie[0] |
			  (uint64_t)m->id.idiag_cookie[1] << 32,
		.family = family,
		.local_port = ntohs(m->id.idiag_sport),
		.remote_port = ntohs(m->id.idiag_dport),
		.device = m->id.idiag_if,
	};
	take_address(family, m->id.idiag_src, id->local, mapped);
	take_address(family, m->id.idiag_dst, id->remote, mapped);
}

void diag_attrs_put_identity(struct attrs *to, int type,
			     const struct inet_diag_msg *m)
{
	struct nlattr *in = attrs_nest(to, type);
	struct module_identity id;
	size_t size;

	diag_attrs_identity(m, &id);
	size = id.family == AF_INET ? 4 : 16;
	attrs_u64(to, TCBSCOPE_A_IDENTITY_COOKIE, id.cookie);
	attrs_put(to, TCBSCOPE_A_IDENTITY_LOCAL_ADDR, id.local, size);
	attrs_u16(to, TCBSCOPE_A_IDENTITY_LOCAL_PORT, id.local_port);
	if (id.remote_port) {
		attrs_put(to, TCBSCOPE_A_IDENTITY_REMOTE_ADDR, id.remote, size);
		attrs_u16(to, TCBSCOPE_A_IDENTITY_REMOTE_PORT, id.remote_port);
	}
	if (id.device)
		attrs_u32(to, TCBSCOPE_A_IDENTITY_DEVICE, id.device);
	attrs_unnest(to, in);
}

/* TCP_INFO as long as the kernel has it, the rest 0. False: there is none. */
static bool take_info(const struct module_list *attrs, struct info *info,
		      size_t *len)
{
	struct module_list value;
	size_t at = 0;

	memset(info, 0, sizeof(*info));
	if (!module_next(attrs, INET_DIAG_INFO, &at, &value))
		return false;
	*len = value.len < sizeof(*info) ? value.len : sizeof(*info);
	memcpy(info, value.data, *len);
	return true;
}

uint64_t diag_attrs_silent_us(const struct module_list *attrs)
{
	struct info info;
	size_t len;

	return take_info(attrs, &info, &len) ?
		       info.tcp.tcpi_last_data_sent * DIAG_MS :
		       0;
}

#define STATES(state, set) (1u << (state) & (set))
#define S(name) (1u << TCBSCOPE_STATE_##name)

/* Our FIN is in what was sent; the peer's FIN is in what came. */
static bool fin_sent(const struct inet_diag_msg *m, const struct tcp_info *t)
{
	return STATES(m->idiag_state,
		      S(FIN_WAIT1) | S(FIN_WAIT2) | S(CLOSING) | S(LAST_ACK)) &&
	       !t->tcpi_notsent_bytes;
}

static bool fin_received(const struct inet_diag_msg *m)
{
	return STATES(m->idiag_state, S(CLOSE_WAIT) | S(LAST_ACK) | S(CLOSING));
}

/* A FIN waits with the bytes, and is none. */
uint32_t diag_attrs_unread(const struct inet_diag_msg *m)
{
	return m->idiag_rqueue - (m->idiag_rqueue && fin_received(m));
}

static void put_send(struct attrs *to, const struct inet_diag_msg *m,
		     const struct tcp_info *t)
{
	struct nlattr *in = attrs_nest(to, TCBSCOPE_A_SOCKET_SEND);
	uint32_t nxt = 1 +
		       (uint32_t)(t->tcpi_bytes_sent - t->tcpi_bytes_retrans) +
		       fin_sent(m, t);
	uint32_t una = nxt - (m->idiag_wqueue - t->tcpi_notsent_bytes);

	attrs_u32(to, TCBSCOPE_A_SEND_UNA, una);
	attrs_u32(to, TCBSCOPE_A_SEND_NXT, nxt);
	attrs_u32(to, TCBSCOPE_A_SEND_WND, t->tcpi_snd_wnd);
	attrs_u32(to, TCBSCOPE_A_SEND_ISS, 0);
	attrs_u32(to, TCBSCOPE_A_SEND_WRITE, una + m->idiag_wqueue);
	attrs_u32(to, TCBSCOPE_A_SEND_MSS, t->tcpi_snd_mss);
	attrs_u32(to, TCBSCOPE_A_SEND_PMTU, t->tcpi_pmtu);
	attrs_unnest(to, in);
}

static void put_receive(struct attrs *to, const struct inet_diag_msg *m,
			const struct info *info, size_t len)
{
	const struct tcp_info *t = &info->tcp;
	uint32_t nxt = 1 + (uint32_t)t->tcpi_bytes_received, wnd;
	struct nlattr *in;

	if (m->idiag_state == TCBSCOPE_STATE_SYN_SENT)
		return;
	in = attrs_nest(to, TCBSCOPE_A_SOCKET_RECEIVE);
	attrs_u32(to, TCBSCOPE_A_RECEIVE_NXT, nxt);
	memcpy(&wnd, (const char *)info + RCV_WND_AT, sizeof(wnd));
	if (len >= RCV_WND_AT + sizeof(wnd))
		attrs_u32(to, TCBSCOPE_A_RECEIVE_WND, wnd);
	attrs_u32(to, TCBSCOPE_A_RECEIVE_IRS, 0);
	attrs_u32(to, TCBSCOPE_A_RECEIVE_COPIED, nxt - m->idiag_rqueue);
	attrs_u32(to, TCBSCOPE_A_RECEIVE_SSTHRESH, t->tcpi_rcv_ssthresh);
	attrs_u32(to, TCBSCOPE_A_RECEIVE_ADVMSS, t->tcpi_advmss);
	attrs_u32(to, TCBSCOPE_A_RECEIVE_MSS, t->tcpi_rcv_mss);
	attrs_unnest(to, in);
}

/* The algorithm's name and own state, of which it says how much there is. */
static void put_algorithm(struct attrs *to, const struct module_list *attrs)
{
	static const int kinds[] = { INET_DIAG_VEGASINFO, INET_DIAG_DCTCPINFO,
				     INET_DIAG_BBRINFO };
	struct module_list value;
	unsigned int i;
	char name[32];
	size_t at;

	module_string(attrs, INET_DIAG_CONG, name, sizeof(name));
	if (*name)
		attrs_put(to, TCBSCOPE_A_CONGESTION_ALGORITHM, name,
			  strlen(name) + 1);
	for (i = 0; i < sizeof(kinds) / sizeof(*kinds); i++) {
		at = 0;
		if (!module_next(attrs, kinds[i], &at, &value))
			continue;
		attrs_u32(to, TCBSCOPE_A_CONGESTION_INFO_KIND, kinds[i]);
		attrs_put(to, TCBSCOPE_A_CONGESTION_INFO, value.data,
			  value.len);
	}
}

static void put_congestion(struct attrs *to, const struct module_list *attrs,
			   const struct tcp_info *t)
{
	struct nlattr *in = attrs_nest(to, TCBSCOPE_A_SOCKET_CONGESTION);

	put_algorithm(to, attrs);
	attrs_u32(to, TCBSCOPE_A_CONGESTION_STATE, t->tcpi_ca_state);
	attrs_u32(to, TCBSCOPE_A_CONGESTION_CWND, t->tcpi_snd_cwnd);
	attrs_u32(to, TCBSCOPE_A_CONGESTION_SSTHRESH, t->tcpi_snd_ssthresh);
	attrs_u32(to, TCBSCOPE_A_CONGESTION_PACKETS_OUT, t->tcpi_unacked);
	attrs_u32(to, TCBSCOPE_A_CONGESTION_SACKED_OUT, t->tcpi_sacked);
	attrs_u32(to, TCBSCOPE_A_CONGESTION_LOST_OUT, t->tcpi_lost);
	attrs_u32(to, TCBSCOPE_A_CONGESTION_RETRANS_OUT, t->tcpi_retrans);
	attrs_u32(to, TCBSCOPE_A_CONGESTION_REORDERING, t->tcpi_reordering);
	attrs_u32(to, TCBSCOPE_A_CONGESTION_DELIVERED, t->tcpi_delivered);
	attrs_u32(to, TCBSCOPE_A_CONGESTION_DELIVERED_CE, t->tcpi_delivered_ce);
	attrs_u32(to, TCBSCOPE_A_CONGESTION_RETRANS, t->tcpi_total_retrans);
	attrs_unnest(to, in);
}

static void put_time(struct attrs *to, const struct tcp_info *t)
{
	struct nlattr *in = attrs_nest(to, TCBSCOPE_A_SOCKET_TIME);

	put_measured(to, TCBSCOPE_A_TIME_SRTT_US, t->tcpi_rtt);
	attrs_u32(to, TCBSCOPE_A_TIME_MDEV_US, t->tcpi_rttvar);
	put_measured(to, TCBSCOPE_A_TIME_RTT_MIN_US, t->tcpi_min_rtt);
	put_measured(to, TCBSCOPE_A_TIME_RECEIVE_RTT_US, t->tcpi_rcv_rtt);
	attrs_u32(to, TCBSCOPE_A_TIME_RTO_US, t->tcpi_rto);
	attrs_u32(to, TCBSCOPE_A_TIME_BACKOFF, t->tcpi_backoff);
	attrs_u32(to, TCBSCOPE_A_TIME_RETRANSMITS, t->tcpi_retransmits);
	attrs_u32(to, TCBSCOPE_A_TIME_PROBES, t->tcpi_probes);
	attrs_u32(to, TCBSCOPE_A_TIME_ATO_US, t->tcpi_ato);
	attrs_unnest(to, in);
}

static void put_options(struct attrs *to, const struct tcp_info *t)
{
	static const struct {
		uint32_t theirs, ours;
	} options[] = {
		{ TCPI_OPT_TIMESTAMPS, TCBSCOPE_OPTION_TIMESTAMPS },
		{ TCPI_OPT_SACK, TCBSCOPE_OPTION_SACK },
		{ TCPI_OPT_WSCALE, TCBSCOPE_OPTION_WINDOW_SCALE },
		{ TCPI_OPT_ECN, TCBSCOPE_OPTION_ECN },
		{ TCPI_OPT_SYN_DATA, TCBSCOPE_OPTION_SYN_DATA },
	};
	struct nlattr *in = attrs_nest(to, TCBSCOPE_A_SOCKET_OPTIONS);
	uint32_t agreed = 0;
	unsigned int i;

	for (i = 0; i < sizeof(options) / sizeof(*options); i++)
		if (t->tcpi_options & options[i].theirs)
			agreed |= options[i].ours;
	attrs_u32(to, TCBSCOPE_A_OPTIONS_AGREED, agreed);
	if (t->tcpi_options & TCPI_OPT_WSCALE) {
		attrs_u32(to, TCBSCOPE_A_OPTIONS_SEND_SCALE,
			  t->tcpi_snd_wscale);
		attrs_u32(to, TCBSCOPE_A_OPTIONS_RECEIVE_SCALE,
			  t->tcpi_rcv_wscale);
	}
	attrs_unnest(to, in);
}

static void put_memory(struct attrs *to, const struct module_list *attrs)
{
	static const int types[SK_MEMINFO_VARS] = {
		[SK_MEMINFO_RMEM_ALLOC] = TCBSCOPE_A_MEMORY_RECEIVE_USED,
		[SK_MEMINFO_RCVBUF] = TCBSCOPE_A_MEMORY_RECEIVE_LIMIT,
		[SK_MEMINFO_WMEM_ALLOC] = TCBSCOPE_A_MEMORY_SEND_USED,
		[SK_MEMINFO_SNDBUF] = TCBSCOPE_A_MEMORY_SEND_LIMIT,
		[SK_MEMINFO_FWD_ALLOC] = TCBSCOPE_A_MEMORY_FORWARD,
		[SK_MEMINFO_WMEM_QUEUED] = TCBSCOPE_A_MEMORY_SEND_QUEUED,
		[SK_MEMINFO_OPTMEM] = TCBSCOPE_A_MEMORY_OPTION,
		[SK_MEMINFO_BACKLOG] = TCBSCOPE_A_MEMORY_BACKLOG,
		[SK_MEMINFO_DROPS] = TCBSCOPE_A_MEMORY_DROPS,
	};
	struct module_list value;
	struct nlattr *in;
	size_t at = 0, i;
	uint32_t bytes;

	if (!module_next(attrs, INET_DIAG_SKMEMINFO, &at, &value))
		return;
	in = attrs_nest(to, TCBSCOPE_A_SOCKET_MEMORY);
	for (i = 0; i < SK_MEMINFO_VARS && (i + 1) * 4 <= value.len; i++) {
		memcpy(&bytes, (const char *)value.data + i * 4, 4);
		attrs_u32(to, types[i], bytes);
	}
	attrs_unnest(to, in);
}

/* Which timer it is; -1: none, or one that has no name. */
static int timer_kind(const struct inet_diag_msg *m, bool full)
{
	switch (m->idiag_timer) {
	case 1:
		return full ? TCBSCOPE_TIMER_KIND_RETRANSMIT :
			      TCBSCOPE_TIMER_KIND_SYN_ACK;
	case 2:
		return TCBSCOPE_TIMER_KIND_KEEPALIVE;
	case 3:
		return TCBSCOPE_TIMER_KIND_TIME_WAIT;
	case 4:
		return TCBSCOPE_TIMER_KIND_PROBE;
	default:
		return -1;
	}
}

static void put_timer(struct attrs *to, const struct inet_diag_msg *m,
		      bool full)
{
	int kind = timer_kind(m, full);
	struct nlattr *in;

	if (kind < 0)
		return;
	in = attrs_nest(to, TCBSCOPE_A_SOCKET_TIMER);
	attrs_u32(to, TCBSCOPE_A_TIMER_KIND, kind);
	attrs_u64(to, TCBSCOPE_A_TIMER_REMAINING_US,
		  m->idiag_expires * DIAG_MS);
	attrs_unnest(to, in);
}

static void put_flags(struct attrs *to, const struct module_list *attrs)
{
	struct module_list value;
	uint32_t flags = 0;
	size_t at = 0;

	if (!module_next(attrs, INET_DIAG_SHUTDOWN, &at, &value) || !value.len)
		return;
	if (*(const uint8_t *)value.data & 1)
		flags |= TCBSCOPE_FLAG_RECEIVE_SHUTDOWN;
	if (*(const uint8_t *)value.data & 2)
		flags |= TCBSCOPE_FLAG_SEND_SHUTDOWN;
	attrs_u32(to, TCBSCOPE_A_SOCKET_FLAGS, flags);
}

static void put_tcb(struct attrs *to, const struct inet_diag_msg *m,
		    const struct module_list *attrs, const struct info *info,
		    size_t len)
{
	const struct tcp_info *t = &info->tcp;

	put_memory(to, attrs);
	if (m->idiag_state == TCBSCOPE_STATE_CLOSE)
		return;
	put_send(to, m, t);
	put_receive(to, m, info, len);
	put_congestion(to, attrs, t);
	put_time(to, t);
	put_options(to, t);
}

int diag_attrs_socket(struct nl_msg *msg, const struct inet_diag_msg *m,
		      const struct module_list *attrs)
{
	struct attrs to = { .msg = msg };
	struct info info;
	size_t len = 0;
	bool full = take_info(attrs, &info, &len);
	uint32_t state = m->idiag_state;
	uint64_t mark;

	if (!full && state == TCBSCOPE_STATE_SYN_RECV)
		state = TCBSCOPE_STATE_NEW_SYN_RECV;
	diag_attrs_put_identity(&to, TCBSCOPE_A_SOCKET_IDENTITY, m);
	attrs_u32(&to, TCBSCOPE_A_SOCKET_FAMILY, m->idiag_family);
	attrs_u32(&to, TCBSCOPE_A_SOCKET_STATE, state);
	if (full) {
		attrs_u32(&to, TCBSCOPE_A_SOCKET_RECEIVE_QUEUE,
			  diag_attrs_unread(m));
		attrs_u32(&to, TCBSCOPE_A_SOCKET_SEND_QUEUE, m->idiag_wqueue);
	}
	if (m->idiag_inode)
		attrs_u64(&to, TCBSCOPE_A_SOCKET_INODE, m->idiag_inode);
	if (full)
		attrs_u32(&to, TCBSCOPE_A_SOCKET_UID, m->idiag_uid);
	if (module_number(attrs, INET_DIAG_MARK, &mark))
		attrs_u32(&to, TCBSCOPE_A_SOCKET_MARK, mark);
	if (full)
		put_flags(&to, attrs);
	put_timer(&to, m, full);
	if (full)
		put_tcb(&to, m, attrs, &info, len);
	return attrs_done(&to);
}

/* What sock_diag(7) would say of it, had the kernel it in a table. */
static void make_message(const struct diag_socket *s, struct inet_diag_msg *m)
{
	const struct module_identity *id = &s->id;

	*m = (struct inet_diag_msg){
		.idiag_family = id->family,
		.idiag_state = s->state,
		.id.idiag_sport = htons(id->local_port),
		.id.idiag_dport = htons(id->remote_port),
		.id.idiag_cookie = { id->cookie, id->cookie >> 32 },
		.id.idiag_if = id->device,
		.idiag_inode = s->inode,
	};
	memcpy(m->id.idiag_src, id->local, sizeof(id->local));
	memcpy(m->id.idiag_dst, id->remote, sizeof(id->remote));
}

/* An option of a socket as an attribute. 0 or -errno. */
static int put_option(struct attrs *to, int type, int fd, int level, int option)
{
	char value[sizeof(struct info)];
	socklen_t len = sizeof(value);

	if (getsockopt(fd, level, option, value, &len))
		return -errno;
	attrs_put(to, type, value, len);
	return 0;
}

int diag_attrs_fd(struct nl_msg *msg, int fd, const struct diag_socket *s)
{
	struct attrs answer = { .msg = nlmsg_alloc() };
	struct module_list attrs;
	struct inet_diag_msg m;
	int err = -ENOMEM;

	if (answer.msg && nlmsg_put(answer.msg, 0, 0, 0, 0, 0))
		err = put_option(&answer, INET_DIAG_INFO, fd, IPPROTO_TCP,
				 TCP_INFO);
	if (!err)
		err = put_option(&answer, INET_DIAG_SKMEMINFO, fd, SOL_SOCKET,
				 SO_MEMINFO);
	make_message(s, &m);
	if (!err)
		err = attrs_done(&answer);
	if (!err) {
		attrs.data = nlmsg_attrdata(nlmsg_hdr(answer.msg), 0);
		attrs.len = nlmsg_attrlen(nlmsg_hdr(answer.msg), 0);
		err = diag_attrs_socket(msg, &m, &attrs);
	}
	nlmsg_free(answer.msg);
	return err;
}
