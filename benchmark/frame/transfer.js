import { once } from 'node:events';
import { performance } from 'node:perf_hooks';
import { Worker } from 'node:worker_threads';
import { Collections } from './collections.js';

/** The second field of every event; the first one counts. */
export const QUANTITY = 7;

/** The share of the events that goes by before measuring begins. */
const WARM_UP = 0.2;

/**
 * The consuming end of a measured run from a worker to this thread: counts, times after the warm-up,
 * checks, and prints the result.
 */
export class Transfer {
  #total;
  #warm;
  #began = 0;
  #counted = 0;
  #collections = new Collections();

  constructor() {
    this.#total = Number(process.argv[2]);
    this.by = Number(process.argv[3]);
    this.#warm = Math.floor(this.#total * WARM_UP);
  }

  get total() {
    return this.#total;
  }

  /** Starts the other end, which gets `data`, the total and the size of a publication. */
  async start(script, data, transferList = []) {
    const workerData = { ...data, total: this.#total, by: this.by, warm: this.#warm };
    this.worker = new Worker(script, { workerData, transferList });
    await once(this.worker, 'online');
    return this.worker;
  }

  /** To be told, a batch at a time, how many events have come in all. */
  progress(count) {
    if (this.#began === 0 && count >= this.#warm) {
      this.#counted = count;
      this.#collections.begin();
      this.#began = performance.now();
    }
  }

  /** To be called when all have come, with their wrapped sum. */
  async finish(sum) {
    const seconds = (performance.now() - this.#began) / 1e3;
    const here = await this.#collections.end();
    const there = await this.#collectionsOfWorker();
    if (sum !== expectedSum(this.#total)) {
      throw new Error(`The events add up to ${sum} and not to ${expectedSum(this.#total)}`);
    }
    const measured = this.#total - this.#counted;
    const result = { rate: measured / seconds, collections: ((here + there) * 1e6) / measured };
    process.stdout.write(`${JSON.stringify(result)}\n`, () => process.exit(0));
  }

  #collectionsOfWorker() {
    const told = new Promise((resolve) => {
      this.worker.on('message', (message) => {
        if (typeof message === 'object' && message !== null && 'collections' in message) {
          resolve(message.collections);
        }
      });
    });
    this.worker.postMessage('collections');
    return told;
  }
}

/** What the fields of all events add up to, wrapped to 32 bits. */
function expectedSum(total) {
  const count = BigInt(total);
  return Number(BigInt.asIntN(32, (count * (count - 1n)) / 2n + count * BigInt(QUANTITY)));
}
