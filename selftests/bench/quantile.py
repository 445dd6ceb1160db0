# SPDX-License-Identifier: GPL-2.0-only
"""Quantiles, and those of two arms compared.

A single order statistic jumps where the samples stand in clusters: of charges
that take 11,037 or 11,997 instructions the nearest rank is the one or the other
by a hair.  Harrell and Davis weigh all order statistics by how likely each is to
be the quantile (Biometrika 69, 1982), which moves smoothly.
"""
import math
import random
from functools import lru_cache
from itertools import chain

RESAMPLES = 200
SEED = 1
# Of a logarithm, below the largest: a weight of 1e-13.
NOTHING = 30


def percentile(samples, percent):
    """Nearest rank."""
    return sorted(samples)[max(0, math.ceil(len(samples) * percent / 100) - 1)]


def p99(samples):
    return percentile(samples, 99)


@lru_cache
def weights(number, quantile):
    """The density of Beta((n+1)q, (n+1)(1-q)) at each rank, summing to one.

    Only of the ranks that matter: the first of them, and the weights from there.
    """
    a, b = (number + 1) * quantile, (number + 1) * (1 - quantile)
    logs = [(a - 1) * math.log(x) + (b - 1) * math.log(1 - x)
            for x in ((rank + .5) / number for rank in range(number))]
    top = max(logs)
    matter = [rank for rank, log in enumerate(logs) if log > top - NOTHING]
    found = [math.exp(logs[rank] - top) for rank in matter]
    total = sum(found)
    return matter[0], [weight / total for weight in found]


def smooth(samples, quantile):
    first, found = weights(len(samples), quantile)
    return sum(weight * sample for weight, sample in zip(found, sorted(samples)[first:]))


def change(calm, attack, quantile):
    """In percent."""
    return (smooth(attack, quantile) / smooth(calm, quantile) - 1) * 100


def split(samples, rounds):
    size = len(samples) // rounds
    return [sorted(samples[at:at + size]) for at in range(0, len(samples), size)]


def interval(calm, attack, quantile, rounds):
    """Of the change, 95 %, by resampling both arms; the same every time.

    Whole rounds are drawn: what disturbs one sample disturbs its neighbours.
    """
    dice = random.Random(SEED)
    arms = [split(calm, rounds), split(attack, rounds)]
    found = sorted(change(*(list(chain.from_iterable(dice.choices(arm, k=rounds))) for arm in arms), quantile)
                   for _ in range(RESAMPLES))
    return found[RESAMPLES * 25 // 1000], found[RESAMPLES * 975 // 1000 - 1]
