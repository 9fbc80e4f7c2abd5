/* SPDX-License-Identifier: GPL-2.0 */
/* The system calls that the programs know, as this machine numbers them. */
#ifndef TCBSCOPE_INPUT_CALL_H
#define TCBSCOPE_INPUT_CALL_H

#include "bpf/config.h"

/* Fills in config->call and what else of it are system call numbers. */
void call_configure(struct config *config);

#endif
