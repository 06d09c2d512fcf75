import { type ChildProcess, fork } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import type { LoadMessage, LoadResult } from './demo/load-protocol.js';
import { Measurements } from './demo/measurements.js';
import { ProgressBar } from './demo/progress-bar.js';
import { isKept, report } from './demo/report.js';

/**
 * Starts a gateway on free ports and a temporary directory, drives it from another process for
 * `--seconds`, and looks whether every answered id is there. The exit code is 1 when one is not.
 */
const { values } = parseArgs({ options: { seconds: { type: 'string', default: '10' } } });
const seconds = Number(values.seconds);
if (!(seconds > 0)) throw new RangeError(`--seconds is a number above 0, not '${values.seconds}'`);

const directory = mkdtempSync(join(tmpdir(), 'millrace-demo-'));
const gateway = startProcess('./main.js', [
  '--port',
  '0',
  '--http',
  '0',
  '--data',
  join(directory, 'data'),
]);
try {
  process.exitCode = (await demonstrate()) ? 0 : 1;
} finally {
  if (gateway.exitCode === null && gateway.signalCode === null) {
    const ended = once(gateway, 'exit');
    gateway.kill('SIGTERM');
    await ended;
  }
  rmSync(directory, { recursive: true, force: true });
}

async function demonstrate(): Promise<boolean> {
  console.log('starting a gateway with an empty embedded database');
  const { port, httpPort } = await firstMessage<{ port: number; httpPort: number }>(gateway);
  const before = await Measurements.scrape(httpPort);
  console.log(`writing for ${seconds} seconds: 50 connections, pipelines of 16`);
  const load = startProcess('./demo/load.js', [String(port), String(seconds)]);
  const bar = new ProgressBar(process.stdout, seconds * 1000);
  let after = before;
  const result = await new Promise<LoadResult>((resolve, reject) => {
    load.on('exit', (code) => reject(new Error(`the load ended early, with ${code}`)));
    load.on('message', async (message: LoadMessage) => {
      if (message.kind === 'progress') {
        bar.show(message.elapsed, `${message.events.toLocaleString('en')} events`);
      } else if (message.kind === 'written') {
        bar.clear();
        console.log('reading everything back');
        after = await Measurements.scrape(httpPort);
      } else {
        resolve(message.result);
      }
    });
  });
  console.log(report(result, before, after));
  return isKept(result);
}

function startProcess(file: string, args: readonly string[]): ChildProcess {
  const environment = { ...process.env, DATABASE_URL: '' };
  return fork(new URL(file, import.meta.url), args, { env: environment });
}

/** The first thing a process says; fails when it ends before. */
async function firstMessage<T>(child: ChildProcess): Promise<T> {
  const ended = once(child, 'exit').then(([code]) => {
    throw new Error(`the gateway ended early, with ${code}`);
  });
  const [message] = (await Promise.race([once(child, 'message'), ended])) as [T];
  ended.catch(() => {});
  return message;
}
