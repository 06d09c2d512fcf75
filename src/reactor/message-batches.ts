import { MillraceError } from '../errors.js';
import { type Start, wait } from '../operation.js';
import { TURN } from '../park/turn.js';
import { flushStaged } from '../ring/staged.js';
import type { Dispatch } from './dispatch.js';
import { type Inbox, type Incoming, incoming } from './inbox.js';
import type { Message } from './message.js';

/**
 * Messages that came together, over all connections, in the order of each. Valid until the next wait for messages; the
 * messages in it are one reused view, each valid until the next one is asked for.
 */
export interface MessageBatch extends Iterable<Message> {}

/** What a wait ends with: no batch when the listener is closed. */
type Settle = Parameters<Start<MessageBatch | undefined>>[0];

/**
 * A listener's messages, a batch at a time. Nothing is taken out of the ring before it is asked for, so that a slow
 * reader holds the reactor back.
 */
export class MessageBatches implements AsyncIterable<MessageBatch> {
  readonly #inbox: Inbox;
  readonly #batch: Batch;
  /** Someone waits, or was not told yet of the batch that is theirs: another would end its step. */
  #waiting = false;
  /** When the event loop came here last. */
  #turn = 0;

  constructor(inbox: Inbox, dispatch: Dispatch) {
    this.#inbox = inbox;
    this.#batch = new Batch(dispatch);
  }

  /**
   * Begins a wait for the next messages; ends the step before. They are taken where the wait is settled: one that ended
   * otherwise has taken nothing.
   */
  readonly start: Start<MessageBatch | undefined> = (resolve, reject) => {
    if (this.#waiting) {
      throw new MillraceError(
        'ERR_MILLRACE_INVALID_ARGUMENT',
        'this listener is waited for already; wait for one batch at a time',
      );
    }
    flushStaged();
    this.#batch.finish();
    this.#waiting = true;
    let cancelled = false;
    const look = () => {
      try {
        this.#take(resolve, woken);
      } catch (error) {
        this.#waiting = false;
        reject(error);
      }
    };
    const woken = () => {
      // The inbox stays armed when a wait is taken back.
      if (cancelled) return;
      this.#turn = performance.now();
      look();
    };
    look();
    return () => {
      cancelled = true;
      this.#waiting = false;
    };
  };

  /** Settles with what is there, or has `woken` called when there is more. */
  #take(resolve: Settle, woken: () => void): void {
    for (;;) {
      const records = this.#inbox.take();
      if (records) {
        if (this.#batch.begin(records)) {
          this.#hand(resolve);
          return;
        }
      } else if (!this.#inbox.arm(woken)) return;
      else if (this.#inbox.ended) break;
    }
    this.#waiting = false;
    resolve(undefined);
  }

  /** Messages that never end must not keep timers and sockets of this thread waiting. */
  #hand(resolve: Settle): void {
    const free = () => {
      this.#waiting = false;
    };
    if (performance.now() - this.#turn < TURN) {
      // Before those who hear of the batch, behind those who were about to wait when it was taken.
      queueMicrotask(free);
      resolve(this.#batch);
      return;
    }
    // Taken now and told later, so that a timeout in between is none.
    const later = (tell: (batch: MessageBatch) => void) => {
      setImmediate(() => {
        this.#turn = performance.now();
        free();
        tell(this.#batch);
      });
    };
    resolve(new Promise<MessageBatch>(later));
  }

  /** The same waits as a loop. Leaving it gives messages that were not passed to the next who waits. */
  [Symbol.asyncIterator](): AsyncIterator<MessageBatch, undefined> {
    return {
      next: async () => {
        const value = await wait(undefined, this.start);
        return value ? { done: false, value } : { done: true, value };
      },
      return: async () => {
        this.#batch.leave();
        this.#inbox.leave();
        return { done: true, value: undefined };
      },
    };
  }
}

/** The messages among the records of one batch. What else there is goes to the dispatch when it is passed. */
class Batch implements MessageBatch, Iterator<Message> {
  done: boolean | undefined = false;
  #message: Message | undefined;
  readonly #dispatch: Dispatch;
  #steps: Iterator<Incoming> | undefined;
  /** The first message was looked for and not handed out yet. */
  #found = false;

  constructor(dispatch: Dispatch) {
    this.#dispatch = dispatch;
  }

  get value(): Message {
    return this.#message as Message;
  }

  /** Becomes the batch over these records; false when there is no message among them. */
  begin(records: Iterator<Incoming>): boolean {
    this.#steps = records;
    this.#found = this.#advance();
    return this.#found;
  }

  /** Shows the next message; false when there is none. */
  #advance(): boolean {
    const steps = this.#steps;
    if (!steps) return false;
    for (let step = steps.next(); !step.done; step = steps.next()) {
      if (step.value.kind === incoming.FRAME) {
        this.#message = this.#dispatch.message(step.value);
        return true;
      }
      this.#dispatch.handle(step.value);
    }
    this.#steps = undefined;
    return false;
  }

  [Symbol.iterator](): Iterator<Message> {
    return this;
  }

  next(): IteratorResult<Message, undefined> {
    if (this.#found || this.#advance()) {
      this.#found = false;
      return this as IteratorYieldResult<Message>;
    }
    this.#dispatch.expire();
    return finished;
  }

  /** The step is over: what was not looked at is passed. */
  finish(): void {
    while (this.#advance()) {}
    this.leave();
  }

  /** The step is over, and what was not looked at comes again. */
  leave(): void {
    this.#found = false;
    this.#steps = undefined;
    this.#dispatch.expire();
  }
}

const finished: IteratorReturnResult<undefined> = { done: true, value: undefined };
