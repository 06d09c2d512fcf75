import { seeded } from './random.js';
import type { ReplacedWorker } from './replaced-worker.js';

/** Terminates a worker every now and then, to show that nothing is lost. */
export class Chaos {
  #workers: readonly ReplacedWorker[];
  #every: number;
  #random: () => number;
  #left: number;

  /** @param every Mean number of orders from one termination to the next; 0 for never. */
  constructor(workers: readonly ReplacedWorker[], every: number, seed: number) {
    this.#workers = workers;
    this.#every = every;
    this.#random = seeded(seed);
    this.#left = this.#pause();
  }

  /** Another order has come. */
  step(): void {
    if (--this.#left > 0) return;
    this.#left = this.#pause();
    this.#workers[Math.floor(this.#random() * this.#workers.length)]?.terminate();
  }

  #pause(): number {
    return this.#every === 0 ? Infinity : Math.ceil(this.#random() * this.#every * 2);
  }
}
