#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-only
"""The results of bench-cpu, one JSON object a line on stdin, as a table.

  report.py JSON PLOT KEY=VALUE...  also writes them all to the one file, with what is known
                                    of the rig, and gnuplot commands for an SVG to the other

Exit status 1 when a bar is missed.
"""
import json
import statistics
import sys

from arms import ARMS, EXTRA
from quantile import p99

NEAR = .02


def values(lines, case, arm, smp, of):
    return [of(line) for line in lines if (line['case'], line['arm'], line['smp']) == (case, arm, smp)]


def late_us(line):
    return p99(line['late_ns']) / 1000


def ns_per_switch(line):
    return line['ns_per_switch']


def took_us(command, percentile=p99):
    return lambda line: percentile(line['took_ns'][command]) / 1000


def shown(found, digits):
    """Median, and from where to where."""
    if not found:
        return '-'
    text = f'{statistics.median(found):,.{digits}f}'
    return text if len(found) == 1 else f'{text} ({min(found):,.{digits}f} to {max(found):,.{digits}f})'


class Table:
    def __init__(self, lines):
        self.lines, self.missed = lines, False
        self.arms = ARMS + [arm for arm in EXTRA if any(line['arm'] == arm for line in lines)]

    def row(self, what, cells, bar='', holds=None):
        verdict = '' if holds is None else 'ok' if holds else 'MISSED'
        self.missed |= holds is False
        print(f'{what:<46}' + ''.join(f'{cell:<26}' for cell in cells) + f'{bar:<34}{verdict}')

    def median(self, case, arm, smp, of=late_us):
        found = values(self.lines, case, arm, smp, of)
        return statistics.median(found) if found else None

    def figure(self, what, case, smp, of, digits, bar='', holds=None):
        self.row(what, [shown(values(self.lines, case, arm, smp, of), digits) for arm in self.arms], bar, holds)

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
        self.build()
        for at, due in enumerate((100 / 6, 200 / 6, 50)):
            self.share(f'weight {at + 1}00 of 100:200:300, %', 'weighed', lambda line, at=at: line['used'][at] * 100, due, NEAR)
        for at, due in enumerate((25, 25, 25, 6.25, 18.75)):
            self.share(f'leaf {at + 1} of three levels, %', 'deep', lambda line, at=at: line['used'][at] * 100, due, NEAR)
        self.share('cpu.max 50 % beside a spinner, %', 'limited', lambda line: line['used'] * 100, 50, .03)
        self.share('liar from 50 ms on, over its due', 'exposed', lambda line: line['over_due'], 1, .05)
        self.share('besteffort beside four that spin, %', 'left_over', lambda line: line['used'] * 100, 100 / 65, .1)
        self.commands()
        self.switches()

    def build(self):
        eevdf, ours = (self.median('built', arm, 1, lambda line: line['took_s']) for arm in ('eevdf', 'sched'))
        if eevdf and ours:
            self.figure('a build without any agent, s', 'built', 1, lambda line: line['took_s'], 2,
                        'eevdf over it >= 0.97', eevdf / ours >= .97)

    def commands(self):
        known = {command for line in self.lines if line['case'] == 'commands' for command in line['took_ns']}
        for command in sorted(known):
            alone = self.median('commands', 'eevdf', 1, took_us(command, statistics.median))
            beside = self.median('commands_beside', 'sched', 1, took_us(command))
            self.figure(f'{command} alone, median, us', 'commands', 1, took_us(command, statistics.median), 0)
            if alone and beside:
                self.figure('  beside three builds, P99', 'commands_beside', 1, took_us(command), 0,
                            '<= 2 times alone with eevdf', beside <= 2 * alone)

    def switches(self):
        """Logarithmic is that ten times as many cost as much more again."""
        cost = {}
        for number in (1, 10, 100):
            case = f'switched_{number}'
            cost[number], simple = (self.median(case, arm, 1, ns_per_switch) for arm in ('sched', 'simple'))
            if cost[number] and simple:
                self.figure(f'wakeup and switch, ns, {number} such calls', case, 1, ns_per_switch, 0,
                            '<= 1.5 times the simplest', cost[number] <= 1.5 * simple)
        if all(cost.values()):
            first, second = cost[10] - cost[1], cost[100] - cost[10]
            self.row('  more for 10 than for 1, for 100 than for 10', ['', '', f'{first:,.0f}, {second:,.0f}'],
                     'the second <= 1.5 times the first', second <= max(1.5 * first, .05 * cost[1]))

    def share(self, what, case, of, due, near):
        found = self.median(case, 'sched', 1, of)
        if found is not None:
            self.figure(what, case, 1, of, 2, f'{due:.2f}, within {near * 100:.0f} %', abs(found - due) <= due * near)

    def two(self):
        if self.median('idle', 'sched', 2):
            self.figure('two processors: wakeup P99, us, alone', 'idle', 2, late_us, 0)
        self.late('  beside 8 batch spinners', 'spun', 2, ('spun', 'eevdf'), .2, 'eevdf')
        self.late('  the same', 'spun', 2, ('spun', 'weights'), 1, 'weights')


def plot(table):
    """P99 of wakeups by arm, one picture for each number of processors."""
    cases = ['idle', 'spun', 'stormed', 'crowded', 'lied']
    yield ('set terminal svg size 1000,360 font "sans,10"\nset output\nset multiplot layout 1,2\n'
           'set style data histogram\nset style fill solid 0.6\nset logscale y\nset ylabel "P99 of wakeups, us"')
    for smp in (1, 2):
        rows = [(case, [table.median(case, arm, smp) for arm in table.arms if arm != 'simple']) for case in cases]
        rows = [(case, found) for case, found in rows if all(found)]
        if not rows:
            continue
        yield f'$data << END\ncase {" ".join(arm for arm in table.arms if arm != "simple")}'
        for case, found in rows:
            yield f'{case} {" ".join(map(str, found))}'
        yield 'END'
        yield f'set title "{smp} processor(s)"'
        yield 'plot for [column=2:%d] $data using column:xtic(1) title columnheader(column)' % (len(rows[0][1]) + 1)
    yield 'unset multiplot'


def main():
    lines = [json.loads(line) for line in sys.stdin if line.strip()]
    about = dict(argument.split('=', 1) for argument in sys.argv[3:])
    with open(sys.argv[1], 'w', encoding='utf-8') as file:
        json.dump({**about, 'lines': lines}, file)
    table = Table(lines)
    with open(sys.argv[2], 'w', encoding='utf-8') as file:
        print(*plot(table), sep='\n', file=file)
    table.row('figure', table.arms, 'bar, of sched')
    table.one()
    table.two()
    return table.missed


sys.exit(main())
