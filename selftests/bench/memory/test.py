#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-only
"""Tests of bench-memory's arithmetic, as TAP."""
import contextlib
import io
import json
import os
import random
import sys
import tempfile
import unittest

import loads
import report
from figures import Load, interval, loads_of, missing, verdicts
from fits import agents_fit, fits, longest_wait

MIB = 1 << 20
SECOND = 10 ** 9


def session(calls, level=0, offset=0):
    """One that makes calls of (peak in MiB, length in s) one after the other, a second apart."""
    cues = [{'kind': 'level', 'after': 'begin', 'of': None, 'delay': 0, 'memory': level * MIB}]
    for number in range(len(calls)):
        cues.append({'kind': 'call', 'after': 'end' if number else 'begin', 'of': number - 1 if number else None,
                     'delay': SECOND, 'call': number})
    cues.append({'kind': 'end', 'after': 'end', 'of': len(calls) - 1, 'delay': 0})
    return {'offset': offset, 'cues': cues,
            'calls': [{'peak': peak * MIB, 'length': length * SECOND} for peak, length in calls]}


def wait(sessions, memory, high=None):
    return longest_wait(sessions, high or [False] * len(sessions), memory * MIB, 0)


class Fits(unittest.TestCase):
    def test_nobody_waits_where_all_fit(self):
        self.assertEqual(0, wait([session([(100, 5)]), session([(100, 5)])], 200))

    def test_one_waits_for_the_other(self):
        self.assertEqual(5 * SECOND, wait([session([(100, 5)]), session([(100, 5)])], 150))

    def test_a_call_larger_than_all(self):
        self.assertIsNone(wait([session([(300, 5)])], 200))

    def test_agents_larger_than_all(self):
        self.assertIsNone(wait([session([(1, 1)], 150), session([(1, 1)], 150)], 200))

    def test_what_a_session_had_comes_back(self):
        self.assertEqual(0, wait([session([(10, 1)], 150), session([(10, 1)], 150, 10 * SECOND)], 200))

    def test_agents_alone(self):
        both = [session([(300, 1)], 150), session([(300, 1)], 50)]
        self.assertTrue(agents_fit(both, [False, True], 200 * MIB))
        self.assertFalse(agents_fit(both, [False, True], 199 * MIB))

    def test_later_calls_wait_for_earlier_ones(self):
        both = [session([(100, 5), (100, 5)]), session([(100, 5), (100, 5)])]
        self.assertEqual(5 * SECOND, wait(both, 100))

    def test_max_hold(self):
        both = [session([(100, 5)]), session([(100, 5)])]
        for hold, fit in ((5 * SECOND, True), (5 * SECOND - 1, False)):
            self.assertEqual(fit, fits(both, [False, True], 150 * MIB, 0, hold))

    def test_touching_takes_its_time(self):
        both = [session([(100, 0)]), session([(100, 0)])]
        self.assertEqual(100 * MIB, longest_wait(both, [False, False], 150 * MIB, 1))

    def test_a_better_order_is_found(self):
        """First come, the small ones would wait behind the one that does not fit."""
        crowd = [session([(60, 9)]), session([(90, 1)], offset=1), *(session([(40, 1)], offset=2) for _ in range(3))]
        self.assertLess(wait(crowd, 100), 10 * SECOND)


class Worth(unittest.TestCase):
    def test_the_agent_has_what_stays_between_calls(self):
        series = {'t': [0, 1, 2, 3, 4, 5], 'mem_mb': [100, 120, 300, 110, 400, 90]}
        calls = [{'s': 1.5, 'e': 2.5}, {'s': 3.5, 'e': None}]
        self.assertEqual(110, loads.agent_mb(series, calls))
        self.assertEqual(90, loads.agent_mb(series, []))


class Interval(unittest.TestCase):
    def test_few_samples_are_the_range(self):
        self.assertEqual((1, 3), interval([3, 1, 2]))
        self.assertEqual((7, 7), interval([7]))

    def test_of_twenty(self):
        """The table in every textbook: ranks 6 and 15."""
        self.assertEqual((6, 15), interval(range(1, 21)))

    def test_covers_the_median(self):
        dice = random.Random(1)
        drawn = [interval([dice.random() for _ in range(20)]) for _ in range(2000)]
        self.assertGreater(sum(low <= .5 <= high for low, high in drawn), 1880)


