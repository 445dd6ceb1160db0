#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-only
"""Runs in the guest: the same work under the same cap in three arms.

Before them the work is done once without a cap: every call has to end with 0
there, and it shows how much memory and time it takes by itself.

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

from report import print_report

HERE = os.path.dirname(os.path.realpath(__file__))
WORK = f'{HERE}/work'
CGROUP = '/sys/fs/cgroup/demo'
MB = 1 << 20

# The cap, and what of it agentcg may lend: the rest is for what is charged
# before anybody is asked, as the reserve is on a whole machine.
CAP_MB = 450
NODE_MB = 410
# An agent and a small call.
FLOOR_MB = 64
BUDGET_MB = 300
BURST_MB = 200
STALL = '60s'

# No arm may take longer than this.
ARM_LIMIT = 100
PROGRESS = 3
ANSWER_WITHIN = 10

# What each kind of call does, and what the agent says of it beforehand: what it
# needs, and what it may need for a moment.
KINDS = {
    'git': ('rm -rf c && git clone -q --no-local {work}/repo c && cd c && git repack -adfq && git grep -c import | wc -l', '16M', '48M'),
    'gcc': ('gcc -O2 -c {work}/src/*.i', '16M', '64M'),
    'unittest': ('python3 -m unittest -q test.test_textwrap test.test_csv', '16M', '48M'),
    'sort': ('sort -k3 {work}/big.log | uniq -f 2 | wc -l', '16M', '64M'),
    'tar': ('tar -C {work}/tree -cf - . | xz -6 >t.xz', '16M', '96M'),
    'burst': ('python3 {here}/burst.py {burst} 8', '16M', '{most}M'),
}

# Each session: (seconds of thought, kind of call). All begin alike, so that
# their first bursts meet however fast the machine is.
SESSIONS = [
    [(0.5, 'git'), (0.5, 'burst'), (0.5, 'gcc'), (0.5, 'unittest'), (0.5, 'burst'), (0.5, 'git')],
    [(0.5, 'git'), (0.5, 'burst'), (0.5, 'tar'), (0.5, 'burst'), (0.5, 'gcc'), (0.5, 'tar')],
    [(0.5, 'git'), (0.5, 'burst'), (0.5, 'sort'), (0.5, 'gcc'), (0.5, 'burst'), (0.5, 'sort')],
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


def run(*words):
    return subprocess.run(words, check=True, capture_output=True, text=True).stdout


def events(cgroup):
    return {key: int(value) for key, value in
            (line.split() for line in read(f'{cgroup}/memory.events').splitlines())}


def call_of(kind, think, directory):
    # Beside its data a burst has an interpreter to hold.
    words = {'work': WORK, 'here': HERE, 'burst': BURST_MB, 'most': BURST_MB + 8}
    command, mem, burst = (text.format(**words) for text in KINDS[kind])
    return {'label': kind, 'think': think, 'command': command, 'mem': mem, 'burst': burst, 'dir': directory}


class Agent:
    """An agent's process, as the arm sees it."""

    def __init__(self, cgroup, directory):
        self.ended = []
        self.done = self.dead = self.answered = self.calling = False
        self.directory = directory
        self.unread = b''
        self.process = subprocess.Popen(
            [sys.executable, f'{HERE}/agent.py'], stdin=subprocess.PIPE, stdout=subprocess.PIPE,
            bufsize=0, preexec_fn=lambda: write(f'{cgroup}/cgroup.procs', 0))

    def tell(self, text):
        try:
            self.process.stdin.write(f'{text}\n'.encode())
        except BrokenPipeError:
            pass

    def hear(self):
        """Takes in what there is. Return: whether there may be more."""
        data = os.read(self.process.stdout.fileno(), 65536)
        if not data:
            self.dead = True
            return False
        *lines, self.unread = (self.unread + data).split(b'\n')
        for line in lines:
            self.take(json.loads(line))
        return True

    def take(self, report):
        if report['event'] == 'started':
            self.calling = True
        elif report['event'] == 'ended':
            self.calling = False
            self.ended.append(report)
        elif report['event'] == 'done':
            self.done = True
        elif report['event'] == 'pong':
            self.answered = report['whole']

    def stop(self):
        self.process.kill()
        self.process.wait()
        self.process.stdin.close()
        self.process.stdout.close()


