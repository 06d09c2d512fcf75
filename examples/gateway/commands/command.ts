import type { IdRequest } from '../next-id.js';
import type { StreamId } from '../stream-id.js';

/**
 * Names of streams are bytes. They are carried as `latin1` text, one character a byte, which makes
 * them keys of a `Map` without losing any.
 */
export type StreamName = string;

/** XADD: one entry that is to be stored. */
export interface Append {
  readonly kind: 'append';
  readonly stream: StreamName;
  /** With NOMKSTREAM a stream that does not exist stays so. */
  readonly makeStream: boolean;
  readonly id: IdRequest;
  /** {@link DIGEST_BYTES} bytes for the digest, then the packed fields. */
  readonly payload: Buffer;
  /** SHA-256 of the value of `_key`: as long as any other, whatever the client sent. */
  readonly key: Buffer | undefined;
}

/** XLEN. */
export interface Length {
  readonly kind: 'length';
  readonly stream: StreamName;
}

/** XRANGE and XREVRANGE; both ends belong to it. */
export interface Range {
  readonly kind: 'range';
  readonly stream: StreamName;
  readonly low: StreamId;
  readonly high: StreamId;
  readonly reverse: boolean;
  /** Most entries wanted; undefined: all. */
  readonly count: number | undefined;
}

/** What needs the database. */
export type Command = Append | Length | Range;

/** Bytes of a SHA-256. */
export const DIGEST_BYTES = 32;

/** A reply that is known at once: one encoded RESP value, and whether the connection ends with it. */
export interface Answer {
  readonly kind: 'answer';
  readonly reply: string | Buffer;
  readonly end: boolean;
}

/** An {@link Answer} after which the connection goes on. */
export function answer(reply: string | Buffer): Answer {
  return { kind: 'answer', reply, end: false };
}
