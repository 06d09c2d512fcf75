import { inspect } from 'node:util';
import { outgoing } from './outbox.js';
import { checkPayload, type Speaker } from './speaker.js';

/**
 * A connection of a listener. Keeps its identity from `open` to `close`; `data` is yours.
 *
 * What is said to a connection that is gone is dropped: its peer may end it at any time. What is said in one turn of
 * the event loop goes out together, in order. Used in the listener's own thread.
 */
export class Connection {
  /** Its number in the reactor; another connection may have it after this one is closed and many more were opened. */
  readonly id: number;
  /** Where the peer is: `'127.0.0.1:50312'`; empty where `open` was not asked for. */
  readonly remoteAddress: string;
  /** Anything the application wants to keep with the connection. */
  data: unknown;
  readonly #speaker: Speaker;

  /** @internal */
  constructor(speaker: Speaker, id: number, remoteAddress: string) {
    this.#speaker = speaker;
    this.id = id;
    this.remoteAddress = remoteAddress;
  }

  /**
   * Sends a message that answers nothing. Framed by the listener's framing.
   *
   * @param payload Up to half a MiB; text is sent as UTF-8.
   * @throws `ERR_MILLRACE_INVALID_ARGUMENT`, `ERR_MILLRACE_FRAME_TOO_LARGE`.
   */
  send(payload: Uint8Array | string): void {
    checkPayload(payload);
    this.#speaker.say(outgoing.SEND, this.id, payload, false);
  }

  /**
   * Sends bytes as they are, any number of them.
   *
   * @throws `ERR_MILLRACE_INVALID_ARGUMENT`.
   */
  write(bytes: Uint8Array | string): void {
    checkPayload(bytes);
    this.#speaker.say(outgoing.WRITE, this.id, bytes, false);
  }

  /** Flushes what was sent, then closes. Replies that are still owed are not waited for. */
  end(): void {
    this.#speaker.say(outgoing.END, this.id, '', false);
  }

  /** Closes at once; what is not yet sent is lost. */
  destroy(): void {
    this.#speaker.say(outgoing.DESTROY, this.id, '', false);
  }

  [inspect.custom](): string {
    return `Connection { id: ${this.id}, remoteAddress: '${this.remoteAddress}' }`;
  }
}
