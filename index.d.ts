import { Buffer as Buffer_2 } from 'node:buffer';
import { inspect } from 'node:util';
import { InspectOptions } from 'node:util';

/**
 * What a handler is given: the right to take items, as many as have come by the time it asks.
 *
 * Until the first `take` the batch is open, and everything pushed joins it. So a handler first
 * waits for what it needs (a connection, a permit) and then takes.
 */
export declare interface Batch<Item> {
  /** Items a `take()` would give now; costs the same at any size. 0 once the handler has settled. */
  readonly size: number;
  /**
   * Takes the oldest items that wait, in the order they were pushed: at most `max`, and at most the
   * queue's `maxBatch`. It may be called again while the handler runs. The array is the caller's own.
   *
   * It is empty when nothing waits any more, because all items were aborted or an earlier take got
   * them.
   *
   * @param max A whole number from 1; default: no limit.
   * @throws `ERR_MILLRACE_INVALID_ARGUMENT`; `ERR_MILLRACE_CLOSED` when the handler has settled.
   */
  take(max?: number): Item[];
}

/**
 * Runs a batch: takes items from it, and returns one result an item, in the order they were taken;
 * an `Error` among the results rejects its item only.
 */
export declare type BatchHandler<Item, Result> = (
  batch: Batch<Item>,
) => readonly (Result | Error)[] | PromiseLike<readonly (Result | Error)[]>;

/**
 * Collects items that come one by one, and runs them together.
 *
 * The bound of a batch is drawn late: a handler starts, waits for its resource, and then takes all
 * that has come meanwhile. So batches are small when the resource is free and large when it is
 * busy, and no timer decides.
 *
 * At most one handler waits to take; the next starts when that one has taken, items wait, and fewer
 * than `concurrency` run. It starts once the microtask queue has drained, so that everything pushed
 * in this turn is there. Handlers run in the async context (`AsyncLocalStorage`) the queue was made
 * in, continuations of a push in their caller's.
 *
 * A queue belongs to the thread that made it.
 *
 * @example
 * const inserts = BatchQueue.create<Row, Id>(async (batch) => {
 *   const client = await pool.connect(); // the batch stays open while we wait for this
 *   try {
 *     return await insertMany(client, batch.take()); // one result an item, in order
 *   } finally {
 *     client.release();
 *   }
 * }, { maxBatch: 500, concurrency: 2 });
 * const id = await inserts.push(row);
 */
export declare class BatchQueue<Item, Result = void> implements AsyncDisposable {
  #private;
  private constructor();
  /**
   * Makes a queue.
   *
   * @param handler Runs a batch; see {@link BatchHandler}.
   * @throws `ERR_MILLRACE_INVALID_ARGUMENT`.
   */
  static create<Item, Result = void>(
    handler: BatchHandler<Item, Result>,
    options?: BatchQueueOptions,
  ): BatchQueue<Item, Result>;
  /**
   * Hands an item over; the promise is that item's result.
   *
   * Costs a promise and a slot; a timer only with `timeout`. An item whose signal is aborted, or
   * whose timeout passes, leaves the queue when it was not taken yet; otherwise its handler goes on
   * and its result is dropped.
   *
   * @returns Rejects with what the handler threw, or returned for this item; with
   * `ERR_MILLRACE_BATCH_RESULT` when the handler did not return one result an item;
   * `ERR_MILLRACE_FULL`; `ERR_MILLRACE_CLOSED`; `ERR_MILLRACE_TIMEOUT`; `ERR_MILLRACE_ABORTED`;
   * `ERR_MILLRACE_INVALID_ARGUMENT`.
   */
  push(item: Item, options?: WaitOptions): Promise<Result>;
  /** Waits until nothing waits to be taken and no handler runs. */
  idle(options?: WaitOptions): Operation<void>;
  /**
   * Closes the queue: it takes nothing new, runs what it has, and resolves when all of that is done.
   * After `timeout` it gives up what no handler has taken. Calling it again gives the same promise;
   * the earliest timeout counts.
   *
   * @param options `timeout` in milliseconds, default no limit; 0 gives up in the next turn.
   * @returns Exactly which items did not run, and which were still running. Rejects only with
   * `ERR_MILLRACE_INVALID_ARGUMENT`, and the queue stays open then.
   */
  close(options?: { timeout?: number | undefined }): Promise<CloseReport<Item>>;
  /** Closes the queue and waits for what it has. */
  [Symbol.asyncDispose](): Promise<void>;
  /**
   * Whether the queue keeps the event loop alive while it pauses, with items that wait, after a handler that took
   * nothing; it does unless said otherwise. Nothing else of a queue does by itself: what a handler waits for may.
   */
  ref(): this;
  /** See {@link ref}. */
  unref(): this;
  /** Counts since the queue was made, exact; see {@link BatchQueueStatistics}. */
  stats(): BatchQueueStatistics;
  [inspect.custom](_depth: number, options: InspectOptions): string;
}

/** How a {@link BatchQueue} behaves. */
export declare interface BatchQueueOptions {
  /** Most items one `take` gives. Default: no limit. */
  maxBatch?: number | undefined;
  /** Most handlers that run at once; at most one of them has not taken yet. Default 1. */
  concurrency?: number | undefined;
  /** Most items that wait, taken ones not counted. Default: no limit. */
  queueLimit?: number | undefined;
  /**
   * What a push into a full queue does: `'wait'` (default) until there is room, in order; or
   * `'reject'` at once with `ERR_MILLRACE_FULL`.
   */
  onFull?: 'wait' | 'reject' | undefined;
}

/**
 * A queue's counts, since it was made. They add up: `pushed` is `waiting` and `inFlight` and
 * `fulfilled` and all of `rejected` together.
 */
export declare interface BatchQueueStatistics {
  /** Items handed to the queue. */
  pushed: number;
  /** Items that wait to be taken, those that wait for room included. */
  waiting: number;
  /** Items that were taken and have not settled. */
  inFlight: number;
  /** Items that got a result. */
  fulfilled: number;
  rejected: BatchRejections;
  /** Items that were taken. */
  taken: number;
  /** Handlers that were started. */
  batches: number;
  /** Handlers that run now. */
  running: number;
  /** Largest number of items one `take` gave. */
  largest: number;
  /** Sizes of takes that gave something, up to the largest, by powers of two. */
  sizes: BatchSizes[];
}

/** Why items were rejected, and how many for each reason. */
export declare interface BatchRejections {
  /** The handler threw or rejected. */
  handler: number;
  /** The handler's results had an `Error` for the item. */
  item: number;
  /** The handler did not return one result for each item it took. */
  result: number;
  /** The item's signal was aborted, before or after it was taken. */
  aborted: number;
  /** The item's timeout passed, before or after it was taken. */
  timeout: number;
  /** The queue was full and `onFull` is `'reject'`. */
  full: number;
  /** The queue was closed before the item was taken. */
  closed: number;
}

/** A bucket of batch sizes. */
export declare interface BatchSizes {
  /** The largest size counted here; the bucket before has half of it. */
  upTo: number;
  /** How many takes were of such a size. */
  takes: number;
}

/** The consumer of a stage's records. */
export declare class ByteConsumer<R extends object> extends StageConsumer<R, RecordBatch<R>> {}

/**
 * Publishes records of any length up to half of the ring, for the thread that opened it. Consumers see them after a
 * flush: when 64 KiB are staged (a quarter of a ring of less than 256 KiB), at the end of the turn, before this thread
 * waits or blocks, after each batch inside `run`, or by {@link flush}; on a full `'multi'` ring, when there is room. Of a
 * `'multi'` ring a record that is longer than what is staged at most is published at once.
 */
