import { type Cancel, type Operation, operation, type WaitOptions } from '../operation.js';
import { TURN } from '../park/turn.js';
import type { StepBatch } from './batch-kind.js';
import type { InHand } from './in-hand.js';
import { type StageReader, waitedFor } from './stage-reader.js';

/** @internal How a consumer's batches are waited for on the event loop: one by one, or in a `for await`. */
export class BatchWaits<E, B extends StepBatch<E>> {
  readonly #hand: InHand<E, B>;
  readonly #reader: StageReader;
  /** Who waited was not told yet of the batch that is theirs: another step would end it. */
  #telling = false;
  /** When the event loop came here last. */
  #turn = 0;

  constructor(hand: InHand<E, B>) {
    this.#hand = hand;
    this.#reader = hand.reader;
  }

  /** Throws while somebody is yet to be told of their batch. */
  checkFree(): void {
    if (this.#telling) throw waitedFor();
  }

  /** See {@link StageConsumer.receive}. */
  receive(options: WaitOptions | undefined): Operation<B | undefined> {
    const reader = this.#reader;
    return operation(
      options,
      (resolve, reject) => {
        this.checkFree();
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
        let cancel: Cancel | undefined;
        // Begun again where another worker of the stage was faster.
        const wait = () => {
          let atOnce = true;
          const awaited = reader.await(() => {
            if (!atOnce) this.#turn = performance.now();
            take();
          });
          atOnce = false;
          cancel = awaited ?? cancel;
        };
        wait();
        return (error) => cancel?.(error);
      },
      `events of stage '${reader.stage.name}'`,
    );
  }

  /** A batch for who waits; told a turn later when this thread's timers and sockets have waited for long. */
  #tell(batch: B): B | Promise<B> {
    this.#telling = true;
    const told = () => {
      this.#telling = false;
      return batch;
    };
    if (this.#turnIsOver) return this.breathe().then(told);
    queueMicrotask(told);
    return batch;
  }

  /** The next step of a `for await`. */
  next(): Promise<IteratorResult<B>> {
    this.#hand.finishStep();
    if (this.#reader.soon() && !this.#turnIsOver) {
      const batch = this.#hand.take();
      if (batch) return this.#hand.step(batch);
    }
    return this.#nextTurn();
  }

  async #nextTurn(): Promise<IteratorResult<B>> {
    const reader = this.#reader;
    do {
      // What is there without a sleep came while this thread was at it: its event loop may be owed a turn.
      if (await reader.ready()) this.#turn = performance.now();
      else await this.breathe();
      const batch = this.#hand.take();
      if (batch) return this.#hand.result(batch);
      // Another worker of the stage may have been faster.
    } while (!reader.ended);
    reader.checkWhole();
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
