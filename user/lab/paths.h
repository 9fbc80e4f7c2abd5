/* SPDX-License-Identifier: GPL-2.0 */
/* Parts of the stories that many scenarios expect, as lab/scenario.h has them. */
#ifndef TCBSCOPE_LAB_PATHS_H
#define TCBSCOPE_LAB_PATHS_H

/* Who connects, and what a listener's child goes through. */
#define OPENS "CLOSE>SYN_SENT CALL_CONNECT, SYN_SENT>ESTABLISHED RX_SYN_ACK, "
#define ACCEPTED "LISTEN>SYN_RECV RX_ACK, SYN_RECV>ESTABLISHED RX_ACK"

#define REFUSED \
	"CLOSE>SYN_SENT CALL_CONNECT, SYN_SENT>CLOSE RX_RST ECONNREFUSED, "

/* Who closes first, and the other end. */
#define CLOSES                                                           \
	"ESTABLISHED>FIN_WAIT1 CALL_CLOSE, FIN_WAIT1>FIN_WAIT2 RX_ACK, " \
	"FIN_WAIT2>TIME_WAIT"
#define CLOSES_LAST                                                       \
	"ESTABLISHED>CLOSE_WAIT RX_FIN, CLOSE_WAIT>LAST_ACK CALL_CLOSE, " \
	"LAST_ACK>CLOSE RX_ACK"

#endif
