import { inspect } from 'node:util';
import { invalidArgument, MillraceError } from '../errors.js';

/** What claims of both kinds of rings have in common: they are open until they are committed or aborted. */
export abstract class OpenClaim {
  /** Number of slots, or of payload bytes. */
  readonly length: number;
  /** @internal What {@link length} counts. */
  abstract readonly unit: string;
  readonly #end: (used: number | undefined) => void;
  #open = true;

  /**
   * @internal
   * @param end Publishes so much of the claim and gives the rest up; all of it when that is undefined.
   */
  protected constructor(length: number, end: (used: number | undefined) => void) {
    this.length = length;
    this.#end = end;
  }

  /**
   * Publishes at once what is used: the first `used` slots, or a record of the first `used` payload bytes.
   *
   * @param used From 0 to `length`, which is the default.
   * @throws `ERR_MILLRACE_INVALID_ARGUMENT`: nothing happened; `ERR_MILLRACE_STALE` when the claim has ended. A ring
   *   that was closed after the claim still takes it; on one that a consumer failed it is counted as lost.
   */
  commit(used: number = this.length): void {
    this.checkOpen();
    if (!Number.isInteger(used) || used < 0 || used > this.length) {
      throw invalidArgument('used', used, `a whole number from 0 to ${this.length}`);
    }
    this.expire();
    this.#end(used);
  }

  /** Gives all of it up. Nothing when the claim has ended. */
  abort(): void {
    if (!this.#open) return;
    this.expire();
    this.#end(undefined);
  }

  [Symbol.dispose](): void {
    this.abort();
  }

  /** @internal Its slots are not ours any more; with `MILLRACE_CHECK=1` a late use of a view of them throws. */
  expire(): void {
    this.#open = false;
  }

  /** @internal */
  protected checkOpen(): void {
    if (this.#open) return;
    throw new MillraceError(
      'ERR_MILLRACE_STALE',
      'this claim was committed or aborted, or its producer closed; claim again',
    );
  }

  [inspect.custom](): string {
    return `${this.constructor.name} { length: ${this.length}, open: ${this.#open} }`;
  }
}
