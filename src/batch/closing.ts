/** What a queue had not done when it closed. Both are empty when it could finish. */
export interface CloseReport<Item> {
  /** Items that no handler took: they did not run, and were rejected with `ERR_MILLRACE_CLOSED`. */
  notRun: Item[];
  /**
   * Items whose handler still runs: how they end is not known yet. Their promises still settle when
   * it does.
   */
  unfinished: Item[];
}

/** A close that is going on or done: one promise, and the earliest of the timeouts asked for. */
export class Closing<Item> {
  readonly promise: Promise<CloseReport<Item>>;
  #resolve!: (report: CloseReport<Item>) => void;
  readonly #timers = new Set<NodeJS.Timeout>();
  done = false;

  constructor() {
    this.promise = new Promise((resolve) => {
      this.#resolve = resolve;
    });
  }

  /** Calls `force` in `timeout` milliseconds, unless the close is done by then. */
  limit(timeout: number | undefined, force: () => void): void {
    if (this.done || timeout === undefined || timeout === Infinity) return;
    this.#timers.add(setTimeout(force, timeout));
  }

  finish(report: CloseReport<Item>): void {
    this.done = true;
    for (const timer of this.#timers) clearTimeout(timer);
    this.#timers.clear();
    this.#resolve(report);
  }
}
