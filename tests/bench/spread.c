// SPDX-License-Identifier: GPL-2.0
/* Medians and quartiles: one disturbed sample does not move them. */
#include "bench.h"

#include <stdlib.h>

void spread_add(struct spread *s, double value)
{
	if (s->n == s->room) {
		s->room = s->room ? 2 * s->room : 64;
		s->value = realloc(s->value, s->room * sizeof(*s->value));
		if (!s->value)
			bench_die("out of memory");
	}
	s->value[s->n++] = value;
}

static int compare(const void *a, const void *b)
{
	double x = *(const double *)a, y = *(const double *)b;

	return (x > y) - (x < y);
}

/* Between two samples it is interpolated. */
double spread_quantile(const struct spread *s, double q)
{
	double at = q * (s->n - 1);
	size_t i = at;

	if (!s->n)
		return 0;
	qsort(s->value, s->n, sizeof(*s->value), compare);
	if (i + 1 >= s->n)
		return s->value[s->n - 1];
	return s->value[i] + (at - i) * (s->value[i + 1] - s->value[i]);
}

double spread_median(const struct spread *s)
{
	return spread_quantile(s, 0.5);
}

const char *spread_text(const struct spread *s, int digits)
{
	return cell("%.*f [%.*f-%.*f]", digits, spread_median(s), digits,
		    spread_quantile(s, 0.25), digits, spread_quantile(s, 0.75));
}

void spread_free(struct spread *s)
{
	free(s->value);
	*s = (struct spread){};
}