def result(survived, p95, took=2 * SECOND, agents=1, cut=False):
    latency = {'median': 1, 'p95': p95, 'p99': p95, 'max': p95}
    each = {'latency': latency, 'completion': took, 'alone': SECOND}
    return {'cut': cut, 'sessions': [each, each],
            'total': {'agents': 2, 'agents-survived': 2 * agents, 'calls': 10, 'survived': survived, 'completion': took}}


def lines(arms, memory=1000, runs=1):
    needs = {'demand': 1, 'rate-here': 1, 'sessions': [session([(1, 1)])] * 2}
    for run in range(runs):
        yield {'load': 'one', 'run': run, 'needs': needs, 'memory': memory * MIB, 'soft': None, 'high': [True, False]}
        yield {'load': 'one', 'run': run, 'arm': 'solo', 'result': result(10, 1)}
        for arm, found in arms.items():
            yield {'load': 'one', 'run': run, 'arm': arm, 'result': found}


def verdict(arms, word, **options):
    load = loads_of(lines(arms, **options))[0]
    return {what: (value, well) for what, _, value, well in verdicts(load, load.rows()) if word in what}


class Verdicts(unittest.TestCase):
    def test_latency_is_of_the_best_other_arm(self):
        arms = {'none': result(10, 100), 'high': result(10, 300), 'agentcg': result(10, 60)}
        name = 'agentcg: HIGH P95 over the best other arm'
        self.assertEqual((0.6, False), verdict(arms, 'P95')[name])
        arms['agentcg'] = result(10, 50)
        self.assertEqual((0.5, True), verdict(arms, 'P95')[name])

    def test_latency_is_of_the_best_that_keeps_as_many(self):
        arms = {'none': result(5, 100), 'high': result(10, 300), 'agentcg': result(10, 60)}
        name = 'agentcg: HIGH P95 over the best that keeps as many calls'
        self.assertEqual((0.2, True), verdict(arms, 'P95')[name])
        del arms['high']
        self.assertNotIn(name, verdict(arms, 'P95'))

    def test_all_calls_where_it_fits(self):
        self.assertFalse(verdict({'none': result(5, 1), 'agentcg': result(9, 1)}, 'calls')['agentcg: calls that survive'][1])

    def test_calls_of_the_best_other_arm_where_it_does_not(self):
        arms = {'none': result(5, 1), 'agentcg': result(9, 1)}
        self.assertTrue(verdict(arms, 'calls', memory=0)['agentcg: calls that survive'][1])

    def test_a_lost_agent(self):
        self.assertFalse(verdict({'agentcg': result(10, 1, agents=0)}, 'agents')['agentcg: agents that survive'][1])

    def test_agents_that_cannot_all_live(self):
        arms = {'none': result(10, 1, agents=0.5), 'agentcg': result(10, 1, agents=0.5)}
        self.assertFalse(verdict(arms, 'agents')['agentcg: agents that survive'][1])
        found = list(lines(arms))
        for line in found:
            for each in line.get('needs', {}).get('sessions', []):
                each['cues'][0]['memory'] = 2000 * MIB
        load = loads_of(found)[0]
        self.assertIn(('agentcg: agents that survive', 0.5, 0.5, True), list(verdicts(load, load.rows())))

    def test_low_over_solo(self):
        self.assertEqual((2.0, False), verdict({'agentcg': result(10, 1)}, 'LOW')['agentcg: LOW completion over solo'])

    def test_one_that_never_ends_is_no_success(self):
        arms = {'agentcg': result(10, 1, took=None)}
        self.assertEqual((None, False), verdict(arms, 'LOW')['agentcg: LOW completion over solo'])

    def test_missing_runs_are_counted(self):
        found = loads_of(lines({'agentcg': result(10, 1)}, runs=2))
        self.assertEqual(0, missing(found, ['agentcg'], 2))
        self.assertEqual(1, missing(found, ['agentcg'], 3))
        self.assertEqual(2, missing(found, ['agentcg', 'none'], 2))

    def test_a_failed_run_is_no_sample(self):
        load = Load('x')
        for line in lines({'none': {'failed': 1, 'why': []}}):
            load.take(line)
        self.assertEqual((0, 1), (load.row('none')['runs'], load.row('none')['failed']))


