import { inspect } from 'node:util';
import type { BatchQueue } from '../batch/index.js';
import { checkFunction, invalidArgument } from '../errors.js';
import {
  type Cancel,
  checkWaitOptions,
  type Operation,
  operation,
  type Source,
  type WaitOptions,
} from '../operation.js';
import { checkMayBlock } from '../park/blocking.js';
import { TURN } from '../park/turn.js';
import { feedQueue, type IntoOptions } from './feed-queue.js';
import type { Stage } from './graph.js';
import { Held } from './held.js';
import { type Guest, leaveWhenForgotten, noLongerForgotten } from './join.js';
import type { Opened, RingMemory } from './ring-memory.js';
import { type RunOptions, runStage } from './run.js';
import { StageReader, waitedFor } from './stage-reader.js';
import { StageMeter, type StageStatistics, stageCounts } from './stage-statistics.js';
import { WorkReader } from './work-reader.js';

/** How a consumer takes events. */
export interface ConsumerOptions {
  /**
   * Most places of the ring that one batch covers: events, or 32-byte granules of records, where the batch ends with the
   * record that reaches it. Default: a quarter of the ring, so that producers go on meanwhile.
   */
  readonly maxBatch?: number;
  /**
   * `'auto'` (default) releases a batch at the next step, and all batches are one object, reused. With `'manual'` only
   * {@link StageConsumer.release} releases: each batch is an object of its own, and any number of them may be held; but a worker of a
   * shared stage gets its next when all of the last is released.
   */
  readonly release?: 'auto' | 'manual';
}

/** What a consumer's batches have in common. */
export interface StageBatch<E> extends Iterable<E> {
  /** The number of the first event. */
  readonly sequence: number;
  /** The number behind the last. */
  readonly end: number;
}

/** @internal What the base needs of a kind of batch. */
export interface StepBatch<E> extends StageBatch<E> {
  readonly passed: number;
  expire(): void;
}

/** @internal Makes the one batch of a consumer, or each of those that are released by hand. */
export type MakeBatch<B> = (reader: StageReader, held: Held) => B;

/**
 * The consumer of a stage: a Source of batches. Opened by the one thread that does this stage's
 * work; another may open it after {@link close}, or when the thread has ended, and gets what was not
 * released. Of a stage with `workers` one of those: it gets a share of the events, each of which goes to one worker, and
 * what it has not released comes to the others.
 */
export abstract class StageConsumer<E, B extends StepBatch<E>> implements Source<B> {
  /** @internal */
  protected readonly reader: StageReader;
  readonly #maxBatch: number;
  readonly #manual: boolean;
  readonly #makeBatch: MakeBatch<B>;
  /** The batch handed out last. */
  #batch: B;
  /** What each step of a `for await` gives: the batch is one object, so this is one too, and a step makes no garbage. */
  readonly #step: Promise<IteratorResult<B>>;
  #held: Held;
  /** A batch is handed out, and its step not over; released by hand, a step is over when the stage is left. */
  #handedOut = false;
  /** The sequence behind it: the reader may have gone on, over what producers gave up. */
  #end = 0;
  /** Who waited was not told yet of the batch that is theirs: another step would end it. */
  #telling = false;
  /** What the ring closes when it is detached. */
  readonly #opened: Opened;
  /** The last counts of a stage that has left, whose seat may be another's. */
  #left: StageStatistics | undefined;
  /** When the event loop came here last. */
  #turn = 0;
  readonly #meter: StageMeter;

