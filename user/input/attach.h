/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Tells libbpf which of the kernel's types each program is attached to.
 *
 * By itself it would go through all of the kernel's types for each program.
 * It does not know how to attach what it is told of: bpf_program__attach() is
 * to be replaced by that for the kind of program.
 */
#ifndef TCBSCOPE_INPUT_ATTACH_H
#define TCBSCOPE_INPUT_ATTACH_H

struct types;

/* Once, before any object is opened; what was registered before comes first. */
int attach_register(void); /* 0 or -errno */

/* What is loaded from now on finds its hooks in @types; NULL: in none. */
void attach_by(const struct types *types);

#endif
