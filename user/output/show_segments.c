// SPDX-License-Identifier: GPL-2.0
/*
 * The queues of the sender and the receiver: what was sent and is not
 * acknowledged as a scoreboard, a sign for each packet.
 */
#include "output/show_part.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define BOARD_ROWS 12  /* if not all is asked for ... */
#define BOARD_ALL 4096 /* ... and if it is */
#define BOARD_AT 13    /* where signs begin; before them, a sequence number */

#define PACKETS_MAX 65535 /* of a segment, in the kernel */

/* What a packet is taken for; of several in one sign the first counts. */
enum { LOST, RETRANSMITTED, EVER, FLIGHT, SACKED, FATES };

static const struct fate {
	char sign;
	canvas_colour colour;
	const char *words;
} fates[FATES] = {
	[LOST] = { 'L', "31", "lost" },
	[RETRANSMITTED] = { 'R', "33", "resent" },
	[EVER] = { 'E', "36", "once resent" },
	[FLIGHT] = { '.', NULL, "in flight" },
	[SACKED] = { 'S', "32", "sacked" },
};

static unsigned int fate_of(uint64_t marks)
{
	if (marks & TCBSCOPE_MARK_SACKED)
		return SACKED;
	if (marks & TCBSCOPE_MARK_RETRANSMITTED)
		return RETRANSMITTED;
	if (marks & TCBSCOPE_MARK_LOST)
		return LOST;
	if (marks & TCBSCOPE_MARK_EVER_RETRANSMITTED)
		return EVER;
	return FLIGHT;
}

struct queue {
	uint64_t segments, packets, bytes;
	uint64_t fate[FATES]; /* packets */
	uint64_t oldest_ns;   /* when it was sent; 0: unknown */
};

struct segment {
	uint32_t seq, len;
	uint64_t packets, marks, sent_ns;
};

/* The next one of a queue. A segment that is no list of numbers is empty. */
static bool next(const struct show *s, unsigned int queue, size_t *at,
		 struct segment *segment)
{
	struct module_list list;

	while (module_next(&s->list, TCBSCOPE_A_SOCKET_SEGMENT, at, &list)) {
		if (module_or(&list, TCBSCOPE_A_SEGMENT_QUEUE, -1) != queue)
			continue;
		segment->seq = module_or(&list, TCBSCOPE_A_SEGMENT_SEQ, 0);
		segment->len = module_or(&list, TCBSCOPE_A_SEGMENT_LEN, 0);
		segment->packets = module_or(&list, TCBSCOPE_A_SEGMENT_PACKETS,
					     1);
		if (!segment->packets || segment->packets > PACKETS_MAX)
			segment->packets = 1;
		segment->marks = module_or(&list, TCBSCOPE_A_SEGMENT_MARKS, 0);
		segment->sent_ns = module_or(&list, TCBSCOPE_A_SEGMENT_SENT_NS,
					     0);
		return true;
	}
	return false;
}

static struct queue sum(const struct show *s, unsigned int queue)
{
	struct segment segment;
	struct queue q = {};
	size_t at = 0;

	while (next(s, queue, &at, &segment)) {
		q.segments++;
		q.packets += segment.packets;
		q.bytes += segment.len;
		q.fate[fate_of(segment.marks)] += segment.packets;
		if (segment.sent_ns &&
		    (!q.oldest_ns || segment.sent_ns < q.oldest_ns))
			q.oldest_ns = segment.sent_ns;
	}
	return q;
}

/* A sheet of signs, and which packet comes next. */
struct board {
	struct canvas *canvas;
	unsigned int across, rows;
	uint64_t per_sign;  /* packets */
	uint64_t at;	    /* the packet */
	uint64_t signs;	    /* so many are begun */
	unsigned int worst; /* in the last of them */
	uint32_t base;	    /* of sequence numbers */
};

