import { inspect } from 'node:util';
import { invalidArgument } from '../errors.js';
import { binding } from '../native/binding.js';
import {
  checkTimeout,
  type Operation,
  operation,
  type Source,
  type WaitOptions,
} from '../operation.js';
import { call, environment, holdLoop, releaseLoop } from '../park/environment.js';
import type { ByteRing } from '../ring/byte-ring.js';
import type { Fields } from '../ring/fields.js';
import type { Stages } from '../ring/graph.js';
import type { Handle } from '../ring/handle.js';
import { Delivery } from './delivery.js';
import type { IntoRingOptions, ListenerHandlers } from './handlers.js';
import type { Inbox } from './inbox.js';
import { intoRing } from './into-ring.js';
import { type ReplyOptions, sayReply } from './message.js';
import type { MessageBatch } from './message-batches.js';
import { Speaker } from './speaker.js';
import { type ListenerStatistics, listenerStatistics } from './statistics.js';

/** How a listener's connections ended. */
export interface ListenerClosed {
  /** Connections that got all they were owed. */
  readonly drained: number;
  /** Connections that were closed with replies owed, or bytes unsent. */
  readonly cut: number;
}

interface ListenerHandle {
  readonly kind: 'Listener';
  readonly number: number;
  readonly host: string;
  readonly port: number;
}

/** What the thread has that opened the listener, and no other. */
interface Owned {
  readonly delivery: Delivery;
  readonly maxFrame: number;
  /** Called when it is closed. */
  readonly onClosed: () => void;
}

/**
 * Connections whose bytes a native thread accepts, frames, times out and writes. Say once where
 * messages go: to handlers ({@link serve}), to who waits for them (`for await`, {@link receive}), or
 * straight into a ring ({@link into}). Until then connections wait in the kernel.
 *
 * Other threads {@link attach} to answer.
 *
 * @example
 * const reactor = Reactor.create();
 * const listener = await reactor.listen({ port: 0, framing: framing.lines() });
 * listener.serve({ message(connection, message) { message.reply(message.bytes); } });
 */
export class Listener implements Source<MessageBatch> {
  /** The address it listens on. */
  readonly host: string;
  /** The real one, also where 0 was asked for. */
  readonly port: number;
  readonly #number: number;
  /** Undefined in threads that have attached. */
  readonly #owned: Owned | undefined;
  readonly #speaker: Speaker;
  #held = false;
  #ended: Promise<ListenerClosed> | undefined;
  #open = true;
  #totals = listenerStatistics({});

  private constructor(
    number: number,
    host: string,
    port: number,
    own?: (speaker: Speaker) => Owned,
  ) {
    this.#number = number;
    this.#speaker = new Speaker(number);
    this.host = host;
    this.port = port;
    this.#owned = own?.(this.#speaker);
    if (own) this.ref();
  }

  /** @internal The listener that was opened in this thread. */
  static opened(options: {
    readonly number: number;
    readonly host: string;
    readonly port: number;
    readonly inbox: Inbox;
    readonly maxFrame: number;
    readonly onClosed: () => void;
  }): Listener {
    const { number, host, port, inbox, maxFrame, onClosed } = options;
    return new Listener(number, host, port, (speaker) => ({
      delivery: new Delivery(number, inbox, speaker),
      maxFrame,
      onClosed,
    }));
  }

  /**
   * The listener behind a handle, in another thread than its own: to {@link reply}, and to look at
   * {@link stats}. Holds no event loop.
   *
   * @throws `ERR_MILLRACE_INVALID_ARGUMENT`.
   */
  static attach(handle: Handle<Listener>): Listener {
    const inside = handle as unknown as ListenerHandle;
    if (inside?.kind !== 'Listener') {
      throw invalidArgument('handle', handle, 'the handle of a Listener');
    }
    return new Listener(inside.number, inside.host, inside.port);
  }

