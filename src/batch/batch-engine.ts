import { AsyncResource } from 'node:async_hooks';
import { MillraceError } from '../errors.js';
import { Closing } from '../park/closing.js';
import { Forgotten } from '../park/forgotten.js';
import { Backoff } from './backoff.js';
import { RunningBatch } from './batch.js';
import { type Outcome, settleBatch, warnOfUntaken } from './batch-outcome.js';
import { BatchCounters, type BatchQueueStatistics } from './batch-statistics.js';
import type { CloseReport } from './close-report.js';
import type { BatchHandler, CheckedOptions } from './options.js';
import { CallbackSlot, GONE, type Settled, type Slot, TAKEN, WAITING } from './slot.js';
import { SlotRing } from './slot-ring.js';

const microtask = Promise.resolve();

// The engine and not its facade, which nobody needs to keep while a handler runs.
const forgotten = new Forgotten<undefined>('a batch queue was collected without close()');

/**
 * The engine behind a `BatchQueue`.
 *
 * A handler is in one of three states: *open*, started and waiting for its resource; *taken*, from
 * its first `take` on; and *ended*. At most one is open, so everything that waits has one batch to
 * join, and joining it is nothing but waiting: the bound is drawn by `take`, which gives what has
 * come by then (stack-queue's deferred bound).
 *
 * A handler is due when items wait, none is open, fewer than `concurrency` run and none has just
 * failed to take. It starts from `process.nextTick` asked for in a microtask: the tick queue gets
 * its turn when the microtask queue is empty, so whatever pushes in this turn, through any chain of
 * promises, is there before the handler starts, and no timer and no I/O stands between.
 */
export class BatchEngine<Item, Result> {
  readonly #handler: BatchHandler<Item, Result>;
  readonly #options: CheckedOptions;
  readonly #bound: number;
  readonly #context = new AsyncResource('millrace.BatchQueue');
  readonly #ring = new SlotRing<Item, Result>();
  readonly #counters = new BatchCounters();
  readonly #running = new Set<RunningBatch<Item, Result>>();
  #open: RunningBatch<Item, Result> | undefined;
  #due = false;
  readonly #backoff = new Backoff();
  readonly #idle = new Set<() => void>();
  #wantRoom: (() => void)[] = [];
  #closing: Closing<CloseReport<Item>> | undefined;

  constructor(handler: BatchHandler<Item, Result>, options: CheckedOptions) {
    this.#handler = handler;
    this.#options = options;
    // Items beyond the limit wait for room in the same ring: they are just not given out yet.
    this.#bound = Math.min(options.maxBatch, options.queueLimit);
    forgotten.watch(this, undefined);
  }

