import { invalidArgument } from '../errors.js';
import type { Arrays } from './arrays.js';
import type { Place } from './fields.js';
import type { Accessors } from './view.js';

/** Fields of 64 bits that are seen as numbers. */
export type SafeType = 'i64:number' | 'u64:number';

/** @internal Whether a field is one of 64 bits that is seen as a number. */
export function isSafeType(kind: Place['kind']): kind is SafeType {
  return kind === 'i64:number' || kind === 'u64:number';
}

const HIGH = 2 ** 32;

/**
 * One number of 64 bits, as two halves: every platform of Millrace has the lower one first. The sum of the halves is
 * rounded once, so beyond 2^53 it is the nearest number.
 *
 * Each type has a literal of its own, for the reason that `numberAccessors` has.
 */
export function safeAccessors({ name, kind, offset }: Place, { i32, u32 }: Arrays): Accessors {
  if (kind === 'u64:number') {
    return {
      get() {
        const word = (this.$at + offset) >> 2;
        return (u32[word + 1] as number) * HIGH + (u32[word] as number);
      },
      set(value: number) {
        if (!Number.isSafeInteger(value) || value < 0) throw unsafe(name, value, 0);
        const word = (this.$at + offset) >> 2;
        u32[word] = value;
        u32[word + 1] = value / HIGH;
      },
    };
  }
  return {
    get() {
      const word = (this.$at + offset) >> 2;
      return (i32[word + 1] as number) * HIGH + (u32[word] as number);
    },
    set(value: number) {
      if (!Number.isSafeInteger(value)) throw unsafe(name, value, Number.MIN_SAFE_INTEGER);
      const word = (this.$at + offset) >> 2;
      u32[word] = value;
      i32[word + 1] = Math.floor(value / HIGH);
    },
  };
}

/** An array of them: reading it makes a `Float64Array` with the numbers, which is not over the event. */
export function safeArrayAccessors(place: Place, arrays: Arrays): Accessors {
  const { name, kind, length, offset } = place;
  const { i32, u32 } = arrays;
  const signed = kind === 'i64:number';
  const high = signed ? i32 : u32;
  const least = signed ? Number.MIN_SAFE_INTEGER : 0;
  return {
    get() {
      const numbers = new Float64Array(length);
      let word = (this.$at + offset) >> 2;
      for (let i = 0; i < length; i++, word += 2) {
        numbers[i] = (high[word + 1] as number) * HIGH + (u32[word] as number);
      }
      return numbers;
    },
    set(value: ArrayLike<number>) {
      if (typeof value !== 'object' || value?.length !== length) {
        throw invalidArgument(name, value, `${length} numbers`);
      }
      for (let i = 0; i < length; i++) {
        const number = value[i] as number;
        if (!Number.isSafeInteger(number) || number < least) {
          throw unsafe(`${name}[${i}]`, number, least);
        }
      }
      let word = (this.$at + offset) >> 2;
      for (let i = 0; i < length; i++, word += 2) {
        const number = value[i] as number;
        u32[word] = number;
        high[word + 1] = Math.floor(number / HIGH);
      }
    },
  };
}

function unsafe(name: string, value: unknown, least: number) {
  return invalidArgument(
    name,
    value,
    `a whole number from ${least} to ${Number.MAX_SAFE_INTEGER}; a field of type 'i64' or 'u64' takes any, as BigInt`,
  );
}
