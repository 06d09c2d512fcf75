import { inspect } from 'node:util';
import type { BatchQueue } from '../batch/index.js';
import { checkFunction, invalidArgument } from '../errors.js';
import {
  checkMayStart,
  checkWaitOptions,
  type Operation,
  type Source,
  type WaitOptions,
} from '../operation.js';
import { checkMayBlock } from '../park/blocking.js';
import type { BatchKind, StepBatch } from './batch-kind.js';
import { BatchWaits, type Loop } from './batch-waits.js';
import { type ConsumerOptions, checkConsumerOptions } from './consumer-options.js';
import { feedQueue, type IntoOptions } from './feed-queue.js';
import type { Stage } from './graph.js';
import { InHand } from './in-hand.js';
import type { Guest } from './join.js';
import type { RingMemory } from './ring-memory.js';
import { runStage } from './run.js';
import type { RunOptions } from './run-options.js';
import { StageReader } from './stage-reader.js';
import { StageMeter, type StageStatistics, stageCounts } from './stage-statistics.js';

/**
 * The consumer of a stage: a Source of batches. Opened by the one thread that does this stage's
 * work; another may open it after {@link close}, or when the thread has ended, and gets what was not
 * released. Of a stage with `workers` one of those: it gets a share of the events, each of which goes to one worker, and
 * what it has not released comes to the others.
 */
export abstract class StageConsumer<E, B extends StepBatch<E>> implements Source<B> {
  readonly #reader: StageReader;
  readonly #hand: InHand<E, B>;
  readonly #waits: BatchWaits<E, B>;
  /** The last counts of a stage that has left, whose seat may be another's. */
  #left: StageStatistics | undefined;
  readonly #meter: StageMeter;

  /** @internal */
  protected constructor(
    memory: RingMemory,
    stage: Stage | Guest,
    options: ConsumerOptions,
    kind: BatchKind<E, B>,
  ) {
    const { maxBatch, manual } = checkConsumerOptions(options, memory.capacity);
    this.#reader = new StageReader(memory, stage);
    this.#hand = new InHand(this, this.#reader, kind, maxBatch, manual);
    this.#waits = new BatchWaits(this.#hand);
    this.#meter = new StageMeter(memory, this.#reader.stage);
    memory.opened.add('consumer', this, this.#reader);
  }

  /** Name of the stage. */
  get stage(): string {
    return this.#reader.stage.name;
  }

  /**
   * The batch that is ready now; undefined when nothing is, or nothing more will come ({@link ended}). Ends the step
   * before: its batch is released, unless that is done by hand. Does not flush what this thread publishes.
   *
   * @param max Most places, from 1; default `maxBatch`.
   * @throws `ERR_MILLRACE_CLOSED` when this consumer was closed; `ERR_MILLRACE_INVALID_ARGUMENT`, also while somebody
   *   waits for a batch.
   */
  poll(max: number = this.#hand.maxBatch): B | undefined {
    if (!Number.isInteger(max) || max < 1)
      throw invalidArgument('max', max, 'a whole number from 1');
    this.#waits.checkFree();
    this.#hand.finishStep();
    return this.#hand.take(max);
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
    return this.#waits.receive(options);
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
    const reader = this.#reader;
    reader.checkOpen();
    checkMayBlock(`waitSync() of stage '${this.stage}'`);
    this.#waits.checkFree();
    this.#hand.finishStep();
    if (reader.soon()) return true;
    const until = performance.now() + timeout;
    let found = false;
    reader.whileBlocking(() => {
      // Again where another worker of the stage was faster.
      while (!found && reader.block(until) && !reader.ended) found = reader.place.available() > 0;
    });
    if (found) return true;
    if (reader.ended) reader.checkWhole();
    return false;
  }

  /**
   * Batches as they come, until the ring is closed and everything was consumed; timers and sockets have a turn every 5 ms.
   * Leaving the loop releases what was passed, not the event in hand: that and the rest come again; a step that is waited
   * for ends and takes nothing. Throws as {@link receive} rejects, and with `ERR_MILLRACE_INVALID_ARGUMENT` beside somebody who waits for a batch.
   */
  [Symbol.asyncIterator](): AsyncIterator<B> {
    const loop: Loop = { left: false, step: undefined };
    return { next: () => this.#waits.next(loop), return: () => this.#waits.leave(loop) };
  }

  /**
   * Consumes on this worker thread until the ring is closed and everything was consumed: blocks it, and costs the
   * least of all ways to consume.
   *
   * What this thread publishes meanwhile is flushed after each batch.
   *
   * @param handler Gets each event, its number, and whether it is the last of its batch. It is not awaited: events are
   *   released when it returns. Nothing else may take from the consumer meanwhile, but it may release, and it may close
   *   or detach: then `run` returns when it does, and the event in hand and those behind it come again.
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
    this.#waits.begin();
    try {
      runStage(this.#hand, handler, options);
    } finally {
      this.#waits.end();
    }
  }

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
    this.#hand.release(sequence);
  }

  /**
   * Feeds a queue with this stage's events, in order, until the ring is closed and everything was consumed. An
   * event is released once it and all before it have settled; the queue's limit holds this stage, and with it the
   * producers, back. Ends the step before; with `release: 'manual'` what was handed out and not released comes again,
   * here. A worker of a shared stage feeds one batch at a time, and the next when all of it has settled.
   *
   * @returns A promise that resolves at the end of the ring. It rejects with what `map` throws, with the error of an
   *   item that failed when nobody is told of it, and with `ERR_MILLRACE_ABORTED`, `ERR_MILLRACE_CLOSED`,
   *   `ERR_MILLRACE_CONSUMER_FAILED` and `ERR_MILLRACE_INVALID_ARGUMENT`; always when what was given to the queue has
   *   settled.
   */
  async into<Item, Result>(
    queue: BatchQueue<Item, Result>,
    options: IntoOptions<E, Item>,
  ): Promise<void> {
    checkFunction('map', options?.map);
    checkMayStart({ signal: options.signal }, `events of stage '${this.stage}'`);
    this.#waits.begin();
    try {
      this.#hand.finishStep();
      this.#hand.leave();
      await feedQueue(this.#hand, () => this.#waits.breathe(), queue, options);
    } finally {
      this.#waits.end();
    }
  }

  /** @internal Has `callback` called once when there is something to poll, or nothing more will come; true when it is so. */
  arm(callback: () => void): boolean {
    return this.#reader.arm(callback);
  }

  /** True when the ring is closed, or failed, and nothing more will come; also when this consumer was closed. */
  get ended(): boolean {
    return this.#reader.ended;
  }

  /** Whether waiting for events keeps the event loop alive; it does unless said otherwise. */
  ref(): this {
    this.#reader.reference(true);
    return this;
  }

  /** See {@link ref}. */
  unref(): this {
    this.#reader.reference(false);
    return this;
  }

  /**
   * Releases what was passed, unless that is done by hand, and lets another open this stage, where what was not released
   * comes again, or to the other workers of a shared one. A stage that has joined leaves: it holds nobody back any more.
   */
  close(): void {
    if (!this.#reader.open) return;
    this.#hand.leave();
    if (this.#reader.stage.joined) this.#left = this.stats();
    this.#reader.close();
    this.#reader.memory.opened.delete(this);
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
    const { lag, sequence } = this.#left ?? stageCounts(this.#reader.memory, this.#reader.stage);
    return `${this.constructor.name} { stage: '${this.stage}', sequence: ${sequence}, lag: ${lag} }`;
  }
}
