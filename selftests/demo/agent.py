#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-only
"""An agent: a process that keeps some memory, thinks, and runs tool calls.

Reads its orders from stdin and reports on stdout, both as JSON lines: first
{"calls": [...], "run": [...]}, then the calls are made, one after the other.
To "ping" it answers at any time, with a check of what it remembers.
"""
import json
import subprocess
import sys
import threading
import time
import zlib

# What an agent's own process keeps: its conversation, its interpreter.
MEMORY_MB = 32

# agentcg run did not start the call: there is not enough for it now. Wait a
# little and try again, as an agent that is told so would.
NOT_STARTED = 125
PATIENCE = 1
TRIES = 60


def remember():
    return [bytes([i]) * (1 << 20) for i in range(1, MEMORY_MB + 1)]


def report(**fields):
    # One write each: both threads report.
    sys.stdout.write(json.dumps(fields) + '\n')
    sys.stdout.flush()


def make_call(number, call, prefix):
    words = [word.format(number=number, **call) for word in prefix]
    command = words + ['bash', '-o', 'pipefail', '-c', call['command']]
    start = time.monotonic()
    refused = 0
    while True:
        done = subprocess.run(command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                              stderr=subprocess.STDOUT, cwd=call['dir'])
        if not prefix or done.returncode != NOT_STARTED or refused == TRIES:
            break
        refused += 1
        time.sleep(PATIENCE)
    report(event='ended', label=call['label'], status=done.returncode, refused=refused,
           seconds=round(time.monotonic() - start, 3),
           output=done.stdout.decode(errors='replace')[-400:])


def make_calls(orders):
    for number, call in enumerate(orders['calls']):
        time.sleep(call['think'])
        report(event='started', label=call['label'])
        make_call(number, call, orders['run'])
    report(event='done')


def main():
    memory = remember()
    checksum = [zlib.crc32(block) for block in memory]
    orders = json.loads(sys.stdin.readline())
    threading.Thread(target=make_calls, args=[orders], daemon=True).start()
    for _ in sys.stdin:
        whole = checksum == [zlib.crc32(block) for block in memory]
        report(event='pong', whole=whole)


main()
