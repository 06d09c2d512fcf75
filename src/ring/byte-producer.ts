import { Buffer } from 'node:buffer';
import { invalidArgument, MillraceError } from '../errors.js';
import { checkMayStart, type Operation, type WaitOptions } from '../operation.js';
import { layout as L } from './layout.js';
import { noWrite } from './producer.js';
import { RecordClaim } from './record-claim.js';
import { payloadOffset } from './record-step.js';
import type { RingMemory } from './ring-memory.js';
import { publishedWithin, RingProducer } from './ring-producer.js';
import { ROOM } from './seat.js';
import { checked, type View, type ViewClass } from './view.js';

const CHECKED = checked;

/** Fills the header fields of a record; as {@link Write} it must not use the producer. */
export type WriteHeader<H, A> = (header: H, argument: A) => void;

/** Fills the header fields of the record at `index`, from 0 on, of several; see {@link WriteHeader}. */
export type WriteHeaders<H, A> = (header: H, index: number, argument: A) => void;

/** Places a producer stages at most, 64 KiB: one record more, and it flushes by itself. */
const FLUSH_AT = (1 << 16) / L.GRANULE;

/**
 * Publishes records of any length up to half of the ring, for the thread that opened it. Consumers see them after a
 * flush: when 64 KiB are staged (a quarter of a ring of less than 256 KiB), at the end of the turn, before this thread
 * waits or blocks, after each batch inside `run`, or by {@link flush}; on a full `'multi'` ring, when there is room. Of a
 * `'multi'` ring a record that is longer than what is staged at most is published at once.
 */
export abstract class ByteProducer<H extends object> extends RingProducer {
  /** @internal Bytes of a record before its payload. */
  protected readonly payloadAt: number;
  /** Header fields are being filled: the place of another record would be the same. */
  #filling = false;
  readonly #inPlace: () => ViewClass<View>;
  /** The header of a claimed record; made when it is needed. */
  #headerView: ViewClass<View> | undefined;

  /**
   * @internal
   * @param inPlace Makes the view of headers in the ring.
   */
  protected constructor(memory: RingMemory, inPlace: () => ViewClass<View>) {
    super(memory, FLUSH_AT);
    this.#inPlace = inPlace;
    this.payloadAt = payloadOffset(memory.words[L.HEADER_FIELDS] as number);
  }

