#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-only
"""Runs in the guest: puts the same loads under every arm, and prints what came of it as JSON."""
import argparse
import contextlib
import json
import os
import platform
import shutil
import signal
import subprocess
import sys
import time

from arms import ARMS, EXTRA
from files import read, write

HERE = os.path.dirname(os.path.realpath(__file__))
# In memory: while a guest waits for its disk and nothing else, its clock runs away.
PROGRAMS = '/tmp/programs'
CGROUPS = '/sys/fs/cgroup'
ROOT = f'{CGROUPS}/bench'
SESSION = f'{ROOT}/session'
BUILDERS = [f'{ROOT}/builder{number}' for number in range(3)]
SPINNERS = 8
AT_ONCE = 10
PHASE_US = 1000
SETTLE_S = 2
# For what is counted over a time.
WINDOW_S = 3
# Besteffort is served in pieces of up to 16 ms.
LONG_WINDOW_S = 30
# By then one who claims more than he is due has to have been found out.
FOUND_OUT_S = .05
# For each of many calls to start.
START_NS = 200 * 10**6
SOURCES = 12
COMMANDS = [['true'], ['ls', '/usr/bin'], ['git', '-C', '/tmp/repository', 'status']]


def say(text):
    print(f'bench-cpu: {os.cpu_count()} processor(s): {text}', file=sys.stderr, flush=True)


def agentcg(*words):
    subprocess.run(['agentcg', *words], check=True, stdout=subprocess.DEVNULL)


class Load:
    """A program in a cgroup of its own."""
    number = 0

    def __init__(self, parent, program, *words):
        Load.number += 1
        self.name = str(Load.number)
        self.path = f'{parent}/{self.name}'
        self.words = [os.path.join(PROGRAMS, program), *words]
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

    def kill(self):
        """With all that it has started."""
        write(f'{self.path}/cgroup.kill', 1)
        self.result()

    def used_s(self):
        """Seconds of CPU so far."""
        return int(dict(line.split() for line in read(f'{self.path}/cpu.stat').splitlines())['usage_usec']) / 1e6


def call(arm, kind, program, *words, session=SESSION):
    """A load that is a tool call of class @kind, where the arm knows of that."""
    load = Load(session, program, *words)
    if arm in ('weights', 'sched'):
        agentcg('tool', 'set', load.path.removeprefix(CGROUPS), '--class', kind)
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


def shares(loads, window_s=WINDOW_S):
    """Of one processor, of each."""
    time.sleep(SETTLE_S)
    found = used(loads, window_s)
    for load in loads:
        load.stop()
    return {'used': found}


def used(loads, window_s):
    before, begin = [load.used_s() for load in loads], time.monotonic()
    time.sleep(window_s)
    after, took = [load.used_s() for load in loads], time.monotonic() - begin
    return [(end - start) / took for start, end in zip(before, after)]


def group(path, weight):
    os.makedirs(path, exist_ok=True)
    write(f'{path}/cgroup.subtree_control', '+cpu')
    write(f'{path}/cpu.weight', weight)
    return path


def deep(arm, rounds):
    """Three levels: a has three quarters, x two thirds of that, and so on."""
    a, b = group(f'{ROOT}/a', 300), group(f'{ROOT}/b', 100)
    places = [(group(f'{a}/x', 200), 100), (f'{a}/x', 100), (group(f'{a}/y', 100), 100),
              (group(f'{b}/z', 100), 100), (f'{b}/z', 300)]
    loads = []
    for place, weight in places:
        load = Load(place, 'spin')
        write(f'{load.path}/cpu.weight', weight)
        loads.append(load.start())
    found = shares(loads)
    for path in (f'{a}/x', f'{a}/y', f'{b}/z', a, b):
        os.rmdir(path)
    return found


def exposed(arm, rounds):
    """What a latency call that spins has after a moment, over what it is due by its weight."""
    with beside(arm, *spinners()):
        liar = call(arm, 'latency', 'spin')
        time.sleep(FOUND_OUT_S)
        share = used([liar], WINDOW_S)[0]
        weights = {entry.name: int(read(f'{entry.path}/cpu.weight')) for entry in os.scandir(SESSION)
                   if entry.is_dir() and read(f'{entry.path}/cgroup.procs')}
        liar.stop()
    return {'over_due': share * sum(weights.values()) / weights[liar.name]}


def left_over(arm, rounds):
    """What a besteffort call has beside four latency calls that never sleep."""
    loads = [call(arm, 'latency', 'spin') for _ in range(4)]
    loads.append(call(arm, 'besteffort', 'spin'))
    return {'used': shares(loads, LONG_WINDOW_S)['used'][-1]}