def output(function, *arguments):
    with contextlib.redirect_stdout(io.StringIO()) as text:
        value = function(*arguments)
    return text.getvalue(), value


class Results(unittest.TestCase):
    def setUp(self):
        self.dir = tempfile.TemporaryDirectory()
        self.path = f'{self.dir.name}/results.json'

    def tearDown(self):
        sys.stdin = sys.__stdin__
        self.dir.cleanup()

    def merge(self, text):
        sys.stdin = io.StringIO(text)
        merged, _ = output(report.merge, self.path)
        with open(self.path, 'w', encoding='utf-8') as file:
            file.write(merged)

    def test_what_was_measured_stays(self):
        first = [json.dumps(line) for line in lines({'none': result(5, 1)})]
        self.merge('\n'.join(first))
        self.merge('\n'.join(json.dumps(line) for line in lines({'none': result(9, 9), 'high': result(7, 7)})))
        found = loads_of(report.read(self.path))[0]
        self.assertEqual(5, found.row('none')['calls-survived'])
        self.assertEqual(7, found.row('high')['calls-survived'])

    def test_a_line_that_was_cut_off(self):
        whole = [json.dumps(line) for line in lines({'none': result(5, 1)})]
        self.merge('\n'.join(whole)[:-20])
        self.assertEqual([['one', 'solo', 0]], json.loads(output(report.done, self.path)[0]))
        self.assertIn('PARTIAL', output(report.table, self.path, 1)[0])

    def test_a_file_that_is_something_else(self):
        for text in ('{"lines": [', '[]', '{}', 'x'):
            with open(self.path, 'w', encoding='utf-8') as file:
                file.write(text)
            with self.assertRaisesRegex(SystemExit, 'move it away'):
                report.read(self.path)

    def test_nothing_yet(self):
        self.assertEqual('[]\n', output(report.done, self.path)[0])
        with self.assertRaisesRegex(SystemExit, 'nothing was measured'):
            report.table(self.path, 1)

    def test_the_plot_has_a_box_for_each_arm(self):
        self.merge('\n'.join(json.dumps(line) for line in lines({'none': result(5, 2e6), 'agentcg': result(9, 1e6)})))
        text = output(report.plot, self.path)[0]
        self.assertIn('none 2.0 2.0\nagentcg 1.0 1.0\n', text)


class Loads(unittest.TestCase):
    def test_without_recorded_traces(self):
        found, files = loads.make({})
        self.assertEqual(len(loads.MIX_SHARES) + 1, len(found))
        for load in found:
            self.assertTrue(all(session['trace'] in files for session in load['sessions']))
        self.assertTrue(all(len(load['sessions']) >= 6 for load in found[:-1]))

    def test_the_same_every_time(self):
        self.assertEqual(loads.make({}), loads.make({}))

    def test_more_memory_for_the_agent(self):
        text = '{"k":"meta"}\n{"k":"samples","t":[0,1],"mem_mb":[1,2]}\n'
        self.assertIn('"mem_mb": [101, 102]', loads.topped(text, 100))


class Tap(unittest.TextTestResult):
    """A line for each test."""

    def addSuccess(self, test):
        print(f'ok {self.testsRun} - {test.id()}')

    def addFailure(self, test, err):
        super().addFailure(test, err)
        print(f'not ok {self.testsRun} - {test.id()}')

    def addError(self, test, err):
        super().addError(test, err)
        print(f'not ok {self.testsRun} - {test.id()}')


if __name__ == '__main__':
    sys.exit(not unittest.main(testRunner=unittest.TextTestRunner(resultclass=Tap, stream=sys.stderr, verbosity=0), exit=False).result.wasSuccessful())