export declare abstract class ByteProducer<H extends object> extends RingProducer {
  #private;
  /** Most payload bytes of a record: half of the ring, without the record's prefix and header fields. */
  get maxPayload(): number;
  /**
   * Accepts a record if there is room.
   *
   * @param payload Text is written as UTF-8.
   * @param write Fills the header fields, which are zeros before; when it throws, nothing was accepted.
   * @param argument What `write` gets beside the header.
   * @returns false when the ring is full, and of a `'multi'` ring this producer's staging memory too: nothing was accepted.
   * @throws `ERR_MILLRACE_FRAME_TOO_LARGE` beyond {@link maxPayload}; `ERR_MILLRACE_CLOSED`,
   *   `ERR_MILLRACE_CONSUMER_FAILED`, `ERR_MILLRACE_INVALID_ARGUMENT`.
   */
  tryPublish<A = undefined>(
    payload: Uint8Array | string,
    write?: WriteHeader<H, A>,
    argument?: A,
  ): boolean;
  /**
   * Accepts a record, waiting for room.
   *
   * @throws Rejects as {@link tryPublish} throws, and with `ERR_MILLRACE_TIMEOUT` or `ERR_MILLRACE_ABORTED`: then nothing
   *   was accepted.
   */
  publish<A = undefined>(
    payload: Uint8Array | string,
    write?: WriteHeader<H, A>,
    argument?: A,
    options?: WaitOptions,
  ): Promise<void>;
  /**
   * Accepts a record a payload, in order, waiting for room as often as needed.
   *
   * @param payloads Text is written as UTF-8.
   * @throws Rejects as {@link publish} does; what was accepted until then stays so.
   */
  publishMany<A = undefined>(
    payloads: readonly (Uint8Array | string)[],
    write?: WriteHeaders<H, A>,
    argument?: A,
    options?: WaitOptions,
  ): Promise<void>;
  /**
   * Waits until there is room for a record of `length` payload bytes, or of a `'multi'` ring for the first that is staged
   * and waits for some. Another producer may take it first.
   *
   * @throws `ERR_MILLRACE_FRAME_TOO_LARGE` beyond {@link maxPayload}, `ERR_MILLRACE_INVALID_ARGUMENT`. Rejects with
   *   `ERR_MILLRACE_CLOSED`, `ERR_MILLRACE_CONSUMER_FAILED`, `ERR_MILLRACE_TIMEOUT` or `ERR_MILLRACE_ABORTED`.
   */
  ready(length: number, options?: WaitOptions): Operation<void>;
  /**
   * Claims a record of up to `bytes` payload bytes if there is room: what was accepted before is flushed, so that it comes
   * before it. Publishing anything else with this producer throws until the claim is committed or aborted.
   *
   * @param bytes From 0 to {@link maxPayload}.
   * @returns undefined when there is no room for all of them now.
   * @throws `ERR_MILLRACE_FRAME_TOO_LARGE` beyond {@link maxPayload}; `ERR_MILLRACE_INVALID_ARGUMENT`, also while this
   *   producer has another claim open; `ERR_MILLRACE_CLOSED`, `ERR_MILLRACE_CONSUMER_FAILED`.
   */
  tryClaim(bytes: number): RecordClaim<H> | undefined;
  /**
   * Claims a record of up to `bytes` payload bytes, waiting for room for all of them.
   *
   * @throws Rejects as {@link tryClaim} throws, and with `ERR_MILLRACE_TIMEOUT` or `ERR_MILLRACE_ABORTED`: then nothing
   *   is claimed.
   */
  claim(bytes: number, options?: WaitOptions): Promise<RecordClaim<H>>;
}

/**
 * A ring of records of any length: typed header fields and a payload of bytes. Otherwise as
 * {@link Ring}: same producers, stages and rules. A record takes whole places of 32 bytes.
 *
 * @example
 * const records = ByteRing.create({ capacity: 1 << 16, header: { reply: 'u32' }, stages: { print: {} } });
 * records.producer().tryPublish('hello', (header) => { header.reply = 7; });
 * const closed = records.close();
 * for await (const batch of records.consumer('print')) {
 *   for (const record of batch) console.log(record.reply, record.bytes.toString());
 * }
 * await closed;
 */
export declare class ByteRing<H extends Fields, S extends Stages> extends SharedRing {
  #private;
  private constructor();
  /**
   * Makes a byte ring.
   *
   * @throws `ERR_MILLRACE_INVALID_ARGUMENT`.
   */
  static create<
    const H extends Fields = NoFields,
    Names extends string = string,
    const S extends CheckedStages<H, Names> = CheckedStages<H, Names>,
  >(
    options: ByteRingOptions<H, S> & {
      readonly stages: CheckedStages<H, keyof S & string>;
    },
  ): ByteRing<H, S>;
  /**
   * The byte ring behind a handle, in another thread than the one that made it.
   *
   * @throws `ERR_MILLRACE_INVALID_ARGUMENT` for something else than a byte ring's handle, or another version's.
   */
  static attach<H extends Fields, S extends Stages>(handle: Handle<ByteRing<H, S>>): ByteRing<H, S>;
  /** Bytes. */
  get capacity(): number;
  /** Opens a producer for this thread; see {@link Ring.producer}. */
  producer(): ByteProducer<Event_2<H>>;
  /** Opens a stage for this thread; see {@link Ring.consumer}. */
  consumer<N extends keyof S & string>(
    name: N,
    options?: ConsumerOptions,
  ): ByteConsumer<StageRecord<H, S[N]>>;
  /** Joins as a stage that was not declared; see {@link Ring.join}. */
  join(
    name: string,
    options?: JoinOptions<keyof S & string>,
  ): ByteConsumer<StageRecord<H, StageOptions>>;
}

/** What a byte ring is made with. */
export declare interface ByteRingOptions<H extends Fields, S extends Stages> extends RingOptions {
  /** Bytes, a power of two from 64 to 2^30; a record takes up to half of it. */
  readonly capacity: number;
  /** Typed fields in front of every payload: of a quarter of the ring and 64 KiB at most; none unless given. */
  readonly header?: H;
  readonly stages: S;
}

/** Stages whose names and fields are checked by the compiler. */
declare type CheckedStages<F extends Fields, Names extends string> = {
  readonly [N in Names]: StageOptions & {
    readonly after?: readonly Names[];
    readonly writes?: readonly (keyof F & string)[];
  };
};

/**
 * Slots that a producer has claimed and not published yet: fill them by index, in any order, then {@link commit}.
 * Disposed of without that, the claim is aborted: no consumer sees its slots, and nobody waits for them.
 *
 * Until it ends, its producer publishes nothing else, and what other producers of the ring publish meanwhile is not
 * seen: it should end soon. One whose thread ends is given up for it.
 *
 * @example
 * const pairs = Ring.define({ fields: { n: 'u32' }, stages: { read: {} } });
 * const ring = Ring.create({ ...pairs, capacity: 1024 });
 * const out = ring.producer();
 * using claim = out.tryClaim(2) ?? (await out.claim(2));
 * claim.at(0).n = 7;
 * claim.at(1).n = 8;
 * claim.commit();
 * ring.detach();
 */
export declare class Claim<E extends object> extends OpenClaim {
  #private;
  /**
   * The event at `index`, to be filled: one view that is reused, valid until the next call. Every field has to be set:
   * a slot still has what was in it a lap ago.
   *
   * @param index From 0 to `length - 1`.
   * @throws `ERR_MILLRACE_INVALID_ARGUMENT`; `ERR_MILLRACE_STALE` when the claim has ended.
   */
  at(index: number): E;
}

/**
 * Why a connection is over: the peer ended it (`end`) or reset it, sent what is not the protocol or
 * too large a frame, was too slow or idle, did not read (`write-limit`), we closed or drained it,
 * or the system failed.
 */
export declare type CloseReason = (typeof closeReasons)[number];

/** Why a connection is over; by the numbers native code uses. */
declare const closeReasons: readonly [
  'end',
  'reset',
  'protocol',
  'frame-too-large',
  'frame-timeout',
  'idle-timeout',
  'write-limit',
  'closed',
  'drained',
  'error',
];

/** What a queue had not done when it closed. Both are empty when it could finish. */
export declare interface CloseReport<Item> {
  /** Items that no handler took: they did not run, and were rejected with `ERR_MILLRACE_CLOSED`. */
  notRun: Item[];
  /**
   * Items whose handler still runs: how they end is not known yet. Their promises still settle when
   * it does.
   */
  unfinished: Item[];
}

/**
 * A connection of a listener. Keeps its identity from `open` to `close`; `data` is yours.
 *
 * What is said to a connection that is gone is dropped: its peer may end it at any time. What is said in one turn of
 * the event loop goes out together, in order. Used in the listener's own thread.
 */
export declare class Connection {
  #private;
  /** Its number in the reactor; another connection may have it after this one is closed and many more were opened. */
  readonly id: number;
  /** Where the peer is: `'127.0.0.1:50312'`; empty where `open` was not asked for. */
  readonly remoteAddress: string;
  /** Anything the application wants to keep with the connection. */
  data: unknown;
  /**
   * Sends a message that answers nothing. Framed by the listener's framing.
   *
   * @param payload Up to half a MiB; text is sent as UTF-8.
   * @throws `ERR_MILLRACE_INVALID_ARGUMENT`, `ERR_MILLRACE_FRAME_TOO_LARGE`.
   */
  send(payload: Uint8Array | string): void;
  /**
   * Sends bytes as they are, any number of them.
   *
   * @throws `ERR_MILLRACE_INVALID_ARGUMENT`.
   */
  write(bytes: Uint8Array | string): void;
  /** Flushes what was sent, then closes. Replies that are still owed are not waited for. */
  end(): void;
  /** Closes at once; what is not yet sent is lost. */
  destroy(): void;
  [inspect.custom](): string;
}

/** What may be said about a listener's connections. */
export declare interface ConnectionHandlers {
  open?(connection: Connection): unknown;
  /** The last of a connection; `detail` says more where there is more to say. */
  close?(connection: Connection, reason: CloseReason, detail: string): unknown;
  /** A handler failed, or a system call in a way that is no mere reset; `close` follows. */
  error?(connection: Connection, error: Error): unknown;
}

/** The consumer of a stage's events. */
export declare class Consumer<E extends object> extends StageConsumer<E, EventBatch<E>> {}

/** How a consumer takes events. */
export declare interface ConsumerOptions {
  /**
   * Most places of the ring that one batch covers: events, or 32-byte granules of records, where the batch ends with the
   * record that reaches it. Default: a quarter of the ring, so that producers go on meanwhile.
   */
  readonly maxBatch?: number;
  /**
   * `'auto'` (default) releases a batch at the next step, and all batches are one object, reused. With `'manual'` only
   * {@link StageConsumer.release} releases: each batch is an object of its own, and any number of them may be held; but a worker of a
   * shared stage gets its next when all of the last is released.
   */
  readonly release?: 'auto' | 'manual';
}

