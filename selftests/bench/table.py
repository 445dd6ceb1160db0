#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-only
"""Reads the bench's results, one JSON object a line on stdin.

Prints them as a table, then a line "JSON" and all of them as JSON. Arguments
are KEY=VALUE, for the JSON. Exit status 1 when a bar is missed.
"""
import json
import sys

import quantile


def shown(figure):
    value, unit = figure['value'], figure['unit']
    if value is None:
        return 'failed' if figure['bar'] is not None else '-'
    if 'interval' in figure:
        return f'{value:.1f} {unit} ({figure["interval"][0]:.1f} to {figure["interval"][1]:.1f})'
    if unit in ('times', '%'):
        return f'{value:.4f} {unit}'
    return f'{value:,.0f} {unit}'.strip()


def bar(figure):
    if figure['bar'] is None:
        return '-'
    return f'<= {figure["bar"]:,} {figure["unit"]}'.strip()


def missed(figure):
    return figure['bar'] is not None and (figure['value'] is None or figure['value'] > figure['bar'])


def names(results):
    """In the order of their first appearance."""
    return list(dict.fromkeys(figure['figure'] for result in results for figure in result['figures']))


def by_kernel(results):
    """One result for each kernel: its figures come from several guests."""
    merged = {}
    for result in results:
        smp = result.pop('smp')
        known = merged.setdefault(result['kernel'], {**result, 'figures': []})
        known['figures'] += [{**figure, 'smp': smp} for figure in result['figures']]
    return list(merged.values())


def add_intervals(results):
    """Here, since resampling would take the guest half an hour."""
    for result in results:
        for figure in result['figures']:
            if 'arms' in figure:
                figure['interval'] = quantile.interval(figure['arms']['calm'], figure['arms']['attack'],
                                                       figure['quantile'], figure['rounds'])


def main():
    results = by_kernel([json.loads(line) for line in sys.stdin if line.strip()])
    add_intervals(results)
    failed = False
    widths = [62] + [24] * len(results)
    kernels = [result['kernel'].split('+')[0] for result in results]
    print(''.join(f'{text:<{width}}' for text, width in zip(['figure'] + kernels, widths)) + 'bar')
    for name in names(results):
        found = [next((f for f in result['figures'] if f['figure'] == name), None) for result in results]
        cells = [shown(figure) if figure else '-' for figure in found]
        there = [figure for figure in found if figure]
        verdict = 'MISSED' if any(map(missed, there)) else 'ok' if there[0]['bar'] is not None else ''
        failed |= verdict == 'MISSED'
        print(''.join(f'{text:<{width}}' for text, width in zip([name] + cells, widths)) +
              f'{bar(there[0]):<26}{verdict}')
    if any(result['quick'] for result in results):
        print('Quick: fewer runs, so no P99 is one over 2,000 samples.')
    about = dict(argument.split('=', 1) for argument in sys.argv[1:])
    print('JSON')
    print(json.dumps({**about, 'results': results}, indent=1))
    return failed


sys.exit(main())
