#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-only
"""The results of bench-cpu, one JSON object a line on stdin, as a table.

  report.py JSON KEY=VALUE...  also writes them all to that file, with what is known of the rig

Exit status 1 when a bar is missed.
"""
import json
import statistics
import sys

from arms import ARMS
from quantile import p99

NEAR = .02


def values(lines, case, arm, smp, of):
    return [of(line) for line in lines if (line['case'], line['arm'], line['smp']) == (case, arm, smp)]


def late_us(line):
    return p99(line['late_ns']) / 1000


def shown(found, digits):
    """Median, and from where to where."""
    if not found:
        return '-'
    text = f'{statistics.median(found):,.{digits}f}'
    return text if len(found) == 1 else f'{text} ({min(found):,.{digits}f} to {max(found):,.{digits}f})'


class Table:
    def __init__(self, lines):
        self.lines, self.missed = lines, False

    def row(self, what, cells, bar='', holds=None):
        verdict = '' if holds is None else 'ok' if holds else 'MISSED'
        self.missed |= holds is False
        print(f'{what:<46}' + ''.join(f'{cell:<26}' for cell in cells) + f'{bar:<34}{verdict}')

    def median(self, case, arm, smp, of=late_us):
        found = values(self.lines, case, arm, smp, of)
        return statistics.median(found) if found else None

    def figure(self, what, case, smp, of, digits, bar='', holds=None):
        self.row(what, [shown(values(self.lines, case, arm, smp, of), digits) for arm in ARMS], bar, holds)

    def late(self, what, case, smp, over, times, word):
        """Of the scheduler's, at most @times as late as in the case and arm @over."""
        ours, theirs = self.median(case, 'sched', smp), self.median(*over, smp)
        if ours is not None and theirs is not None:
            self.figure(what, case, smp, late_us, 0, f'<= {times} times {word}', ours <= times * theirs)

    def one(self):
        if self.median('idle', 'sched', 1):
            self.figure('wakeup P99, us, alone', 'idle', 1, late_us, 0)
        floor = ('idle', 'eevdf')
        self.late('  beside 8 batch spinners', 'spun', 1, floor, 1.2, 'alone with eevdf')
        self.late('  the same and a fork storm', 'stormed', 1, floor, 2, 'alone with eevdf')
        self.late('  ten at once beside 8 spinners', 'crowded', 1, floor, 3, 'alone with eevdf')
        self.late('  beside 8 and a latency call that spins', 'lied', 1, ('spun', 'sched'), 1.2, 'without that')
        pieces = [self.median('batch', arm, 1, lambda line: line['pieces_per_s']) for arm in ARMS]
        if all(pieces):
            self.row('batch beside a latency call, of eevdf', [f'{found / pieces[0]:.3f}' for found in pieces],
                     '>= 0.97', pieces[2] >= .97 * pieces[0])
        for at, due in enumerate((100 / 6, 200 / 6, 50)):
            self.share(f'weight {at + 1}00 of 100:200:300, %', 'weighed', lambda line, at=at: line['used'][at] * 100, due, NEAR)
        self.share('cpu.max 50 % beside a spinner, %', 'limited', lambda line: line['used'] * 100, 50, .03)

    def share(self, what, case, of, due, near):
        found = self.median(case, 'sched', 1, of)
        if found is not None:
            self.figure(what, case, 1, of, 2, f'{due:.2f}, within {near * 100:.0f} %', abs(found - due) <= due * near)

    def two(self):
        if self.median('idle', 'sched', 2):
            self.figure('two processors: wakeup P99, us, alone', 'idle', 2, late_us, 0)
        self.late('  beside 8 batch spinners', 'spun', 2, ('spun', 'eevdf'), .2, 'eevdf')
        self.late('  the same', 'spun', 2, ('spun', 'weights'), 1, 'weights')


def main():
    lines = [json.loads(line) for line in sys.stdin if line.strip()]
    about = dict(argument.split('=', 1) for argument in sys.argv[2:])
    with open(sys.argv[1], 'w', encoding='utf-8') as file:
        json.dump({**about, 'lines': lines}, file)
    table = Table(lines)
    table.row('figure', ARMS, 'bar, of the last one')
    table.one()
    table.two()
    return table.missed


sys.exit(main())
