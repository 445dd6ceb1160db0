#!/usr/bin/env python3
# SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause
"""A runtime that makes the tool calls of an agent through agentcg.

One call succeeds, of one the intent is changed while it runs, one is cancelled;
what the kernel tells meanwhile is followed. Prints what came of each as JSON lines.

usage: runtime.py [CGROUP]   (default: the session that it runs in itself)
"""
import json
import os
import signal
import subprocess
import sys
import tempfile
import threading
import time

SESSION = ['--session', sys.argv[1]] if len(sys.argv) > 1 else []


def say(**fields):
    print(json.dumps(fields), flush=True)


class Call:
    """A command in a cgroup of its own."""

    def __init__(self, call, options, command):
        self.call, self.name = call, f'{call}-{os.getpid()}'
        # Files, not pipes: nobody reads them before the receipt is there.
        self.out, self.err = tempfile.TemporaryFile('w+'), tempfile.TemporaryFile('w+')
        self.receipt, end = os.pipe()
        # pass_fds keeps the number, so it is that one which agentcg is told. It
        # keeps the descriptor from the command.
        self.process = subprocess.Popen(
            ['agentcg', 'run', *SESSION, '--name', self.name, '--label', self.name,
             '--receipt', f'fd:{end}', *options, '--', *command],
            stdin=subprocess.PIPE, stdout=self.out, stderr=self.err, pass_fds=[end])
        # Or the other end would be open for ever, and reading it never end.
        os.close(end)

    def end(self, text=''):
        self.process.communicate(text.encode())
        with open(self.receipt, encoding='utf-8') as file:
            receipt = file.read()
        # Where agentcg cannot act the command runs all the same, "enforced" is
        # false then, and limits and most figures are not there.
        told = json.loads(receipt) if receipt else {}
        # 0 to 127: the command's own, but 124: past its deadline, 125: not started
        # (refused, for example, and then without a receipt); 128 + N: signal N.
        status = self.process.returncode
        for file in self.out, self.err:
            file.seek(0)
        say(call=self.call, status=status if status >= 0 else 128 - status,
            enforced=told.get('enforced', False), cause=told.get('cause'),
            reason=told.get('reason'), burst=told.get('limits', {}).get('burst'),
            peak=told.get('peak'), output=self.out.read(), told=self.err.read())

    def find(self):
        """The id, None when no call appears, as when it runs unmanaged."""
        for _ in range(20):
            found = subprocess.run(['agentcg', '-j', 'tool'], capture_output=True, check=False)
            for call in json.loads(found.stdout or '[]'):
                if call.get('path', '').endswith(f'/{self.name}'):
                    return str(call['id'])
            time.sleep(0.1)
        return None

    def cancel(self):
        """agentcg run passes SIGTERM on; who does not mind it is killed with all
        it has started, and the receipt tells that, too."""
        self.process.terminate()
        try:
            self.process.wait(5)
        except subprocess.TimeoutExpired:
            found = self.find()
            if found:
                subprocess.run(['agentcg', 'tool', 'kill', found], check=True)
            else:
                self.process.kill()


class Events(threading.Thread):
    """Events are for the administrator of the host: a tenant goes without."""

    def __init__(self):
        super().__init__()
        self.seen = {}
        self.process = subprocess.Popen(['agentcg', '-j', 'event'], text=True,
                                        stdout=subprocess.PIPE, stderr=subprocess.PIPE)
        self.start()

    def run(self):
        for line in self.process.stdout:
            event = json.loads(line)  # or a receipt, which has no label
            if event.get('label', '').endswith(f'-{os.getpid()}'):
                self.seen[event['type']] = self.seen.get(event['type'], 0) + 1

    def stop(self):
        self.process.terminate()
        self.join()
        reason = self.process.stderr.read().strip()
        self.process.wait()
        return {'events': None, 'reason': reason} if reason else {'events': self.seen}


def main(live):
    live.append(Call('sum', ['--mem', '64M', '--deadline', '60s'], ['sh', '-c', 'echo $((6 * 7))']))
    live[-1].end()

    live.append(Call('grow', ['--mem', '16M', '--burst', '32M', '--deadline', '60s'], ['cat']))
    found = live[-1].find()
    if found:
        subprocess.run(['agentcg', 'tool', 'set', found, '--burst', '96M'], check=True)
    live[-1].end('done')  # cat ends with its input

    live.append(Call('late', ['--mem', '16M', '--deadline', '60s'], ['sleep', '1000']))
    live[-1].find()
    live[-1].cancel()
    live[-1].end()
    time.sleep(0.5)  # for the last events


signal.signal(signal.SIGTERM, lambda *_: sys.exit(128 + signal.SIGTERM))
calls = []
events = Events()
time.sleep(1)  # it does not tell when it is ready
try:
    main(calls)
    say(**events.stop())
except KeyboardInterrupt:
    sys.exit(128 + signal.SIGINT)
finally:
    # Ctrl-C reaches the calls by itself, another sender's SIGINT does not. What is
    # left of them after this, and after a SIGKILL of ours, their deadline ends.
    for running in calls:
        running.process.terminate()
        running.process.wait()
    events.stop()
