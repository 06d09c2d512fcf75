import { Buffer } from 'node:buffer';
import { invalidArgument, MillraceError } from '../errors.js';
import type { Arrays } from './arrays.js';
import { copyBytes } from './copy-bytes.js';
import { type NumberType, type Place, TEXT_PREFIX } from './fields.js';
import { isSafeType, type SafeType, safeAccessors, safeArrayAccessors } from './safe-integers.js';
import { unwritten } from './unwritten.js';

/**
 * With `MILLRACE_CHECK=1`, using a view after its step throws `ERR_MILLRACE_STALE`.
 *
 * Code that runs for each event has this in a constant of its own module, which V8 folds away: an import it looks up
 * and turns into a boolean each time, a dozen instructions.
 */
export const checked: boolean = process.env.MILLRACE_CHECK === '1';

/** @internal What every view of an event is: where in its memory the event lies. Fields of users never begin with `$`. */
export class View {
  /** Byte offset of the event's fields; negative once its step is over, with `MILLRACE_CHECK=1`. */
  declare $at: number;
}

/** @internal Makes views of one kind of event. */
export type ViewClass<V extends View> = new () => V;

/**
 * A class with an accessor a field. Built once a stage and memory: an accessor is one access of a
 * typed array, which is a constant for the compiler, because the accessor closes over it. (An array
 * that is a field of the view costs three to four times as much.)
 *
 * @param base What the class adds accessors to.
 * @param writable Names of the fields that may be assigned; others throw
 *   `ERR_MILLRACE_FIELD_OWNERSHIP`.
 * @param stage Who looks, for that error.
 * @param arrays The memory.
 * @param beside Names of fields that others may write meanwhile.
 */
export function makeView<V extends View>(
  base: ViewClass<V>,
  places: readonly Place[],
  writable: ReadonlySet<string>,
  stage: string,
  arrays: Arrays,
  beside: ReadonlySet<string> = new Set(),
): ViewClass<V> {
  const view = class extends (base as ViewClass<View>) {} as ViewClass<V>;
  for (const place of places) {
    const { get, set } = accessors(place, arrays);
    const mayWrite = writable.has(place.name);
    const owned = mayWrite ? set : refuse(place.name, stage);
    const watched = checked && isWindow(place) && !mayWrite && !beside.has(place.name);
    const found = watched ? unwritten(get, place.name, stage) : get;
    Object.defineProperty(view.prototype, place.name, {
      get: checked ? live(found) : get,
      set: checked ? live(owned) : owned,
      enumerable: true,
    });
  }
  return view;
}

/** A plain object with the view's fields, whose bytes and arrays are its own. */
export function copyFields(view: View, places: readonly Place[]): Record<string, unknown> {
  const copy: Record<string, unknown> = {};
  for (const { name, kind, array } of places) {
    const value = (view as unknown as Record<string, unknown>)[name];
    if (kind === 'bytes') copy[name] = Buffer.from(value as Uint8Array);
    else copy[name] = array ? (value as Uint8Array).slice() : value;
  }
  return copy;
}

/** @internal How a field of a view is read and assigned. */
export interface Accessors {
  get(this: View): unknown;
  // biome-ignore lint/suspicious/noExplicitAny: each accessor narrows what it takes
  set(this: View, value: any): void;
}

/** Whether what a field reads as is over the event itself. */
function isWindow({ kind, array }: Place): boolean {
  return kind === 'bytes' || (array && !(kind !== 'utf8' && isSafeType(kind)));
}

function accessors(place: Place, arrays: Arrays): Accessors {
  if (place.kind === 'bytes') return bytesAccessors(place, arrays);
  if (place.kind === 'utf8') return textAccessors(place, arrays);
  const { kind, offset } = place;
  if (isSafeType(kind)) {
    return place.array ? safeArrayAccessors(place, arrays) : safeAccessors(place, arrays);
  }
  if (place.array) return arrayAccessors(place, arrays[kind]);
  return (numberAccessors[kind] as (array: unknown, offset: number) => Accessors)(
    arrays[kind],
    offset,
  );
}

/** Numbers that a typed array has as they are. */
type ElementType = Exclude<NumberType, SafeType>;

/**
 * Each type has a literal of its own: accessors that come from one literal share what V8 learns
 * about them, and would be slow for having seen several kinds of arrays.
 *
 * None is longer than the 26 bytes of bytecode that V8 takes into its callers whatever else it took in. It decides that
 * late for accessors, and an event costs two to three times as much where they are calls. What is closed over are
 * parameters, because a constant would be looked at in each access for being set: 2 bytes.
 */
