import { writeSync } from 'node:fs';
import { workerData } from 'node:worker_threads';
import { again } from './again.js';
import { SEED, TURN } from './watch.js';

/** What the thread that watches is asked for. */
export interface Watched {
  readonly words: Int32Array;
  readonly file: string;
}

/** Milliseconds that a round takes at most on a machine under load. */
const LONG = 20_000;

const { words, file } = workerData as Watched;
for (;;) {
  const turn = Atomics.load(words, TURN);
  if (Atomics.wait(words, TURN, turn, LONG) !== 'timed-out' || turn === 0) continue;
  const seed = Atomics.load(words, SEED) >>> 0;
  // Past the streams of this process, which are the main thread's.
  writeSync(2, `seed ${seed} takes more than ${LONG / 1000} s; ${again(seed, file)}\n`);
  Atomics.wait(words, TURN, turn);
}
