// SPDX-License-Identifier: GPL-2.0
/* What is said of each change of state, each retransmission, each reset. */
#include "event/explain_rows.h"

#include <stddef.h>

#define S(state) TCB_STATE_##state

#define RFC_OPEN "RFC 9293, 3.5"
#define RFC_CROSSED "RFC 9293, 3.5 (figure 7)"
#define RFC_RESET "RFC 9293, 3.5.2 and 3.5.3"
#define RFC_CLOSE "RFC 9293, 3.6"
#define RFC_CROSSED_FIN "RFC 9293, 3.6 (figure 13)"
#define RFC_TIMEOUT "RFC 9293, 3.8.3"
#define RFC_ABORT "RFC 9293, 3.10.5"

#define LOOK_REFUSED \
	"Is the server running, and does it listen on this address and port?"
#define LOOK_SILENCE                                                           \
	"A firewall that drops, a wrong address, or a host that is down: the " \
	"kernel cannot tell which. Try the address from elsewhere."
#define LOOK_RESET                                                             \
	"read() gives ECONNRESET. The reason is at the other end: look there " \
	"for a close() with data unread, SO_LINGER 0, or a process that died."
#define LOOK_UNREAD \
	"Read until 0 before close(), if the peer is to see all that was sent."

const struct explain_row explain_states[] = {
	/* opening */
	{ S(CLOSE), S(LISTEN), A_PROCESS, 0, 0,
	  "{owner} makes {local} a listener. Both of its queues are empty; "
	  "from now on the kernel answers SYNs by itself.",
	  "RFC 9293, 3.10.1",
	  "listen()'s argument limits both queues, and so does "
	  "net.core.somaxconn." },
	{ S(CLOSE), S(SYN_SENT), CAUSE_CALL_CONNECT, 0, 0,
	  "{owner} asks for a connection: a SYN goes from {local} to {remote}, "
	  "and again after a second or so if nobody answers.",
	  RFC_OPEN,
	  "connect() waits for the answer; on a non-blocking socket it returns "
	  "EINPROGRESS: wait for writable, then ask SO_ERROR." },
	{ S(CLOSE), S(SYN_SENT), A_PROCESS, 0, 0,
	  "{owner} {does}, and that opens the connection as well: the SYN from "
	  "{local} to {remote} may carry data (TCP Fast Open).",
	  "RFC 7413", NULL },
	{ S(SYN_SENT), S(ESTABLISHED), CAUSE_RX_SYN_ACK, KIND_half, 0,
	  "The SYN+ACK of {remote} came. That end had met our SYN with its own "
	  "under way: a simultaneous open as seen from there, not from here.",
	  RFC_CROSSED, NULL },
	{ S(SYN_SENT), S(ESTABLISHED), CAUSE_RX_SYN_ACK, 0, 0,
	  "{remote} has answered the SYN with SYN+ACK. This end is done and "
	  "sends the ACK, the third segment of the handshake.",
	  RFC_OPEN,
	  "connect() returns now. The server may not have called accept() "
	  "yet: its kernel answers for it." },
	{ S(SYN_SENT), S(ESTABLISHED), A_PROCESS, 0, 0,
	  "{owner} {does} on a socket under TCP_REPAIR: the connection is "
	  "there at once, without a handshake.",
	  NULL, NULL },
	{ S(SYN_SENT), S(SYN_RECV), CAUSE_RX_SYN, 0, 0,
	  "A bare SYN came from {remote}, to which {local} had sent one: they "
	  "crossed on the way. Both ends have asked, nobody listens. This end "
	  "answers with SYN+ACK, with the same sequence number.",
	  RFC_CROSSED, NULL },
	{ S(LISTEN), S(SYN_RECV), CAUSE_RX_ACK, 0, 0,
	  "The third segment of the handshake came from {remote}. Until now "
	  "the connection was a mere request in the SYN queue of the listener; "
	  "now it gets a socket, which goes into the accept queue.",
	  RFC_OPEN, "It waits there until the application calls accept()." },
	{ S(LISTEN), S(SYN_RECV), CAUSE_RX_SYN, 0, 0,
	  "A SYN with a cookie came from {remote} (TCP Fast Open, RFC 7413): the "
	  "connection gets a socket at once, and goes into the accept queue "
	  "before the handshake is complete.",
	  RFC_OPEN, "It waits there until the application calls accept()." },
	{ S(SYN_RECV), S(ESTABLISHED), 0, KIND_full, 0,
	  "The answer of {remote} to our SYN came. Both ends had received a "
	  "bare SYN: a full simultaneous open, one connection and not two.",
	  RFC_CROSSED, "connect() returns 0 at both ends; accept() at none." },
	{ S(SYN_RECV), S(ESTABLISHED), 0, KIND_half, 0,
	  "The answer of {remote} to our SYN came. Only this end had received "
	  "a bare SYN; the other one saw an ordinary handshake.",
	  RFC_CROSSED, NULL },
	{ S(SYN_RECV), S(ESTABLISHED), 0, KIND_unknown, 0,
	  "The answer of {remote} to our SYN came, after SYNs had crossed. "
	  "Whether the other end saw that too, nothing here tells.",
	  RFC_CROSSED, NULL },
	{ S(SYN_RECV), S(ESTABLISHED), 0, KIND_self, 0,
	  "{local} is connected to itself: its SYN came back to the very "
	  "socket that had sent it, which answered as if SYNs had crossed.",
	  RFC_CROSSED,
	  "The port to connect to was free, and the kernel chose it as the "
	  "local one. Bind another port, or check who the peer is." },
	{ S(SYN_RECV), S(ESTABLISHED), CAUSE_RX_ACK, 0, 0,
	  "The SYN+ACK of {local} is acked by {remote}: the handshake is "
	  "complete.",
	  RFC_OPEN,
	  "The connection is in the accept queue until accept() takes it." },
	{ S(SYN_RECV), S(ESTABLISHED), CAUSE_RX_SYN_ACK, 0, 0,
	  "{remote} has answered with SYN+ACK: the handshake is complete.",
	  RFC_OPEN, NULL },

	/* opens that fail */
	{ S(SYN_SENT), S(CLOSE), CAUSE_RX_RST, 0, 0,
	  "{remote} answered the SYN with RST, so nobody listens there: "
	  "connect() fails with {error}.",
	  RFC_RESET, LOOK_REFUSED },
	{ S(SYN_SENT), S(CLOSE), CAUSE_TIMER_RETRANSMIT, 0, 0,
	  "{remote} answered none of the SYNs: connect() fails with {error}.",
	  RFC_TIMEOUT, LOOK_SILENCE },
	{ S(SYN_SENT), S(CLOSE), CAUSE_RX_ICMP, 0, 0,
	  "The network said by ICMP that the SYN cannot get to {remote}: "
	  "connect() fails with {error}.",
	  "RFC 9293, 3.9.2.2", "The route, or a firewall that rejects." },
	{ S(SYN_RECV), S(CLOSE), CAUSE_RX_ICMP, 0, 0,
	  "The network said by ICMP that the SYN+ACK cannot get to {remote}: "
	  "{error}.",
	  "RFC 9293, 3.9.2.2", "The route, or a firewall that rejects." },
	{ S(SYN_SENT), S(CLOSE), A_PROCESS, 0, 0,
	  "{owner} {does} before {remote} has answered: the open is given up. "
	  "Nothing is sent; should an answer come, it gets an RST.",
	  "RFC 9293, 3.10.4", "A timeout of the application's own, mostly." },

	/* listeners */
	{ S(LISTEN), S(CLOSE), A_PROCESS, 0, 0,
	  "{owner} {does}: {local} listens no more. Connections that still "
	  "wait in its accept queue are reset.",
	  "RFC 9293, 3.10.4",
	  "Clients whose connections nobody has accepted see a reset." },
	{ S(LISTEN), S(CLOSE), CAUSE_ABORT, 0, 0,
	  "Somebody with the right to do so has destroyed the listener "
	  "{local}, as ss --kill does.",
	  NULL, "accept() fails from now on." },

	/* closing */
	{ S(SYN_RECV), S(FIN_WAIT1), 0, 0, 0,
	  "{owner} {does} before the handshake is complete at this end: its "
	  "FIN follows the SYN+ACK.",
	  RFC_CLOSE, NULL },
	{ S(ESTABLISHED), S(FIN_WAIT1), CAUSE_CALL_SHUTDOWN, 0, 0,
	  "{owner} calls shutdown(): {local} will send no more, and says so by "
	  "a FIN behind all data. It can still receive.",
	  RFC_CLOSE, "Read until 0: that is the peer's FIN." },
	{ S(ESTABLISHED), S(FIN_WAIT1), 0, 0, 0,
	  "{owner} {does}, and no FIN has come yet: ours goes to {remote}, "
	  "behind all data that was still to be sent.",
	  RFC_CLOSE, "Who closes first gets TIME_WAIT." },
	{ S(ESTABLISHED), S(CLOSE_WAIT), CAUSE_RX_FIN, 0, 0,
	  "{remote} will send no more: its FIN came, and is acked. This end "
	  "may go on sending until it closes.",
	  RFC_CLOSE,
	  "recv() returns 0. close() is up to the application: without it the "
	  "socket stays in CLOSE_WAIT for ever." },
	{ S(CLOSE_WAIT), S(LAST_ACK), 0, 0, 0,
	  "{owner} {does}, after the peer had: the FIN goes to {remote}, and "
	  "only its ACK is still missing.",
	  RFC_CLOSE, NULL },
	{ S(FIN_WAIT1), S(FIN_WAIT2), CAUSE_RX_ACK, 0, 0,
	  "{remote} has acked the FIN. Now its own is waited for: it comes "
	  "when the other application closes.",
	  RFC_CLOSE,
	  "If this lasts, the other application has not called close()." },
	{ S(FIN_WAIT1), S(CLOSING), CAUSE_RX_FIN, 0, 0,
	  "A FIN came from {remote} that does not ack ours: both ends closed "
	  "at once and the FINs crossed. Each acks the other's.",
	  RFC_CROSSED_FIN, NULL },
	{ S(CLOSING), S(TIME_WAIT), CAUSE_RX_ACK, 0, 0,
	  "{remote} has acked our FIN, after the FINs had crossed. Now {local} "
	  "waits 60 s, in case a segment comes late; so does the other end.",
	  RFC_CROSSED_FIN, NULL },
	{ S(FIN_WAIT2), S(TIME_WAIT), CAUSE_RX_FIN, 0, 0,
	  "The FIN of {remote} came and is acked: both directions are closed. "
	  "{local} waits 60 s, to ack the FIN again if that ACK was lost.",
	  RFC_CLOSE,
	  "Nothing to mend: who closes first has this. It holds no descriptor, "
	  "only the pair of ports." },
	{ S(FIN_WAIT2), S(TIME_WAIT), CAUSE_TIMER_FIN_WAIT2, 0, 0,
	  "The FIN of {remote} did not come within what tcp_fin_timeout allows "
	  "above 60 s: a minisocket waits on for it, as {as}.",
	  NULL, "The other application has not called close()." },
	{ S(FIN_WAIT2), S(TIME_WAIT), 0, 0, S(FIN_WAIT2),
	  "The socket is closed and its FIN acked; only the peer's FIN is "
	  "missing. A minisocket waits for it in its place, still as {as}: "
	  "TIME_WAIT is but what the kernel calls it.",
	  "RFC 9293, 3.6 and 3.10.7.4",
	  "If no FIN comes within net.ipv4.tcp_fin_timeout, it is dropped." },
	{ 0, S(TIME_WAIT), 0, 0, 0,
	  "Both FINs are acked: {local} waits 60 s, in case a segment comes "
	  "late.",
	  RFC_CLOSE, NULL },
	{ S(LAST_ACK), S(CLOSE), CAUSE_RX_ACK, 0, 0,
	  "{remote} has acked our FIN, the last of both: the connection is "
	  "gone at this end. TIME_WAIT is the other end's.",
	  RFC_CLOSE, NULL },

	/* cut off by this end */
	{ 0, S(CLOSE), A_PROCESS, KIND_unread_data, 0,
	  "{owner} {does} with data that nobody has read: it is thrown away, "
	  "and {remote} gets an RST instead of a FIN.",
	  "RFC 9293, 3.6.1 and RFC 2525, 2.17", LOOK_UNREAD },
	{ 0, S(CLOSE), A_PROCESS, KIND_linger, 0,
	  "{owner} {does} with SO_LINGER 0: what was not sent yet is thrown "
	  "away, {remote} gets an RST, and there is no TIME_WAIT.",
	  RFC_ABORT, "SO_LINGER 0 loses data; it is no cure for TIME_WAIT." },
	{ 0, S(CLOSE), A_PROCESS, KIND_disconnect, 0,
	  "{owner} calls connect() with AF_UNSPEC: the connection is cut off, "
	  "and the socket can be used again.",
	  RFC_ABORT, NULL },
	{ 0, S(CLOSE), 0, KIND_never_accepted, 0,
	  "The listener of {local} is closed before anybody has accepted this "
	  "connection: {remote} gets an RST.",
	  RFC_ABORT,
	  "Stop asking for connections first, then accept what waits." },
	{ S(FIN_WAIT2), S(CLOSE), CAUSE_TIMER_FIN_WAIT2, 0, 0,
	  "The FIN of {remote} did not come in time: the socket is given up.",
	  NULL, "The other application has not called close()." },
	{ S(FIN_WAIT2), S(CLOSE), CAUSE_RX_ACK, 0, 0,
	  "The FIN is acked, but TCP_LINGER2 allows no waiting for the peer's: "
	  "the connection is cut off by an RST.",
	  NULL, "TCP_LINGER2 below 0 asks for that." },
	{ S(FIN_WAIT2), S(CLOSE), A_PROCESS, 0, 0,
	  "{owner} {does} after its FIN was acked, and nothing is to be waited "
	  "for (TCP_LINGER2 below 0): the connection is cut off by an RST.",
	  NULL, NULL },
	{ 0, S(CLOSE), A_PROCESS, 0, 0,
	  "{owner} {does}: the connection with {remote} is gone at this end "
	  "without an orderly close.",
	  RFC_ABORT, NULL },

	/* cut off by others */
	{ S(CLOSE_WAIT), S(CLOSE), CAUSE_RX_RST, 0, 0,
	  "{remote}, which had sent its FIN, resets the connection: what this "
	  "end sends is no longer wanted there. Writing gives {error}.",
	  RFC_RESET,
	  "The peer has closed for both directions; who writes on needs to "
	  "expect SIGPIPE or EPIPE." },
	{ S(LAST_ACK), S(CLOSE), CAUSE_RX_RST, 0, 0,
	  "{remote} resets the connection instead of acking our FIN: the "
	  "last data may not have been read there.",
	  RFC_RESET, NULL },
	{ S(FIN_WAIT1), S(CLOSE), CAUSE_RX_RST, 0, 0,
	  "{remote} resets the connection (or has sent data to a socket that "
	  "is closed): {local} does not wait for a FIN any more.",
	  RFC_RESET, LOOK_RESET },
	{ S(FIN_WAIT2), S(CLOSE), CAUSE_RX_RST, 0, 0,
	  "{remote} resets the connection (or has sent data to a socket that "
	  "is closed): {local} does not wait for a FIN any more.",
	  RFC_RESET, LOOK_RESET },
	{ 0, S(CLOSE), CAUSE_RX_RST, 0, 0,
	  "{remote} resets the connection: whatever was under way is lost, and "
	  "the socket has the error {error}.",
	  RFC_RESET, LOOK_RESET },
	{ 0, S(CLOSE), CAUSE_TIMER_RETRANSMIT, 0, 0,
	  "What {local} sent was not acked, however often it was sent again: "
	  "the kernel gives up, with {error}.",
	  RFC_TIMEOUT,
	  "The peer or the network has gone. net.ipv4.tcp_retries2 and "
	  "TCP_USER_TIMEOUT say how long that takes." },
	{ 0, S(CLOSE), CAUSE_TIMER_PERSIST, 0, 0,
	  "The window of {remote} stayed shut and its probes found no answer: "
	  "the kernel gives up, with {error}.",
	  "RFC 9293, 3.8.6.1", "The peer does not read, and does not answer." },
	{ 0, S(CLOSE), CAUSE_TIMER_KEEPALIVE, 0, 0,
	  "{remote} answered no keepalive probe: it is taken for gone, with "
	  "{error}.",
	  "RFC 9293, 3.8.4", "SO_KEEPALIVE and TCP_KEEPIDLE asked for that." },
	{ 0, S(CLOSE), CAUSE_ABORT, 0, 0,
	  "Somebody with the right to do so has destroyed the socket, as ss "
	  "--kill does: it has the error {error}.",
	  NULL, NULL },
	{ 0, S(CLOSE), CAUSE_RX_ICMP, 0, 0,
	  "The network said by ICMP that {remote} cannot be reached: {error}.",
	  "RFC 9293, 3.9.2.2", NULL },
	{ S(CLOSING), S(CLOSE), CAUSE_RX_ACK, 0, 0,
	  "{remote} has acked our FIN, after the FINs had crossed.",
	  RFC_CROSSED_FIN, NULL },
	{}
};

