#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-only
"""Runs in the guest: the same work under the same cap in three arms.

Prints a table and a receipt, then a line "JSON" and all figures as JSON.
Progress goes to stderr.
"""
import argparse
import json
import os
import platform
import selectors
import shutil
import signal
import subprocess
import sys
import time

HERE = os.path.dirname(os.path.realpath(__file__))
WORK = f'{HERE}/work'
CGROUP = '/sys/fs/cgroup/demo'
MB = 1 << 20

CAP_MB = 450
FLOOR_MB = 60
BUDGET_MB = 300
BURST_MB = 200
STALL = '30s'
ARM_LIMIT = 65
PROGRESS = 4
ANSWER_WITHIN = 10

# What each kind of call does, and what the agent says of it beforehand.
KINDS = {
    'git': ('rm -rf c && git clone -q --no-local {work}/repo c && cd c && git repack -adfq && git grep -c import | wc -l', '16M', '64M'),
    'gcc': ('gcc -O2 -c {work}/src/*.i', '32M', '64M'),
    'unittest': ('python3 -m unittest -q test.test_textwrap', '24M', '64M'),
    'sort': ('sort -k3 {work}/big.log | uniq -f 2 | wc -l', '24M', '128M'),
    'tar': ('tar -C {work}/tree -cf - . | xz -6 >t.xz', '32M', '96M'),
    'burst': ('python3 {here}/burst.py {burst} 2', '{most}M', '16M'),
}

# Each session: (seconds of thought, kind of call).
SESSIONS = [
    [(0.5, 'git'), (0.5, 'burst'), (1.0, 'gcc'), (0.5, 'burst')],
    [(0.5, 'unittest'), (1.0, 'burst'), (0.5, 'tar'), (0.5, 'burst')],
    [(0.5, 'sort'), (0.5, 'burst'), (1.0, 'git'), (0.5, 'burst')],
]

# What makes up the command line of a call under agentcg.
RUN = ['agentcg', 'run', '--require', 'always', '--label', '{label}', '--mem', '{mem}',
       '--burst', '{burst}', '--stall', STALL, '--receipt', '{dir}/receipt.{number}', '--']


def say(text):
    print(f'demo: {text}', file=sys.stderr, flush=True)


def write(path, text):
    with open(path, 'w', encoding='ascii') as file:
        file.write(str(text))


def read(path):
    with open(path, encoding='ascii') as file:
        return file.read()


def call_of(kind, think, directory):
    words = {'work': WORK, 'here': HERE, 'burst': BURST_MB, 'most': BURST_MB + 8}
    command, mem, burst = (text.format(**words) for text in KINDS[kind])
    return {'label': kind, 'think': think, 'command': command, 'mem': mem, 'burst': burst, 'dir': directory}


def warm_up():
    """Every kind of call once with all the memory it wants: it must end with 0.

    It also reads programs and data into the page cache outside the cap, so that no arm pays for another.
    """
    directory = f'{WORK}/warm'
    os.makedirs(directory)
    for kind in KINDS:
        say(f'warm-up: {kind}')
        call = call_of(kind, 0, directory)
        subprocess.run(['bash', '-o', 'pipefail', '-c', call['command']], cwd=directory,
                       stdout=subprocess.DEVNULL, check=True)
    shutil.rmtree(directory)


def events(cgroup):
    return {key: int(value) for key, value in
            (line.split() for line in read(f'{cgroup}/memory.events').splitlines())}


def run(*words):
    return subprocess.run(words, check=True, capture_output=True, text=True).stdout


class Agent:
    """An agent's process, as the arm sees it."""

    def __init__(self, cgroup, directory):
        self.ended = []
        self.done = self.answered = False
        self.directory = directory
        self.process = subprocess.Popen(
            [sys.executable, f'{HERE}/agent.py'], stdin=subprocess.PIPE, stdout=subprocess.PIPE,
            text=True, preexec_fn=lambda: write(f'{cgroup}/cgroup.procs', 0))

    def tell(self, text):
        try:
            self.process.stdin.write(text + '\n')
            self.process.stdin.flush()
        except BrokenPipeError:
            pass

    def hear(self):
        """Takes one line in. Return: whether there may be more."""
        line = self.process.stdout.readline()
        if not line:
            self.done = True
            return False
        report = json.loads(line)
        if report['event'] == 'ended':
            self.ended.append(report)
        elif report['event'] == 'done':
            self.done = True
        elif report['event'] == 'pong':
            self.answered = report['whole']
        return True


