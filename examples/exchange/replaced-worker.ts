import { Worker } from 'node:worker_threads';

/**
 * A worker that is there until it says that its work is done, by a message: one that ends without
 * is followed by another. (Its exit code tells nothing: a worker that is terminated early has 0.)
 *
 * One that throws is not followed: its successor would be given the same events and throw again.
 */
export class ReplacedWorker {
  readonly name: string;
  /** Resolves when the work is done, rejects with what it threw. */
  readonly done: Promise<void>;
  /** How many had to follow the first. */
  replaced = 0;
  #start: () => Worker;
  #worker: Worker;
  #over = false;

  constructor(name: string, program: URL, workerData: object) {
    this.name = name;
    this.#start = () => new Worker(program, { name, workerData });
    this.#worker = this.#start();
    this.done = new Promise((resolve, reject) => this.#follow(resolve, reject));
  }

  terminate(): void {
    void this.#worker.terminate();
  }

  #follow(resolve: () => void, reject: (error: unknown) => void): void {
    const over = (settle: () => void) => {
      this.#over = true;
      settle();
    };
    this.#worker.once('message', () => over(resolve));
    this.#worker.once('error', (error) => over(() => reject(error)));
    this.#worker.once('exit', () => {
      if (this.#over) return;
      this.replaced += 1;
      this.#worker = this.#start();
      this.#follow(resolve, reject);
    });
  }
}