/* By kind of retransmission, in the place of the kind. */
const struct explain_row explain_retransmits[] = {
	{ 0, 0, CAUSE_DUPACK, RETRANSMIT_fast, 0,
	  "Three ACKs of the same say that {range} is lost though later data "
	  "has arrived: it is sent again at once.",
	  "RFC 5681, 3.2", NULL },
	{ 0, 0, 0, RETRANSMIT_fast, 0,
	  "ACKs of what was sent later say that {range} is lost: it is sent "
	  "again at once, {segments}.",
	  "RFC 8985 and RFC 6675", NULL },
	{ 0, 0, 0, RETRANSMIT_RTO, 0,
	  "{range} was not acked within {rto}: it is sent again ({nth} "
	  "timeout in a row), the window falls to {cwnd}, and the next timeout "
	  "is twice as long.",
	  "RFC 6298, 5", NULL },
	{ 0, 0, CAUSE_RX_ICMP, RETRANSMIT_slow_start, 0,
	  "A router has told by ICMP that segments were too long for its link: "
	  "{range} is cut anew, and sent again.",
	  "RFC 1191 and RFC 8201", NULL },
	{ 0, 0, 0, RETRANSMIT_slow_start, 0,
	  "After a timeout all that was not acked counts as lost. As ACKs "
	  "come, {range} is sent again, with a window of {cwnd}.",
	  "RFC 5681, 3.1", NULL },
	{ 0, 0, 0, RETRANSMIT_TLP, 0,
	  "Nothing came for about two round trips: the last segment, {range}, "
	  "is sent again so that the peer says what it has.",
	  "RFC 8985, 7", NULL },
	{ 0, 0, 0, RETRANSMIT_SYN, 0,
	  "{remote} has not answered the SYN: it is sent again, for the {nth} "
	  "time, after {rto}.",
	  "RFC 6298, 5.7", LOOK_SILENCE },
	{ 0, 0, CAUSE_RX_SYN, RETRANSMIT_SYN_ACK, 0,
	  "The SYN of {remote} came again, so it cannot have our SYN+ACK: that "
	  "is sent again.",
	  RFC_OPEN, NULL },
	{ 0, 0, 0, RETRANSMIT_SYN_ACK, 0,
	  "{remote} has not acked the SYN+ACK: it is sent again, for the {nth} "
	  "time. Until then the request stays in the SYN queue.",
	  "RFC 6298, 5.7",
	  "A full accept queue also makes the kernel ignore that ACK." },
	{ 0, 0, 0, RETRANSMIT_window_probe, 0,
	  "{remote} has taken back the window that it had offered: {range} is "
	  "sent again as a probe.",
	  "RFC 9293, 3.8.6.1", "The peer does not read." },
	{}
};

