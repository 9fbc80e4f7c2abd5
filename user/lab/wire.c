// SPDX-License-Identifier: GPL-2.0
/* The relay, and the rules that it asks what becomes of each packet. */
#include "lab/wire.h"
#include "lab/line.h"
#include "lab/tun.h"
#include "lib/clock.h"

#include <errno.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <unistd.h>

#define WIRE_MTU 1500
#define WIRE_BYTES 65536 /* of a packet, at most */
#define WIRE_TURN 64	 /* packets of a device, until what is due goes first */

struct wire {
	int tun[2];
	int kick; /* an eventfd: something has changed for the relay */
	pthread_t relay;

	pthread_mutex_t lock; /* protects all that follows */
	pthread_cond_t change;
	bool stop;
	struct line line;

	struct wire_rule {
		struct rule rule;
		bool removed;
		unsigned int matched, done;
	} rule[WIRE_RULES];
	unsigned int n_rules;

	struct packet_flows flows;
	struct wire_entry *log; /* WIRE_LOG of them */
	size_t n_log, unlogged;
	struct wire_entry unread;  /* stands for all that are not logged */
	uint8_t bytes[WIRE_BYTES]; /* the packet that is being taken */
};

/* What the log says of it from now on. */
static struct wire_entry *log_add(struct wire *w, const struct packet *packet,
				  int from, int rule)
{
	struct wire_entry *entry;

	if (w->n_log == WIRE_LOG) {
		w->unlogged++;
		return &w->unread;
	}
	entry = &w->log[w->n_log++];
	*entry = (struct wire_entry){
		.in_ns = clock_now_ns(),
		.from = from,
		.rule = rule,
		.packet = *packet,
	};
	return entry;
}

static void rule_done(struct wire *w, int rule)
{
	if (rule >= 0)
		w->rule[rule].done++;
}

/* The answer comes from the wire, so no rule is asked about it. */
static void refuse(struct wire *w, const struct packet *packet,
		   struct parcel *p, const struct packet_refusal *refusal)
{
	uint8_t bytes[PACKET_REFUSAL];
	size_t n = packet_refuse(packet, p->bytes, refusal, bytes);
	struct parcel *answer;
	struct packet what;

	answer = n ? line_parcel(&w->line, !p->from, n, bytes, NULL) : NULL;
	if (answer) {
		packet_read(&what, bytes, n);
		answer->entry = log_add(w, &what, !p->from, p->rule);
		line_send(&w->line, answer, 0);
	}
	line_drop(&w->line, p, WIRE_REFUSED);
}

static void duplicate(struct wire *w, const struct packet *packet,
		      struct parcel *p)
{
	struct parcel *copy = line_parcel(&w->line, p->from, p->size, p->bytes,
					  NULL);

	line_send(&w->line, p, 0);
	if (!copy)
		return;
	copy->entry = log_add(w, packet, copy->from, -1);
	copy->entry->copy = true;
	line_send(&w->line, copy, 0);
}

/* What the rule that decides says; @rule may be NULL. */
static void treat(struct wire *w, const struct packet *packet, struct parcel *p,
		  const struct rule *rule)
{
	int from = p->from;

	switch (rule ? rule->action : RULE_PASS) {
	case RULE_DROP:
		rule_done(w, p->rule);
		line_drop(&w->line, p, WIRE_DROPPED);
		return;
	case RULE_REFUSE:
		rule_done(w, p->rule);
		refuse(w, packet, p, &rule->refusal);
		return;
	case RULE_HOLD:
		rule_done(w, p->rule);
		p->entry->fate = WIRE_HELD;
		line_set_aside(&w->line, p, 0);
		return;
	case RULE_REORDER:
		if (rule->behind) {
			line_set_aside(&w->line, p, rule->behind);
			return;
		}
		/* fall through */
	case RULE_PASS:
	case RULE_SEE:
		line_send(&w->line, p, 0);
		break;
	case RULE_DELAY:
		line_send(&w->line, p, rule->delay_ns);
		break;
	case RULE_DUPLICATE:
		duplicate(w, packet, p);
		break;
	}
	line_passed(&w->line, from);
}

/* All rules count it. The number of the one that decides, or -1. */
static int decide(struct wire *w, int from, const struct packet *packet)
{
	struct wire_rule *r;
	unsigned int i;
	int which = -1;

	for (i = 0; i < w->n_rules; i++) {
		r = &w->rule[i];
		if (r->removed || !rule_matches(&r->rule.which, from, packet))
			continue;
		if (!rule_selects(&r->rule, ++r->matched))
			continue;
		if (r->rule.action == RULE_SEE)
			r->done++;
		else if (which < 0)
			which = i;
	}
	return which;
}

static void take_one(struct wire *w, int from, size_t size)
{
	struct wire_entry *entry;
	struct packet packet;
	struct parcel *p;
	int rule;

	packet_read(&packet, w->bytes, size);
	packet_place(&packet, &w->flows);
	rule = decide(w, from, &packet);
	entry = log_add(w, &packet, from, rule);
	p = line_parcel(&w->line, from, size, w->bytes, entry);
	if (!p) {
		entry->fate = WIRE_FULL;
		return;
	}
	p->rule = rule;
	treat(w, &packet, p, rule < 0 ? NULL : &w->rule[rule].rule);
}

