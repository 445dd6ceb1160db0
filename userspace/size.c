// SPDX-License-Identifier: GPL-2.0-only
#include "size.h"

#include <stdio.h>
#include <string.h>

/*
 * Fractions are kept to so many digits: with T for a unit, and multiplied by
 * it, they still fit into 128 bits with room to spare.
 */
#define FRACTION_DIGITS	9

/* A decimal number: whole and fraction / scale. */
struct decimal {
	uint64_t whole;
	uint64_t fraction;
	uint64_t scale;
};

/* Return: where the digits end, or NULL when there are none or too many. */
static const char *read_decimal(const char *text, struct decimal *number,
				const char **error)
{
	const char *at = text;
	int digits = 0;

	*number = (struct decimal){ .scale = 1 };
	for (; *at >= '0' && *at <= '9'; at++) {
		uint64_t digit = (uint64_t)(*at - '0');

		if (number->whole > (UINT64_MAX - digit) / 10) {
			*error = "is too large: use a smaller one";
			return NULL;
		}
		number->whole = number->whole * 10 + digit;
	}
	if (at == text) {
		*error = *text == '-' ? "is negative: use 0 or more" : "is not a number";
		return NULL;
	}
	if (*at != '.')
		return at;
	for (at++; *at >= '0' && *at <= '9'; at++) {
		if (++digits > FRACTION_DIGITS)
			continue;
		number->fraction = number->fraction * 10 +
				   (uint64_t)(*at - '0');
		number->scale *= 10;
	}
	if (!digits) {
		*error = "ends after the decimal point";
		return NULL;
	}
	return at;
}

static const char *scale_by(const struct decimal *number, uint64_t unit,
			    uint64_t *value)
{
	__extension__ typedef unsigned __int128 wide;
	wide product = (wide)number->whole * unit +
		       (wide)number->fraction * unit / number->scale;

	/* JSON and clocks go no further, and no memory does. */
	if (product > INT64_MAX)
		return "is too large: use a smaller one";
	*value = (uint64_t)product;
	return NULL;
}

const char *parse_size(const char *text, uint64_t *value)
{
	static const char expected[] =
		"is not a size: use bytes, or K, M, G, T (1024-based), as in 512M";
	static const char letters[] = "KMGT";
	const char *error = expected, *at, *letter;
	struct decimal number;
	uint64_t unit = 1;

	if (!strcmp(text, "max")) {
		*value = UINT64_MAX;
		return NULL;
	}
	at = read_decimal(text, &number, &error);
	if (!at)
		return strcmp(error, "is not a number") ? error : expected;
	letter = *at ? strchr(letters, *at & ~0x20) : NULL;
	if (letter) {
		unit <<= 10 * (letter - letters + 1);
		at++;
		if (*at == 'i')
			at += at[1] == 'B' ? 2 : 1;
	} else if (number.scale > 1) {
		return "is a fraction of a byte: add K, M, G or T";
	} else if (*at == 'B') {
		at++;
	}
	return *at ? expected : scale_by(&number, unit, value);
}

const char *parse_duration(const char *text, uint64_t *value)
{
	static const char expected[] =
		"is not a duration: use seconds, or ns, us, ms, s, m, h, as in 500ms";
	static const struct {
		const char *name;
		uint64_t ns;
	} units[] = {
		{ "", 1000000000ull }, { "ns", 1 }, { "us", 1000 },
		{ "ms", 1000000 }, { "s", 1000000000ull },
		{ "m", 60000000000ull }, { "h", 3600000000000ull },
	};
	const char *error = expected, *at;
	struct decimal number;
	size_t i;

	at = read_decimal(text, &number, &error);
	if (!at)
		return strcmp(error, "is not a number") ? error : expected;
	for (i = 0; i < sizeof(units) / sizeof(units[0]); i++)
		if (!strcmp(at, units[i].name))
			return scale_by(&number, units[i].ns, value);
	return expected;
}

const char *parse_timeout(const char *text, uint64_t *value)
{
	const char *problem;

	if (!strcmp(text, "max")) {
		*value = UINT64_MAX;
		return NULL;
	}
	problem = parse_duration(text, value);
	if (problem || *value)
		return problem;
	return "would end it as it begins: use more, or max for none";
}

const char *parse_number(const char *text, uint64_t min, uint64_t max,
			 uint64_t *value)
{
	/* One message at a time; the caller prints it at once. */
	static char range[96];
	struct decimal number;
	const char *error;
	const char *at = read_decimal(text, &number, &error);

	if (at && !*at && number.scale == 1 && number.whole >= min &&
	    number.whole <= max) {
		*value = number.whole;
		return NULL;
	}
	snprintf(range, sizeof(range), "is not a number from %llu to %llu",
		 (unsigned long long)min, (unsigned long long)max);
	return range;
}

/* Three digits are enough for people; JSON has them all. */
static void write_human(char *buf, uint64_t value, uint64_t unit,
			const char *suffix)
{
	uint64_t whole = value / unit;
	uint64_t tenth = (uint64_t)((__extension__ (unsigned __int128)
				     (value % unit)) * 10 / unit);

	if (value % unit == 0 || whole >= 100)
		snprintf(buf, HUMAN_MAX, "%llu%s", (unsigned long long)whole,
			 suffix);
	else
		snprintf(buf, HUMAN_MAX, "%llu.%llu%s",
			 (unsigned long long)whole, (unsigned long long)tenth,
			 suffix);
}

const char *human_size(uint64_t value, char buf[HUMAN_MAX])
{
	static const char *const suffixes[] = { "", "K", "M", "G", "T" };
	int i = 0;

	if (value == UINT64_MAX)
		return strcpy(buf, "max");
	while (i < 4 && value >> (10 * (i + 1)))
		i++;
	write_human(buf, value, 1ull << (10 * i), suffixes[i]);
	return buf;
}

const char *human_duration(uint64_t value, char buf[HUMAN_MAX])
{
	if (value == UINT64_MAX)
		return strcpy(buf, "max");
	if (value < 1000)
		write_human(buf, value, 1, value ? "ns" : "");
	else if (value < 1000000)
		write_human(buf, value, 1000, "us");
	else if (value < 1000000000)
		write_human(buf, value, 1000000, "ms");
	else
		write_human(buf, value, 1000000000, "s");
	return buf;
}
