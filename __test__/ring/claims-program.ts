import { parentPort, workerData } from 'node:worker_threads';
import { Ring, type RunOptions } from 'millrace';

/** What a worker of this kind is asked for. */
export interface Asked {
  readonly handle: never;
  /** `'claim'`: commits claims, then leaves one open. `'run'`: runs stage `read`, and tells what it saw. */
  readonly does: 'claim' | 'run';
  /** Sizes of the claims that it commits, the last of which stays open, in part written. */
  readonly sizes?: readonly number[];
  readonly from?: number;
  readonly fails?: readonly number[];
  readonly run?: RunOptions;
}

const asked = workerData as Asked;
const ring = Ring.attach<{ n: 'u32' }, { read: object }>(asked.handle);

async function claim(sizes: readonly number[], from: number): Promise<void> {
  const out = ring.producer();
  let n = from;
  for (const [i, size] of sizes.entries()) {
    const claim = await out.claim(size);
    for (let at = 0; at < size; at++) claim.at(at).n = n++;
    if (i < sizes.length - 1) claim.commit();
  }
  parentPort?.postMessage('open');
  setInterval(() => out, 1000);
}

function run(fails: readonly number[], options: RunOptions = {}): void {
  const left = new Set(fails);
  const seen: [n: number, sequence: number, last: boolean][] = [];
  ring.consumer('read', { maxBatch: 64 }).run((event, sequence, last) => {
    if (left.delete(event.n)) throw new Error(`failed at ${event.n}`);
    seen.push([event.n, sequence, last]);
  }, options);
  parentPort?.postMessage(seen);
}

if (asked.does === 'run') run(asked.fails ?? [], asked.run);
else await claim(asked.sizes ?? [1], asked.from ?? 0);
