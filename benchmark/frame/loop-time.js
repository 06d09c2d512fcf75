import { performance } from 'node:perf_hooks';

/**
 * Time this thread's event loop was at work, and not waiting for something to happen.
 */
export class LoopTime {
  #since = performance.eventLoopUtilization();

  begin() {
    this.#since = performance.eventLoopUtilization();
  }

  /** Microseconds of work since `begin`. */
  end() {
    return performance.eventLoopUtilization(this.#since).active * 1e3;
  }
}
