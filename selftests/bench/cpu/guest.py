#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-only
"""Runs in the guest: puts the same loads under every arm, and prints what came of it as JSON."""
import argparse
import contextlib
import json
import os
import platform
import signal
import subprocess
import sys
import time

from arms import ARMS
from files import read, write

HERE = os.path.dirname(os.path.realpath(__file__))
ROOT = '/sys/fs/cgroup/bench'
SESSION = f'{ROOT}/session'
NAME = '/bench/session'
SPINNERS = 8
AT_ONCE = 10
PHASE_US = 1000
SETTLE_S = 2
# For what is counted over a time.
WINDOW_S = 3


def say(text):
    print(f'bench-cpu: {os.cpu_count()} processor(s): {text}', file=sys.stderr, flush=True)


def usage_us(cgroup):
    return int(dict(line.split() for line in read(f'{cgroup}/cpu.stat').splitlines())['usage_usec'])


def agentcg(*words):
    subprocess.run(['agentcg', *words], check=True, stdout=subprocess.DEVNULL)


class Load:
    """A program in a cgroup of its own."""
    number = 0

    def __init__(self, parent, program, *words):
        Load.number += 1
        self.name = str(Load.number)
        self.path = f'{parent}/{self.name}'
        self.words = [f'{HERE}/{program}', *words]
        os.mkdir(self.path)

    def start(self):
        self.process = subprocess.Popen(self.words, stdout=subprocess.PIPE, text=True,
                                        preexec_fn=lambda: write(f'{self.path}/cgroup.procs', 0))
        return self

    def result(self):
        """Waits for its end. Return: what it said, if that was JSON."""
        out = self.process.communicate()[0]
        write(f'{self.path}/cgroup.kill', 1)
        for _ in range(100):
            with contextlib.suppress(OSError):
                os.rmdir(self.path)
                break
            time.sleep(0.1)
        return json.loads(out) if out else None

    def stop(self):
        self.process.send_signal(signal.SIGTERM)
        return self.result()


def call(arm, kind, program, *words):
    """A load that is a tool call of class @kind, where the arm knows of that."""
    load = Load(SESSION, program, *words)
    if arm != 'eevdf':
        agentcg('tool', 'set', f'{NAME}/{load.name}', '--class', kind)
    return load.start()


@contextlib.contextmanager
def beside(arm, *programs):
    """Batch calls that go on; yields a list that has what they said when they are over."""
    loads = [call(arm, 'batch', program) for program in programs]
    said = []
    time.sleep(SETTLE_S)
    try:
        yield said
    finally:
        said += [load.stop() for load in loads]


def late(arm, rounds, number=1):
    """By how much latency calls are late who wake up, ns; one after the other, a ms apart.

    If two woke at once the second would have to wait for the first, whoever schedules.
    """
    loads = [call(arm, 'latency', 'wake', str(rounds), str(PHASE_US * at)) for at in range(number)]
    return [ns for load in loads for ns in load.result()['late_ns']]


def spinners():
    return ['spin'] * SPINNERS


def idle(arm, rounds):
    return {'late_ns': late(arm, rounds)}


def spun(arm, rounds):
    with beside(arm, *spinners()):
        return {'late_ns': late(arm, rounds)}


def stormed(arm, rounds):
    with beside(arm, *spinners(), 'storm'):
        return {'late_ns': late(arm, rounds)}


def crowded(arm, rounds):
    with beside(arm, *spinners()):
        return {'late_ns': late(arm, rounds // 2, AT_ONCE)}


def lied(arm, rounds):
    """Beside a latency call that never sleeps."""
    with beside(arm, *spinners()):
        liar = call(arm, 'latency', 'spin')
        found = late(arm, rounds)
        liar.stop()
        return {'late_ns': found}


def batch(arm, rounds):
    """How far batch calls come while a latency call wakes up beside them."""
    begin = time.monotonic()
    with beside(arm, *spinners()) as said:
        late(arm, rounds)
    took = time.monotonic() - begin
    return {'pieces_per_s': sum(load['pieces'] for load in said) / took}


def weighed(arm, rounds):
    """Cgroups with these weights, which no call is in."""
    loads = [Load(ROOT, 'spin') for _ in range(3)]
    for load, weight in zip(loads, (100, 200, 300)):
        write(f'{load.path}/cpu.weight', weight)
        load.start()
    return shares(loads)


def limited(arm, rounds):
    """One with half a processor, beside one without a limit."""
    loads = [Load(ROOT, 'spin') for _ in range(2)]
    write(f'{loads[0].path}/cpu.max', '50000 100000')
    for load in loads:
        load.start()
    found = shares(loads)
    return {'used': found['used'][0]}


def shares(loads):
    time.sleep(SETTLE_S)
    before, begin = [usage_us(load.path) for load in loads], time.monotonic()
    time.sleep(WINDOW_S)
    after, took = [usage_us(load.path) for load in loads], time.monotonic() - begin
    for load in loads:
        load.stop()
    return {'used': [(end - start) / took / 1e6 for start, end in zip(before, after)]}


# Those that say something of one processor, and of two.
CASES = {
    1: [idle, spun, stormed, crowded, lied, batch, weighed, limited],
    2: [idle, spun],
}


@contextlib.contextmanager
def scheduled(arm):
    if arm != 'sched':
        yield
        return
    agentcg('sched', 'load')
    try:
        yield
    finally:
        agentcg('sched', 'unload')


def measure(arm, cases, rounds, run):
    with scheduled(arm):
        for case in cases:
            say(f'{arm}: {case.__name__}, run {run + 1}')
            # What the last one leaves behind has its time.
            time.sleep(SETTLE_S)
            line = {'case': case.__name__, 'arm': arm, 'run': run, 'smp': os.cpu_count(),
                    'kernel': platform.release(), **case(arm, rounds)}
            print(json.dumps(line), flush=True)


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument('--runs', type=int, required=True)
    parser.add_argument('--rounds', type=int, required=True, help='times that a latency call wakes up')
    arguments = parser.parse_args()
    os.makedirs(SESSION, exist_ok=True)
    for path in ('/sys/fs/cgroup', ROOT, SESSION):
        write(f'{path}/cgroup.subtree_control', '+memory +cpu +pids')
    agentcg('session', 'add', NAME, '--budget', '1G', '--mem', '16M')
    for run in range(arguments.runs):
        for arm in ARMS:
            measure(arm, CASES[os.cpu_count()], arguments.rounds, run)


main()
