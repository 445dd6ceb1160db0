#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-only
"""Runs in the guest: takes every figure of the bench and prints them as JSON.

Each figure is a dictionary with its bar and all that was measured for it.
"""
import argparse
import json
import math
import os
import platform
import statistics
import subprocess
import sys
import time

HERE = os.path.dirname(os.path.realpath(__file__))
ROOT = '/sys/fs/cgroup/bench'
PLAIN = f'{ROOT}/plain'
SESSION = f'{ROOT}/session'
NAME = '/bench/session'
RECEIPT = '/run/bench.receipt'
SETTLE = 20
NATIVE_CUT = 60
STALLS = [50_000, 200_000, 1_000_000, 10_000_000, 100_000_000, 1_000_000_000]


def say(text):
    print(f'bench: {platform.release()}: {text}', file=sys.stderr, flush=True)


def write(path, text):
    with open(path, 'w', encoding='ascii') as file:
        file.write(str(text))


def read(path):
    with open(path, encoding='ascii') as file:
        return file.read()


def run(*words, **options):
    return subprocess.run(words, check=True, stdout=subprocess.PIPE, text=True, **options).stdout


def tool(name):
    return f'{HERE}/{name}'


def percentile(samples, percent):
    """Nearest rank."""
    return sorted(samples)[max(0, math.ceil(len(samples) * percent / 100) - 1)]


def info(key):
    return json.loads(run('agentcg', '-j', 'info'))[key]


def high_events(cgroup):
    return int(dict(line.split() for line in read(f'{cgroup}/memory.events').splitlines())['high'])


def load(*options):
    run('modprobe', 'agentcg')
    os.makedirs(SESSION, exist_ok=True)
    run('agentcg', 'session', 'add', NAME, '--budget', '1200M', '--mem', '8M', *options)


def unload():
    run('agentcg', 'session', 'del', NAME)
    run('modprobe', '-r', 'agentcg')


def in_plain(*words, high='max'):
    """Runs a program in a cgroup of its own without agentcg."""
    cgroup = f'{PLAIN}/call'
    os.mkdir(cgroup)
    write(f'{cgroup}/memory.high', high)
    try:
        return run(*words, preexec_fn=lambda: write(f'{cgroup}/cgroup.procs', 0))
    finally:
        os.rmdir(cgroup)


def in_call(intent, *words):
    """The same as a tool call. Return: output and receipt."""
    out = run('agentcg', 'run', '--require', 'always', '--session', NAME, '--receipt', RECEIPT,
              *intent, '--', *words)
    return out, json.loads(read(RECEIPT))


def measure_touch(runs):
    """Grants against memory.high=max."""
    say('touching 400 MiB')
    plain, ours, receipts = [], [], []
    before = high_events(SESSION)
    for _ in range(runs + 1):
        plain.append(json.loads(in_plain(tool('touch'), '400'))['total_ns'])
        out, receipt = in_call(['--mem', '50M', '--burst', '1G'], tool('touch'), '400')
        ours.append(json.loads(out)['total_ns'])
        receipts.append(receipt)
    ratio = statistics.median(ours[1:]) / statistics.median(plain[1:])
    throttled = high_events(SESSION) - before + sum(receipt['native-total'] for receipt in receipts)
    return [
        {'figure': 'touch 400 MiB, --mem 50M --burst 1G, over memory.high=max', 'unit': 'times',
         'value': ratio, 'bar': 1.05, 'samples': {'plain_ns': plain[1:], 'agentcg_ns': ours[1:]},
         'grants': [receipt['grants'] for receipt in receipts]},
        {'figure': 'the same: native high events and native reclaim', 'unit': '', 'value': throttled, 'bar': 0},
    ]


def measure_native():
    say('touching 400 MiB under a native memory.high, cut at 60 s')
    start = time.monotonic()
    try:
        in_plain('timeout', '-s', 'KILL', str(NATIVE_CUT), tool('touch'), '400', high='50M')
    except subprocess.CalledProcessError:
        pass
    return [{'figure': 'the same, native memory.high=50M, cut at 60 s', 'unit': 's',
             'value': time.monotonic() - start, 'bar': None}]


def measure_decision(wanted):
    """Slowly growing calls: every grant stays a small one."""
    say('decisions')
    before = info('revokes')
    samples, empty, calls = [], [], 4
    while len(samples) < wanted and calls <= 256:
        script = (f'for i in $(seq {calls}); do agentcg run --require always --session {NAME} '
                  f'--mem 4M --burst 1G -- {tool("touch")} --small --pause 15000 64 >/dev/null; done')
        result = json.loads(run(tool('decision'), '--', 'sh', '-ec', script))
        empty = result['empty']
        samples += result['decisions']
        if not samples:
            break
        calls = max(4, math.ceil(calls * (wanted - len(samples)) / len(samples) * 1.1))
    cost = statistics.median(empty)
    # At most as long as it took; a pair that was hit by a timer is no basis.
    net = [max(0, sample - cost) for sample in samples] or [math.inf]
    common = {'unit': 'instructions', 'empty_pair': cost, 'decisions': len(samples),
              'revokes': info('revokes') - before}
    return [
        {'figure': 'decision, hook entry to verdict, median', 'value': statistics.median(net), 'bar': 600,
         'samples': {'net': net}, **common},
        {'figure': 'decision, P99', 'value': percentile(net, 99), 'bar': 2000, **common},
    ]


