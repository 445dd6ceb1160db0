#!/usr/bin/env node
// SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause
// A runtime that makes the tool calls of an agent through agentcg: one that
// succeeds, one whose intent it changes, one that it cancels; and it follows
// what the kernel tells meanwhile. Prints what came of each as JSON lines.
//
// usage: runtime.mjs [CGROUP]   (default: the session that it runs in itself)
import { execFile, spawn } from 'node:child_process';
import { once } from 'node:events';
import { constants } from 'node:os';
import { createInterface } from 'node:readline';
import { text } from 'node:stream/consumers';
import { setTimeout as sleep } from 'node:timers/promises';
import { promisify } from 'node:util';

const session = process.argv[2] ? ['--session', process.argv[2]] : [];
const agentcg = async (...args) => (await promisify(execFile)('agentcg', args)).stdout;
const say = (fields) => console.log(JSON.stringify(fields));
const live = new Set();
let stopping = 0;

// What came of a call, from its exit status and its receipt.
function tell(call, [[code, signal], receipt, output, told]) {
  // 0 to 127: the command's own, but 124: past its deadline, 125: not started
  // (refused, for example, and then without a receipt); 128 + N: signal N.
  const status = code ?? 128 + constants.signals[signal];
  // Where agentcg cannot act the command runs all the same: "enforced" is false
  // then, and there are neither limits nor most figures.
  const { enforced = false, cause, reason, limits, peak } = receipt ? JSON.parse(receipt) : {};
  say({ call, status, enforced, cause, reason, burst: limits?.burst, peak, output, told });
}

function start(label, options, ...command) {
  if (stopping) throw new Error('stopping');
  const name = `${label}-${process.pid}`;
  // The fourth pipe is descriptor 3 of the child. agentcg keeps it from the
  // command, so it ends with agentcg, whatever the command leaves running.
  const child = spawn('agentcg', ['run', ...session, '--name', name, '--label', name, '--receipt',
    'fd:3', ...options, '--', ...command], { stdio: ['pipe', 'pipe', 'pipe', 'pipe'] });
  // All streams are read at once: a full one would hold the command back.
  const streams = [child.stdio[3], child.stdout, child.stderr].map(text);
  const call = { child, name };
  call.ended = Promise.all([once(child, 'close'), ...streams])
    .then((came) => tell(label, came)).finally(() => live.delete(call));
  live.add(call);
  return call;
}

// The id of a call that runs, null when none appears, as when it is unmanaged.
async function find({ name }) {
  for (let tries = 0; tries < 20; tries++, await sleep(100)) {
    const calls = await agentcg('-j', 'tool').then(JSON.parse, () => []);
    const found = calls.find((call) => call.path?.endsWith(`/${name}`));
    if (found) return String(found.id);
  }
  return null;
}

// agentcg run passes SIGTERM on; who does not mind it is killed with all it has
// started, and the receipt tells that, too.
async function cancel(call) {
  call.child.kill('SIGTERM');
  if (await Promise.race([call.ended.then(() => true), sleep(5000)])) return;
  const id = await find(call);
  await (id ? agentcg('tool', 'kill', id) : call.child.kill('SIGKILL'));
  await call.ended;
}

// Events are for the administrator of the host: a tenant goes without.
function follow() {
  const child = spawn('agentcg', ['-j', 'event'], { stdio: ['ignore', 'pipe', 'pipe'] });
  const seen = {};
  createInterface({ input: child.stdout }).on('line', (line) => {
    const { type, label } = JSON.parse(line); // or a receipt, which has neither
    if (label?.endsWith(`-${process.pid}`)) seen[type] = (seen[type] ?? 0) + 1;
  });
  const done = Promise.all([text(child.stderr), once(child, 'close')])
    .then(([reason]) => say(reason ? { events: null, reason: reason.trim() } : { events: seen }));
  return { child, done };
}

// Ctrl-C reaches the calls by itself, another sender's SIGINT does not. What a
// SIGKILL of ours leaves running ends by its deadline.
for (const signal of ['SIGINT', 'SIGTERM'])
  process.on(signal, () => {
    stopping = 128 + constants.signals[signal];
    for (const call of live) call.child.kill('SIGTERM');
  });

const events = follow();
try {
  await sleep(1000); // it does not tell when it is ready
  const sum = start('sum', ['--mem', '64M', '--deadline', '60s'], 'sh', '-c', 'echo $((6 * 7))');
  await sum.ended;

  const grow = start('grow', ['--mem', '16M', '--burst', '32M', '--deadline', '60s'], 'cat');
  const id = await find(grow);
  if (id) await agentcg('tool', 'set', id, '--burst', '96M');
  grow.child.stdin.end('done'); // cat ends with its input
  await grow.ended;

  const late = start('late', ['--mem', '16M', '--deadline', '60s'], 'sleep', '1000');
  await find(late);
  await cancel(late);
  await sleep(500); // for the last events
} catch (error) {
  if (!stopping) throw error;
} finally {
  await Promise.allSettled([...live].map((call) => call.ended));
  events.child.kill();
  await events.done;
  process.exitCode = stopping;
}