/* By state before and cause; kind is that of the event. */
const struct explain_row explain_resets[] = {
	{ 0, 0, CAUSE_RX_RST, 0, 0,
	  "An RST came from {remote} and ends the connection, which was in "
	  "{state}.",
	  RFC_RESET, NULL },
	{ 0, 0, 0, KIND_unread_data, 0,
	  "{owner} {does} with {unread} bytes received and not read: an RST "
	  "tells {remote} that they are lost.",
	  "RFC 9293, 3.6.1 and RFC 2525, 2.17", LOOK_UNREAD },
	{ 0, 0, 0, KIND_linger, 0,
	  "{owner} {does} with SO_LINGER 0: an RST goes to {remote} instead of "
	  "a FIN.",
	  RFC_ABORT, NULL },
	{ 0, 0, 0, KIND_disconnect, 0,
	  "{owner} calls connect() with AF_UNSPEC: an RST cuts off {remote}.",
	  RFC_ABORT, NULL },
	{ 0, 0, 0, KIND_never_accepted, 0,
	  "The listener is closed before anybody has accepted the connection "
	  "of {remote}: an RST tells it so.",
	  RFC_ABORT, NULL },
	{ 0, 0, CAUSE_RX_SYN, 0, 0,
	  "A SYN came from {remote} for {local}, where nobody listens: an RST "
	  "is the answer.",
	  RFC_RESET, LOOK_REFUSED },
	{ 0, 0, 0, 0, 0,
	  "{local} answers {remote} with an RST{reason}: what came does not "
	  "belong to a connection that is there, or that is wanted.",
	  RFC_RESET, NULL },
	{}
};
