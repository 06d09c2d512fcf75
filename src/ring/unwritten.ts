import { Buffer } from 'node:buffer';
import { MillraceError } from '../errors.js';
import type { View } from './view.js';

/** The bytes of a field as a stage was handed them, and as they were then. */
interface Handed {
  readonly stage: string;
  readonly bytes: Uint8Array;
  readonly before: Uint8Array;
}

/** By view, and by field. A view is of one event only where uses are checked. */
const handed = new WeakMap<View, Map<string, Handed>>();

/**
 * With `MILLRACE_CHECK=1`: the getter of a field's `Buffer` or typed array, for a stage that must not write into it.
 * Memory that threads share cannot be made read-only, so that is found out afterwards, by {@link checkUnwritten}. The field
 * must be one that nobody else may write meanwhile.
 */
export function unwritten<V extends View>(
  get: (this: V) => unknown,
  field: string,
  stage: string,
): (this: V) => unknown {
  return function (this: V) {
    const value = get.call(this) as NodeJS.ArrayBufferView;
    const fields = handed.get(this) ?? new Map<string, Handed>();
    handed.set(this, fields);
    if (!fields.has(field)) {
      const bytes = new Uint8Array(value.buffer, value.byteOffset, value.byteLength);
      fields.set(field, { stage, bytes, before: bytes.slice() });
    }
    return value;
  };
}

/**
 * Throws `ERR_MILLRACE_FIELD_OWNERSHIP` when the stage has written into a field it was handed by `view`; the field has
 * its bytes again then. To be called before the event is released.
 */
export function checkUnwritten(view: View): void {
  const fields = handed.get(view);
  if (!fields) return;
  handed.delete(view);
  // Released by hand: the slot may be another event's.
  if (view.$at < 0) return;
  for (const [field, { stage, bytes, before }] of fields) {
    if (Buffer.compare(bytes, before) === 0) continue;
    bytes.set(before);
    throw new MillraceError(
      'ERR_MILLRACE_FIELD_OWNERSHIP',
      `${stage} has written into the field '${field}', which it does not own; declare it in the stage's 'writes', or write into a copy()`,
    );
  }
}