class Arm:
    """One way to keep three sessions, each in a cgroup of its own, under one cap."""

    name = None
    cap_mb = CAP_MB

    def __init__(self, options):
        self.options = options
        self.agents = []
        self.in_time = True

    def cgroup_of(self, number):
        return f'{CGROUP}/s{number}'

    def prefix(self):
        return []

    def set_up(self):
        os.mkdir(CGROUP)
        write(f'{CGROUP}/cgroup.subtree_control', '+memory +cpu +pids')
        if self.cap_mb:
            write(f'{CGROUP}/memory.max', self.cap_mb * MB)
        for number in range(len(SESSIONS)):
            os.mkdir(f'{CGROUP}/s{number}')
            self.set_up_session(number)

    def set_up_session(self, number):
        write(f'{self.cgroup_of(number)}/memory.oom.group', int(self.options.oom_group))

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
        say(f'{self.name}: {sum(map(len, SESSIONS))} calls of {len(SESSIONS)} agents')
        shutil.rmtree(f'{WORK}/run', ignore_errors=True)
        os.sync()
        self.set_up()
        try:
            return self.run_sessions()
        finally:
            for agent in self.agents:
                agent.stop()
            self.tear_down()

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
        dead = sum(agent.dead for agent in self.agents)
        used = int(read(f'{CGROUP}/memory.current')) // MB
        say(f'{self.name}: {time.monotonic() - start:.0f} s, {ended} of '
            f'{sum(map(len, SESSIONS))} calls over, {used} MB in use' +
            (f', {dead} of {len(self.agents)} agents dead' if dead else ''))

    def listen(self, through, seconds):
        """Hears the agents until each is dead or through, or the time is up; yields now and then."""
        end = time.monotonic() + seconds
        with selectors.DefaultSelector() as selector:
            for agent in self.agents:
                selector.register(agent.process.stdout, selectors.EVENT_READ, agent)
            while selector.get_map() and time.monotonic() < end:
                for key, _ in selector.select(0.5):
                    if not key.data.hear() or through(key.data):
                        selector.unregister(key.fileobj)
                yield

    def follow(self, start):
        spoken = start
        for _ in self.listen(lambda agent: agent.done, ARM_LIMIT):
            if time.monotonic() - spoken >= PROGRESS:
                spoken = time.monotonic()
                self.progress(start)
        self.in_time = all(agent.done or agent.dead for agent in self.agents)

    def ping(self):
        """An agent is lost if it does not answer, or has forgotten."""
        for agent in self.agents:
            agent.tell('ping')
        for _ in self.listen(lambda agent: agent.answered, ANSWER_WITHIN):
            pass

    def result(self, seconds, held):
        ended = [report for agent in self.agents for report in agent.ended]
        finished = sum(report['status'] == 0 for report in ended)
        return {
            'arm': self.name,
            'calls': sum(map(len, SESSIONS)),
            'finished': finished,
            # A call whose agent died with it has nobody left to report it.
            'killed': len(ended) - finished + self.died_with_agent(),
            'refused': sum(report['refused'] for report in ended),
            'agents': len(self.agents),
            'agents_lost': sum(not agent.answered for agent in self.agents),
            'seconds': round(seconds, 1),
            'in_time': self.in_time,
            'held': held,
            'peak': int(read(f'{CGROUP}/memory.peak')),
            'memory_events': events(CGROUP),
            'each': [agent.ended for agent in self.agents],
            'receipts': self.receipts(),
        }

    def died_with_agent(self):
        return sum(agent.dead and agent.calling for agent in self.agents)


class NoCap(Arm):
    name = 'no cap'
    cap_mb = None


class NoControl(Arm):
    name = 'no control'


class StaticShares(Arm):
    name = 'static shares'

    def set_up_session(self, number):
        super().set_up_session(number)
        write(f'{self.cgroup_of(number)}/memory.max', CAP_MB * MB // len(SESSIONS))


class Agentcg(Arm):
    name = 'agentcg'
    receipt_text = ''

    def cgroup_of(self, number):
        return f'{CGROUP}/s{number}/agent'

    def prefix(self):
        return RUN

    def set_up(self):
        run('modprobe', 'agentcg')
        run('agentcg', 'node', 'set', '--capacity', f'{NODE_MB}M')
        super().set_up()

    def set_up_session(self, number):
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


def check_rehearsal(result):
    """Every call ends with 0 when it has memory."""
    bad = [report for agent in result['each'] for report in agent if report['status']]
    if bad or not result['in_time']:
        sys.exit(f'demo: without a cap a call failed or did not end: {bad[:1]}')


def check_kernel():
    """The console shows errors only, since every OOM kill dumps a stack: look for the rest here."""
    bad = [line for line in run('dmesg').splitlines() if 'WARNING:' in line or 'BUG:' in line]
    if bad:
        sys.exit('demo: the kernel complained: ' + bad[0])


def parse():
    parser = argparse.ArgumentParser(description='Runs the arms of the demo, in the guest.')
    parser.add_argument('--no-oom-group', dest='oom_group', action='store_false',
                        help='leave memory.oom.group at 0')
    return parser.parse_args()


def main():
    options = parse()
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))
    run('dmesg', '-n', '4')
    write('/sys/fs/cgroup/cgroup.subtree_control', '+memory +cpu +pids')
    results = [NoCap(options).measure()]
    check_rehearsal(results[0])
    for kind in (NoControl, StaticShares, Agentcg):
        arm = kind(options)
        results.append(arm.measure())
    check_kernel()
    figures = {'kernel': platform.release(), 'cap': CAP_MB * MB, 'node': NODE_MB * MB, 'floor': FLOOR_MB * MB,
               'budget': BUDGET_MB * MB, 'burst': BURST_MB * MB, 'stall': STALL, 'oom_group': options.oom_group,
               'arms': results, 'receipt': arm.receipt_text}
    print_report(figures)
    print('JSON')
    print(json.dumps(figures, indent=1))


main()
