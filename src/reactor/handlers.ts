import type { CloseReason } from './close-reason.js';
import type { Connection } from './connection.js';
import type { Message } from './message.js';

/** What may be said about a listener's connections. */
export interface ConnectionHandlers {
  open?(connection: Connection): unknown;
  /** The last of a connection; `detail` says more where there is more to say. */
  close?(connection: Connection, reason: CloseReason, detail: string): unknown;
  /** A handler failed, or a system call in a way that is no mere reset; `close` follows. */
  error?(connection: Connection, error: Error): unknown;
}

/** What `serve` takes. */
export interface ListenerHandlers extends ConnectionHandlers {
  /** A message came. It is a reused view: valid until this returns, or comes to its first `await`. */
  message(connection: Connection, message: Message): unknown;
}

/** @internal */
export type Handlers = Partial<ListenerHandlers>;

/** How messages become records. */
export interface IntoRingOptions<Field extends string> extends ConnectionHandlers {
  /** A `u32` header field that gets the reply token. */
  readonly reply?: Field;
  /** A `u32` header field that gets the connection's number. */
  readonly connection?: Field;
}
