#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-only
"""Runs in the guest: takes every figure of the bench and prints them as JSON.

Each figure is a dictionary with its bar and all that was measured for it.
"""
import argparse
import json
import os
import platform
import statistics
import subprocess
import sys
import time

import quantile
from files import read, write
from quantile import p99, percentile

HERE = os.path.dirname(os.path.realpath(__file__))
ROOT = '/sys/fs/cgroup/bench'
PLAIN = f'{ROOT}/plain'
SESSION = f'{ROOT}/session'
NAME = '/bench/session'
RECEIPT = '/run/bench.receipt'
CACHED = '/var/tmp/bench.cached'
FLOODED = ['attacker', 'victim']
SETTLE = 20
NATIVE_CUT = 60
STALLS = [50_000, 200_000, 1_000_000, 10_000_000, 100_000_000, 1_000_000_000]


def say(text):
    print(f'bench: {platform.release()}: {text}', file=sys.stderr, flush=True)


def run(*words, **options):
    return subprocess.run(words, check=True, stdout=subprocess.PIPE, text=True, **options).stdout


def tool(name):
    return f'{HERE}/{name}'


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
    # A BPF program that was attached to the module lets it go some time after its end.
    run('sh', '-c', 'for i in $(seq 50); do modprobe -r agentcg 2>/dev/null && exit; sleep 0.2; done; modprobe -r agentcg')


def in_plain(*words, high='max'):
    """Runs a program in a cgroup of its own without agentcg."""
    cgroup = f'{PLAIN}/call'
    os.mkdir(cgroup)
    write(f'{cgroup}/memory.high', high)
    try:
        return run(*words, preexec_fn=lambda: write(f'{cgroup}/cgroup.procs', 0))
    finally:
        # Who was killed may still be on his way out.
        while 'populated 1' in read(f'{cgroup}/cgroup.events'):
            time.sleep(0.1)
        os.rmdir(cgroup)


def touched(out):
    """What "touch" says: its median round, in ns."""
    return statistics.median(json.loads(out)['rounds_ns'])


def in_call(intent, *words, **options):
    """The same as a tool call. Return: output and receipt."""
    out = run('agentcg', 'run', '--require', 'always', '--session', NAME, '--receipt', RECEIPT,
              *intent, '--', *words, **options)
    return out, json.loads(read(RECEIPT))


def measure_touch(runs):
    """Grants against memory.high=max."""
    say('touching 400 MiB')
    plain, ours, receipts = [], [], []
    before = high_events(SESSION)
    for _ in range(runs + 1):
        plain.append(touched(in_plain(tool('touch'), '400')))
        out, receipt = in_call(['--mem', '50M', '--burst', '1G'], tool('touch'), '400')
        ours.append(touched(out))
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
        spent = time.monotonic() - start
    except subprocess.CalledProcessError:
        # Killed; it may stay in the throttle for a while yet.
        spent = NATIVE_CUT
    return [{'figure': 'touch 400 MiB, native memory.high=50M, cut at 60 s', 'unit': 's', 'value': spent, 'bar': None}]


def call_line(intent, *words):
    return ' '.join(['agentcg run --require always --session', NAME, intent, '--', *words])


BURST = '--mem 4M --burst 1G'

# Each line provokes decisions of another kind.
EVENTS = [
    call_line(BURST, tool('touch'), '64'),
    # Slower than 40 MiB/s every grant is a small one, so there are many.
    call_line(BURST, tool('charge'), '--pause 30000 768'),
    call_line(BURST, tool('charge'), '--pause 30000 --chunk 512 256'),
    # At its own ceiling: parks, and debts from inside of system calls.
    call_line('--mem 4M --burst 0 --stall 1ms', tool('charge'), '32 2>/dev/null'),
    call_line('--mem 4M --burst 0 --stall 1ms', tool('charge'), '--chunk 512 32 2>/dev/null'),
    # More page cache than fits, and none of it there yet.
    f'truncate -s 0 {CACHED}; truncate -s 24M {CACHED}; ' + call_line('--mem 8M --burst 64M', 'cat', CACHED),
]

# One call leaves credit unused; another asks for it before it flows back by itself.
# A third leaves little free besides, and its end is that of the first.
REVOKES = [' | '.join([
    call_line('--mem 700M', 'sleep 10'),
    call_line(BURST, tool('charge'), '--linger 400'),
    '{ read -r line; ' + call_line(BURST, tool('charge'), '300') + '; }'])]


