/* SPDX-License-Identifier: GPL-2.0 */
/* io_uring by its system calls alone, one operation at a time. */
#ifndef TCBSCOPE_TESTS_LIB_URING_H
#define TCBSCOPE_TESTS_LIB_URING_H

#include <stdbool.h>
#include <stddef.h>

/*
 * Does one IORING_OP_x with a file descriptor and waits for its result, which
 * it returns: as the system call would, or -errno. @worker: let one of the
 * kernel's own threads do it. -ENOSYS and -EPERM: there is no io_uring.
 */
int uring_do(int op, int fd, void *buffer, size_t len, bool worker);

#endif
