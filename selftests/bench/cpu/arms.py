# SPDX-License-Identifier: GPL-2.0-only
"""Who schedules, and what he is told, as bench-cpu compares them."""

# The kernel's own scheduler (EEVDF), told nothing or the weights of the fallback, and agentcg_sched.
ARMS = ['eevdf', 'weights', 'sched']

# Schedulers that are programs of others: the simplest example of the kernel's, for what a
# switch costs, and one that the user names.
EXTRA = ['simple', 'peer']
