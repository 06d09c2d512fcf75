import { type Operation, operation, type WaitOptions } from '../operation.js';
import { TURN } from '../park/turn.js';
import type { StepBatch } from './batch-kind.js';
import type { InHand } from './in-hand.js';
import { type StageReader, waitedFor } from './stage-reader.js';

/** @internal One `for await`. */
export interface Loop {
  /** It is over, and takes nothing more. */
  left: boolean;
  /** Its step that is waited for. */
  step: Promise<unknown> | undefined;
}

/** @internal How a consumer's batches are waited for on the event loop: one by one, or in a `for await`. */
export class BatchWaits<E, B extends StepBatch<E>> {
  readonly #hand: InHand<E, B>;
  readonly #reader: StageReader;
  /** Somebody waits or was not told yet of the batch that is theirs, or has one in `run`: another step would end it. */
  #waiting = false;
  readonly #told = (): void => {
    this.#waiting = false;
  };
  /** When the event loop came here last. */
  #turn = 0;

  constructor(hand: InHand<E, B>) {
    this.#hand = hand;
    this.#reader = hand.reader;
  }

  /** Throws while somebody waits for a batch, or a run or a feed is at work. */
  checkFree(): void {
    if (this.#waiting) throw waitedFor();
  }

  /** Has a run or a feed begin, beside which nobody else may take batches. */
  begin(): void {
    this.checkFree();
    this.#waiting = true;
  }

  /** It is over. */
  end(): void {
    this.#waiting = false;
  }

  /** See {@link StageConsumer.receive}. */
  receive(options: WaitOptions | undefined): Operation<B | undefined> {
    const reader = this.#reader;
    return operation(
      options,
      (resolve, reject) => {
        this.checkFree();
        reader.checkMayWait();
        this.#hand.finishStep();
        // The batch is taken where the wait is settled: one that ended otherwise has taken nothing.
        const take = () => {
          try {
            const batch = this.#hand.take();
            if (!batch && !reader.ended) return wait();
            if (!batch) reader.checkWhole();
            resolve(batch && this.#tell(batch));
          } catch (error) {
            reject(error);
          }
        };
        let asleep: ReturnType<StageReader['await']>;
        // Begun again where another worker of the stage was faster.
        const wait = () => {
          asleep = undefined;
          const awaited = reader.await(() => {
            if (asleep) this.#woken();
            take();
          });
          if (!awaited) return;
          asleep = awaited;
          this.#waiting = true;
        };
        wait();
        return (error) => {
          this.#waiting = false;
          asleep?.(error);
        };
      },
      `events of stage '${reader.stage.name}'`,
    );
  }

  #woken(): void {
    this.#waiting = false;
    this.#turn = performance.now();
  }

  /** A batch for who waits; told a turn later when this thread's timers and sockets have waited for long. */
  #tell(batch: B): B | Promise<B> {
    this.#waiting = true;
    if (this.#turnIsOver) {
      return this.breathe().then(() => {
        this.#told();
        return batch;
      });
    }
    queueMicrotask(this.#told);
    return batch;
  }

  /** The next step of a `for await`. Refused while another is waited for, which it would end. */
  next(loop: Loop): Promise<IteratorResult<B>> {
    if (loop.left) return Promise.resolve({ done: true, value: undefined });
    if (this.#waiting) return Promise.reject(waitedFor());
    try {
      return this.#next(loop);
    } catch (error) {
      return Promise.reject(error);
    }
  }

  #next(loop: Loop): Promise<IteratorResult<B>> {
    this.#reader.checkMayWait();
    this.#hand.finishStep();
    if (this.#reader.soon() && !this.#turnIsOver) {
      const batch = this.#hand.take();
      if (batch) {
        const step = this.#hand.step(batch);
        // Theirs from here on, and told in a microtask: a step that is begun before would end it.
        this.#waiting = true;
        step.then(this.#told);
        return step;
      }
    }
    this.#waiting = true;
    const step = this.#nextTurn(loop);
    loop.step = step;
    return step;
  }

  async #nextTurn(loop: Loop): Promise<IteratorResult<B>> {
    const reader = this.#reader;
    try {
      do {
        // What is there without a sleep came while this thread was at it: its event loop may be owed a turn.
        if (await reader.ready()) this.#turn = performance.now();
        else await this.breathe();
        if (loop.left) return { done: true, value: undefined };
        const batch = this.#hand.take();
        if (batch) return this.#hand.result(batch);
        // Another worker of the stage may have been faster.
      } while (!reader.ended);
    } finally {
      this.#waiting = false;
      loop.step = undefined;
    }
    reader.checkWhole();
    return { done: true, value: undefined };
  }

  /** Leaves a `for await`: a step that is waited for ends, and takes nothing. */
  async leave(loop: Loop): Promise<IteratorResult<B>> {
    loop.left = true;
    if (loop.step) {
      this.#reader.interrupt();
      // Who waits for it is told how it ended.
      await loop.step.catch(() => {});
    }
    this.#hand.leave();
    return { done: true, value: undefined };
  }

  get #turnIsOver(): boolean {
    return performance.now() - this.#turn >= TURN;
  }

  /** A full ring must not keep timers and sockets of this thread waiting. */
  async breathe(): Promise<void> {
    if (!this.#turnIsOver) return;
    await new Promise((resolve) => setImmediate(resolve));
    this.#turn = performance.now();
  }
}
