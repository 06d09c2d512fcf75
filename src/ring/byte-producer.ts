import { Buffer } from 'node:buffer';
import { inspect } from 'node:util';
import { invalidArgument, MillraceError } from '../errors.js';
import { binding } from '../native/binding.js';
import { checkMayStart, type Operation, operation, type WaitOptions } from '../operation.js';
import { Arrays } from './arrays.js';
import { copyBytes } from './copy-bytes.js';
import { layout as L } from './layout.js';
import { callNative } from './native-error.js';
import { noWrite, publishedWithin } from './producer.js';
import { payloadOffset } from './record-step.js';
import type { RingMemory } from './ring-memory.js';
import { closedProducer, ROOM, Seat } from './seat.js';
import { flushAtEndOfTurn, flushNoMore } from './staged.js';
import { checked, type View, type ViewClass } from './view.js';

const CHECKED = checked;

/** Fills the header fields of a record; as {@link Write} it must not use the producer. */
export type WriteHeader<H, A> = (header: H, argument: A) => void;

/** Bytes a producer stages before it flushes by itself. */
const FLUSH_AT = 1 << 16;

/**
 * Publishes records of any length up to half of the ring, for the thread that opened it. Consumers see them after a
 * flush: when 64 KiB are staged, at the end of the turn, before this thread waits or blocks, after each batch inside
 * `run`, or by {@link flush}. On a multi-producer ring each record is published at once, by one native call.
 */
export class ByteProducer<H extends object> {
  readonly #memory: RingMemory;
  readonly #seat: Seat;
  readonly #header: View;
  readonly #payload: number;
  /** Where a record's header is written: in place, or in memory of our own on multi-producer rings. */
  readonly #own: Arrays | undefined;
  /** Brings the cursor to a sequence, and wakes who waits for it. */
  readonly #show: (sequence: number) => void;
  #next: number;
  #published: number;
  /** Sequences before this are free. */
  #free: number;
  /** Header fields are being filled: the place of another record would be the same. */
  #filling = false;
  /** A claim is noted; what it is for may have failed. */
  #announced = false;
  /** @internal */
  scheduled = false;

  /** @internal */
  constructor(memory: RingMemory, makeViewOf: (arrays: Arrays) => ViewClass<View>) {
    this.#memory = memory;
    this.#seat = new Seat(memory);
    const fieldBytes = memory.words[L.HEADER_FIELDS] as number;
    this.#payload = payloadOffset(fieldBytes);
    const ownBytes = Math.ceil(fieldBytes / 8) * 8;
    this.#own = memory.multi ? new Arrays(new ArrayBuffer(ownBytes)) : undefined;
    this.#header = new (makeViewOf(this.#own ?? memory.arrays))();
    this.#next = Atomics.load(memory.words, L.CURSOR_CELL);
    this.#published = this.#next;
    this.#free = this.#next;
    this.#show = memory.advancer(L.CURSOR_CELL, this.#seat.cell, memory.sleeps);
    memory.opened(this);
  }

