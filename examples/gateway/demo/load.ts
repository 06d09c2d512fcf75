import { createHistogram, performance } from 'node:perf_hooks';
import { Redis } from 'ioredis';
import type { LoadMessage, LoadResult } from './load-protocol.js';

/**
 * The load, in a process of its own: connections that each keep a pipeline of XADD going, and then
 * one that reads everything back.
 */
const CONNECTIONS = 50;
const PIPELINE = 16;
const STREAMS = 4;
const PAGE = 5000;
const REPORT_EVERY = 200;

const [port, seconds] = process.argv.slice(2).map(Number) as [number, number];
const answered: Set<string>[] = Array.from({ length: STREAMS }, () => new Set());
const latency = createHistogram();
let errors = 0;
let events = 0;

const tell = (message: LoadMessage): Promise<void> =>
  new Promise((resolve) => process.send?.(message, () => resolve()));

async function write(redis: Redis, stream: number, until: number): Promise<void> {
  const ids = answered[stream] as Set<string>;
  while (performance.now() < until) {
    const pipeline = redis.pipeline();
    for (let i = 0; i < PIPELINE; i++)
      pipeline.xadd(`demo:${stream}`, '*', 'sensor', `s${i}`, 'at', events, 'value', 21.5);
    const sent = performance.now();
    const results = (await pipeline.exec()) ?? [];
    const microseconds = Math.max(1, Math.round((performance.now() - sent) * 1000));
    for (const [error, id] of results) {
      if (error) errors++;
      else ids.add(id as string);
      latency.record(microseconds);
    }
    events += results.length;
  }
}

/** Reads a stream in pages; gives how many answered ids are not there. */
async function countMissing(redis: Redis, stream: number): Promise<number> {
  const missing = new Set(answered[stream]);
  for (let from = '-'; ; ) {
    const page = await redis.xrange(`demo:${stream}`, from, '+', 'COUNT', PAGE);
    for (const [id] of page) missing.delete(id);
    const last = page.at(-1);
    if (page.length < PAGE || last === undefined) return missing.size;
    from = `(${last[0]}`;
  }
}

const clients = Array.from({ length: CONNECTIONS }, () => new Redis(port));
await Promise.all(clients.map((client) => client.ping()));
const started = performance.now();
const timer = setInterval(() => {
  void tell({ kind: 'progress', elapsed: performance.now() - started, events });
}, REPORT_EVERY);
const until = started + seconds * 1000;
await Promise.all(clients.map((client, i) => write(client, i % STREAMS, until)));
clearInterval(timer);
const elapsed = performance.now() - started;
await tell({ kind: 'written' });

const [reader] = clients as [Redis];
let missing = 0;
for (let stream = 0; stream < STREAMS; stream++) missing += await countMissing(reader, stream);
const result: LoadResult = {
  events,
  errors,
  missing,
  elapsed,
  answered: answered.reduce((sum, ids) => sum + ids.size, 0),
  latency: {
    p50: latency.percentile(50) / 1000,
    p99: latency.percentile(99) / 1000,
    p999: latency.percentile(99.9) / 1000,
  },
};
await tell({ kind: 'result', result });
for (const client of clients) client.disconnect();
process.disconnect?.();
