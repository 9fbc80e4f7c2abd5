/* SPDX-License-Identifier: GPL-2.0 */
/* Memory for work that takes and gives back megabytes, again and again. */
#ifndef TCBSCOPE_LIB_ROOM_H
#define TCBSCOPE_LIB_ROOM_H

/*
 * Between these two malloc() keeps large blocks, in huge pages where there are
 * any: to have each from the system, page by page, and to give it back can take
 * longer than the work. After it the memory is the system's again.
 */
void room_begin(void);
void room_end(void);

#endif
