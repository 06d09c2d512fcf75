import { parentPort, workerData } from 'node:worker_threads';
import { ByteRing, Ring } from 'millrace';

/** What a worker of this kind is asked for. */
export interface Work {
  readonly handle: unknown;
  /** Its number, from 1 on. */
  readonly me: number;
  readonly way: 'run' | 'for await' | 'receive' | 'waitSync';
  readonly maxBatch: number;
  readonly bytes: boolean;
  /** The number at which its handler throws. */
  readonly failAt?: number;
}

/** An event of the rings whose stage `work` is shared. */
export interface Job {
  n: number;
  /** Who had it first, and how often it was had. */
  first: number;
  times: number;
  /** Its number, as that worker saw it. */
  at: number;
}

const { handle, me, way, maxBatch, bytes, failAt } = workerData as Work;
const ring = (bytes ? ByteRing : Ring).attach(handle as never) as Ring<
  { n: 'u32'; first: 'u32'; times: 'u32'; at: 'f64' },
  { work: { workers: number; writes: ['first', 'times', 'at'] } }
>;
const work = ring.consumer('work', { maxBatch });
let done = 0;

/** Died in between, it had the event: whoever has it next is the first then. */
function take(event: Job, sequence: number): void {
  if (event.n === failAt) throw new Error(`failed at ${failAt}`);
  if (event.times === 0) event.first = me;
  event.times += 1;
  event.at = sequence;
  done += 1;
}

parentPort?.postMessage('open');
if (way === 'run') work.run((event, sequence) => take(event as Job, sequence));
else if (way === 'for await') {
  for await (const batch of work) {
    let { sequence } = batch;
    for (const event of batch) take(event as Job, bytes ? 0 : sequence++);
  }
} else if (way === 'waitSync') {
  while (work.waitSync()) {
    const batch = work.poll();
    let sequence = batch?.sequence ?? 0;
    for (const event of batch ?? []) take(event as Job, bytes ? 0 : sequence++);
  }
  if (!work.ended) throw new Error('told the end before it came');
} else {
  for (let batch = await work.receive(); batch; batch = await work.receive()) {
    let { sequence } = batch;
    for (const event of batch) take(event as Job, bytes ? 0 : sequence++);
  }
}
parentPort?.postMessage(done);
