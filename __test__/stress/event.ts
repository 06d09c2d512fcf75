import { Buffer } from 'node:buffer';
import { createHash } from 'node:crypto';

/**
 * The fields of an event, or of a record's header: who published it and as its which, a check of both, what each stage
 * wrote, what a native stage hashes where there is no payload, and the hash.
 */
export const fields = {
  life: 'u32',
  n: 'u32',
  check: 'u32',
  m0: 'u32',
  m1: 'u32',
  m2: 'u32',
  m3: 'u32',
  raw: 'bytes(12)',
  digest: 'bytes(8)',
} as const;

type Numbers = Exclude<keyof typeof fields, 'raw' | 'digest'>;

/** An event as its producer sees it. */
export type Event = { [K in Numbers]: number } & { raw: Buffer };

/** An event as a stage sees it; of a record `bytes` is its payload. */
export type Taken = Event & { readonly digest: Buffer; readonly bytes: Buffer };

/** Bytes of a record before its payload: two words, and the fields. */
export const RECORD_HEAD = 56;

/** What the event says if it is whole. */
export const checkOf = (life: number, n: number): number =>
  (Math.imul(life + 1, 0x9e3779b1) ^ Math.imul(n + 7, 0x85ebca6b)) >>> 0;

/** What the stage with an index writes to its field. */
export const markOf = (life: number, n: number, index: number): number =>
  (checkOf(life, n) + index + 1) >>> 0;

/** What an event says in bytes. */
export const rawOf = (check: number): Buffer => Buffer.alloc(12, String(check));

/** What a record says: of any length up to `most` bytes, mostly short. */
export function payloadOf(check: number, most: number): string {
  const length = check % (check % 40 === 0 ? most + 1 : Math.min(most + 1, 120));
  // Text of a byte a character, but for what some begin with.
  const begin = length > 1 && check % 3 === 0 ? 'ä' : '';
  const rest = length - Buffer.byteLength(begin);
  return (
    begin +
    String(check)
      .repeat(1 + rest / String(check).length)
      .slice(0, rest)
  );
}

/** What a native stage makes of bytes. */
export const digestOf = (bytes: Buffer): Buffer =>
  createHash('sha256').update(bytes).digest().subarray(0, 8);