def decisions(lines):
    """Return: times by what came of it, without what the measuring itself costs."""
    result = json.loads(run(tool('decision'), '--', 'sh', '-ec', '\n'.join(['exec >/dev/null', *lines])))
    cost = statistics.median(result['empty']['none'])
    # A pair that was hit by a timer is no basis: never below nothing.
    return {kind: [max(0, time - cost) for time in times] for kind, times in result['decisions'].items()}


def decision_figure(what, times, at, bar):
    return {'figure': f'decision, {what}', 'unit': 'instructions', 'value': at(times) if times else None,
            'bar': bar, 'decisions': len(times)}


def allow_charges():
    """What "charge" and "breach" charge is bounded by it."""
    write('/proc/sys/net/ipv4/tcp_mem', '1000000 1000000 1000000')


def measure_decision(wanted):
    allow_charges()
    kinds = decisions(EVENTS)
    while 0 < len(kinds['grant']) < wanted:
        say(f'decisions: {", ".join(f"{len(times)} {kind}" for kind, times in kinds.items())}')
        for kind, times in decisions(EVENTS).items():
            kinds[kind] += times
    kinds['revoke'] += decisions(REVOKES)['revoke']
    every = [time for kind, times in kinds.items() if kind != 'revoke' for time in times]
    median = statistics.median
    return [
        {**decision_figure('hook entry to verdict, median', every, median, 600), 'samples': kinds},
        decision_figure('hook entry to verdict, P99', every, p99, 2000),
        *(decision_figure(f'of these {kind}, median', kinds[kind], median, 600) for kind in ('grant', 'native', 'debt')),
        # Its end is a sleep, which is longer than any decision.
        decision_figure('of these park, median', kinds['park'], median, None),
        decision_figure('revoke, counted apart, median', kinds['revoke'], median, None),
    ]


# Of many calls, since a policy may grant all that a call needs at once.
GROWTH = ['for i in $(seq 40); do ' + call_line(BURST, tool('charge'), '700') + '; done']


def grants_by(policy, wanted):
    """Times of decisions that granted, by a policy of BPF, or the built-in one."""
    say(f'decisions: {policy or "built in"}')
    times = []
    if policy:
        run('agentcg', 'policy', 'load', policy)
    while len(times) < wanted:
        taken = decisions(GROWTH)['grant']
        if not taken:
            raise ValueError(f'{policy}: nothing was granted')
        times += taken
    if policy:
        run('agentcg', 'policy', 'unload')
    return times


def measure_policy(wanted):
    allow_charges()
    figures = [{**decision_figure('built in, grant, median', built_in := grants_by(None, wanted),
                                  statistics.median, None), 'samples': built_in}]
    for policy in ('priority', 'fair'):
        times = grants_by(policy, wanted)
        figures.append({**decision_figure(f'policy {policy} by BPF, grant, median', times, statistics.median, None),
                        'samples': times})
    return figures


POLL_MS = 10


def breaches(take, wanted):
    durations = []
    while len(durations) < wanted:
        taken = json.loads(take())['breaches_ns']
        if not taken:
            raise ValueError('no limit was met')
        durations += taken
    return durations


def measure_breach(wanted):
    say('from a breach of the limit to its relief')
    allow_charges()
    ours = breaches(lambda: in_call(['--mem', '8M', '--burst', '1G'], tool('breach'), '1000')[0], wanted)
    polled = breaches(lambda: in_plain(tool('breach'), '--poll', str(POLL_MS), '1000', high='8M'), wanted)
    return [
        {'figure': 'breach to relief, agentcg, P99', 'unit': 'ns', 'value': p99(ours), 'bar': 20_000, 'samples': ours},
        {'figure': f'breach to relief, a poller every {POLL_MS} ms, P99', 'unit': 'ns', 'value': p99(polled), 'bar': None,
         'samples': polled},
        {'figure': 'breach to relief, poller over agentcg', 'unit': 'times', 'value': p99(polled) / p99(ours), 'bar': None},
    ]


# In one system call; what is written is a mapping without pages.
WRITE = '''
import mmap, os, sys
size = (2 << 30) - mmap.PAGESIZE
source = mmap.mmap(-1, size, mmap.MAP_PRIVATE | mmap.MAP_ANONYMOUS)
source.madvise(mmap.MADV_HUGEPAGE)
file = os.open('/dev/shm/bench', os.O_WRONLY | os.O_CREAT | os.O_TRUNC)
written = os.write(file, source)
os.unlink('/dev/shm/bench')
sys.exit(written != size)
'''


