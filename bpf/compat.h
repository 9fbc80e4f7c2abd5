/* SPDX-License-Identifier: GPL-2.0 */
/*
 * What differs between kernels and machines, one function each, so that the
 * callers never see it.
 */
#ifndef TCBSCOPE_COMPAT_H
#define TCBSCOPE_COMPAT_H

#include "bpf/kernel.h"
#include <bpf/bpf_core_read.h>
#include <bpf/bpf_helpers.h>

/*
 * System call number of the task, as saved at entry: each machine keeps it
 * in a register file of its own shape. -1 if it cannot be told, as for 32-bit
 * programs: they have numbers of their own.
 */
struct pt_regs___x86 {
	unsigned long orig_ax;
} __attribute__((preserve_access_index));

struct pt_regs___arm64 {
	int syscallno;
} __attribute__((preserve_access_index));

static __always_inline long compat_syscall_nr(struct task_struct *task)
{
	void *regs = (void *)bpf_task_pt_regs(task);
	struct pt_regs___x86 *x86 = regs;
	struct pt_regs___arm64 *arm64 = regs;

	if (bpf_core_field_exists(task->thread_info.status) &&
	    task->thread_info.status & TS_COMPAT)
		return -1;
	if (bpf_core_field_exists(x86->orig_ax))
		return x86->orig_ax;
	if (bpf_core_field_exists(arm64->syscallno))
		return arm64->syscallno;
	return -1;
}

/* Is this bit of enum sock_flags set? The numbers are the kernel's own. */
#define compat_sock_flag(sk, flag)                      \
	(((sk)->__sk_common.skc_flags >>                \
	  bpf_core_enum_value(enum sock_flags, flag)) & \
	 1)

#endif
