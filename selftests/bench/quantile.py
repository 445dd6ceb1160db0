# SPDX-License-Identifier: GPL-2.0-only
"""Quantiles of two arms, compared.

A single order statistic jumps where the samples stand in clusters: of charges
that take 11,037 or 11,997 instructions the nearest rank is the one or the other
by a hair.  Harrell and Davis weigh all order statistics by how likely each is to
be the quantile (Biometrika 69, 1982), which moves smoothly.
"""
import math
import random
from functools import lru_cache

RESAMPLES = 200
SEED = 1


@lru_cache
def weights(number, quantile):
    """The density of Beta((n+1)q, (n+1)(1-q)) at each rank, summing to one."""
    a, b = (number + 1) * quantile, (number + 1) * (1 - quantile)
    logs = [(a - 1) * math.log(x) + (b - 1) * math.log(1 - x)
            for x in ((rank + .5) / number for rank in range(number))]
    top = max(logs)
    found = [math.exp(log - top) for log in logs]
    total = sum(found)
    return [weight / total for weight in found]


def smooth(samples, quantile):
    return sum(map(lambda weight, sample: weight * sample,
                   weights(len(samples), quantile), sorted(samples)))


def change(calm, attack, quantile):
    """In percent."""
    return (smooth(attack, quantile) / smooth(calm, quantile) - 1) * 100


def interval(calm, attack, quantile):
    """Of the change, 95 %, by resampling both arms; the same every time."""
    dice = random.Random(SEED)
    found = sorted(change(dice.choices(calm, k=len(calm)), dice.choices(attack, k=len(attack)), quantile)
                   for _ in range(RESAMPLES))
    return found[RESAMPLES * 25 // 1000], found[RESAMPLES * 975 // 1000 - 1]