declare interface Copies<F extends Fields> {
  /** A plain object with the fields, to keep. */
  copy(): {
    [K in keyof F]: FieldValue<F[K]>;
  };
}

/** One that is open, and the set it is in. */
declare interface Entry {
  readonly one: WeakRef<Opened>;
  /** What is closed in its place when it is forgotten; does not refer to it. */
  readonly seat: Opened;
  readonly all: OpenedSeats;
}

/** A code of {@link errorCodes}. */
export declare type ErrorCode = keyof typeof errorCodes;

/**
 * Every code Millrace throws or rejects with, and what it means in one line.
 *
 * `docs/errors.md` has a row for each: what happened, what was lost, what to do.
 */
export declare const errorCodes: Readonly<{
  ERR_MILLRACE_INVALID_ARGUMENT: 'An argument or option has a value that is not allowed.';
  ERR_MILLRACE_CLOSED: 'The object was closed and takes nothing new.';
  ERR_MILLRACE_FULL: 'There is no room, and waiting for it was not asked for.';
  ERR_MILLRACE_TIMEOUT: 'The timeout of a wait passed first.';
  ERR_MILLRACE_ABORTED: 'The signal of a wait was aborted first.';
  ERR_MILLRACE_CANCELLED: 'The task, or the scope it belongs to, was cancelled.';
  ERR_MILLRACE_WOULD_BLOCK: 'The call would block a thread that must not block.';
  ERR_MILLRACE_FIELD_OWNERSHIP: 'A stage wrote a field that it does not own, or would read one that is being written.';
  ERR_MILLRACE_STALE: 'An event, record, message or claim was used after its step was over, or it was released.';
  ERR_MILLRACE_FRAME_TOO_LARGE: 'A frame is larger than its framing allows.';
  ERR_MILLRACE_PROTOCOL: 'A peer sent bytes that its framing does not allow.';
  ERR_MILLRACE_WRITE_LIMIT: 'A connection has more unsent bytes than its write limit.';
  ERR_MILLRACE_CONSUMER_FAILED: 'A consumer failed and its ring is stopped.';
  ERR_MILLRACE_BATCH_RESULT: 'A batch handler did not return one result for each item it took.';
  ERR_MILLRACE_TASK_FAILED: 'A task threw something that is not an error, or that cannot travel.';
  ERR_MILLRACE_TASK_TERMINATED: 'The thread that ran a task ended before the task did.';
  ERR_MILLRACE_NATIVE_MISSING: 'No native binary for this platform could be loaded.';
  ERR_MILLRACE_INTERNAL: 'A defect in Millrace: a native part panicked or broke an invariant.';
}>;

/** An event as its producer sees it: every field may be written. */
declare type Event_2<F extends Fields> = {
  -readonly [K in keyof F]: FieldValue<F[K]>;
};
export { Event_2 as Event };

/**
 * All events that were ready, in order. Valid until the next step of the consumer, or with `release: 'manual'` until
 * its events are released; the events in it are one reused view, each valid until the next one is asked for.
 */
export declare class EventBatch<E extends object> implements Iterable<E> {
  #private;
  /** Number of events, those included that were released early. */
  get length(): number;
  /** The number of the first event: events are counted from 0 on, exactly, for the ring's life. */
  get sequence(): number;
  /** The number behind the last event: who releases it is done with the batch. */
  get end(): number;
  /** The event at `index`, counted from the end when negative; undefined beyond the batch. */
  at(index: number): E | undefined;
  /** Every event in order, from the first that was not released. One iteration at a time. */
  [Symbol.iterator](): Iterator<E>;
}

/** The fields of an event, by name. */
export declare type Fields = Readonly<Record<string, FieldType>>;

/**
 * The type of a field: a number, an array of numbers of fixed length (`'f64[5]'`, `'u64:number[4]'`), fixed bytes
 * (`'bytes(32)'`; fewer are filled up with zeros) or text of at most so many bytes of UTF-8 (`'utf8(32)'`). Lengths are 1
 * to 65,535.
 */
export declare type FieldType =
  | NumberType
  | `${NumberType}[${number}]`
  | `bytes(${number})`
  | `utf8(${number})`;

/** What a program sees of a field. */
export declare type FieldValue<T extends FieldType> = T extends 'i64' | 'u64'
  ? bigint
  : T extends NumberType
    ? number
    : T extends `${'i64' | 'u64'}[${number}]`
      ? ArrayLike<bigint>
      : T extends `${NumberType}[${number}]`
        ? ArrayLike<number>
        : T extends `bytes(${number})`
          ? Uint8Array
          : string;

/**
 * Looks after objects that have to be closed: one that is collected before is given back, and the process gets one
 * warning a kind, `MILLRACE_FORGOTTEN`.
 */
declare class Forgotten<Held> {
  #private;
  /**
   * @param message Of the warning: `'a ring was collected without close() or detach()'`.
   * @param giveBack Called with what was held for an object that was collected; it must not refer to the object.
   *   False when there is nothing to warn of.
   */
  constructor(message: string, giveBack?: (held: Held) => boolean);
  /** From now on it has to be closed. */
  watch(thing: WeakKey, held: Held): void;
  /** It was closed. */
  unwatch(thing: WeakKey): void;
}

declare const forgotten: {
  consumer: Forgotten<Entry>;
  producer: Forgotten<Entry>;
};

/** How bytes become messages, and messages bytes; made by {@link framing}. */
export declare interface Framing {
  readonly kind: 'lines' | 'resp';
  /** Most bytes of a message. */
  readonly max: number;
  /** RESP: most arguments of a request. */
  readonly maxArguments: number;
}

/** Framings, in native code: bounded, and whole messages only. */
export declare const framing: {
  /**
   * A message is a line, ended by LF or CRLF, which is not part of it. What is sent gets LF.
   *
   * @param options `max`: most bytes of a line, 1 to 64 MiB, default 65,536.
   */
  readonly lines: ({ max }?: { readonly max?: number }) => Framing;
  /**
   * A message is a request of the Redis protocol (RESP2): an array of bulk strings, or an inline
   * command. Its arguments are read with {@link RespArguments}. What is sent is one encoded value,
   * see {@link resp}. What is not the protocol is answered in Redis's words and ends the connection.
   *
   * @param options `max`: most bytes of a request, 1 to 64 MiB, default 1 MiB; `maxArguments`: 1 to 1,048,576, default
   *   1,048,576.
   * @throws `ERR_MILLRACE_INVALID_ARGUMENT`.
   */
  readonly resp: ({
    max,
    maxArguments,
  }?: {
    readonly max?: number;
    readonly maxArguments?: number;
  }) => Framing;
};

/**
 * What another thread attaches to an object with: plain data that survives `workerData` and
 * `postMessage`. `X` is the class it was made by.
 */
export declare interface Handle<X> {
  /** Exists in types only. */
  readonly [made]?: X;
}

/** What a hash stage reads and writes. */
export declare interface HashOptions {
  /** The field that gets the digest: `bytes(n)`, which the stage must own. */
  readonly to: string;
  /**
   * The field that is hashed, of type `bytes(n)` or `utf8(n)`; the payload of a record when left out. No stage that may
   * run at the same time may own it.
   */
  readonly from?: string;
}

/** How a consumer feeds a queue. */
export declare interface IntoOptions<E, Item> {
  /** The item of an event, whose number is `sequence`; undefined when the event is dealt with and needs none. */
  readonly map: (event: E, sequence: number) => Item | undefined;
  /**
   * Told of each item that failed, whose event is then released. Without it the first failure ends the feed, and the
   * event comes again to who opens the stage next.
   */
  readonly failed?: (error: unknown) => void;
  /**
   * Aborting it ends the feed with `ERR_MILLRACE_ABORTED` when what was given to the queue has settled; the rest comes
   * again.
   */
  readonly signal?: AbortSignal;
}

/** How messages become records. */
export declare interface IntoRingOptions<Field extends string> extends ConnectionHandlers {
  /** A `u32` header field that gets the reply token. */
  readonly reply?: Field;
  /** A `u32` header field that gets the connection's number. */
  readonly connection?: Field;
}

