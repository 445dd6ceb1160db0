# SPDX-License-Identifier: GPL-2.0-only
"""Ways to keep sessions within their memory, as bench-memory compares them.

Each replays in a unit of its own, whose cgroup is the parent of the sessions; an arm says
which arm of "agentcg replay" is played there, what the unit is told, and what runs beside
it.
"""
import contextlib
import os
import subprocess

HERE = os.path.dirname(os.path.realpath(__file__))
UNIT = 'bench-memory.service'
PARENT = f'/system.slice/{UNIT}'
CGROUP = f'/sys/fs/cgroup{PARENT}'

# What the calls of the arms agentcg declare beside their class, and what sessions have.
STALL = '2s'
MAX_HOLD_S = 10
ON_EXHAUST = 'wait'
OOMD_LIMIT, OOMD_AFTER = '20%', '1s'
POLL_MS = 10


@contextlib.contextmanager
def nothing(_load):
    yield


@contextlib.contextmanager
def poller(load):
    """Finds the sessions by itself, since they come later than it."""
    high = [str(number) for number, session in enumerate(load['sessions'], 1) if session['high']]
    with subprocess.Popen([f'{HERE}/poller', CGROUP, str(POLL_MS), *high], stdout=subprocess.DEVNULL) as process:
        try:
            yield
        finally:
            process.terminate()


@contextlib.contextmanager
def oomd(_load):
    subprocess.run(['systemctl', 'start', 'systemd-oomd'], check=True)
    try:
        yield
    finally:
        subprocess.run(['systemctl', 'stop', 'systemd-oomd.service', 'systemd-oomd.socket'], check=True)


@contextlib.contextmanager
def priority(_load):
    subprocess.run(['agentcg', 'policy', 'load', 'priority'], check=True, stdout=subprocess.DEVNULL)
    try:
        yield
    finally:
        subprocess.run(['agentcg', 'policy', 'unload'], check=True, stdout=subprocess.DEVNULL)


class Arm:
    """about: what is printed of it. soft: the replay's arm where a soft limit is all that there is."""

    def __init__(self, about, replay, soft, beside=nothing, properties=()):
        self.about, self.replay, self.soft = about, replay, soft
        self.beside, self.properties = beside, properties

    @property
    def managed(self):
        return self.replay == 'agentcg'


AGENTCG = (f'stall {STALL}, max-hold {MAX_HOLD_S} s, on-exhaust {ON_EXHAUST}, '
           'calls declare their peak')

ARMS = {
    'none': Arm('memory.max of all together', 'none', 'none'),
    'static': Arm('memory.max of each session, equal parts', 'static', 'static'),
    'high': Arm('memory.high of each session, equal parts', 'high', 'high'),
    'poller': Arm(f'memory.events, usage and PSI every {POLL_MS} ms, memory.high of LOW sessions', 'none', 'high', poller),
    'oomd': Arm(f'systemd-oomd, {OOMD_LIMIT} for {OOMD_AFTER}', 'none', 'high', oomd,
                ('ManagedOOMMemoryPressure=kill', f'ManagedOOMMemoryPressureLimit={OOMD_LIMIT}',
                 f'ManagedOOMMemoryPressureDurationSec={OOMD_AFTER}')),
    'agentcg': Arm(AGENTCG, 'agentcg', 'agentcg'),
    'priority': Arm(f'{AGENTCG}, policy "priority" by BPF', 'agentcg', 'agentcg', priority),
}
