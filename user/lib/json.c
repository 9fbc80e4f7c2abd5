// SPDX-License-Identifier: GPL-2.0
/* JSON, written piece by piece. */
#include "lib/json.h"
#include "lib/say.h"

void json_write(struct json *j)
{
	fwrite(j->text, 1, j->n, j->file);
	j->n = 0;
}

void json_name(struct json *j, const char *name)
{
	json_put(j, ",\"", 2);
	json_text(j, name);
	json_put(j, "\":", 2);
}

/* printf() would take half of the time that an event costs. */
void json_number(struct json *j, uint64_t value)
{
	static const char pairs[] = "0001020304050607080910111213141516171819"
				    "2021222324252627282930313233343536373839"
				    "4041424344454647484950515253545556575859"
				    "6061626364656667686970717273747576777879"
				    "8081828384858687888990919293949596979899";
	char digits[20];
	size_t at = sizeof(digits);

	for (; value >= 100; value /= 100) {
		at -= 2;
		memcpy(digits + at, &pairs[value % 100 * 2], 2);
	}
	at--;
	digits[at] = pairs[value * 2 + 1];
	if (value >= 10)
		digits[--at] = pairs[value * 2];
	json_put(j, digits + at, sizeof(digits) - at);
}

void json_string(struct json *j, const char *s, size_t len)
{
	char text[1024];

	len = say_json(text, sizeof(text), s, len);
	json_put(j, "\"", 1);
	json_put(j, text, len);
	json_put(j, "\"", 1);
}

void json_member(struct json *j, const char *name, uint64_t value)
{
	json_name(j, name);
	json_number(j, value);
}

void json_member_text(struct json *j, const char *name, const char *text)
{
	json_name(j, name);
	json_string(j, text, strlen(text));
}
