#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-only
"""The results of bench-memory: kept in one JSON file, shown as a table, and as data to plot.

  report.py merge OLD        adds the lines on stdin to the file, prints the new one
  report.py done FILE        prints which runs there are
  report.py table FILE RUNS  prints the table; exit status 1 when a bar is missed
  report.py plot FILE        prints gnuplot commands that draw it as SVG
"""
import json
import sys

from arms import ARMS, MAX_HOLD_S
from figures import loads_of, missing, verdicts

MS = 1e6


def read(path):
    """A result file; none yet is an empty one."""
    try:
        with open(path, encoding='utf-8') as file:
            text = file.read()
    except FileNotFoundError:
        return []
    if not text.strip():
        return []
    try:
        return json.loads(text)['lines']
    except (ValueError, KeyError, TypeError):
        sys.exit(f'report: {path} is no result of bench-memory: move it away to begin anew')


def key(line):
    return line['load'], line.get('arm', 'needs'), line['run']


def merge(path):
    """The first that is known of a run stays; a line that was cut off is none."""
    known = {key(line): line for line in read(path)}
    for text in sys.stdin:
        try:
            line = json.loads(text)
        except ValueError:
            continue
        known.setdefault(key(line), line)
    print('{"lines": [\n' + ',\n'.join(json.dumps(line) for line in known.values()) + '\n]}')


def done(path):
    print(json.dumps([key(line) for line in read(path) if 'arm' in line]))


def with_interval(value, scale, digits):
    if not value:
        return '-'
    low, high = value['interval']
    return f'{value["median"] / scale:.{digits}f} ({low / scale:.{digits}f} to {high / scale:.{digits}f})'


HEAD = ('arm', 'runs', 'agents', 'calls', 'HIGH P95, ms', 'HIGH P99, ms', 'LOW over solo', 'all, s', 'cut')


def print_rows(rows):
    widths = [max(len(cell) for cell in column) for column in zip(*rows)]
    for cells in rows:
        print('  ' + '  '.join(f'{cell:<{width}}' for cell, width in zip(cells, widths)).rstrip())


def head_of(load):
    runs = load.needs.values()
    demand = sorted(line['needs']['demand'] for line in runs)
    limit = sorted(line['memory'] or line['soft'] for line in runs)
    waits = [load.wait(run) for run in load.needs]
    fit = sum(load.fits(run) for run in load.needs)
    known = [wait for wait in waits if wait is not None]
    schedule = f', the longest wait {max(known) / 1e9:.1f} s' if known else ''
    alone = sum(not load.agents_fit(run) for run in load.needs)
    if alone:
        schedule += f'; the agents alone do not in {alone}'
    return (f'{load.name}: {"soft limit" if load.is_livelock else "memory"} {limit[0] >> 20} to {limit[-1] >> 20} MiB, '
            f'demand {demand[0] >> 20} to {demand[-1] >> 20} MiB; fits in time: {fit} of {len(load.needs)} runs{schedule}')


def print_load(load):
    rows = load.rows()
    print(head_of(load))
    print_rows([HEAD] + [
        (arm, f'{row["runs"]}' + (f'+{row["failed"]}!' if row['failed'] else ''),
         f'{row["agents-survived"]}/{row["agents"]}', f'{row["calls-survived"]}/{row["calls"]}',
         with_interval(row['p95'], MS, 2), with_interval(row['p99'], MS, 2),
         with_interval(row['low'], 1, 2) + (f' {row["low-never"]} never' if row['low-never'] else ''),
         with_interval(row['completion'], 1e9, 2), f'{row["cut"]}') for arm, row in rows.items()])
    met = True
    for what, bar, value, well in verdicts(load, rows):
        met &= well
        shown = '-' if value is None else f'{value:.3f}'
        print(f'  {what:<54} {shown:>8}   bar {bar:<6.4g} {"ok" if well else "MISSED"}')
    print()
    return met


def table(path, runs):
    loads = loads_of(read(path))
    if not loads:
        sys.exit('report: nothing was measured')
    for name, arm in ARMS.items():
        print(f'{name + ":":<10}{arm.about}')
    print(f'"Fits in time": a schedule is known in which no call waits longer than {MAX_HOLD_S} s. Medians with 95 % '
          'intervals, of fewer than six runs the range. Offsets are drawn by the number of the run.\n')
    met = all([print_load(load) for load in loads])
    lacking = missing(loads, ARMS, runs)
    if lacking:
        print(f'PARTIAL: {lacking} runs are missing; run it again to add them.')
    return not met


def plot(path):
    """P95 and P99 of HIGH, one box for each arm, one picture for each load."""
    loads = [load for load in loads_of(read(path)) if not load.is_livelock]
    rows = (len(loads) + 1) // 2
    print(f'set terminal svg size 1000,{260 * max(rows, 1)} font "sans,10"\nset output\n'
          f'set multiplot layout {max(rows, 1)},2\nset style data histogram\nset style fill solid 0.6\n'
          'set logscale y\nset ylabel "ms"\nset xtics rotate by -30')
    for load in loads:
        print(f'$data << END\narm P95 P99\n' + ''.join(
            f'{arm} {row["p95"]["median"] / MS} {row["p99"]["median"] / MS}\n'
            for arm, row in load.rows().items() if row['p95'] and row['p99']) + 'END')
        print(f'set title "{load.name}: allocation latency of HIGH"\n'
              'plot $data using 2:xtic(1) title columnheader, $data using 3 title columnheader')
    print('unset multiplot')


def main():
    match sys.argv[1:]:
        case ['merge', path]:
            merge(path)
        case ['done', path]:
            done(path)
        case ['table', path, runs]:
            return table(path, int(runs))
        case ['plot', path]:
            plot(path)
        case _:
            sys.exit(__doc__)
    return 0


if __name__ == '__main__':
    sys.exit(main())
