import { once } from 'node:events';
import { performance } from 'node:perf_hooks';
import { parentPort, Worker, workerData } from 'node:worker_threads';

/** Round trips before those that are counted, without a pause. */
const WARM_UP = 5_000;

const never = new Int32Array(new SharedArrayBuffer(4));

/**
 * The worker's end of round trips to the main thread and back, one event in flight: paces, takes the
 * time, and tells the main thread what it took when all have been made.
 */
export class RoundTrips {
  #count;
  #pause;
  #nanoseconds;
  #made = -WARM_UP;
  #began = 0;

  constructor() {
    ({ count: this.#count, pause: this.#pause } = workerData);
    this.#nanoseconds = new Float64Array(this.#count);
  }

  /**
   * To be called right before an event is sent, whose number it gives. Blocks for the pause before,
   * but not in the warm-up.
   */
  begin() {
    if (this.#pause > 0 && this.#made >= 0) {
      Atomics.wait(never, 0, 0, this.#pause / 1e3);
    }
    this.#began = performance.now();
    return this.#made + WARM_UP;
  }

  /** To be called when an event is back; true while there is another to be sent. */
  end(event) {
    const took = performance.now() - this.#began;
    if (event !== this.#made + WARM_UP) {
      throw new Error(`${this.#made + WARM_UP} was sent and ${event} came back`);
    }
    if (this.#made >= 0) {
      this.#nanoseconds[this.#made] = took * 1e6;
    }
    this.#made++;
    if (this.#made < this.#count) {
      return true;
    }
    parentPort.postMessage({ nanoseconds: this.#nanoseconds });
    return false;
  }
}

/** The main thread's end: starts the worker, with the number of round trips and the pause of the command line. */
export async function startAsking(script, data = {}) {
  const [count, pause] = process.argv.slice(2).map(Number);
  const worker = new Worker(script, { workerData: { ...data, count, pause } });
  worker.on('message', (message) => {
    if (typeof message === 'object' && 'nanoseconds' in message) {
      const nanoseconds = Array.from(message.nanoseconds, Math.round);
      process.stdout.write(`${JSON.stringify({ nanoseconds })}\n`, () => process.exit(0));
    }
  });
  await once(worker, 'online');
  return worker;
}
