import { inspect } from 'node:util';
import { invalidArgument, MillraceError } from '../errors.js';
import { binding } from '../native/binding.js';
import { checkTimeout } from '../operation.js';
import { Closing } from '../park/closing.js';
import { call, environment } from '../park/environment.js';
import { Forgotten } from '../park/forgotten.js';
import { LoopHold } from '../park/loop-hold.js';
import { nativeError } from '../ring/native-error.js';

/** How a scheduler runs. */
export interface SchedulerOptions {
  /** Native threads that run native work in coroutines, 1 to 256; default 1. */
  readonly nativeWorkers?: number;
  /** Name of the threads; the kernel shows the first 15 bytes. */
  readonly name?: string;
}

/** Totals of a scheduler since it was made; `parked` is what is so now. */
export interface SchedulerStatistics {
  readonly spawned: number;
  readonly finished: number;
  /** Coroutines that another worker started than the one they were queued on. */
  readonly steals: number;
  readonly parked: number;
  /** Wakes of a sleeping worker, and those that could be spared. */
  readonly wakes: number;
  readonly elided: number;
}

/** By its number in native code. */
const forgotten = new Forgotten<number>('a scheduler was collected without close()', (number) => {
  binding.endScheduler(number);
  return true;
});

/**
 * Native threads that run native work as coroutines.
 *
 * Holds no event loop by itself; the work it runs does, see {@link Scheduler.unref}.
 */
export class Scheduler implements AsyncDisposable {
  readonly #number: number;
  readonly #hold = new LoopHold();
  /** Work that was begun and not answered. */
  #running = 0;
  #closing: Closing<void> | undefined;

  private constructor(number: number) {
    this.#number = number;
    forgotten.watch(this, number);
  }

  /**
   * Starts a scheduler. It ends by {@link close}, or with this thread.
   *
   * @throws `ERR_MILLRACE_INVALID_ARGUMENT`.
   */
  static create(options: SchedulerOptions = {}): Scheduler {
    const { nativeWorkers = 1, name = 'millrace-fiber' } = options;
    if (!Number.isInteger(nativeWorkers) || nativeWorkers < 1 || nativeWorkers > 256) {
      throw invalidArgument('nativeWorkers', nativeWorkers, 'a whole number from 1 to 256');
    }
    if (typeof name !== 'string' || name === '' || name.includes('\0')) {
      throw invalidArgument('name', name, 'some text');
    }
    try {
      return new Scheduler(binding.createScheduler(environment, nativeWorkers, name));
    } catch (cause) {
      throw nativeError(cause, 'a scheduler');
    }
  }

  /**
   * @internal Has native work done.
   *
   * @param start Begins it; gets the number that its answer must carry, and the scheduler's.
   * @param told Called with what is told before the answer; it does not throw.
   */
  async perform(
    start: (answer: number, scheduler: number) => void,
    told?: (message: string, number: number) => void,
  ): Promise<void> {
    if (this.#closing) throw closed();
    this.#running += 1;
    try {
      await call((answer) => start(answer, this.#number), undefined, this.#hold, told);
    } finally {
      this.#running -= 1;
      if (this.#closing && this.#running === 0) this.#end(this.#closing);
    }
  }

  /**
   * Totals since it was made.
   *
   * @throws `ERR_MILLRACE_CLOSED`.
   */
  stats(): SchedulerStatistics {
    if (this.#closing?.done) throw closed();
    const totals = binding.schedulerTotals(this.#number);
    const [spawned = 0, finished = 0, steals = 0, parked = 0, wakes = 0, elided = 0] = totals;
    return { spawned, finished, steals, parked, wakes, elided };
  }

  /**
   * Closes the scheduler: it takes no new work, and its threads end. Work that still runs then is cancelled where it
   * waits, and rejects with `ERR_MILLRACE_CLOSED`. Calling it again gives the same promise; the earliest timeout counts.
   *
   * @param options `timeout`: milliseconds that running work has to end by itself, as native stages do with their ring;
   *   `Infinity` for as long as it takes. Default 0.
   * @returns Rejects only with `ERR_MILLRACE_INVALID_ARGUMENT`, and the scheduler stays open then.
   */
  close(options: { readonly timeout?: number } = {}): Promise<void> {
    try {
      checkTimeout(options.timeout);
    } catch (error) {
      return Promise.reject(error);
    }
    const { timeout = 0 } = options;
    this.#closing ??= new Closing();
    const closing = this.#closing;
    forgotten.unwatch(this);
    if (timeout === 0 || this.#running === 0) this.#end(closing);
    else closing.limit(timeout, () => this.#end(closing));
    return closing.promise;
  }

  #end(closing: Closing<void>): void {
    if (closing.done) return;
    closing.finish();
    binding.endScheduler(this.#number);
  }

  /** Closes the scheduler; work that runs is cancelled. */
  async [Symbol.asyncDispose](): Promise<void> {
    await this.close();
  }

  /** Whether the work it runs keeps the event loop alive; it does unless said otherwise. */
  ref(): this {
    this.#hold.reference(true);
    return this;
  }

  /** See {@link ref}. */
  unref(): this {
    this.#hold.reference(false);
    return this;
  }

  [inspect.custom](): string {
    if (this.#closing?.done) return 'Scheduler { closed }';
    const { spawned, finished } = this.stats();
    return `Scheduler { spawned: ${spawned}, finished: ${finished} }`;
  }
}

function closed(): MillraceError {
  return new MillraceError('ERR_MILLRACE_CLOSED', 'this scheduler is closed');
}
