#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-only
"""Runs in the guest: replays every load in every arm, and prints each run as a line of JSON.

What is in done.json beside it is left out. All arms have had their turn before the next
run begins, so that an interruption leaves as much of each.
"""
import argparse
import json
import os
import random
import subprocess
import sys

from arms import ARMS, MAX_HOLD_S, ON_EXHAUST, PARENT, STALL, UNIT

HERE = os.path.dirname(os.path.realpath(__file__))
# Longer than anything that gets on takes.
LONGEST = '60s'
FAILED_LINES = 5


def read_json(name):
    with open(f'{HERE}/{name}', encoding='utf-8') as file:
        return json.load(file)


def say(text):
    print(f'bench-memory: {text}', file=sys.stderr, flush=True)


def offsets(load, run, lengths):
    """In ns, by the number of the run; the first session is never late."""
    dice = random.Random(run)
    return [0] + [int(dice.random() * load['spread'] * length) for length in lengths[1:]]


def session_words(load, session, offset, managed):
    words = ['--offset', f'{offset}ns']
    if managed:
        words += ['--class', 'interactive' if session['high'] else 'batch']
    return words + [f'{HERE}/{session["trace"]}']


def call_agentcg(*words):
    out = subprocess.run(['agentcg', '-j', *words], check=True, stdout=subprocess.PIPE, text=True).stdout
    return json.loads(out)


def needs_of(load, run):
    """What its sessions need, at the offsets of that run."""
    words = ['replay', '--needs', '--no-cpu', '--speed', str(load['speed'])]
    alone = call_agentcg(*words, *(f'{HERE}/{session["trace"]}' for session in load['sessions']))
    found = offsets(load, run, [session['length'] for session in alone['sessions']])
    for session, offset in zip(load['sessions'], found):
        words += session_words(load, session, offset, False)
    return call_agentcg(*words), found


def limits(load, needs):
    """The memory of all, and the soft limit of each; None where there is none."""
    if 'soft' in load:
        return None, int(needs['demand'] * load['soft'])
    return int(load.get('memory') or needs['demand'] * load['share']), None


def replay_words(load, arm, found, needs):
    memory, soft = limits(load, needs)
    words = ['agentcg', '-j', 'replay', '--no-cpu', '--parent', PARENT, '--speed', str(load['speed']), '--longest', LONGEST,
             '--arm', arm.soft if soft else arm.replay]
    if memory:
        words += ['--memory', str(memory)]
    if soft:
        words += ['--budget', str(soft)]
    if arm.managed:
        words += ['--stall', STALL, '--on-exhaust', ON_EXHAUST, '--max-hold', f'{MAX_HOLD_S}s']
    for session, offset in zip(load['sessions'], found):
        words += session_words(load, session, offset, arm.managed)
    return words


def in_unit(arm, words):
    properties = ['Delegate=yes', 'DelegateSubgroup=replay', 'MemoryAccounting=yes', *arm.properties]
    return subprocess.run(['systemd-run', '--quiet', '--wait', '--pipe', '--collect', '--unit', UNIT,
                           *(f'--property={text}' for text in properties), *words],
                          stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, check=False)


def result_of(process):
    if process.returncode == 0:
        return json.loads(process.stdout)
    return {'failed': process.returncode, 'why': process.stderr.splitlines()[-FAILED_LINES:]}


def run_arm(load, name, needs, found):
    arm = ARMS[name]
    with arm.beside(load):
        return result_of(in_unit(arm, replay_words(load, arm, found, needs)))


def run_solo(load, found):
    """Each alone, without a limit: the floor."""
    words = ['agentcg', '-j', 'replay', '--no-cpu', '--parent', PARENT, '--speed', str(load['speed']), '--solo']
    for session, offset in zip(load['sessions'], found):
        words += session_words(load, session, offset, False)
    return result_of(in_unit(ARMS['none'], words))


def emit(**line):
    print(json.dumps(line), flush=True)


def wanted_loads(prefixes, lane):
    every = [load for load in read_json('loads.json')
             if not prefixes or any(load['name'].startswith(word) for word in prefixes.split(','))]
    first, step = map(int, lane.split('/'))
    return every[first::step]


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument('--runs', type=int, required=True)
    parser.add_argument('--loads', default='')
    parser.add_argument('--arms', default='')
    parser.add_argument('--lane', default='0/1', help='I/N: every Nth load, from the Ith on')
    arguments = parser.parse_args()
    done = {tuple(key) for key in read_json('done.json')}
    arms = arguments.arms.split(',') if arguments.arms else list(ARMS)
    subprocess.run(['modprobe', 'agentcg'], check=True)
    # Its arm starts it.
    subprocess.run(['systemctl', 'stop', 'systemd-oomd.socket', 'systemd-oomd.service'], check=True)
    for run in range(arguments.runs):
        # Alone, the offset does not matter.
        names = arms if run else ['solo', *arms]
        for load in wanted_loads(arguments.loads, arguments.lane):
            wanted = [name for name in names if (load['name'], name, run) not in done]
            if not wanted:
                continue
            needs, found = needs_of(load, run)
            memory, soft = limits(load, needs)
            emit(load=load['name'], run=run, needs=needs, memory=memory, soft=soft,
                 high=[session['high'] for session in load['sessions']])
            for name in wanted:
                say(f'run {run + 1} of {arguments.runs}: {load["name"]}: {name}')
                result = run_solo(load, found) if name == 'solo' else run_arm(load, name, needs, found)
                emit(load=load['name'], run=run, arm=name, result=result)


main()
