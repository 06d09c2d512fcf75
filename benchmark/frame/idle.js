import { once } from 'node:events';
import { parentPort, Worker } from 'node:worker_threads';

/** How many wait, each on a thread of its own. */
export const CONSUMERS = 5;

/** What each sees before it is left alone, so that it waits as it would in the middle of its work. */
export const EVENTS = 1_000;

/** Counts what a consumer sees, and tells the main thread of the last. */
export class Seeing {
  #seen = 0;

  one() {
    this.#seen++;
    if (this.#seen === EVENTS) {
      parentPort.postMessage('seen');
    }
  }
}

/**
 * Starts a worker a consumer, prints a line when each has seen its events, and leaves them alone.
 * @param {(at: number) => object} dataOf what the worker with this number gets
 * @returns {Promise<Worker[]>} when all run
 */
export async function startIdle(script, dataOf) {
  const workers = Array.from({ length: CONSUMERS }, (_, at) => {
    return new Worker(script, { workerData: dataOf(at) });
  });
  const seen = workers.map((worker) => once(worker, 'message'));
  Promise.all(seen).then(() => process.stdout.write('{"waiting":true}\n'));
  await Promise.all(workers.map((worker) => once(worker, 'online')));
  return workers;
}