/** How a stage joins a ring; `N` are the names of its declared stages. */
export declare interface JoinOptions<N extends string = string> extends ConsumerOptions {
  /** Declared stages that must be done with an event first; the producers when left out. */
  readonly after?: readonly N[];
  /**
   * - `'now'` (default): begins at the next event that those it follows will have done; with the producers at the next
   *   one to be flushed.
   * - `'oldest'`: begins at the oldest event that a declared stage has not released. All from there on are still in the
   *   ring.
   */
  readonly from?: 'now' | 'oldest';
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
export declare class Listener implements Source<MessageBatch> {
  #private;
  /** The address it listens on. */
  readonly host: string;
  /** The real one, also where 0 was asked for. */
  readonly port: number;
  private constructor();
  /**
   * The listener behind a handle, in another thread than its own: to {@link reply}, and to look at
   * {@link stats}. Holds no event loop.
   *
   * @throws `ERR_MILLRACE_INVALID_ARGUMENT`.
   */
  static attach(handle: Handle<Listener>): Listener;
  /** Plain data with which another thread attaches. */
  get handle(): Handle<Listener>;
  /**
   * Gives messages to handlers, many in one turn of the event loop, in the order of each connection. What a handler
   * throws, or a promise it returns rejects with, closes its connection and goes to `error`, or is uncaught without.
   *
   * @throws `ERR_MILLRACE_INVALID_ARGUMENT` also when messages go elsewhere already; `ERR_MILLRACE_CLOSED`.
   */
  serve(handlers: ListenerHandlers): this;
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
    options?: IntoRingOptions<keyof H & string>,
  ): this;
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
  receive(options?: WaitOptions): Operation<MessageBatch | undefined>;
  /**
   * Batches of messages over all connections, until the listener is closed. Leaving the loop closes nothing; messages
   * that were not passed come again to the next who waits.
   *
   * @throws `ERR_MILLRACE_INVALID_ARGUMENT` when messages go elsewhere already, and in a thread that has attached.
   */
  [Symbol.asyncIterator](): AsyncIterator<MessageBatch, undefined>;
  /**
   * Answers a message by its token, once, from any thread that has attached. Framed. Answers of a connection go out
   * in the order of its messages (unless `replies: 'any'`); those that come early wait. An answer to a connection that
   * is gone is dropped, and so is a second answer.
   *
   * @param payload One message, of any size; text is sent as UTF-8.
   * @param options `end` closes the connection behind this answer.
   * @throws `ERR_MILLRACE_INVALID_ARGUMENT`; `ERR_MILLRACE_CLOSED` after {@link detach}.
   */
  reply(token: number, payload: Uint8Array | string, options?: ReplyOptions): void;
  /** Totals since it was opened, from any thread; after its end the last ones this thread has seen. */
  stats(): ListenerStatistics;
  /**
   * Ends the listener in good order: accepts and reads no more, delivers whole messages, waits until all are
   * answered and sent, and closes each connection as soon as that is so.
   *
   * @param options `timeout`: milliseconds after which what is left is closed at once; default: never.
   * @throws Rejects with `ERR_MILLRACE_INVALID_ARGUMENT`.
   */
  drain(options?: { readonly timeout?: number }): Promise<ListenerClosed>;
  /**
   * Ends the listener and its connections at once; with a `timeout`, as {@link drain}. While it drains, it closes what
   * is left. In a thread that has attached: {@link detach}.
   */
  close(options?: { readonly timeout?: number }): Promise<ListenerClosed>;
  /**
   * Lets go of the listener in a thread that has attached; what it said is still sent. In the listener's own thread, the
   * same as {@link close}.
   */
  detach(): void;
  /** Keeps this thread's event loop alive, as an open listener does in its own thread unless said otherwise. */
  ref(): this;
  /** See {@link ref}. */
  unref(): this;
  [Symbol.asyncDispose](): Promise<void>;
  [inspect.custom](): string;
}

/** How a listener's connections ended. */
export declare interface ListenerClosed {
  /** Connections that got all they were owed. */
  readonly drained: number;
  /** Connections that were closed with replies owed, or bytes unsent. */
  readonly cut: number;
}

/** What `serve` takes. */
export declare interface ListenerHandlers extends ConnectionHandlers {
  /** A message came. It is a reused view: valid until this returns, or comes to its first `await`. */
  message(connection: Connection, message: Message): unknown;
}

/** Totals of a listener since it was opened; `connections` and `owed` are what is so now. */
export declare interface ListenerStatistics {
  readonly connections: number;
  /** Connections accepted and served. */
  readonly accepted: number;
  /** Connections accepted and closed at once, because there were `maxConnections`. */
  readonly refused: number;
  readonly bytesIn: number;
  /** Bytes handed over to be sent. */
  readonly bytesOut: number;
  /** Messages delivered. */
  readonly frames: number;
  /** Replies given. */
  readonly replies: number;
  /** Messages delivered and not yet answered. */
  readonly owed: number;
  /** Times that reading stopped because those who take the messages were behind. */
  readonly full: number;
  /** Times that reading from a connection stopped because it did not read. */
  readonly writePauses: number;
  /** Messages dropped by the write limit's policy `'drop'`. */
  readonly dropped: number;
  /** Connections that are over, by reason. */
  readonly closed: Readonly<Record<CloseReason, number>>;
}

/** What a listener is opened with. Times are milliseconds, sizes bytes. */
export declare interface ListenOptions {
  /** 0 for any free one. */
  readonly port: number;
  /** An address; default `'127.0.0.1'`. */
  readonly host?: string;
  /** Default: lines of up to 65,536 bytes. */
  readonly framing?: Framing;
  /** Beyond this many, connections are accepted and closed at once. Default 15,000. */
  readonly maxConnections?: number;
  /** Closes a connection that has been silent, and is owed nothing, for so long. Default: never. */
  readonly idleTimeout?: number;
  /** Closes a connection whose message is not whole so long after its first byte. Default: never. */
  readonly frameTimeout?: number;
  /**
   * Bytes that may wait for a peer that does not read, default 1 MiB, and what happens then: we stop reading from it
   * (`'pause'`, default), drop what it did not ask for, or close.
   */
  readonly writeLimit?: {
    readonly bytes?: number;
    readonly policy?: 'pause' | 'drop' | 'close';
  };
  /**
   * Whether replies keep the order of a connection's messages, however they come (`'ordered'`, default), go out as they
   * come (`'any'`), or there are none (`'none'`): then nothing is owed, and messages have no token.
   */
  readonly replies?: 'ordered' | 'any' | 'none';
  /** Messages of a connection that may wait for replies before we stop reading from it. Default 1,024. */
  readonly maxOwed?: number;
  /** Connections the kernel keeps ready for us. Default 4,096. */
  readonly backlog?: number;
}

/** What one object has this thread's event loop held for: any number of things, or none while it is not referenced. */
declare class LoopHold {
  #private;
  /** Holds the event loop until {@link release} is called as often. */
  hold(): void;
  /** Takes one {@link hold} back. */
  release(): void;
  /** Whether what is held counts. */
  reference(value: boolean): void;
}

declare const made: unique symbol;

/**
 * A message of a connection: one view that is reused, valid within the handler's synchronous part,
 * or until the next step of an iteration. To answer later, keep the {@link token} and use `listener.reply`.
 *
 * With `MILLRACE_CHECK=1` a later use throws `ERR_MILLRACE_STALE`.
 */
export declare class Message {
  #private;
  /** The payload, without framing: a Buffer over shared memory. */
  get bytes(): Buffer_2;
  /** The payload as text, read as UTF-8. */
  get text(): string;
  /** Bytes of the payload. */
  get length(): number;
  /** The payload as an ordinary Buffer, to keep. */
  copy(): Buffer_2;
  /** What is owed for this message: for `listener.reply`, from any thread. 0 with `replies: 'none'`. */
  get token(): number;
  /** Whom it came from. */
  get connection(): Connection;
  /**
   * Answers this message, once; see `listener.reply`.
   *
   * @param payload One message; framed by the listener's framing. Text is sent as UTF-8.
   * @throws `ERR_MILLRACE_INVALID_ARGUMENT`.
   */
  reply(payload: Uint8Array | string, options?: ReplyOptions): void;
  [inspect.custom](): string;
}

/**
 * Messages that came together, over all connections, in the order of each. Valid until the next wait for messages; the
 * messages in it are one reused view, each valid until the next one is asked for.
 */
export declare interface MessageBatch extends Iterable<Message> {}

/**
 * Every error of Millrace, told apart by `code`. Failures of the operating system are the exception:
 * they keep Node's shape, a plain `Error` with `code` (`'EADDRINUSE'`), `errno` and `syscall`.
 *
 * `instanceof` holds across copies of the package and across realms. An error with
 * `ERR_MILLRACE_INVALID_ARGUMENT` is a `TypeError` as well.
 *
 * @example
 * try {
 *   await queue.push(row, { timeout: 100 });
 * } catch (error) {
 *   if (error instanceof MillraceError && error.code === 'ERR_MILLRACE_TIMEOUT') retryLater(row);
 *   else throw error;
 * }
 */
export declare class MillraceError extends Error {
  /** Every code with its meaning in one line. */
  static readonly codes: typeof errorCodes;
  /** What happened, for programs. */
  readonly code: ErrorCode;
  constructor(code: ErrorCode, message?: string, options?: ErrorOptions);
  static [Symbol.hasInstance](value: unknown): boolean;
}

/** Native work. */
export declare const native: {
  /**
   * Writes the hash of each event or record into one of its fields. A field shorter than the hash gets its beginning.
   *
   * @param algorithm `'sha256'`: 32 bytes.
   * @throws `ERR_MILLRACE_INVALID_ARGUMENT`. Fields are checked when the stage is run: their names and types, and with
   *   `ERR_MILLRACE_FIELD_OWNERSHIP` who owns them.
   *
   * @example
   * const scheduler = Scheduler.create();
   * const records = ByteRing.create({
   *   capacity: 1 << 16,
   *   header: { digest: 'bytes(32)' },
   *   stages: { digest: { writes: ['digest'] } },
   * });
   * const done = records.run('digest', native.hash('sha256', { to: 'digest' }), { scheduler });
   * await records.close();
   * await done;
   * await scheduler.close();
   */
  readonly hash: (algorithm: 'sha256', options: HashOptions) => NativeStage;
};

