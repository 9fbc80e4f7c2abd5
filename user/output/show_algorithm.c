// SPDX-License-Identifier: GPL-2.0
#include "output/show_algorithm.h"

#include <linux/inet_diag.h>
#include <string.h>

static const struct part {
	int kind; /* whose it is */
	const char *name, *doc;
	size_t at, size;
	unsigned int of;
} parts[] = {
#define PART(kind, in, field, name, of, doc)                             \
	{                                                                \
		INET_DIAG_##kind, name, doc, offsetof(struct in, field), \
			sizeof(((struct in *)0)->field), of              \
	}
	PART(VEGASINFO, tcpvegas_info, tcpv_enabled, "vegas_enabled", 1,
	     "1: it rules; 0: as in Reno, for now."),
	PART(VEGASINFO, tcpvegas_info, tcpv_rttcnt, "vegas_rtts", 1,
	     "Round trips measured in this one."),
	PART(VEGASINFO, tcpvegas_info, tcpv_rtt, "vegas_base_rtt_us", 1,
	     "The shortest round trip of all."),
	PART(VEGASINFO, tcpvegas_info, tcpv_minrtt, "vegas_min_rtt_us", 1,
	     "The shortest of this round trip."),
	PART(DCTCPINFO, tcp_dctcp_info, dctcp_enabled, "dctcp_enabled", 1,
	     "1: it rules; 0: as in Reno, without ECN."),
	PART(DCTCPINFO, tcp_dctcp_info, dctcp_ce_state, "dctcp_ce_state", 1,
	     "1: the last segment received was marked."),
	PART(DCTCPINFO, tcp_dctcp_info, dctcp_alpha, "dctcp_alpha", 1024,
	     "The part of what was sent that was marked, of late."),
	PART(DCTCPINFO, tcp_dctcp_info, dctcp_ab_ecn, "dctcp_marked", 1,
	     "Bytes acknowledged with a mark in this round trip."),
	PART(DCTCPINFO, tcp_dctcp_info, dctcp_ab_tot, "dctcp_bytes", 1,
	     "Bytes acknowledged in this round trip."),
	/* Two halves, the lower one first. */
	{ INET_DIAG_BBRINFO, "bbr_bandwidth",
	  "The most bytes a second that were delivered of late.",
	  offsetof(struct tcp_bbr_info, bbr_bw_lo), 8, 1 },
	PART(BBRINFO, tcp_bbr_info, bbr_min_rtt, "bbr_min_rtt_us", 1,
	     "The shortest round trip of late."),
	PART(BBRINFO, tcp_bbr_info, bbr_pacing_gain, "bbr_pacing_gain", 256,
	     "The pacing rate is the bandwidth times this."),
	PART(BBRINFO, tcp_bbr_info, bbr_cwnd_gain, "bbr_cwnd_gain", 256,
	     "The window is what fits into the path times this."),
#undef PART
};

static uint64_t value_of(const struct part *part, const uint8_t *info)
{
	uint16_t u16;
	uint32_t u32[2] = {};

	if (part->size == sizeof(u16)) {
		memcpy(&u16, info + part->at, sizeof(u16));
		return u16;
	}
	memcpy(u32, info + part->at, part->size);
	return (uint64_t)u32[1] << 32 | u32[0];
}

unsigned int show_algorithm(const struct module_attr *attr,
			    const struct module_list *congestion,
			    struct show_algorithm number[SHOW_ALGORITHM_MAX])
{
	const struct module_set *set = module_attr(&module_set_socket,
						   TCBSCOPE_A_SOCKET_CONGESTION)
					       ->nest;
	const int at = TCBSCOPE_A_CONGESTION_INFO;
	struct module_list info = module_nest(congestion, at);
	uint64_t kind = module_or(congestion, TCBSCOPE_A_CONGESTION_INFO_KIND,
				  0);
	const uint8_t *bytes = info.data;
	const struct part *part;
	unsigned int n = 0;

	if (attr != module_attr(set, at))
		return 0;
	for (part = parts; part < parts + sizeof(parts) / sizeof(*parts);
	     part++) {
		if ((uint64_t)part->kind != kind ||
		    part->at + part->size > info.len)
			continue;
		number[n++] = (struct show_algorithm){ part->name, part->doc,
						       part->of,
						       value_of(part, bytes) };
	}
	return n;
}