  /** Items a take would give now. */
  get available(): number {
    return Math.min(this.#ring.size, this.#bound);
  }

  get closing(): boolean {
    return this.#closing !== undefined;
  }

  /** Why an item is not accepted; counted here. */
  refusal(): MillraceError | undefined {
    const { queueLimit, onFull } = this.#options;
    const full = onFull === 'reject' && this.#ring.size >= queueLimit;
    if (!full && this.#closing === undefined) return undefined;
    this.#counters.pushed += 1;
    if (this.#closing) {
      this.#counters.rejected.closed += 1;
      return closed();
    }
    this.#counters.rejected.full += 1;
    return new MillraceError(
      'ERR_MILLRACE_FULL',
      `the batch queue is full: ${queueLimit} items wait (queueLimit); push again later, or let onFull be 'wait'`,
    );
  }

  /** Adds an item that {@link refusal} has not refused. */
  add(slot: Slot<Item, Result>): void {
    this.#counters.pushed += 1;
    this.#ring.add(slot);
    if (!this.#due) this.#schedule();
  }

  /** Counts a push whose signal was aborted before it. */
  countAborted(): void {
    this.#counters.pushed += 1;
    this.#counters.rejected.aborted += 1;
  }

  /** Takes an item back whose wait has ended without it. */
  withdraw(slot: Slot<Item, Result>, error: MillraceError): void {
    const reason = error.code === 'ERR_MILLRACE_TIMEOUT' ? 'timeout' : 'aborted';
    this.#counters.rejected[reason] += 1;
    if (slot.place === WAITING) {
      this.#ring.withdraw(slot);
      this.#tellRoom();
      this.#checkQuiet();
    } else {
      slot.place = GONE;
      this.#counters.inFlight -= 1;
    }
  }

  /**
   * Adds an item whose result goes to a function.
   *
   * @returns false when the queue is full; nothing has happened then.
   * @throws `ERR_MILLRACE_CLOSED`.
   */
  enqueue<Argument>(item: Item, settled: Settled<Result, Argument>, argument: Argument): boolean {
    if (this.#closing) throw closed();
    if (this.#ring.size >= this.#options.queueLimit) return false;
    this.add(new CallbackSlot(item, settled, argument));
    return true;
  }

  /** Calls `callback` once, when there is room or the queue was closed: never before it returns. */
  whenRoom(callback: () => void): void {
    this.#wantRoom.push(callback);
    this.#tellRoom();
  }

  take(batch: RunningBatch<Item, Result>, max: number): Item[] {
    if (batch.ended) {
      throw new MillraceError(
        'ERR_MILLRACE_CLOSED',
        'this batch has ended: its handler has settled; take before it does',
      );
    }
    batch.asked = true;
    if (this.#open === batch) this.#open = undefined;
    const count = Math.min(this.available, max);
    if (count === 0) return [];
    this.#backoff.reset();
    const items = this.#ring.take(count, batch.slots);
    this.#counters.took(count);
    this.#schedule();
    this.#tellRoom();
    return items;
  }

  /** Calls `callback` once, when nothing waits and nothing runs; returns how to forget it. */
  whenIdle(callback: () => void): () => void {
    if (this.#quiet) {
      callback();
      return () => {};
    }
    this.#idle.add(callback);
    return () => this.#idle.delete(callback);
  }

  close(timeout: number | undefined): Promise<CloseReport<Item>> {
    if (this.#closing === undefined) {
      this.#closing = new Closing();
      forgotten.unwatch(this);
      this.#tellRoom();
      this.#checkQuiet();
    }
    const closing = this.#closing;
    closing.limit(timeout, () => this.#giveUp(closing));
    return closing.promise;
  }

  /** Whether the pause after a handler that took nothing keeps the event loop alive. */
  reference(value: boolean): void {
    this.#backoff.reference(value);
  }

  statistics(): BatchQueueStatistics {
    return this.#counters.report(this.#ring.size, this.#running.size);
  }

  #schedule(): void {
    if (
      this.#due ||
      this.#open !== undefined ||
      this.#ring.size === 0 ||
      this.#running.size >= this.#options.concurrency ||
      this.#backoff.pausing
    ) {
      return;
    }
    this.#due = true;
    microtask.then(this.#whenDrained);
  }

  readonly #whenDrained = (): void => process.nextTick(this.#start);

  readonly #start = (): void => {
    this.#due = false;
    // Its items may have been withdrawn meanwhile.
    if (this.#ring.size > 0) this.#context.runInAsyncScope(this.#run, this);
  };

  #run(): void {
    const batch = new RunningBatch<Item, Result>(this);
    this.#open = batch;
    this.#running.add(batch);
    this.#counters.batches += 1;
    let returned: ReturnType<BatchHandler<Item, Result>>;
    try {
      returned = this.#handler(batch);
    } catch (error) {
      this.#end(batch, { failed: true, error });
      return;
    }
    Promise.resolve(returned).then(
      (results) => this.#end(batch, { failed: false, results }),
      (error) => this.#end(batch, { failed: true, error }),
    );
  }

  #end(batch: RunningBatch<Item, Result>, outcome: Outcome): void {
    batch.ended = true;
    this.#running.delete(batch);
    if (this.#open === batch) this.#open = undefined;
    if (batch.slots.length > 0) settleBatch(batch.slots, outcome, this.#counters);
    else if (outcome.failed || (!batch.asked && this.#ring.size > 0)) this.#pause(outcome);
    // A handler may keep its batch; that must not keep the items.
    batch.slots.length = 0;
    this.#schedule();
    this.#checkQuiet();
  }

  /** After a handler that took nothing, though it could have. */
  #pause(outcome: Outcome): void {
    if (this.#closing?.done) return;
    if (!this.#backoff.going) warnOfUntaken(outcome, this.#ring.size);
    this.#backoff.pause(() => this.#schedule());
  }

  get #quiet(): boolean {
    return this.#ring.size === 0 && this.#running.size === 0;
  }

  #checkQuiet(): void {
    if (!this.#quiet) return;
    this.#backoff.stop();
    for (const callback of this.#idle) callback();
    this.#idle.clear();
    if (this.#closing?.done === false) this.#closing.finish({ notRun: [], unfinished: [] });
  }

  #tellRoom(): void {
    if (this.#wantRoom.length === 0) return;
    if (this.#ring.size >= this.#options.queueLimit && this.#closing === undefined) return;
    const callbacks = this.#wantRoom;
    this.#wantRoom = [];
    for (const callback of callbacks) queueMicrotask(callback);
  }

  /** The time of a close is over: what waits does not run, what runs is not waited for. */
  #giveUp(closing: Closing<CloseReport<Item>>): void {
    if (closing.done) return;
    const slots: Slot<Item, Result>[] = [];
    const notRun = this.#ring.take(this.#ring.size, slots);
    this.#backoff.stop();
    const unfinished: Item[] = [];
    for (const batch of this.#running) {
      for (const slot of batch.slots) if (slot.place === TAKEN) unfinished.push(slot.item);
    }
    closing.finish({ notRun, unfinished });
    for (const slot of slots) {
      slot.place = GONE;
      this.#counters.rejected.closed += 1;
      slot.fail(closed());
    }
  }
}

function closed(): MillraceError {
  return new MillraceError(
    'ERR_MILLRACE_CLOSED',
    'the batch queue was closed before this item was taken: it did not run',
  );
}