/**
 * How native work is run as a stage, and what happens when it fails on an event: as {@link RunOptions} say, with two
 * differences. `skipped` is called on the event loop of the thread that called `run`, maybe behind events that the stage
 * has gone on with; what has not been told waits in memory. And a back-off blocks no thread.
 */
export declare interface NativeRunOptions extends RunOptions {
  /** One that this thread made. */
  readonly scheduler: Scheduler;
}

/** Native work that a scheduler can run as a stage of a ring; made by {@link native}. */
export declare interface NativeStage {}

/** The fields of a header that was left out. */
declare type NoFields = Readonly<Record<never, FieldType>>;

/**
 * A numeric field: what JavaScript sees is a number, or a BigInt for `i64` and `u64`.
 *
 * `'i64:number'` and `'u64:number'` lie in memory as `i64` and `u64` do, and are seen as numbers, without a BigInt being
 * made: exact from -(2^53 - 1) to 2^53 - 1. What native code wrote beyond that is read as the nearest number, as
 * `Number(bigint)` gives it, which `Number.isSafeInteger` tells; assigning anything but a safe integer (of
 * `'u64:number'` from 0 on) throws `ERR_MILLRACE_INVALID_ARGUMENT`.
 */
export declare type NumberType =
  | 'i8'
  | 'u8'
  | 'i16'
  | 'u16'
  | 'i32'
  | 'u32'
  | 'f32'
  | 'f64'
  | 'i64'
  | 'u64'
  | 'i64:number'
  | 'u64:number';

/** What claims of both kinds of rings have in common: they are open until they are committed or aborted. */
declare abstract class OpenClaim {
  #private;
  /** Number of slots, or of payload bytes. */
  readonly length: number;
  /**
   * Publishes at once what is used: the first `used` slots, or a record of the first `used` payload bytes.
   *
   * @param used From 0 to `length`, which is the default.
   * @throws `ERR_MILLRACE_INVALID_ARGUMENT`: nothing happened; `ERR_MILLRACE_STALE` when the claim has ended. A ring
   *   that was closed after the claim still takes it; on one that a consumer failed it is counted as lost.
   */
  commit(used?: number): void;
  /** Gives all of it up. Nothing when the claim has ended. */
  abort(): void;
  [Symbol.dispose](): void;
  [inspect.custom](): string;
}

/**
 * Something that can be waited for. It is lazy: nothing happens, and nothing is taken, until it is
 * awaited. It happens once: awaiting it again gives the same outcome.
 */
export declare interface Operation<T> extends PromiseLike<T> {}

declare type Owned<S> = S extends {
  readonly writes: readonly (infer W)[];
}
  ? W
  : never;

/**
 * Publishes events, for the thread that opened it. Consumers see them after a flush: 256 at a time (a quarter of a ring
 * of fewer than 1,024 slots), at the end of the turn, before this thread waits or blocks, after each batch inside `run`,
 * or by {@link flush}. So an event is seen at the latest when this thread's turn of the event loop ends; on a full
 * `'multi'` ring, when there is room.
 *
 * Events accepted and not flushed when the thread is terminated, or when a consumer fails and stops the ring, are
 * lost, and counted in the ring's `stats()`. A ring that is closed still takes them.
 */
export declare abstract class Producer<E extends object> extends RingProducer {
  #private;
  /**
   * Accepts an event if there is room. Allocates nothing.
   *
   * @param write Fills the event; when it throws, nothing was accepted.
   * @param argument What `write` gets beside the event.
   * @returns false when the ring is full, and of a `'multi'` ring this producer's staging memory too: nothing was accepted.
   * @throws `ERR_MILLRACE_CLOSED`, `ERR_MILLRACE_CONSUMER_FAILED`, `ERR_MILLRACE_INVALID_ARGUMENT`. A `write` that is no
   *   function gets the ordinary `TypeError` of calling one on rings of a single producer, unless `MILLRACE_CHECK=1`:
   *   looking with each event would cost a fifth of it.
   */
  abstract tryPublish<A = undefined>(write: Write<E, A>, argument?: A): boolean;
  /**
   * Accepts an event, waiting for room. Costs a promise: where events are many, {@link tryPublish} and {@link ready} when
   * that is false.
   *
   * @throws Rejects as {@link tryPublish} throws, and with `ERR_MILLRACE_TIMEOUT` or `ERR_MILLRACE_ABORTED`.
   */
  publish<A = undefined>(write: Write<E, A>, argument?: A, options?: WaitOptions): Promise<void>;
  /**
   * Accepts `n` events, waiting for room as often as needed.
   *
   * @param n From 1 to the ring's capacity.
   * @throws Rejects as {@link publish} does; what was accepted until then stays so.
   */
  publishMany<A = undefined>(
    n: number,
    write: WriteMany<E, A>,
    argument?: A,
    options?: WaitOptions,
  ): Promise<void>;
  /**
   * Claims `n` slots if there is room: what was accepted before is flushed, so that it comes before them. Publishing
   * anything else with this producer throws until the claim is committed or aborted.
   *
   * @param n From 1 to the ring's capacity.
   * @returns undefined when there is no room for all of them now.
   * @throws `ERR_MILLRACE_INVALID_ARGUMENT`, also while this producer has another claim open; `ERR_MILLRACE_CLOSED`,
   *   `ERR_MILLRACE_CONSUMER_FAILED`.
   */
  tryClaim(n: number): Claim<E> | undefined;
  /**
   * Claims `n` slots, waiting for room for all of them.
   *
   * @throws Rejects as {@link tryClaim} throws, and with `ERR_MILLRACE_TIMEOUT` or `ERR_MILLRACE_ABORTED`: then nothing
   *   is claimed.
   */
  claim(n: number, options?: WaitOptions): Promise<Claim<E>>;
  /**
   * Waits until there is room for one event; of a `'multi'` ring another producer may take it first.
   *
   * @throws Rejects with `ERR_MILLRACE_CLOSED`, `ERR_MILLRACE_CONSUMER_FAILED`, `ERR_MILLRACE_TIMEOUT` or
   *   `ERR_MILLRACE_ABORTED`.
   */
  ready(options?: WaitOptions): Operation<void>;
}

/**
 * A native thread that does the I/O of any number of listeners and turns it into messages.
 *
 * Holds no event loop by itself; its listeners do.
 *
 * @example
 * await using reactor = Reactor.create();
 * const listener = await reactor.listen({ port: 6390, framing: framing.resp() });
 */
export declare class Reactor {
  #private;
  private constructor();
  /**
   * Starts a reactor. It ends by {@link close}, or with this thread.
   *
   * @throws `ERR_MILLRACE_INVALID_ARGUMENT`, also for an engine that this system does not have.
   */
  static create(options?: ReactorOptions): Reactor;
  /**
   * Opens a listener.
   *
   * @throws Rejects with `ERR_MILLRACE_INVALID_ARGUMENT`, or the system's error in Node's shape: `EADDRINUSE`.
   */
  listen(options: ListenOptions): Promise<Listener>;
  /** Totals since it was made, cheap and exact; after its end the last ones. */
  stats(): ReactorStatistics;
  /**
   * Ends its listeners at once (with a `timeout`, in good order within it), and then its thread.
   *
   * @param options `timeout`: milliseconds, see `listener.drain`.
   * @throws Rejects with `ERR_MILLRACE_INVALID_ARGUMENT`.
   */
  close(options?: { readonly timeout?: number }): Promise<void>;
  [Symbol.asyncDispose](): Promise<void>;
  [inspect.custom](): string;
}

/** How a reactor runs. */
export declare interface ReactorOptions {
  /** `'auto'` (default) takes the best this system has; `'epoll'`, `'kqueue'` and `'iocp'` insist. */
  readonly engine?: 'auto' | 'epoll' | 'kqueue' | 'iocp';
  /** Native threads; one, for the time being. */
  readonly threads?: 1;
  /** The native thread's name; the kernel shows the first 15 bytes. */
  readonly name?: string;
  /** Microseconds the thread looks for work before it sleeps, after a turn that had some; default 20. */
  readonly spin?: number;
}

/** Totals of a reactor since it was made; `connections` is what is so now. */
export declare interface ReactorStatistics {
  /** The engine that runs: `'epoll'`, `'kqueue'` or `'iocp'`. */
  readonly engine: string;
  readonly connections: number;
  /** Turns of its loop, and those in which it slept. */
  readonly turns: number;
  readonly blocked: number;
  /** Things the engine reported. */
  readonly completions: number;
  /** Wakes that needed a system call because it slept, and those that could be spared. */
  readonly wakes: number;
  readonly elided: number;
  /** Replies and commands taken. */
  readonly outgoing: number;
  /** Replies that were given already, or whose connection is gone. */
  readonly staleReplies: number;
  /** What was said to connections that are gone. */
  readonly staleConnections: number;
  /** Connections closed unserved because the process had no descriptor left. */
  readonly outOfDescriptors: number;
  /** Defects in Millrace that ended a listener or an outbox. */
  readonly panics: number;
}

