# SPDX-License-Identifier: GPL-2.0-only
"""What came of the arms of the demo, as text of at most 80 columns."""
import textwrap

MB = 1 << 20
WIDTH = 80


def span(ns):
    for unit, name in ((10 ** 9, 's'), (10 ** 6, 'ms')):
        if ns >= unit:
            return f'{ns / unit:.3g} {name}'
    return f'{ns / 1000:.3g} us' if ns else '-'


def rows(arm):
    held = arm['held']
    never = arm['calls'] - arm['finished'] - arm['killed']
    yield 'calls finished', f'{arm["finished"]} of {arm["calls"]}'
    yield 'calls killed', arm['killed']
    yield 'calls never made', never
    yield 'agents lost', f'{arm["agents_lost"]} of {arm["agents"]}'
    yield 'time', f'{arm["seconds"]:.0f} s' + ('' if arm['in_time'] else ', cut')
    yield 'longest hold', span(held['longest_ns'])
    yield 'P95 of the holds', span(held['p95_ns'])
    yield 'holds', held['held']
    yield 'peak', f'{arm["peak"] // MB} MB'


def print_table(arms):
    print(f'{"":20}' + ''.join(f'{arm["arm"]:>15}' for arm in arms))
    for line in zip(*map(rows, arms)):
        print(f'{line[0][0]:20}' + ''.join(f'{cell:>15}' for _, cell in line))


def fill(text, **indents):
    return textwrap.fill(text, WIDTH, break_on_hyphens=False, **indents)


def print_terms(terms):
    indent = 2 + max(map(len, terms))
    for term, text in terms.items():
        print(fill(text, initial_indent=f'{term:{indent}}', subsequent_indent=' ' * indent))


def arms_explained(figures):
    sizes = {key: figures[key] // MB for key in ('cap', 'node', 'floor', 'budget', 'burst')}
    return {
        'no cap': 'the same work without any limit, for comparison',
        'no control': 'memory.max of {cap} MB above all three sessions'.format(**sizes),
        'static shares': 'the same, and memory.max of a third of it for each session',
        'agentcg': 'the same, of which {node} MB are lent; each session has a floor of {floor} MB and a budget of '
                   '{budget} MB, each call declares what it needs and its burst, and may be held for {stall} at '
                   'most'.format(stall=figures['stall'], **sizes),
    }


def rows_explained(figures):
    group = ('memory.oom.group is set for each session without agentcg, as Kubernetes does for a container, so the '
             'agent dies with its call; see --no-oom-group' if figures['oom_group'] else
             'memory.oom.group is not set, so mostly the call is chosen alone')
    return {
        'killed': f'ended with another status than 0, or died with its agent. {group}',
        'lost': 'its own process did not answer at the end, or had forgotten something',
        'time': 'until every agent was through or dead; of an emulated machine, so it varies with the load of its host',
        'hold': '50 us or more in the kernel\'s throttle, in its reclaim or in agentcg\'s park, in every arm by '
                'the same BPF program',
        'peak': 'memory.peak of the cgroup that has the cap',
    }


def total(receipts, key):
    return sum(receipt.get(key, 0) for receipt in receipts)


def print_grants(arm):
    receipts = arm['receipts']
    text = (f'agentcg granted {total(receipts, "granted-total") // MB} MB in {total(receipts, "grants")} grants; '
            f'{sum(receipt.get("stall-total", 0) > 0 for receipt in receipts)} of {len(receipts)} calls had to wait, '
            f'{total(receipts, "exhausted")} until their bound, and {arm["refused"]} were refused at first.')
    print(fill(text))


def print_receipt(text):
    print('The receipt of the call that waited longest:\n')
    for line in text.splitlines():
        print(fill(line) if len(line) > WIDTH else line)


def print_report(figures):
    arms = figures['arms']
    print(f'\nThree agents, each with two bursts to {figures["burst"] // MB} MB among its '
          f'{arms[0]["calls"] // arms[0]["agents"]} calls:\n')
    print_table(arms)
    print()
    print_terms(arms_explained(figures))
    print()
    print_terms(rows_explained(figures))
    print()
    print_grants(arms[-1])
    print()
    if figures['receipt']:
        print_receipt(figures['receipt'])
