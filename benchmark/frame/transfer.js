import { once } from 'node:events';
import { performance } from 'node:perf_hooks';
import { Worker } from 'node:worker_threads';
import { Collections } from './collections.js';

/**
 * The second field of every event; the first one counts. Code that runs for each event has it in a constant of its own
 * module: an import V8 looks up each time.
 */
export const QUANTITY = 7;

/** The share of the events that goes by before measuring begins. */
const WARM_UP = 0.2;

/**
 * The consuming end of a measured run from workers to this thread: counts, times after the warm-up,
 * checks, and prints the result.
 */
export class Transfer {
  /** Events that each worker sends, and how many of them are warm-up. */
  #share;
  #warm;
  #measuring = false;
  /** No whole number, as what comes later: V8 gives up what it has compiled when a field becomes of another kind. */
  #began = Number.NaN;
  #counted = 0;
  #collections = new Collections();
  #workers = [];

  constructor() {
    const [total, by, producers = 1] = process.argv.slice(2).map(Number);
    this.by = by;
    this.producers = producers;
    this.#share = Math.floor(total / producers);
    this.#warm = Math.floor(this.#share * WARM_UP);
  }

  /** Events that all workers send together. */
  get total() {
    return this.#share * this.producers;
  }

  /**
   * Starts the next worker, which gets `data`, the range of its events' ids, where its warm-up ends,
   * and the size of a publication.
   */
  async start(script, data) {
    const first = this.#share * this.#workers.length;
    const range = { first, warm: first + this.#warm, end: first + this.#share };
    const worker = new Worker(script, { workerData: { ...data, ...range, by: this.by } });
    this.#workers.push(worker);
    await once(worker, 'online');
    return worker;
  }

  /** To be told, a batch at a time, how many events have come in all. */
  progress(count) {
    if (!this.#measuring && count >= this.#warm * this.producers) {
      this.#measuring = true;
      this.#counted = count;
      this.#collections.begin();
      this.#began = performance.now();
    }
  }

  /** To be called when all have come, with their wrapped sum. */
  async finish(sum) {
    const seconds = (performance.now() - this.#began) / 1e3;
    const here = await this.#collections.end();
    const there = await Promise.all(this.#workers.map(collectionsOf));
    if (sum !== expectedSum(this.total)) {
      throw new Error(`The events add up to ${sum} and not to ${expectedSum(this.total)}`);
    }
    const measured = this.total - this.#counted;
    const collections = there.reduce((all, some) => all + some, here);
    const result = { rate: measured / seconds, collections: (collections * 1e6) / measured };
    process.stdout.write(`${JSON.stringify(result)}\n`, () => process.exit(0));
  }
}

function collectionsOf(worker) {
  const told = new Promise((resolve) => {
    worker.on('message', (message) => {
      if (typeof message === 'object' && message !== null && 'collections' in message) {
        resolve(message.collections);
      }
    });
  });
  worker.postMessage('collections');
  return told;
}

/** What the fields of all events add up to, wrapped to 32 bits. */
function expectedSum(total) {
  const count = BigInt(total);
  return Number(BigInt.asIntN(32, (count * (count - 1n)) / 2n + count * BigInt(QUANTITY)));
}
