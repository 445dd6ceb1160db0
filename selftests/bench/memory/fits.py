# SPDX-License-Identifier: GPL-2.0-only
"""Whether sessions fit into their memory in time: a schedule exists in which no call waits
longer than its max-hold.

To find the best schedule is as hard as packing, so some simple ones are tried: a call
begins when the most that it ever has is free, and whoever waits is served in one of a few
orders. "True" is proven by the schedule; "False" says that none of them will do.
"""
import heapq


class Session:
    """How far it is, while time passes."""

    def __init__(self, number, needs, high):
        self.number, self.high = number, high
        self.cues, self.calls = needs['cues'], needs['calls']
        self.began = needs['offset']
        self.events = {('begin', None): self.began}
        self.next = 0
        self.level = 0

    def due(self):
        """When its next cue is, or None while that depends on something still to come."""
        if self.next == len(self.cues):
            return None
        cue = self.cues[self.next]
        since = self.events.get((cue['after'], cue['of']))
        return None if since is None else since + cue['delay']


# Who waits first is served first; who needs least; HIGH before LOW.
ORDERS = {
    'first come': lambda wait: wait[0],
    'smallest': lambda wait: (wait[3], wait[0]),
    'class': lambda wait: (not wait[1].high, wait[0]),
}


class Schedule:
    """One course of all sessions."""

    def __init__(self, needs, high, memory, touch, order):
        self.sessions = [Session(number, *pair) for number, pair in enumerate(zip(needs, high))]
        self.free, self.touch, self.order = memory, touch, order
        self.waiting, self.running = [], []
        self.longest, self.failed = 0, False

    def begin(self, now, session, call, since):
        need = session.calls[call]
        self.free -= need['peak']
        self.longest = max(self.longest, now - since)
        session.events['begin', call] = now
        length = need['length'] + int(need['peak'] * self.touch)
        heapq.heappush(self.running, (now + length, session.number, call))

    def serve(self, now):
        """In order; nobody overtakes who waits before him."""
        self.waiting.sort(key=self.order)
        while self.waiting and self.waiting[0][3] <= self.free:
            since, session, call, _ = self.waiting.pop(0)
            self.begin(now, session, call, since)

    def act(self, now, session):
        cue = session.cues[session.next]
        session.next += 1
        if cue['kind'] == 'level':
            self.free -= cue['memory'] - session.level
            session.level = cue['memory']
            self.failed |= self.free < 0
        elif cue['kind'] == 'call':
            self.waiting.append((now, session, cue['call'], session.calls[cue['call']]['peak']))
        else:
            self.free += session.level
            session.level = 0

    def end(self):
        now, number, call = heapq.heappop(self.running)
        session = self.sessions[number]
        session.events['end', call] = now
        self.free += session.calls[call]['peak']
        return now

    def step(self):
        """Whatever comes first. Return: whether there was anything."""
        cues = [(due, session.number) for session in self.sessions
                if (due := session.due()) is not None]
        if self.running and (not cues or self.running[0][0] <= min(cues)[0]):
            now = self.end()
        elif cues:
            now, number = min(cues)
            self.act(now, self.sessions[number])
        else:
            return False
        self.serve(now)
        return not self.failed

    def wait(self):
        """The longest that a call waits, or None where the schedule comes to nothing."""
        while self.step():
            pass
        return None if self.failed or self.waiting else self.longest


def longest_wait(needs, high, memory, touch):
    """The best of the orders. @needs: the sessions of "replay --needs"; @touch: ns a byte."""
    found = [Schedule(needs, high, memory, touch, order).wait() for order in ORDERS.values()]
    return min((wait for wait in found if wait is not None), default=None)


def fits(needs, high, memory, touch, max_hold):
    wait = longest_wait(needs, high, memory, touch)
    return wait is not None and wait <= max_hold


def agents_fit(needs, high, memory):
    """Whether the agents do by themselves, whatever their calls do: nobody holds them back."""
    idle = [{**session, 'calls': [{**call, 'peak': 0} for call in session['calls']]} for session in needs]
    return longest_wait(idle, high, memory, 0) is not None