class Arm:
    """One way to keep three sessions under one cap."""

    name = None

    def __init__(self, options):
        self.options = options
        self.agents = []

    def cgroup_of(self, number):
        return CGROUP

    def prefix(self):
        return []

    def set_up(self):
        os.mkdir(CGROUP)
        write(f'{CGROUP}/memory.max', CAP_MB * MB)

    def tear_down(self):
        write(f'{CGROUP}/cgroup.kill', 1)
        for path, _, _ in os.walk(CGROUP, topdown=False):
            for _ in range(100):
                try:
                    os.rmdir(path)
                    break
                except OSError:
                    time.sleep(0.1)

    def receipts(self):
        return []

    def calls_of(self, number):
        directory = f'{WORK}/run/{number}'
        os.makedirs(directory)
        return [call_of(kind, think, directory) for think, kind in SESSIONS[number]]

    def measure(self):
        shutil.rmtree(f'{WORK}/run', ignore_errors=True)
        os.sync()
        self.set_up()
        try:
            return self.run_sessions()
        finally:
            self.stop_agents()
            self.tear_down()

    def stop_agents(self):
        for agent in self.agents:
            agent.process.kill()
            agent.process.wait()
            try:
                agent.process.stdin.close()
            except BrokenPipeError:
                pass

    def run_sessions(self):
        with subprocess.Popen([f'{HERE}/stall', CGROUP], stdin=subprocess.PIPE,
                              stdout=subprocess.PIPE, text=True) as stall:
            if stall.stdout.readline() != 'ready\n':
                sys.exit('demo: the BPF program that measures does not load')
            start = time.monotonic()
            self.start_agents()
            self.follow(start)
            seconds = time.monotonic() - start
            self.ping()
            held = json.loads(stall.communicate()[0])
        return self.result(seconds, held)

    def start_agents(self):
        for number in range(len(SESSIONS)):
            calls = self.calls_of(number)
            agent = Agent(self.cgroup_of(number), f'{WORK}/run/{number}')
            self.agents.append(agent)
            agent.tell(json.dumps({'calls': calls, 'run': self.prefix()}))

    def progress(self, start):
        ended = sum(len(agent.ended) for agent in self.agents)
        used = int(read(f'{CGROUP}/memory.current')) // MB
        say(f'{self.name}: {time.monotonic() - start:.0f} s, {ended} of '
            f'{sum(map(len, SESSIONS))} calls over, {used} of {CAP_MB} MB in use')

    def follow(self, start):
        """Until every agent is done, dead, or the time is up."""
        spoken = start
        with selectors.DefaultSelector() as selector:
            for agent in self.agents:
                selector.register(agent.process.stdout, selectors.EVENT_READ, agent)
            while not all(agent.done for agent in self.agents):
                for key, _ in selector.select(1):
                    if not key.data.hear():
                        selector.unregister(key.fileobj)
                now = time.monotonic()
                if now - spoken >= PROGRESS:
                    self.progress(start)
                    spoken = now
                if now - start > ARM_LIMIT:
                    say(f'{self.name}: cut after {ARM_LIMIT} s')
                    return

    def ping(self):
        """An agent is lost if it does not answer, or has forgotten."""
        for agent in self.agents:
            agent.tell('ping')
        end = time.monotonic() + ANSWER_WITHIN
        with selectors.DefaultSelector() as selector:
            for agent in self.agents:
                selector.register(agent.process.stdout, selectors.EVENT_READ, agent)
            while selector.get_map() and time.monotonic() < end:
                for key, _ in selector.select(0.5):
                    if not key.data.hear() or key.data.answered:
                        selector.unregister(key.fileobj)

    def result(self, seconds, held):
        ended = [report for agent in self.agents for report in agent.ended]
        finished = sum(report['status'] == 0 for report in ended)
        return {
            'arm': self.name,
            'calls': sum(map(len, SESSIONS)),
            'finished': finished,
            'killed': len(ended) - finished,
            'refused': sum(report['refused'] for report in ended),
            'agents': len(self.agents),
            'agents_lost': sum(not agent.answered for agent in self.agents),
            'seconds': round(seconds, 1),
            'held': held,
            'peak': int(read(f'{CGROUP}/memory.peak')),
            'memory_events': events(CGROUP),
            'each': [agent.ended for agent in self.agents],
            'receipts': self.receipts(),
        }


class NoControl(Arm):
    name = 'no control'

    def set_up(self):
        super().set_up()
        write(f'{CGROUP}/memory.oom.group', int(self.options.oom_group))


