import { invalidArgument } from '../errors.js';

/**
 * A numeric field: what JavaScript sees is a number, or a BigInt for `i64` and `u64`.
 *
 * `'i64:number'` and `'u64:number'` lie in memory as `i64` and `u64` do, and are seen as numbers, without a BigInt being
 * made: exact from -(2^53 - 1) to 2^53 - 1. What native code wrote beyond that is read as the nearest number, as
 * `Number(bigint)` gives it, which `Number.isSafeInteger` tells; assigning anything but a safe integer (of
 * `'u64:number'` from 0 on) throws `ERR_MILLRACE_INVALID_ARGUMENT`.
 */
export type NumberType =
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

/**
 * The type of a field: a number, an array of numbers of fixed length (`'f64[5]'`, `'u64:number[4]'`), fixed bytes
 * (`'bytes(32)'`; fewer are filled up with zeros) or text of at most so many bytes of UTF-8 (`'utf8(32)'`). Lengths are 1
 * to 65,535.
 */
export type FieldType =
  | NumberType
  | `${NumberType}[${number}]`
  | `bytes(${number})`
  | `utf8(${number})`;

/** The fields of an event, by name. */
export type Fields = Readonly<Record<string, FieldType>>;

/** What a program sees of a field. */
export type FieldValue<T extends FieldType> = T extends 'i64' | 'u64'
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

/** @internal One field, placed. */
export interface Place {
  readonly name: string;
  readonly kind: NumberType | 'bytes' | 'utf8';
  /** Numbers of an array, bytes of bytes and text; 1 for a number alone. */
  readonly length: number;
  /** True for arrays of numbers. */
  readonly array: boolean;
  /** Bytes from the begin of the event. */
  readonly offset: number;
}

/** Bytes of a number. */
export const numberBytes: Readonly<Record<NumberType, number>> = {
  i8: 1,
  u8: 1,
  i16: 2,
  u16: 2,
  i32: 4,
  u32: 4,
  f32: 4,
  f64: 8,
  i64: 8,
  u64: 8,
  'i64:number': 8,
  'u64:number': 8,
};

/** Bytes before a text: its length. */
export const TEXT_PREFIX = 2;
const MAX_LENGTH = 65_535;

const pattern =
  /^(?:(?<number>[iu](?:8|16|32|64)|f32|f64|[iu]64:number)(?:\[(?<count>\d+)\])?|(?<text>bytes|utf8)\((?<size>\d+)\))$/;
const reserved = ['copy', 'sequence', 'length', 'bytes', 'toJSON'];

/**
 * Places fields behind one another, the most aligned first, so that none is padded apart.
 *
 * @param option What the user calls them.
 * @returns The places in the order of their names as given, and the bytes they take together.
 * @throws `ERR_MILLRACE_INVALID_ARGUMENT` for a name or type that cannot be.
 */
export function placeFields(fields: Fields, option = 'fields'): { places: Place[]; bytes: number } {
  if (typeof fields !== 'object' || fields === null) {
    throw invalidArgument(option, fields, "an object of fields, such as { id: 'u32' }");
  }
  const parsed = Object.entries(fields).map(([name, type]) => parseField(option, name, type));
  let bytes = 0;
  const places: Place[] = [];
  for (const alignment of [8, 4, 2, 1]) {
    for (const field of parsed) {
      if (field.alignment !== alignment) continue;
      bytes = Math.ceil(bytes / alignment) * alignment;
      const { name, kind, length, array } = field;
      places.push({ name, kind, length, array, offset: bytes });
      bytes += field.bytes;
    }
  }
  places.sort((a, b) => names(fields, a.name) - names(fields, b.name));
  return { places, bytes };
}

function names(fields: Fields, name: string): number {
  return Object.keys(fields).indexOf(name);
}

function parseField(option: string, name: string, type: unknown) {
  if (!/^[A-Za-z_]\w*$/.test(name) || reserved.includes(name) || name in Object.prototype) {
    throw invalidArgument(
      option,
      name,
      `names of letters, digits and '_' that an event does not have already, as ${reserved.join(', ')} and what every object has`,
    );
  }
  const match = typeof type === 'string' ? pattern.exec(type) : null;
  const { number, count, text, size } = match?.groups ?? {};
  const length = Number(count ?? size ?? 1);
  if (!match || length < 1 || length > MAX_LENGTH) {
    throw invalidArgument(
      `${option}.${name}`,
      type,
      `a number type (i8 to f64, i64:number, u64:number), an array such as 'f64[5]', 'bytes(n)' or 'utf8(n)' with n from 1 to ${MAX_LENGTH}`,
    );
  }
  if (number !== undefined) {
    const alignment = numberBytes[number as NumberType];
    return {
      name,
      kind: number as NumberType,
      length,
      array: count !== undefined,
      alignment,
      bytes: alignment * length,
    };
  }
  const kind = text as 'bytes' | 'utf8';
  if (kind === 'bytes') return { name, kind, length, array: false, alignment: 4, bytes: length };
  return { name, kind, length, array: false, alignment: 2, bytes: TEXT_PREFIX + length };
}