/* What one side has sent. 0, or -errno if there will be no more. */
static int take(struct wire *w, int from)
{
	ssize_t n;
	int i;

	for (i = 0; i < WIRE_TURN; i++) {
		n = read(w->tun[from], w->bytes, sizeof(w->bytes));
		if (n <= 0)
			return n < 0 && errno == EAGAIN ? 0 : -ENODEV;
		take_one(w, from, n);
	}
	return 0;
}

/*
 * Hand over what is due. Returns when more is, or UINT64_MAX. What was sent in
 * answer to one is taken before the next one: so the log has them in the order
 * of cause and effect, however late the relay is.
 */
static uint64_t give(struct wire *w)
{
	uint64_t now_ns = clock_now_ns(), due_ns;
	enum wire_fate fate;
	struct parcel *p;
	int to;

	while ((p = line_take(&w->line, now_ns, &due_ns))) {
		to = !p->from;
		p->entry->out_ns = clock_now_ns();
		fate = WIRE_HANDED_OVER;
		if (write(w->tun[to], p->bytes, p->size) < 0)
			fate = WIRE_LOST;
		else if (p->rule >= 0 &&
			 w->rule[p->rule].rule.action != RULE_HOLD)
			rule_done(w, p->rule);
		line_drop(&w->line, p, fate);
		take(w, to);
	}
	return due_ns;
}

static void *relay(void *arg)
{
	struct wire *w = arg;
	struct pollfd pfds[3] = {
		{ .fd = w->tun[0], .events = POLLIN },
		{ .fd = w->tun[1], .events = POLLIN },
		{ .fd = w->kick, .events = POLLIN },
	};
	uint64_t due_ns, now_ns, left_ns, n;
	struct timespec left;
	int i;

	pthread_mutex_lock(&w->lock);
	while (!w->stop) {
		due_ns = give(w);
		pthread_cond_broadcast(&w->change);
		pthread_mutex_unlock(&w->lock);

		now_ns = clock_now_ns();
		left_ns = due_ns > now_ns ? due_ns - now_ns : 0;
		left.tv_sec = left_ns / NSEC_PER_SEC;
		left.tv_nsec = left_ns % NSEC_PER_SEC;
		ppoll(pfds, 3, due_ns == UINT64_MAX ? NULL : &left, NULL);
		if (pfds[2].revents && read(w->kick, &n, sizeof(n)) < 0)
			pfds[2].fd = -1;

		pthread_mutex_lock(&w->lock);
		for (i = 0; i < 2; i++) {
			/* A device goes with its namespace. */
			if (pfds[i].fd >= 0 && pfds[i].revents && take(w, i))
				pfds[i].fd = -1;
		}
	}
	pthread_mutex_unlock(&w->lock);
	return NULL;
}

static void kick(struct wire *w)
{
	/* It cannot fail: the counter has room for 2^64 - 2. */
	if (eventfd_write(w->kick, 1))
		abort();
}

static struct wire *wire_alloc(const struct wire_config *config)
{
	struct wire *w = calloc(1, sizeof(*w));
	pthread_condattr_t attr;

	if (!w)
		return NULL;
	w->log = calloc(WIRE_LOG, sizeof(*w->log));
	if (!w->log) {
		free(w);
		return NULL;
	}
	w->tun[0] = w->tun[1] = w->kick = -1;
	line_init(&w->line, config ? &config->link : NULL);
	pthread_mutex_init(&w->lock, NULL);
	pthread_condattr_init(&attr);
	pthread_condattr_setclock(&attr, CLOCK_MONOTONIC);
	pthread_cond_init(&w->change, &attr);
	pthread_condattr_destroy(&attr);
	return w;
}

static void wire_free(struct wire *w)
{
	int i;

	for (i = 0; i < 2; i++)
		if (w->tun[i] >= 0)
			close(w->tun[i]);
	if (w->kick >= 0)
		close(w->kick);
	line_free(&w->line);
	pthread_cond_destroy(&w->change);
	pthread_mutex_destroy(&w->lock);
	free(w->log);
	free(w);
}

/* The relay takes no signals: they are the caller's. */
static int relay_start(struct wire *w)
{
	sigset_t all, old;
	int err;

	sigfillset(&all);
	pthread_sigmask(SIG_SETMASK, &all, &old);
	err = pthread_create(&w->relay, NULL, relay, w);
	pthread_sigmask(SIG_SETMASK, &old, NULL);
	return -err;
}

int wire_create(struct wire **wire, struct netns_pair *pair,
		const struct wire_config *config)
{
	unsigned int mtu = config && config->mtu ? config->mtu : WIRE_MTU;
	struct wire *w = wire_alloc(config);
	int i, err = 0;

	*wire = NULL;
	if (!w)
		return -ENOMEM;
	for (i = 0; i < 2 && err >= 0; i++)
		err = w->tun[i] = tun_create(&pair->side[i], mtu);
	for (i = 0; i < 2 && err >= 0; i++)
		err = netns_setup(&pair->side[i]);
	if (err >= 0) {
		w->kick = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
		err = w->kick < 0 ? -errno : relay_start(w);
	}
	if (err < 0) {
		wire_free(w);
		return err;
	}
	*wire = w;
	return 0;
}

