/* SPDX-License-Identifier: GPL-2.0-only */
/* Sizes, durations and numbers as people write them, and back. */
#ifndef AGENTCG_SIZE_H
#define AGENTCG_SIZE_H

#include <stddef.h>
#include <stdint.h>

/**
 * parse_size() - Read a size.
 * @text: digits, perhaps with a decimal fraction, and K, M, G or T, which may
 *	be followed by i or iB; all count in 1024, as systemd and cgroup files
 *	do. "max" is no limit.
 * @value: bytes.
 *
 * Return: NULL, or what is wrong, as the end of a sentence.
 */
const char *parse_size(const char *text, uint64_t *value);

/**
 * parse_duration() - Read a duration.
 * @text: digits, perhaps with a decimal fraction, and ns, us, ms, s, m or h;
 *	plain digits are seconds.
 * @value: nanoseconds.
 *
 * Return: as parse_size().
 */
const char *parse_duration(const char *text, uint64_t *value);

/**
 * parse_timeout() - Read a duration that something may take.
 * @text: as of parse_duration(), but not 0; "max" is no end.
 * @value: nanoseconds, or all ones.
 *
 * Return: as parse_size().
 */
const char *parse_timeout(const char *text, uint64_t *value);

/** parse_number() - Read a decimal number from @min to @max. */
const char *parse_number(const char *text, uint64_t min, uint64_t max,
			 uint64_t *value);

/* Enough for either of the next two. */
#define HUMAN_MAX	32

/** human_size() - Write @value into @buf in the largest fitting unit. */
const char *human_size(uint64_t value, char buf[HUMAN_MAX]);
/** human_duration() - Likewise, of nanoseconds; all ones is "max". */
const char *human_duration(uint64_t value, char buf[HUMAN_MAX]);

#endif /* AGENTCG_SIZE_H */
