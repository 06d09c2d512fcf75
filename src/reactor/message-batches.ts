import type { Dispatch } from './dispatch.js';
import { type Inbox, type Incoming, incoming } from './inbox.js';
import type { Message } from './message.js';

/**
 * Messages that came together, over all connections, in the order of each. Valid until the next step of the iteration;
 * the messages in it are one reused view, each valid until the next one is asked for.
 */
export interface MessageBatch extends Iterable<Message> {}

/**
 * A listener's messages as an async iterator. Nothing is taken out of the ring before it is asked for, so that a slow
 * reader holds the reactor back.
 */
export class MessageBatches implements AsyncIterator<MessageBatch> {
  readonly #inbox: Inbox;
  readonly #batches: AsyncIterator<Iterable<Incoming>>;
  readonly #batch: Batch;

  constructor(inbox: Inbox, dispatch: Dispatch) {
    this.#inbox = inbox;
    this.#batches = inbox.batches();
    this.#batch = new Batch(inbox, dispatch);
  }

  /** The next messages; the end when the listener is closed. */
  async next(): Promise<IteratorResult<MessageBatch, undefined>> {
    this.#batch.finish();
    while (!this.#inbox.closed) {
      const step = await this.#batches.next().catch((error) => {
        // Closed while we waited.
        if (this.#inbox.closed) return { done: true, value: undefined } as const;
        throw error;
      });
      if (step.done) break;
      if (this.#batch.begin(step.value)) return { done: false, value: this.#batch };
    }
    return { done: true, value: undefined };
  }

  /** Leaves; messages that were not passed come again in the next loop. */
  async return(): Promise<IteratorResult<MessageBatch, undefined>> {
    this.#batch.leave();
    if (!this.#inbox.closed) await this.#batches.return?.();
    return { done: true, value: undefined };
  }
}

/** The messages among the records of one batch. What else there is goes to the dispatch when it is passed. */
class Batch implements MessageBatch, Iterator<Message> {
  done: boolean | undefined = false;
  #message: Message | undefined;
  readonly #inbox: Inbox;
  readonly #dispatch: Dispatch;
  #steps: Iterator<Incoming> | undefined;
  /** The first message was looked for and not handed out yet. */
  #found: Incoming | undefined;

  constructor(inbox: Inbox, dispatch: Dispatch) {
    this.#inbox = inbox;
    this.#dispatch = dispatch;
  }

  get value(): Message {
    return this.#message as Message;
  }

  /** Becomes the batch over these records; false when there is no message among them. */
  begin(records: Iterable<Incoming>): boolean {
    this.#steps = records[Symbol.iterator]();
    this.#found = this.#advance();
    return this.#found !== undefined;
  }

  #advance(): Incoming | undefined {
    const steps = this.#steps;
    if (!steps) return undefined;
    for (let step = steps.next(); !step.done; step = steps.next()) {
      if (step.value.kind === incoming.FRAME) return step.value;
      this.#dispatch.handle(step.value);
    }
    this.#steps = undefined;
    return undefined;
  }

  [Symbol.iterator](): Iterator<Message> {
    return this;
  }

  next(): IteratorResult<Message, undefined> {
    // Closed between two messages: their connections are gone, and so is the ring.
    if (this.#inbox.closed) this.leave();
    const record = this.#found ?? this.#advance();
    this.#found = undefined;
    if (!record) {
      this.#dispatch.expire();
      return finished;
    }
    this.#message = this.#dispatch.message(record);
    return this as IteratorYieldResult<Message>;
  }

  /** The step is over: what was not looked at is passed. */
  finish(): void {
    if (this.#inbox.closed) this.leave();
    this.#found = undefined;
    while (this.#advance()) {}
    this.#dispatch.expire();
  }

  /** The step is over, and what was not looked at comes again. */
  leave(): void {
    this.#found = undefined;
    this.#steps = undefined;
    this.#dispatch.expire();
  }
}

const finished: IteratorReturnResult<undefined> = { done: true, value: undefined };