/* A row begins with its sequence number. */
static void board_number(struct board *b, unsigned int row, uint32_t seq)
{
	char text[16];

	snprintf(text, sizeof(text), "%u", seq - b->base);
	canvas_text_end(b->canvas, BOARD_AT - 2, row, BOARD_AT - 3, text, "2");
}

static void board_sign(struct board *b, uint64_t sign, unsigned int fate)
{
	char text[2] = { fates[fate].sign, '\0' };

	canvas_text(b->canvas, BOARD_AT + sign % b->across, sign / b->across, 1,
		    text, fates[fate].colour);
}

/* The signs of a segment; the first may be that of the one before, too. */
static void board_segment(struct board *b, const struct segment *segment)
{
	uint64_t end = b->at + segment->packets;
	unsigned int fate = fate_of(segment->marks);
	uint64_t sign = b->at / b->per_sign, first;

	for (; sign * b->per_sign < end; sign++) {
		first = sign * b->per_sign;
		if (sign == b->signs) {
			b->signs++;
			b->worst = fate;
			if (sign % b->across == 0)
				board_number(b, sign / b->across,
					     segment->seq +
						     segment->len *
							     (first - b->at) /
							     segment->packets);
		} else if (fate < b->worst) {
			b->worst = fate;
		}
		board_sign(b, sign, b->worst);
	}
	b->at = end;
}

static void board_fill(struct board *b, const struct show *s)
{
	struct segment segment;
	size_t at = 0;

	while (next(s, TCBSCOPE_QUEUE_RETRANSMIT, &at, &segment))
		board_segment(b, &segment);
}

static void board(struct show_page *p, const struct queue *q)
{
	struct board b = { .per_sign = 1, .base = show_send_base(p->s) };
	unsigned int most = p->look->all ? BOARD_ALL : BOARD_ROWS;
	uint64_t signs;
	char text[64];

	if (p->look->width < BOARD_AT + 10)
		return;
	b.across = (p->look->width - BOARD_AT) / 10 * 10;
	while (q->packets / b.per_sign > (uint64_t)most * b.across)
		b.per_sign *= 10;
	signs = (q->packets + b.per_sign - 1) / b.per_sign;
	b.rows = (signs + b.across - 1) / b.across;
	b.canvas = show_sheet(p, b.rows + (b.per_sign > 1));
	if (!b.canvas)
		return;
	board_fill(&b, p->s);
	if (b.per_sign > 1) {
		snprintf(text, sizeof(text),
			 "a sign for %" PRIu64 " packets, the worst of them",
			 b.per_sign);
		canvas_text(b.canvas, BOARD_AT, b.rows,
			    p->look->width - BOARD_AT, text, "2");
	}
	show_print(p, b.canvas);
}

/* "L lost 1  R retransmitted 4 ...", in so many rows; @c NULL: only count. */
static unsigned int legend_rows(struct canvas *c, const struct queue *q,
				unsigned int width)
{
	unsigned int i, x = 2, y = 0, len;
	char text[64];

	for (i = 0; i < FATES; i++) {
		if (!q->fate[i])
			continue;
		snprintf(text, sizeof(text), "%c %s %" PRIu64, fates[i].sign,
			 fates[i].words, q->fate[i]);
		len = strlen(text);
		if (x + len > width) {
			x = 2;
			y++;
		}
		if (c)
			canvas_text(c, x, y, len, text, fates[i].colour);
		x += len + 2;
	}
	return y + 1;
}

static void legend(struct show_page *p, const struct queue *q)
{
	unsigned int width = p->look->width;
	struct canvas *c = show_sheet(p, legend_rows(NULL, q, width));

	if (!c)
		return;
	legend_rows(c, q, width);
	show_print(p, c);
}

static void plural(char *to, size_t size, uint64_t n, const char *what)
{
	snprintf(to, size, "%" PRIu64 " %s%s", n, what, n == 1 ? "" : "s");
}

