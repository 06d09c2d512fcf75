import { parentPort, workerData } from 'node:worker_threads';
import { type Handle, Ring } from 'millrace';

type Numbers = Ring<{ n: 'u32' }, { read: object }>;

/** What a worker is asked for that copies the events of a ring into another. */
export interface Copying {
  readonly from: unknown;
  readonly to: unknown;
  /** `'retry'`: blocks in a back-off behind the last event; `'look'`: tells what is flushed at each of 12 events. */
  readonly does: 'run' | 'waitSync' | 'retry' | 'look';
}

const { from, to, does } = workerData as Copying;
const target = Ring.attach(to as Handle<Numbers>);
const out = target.producer();
const read = Ring.attach(from as Handle<Numbers>).consumer('read', { maxBatch: 4 });
const copy = ({ n }: { n: number }) => {
  out.tryPublish((event) => {
    event.n = n;
  });
};
parentPort?.postMessage('ready');
// Long enough for what is sent meanwhile to be there when the loop begins to block.
if (does === 'waitSync') {
  while (!read.ended) {
    if (!read.waitSync({ timeout: 50 })) continue;
    for (const event of read.poll() ?? []) copy(event);
  }
} else if (does === 'retry') {
  read.run(
    (event) => {
      copy(event);
      if (event.n === 9) throw new Error('the last one');
    },
    { onError: 'retry', backoff: 600_000 },
  );
} else {
  const flushed: number[] = [];
  read.run((event) => {
    copy(event);
    if (does === 'look' && flushed.push(target.stats().cursor) === 12) {
      parentPort?.postMessage(flushed);
    }
  });
  parentPort?.postMessage('over');
}