int wire_pair_create(struct wire **wire, struct netns_pair *pair,
		     const struct wire_config *config)
{
	int err = netns_pair_create_apart(pair);

	if (err)
		return err;
	strcpy(pair->side[0].ifname, "wa");
	strcpy(pair->side[1].ifname, "wb");
	err = wire_create(wire, pair, config);
	if (err)
		netns_pair_destroy(pair);
	return err;
}

void wire_destroy(struct wire *w)
{
	if (!w)
		return;
	pthread_mutex_lock(&w->lock);
	w->stop = true;
	pthread_mutex_unlock(&w->lock);
	kick(w);
	pthread_join(w->relay, NULL);
	wire_free(w);
}

void wire_set_link(struct wire *w, int from, const struct wire_link *link)
{
	pthread_mutex_lock(&w->lock);
	w->line.link[from] = *link;
	pthread_mutex_unlock(&w->lock);
}

int wire_add(struct wire *w, const struct rule *rule)
{
	int n = -ENOSPC;

	pthread_mutex_lock(&w->lock);
	if (w->n_rules < WIRE_RULES) {
		n = w->n_rules++;
		w->rule[n].rule = *rule;
	}
	pthread_mutex_unlock(&w->lock);
	return n;
}

int wire_release(struct wire *w, int rule, unsigned int n)
{
	unsigned int released;

	pthread_mutex_lock(&w->lock);
	released = line_release(&w->line, rule, n ?: UINT_MAX);
	pthread_mutex_unlock(&w->lock);
	kick(w);
	return released;
}

void wire_remove(struct wire *w, int rule)
{
	pthread_mutex_lock(&w->lock);
	if (rule >= 0 && rule < (int)w->n_rules)
		w->rule[rule].removed = true;
	line_release(&w->line, rule, UINT_MAX);
	pthread_mutex_unlock(&w->lock);
	kick(w);
}

int wire_wait(struct wire *w, int rule, unsigned int n, uint64_t patience_ns)
{
	uint64_t end_ns = clock_now_ns() + patience_ns;
	const struct timespec end = { .tv_sec = end_ns / NSEC_PER_SEC,
				      .tv_nsec = end_ns % NSEC_PER_SEC };
	int err = 0;

	if (rule < 0 || rule >= WIRE_RULES)
		return -EINVAL;
	pthread_mutex_lock(&w->lock);
	while (w->rule[rule].done < n && !err)
		err = pthread_cond_timedwait(&w->change, &w->lock, &end);
	pthread_mutex_unlock(&w->lock);
	return -err;
}

unsigned int wire_done(struct wire *w, int rule)
{
	unsigned int n;

	if (rule < 0 || rule >= WIRE_RULES)
		return 0;
	pthread_mutex_lock(&w->lock);
	n = w->rule[rule].done;
	pthread_mutex_unlock(&w->lock);
	return n;
}

bool wire_log(struct wire *w, size_t i, struct wire_entry *entry)
{
	bool there;

	pthread_mutex_lock(&w->lock);
	there = i < w->n_log;
	if (there)
		*entry = w->log[i];
	pthread_mutex_unlock(&w->lock);
	return there;
}

size_t wire_count(struct wire *w, const struct rule_match *which, int fate)
{
	struct wire_entry entry;
	size_t i, n = 0;

	for (i = 0; wire_log(w, i, &entry); i++) {
		if (fate >= 0 && entry.fate != fate)
			continue;
		n += rule_matches(which, entry.from, &entry.packet);
	}
	return n;
}

size_t wire_unlogged(struct wire *w)
{
	size_t n;

	pthread_mutex_lock(&w->lock);
	n = w->unlogged;
	pthread_mutex_unlock(&w->lock);
	return n;
}

void wire_print(struct wire *w, FILE *out)
{
	static const char *const fates[] = {
		[WIRE_UNDER_WAY] = "under way", [WIRE_HELD] = "held",
		[WIRE_HANDED_OVER] = "",	[WIRE_DROPPED] = "dropped",
		[WIRE_REFUSED] = "refused",	[WIRE_FULL] = "queue full",
		[WIRE_LOST] = "not taken",
	};
	struct wire_entry e;
	uint64_t first_ns = 0;
	char text[256];
	size_t i;

	for (i = 0; wire_log(w, i, &e); i++) {
		if (!i)
			first_ns = e.in_ns;
		fprintf(out, "%10.6f %c %s%s%s %s\n",
			(e.in_ns - first_ns) / 1e9, "><"[e.from],
			packet_text(&e.packet, text, sizeof(text)),
			e.copy ? " copy" : "", e.rule >= 0 ? " *" : "",
			fates[e.fate]);
	}
}
