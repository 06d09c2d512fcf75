import { Buffer } from 'node:buffer';
import { inspect } from 'node:util';
import { invalidArgument, MillraceError } from '../errors.js';
import { checked } from '../ring/view.js';
import type { Connection } from './connection.js';
import { outgoing } from './outbox.js';
import { sharedBytes } from './shared-bytes.js';
import { checkPayload, type Speaker } from './speaker.js';

/** What a reply may say beside its payload. */
export interface ReplyOptions {
  /** Closes the connection once this reply is flushed; replies owed for later messages are not sent. */
  readonly end?: boolean;
}

/**
 * A message of a connection: one view that is reused, valid within the handler's synchronous part,
 * or until the next step of an iteration. To answer later, keep the {@link token} and use `listener.reply`.
 *
 * With `MILLRACE_CHECK=1` a later use throws `ERR_MILLRACE_STALE`.
 */
export class Message {
  readonly #speaker: Speaker;
  readonly #memory: Buffer;
  readonly #shared: SharedArrayBuffer;
  #start = 0;
  #length = 0;
  #bytes: Buffer | undefined;
  #token = 0;
  #connection: Connection | undefined;

  /**
   * @internal
   * @param memory What the payloads of all messages lie in: all of it, so that its offsets are the Buffer's.
   */
  constructor(speaker: Speaker, memory: Buffer) {
    this.#speaker = speaker;
    this.#memory = memory;
    this.#shared = memory.buffer as unknown as SharedArrayBuffer;
  }

  /** @internal Becomes another message. */
  show(start: number, length: number, token: number, connection: Connection): this {
    this.#start = start;
    this.#length = length;
    this.#bytes = undefined;
    this.#token = token;
    this.#connection = connection;
    return this;
  }

  /** @internal The step is over. */
  expire(): void {
    this.#connection = undefined;
  }

  #check(): void {
    if (this.#connection !== undefined) return;
    throw new MillraceError(
      'ERR_MILLRACE_STALE',
      'this message was used after its step; keep a copy() of its bytes and its token',
    );
  }

  /** The payload, without framing: a Buffer over shared memory. */
  get bytes(): Buffer {
    if (checked) this.#check();
    this.#bytes ??= sharedBytes(this.#shared, this.#start, this.#length);
    return this.#bytes;
  }

  /** The payload as text, read as UTF-8. */
  get text(): string {
    if (checked) this.#check();
    return this.#memory.toString('utf8', this.#start, this.#start + this.#length);
  }

  /** Bytes of the payload. */
  get length(): number {
    if (checked) this.#check();
    return this.#length;
  }

  /** The payload as an ordinary Buffer, to keep. */
  copy(): Buffer {
    return Buffer.from(this.bytes);
  }

  /** What is owed for this message: for `listener.reply`, from any thread. 0 with `replies: 'none'`. */
  get token(): number {
    if (checked) this.#check();
    return this.#token;
  }

  /** Whom it came from. */
  get connection(): Connection {
    if (checked) this.#check();
    return this.#connection as Connection;
  }

  /**
   * Answers this message, once; see `listener.reply`.
   *
   * @param payload One message; framed by the listener's framing. Text is sent as UTF-8.
   * @throws `ERR_MILLRACE_INVALID_ARGUMENT`.
   */
  reply(payload: Uint8Array | string, options?: ReplyOptions): void {
    if (checked) this.#check();
    sayReply(this.#speaker, this.#token, payload, options);
  }

  [inspect.custom](): string {
    return `Message { length: ${this.#length}, token: ${this.#token} }`;
  }
}

/** Answers the message that has this token. */
export function sayReply(
  speaker: Speaker,
  token: number,
  payload: Uint8Array | string,
  options: ReplyOptions | undefined,
): void {
  checkPayload(payload);
  if (!(token > 0)) {
    throw invalidArgument(
      'token',
      token,
      "what a message came with; with replies: 'none' nothing is owed",
    );
  }
  speaker.say(outgoing.REPLY, token, payload, options?.end === true);
}
