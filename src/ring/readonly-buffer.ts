import type { Buffer } from 'node:buffer';

/** What writes into a `Buffer`, or hands its memory out. */
type Writing =
  | `write${string}`
  | 'copyWithin'
  | 'fill'
  | 'reverse'
  | 'set'
  | 'sort'
  | `swap${number}`;

/**
 * A `Buffer` over an event's field that the stage does not own: the compiler refuses to write into it, and yet it goes
 * wherever a `Buffer` or `Uint8Array` does. What is made of it (`subarray`, `buffer`) is not looked after.
 */
export type ReadonlyBuffer = {
  readonly [K in keyof Buffer]: K extends Writing ? never : Buffer[K];
};
