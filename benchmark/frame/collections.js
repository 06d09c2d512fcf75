import { PerformanceObserver, performance } from 'node:perf_hooks';
import { setTimeout } from 'node:timers/promises';

/** Counts this thread's garbage collections. */
export class Collections {
  #starts = [];
  #began = 0;
  #observer = new PerformanceObserver((list) => this.#add(list.getEntries()));

  constructor() {
    this.#observer.observe({ entryTypes: ['gc'] });
  }

  begin() {
    this.#began = performance.now();
  }

  /** Collections between `begin` and this call. Entries are handed out by the event loop, later. */
  async end() {
    const ended = performance.now();
    await setTimeout(20);
    this.#add(this.#observer.takeRecords());
    this.#observer.disconnect();
    return this.#starts.filter((start) => start >= this.#began && start < ended).length;
  }

  #add(entries) {
    for (const { startTime } of entries) {
      this.#starts.push(startTime);
    }
  }
}
