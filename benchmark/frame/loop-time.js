import { readFileSync } from 'node:fs';
import { performance } from 'node:perf_hooks';

/**
 * Time this thread's event loop was at work, and not waiting for something to happen; and the processor's time it had,
 * which on a machine with more threads than cores is less.
 */
export class LoopTime {
  #since = performance.eventLoopUtilization();
  #processor = processorTime();

  begin() {
    this.#since = performance.eventLoopUtilization();
    this.#processor = processorTime();
  }

  /** Microseconds of work since `begin`. */
  end() {
    return performance.eventLoopUtilization(this.#since).active * 1e3;
  }

  /** Microseconds on a processor since `begin`. */
  endProcessor() {
    return processorTime() - this.#processor;
  }
}

/** Microseconds the calling thread has had a processor. */
function processorTime() {
  return Number(readFileSync('/proc/thread-self/schedstat', 'utf8').split(' ')[0]) / 1e3;
}
