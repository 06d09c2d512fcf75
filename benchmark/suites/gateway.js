import { join } from 'node:path';
import { setTimeout } from 'node:timers/promises';
import { withDatabase, withDirectory } from '../database/template.js';
import { Child } from '../frame/child.js';
import { freePort } from '../frame/free-port.js';
import { load } from '../frame/load.js';
import { residentMemory } from '../frame/memory.js';
import { metrics } from '../frame/metrics.js';
import { limit, ours, peer } from '../frame/side.js';
import { streamLength } from '../frame/stream-length.js';

const ROOT = join(import.meta.dirname, '../..');
const CONNECTIONS = 50;
const PIPELINE = 16;
const WARM_UP_SECONDS = 2;
const START_SECONDS = 60;

/** What the bare loop inserts at a time before our own batches are known. */
let batchSize = 500;

/** `XADD` of three small fields, 50 connections with 16 commands in flight on each. */
export const gateway = {
  name: 'gateway',
  effort: {
    quick: { rounds: 3, seconds: 4 },
    normal: { rounds: 9, seconds: 10 },
    long: { rounds: 21, seconds: 30 },
  },
  experiments: [
    {
      cases: {
        xadd: { unit: 'events/s', better: 'higher' },
        'xadd/p50': { unit: 'ms', better: 'lower' },
        'xadd/p99': { unit: 'ms', better: 'lower' },
        'xadd/loop-delay-p99': { unit: 'ms', better: 'lower' },
        'xadd/main-time': { unit: 'us/event', better: 'lower' },
        'xadd/rss': { unit: 'MiB', better: 'lower' },
        'xadd/batch-size': { unit: 'events/batch', better: 'higher' },
      },
      sides: [
        ours((effort) => withDirectory((directory) => measureOurs(directory, effort))),
        peer('plain', (effort) => withDatabase((data) => measurePlain(data, effort))),
        limit('insert-loop', (effort) => withDatabase((data) => insertLoop(data, effort))),
      ],
    },
  ],
};

async function measureOurs(directory, { seconds }) {
  const [port, http] = [await freePort(), await freePort()];
  const main = join(ROOT, 'build/examples/gateway/main.js');
  const server = new Child(
    [
      process.execPath,
      main,
      '--port',
      String(port),
      '--http',
      String(http),
      '--data',
      join(directory, 'data'),
    ],
    { env: { DATABASE_URL: '' }, output: 'ignore' },
  );
  try {
    await served(server, `http://127.0.0.1:${http}/healthz`);
    const scrape = () => metrics(`http://127.0.0.1:${http}/metrics`);
    const run = await measure(server, port, seconds, { begin: scrape, end: scrape });
    const grown = (name) => run.end.get(name) - run.begin.get(name);
    batchSize = Math.round(
      grown('gateway_batch_commands_sum') / grown('gateway_batch_commands_count'),
    );
    return {
      ...run.cases,
      'xadd/loop-delay-p99': run.end.get('gateway_event_loop_delay_p99_seconds') * 1e3,
      'xadd/main-time':
        (grown('gateway_main_thread_active_seconds') * 1e6) / grown('gateway_commands_total'),
      'xadd/batch-size': batchSize,
    };
  } finally {
    await server.stop(15_000);
  }
}

async function measurePlain(data, { seconds }) {
  const server = new Child(
    [process.execPath, join(import.meta.dirname, '../peers/plain-gateway/main.js'), data],
    { ipc: true },
  );
  try {
    const port = await server.ask('port');
    const run = await measure(server, port, seconds, {
      begin: () => server.ask('begin'),
      end: () => server.ask('end'),
    });
    return {
      ...run.cases,
      'xadd/loop-delay-p99': run.end.delay,
      'xadd/main-time': run.end.busy / (run.rate * seconds),
    };
  } finally {
    await server.stop();
  }
}

/** Loads a server, and finds every answered event in the database afterwards. */
async function measure(server, port, seconds, { begin, end }) {
  let resident = 0;
  const run = await load(['load-resp', port, CONNECTIONS, PIPELINE, seconds, WARM_UP_SECONDS], {
    begin,
    async end() {
      resident = await residentMemory(server.pid);
      return end();
    },
  });
  const stored = await streamLength(port, 'bench');
  if (stored !== run.answered) {
    throw new Error(`${run.answered} events were answered and ${stored} are stored`);
  }
  const cases = {
    xadd: run.rate,
    'xadd/p50': run.p50 / 1e3,
    'xadd/p99': run.p99 / 1e3,
    'xadd/rss': resident,
  };
  return { ...run, cases };
}

async function insertLoop(data, { seconds }) {
  const child = new Child([
    process.execPath,
    join(import.meta.dirname, '../limits/insert-loop.js'),
    ...[data, batchSize, seconds, WARM_UP_SECONDS].map(String),
  ]);
  const { rate } = await child.line();
  await child.end();
  return { xadd: rate };
}

/** Waits until commands are served: the first start makes a database. */
async function served(server, url) {
  for (let tries = 0; tries < START_SECONDS * 10; tries++) {
    const answer = await fetch(url).catch(() => null);
    if (answer?.ok) {
      return;
    }
    server.mustLive();
    await setTimeout(100);
  }
  throw new Error(`The gateway did not serve within ${START_SECONDS} s`);
}
