/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What a small process needs that lives on beside another one to clean up after
 * it: it reads orders from a pipe until the other end has gone.
 */
#ifndef AGENTCG_KEEPER_H
#define AGENTCG_KEEPER_H

#include <stdbool.h>
#include <stddef.h>

/**
 * keep_only() - Close all descriptors but two.
 * @a: becomes 0.
 * @b: becomes 1.
 *
 * Whoever reads the other one's output until its end must not wait for this one.
 */
void keep_only(int *a, int *b);

/**
 * read_order() - Wait for the next order.
 * @pipe: to read from.
 * @order: gets it.
 * @size: of it, which fits into PIPE_BUF, so it is read whole.
 *
 * Return: false when the other end has gone.
 */
bool read_order(int pipe, void *order, size_t size);

/**
 * send_order() - Send one.
 * @pipe: to write to.
 * @order: what to send.
 * @size: of it, as above.
 *
 * Should its reader be gone, SIGPIPE has to be blocked, and nothing is lost.
 */
void send_order(int pipe, const void *order, size_t size);

#endif /* AGENTCG_KEEPER_H */
