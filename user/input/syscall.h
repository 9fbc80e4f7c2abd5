/* SPDX-License-Identifier: GPL-2.0 */
/*
 * How programs hang on the entry and the exit of all system calls.
 *
 * At a raw tracepoint the kernel leaves a program out while another run of it
 * has not ended on that CPU. Since Linux 7 a run for a system call may be
 * preempted, and until it goes on nobody else's calls are seen there. Programs
 * that hang on the same tracepoint through perf run without being preempted.
 * They cost each call of the machine more: so only where they are needed.
 */
#ifndef TCBSCOPE_INPUT_SYSCALL_H
#define TCBSCOPE_INPUT_SYSCALL_H

#include <stdbool.h>

struct bpf_link;
struct bpf_program;
struct btf;
struct types;

/*
 * Must it be through perf, and can it be? It cannot where tracefs is not
 * mounted, or in lockdown. For the arguments see tier_try().
 */
bool syscall_preempts(const struct btf *kernel, const struct types *types);

/* Before loading: makes it of that type, if it is a program of system calls. */
void syscall_use_perf(struct bpf_program *prog);

/* Attaches a program of that type. NULL with errno set. */
struct bpf_link *syscall_attach(const struct bpf_program *prog);

#endif