class StaticShares(Arm):
    name = 'static shares'

    def cgroup_of(self, number):
        return f'{CGROUP}/s{number}'

    def set_up(self):
        super().set_up()
        write(f'{CGROUP}/cgroup.subtree_control', '+memory')
        for number in range(len(SESSIONS)):
            os.mkdir(self.cgroup_of(number))
            write(f'{self.cgroup_of(number)}/memory.max', CAP_MB * MB // len(SESSIONS))
            write(f'{self.cgroup_of(number)}/memory.oom.group', int(self.options.oom_group))


class Agentcg(Arm):
    name = 'agentcg'
    receipt_text = ''

    def cgroup_of(self, number):
        return f'{CGROUP}/s{number}/agent'

    def prefix(self):
        return RUN

    def set_up(self):
        super().set_up()
        run('modprobe', 'agentcg')
        run('agentcg', 'node', 'set', '--capacity', f'{CAP_MB}M')
        for number in range(len(SESSIONS)):
            os.mkdir(f'{CGROUP}/s{number}')
            run('agentcg', 'session', 'add', f'/demo/s{number}', '--budget', f'{BUDGET_MB}M',
                '--floor', f'{FLOOR_MB}M')

    def receipts(self):
        found = []
        for agent in self.agents:
            for name in sorted(os.listdir(agent.directory)):
                text = read(f'{agent.directory}/{name}') if name.startswith('receipt.') else ''
                # Empty when the arm was cut while the call ran.
                if text:
                    found.append(json.loads(text))
        self.keep_text(found)
        return found

    def keep_text(self, receipts):
        """Of the call that was in most trouble."""
        def trouble(receipt):
            return (receipt.get('cause') != 'exit', receipt.get('stall-total', 0), receipt.get('granted-total', 0))
        if receipts:
            worst = max(receipts, key=trouble)
            self.receipt_text = run('agentcg', 'receipt', 'show', str(worst['id']))

    def tear_down(self):
        for number in range(len(SESSIONS)):
            subprocess.run(['agentcg', 'session', 'del', f'/demo/s{number}'], check=False)
        super().tear_down()
        subprocess.run(['modprobe', '-r', 'agentcg'], check=False)


def span(ns):
    for unit, name in ((10 ** 9, 's'), (10 ** 6, 'ms')):
        if ns >= unit:
            return f'{ns / unit:.3g} {name}'
    return f'{ns / 1000:.3g} us'


def rows(result):
    held = result['held']
    never = result['calls'] - result['finished'] - result['killed']
    return [
        ('calls finished', f'{result["finished"]} of {result["calls"]}'),
        ('calls killed', str(result['killed'])),
        ('calls never made', str(never)),
        ('refused, tried again', str(result['refused'])),
        ('agents lost', f'{result["agents_lost"]} of {result["agents"]}'),
        ('time', f'{result["seconds"]:.0f} s'),
        ('longest hold of a charge', span(held['longest_ns'])),
        ('P95 of the holds', span(held['p95_ns'])),
        ('holds, all together', f'{held["held"]}, {span(held["total_ns"])}'),
        ('peak', f'{result["peak"] // MB} MB'),
    ]


NOTES = f'''\
The cap is {CAP_MB} MB for three sessions; each has two bursts to {BURST_MB} MB among its calls.
no control     one cgroup, memory.max = cap, all sessions share it
static shares  memory.max = cap / 3 for each session
agentcg        memory.max = cap above, sessions with a budget of {BUDGET_MB} MB and a floor of
               {FLOOR_MB} MB; calls declare what they need and a stall of at most {STALL}
Killed: the call ended with another status than 0, which none of them does when it has memory.
Refused: what the call declared was not free; its agent waited and tried again.
Lost: the agent's process did not answer at the end, or its memory was damaged.
Holds: times of 50 us or more that a task stood in the kernel's over-high throttle, in its reclaim
or in agentcg's park, from stall.bpf.o in every arm. Peak: memory.peak of the cgroup that has the cap.
Times are those of an emulated machine (QEMU's TCG) and grow with the load of its host.
'''


def print_report(results, receipt):
    columns = [rows(result) for result in results]
    print(f'{"":26}' + ''.join(f'{result["arm"]:>18}' for result in results))
    for line in zip(*columns):
        print(f'{line[0][0]:26}' + ''.join(f'{cell[1]:>18}' for cell in line))
    print()
    print(NOTES)
    if receipt:
        print('The receipt of the call that was in most trouble under agentcg:')
        print(receipt)


def check_kernel():
    """The console shows errors only, since every OOM kill dumps a stack: look for the rest here."""
    bad = [line for line in run('dmesg').splitlines() if 'WARNING:' in line or 'BUG:' in line]
    if bad:
        sys.exit('demo: the kernel complained: ' + bad[0])


def parse():
    parser = argparse.ArgumentParser(description='Runs the arms of the demo, in the guest.')
    parser.add_argument('--oom-group', action='store_true',
                        help='set memory.oom.group where calls and agent share a cgroup, as Kubernetes does')
    return parser.parse_args()


def main():
    options = parse()
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))
    run('dmesg', '-n', '4')
    write('/sys/fs/cgroup/cgroup.subtree_control', '+memory +cpu +pids')
    warm_up()
    results, receipt = [], ''
    for kind in (NoControl, StaticShares, Agentcg):
        arm = kind(options)
        say(f'{arm.name}: {sum(map(len, SESSIONS))} calls of {len(SESSIONS)} agents')
        results.append(arm.measure())
        receipt = getattr(arm, 'receipt_text', '')
    check_kernel()
    print_report(results, receipt)
    print('JSON')
    print(json.dumps({'kernel': platform.release(), 'cap': CAP_MB * MB,
                      'oom_group': options.oom_group, 'arms': results, 'receipt': receipt}, indent=1))


main()