def measure_faults(runs, rounds):
    say('page faults, module loaded or not')
    touch = [tool('touch'), '--rounds', str(rounds), '16']
    without, loaded, hits = [], [], 0
    for _ in range(runs + 1):
        unload()
        without.append(json.loads(in_plain(*touch))['total_ns'])
        load()
        before = info('hits')
        out, _ = in_call(['--mem', '256M'], *touch)
        loaded.append(json.loads(out)['total_ns'])
        hits += info('hits') - before
    difference = abs(statistics.median(loaded[1:]) / statistics.median(without[1:]) - 1) * 100
    return [
        {'figure': 'page faults under the limit, in a call over module not loaded', 'unit': '%',
         'value': difference, 'bar': 0.1, 'samples': {'without_ns': without[1:], 'loaded_ns': loaded[1:]}},
        {'figure': 'the same: hits of the hook', 'unit': '', 'value': hits, 'bar': 0},
    ]


def start(runs, ways, program):
    return json.loads(run(tool('start'), '--runs', str(runs), '--ways', ways, PLAIN, SESSION, program))


def over(samples, way, base, at):
    return at(samples[way]) - at(samples[base])


def measure_start(many, runs):
    say(f'starting programs, {many} times each')
    p99 = lambda values: percentile(values, 99)
    median = statistics.median
    calls = start(many, 'spawn,bare,library,pool', tool('nothing'))
    say(f'agentcg run, {runs} times')
    command = start(runs, 'spawn,run', '/bin/true')
    return [
        {'figure': 'start, library over bare, median', 'unit': 'instructions', 'bar': 120_000,
         'value': over(calls, 'library', 'bare', median), 'samples': calls},
        {'figure': 'start, library over bare, P99', 'unit': 'instructions', 'bar': 400_000,
         'value': over(calls, 'library', 'bare', p99)},
        {'figure': 'start, pool over posix_spawn, median', 'unit': 'instructions', 'bar': 150_000,
         'value': over(calls, 'pool', 'spawn', median)},
        {'figure': 'start, agentcg run /bin/true over /bin/true, median', 'unit': 'instructions',
         'bar': 2_500_000, 'value': over(command, 'run', 'spawn', median), 'samples': command},
    ]


def measure_park(runs):
    """A call at its own ceiling; another one lives, so it is worth waiting."""
    say('precision of a park')
    sibling = subprocess.Popen(['agentcg', 'run', '--session', NAME, '--mem', '8M', '--', 'sleep', '100000'])
    time.sleep(1)
    figures = []
    for stall in STALLS:
        own, told = [], []
        for _ in range(runs + 1):
            out, receipt = in_call(['--mem', '16M', '--burst', '0', '--stall', f'{stall}ns'],
                                   tool('touch'), '--small', '32')
            own.append(json.loads(out)['longest_ns'])
            told.append(receipt['stall-longest'])
        error = max(abs(value - stall) for value in own[1:] + told[1:])
        figures.append({'figure': f'park of {stall // 1000} us, worst error', 'unit': 'ns', 'value': error,
                        'bar': max(100_000, stall // 100), 'samples': {'task_ns': own[1:], 'receipt_ns': told[1:]}})
    sibling.terminate()
    sibling.wait()
    return figures


def attempt(figures, measure, *arguments):
    """One that fails is missed; the others are still worth having, and are told as they come."""
    try:
        taken = measure(*arguments)
        figures += taken
        for figure in taken:
            say(f'{figure["figure"]}: {figure["value"]:.6g} {figure["unit"]} (bar {figure["bar"]})')
    except (subprocess.CalledProcessError, KeyError, ValueError, OSError) as error:
        say(f'{measure.__name__} failed: {error}')
        figures.append({'figure': measure.__name__.replace('_', ' '), 'unit': '', 'value': None,
                        'bar': 0, 'error': str(error)})


# In the order in which they are taken: name, function, arguments, those of --quick.
PARTS = {
    'touch': (measure_touch, (5,), (5,)),
    'native': (measure_native, (), ()),
    'park': (measure_park, (5,), (3,)),
    'decision': (measure_decision, (2000,), (500,)),
    'start': (measure_start, (2000, 200), (200, 50)),
    'faults': (measure_faults, (5, 41), (5, 11)),
}


def parse():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument('--quick', action='store_true', help='fewer runs')
    parser.add_argument('--only', metavar='LIST', default=','.join(PARTS),
                        help='only these parts, with commas between (default %(default)s)')
    parser.add_argument('--check', action='store_true', help='look at the arguments and do nothing')
    arguments = parser.parse_args()
    arguments.only = arguments.only.split(',')
    for part in arguments.only:
        if part not in PARTS:
            sys.exit(f"bench: there is no part '{part}': --only takes {', '.join(PARTS)}")
    return arguments


def prepare():
    for path in (ROOT, PLAIN):
        os.makedirs(path, exist_ok=True)
    for path in ('/sys/fs/cgroup', ROOT, PLAIN):
        write(f'{path}/cgroup.subtree_control', '+memory +cpu +pids')
    load()
    say(f'settling for {SETTLE} s of the guest')
    time.sleep(SETTLE)


def main():
    arguments = parse()
    if arguments.check:
        return
    prepare()
    figures = []
    for name in arguments.only:
        measure, full, quick = PARTS[name]
        attempt(figures, measure, *(quick if arguments.quick else full))
    unload()
    print(json.dumps({'kernel': platform.release(), 'quick': arguments.quick, 'figures': figures}))


main()
