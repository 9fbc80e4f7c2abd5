// SPDX-License-Identifier: GPL-2.0
/* Which packets a rule of the wire is for. */
#include "lab/rule.h"

#include <string.h>

#include <kselftest_harness.h>

/* The turns of a rule among the first nine, as "-23------". */
static const char *turns_of(struct rule rule)
{
	static char text[10];
	unsigned int n;

	for (n = 1; n < 10; n++)
		text[n - 1] = rule_selects(&rule, n) ? '0' + n : '-';
	return text;
}

TEST(turns)
{
	ASSERT_STREQ("123456789", turns_of((struct rule){}));
	ASSERT_STREQ("--3------", turns_of((struct rule){ .nth = 3 }));
	ASSERT_STREQ("--345----", turns_of((struct rule){ .nth = 3, .to = 5 }));
	ASSERT_STREQ("12-------", turns_of((struct rule){ .to = 2 }));
	ASSERT_STREQ("--3456789",
		     turns_of((struct rule){ .nth = 3, .to = RULE_EVER }));
	ASSERT_STREQ("--3--6--9", turns_of((struct rule){ .every = 3 }));
	ASSERT_STREQ("1--4--7--",
		     turns_of((struct rule){ .nth = 1, .every = 3 }));
	ASSERT_STREQ("1--4-----",
		     turns_of((struct rule){ .nth = 1, .every = 3, .to = 6 }));
}

TEST(matches)
{
	const struct packet data = {
		.kinds = PACKET_DATA | PACKET_FIN,
		.size = 140,
		.sport = 2000,
		.dport = 2001,
		.placed = true,
		.offset = 1000,
		.len = 100,
	};
	static const struct {
		struct rule_match which;
		bool a, b; /* if that side has sent it */
	} rows[] = {
		{ {}, true, true },
		{ { .from = RULE_A }, true, false },
		{ { .from = RULE_B }, false, true },
		{ { .kinds = PACKET_FIN }, true, true },
		{ { .kinds = PACKET_FIN | PACKET_SYN }, true, true },
		{ { .kinds = PACKET_ACK }, false, false },
		{ { .kinds = PACKET_ICMP }, false, false },
		{ { .sport = 2000 }, true, true },
		{ { .sport = 2001 }, false, false },
		{ { .dport = 2001 }, true, true },
		{ { .dport = 2000 }, false, false },
		{ { .longer = 139 }, true, true },
		{ { .longer = 140 }, false, false },
		{ { .begin = 1000, .end = 1001 }, true, true },
		{ { .begin = 1099, .end = 1100 }, true, true },
		{ { .begin = 0, .end = 2000 }, true, true },
		{ { .begin = 1100, .end = 1200 }, false, false },
		{ { .begin = 0, .end = 1000 }, false, false },
	};
	size_t i;

	for (i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		ASSERT_EQ(rows[i].a, rule_matches(&rows[i].which, 0, &data))
		TH_LOG("row %zu", i);
		ASSERT_EQ(rows[i].b, rule_matches(&rows[i].which, 1, &data));
	}
}

/* What is no TCP is matched by its kind only. */
TEST(no_tcp)
{
	const struct packet icmp = { .kinds = PACKET_ICMP, .size = 48 };

	ASSERT_FALSE(rule_matches(&(struct rule_match){}, 0, &icmp));
	ASSERT_TRUE(rule_matches(&(struct rule_match){ .kinds = PACKET_ANY }, 0,
				 &icmp));
}

TEST_HARNESS_MAIN
