import { parentPort, workerData } from 'node:worker_threads';
import { ByteRing, Ring } from 'millrace';
import { random } from './random.js';

/** What a visitor is told. */
export interface Visit {
  readonly handle: unknown;
  readonly bytes: boolean;
  readonly seed: number;
  readonly name: string;
  /** The number of the ring's first sequence. */
  readonly first: number;
  /** `'run'`: joins once and blocks until it is terminated, or the ring ends. */
  readonly way: 'run' | 'for await' | 'poll';
  /** Grows with each event that was seen, and with each visit that was ended by itself. */
  readonly counts: Int32Array;
}

const { handle, bytes, seed, name, first, way, counts } = workerData as Visit;
const ring = bytes ? ByteRing.attach(handle as never) : Ring.attach(handle as never);
const below = random(seed);

/** Checks the events of one visit: each is whole, and the one behind the one before. */
function checker() {
  let next: number | undefined;
  return (event: object, sequence: number) => {
    const { n, check } = event as { n: number; check: number };
    if (check !== (n ^ 0x5eed) >>> 0) throw new Error(`torn event ${n}, seed ${seed}`);
    if (n !== (next ?? n)) throw new Error(`${n} in place of ${next}, seed ${seed}`);
    if (!bytes && sequence !== first + n)
      throw new Error(`${n} is said to be ${sequence}, seed ${seed}`);
    next = n + 1;
    Atomics.add(counts, 0, 1);
  };
}

type Visitor = ReturnType<Ring<{ n: 'u32'; check: 'u32' }, { read: object }>['join']>;

function join(): Visitor {
  const after = below(2) === 0 ? [] : ['read'];
  const from = below(2) === 0 ? 'now' : 'oldest';
  return ring.join(name, { after: after as never[], from, maxBatch: 1 + below(8) }) as never;
}

async function visit(): Promise<void> {
  const check = checker();
  const visitor = join();
  if (way === 'run') visitor.run(check);
  let batches = below(20);
  if (way === 'for await') {
    for await (const batch of visitor) {
      let { sequence } = batch;
      for (const event of batch) check(event, sequence++);
      if (batches-- === 0) break;
    }
  } else {
    for (; batches > 0; batches--) {
      const batch = visitor.poll();
      let sequence = batch?.sequence ?? 0;
      for (const event of batch ?? []) check(event, sequence++);
      await new Promise((resolve) => setImmediate(resolve));
    }
  }
  visitor.close();
  Atomics.add(counts, 1, 1);
}

try {
  for (;;) await visit();
} catch (error) {
  if ((error as { code?: string }).code !== 'ERR_MILLRACE_CLOSED') throw error;
}
parentPort?.postMessage('ended');
