import { checked } from '../ring/view.js';
import { type CloseReason, closeReasons } from './close-reason.js';
import type { Connection } from './connection.js';
import { connectionError } from './connection-error.js';
import { Connections } from './connections.js';
import type { Handlers } from './handlers.js';
import { type Incoming, incoming } from './inbox.js';
import { Message } from './message.js';
import type { Speaker } from './speaker.js';

/**
 * Calls the handlers of a listener for what came. What a handler throws stays with its connection: the messages behind
 * it are handled as if nothing had happened.
 */
export class Dispatch {
  readonly #handlers: Handlers;
  readonly #speaker: Speaker;
  readonly #memory: Buffer;
  readonly #connections: Connections;
  #message: Message;

  /** @param memory What the payloads lie in. */
  constructor(handlers: Handlers, speaker: Speaker, memory: Buffer) {
    this.#handlers = handlers;
    this.#speaker = speaker;
    this.#memory = memory;
    this.#connections = new Connections(speaker);
    this.#message = new Message(speaker, memory);
  }

  /** Handles one record; never throws. */
  handle(record: Incoming): void {
    if (record.kind !== incoming.FRAME) {
      this.#event(record);
      return;
    }
    const connection = this.#connections.get(record.connection);
    const message = this.#show(record, connection);
    try {
      const returned = this.#handlers.message?.(connection, message);
      if (returned !== undefined) this.#watch(connection, returned);
    } catch (error) {
      this.#failed(connection, error);
    }
    if (checked) message.expire();
  }

  /** The message in a record that is a frame: the view that is reused. */
  message(record: Incoming): Message {
    return this.#show(record, this.#connections.get(record.connection));
  }

  #show(record: Incoming, connection: Connection): Message {
    if (checked) {
      // A new one each time, so that the one before stays what it is: over.
      this.#message.expire();
      this.#message = new Message(this.#speaker, this.#memory);
    }
    return this.#message.show(record.$start, record.length, record.reply, connection);
  }

  /** The step of the message handed out last is over. */
  expire(): void {
    if (checked) this.#message.expire();
  }

  #event(record: Incoming): void {
    const { kind, connection: id, detail } = record;
    const text = record.bytes.toString();
    const { open, close, error: failed } = this.#handlers;
    if (kind === incoming.OPEN) {
      const connection = this.#connections.open(id, text);
      if (open) this.#guard(connection, () => this.#handlers.open?.(connection));
    } else if (kind === incoming.CLOSE) {
      const connection = this.#connections.close(id);
      const reason = closeReasons[detail] as CloseReason;
      if (close) this.#guard(connection, () => this.#handlers.close?.(connection, reason, text));
    } else if (failed) {
      const connection = this.#connections.get(id);
      const error = connectionError(detail, text);
      this.#guard(connection, () => this.#handlers.error?.(connection, error));
    }
  }

  #guard(connection: Connection, handler: () => unknown): void {
    try {
      this.#watch(connection, handler());
    } catch (error) {
      this.#failed(connection, error);
    }
  }

  /** By its shape: a promise may come from another realm. */
  #watch(connection: Connection, returned: unknown): void {
    const { then } = (returned ?? {}) as PromiseLike<unknown>;
    if (typeof then !== 'function') return;
    then.call(returned, undefined, (error: unknown) => this.#failed(connection, error));
  }

  /** A handler failed: its connection is closed, the others go on. */
  #failed(connection: Connection, error: unknown): void {
    connection.destroy();
    const { error: tell } = this.#handlers;
    if (!tell) {
      rethrow(error);
      return;
    }
    try {
      const returned: unknown = tell.call(this.#handlers, connection, error as Error);
      if (returned instanceof Promise) returned.catch(rethrow);
    } catch (second) {
      rethrow(second);
    }
  }
}

/** Nobody here handles it: it is uncaught, in a turn of its own. */
function rethrow(error: unknown): void {
  queueMicrotask(() => {
    throw error;
  });
}