static void retransmit_queue(struct show_page *p)
{
	struct queue q = sum(p->s, TCBSCOPE_QUEUE_RETRANSMIT);
	uint64_t now = module_or(&p->s->list, TCBSCOPE_A_SOCKET_NOW_NS, 0);
	char words[160], segments[32], packets[32], age[SHOW_LABEL];
	size_t n;

	if (!q.segments)
		return;
	plural(segments, sizeof(segments), q.segments, "segment");
	plural(packets, sizeof(packets), q.packets, "packet");
	n = snprintf(words, sizeof(words), "%s in %s, %" PRIu64 " bytes",
		     packets, segments, q.bytes);
	if (q.oldest_ns && now > q.oldest_ns) {
		show_span((now - q.oldest_ns) / 1000, age);
		snprintf(words + n, sizeof(words) - n, ", oldest sent %s ago",
			 age);
	}
	show_heading(p, "RETRANSMIT QUEUE", words);
	board(p, &q);
	legend(p, &q);
}

static void unsent_queue(struct show_page *p)
{
	struct queue q = sum(p->s, TCBSCOPE_QUEUE_UNSENT);
	char words[96], segments[32];

	if (!q.segments)
		return;
	plural(segments, sizeof(segments), q.segments, "segment");
	snprintf(words, sizeof(words), "%" PRIu64 " bytes in %s", q.bytes,
		 segments);
	show_heading(p, "UNSENT QUEUE", words);
}

/* "1449:2897": the bytes of a range, and those of others behind. */
static bool add_range(char *to, size_t size, uint32_t start, uint32_t end)
{
	size_t n = strlen(to);

	if (n + 32 > size)
		return false;
	snprintf(to + n, size - n, "%s%u:%u", n ? "  " : "", start, end);
	return true;
}

static void print_ranges(struct show_page *p, const char *ranges)
{
	struct canvas *c = *ranges ? show_sheet(p, 1) : NULL;

	if (!c)
		return;
	canvas_text(c, 2, 0, p->look->width - 2, ranges, NULL);
	show_print(p, c);
}

static void out_of_order_queue(struct show_page *p)
{
	struct queue q = sum(p->s, TCBSCOPE_QUEUE_OUT_OF_ORDER);
	uint32_t base = show_receive_base(p->s);
	char words[96], ranges[32], list[512] = "";
	struct segment segment;
	size_t at = 0;

	if (!q.segments)
		return;
	plural(ranges, sizeof(ranges), q.segments, "range");
	snprintf(words, sizeof(words), "%" PRIu64 " bytes in %s", q.bytes,
		 ranges);
	show_heading(p, "OUT OF ORDER", words);
	while (next(p->s, TCBSCOPE_QUEUE_OUT_OF_ORDER, &at, &segment))
		if (!add_range(list, sizeof(list), segment.seq - base,
			       segment.seq + segment.len - base))
			break;
	print_ranges(p, list);
}

/* The blocks of SACKs, in the space that they are of. */
static void sacks(struct show_page *p, int type, uint32_t base)
{
	char name[SHOW_LABEL], list[512] = "";
	struct module_list range;
	size_t at = 0;

	while (module_next(&p->s->list, type, &at, &range))
		if (!add_range(list, sizeof(list),
			       (uint32_t)module_or(&range,
						   TCBSCOPE_A_RANGE_START, 0) -
				       base,
			       (uint32_t)module_or(&range, TCBSCOPE_A_RANGE_END,
						   0) -
				       base))
			break;
	if (!*list)
		return;
	show_name(p->s->set, type, name);
	show_heading(p, name, list);
}

void show_segments(struct show_page *p)
{
	retransmit_queue(p);
	unsent_queue(p);
	sacks(p, TCBSCOPE_A_SOCKET_SACK_RECEIVED, show_send_base(p->s));
}

void show_received(struct show_page *p)
{
	out_of_order_queue(p);
	sacks(p, TCBSCOPE_A_SOCKET_SACK_PENDING, show_receive_base(p->s));
}
