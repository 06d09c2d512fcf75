import { parentPort, workerData } from 'node:worker_threads';
import { type ConsumerOptions, Ring } from 'millrace';
import { binding } from '#dist/native/binding.js';

/** What a worker that polls for itself is asked for. */
export interface Waiting {
  readonly timeout?: number;
  readonly options?: ConsumerOptions;
  /** Handle of a ring of numbers that gets a copy of each event, flushed by nobody but the wait. */
  readonly copies?: unknown;
  /** How many waits may end without an event until the worker gives up; as many as there are unless said. */
  readonly waits?: number;
}

/** What it tells at its end. */
export interface Waited {
  readonly numbers: number[];
  /** Waits that ended without an event, the last one not counted. */
  readonly timeouts: number;
  /** Milliseconds that the shortest of these took. */
  readonly shortest: number;
  /** How often the thread was put to sleep. */
  readonly parked: number;
  readonly ended: boolean;
  /** The code of what the wait threw. */
  readonly thrown?: string;
}

const {
  handle,
  timeout,
  options,
  copies,
  waits = Infinity,
} = workerData as Waiting & { handle: never };
const ring = Ring.attach<{ n: 'u32' }, { read: object }>(handle);
const read = ring.consumer('read', options);
const out = copies
  ? Ring.attach<{ n: 'u32' }, { read: object }>(copies as never).producer()
  : undefined;

let parked = 0;
const { park } = binding;
binding.park = (milliseconds) => {
  parked++;
  park(milliseconds);
};

const numbers: number[] = [];
const took: number[] = [];
let thrown: string | undefined;
try {
  while (took.length < waits) {
    const since = performance.now();
    if (read.waitSync({ timeout })) {
      for (const { n } of read.poll() ?? []) {
        numbers.push(n);
        out?.tryPublish((event) => {
          event.n = n;
        });
      }
    } else if (read.ended) break;
    else {
      took.push(performance.now() - since);
      parentPort?.postMessage('timeout');
    }
  }
} catch (error) {
  thrown = (error as { code?: string }).code ?? String(error);
}
const told: Waited = {
  numbers,
  timeouts: took.length,
  shortest: Math.min(Infinity, ...took),
  parked,
  ended: read.ended,
  ...(thrown !== undefined && { thrown }),
};
ring.detach();
parentPort?.postMessage(told);
