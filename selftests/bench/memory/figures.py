# SPDX-License-Identifier: GPL-2.0-only
"""What the runs of bench-memory say: one row for each load and arm, and the bars."""
import math
import statistics

from arms import ARMS, MAX_HOLD_S
from fits import agents_fit, fits, longest_wait

NS = 1e9
LIVELOCK_TIMES = 1.05
HIGH_TIMES = 0.5
LOW_TIMES = 1.5
OURS = ('agentcg', 'priority')


def interval(samples):
    """Of the median, by order statistics: 95 %, or as near to it as so few samples come."""
    ordered = sorted(samples)
    number = len(ordered)
    # How many can be left off at either end: P(Binomial(n, 1/2) <= off) stays below 2.5 %.
    off, tail = 0, 0.0
    while (tail := tail + math.comb(number, off) / 2 ** number) <= 0.025:
        off += 1
    off = max(off - 1, 0)
    return ordered[off], ordered[number - 1 - off]


def summary(samples):
    """Median and interval, None without samples."""
    if not samples:
        return None
    return {'median': statistics.median(samples), 'interval': interval(samples), 'samples': samples}


def sessions_of(result, high, wanted):
    return [session for session, is_high in zip(result['sessions'], high) if is_high == wanted]


def worst_latency(result, high, point):
    """Of the HIGH sessions, the worse; of all where there is none. None without allocations."""
    chosen = sessions_of(result, high, True) or result['sessions']
    return max((session['latency'][point] for session in chosen if session['latency']), default=None)


def completion(result, solo, high):
    """Of the LOW sessions over their time alone, the worst; None where one never ended."""
    chosen = [number for number, is_high in enumerate(high) if not is_high]
    times = [(result['sessions'][number]['completion'], solo['sessions'][number]['alone']) for number in chosen]
    if not times or any(took is None or not alone for took, alone in times):
        return None
    return max(took / alone for took, alone in times)


class Load:
    """All runs of one load."""

    def __init__(self, name):
        self.name = name
        self.needs, self.results = {}, {}

    def take(self, line):
        if 'needs' in line:
            self.needs[line['run']] = line
        else:
            self.results.setdefault(line['arm'], {})[line['run']] = line['result']

    @property
    def is_livelock(self):
        return any(line['soft'] for line in self.needs.values())

    def good(self, arm):
        """Runs in which the arm came to a result, by number."""
        return {run: result for run, result in self.results.get(arm, {}).items() if 'failed' not in result}

    def wait(self, run):
        """The longest wait of the best schedule, in ns; None where there is none."""
        line = self.needs[run]
        if line['memory'] is None:
            return 0
        needs = line['needs']
        return longest_wait(needs['sessions'], line['high'], line['memory'], NS / max(needs['rate-here'], 1))

    def agents_fit(self, run):
        line = self.needs[run]
        return line['memory'] is None or agents_fit(line['needs']['sessions'], line['high'], line['memory'])

    def fits(self, run):
        line = self.needs[run]
        if line['memory'] is None:
            return True
        needs = line['needs']
        return fits(needs['sessions'], line['high'], line['memory'], NS / max(needs['rate-here'], 1), MAX_HOLD_S * NS)

    def row(self, arm):
        """What is printed of one arm."""
        good = self.good(arm)
        solo = self.good('solo').get(0)
        totals = [result['total'] for result in good.values()]
        pairs = [(result, self.needs[run]['high']) for run, result in good.items()]
        ratios = [completion(result, solo, high) for result, high in pairs] if solo else []
        return {
            'runs': len(good), 'failed': len(self.results.get(arm, {})) - len(good),
            'agents': sum(total['agents'] for total in totals),
            'agents-survived': sum(total['agents-survived'] for total in totals),
            'calls': sum(total['calls'] for total in totals),
            'calls-survived': sum(total['survived'] for total in totals),
            'cut': sum(result['cut'] for result in good.values()),
            **{point: summary([latency for result, high in pairs
                               if (latency := worst_latency(result, high, point)) is not None])
               for point in ('p95', 'p99')},
            'low': summary([ratio for ratio in ratios if ratio is not None]),
            'low-never': sum(ratio is None for ratio in ratios),
            'completion': summary([total['completion'] for total in totals if total['completion'] is not None]),
        }

    def rows(self):
        return {arm: self.row(arm) for arm in ARMS if arm in self.results}


def part(row, what):
    return row[f'{what}-survived'] / row[what] if row[what] else 0


def median(row, key):
    return row[key]['median'] if row[key] else None


def survival(arm, row, what, others, possible):
    """All of them where that is possible, no fewer than the best other arm where it is not."""
    best = 1 if possible else max((part(other, what) for other in others.values()), default=0)
    return f'{arm}: {what} that survive', best, part(row, what), part(row, what) >= best


def verdicts(load, rows):
    """The bars of one load: (what, bar, value, whether it is met); value None: not measured."""
    others = {arm: row for arm, row in rows.items() if arm not in OURS}
    for arm in (arm for arm in OURS if arm in rows):
        row = rows[arm]
        yield survival(arm, row, 'agents', others, all(load.agents_fit(run) for run in load.needs))
        if load.is_livelock:
            yield from livelock_verdict(arm, row, rows)
            continue
        every = all(load.fits(run) for run in load.needs)
        yield survival(arm, row, 'calls', others, every)
        keepers = {other: figures for other, figures in others.items() if part(figures, 'calls') >= part(row, 'calls')}
        for point in ('p95', 'p99'):
            for whom, rivals in (('best other arm', others), ('best that keeps as many calls', keepers)):
                known = [value for rival in rivals.values() if (value := median(rival, point))]
                mine = median(row, point)
                if known and mine:
                    value = mine / min(known)
                    yield f'{arm}: HIGH {point.upper()} over the {whom}', HIGH_TIMES, value, value <= HIGH_TIMES
        if every and (row['low'] or row['low-never']):
            value = median(row, 'low')
            well = not row['low-never'] and value <= LOW_TIMES
            yield f'{arm}: LOW completion over solo', LOW_TIMES, value, well


def livelock_verdict(arm, row, rows):
    unlimited = median(rows['none'], 'completion') if 'none' in rows else None
    mine = median(row, 'completion')
    value = mine / unlimited if mine and unlimited else None
    yield (f'{arm}: time over the unlimited one', LIVELOCK_TIMES, value,
           value is not None and value <= LIVELOCK_TIMES and not row['cut'])


def loads_of(lines):
    found = {}
    for line in lines:
        found.setdefault(line['load'], Load(line['load'])).take(line)
    return list(found.values())


def missing(loads, arms, runs):
    """Runs that there still have to be."""
    return sum(run not in load.results.get(arm, {})
               for load in loads for arm in ('solo', *arms) for run in range(1 if arm == 'solo' else runs))