def events_of(intent, *words):
    """How many decisions a call took: grants, and debts where nothing could be granted."""
    before = info('grants') + info('debts')
    in_call(intent, *words, stderr=subprocess.DEVNULL)
    return info('grants') + info('debts') - before


def measure_absorb():
    say('absorbing 2 GB')
    run('agentcg', 'session', 'set', NAME, '--budget', '3G')
    credit, none = ['--mem', '50M', '--burst', '2300M'], ['--mem', '50M', '--burst', '0', '--stall', '1ms']
    return [{'figure': f'grants and debts for 2 GB {what}', 'unit': '', 'value': events_of(*arguments), 'bar': 40}
            for what, arguments in (('touched', (credit, tool('touch'), '2048')),
                                    ('in one write(2)', (credit, 'python3', '-c', WRITE)),
                                    ('in one write(2), without credit', (none, 'python3', '-c', WRITE)))]


def measure_faults(runs, rounds):
    say('page faults, module loaded or not')
    touch = [tool('touch'), '--small', '--rounds', str(rounds), '16']
    without, loaded, hits = [], [], 0
    for _ in range(runs + 1):
        unload()
        without.append(touched(in_plain(*touch)))
        load()
        before = info('hits')
        out, _ = in_call(['--mem', '256M'], *touch)
        loaded.append(touched(out))
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


def measure_declare(runs):
    say('declaring a call, and being refused')
    samples = json.loads(run(tool('declare'), '--runs', str(runs), SESSION))
    return [{'figure': f'{what} a call, {name}', 'unit': 'instructions', 'bar': 100_000 if name == 'median' else None,
             'value': of(samples[kind]), 'samples': samples[kind]}
            for kind, what in (('declared', 'declaring'), ('refused', 'refusing'))
            for name, of in (('median', statistics.median), ('P99', p99))]


# The tree that a deadline, or the kernel's own file, ends.
CROWD = 500


def end_by_deadline():
    """From the deadline to the death of the last process, by the receipt, in ns."""
    subprocess.run(['agentcg', 'run', '--require', 'always', '--session', NAME, '--receipt', RECEIPT, '--mem', '64M',
                    '--deadline', '3s', '--warn-before', '0', '--', tool('many'), str(CROWD)],
                   stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, check=False)
    receipt = json.loads(read(RECEIPT))
    if receipt['processes'] != CROWD:
        raise ValueError(f'{receipt["processes"]} processes')
    return receipt['emptied'] - receipt['begun'] - receipt['limits']['deadline']


def end_by_file():
    """The same by cgroup.kill of a cgroup without agentcg."""
    cgroup = f'{PLAIN}/crowd'
    os.mkdir(cgroup)
    crowd = subprocess.Popen([tool('many'), str(CROWD)], stdout=subprocess.PIPE,
                             preexec_fn=lambda: write(f'{cgroup}/cgroup.procs', 0))
    crowd.stdout.readline()
    time.sleep(1)
    with open(f'{cgroup}/cgroup.events', encoding='ascii') as events:
        start = time.monotonic_ns()
        write(f'{cgroup}/cgroup.kill', 1)
        while 'populated 1' in events.read():
            events.seek(0)
        spent = time.monotonic_ns() - start
    crowd.wait()
    os.rmdir(cgroup)
    return spent


def measure_deadline(runs):
    say(f'a deadline of {CROWD} processes')
    ours, kernel = [], []
    for _ in range(runs + 1):
        ours.append(end_by_deadline())
        kernel.append(end_by_file())
    return [
        {'figure': f'deadline to the last of {CROWD} dead, median', 'unit': 'ns', 'bar': 5_000_000,
         'value': statistics.median(ours[1:]), 'samples': ours[1:]},
        {'figure': 'the same by cgroup.kill, median', 'unit': 'ns', 'bar': None,
         'value': statistics.median(kernel[1:]), 'samples': kernel[1:]},
    ]


# What one tenant may do to another, and what it does instead in the other arm.
ATTACKS = {
    'set': 'changing a call',
    'events': 'changing a call, with a listener',
    'many': 'changing a call among 1,000',
    'calls': 'making calls',
    'dump': 'listing 1,000 calls',
    'bad': 'bad requests',
}


def flood_figure(what, samples, kind):
    arms = {arm: samples[arm][kind] for arm in ('calm', 'attack')}
    return {'figure': f'flood by {what}: P99 of another\'s {kind}', 'unit': '%',
            'value': quantile.change(arms['calm'], arms['attack'], .99), 'bar': 5, 'arms': arms, 'quantile': .99,
            'rounds': samples['rounds']}