/**
 * A `Buffer` over an event's field that the stage does not own: the compiler refuses to write into it, and yet it goes
 * wherever a `Buffer` or `Uint8Array` does. What is made of it (`subarray`, `buffer`) is not looked after.
 */
export declare type ReadonlyBuffer = {
  readonly [K in keyof Buffer_2]: K extends Writing ? never : Buffer_2[K];
};

/**
 * Records that were ready, in order. Valid until the next step of the consumer, or with `release: 'manual'` until they
 * are released; the records in it are one reused view, each valid until the next one is asked for.
 */
export declare class RecordBatch<R extends object> implements Iterable<R> {
  #private;
  /** The number of the first record's place in the ring, exact; records take one or more places. */
  get sequence(): number;
  /** The number behind the last record: who releases it is done with the batch. */
  get end(): number;
  /**
   * Number of records. They tell only one after another where the next begins, so who asks first for this or for
   * {@link at} goes through all of them, and through those alone that were not released by then.
   */
  get length(): number;
  /** The record at `index`, counted from the end when negative; undefined beyond the batch. Costs as {@link length} does. */
  at(index: number): R | undefined;
  /** Every record in order, from the first that was not released. One iteration at a time. */
  [Symbol.iterator](): Iterator<R>;
}

/**
 * A record that a producer has claimed and not published yet: fill its header and its payload in place, in any order, then
 * {@link commit}. Disposed of without that, the claim is aborted: no consumer sees it, and nobody waits for it.
 *
 * Until it ends, its producer publishes nothing else, and what other producers of the ring publish meanwhile is not
 * seen: it should end soon. One whose thread ends is given up for it.
 *
 * @example
 * const ring = ByteRing.create({ capacity: 4096, header: { kind: 'u8' }, stages: { print: {} } });
 * const out = ring.producer();
 * using claim = out.tryClaim(100) ?? (await out.claim(100));
 * claim.header.kind = 7;
 * claim.commit(claim.bytes.write('a hundred bytes at most'));
 * ring.detach();
 */
export declare class RecordClaim<H extends object> extends OpenClaim {
  #private;
  /**
   * The header fields, which are zeros before. Valid until the claim ends.
   *
   * @throws `ERR_MILLRACE_STALE` when the claim has ended.
   */
  get header(): H;
  /**
   * The payload: a Buffer of `length` bytes over the ring, which still has what was there a lap ago. Not to be written
   * when the claim has ended: nothing finds that, also with `MILLRACE_CHECK=1`.
   *
   * @throws `ERR_MILLRACE_STALE` when the claim has ended.
   */
  get bytes(): Buffer_2;
}

/** What a reply may say beside its payload. */
export declare interface ReplyOptions {
  /** Closes the connection once this reply is flushed; replies owed for later messages are not sent. */
  readonly end?: boolean;
}

/** Encoders of the Redis protocol, version 2: each gives one value, ready to be sent. */
export declare const resp: {
  /** A short text without line ends: `+OK`. */
  readonly simple: (text: string) => RespValue;
  /** An error; by custom it begins with a word in capitals: `ERR unknown command`. */
  readonly error: (text: string) => RespValue;
  readonly integer: (value: number | bigint) => RespValue;
  /** Bytes, or text in UTF-8. */
  readonly bulk: (value: Uint8Array | string) => RespValue;
  /** No value: a missing key. */
  readonly nil: () => RespValue;
  /** An array of values that are encoded already. */
  readonly array: (values: readonly RespValue[]) => RespValue;
};

/**
 * The arguments of a RESP request. One object serves for all requests; it looks at the request it
 * read last and is valid as long as that is.
 *
 * The payload of a request is a table and the arguments' bytes behind one another: the number of
 * arguments, then the end of each in the bytes, all 32-bit little-endian.
 */
export declare class RespArguments {
  #private;
  /** Looks at another request. */
  read(source: RespSource): this;
  /** Number of arguments; the first is the command's name. */
  get length(): number;
  /** Bytes of an argument. */
  byteLength(index: number): number;
  /** An argument as a view of the request, valid as long as that is. */
  bytes(index: number): Buffer_2;
  /** An argument as a Buffer of its own. */
  copy(index: number): Buffer_2;
  /** Copies an argument into `target`; the offset behind it. */
  copyTo(index: number, target: Buffer_2, offset: number): number;
  /** An argument as text, read as UTF-8. */
  string(index: number): string;
  /** Whether an argument is this ASCII text, in capitals or not. */
  equals(index: number, text: string): boolean;
}

/** What arguments are read from: a message of a listener, or a record it was put into. */
export declare interface RespSource {
  readonly bytes: Buffer_2;
}

/** One encoded value of the Redis protocol. */
export declare type RespValue = string | Buffer_2;

/**
 * A preallocated ring of typed events that threads share: producers write them in place, stages
 * consume them in the order of a graph, nothing is copied or allocated an event, and a slow stage
 * holds the producers back.
 *
 * Events lie in a SharedArrayBuffer, so main thread, workers and native threads take part alike.
 * The algorithm is the LMAX Disruptor's.
 *
 * @example
 * const orders = Ring.define({ fields: { id: 'u32', price: 'f64' }, stages: { store: {} } });
 * const ring = Ring.create({ ...orders, capacity: 1024 });
 * const out = ring.producer();
 * out.tryPublish((event, price) => { event.price = price; }, 12.5);
 * const closed = ring.close(); // takes nothing more; what was accepted is consumed
 * for await (const batch of ring.consumer('store')) {
 *   for (const event of batch) console.log(event.price);
 * }
 * await closed;
 */
export declare class Ring<F extends Fields, S extends Stages> extends SharedRing {
  #private;
  private constructor();
  /**
   * Fields and stages of a ring, checked; for {@link create} and, in other threads, for {@link attach}.
   *
   * @throws `ERR_MILLRACE_INVALID_ARGUMENT`: a field or stage that cannot be, stages in a circle, a field owned by two
   *   stages that may run at the same time.
   */
  static define<
    const F extends Fields,
    Names extends string,
    const S extends CheckedStages<F, Names>,
  >(definition: {
    fields: F;
    stages: S & CheckedStages<F, keyof S & string>;
  }): RingDefinition<F, S>;
  /**
   * Makes a ring.
   *
   * @param options `capacity` is the number of slots, a power of two from 2 to 2^30. All of the ring, which is allocated
   *   at once, has less than 2 GiB: a slot takes its fields' bytes, rounded up to a multiple of 8.
   * @throws `ERR_MILLRACE_INVALID_ARGUMENT`.
   */
  static create<F extends Fields, S extends Stages>(
    options: RingDefinition<F, S> &
      RingOptions & {
        readonly capacity: number;
      },
  ): Ring<F, S>;
  /**
   * The ring behind a handle, in another thread than the one that made it.
   *
   * @param definition Types the ring; what it says is checked against the handle.
   * @throws `ERR_MILLRACE_INVALID_ARGUMENT` for something else than a ring's handle, or another version's.
   */
  static attach<F extends Fields, S extends Stages>(
    handle: Handle<Ring<F, S>>,
    definition?: RingDefinition<F, S>,
  ): Ring<F, S>;
  /** Number of slots. */
  get capacity(): number;
  /**
   * Opens a producer for this thread.
   *
   * @throws `ERR_MILLRACE_INVALID_ARGUMENT` when the seat is taken: a ring has one, or `maxProducers` when `producers` is
   *   `'multi'`; `ERR_MILLRACE_CLOSED` when this thread has detached.
   */
  producer(): Producer<Event_2<F>>;
  /**
   * Opens a stage for this thread: it goes on behind what was released last. A stage with `workers` is opened as often
   * as it has them, each time for a share of its events.
   *
   * @throws `ERR_MILLRACE_INVALID_ARGUMENT` when there is no such stage, or somebody has it open, or all its workers;
   *   `ERR_MILLRACE_CLOSED` when this thread has detached. On a ring that was closed it gets what was accepted.
   */
  consumer<N extends keyof S & string>(
    name: N,
    options?: ConsumerOptions,
  ): Consumer<StageEvent<F, S[N]>>;
  /**
   * Joins the ring as a stage that was not declared, while events flow: from any thread, up to `maxConsumers` stages at
   * a time. It sees every event from where it begins, once and in order; the others lose and double nothing.
   *
   * The stage reads events only. It holds the producers back as every last stage does, until it leaves: by `close()` of
   * its consumer, when this thread ends or detaches, or when the consumer is forgotten. What it has not released by then
   * comes to nobody again. Other stages cannot follow it. {@link close} waits for it. Costs one native call.
   *
   * @param name Of 1 to 48 bytes, and nobody else's among declared stages and those that have joined.
   * @param options Whom it follows, where it begins, and what {@link consumer} takes.
   * @throws `ERR_MILLRACE_FULL` when all seats are taken; `ERR_MILLRACE_CLOSED` and `ERR_MILLRACE_CONSUMER_FAILED` when
   *   the ring has ended; `ERR_MILLRACE_INVALID_ARGUMENT`.
   *
   * @example
   * const orders = Ring.define({ fields: { price: 'f64' }, stages: { store: {} } });
   * const ring = Ring.create({ ...orders, capacity: 64 });
   * using out = ring.producer();
   * for (const price of [1, 2, 3]) out.tryPublish((event, price) => { event.price = price; }, price);
   * out.flush();
   * using watch = ring.join('watch', { from: 'oldest' });
   * for (const event of watch.poll() ?? []) console.log(event.price); // 1, 2, 3
   */
  join(
    name: string,
    options?: JoinOptions<keyof S & string>,
  ): Consumer<StageEvent<F, StageOptions>>;
}

