/** A close that is going on or done: one promise, and the earliest of the timeouts asked for. */
export class Closing<Report> {
  readonly promise: Promise<Report>;
  #resolve!: (report: Report) => void;
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

  finish(report: Report): void {
    this.done = true;
    for (const timer of this.#timers) clearTimeout(timer);
    this.#timers.clear();
    this.#resolve(report);
  }
}
