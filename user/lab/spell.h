/* SPDX-License-Identifier: GPL-2.0 */
/* An event of a trace as a few words, to be compared with what is expected. */
#ifndef TCBSCOPE_LAB_SPELL_H
#define TCBSCOPE_LAB_SPELL_H

#include <stdbool.h>
#include <stddef.h>

struct json_object;

/*
 *	state      OLD>NEW CAUSE [KIND] [as SUBSTATE] [ERRNO]; no cause: -
 *	           SYN_SENT>CLOSE RX_RST ECONNREFUSED
 *	call       OP [OPTION|SHUT] RESULT|ERRNO, when it has returned
 *	           connect EISCONN    sendto 25    setsockopt SO_LINGER 0
 *	queue      OP [RULE] [ACCEPT/LIMIT]
 *	           completed 1/8    SYN_dropped last_quarter 0/8
 *	reset      DIRECTION [CAUSE] [KIND] [in STATE]
 *	           sent CALL_CLOSE unread_data in ESTABLISHED
 *	retransmit KIND [NTH] [CAUSE]
 *	           RTO 2 TIMER_RETRANSMIT    fast RACK
 *	window     the phase: slow_start, avoidance, Disorder, CWR, Recovery,
 *	           Loss; undone behind it, if the window was given back
 *	segment    DIRECTION FLAGS [LEN] [again]
 *	           sent SYN_ACK    received FIN_PSH_ACK 25
 *	drop       DIRECTION FLAGS [REASON]
 *	           received SYN NO_SOCKET
 *
 * Returns @text, empty for an event of which there is nothing to say. With
 * @marks words of states that were not observed but derived have a ~ behind.
 */
char *spell(struct json_object *event, bool marks, char *text, size_t size);

#endif