def switched(number):
    """What a wakeup and the switch to who was woken cost, with so many calls that do that."""
    def case(arm, rounds):
        # All begin at once, when they are all there.
        begin = time.monotonic_ns() + (SETTLE_S * 10**9 + number * START_NS)
        loads = [call(arm, 'batch', 'pair', str(begin), str(WINDOW_S * 10**9)) for _ in range(number)]
        if time.monotonic_ns() > begin:
            sys.exit(f'bench-cpu: {number} calls took longer to start than {START_NS / 1e6} ms each')
        turns = sum(load.result()['turns'] for load in loads)
        if not turns:
            sys.exit(f'bench-cpu: {number} calls have not begun in {WINDOW_S} s')
        return {'ns_per_switch': WINDOW_S * 1e9 / turns}
    case.__name__ = f'switched_{number}'
    return case


def make_sources():
    """Something to build, and something to ask git about."""
    os.makedirs('/tmp/build')
    for number in range(SOURCES):
        write(f'/tmp/build/{number}.c', '#include <stdio.h>\n#include <stdlib.h>\n#include <string.h>\n' + ''.join(
            f'int f{number}_{i}(int a) {{ return a * {i} + printf("%d", a); }}\n' for i in range(50)))
    write('/tmp/build/Makefile', f'all: {" ".join(f"{number}.o" for number in range(SOURCES))}\n')
    subprocess.run(['cp', '-r', '/tmp/build', '/tmp/repository'], check=True)
    # Or the first one that is measured would read the compiler from the disk.
    subprocess.run(['make', '-s', '-C', '/tmp/build'], check=True)
    for words in (['init', '-q'], ['add', '.']):
        subprocess.run(['git', '-C', '/tmp/repository', *words], check=True)


def built(arm, rounds):
    """A build that no agent has asked for."""
    load = Load(ROOT, '/usr/bin/make', '-s', '-B', '-j4', '-C', '/tmp/build')
    begin = time.monotonic()
    load.start().result()
    return {'took_s': time.monotonic() - begin}


def commands(arm, rounds):
    """Short commands of an interactive call."""
    found = {}
    for words in COMMANDS:
        found[words[0]] = call(arm, 'interactive', 'command', str(rounds // 2), *words).result()['took_ns']
    return {'took_ns': found}


def commands_beside(arm, rounds):
    """And beside three sessions that build."""
    builds = [call(arm, 'batch', '/bin/sh', '-c', f'mkdir -p /tmp/{at}; cp /tmp/build/* /tmp/{at}; while make -s -B -j2 -C /tmp/{at}; do :; done',
                   session=session) for at, session in enumerate(BUILDERS)]
    time.sleep(SETTLE_S)
    try:
        return commands(arm, rounds)
    finally:
        for load in builds:
            load.kill()


SWITCHES = [switched(number) for number in (1, 10, 100)]
# Those that say something of one processor, and of two.
CASES = {
    1: [idle, spun, stormed, crowded, lied, exposed, batch, built, weighed, deep, limited, left_over,
        commands, commands_beside, *SWITCHES],
    2: [idle, spun],
}
# Who has something to say of them, where that is not every arm but the simplest.
USUAL = ARMS + ['peer']
ARMS_OF = {left_over: ['sched'], **{case: ARMS + EXTRA for case in SWITCHES}}


def cases_of(arm):
    return [case for case in CASES[os.cpu_count()] if arm in ARMS_OF.get(case, USUAL)]


@contextlib.contextmanager
def scheduled(arm):
    if arm == 'sched':
        agentcg('sched', 'load')
        try:
            yield
        finally:
            agentcg('sched', 'unload')
    elif arm in EXTRA:
        with attached(f'{PROGRAMS}/{arm}'):
            yield
    else:
        yield


@contextlib.contextmanager
def attached(program):
    """A scheduler that is in force as long as a program runs."""
    with subprocess.Popen([program], stdout=subprocess.DEVNULL) as process:
        for _ in range(100):
            if read('/sys/kernel/sched_ext/state').strip() == 'enabled':
                break
            if process.poll() is not None:
                sys.exit(f'bench-cpu: {program} has ended with status {process.returncode} and attached no scheduler')
            time.sleep(.1)
        else:
            process.kill()
            sys.exit(f'bench-cpu: {program} has not attached a scheduler in 10 s')
        try:
            yield
        finally:
            process.send_signal(signal.SIGINT)


def measure(arm, rounds, run):
    with scheduled(arm):
        for case in cases_of(arm):
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
    shutil.copytree(HERE, PROGRAMS)
    make_sources()
    for path in (SESSION, *BUILDERS):
        os.makedirs(path, exist_ok=True)
    for path in (CGROUPS, ROOT, SESSION, *BUILDERS):
        write(f'{path}/cgroup.subtree_control', '+memory +cpu +pids')
    # Enough for a hundred small calls in the one, and for a build in each of the others.
    for path, mem in (SESSION, '2M'), *((path, '200M') for path in BUILDERS):
        agentcg('session', 'add', path.removeprefix(CGROUPS), '--budget', '400M', '--mem', mem)
    arms = ARMS + [arm for arm in EXTRA if os.path.exists(f'{PROGRAMS}/{arm}')]
    for run in range(arguments.runs):
        for arm in arms:
            measure(arm, arguments.rounds, run)


main()
