// SPDX-License-Identifier: GPL-2.0
/* Tells glibc's malloc() what is going to be wanted of it. */
#include "lib/room.h"

#include <malloc.h>
#include <stdint.h>
#include <stdlib.h>
#include <sys/mman.h>

#define ROOM_BYTES (24u << 20) /* what is taken of it: as much as is needed */
#define HUGE_BYTES                                                 \
	(2u << 20) /* an aligned block has huge pages if these are \
		      not larger */
#define USUAL_BYTES (128u << 10) /* M_MMAP_THRESHOLD, M_TRIM_THRESHOLD */

void room_begin(void)
{
	uintptr_t room, huge;

	mallopt(M_MMAP_THRESHOLD, ROOM_BYTES + 1);
	mallopt(M_TRIM_THRESHOLD, 2 * ROOM_BYTES);
	room = (uintptr_t)malloc(ROOM_BYTES);
	huge = (room + HUGE_BYTES - 1) / HUGE_BYTES * HUGE_BYTES;
	if (room)
		madvise((void *)huge, ROOM_BYTES - HUGE_BYTES, MADV_HUGEPAGE);
	free((void *)room);
}

void room_end(void)
{
	mallopt(M_MMAP_THRESHOLD, USUAL_BYTES);
	mallopt(M_TRIM_THRESHOLD, USUAL_BYTES);
	malloc_trim(0);
}
