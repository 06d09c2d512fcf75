const FIRST_DELAY = 10;
const LONGEST_DELAY = 1000;

/**
 * The pause after a handler that ended without taking anything, which would otherwise start again
 * at once and for ever: 10 ms, doubled each time in a row, at most 1 s.
 */
export class Backoff {
  #delay = 0;
  #timer: NodeJS.Timeout | undefined;
  #referenced = true;

  /** Whether a pause is going on. */
  get pausing(): boolean {
    return this.#timer !== undefined;
  }

  /** Whether the last handler took nothing. */
  get going(): boolean {
    return this.#delay > 0;
  }

  /** Begins a pause, unless one goes on, and calls `then` after it. */
  pause(then: () => void): void {
    if (this.pausing) return;
    this.#delay = Math.min(LONGEST_DELAY, this.#delay * 2 || FIRST_DELAY);
    this.#timer = setTimeout(() => {
      this.#timer = undefined;
      then();
    }, this.#delay);
    if (!this.#referenced) this.#timer.unref();
  }

  /** Whether a pause keeps the event loop alive. */
  reference(value: boolean): void {
    this.#referenced = value;
    if (value) this.#timer?.ref();
    else this.#timer?.unref();
  }

  /** A handler took something: the next pause is a short one again. */
  reset(): void {
    this.#delay = 0;
  }

  /** Ends a pause; what was to follow it does not. */
  stop(): void {
    clearTimeout(this.#timer);
    this.#timer = undefined;
  }
}
