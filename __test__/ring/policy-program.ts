import { parentPort, workerData } from 'node:worker_threads';
import { ByteRing, Ring, type RunOptions } from 'millrace';

/** What a worker of this kind is asked for. */
export interface Failing {
  /** Numbers of events whose handler fails. */
  readonly fails: readonly number[];
  /** How often each of them fails; always unless said otherwise. */
  readonly times?: number;
  readonly maxBatch: number;
  /** What `run` is given; `skipped` is added for `'skip'`. */
  readonly run: RunOptions;
  /** The number of the event whose `skipped` callback throws. */
  readonly refuses?: number;
  /** Releases the events before a number when the handler gets that with this number. */
  readonly releases?: readonly [at: number, before: number];
  /** The number whose handler closes the consumer, before it fails if it does. */
  readonly closes?: number;
  /** The number whose handler lets go of the ring. */
  readonly detaches?: number;
  /** The number of the event whose `skipped` callback closes the consumer. */
  readonly skipCloses?: number;
  /** Handle of a ring of numbers that gets those of all events. */
  readonly copies?: unknown;
}

/** What it tells at the end. */
export interface Seen {
  /** Numbers of events, in the order that the handler got them. */
  readonly numbers: number[];
  /** Those that were said to be the last of their batch. */
  readonly lasts: number[];
  /** Sequences of events. */
  readonly sequences: number[];
  /** When the handler got them, in milliseconds. */
  readonly times: number[];
  /** Messages and sequences that `skipped` was told. */
  readonly skipped: [message: string, sequence: number][];
  /** The message of what `run` threw. */
  readonly thrown?: string;
}

/** Runs stage `read` of a ring with a handler that fails, and tells what that saw. */
const { handle, bytes, ...asked } = workerData as Failing & { handle: never; bytes: boolean };
const ring = bytes ? ByteRing.attach(handle) : Ring.attach(handle);
const release = asked.releases ? 'manual' : 'auto';
const read = ring.consumer('read' as never, { maxBatch: asked.maxBatch, release });
const copies = asked.copies ? Ring.attach(asked.copies as never).producer() : undefined;

const seen: Seen = { numbers: [], lasts: [], sequences: [], times: [], skipped: [] };
const failed = new Map<number, number>();

function handler(event: object, sequence: number, endOfBatch: boolean): void {
  const order = event as { n: number; tries: number };
  const { n } = order;
  order.tries += 1;
  seen.numbers.push(n);
  seen.sequences.push(sequence);
  seen.times.push(performance.now());
  if (endOfBatch) seen.lasts.push(n);
  copies?.tryPublish((copy: object) => Object.assign(copy, { n }), undefined);
  if (n === asked.releases?.[0]) read.release(asked.releases[1]);
  if (n === asked.closes) read.close();
  if (n === asked.detaches) ring.detach();
  const failures = failed.get(n) ?? 0;
  if (!asked.fails.includes(n) || failures === (asked.times ?? Infinity)) return;
  failed.set(n, failures + 1);
  throw new Error(`failed at ${n}`);
}

function skipped(error: unknown, sequence: number): void {
  const { message } = error as Error;
  if (message === `failed at ${asked.refuses}`) throw new Error(`refused ${asked.refuses}`);
  seen.skipped.push([message, sequence]);
  if (message === `failed at ${asked.skipCloses}`) read.close();
}

let thrown: string | undefined;
try {
  read.run(handler, asked.run.onError === 'skip' ? { ...asked.run, skipped } : asked.run);
} catch (error) {
  thrown = (error as Error).message;
}
// Another may open the stage when this is told.
ring.detach();
parentPort?.postMessage(thrown === undefined ? seen : { ...seen, thrown });
