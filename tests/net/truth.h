/* SPDX-License-Identifier: GPL-2.0 */
/* What truth.bpf.c tells truth_test.c. */
#ifndef TCBSCOPE_TESTS_NET_TRUTH_H
#define TCBSCOPE_TESTS_NET_TRUTH_H

#include <linux/types.h>

struct truth {
	__u32 cwnd, ssthresh, ca_state;
};

#endif
