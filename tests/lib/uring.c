// SPDX-License-Identifier: GPL-2.0
/* A ring of its own for each operation: slow, but there is nothing to keep. */
#include "uring.h"

#include <errno.h>
#include <linux/io_uring.h>
#include <stdint.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <unistd.h>

static void *map(int ring, size_t size, uint64_t what)
{
	return mmap(NULL, size, PROT_READ | PROT_WRITE,
		    MAP_SHARED | MAP_POPULATE, ring, what);
}

int uring_do(int op, int fd, void *buffer, size_t len, bool worker)
{
	struct io_uring_params p = {};
	int ring = syscall(SYS_io_uring_setup, 1, &p), ret = -EIO;
	size_t rings_size, entries_size;
	struct io_uring_sqe *sqe;
	char *rings;

	if (ring < 0)
		return -errno;
	/* both rings in one mapping since Linux 5.4 */
	rings_size = p.cq_off.cqes + p.cq_entries * sizeof(struct io_uring_cqe);
	if (rings_size < p.sq_off.array + p.sq_entries * sizeof(__u32))
		rings_size = p.sq_off.array + p.sq_entries * sizeof(__u32);
	entries_size = p.sq_entries * sizeof(*sqe);
	rings = map(ring, rings_size, IORING_OFF_SQ_RING);
	sqe = map(ring, entries_size, IORING_OFF_SQES);
	if (rings == MAP_FAILED || sqe == MAP_FAILED) {
		close(ring);
		return -ENOMEM;
	}
	memset(sqe, 0, sizeof(*sqe));
	sqe->opcode = op;
	sqe->fd = fd;
	sqe->addr = (uintptr_t)buffer;
	sqe->len = len;
	sqe->flags = worker ? IOSQE_ASYNC : 0;
	*(__u32 *)(rings + p.sq_off.array) = 0;
	__atomic_store_n((__u32 *)(rings + p.sq_off.tail), 1, __ATOMIC_RELEASE);
	if (syscall(SYS_io_uring_enter, ring, 1, 1, IORING_ENTER_GETEVENTS,
		    NULL, 0) != 1)
		ret = -errno;
	else if (__atomic_load_n((__u32 *)(rings + p.cq_off.tail),
				 __ATOMIC_ACQUIRE) == 1)
		ret = ((struct io_uring_cqe *)(rings + p.cq_off.cqes))->res;
	munmap(sqe, entries_size);
	munmap(rings, rings_size);
	close(ring);
	return ret;
}