  /** Most payload bytes of a record: half of the ring, without the record's prefix and header fields. */
  get maxPayload(): number {
    return (this.#memory.capacity / 2) * L.GRANULE - this.#payload;
  }

  /**
   * Accepts a record if there is room.
   *
   * @param payload Text is written as UTF-8.
   * @param write Fills the header fields, which are zeros before; when it throws, nothing was accepted.
   * @param argument What `write` gets beside the header.
   * @returns false when the ring is full.
   * @throws `ERR_MILLRACE_FRAME_TOO_LARGE` beyond {@link maxPayload}; `ERR_MILLRACE_CLOSED`,
   *   `ERR_MILLRACE_CONSUMER_FAILED`, `ERR_MILLRACE_INVALID_ARGUMENT`.
   */
  tryPublish<A = undefined>(
    payload: Uint8Array | string,
    write?: WriteHeader<H, A>,
    argument?: A,
  ): boolean {
    const text = typeof payload === 'string';
    if (!text && !(payload instanceof Uint8Array)) {
      throw invalidArgument('payload', payload, 'a Uint8Array or a string');
    }
    if (write !== undefined && typeof write !== 'function') throw noWrite(write);
    if (this.#filling) throw publishedWithin();
    const length = bytesOf(payload);
    if (length > this.maxPayload) throw this.#tooLarge(length);
    if (this.#own)
      return this.#push(this.#own, text ? Buffer.from(payload) : payload, write, argument);
    const granules = (this.#payload + length + L.GRANULE - 1) >>> 5;
    const sequence = this.#claim(granules);
    if (sequence === undefined) return false;
    const { memory } = this.#seat;
    const at = memory.slots + (sequence & memory.mask) * L.GRANULE;
    const { arrays, words } = memory;
    const payloadWord = (at + this.#payload) >> 2;
    for (let word = (at + L.RECORD_PREFIX) >> 2; word < payloadWord; word++) words[word] = 0;
    if (write) {
      this.#header.$at = at + L.RECORD_PREFIX;
      this.#fill(write, argument as A);
    }
    words[at >> 2] = length;
    words[(at >> 2) + 1] = granules;
    if (text) arrays.bytes.write(payload, at + this.#payload, length);
    else copyBytes(words, arrays.u8, at + this.#payload, payload);
    this.#next = (sequence + granules) | 0;
    this.#accepted();
    return true;
  }

  /** Has header fields filled. */
  #fill<A>(write: WriteHeader<H, A>, argument: A): void {
    this.#filling = true;
    try {
      write(this.#header as unknown as H, argument);
    } catch (error) {
      this.#withdraw();
      throw error;
    } finally {
      this.#filling = false;
      if (CHECKED) this.#header.$at = -1;
    }
    if (!this.#seat.open) throw closedProducer();
  }

  /** Where a record of so many granules goes, with padding before it written; undefined when there is no room. */
  #claim(granules: number): number | undefined {
    const { memory } = this.#seat;
    if (this.#next === this.#published) this.#checkOpen();
    const left = memory.capacity - (this.#next & memory.mask);
    const padding = granules > left ? left : 0;
    if (((this.#free - this.#next) | 0) < padding + granules) {
      this.#checkOpen();
      this.flush();
      this.#free = (memory.slowestSink() + memory.capacity) | 0;
      if (((this.#free - this.#next) | 0) < padding + granules) return undefined;
    }
    if (!this.#announced) {
      this.#seat.announce((this.#next + padding + granules) | 0, this.#next);
      this.#announced = true;
      flushAtEndOfTurn(this);
    }
    if (padding > 0) {
      const at = (memory.slots + (this.#next & memory.mask) * L.GRANULE) >> 2;
      memory.words[at] = L.PADDING;
      memory.words[at + 1] = padding;
    }
    return (this.#next + padding) | 0;
  }

  #push<A>(
    own: Arrays,
    payload: Uint8Array,
    write: WriteHeader<H, A> | undefined,
    argument: A | undefined,
  ): boolean {
    this.#checkOpen();
    own.u8.fill(0);
    if (write) {
      this.#header.$at = 0;
      this.#fill(write, argument as A);
    }
    const { memory, index } = this.#seat;
    const fields = own.u8.subarray(0, memory.words[L.HEADER_FIELDS]);
    const code = callNative('this record', () =>
      binding.pushCopied(memory.handle, index, fields, payload),
    );
    if (code === 0) return true;
    if (code === -1) return false;
    throw memory.closedError();
  }

  /** What was announced before anything was accepted will not come; the next record may be shorter. */
  #withdraw(): void {
    if (!this.#seat.open || !this.#announced || this.#next !== this.#published) return;
    this.#announced = false;
    this.#seat.withdraw(this.#next);
  }

  #accepted(): void {
    this.#seat.noteWritten(this.#next);
    if (((this.#next - this.#published) | 0) * L.GRANULE >= FLUSH_AT) this.flush();
  }

  /** Makes what was accepted visible, and wakes consumers that wait for it. */
  flush(): void {
    if (!this.#seat.open) return;
    if (this.#next === this.#published && !this.#announced) return;
    this.#announced = false;
    const { memory } = this.#seat;
    if (this.#next === this.#published || memory.words[L.HEADER_STATE] === L.FAILED) {
      this.#seat.lose((this.#next - this.#published) | 0);
      this.#next = this.#published;
      this.#seat.noteWritten(this.#next);
      this.#seat.withdraw(this.#next);
      return;
    }
    this.#published = this.#next;
    this.#show(this.#next);
  }

  /**
   * Accepts a record, waiting for room.
   *
   * @throws Rejects as {@link tryPublish} throws, and with `ERR_MILLRACE_TIMEOUT` or `ERR_MILLRACE_ABORTED`: then nothing
   *   was accepted.
   */
  async publish<A = undefined>(
    payload: Uint8Array | string,
    write?: WriteHeader<H, A>,
    argument?: A,
    options?: WaitOptions,
  ): Promise<void> {
    checkMayStart(options, ROOM);
    if (this.tryPublish(payload, write, argument)) return;
    const attempt = () => this.tryPublish(payload, write, argument) || undefined;
    await this.#seat.whenRoom(options, this.#end(bytesOf(payload)), attempt);
  }

  /**
   * Waits until there is room for a record of `length` payload bytes; of a `'multi'` ring another producer may take it
   * first.
   *
   * @throws `ERR_MILLRACE_FRAME_TOO_LARGE` beyond {@link maxPayload}, `ERR_MILLRACE_INVALID_ARGUMENT`. Rejects with `ERR_MILLRACE_CLOSED`, `ERR_MILLRACE_CONSUMER_FAILED`, `ERR_MILLRACE_TIMEOUT` or
   *   `ERR_MILLRACE_ABORTED`.
   */
  ready(length: number, options?: WaitOptions): Operation<void> {
    if (!Number.isInteger(length) || length < 0) {
      throw invalidArgument('length', length, 'a whole number of bytes');
    }
    if (length > this.maxPayload) throw this.#tooLarge(length);
    return operation(
      options,
      (resolve, reject) => {
        this.flush();
        return this.#seat.await(this.#end(length), resolve, reject);
      },
      ROOM,
    );
  }

  /** Tells where a record of so many payload bytes would end. */
  #end(length: number): () => number {
    const bytes = this.#payload + length;
    const granules = Math.ceil(bytes / L.GRANULE);
    const memory = this.#memory;
    return () => {
      const next = memory.multi ? Atomics.load(memory.words, L.CLAIM_CELL) : this.#next;
      const left = memory.capacity - (next & memory.mask);
      return (next + granules + (granules > left ? left : 0)) | 0;
    };
  }

  #checkOpen(): void {
    if (!this.#seat.open) throw closedProducer();
    this.#memory.checkOpen();
  }

  #tooLarge(length: number): MillraceError {
    return new MillraceError(
      'ERR_MILLRACE_FRAME_TOO_LARGE',
      `a record of ${length} bytes does not fit; this ring takes up to ${this.maxPayload}, half of its capacity`,
    );
  }

  /** Takes nothing more, flushes, and gives this producer's seat to others. Nothing when it is closed already. */
  close(): void {
    if (!this.#seat.open) return;
    this.flush();
    flushNoMore(this);
    this.#memory.closed(this);
    this.#seat.close();
  }

  [Symbol.dispose](): void {
    this.close();
  }

  [inspect.custom](): string {
    return `ByteProducer { open: ${this.#seat.open} }`;
  }
}

function bytesOf(payload: Uint8Array | string): number {
  return typeof payload === 'string' ? Buffer.byteLength(payload) : payload.length;
}
