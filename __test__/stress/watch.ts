import { Worker } from 'node:worker_threads';
import type { Watched } from './watch-program.js';

/** Words of what the two threads share. */
export const TURN = 0;
export const SEED = 1;

/**
 * Tells on stderr of a seed that takes long, from a thread of its own: what hangs may be the event loop of this one, and
 * then nobody else would ever name it.
 */
export class Watch {
  readonly #words = new Int32Array(new SharedArrayBuffer(8));
  readonly #thread: Worker;

  /** @param file The test whose seeds these are. */
  constructor(file: string) {
    const workerData: Watched = { words: this.#words, file };
    this.#thread = new Worker(new URL('./watch-program.js', import.meta.url), { workerData });
  }

  /** A seed begins, and the one before is over. */
  begin(seed: number): void {
    Atomics.store(this.#words, SEED, seed);
    Atomics.add(this.#words, TURN, 1);
    Atomics.notify(this.#words, TURN);
  }

  async close(): Promise<void> {
    await this.#thread.terminate();
  }
}