  /** @internal */
  protected constructor(
    memory: RingMemory,
    stage: Stage | Guest,
    options: ConsumerOptions,
    makeBatch: MakeBatch<B>,
  ) {
    if (typeof options !== 'object' || options === null) {
      throw invalidArgument('options', options, 'an object with maxBatch and release');
    }
    const { maxBatch = Math.max(1, memory.capacity >> 2), release = 'auto' } = options;
    if (!Number.isInteger(maxBatch) || maxBatch < 1) {
      throw invalidArgument('maxBatch', maxBatch, 'a whole number from 1');
    }
    if (release !== 'auto' && release !== 'manual') {
      throw invalidArgument('release', release, "'auto' or 'manual'");
    }
    this.#maxBatch = maxBatch;
    this.#manual = release === 'manual';
    const shared = 'workers' in stage && stage.workers.length > 0;
    this.reader = new (shared ? WorkReader : StageReader)(memory, stage);
    this.#makeBatch = makeBatch;
    this.#held = new Held(this.reader);
    this.#batch = makeBatch(this.reader, this.#held);
    this.#step = Promise.resolve({ done: false, value: this.#batch });
    this.#meter = new StageMeter(memory, this.reader.stage);
    this.#opened = this.reader.stage.joined ? leaveWhenForgotten(memory, this.reader, this) : this;
    memory.opened(this.#opened);
  }

  /** @internal The sequence behind the event at `sequence`. */
  protected abstract behind(sequence: number): number;
  /** @internal The sequence behind at most `most` places from `reader.next` on, of which `available` are ready. */
  protected abstract endOf(available: number, most: number): number;
  /** @internal Whether an event begins at `sequence`, which was handed out or is the next. */
  protected abstract begins(sequence: number): boolean;
  /** @internal */
  protected abstract setBatch(batch: B, first: number, end: number): B;

  /** Name of the stage. */
  get stage(): string {
    return this.reader.stage.name;
  }

  /**
   * The batch that is ready now; undefined when nothing is, or nothing more will come ({@link ended}). Ends the step
   * before: its batch is released, unless that is done by hand. Does not flush what this thread publishes.
   *
   * @param max Most places, from 1; default `maxBatch`.
   * @throws `ERR_MILLRACE_CLOSED` when this consumer was closed; `ERR_MILLRACE_INVALID_ARGUMENT`.
   */
  poll(max: number = this.#maxBatch): B | undefined {
    if (!Number.isInteger(max) || max < 1)
      throw invalidArgument('max', max, 'a whole number from 1');
    this.#finishStep();
    return this.#take(max);
  }

  #finishStep(): void {
    if (!this.#handedOut || this.#manual) return;
    this.#handedOut = false;
    this.#batch.expire();
    this.reader.release(this.reader.next);
  }

  #take(max: number): B | undefined {
    const { reader } = this;
    reader.checkOpen();
    const available = reader.take(max);
    if (available <= 0) return undefined;
    const first = reader.next;
    const end = this.endOf(available, max);
    reader.next = end;
    this.#end = end;
    this.#handedOut = true;
    if (this.#manual) this.#batch = this.#makeBatch(reader, this.#held);
    return this.setBatch(this.#batch, first, end);
  }

  /**
   * Waits for a batch; undefined when the ring is closed and everything was consumed. Ends the step before. One wait at
   * a time.
   *
   * @throws Rejects with `ERR_MILLRACE_TIMEOUT` or `ERR_MILLRACE_ABORTED`: then nothing was taken;
   *   `ERR_MILLRACE_CONSUMER_FAILED` when another stage stopped the ring before this one had got everything;
   *   `ERR_MILLRACE_CLOSED`; `ERR_MILLRACE_INVALID_ARGUMENT` while somebody waits already, or when the ring's `wait` is
   *   `'yield'` or `'spin'`.
   */
  receive(options?: WaitOptions): Operation<B | undefined> {
    return operation(
      options,
      (resolve, reject) => {
        if (this.#telling) throw waitedFor();
        this.#finishStep();
        // The batch is taken where the wait is settled: one that ended otherwise has taken nothing.
        const take = () => {
          try {
            const batch = this.#take(this.#maxBatch);
            if (!batch && !this.reader.ended) return wait();
            if (!batch) this.reader.checkWhole();
            resolve(batch && this.#hand(batch));
          } catch (error) {
            reject(error);
          }
        };
        let cancel: Cancel | undefined;
        // Begun again where another worker of the stage was faster.
        const wait = () => {
          let atOnce = true;
          const awaited = this.reader.await(() => {
            if (!atOnce) this.#turn = performance.now();
            take();
          });
          atOnce = false;
          cancel = awaited ?? cancel;
        };
        wait();
        return (error) => cancel?.(error);
      },
      `events of stage '${this.stage}'`,
    );
  }

  /** A batch for who waits; told a turn later when this thread's timers and sockets have waited for long. */
  #hand(batch: B): B | Promise<B> {
    this.#telling = true;
    const told = () => {
      this.#telling = false;
      return batch;
    };
    if (performance.now() - this.#turn >= TURN) return this.#breathe().then(told);
    queueMicrotask(told);
    return batch;
  }

  /**
   * Blocks this worker thread until there is something to {@link poll}: for loops of a worker's own, as `run` is for
   * those that need none. Waits as the ring's `wait` says, flushes first what this thread has staged, and ends the step
   * before. `worker.terminate()` ends it within some 200 ms.
   *
   * There is no signal: a thread that blocks does not see one.
   *
   * @param options `timeout` in milliseconds, 0 to 2147483647 or `Infinity` (default); 0 looks and does not block.
   * @returns false when the time was up, or nothing more will come: then {@link ended} is true, as it is already when
   *   the last batch is in hand, which the next wait releases.
   * @throws `ERR_MILLRACE_WOULD_BLOCK` on the main thread; `ERR_MILLRACE_CONSUMER_FAILED` when another stage stopped the
   *   ring before this one had got everything; `ERR_MILLRACE_CLOSED`; `ERR_MILLRACE_INVALID_ARGUMENT`, also while
   *   somebody waits for a batch.
   */
  waitSync(options: Pick<WaitOptions, 'timeout'> = {}): boolean {
    checkWaitOptions(options);
    const { timeout = Infinity, signal } = options as WaitOptions;
    if (signal !== undefined) {
      throw invalidArgument('signal', signal, 'left out: a thread that blocks does not see it');
    }
    const { reader } = this;
    reader.checkOpen();
    checkMayBlock(`waitSync() of stage '${this.stage}'`);
    if (this.#telling) throw waitedFor();
    this.#finishStep();
    if (reader.soon()) return true;
    const until = performance.now() + timeout;
    let found = false;
    reader.whileBlocking(() => {
      // Again where another worker of the stage was faster.
      while (!found && reader.block(until) && !reader.ended) found = reader.available() > 0;
    });
    if (found) return true;
    if (reader.ended) reader.checkWhole();
    return false;
  }

  /**
   * Batches as they come, until the ring is closed and everything was consumed; timers and sockets have a turn every 5 ms.
   * Leaving the loop releases what was passed, not the event in hand: that and the rest come again. Throws as
   * {@link receive} rejects.
   */
  [Symbol.asyncIterator](): AsyncIterator<B> {
    return {
      next: () => this.#next(),
      return: async () => {
        this.#leave();
        return { done: true, value: undefined };
      },
    };
  }

  #next(): Promise<IteratorResult<B>> {
    this.#finishStep();
    if (this.reader.soon() && performance.now() - this.#turn < TURN) {
      const batch = this.#take(this.#maxBatch);
      if (batch) return this.#stepOf(batch);
    }
    return this.#nextTurn();
  }

  #stepOf(batch: B): Promise<IteratorResult<B>> {
    return this.#manual ? Promise.resolve({ done: false, value: batch }) : this.#step;
  }

  async #nextTurn(): Promise<IteratorResult<B>> {
    do {
      // What is there without a sleep came while this thread was at it: its event loop may be owed a turn.
      if (await this.reader.ready()) this.#turn = performance.now();
      else await this.#breathe();
      const batch = this.#take(this.#maxBatch);
      if (batch) return this.#stepOf(batch);
      // Another worker of the stage may have been faster.
    } while (!this.reader.ended);
    this.reader.checkWhole();
    return { done: true, value: undefined };
  }

  /** Leaving a `for await` releases what was passed, if that is not done by hand; the rest comes again. */
  #leave(): void {
    if (!this.#handedOut) return;
    this.#releasePassed();
    this.reader.handBack();
  }

  #releasePassed(): void {
    if (!this.#handedOut) return;
    this.#handedOut = false;
    if (!this.#manual) this.reader.release(this.#batch.passed);
    this.#expire();
  }

  /** What was handed out is used no more. */
  #expire(): void {
    if (!this.#manual) {
      this.#batch.expire();
      return;
    }
    this.#held.end();
    this.#held = new Held(this.reader);
  }

  /**
   * Consumes on this worker thread until the ring is closed and everything was consumed: blocks it, and costs the
   * least of all ways to consume.
   *
   * What this thread publishes meanwhile is flushed after each batch.
   *
   * @param handler Gets each event, its number, and whether it is the last of its batch.
   * @param options What happens when it throws; unless said otherwise the ring stops.
   * @throws `ERR_MILLRACE_WOULD_BLOCK` on the main thread; `ERR_MILLRACE_INVALID_ARGUMENT`; what `handler` throws,
   *   after the ring was stopped; `ERR_MILLRACE_CONSUMER_FAILED` when another stage stopped the ring before this one
   *   had got everything.
   */
  run(
    handler: (event: E, sequence: number, endOfBatch: boolean) => void,
    options: RunOptions = {},
  ): void {
    checkFunction('handler', handler);
    const source = {
      reader: this.reader,
      poll: () => this.poll(),
      handle: (batch: B) => this.handleBatch(batch, handler),
      goOn: (batch: B, sequence: number) => {
        const end = this.#end;
        this.setBatch(batch, ((sequence - end) | 0) < 0 ? sequence : end, end);
      },
      behind: (sequence: number) => this.behind(sequence),
      releasePassed: () => this.#releasePassed(),
    };
    runStage(source, options);
  }

  /** @internal */
  protected abstract handleBatch(
    batch: B,
    handler: (event: E, sequence: number, endOfBatch: boolean) => void,
  ): void;

  /**
   * Releases every event before the one with this number: stages behind may have them, producers may overwrite them,
   * and they must not be used any more. `batch.end` releases a whole batch, a number within it a part; numbers go up,
   * so a batch that is done before an older one waits for that.
   *
   * With `release: 'auto'` it gives events back before the next step does.
   *
   * @param sequence From what was released last to what was handed out last; of a byte ring one where a record begins,
   *   or `batch.end`.
   * @throws `ERR_MILLRACE_INVALID_ARGUMENT` for another number, also for one that was handed out before the stage was
   *   left: that comes again; `ERR_MILLRACE_CLOSED`.
   */
  release(sequence: number): void {
    const { reader } = this;
    reader.checkOpen();
    const from = reader.exact(reader.released);
    const to = reader.exact(reader.next);
    if (!Number.isInteger(sequence) || sequence < from || sequence > to) {
      throw invalidArgument('sequence', sequence, `a number from ${from} to ${to}`);
    }
    const wrapped = (reader.released + (sequence - from)) | 0;
    if (!this.begins(wrapped)) {
      throw invalidArgument(
        'sequence',
        sequence,
        "a number where a record begins, or a batch's end",
      );
    }
    reader.release(wrapped);
  }

  /**
   * Feeds a queue with this stage's events, in order, until the ring is closed and everything was consumed. An
   * event is released once it and all before it have settled; the queue's limit holds this stage, and with it the
   * producers, back. Ends the step before; with `release: 'manual'` what was handed out and not released comes again,
   * here. A worker of a shared stage feeds one batch at a time, and the next when all of it has settled.
   *
   * @returns A promise that resolves at the end of the ring. It rejects with what `map` throws, with the error of an
   *   item that failed when nobody is told of it, and with `ERR_MILLRACE_CONSUMER_FAILED` and
   *   `ERR_MILLRACE_INVALID_ARGUMENT`.
   */
  async into<Item, Result>(
    queue: BatchQueue<Item, Result>,
    options: IntoOptions<E, Item>,
  ): Promise<void> {
    const source = {
      reader: this.reader,
      take: () => {
        const batch = this.#take(this.#maxBatch);
        // Released by what settles, not by the next step or by close().
        this.#handedOut = false;
        return batch;
      },
      breathe: () => this.#breathe(),
      expire: () => this.#expire(),
    };
    checkFunction('map', options?.map);
    this.#finishStep();
    this.#leave();
    return feedQueue(source, queue, options);
  }

  /** A full ring must not keep timers and sockets of this thread waiting. */
  async #breathe(): Promise<void> {
    if (performance.now() - this.#turn < TURN) return;
    await new Promise((resolve) => setImmediate(resolve));
    this.#turn = performance.now();
  }

  /** @internal Has `callback` called once when there is something to poll, or nothing more will come; true when it is so. */
  arm(callback: () => void): boolean {
    return this.reader.arm(callback);
  }

  /** True when the ring is closed, or failed, and nothing more will come; also when this consumer was closed. */
  get ended(): boolean {
    return this.reader.ended;
  }

  /** Whether waiting for events keeps the event loop alive; it does unless said otherwise. */
  ref(): this {
    this.reader.reference(true);
    return this;
  }

  /** See {@link ref}. */
  unref(): this {
    this.reader.reference(false);
    return this;
  }

  /**
   * Releases what was passed, unless that is done by hand, and lets another open this stage, where what was not released
   * comes again, or to the other workers of a shared one. A stage that has joined leaves: it holds nobody back any more.
   */
  close(): void {
    if (!this.reader.open) return;
    this.#leave();
    if (this.reader.stage.joined) {
      this.#left = this.stats();
      noLongerForgotten(this);
    }
    this.reader.close();
    this.reader.memory.closed(this.#opened);
  }

  [Symbol.dispose](): void {
    this.close();
  }

  /**
   * Counts since the ring was made, or since the stage joined, and the throughput since the last call; of a stage that
   * has left, as they were then.
   */
  stats(): StageStatistics {
    return this.#left ?? this.#meter.read();
  }

  [inspect.custom](): string {
    const { lag, sequence } = stageCounts(this.reader.memory, this.reader.stage);
    return `${this.constructor.name} { stage: '${this.stage}', sequence: ${sequence}, lag: ${lag} }`;
  }
}
