import { inspect } from 'node:util';
import { invalidArgument, MillraceError } from '../errors.js';
import { binding } from '../native/binding.js';
import { environment } from '../park/environment.js';
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

/** Native threads that run native work as coroutines. */
export class Scheduler {
  readonly #number: number;
  #open = true;

  private constructor(number: number) {
    this.#number = number;
  }

  /**
   * Starts a scheduler. It ends by {@link close}, or with this thread, whose event loop it does not hold.
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

  /** @internal */
  get native(): number {
    if (!this.#open) throw new MillraceError('ERR_MILLRACE_CLOSED', 'this scheduler is closed');
    return this.#number;
  }

  /**
   * Totals since it was made.
   *
   * @throws `ERR_MILLRACE_CLOSED`.
   */
  stats(): SchedulerStatistics {
    const totals = binding.schedulerTotals(this.native);
    const [spawned = 0, finished = 0, steals = 0, parked = 0, wakes = 0, elided = 0] = totals;
    return { spawned, finished, steals, parked, wakes, elided };
  }

  /** Ends the scheduler: what waits in it is cancelled and rejects with `ERR_MILLRACE_CLOSED`, its threads end. */
  async close(): Promise<void> {
    if (!this.#open) return;
    this.#open = false;
    binding.endScheduler(this.#number);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.close();
  }

  [inspect.custom](): string {
    if (!this.#open) return 'Scheduler { closed }';
    const { spawned, finished } = this.stats();
    return `Scheduler { spawned: ${spawned}, finished: ${finished} }`;
  }
}
