import { Arrivals } from './arrivals.js';
import type { Database } from './database/database.js';

/** How long the commands that wait to be taken may wait for a database that is away. */
export class Patience {
  readonly #database: Database;
  readonly #timeout: number;
  readonly #arrivals = new Arrivals();
  #drainingSince = Number.POSITIVE_INFINITY;
  #over = false;
  /** Ends the wait that is going on. */
  #stopWaiting = (): void => {};

  /** @param timeout Milliseconds that a command waits. */
  constructor(database: Database, timeout: number) {
    this.#database = database;
    this.#timeout = timeout;
  }

  /** A command came at this time. */
  add(time: number): void {
    this.#arrivals.add(time);
  }

  /** The first `count` were taken. */
  remove(count: number): void {
    this.#arrivals.remove(count);
  }

  /** The time that a gateway has to drain is up: nothing waits any more. */
  get over(): boolean {
    return this.#over;
  }

  /** Waits until the database can be used; false when the first command has waited for too long. */
  async whenUsable(): Promise<boolean> {
    while (!this.#over && !this.#database.available) {
      const left = this.#oldest + this.#timeout - performance.now();
      if (left <= 0) return false;
      let timer: NodeJS.Timeout | undefined;
      const late = new Promise<void>((resolve) => {
        timer = setTimeout(resolve, left);
        this.#stopWaiting = resolve;
      });
      await Promise.race([this.#database.whenAvailable(), late]);
      clearTimeout(timer);
    }
    return !this.#over;
  }

  /** How many have waited for too long. */
  countLate(): number {
    const limit = performance.now() - this.#timeout;
    const all = this.#over || this.#drainingSince <= limit;
    return this.#arrivals.countUntil(all ? Number.POSITIVE_INFINITY : limit);
  }

  /**
   * No more commands come from clients. Those that are still in the ring, because too many wait
   * already, came before this: they have waited since now at the latest.
   *
   * @param within Milliseconds after which nothing waits any more, whatever the timeout.
   * @param over Called then.
   */
  drain(within: number, over: () => void): void {
    this.#drainingSince = performance.now();
    const end = (): void => {
      this.#over = true;
      this.#stopWaiting();
      over();
    };
    setTimeout(end, within).unref();
  }

  get #oldest(): number {
    return Math.min(this.#arrivals.oldest ?? 0, this.#drainingSince);
  }
}
