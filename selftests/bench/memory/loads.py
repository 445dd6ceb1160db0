#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-only
"""What bench-memory replays: reads a tar of recorded traces, writes one for the guest.

The tar on stdin may be empty: then the mixes are made of the short traces beside this
file, and the loads of the paper are left out. The one on stdout has the traces that the
loads are made of and loads.json, a list of them.
"""
import io
import json
import os
import random
import sys
import tarfile

HERE = os.path.dirname(os.path.realpath(__file__))
MIB = 1 << 20
SEED = 2602

# The experiment of arXiv:2602.09345.
PAPER_HIGH = 'haiku/dask__dask-11628.jsonl'
PAPER_LOW = 'haiku/sigmavirus24__github3.py-673.jsonl'
PAPER_TOP_MB = 100
PAPER_MEMORY = 1100 * MIB

MIX_SESSIONS = 6
MIX_HIGH = 2
MIX_SPEED = 50
# Of the demand.
MIX_SHARES = (1.0, 0.8, 0.6)
# Recorded runs that are worth a mix: long enough to meet, none that is alone larger than
# the others together, and none whose memory is nearly all the agent's, which nobody holds.
MIX_LENGTH = (60, 400)
MIX_PEAK_MB = (250, 900)
MIX_AGENT = 0.6

LIVELOCK = {'name': 'livelock', 'speed': 1, 'soft': 0.9, 'spread': 0,
            'sessions': [{'trace': 'livelock.jsonl', 'high': False}]}


def load_of(name, speed, traces, high, **more):
    """The first of the traces are HIGH; spread: of which part of their lengths the offsets are."""
    return {'name': name, 'speed': speed, 'spread': 0, **more,
            'sessions': [{'trace': trace, 'high': number < high} for number, trace in enumerate(traces)]}


def topped(text, more_mb):
    """A trace in which the agent has so much more."""
    lines = [json.loads(line) for line in text.splitlines() if line.strip()]
    for line in lines:
        if line['k'] == 'samples':
            line['mem_mb'] = [value + more_mb for value in line['mem_mb']]
    return ''.join(json.dumps(line) + '\n' for line in lines)


def agent_mb(series, calls):
    """The most that is there all the time between two calls: the agent's own."""
    most, least = 0, None
    for time, memory in zip(series['t'], series['mem_mb']):
        if any(call['s'] <= time and (call['e'] is None or time <= call['e']) for call in calls):
            most, least = max(most, least or 0), None
        else:
            least = memory if least is None else min(least, memory)
    return max(most, least or 0)


def is_worth(text):
    """Of a version 1 trace."""
    lines = [json.loads(line) for line in text.splitlines() if line.strip()]
    series = next((line for line in lines if line['k'] == 'samples'), {})
    times, memory = series.get('t'), series.get('mem_mb')
    if not (times and memory):
        return False
    agent = agent_mb(series, [line for line in lines if line['k'] == 'tool'])
    return (MIX_LENGTH[0] <= times[-1] <= MIX_LENGTH[1] and MIX_PEAK_MB[0] <= max(memory) <= MIX_PEAK_MB[1] and
            agent <= MIX_AGENT * max(memory))


def paper(recorded):
    if PAPER_HIGH not in recorded or PAPER_LOW not in recorded:
        return [], {}
    files = {'high.jsonl': topped(recorded[PAPER_HIGH], PAPER_TOP_MB),
             'low.jsonl': topped(recorded[PAPER_LOW], PAPER_TOP_MB)}
    traces = ['high.jsonl', 'low.jsonl', 'low.jsonl']
    return [load_of('paper, 50x', 50, traces, 1, memory=PAPER_MEMORY),
            load_of('paper, 10x', 10, traces, 1, memory=PAPER_MEMORY),
            load_of('paper, 50x, offsets', 50, traces, 1, memory=PAPER_MEMORY, spread=0.5)], files


def mixes(recorded):
    dice = random.Random(SEED)
    worth = sorted(name for name, text in recorded.items() if is_worth(text))
    loads, files = [], {}
    for number, share in enumerate(MIX_SHARES, 1):
        drawn = dice.sample(worth, MIX_SESSIONS) if len(worth) >= MIX_SESSIONS else dice.choices(worth, k=MIX_SESSIONS)
        names = []
        for name in drawn:
            names.append(name.replace('/', '_'))
            files[names[-1]] = recorded[name]
        loads.append(load_of(f'mix {number}, {share:.0%} of demand', MIX_SPEED, names, MIX_HIGH, share=share, spread=0.5))
    return loads, files


def built_in():
    """The short traces here, by name."""
    found = {}
    for name in sorted(os.listdir(f'{HERE}/traces')):
        with open(f'{HERE}/traces/{name}', encoding='utf-8') as file:
            found[name] = file.read()
    return found


def recorded_traces(stream):
    found = {}
    with tarfile.open(fileobj=stream, mode='r|') as tar:
        for member in tar:
            if member.isfile() and member.name.endswith('.jsonl'):
                found[member.name.removeprefix('./')] = tar.extractfile(member).read().decode()
    return found


def make(recorded):
    """The loads, and the traces by name."""
    own = built_in()
    livelock = own.pop('livelock.jsonl')
    # High-resolution ones have other columns.
    usable = {name: text for name, text in recorded.items() if not name.startswith('hires/')} or own
    loads, files = paper(usable)
    more, drawn = mixes(usable)
    return loads + more + [LIVELOCK], {**files, **drawn, 'livelock.jsonl': livelock}


def write_tar(stream, files):
    with tarfile.open(fileobj=stream, mode='w|') as tar:
        for name, text in files.items():
            data = text.encode()
            member = tarfile.TarInfo(name)
            member.size = len(data)
            tar.addfile(member, io.BytesIO(data))


def main():
    loads, files = make(recorded_traces(sys.stdin.buffer))
    write_tar(sys.stdout.buffer, {**files, 'loads.json': json.dumps(loads)})


if __name__ == '__main__':
    main()