  /** Most payload bytes of a record: half of the ring, without the record's prefix and header fields. */
  get maxPayload(): number {
    return (this.memory.capacity / 2) * L.GRANULE - this.payloadAt;
  }

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
  ): boolean {
    if (typeof payload !== 'string' && !(payload instanceof Uint8Array)) {
      throw invalidArgument('payload', payload, 'a Uint8Array or a string');
    }
    if (write !== undefined && typeof write !== 'function') throw noWrite(write);
    if (this.#filling) throw publishedWithin();
    const length = bytesOf(payload);
    this.#checkLength(length);
    return this.push(payload, length, write, argument as A);
  }

  /** @internal The same of a payload of `length` bytes that may be accepted. */
  protected abstract push<A>(
    payload: Uint8Array | string,
    length: number,
    write: WriteHeader<H, A> | undefined,
    argument: A,
  ): boolean;

  /** @internal Has header fields filled. */
  protected fill<A>(write: WriteHeader<H, A>, header: View, argument: A): void {
    this.#filling = true;
    try {
      write(header as unknown as H, argument);
    } finally {
      this.#filling = false;
      if (CHECKED) header.$at = -1;
    }
  }

  /** @internal Where a record, or padding, begins. */
  protected writePrefix(at: number, length: number, places: number): void {
    const { words } = this.memory;
    words[at >> 2] = length;
    words[(at >> 2) + 1] = places;
  }

  /** @internal Places that a record of so many payload bytes takes. */
  protected places(length: number): number {
    return (this.payloadAt + length + L.GRANULE - 1) >>> 5;
  }

  /** @internal Places to be left before a record of `places` from `sequence` on: none crosses the end of the ring. */
  protected padding(sequence: number, places: number): number {
    const { capacity, mask } = this.memory;
    const left = capacity - (sequence & mask);
    return places > left ? left : 0;
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
    await this.seat.whenRoom(options, this.#end(bytesOf(payload)), attempt);
  }

  /**
   * Accepts a record a payload, in order, waiting for room as often as needed.
   *
   * @param payloads Text is written as UTF-8.
   * @throws Rejects as {@link publish} does; what was accepted until then stays so.
   */
  async publishMany<A = undefined>(
    payloads: readonly (Uint8Array | string)[],
    write?: WriteHeaders<H, A>,
    argument?: A,
    options?: WaitOptions,
  ): Promise<void> {
    if (!Array.isArray(payloads)) {
      throw invalidArgument('payloads', payloads, 'an array of Uint8Arrays and strings');
    }
    if (write !== undefined && typeof write !== 'function') throw noWrite(write);
    checkMayStart(options, ROOM);
    let done = 0;
    const next = () => payloads[done] as Uint8Array | string;
    const writeNext = write && ((header: H, argument: A) => write(header, done, argument));
    const attempt = () => {
      while (done < payloads.length) {
        if (!this.tryPublish(next(), writeNext, argument)) return undefined;
        done += 1;
      }
      return true;
    };
    if (attempt()) return;
    await this.seat.whenRoom(options, () => this.end(this.places(bytesOf(next()))), attempt);
  }

  /**
   * Waits until there is room for a record of `length` payload bytes, or of a `'multi'` ring for the first that is staged
   * and waits for some. Another producer may take it first.
   *
   * @throws `ERR_MILLRACE_FRAME_TOO_LARGE` beyond {@link maxPayload}, `ERR_MILLRACE_INVALID_ARGUMENT`. Rejects with
   *   `ERR_MILLRACE_CLOSED`, `ERR_MILLRACE_CONSUMER_FAILED`, `ERR_MILLRACE_TIMEOUT` or `ERR_MILLRACE_ABORTED`.
   */
  ready(length: number, options?: WaitOptions): Operation<void> {
    this.#checkBytes('length', length);
    return this.room(this.#end(length), options);
  }

  /**
   * Claims a record of up to `bytes` payload bytes if there is room: what was accepted before is flushed, so that it comes
   * before it. Publishing anything else with this producer throws until the claim is committed or aborted.
   *
   * @param bytes From 0 to {@link maxPayload}.
   * @returns undefined when there is no room for all of them now.
   * @throws `ERR_MILLRACE_FRAME_TOO_LARGE` beyond {@link maxPayload}; `ERR_MILLRACE_INVALID_ARGUMENT`, also while this
   *   producer has another claim open; `ERR_MILLRACE_CLOSED`, `ERR_MILLRACE_CONSUMER_FAILED`.
   */
  tryClaim(bytes: number): RecordClaim<H> | undefined {
    this.#checkBytes('bytes', bytes);
    if (!this.mayClaim()) return undefined;
    // Before anything is claimed: what fails then leaves no claim behind.
    this.#headerView ??= this.#inPlace();
    const header = new this.#headerView();
    const places = this.places(bytes);
    const start = this.claimPlaces(places);
    if (start === undefined) return undefined;
    const { slots, mask, stride, words, arrays, multi } = this.memory;
    const padding = this.padding(start, places);
    const at = slots + ((start + padding) & mask) * stride;
    const payloadAt = at + this.payloadAt;
    header.$at = at + L.RECORD_PREFIX;
    words.fill(0, header.$at >> 2, payloadAt >> 2);
    const payload = arrays.bytes.subarray(payloadAt, payloadAt + bytes);
    const claim = new RecordClaim<H>(header, payload, (used) => {
      this.openClaim = undefined;
      if (used === undefined) return this.slots.endClaim(start, padding + places, 0);
      // Where others claim behind it the record keeps the places that it does not use.
      const kept = multi ? places : this.places(used);
      if (padding > 0) this.writePrefix(slots + (start & mask) * stride, L.PADDING, padding);
      this.writePrefix(at, used, kept);
      this.slots.endClaim(start, padding + places, padding + kept);
    });
    this.openClaim = claim;
    return claim;
  }

  /**
   * Claims a record of up to `bytes` payload bytes, waiting for room for all of them.
   *
   * @throws Rejects as {@link tryClaim} throws, and with `ERR_MILLRACE_TIMEOUT` or `ERR_MILLRACE_ABORTED`: then nothing
   *   is claimed.
   */
  claim(bytes: number, options?: WaitOptions): Promise<RecordClaim<H>> {
    const attempt = () => this.tryClaim(bytes);
    return this.seat.whenRoom(options, this.#end(bytes), attempt);
  }

  /** @internal Claims the places of a record, and the padding before it. */
  protected abstract claimPlaces(places: number): number | undefined;

  /** @internal */
  protected override checkWriting(): void {
    if (this.#filling) throw publishedWithin();
  }

  /** @internal Where a record of so many places would end for which there must be room first. */
  protected end(places: number): number {
    return this.behind(this.next, places);
  }

  /** @internal Where a record of so many places ends for which the claim begins at `sequence`. */
  protected behind(sequence: number, places: number): number {
    return (sequence + this.padding(sequence, places) + places) | 0;
  }

  #end(length: number): () => number {
    const places = this.places(length);
    return () => this.end(places);
  }

  #checkBytes(name: string, bytes: number): void {
    if (!Number.isInteger(bytes) || bytes < 0) {
      throw invalidArgument(name, bytes, 'a whole number of bytes');
    }
    this.#checkLength(bytes);
  }

  #checkLength(length: number): void {
    const { maxPayload } = this;
    if (length <= maxPayload) return;
    throw new MillraceError(
      'ERR_MILLRACE_FRAME_TOO_LARGE',
      `a record of ${length} bytes does not fit; this ring takes up to ${maxPayload}, half of its capacity`,
    );
  }
}

function bytesOf(payload: Uint8Array | string): number {
  return typeof payload === 'string' ? Buffer.byteLength(payload) : payload.length;
}