/** What {@link SharedRing.close} ended with. */
export declare interface RingClosed {
  /**
   * Events (places, of a byte ring) that every stage has consumed, since the ring was made. Exact unless producers have
   * given 2^32 claimed slots up.
   */
  readonly consumed: number;
  /**
   * Those that were published and not consumed by every stage when the timeout passed: also what waits behind a claim
   * that another producer has open, but not what is claimed.
   */
  readonly abandoned: number;
}

/** The fields of a ring's events, and its stages: shared by the code of all threads. */
export declare interface RingDefinition<F extends Fields, S extends Stages> {
  readonly fields: F;
  readonly stages: S;
}

/** What a ring of either kind is made with. */
export declare interface RingOptions {
  /**
   * `'single'` (default): one producer at a time, which costs least. `'multi'`: up to `maxProducers`, in any threads;
   * costs 8 bytes a slot, and a native call a flush.
   */
  readonly producers?: 'single' | 'multi';
  /** Producers of a `'multi'` ring at a time, 1 to 32; default 8. */
  readonly maxProducers?: number;
  /**
   * Stages at a time, the declared ones and those that {@link Ring.join}: from as many as are declared to 31, less the
   * workers of shared stages; default: 8 more than are declared, as far as there are that many. Each costs 128 bytes.
   */
  readonly maxConsumers?: number;
  /** How consumers without events wait, all of them alike; default `'adaptive'`. */
  readonly wait?: Wait;
}

/** What producers of both kinds of rings have in common. */
export declare abstract class RingProducer {
  #private;
  /**
   * Makes what was accepted visible, and wakes consumers that wait for it. On a full `'multi'` ring the rest follows when
   * there is room.
   */
  flush(): void;
  /** Events (places, of a byte ring) accepted and not yet seen by consumers. */
  get staged(): number;
  /** Whether waiting for room keeps the event loop alive; it does unless said otherwise. */
  ref(): this;
  /** See {@link ref}. */
  unref(): this;
  /**
   * Takes nothing more, flushes, aborts a claim that is open, and gives this producer's seat to others: on a full
   * multi-producer ring not before there was room for all that was accepted.
   */
  close(): void;
  [Symbol.dispose](): void;
  [inspect.custom](): string;
}

/** Counts of a ring. */
export declare interface RingStatistics {
  /** Next event to be published: as many have been, with the slots that producers claimed and gave up between them. */
  readonly cursor: number;
  /** Slots, or bytes of a byte ring. */
  readonly capacity: number;
  /** Producers that are open now. */
  readonly producers: number;
  /**
   * Events (places, of a byte ring) that were accepted and never seen by consumers: their producer's thread ended
   * before they were flushed, or a consumer failed and stopped the ring. Wraps at 2^32.
   */
  readonly lost: number;
  /**
   * Slots (places, of a byte ring) that a producer claimed and gave up: by an abort, or because it used fewer. On `'multi'`
   * byte rings what a record uses of its claim keeps the rest. Wraps at 2^32.
   */
  readonly aborted: number;
  /** Slots that were claimed when their producer's thread ended, or let go of the ring: given up for it. Wraps at 2^32. */
  readonly recovered: number;
  /**
   * Wakes that producers made when they flushed, and those they could spare because nobody slept (on a ring whose
   * consumers never sleep neither is counted); of stages see {@link StageStatistics.wakes}. Wrap at 2^32.
   */
  readonly wakes: number;
  readonly elided: number;
  /** Declared stages, and those that have joined. */
  readonly stages: Readonly<Record<string, StageStatistics>>;
}

/**
 * What {@link StageConsumer.run} does when its handler throws, and {@link SharedRing.run} when its work fails on an
 * event. With each policy the fields that were assigned before keep what was assigned.
 */
export declare interface RunOptions {
  /**
   * - `'stop'` (default): the events before the failed one are released, the ring stops, producers are told
   *   `ERR_MILLRACE_CONSUMER_FAILED`, and `run` throws the error.
   * - `'skip'`: the event is passed over, counted in {@link StageStatistics.skipped}, told to {@link skipped}, and
   *   released with its batch, which goes on behind it. For handlers that deal with each event by itself: what one
   *   gathers until the end of a batch is not made good when the last event is passed over.
   * - `'retry'`: the batch is begun again from its first event that is not released, and its events are handed out as
   *   they are by then. When `attempts` are used up the ring stops as with `'stop'`; none of the batch is released by
   *   that, so all of it comes again to who opens the stage next.
   */
  readonly onError?: 'stop' | 'skip' | 'retry';
  /**
   * With `'skip'`: told of each event that is passed over, by its error and its number, before it is counted. What
   * this throws stops the ring, as with `'stop'`.
   */
  readonly skipped?: (error: unknown, sequence: number) => void;
  /** With `'retry'`: how often a batch is begun, the first time included, a whole number from 1; default 3. */
  readonly attempts?: number;
  /**
   * With `'retry'`: milliseconds before a batch is begun for the second time, doubled each time after that; default
   * 10, 0 is at once. What this thread has published is flushed before, and the thread blocks meanwhile.
   */
  readonly backoff?: number;
}

/**
 * Native threads that run native work as coroutines.
 *
 * Holds no event loop by itself; the work it runs does, see {@link Scheduler.unref}.
 */
export declare class Scheduler implements AsyncDisposable {
  #private;
  private constructor();
  /**
   * Starts a scheduler. It ends by {@link close}, or with this thread.
   *
   * @throws `ERR_MILLRACE_INVALID_ARGUMENT`.
   */
  static create(options?: SchedulerOptions): Scheduler;
  /**
   * Totals since it was made.
   *
   * @throws `ERR_MILLRACE_CLOSED`.
   */
  stats(): SchedulerStatistics;
  /**
   * Closes the scheduler: it takes no new work, and its threads end. Work that still runs then is cancelled where it
   * waits, and rejects with `ERR_MILLRACE_CLOSED`. Calling it again gives the same promise; the earliest timeout counts.
   *
   * @param options `timeout`: milliseconds that running work has to end by itself, as native stages do with their ring;
   *   `Infinity` for as long as it takes. Default 0.
   * @returns Rejects only with `ERR_MILLRACE_INVALID_ARGUMENT`, and the scheduler stays open then.
   */
  close(options?: { readonly timeout?: number }): Promise<void>;
  /** Closes the scheduler; work that runs is cancelled. */
  [Symbol.asyncDispose](): Promise<void>;
  /** Whether the work it runs keeps the event loop alive; it does unless said otherwise. */
  ref(): this;
  /** See {@link ref}. */
  unref(): this;
  [inspect.custom](): string;
}

/** How a scheduler runs. */
export declare interface SchedulerOptions {
  /** Native threads that run native work in coroutines, 1 to 256; default 1. */
  readonly nativeWorkers?: number;
  /** Name of the threads; the kernel shows the first 15 bytes. */
  readonly name?: string;
}

/** Totals of a scheduler since it was made; `parked` is what is so now. */
export declare interface SchedulerStatistics {
  readonly spawned: number;
  readonly finished: number;
  /** Coroutines that another worker started than the one they were queued on. */
  readonly steals: number;
  readonly parked: number;
  /** Wakes of a sleeping worker, and those that could be spared. */
  readonly wakes: number;
  readonly elided: number;
}

/** What both kinds of rings have in common. */
export declare abstract class SharedRing {
  #private;
  /** Slots, or bytes of a byte ring. */
  abstract get capacity(): number;
  /** Plain data with which another thread attaches: survives `workerData` and `postMessage`. */
  get handle(): Handle<this>;
  /**
   * Runs native work as a stage: in a coroutine on a scheduler's native threads, no JavaScript on the way.
   *
   * @param stage Opened for the work; the stage must own the fields it writes, and not be shared by `workers`.
   * @param options `scheduler`, and what happens when the work fails on an event; unless said otherwise the ring stops.
   * @returns A promise that resolves when the ring has ended, and rejects when the work cannot begin
   *   (`ERR_MILLRACE_INVALID_ARGUMENT`, `ERR_MILLRACE_FIELD_OWNERSHIP`), or failed and stopped the ring
   *   (`ERR_MILLRACE_INTERNAL`, or what `skipped` threw).
   */
  run(stage: string, work: NativeStage, options: NativeRunOptions): Promise<void>;
  /** Counts, cheap and exact, and the throughput of each stage since the last call. */
  stats(): RingStatistics;
  /**
   * Ends the ring for all threads: producers are refused with `ERR_MILLRACE_CLOSED`, stages consume what was
   * accepted. Resolves when they have, or after `timeout`, and tells how much was and was not consumed. May be
   * called from any thread, and again. A stage that nobody has open is waited for too.
   *
   * @param options `timeout` in milliseconds, 0 to 2147483647 or `Infinity` (default); 0 does not wait.
   * @throws Rejects with `ERR_MILLRACE_CLOSED` when this thread has detached, and `ERR_MILLRACE_INVALID_ARGUMENT`.
   */
  close(options?: { readonly timeout?: number }): Promise<RingClosed>;
  /**
   * Whether a {@link close} that waits keeps the event loop alive; it does unless said otherwise. Nothing else of a ring
   * does: producers and consumers say for themselves.
   */
  ref(): this;
  /** See {@link ref}. */
  unref(): this;
  /** Lets go of the ring in this thread: flushes, and closes the producers and consumers it has open. Others go on. */
  detach(): void;
  /** Closes a ring that was made in this thread, waiting for its stages without a limit, and detaches from any. */
  [Symbol.asyncDispose](): Promise<void>;
  [inspect.custom](): string;
}