def measure_flood(runs):
    say('one tenant floods, another is timed')
    allow_charges()
    for name in FLOODED:
        os.makedirs(f'{ROOT}/{name}', exist_ok=True)
        run('agentcg', 'session', 'add', f'/bench/{name}', '--budget', '16M')
    figures = []
    for attack, what in ATTACKS.items():
        before = info('grants')
        samples = json.loads(run(tool('flood'), '--runs', str(runs), attack, *(f'{ROOT}/{name}' for name in FLOODED)))
        figures += [flood_figure(what, samples, 'declaration'),
                    {**flood_figure(what, samples, 'growth'), 'grants': info('grants') - before}]
        say(f'{attack}: {", ".join(shown(figure) for figure in figures[-2:])}')
    return figures


def measure_park(runs):
    """A call at its own ceiling; another one lives, so it is worth waiting."""
    say('precision of a park')
    sibling = subprocess.Popen(['agentcg', 'run', '--session', NAME, '--mem', '8M', '--', 'sleep', '100000'])
    time.sleep(1)
    figures = []
    for stall in STALLS:
        own, told = [], []
        for _ in range(runs + 1):
            # It says on stderr how long it was held: that is known.
            out, receipt = in_call(['--mem', '4M', '--burst', '0', '--stall', f'{stall}ns'],
                                   tool('touch'), '--small', '8', stderr=subprocess.DEVNULL)
            own.append(json.loads(out)['slept_ns'])
            told.append(receipt['stall-longest'])
        errors = [max(abs(value - stall) for value in pair) for pair in zip(own[1:], told[1:])]
        figures.append({'figure': f'park of {stall // 1000} us, error', 'unit': 'ns',
                        'value': statistics.median(errors), 'worst': max(errors), 'bar': max(100_000, stall // 100),
                        'samples': {'task_ns': own[1:], 'receipt_ns': told[1:]}})
    sibling.terminate()
    sibling.wait()
    return figures


def shown(figure):
    value = figure['value']
    return 'nothing' if value is None else f'{value:.6g} {figure["unit"]}'


def attempt(figures, measure, *arguments):
    """One that fails is missed; the others are still worth having, and are told as they come."""
    try:
        taken = measure(*arguments)
        figures += taken
        for figure in taken:
            say(f'{figure["figure"]}: {shown(figure)} (bar {figure["bar"]})')
    except (subprocess.CalledProcessError, KeyError, ValueError, OSError) as error:
        say(f'{measure.__name__} failed: {error}')
        figures.append({'figure': measure.__name__.replace('_', ' '), 'unit': '', 'value': None,
                        'bar': 0, 'error': str(error)})


# In the order in which they are taken: name, function, arguments, those of --quick.
PARTS = {
    'touch': (measure_touch, (5,), (5,)),
    'park': (measure_park, (11,), (5,)),
    'decision': (measure_decision, (2000,), (500,)),
    'policy': (measure_policy, (1000,), (200,)),
    'breach': (measure_breach, (2000,), (500,)),
    'absorb': (measure_absorb, (), ()),
    'declare': (measure_declare, (500,), (100,)),
    'deadline': (measure_deadline, (11,), (3,)),
    'start': (measure_start, (2000, 200), (200, 50)),
    'faults': (measure_faults, (5, 11), (5, 5)),
    # Last: what it leaves behind takes long to go.
    'native': (measure_native, (), ()),
    'flood': (measure_flood, (8000,), (500,)),
}

# Where it is not one: with two, one that waits would be counted as well.
PROCESSORS = {'flood': 2}


def processors(part):
    return PROCESSORS.get(part, 1)



def parse():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument('--quick', action='store_true', help='fewer runs')
    parser.add_argument('--only', metavar='LIST', default=','.join(PARTS),
                        help='only these parts, with commas between (default %(default)s)')
    parser.add_argument('--check', action='store_true', help='only print how many processors the guests need, one line for each guest')
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
        print(*sorted(set(map(processors, arguments.only))), sep='\n')
        return
    prepare()
    figures = []
    for name in arguments.only:
        if processors(name) != os.cpu_count():
            continue
        measure, full, quick = PARTS[name]
        attempt(figures, measure, *(quick if arguments.quick else full))
    print(json.dumps({'kernel': platform.release(), 'smp': os.cpu_count(), 'quick': arguments.quick,
                      'figures': figures}))


main()