  /** Plain data with which another thread attaches. */
  get handle(): Handle<Listener> {
    const { host, port } = this;
    const handle: ListenerHandle = { kind: 'Listener', number: this.#number, host, port };
    return handle as unknown as Handle<Listener>;
  }

  /**
   * Gives messages to handlers, many in one turn of the event loop, in the order of each connection. What a handler
   * throws, or a promise it returns rejects with, closes its connection and goes to `error`, or is uncaught without.
   *
   * @throws `ERR_MILLRACE_INVALID_ARGUMENT` also when messages go elsewhere already; `ERR_MILLRACE_CLOSED`.
   */
  serve(handlers: ListenerHandlers): this {
    if (typeof handlers?.message !== 'function') {
      throw invalidArgument('handlers', handlers, 'an object with a function message');
    }
    this.#own().delivery.toHandlers(handlers);
    return this;
  }

  /**
   * Sends messages straight into a ring, in native code: this thread has no part in it. Every message becomes a
   * record, whose payload it is. When the ring is full, the reactor stops reading.
   *
   * @param records Takes another producer: the listener's. A message must fit into half of it.
   * @param options Header fields to fill, and who is told of connections.
   * @throws `ERR_MILLRACE_INVALID_ARGUMENT` also when messages go elsewhere already; `ERR_MILLRACE_CLOSED`.
   */
  into<H extends Fields, S extends Stages>(
    records: ByteRing<H, S>,
    options: IntoRingOptions<keyof H & string> = {},
  ): this {
    const { delivery, maxFrame } = this.#own();
    delivery.toRing(() => intoRing(records, options, maxFrame));
    return this;
  }

  /**
   * Waits for the next batch of messages over all connections; undefined when the listener is closed. After a
   * {@link drain} what had come is given before that, after a {@link close} it is dropped. A wait that was left (signal,
   * timeout) has taken nothing. Ends the step before: messages of the last batch that were not looked at
   * are passed. While nobody waits, the reactor stops reading as soon as its ring to this thread is full.
   *
   * A loop (`for await`) does the same waits: both may be used, one after the other.
   *
   * @returns Rejects with `ERR_MILLRACE_TIMEOUT`, `ERR_MILLRACE_ABORTED`; `ERR_MILLRACE_INVALID_ARGUMENT` when this
   *   listener is waited for already, or messages go elsewhere.
   * @throws `ERR_MILLRACE_INVALID_ARGUMENT` for wrong options, and in a thread that has attached.
   *
   * @example
   * const batch = await listener.receive({ timeout: 1000 });
   * for (const message of batch ?? []) message.reply(message.bytes);
   */
  receive(options?: WaitOptions): Operation<MessageBatch | undefined> {
    const { delivery } = this.#own();
    return operation(
      options,
      (resolve, reject) => delivery.toWaits().start(resolve, reject),
      `messages of ${this.host}:${this.port}`,
    );
  }

  /**
   * Batches of messages over all connections, until the listener is closed. Leaving the loop closes nothing; messages
   * that were not passed come again to the next who waits.
   *
   * @throws `ERR_MILLRACE_INVALID_ARGUMENT` when messages go elsewhere already, and in a thread that has attached.
   */
  [Symbol.asyncIterator](): AsyncIterator<MessageBatch, undefined> {
    return this.#own().delivery.toWaits()[Symbol.asyncIterator]();
  }

  #own(): Owned {
    if (this.#owned) return this.#owned;
    throw invalidArgument('listener', 'an attached one', 'the one that listens, in its own thread');
  }

  /**
   * Answers a message by its token, once, from any thread that has attached. Framed. Answers of a connection go out
   * in the order of its messages (unless `replies: 'any'`); those that come early wait. An answer to a connection that
   * is gone is dropped, and so is a second answer.
   *
   * @param payload One message, of any size; text is sent as UTF-8.
   * @param options `end` closes the connection behind this answer.
   * @throws `ERR_MILLRACE_INVALID_ARGUMENT`; `ERR_MILLRACE_CLOSED` after {@link detach}.
   */
  reply(token: number, payload: Uint8Array | string, options?: ReplyOptions): void {
    sayReply(this.#speaker, token, payload, options);
  }

  /** Totals since it was opened, from any thread; after its end the last ones this thread has seen. */
  stats(): ListenerStatistics {
    if (!this.#open) return this.#totals;
    try {
      this.#totals = listenerStatistics(binding.listenerTotals(this.#number));
    } catch {
      // Closed by its own thread.
    }
    return this.#totals;
  }

  /**
   * Ends the listener in good order: accepts and reads no more, delivers whole messages, waits until all are
   * answered and sent, and closes each connection as soon as that is so.
   *
   * @param options `timeout`: milliseconds after which what is left is closed at once; default: never.
   * @throws Rejects with `ERR_MILLRACE_INVALID_ARGUMENT`.
   */
  async drain(options: { readonly timeout?: number } = {}): Promise<ListenerClosed> {
    const { timeout = Infinity } = options;
    checkTimeout(timeout);
    this.#ended ??= this.#end(true, Number.isFinite(timeout) ? timeout : -1);
    return this.#ended;
  }

  /**
   * Ends the listener and its connections at once; with a `timeout`, as {@link drain}. While it drains, it closes what
   * is left. In a thread that has attached: {@link detach}.
   */
  async close(options: { readonly timeout?: number } = {}): Promise<ListenerClosed> {
    if (options.timeout !== undefined) return this.drain(options);
    if (this.#ended && this.#open && this.#owned) await this.#endNative(false, 0);
    this.#ended ??= this.#end(false, 0);
    return this.#ended;
  }

  async #end(drain: boolean, timeout: number): Promise<ListenerClosed> {
    if (!this.#owned) {
      await this.#letGo();
      return { drained: 0, cut: 0 };
    }
    const closed = await this.#endNative(drain, timeout);
    this.#owned.delivery.inbox.close(drain);
    this.#speaker.over();
    this.#totals = listenerStatistics(binding.forgetListener(this.#number) ?? {});
    this.#open = false;
    this.unref();
    this.#owned.onClosed();
    return closed;
  }

  async #endNative(drain: boolean, timeout: number): Promise<ListenerClosed> {
    const { numbers } = await call((number) =>
      binding.endListener(environment, number, this.#number, drain, timeout),
    );
    const [drained = 0, cut = 0] = numbers;
    return { drained, cut };
  }

  /**
   * Lets go of the listener in a thread that has attached; what it said is still sent. In the listener's own thread, the
   * same as {@link close}.
   */
  detach(): void {
    void this.close();
  }

  async #letGo(): Promise<void> {
    this.#open = false;
    await this.#speaker.detach();
  }

  /** Keeps this thread's event loop alive, as an open listener does in its own thread unless said otherwise. */
  ref(): this {
    if (!this.#held && this.#open) holdLoop();
    this.#held = this.#open;
    return this;
  }

  /** See {@link ref}. */
  unref(): this {
    if (this.#held) releaseLoop();
    this.#held = false;
    return this;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.close();
  }

  [inspect.custom](): string {
    if (!this.#open) return `Listener { ${this.host}:${this.port}, closed }`;
    const { connections } = this.stats();
    return `Listener { ${this.host}:${this.port}, connections: ${connections} }`;
  }
}