/** Something that hands out values one after another until it ends. */
export declare interface Source<T> extends AsyncIterable<T> {
  /** The next value; undefined when there will be none. Leaving the wait (signal, timeout) takes nothing. */
  receive(options?: WaitOptions): Operation<T | undefined>;
}

/** What a consumer's batches have in common. */
export declare interface StageBatch<E> extends Iterable<E> {
  /** The number of the first event. */
  readonly sequence: number;
  /** The number behind the last. */
  readonly end: number;
}

/**
 * The consumer of a stage: a Source of batches. Opened by the one thread that does this stage's
 * work; another may open it after {@link close}, or when the thread has ended, and gets what was not
 * released. Of a stage with `workers` one of those: it gets a share of the events, each of which goes to one worker, and
 * what it has not released comes to the others.
 */
export declare abstract class StageConsumer<E, B extends StepBatch<E>> implements Source<B> {
  #private;
  /** Name of the stage. */
  get stage(): string;
  /**
   * The batch that is ready now; undefined when nothing is, or nothing more will come ({@link ended}). Ends the step
   * before: its batch is released, unless that is done by hand. Does not flush what this thread publishes.
   *
   * @param max Most places, from 1; default `maxBatch`.
   * @throws `ERR_MILLRACE_CLOSED` when this consumer was closed; `ERR_MILLRACE_INVALID_ARGUMENT`, also while somebody
   *   waits for a batch.
   */
  poll(max?: number): B | undefined;
  /**
   * Waits for a batch; undefined when the ring is closed and everything was consumed. Ends the step before. One wait at
   * a time.
   *
   * @throws Rejects with `ERR_MILLRACE_TIMEOUT` or `ERR_MILLRACE_ABORTED`: then nothing was taken;
   *   `ERR_MILLRACE_CONSUMER_FAILED` when another stage stopped the ring before this one had got everything;
   *   `ERR_MILLRACE_CLOSED`; `ERR_MILLRACE_INVALID_ARGUMENT` while somebody waits already, or when the ring's `wait` is
   *   `'yield'` or `'spin'`.
   */
  receive(options?: WaitOptions): Operation<B | undefined>;
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
  waitSync(options?: Pick<WaitOptions, 'timeout'>): boolean;
  /**
   * Batches as they come, until the ring is closed and everything was consumed; timers and sockets have a turn every 5 ms.
   * Leaving the loop releases what was passed, not the event in hand: that and the rest come again; a step that is waited
   * for ends and takes nothing. Throws as {@link receive} rejects, and with `ERR_MILLRACE_INVALID_ARGUMENT` beside somebody who waits for a batch.
   */
  [Symbol.asyncIterator](): AsyncIterator<B>;
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
    options?: RunOptions,
  ): void;
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
  release(sequence: number): void;
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
  into<Item, Result>(queue: BatchQueue<Item, Result>, options: IntoOptions<E, Item>): Promise<void>;
  /** True when the ring is closed, or failed, and nothing more will come; also when this consumer was closed. */
  get ended(): boolean;
  /** Whether waiting for events keeps the event loop alive; it does unless said otherwise. */
  ref(): this;
  /** See {@link ref}. */
  unref(): this;
  /**
   * Releases what was passed, unless that is done by hand, and lets another open this stage, where what was not released
   * comes again, or to the other workers of a shared one. A stage that has joined leaves: it holds nobody back any more.
   */
  close(): void;
  [Symbol.dispose](): void;
  /**
   * Counts since the ring was made, or since the stage joined, and the throughput since the last call; of a stage that
   * has left, as they were then.
   */
  stats(): StageStatistics;
  [inspect.custom](): string;
}

/** An event as a stage sees it: only the fields it owns may be written. */
export declare type StageEvent<F extends Fields, S> = {
  readonly [K in Exclude<keyof F, Owned<S>>]: F[K] extends `bytes(${number})`
    ? ReadonlyBuffer
    : FieldValue<F[K]>;
} & {
  -readonly [K in keyof F & Owned<S>]: FieldValue<F[K]>;
} & Copies<F>;

/** A stage of a ring. */
export declare interface StageOptions {
  /** Stages that must be done with an event first; the producers when left out. */
  readonly after?: readonly string[];
  /** Fields this stage may write. No stage that may run at the same time may own them too. */
  readonly writes?: readonly string[];
  /**
   * How many workers share this stage's events, each event going to exactly one of them: 1 to 30. `ring.consumer` then
   * opens the stage so many times, from any threads. Without it the stage has one consumer, which gets every event in
   * order. A ring has 31 places for stages and workers together.
   */
  readonly workers?: number;
}

/** A record as a stage sees it: header fields, of which it may write those it owns, and the payload. */
export declare type StageRecord<H extends Fields, S> = Omit<StageEvent<H, S>, 'copy'> & {
  /** The payload: a Buffer over shared memory, valid as long as the record is. */
  readonly bytes: Buffer_2;
  /** Bytes of the payload. */
  readonly length: number;
  /** Which place in the ring the record begins at; grows from record to record. */
  readonly sequence: number;
  /** The payload as an ordinary Buffer, to keep. */
  copy(): Buffer_2;
};

/** The stages of a ring, by name. */
export declare type Stages = Readonly<Record<string, StageOptions>>;

/** Counts of one stage, its workers together. */
export declare interface StageStatistics {
  /** Whether it has joined, and is not of the ring's graph. */
  readonly joined: boolean;
  /** Events published that this stage has not released; slots that producers gave up do not count. */
  readonly lag: number;
  /** The next event to be released, exact. */
  readonly sequence: number;
  /**
   * Events (places, of a byte ring) released a second between this call and the one before on the same object; the
   * first counts from when that ring was made or attached to, or that consumer opened.
   */
  readonly throughput: number;
  /** Batches released; this and the counts below wrap at 2^32. */
  readonly batches: number;
  /** Times this stage went to sleep. */
  readonly waits: number;
  /** Wakes this stage made, and those it could spare because nobody slept. */
  readonly wakes: number;
  readonly elided: number;
  /** Events that `run` passed over because the handler, or native work, failed, see {@link RunOptions.onError}. */
  readonly skipped: number;
  /** Batches that `run` began again for the same reason. */
  readonly retries: number;
}

/**
 * How consumers without events wait:
 *
 * - `'adaptive'` looks a while, some 10 us, and then sleeps: for what you know nothing about.
 * - `'block'` sleeps at once: for events far apart, or more threads than cores.
 * - `'yield'` lends its core between looks and never sleeps: takes a whole core when nobody else wants it.
 * - `'spin'` looks again and again and never sleeps: native stages take a whole core; `run` waits as with `'yield'`.
 *
 * What never sleeps cannot wait on an event loop: `for await`, `receive` and `into` reject.
 */
export declare type Wait = (typeof waits)[number];

/** How long a wait may take; every wait of Millrace takes these. */
export declare interface WaitOptions {
  /** Aborting it ends the wait with `ERR_MILLRACE_ABORTED`; the signal's reason is the `cause`. */
  signal?: AbortSignal | undefined;
  /**
   * Milliseconds after which the wait ends with `ERR_MILLRACE_TIMEOUT`: 0 to 2147483647, or
   * `Infinity` (the default).
   */
  timeout?: number | undefined;
}

/** How a ring waits, by its number in the header. */
declare const waits: readonly ['block', 'yield', 'spin', 'adaptive'];

/**
 * Fills an event, which is a view that is reused: not to be kept. `argument` is what was given beside it, so that one
 * function serves for all events. It has to set every field: a slot still has what was in it a lap ago. It must not use
 * the producer, which would write to the same slot: publishing or claiming then throws `ERR_MILLRACE_INVALID_ARGUMENT`.
 */
export declare type Write<E, A> = (event: E, argument: A) => void;

/** Fills the header fields of a record; as {@link Write} it must not use the producer. */
export declare type WriteHeader<H, A> = (header: H, argument: A) => void;

/** Fills the header fields of the record at `index`, from 0 on, of several; see {@link WriteHeader}. */
export declare type WriteHeaders<H, A> = (header: H, index: number, argument: A) => void;

/** Fills the event at `index`, from 0 on, of several; see {@link Write}. */
export declare type WriteMany<E, A> = (event: E, index: number, argument: A) => void;

/** What writes into a `Buffer`, or hands its memory out. */
declare type Writing =
  | `write${string}`
  | 'copyWithin'
  | 'fill'
  | 'reverse'
  | 'set'
  | 'sort'
  | `swap${number}`;

export {};