const numberAccessors: { [K in ElementType]: (array: Arrays[K], offset: number) => Accessors } = {
  i8: (array, offset) => ({
    get() {
      return array[this.$at + offset];
    },
    set(value: number) {
      array[this.$at + offset] = value;
    },
  }),
  u8: (array, offset) => ({
    get() {
      return array[this.$at + offset];
    },
    set(value: number) {
      array[this.$at + offset] = value;
    },
  }),
  i16: (array, offset) => ({
    get() {
      return array[(this.$at + offset) >> 1];
    },
    set(value: number) {
      array[(this.$at + offset) >> 1] = value;
    },
  }),
  u16: (array, offset) => ({
    get() {
      return array[(this.$at + offset) >> 1];
    },
    set(value: number) {
      array[(this.$at + offset) >> 1] = value;
    },
  }),
  i32: (array, offset) => ({
    get() {
      return array[(this.$at + offset) >> 2];
    },
    set(value: number) {
      array[(this.$at + offset) >> 2] = value;
    },
  }),
  u32: (array, offset) => ({
    get() {
      return array[(this.$at + offset) >> 2];
    },
    set(value: number) {
      array[(this.$at + offset) >> 2] = value;
    },
  }),
  f32: (array, offset) => ({
    get() {
      return array[(this.$at + offset) >> 2];
    },
    set(value: number) {
      array[(this.$at + offset) >> 2] = value;
    },
  }),
  f64: (array, offset) => ({
    get() {
      return array[(this.$at + offset) >> 3];
    },
    set(value: number) {
      array[(this.$at + offset) >> 3] = value;
    },
  }),
  i64: (array, offset) => ({
    get() {
      return array[(this.$at + offset) >> 3];
    },
    set(value: bigint) {
      array[(this.$at + offset) >> 3] = value;
    },
  }),
  u64: (array, offset) => ({
    get() {
      return array[(this.$at + offset) >> 3];
    },
    set(value: bigint) {
      array[(this.$at + offset) >> 3] = value;
    },
  }),
};

function arrayAccessors({ name, length, offset }: Place, array: Arrays[ElementType]): Accessors {
  const shift = Math.log2(array.BYTES_PER_ELEMENT);
  return {
    get() {
      const first = (this.$at + offset) >> shift;
      return array.subarray(first, first + length);
    },
    set(value: ArrayLike<never>) {
      if (typeof value !== 'object' || value?.length !== length) {
        throw invalidArgument(name, value, `${length} numbers`);
      }
      const first = (this.$at + offset) >> shift;
      for (let i = 0; i < length; i++) array[first + i] = value[i] as never;
    },
  };
}

function bytesAccessors({ name, length, offset }: Place, { bytes, u8, i32 }: Arrays): Accessors {
  return {
    get() {
      const first = this.$at + offset;
      return bytes.subarray(first, first + length);
    },
    set(value: Uint8Array) {
      if (!(value instanceof Uint8Array) || value.length > length) {
        throw invalidArgument(name, value, `a Uint8Array of at most ${length} bytes`);
      }
      const first = this.$at + offset;
      copyBytes(i32, u8, first, value);
      u8.fill(0, first + value.length, first + length);
    },
  };
}

function textAccessors({ name, length, offset }: Place, { bytes, u16 }: Arrays): Accessors {
  return {
    get() {
      const first = this.$at + offset;
      const end = first + TEXT_PREFIX + (u16[first >> 1] as number);
      return bytes.toString('utf8', first + TEXT_PREFIX, end);
    },
    set(value: string) {
      if (typeof value !== 'string' || Buffer.byteLength(value) > length) {
        throw invalidArgument(name, value, `text of at most ${length} bytes in UTF-8`);
      }
      const first = this.$at + offset;
      u16[first >> 1] = bytes.write(value, first + TEXT_PREFIX, length);
    },
  };
}

function refuse(field: string, stage: string): Accessors['set'] {
  return () => {
    throw new MillraceError(
      'ERR_MILLRACE_FIELD_OWNERSHIP',
      `${stage} does not own the field '${field}'; declare it in the stage's 'writes'`,
    );
  };
}

function live<A extends unknown[], R>(accessor: (this: View, ...values: A) => R) {
  return function (this: View, ...values: A): R {
    checkLive(this);
    return accessor.apply(this, values);
  };
}

/** Throws `ERR_MILLRACE_STALE` when the step of this view is over. */
export function checkLive(view: View): void {
  if (view.$at >= 0) return;
  throw new MillraceError(
    'ERR_MILLRACE_STALE',
    'this event or record was used after its step, or after it was released; keep a copy() of what is needed later',
  );
}
